"""Writes every record of one snapshot into a sealed file, and puts such a file back into an empty database.

The file has one JSON value a line: what it is, then each table by name followed by its rows, then how many rows each
table has. It does not depend on the engine, so it is also the way from SQLite to PostgreSQL.
"""

import base64
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, DateTime, LargeBinary, Table, TypeDecorator, func, insert, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from service.db.engine import reading_engine, writing_engine
from service.db.mapping import table_of
from service.db.schema import HEAD, is_settled, migrate
from service.db.tables import METADATA, WriterRow
from service.errors import StartError
from service.recovery.sealed import SealingWriter, opened_lines
from workflows.ports import Entropy
from workflows.records.deployment import Deployment, Replica

_ROWS: Final = 1000
_ENCODE: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds: when it was made, of which deployment, and how many rows of each table."""

    made_at: datetime
    deployment: str
    schema: str
    rows: Mapping[str, int]


def _tables() -> list[Table]:
    # What says which processes there are is true of no other place.
    transient = (table_of(Replica).name, WriterRow.__tablename__)
    return [table for table in METADATA.sorted_tables if table.name not in transient]


def _holds(column: Column[Any], kind: type[TypeEngine[Any]]) -> bool:
    inner = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    return isinstance(inner, kind)


def _stored(table: Table, row: tuple[Any, ...]) -> list[Any]:
    return [
        base64.b64encode(value).decode() if _holds(column, LargeBinary) and value is not None else value
        for column, value in zip(table.columns, row, strict=True)
    ]


def _rows(connection: Connection, table: Table) -> Iterator[list[Any]]:
    found = connection.execution_options(yield_per=_ROWS).execute(select(table).order_by(*table.primary_key.columns))
    for row in found:
        yield _stored(table, tuple(row))


def write_backup(url: URL, path: Path, key: bytes, *, entropy: Entropy, now: datetime) -> Contents:
    """Write one snapshot of the database into a new file, while others go on writing to the database.

    The file appears under its name whole or not at all. Raises `StartError`.
    """
    engine = reading_engine(url, connections=1)
    fresh = path.with_name(f"{path.name}.unfinished")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            writer = SealingWriter(file, key, entropy.token_bytes(16))
            with engine.connect() as connection, connection.begin():
                contents = _write_tables(connection, writer, now)
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        if read_backup(fresh, key) != contents:
            raise StartError(f"what was written to {fresh} does not read back as it was")
        fresh.replace(path)
    except OSError as failure:
        raise StartError(f"{path} cannot be written: {failure.strerror}") from None
    except DBAPIError:
        raise StartError("the database cannot be read") from None
    finally:
        engine.dispose()
        fresh.unlink(missing_ok=True)
    return contents


def _write_tables(connection: Connection, writer: SealingWriter, now: datetime) -> Contents:
    deployment = connection.execute(select(table_of(Deployment).c["id"])).scalar_one()
    head = {"made_at": now, "deployment": deployment, "schema": HEAD}
    writer.write(_ENCODE(head) + b"\n")
    counts: dict[str, int] = {}
    for table in _tables():
        counts[str(table.name)] = 0
        columns = [str(column.name) for column in table.columns]
        writer.write(_ENCODE({"table": str(table.name), "columns": columns}) + b"\n")
        for row in _rows(connection, table):
            writer.write(_ENCODE(row) + b"\n")
            counts[str(table.name)] += 1
    writer.write(_ENCODE({"rows": counts}) + b"\n")
    return Contents(now, deployment, HEAD, counts)


def _entries(path: Path, key: bytes) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            for line in opened_lines(file, key):
                yield msgspec.json.decode(line)
    except OSError as failure:
        raise StartError(f"{path} cannot be read: {failure.strerror}") from None


def read_backup(path: Path, key: bytes) -> Contents:
    """Read a backup to its end and return what it holds; raises `StartError` for one that is not whole."""
    entries = _entries(path, key)
    head = next(entries, None)
    counts: dict[str, int] = {}
    told: Mapping[str, int] | None = None
    name = ""
    for entry in entries:
        if isinstance(entry, list):
            counts[name] += 1
        elif "table" in entry:
            name = entry["table"]
            counts[name] = 0
        else:
            told = entry["rows"]
    if head is None or told is None or told != counts:
        raise StartError(f"the backup {path} is not whole")
    return Contents(datetime.fromisoformat(head["made_at"]), head["deployment"], head["schema"], counts)


def restore_backup(url: URL, path: Path, key: bytes, *, epoch: int, now: datetime) -> Contents:
    """Put a backup into an empty database, in one transaction, and in quarantine under a later epoch than `epoch`.

    Raises `StartError` when the database is not empty, the backup not whole, or from a newer release.
    """
    contents = read_backup(path, key)
    if contents.schema > HEAD:
        raise StartError(f"the backup has schema {contents.schema}, this release knows {HEAD}; run the newer release")
    if is_settled(url):
        raise StartError("the database is not empty; a backup is restored into an empty one")
    migrate(url)
    engine = writing_engine(url)
    try:
        with engine.begin() as connection:
            _insert_all(connection, path, key)
            _check_counts(connection, contents)
            row = table_of(Deployment)
            stored = connection.execute(select(row.c["epoch"])).scalar_one()
            connection.execute(update(row).values(epoch=max(stored, epoch) + 1, quarantined_at=now))
    except DBAPIError as failure:
        raise StartError(f"the backup cannot be restored: {type(failure.orig).__name__}") from None
    finally:
        engine.dispose()
    return contents


def _insert_all(connection: Connection, path: Path, key: bytes) -> None:
    table: Table | None = None
    columns: list[str] = []
    waiting: list[dict[str, Any]] = []
    for entry in _entries(path, key):
        if isinstance(entry, list) and table is not None:
            # A release that knows more columns than the backup fills them by their defaults.
            waiting.append(_put_back(table, dict(zip(columns, entry, strict=True))))
        if waiting and table is not None and (len(waiting) >= _ROWS or not isinstance(entry, list)):
            connection.execute(insert(table), waiting)
            waiting = []
        if isinstance(entry, dict) and "table" in entry:
            table, columns = METADATA.tables[entry["table"]], entry["columns"]


def _put_back(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in values.items():
        column = table.columns[name]
        if value is not None and _holds(column, LargeBinary):
            row[name] = base64.b64decode(value)
        elif value is not None and _holds(column, DateTime):
            row[name] = datetime.fromisoformat(value)
        else:
            row[name] = value
    return row


def _check_counts(connection: Connection, contents: Contents) -> None:
    for name, count in contents.rows.items():
        table = METADATA.tables[name]
        stored = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if stored != count:
            raise StartError(f"{name} has {stored} rows after the restore, the backup {count}")
