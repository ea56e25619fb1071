"""What a decision is made from and what it tells: every layer's own word, found in the same statements.

A decision holds on to what was looked at, and spells its reasons out only when somebody asks for them.
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from typing import Final, NamedTuple

from workflows.errors import LimitExceeded
from workflows.policy.document import Effect
from workflows.policy.index import Candidate, Concern, Here, Layers, first_fitting
from workflows.policy.layers import LayerKind, StatementRef
from workflows.policy.patterns import MAX_STEPS
from workflows.policy.principal import Grip
from workflows.policy.request import Asked, Request

_ALLOWS: Final = {
    LayerKind.GUARDRAIL: "no service control policy allows",
    LayerKind.RESOURCE_GUARDRAIL: "no resource control policy allows",
    LayerKind.RESOURCE: "no resource-based policy allows",
    LayerKind.IDENTITY: "no identity-based policy allows",
    LayerKind.BOUNDARY: "no permissions boundary allows",
    LayerKind.SESSION: "no session policy allows",
}
_DENIES: Final = {
    LayerKind.GUARDRAIL: "a service control policy",
    LayerKind.RESOURCE_GUARDRAIL: "a resource control policy",
    LayerKind.RESOURCE: "a resource-based policy",
    LayerKind.IDENTITY: "an identity-based policy",
    LayerKind.BOUNDARY: "a permissions boundary",
    LayerKind.SESSION: "a session policy",
}
ROLE_ACTIONS: Final = frozenset(
    f"sts:{name}"
    for name in (
        "assumerole",
        "assumerolewithsaml",
        "assumerolewithwebidentity",
        "tagsession",
        "setsourceidentity",
        "setcontext",
    )
)


class Outcome(StrEnum):
    """The three answers; only the first lets the caller through. The values are those of IAM's simulator."""

    ALLOWED = "allowed"
    IMPLICIT_DENY = "implicitDeny"
    EXPLICIT_DENY = "explicitDeny"


class Ground(StrEnum):
    """Why a request is allowed."""

    EVERY_LAYER = "because every layer allows it"
    NAMED = "because the resource-based policy names the caller"
    UNGOVERNED = "because no policy governs it"


class LayerVerdict(NamedTuple):
    """What one layer says by itself, and the statement that made it say so (none for an implicit deny).

    `number` is the layer's place among those that were heard.
    """

    kind: LayerKind
    name: str
    outcome: Outcome
    statement: StatementRef | None
    number: int


def refusal_reason(kind: LayerKind, action: str | None) -> str:
    """Why a layer of this kind refuses: it does not allow `action`, or for None it denies explicitly."""
    if action is None:
        return f"with an explicit deny in {_DENIES[kind]}"
    return f"because {_ALLOWS[kind]} the {action} action"


class Hearing(Asked):
    """A request before the layers that have a say over it; the questions that `decide` puts to them."""

    __slots__ = ("concern", "here", "layers", "request")

    concern: Concern
    here: Here

    def __init__(self, layers: Layers, request: Request) -> None:
        super().__init__(request)
        self.layers: Final = layers
        self.request: Final = request

    def open(self) -> None:
        """Gather the statements that can matter; raises `LimitExceeded` as the other methods do."""
        self.concern = concern = self.layers.concerning(self.request.action, self)
        self.here = concern.at(self.resource)

    def denied(self) -> Candidate | None:
        """The first Deny that fits, in the order of the layers."""
        return first_fitting(self.here.denies, self)

    def is_silent(self, kind: LayerKind, *, unless_absent: bool = True) -> bool:
        """Whether a layer of this kind allows nothing that fits; without `unless_absent` also where there is none."""
        numbers, allows = self.concern.numbers[kind], self.here.allows
        for number in numbers:
            # first_fitting, written out: most of a decision is spent here.
            for candidate in allows[number]:
                for test in candidate.tests:
                    if not test(self):
                        break
                else:
                    break
            else:
                return True
        return not (numbers or unless_absent)

    def grip(self) -> Grip:
        """The strongest way in which a fitting Allow of the resource policy names the caller."""
        best = Grip.NONE
        for number in self.concern.numbers[LayerKind.RESOURCE]:
            for candidate in self.here.allows[number]:
                grip = candidate.grip(self.principal)
                if grip > best and first_fitting((candidate,), self) is not None:
                    best = grip
        return best

    @property
    def resource_guards_itself(self) -> bool:
        """Whether the resource's own policy must allow: it is a role that is assumed, or a KMS key."""
        if self.concern.action in ROLE_ACTIONS:
            return bool(self.concern.numbers[LayerKind.RESOURCE]) or ":role/" in self.resource
        if self.concern.service == "kms":
            return bool(self.concern.numbers[LayerKind.RESOURCE]) or ":key/" in self.resource
        return False

    # --- answers -----------------------------------------------------------------------------------------

    def allowed(self, ground: Ground = Ground.EVERY_LAYER) -> "Decision":
        """The caller may."""
        return Decision(self, Outcome.ALLOWED, ground)

    def denied_by(self, statement: Candidate) -> "Decision":
        """A statement forbids it."""
        return Decision(self, Outcome.EXPLICIT_DENY, statement)

    def lacking(self, kind: LayerKind) -> "Decision":
        """No statement of this kind of layer allows it."""
        return Decision(self, Outcome.IMPLICIT_DENY, kind)

    def stopped(self, limit: LimitExceeded) -> "Decision":
        """It cost too much to find out."""
        return Decision(self, Outcome.IMPLICIT_DENY, limit)


class Decision:
    """The answer, and on demand its reasons.

    `reason` is why it was allowed, the statement that denied, the kind of layer that lacked an Allow, or the limit
    that was met.
    """

    __slots__ = ("_layers", "hearing", "outcome", "reason")

    def __init__(
        self, hearing: Hearing, outcome: Outcome, reason: Ground | Candidate | LayerKind | LimitExceeded
    ) -> None:
        self.hearing: Final = hearing
        self.outcome: Final = outcome
        self.reason: Final = reason
        self._layers: tuple[LayerVerdict, ...] | None = None

    @property
    def allowed(self) -> bool:
        """Whether the caller may."""
        return self.outcome is Outcome.ALLOWED

    @property
    def because(self) -> str:
        """One clause; of a refusal it goes verbatim behind "... on resource: X "."""
        match self.reason:
            case Ground():
                return self.reason.value
            case Candidate():
                return refusal_reason(self.reason.reference.layer_kind, None)
            case LayerKind():
                return refusal_reason(self.reason, self.hearing.request.action)
            case _:
                return f"because {self.reason}"

    @property
    def deciding(self) -> StatementRef | None:
        """The statement that denied, or for an allowed request the one in the last layer that allowed."""
        match self.reason:
            case Candidate():
                return self.reason.reference
            case Ground.NAMED:
                spoken = [each for each in self.layers if each.kind is LayerKind.RESOURCE]
            case Ground.EVERY_LAYER:
                spoken = [each for each in self.layers if each.outcome is Outcome.ALLOWED]
            case _:
                return None
        return spoken[-1].statement if spoken else None

    @property
    def layers(self) -> tuple[LayerVerdict, ...]:
        """Every layer's own word, in the order in which refusals name them; nothing when a limit is met."""
        if self._layers is None:
            try:
                self._layers = () if isinstance(self.reason, LimitExceeded) else tuple(self._heard())
            except LimitExceeded:
                self._layers = ()
        return self._layers

    def _heard(self) -> Iterator[LayerVerdict]:
        hearing = self.hearing
        for number in chain.from_iterable(hearing.concern.numbers.values()):
            hearing.left = MAX_STEPS
            yield _verdict(hearing, number)


def _verdict(hearing: Hearing, number: int) -> LayerVerdict:
    layer = hearing.layers[number]
    denies = (each for each in hearing.here.denies if each.number == number)
    allows = (each for each in hearing.here.allows[number] if each.grip(hearing.principal))
    found = first_fitting(denies, hearing) or first_fitting(allows, hearing)
    if found is None:
        return LayerVerdict(layer.kind, layer.name, Outcome.IMPLICIT_DENY, None, number)
    outcome = Outcome.ALLOWED if found.statement.effect is Effect.ALLOW else Outcome.EXPLICIT_DENY
    return LayerVerdict(layer.kind, layer.name, outcome, found.reference, number)
