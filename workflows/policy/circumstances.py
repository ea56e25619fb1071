"""Circumstances under which some condition clauses hold and others fail, or the certainty that there are none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.policy.conditions import Clause
from workflows.policy.context import RequestContext, Value, fold
from workflows.policy.joint import Budget
from workflows.policy.patterns import Work
from workflows.policy.representatives import values
from workflows.policy.request import Asked, Request

_STEPS: Final = 200_000
# What a step costs of the work of a whole comparison.
_COST: Final = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """Clauses that have to hold, and groups of clauses in each of which at least one has to fail."""

    hold: frozenset[Clause]
    fail: tuple[frozenset[Clause], ...]

    @classmethod
    def of(cls, hold: Iterable[Clause], fail: Iterable[Iterable[Clause]]) -> "Wish | None":
        """Return the wish without what holds anyway; None when nothing of a group could fail any more."""
        kept = frozenset(hold)
        groups = {frozenset(group) - kept for group in fail}
        if frozenset() in groups:
            return None
        # A group that contains another fails wherever the smaller one does.
        smallest = [one for one in groups if not any(other < one for other in groups)]
        return cls(kept, tuple(smallest))


class Circumstances:
    """Answers wishes under given values of variables; what it found out about a key it remembers.

    A key of `bound` has that value, None among them for one that is surely absent.
    """

    def __init__(self, bound: Mapping[str, Value | None], work: Work) -> None:
        self._bound, self._work = bound, work
        self._present = {key: value for key, value in bound.items() if value is not None}
        self._known: dict[tuple[str, frozenset[Clause]], list[tuple[Value | None, frozenset[Clause]]]] = {}
        self._answers: dict[Wish, Mapping[str, Value] | None] = {}

    def grant(self, wish: Wish | None) -> Mapping[str, Value] | None:
        """Return values by key under which the wish comes true, or None when there are none.

        Raises `Undecided` when the clauses are too entangled to say.
        """
        if wish is None:
            return None
        if wish not in self._answers:
            self._answers[wish] = self._found(wish)
        return self._answers[wish]

    def _found(self, wish: Wish) -> Mapping[str, Value] | None:
        by_key: dict[str, set[Clause]] = {}
        for clause in wish.hold.union(*wish.fail):
            by_key.setdefault(fold(clause.key), set()).add(clause)
        choices = []
        for key, clauses in by_key.items():
            useful = self._useful(key, frozenset(clauses), wish)
            if not useful:
                return None
            choices.append((key, useful))
        picked = _covering(choices, (1 << len(wish.fail)) - 1, Budget(_STEPS, "context-search", self._work, _COST))
        if picked is None:
            return None
        return {**self._present, **{key: value for key, value in picked.items() if value is not None}}

    def _useful(self, key: str, clauses: frozenset[Clause], wish: Wish) -> list[tuple[Value | None, int]]:
        """The values of a key under which its clauses that have to hold do, each with the groups that it makes fail."""
        found: dict[int, Value | None] = {}
        demanded = clauses & wish.hold
        for value, true in self._truths(key, clauses):
            if demanded <= true:
                fails = sum(1 << at for at, group in enumerate(wish.fail) if (group & clauses) - true)
                found.setdefault(fails, value)
        return [(value, fails) for fails, value in found.items() if not any(_within(fails, more) for more in found)]

    def _truths(self, key: str, clauses: frozenset[Clause]) -> list[tuple[Value | None, frozenset[Clause]]]:
        """Every way in which the clauses on a key can be true together, with a value for it."""
        known = self._known.get((key, clauses))
        if known is not None:
            return known
        ordered: Sequence[Clause] = sorted(clauses, key=lambda one: (one.operator.name, one.texts))
        tried = [self._bound[key]] if key in self._bound else values(ordered, self._present, self._work)
        self._work.spend(_COST * len(tried) * len(ordered))
        context = RequestContext(self._present)
        found: dict[frozenset[Clause], Value | None] = {}
        for value in tried:
            if value is None:
                context.folded.pop(key, None)
            else:
                context.folded[key] = value
            asked = Asked(Request("a:b", "*", context))
            found.setdefault(frozenset(clause for clause in ordered if clause.test(asked)), value)
        answer = [(value, true) for true, value in found.items()]
        self._known[key, clauses] = answer
        return answer


def _within(fails: int, more: int) -> bool:
    return fails != more and fails & more == fails


def _covering(
    choices: Sequence[tuple[str, list[tuple[Value | None, int]]]], wanted: int, budget: Budget
) -> dict[str, Value | None] | None:
    """Pick a value for every key so that all wanted groups fail, or return None."""
    reach = [0]
    for _, useful in reversed(choices):
        reach.append(reach[-1] | _union(fails for _, fails in useful))
    reach.reverse()

    def picked(at: int, done: int) -> dict[str, Value | None] | None:
        budget.spend()
        if at == len(choices):
            return {} if done == wanted else None
        if (done | reach[at]) != wanted:
            return None
        key, useful = choices[at]
        for value, fails in useful:
            rest = picked(at + 1, done | fails)
            if rest is not None:
                return {key: value, **rest}
        return None

    return picked(0, 0)


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found


def keys_of(clauses: Iterable[Clause]) -> set[str]:
    """Return the keys, in lower case, whose values the clauses put into their own."""
    return {variable.key for clause in clauses for variable in clause.variables}
