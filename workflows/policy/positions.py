"""Where the statements of a policy stand in its source text, for people who look at that text.

Lines and columns count from 1. A statement starts at its opening brace and ends just behind its closing one, so the
text between the two positions is the statement and nothing else.
"""

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

# The text was accepted by the parser before, so every string in it has its closing quote.
_STRING_OR_BRACKET: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]')
_IN_DOCUMENT: Final = 1
_ALONE: Final = 2
_IN_LIST: Final = 3


class Position(NamedTuple):
    """A place between two characters: the column is that of the character behind it. Lines end with a line feed."""

    line: int
    column: int


class Span(NamedTuple):
    """From the first character of something to the place behind its last."""

    start: Position
    end: Position


def statement_spans(text: str) -> tuple[Span, ...]:
    """The span of each statement, in their order, in a text that `parse_policy` accepted; in linear time."""
    places = _Places(text)
    return tuple(Span(places.at(start), places.at(end)) for start, end in _offsets(text))


class _Places:
    """Offsets as positions; they have to be asked for in ascending order, so that no line is counted twice."""

    def __init__(self, text: str) -> None:
        self._text: Final = text
        self._line, self._line_begins, self._counted = 1, 0, 0

    def at(self, offset: int) -> Position:
        line_ends = self._text.count("\n", self._counted, offset)
        if line_ends:
            self._line += line_ends
            self._line_begins = self._text.rindex("\n", self._counted, offset) + 1
        self._counted = offset
        return Position(self._line, offset - self._line_begins + 1)


def _offsets(text: str) -> Iterator[tuple[int, int]]:
    """Where each statement begins and where the text behind it does."""
    depth = level = start = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        mark = found[0]
        if mark[0] == '"':
            # It may be the value of Id as well; even then the next bracket is that of the statements.
            if depth == _IN_DOCUMENT and json.loads(mark) == "Statement":
                level = _ALONE
        elif mark in "[{":
            depth += 1
            if level == depth == _ALONE and mark == "[":
                level = _IN_LIST
            elif depth == level:
                start = found.start()
        else:
            if depth == level:
                yield start, found.end()
            depth -= 1
            if level and depth == _IN_DOCUMENT:
                return
