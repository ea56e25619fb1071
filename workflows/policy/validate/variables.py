"""Policy variables: how they are written, and whether they mean anything where they stand."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from workflows.policy.document import VERSION_WITH_VARIABLES
from workflows.policy.validate.draft import Clause, Draft, StatementDraft, Text
from workflows.policy.validate.rules import (
    Finding,
    Rule,
    Words,
    clause_check,
    document_check,
    error,
    statement_check,
)
from workflows.policy.validate.source import Node

_OPEN: Final = "${"
_ESCAPES: Final = ("*", "?", "$")
_NAME: Final = re.compile(r"[A-Za-z0-9._/:=+@-]+")

_EMPTY: Final = error("EMPTY_VARIABLE", "A variable without a name stands here.", "Write ${{prefix:name}}.")
_NO_BRACE: Final = error("MISSING_BRACE_IN_VARIABLE", "The variable has no closing brace.", "Write ${{prefix:name}}.")
_NO_QUOTE: Final = error(
    "MISSING_QUOTE_IN_VARIABLE",
    "The default of the variable is not in single quotes.",
    "Write ${{prefix:name, 'default'}}.",
)
_SPACE: Final = error(
    "UNSUPPORTED_SPACE_IN_VARIABLE", "There is a space in the name of the variable.", "Remove the space."
)
_SYMBOL: Final = error(
    "UNSUPPORTED_SYMBOL_IN_VARIABLE",
    "The name of the variable holds a character that no key has.",
    "Write the name of a key, such as aws:username.",
)
_ELEMENT: Final = error(
    "VARIABLE_UNSUPPORTED_IN_ELEMENT",
    "{element} takes no variables.",
    "Variables go into Resource, NotResource and the values of Condition.",
)
_VERSION: Final = error(
    "VARIABLE_UNSUPPORTED_IN_VERSION",
    "In this version of the language the variable is plain text.",
    'Write "Version": "2012-10-17".',
)
_OPERATOR: Final = error(
    "INVALID_VARIABLE_FOR_OPERATOR",
    "{operator} takes no variables.",
    "String and Arn operators do.",
)


class _Found(NamedTuple):
    """A variable in a text; without a rule it is well written."""

    rule: Rule | None
    start: int
    end: int


def _variables(text: str) -> Iterator[_Found]:
    """Every variable, in linear time."""
    start = 0
    while (opening := text.find(_OPEN, start)) >= 0:
        found = _variable(text, opening)
        yield found
        start = found.end


def _variable(text: str, opening: int) -> _Found:
    inside = opening + len(_OPEN)
    brace = text.find("}", inside)
    if brace < 0:
        return _Found(_NO_BRACE, opening, len(text))
    comma = text.find(",", inside, brace)
    if comma < 0:
        return _Found(_name(text[inside:brace]), opening, brace + 1)
    # The default may hold braces of its own, so it ends at the first quote that a brace follows.
    quote = text.find("'", comma, brace)
    close = text.find("'}", quote + 1) if quote >= 0 and not text[comma + 1 : quote].strip() else -1
    if close < 0:
        return _Found(_NO_QUOTE, opening, brace + 1)
    name = text[inside:comma]
    return _Found(_SYMBOL if name in _ESCAPES else _name(name), opening, close + 2)


def _name(name: str) -> Rule | None:
    if not name:
        return _EMPTY
    if name in _ESCAPES or _NAME.fullmatch(name):
        return None
    return _SPACE if " " in name else _SYMBOL


def _judged(draft: Draft, text: Text) -> Iterator[Finding]:
    """The variables of a text that may hold some."""
    if _OPEN not in text.text:
        return
    if draft.version != VERSION_WITH_VARIABLES:
        yield _VERSION.at(text.place)
        return
    for found in _variables(text.text):
        if found.rule is not None:
            yield found.rule.at(draft.part(text, found.start, found.end))


@statement_check
def check_resource_variables(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Variables in resources."""
    for entry in (*statement.resources, *statement.not_resources):
        yield from _judged(draft, entry)


@clause_check
def check_value_variables(draft: Draft, _statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Variables in the values of conditions."""
    if clause.operator is None:
        return
    comparison = clause.operator.comparison
    takes = comparison is not None and comparison.takes_variables
    for value in clause.values:
        if takes:
            yield from _judged(draft, value)
        elif _OPEN in value.text and draft.version == VERSION_WITH_VARIABLES:
            yield _OPERATOR.at(value.place, operator=Words(clause.operator_name))


@clause_check
def check_key_variables(_draft: Draft, _statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Variables in the names of keys."""
    if _OPEN in clause.key.text:
        yield _ELEMENT.at(clause.key.place, element=Words("Condition key"))


@statement_check
def check_elements_without_variables(_draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Variables where there can be none."""
    for name in ("Sid", "Effect"):
        member = statement.members.get(name)
        if member is not None and _holds(member.node):
            yield _ELEMENT.at(statement.element(name), element=Words(name))
    for entry in (*statement.actions, *statement.not_actions):
        if _OPEN in entry.text:
            yield _ELEMENT.at(entry.place, element=Words("Action"))
    for entries in (*statement.principals.values(), *statement.not_principals.values()):
        for entry in entries:
            if _OPEN in entry.text:
                yield _ELEMENT.at(entry.place, element=Words("Principal"))


@document_check
def check_version_variables(draft: Draft) -> Iterator[Finding]:
    """Variables in the version."""
    if "Version" in draft.members and _holds(draft.members["Version"].node):
        yield _ELEMENT.at(draft.element("Version"), element=Words("Version"))


def _holds(node: Node) -> bool:
    return isinstance(node.value, str) and _OPEN in node.value
