"""Does a caller hold everything that a policy asks for? Proven, refuted, or honestly undecided.

ALLOWED is claimed only from plain containment of patterns, so it is never wrong. DENIED is claimed only with
a request in hand that the policy would allow and that the caller is refused whatever the circumstances. The
caller's conditions are never evaluated, because at review time the circumstances of later calls are unknown.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import islice, product
from typing import Final

from workflows.errors import LimitExceeded
from workflows.policy.conditions import NULL, Clause, Quantifier
from workflows.policy.containment import PatternSet
from workflows.policy.context import RequestContext, Value, fold
from workflows.policy.decision import refusal_reason
from workflows.policy.document import Effect, Policy, Statement
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.policy.operators import instant, number
from workflows.policy.patterns import Glob, Work
from workflows.policy.request import Request

_MAX_STEPS: Final = 200_000
_MAX_WITNESSES: Final = 256
_FILLER: Final = "Example"


class CheckResult(StrEnum):
    """The three answers of the check."""

    ALLOWED = "ALLOWED"
    DENIED = "DENIED"
    UNSURE = "UNSURE"


@dataclass(frozen=True, slots=True)
class Witness:
    """A request that the policy allows and the caller may not make; the layer, if any, that refuses."""

    request: Request
    layer_kind: LayerKind | None
    layer_name: str
    because: str


def covers(layers: Sequence[Layer], policy: Policy) -> tuple[CheckResult, Witness | None]:
    """Whether `layers` allow everything that `policy` allows; a witness comes with DENIED only. Never raises.

    Work is limited; what cannot be settled within the limit is UNSURE.
    """
    allows = [statement for statement in policy.statements if statement.effect is Effect.ALLOW]
    ceilings = [_Ceiling.of(layer) for layer in layers]
    if _proven(ceilings, allows, Work(_MAX_STEPS)):
        return CheckResult.ALLOWED, None
    if (witness := _refuted(ceilings, allows, policy, Work(_MAX_STEPS))) is not None:
        return CheckResult.DENIED, witness
    return CheckResult.UNSURE, None


def _proven(ceilings: Sequence["_Ceiling"], allows: Sequence[Statement], work: Work) -> bool:
    asked = [_Extent.at_most(statement) for statement in allows]
    try:
        return not asked or (
            bool(ceilings) and all(ceiling.holds(extent, work) for ceiling in ceilings for extent in asked)
        )
    except LimitExceeded:
        return False


def _refuted(ceilings: Sequence["_Ceiling"], allows: Sequence[Statement], policy: Policy, work: Work) -> Witness | None:
    try:
        found = (_refused(ceilings, request, work) for request in _witnesses(allows, policy))
        return next(filter(None, found), None)
    except LimitExceeded:
        return None


# --- what a statement speaks of, rounded to the safe side ------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Extent:
    """The actions and resources of a statement as sets of texts, and the conditions that narrow them."""

    actions: PatternSet
    resources: PatternSet
    conditions: frozenset[Clause] = frozenset()

    @classmethod
    def at_most(cls, statement: Statement) -> "_Extent":
        """Nothing it can speak of is missing: a variable may bring in any text, or leave out none."""
        named = [pattern.widest for pattern in statement.resources]
        left_out = [pattern.widest for pattern in statement.not_resources if pattern.is_fixed]
        return cls._made(statement, (*named, *left_out))

    @classmethod
    def at_least(cls, statement: Statement) -> "_Extent":
        """It holds only what is spoken of in any request: a variable brings in nothing, or leaves out all."""
        named = [pattern.widest for pattern in statement.resources if pattern.is_fixed]
        left_out = [pattern.widest for pattern in statement.not_resources]
        return cls._made(statement, (*named, *left_out))

    @classmethod
    def _made(cls, statement: Statement, resources: tuple[Glob, ...]) -> "_Extent":
        named = tuple(pattern.glob for pattern in (*statement.actions, *statement.not_actions))
        return cls(
            PatternSet(named, bool(statement.not_actions)),
            PatternSet(resources, bool(statement.not_resources)),
            frozenset(statement.conditions),
        )

    def holds(self, request: "_Extent", work: Work) -> bool:
        """Whether a single request, given as an extent of two literal texts, lies inside."""
        return self.actions.holds(request.actions, work) and self.resources.holds(request.resources, work)

    def may_meet(self, other: "_Extent", work: Work) -> bool:
        """Whether a request could lie inside both."""
        return self.actions.may_meet(other.actions, work) and self.resources.may_meet(other.resources, work)


@dataclass(frozen=True, slots=True)
class _Ceiling:
    """One layer seen from both sides: what it surely and what it possibly allows and denies."""

    layer: Layer
    sure_allows: tuple[_Extent, ...]
    possible_allows: tuple[_Extent, ...]
    sure_denies: tuple[_Extent, ...]
    possible_denies: tuple[_Extent, ...]

    @classmethod
    def of(cls, layer: Layer) -> "_Ceiling":
        """The layer made ready; a Deny with conditions is possible but never sure."""
        statements = [each for named in layer.policies for each in named.policy.statements]
        allows = [each for each in statements if each.effect is Effect.ALLOW]
        denies = [each for each in statements if each.effect is Effect.DENY]
        return cls(
            layer,
            tuple(map(_Extent.at_least, allows)),
            tuple(map(_Extent.at_most, allows)),
            tuple(_Extent.at_least(each) for each in denies if not each.conditions),
            tuple(map(_Extent.at_most, denies)),
        )

    def holds(self, asked: _Extent, work: Work) -> bool:
        """Whether the layer surely allows all of `asked`.

        For each asked action the statements that hold it must hold every asked resource between them. An
        Allow with conditions counts when what is asked carries each of them word for word.
        """
        if any(deny.may_meet(asked, work) for deny in self.possible_denies):
            return False
        allows = [allow for allow in self.sure_allows if allow.conditions <= asked.conditions]
        resources = asked.resources.parts()
        reach = [[allow.resources.holds(part, work) for part in resources] for allow in allows]
        for action in asked.actions.parts():
            rows = [row for allow, row in zip(allows, reach, strict=True) if allow.actions.holds(action, work)]
            if not rows or not all(map(any, zip(*rows, strict=True))):
                return False
        return True

    def refusal(self, action: str, request: _Extent, work: Work) -> str | None:
        """Why the layer refuses the request in all circumstances, or None when it might let it through."""
        if any(deny.holds(request, work) for deny in self.sure_denies):
            return refusal_reason(self.layer.kind, None)
        if not any(allow.holds(request, work) for allow in self.possible_allows):
            return refusal_reason(self.layer.kind, action)
        return None


# --- the witness -----------------------------------------------------------------------------------------


def _refused(ceilings: Sequence[_Ceiling], request: Request, work: Work) -> Witness | None:
    if not ceilings:
        return Witness(request, None, "", f"because no policy allows the {request.action} action")
    point = _Extent(
        PatternSet((Glob((fold(request.action),)),)),
        PatternSet((Glob((request.resource,)),)),
    )
    for ceiling in ceilings:
        because = ceiling.refusal(request.action, point, work)
        if because is not None:
            return Witness(request, ceiling.layer.kind, ceiling.layer.name, because)
    return None


def _witnesses(allows: Sequence[Statement], policy: Policy) -> Iterator[Request]:
    """Requests that the policy allows, made from its own Allow statements."""
    asking = Layers([Layer(LayerKind.IDENTITY, "asked", (NamedPolicy("asked", policy),))])
    candidates = (request for statement in allows for request in _candidates(statement))
    return (each for each in islice(candidates, _MAX_WITNESSES) if decide(asking, each).allowed)


def _candidates(statement: Statement) -> Iterator[Request]:
    """Requests that should fit the statement; a lone `*` as resource stays, for actions that name none."""
    context = RequestContext(dict(_circumstances(statement.conditions)))
    for action, resource in product(statement.actions, statement.resources):
        name = f"example:{_FILLER}" if action.text == "*" else _filled(action.text)
        place = "*" if resource.text == "*" else _filled(resource.text)
        yield Request(name, place, context)


def _filled(pattern: str) -> str:
    return pattern.replace("*", _FILLER).replace("?", "x")


def _shifted(read: Callable[[str], Decimal | None], step: int) -> Callable[[str], str | None]:
    return lambda text: None if (value := read(text)) is None else format(value + step, "f")


# How to make a value that satisfies an operator, from the operator's own value. A negated operator is
# satisfied by leaving the key away, so it needs no row.
_SATISFYING: Final[Mapping[str, Callable[[str], str | None]]] = {
    **dict.fromkeys(
        ("StringEquals", "StringEqualsIgnoreCase", "Bool", "BinaryEquals", "NumericEquals", "DateEquals"),
        lambda text: text,
    ),
    **dict.fromkeys(("NumericLessThanEquals", "NumericGreaterThanEquals"), lambda text: text),
    **dict.fromkeys(("DateLessThanEquals", "DateGreaterThanEquals"), lambda text: text),
    **dict.fromkeys(("StringLike", "ArnLike", "ArnEquals"), _filled),
    "IpAddress": lambda text: text.partition("/")[0],
    "NumericLessThan": _shifted(number, -1),
    "NumericGreaterThan": _shifted(number, 1),
    "DateLessThan": _shifted(instant, -1),
    "DateGreaterThan": _shifted(instant, 1),
    NULL: lambda text: _FILLER if text.lower() == "false" else None,
}


def _circumstances(clauses: Sequence[Clause]) -> Iterator[tuple[str, Value]]:
    """Key values that satisfy simple clauses; whether they really do is for the engine to say."""
    for clause in clauses:
        make = _SATISFYING.get(clause.operator.base)
        if make is None or not clause.texts or clause.has_variables or clause.operator.quantifier is Quantifier.ALL:
            continue
        value = make(clause.texts[0])
        if value is not None:
            yield fold(clause.key), (value,) if clause.operator.quantifier is Quantifier.ANY else value
