"""Places in a document: the way to them from its root, and the characters they span."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

_LINE_END: Final = re.compile("\n")


class KeyStep(NamedTuple):
    """The name of a member itself, where a plain text in a path leads to the member's value."""

    name: str


class Part(NamedTuple):
    """A part of a text, in characters of what it says."""

    start: int
    length: int


Step: TypeAlias = str | int | KeyStep | Part
Path: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """The way to something and the offsets of its first character and of what lies behind its last."""

    path: Path
    start: int
    end: int


class Position(NamedTuple):
    """A place between two characters: the line counts from 1, column and offset from 0."""

    line: int
    column: int
    offset: int


class Span(NamedTuple):
    """From the first character to the place behind the last."""

    start: Position
    end: Position


class Lines:
    """The lines of a text; they end with a line feed."""

    def __init__(self, text: str) -> None:
        self._begins: Final[Sequence[int]] = [0, *(found.end() for found in _LINE_END.finditer(text))]

    def span(self, place: Place) -> Span:
        """Return where a place lies."""
        return Span(self._at(place.start), self._at(place.end))

    def _at(self, offset: int) -> Position:
        line = bisect_right(self._begins, offset)
        return Position(line, offset - self._begins[line - 1], offset)
