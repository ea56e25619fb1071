"""From a form to the input of an operation, judged by the model of the operation.

Every member that breaks a rule is named in one `ConstraintViolation`, in the wording clients of AWS know.
Secrets (members that the model marks as sensitive) never appear in it, and long values are cut.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from service.aws.model import Operation
from service.aws.shapes import ListOf, MapOf, Scalar, Shape, Structure
from workflows.errors import ConstraintViolation

MAX_INDEX: Final = 100
"""The highest index of a list member or map entry, unless the model of the list names a higher one."""

_MAX_DEPTH: Final = 16
_MAX_REPORTED: Final = 100
_MAX_ECHO: Final = 100
_PROTOCOL_NAMES: Final = frozenset({"Action", "Version"})
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_INDEX: Final = re.compile(r"[1-9][0-9]{0,8}")
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}


@dataclass(slots=True)
class Node:
    """What is said under one dotted name: a value, deeper names, both, or neither."""

    value: str | None = None
    children: "dict[str, Node]" = field(default_factory=dict)


def read_input(operation: Operation, params: Mapping[str, str]) -> dict[str, object]:
    """The input as nested dictionaries and lists with typed values; members that were not sent are absent.

    Raises `ConstraintViolation` naming every member that is unknown, missing, misplaced or out of its limits.
    """
    reader = _Reader()
    return _found(reader, _tree(params, reader), operation)


def read_tree(operation: Operation, tree: "Node") -> dict[str, object]:
    """The input as `read_input` reads it, from names and values that another wire has put into a tree."""
    return _found(_Reader(), tree, operation)


def _found(reader: "_Reader", tree: "Node", operation: Operation) -> dict[str, object]:
    found = reader.structure(tree, operation.input, "")
    if reader.violations:
        raise ConstraintViolation(reader.violations)
    return found


def _tree(params: Mapping[str, str], reader: "_Reader") -> Node:
    root = Node()
    for name, value in params.items():
        if name in _PROTOCOL_NAMES:
            continue
        steps = name.split(".")
        if len(steps) > _MAX_DEPTH or not all(steps):
            reader.unknown(name)
            continue
        node = root
        for step in steps:
            node = node.children.setdefault(step, Node())
        node.value = value
    return root


class _Reader:
    """Walks the names of a form along the shapes of an input and gathers what is wrong on the way."""

    def __init__(self) -> None:
        self.violations: list[str] = []

    def structure(self, node: Node, shape: Structure, path: str) -> dict[str, object]:
        if node.value is not None:
            self._report(path, None, "Member must be a structure")
        for name in node.children:
            if name not in shape.members:
                self.unknown(f"{path}.{name}" if path else name)
        found: dict[str, object] = {}
        for name, member in shape.members.items():
            below = f"{path}.{_lower_first(name)}" if path else _lower_first(name)
            if name in node.children:
                found[name] = self._member(node.children[name], member, below)
            elif name in shape.required:
                self._say(f"Value null at '{below}' failed to satisfy constraint: Member must not be null")
        return found

    def _member(self, node: Node, shape: Shape, path: str) -> object:
        match shape:
            case Structure():
                return self.structure(node, shape, path)
            case ListOf():
                return self._list(node, shape, path)
            case MapOf():
                return self._map(node, shape, path)
            case Scalar():
                return self._scalar(node, shape, path)

    def _list(self, node: Node, shape: ListOf, path: str) -> list[object]:
        items = self._numbered(node, "member", shape, path)
        self._check_count(len(items), shape, path)
        return [self._member(item, shape.member, f"{path}.{at}.member") for at, item in enumerate(items, 1)]

    def _map(self, node: Node, shape: MapOf, path: str) -> dict[str, object]:
        entry = Structure({"key": shape.key, "value": shape.value}, ("key", "value"))
        items = self._numbered(node, "entry", shape, path)
        self._check_count(len(items), shape, path)
        entries = [self.structure(item, entry, f"{path}.{at}.entry") for at, item in enumerate(items, 1)]
        found = {str(each["key"]): each["value"] for each in entries if each.keys() == {"key", "value"}}
        if len(found) < len(entries):
            self._report(path, None, "Member must have distinct keys")
        return found

    def _numbered(self, node: Node, word: str, shape: ListOf | MapOf, path: str) -> list[Node]:
        """The nodes under `{word}.1` to `{word}.n`; an empty value alone is the empty list."""
        for name in node.children:
            if name != word:
                self.unknown(f"{path}.{name}")
        by_index = node.children[word].children if word in node.children else {}
        misplaced = node.value or (by_index and node.value is not None)
        if misplaced or (word in node.children and node.children[word].value is not None):
            self._report(path, None, "Member must be a list")
        highest = max(MAX_INDEX, shape.maximum or 0)
        if not all(map(_INDEX.fullmatch, by_index)) or len(by_index) > highest:
            self._report(path, None, f"Member must have indices from 1 to at most {highest}")
            return []
        if by_index.keys() != {str(at) for at in range(1, len(by_index) + 1)}:
            self._report(path, None, "Member must have indices that begin with 1 and leave none out")
            return []
        return [by_index[str(at)] for at in range(1, len(by_index) + 1)]

    def _scalar(self, node: Node, shape: Scalar, path: str) -> object:
        for name in node.children:
            self.unknown(f"{path}.{name}")
        if node.value is None:
            return None
        return _READERS[shape.kind](self, node.value, shape, path)

    def string(self, text: str, shape: Scalar, path: str) -> str:
        if shape.any_letter_case:
            text = next((known for known in shape.enum if known.lower() == text.lower()), text)
        echo = None if shape.sensitive else text
        self._check_range(len(text), shape, path, echo, "length")
        # The pattern is only tried on a text of legal length, whose matching time is bounded.
        too_long = shape.maximum is not None and len(text) > shape.maximum
        if shape.pattern is not None and not too_long and not shape.pattern.fullmatch(text):
            self._report(path, echo, f"Member must satisfy regular expression pattern: {shape.pattern_text}")
        if shape.enum and text not in shape.enum:
            self._report(path, echo, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
        return text

    def integer(self, text: str, shape: Scalar, path: str) -> int:
        echo = None if shape.sensitive else text
        if not _INTEGER.fullmatch(text):
            self._report(path, echo, "Member must be a decimal integer")
            return 0
        self._check_range(int(text), shape, path, echo, "value")
        return int(text)

    def boolean(self, text: str, shape: Scalar, path: str) -> bool:
        if text not in _BOOLEANS:
            self._report(path, None if shape.sensitive else text, "Member must be true or false")
        return _BOOLEANS.get(text, False)

    def unknown(self, name: str) -> None:
        """Note a name that the operation does not have; its value may be a misspelt secret, so not told."""
        self._say(f"Value at '{_brief(name)}' failed to satisfy constraint: Member must be known to the operation")

    def _check_count(self, count: int, shape: ListOf | MapOf, path: str) -> None:
        self._check_range(count, shape, path, None, "length")

    def _check_range(self, size: int, shape: Scalar | ListOf | MapOf, path: str, echo: str | None, what: str) -> None:
        if shape.minimum is not None and size < shape.minimum:
            self._report(path, echo, f"Member must have {what} greater than or equal to {shape.minimum}")
        if shape.maximum is not None and size > shape.maximum:
            self._report(path, echo, f"Member must have {what} less than or equal to {shape.maximum}")

    def _report(self, path: str, value: str | None, constraint: str) -> None:
        shown = "" if value is None else f" '{_brief(value)}'"
        self._say(f"Value{shown} at '{path}' failed to satisfy constraint: {constraint}")

    def _say(self, violation: str) -> None:
        if len(self.violations) < _MAX_REPORTED:
            self.violations.append(violation)


_READERS: Final[Mapping[str, Callable[[_Reader, str, Scalar, str], object]]] = {
    "string": _Reader.string,
    "integer": _Reader.integer,
    "long": _Reader.integer,
    "boolean": _Reader.boolean,
}


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _brief(text: str) -> str:
    return text if len(text) <= _MAX_ECHO else text[:_MAX_ECHO] + "..."
