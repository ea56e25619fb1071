"""PostgreSQL's side of `engine.py`: connections, what may be tried again, unknown outcomes, the queue and the bell.

Writers run SERIALIZABLE: use-cases are written as if they were alone, and the database refuses what would not be as if
they were. A reader has one snapshot. A server that stops answering, or a process of ours that freezes inside a
transaction, is given up after seconds, so that it holds nobody else up.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from service.db.prepared import Cursor, Said

CHANNEL: Final = "daypass"
DRIVER: Final = "postgresql+psycopg"
# Milliseconds. A lock is waited for longer than a frozen holder may keep it.
_LIMITS: Final = {
    "statement_timeout": 30_000,
    "lock_timeout": 5_000,
    "idle_in_transaction_session_timeout": 3_000,
}
_IN_ORDER: Final = {"enable_seqscan": "off", "enable_bitmapscan": "off"}
_PATIENCE: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# Serialisation failure, deadlock, a lock not granted in time, a transaction that stood idle too long, a server that
# is shut down or recovers from a crash.
_AGAIN: Final = frozenset({"40001", "40P01", "55P03", "25P03", "57P01", "57P02"})
_TAKEN: Final = "23505"
_GONE: Final = "30 days"
_MARK: Final = (
    "INSERT INTO writers (id, mark, marked_at) VALUES (%s, %s, clock_timestamp())"
    " ON CONFLICT (id) DO UPDATE SET mark = excluded.mark, marked_at = excluded.marked_at"
)
# A transaction that lost a race is run again; the driver would warn of whatever it had still sent.
logging.getLogger("psycopg").setLevel(logging.ERROR)


def arguments(*, writing: bool, **more: int) -> dict[str, Any]:
    """Return what a connection is opened with: patience, limits, and how its transactions see one another.

    Nobody scans where an index will do, or gathers what it could read in order: predicate locks are finest so, and the
    plan that a server keeps for a statement may have been made when the table was empty.
    """
    settings: dict[str, object] = {**_LIMITS, **_IN_ORDER, **more, "timezone": "UTC", "jit": "off"}
    if writing:
        settings |= {"default_transaction_isolation": "serializable"}
    else:
        settings |= {"default_transaction_isolation": "repeatable\\ read", "default_transaction_read_only": "on"}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return {**_PATIENCE, "options": options, "application_name": "daypass"}


def writing_engine(url: URL) -> Engine:
    """Return the engine with the one connection that this process writes on."""
    return create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args=arguments(writing=True))


def reading_engine(url: URL, *, connections: int) -> Engine:
    """Return the engine whose connections can only read, each transaction on one snapshot."""
    limits = arguments(writing=False, idle_in_transaction_session_timeout=60_000)
    return create_engine(url, poolclass=QueuePool, pool_size=connections, max_overflow=0, connect_args=limits)


def migrating_engine(url: URL) -> Engine:
    """Return the engine that migrations run on: they give up rather than make a running service wait."""
    engine = create_engine(url, pool_size=1, max_overflow=0, connect_args=_PATIENCE)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        connection.exec_driver_sql("SET LOCAL statement_timeout = '60s'")
        # Two processes that start at once migrate one after the other.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('daypass.migrate'))")

    return engine


def may_be_tried_again(failure: DBAPIError) -> bool:
    """Tell whether the same transaction may succeed if it is run again from its beginning.

    That a key is taken counts: a row that came between a look and a write is seen by the next look.
    """
    return getattr(failure.orig, "sqlstate", None) in _AGAIN or is_taken(failure) or failure.connection_invalidated


def is_taken(failure: DBAPIError) -> bool:
    """Tell whether a row could not be inserted because its key, or a unique field, is taken."""
    return getattr(failure.orig, "sqlstate", None) == _TAKEN


def stand_in_line(connection: Connection) -> None:
    """Wait for one's turn before the snapshot of this transaction is taken; for those who lost a race already.

    LOCK TABLE takes no snapshot, and the lock goes with the transaction, whatever happens to its holder.
    """
    connection.exec_driver_sql("LOCK TABLE alembic_version IN EXCLUSIVE MODE")


def time(connection: Connection) -> datetime:
    """Return what the server's clock says now, not when its transaction began."""
    told: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return told.astimezone(UTC)


@contextmanager
def _aside(engine: Engine) -> Iterator[Connection]:
    """Yield a connection for one short transaction that sees what is committed, waits for locks, and may write."""
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE")
        yield connection


def mark_said(writer: str, mark: str) -> Said:
    """Return what writes into a transaction the mark by which its outcome can be asked for if its connection breaks."""
    return _MARK, (writer, mark)


def introduce(engine: Engine, writer: str) -> None:
    """Make the row by which the outcomes of a process are known, and drop those of processes long gone.

    The number of a transaction would not do to ask for its outcome by: after a crash of the server the next one gets
    the same number, and the outcome is another's. The row has to be there before the first mark: whoever asks for an
    outcome waits at it until that is decided.
    """
    with _aside(engine) as connection:
        connection.exec_driver_sql(f"DELETE FROM writers WHERE marked_at < clock_timestamp() - interval '{_GONE}'")  # noqa: S608  a constant
        Cursor(connection).say(*mark_said(writer, ""))


def dismiss(engine: Engine, writer: str) -> None:
    """Drop the row of a process that writes no more."""
    with _aside(engine) as connection:
        connection.execute(text("DELETE FROM writers WHERE id = :id"), {"id": writer})


def was_committed(engine: Engine, writer: str, mark: str) -> bool | None:
    """Tell what became of the last transaction of a writer, or None where nothing is known of it any more.

    Where its server process has not noticed yet that nobody is there, this waits for it. Raises `DBAPIError`.
    """
    with _aside(engine) as connection:
        found = connection.execute(text("SELECT mark FROM writers WHERE id = :id FOR UPDATE"), {"id": writer})
        known = found.scalar_one_or_none()
        return None if known is None else bool(known == mark)


def ring(connection: Connection, message: str) -> int:
    """Tell every process of this deployment something, once this transaction is committed; return who says it."""
    # With the instant of saying it: who hears it can tell how long it was on its way.
    instant = "extract(epoch FROM clock_timestamp())::text"
    said = text(f"SELECT pg_backend_pid() FROM pg_notify(:channel, :message || {instant})")  # noqa: S608  a constant
    return int(connection.execute(said, {"channel": CHANNEL, "message": message}).scalar_one())
