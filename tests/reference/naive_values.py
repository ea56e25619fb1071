"""One request value against one policy value, for every operator that is not negated."""

import base64
import ipaddress
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from reference.naive_patterns import Known, Pattern, glob_matches, substituted, substituted_fields
from reference.naive_rules import rule, yes_or_no


def value_fits(operator: str, actual: str, wanted: str, known: Known) -> bool:
    """Whether a positive operator is satisfied."""
    if operator.startswith("String"):
        return STRINGS[operator](actual, substituted(wanted, known))
    if operator.startswith("Arn"):
        return arn_like(actual, wanted, known)
    if operator.startswith("Numeric"):
        return compared(operator, as_number(actual), as_number(wanted))
    if operator.startswith("Date"):
        return compared(operator, as_instant(actual), as_instant(wanted))
    return OTHERS[operator](actual, wanted)


def spelt(wanted: Pattern) -> str:
    """The text of a pattern, its wildcards as they were written."""
    signs = {"star": "*", "one": "?"}
    return "".join(str(signs.get(kind, detail)) for kind, detail in wanted)


@yes_or_no
def string_equals(actual: str, wanted: Pattern | None) -> bool:
    """Letter by letter; a value without its variable fits nothing."""
    return wanted is not None and spelt(wanted) == actual


@yes_or_no
def string_equals_ignore_case(actual: str, wanted: Pattern | None) -> bool:
    """Case folded."""
    return wanted is not None and spelt(wanted).casefold() == actual.casefold()


@yes_or_no
def string_like(actual: str, wanted: Pattern | None) -> bool:
    """With wildcards, over the whole text."""
    return wanted is not None and glob_matches(wanted, actual)


STRINGS = {
    "StringEquals": string_equals,
    "StringEqualsIgnoreCase": string_equals_ignore_case,
    "StringLike": string_like,
}


@rule("fits", "does not fit", "too few fields", "a variable without value")
def arn_fields(actual: str, wanted: str, known: Known) -> str:
    """Six fields one by one, each with wildcards of its own."""
    patterns, fields = substituted_fields(wanted, known), actual.split(":", 5)
    if patterns is None:
        return "a variable without value"
    if len(patterns) < 6 or len(fields) < 6:
        return "too few fields"
    fits = all(glob_matches(pattern, field) for pattern, field in zip(patterns, fields, strict=True))
    return "fits" if fits else "does not fit"


def arn_like(actual: str, wanted: str, known: Known) -> bool:
    """ArnEquals and ArnLike are one operator."""
    return arn_fields(actual, wanted, known) == "fits"


@rule("before", "the same", "after", "cannot be read")
def order_of(actual: Decimal | None, wanted: Decimal | None) -> str:
    """How two numbers or two instants stand to one another."""
    if actual is None or wanted is None:
        return "cannot be read"
    if actual == wanted:
        return "the same"
    return "before" if actual < wanted else "after"


def compared(operator: str, actual: Decimal | None, wanted: Decimal | None) -> bool:
    """Equals, LessThan, LessThanEquals, GreaterThan, GreaterThanEquals; what cannot be read does not fit."""
    order = order_of(actual, wanted)
    return {
        "Equals": equals,
        "LessThan": less_than,
        "LessThanEquals": less_than_equals,
        "GreaterThan": greater_than,
        "GreaterThanEquals": greater_than_equals,
    }[operator.removeprefix("Numeric").removeprefix("Date")](order)


@yes_or_no
def equals(order: str) -> bool:
    """Of the same value, however it is written."""
    return order == "the same"


@yes_or_no
def less_than(order: str) -> bool:
    """Strictly."""
    return order == "before"


@yes_or_no
def less_than_equals(order: str) -> bool:
    """The limit included."""
    return order in ("before", "the same")


@yes_or_no
def greater_than(order: str) -> bool:
    """Strictly."""
    return order == "after"


@yes_or_no
def greater_than_equals(order: str) -> bool:
    """The limit included."""
    return order in ("after", "the same")


@yes_or_no
def bool_fits(actual: str, wanted: str) -> bool:
    """The same of the two words, in any case."""
    return actual.lower() == wanted.lower() and wanted.lower() in ("true", "false")


@yes_or_no
def binary_equals(actual: str, wanted: str) -> bool:
    """The bytes behind the base64 of both sides."""
    return as_bytes(actual) is not None and as_bytes(actual) == as_bytes(wanted)


@rule("inside", "outside", "of the other family", "cannot be read")
def address_in_range(actual: str, wanted: str) -> str:
    """An address, or a range, inside a range of its family."""
    one, other = as_range(actual), as_range(wanted)
    if one is None or other is None:
        return "cannot be read"
    (bits, number, length), (other_bits, other_number, other_length) = one, other
    if bits != other_bits:
        return "of the other family"
    behind = bits - other_length
    inside = length >= other_length and number >> behind == other_number >> behind
    return "inside" if inside else "outside"


def ip_address(actual: str, wanted: str) -> bool:
    """Whether the address is surely in the range."""
    return address_in_range(actual, wanted) == "inside"


OTHERS = {"Bool": bool_fits, "BinaryEquals": binary_equals, "IpAddress": ip_address}


# --- reading values ---------------------------------------------------------------------------------------


def as_number(text: str) -> Decimal | None:
    """An integer or decimal; the whole text."""
    return Decimal(text) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text) else None


W3C_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]+)?)?(?:Z|([+-])([0-9]{2}):([0-9]{2}))?)?)?"
)


@rule("epoch seconds", "a day", "a time", "a time with a fraction", "a time with an offset", "none")
def form_of_a_date(text: str) -> str:
    """How the instant is written."""
    if as_number(text) is not None:
        return "epoch seconds"
    found = W3C_DATE.fullmatch(text)
    if found is None:
        return "none"
    if found[8]:
        return "a time with an offset"
    if found[7]:
        return "a time with a fraction"
    return "a time" if found[4] else "a day"


def as_instant(text: str) -> Decimal | None:
    """Seconds since 1970, exactly."""
    form = form_of_a_date(text)
    if form == "epoch seconds":
        return as_number(text)
    found = W3C_DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, zone_hours, zone_minutes = found.groups()
    try:
        offset = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
        zone = timezone(-offset if sign == "-" else offset)
        parts = [int(part) for part in (year, month, day or 1, hour or 0, minute or 0, second or 0)]
        moment = datetime(*parts, tzinfo=zone)  # type: ignore[arg-type,misc]
    except ValueError:
        return None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Decimal(since.days * 86_400 + since.seconds) + Decimal("0" + (fraction or ""))


def as_bytes(text: str) -> bytes | None:
    """What base64 stands for."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def as_range(text: str) -> tuple[int, int, int] | None:
    """The bits of its family, the first address as a number, and the length of the prefix."""
    spelling, slash, length = text.partition("/")
    try:
        address = ipaddress.ip_address(spelling)
    except ValueError:
        return None
    bits = address.max_prefixlen
    if "%" in spelling or (slash and not re.fullmatch("[0-9]{1,3}", length)) or int(length or 0) > bits:
        return None
    return bits, int(address), int(length) if slash else bits
