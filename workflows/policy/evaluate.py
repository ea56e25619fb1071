"""The decision: may this caller do this to that, and which statement says so.

Layers are ceilings laid over one another: every one of them must allow, and a Deny in any of them ends the
matter. Whatever is unclear, missing or too costly to work out is a refusal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workflows.errors import LimitExceeded
from workflows.policy.context import RequestContext, fold
from workflows.policy.document import Effect, Policy, PolicyKind, Statement, parse_policy
from workflows.policy.patterns import Work


@dataclass(frozen=True, slots=True)
class Request:
    """One question: `action` in any case, `resource` exactly, or `*` where the action has none."""

    action: str
    resource: str
    context: RequestContext = RequestContext()  # noqa: RUF009  immutable, so one empty context serves all


class Outcome(StrEnum):
    """The three answers; only the first lets the caller through."""

    ALLOWED = "allowed"
    IMPLICIT_DENY = "implicitDeny"
    EXPLICIT_DENY = "explicitDeny"


class LayerKind(StrEnum):
    """What a layer is, in the order in which a refusal names them."""

    GUARDRAIL = "guardrail"
    IDENTITY = "identity"
    BOUNDARY = "boundary"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy under the name or ARN that people know it by."""

    name: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Layer:
    """Policies whose Allows add up; a layer without policies allows nothing."""

    kind: LayerKind
    name: str
    policies: tuple[NamedPolicy, ...]


@dataclass(frozen=True, slots=True)
class StatementRef:
    """Where a statement stands; `index` counts from 0 within its policy."""

    layer_kind: LayerKind
    layer_name: str
    policy_name: str
    index: int
    sid: str | None

    @property
    def label(self) -> str:
        """The statement in one word: layer, policy, and its Sid or its place in the policy."""
        return f"{self.layer_kind.value}:{self.policy_name}:{self.sid or self.index}"


@dataclass(frozen=True, slots=True)
class LayerVerdict:
    """What one layer says by itself, and the statement that made it say so (none for an implicit deny)."""

    kind: LayerKind
    name: str
    outcome: Outcome
    statement: StatementRef | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer with its reasons.

    `because` goes verbatim behind "... on resource: X " of a refusal; `deciding` is the statement that
    denied, or for an allowed request the one in the last layer that allowed; `layers` holds every layer's own
    verdict.
    """

    allowed: bool
    outcome: Outcome
    because: str
    deciding: StatementRef | None
    layers: tuple[LayerVerdict, ...]


_ORDER: Final = {kind: place for place, kind in enumerate(LayerKind)}
_ALLOWS: Final = {
    LayerKind.GUARDRAIL: "no service control policy allows",
    LayerKind.IDENTITY: "no identity-based policy allows",
    LayerKind.BOUNDARY: "no permissions boundary allows",
    LayerKind.SESSION: "no session policy allows",
}
_DENIES: Final = {
    LayerKind.GUARDRAIL: "a service control policy",
    LayerKind.IDENTITY: "an identity-based policy",
    LayerKind.BOUNDARY: "a permissions boundary",
    LayerKind.SESSION: "a session policy",
}


def refusal_reason(kind: LayerKind, action: str | None) -> str:
    """Why a layer of this kind refuses: it does not allow `action`, or for None it denies explicitly."""
    if action is None:
        return f"with an explicit deny in {_DENIES[kind]}"
    return f"because {_ALLOWS[kind]} the {action} action"


def decide(layers: Sequence[Layer], request: Request) -> Decision:
    """The answer to `request`; never raises.

    A Deny anywhere wins; otherwise every layer must allow; without any layer nothing is allowed.
    The order of layers, policies and statements has no weight.
    """
    asked = _Asked(fold(request.action), request.resource, request.context, Work())
    try:
        verdicts = tuple(_verdict(layer, asked) for layer in sorted(layers, key=lambda layer: _ORDER[layer.kind]))
    except LimitExceeded as stopped:
        return _refusal(f"because {stopped}", ())
    for verdict in verdicts:
        if verdict.outcome is Outcome.EXPLICIT_DENY:
            return _refusal(refusal_reason(verdict.kind, None), verdicts, verdict.statement)
    for verdict in verdicts:
        if verdict.outcome is Outcome.IMPLICIT_DENY:
            return _refusal(refusal_reason(verdict.kind, request.action), verdicts)
    if not verdicts:
        return _refusal(f"because no policy allows the {request.action} action", ())
    because = "because every layer allows it"
    return Decision(
        allowed=True,
        outcome=Outcome.ALLOWED,
        because=because,
        deciding=verdicts[-1].statement,
        layers=verdicts,
    )


def _refusal(because: str, verdicts: tuple[LayerVerdict, ...], denied_by: StatementRef | None = None) -> Decision:
    outcome = Outcome.EXPLICIT_DENY if denied_by else Outcome.IMPLICIT_DENY
    return Decision(allowed=False, outcome=outcome, because=because, deciding=denied_by, layers=verdicts)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request made ready: the action in lower case, and the work that is left for it."""

    action: str
    resource: str
    context: RequestContext
    work: Work


def _verdict(layer: Layer, asked: _Asked) -> LayerVerdict:
    """What the layer says: its first fitting Deny, else its first fitting Allow, else nothing."""
    allowed_by: StatementRef | None = None
    for named in layer.policies:
        for statement in named.policy.statements:
            if (statement.effect is Effect.ALLOW and allowed_by) or not _fits(statement, asked):
                continue
            reference = StatementRef(layer.kind, layer.name, named.name, statement.index, statement.sid)
            if statement.effect is Effect.DENY:
                return LayerVerdict(layer.kind, layer.name, Outcome.EXPLICIT_DENY, reference)
            allowed_by = reference
    outcome = Outcome.ALLOWED if allowed_by else Outcome.IMPLICIT_DENY
    return LayerVerdict(layer.kind, layer.name, outcome, allowed_by)


def _fits(statement: Statement, asked: _Asked) -> bool:
    """Whether the request is one that the statement speaks of: action, resource and all conditions."""
    return (
        covers_action(statement, asked.action, asked.work)
        and covers_resource(statement, asked.resource, asked.context, asked.work)
        and all(clause.holds(asked.context, asked.work) for clause in statement.conditions)
    )


def covers_action(statement: Statement, folded_action: str, work: Work) -> bool:
    """Whether Action names, or NotAction leaves out, the action (in lower case)."""
    if statement.actions:
        return any(pattern.matches(folded_action, work) for pattern in statement.actions)
    return not any(pattern.matches(folded_action, work) for pattern in statement.not_actions)


def covers_resource(statement: Statement, resource: str, context: RequestContext, work: Work) -> bool:
    """Whether Resource names, or NotResource leaves out, the resource."""
    if statement.resources:
        return any(pattern.matches(resource, context, work) for pattern in statement.resources)
    return not any(pattern.matches(resource, context, work) for pattern in statement.not_resources)


# --- ready-made layers -----------------------------------------------------------------------------------

_FULL_ACCESS_TEXT: Final = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
FULL_ACCESS: Final = NamedPolicy("FullAccess", parse_policy(_FULL_ACCESS_TEXT, kind=PolicyKind.IDENTITY))


def guardrail_layer(policies: Sequence[NamedPolicy], *, name: str = "guardrails") -> Layer:
    """The layer that an account's guardrails make.

    Without any Allow among them full access is implied at this level, so that they only take away; with at
    least one Allow they are a list of what may be done at all.
    """
    allows = any(statement.effect is Effect.ALLOW for named in policies for statement in named.policy.statements)
    return Layer(LayerKind.GUARDRAIL, name, tuple(policies) if allows else (*policies, FULL_ACCESS))
