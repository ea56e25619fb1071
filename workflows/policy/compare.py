"""Does one set of policies allow any request that another does not? Proven, refuted with that request, or not known.

Searched is a request that some Allow of the first matches and no Deny of it, and that no Allow of the second matches
or some Deny of it does. Action, resource and circumstances are looked for one after the other, each search keeping
only what is worth most to the next: fewer statements that would refute the refutation, more that would help it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, combinations
from typing import Final

from workflows.errors import LimitExceeded
from workflows.policy.asking import AT_HOME, Asking
from workflows.policy.circumstances import Circumstances, Wish, keys_of
from workflows.policy.containment import contains, overlaps
from workflows.policy.context import RequestContext, Value
from workflows.policy.coverage import ActionTable, Part, mask_of, odd_text, signatures
from workflows.policy.document import Effect, Statement
from workflows.policy.evaluate import UNGOVERNED, decide
from workflows.policy.joint import Undecided
from workflows.policy.layers import NamedPolicy
from workflows.policy.patterns import Glob, Work, text_tokens
from workflows.policy.request import Request
from workflows.policy.variables import ResourcePattern, Variable, resolved_glob

_WORK: Final = 50_000_000
_MOST_VARIABLES: Final = 4
# A service and a name, each of at least one character; and an ARN of six fields whose first three are not empty.
_ACTION_SHAPE: Final = Glob((*text_tokens("?"), *text_tokens("*"), ":", *text_tokens("?*")))
_ARN: Final = "arn:?*:?*:*:*:?*"
_ARN_SHAPE: Final = ResourcePattern(_ARN, (_ARN,)).widest
# What stands for actions and resources that nobody named.
_ODD_ACTION: Final = "0dd0:0dd0"
_ODD_ARN: Final = "arn:0dd0:0dd0:::0dd0"


class Verdict(StrEnum):
    """The three answers; whatever gates on a proof takes `UNKNOWN` for a no."""

    PROVEN = "PROVEN"
    REFUTED = "REFUTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A request that the first policies allow and the second do not, by statement `index` of the policy `policy`.

    `denied_by` is the Sid or index of the Deny that refuses it in the second, None when nothing there allows it.
    """

    request: Request
    policy: str
    statement: Statement
    denied_by: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is known: the requests found, the bound that was met if it is not known, and whether variables matter.

    A proof that `rests_on_variables` took each policy variable for a value that nothing else names.
    """

    verdict: Verdict
    counterexamples: tuple[Counterexample, ...] = ()
    because: str | None = None
    rests_on_variables: bool = False


def compare(
    first: Sequence[NamedPolicy],
    second: Sequence[NamedPolicy],
    *,
    every: bool = False,
    asking: Asking = AT_HOME,
    steps: int = _WORK,
) -> Comparison:
    """Tell whether everything that `first` allows is allowed by `second`, to who is `asking`. Never raises.

    With `every`, each Allow of the first is looked at, so that each one that goes too far has its request. The work
    on patterns is bounded by `steps`.
    """
    search = _Search(_Side.of(first, asking), _Side.of(second, asking), asking, steps)
    found: list[Counterexample] = []
    because: str | None = None
    for name, statement in search.first.named_allows:
        try:
            request = search.beyond(statement)
        except Undecided as undecided:
            because = because or undecided.because
            continue
        except LimitExceeded:
            because = because or "steps"
            continue
        if request is None:
            continue
        refusal = _replayed(asking.request(request), first, second, asking)
        if refusal is None:
            because = because or "replay"
            continue
        found.append(Counterexample(asking.request(request), name, statement, refusal.denied_by))
        if not every:
            break
    verdict = Verdict.REFUTED if found else Verdict.UNKNOWN if because else Verdict.PROVEN
    return Comparison(verdict, tuple(found), None if found else because, search.met_variables)


# --- the two sides ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Side:
    """The statements of some policies."""

    named_allows: tuple[tuple[str, Statement], ...]
    denies: tuple[Statement, ...]

    @classmethod
    def of(cls, policies: Sequence[NamedPolicy], asking: Asking) -> "_Side":
        every = [(named.name, each) for named in policies for each in named.policy.statements if asking.concerns(each)]
        return cls(
            tuple(pair for pair in every if pair[1].effect is Effect.ALLOW),
            tuple(each for _, each in every if each.effect is Effect.DENY),
        )


def _says(statement: Statement) -> tuple[object, ...]:
    """What a statement says, wherever it stands."""
    return (
        statement.actions,
        statement.not_actions,
        statement.resources,
        statement.not_resources,
        frozenset(statement.conditions),
    )


@dataclass(frozen=True, slots=True)
class _Others:
    """The statements that decide whether a request goes beyond: by side, and in one row for masks."""

    own_denies: tuple[Statement, ...]
    allows: tuple[Statement, ...]
    denies: tuple[Statement, ...]

    @property
    def row(self) -> tuple[Statement, ...]:
        return (*self.own_denies, *self.allows, *self.denies)

    @property
    def hurdles(self) -> int:
        """The bits of those by which a request would be kept from going beyond."""
        return (1 << len(self.own_denies) + len(self.allows)) - 1

    def is_welcome(self, at: int) -> bool:
        """Whether it helps that the statement at this place of the row matches."""
        return at >= len(self.own_denies) + len(self.allows)

    def chosen(self, mask: int) -> "_Others":
        """Those whose bit is set."""
        bits = iter(range(len(self.row)))

        def kept(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
            return tuple(each for each in statements if mask >> next(bits) & 1)

        return _Others(kept(self.own_denies), kept(self.allows), kept(self.denies))


# --- the search ------------------------------------------------------------------------------------------


class _Search:
    """Looks for requests beyond the second side, an Allow of the first after the other."""

    def __init__(self, first: _Side, second: _Side, asking: Asking, steps: int) -> None:
        self.first = first
        self._known = asking.known
        # A request that the first side allows never meets a Deny that stands on both.
        own = {_says(each) for each in first.denies}
        denies = tuple(each for each in second.denies if _says(each) not in own)
        self._others = _Others(first.denies, tuple(each for _, each in second.named_allows), denies)
        self._table = ActionTable([_action_part(other) for other in self._others.row])
        self._work = Work(steps)
        self.met_variables = False

    def beyond(self, statement: Statement) -> Request | None:
        """Return a request that this Allow allows and the second side does not, or None when there is none.

        Raises `Undecided`.
        """
        refused: set[int] = set()
        for action, mask in self._actions(statement):
            if mask in refused:
                continue
            request = self._with_action(statement, action, self._others.chosen(mask))
            if request is not None:
                return request
            refused.add(mask)
        return None

    def _actions(self, statement: Statement) -> Iterator[tuple[str, int]]:
        excluded = [pattern.glob for pattern in statement.not_actions]
        told: set[int] = set()
        for written, wanted in [(each.text, each.glob) for each in statement.actions] or [("*", _ANYTHING)]:
            if wanted.is_literal:
                if wanted.head in UNGOVERNED:
                    continue
                mask = self._table.mask(wanted.head, self._work)
                if mask not in told:
                    told.add(mask)
                    yield written, mask
                continue
            if self._plainly_allowed(statement, wanted, excluded):
                continue
            odd = odd_text(wanted, excluded, _ACTION_SHAPE, _ODD_ACTION, self._work)
            if odd is not None and not self._others.hurdles & (mask := self._table.mask(odd, self._work)):
                yield odd, mask
            near = self._table.near(wanted)
            yield from signatures(wanted, excluded, near, self._others.is_welcome, _ACTION_SHAPE.tokens, self._work)

    def _plainly_allowed(self, statement: Statement, wanted: Glob, excluded: Sequence[Glob]) -> bool:
        """Whether one Allow of the second side holds all of this action pattern on all of the statement's resources."""
        if excluded or any(
            _action_part(deny).patterns and not _surely_elsewhere(_action_part(deny), wanted, self._work)
            for deny in self._others.denies
        ):
            return False
        return any(
            _action_part(allow).surely_covers(wanted, self._work) and _holds(allow, statement, self._work)
            for allow in self._others.allows
        )

    # --- the variables, then the resource ----------------------------------------------------------------

    def _with_action(self, statement: Statement, action: str, others: _Others) -> Request | None:
        if not others.denies and any(_holds(allow, statement, self._work) for allow in others.allows):
            return None
        for bound in self._bindings(statement, others):
            circumstances = Circumstances(bound)
            present = {key: value for key, value in bound.items() if value is not None}
            tried: set[int] = set()
            for resource, mask in self._resources(statement, others, present):
                if mask in tried:
                    continue
                tried.add(mask)
                found = _beyond(statement, others.chosen(mask), circumstances)
                if found is not None:
                    return Request(action, resource, RequestContext(found))
        return None

    def _bindings(self, statement: Statement, others: _Others) -> Iterator[Mapping[str, Value | None]]:
        """Yield values for every key that a policy variable names: one that nothing else names, or none at all."""
        involved = (statement, *others.row)
        named = keys_of(clause for each in involved for clause in each.conditions) | _resource_keys(involved)
        keys = sorted(named.difference(self._known))
        if not keys:
            yield self._known
            return
        self.met_variables = True
        fresh: dict[str, Value | None] = {
            **self._known,
            **{key: f"some{number}value" for number, key in enumerate(keys)},
        }
        yield fresh
        few = len(keys) <= _MOST_VARIABLES
        sizes = range(1, len(keys) + 1) if few else (len(keys), 1)
        for absent in chain.from_iterable(combinations(keys, size) for size in sizes):
            yield {**fresh, **dict.fromkeys(absent)}

    def _resources(
        self, statement: Statement, others: _Others, present: Mapping[str, Value]
    ) -> Iterator[tuple[str, int]]:
        own = _resource_part(statement, present)
        parts = [_resource_part(other, present) for other in others.row]
        wanted = (_ANYTHING,) if own.negated else own.patterns
        excluded = own.patterns if own.negated else ()
        for pattern in wanted:
            if pattern.is_literal:
                yield pattern.head, mask_of(parts, pattern.head, self._work)
                continue
            if self._held_by_one(statement, pattern, excluded, others, parts):
                continue
            if pattern.matches("*", self._work) and own.covers("*", self._work):
                yield "*", mask_of(parts, "*", self._work)
            odd = odd_text(pattern, excluded, _ARN_SHAPE, _ODD_ARN, self._work)
            if odd is not None and not others.hurdles & (mask := mask_of(parts, odd, self._work)):
                yield odd, mask
            yield from signatures(pattern, excluded, parts, others.is_welcome, _ARN_SHAPE.tokens, self._work)

    def _held_by_one(
        self, statement: Statement, pattern: Glob, excluded: Sequence[Glob], others: _Others, parts: Sequence[Part]
    ) -> bool:
        """Whether one Allow holds all of this resource pattern, under no more than the statement's own conditions."""
        if excluded or others.denies:
            return False
        asked, first = set(statement.conditions), len(others.own_denies)
        return any(
            set(allow.conditions) <= asked and part.surely_covers(pattern, self._work)
            for allow, part in zip(others.allows, parts[first:], strict=False)
        )


def _action_part(statement: Statement) -> Part:
    named = statement.actions or statement.not_actions
    return Part(tuple(pattern.glob for pattern in named), bool(statement.not_actions))


def _resource_part(statement: Statement, present: Mapping[str, Value]) -> Part:
    named = statement.resources or statement.not_resources
    globs = (resolved_glob(pattern, present) for pattern in named)
    # A statement without resources speaks of whatever it is attached to.
    negated = bool(statement.not_resources) or not named
    return Part(tuple(glob for glob in globs if glob is not None), negated)


def _resource_keys(statements: Iterable[Statement]) -> set[str]:
    pieces = (
        piece for each in statements for pattern in (*each.resources, *each.not_resources) for piece in pattern.pieces
    )
    return {piece.key for piece in pieces if isinstance(piece, Variable)}


def _surely_elsewhere(part: Part, wanted: Glob, work: Work) -> bool:
    """Whether a statement surely covers nothing that fits `wanted`."""
    if part.negated:
        return any(contains(pattern, wanted, work) for pattern in part.patterns)
    return not any(overlaps(pattern, wanted, work) for pattern in part.patterns)


def _holds(allow: Statement, statement: Statement, work: Work) -> bool:
    """Whether an Allow surely matches whatever a statement matches, the action aside."""
    return set(allow.conditions) <= set(statement.conditions) and _holds_resources(allow, statement, work)


def _holds_resources(allow: Statement, statement: Statement, work: Work) -> bool:
    """Whether an Allow surely covers every resource of a statement, whatever its variables are.

    One that names none at all speaks of whatever it is attached to.
    """
    if allow.resources:
        if not statement.resources:
            return any(pattern.text == "*" for pattern in allow.resources)
        fixed = [pattern for pattern in allow.resources if pattern.is_fixed]
        return all(_held(pattern, allow.resources, fixed, work) for pattern in statement.resources)
    if statement.resources:
        return not any(
            overlaps(out.widest, pattern.widest, work) for out in allow.not_resources for pattern in statement.resources
        )
    fixed = [pattern for pattern in statement.not_resources if pattern.is_fixed]
    return all(_held(out, statement.not_resources, fixed, work) for out in allow.not_resources)


def _held(
    pattern: ResourcePattern, spelt: Sequence[ResourcePattern], fixed: Sequence[ResourcePattern], work: Work
) -> bool:
    return pattern in spelt or any(contains(wide.widest, pattern.widest, work) for wide in fixed)


def _beyond(statement: Statement, relevant: _Others, circumstances: Circumstances) -> Mapping[str, Value] | None:
    """Return circumstances in which the statement's request goes beyond: nothing allows it, or a Deny refuses it."""
    own_denies = [deny.conditions for deny in relevant.own_denies]
    allows = [allow.conditions for allow in relevant.allows]
    found = circumstances.grant(Wish.of(statement.conditions, [*own_denies, *allows]))
    if found is not None:
        return found
    for deny in relevant.denies:
        found = circumstances.grant(Wish.of((*statement.conditions, *deny.conditions), own_denies))
        if found is not None:
            return found
    return None


# --- replay ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Refusal:
    denied_by: str | None


def _replayed(
    request: Request, first: Sequence[NamedPolicy], second: Sequence[NamedPolicy], asking: Asking
) -> _Refusal | None:
    """Ask the engine itself; None unless the first policies allow the request and the second do not."""
    if not decide(asking.layers(first), request).allowed:
        return None
    answer = decide(asking.layers(second), request)
    if answer.allowed:
        return None
    return _Refusal(answer.deciding.label if answer.deciding else None)


_ANYTHING: Final = Glob(text_tokens("*"))
