"""What every serving process does once a second: look at the database's clock and standing, and say that it is there.

From it the others of its deployment know of it, and it knows how many they are, whether the database is one to be
believed, and what time it is.
"""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Final

import structlog

from service.clock import DatabaseTime
from service.epoch import Mark, is_older, mark_of, read_mark, write_mark
from service.house import House
from service.keyring import FileKeyring
from workflows import quarantine
from workflows.authentication import deployment_of
from workflows.callers import TIME, Call
from workflows.errors import Unavailable
from workflows.ports import Reading, Writing
from workflows.records.deployment import Deployment, Replica

_EVERY: Final = 1.0
_BEATS: Final = 5
_GONE: Final = timedelta(seconds=15)
_FORGOTTEN: Final = timedelta(hours=1)
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Standing:
    """What the rest of the process reads: how many processes serve, and why this one should not be sent work."""

    replicas: int = 1
    draining: bool = False
    quarantined: bool = False
    reachable: bool = True

    @property
    def reasons(self) -> list[str]:
        """Why this process should not be sent work; empty when it should."""
        found = {
            "shutting down": self.draining,
            "in quarantine: the database was put back; see daypass quarantine": self.quarantined,
            "the database does not answer": not self.reachable,
        }
        return [reason for reason, holds in found.items() if holds]


class Pulse:
    """Keeps the standing of a process up to date between `start` and `stop`."""

    def __init__(self, house: House, time: DatabaseTime | None) -> None:
        self._house, self._ports, self._time = house, house.ports, time
        self._file = house.settings.mark_file
        self._beats = 0
        now = self._ports.clock.now()
        name = "rp-" + self._ports.entropy.token_bytes(8).hex()
        self._self = Replica(name, socket.gethostname(), version("daypass"), started_at=now, seen_at=now)
        self._mark: Mark | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="daypass-pulse", daemon=True)
        self.standing = Standing()

    def start(self) -> None:
        """Look once before anything is served, then go on."""
        self._mark = read_mark(self._file)
        self._guarded(self.beat)
        self._thread.start()

    def stop(self) -> None:
        """Say farewell and remember how far the database has come."""
        self._stopping.set()
        self._thread.join()
        self._guarded(self._farewell)

    def _serve(self) -> None:
        while not self._stopping.wait(_EVERY):
            self._guarded(self.beat)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Unavailable:
            self.standing.reachable = False
        except Exception:  # noqa: BLE001  the pulse must outlive whatever one beat meets
            _log.exception("pulse.failed")

    def beat(self) -> None:
        """Look at the database once; raises `Unavailable` when it does not answer."""
        if self._time is not None:
            self._time.look()
        if isinstance(self._ports.keyring, FileKeyring):
            self._ports.keyring.refresh()
        deployment, replicas = self._ports.store.read(self._look)
        self.standing.reachable = True
        if self._mark is not None and is_older(deployment, self._mark) and deployment.quarantined_at is None:
            _log.error("quarantine.entered", epoch=deployment.epoch, authority=deployment.authority)
            because = "the database knows less than this process or this machine has seen of it"
            call = Call(caller=TIME, id=self._ports.entropy.token_bytes(16).hex(), wire="time")
            self.standing.quarantined = True
            quarantine.enter(self._ports, call, because)
            return
        self.standing.quarantined = deployment.quarantined_at is not None
        self.standing.replicas = max(1, replicas)
        if not self.standing.quarantined:
            self._remember(deployment)
        if self._house.shared and self._beats % _BEATS == 0:
            self._ports.store.write(self._say)
        self._beats += 1

    def _look(self, tx: Reading) -> tuple[Deployment, int]:
        alive = self._ports.clock.now() - _GONE
        return deployment_of(tx), sum(replica.seen_at > alive for replica in tx.find(Replica))

    def _say(self, tx: Writing) -> None:
        now = self._ports.clock.now()
        for replica in tx.find(Replica):
            if replica.seen_at < now - _FORGOTTEN:
                tx.remove(replica)
        self._self = Replica(self._self.id, self._self.host, self._self.version, self._self.started_at, now)
        tx.put(self._self)

    def _remember(self, deployment: Deployment) -> None:
        mark = mark_of(deployment)
        if mark != self._mark and self._beats % _BEATS == 0:
            write_mark(self._file, mark)
        self._mark = mark

    def _farewell(self) -> None:
        deployment, _ = self._ports.store.read(self._look)
        if not self.standing.quarantined and (self._mark is None or not is_older(deployment, self._mark)):
            write_mark(self._file, mark_of(deployment))
        if self._house.shared:
            self._ports.store.write(lambda tx: tx.remove(self._self))
