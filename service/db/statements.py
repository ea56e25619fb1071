"""The statements that every call runs, made once for each engine: by key, by equal fields, and writes."""

from collections.abc import Callable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    UniqueConstraint,
    bindparam,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from service.db.endings import lapse_sessions
from service.db.mapping import table_of
from service.db.prepared import Prepared, Write

# How many values a look for several has; others are filled up to the next, so that few texts are prepared.
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64)
MOST: Final = _SIZES[-1]
Kind = type[Any]
Key = tuple[Any, ...]
# Another kind, the field of it that is wanted, and the field by which it is found.
Through = tuple[Kind, str, str]

_KEYS: Final[dict[Kind, Callable[[Any], Key]]] = {}


def key_columns(table: Table) -> list[ColumnElement[Any]]:
    """Return the columns of a table's primary key, in order."""
    return list(table.primary_key.columns)


def key_names(kind: Kind) -> tuple[str, ...]:
    """Return the names of the columns of a kind's primary key, in order."""
    return tuple(column.name for column in key_columns(table_of(kind)))


def key_of(record: object) -> Key:
    """Return the primary key of a record."""
    known = _KEYS.get(type(record))
    if known is None:
        names = key_names(type(record))
        read = attrgetter(*names)
        known = _KEYS[type(record)] = read if len(names) > 1 else lambda one: (read(one),)
    return known(record)


_SHARED_BY_NONE: Final[dict[Kind, Callable[[Any], object]]] = {}


def shared_by_none(record: object) -> object:
    """Return those fields of a record, beside its key, that decide whether another may be stored beside it."""
    kind = type(record)
    known = _SHARED_BY_NONE.get(kind)
    if known is None:
        table = table_of(kind)
        names = {
            column.name for one in table.constraints if isinstance(one, UniqueConstraint) for column in one.columns
        }
        for index in table.indexes:
            if index.unique:
                condition = str(index.dialect_options["sqlite"]["where"])
                names |= {column.name for column in index.columns}
                names |= {column.name for column in table.columns if column.name in condition}
        known = _SHARED_BY_NONE[kind] = attrgetter(*sorted(names)) if names else lambda _record: None
    return known(record)


class Statements:
    """The prepared statements of one engine."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._queries: dict[tuple[Kind, object], Prepared] = {}
        self._writes: dict[tuple[Kind, bool | None], Write] = {}

    def by_key(self, kind: Kind) -> Prepared:
        """Return the query for one record by its key, given as `key_0`, `key_1` and so on."""
        known = self._queries.get((kind, None))
        if known is None:
            table = table_of(kind)
            clauses = [column == bindparam(f"key_{at}") for at, column in enumerate(key_columns(table))]
            known = self._queries[kind, None] = Prepared(select(table).where(*clauses), self._dialect)
        return known

    def by_fields(self, kind: Kind, names: tuple[str, ...]) -> Prepared:
        """Return the query, in order of the key, for records whose fields equal what is given as `equal_NAME`."""
        known = self._queries.get((kind, names))
        if known is None:
            table = table_of(kind)
            equal = (table.c[name] == bindparam(f"equal_{name}") for name in names)
            query = select(table).where(*equal).order_by(*key_columns(table))
            known = self._queries[kind, names] = Prepared(query, self._dialect)
        return known

    def among(
        self, kind: Kind, name: str, through: Through | None, values: Sequence[object]
    ) -> tuple[Prepared, dict[str, Any]]:
        """Return the query for records with one field among these values (`MOST` at most), and its parameters.

        `through` makes these the values of a field of another kind, of which another field is what is wanted.
        """
        size = next(size for size in _SIZES if size >= len(values))
        known = self._queries.get((kind, (name, through, size)))
        if known is None:
            table = table_of(kind)
            wanted: list[BindParameter[Any]] = [bindparam(f"one_{at}") for at in range(size)]
            if through is None:
                query = select(table).where(table.c[name].in_(wanted))
            else:
                other, field, by = table_of(through[0]), *through[1:]
                query = select(table).where(table.c[name].in_(select(other.c[field]).where(other.c[by].in_(wanted))))
            known = self._queries[kind, (name, through, size)] = Prepared(query, self._dialect)
        filled = [*values, *[values[-1]] * (size - len(values))]
        return known, {f"one_{at}": value for at, value in enumerate(filled)}

    @cached_property
    def lapse(self) -> Prepared:
        """The statement that ends up to `limit` sessions past their deadline at `now`."""
        return Prepared(lapse_sessions(), self._dialect)

    def insertion(self, kind: Kind, *, sparing: bool) -> Write:
        """Return the insert that fails with its transaction where a key is taken, or the one that spares it.

        That one inserts nothing then. For being ready to, PostgreSQL writes each row to its log twice.
        """
        known = self._writes.get((kind, sparing))
        if known is None:
            table = table_of(kind)
            made = postgresql.insert(table) if self._dialect.name == "postgresql" else sqlite.insert(table)
            insert = made.on_conflict_do_nothing() if sparing else made
            known = self._writes[kind, sparing] = Write(insert, self._dialect, kind, {})
        return known

    def replacement(self, kind: Kind) -> Write:
        """Return the update that puts a record in the place of one with the same key, if that has not changed since.

        What counts as a change is the revision, and the state, of records that have one; others are just replaced.
        """
        known = self._writes.get((kind, None))
        if known is None:
            table = table_of(kind)
            before = {f"key_{at}": column.name for at, column in enumerate(table.primary_key.columns)}
            if "revision" in table.c:
                before |= {f"old_{name}": name for name in ("revision", "state") if name in table.c}
            clauses = [table.c[field] == bindparam(parameter) for parameter, field in before.items()]
            known = self._writes[kind, None] = Write(update(table).where(*clauses), self._dialect, kind, before)
        return known


_STATEMENTS: Final[dict[str, Statements]] = {}


def statements_of(connection: Connection) -> Statements:
    """Return the statements of a connection's engine; all engines of one kind share them."""
    dialect = connection.dialect
    known = _STATEMENTS.get(dialect.name)
    return known or _STATEMENTS.setdefault(dialect.name, Statements(dialect))
