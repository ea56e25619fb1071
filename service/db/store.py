"""The store: snapshots for readers, and one writing thread that commits in groups.

Several writers on SQLite wait for one another's locks for hundreds of milliseconds; one thread that takes whatever
is waiting, gives each use-case its own savepoint and commits them together does not. A use-case that raises undoes
only itself. Nobody is told of success before the commit that carries it is durable.

On PostgreSQL it is the same, so that the threads of one process never lose races to one another. A group that lost one
to another process is run again: at once, then standing in line. A commit whose answer was lost is looked up.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.clock import steady_seconds
from service.db.engine import Ways, is_shared, reading_engine, writing_engine
from service.db.memory import Memory
from service.db.pending import Misjudged
from service.db.signals import Signals, signals
from service.db.view import View
from workflows.errors import Unavailable
from workflows.ports import Expected, Reading, Writing

if TYPE_CHECKING:
    from service.db.bell import Bell

T = TypeVar("T")

_GROUP = 64
_READERS = 8
_TRIES = 10
# Seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0
_IN_LINE = 2.0
_UNREACHABLE = "the store cannot be reached; nothing was changed"
_UNKNOWN = "the store stopped answering while this was being written; look whether it was"

# What a process says to the others when it commits.
_AUTHORITY, _WORK = "authority ", "work "
_BREATH = 0.5
_PAUSE = threading.Event()
_log = structlog.get_logger(__name__)


class _Raised(Exception):
    """An act of a group raised, and with it everything that the group wrote is undone.

    Where it took something for granted that was not written yet, it may raise something else when it is run again.
    """

    def __init__(self, *, guessing: bool) -> None:
        self.guessing = guessing


class _Lost(Exception):
    """A group lost to another process, or lost its connection; nothing of it was written."""


class _Job:
    """One use-case waiting for the writing thread."""

    def __init__(self, work: Callable[[Writing], Any], expected: Sequence[Expected]) -> None:
        self.work, self.expected = work, expected
        self.result: Any = None
        self.failure: BaseException | None = None
        self.changes_authority = False
        self.makes_work = False
        # A bare lock wakes its one waiter for a fraction of what a future takes.
        self._settled = threading.Lock()
        self._settled.acquire()

    def settle(self) -> None:
        """Let the caller have the result, or the failure."""
        self._settled.release()

    def outcome(self) -> Any:  # noqa: ANN401  whatever the work returns
        """Wait until this is settled; return the result or raise the failure."""
        self._settled.acquire()
        if self.failure is not None:
            raise self.failure
        return self.result


class SqlStore:
    """The records of one deployment in one database."""

    def __init__(self, url: URL) -> None:
        self._writing = writing_engine(url)
        self._reading = reading_engine(url, connections=_READERS)
        self._ways = Ways(url, self._reading)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="daypass-writer", daemon=True)
        self._closing = threading.Lock()
        self._closed = False
        self._counting = threading.Lock()
        self._authority_changes = 0
        self._listeners: list[Callable[[], None]] = []
        self.lost_races = 0
        self._in_line_until = 0.0
        self._memory = Memory()
        self._bell: Bell | None = None
        if is_shared(url):
            from service.db.bell import bell_at  # noqa: PLC0415  the driver is loaded where it is needed alone

            self._bell = bell_at(url, self._heard)
        self._thread.start()

    @property
    def authority_changes(self) -> int:
        """How many durable changes of authority this process has made or heard of; caches of decisions compare it."""
        return self._authority_changes

    @property
    def waiting(self) -> int:
        """How many use-cases wait to be written."""
        return self._jobs.qsize()

    @property
    def pool(self) -> tuple[int, int]:
        """How many reading connections are in use, and how many there may be."""
        pool: Any = self._reading.pool
        return pool.checkedout(), pool.size()

    def when_work_was_made(self, tell: Callable[[], None]) -> None:
        """Have `tell` called, in any thread, when something was written that may be due early, here or elsewhere."""
        self._listeners.append(tell)

    def read(self, work: Callable[[Reading], T]) -> T:
        """Run `work` on a snapshot and return its result; raises `Unavailable` when the store cannot be reached."""
        try:
            try:
                return self._read(work)
            except DBAPIError as failure:
                # A pooled connection that the server closed meanwhile says nothing about the server.
                if not failure.connection_invalidated:
                    raise
                return self._read(work)
        except (DBAPIError, PoolTimeout) as failure:
            _log.error("store.read_failed", error=type(failure).__name__)
            raise Unavailable(_UNREACHABLE) from None

    def database_time(self) -> datetime:
        """Return what the clock of the database server says; raises `Unavailable`."""
        try:
            with self._reading.connect() as connection:
                return self._ways.time(connection)
        except (DBAPIError, PoolTimeout):
            raise Unavailable(_UNREACHABLE) from None

    def signals(self, now: datetime) -> Signals:
        """Return what waits at this instant; raises `Unavailable`."""
        try:
            with self._reading.connect() as connection, connection.begin():
                return signals(connection, now)
        except (DBAPIError, PoolTimeout):
            raise Unavailable(_UNREACHABLE) from None

    def _read(self, work: Callable[[Reading], T]) -> T:
        with self._reading.connect() as connection, connection.begin():
            return work(View(connection, self._memory))

    def write(self, work: Callable[[Writing], T], *, expected: Sequence[Expected] = ()) -> T:
        """Run `work` in a transaction and return its result once that is durable."""
        job = _Job(work, expected)
        with self._closing:
            if self._closed:
                raise Unavailable("the service is shutting down; nothing was changed")
            self._jobs.put(job)
        result: T = job.outcome()
        return result

    def close(self) -> None:
        """Finish what is waiting, then let go of the database."""
        with self._closing:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        if self._bell is not None:
            self._bell.stop()
        self._writing.dispose()
        self._reading.dispose()

    def _heard(self, news: str, voice: int) -> None:
        """Take in what another process said when it committed."""
        if voice == self._ways.voice:
            return
        if _AUTHORITY in news:
            self._count(1)
        if _WORK in news:
            self._tell()

    def _tell(self) -> None:
        for tell in self._listeners:
            tell()

    def _count(self, changes: int) -> None:
        with self._counting:
            self._authority_changes += changes

    def _serve(self) -> None:
        while (first := self._jobs.get()) is not None:
            group, last = self._gather(first)
            self._commit(group)
            if last:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        group = [first]
        while len(group) < _GROUP:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _commit(self, group: list[_Job]) -> None:
        try:
            self._get_through(group)
        except Exception as failure:  # noqa: BLE001  the writing thread must outlive whatever one group meets
            _log.error("store.commit_failed", error=type(failure).__name__, acts=len(group))
            if len(group) == 1 or isinstance(failure, Unavailable):
                known = failure if isinstance(failure, Unavailable) else Unavailable(_UNREACHABLE)
                for job in group:
                    job.failure = known
                    job.settle()
                return
            # One poisoned act must not fail its neighbours: each gets a transaction of its own.
            for job in group:
                self._commit([job])
            return
        if changes := sum(job.changes_authority for job in group):
            self._count(changes)
        if any(job.makes_work for job in group):
            self._tell()
        for job in group:
            job.settle()

    def _get_through(self, group: list[_Job]) -> None:
        # Hardly any act raises, so none has a savepoint before one does: then all are run again, each with its own.
        guarded = False
        for attempt in range(_TRIES):
            try:
                self._transact(group, lost_before=steady_seconds() < self._in_line_until, guarded=guarded)
            except _Raised as raised:
                guarded = True
                if len(group) == 1 and not raised.guessing:
                    return
            except Misjudged:
                guarded = True
            except _Lost:
                self.lost_races += 1
                # Two that race for the same rows would go on losing to each other: for a while both stand in line.
                self._in_line_until = steady_seconds() + _IN_LINE
                if attempt + 1 == _TRIES:
                    raise
                # Who loses again may be losing to a process that froze, which the server gives up after seconds.
                if attempt:
                    _PAUSE.wait(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))
            else:
                return

    def _transact(self, group: list[_Job], *, lost_before: bool, guarded: bool) -> None:
        mark = ""
        try:
            with self._writing.connect() as connection, connection.begin():
                self._ways.begin(connection, lost_before=lost_before)
                view = View(connection, self._memory, writing=True)
                if guarded:
                    for job in group:
                        self._run_guarded(job, view)
                else:
                    view.foresee(one for job in group for one in job.expected)
                    for job in group:
                        self._run(job, view)
                    view.write_out()
                news = _AUTHORITY * any(job.changes_authority for job in group)
                news += _WORK * any(job.makes_work for job in group)
                mark = self._ways.finish(connection, news)
        except DBAPIError as failure:
            if mark and failure.connection_invalidated and self._arrived(mark):
                return
            if self._ways.may_be_tried_again(failure):
                raise _Lost from None
            raise

    def _arrived(self, mark: str) -> bool:
        """Tell whether a transaction whose commit was not answered was committed; raises `Unavailable` if unknown."""
        for _ in range(_TRIES):
            try:
                return self._ways.was_committed(mark)
            except DBAPIError:
                _log.warning("store.outcome_unknown_yet")
                _PAUSE.wait(_BREATH)
        raise Unavailable(_UNKNOWN)

    def _run(self, job: _Job, view: View) -> None:
        """Run one act; raises `_Raised` when it does, which takes the whole group back."""
        job.failure = None
        job.changes_authority = job.makes_work = False
        view.begin_act()
        try:
            job.result = job.work(view)
            job.changes_authority, job.makes_work = view.changes_authority, view.makes_work
        except DBAPIError as failure:
            # The database itself failed: whether it still holds this transaction is unknown, so the group goes back.
            if not self._ways.may_be_tried_again(failure):
                _log.error("store.write_failed", error=type(failure.orig).__name__)
            raise
        except Misjudged:
            raise
        except BaseException as failure:  # noqa: BLE001  it belongs to the caller who is waiting for it
            job.failure = failure
            raise _Raised(guessing=view.guesses) from None

    def _run_guarded(self, job: _Job, view: View) -> None:
        """Run one act of which nothing stays if it raises."""
        view.guard_act()
        try:
            self._run(job, view)
        except _Raised:
            view.undo_act()
        view.release_act()
