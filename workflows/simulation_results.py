"""From the decisions of the engine to the results of a simulation: who matched where, what was missing, who limits.

Everything is read off the decision itself; there is no second evaluation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from workflows.errors import LimitExceeded, SimulationStopped
from workflows.policy.context import RequestContext
from workflows.policy.decision import ROLE_ACTIONS, Decision, Ground, Outcome
from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.explanation import absent_keys, fitting
from workflows.policy.index import Layers
from workflows.policy.layers import Layer, LayerKind, NamedPolicy, StatementRef
from workflows.policy.patterns import split_arn
from workflows.policy.positions import Span, statement_spans
from workflows.policy.principal import ACCOUNT_ID, CallingPrincipal
from workflows.policy.request import Request
from workflows.simulation_inputs import Source

ANY_RESOURCE: Final = "*"
# What AWS reports on: its matched statements and missing keys leave out what an organisation sets, and what a ceiling
# allows has a member of its own in the answer.
_GRANTING: Final = (LayerKind.IDENTITY, LayerKind.RESOURCE)
_REPORTED: Final = (*_GRANTING, LayerKind.BOUNDARY)
_DETAIL_NAMES: Final[Mapping[LayerKind, str]] = {
    LayerKind.IDENTITY: "IAM Policy",
    LayerKind.RESOURCE: "Resource Policy",
    LayerKind.BOUNDARY: "Permissions Boundary Policy",
}


@dataclass(frozen=True, slots=True)
class Match:
    """A statement that made the answer: the policy it stands in, and where."""

    source: Source
    span: Span


@dataclass(frozen=True, slots=True)
class Result:
    """What a simulation says of one action on one resource.

    The two ceilings are None where there is none. `details` is what each kind of policy says by itself: empty for a
    resource of the caller's own account, None where there is no such account or an organisation refuses anyway.
    """

    action: str
    resource: str
    decision: Outcome
    matches: tuple[Match, ...]
    missing_keys: tuple[str, ...]
    allowed_by_organization: bool | None
    allowed_by_boundary: bool | None
    details: Mapping[str, Outcome] | None


class Sources:
    """The policies of a simulation: made into layers, and found again by the statements that the engine names."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[LayerKind, str, str], tuple[int, Source]] = {}
        self._spans: dict[int, tuple[Span, ...]] = {}

    def layer(self, kind: LayerKind, name: str, sources: Sequence[Source]) -> Layer:
        """A layer of these policies; layers of one kind have different names."""
        named = []
        for source in sources:
            # An attached policy may be called what an input is called, so the type is part of the name.
            label = f"{source.type}/{source.id}"
            self._by_place[kind, name, label] = (len(self._by_place), source)
            named.append(NamedPolicy(label, source.policy))
        return Layer(kind, name, tuple(named))

    def matches(self, statements: Sequence[StatementRef]) -> tuple[Match, ...]:
        """The statements with their positions, in the order of the policies; what no input holds is left out."""
        found = []
        for statement in statements:
            place = self._by_place.get((statement.layer_kind, statement.layer_name, statement.policy_name))
            if place is not None:
                number, source = place
                if number not in self._spans:
                    self._spans[number] = statement_spans(source.policy.text)
                found.append((number, statement.index, Match(source, self._spans[number][statement.index])))
        return tuple(match for _, _, match in sorted(found, key=lambda each: each[:2]))


@dataclass(frozen=True, slots=True)
class ResourceSide:
    """What is known of the resources: the account that owns those whose ARN does not say, and their policy by kind.

    With no owner given and no policy the resource side is not asked at all.
    """

    owner: str | None
    policies: Mapping[PolicyKind, Source]

    def is_asked(self, caller: CallingPrincipal) -> bool:
        """Whether the owner's side has a say: it gave its policy, or is another account than the caller's."""
        return bool(self.policies) or self.owner not in (None, caller.account)


def policy_kind_on_resource(action: str) -> PolicyKind:
    """What kind of policy the resource of an action carries: a role that is assumed has a trust policy."""
    return PolicyKind.TRUST if action.lower() in ROLE_ACTIONS else PolicyKind.RESOURCE


class Stage:
    """Everything around the simulated caller, on which one action after another is played through."""

    def __init__(
        self,
        caller: CallingPrincipal,
        context: RequestContext,
        resource_side: ResourceSide,
        layers: Sequence[Layer],
        sources: Sources,
    ) -> None:
        self._caller, self._context, self._resource_side = caller, context, resource_side
        self._layers, self._sources = layers, sources
        self._around: dict[PolicyKind, Layers] = {}

    def result(self, action: str, resource: str) -> Result:
        """What becomes of one action on one resource; raises `SimulationStopped` when it costs too much to find out."""
        owner = self._owner_of(resource)
        request = Request(action, resource, self._context, self._caller, owner)
        decision = decide(self._layers_for(policy_kind_on_resource(action)), request)
        try:
            if isinstance(decision.reason, LimitExceeded):
                raise decision.reason
            return self._told(decision)
        except LimitExceeded as limit:
            raise SimulationStopped(action, resource, str(limit)) from None

    def _told(self, decision: Decision) -> Result:
        request = decision.hearing.request
        kinds = _GRANTING if decision.allowed else _REPORTED
        statements = [each for each in fitting(decision) if each.layer_kind in kinds]
        organization = _allows(decision, LayerKind.GUARDRAIL)
        return Result(
            action=request.action,
            resource=request.resource,
            decision=decision.outcome,
            matches=self._sources.matches(statements),
            missing_keys=absent_keys(decision, _REPORTED),
            allowed_by_organization=organization,
            allowed_by_boundary=_allows(decision, LayerKind.BOUNDARY),
            details=None if organization is False else _details(decision),
        )

    def _owner_of(self, resource: str) -> str:
        if not self._resource_side.is_asked(self._caller):
            return ""
        fields = split_arn(resource)
        if fields is not None and ACCOUNT_ID.fullmatch(fields[4]):
            return fields[4]
        return self._resource_side.owner or ""

    def _layers_for(self, kind: PolicyKind) -> Layers:
        if kind not in self._around:
            side = self._resource_side
            on_resource: tuple[Layer, ...] = ()
            if kind in side.policies:
                on_resource = (self._sources.layer(LayerKind.RESOURCE, kind.value, (side.policies[kind],)),)
            elif not side.is_asked(self._caller):
                named = NamedPolicy("", _handing_over(self._caller.account))
                on_resource = (Layer(LayerKind.RESOURCE, kind.value, (named,)),)
            self._around[kind] = Layers((*self._layers, *on_resource))
        return self._around[kind]


@lru_cache(maxsize=64)
def _handing_over(account: str) -> Policy:
    """A resource policy that leaves everything to the identity policies of an account and grants nothing itself.

    It stands for a resource policy that was not given, so that roles and keys, which have one always, can be asked
    about by identity policies alone.
    """
    text = f'{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{account}"}},"Action":"*","Resource":"*"}}}}'
    return parse_policy(text, kind=PolicyKind.RESOURCE)


def _allows(decision: Decision, kind: LayerKind) -> bool | None:
    """Whether every layer of this kind allows, None where there is none; nothing limits what no policy governs."""
    spoken = [each.outcome is Outcome.ALLOWED for each in decision.layers if each.kind is kind]
    return (decision.reason is Ground.UNGOVERNED or all(spoken)) if spoken else None


def _details(decision: Decision) -> Mapping[str, Outcome] | None:
    request = decision.hearing.request
    if request.stays_at_home:
        return None if request.resource == ANY_RESOURCE else {}
    details = {_DETAIL_NAMES[each.kind]: each.outcome for each in decision.layers if each.kind in _DETAIL_NAMES}
    return {_DETAIL_NAMES[LayerKind.RESOURCE]: Outcome.IMPLICIT_DENY, **details}
