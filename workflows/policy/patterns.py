"""Wildcards: three dialects over one matcher that takes time linear in the text.

A pattern is a row of tokens: single characters, and four marks for `*` and `?` with or without leave to cross
a colon. Marks are numbers, so that no text, whatever it holds, can act as a wildcard once it has been put in
literally. Nothing here is ever handed to a regular expression.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TypeAlias

from workflows.errors import LimitExceeded
from workflows.policy.context import fold

MAX_STEPS: Final = 1_000_000
ARN_FIELDS: Final = 6


class Work:
    """The steps that one evaluation has left; a step is one character of a text that a pattern looked at."""

    __slots__ = ("left", "limit")

    def __init__(self, limit: int = MAX_STEPS) -> None:
        self.limit: Final = limit
        self.left = limit

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

_MANY: Final = (Mark.MANY, Mark.MANY_BUT_COLON)


def text_tokens(text: str) -> tuple[Token, ...]:
    """The tokens of `text` where `*` and `?` stand for anything (actions, StringLike, an ArnLike field)."""
    return tuple(Mark.MANY if c == "*" else Mark.ONE if c == "?" else c for c in text)


def resource_tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a Resource entry.

    Before the fifth colon a wildcard stays inside its field, except that a `*` which ends its field may run
    on past colons; behind the fifth colon everything is one text.
    """
    colons = 0
    tokens: list[Token] = []
    for at, char in enumerate(text):
        colons += char == ":"
        confined = colons < ARN_FIELDS - 1
        if char == "*":
            ends_field = text[at + 1 : at + 2] in ("", ":")
            tokens.append(Mark.MANY_BUT_COLON if confined and not ends_field else Mark.MANY)
        elif char == "?":
            tokens.append(Mark.ONE_BUT_COLON if confined else Mark.ONE)
        else:
            tokens.append(char)
    return tuple(tokens)


class _Automaton:
    """All places a pattern can be in at once, one bit each; a text is read once, character by character.

    Bit `i` means: the first `i` single-character tokens are behind us.
    """

    __slots__ = ("_accepts", "_any", "_any_but_colon", "_end", "_stays", "_stays_but_colon")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._accepts: dict[str, int] = {}
        self._any = self._any_but_colon = self._stays = self._stays_but_colon = 0
        place = 1
        for token in tokens:
            if isinstance(token, str):
                self._accepts[token] = self._accepts.get(token, 0) | place
            elif token is Mark.MANY:
                self._stays |= place
            elif token is Mark.MANY_BUT_COLON:
                self._stays_but_colon |= place
            elif token is Mark.ONE:
                self._any |= place
            else:
                self._any_but_colon |= place
            if token not in _MANY:
                place <<= 1
        self._end = place

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` fits."""
        places = 1
        accepts, anything, stays = self._accepts, self._any, self._stays
        for char in text:
            step = accepts.get(char, 0) | anything
            stay = stays
            if char != ":":
                step |= self._any_but_colon
                stay |= self._stays_but_colon
            places = ((places & step) << 1) | (places & stay)
            if not places:
                return False
        return bool(places & self._end)


@dataclass(frozen=True, slots=True)
class Glob:
    """A compiled pattern.

    Sorted on construction into the cheapest form that is still exact: a plain text, texts in a row between
    `*`, or an automaton. `head` is the plain text before the first wildcard.
    """

    tokens: tuple[Token, ...]
    head: str = field(init=False, compare=False, repr=False)
    _tail: str = field(init=False, compare=False, repr=False)
    _between: tuple[str, ...] = field(init=False, compare=False, repr=False)
    _automaton: _Automaton | None = field(init=False, compare=False, repr=False)
    is_literal: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        chunks = _chunks(self.tokens)
        simple = all(isinstance(token, str) or token is Mark.MANY for token in self.tokens)
        set_once = object.__setattr__
        set_once(self, "is_literal", simple and len(chunks) == 1)
        set_once(self, "head", chunks[0])
        set_once(self, "_tail", chunks[-1] if len(chunks) > 1 else "")
        set_once(self, "_between", tuple(filter(None, chunks[1:-1])) if simple else ())
        set_once(self, "_automaton", None if simple else _Automaton(self.tokens))

    def matches(self, text: str, work: Work) -> bool:
        """Whether the whole of `text` fits; raises `LimitExceeded` when `work` runs out."""
        if self.is_literal:
            return text == self.head
        head, tail = self.head, self._tail
        if len(text) < len(head) + len(tail) or not text.startswith(head) or not text.endswith(tail):
            return False
        if self._automaton is not None:
            work.spend(len(text))
            return self._automaton.matches(text)
        if not self._between:
            return True
        work.spend(len(text))
        return _in_order(self._between, text, len(head), len(text) - len(tail))


def _chunks(tokens: Iterable[Token]) -> list[str]:
    """The plain texts before, between and behind the marks."""
    chunks: list[list[str]] = [[]]
    for token in tokens:
        if isinstance(token, str):
            chunks[-1].append(token)
        else:
            chunks.append([])
    return ["".join(chunk) for chunk in chunks]


def _in_order(chunks: Sequence[str], text: str, start: int, end: int) -> bool:
    """Whether the chunks stand in `text[start:end]` in this order; the first place of each is enough."""
    for chunk in chunks:
        found = text.find(chunk, start, end)
        if found < 0:
            return False
        start = found + len(chunk)
    return True


@dataclass(frozen=True, slots=True)
class ActionPattern:
    """One entry of Action or NotAction; `text` is as written, the match ignores the case of A-Z."""

    text: str
    glob: Glob = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "glob", Glob(text_tokens(fold(self.text))))

    def matches(self, folded_action: str, work: Work) -> bool:
        """Whether the pattern covers the action, which the caller has folded to lower case."""
        return self.glob.matches(folded_action, work)


def split_arn(text: str) -> list[str] | None:
    """The six fields of an ARN (the sixth is the rest, colons included), or None when there are fewer."""
    fields = text.split(":", ARN_FIELDS - 1)
    return fields if len(fields) == ARN_FIELDS else None
