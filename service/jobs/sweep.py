"""Retires what time has ended, in batches, and remembers how late it is.

Nothing waits for a sweep: whatever has ended is refused at use. A sweep makes the end visible.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from service.observe.metrics import EXPIRY_LAG
from workflows.authentication import deployment_of
from workflows.errors import LostRace
from workflows.ports import Ports, Writing
from workflows.retirement import announce_ends
from workflows.revocation import sweep
from workflows.role_errands import due_role_errands

BATCH: Final = 1000
_FLUSH: Final = timedelta(seconds=5)
_TIDY: Final = timedelta(minutes=1)
_log = structlog.get_logger(__name__)


class Sweeper:
    """Sweeps until nothing is due, and has the roles of grants made and taken away."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._flushed_at: datetime | None = None
        self._swept_at: datetime | None = None

    def run(self) -> int:
        """Retire everything that is due; return how many rows that were."""
        total = 0
        while swept := self._once():
            total += swept
        while self._announced():
            pass
        while done := due_role_errands(self._ports, BATCH):
            total += done
        if total:
            _log.info("sweep.done", retired=total)
        self._swept_at = self._ports.clock.now()
        return total

    def tidy(self) -> None:
        """Do what is never urgent: let dead rows go once a minute, and remember the time."""
        now = self._ports.clock.now()
        if self._swept_at is None or now - self._swept_at >= _TIDY:
            self.run()
        self._remember_the_time()

    def _once(self) -> int:
        try:
            swept = sweep(self._ports, limit=BATCH)
        except LostRace:
            # Another replica retired some of them first; the next look no longer finds those.
            return 1
        for lag in swept.lags:
            EXPIRY_LAG.observe(lag)
        return swept.total

    def _announced(self) -> int:
        try:
            return announce_ends(self._ports, limit=BATCH)
        except LostRace:
            # As above.
            return 1

    def _remember_the_time(self) -> None:
        """Write down the latest instant acted upon, so that a clock set back before the next start is noticed."""
        now = self._ports.clock.now()
        if self._flushed_at is not None and now - self._flushed_at < _FLUSH:
            return

        def work(tx: Writing) -> None:
            deployment = deployment_of(tx)
            if now > deployment.high_water:
                tx.put(replace(deployment, high_water=now))

        self._ports.store.write(work)
        self._flushed_at = now
