"""A JSON reader that keeps where everything stands, for documents that are judged and never enforced.

The engine reads with `strict_json`, which is quicker and keeps no positions; what that one refuses is refused here at
its place. Linear in the text.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final, TypeAlias

from workflows.policy.document import OUTSIDE_CHARACTER_SET
from workflows.policy.strict_json import MAX_DEPTH, MAX_NUMBER_CHARACTERS, Number

# Everything a token can be, white space before it included; the possessive quantifiers keep an unfinished string from
# being read again.
_TOKEN: Final = re.compile(
    r'[ \t\n\r]*+(?:"([^"\\\x00-\x1f]*+)"|([{}\[\],:])|(-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)'
    r'|(true|false|null)|("[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+"))',
)
STRANGE_CHARACTER: Final = "it holds a character that no policy may"
_PLAIN, _MARK, _NUMBER, _WORD, _ESCAPED = range(1, 6)
_SPACE: Final = re.compile(r"[ \t\n\r]*+")
_WORDS: Final = {"true": True, "false": False, "null": None}
_WRITTEN: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL
)


class NotJson(Exception):
    """The text is not one JSON value without ambiguity; `start` and `end` are where it shows."""

    def __init__(self, problem: str, start: int, end: int) -> None:
        super().__init__(problem)
        self.problem: Final = problem
        self.start: Final = start
        self.end: Final = end


class Node:
    """A value and the offsets of its first character and of the place behind its last."""

    __slots__ = ("end", "start", "value")

    def __init__(self, value: "Value", start: int, end: int) -> None:
        self.value: Final = value
        self.start: Final = start
        self.end: Final = end


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object: where its name stands, and its value."""

    start: int
    end: int
    node: Node


Value: TypeAlias = "dict[str, Member] | list[Node] | str | Number | bool | None"


def read_source(text: str, longest: int) -> Node:
    """Return the tree of a text of at most `longest` characters; raises `NotJson`.

    Beside what JSON forbids: names that stand twice in an object, nesting beyond 32 levels, numbers beyond 32
    characters, and characters that no policy may hold.
    """
    if len(text) > longest:
        raise NotJson("it is too long to be read", 0, 0)
    if (found := OUTSIDE_CHARACTER_SET.search(text)) is not None:
        raise NotJson(STRANGE_CHARACTER, found.start(), found.end())
    reader = _Reader(text)
    root = reader.value(0)
    reader.finish()
    return root


def written_places(text: str, node: Node, start: int, end: int) -> tuple[int, int]:
    """Return the offsets of two characters of a text node, or of its closing quote."""
    first = node.start + 1
    assert isinstance(node.value, str)
    if node.end - first - 1 == len(node.value):
        return first + start, first + end
    places = _written(text[first : node.end - 1])
    return first + places[start], first + places[end]


@lru_cache(maxsize=1)
def _written(literal: str) -> list[int]:
    """The offset of each character of what stands between quotes, and of its end."""
    return list(accumulate(map(len, _WRITTEN.findall(literal)), initial=0))


class _Reader:
    """Reads one text from its beginning on."""

    def __init__(self, text: str) -> None:
        self._text: Final = text
        self._at = 0

    def value(self, depth: int) -> Node:
        found = self._next("a value")
        kind, start = found.lastindex, found.start(found.lastindex or 0)
        match kind:
            case 1:
                return Node(found[_PLAIN], start - 1, found.end())
            case 2:
                return self._nested(found[_MARK], start, depth + 1)
            case 3:
                return self._number(found[_NUMBER], start, found.end())
            case 4:
                return Node(_WORDS[found[_WORD]], start, found.end())
            case _:
                return Node(self._escaped(found[_ESCAPED], start), start, found.end())

    def finish(self) -> None:
        end = self._behind_space()
        if end < len(self._text):
            raise NotJson("something follows the end of the document", end, len(self._text))

    def _next(self, wanted: str) -> re.Match[str]:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise self._missing(wanted, self._behind_space())
        self._at = found.end()
        return found

    def _missing(self, wanted: str, start: int) -> NotJson:
        return NotJson(f"{wanted} is missing", start, min(start + 1, len(self._text)))

    def _behind_space(self) -> int:
        space = _SPACE.match(self._text, self._at)
        return space.end() if space else self._at

    def _nested(self, mark: str, start: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise NotJson("it is nested too deep", start, start + 1)
        if mark == "{":
            return self._object(start, depth)
        if mark == "[":
            return self._list(start, depth)
        raise self._missing("a value", start)

    def _list(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        if self._closes("]"):
            return Node(items, start, self._at)
        while True:
            items.append(self.value(depth))
            if self._ends("]"):
                return Node(items, start, self._at)

    def _object(self, start: int, depth: int) -> Node:
        members: dict[str, Member] = {}
        if self._closes("}"):
            return Node(members, start, self._at)
        while True:
            name, first, end = self._name()
            if name in members:
                raise NotJson("a name stands twice in one object", first, end)
            colon = self._next("a colon")
            if colon[_MARK] != ":":
                raise self._missing("a colon", colon.end() - 1)
            members[name] = Member(first, end, self.value(depth))
            if self._ends("}"):
                return Node(members, start, self._at)

    def _name(self) -> tuple[str, int, int]:
        found = self._next("a name in double quotes")
        start = found.start(found.lastindex or 0)
        if found.lastindex == _PLAIN:
            return found[_PLAIN], start - 1, found.end()
        if found.lastindex == _ESCAPED:
            return self._escaped(found[_ESCAPED], start), start, found.end()
        raise self._missing("a name in double quotes", start)

    def _closes(self, bracket: str) -> bool:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found[_MARK] != bracket:
            return False
        self._at = found.end()
        return True

    def _ends(self, bracket: str) -> bool:
        """Whether the list or object ends here; if not, a comma was behind us."""
        wanted = f"a comma or `{bracket}`"
        found = self._next(wanted)
        if found[_MARK] == bracket:
            return True
        if found[_MARK] != ",":
            raise self._missing(wanted, found.start(found.lastindex or 0) - (found.lastindex == _PLAIN))
        return False

    @staticmethod
    def _number(literal: str, start: int, end: int) -> Node:
        if len(literal) > MAX_NUMBER_CHARACTERS:
            raise NotJson("a number is too long", start, end)
        return Node(Number(literal), start, end)

    @staticmethod
    def _escaped(literal: str, start: int) -> str:
        try:
            read: str = json.loads(literal)
        except json.JSONDecodeError:
            raise NotJson("a text holds an escape that JSON does not have", start, start + len(literal)) from None
        if OUTSIDE_CHARACTER_SET.search(read) is not None:
            raise NotJson(STRANGE_CHARACTER, start, start + len(literal))
        return read
