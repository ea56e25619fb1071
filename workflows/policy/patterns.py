"""Wildcards: three dialects over one matcher that takes time linear in the text.

A pattern is a row of tokens: plain texts, and four marks for `*` and `?` with or without leave to cross a
colon. Marks are numbers, so that no text, whatever it holds, can act as a wildcard once it has been put in
literally. Nothing here is ever handed to a regular expression.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Final, TypeAlias

from workflows.errors import LimitExceeded
from workflows.policy.context import fold

MAX_STEPS: Final = 1_000_000
ARN_FIELDS: Final = 6
_WIDE: Final = 512
_LONGEST_SHARED: Final = 128


class Work:
    """The steps that one evaluation has left; a step is one character of a text that a pattern looked at.

    A pattern of uncommon width takes several for each character.
    """

    __slots__ = ("left", "limit")

    def __init__(self, limit: int = MAX_STEPS) -> None:
        self.limit = self.left = limit

    def spend(self, steps: int) -> None:
        """Take `steps` off; raises `LimitExceeded` when fewer are left."""
        self.left -= steps
        if self.left < 0:
            raise LimitExceeded(f"the evaluation took more than {self.limit} steps")


class Mark(IntEnum):
    """A wildcard: how many characters it stands for, and whether a colon may be among them."""

    MANY = 0
    MANY_BUT_COLON = 1
    ONE = 2
    ONE_BUT_COLON = 3


Token: TypeAlias = str | Mark

_STARS: Final = (Mark.MANY, Mark.MANY_BUT_COLON)
_FREE: Final = {"*": Mark.MANY, "?": Mark.ONE}
_WILDCARD: Final = re.compile(r"([*?])")


def text_tokens(text: str) -> tuple[Token, ...]:
    """The tokens of `text` where `*` and `?` stand for anything (actions, StringLike, an ArnLike field)."""
    if "*" not in text and "?" not in text:
        return (text,)
    return tuple(_FREE.get(part, part) for part in _WILDCARD.split(text) if part)


def resource_tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a Resource entry.

    Before the fifth colon a wildcard stays inside its field, except that a `*` which ends its field may run
    on past colons; behind the fifth colon everything is one text.
    """
    if "*" not in text and "?" not in text:
        return (text,)
    *fields, last = text.split(":", ARN_FIELDS - 1)
    tokens: list[Token] = []
    for field in fields:
        tokens += (*_field_tokens(field), ":")
    tokens += text_tokens(last) if len(fields) == ARN_FIELDS - 1 else _field_tokens(last)
    return tuple(tokens)


def _field_tokens(field: str) -> list[Token]:
    tokens = [_confined(token) for token in text_tokens(field)]
    if field.endswith("*"):
        tokens[-1] = Mark.MANY
    return tokens


def _confined(token: Token) -> Token:
    if token is Mark.MANY:
        return Mark.MANY_BUT_COLON
    return Mark.ONE_BUT_COLON if token is Mark.ONE else token


class _Automaton:
    """All places a stretch without free stars can be in at once, one bit each; a text is read once.

    Bit `i` means: the first `i` single-character tokens are behind us.
    """

    __slots__ = ("_accepts", "_any", "_any_but_colon", "_end", "_stays_but_colon")

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._accepts: dict[str, int] = {}
        self._any = self._any_but_colon = self._stays_but_colon = 0
        place = 1
        for token in tokens:
            if token is Mark.MANY_BUT_COLON:
                self._stays_but_colon |= place
                continue
            if token is Mark.ONE:
                self._any |= place
            elif token is Mark.ONE_BUT_COLON:
                self._any_but_colon |= place
            else:
                assert isinstance(token, str)
                self._accepts[token] = self._accepts.get(token, 0) | place
            place <<= 1
        self._end = place

    @property
    def width(self) -> int:
        """How many places there are."""
        return self._end.bit_length()

    def end(self, text: str, start: int, *, anchored: bool, whole: bool) -> int:
        """Where the first stretch of `text` that fits ends, or -1.

        `anchored`: the stretch begins at `start`, else there or later. `whole`: it must end with the text.
        """
        places, again = 1, 0 if anchored else 1
        if not whole and places & self._end:
            return start
        accepts, anything = self._accepts, self._any
        for at in range(start, len(text)):
            char = text[at]
            step = accepts.get(char, 0) | anything
            if char == ":":
                places = ((places & step) << 1) | again
            else:
                places = ((places & (step | self._any_but_colon)) << 1) | (places & self._stays_but_colon) | again
            if not places:
                return -1
            if not whole and places & self._end:
                return at + 1
        return len(text) if places & self._end else -1


_Stretch: TypeAlias = str | _Automaton


class Glob:
    """A compiled pattern.

    Sorted on construction into the cheapest form that is still exact: a plain text, or stretches in a row
    between free `*`, of which all but the odd one are plain texts. `head` is the plain text before the first
    wildcard; the pattern `is_literal` when there is none and `is_prefix` when it is a head and one free `*`.
    """

    __slots__ = ("_first", "_last", "_middle", "_step", "head", "is_literal", "is_prefix", "runs")

    def __init__(self, tokens: Iterable[Token]) -> None:
        runs = tuple(_merged(tokens))
        self.runs: Final[tuple[Token, ...]] = runs
        head = runs[0] if runs and isinstance(runs[0], str) else ""
        self.head: Final[str] = head
        self.is_literal: Final = not runs or runs == (head,)
        self.is_prefix: Final = len(runs) == (2 if head else 1) and runs[-1] is Mark.MANY
        self._first: _Stretch = head
        self._middle: tuple[_Stretch, ...] = ()
        self._last: _Stretch | None = None
        if not self.is_literal and not self.is_prefix:
            self._first, *others = map(_stretch, _between_free_stars(runs))
            if others:
                *between, self._last = others
                self._middle = tuple(filter(None, between))
        stretches = (self._first, *self._middle, self._last)
        widest = max((each.width for each in stretches if isinstance(each, _Automaton)), default=0)
        # Places are kept in words of the machine, so a very wide stretch costs more for each character.
        self._step: Final = 1 + widest // _WIDE if widest or self._middle else 0

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The pattern as single characters and marks."""
        return tuple(_single(self.runs))

    def matches(self, text: str, work: Work) -> bool:
        """Whether the whole of `text` fits; raises `LimitExceeded` when `work` runs out."""
        if self.is_literal:
            return text == self.head
        if not text.startswith(self.head):
            return False
        if self.is_prefix:
            return True
        return self._stretches_fit(text, work)

    def _stretches_fit(self, text: str, work: Work) -> bool:
        """Whether the stretches stand in the text in their order; the first place of each is enough."""
        first, last = self._first, self._last
        if isinstance(last, str) and not text.endswith(last):
            return False
        if self._step:
            work.spend(len(text) * self._step)
        at = len(first) if isinstance(first, str) else first.end(text, 0, anchored=True, whole=last is None)
        if last is None or at < 0:
            return at >= 0
        ends = len(text) - len(last) if isinstance(last, str) else len(text)
        for stretch in self._middle:
            if isinstance(stretch, str):
                found = text.find(stretch, at, ends)
                at = found + len(stretch) if found >= 0 else -1
            else:
                at = stretch.end(text, at, anchored=False, whole=False)
            if at < 0:
                return False
        return at <= ends if isinstance(last, str) else last.end(text, at, anchored=False, whole=True) >= 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and self.runs == other.runs

    def __hash__(self) -> int:
        return hash(self.runs)

    def __repr__(self) -> str:
        return f"Glob({self.runs!r})"


def _merged(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens with plain texts run together and a star beside a freer one left out."""
    text: list[str] = []
    star: Mark | None = None
    for token in tokens:
        if isinstance(token, str):
            if star is not None and token:
                yield star
                star = None
            text.append(token)
            continue
        if text and (run := "".join(text)):
            yield run
        text.clear()
        if token in _STARS:
            star = token if star is None else min(star, token)
            continue
        if star is not None:
            yield star
            star = None
        yield token
    if star is not None:
        yield star
    if text and (run := "".join(text)):
        yield run


def _single(runs: Iterable[Token]) -> Iterator[Token]:
    for run in runs:
        if isinstance(run, str):
            yield from run
        else:
            yield run


def _between_free_stars(runs: Sequence[Token]) -> list[list[Token]]:
    stretches: list[list[Token]] = [[]]
    for run in runs:
        if run is Mark.MANY:
            stretches.append([])
        else:
            stretches[-1].append(run)
    return stretches


def _stretch(runs: Sequence[Token]) -> _Stretch:
    if not runs:
        return ""
    if len(runs) == 1 and isinstance(runs[0], str):
        return runs[0]
    return _Automaton(_single(runs))


class ActionPattern:
    """One entry of Action or NotAction; `text` is as written, the match ignores the case of A-Z."""

    __slots__ = ("glob", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self.glob: Final = Glob(text_tokens(fold(text)))

    def matches(self, folded_action: str, work: Work) -> bool:
        """Whether the pattern covers the action, which the caller has folded to lower case."""
        return self.glob.matches(folded_action, work)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActionPattern) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"ActionPattern({self.text!r})"


_shared_pattern: Final = lru_cache(maxsize=16_384)(ActionPattern)


def action_pattern(text: str) -> ActionPattern:
    """The pattern of a text; the same few actions stand in most policies, so short ones are shared."""
    return _shared_pattern(text) if len(text) <= _LONGEST_SHARED else ActionPattern(text)


def split_arn(text: str) -> list[str] | None:
    """The six fields of an ARN (the sixth is the rest, colons included), or None when there are fewer."""
    fields = text.split(":", ARN_FIELDS - 1)
    return fields if len(fields) == ARN_FIELDS else None
