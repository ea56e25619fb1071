"""How fast one principal may go. Token buckets in this process: who asks too fast is told so before any work is done.

Of several processes that serve one deployment each allows its share, so that together they allow no more than one.

Memory is bounded: the bucket that was used longest ago goes first, and a full bucket need not be remembered.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workflows.errors import DomainError, InvalidExchangeToken, NoSuchEntity, Throttled
from workflows.ports import Clock

_MOST_BUCKETS: Final = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: datetime


def alone() -> int:
    """Return how many processes share a limit where there is one."""
    return 1


class Throttle:
    """`burst` acts at once, then `rate` per second, for each key; of both this process's share, but one at least."""

    def __init__(self, clock: Clock, *, rate: float, burst: int, sharers: Callable[[], int] = alone) -> None:
        self._clock, self._rate, self._most, self._sharers = clock, rate, burst, sharers
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Spend one act; raises `Throttled` when none is left."""
        with self._lock:
            bucket = self._filled(key)
            if bucket.tokens < 1:
                raise Throttled("Rate exceeded")
            bucket.tokens -= 1

    def check(self, key: str) -> None:
        """Raise `Throttled` when no act is left, without spending one."""
        with self._lock:
            if self._filled(key).tokens < 1:
                raise Throttled("Rate exceeded")

    def _filled(self, key: str) -> _Bucket:
        now, sharers = self._clock.now(), self._sharers()
        burst = max(1.0, self._most / sharers)
        bucket = self._buckets.setdefault(key, _Bucket(burst, now))
        self._buckets.move_to_end(key)
        gained = (now - bucket.filled_at).total_seconds() * self._rate / sharers
        bucket.tokens, bucket.filled_at = min(burst, bucket.tokens + gained), now
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket


_ENDS_SOMETHING: Final = frozenset({"RejectDelegationRequest", "RevokeDelegation"})


class Throttles:
    """How fast one principal may file requests, guess tokens and guess ids. Ending something is never throttled."""

    def __init__(self, clock: Clock, sharers: Callable[[], int] = alone) -> None:
        self._creates = Throttle(clock, rate=20, burst=200, sharers=sharers)
        self._bad_tokens = Throttle(clock, rate=1 / 3, burst=20, sharers=sharers)
        self._bad_ids = Throttle(clock, rate=20, burst=1000, sharers=sharers)

    def before(self, act: str, principal: str) -> None:
        """Raise `Throttled` when this principal has to wait before this act (the name of an operation)."""
        if act in _ENDS_SOMETHING:
            return
        if act == "CreateDelegationRequest":
            self._creates.take(principal)
        if act == "GetDelegatedAccessToken":
            self._bad_tokens.check(principal)
        self._bad_ids.check(principal)

    def after(self, failure: DomainError, principal: str) -> None:
        """Count a failure that looks like guessing."""
        # A principal that already has to wait is not counted further; its failure is answered as what it is.
        with suppress(Throttled):
            if isinstance(failure, InvalidExchangeToken):
                self._bad_tokens.take(principal)
            if isinstance(failure, NoSuchEntity):
                self._bad_ids.take(principal)
