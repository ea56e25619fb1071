"""Core statements that are compiled once for their engine and run on the driver's own cursor.

SQLAlchemy looks up, announces and wraps every execution anew. For a row found by its key that takes several times as
long as the engine takes, and an exchange runs a dozen of those. Here a statement keeps its text, the order and the
conversions of its parameters and of its columns; what goes wrong is still SQLAlchemy's error.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from service.db.mapping import reader_for

R = TypeVar("R")
Convert = Callable[[Any], Any]

_DIALECTS: dict[str, Dialect] = {}


def one_dialect(connection: Connection) -> Dialect:
    """Return the dialect that stands for all of the engine's kind, so that a statement is prepared once for them."""
    dialect = connection.dialect
    return _DIALECTS.setdefault(dialect.name, dialect)


class Prepared:
    """One statement whose values all come as parameters, ready to be run on connections of one dialect."""

    def __init__(
        self,
        statement: Select[Any] | Insert | Update | Delete,
        dialect: Dialect,
        columns: Sequence[str] | None = None,
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        assert isinstance(compiled, SQLCompiler)
        self.text = str(compiled)
        names = compiled.positiontup if compiled.positional else list(compiled.binds)
        self._positional = compiled.positional
        self._binds: list[tuple[str, Convert | None]] = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names or ()
        ]

    def arguments(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401  each driver has a form of its own
        """Return the parameters as the driver takes them; raises `KeyError` where one is missing."""
        if self._positional:
            return [bind(values[name]) if bind else values[name] for name, bind in self._binds]
        return {name: bind(values[name]) if bind else values[name] for name, bind in self._binds}


class Cursor:
    """The driver's cursor under one connection, inside the transaction that its owner opened."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor = connection.connection.cursor()

    def records(self, kind: type[R], query: Prepared, values: Mapping[str, Any]) -> list[R]:
        """Return the records that a query of exactly their table's columns finds; raises `DBAPIError`."""
        self._run(query.text, query.arguments(values))
        record = reader_for(kind, self._connection.dialect)
        return [record(row) for row in self._cursor.fetchall()]

    def change(self, statement: Prepared, values: Mapping[str, Any]) -> int:
        """Return how many rows a statement changed; raises `DBAPIError`."""
        self._run(statement.text, statement.arguments(values))
        return int(self._cursor.rowcount)

    def change_all(self, statement: Prepared, values: Iterable[Mapping[str, Any]]) -> None:
        """Run a statement once for each of these; raises `DBAPIError`."""
        self._run(statement.text, [statement.arguments(one) for one in values], many=True)

    def say(self, text: str) -> None:
        """Run a statement that takes nothing and returns nothing; raises `DBAPIError`."""
        self._run(text, ())

    def _run(self, text: str, arguments: Any, *, many: bool = False) -> None:  # noqa: ANN401  as above
        dialect = self._connection.dialect
        try:
            (self._cursor.executemany if many else self._cursor.execute)(text, arguments)
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
