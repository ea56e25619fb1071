"""What every page of one deployment shares: its address, its cookies' names, and how fast doors may be tried."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from litestar.datastructures import Cookie

from service.throttle import Throttle, alone
from workflows.ports import Clock

_YEAR: Final = 31_536_000
_PLACES: Final = re.compile(
    r"/(?:(?:d|requests|grants|partners|leave)/[A-Za-z0-9_-]{1,128}"
    r"|inbox|grants|roles|partners|activity|me|account(?:/(?:policies|guardrails|provider))?"
    r"|partner|partner-registered|partner-letters|sign-in)?",
)


def safe_path(text: str, otherwise: str = "/") -> str:
    """Return a path to go on to, if it is one of our pages; whatever else was asked for is not followed."""
    return text if _PLACES.fullmatch(text) else otherwise


@dataclass(frozen=True, slots=True)
class Site:
    """One origin. On plain http, which is for a machine of one's own, cookies cannot carry the `__Host-` mark."""

    origin: str

    @property
    def secure(self) -> bool:
        """Whether the pages are served under TLS."""
        return self.origin.startswith("https://")

    @property
    def host(self) -> str:
        """The name that passkeys are bound to."""
        return urlsplit(self.origin).hostname or ""

    @property
    def takes_passkeys(self) -> bool:
        """Whether browsers make passkeys here: they need a name, and TLS unless the name is this machine's."""
        named = any(letter.isalpha() for letter in self.host) and ":" not in self.host
        return named and (self.secure or self.host == "localhost")

    def cookie_name(self, name: str) -> str:
        """Return the full name of a cookie."""
        return f"__Host-{name}" if self.secure else name

    def cookie(self, name: str, value: str, *, seconds: int | None = None, readable: bool = False) -> Cookie:
        """Return a cookie; without `seconds` it lasts as long as the browser, with 0 it is taken back."""
        return Cookie(
            key=self.cookie_name(name),
            value=value,
            path="/",
            max_age=None if seconds is None else min(seconds, _YEAR),
            secure=self.secure,
            httponly=not readable,
            samesite="lax",
        )


class Doors:
    """How fast sign-ins may be tried: for one name, from one place, and altogether."""

    def __init__(self, clock: Clock, sharers: Callable[[], int] = alone) -> None:
        self._names = Throttle(clock, rate=1 / 30, burst=10, sharers=sharers)
        self._places = Throttle(clock, rate=1, burst=40, sharers=sharers)
        self._all = Throttle(clock, rate=50, burst=500, sharers=sharers)

    def knock(self, name: str, place: str | None) -> None:
        """Count a try before it is looked at; raises `Throttled`. Case and white space make no other name."""
        self._all.take("all")
        self._places.take(place or "")
        self._names.take("".join(name.split()).casefold())
