"""Core statements that are compiled once for their engine and run on the driver's own cursor.

SQLAlchemy looks up, announces and wraps every execution anew. For a row found by its key that takes several times as
long as the engine takes, and an exchange runs a dozen of those. Here a statement keeps its text, the order and the
conversions of its parameters and of its columns; what goes wrong is still SQLAlchemy's error.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from operator import attrgetter
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Dialect, Insert, Select, Table, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from service.db.mapping import is_choice, reader_for, table_of, value_of

R = TypeVar("R")
Convert = Callable[[Any], Any]
# A statement of the driver's own form, and its parameters.
Said = tuple[str, Sequence[object]]


class Prepared:
    """One statement, ready to be run on connections of one dialect; values that it has itself it keeps."""

    def __init__(
        self,
        statement: Select[Any] | Insert | Update,
        dialect: Dialect,
        columns: Sequence[str] | None = None,
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        assert isinstance(compiled, SQLCompiler)
        self.text = str(compiled)
        names = compiled.positiontup if compiled.positional else list(compiled.bind_names.values())
        self.positional = compiled.positional
        self.binds: list[tuple[str, Convert | None]] = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names or ()
        ]
        binds = ((name, compiled.binds[name]) for name, _ in self.binds)
        self._own = {name: bind.value for name, bind in binds if not bind.required}

    def arguments(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401  each driver has a form of its own
        """Return the parameters as the driver takes them; raises `KeyError` where one is missing."""
        if self._own:
            values = {**self._own, **values}
        if self.positional:
            return [bind(values[name]) if bind else values[name] for name, bind in self.binds]
        return {name: bind(values[name]) if bind else values[name] for name, bind in self.binds}


_SPARING: Final = " ON CONFLICT DO NOTHING"


def _of_columns(text: str, table: Table, names: Sequence[str], dialect: Dialect) -> str | None:
    """Return an insert with whole columns as its parameters, or None where an engine has no lists of values.

    However many rows there are, it is one statement, and the driver has one thing to send and one answer to read. The
    types have no length here: a cast to one would cut what is too long, where the column refuses it.
    """
    if dialect.name != "postgresql":
        return None
    types = [re.sub(r"\(\d+\)", "", table.c[name].type.compile(dialect)) for name in names]
    columns = ", ".join(map(dialect.identifier_preparer.quote, names))
    values = ", ".join(f"%b::{one}[]" for one in types)
    sparing = _SPARING if text.endswith(_SPARING) else ""
    return f"INSERT INTO {table.name} ({columns}) SELECT * FROM unnest({values}){sparing}"  # noqa: S608  names of ours


class Write:
    """A statement that writes a record: its own fields, and of one that it replaces what that has to be.

    `before` says which parameters are which fields of the record that is replaced.
    """

    def __init__(
        self, statement: Insert | Update, dialect: Dialect, kind: type[Any], before: Mapping[str, str]
    ) -> None:
        prepared = Prepared(statement, dialect, [column.name for column in table_of(kind).columns])
        self.text = prepared.text
        # First what is taken off the new record, then what off the old one: an update names them in this order.
        names = sorted((name for name, _ in prepared.binds), key=before.__contains__)
        self._new = attrgetter(*[name for name in names if name not in before])
        self._old = [attrgetter(before[name]) for name in names if name in before]
        binds = dict(prepared.binds)
        converts = [value_of if is_choice(kind, before.get(name, name)) else binds[name] for name in names]
        self._converts = [(at, convert) for at, convert in enumerate(converts) if convert]
        self._names = None if prepared.positional else names
        assert not prepared.positional or names == [name for name, _ in prepared.binds]
        self._several = None
        if isinstance(statement, Insert):
            self._several = _of_columns(prepared.text, table_of(kind), names, dialect)

    def run(self, cursor: Any, pairs: Sequence[tuple[object, object | None]]) -> None:  # noqa: ANN401  a driver's cursor
        """Write records on the driver's cursor, each in the place of another or of none; raises the driver's errors."""
        if len(pairs) == 1:
            cursor.execute(self.text, self._arguments(*pairs[0]))
        elif self._several is None:
            cursor.executemany(self.text, [self._arguments(record, before) for record, before in pairs])
        else:
            rows = [self._values(record, before) for record, before in pairs]
            cursor.execute(self._several, [list(column) for column in zip(*rows, strict=True)])

    def _arguments(self, record: object, before: object | None) -> Any:  # noqa: ANN401  each driver has a form of its own
        values = self._values(record, before)
        return values if self._names is None else dict(zip(self._names, values, strict=True))

    def _values(self, record: object, before: object | None) -> list[Any]:
        values = [*self._new(record), *(old(before) for old in self._old)]
        for at, convert in self._converts:
            values[at] = convert(values[at])
        return values


class Cursor:
    """The driver's cursor under one connection, inside the transaction that its owner opened."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._cursor = connection.connection.cursor()

    @property
    def _ahead(self) -> bool:
        """Whether a server is told what to do and only asked at the end, or on a fetch, how that went."""
        return hasattr(self._driver, "pipeline") and bool(self._driver.pgconn.pipeline_status)

    def records(self, kind: type[R], query: Prepared, values: Mapping[str, Any]) -> list[R]:
        """Return the records that a query of exactly their table's columns finds; raises `DBAPIError`."""
        self._run(query.text, query.arguments(values))
        record = reader_for(kind, self._connection.dialect)
        return [record(row) for row in self._cursor.fetchall()]

    def records_of_all(self, asked: Sequence[tuple[type[Any], Prepared, Mapping[str, Any]]]) -> list[list[Any]]:
        """Return what `records` would of each of several queries; a server is asked all of it in one go."""
        cursors = [self._driver.cursor() for _ in asked]
        with self._failing(asked[0][1].text), self._going_ahead():
            for cursor, (_, query, values) in zip(cursors, asked, strict=True):
                self._run(query.text, query.arguments(values), on=cursor)
        readers = [reader_for(kind, self._connection.dialect) for kind, _, _ in asked]
        return [list(map(reader, cursor.fetchall())) for reader, cursor in zip(readers, cursors, strict=True)]

    def in_turn(
        self,
        kind: type[R],
        query: Prepared,
        turns: Iterable[Mapping[str, Any]],
        *,
        use: Callable[[list[R]], None],
        between: Callable[[], None],
    ) -> None:
        """Run a query with the values of one turn after another until it finds nothing; `use` gets what each finds.

        A server is at the next turn meanwhile, and before that at what `between` has sent of the uses before. Raises
        `DBAPIError`, for what was sent as well, and whatever `use` raises.
        """
        record = reader_for(kind, self._connection.dialect)
        # Not the one that `use` asks with: what that asks would take the place of what is still to be fetched.
        own = self._driver.cursor()
        with self._failing(query.text), self._going_ahead(), closing(own):
            arguments = map(query.arguments, turns)
            self._run(query.text, next(arguments), on=own)
            while rows := own.fetchall():
                between()
                if following := next(arguments, None):
                    self._run(query.text, following, on=own)
                use(list(map(record, rows)))
                if not following:
                    return

    @contextmanager
    def _going_ahead(self) -> Iterator[None]:
        """Have a server sent what is run, and asked how that went at the end, or when something is fetched.

        SQLite has nobody to send it to. A connection that cannot leave this again is closed.
        """
        if not hasattr(self._driver, "pipeline"):
            yield
            return
        within = self._ahead
        try:
            with self._driver.pipeline():
                yield
        finally:
            # The server had ended it, and the driver read that word but not yet the end itself.
            if not within and self._ahead:
                self._driver.close()

    def send(self, write: Write, pairs: Sequence[tuple[object, object | None]]) -> None:
        """Write records without asking how that went: it fails with whatever is fetched next. Raises `DBAPIError`."""
        with self._failing(write.text):
            write.run(self._driver.cursor(), pairs)

    def write_all(
        self, writes: Sequence[tuple[Write, Sequence[tuple[object, object | None]]]], last: Said | None
    ) -> list[int]:
        """Write records, each in the place of another or of none; return how many rows each statement changed.

        A server is sent all of it in one go, and a `last` statement after it. Raises `DBAPIError`.
        """
        # Who goes ahead is told of nothing but at the end of a pipeline.
        if len(writes) == 1 and not last and not self._ahead:
            return [self._write(self._cursor, write, pairs) for write, pairs in writes]
        cursors = [self._driver.cursor() for _ in writes]
        with self._failing(writes[0][0].text), self._going_ahead():
            for cursor, (write, pairs) in zip(cursors, writes, strict=True):
                self._write(cursor, write, pairs)
            if last:
                self._run(*last, on=self._driver.cursor())
        return [int(cursor.rowcount) for cursor in cursors]

    def _write(self, cursor: Any, write: Write, pairs: Sequence[tuple[object, object | None]]) -> int:  # noqa: ANN401  as above
        with self._failing(write.text):
            write.run(cursor, pairs)
        return int(cursor.rowcount)

    def say(self, text: str, arguments: Sequence[object] = ()) -> None:
        """Run a statement of the driver's own form that returns nothing; raises `DBAPIError`."""
        self._run(text, arguments)

    def _run(self, text: str, arguments: Any, *, on: Any = None) -> None:  # noqa: ANN401  as above
        with self._failing(text):
            (on or self._cursor).execute(text, arguments)

    @contextmanager
    def _failing(self, text: str) -> Iterator[None]:
        """Turn the driver's errors into SQLAlchemy's."""
        dialect = self._connection.dialect
        try:
            yield
        except dialect.loaded_dbapi.Error as failure:
            lost = dialect.is_disconnect(failure, self._connection.connection, self._cursor)
            told = DBAPIError.instance(
                text,
                None,
                failure,
                dialect.loaded_dbapi.Error,
                hide_parameters=True,
                connection_invalidated=lost,
                dialect=dialect,
            )
            if lost:
                # The others of its pool are as old: none of them is handed out again.
                self._connection.invalidate(failure)
                self._connection.engine.dispose()
            raise told from failure
