"""Every difference between database engines, in one place.

SQLite: WAL with synchronous=FULL (an acknowledged commit survives power loss), one writing connection that begins
IMMEDIATE, and read-only connections beside it. PostgreSQL's side is in `postgres.py`.
"""

import fcntl
import os
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from service.db import postgres
from service.db.prepared import Said
from service.entropy import SystemEntropy
from service.errors import StartError, WrongSetting

_BUSY_MILLISECONDS = 10_000
_TAKEN: Final = frozenset({sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE})
_KNOWN: Final = "use sqlite:///path/to/file or postgresql://user@host/database"


def parse_url(text: str) -> URL:
    """Return the database address; raises `WrongSetting` when no engine of ours fits it."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise WrongSetting("DAYPASS_DATABASE_URL", f"is not a database address; {_KNOWN}") from None
    if url.drivername in ("postgresql", "postgres", postgres.DRIVER):
        if not url.database:
            raise WrongSetting("DAYPASS_DATABASE_URL", "names no database")
        return url.set(drivername=postgres.DRIVER)
    if url.drivername != "sqlite" or url.query:
        raise WrongSetting("DAYPASS_DATABASE_URL", f"names an engine that is not supported; {_KNOWN}")
    if not url.database or url.database == ":memory:":
        raise WrongSetting("DAYPASS_DATABASE_URL", "names no file; a delegation must survive a restart")
    return url


def is_shared(url: URL) -> bool:
    """Tell whether several processes may serve from this database at once."""
    return url.drivername == postgres.DRIVER


def exists(url: URL) -> bool:
    """Tell whether there is a database at this address at all; one on a server is taken to be there."""
    return is_shared(url) or Path(str(url.database)).exists()


class Held:
    """A lock on a SQLite database that one process holds for as long as it serves, and the system with it."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next process in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def hold_alone(url: URL) -> Held:
    """Make sure that no other process serves from this SQLite file; raises `StartError` when one does.

    Commands do not take the lock: each of their writes is one short transaction that begins IMMEDIATE, before which
    the service's writer waits as it would for a neighbour. On PostgreSQL any number may serve, and nothing is held.
    """
    if is_shared(url):
        return Held(None)
    path = Path(f"{url.database}.serving")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as failure:
        raise StartError(f"{path} cannot be opened: {failure.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StartError(
            f"another process serves from {url.database} already; several need PostgreSQL (see deploy/README.md)",
        ) from None
    return Held(descriptor)


def _prepare(engine: Engine, *, begin: str, read_only: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:  # noqa: ANN401  a driver's connection has no common type
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        if read_only:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def writing_engine(url: URL) -> Engine:
    """Return the engine with the one connection that writes; every transaction takes the write lock first."""
    if is_shared(url):
        return postgres.writing_engine(url)
    engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    _prepare(engine, begin="BEGIN IMMEDIATE", read_only=False)
    return engine


def reading_engine(url: URL, *, connections: int) -> Engine:
    """Return the engine whose connections can only read, each transaction on one snapshot."""
    if is_shared(url):
        return postgres.reading_engine(url, connections=connections)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={"check_same_thread": False},
    )
    _prepare(engine, begin="BEGIN", read_only=True)
    return engine


def migrating_engine(url: URL) -> Engine:
    """Return the engine that migrations run on, one at a time."""
    return postgres.migrating_engine(url) if is_shared(url) else writing_engine(url)


def is_taken(failure: DBAPIError) -> bool:
    """Tell whether a row could not be inserted because its key, or a unique field, is taken."""
    return getattr(failure.orig, "sqlite_errorcode", None) in _TAKEN or postgres.is_taken(failure)


class Ways:
    """How a transaction gets through on one engine. SQLite's single writer has nobody to lose a race to."""

    def __init__(self, url: URL, engine: Engine) -> None:
        self.shared = is_shared(url)
        self.voice = 0
        self._engine = engine
        self._writer = ""
        self._marks = 0

    def may_be_tried_again(self, failure: DBAPIError) -> bool:
        """Tell whether the same transaction may succeed if it is run again from its beginning."""
        return self.shared and postgres.may_be_tried_again(failure)

    def introduce(self) -> None:
        """Make this process known as one that writes, before its first transaction; raises `DBAPIError`."""
        if self.shared and not self._writer:
            writer = "wr-" + SystemEntropy().token_bytes(16).hex()
            postgres.introduce(self._engine, writer)
            self._writer = writer

    def dismiss(self) -> None:
        """Leave nothing behind of a process that writes no more; raises `DBAPIError`."""
        if self._writer:
            postgres.dismiss(self._engine, self._writer)

    def begin(self, connection: Connection, *, lost_before: bool) -> None:
        """Prepare a transaction that just began; one that lost a race before waits for its turn."""
        if self.shared and lost_before:
            postgres.stand_in_line(connection)

    def finish(self, connection: Connection, news: str) -> tuple[str, Said | None]:
        """Say the news of this transaction to every process.

        Returns the mark that its outcome is known by, and the statement that is to write it last.
        """
        if not self.shared:
            return "", None
        if news:
            self.voice = postgres.ring(connection, news)
        self._marks += 1
        mark = str(self._marks)
        return mark, postgres.mark_said(self._writer, mark)

    def time(self, connection: Connection) -> datetime:
        """Return what the clock of the database server says."""
        return postgres.time(connection)

    def was_committed(self, mark: str) -> bool | None:
        """Tell what became of the last transaction, whose commit was not answered; None where that is not known."""
        return self.shared and postgres.was_committed(self._engine, self._writer, mark)
