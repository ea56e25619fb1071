"""APScheduler, as a clock and nothing else: its jobs live in memory, carry no arguments and may run anywhere, twice.

A watch looks twice a second when something will be due next; work that falls due before the next look gets a wake-up
of its own, at its instant. What was just written, here or in another process, is looked at right away.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Final

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from service.jobs.errands import Courier
from service.jobs.sweep import Sweeper
from service.ledger import Ledger
from workflows import drift
from workflows.errors import Unavailable
from workflows.ports import Ports

_WATCH: Final = timedelta(milliseconds=500)
_SCAN: Final = timedelta(hours=1)
_FLUSH: Final = timedelta(seconds=15)
# A watch that is still at work when the next is due is as it should be; the library would warn of each.
logging.getLogger("apscheduler").setLevel(logging.ERROR)
_ALWAYS: Final = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
_log = structlog.get_logger(__name__)


class Wake:
    """Keeps a process's periodic work going between `start` and `stop`."""

    def __init__(
        self,
        ports: Ports,
        sweeper: Sweeper,
        courier: Courier,
        ledger: Ledger,
        *,
        idle: Callable[[], bool],
    ) -> None:
        self._idle = idle
        self._ports, self._sweeper, self._courier, self._ledger = ports, sweeper, courier, ledger
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults=_ALWAYS,
            executors={"default": ThreadPoolExecutor(3)},
        )
        self._hurried, self._stopping = threading.Event(), threading.Event()
        self._runner = threading.Thread(target=self._hurry_on, name="daypass-hurry", daemon=True)

    def start(self) -> None:
        """Begin to watch; what fell due while nothing ran is done first.

        The scheduler counts by the machine's clock, which ours may be ahead of: the first look must not wait for it.
        """
        self._scheduler.add_job(
            self._guarded(self._watch),
            "interval",
            seconds=_WATCH.total_seconds(),
            id="watch",
        )
        self._scheduler.add_job(
            self._guarded(self._ledger.flush), "interval", seconds=_FLUSH.total_seconds(), id="flush"
        )
        scan = self._guarded(lambda: drift.scan(self._ports))
        self._scheduler.add_job(scan, "interval", seconds=_SCAN.total_seconds(), id="scan")
        self._scheduler.start()
        self._runner.start()

    def hurry(self) -> None:
        """Look now rather than at the next watch: something was written that may be due before it."""
        self._hurried.set()

    def stop(self) -> None:
        """Stop watching and wait for what is being done."""
        self._stopping.set()
        self._hurried.set()
        self._runner.join()
        self._scheduler.shutdown(wait=True)
        self._courier.stop()
        self._guarded(self._ledger.flush)()

    def _hurry_on(self) -> None:
        look = self._guarded(self._watch)
        while True:
            self._hurried.wait()
            self._hurried.clear()
            if self._stopping.is_set():
                return
            look()

    def _watch(self) -> None:
        if self._idle():
            return
        due = self._ports.store.read(lambda tx: tx.next_due())
        now = self._ports.clock.now()
        if due is not None and now < due < now + _WATCH:
            self._scheduler.add_job(
                self._guarded(self._work),
                "date",
                run_date=due,
                id="due",
                replace_existing=True,
            )
        elif due is not None and due <= now:
            self._work()
        else:
            self._sweeper.tidy()

    def _work(self) -> None:
        self._sweeper.run()
        self._sweeper.tidy()
        self._courier.run()

    def _guarded(self, work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except Unavailable:
                _log.warning("wake.store_unavailable")
            except Exception:  # noqa: BLE001  see below
                # A job that raises would be reported by the scheduler alone; the next wake-up tries again.
                _log.exception("wake.failed")

        return run
