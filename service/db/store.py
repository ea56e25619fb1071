"""The store: snapshots for readers, and one writing thread that commits in groups.

Several writers on SQLite wait for one another's locks for hundreds of milliseconds; one thread that takes whatever
is waiting, gives each use-case its own savepoint and commits them together does not. A use-case that raises undoes
only itself. Nobody is told of success before the commit that carries it is durable.

On PostgreSQL it is the same, so that the threads of one process never lose races to one another. A group that lost one
to another process is run again: at once, then standing in line. A commit whose answer was lost is looked up.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
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
from service.db.view import TakenBack, View
from workflows.errors import DomainError, Unavailable
from workflows.ports import Expectation, Reading, Store, Writing

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


class _Lost(Exception):
    """A group lost to another process, or lost its connection; nothing of it was written."""


class _Job:
    """What waits for the writing thread, and who is told of its outcome: one who blocks, or `tell`."""

    def __init__(
        self,
        work: Callable[[View], Any],
        expected: Expectation | None,
        tell: Callable[[Any, BaseException | None], None] | None = None,
    ) -> None:
        self.work, self.expected, self._tell = work, expected, tell
        self.result: Any = None
        self.failure: BaseException | None = None
        self.changes_authority = False
        self.makes_work = False
        # A bare lock wakes its one waiter for a fraction of what a future takes.
        self._settled = threading.Lock()
        self._settled.acquire()

    def settle(self) -> None:
        """Let the caller have the result, or the failure."""
        if self._tell is None:
            self._settled.release()
        else:
            self._tell(self.result, self.failure)

    def outcome(self) -> Any:  # noqa: ANN401  whatever the work returns
        """Wait until this is settled; return the result or raise the failure."""
        self._settled.acquire()
        if self.failure is not None:
            raise self.failure
        return self.result


class _Within:
    """The store as a use-case sees it that runs inside a transaction of the writing thread."""

    def __init__(self, view: View) -> None:
        self._view = view

    def read(self, work: Callable[[Reading], T]) -> T:
        """Run `work` on the transaction's own view."""
        return work(self._view)

    def write(self, work: Callable[[Writing], T], *, expected: Expectation | None = None) -> T:  # noqa: ARG002  it was said when this was handed over
        """Run `work` as a part of the transaction, of which nothing stays if it raises."""
        return self._view.part(work)


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

    def write(self, work: Callable[[Writing], T], *, expected: Expectation | None = None) -> T:
        """Run `work` in a transaction and return its result once that is durable."""
        job = _Job(work, expected)
        self._enqueue(job)
        result: T = job.outcome()
        return result

    def hand_over(
        self,
        act: Callable[[Store], T],
        tell: Callable[[T | None, BaseException | None], None],
        *,
        expected: Expectation | None = None,
    ) -> None:
        """Have a whole use-case run in the writing thread, on a store that is one transaction; do not wait for it.

        `tell` is called in that thread, once everything is durable, with what the act returned or the `DomainError`
        that it raised, and must neither wait nor raise. The act may run more than once, as with `write`, and whatever
        else it raises undoes it. Raises `Unavailable` when the store is closed.
        """

        def run(view: View) -> tuple[T | None, DomainError | None]:
            try:
                return act(_Within(view)), None
            except DomainError as failure:
                # The act has written down that it failed, and that stays.
                return None, failure

        def told(outcome: tuple[T | None, DomainError | None] | None, failure: BaseException | None) -> None:
            tell(*(outcome or (None, None))) if failure is None else tell(None, failure)

        self._enqueue(_Job(run, expected, told))

    def _enqueue(self, job: _Job) -> None:
        with self._closing:
            if self._closed:
                raise Unavailable("the service is shutting down; nothing was changed")
            self._jobs.put(job)

    def close(self) -> None:
        """Finish what is waiting, then let go of the database."""
        with self._closing:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        # Where the server does not answer, its row is dropped as one of a process long gone.
        with suppress(DBAPIError, PoolTimeout):
            self._ways.dismiss()
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
            except (TakenBack, Misjudged):
                guarded = True
            except _Lost:
                self.lost_races += 1
                # Two that race for the same rows would go on losing to each other: for a while both stand in line.
                self._in_line_until = steady_seconds() + _IN_LINE
                # Who loses again may be losing to a process that froze, which the server gives up after seconds.
                if attempt:
                    _PAUSE.wait(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))
            else:
                return
        raise _Lost

    def _transact(self, group: list[_Job], *, lost_before: bool, guarded: bool) -> None:
        mark = ""
        try:
            self._ways.introduce()
            with self._writing.connect() as connection, connection.begin():
                self._ways.begin(connection, lost_before=lost_before)
                view = View(connection, self._memory, writing=True)
                if guarded:
                    for job in group:
                        self._run_guarded(job, view)
                else:
                    view.foresee([job.expected for job in group if job.expected])
                    for job in group:
                        self._run(job, view)
                news = _AUTHORITY * any(job.changes_authority for job in group)
                news += _WORK * any(job.makes_work for job in group)
                mark, said = self._ways.finish(connection, news)
                view.write_out(last=said)
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
                known = self._ways.was_committed(mark)
            except DBAPIError:
                _log.warning("store.outcome_unknown_yet")
                _PAUSE.wait(_BREATH)
                continue
            if known is not None:
                return known
            break
        raise Unavailable(_UNKNOWN)

    def _run(self, job: _Job, view: View) -> None:
        """Run one act; raises `TakenBack` when it raises and something that it wrote has to be undone."""
        job.result = job.failure = None
        job.changes_authority = job.makes_work = False
        view.begin_act()
        try:
            job.result = job.work(view)
            job.changes_authority, job.makes_work = view.changes_authority, view.makes_work
        except (TakenBack, Misjudged):
            raise
        except DBAPIError as failure:
            # The database itself failed: whether it still holds this transaction is unknown, so the group goes back.
            if not self._ways.may_be_tried_again(failure):
                _log.error("store.write_failed", error=type(failure.orig).__name__)
            raise
        except BaseException as failure:  # noqa: BLE001  it belongs to the caller who is waiting for it
            job.failure = failure
            if view.wrote:
                raise TakenBack from None

    def _run_guarded(self, job: _Job, view: View) -> None:
        """Run one act of which nothing stays if it raises."""
        view.guard_act()
        try:
            self._run(job, view)
        except TakenBack:
            view.undo_act()
        view.release_act()
