"""Putting values into a policy document, on its parsed tree.

Only three places take values: Resource, NotResource and condition values. A value stays inside the string or
the list that held its placeholder, so it can never add a key or a statement. What the values are is the
binder's choice.
"""

import re
from collections.abc import Sequence
from typing import Final, Protocol

from workflows.policy.strict_json import Json, item, member

OPEN: Final = "@{"
SWITCH_ELEMENT: Final = "@Enabled"
_PLACEHOLDER: Final = re.compile(r"@\{([^}]*)\}")
_BOUND_ELEMENTS: Final = ("Resource", "NotResource")


class Binder(Protocol):
    """Decides what becomes of switches and placeholders."""

    def keeps(self, switch: Json, path: str) -> bool:
        """Whether the statement with this switch stays."""

    def expanded(self, text: str, path: str) -> list[str]:
        """The texts that take the place of a text with placeholders; at least one."""


def bound(tree: Json, binder: Binder) -> Json:
    """A copy of the document without directives; what has not the shape of a policy is left to the parser."""
    if not isinstance(tree, dict) or "Statement" not in tree:
        return tree
    statements = tree["Statement"]
    path = "$.Statement"
    if not isinstance(statements, list):
        one = _bound_statement(statements, path, binder)
        return {**tree, "Statement": [] if one is None else one}
    several = (_bound_statement(each, item(path, index), binder) for index, each in enumerate(statements))
    return {**tree, "Statement": [each for each in several if each is not None]}


def _bound_statement(statement: Json, path: str, binder: Binder) -> Json:
    """The statement with its values bound, or None when it is switched off."""
    if not isinstance(statement, dict):
        return statement
    if SWITCH_ELEMENT in statement and not binder.keeps(statement[SWITCH_ELEMENT], member(path, SWITCH_ELEMENT)):
        return None
    return {
        name: _bound_element(name, value, member(path, name), binder)
        for name, value in statement.items()
        if name != SWITCH_ELEMENT
    }


def _bound_element(name: str, value: Json, path: str, binder: Binder) -> Json:
    if name in _BOUND_ELEMENTS:
        return _bound_values(value, path, binder)
    if name != "Condition" or not isinstance(value, dict):
        return value
    return {operator: _bound_keys(keys, member(path, operator), binder) for operator, keys in value.items()}


def _bound_keys(keys: Json, path: str, binder: Binder) -> Json:
    if not isinstance(keys, dict):
        return keys
    return {key: _bound_values(value, member(path, key), binder) for key, value in keys.items()}


def _bound_values(value: Json, path: str, binder: Binder) -> Json:
    """A value or a list: lists are spliced in place, repeats dropped, a single result stays single."""
    if isinstance(value, str) and OPEN in value:
        texts: list[Json] = [*dict.fromkeys(binder.expanded(value, path))]
        return texts[0] if len(texts) == 1 else texts
    if not isinstance(value, list) or not any(isinstance(each, str) and OPEN in each for each in value):
        return value
    entries: list[Json] = []
    seen: set[str] = set()
    for index, each in enumerate(value):
        if not isinstance(each, str):
            entries.append(each)
            continue
        for text in binder.expanded(each, item(path, index)) if OPEN in each else (each,):
            if text not in seen:
                seen.add(text)
                entries.append(text)
    return entries


def parts(text: str) -> tuple[list[str], list[str]]:
    """The literal texts around the placeholders of `text`, and the names between them."""
    cut = _PLACEHOLDER.split(text)
    return cut[::2], cut[1::2]


def joined(literals: Sequence[str], values: Sequence[str]) -> str:
    """The text that the values make between the literals: one literal more than values."""
    return literals[0] + "".join(value + literal for value, literal in zip(values, literals[1:], strict=True))
