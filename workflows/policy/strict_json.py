"""A JSON reader for documents that strangers write and that decide who may do what.

The standard reader keeps the last of two equal keys, takes NaN, and runs out of stack on deep nesting; each
of these lets two readers of one text disagree about what it grants. This one refuses all of it, in linear
time.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

from workflows.errors import MalformedPolicy

MAX_DEPTH: Final = 32
MAX_NODES: Final = 20_000
MAX_NUMBER_CHARACTERS: Final = 32
_SHOWN_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as it was written.

    Policies compare numbers as text or as exact decimals, so no digit may be lost to a binary fraction.
    """

    text: str


Json: TypeAlias = "dict[str, Json] | list[Json] | str | Number | bool | None"


class _Doubled(dict[str, Json]):
    """An object in which one key stands twice; it only lives until the walk has found its path."""

    key: str = ""


# A string ends at its quote or, when the quote is missing, at the end of the text. The possessive quantifiers
# keep the scan linear: an unfinished string must not be scanned again from each quote inside it.
_STRING_OR_BRACKET: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_OUTSIDE_SPACE: Final = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))|[ \t\n\r]+', re.DOTALL)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_PLAIN_NAME: Final = re.compile(r"@?[A-Za-z][A-Za-z0-9]*")


def quoted(text: str) -> str:
    """`text` in quotes, escaped to ASCII and cut to 60 characters, so that it is safe inside a message."""
    shown = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "\u2026"
    return json.dumps(shown).replace("\\u2026", "...")


def member(path: str, name: str) -> str:
    """The JSON path of the member `name` of the object at `path`."""
    return f"{path}.{name}" if _PLAIN_NAME.fullmatch(name) else f"{path}[{quoted(name)}]"


def item(path: str, index: int) -> str:
    """The JSON path of the entry `index` (from 0) of the list at `path`."""
    return f"{path}[{index}]"


def read_json(text: str, *, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES) -> Json:
    """The tree that `text` spells; raises `MalformedPolicy` unless it spells exactly one, without ambiguity.

    `max_depth` counts nested lists and objects, `max_nodes` every value and every member name.
    Refused beside plain syntax errors: duplicate names at any depth, NaN and Infinity, a byte order mark,
    NUL, lone surrogates, number literals longer than 32 characters (RFC 8259 section 4 and 9, RFC 7493
    section 2).
    """
    if text.startswith("\ufeff"):
        raise MalformedPolicy("$", "begins with a byte order mark; send plain UTF-8 without one")
    if (bad := _UNSTORABLE.search(text)) is not None:
        raise MalformedPolicy("$", f"holds a NUL or a lone surrogate at {_place(text, bad.start())}")
    _refuse_depth(text, max_depth)
    doubled: list[_Doubled] = []
    try:
        tree: Json = json.loads(
            text,
            object_pairs_hook=lambda members: _unambiguous(members, doubled),
            parse_int=_number,
            parse_float=_number,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as broken:
        raise MalformedPolicy("$", f"is not JSON: {broken.msg} at {_place(text, broken.pos)}") from broken
    if doubled or "\\u" in text or _most_nodes(text) > max_nodes:
        _refuse_oddities(tree, max_nodes)
    return tree


def _most_nodes(text: str) -> int:
    """An upper bound of the values and names in `text`, found without a walk."""
    return 1 + sum(map(text.count, ",:[{"))


def minified(tree: Json) -> str:
    """`tree` as JSON without insignificant white space, members in their order, characters unescaped."""
    match tree:
        case dict():
            members = (f"{json.dumps(name, ensure_ascii=False)}:{minified(value)}" for name, value in tree.items())
            return "{" + ",".join(members) + "}"
        case list():
            return "[" + ",".join(map(minified, tree)) + "]"
        case Number(text):
            return text
        case _:
            return json.dumps(tree, ensure_ascii=False)


def count_significant(text: str) -> int:
    """How many characters `text` has without the white space outside strings, which IAM does not count."""
    return len(_OUTSIDE_SPACE.sub(lambda found: found[1] or "", text))


def _place(text: str, offset: int) -> str:
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    return f"line {line}, column {column}"


def _refuse_depth(text: str, max_depth: int) -> None:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                place = _place(text, found.start())
                raise MalformedPolicy("$", f"is nested more than {max_depth} levels deep at {place}")
        elif mark in "]}":
            depth -= 1


def _number(literal: str) -> Number:
    if len(literal) > MAX_NUMBER_CHARACTERS:
        raise MalformedPolicy("$", f"holds a number of more than {MAX_NUMBER_CHARACTERS} characters")
    return Number(literal)


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedPolicy("$", f"holds {name}, which JSON does not have")


def _unambiguous(members: list[tuple[str, Json]], found: list[_Doubled]) -> dict[str, Json]:
    plain = dict(members)
    if len(plain) == len(members):
        return plain
    doubled = _Doubled(plain)
    found.append(doubled)
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            doubled.key = name
            break
        seen.add(name)
    return doubled


def _refuse_oddities(tree: Json, max_nodes: int) -> None:
    for count, (path, value) in enumerate(_walk(tree), start=1):
        if count > max_nodes:
            raise MalformedPolicy("$", f"has more than {max_nodes} values and names")
        if isinstance(value, _Doubled):
            raise MalformedPolicy(member(_spelt(path), value.key), "stands twice in the same object")
        if isinstance(value, str) and _UNSTORABLE.search(value) is not None:
            raise MalformedPolicy(_spelt(path), "holds an escaped NUL or lone surrogate")


# A path as a chain of links, spelt out only for the message that needs it.
_Link: TypeAlias = "tuple[_Link, str | int] | None"


def _walk(tree: Json) -> Iterator[tuple[_Link, Json]]:
    """Every value and every member name with its place, in document order; needs no stack of calls."""
    waiting: list[tuple[_Link, Json]] = [(None, tree)]
    while waiting:
        place, value = waiting.pop()
        yield place, value
        if isinstance(value, dict):
            for name, inner in reversed(value.items()):
                waiting.append(((place, name), inner))
                waiting.append((place, name))
        elif isinstance(value, list):
            waiting.extend(((place, index), value[index]) for index in reversed(range(len(value))))


def _spelt(place: _Link) -> str:
    steps: list[str | int] = []
    while place is not None:
        place, step = place
        steps.append(step)
    path = "$"
    for step in reversed(steps):
        path = item(path, step) if isinstance(step, int) else member(path, step)
    return path
