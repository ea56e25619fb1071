"""Counts the use of authority in memory and hands it over in batches, so that counting costs next to nothing."""

import threading
from datetime import date, datetime
from typing import Final

import structlog

from workflows import usage
from workflows.errors import Unavailable
from workflows.ids import PrincipalId
from workflows.ports import Ports
from workflows.records.role import Usage, UsedResource

_MOST: Final = 50_000
_BATCH: Final = 1000
_log = structlog.get_logger(__name__)

_Key = tuple[str, str, date]
_Place = tuple[str, str, str]


class Ledger:
    """The uses that one process has seen and not handed over yet.

    What comes when the memory is full is not counted: questions with ever new names must not fill it further.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._seen: dict[_Key, tuple[int, datetime]] = {}
        self._places: dict[_Place, tuple[int, datetime]] = {}
        self._lock = threading.Lock()

    def note(self, principal_id: str, action: str, now: datetime, *, resource: str | None = None) -> None:
        """Count one use of an action by a principal, a role or a grant (by its id), and on what if that is asked."""
        key = (principal_id, action, now.date())
        with self._lock:
            if resource is not None:
                place = (principal_id, action, resource)
                before = self._places.get(place)
                if before is not None or len(self._places) < _MOST:
                    self._places[place] = ((before[0] if before else 0) + 1, now)
            known = self._seen.get(key)
            if known is not None:
                self._seen[key] = (known[0] + 1, now)
            elif len(self._seen) < _MOST:
                self._seen[key] = (1, now)

    def flush(self) -> int:
        """Hand over what was counted; return how many lines that were. What cannot be stored waits."""
        with self._lock:
            seen, self._seen = self._seen, {}
            found, self._places = self._places, {}
        places = (
            UsedResource(PrincipalId(who), action, resource, count, last)
            for (who, action, resource), (count, last) in found.items()
        )
        self._hand_over(list(places))
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

    def _hand_over(self, places: list[UsedResource]) -> None:
        """Store on what actions were used; with the store away that is lost, as nothing but a proposal rests on it."""
        for first in range(0, len(places), _BATCH):
            try:
                usage.record(self._ports, (), places[first : first + _BATCH])
            except Unavailable:
                _log.warning("ledger.places_lost", lines=len(places) - first)
                return

    def _put_back(self, lines: list[Usage]) -> None:
        with self._lock:
            for line in lines:
                key = (line.principal_id, line.action, date.fromisoformat(line.day))
                count, last = self._seen.get(key, (0, line.last_at))
                self._seen[key] = (count + line.count, max(last, line.last_at))
