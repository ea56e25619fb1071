"""The one file that asks the machine for the time."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

# Two clocks that agree this well are the same clock, read at different moments.
_AGREES: Final = timedelta(seconds=1)
# Counts on while the machine sleeps, where there is such a clock.
_STEADY: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def machine_time() -> datetime:
    """Return what the machine's wall clock says."""
    return datetime.now(UTC)  # noqa: TID251  this is the file the ban points to


def steady_seconds() -> float:
    """Return seconds since some instant; nobody can set them."""
    return time.clock_gettime(_STEADY)


class SystemClock:
    """A clock that never runs backwards and never stands still: not within the process, and not past `floor`.

    It follows `wall` forwards at once. Where `wall` was set back, it goes on from where it was, so that nothing that
    has ended comes to life again and nothing that should end waits. `floor` is the latest instant the deployment is
    known to have acted upon.
    """

    def __init__(
        self,
        floor: datetime,
        wall: Callable[[], datetime] = machine_time,
        steady: Callable[[], float] = steady_seconds,
    ) -> None:
        self._wall, self._steady = wall, steady
        self._latest = self._base = floor
        self._based_at = steady()
        self._lock = threading.Lock()

    @property
    def lead(self) -> timedelta:
        """How far this clock is ahead of the wall clock that it follows; large after that was set back."""
        return self.now() - self._wall()

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        with self._lock:
            wall, steady = self._wall(), self._steady()
            expected = self._base + timedelta(seconds=steady - self._based_at)
            self._base = expected if expected - wall > _AGREES else wall
            self._based_at = steady
            self._latest = max(self._latest, self._base)
            return self._latest


class DatabaseTime:
    """The time of the database server, which all processes of a deployment share, told from the last look at it."""

    def __init__(self, ask: Callable[[], datetime], steady: Callable[[], float] = steady_seconds) -> None:
        self._ask, self._steady = ask, steady
        self._seen = (ask(), steady())

    def look(self) -> None:
        """Ask the server anew; raises `Unavailable` when it does not answer, and then the last look goes on to hold."""
        # The answer is older than its arrival: this is late by less than the way back, and never early.
        self._seen = (self._ask(), self._steady())

    def __call__(self) -> datetime:
        """Return the present instant by the server's clock."""
        told, at = self._seen
        return told + timedelta(seconds=self._steady() - at)
