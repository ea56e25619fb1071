"""The one file that asks the machine for the time."""

import threading
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock, which never runs backwards here: not within the process, and not past `floor`.

    `floor` is the latest instant the deployment is known to have acted upon, so that a clock that was set back
    cannot bring anything to life again.
    """

    def __init__(self, floor: datetime) -> None:
        self._latest = floor
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        wall = datetime.now(UTC)  # noqa: TID251  this is the file the ban points to
        with self._lock:
            self._latest = max(self._latest, wall)
            return self._latest
