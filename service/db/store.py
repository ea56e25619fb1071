"""The store: snapshots for readers, and one writing thread that commits in groups.

Several writers on SQLite wait for one another's locks for hundreds of milliseconds; one thread that takes whatever
is waiting, gives each use-case its own savepoint and commits them together does not. A use-case that raises undoes
only itself. Nobody is told of success before the commit that carries it is durable.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.db.engine import reading_engine, writing_engine
from service.db.view import View
from workflows.errors import Unavailable
from workflows.ports import Reading, Writing

T = TypeVar("T")

_GROUP = 64
_READERS = 8
_UNREACHABLE = "the store cannot be reached; nothing was changed"

_log = structlog.get_logger(__name__)


class _Job:
    """One use-case waiting for the writing thread."""

    def __init__(self, work: Callable[[Writing], Any]) -> None:
        self.work = work
        self.done: Future[Any] = Future()
        self.result: object = None
        self.failure: BaseException | None = None
        self.changes_authority = False


class SqlStore:
    """The records of one deployment in one database."""

    def __init__(self, url: URL) -> None:
        self._writing = writing_engine(url)
        self._reading = reading_engine(url, connections=_READERS)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="daypass-writer", daemon=True)
        self._closing = threading.Lock()
        self._closed = False
        self._authority_changes = 0
        self._thread.start()

    @property
    def authority_changes(self) -> int:
        """How many durable changes of authority this process has made; caches of decisions compare it."""
        return self._authority_changes

    def read(self, work: Callable[[Reading], T]) -> T:
        """Run `work` on a snapshot and return its result; raises `Unavailable` when the store cannot be reached."""
        try:
            with self._reading.connect() as connection, connection.begin():
                return work(View(connection))
        except (DBAPIError, PoolTimeout) as failure:
            _log.error("store.read_failed", error=type(failure).__name__)
            raise Unavailable(_UNREACHABLE) from None

    def write(self, work: Callable[[Writing], T]) -> T:
        """Run `work` in a transaction and return its result once that is durable."""
        job = _Job(work)
        with self._closing:
            if self._closed:
                raise Unavailable("the service is shutting down; nothing was changed")
            self._jobs.put(job)
        result: T = job.done.result()
        return result

    def close(self) -> None:
        """Finish what is waiting, then let go of the database."""
        with self._closing:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        self._writing.dispose()
        self._reading.dispose()

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
            with self._writing.connect() as connection, connection.begin():
                for job in group:
                    self._run(job, connection)
        except Exception as failure:  # noqa: BLE001  the writing thread must outlive whatever one group meets
            _log.error("store.commit_failed", error=type(failure).__name__, acts=len(group))
            if len(group) == 1:
                group[0].done.set_exception(Unavailable(_UNREACHABLE))
                return
            # One poisoned act must not fail its neighbours: each gets a transaction of its own.
            for job in group:
                self._commit([job])
            return
        self._authority_changes += sum(job.changes_authority for job in group)
        for job in group:
            if job.failure is not None:
                job.done.set_exception(job.failure)
            else:
                job.done.set_result(job.result)

    def _run(self, job: _Job, connection: Connection) -> None:
        connection.execute(text("SAVEPOINT act"))
        job.failure = None
        try:
            view = View(connection)
            job.result = job.work(view)
            job.changes_authority = view.changes_authority
        except DBAPIError as failure:
            # The database itself failed: whether it still holds this savepoint is unknown, so the group goes back.
            _log.error("store.write_failed", error=type(failure.orig).__name__)
            raise
        except BaseException as failure:  # noqa: BLE001  it belongs to the caller who is waiting for it
            connection.execute(text("ROLLBACK TO act"))
            job.failure = failure
        connection.execute(text("RELEASE act"))
