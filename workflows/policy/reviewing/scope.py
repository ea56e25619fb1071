"""What a resource pattern singles out, and which conditions of a document narrow what it allows."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from workflows.policy.catalogue import catalogue
from workflows.policy.conditions import NULL, Clause, Operator, Quantifier
from workflows.policy.context import fold
from workflows.policy.document import Effect, Statement
from workflows.policy.patterns import ActionPattern, action_pattern, split_arn
from workflows.policy.principal import ACCOUNT_ID
from workflows.policy.reviewing.places import ACCOUNT, ANY, ANY_IN_FIELD
from workflows.policy.variables import ResourcePattern

# Fewer letters than these in front of a wildcard single nothing out.
_FEWEST_LETTERS: Final = 3
_NAME: Final = "named"
_OPEN: Final = re.compile(r"[*?]|\$\{")
# Paths and names that stand for many roles of services and of people who sign in.
_CROWDS: Final = ("service-role/", "aws-service-role/", "aws-reserved/", "awsreservedsso", "aws")
EVERYTHING: Final = (ResourcePattern("*", ("*",)),)
_EVERY_ACTION: Final = (action_pattern("*"),)


def as_named(text: str) -> str:
    """The text with a name for each value that is one of a parameter."""
    fields = split_arn(text)
    if fields is None:
        return text.replace(ANY, _NAME)
    fields[4] = ACCOUNT if fields[4] == ANY_IN_FIELD else fields[4]
    return ":".join(fields).replace(ANY_IN_FIELD, _NAME).replace(ANY, _NAME)


def names_something(text: str) -> bool:
    """Whether a resource pattern names one thing, or things whose names begin alike in at least three letters."""
    fields = split_arn(as_named(text))
    if fields is None:
        return False
    head = _head(fields[5])
    if head == fields[5]:
        return bool(head)
    rest = min((_behind(head, start) for start in _type_starts(fields[2]) or ("",)), key=len, default="")
    if any(crowd.startswith(fold(rest)) for crowd in _CROWDS):
        return False
    return len(rest.strip("/")) >= _FEWEST_LETTERS


def names_account(text: str) -> bool:
    """Whether a resource pattern lies in one account that it spells out."""
    fields = split_arn(as_named(text))
    return fields is not None and ACCOUNT_ID.fullmatch(fields[4]) is not None


def names_own_path(text: str, kind: str, domain: str | None) -> bool:
    """Whether a pattern for policies or roles lies under the partner's own path, any path where none is known."""
    fields = split_arn(as_named(text))
    if fields is None:
        return False
    path = _head(fields[5])
    if domain is not None:
        return path.startswith(f"{kind}/{domain}/")
    return path.startswith(f"{kind}/") and path.count("/") > 1


def _head(text: str) -> str:
    found = _OPEN.search(text)
    return text if found is None else text[: found.start()]


def _behind(head: str, start: str) -> str:
    """What of a name is written out behind the word that tells its type; all of it where it is of another type."""
    if start.startswith(head):
        return ""
    return head.removeprefix(start)


@lru_cache(maxsize=1024)
def _type_starts(service: str) -> tuple[str, ...]:
    """The words that resources of a service begin with, such as `role/`; none where names stand alone."""
    known = catalogue().service(service)
    if known is None:
        return ()
    starts = {one.fields[5].partition("*")[0] for one in known.resource_types.values()}
    return tuple(sorted(starts))


# --- conditions that narrow ------------------------------------------------------------------------------


def is_plain(operator: Operator) -> bool:
    """Whether an operator fails on a key that is absent or has another value."""
    comparison = operator.comparison
    if operator.base == NULL or comparison is None or operator.if_exists:
        return False
    return not comparison.negated and operator.quantifier is not Quantifier.ALL


def hardened(clause: Clause) -> Clause:
    """The clause without IfExists: what it would demand if it demanded anything."""
    operator = clause.operator
    return Clause(Operator(operator.base, operator.quantifier), clause.key, clause.texts, clause.values)


def clauses_on(statements: Iterable[Statement], *prefixes: str) -> Iterator[Clause]:
    """Yield what statements demand of keys with these beginnings: Allows by a clause, Denies by its negation."""
    found: dict[Clause, None] = {}
    for statement in statements:
        for clause in statement.conditions if _speaks_of(statement, prefixes) else ():
            told = clause if statement.effect is Effect.ALLOW else _turned(clause)
            if told is not None and fold(told.key).startswith(prefixes) and demands_something(told):
                found[hardened(told)] = None
    yield from found


def _speaks_of(statement: Statement, prefixes: tuple[str, ...]) -> bool:
    """Whether a statement speaks of any of these keys; a Deny has to speak of nothing else, or it demands less."""
    keys = {fold(clause.key) for clause in statement.conditions}
    return any(key.startswith(prefixes) for key in keys) and (statement.effect is Effect.ALLOW or len(keys) == 1)


def _turned(clause: Clause) -> Clause | None:
    """What a Deny demands that refuses all but some values, None where it refuses some values."""
    comparison = clause.operator.comparison
    if comparison is None or not comparison.negated or clause.operator.quantifier is not Quantifier.NONE:
        return None
    return Clause(Operator(clause.operator.base.replace("Not", "", 1)), clause.key, clause.texts, clause.values)


def demands_something(clause: Clause) -> bool:
    """Whether no value of a clause lets everything through, and its operator is a positive one."""
    comparison = clause.operator.comparison
    if comparison is None or comparison.negated or clause.operator.quantifier is Quantifier.ALL:
        return False
    return all(as_named(text).strip("*?:") and text not in ("0.0.0.0/0", "::/0") for text in clause.texts) and bool(
        clause.texts
    )


# --- statements that ask ---------------------------------------------------------------------------------


def deny(
    *,
    resources: Sequence[ResourcePattern] = EVERYTHING,
    conditions: Sequence[Clause] = (),
    but_on: Sequence[ResourcePattern] = (),
    actions: Sequence[ActionPattern] = _EVERY_ACTION,
) -> Statement:
    """A Deny by which a question leaves out what is of no concern; `but_on` spares resources."""
    return Statement(
        index=-1,
        path="$",
        sid=None,
        effect=Effect.DENY,
        actions=tuple(actions),
        not_actions=(),
        resources=() if but_on else tuple(resources),
        not_resources=tuple(but_on),
        conditions=tuple(conditions),
    )


def none_of(clauses: Iterable[Clause]) -> tuple[Statement, ...]:
    """Denies wherever one of the clauses holds."""
    return tuple(deny(conditions=(clause,)) for clause in clauses)


def outside(patterns: Iterable[ResourcePattern]) -> tuple[Statement, ...]:
    """A Deny on these resources, so that the question is about all others; none for none."""
    found = tuple(patterns)
    return (deny(resources=found),) if found else ()


@lru_cache(maxsize=4096)
def equals(key: str, values: tuple[str, ...], operator: str = "StringEquals") -> Clause:
    """A clause that compares a key with some values."""
    return Clause(Operator(operator), key, values, tuple((value,) for value in values))


@lru_cache(maxsize=4096)
def resource_pattern(text: str) -> ResourcePattern:
    """The pattern of a text without variables."""
    return ResourcePattern(text, (text,))
