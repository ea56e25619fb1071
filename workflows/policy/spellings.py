"""How what condition operators understand can be spelt: numbers, instants, addresses, truths, texts in any case."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from functools import cache
from itertools import pairwise, product
from typing import Final

from workflows.policy.joint import Undecided

_IPV4: Final = 4
_DIGITS: Final = 200
_LONGEST: Final = 64
_MOST: Final = 16
_DATE_FRACTION: Final = 10
_FURTHEST_FOLD: Final = 0x10000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


# --- numbers and instants --------------------------------------------------------------------------------


def bounds_and_between(bounds: Iterable[Decimal]) -> Iterator[Decimal]:
    """Yield each bound, a number between any two neighbours, and one on either side of all."""
    ordered = sorted(bounds)
    with localcontext() as context:
        context.prec = _DIGITS
        found = [(low + high) / 2 for low, high in pairwise(ordered)]
        if ordered:
            found += [ordered[0] - 1, ordered[-1] + 1]
    yield from ordered
    yield from found


def of_number(value: Decimal, *, as_date: bool = False) -> Iterator[str]:
    """Yield spellings of a number, the plainest first, or of the instant that it is in seconds since 1970.

    Raises `Undecided` for a number that has more digits than operators read.
    """
    plain = _date(value) if as_date else format(value, "f")
    if plain is None:
        return
    if len(plain) > _LONGEST:
        raise Undecided("long-numbers")
    yield plain
    stem, end = (plain[:-1], "Z") if as_date else (plain, "")
    head, _, fraction = stem.partition(".")
    most = _DATE_FRACTION if as_date else _MOST
    yield from (f"{head}.{fraction}{'0' * zeros}{end}" for zeros in range(1, most - len(fraction)))


def _date(value: Decimal) -> str | None:
    whole = value.to_integral_value(rounding="ROUND_FLOOR")
    try:
        moment = _EPOCH + timedelta(seconds=int(whole))
    except OverflowError:
        return None
    fraction = format(value - whole, "f")[1:].rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z".rjust(20, "0")


# --- addresses -------------------------------------------------------------------------------------------


def edges(found: tuple[int, int, int]) -> Iterator[tuple[int, int]]:
    """Yield family and number of a range's first and last address, and of those just outside of it."""
    version, first, mask = found
    bits = 32 if version == _IPV4 else 128
    last = first | (mask ^ ((1 << bits) - 1))
    for address in (first, last, first - 1, last + 1):
        if 0 <= address < 1 << bits:
            yield version, address


def of_address(address: tuple[int, int]) -> Iterator[str]:
    """Yield spellings of an address, given as family and number, the plainest first."""
    version, value = address
    if version == _IPV4:
        plain = str(ipaddress.IPv4Address(value))
        yield from (plain, f"{plain}/32", f"{plain}/032")
        return
    long = ipaddress.IPv6Address(value)
    spelt = dict.fromkeys((long.compressed, long.exploded, long.compressed.upper(), long.exploded.upper()))
    yield from spelt
    yield from (f"{one}/128" for one in spelt)


# --- truths, and letters in any case ---------------------------------------------------------------------


def of_truth(*, truth: bool) -> Iterator[str]:
    """Yield every spelling of a truth, the plainest first."""
    word = "true" if truth else "false"
    yield from ("".join(letters) for letters in product(*((letter, letter.upper()) for letter in word)))


@cache
def _by_fold() -> Mapping[str, tuple[str, ...]]:
    """Letters by what they are when case is ignored; some are several letters then."""
    found: dict[str, list[str]] = {}
    for letter in map(chr, range(_FURTHEST_FOLD)):
        folded = letter.casefold()
        if folded != letter:
            found.setdefault(folded, []).append(letter)
    return {folded: tuple(letters) for folded, letters in found.items()}


def letters_like(letter: str) -> tuple[str, ...]:
    """Return the letters that are the same as this one when case is ignored, itself first."""
    folded = letter.casefold()
    return tuple(dict.fromkeys((letter, *((folded,) if len(folded) == 1 else ()), *_by_fold().get(folded, ()))))


def variants(text: str) -> Iterator[str]:
    """Yield every text that is the same as this one when case is ignored, itself first."""
    yield text
    folded, known = text.casefold(), _by_fold()

    def spelt(at: int) -> Iterator[str]:
        if at == len(folded):
            yield ""
            return
        for width in (1, 2, 3):
            part = folded[at : at + width]
            letters = (*((part,) if width == 1 else ()), *known.get(part, ()))
            if len(part) == width and letters:
                yield from (letter + rest for rest in spelt(at + width) for letter in letters)

    yield from (one for one in spelt(0) if one != text)
