"""Counts the use of authority in memory and hands it over in batches, so that counting costs next to nothing."""

import threading
from datetime import date, datetime
from typing import Final

import structlog

from workflows import usage
from workflows.errors import Unavailable
from workflows.ids import PrincipalId
from workflows.ports import Ports
from workflows.records.role import Usage

_MOST: Final = 50_000
_BATCH: Final = 1000
_log = structlog.get_logger(__name__)

_Key = tuple[str, str, date]


class Ledger:
    """The uses that one process has seen and not handed over yet.

    What comes when the memory is full is not counted: questions with ever new names must not fill it further.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._seen: dict[_Key, tuple[int, datetime]] = {}
        self._lock = threading.Lock()

    def note(self, principal_id: str, action: str, now: datetime) -> None:
        """Count one use of an action by a principal, a role or a grant (by its id)."""
        key = (principal_id, action, now.date())
        with self._lock:
            known = self._seen.get(key)
            if known is not None:
                self._seen[key] = (known[0] + 1, now)
            elif len(self._seen) < _MOST:
                self._seen[key] = (1, now)

    def flush(self) -> int:
        """Hand over what was counted; return how many lines that were. What cannot be stored waits."""
        with self._lock:
            seen, self._seen = self._seen, {}
        lines = [
            Usage(PrincipalId(who), day.isoformat(), action, count, last)
            for (who, action, day), (count, last) in seen.items()
        ]
        for first in range(0, len(lines), _BATCH):
            try:
                usage.record(self._ports, lines[first : first + _BATCH])
            except Unavailable:
                _log.warning("ledger.store_unavailable", lines=len(lines) - first)
                self._put_back(lines[first:])
                return first
        return len(lines)

    def _put_back(self, lines: list[Usage]) -> None:
        with self._lock:
            for line in lines:
                key = (line.principal_id, line.action, date.fromisoformat(line.day))
                count, last = self._seen.get(key, (0, line.last_at))
                self._seen[key] = (count + line.count, max(last, line.last_at))
