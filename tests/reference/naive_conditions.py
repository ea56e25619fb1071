"""Condition blocks: all clauses, the sets, and what becomes of a key that is absent."""

from collections.abc import Callable
from typing import Any

from reference.naive_patterns import Known, without_case
from reference.naive_rules import rule, yes_or_no
from reference.naive_values import value_fits

NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}
OPERATORS = (
    *("StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"),
    *("Bool", "BinaryEquals", "IpAddress"),
    *(kind + order for kind in ("Numeric", "Date") for order in ("Equals", "LessThan", "LessThanEquals")),
    *(kind + order for kind in ("Numeric", "Date") for order in ("GreaterThan", "GreaterThanEquals")),
    *NEGATED,
)
CLAUSES = (
    "Null",
    *(p + o + e for p in ("", "ForAllValues:", "ForAnyValue:") for o in OPERATORS for e in ("", "IfExists")),
)
STATES_OF_A_KEY = ("absent", "empty", "single", "several")


@yes_or_no
def conditions_hold(statement: dict[str, Any], known: Known) -> bool:
    """All operators, and all keys of each; none is no hindrance."""
    return all(
        clause_holds(operator, key, values if isinstance(values, list) else [values], known)
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )


def as_text(value: Any) -> str:
    """Numbers and booleans are the same as their text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@rule(*(f"{clause}, key {state}" for clause in CLAUSES for state in STATES_OF_A_KEY))
def form_of_a_clause(operator: str, actual: str | list[str] | None) -> str:
    """Which operator met which state of its key."""
    if isinstance(actual, str):
        return f"{operator}, key single"
    return f"{operator}, key " + ("absent" if actual is None else "several" if actual else "empty")


@yes_or_no
def clause_holds(operator: str, key: str, values: list[Any], known: Known) -> bool:
    """One operator and key of a Condition block."""
    wanted = [as_text(value) for value in values]
    actual = known.context.get(without_case(key))
    form_of_a_clause(operator, actual)
    if operator == "Null":
        return null_holds(actual, wanted)
    prefix, _, rest = operator.rpartition(":")
    base, if_exists = rest.removesuffix("IfExists"), rest.endswith("IfExists")

    def passes(one: str) -> bool:
        """One request value: some policy value fits it, or for a negated operator none does."""
        fits = any(value_fits(NEGATED.get(base, base), one, value, known) for value in wanted)
        return not fits if base in NEGATED else fits

    if prefix == "ForAllValues":
        return for_all_values(actual, passes)
    if prefix == "ForAnyValue":
        return for_any_value(actual, passes, if_exists=if_exists)
    if actual is None or actual == []:
        return without_value(if_exists=if_exists, negated=base in NEGATED)
    if isinstance(actual, str):
        return negated_single_value(actual, passes) if base in NEGATED else single_value(actual, passes)
    return negated_several_values(actual, passes) if base in NEGATED else several_values(actual, passes)


# --- the key: absent, single, several ---------------------------------------------------------------------


@yes_or_no
def null_holds(actual: str | list[str] | None, wanted: list[str]) -> bool:
    """Whether the key is absent, as some value says; the empty text and the empty list count as absent."""
    absent = actual is None or actual in ("", [], [""])
    return any(absent == (word.lower() == "true") for word in wanted if word.lower() in ("true", "false"))


@yes_or_no
def without_value(*, if_exists: bool, negated: bool) -> bool:
    """An absent key fails, but holds for IfExists and for a negated operator."""
    return if_exists or negated


@yes_or_no
def single_value(actual: str, passes: Callable[[str], bool]) -> bool:
    """A single-valued key under a positive operator."""
    return passes(actual)


@yes_or_no
def negated_single_value(actual: str, passes: Callable[[str], bool]) -> bool:
    """A single-valued key under a negated operator."""
    return passes(actual)


@yes_or_no
def several_values(actual: list[str], passes: Callable[[str], bool]) -> bool:
    """Several request values without a set operator: one that fits is enough."""
    return any(passes(one) for one in actual)


@yes_or_no
def negated_several_values(actual: list[str], passes: Callable[[str], bool]) -> bool:
    """Several request values without a set operator: of those of a negated operator none may fit."""
    return all(passes(one) for one in actual)


@yes_or_no
def for_all_values(actual: str | list[str] | None, passes: Callable[[str], bool]) -> bool:
    """Every request value; also when there is none, or only the empty text."""
    if actual is None or actual in ("", [], [""]):
        return True
    return all(passes(one) for one in ([actual] if isinstance(actual, str) else actual))


@yes_or_no
def for_any_value(actual: str | list[str] | None, passes: Callable[[str], bool], *, if_exists: bool) -> bool:
    """At least one request value; none there fails, negated too, unless IfExists excuses it."""
    if actual is None or actual == []:
        return if_exists
    return any(passes(one) for one in ([actual] if isinstance(actual, str) else actual))
