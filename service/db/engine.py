"""Every difference between database engines, in one place.

SQLite: WAL with synchronous=FULL (an acknowledged commit survives power loss), one writing connection that begins
IMMEDIATE, and read-only connections beside it.
"""

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool, StaticPool

from service.errors import WrongSetting

_BUSY_MILLISECONDS = 10_000


def parse_url(text: str) -> URL:
    """Return the database address; raises `WrongSetting` when no engine of ours fits it."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise WrongSetting("DAYPASS_DATABASE_URL", "is not a database address such as sqlite:///daypass.db") from None
    if url.get_backend_name() != "sqlite" or url.query:
        raise WrongSetting("DAYPASS_DATABASE_URL", "names an engine that is not supported; use sqlite:///path/to/file")
    if not url.database or url.database == ":memory:":
        raise WrongSetting("DAYPASS_DATABASE_URL", "names no file; a delegation must survive a restart")
    return url


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
    engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    _prepare(engine, begin="BEGIN IMMEDIATE", read_only=False)
    return engine


def reading_engine(url: URL, *, connections: int) -> Engine:
    """Return the engine whose connections can only read, each transaction on one snapshot."""
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={"check_same_thread": False},
    )
    _prepare(engine, begin="BEGIN", read_only=True)
    return engine
