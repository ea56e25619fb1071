"""The parts of a statement in words: actions, resources and conditions."""

import json
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from workflows.policy.conditions import NULL, Clause, Operator, Quantifier
from workflows.policy.document import Statement
from workflows.policy.operators import truth
from workflows.policy.variables import ResourcePattern
from workflows.summary.vocabulary import Deed, deed_of

_FILLED_IN: Final = " (where each ${...} is filled in from the request)"
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9._/:@+=-]+")
WHOLE_SERVICE: Final = "do everything that this service offers (managing permissions included)"

_GRAVITY: Final = {deed: place for place, deed in enumerate(Deed)}

# Each operator as what is said of its key; negated ones are told apart by the comparison itself.
_RELATIONS: Final = {
    "StringEquals": "is",
    "StringNotEquals": "is not",
    "StringEqualsIgnoreCase": "is, in any letter case,",
    "StringNotEqualsIgnoreCase": "is not, in any letter case,",
    "StringLike": "fits the pattern",
    "StringNotLike": "does not fit the pattern",
    "ArnEquals": "is or fits the ARN",
    "ArnNotEquals": "neither is nor fits the ARN",
    "ArnLike": "is or fits the ARN",
    "ArnNotLike": "neither is nor fits the ARN",
    "NumericEquals": "is the number",
    "NumericNotEquals": "is not the number",
    "NumericLessThan": "is less than",
    "NumericLessThanEquals": "is at most",
    "NumericGreaterThan": "is more than",
    "NumericGreaterThanEquals": "is at least",
    "DateEquals": "is the moment",
    "DateNotEquals": "is not the moment",
    "DateLessThan": "is before",
    "DateLessThanEquals": "is no later than",
    "DateGreaterThan": "is after",
    "DateGreaterThanEquals": "is no earlier than",
    "Bool": "is",
    "BinaryEquals": "has the bytes",
    "IpAddress": "lies in the address range",
    "NotIpAddress": "does not lie in the address range",
}


def shown(text: str) -> str:
    """`text` in quotes, with everything that could mislead the eye escaped."""
    return json.dumps(text)


def listed(words: Sequence[str], last: str = "and") -> str:
    """The words as an enumeration: "a, b and c"."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def pattern_in_words(text: str, what: str) -> str:
    """A text with wildcards as what it covers; `what` is the part that is matched, such as a name."""
    plain = text.rstrip("*")
    if "*" not in plain and "?" not in plain:
        return f"whatever has {what} that begins with {shown(plain)}" if plain != text else shown(text)
    return f"whatever has {what} that fits {shown(text)} (each * is any text, each ? is any character)"


# --- actions ---------------------------------------------------------------------------------------------


def deeds_in_words(service: str, names: Sequence[str]) -> str:
    """The actions of one service by kind, gravest first: "delete (DeleteObject) and read (GetObject)"."""
    graded = sorted(
        ((deed_of(service, name), name) for name in dict.fromkeys(names)), key=lambda pair: _GRAVITY[pair[0]]
    )
    phrases: list[str] = []
    for deed, group in groupby(graded, key=lambda pair: pair[0]):
        if deed is Deed.EVERYTHING:
            return WHOLE_SERVICE
        phrases.append(f"{deed.value} ({', '.join(_name(name) for _, name in group)})")
    return listed(phrases)


def _name(name: str) -> str:
    plain = name.rstrip("*")
    if "*" in plain or "?" in plain:
        return f"all that fit {name}, where each * is any text and each ? any character"
    return name if plain == name else f"all that begin with {plain}"


def exceptions_in_words(actions: Iterable[str]) -> str:
    """A NotAction list as what is left out."""
    return listed([pattern_in_words(text, "an action name") for text in actions])


# --- resources -------------------------------------------------------------------------------------------


def resources_in_words(statement: Statement) -> str:
    """What the statement is about: single things, patterns, or everything but those."""
    if statement.not_resources:
        return f"anything except {listed([_resource(each) for each in statement.not_resources])}"
    if any(each.text == "*" for each in statement.resources):
        return "any resource"
    return listed([_resource(each) for each in statement.resources], "or")


def _resource(pattern: ResourcePattern) -> str:
    """One entry in words; one with variables is shown as it is, and what its variables stand for is said."""
    if pattern.text == "*":
        return "everything"
    if pattern.is_fixed:
        return pattern_in_words(pattern.text, "an ARN")
    return f"whatever has an ARN that fits {shown(pattern.text)}{_FILLED_IN}"


# --- conditions ------------------------------------------------------------------------------------------


def conditions_in_words(statement: Statement) -> str:
    """The conditions of the statement behind "only if" or "when"; the empty text when there are none."""
    return listed([_clause(clause) for clause in statement.conditions])


def _clause(clause: Clause) -> str:
    operator = clause.operator
    if operator.base == NULL:
        return _presence(clause)
    values = listed([shown(text) for text in clause.texts], "or") if clause.texts else "(nothing at all)"
    said = f"{_subject(operator, _key(clause.key))} {_RELATIONS[operator.base]} {values}"
    if clause.has_variables:
        said += _FILLED_IN
    return said + _without_key(operator)


def _presence(clause: Clause) -> str:
    """A Null clause: absent and present at once holds always, neither never."""
    key = _key(clause.key)
    wanted = {truth(text) for text in clause.texts} - {None}
    match wanted == {True}, wanted == {False}:
        case True, _:
            return f"{key} is absent"
        case _, True:
            return f"{key} is present"
        case _:
            return f"{key} is present or absent" if wanted else f"{key} is neither present nor absent"


def _key(key: str) -> str:
    """The key as it is when it cannot be taken for a part of the sentence, else in quotes."""
    return key if _PLAIN_KEY.fullmatch(key) else shown(key)


def _subject(operator: Operator, key: str) -> str:
    match operator.quantifier:
        case Quantifier.ALL:
            return f"every single value of {key}"
        case Quantifier.ANY:
            return f"at least one value of {key}"
        case Quantifier.NONE:
            return key


def _without_key(operator: Operator) -> str:
    """What the clause says when the request does not carry the key at all, where that is not a plain no."""
    comparison = operator.comparison
    negated = comparison is not None and comparison.negated and operator.quantifier is Quantifier.NONE
    holds = operator.if_exists or operator.quantifier is Quantifier.ALL or negated
    return " (which also holds when the request has no such value)" if holds else ""
