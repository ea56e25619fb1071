"""What statements cover, a text at a time: one action, one resource, and which of them can be covered together.

A statement is a bit in a mask, by its place in the sequence that is asked about.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from workflows.policy.containment import contains, overlaps
from workflows.policy.joint import Aim, Budget, Joint
from workflows.policy.patterns import Glob, Mark, Token, Work

_STATES: Final = 20_000
_STATE_COST: Final = 40
_WIDE: Final = 50
_ODD: Final = {Mark.MANY: "0dd0", Mark.MANY_BUT_COLON: "0dd0", Mark.ONE: "0", Mark.ONE_BUT_COLON: "0"}


@dataclass(frozen=True, slots=True)
class Part:
    """What a statement says of the action, or of the resource: patterns to fit, or to fit none of."""

    patterns: tuple[Glob, ...]
    negated: bool

    def covers(self, text: str, work: Work) -> bool:
        """Tell whether a text is covered."""
        return any(pattern.matches(text, work) for pattern in self.patterns) is not self.negated

    def surely_covers(self, narrow: Glob, work: Work) -> bool:
        """Tell whether every text that fits `narrow` is certainly covered, by one pattern alone."""
        if self.negated:
            return not any(overlaps(pattern, narrow, work) for pattern in self.patterns)
        return any(contains(pattern, narrow, work) for pattern in self.patterns)


def signatures(
    wanted: Glob,
    excluded: Sequence[Glob],
    parts: Sequence[Part],
    welcome: Callable[[int], bool],
    shape: Sequence[Token],
    work: Work,
) -> Iterator[tuple[str, int]]:
    """Yield texts that fit `wanted`, none of `excluded` and the shape, each with the parts that cover it, as bits.

    What is left out is no better than what is yielded. Raises `Undecided`.
    """
    rows: list[Sequence[Token]] = [wanted.tokens, shape]
    better: set[int] = set()
    worse: set[int] = set()

    def add(pattern: Glob, *, good: bool) -> int | None:
        if not overlaps(pattern, wanted, work):
            return None
        rows.append(pattern.tokens)
        (better if good else worse).add(len(rows) - 1)
        return len(rows) - 1

    forbidden = [row for pattern in excluded if (row := add(pattern, good=False)) is not None]
    placed: list[list[int]] = []
    for at, part in enumerate(parts):
        good = welcome(at) is not part.negated
        placed.append([row for pattern in part.patterns if (row := add(pattern, good=good)) is not None])
    aim = Aim((0, 1), frozenset(better), frozenset(worse), frozenset(forbidden))
    told: set[int] = set()
    work.spend(sum(map(len, rows)))
    # A state is tried with some dozens of letters, each a few operations on a number as wide as all rows.
    cost = _STATE_COST + sum(map(len, rows)) // _WIDE
    for text, fitting in Joint(rows).texts(aim, Budget(_STATES, "states", work, cost)):
        mask = 0
        for at, (part, numbers) in enumerate(zip(parts, placed, strict=True)):
            if any(fitting >> row & 1 for row in numbers) is not part.negated:
                mask |= 1 << at
        if mask not in told:
            told.add(mask)
            yield text, mask


def odd_text(wanted: Glob, excluded: Sequence[Glob], shape: Glob, otherwise: str, work: Work) -> str | None:
    """Return a text of this shape that nobody will have named and that fits `wanted` and none of `excluded`, or None.

    `otherwise` is tried where the wildcards of `wanted` do not make a text of this shape.
    """
    filled = "".join(_ODD[token] if isinstance(token, Mark) else token for token in wanted.runs)
    for text in (filled, otherwise):
        if shape.matches(text, work) and wanted.matches(text, work):
            return None if any(pattern.matches(text, work) for pattern in excluded) else text
    return None


def mask_of(parts: Iterable[Part], text: str, work: Work) -> int:
    """Return the parts that cover a text, as bits by their place."""
    return sum(1 << at for at, part in enumerate(parts) if part.covers(text, work))


class ActionTable:
    """The action patterns of many statements, found by literal text and by service instead of one by one."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._negated = sum(1 << at for at, part in enumerate(parts) if part.negated)
        self._literals: dict[str, int] = {}
        self._wild: dict[str, list[tuple[Glob, int]]] = {}
        for at, part in enumerate(parts):
            for pattern in part.patterns:
                if pattern.is_literal:
                    self._literals[pattern.head] = self._literals.get(pattern.head, 0) | 1 << at
                else:
                    self._wild.setdefault(_service(pattern), []).append((pattern, 1 << at))

    def mask(self, action: str, work: Work) -> int:
        """Return the statements that cover an action (in lower case), as bits."""
        hits = self._literals.get(action, 0)
        service = action.partition(":")[0]
        for pattern, bit in chain(self._wild.get(service, ()), self._wild.get("", ())):
            if not hits & bit and pattern.matches(action, work):
                hits |= bit
        return hits ^ self._negated

    def near(self, wanted: Glob) -> list[Part]:
        """Return the statements with only those patterns that could share an action with this one."""
        service = _service(wanted)
        if not service:
            return list(self._parts)
        return [
            Part(tuple(each for each in part.patterns if _service(each) in ("", service)), part.negated)
            for part in self._parts
        ]


def _service(pattern: Glob) -> str:
    """The service that an action pattern speaks of, empty when that is open."""
    service, colon, _ = pattern.head.partition(":")
    return service if colon else ""
