"""How one policy value is compared with one request value, for each family of operators.

A reader turns a policy value into a test once, when the document is parsed. A test answers only "these two
fit"; negation, absence and sets are the business of `conditions`. A value that cannot be read on either side
never fits.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import Final, TypeAlias

from workflows.policy.context import RequestContext
from workflows.policy.patterns import Glob, Work, split_arn
from workflows.policy.variables import (
    Piece,
    Resolved,
    arn_globs,
    has_variable,
    like_glob,
    plain_text,
    resolve,
)

Test: TypeAlias = Callable[[str, RequestContext, Work], bool]
Reader: TypeAlias = Callable[[Sequence[Piece]], Test]

_MAX_SCALAR_CHARACTERS: Final = 64
_DECIMAL: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_DATE: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,9})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?)?)?",
)
_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PREFIX: Final = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One operator: how its policy values are read, whether it is a negation, what its values may hold."""

    read: Reader
    negated: bool = False
    takes_variables: bool = False
    takes_wildcards: bool = False


# --- texts -----------------------------------------------------------------------------------------------


def _folding(fold_case: Callable[[str], str]) -> Reader:
    """A reader for exact comparison after `fold_case` on both sides."""

    def read(pieces: Sequence[Piece]) -> Test:
        if has_variable(pieces):
            return lambda actual, context, _: (
                (resolved := resolve(pieces, context)) is not None
                and fold_case(plain_text(resolved)) == fold_case(actual)
            )
        wanted = fold_case(plain_text(_fixed(pieces)))
        return lambda actual, _context, _work: fold_case(actual) == wanted

    return read


def _fixed(pieces: Sequence[Piece]) -> list[Resolved]:
    return resolve(pieces, RequestContext()) or []


def _as_is(text: str) -> str:
    return text


def _read_like(pieces: Sequence[Piece]) -> Test:
    if has_variable(pieces):
        return lambda actual, context, work: (
            (resolved := resolve(pieces, context)) is not None and like_glob(resolved).matches(actual, work)
        )
    glob = like_glob(_fixed(pieces))
    return lambda actual, _, work: glob.matches(actual, work)


def _read_arn(pieces: Sequence[Piece]) -> Test:
    if has_variable(pieces):
        return lambda actual, context, work: (
            (resolved := resolve(pieces, context)) is not None and _arn_fits(arn_globs(resolved), actual, work)
        )
    globs = arn_globs(_fixed(pieces))
    return lambda actual, _, work: _arn_fits(globs, actual, work)


def _arn_fits(globs: tuple[Glob, ...] | None, actual: str, work: Work) -> bool:
    fields = split_arn(actual)
    if globs is None or fields is None:
        return False
    return all(glob.matches(text, work) for glob, text in zip(globs, fields, strict=True))


# --- numbers, instants, addresses, bytes, truth ----------------------------------------------------------


def _typed(understand: Callable[[str], object], fits: Callable[..., bool]) -> Reader:
    """A reader for values that mean more than their text; `understand` gives None for what it cannot read.

    `fits` takes the request value first, as the operators are named: request LessThan policy.
    """

    def read(pieces: Sequence[Piece]) -> Test:
        wanted = understand(plain_text(_fixed(pieces)))

        def test(actual: str, _context: RequestContext, _work: Work) -> bool:
            found = understand(actual)
            return wanted is not None and found is not None and fits(found, wanted)

        return test

    return read


def number(text: str) -> Decimal | None:
    """The exact value of an integer or decimal with optional sign; None for any other text."""
    if len(text) > _MAX_SCALAR_CHARACTERS or _DECIMAL.fullmatch(text) is None:
        return None
    return Decimal(text)


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


def truth(text: str) -> bool | None:
    """True or False for the words, in any case; None for any other text."""
    return {"true": True, "false": False}.get(text.lower())


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None


# Family, address, and the mask that a range applies to both sides.
_Range: TypeAlias = tuple[int, int, int]


def address_range(text: str) -> _Range | None:
    """Family, first address and mask of a CIDR range or single address; None for any other text.

    Host bits are masked away; a prefix is a number, never a netmask.
    """
    address, slash, prefix = text.partition("/")
    if len(text) > _MAX_SCALAR_CHARACTERS or "%" in text or (slash and _PREFIX.fullmatch(prefix) is None):
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


def _ordered(family: str, understand: Callable[[str], object]) -> Mapping[str, Comparison]:
    return {
        f"{family}Equals": Comparison(_typed(understand, eq)),
        f"{family}NotEquals": Comparison(_typed(understand, eq), negated=True),
        f"{family}LessThan": Comparison(_typed(understand, lt)),
        f"{family}LessThanEquals": Comparison(_typed(understand, le)),
        f"{family}GreaterThan": Comparison(_typed(understand, gt)),
        f"{family}GreaterThanEquals": Comparison(_typed(understand, ge)),
    }


def _pair(plain: str, negated: str, read: Reader, *, wild: bool = False) -> Mapping[str, Comparison]:
    return {
        plain: Comparison(read, takes_variables=True, takes_wildcards=wild),
        negated: Comparison(read, negated=True, takes_variables=True, takes_wildcards=wild),
    }


COMPARISONS: Final[Mapping[str, Comparison]] = {
    **_pair("StringEquals", "StringNotEquals", _folding(_as_is)),
    **_pair("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", _folding(str.casefold)),
    **_pair("StringLike", "StringNotLike", _read_like, wild=True),
    **_pair("ArnEquals", "ArnNotEquals", _read_arn, wild=True),
    **_pair("ArnLike", "ArnNotLike", _read_arn, wild=True),
    **_ordered("Numeric", number),
    **_ordered("Date", instant),
    "Bool": Comparison(_typed(truth, eq)),
    "BinaryEquals": Comparison(_typed(_bytes, eq)),
    "IpAddress": Comparison(_typed(address_range, _inside)),
    "NotIpAddress": Comparison(_typed(address_range, _inside), negated=True),
}
