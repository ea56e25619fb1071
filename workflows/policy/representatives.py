"""A few values of a condition key that stand for all of them.

What the clauses on one key say of a value depends only on which of their patterns, texts, bounds and ranges it meets.
So one value for each way of meeting them is enough, together with absence, the empty text and a text that meets none.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Final

from workflows.policy.conditions import Clause, Quantifier
from workflows.policy.context import Value
from workflows.policy.joint import Budget, Joint, Undecided
from workflows.policy.operators import address_range, instant, number
from workflows.policy.patterns import Mark, Token
from workflows.policy.variables import Resolved, arn_globs, like_glob, plain_text, resolve

_STATES: Final = 20_000
_MOST_SETS: Final = 4_000
_STRANGE: Final = "neither-nor"
_IPV4: Final = 4
_CONFINED: Final = {Mark.MANY: Mark.MANY_BUT_COLON, Mark.ONE: Mark.ONE_BUT_COLON}


def single_values(clauses: Sequence[Clause], bound: Mapping[str, Value]) -> list[str]:
    """Return texts that stand for every text that these clauses, all on one key, can tell apart.

    `bound` gives the values that variables in the clauses have. Raises `Undecided` when patterns are too entangled.
    """
    found: dict[str, None] = {_STRANGE: None, "": None}
    rows: list[Sequence[Token]] = []
    for clause in clauses:
        values = [value for pieces in clause.values if (value := resolve(pieces, bound)) is not None]
        base = clause.operator.base
        if base.startswith("Arn"):
            rows += [row for value in values if (row := _arn_row(value)) is not None]
        elif base in ("StringLike", "StringNotLike"):
            rows += [like_glob(value).tokens for value in values]
        else:
            found |= dict.fromkeys(_points(base, [plain_text(value) for value in values]))
    if rows:
        rows += [tuple(text) for text in found]
        found |= {text: None for text, _ in Joint(rows).signatures(Budget(_STATES, "context-search"))}
    return list(found)


def _arn_row(value: Sequence[Resolved]) -> tuple[Token, ...] | None:
    globs = arn_globs(value)
    if globs is None:
        return None
    *fields, last = globs
    row: list[Token] = []
    for field in fields:
        row += [_CONFINED.get(token, token) if isinstance(token, Mark) else token for token in field.tokens]
        row.append(":")
    return (*row, *last.tokens)


def _points(base: str, texts: Iterable[str]) -> Iterator[str]:
    """The texts themselves, and for what has an order the values around them."""
    if base.startswith("Numeric"):
        yield from _around(number(text) for text in texts)
    elif base.startswith("Date"):
        yield from _around(instant(text) for text in texts)
    elif base in ("IpAddress", "NotIpAddress"):
        for text in texts:
            yield from _edges(text)
    elif base == "Bool":
        yield from ("true", "false")
    else:
        for text in texts:
            yield text
            if base.endswith("IgnoreCase"):
                yield text.swapcase()


def _around(bounds: Iterable[Decimal | None]) -> Iterator[str]:
    ordered = sorted({bound for bound in bounds if bound is not None})
    for at, bound in enumerate(ordered):
        yield _plain(bound)
        following = ordered[at + 1] if at + 1 < len(ordered) else bound + 2
        yield _plain((bound + following) / 2)
    if ordered:
        yield _plain(ordered[0] - 1)


def _plain(value: Decimal) -> str:
    return format(value, "f")


def _edges(text: str) -> Iterator[str]:
    """The first and last address of a range, and the ones just outside of it."""
    found = address_range(text)
    if found is None:
        return
    version, first, mask = found
    family, bits = (ipaddress.IPv4Address, 32) if version == _IPV4 else (ipaddress.IPv6Address, 128)
    last = first | (mask ^ ((1 << bits) - 1))
    for address in (first, last, first - 1, last + 1):
        if 0 <= address < 1 << bits:
            yield str(family(address))


def values(clauses: Sequence[Clause], bound: Mapping[str, Value]) -> list[Value | None]:
    """Return values that stand for everything a request can hold for one key, absence among them.

    Several values at once are tried only where a set operator asks for them: other keys hold one.
    """
    single = single_values(clauses, bound)
    found: list[Value | None] = [None, *single]
    if all(clause.operator.quantifier is Quantifier.NONE for clause in clauses):
        return found
    found.append(())
    found += [(text,) for text in single]
    sets = 0
    for size in range(2, min(len(clauses) + 1, len(single)) + 1):
        for chosen in combinations(single, size):
            sets += 1
            if sets > _MOST_SETS:
                raise Undecided("set-domain")
            found.append(chosen)
    return found
