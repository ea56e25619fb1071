"""Time and chance for tests: a clock that moves when told, and randomness that a seed repeats."""

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from typing import Final

NOON: Final = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


class StillClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, **span: float) -> None:
        self._now += timedelta(**span)

    def set(self, now: datetime) -> None:
        self._now = now


class OffsetClock:
    """The machine's clock plus an offset, for servers that real clients sign requests for."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset  # noqa: TID251  a clock of the tests

    def advance(self, **span: float) -> None:
        self._offset += timedelta(**span)


class SeededEntropy:
    """Unpredictable to nobody: the same seed gives the same bytes in the same order."""

    def __init__(self, seed: str = "seed") -> None:
        self._seed, self._count, self._lock = seed, 0, threading.Lock()

    def token_bytes(self, count: int) -> bytes:
        with self._lock:
            self._count += 1
            name = f"{self._seed}/{self._count}"
        out = b""
        while len(out) < count:
            out += hashlib.sha256(f"{name}/{len(out)}".encode()).digest()
        return out[:count]
