"""How the values of a policy are compared with one request value, for each family of operators.

A reader turns the values of a clause into one test, once, when the document is parsed. A test answers only "one of
these fits"; negation, absence and sets are the business of `conditions`. A value that cannot be read on either side
never fits.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, wraps
from itertools import product
from operator import ge, gt, le, lt
from typing import Final, TypeAlias, TypeVar

from workflows.policy.patterns import Glob, Work, split_arn
from workflows.policy.request import Asked
from workflows.policy.variables import (
    Piece,
    Resolved,
    Variable,
    arn_globs,
    has_variable,
    like_glob,
    plain_text,
    resolve,
)

Pieces: TypeAlias = tuple[Piece, ...]
Fits: TypeAlias = Callable[[str, Asked], bool]
Reader: TypeAlias = Callable[[Sequence[Pieces]], Fits]

# Parsed scalars are kept: the same addresses and instants are asked about again and again.
_REMEMBERED: Final = 8192
_MAX_SCALAR_CHARACTERS: Final = 64
_DECIMAL: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_DATE: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,9})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?)?)?",
)
_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PREFIX: Final = re.compile(r"[0-9]{1,3}")


class Among:
    """The test for operators that ask for equality: what the text means is one of what is wanted.

    `understand` says what a text means and gives None for what it cannot read, which is never wanted; None stands for
    the text itself.
    """

    __slots__ = ("understand", "wanted")

    def __init__(self, wanted: Iterable[object], understand: Callable[[str], object] | None = None) -> None:
        self.wanted: Final = frozenset(wanted) - {None}
        self.understand: Final = understand

    def __call__(self, actual: str, asked: Asked) -> bool:  # noqa: ARG002  tests of other operators look at the request
        """Whether the request value fits."""
        return (actual if self.understand is None else self.understand(actual)) in self.wanted


@dataclass(frozen=True, slots=True)
class Comparison:
    """One operator: how its policy values are read, whether it is a negation, what its values may hold, its cost.

    `cost` orders the clauses of a statement: what is quick to refute is asked first.
    """

    read: Reader
    cost: int
    negated: bool = False
    takes_variables: bool = False
    takes_wildcards: bool = False


def _sorted_out(values: Iterable[Pieces]) -> tuple[list[list[Resolved]], list[Pieces]]:
    """The values that mean the same in every request, resolved, and those that depend on it."""
    fixed: list[list[Resolved]] = []
    varying: list[Pieces] = []
    for pieces in values:
        if has_variable(pieces):
            varying.append(pieces)
        else:
            fixed.append([piece for piece in pieces if not isinstance(piece, Variable)])
    return fixed, varying


def _resolved(values: Iterable[Pieces], asked: Asked) -> Iterable[list[Resolved]]:
    """The values that have all their variables in this request."""
    return filter(None, (resolve(pieces, asked.values) for pieces in values))


# --- texts -----------------------------------------------------------------------------------------------


def _equal(understand: Callable[[str], str] | None) -> Reader:
    """A reader for texts that are the same, after `understand` if one is given."""

    def read(values: Sequence[Pieces]) -> Fits:
        fixed, varying = _sorted_out(values)
        among = Among(_meaning(map(plain_text, fixed), understand), understand)
        if not varying:
            return among
        return lambda actual, asked: (
            among(actual, asked)
            or Among(_meaning(map(plain_text, _resolved(varying, asked)), understand), understand)(actual, asked)
        )

    return read


def _meaning(texts: Iterable[str], understand: Callable[[str], object] | None) -> Iterable[object]:
    return texts if understand is None else map(understand, texts)


def _read_like(values: Sequence[Pieces]) -> Fits:
    fixed, varying = _sorted_out(values)
    globs = tuple(map(like_glob, fixed))
    if len(globs) == 1 and not varying:
        return globs[0].matches

    def fits(actual: str, asked: Asked) -> bool:
        for glob in globs:
            if glob.matches(actual, asked):
                return True
        return any(like_glob(each).matches(actual, asked) for each in _resolved(varying, asked))

    return fits


def _read_arn(values: Sequence[Pieces]) -> Fits:
    fixed, varying = _sorted_out(values)
    wanted = tuple(map(_demanding_fields, filter(None, map(arn_globs, fixed))))

    def fits(actual: str, asked: Asked) -> bool:
        fields = split_arn(actual)
        if fields is None:
            return False
        for globs in wanted:
            if _fields_fit(globs, fields, asked):
                return True
        resolved = filter(None, map(arn_globs, _resolved(varying, asked)))
        return any(_fields_fit(_demanding_fields(globs), fields, asked) for globs in resolved)

    return fits


_Fields: TypeAlias = tuple[tuple[int, Glob], ...]


def _demanding_fields(globs: Sequence[Glob]) -> _Fields:
    """The fields of an ARN pattern that not every text fits, by their place; those that tell most come first."""
    demanding = [(place, glob) for place, glob in enumerate(globs) if glob.head or not glob.is_prefix]
    return tuple(reversed(demanding))


def _fields_fit(globs: _Fields, fields: Sequence[str], work: Work) -> bool:
    return all(glob.matches(fields[place], work) for place, glob in globs)


# --- numbers, instants, addresses, bytes, truth ----------------------------------------------------------


def _same(understand: Callable[[str], object]) -> Reader:
    """A reader for equality of what the texts mean."""
    return lambda values: Among(map(understand, _texts_of(values)), understand)


def _related(understand: Callable[[str], object], relation: Callable[..., bool]) -> Reader:
    """A reader for a relation of what the texts mean.

    `relation` takes the request value first, as the operators are named: request LessThan policy.
    """

    def read(values: Sequence[Pieces]) -> Fits:
        wanted = [meant for text in _texts_of(values) if (meant := understand(text)) is not None]

        def fits(actual: str, _: Asked) -> bool:
            found = understand(actual)
            if found is not None:
                for each in wanted:
                    if relation(found, each):
                        return True
            return False

        return fits

    return read


def _texts_of(values: Iterable[Pieces]) -> Iterable[str]:
    fixed, _ = _sorted_out(values)
    return map(plain_text, fixed)


_T = TypeVar("_T")


def _remembering(read: Callable[[str], _T | None]) -> Callable[[str], _T | None]:
    """A reader that keeps what short texts mean; no scalar is long, so nothing else is worth reading."""
    kept = lru_cache(_REMEMBERED)(read)

    @wraps(read)
    def remembered(text: str) -> _T | None:
        return kept(text) if len(text) <= _MAX_SCALAR_CHARACTERS else None

    return remembered


@_remembering
def number(text: str) -> Decimal | None:
    """The exact value of an integer or decimal with optional sign; None for any other text."""
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


@_remembering
def instant(text: str) -> Decimal | None:
    """Seconds since 1970 UTC of an ISO 8601 text or of an epoch number; None for any other text.

    A missing day is the first, a missing time is midnight, a missing zone is UTC. Four digits alone are an
    epoch number, not a year.
    """
    if (found := _DATE.fullmatch(text)) is None:
        return number(text)
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups()[:6])
    try:
        moment = datetime(
            year or 0, month or 0, 1 if day is None else day, hour or 0, minute or 0, second or 0, tzinfo=UTC
        )
        return _seconds(moment - _EPOCH_START) + Decimal(found[7] or 0) - _offset(found[8] or "Z")
    except ValueError:
        return None


def _seconds(span: timedelta) -> Decimal:
    return Decimal(span.days * 86_400 + span.seconds)


def _offset(zone: str) -> Decimal:
    """The seconds a zone is ahead of UTC; raises ValueError when it names no zone."""
    if zone == "Z":
        return Decimal(0)
    hours, minutes = int(zone[1:3]), int(zone[4:])
    if hours >= 24 or minutes >= 60:  # noqa: PLR2004  hours of a day, minutes of an hour
        raise ValueError(zone)
    seconds = Decimal(hours * 3600 + minutes * 60)
    return -seconds if zone[0] == "-" else seconds


_TRUTH: Final = {
    "".join(spelt): word == "true"
    for word in ("true", "false")
    for spelt in product(*((letter, letter.upper()) for letter in word))
}

truth: Final[Callable[[str], bool | None]] = _TRUTH.get
"""True or False for the words, in any case; None for any other text."""


def binary(text: str) -> bytes | None:
    """The bytes that a text stands for in base64 (RFC 4648, section 4); None for any other text."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None


# Family, address, and the mask that a range applies to both sides.
_Range: TypeAlias = tuple[int, int, int]


@_remembering
def address_range(text: str) -> _Range | None:
    """Family, first address and mask of a CIDR range or single address; None for any other text.

    Host bits are masked away; a prefix is a number, never a netmask.
    """
    address, slash, prefix = text.partition("/")
    if "%" in text or (slash and _PREFIX.fullmatch(prefix) is None):
        return None
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    bits = parsed.max_prefixlen
    length = int(prefix) if slash else bits
    if length > bits:
        return None
    mask = ((1 << length) - 1) << (bits - length)
    return parsed.version, int(parsed) & mask, mask


def _inside(found: _Range, wanted: _Range) -> bool:
    """Whether one address, or a whole range, lies in a range of the same family."""
    return found[0] == wanted[0] and found[1] & wanted[2] == wanted[1] and found[2] & wanted[2] == wanted[2]


# --- the table -------------------------------------------------------------------------------------------

_QUICK, _PARSED, _MATCHED = 1, 2, 3


def _ordered(family: str, understand: Callable[[str], object]) -> Mapping[str, Comparison]:
    return {
        f"{family}Equals": Comparison(_same(understand), _PARSED),
        f"{family}NotEquals": Comparison(_same(understand), _PARSED, negated=True),
        f"{family}LessThan": Comparison(_related(understand, lt), _PARSED),
        f"{family}LessThanEquals": Comparison(_related(understand, le), _PARSED),
        f"{family}GreaterThan": Comparison(_related(understand, gt), _PARSED),
        f"{family}GreaterThanEquals": Comparison(_related(understand, ge), _PARSED),
    }


def _texts(plain: str, negated: str, read: Reader) -> Mapping[str, Comparison]:
    return {
        plain: Comparison(read, _QUICK, takes_variables=True),
        negated: Comparison(read, _QUICK, negated=True, takes_variables=True),
    }


def _patterns(plain: str, negated: str, read: Reader) -> Mapping[str, Comparison]:
    return {
        plain: Comparison(read, _MATCHED, takes_variables=True, takes_wildcards=True),
        negated: Comparison(read, _MATCHED, negated=True, takes_variables=True, takes_wildcards=True),
    }


COMPARISONS: Final[Mapping[str, Comparison]] = {
    **_texts("StringEquals", "StringNotEquals", _equal(None)),
    **_texts("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", _equal(str.casefold)),
    **_patterns("StringLike", "StringNotLike", _read_like),
    **_patterns("ArnEquals", "ArnNotEquals", _read_arn),
    **_patterns("ArnLike", "ArnNotLike", _read_arn),
    **_ordered("Numeric", number),
    **_ordered("Date", instant),
    "Bool": Comparison(_same(truth), _QUICK),
    "BinaryEquals": Comparison(_same(binary), _PARSED),
    "IpAddress": Comparison(_related(address_range, _inside), _PARSED),
    "NotIpAddress": Comparison(_related(address_range, _inside), _PARSED, negated=True),
}
