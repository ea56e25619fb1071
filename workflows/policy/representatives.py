"""A few values of a condition key that stand for all of them.

What the clauses on one key say of a value depends only on which of their patterns, texts, bounds and ranges it meets.
So one value for each way of meeting them is enough, together with absence, the empty text and a text that meets none.
Where texts are compared beside numbers, instants, addresses or truths, a meaning is also spelt as none of the texts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations
from typing import Final

from workflows.policy.conditions import Clause, Quantifier
from workflows.policy.context import Value
from workflows.policy.joint import AnyOf, Budget, Joint, Undecided
from workflows.policy.operators import address_range, instant, number
from workflows.policy.patterns import Mark, Token, Work
from workflows.policy.spellings import (
    bounds_and_between,
    edges,
    letters_like,
    of_address,
    of_number,
    of_truth,
    variants,
)
from workflows.policy.variables import Resolved, arn_globs, like_glob, plain_text, resolve

_STATES: Final = 20_000
_STATE_COST: Final = 40
_MOST_SETS: Final = 4_000
_STRANGE: Final = "neither-nor"
_CONFINED: Final = {Mark.MANY: Mark.MANY_BUT_COLON, Mark.ONE: Mark.ONE_BUT_COLON}


@dataclass(slots=True)
class _Compared:
    """Everything that the clauses on one key compare it with, sorted by how."""

    texts: dict[str, None] = field(default_factory=dict)
    folded: dict[str, None] = field(default_factory=dict)
    patterns: list[Sequence[Token]] = field(default_factory=list)
    bounds: set[Decimal] = field(default_factory=set)
    addresses: list[str] = field(default_factory=list)
    families: set[str] = field(default_factory=set)

    def add(self, base: str, values: Sequence[Sequence[Resolved]]) -> None:
        """Sort in what one clause compares with."""
        if base.startswith("Arn"):
            self.patterns += [row for value in values if (row := _arn_row(value)) is not None]
        elif base in ("StringLike", "StringNotLike"):
            self._add_patterns(values)
        elif base.startswith("String"):
            kept = self.folded if base.endswith("IgnoreCase") else self.texts
            kept.update(dict.fromkeys(map(plain_text, values)))
        else:
            self._add_meanings(base, [plain_text(value) for value in values])

    def _add_patterns(self, values: Sequence[Sequence[Resolved]]) -> None:
        for glob in map(like_glob, values):
            if glob.is_literal:
                self.texts[glob.head] = None
            elif glob.tokens != (Mark.MANY,):  # which fits whatever there is
                self.patterns.append(glob.tokens)

    def _add_meanings(self, base: str, texts: Sequence[str]) -> None:
        if base.startswith(("Numeric", "Date")):
            self.families |= {"order", "dates"} if base.startswith("Date") else {"order", "numbers"}
            read = instant if base.startswith("Date") else number
            self.bounds.update(found for text in texts if (found := read(text)) is not None)
        elif base in ("IpAddress", "NotIpAddress"):
            self.families.add("addresses")
            self.addresses += texts
        elif base == "Bool":
            self.families.add("truths")
        elif base == "BinaryEquals":
            self.families.add("bytes")
            self.texts.update(dict.fromkeys(texts))

    @property
    def is_mixed(self) -> bool:
        """Whether texts are compared beside meanings."""
        return bool(self.families and (self.texts or self.folded or self.patterns))

    def refuse_entangled(self) -> None:
        """Raise `Undecided` where patterns and meanings, or meanings of two kinds, speak of the same text."""
        kinds = self.families - {"dates", "numbers"}
        if len(kinds) > 1 or (kinds and self.patterns) or ("bytes" in kinds and self.folded):
            raise Undecided("mixed-types")

    def meanings(self) -> Iterator[Iterable[str]]:
        """Yield for every meaning that can be told apart its spellings."""
        if "order" in self.families:
            both = {"dates", "numbers"} <= self.families
            for value in bounds_and_between(self.bounds):
                yield of_number(value)
                if both:
                    yield of_number(value, as_date=True)
        for text in self.addresses:
            found = address_range(text)
            if found is not None:
                yield from map(of_address, edges(found))
        if "truths" in self.families:
            yield from (of_truth(truth=True), of_truth(truth=False))


def single_values(clauses: Sequence[Clause], bound: Mapping[str, Value], work: Work) -> list[str]:
    """Return texts that stand for every text that these clauses, all on one key, can tell apart.

    `bound` gives the values that variables in the clauses have. Raises `Undecided` when they are too entangled, and
    `LimitExceeded` when `work` is used up.
    """
    compared = _Compared()
    for clause in clauses:
        values = [value for pieces in clause.values if (value := resolve(pieces, bound)) is not None]
        compared.add(clause.operator.base, values)
    compared.refuse_entangled()
    found: dict[str, None] = {_STRANGE: None, "": None, **compared.texts, **compared.folded}
    for text in compared.folded:
        found.update(dict.fromkeys(_unlisted(variants(text), compared.texts)))
    for spellings in compared.meanings():
        found.update(dict.fromkeys(_told_apart(spellings, compared) if compared.is_mixed else _first(spellings)))
    if compared.patterns:
        rows: list[Sequence[Token | AnyOf]] = [*compared.patterns, *map(tuple, compared.texts)]
        rows += map(_row_in_any_case, compared.folded)
        budget = Budget(_STATES, "context-search", work, _STATE_COST)
        found |= {text: None for text, _ in Joint(rows).signatures(budget)}
    return list(found)


def _first(spellings: Iterable[str]) -> Iterator[str]:
    yield next(iter(spellings))


def _unlisted(spellings: Iterable[str], texts: Mapping[str, None]) -> Iterator[str]:
    """The first spelling that is none of the texts, if there is one."""
    found = next((one for one in spellings if one not in texts), None)
    if found is not None:
        yield found


def _told_apart(spellings: Iterable[str], compared: _Compared) -> Iterator[str]:
    """A spelling as such, one that is none of the texts, and one that is none of them in any case."""
    tried = list(spellings)
    folded = {text.casefold() for text in compared.folded}
    yield tried[0]
    yield from _unlisted(tried, compared.texts)
    yield from _unlisted((one for one in tried if one.casefold() not in folded), compared.texts)
    if all(one in compared.texts for one in tried) and "truths" not in compared.families:
        raise Undecided("mixed-types")


def _row_in_any_case(text: str) -> tuple[Token | AnyOf, ...]:
    return tuple(AnyOf(letters_like(letter)) for letter in text)


def _arn_row(value: Sequence[Resolved]) -> tuple[Token, ...] | None:
    globs = arn_globs(value)
    if globs is None:
        return None
    *fields, last = globs
    row: list[Token] = []
    for one in fields:
        row += [_CONFINED.get(token, token) if isinstance(token, Mark) else token for token in one.tokens]
        row.append(":")
    return (*row, *last.tokens)


def values(clauses: Sequence[Clause], bound: Mapping[str, Value], work: Work) -> list[Value | None]:
    """Return values that stand for everything a request can hold for one key, absence among them.

    Several values at once are tried only where a set operator asks for them: other keys hold one.
    """
    single = single_values(clauses, bound, work)
    found: list[Value | None] = [None, *single]
    if all(clause.operator.quantifier is Quantifier.NONE for clause in clauses):
        return found
    # No value at all is the same as absence to every operator.
    found += [(text,) for text in single]
    sets = 0
    for size in range(2, min(len(clauses) + 1, len(single)) + 1):
        for chosen in combinations(single, size):
            sets += 1
            if sets > _MOST_SETS:
                raise Undecided("set-domain")
            found.append(chosen)
    return found
