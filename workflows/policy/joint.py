"""Many patterns read at once, to find a text that fits some of them and avoids others.

All places in all patterns are bits of one number, so reading a character is a shift and two masks, however many
patterns there are. Texts are found breadth first, so the first is the shortest.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.policy.patterns import Mark, Token, Work

# What stands for a character that no pattern names, the friendliest first.
_FILLERS: Final = "xyzwvutsrqponmlkjihgfedcba0123456789-_.XYZ"
_COLON: Final = ":"


class Undecided(Exception):
    """A search was given up; `because` names the bound that it met."""

    def __init__(self, because: str) -> None:
        super().__init__(because)
        self.because: Final = because


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A token that takes any one of a few letters."""

    letters: tuple[str, ...]


class Budget:
    """The steps that a search may still take; raises `Undecided` when they are used up.

    With `work`, each step also takes `cost` off the work of the whole that the search is a part of, which raises
    `LimitExceeded`.
    """

    __slots__ = ("_because", "_cost", "_work", "left")

    def __init__(self, steps: int, because: str, work: Work | None = None, cost: int = 0) -> None:
        self.left, self._because = steps, because
        self._work, self._cost = work, cost

    def spend(self, steps: int = 1) -> None:
        """Take steps off."""
        self.left -= steps
        if self._work is not None:
            self._work.spend(steps * self._cost)
        if self.left < 0:
            raise Undecided(self._because)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a search is after, as masks of rows: which must fit in the end, and which it is better to fit or not.

    `must` rows are wanted in every text; of two ways to read on, one is worth nothing if the other has all of its
    `better` places and no `worse` place that it lacks. A text that fits a row of `never` is of no use.
    """

    must: tuple[int, ...]
    better: frozenset[int]
    worse: frozenset[int]
    never: frozenset[int] = frozenset()


class Joint:
    """The rows of tokens (single characters and marks) as one automaton; row numbers are places in the sequence."""

    __slots__ = (
        *("_accepts", "_any", "_any_but_colon", "_filler", "_stays", "_stays_but_colon"),
        *("ends", "masks", "start"),
    )

    def __init__(self, rows: Sequence[Sequence[Token | AnyOf]]) -> None:
        self._accepts: dict[str, int] = {}
        self._any = self._any_but_colon = self._stays = self._stays_but_colon = self.start = 0
        ends, masks = [], []
        place = 1
        for tokens in rows:
            first = place
            self.start |= place
            for token in tokens:
                place = self._take(token, place)
            ends.append(place)
            place <<= 1
            masks.append(place - first)
        self.ends: Final = tuple(ends)
        self.masks: Final = tuple(masks)
        self._filler: Final = next((letter for letter in _FILLERS if letter not in self._accepts), "\xff")

    def _take(self, token: Token | AnyOf, place: int) -> int:
        match token:
            case Mark.MANY:
                self._stays |= place
                return place
            case Mark.MANY_BUT_COLON:
                self._stays_but_colon |= place
                return place
            case Mark.ONE:
                self._any |= place
            case Mark.ONE_BUT_COLON:
                self._any_but_colon |= place
            case AnyOf(letters):
                for letter in letters:
                    self._accepts[letter] = self._accepts.get(letter, 0) | place
            case _:
                self._accepts[token] = self._accepts.get(token, 0) | place
        return place << 1

    def step(self, state: int, letter: str) -> int:
        """Return the places behind one more character."""
        moves, stays = self._accepts.get(letter, 0) | self._any, self._stays
        if letter != _COLON:
            moves |= self._any_but_colon
            stays |= self._stays_but_colon
        return ((state & moves) << 1) | (state & stays)

    def letters(self, state: int, needed: int) -> Iterator[str]:
        """Return every character that makes a difference here, while the `needed` places stay alive."""
        free = state & needed & (self._any | self._any_but_colon | self._stays | self._stays_but_colon)
        alive = state if free else state & needed
        if free:
            yield self._filler
            yield _COLON
        for letter, places in self._accepts.items():
            if places & alive and not (free and letter == _COLON):
                yield letter

    def fitting(self, state: int) -> int:
        """Return the rows that the text fits which led here, as bits by their number."""
        found = 0
        for number, end in enumerate(self.ends):
            if state & end:
                found |= 1 << number
        return found

    def texts(self, aim: Aim, budget: Budget) -> Iterator[tuple[str, int]]:
        """Yield texts that fit all `must` rows with the rows they fit, leaving out what another text does better.

        Raises `Undecided` when the budget runs out.
        """
        musts = [self.masks[row] for row in aim.must]
        better = sum(self.masks[row] for row in aim.better) | sum(set(musts))
        worse = sum(self.masks[row] for row in aim.worse)
        never = sum(self.ends[row] for row in aim.never)
        # Where such a row ends with a star, whatever follows fits it as well.
        doomed = never & self._stays
        seen: list[tuple[int, int]] = []
        known = {self.start}
        waiting: deque[tuple[int, str]] = deque([(self.start, "")])
        while waiting:
            state, text = waiting.popleft()
            good, bad = state & better, state & worse
            budget.spend(1 + (len(seen) >> 4))
            if any(good & other == good and bad & less == less for other, less in seen):
                continue
            seen.append((good, bad))
            if not state & never and all(state & self.ends[row] for row in aim.must):
                yield text, self.fitting(state)
            for letter in self.letters(state, musts[0] if musts else state):
                after = self.step(state, letter)
                if after not in known and not after & doomed and all(after & mask for mask in musts):
                    known.add(after)
                    waiting.append((after, text + letter))

    def signatures(self, budget: Budget) -> Iterator[tuple[str, int]]:
        """Yield one text for every set of rows that some text fits; raises `Undecided` when the budget runs out."""
        told: set[int] = set()
        known = {self.start}
        waiting: deque[tuple[int, str]] = deque([(self.start, "")])
        while waiting:
            state, text = waiting.popleft()
            budget.spend()
            fitting = self.fitting(state)
            if fitting not in told:
                told.add(fitting)
                yield text, fitting
            for letter in (self._filler, _COLON, *(one for one in self._accepts if self._accepts[one] & state)):
                after = self.step(state, letter)
                if after and after not in known:
                    known.add(after)
                    waiting.append((after, text + letter))
