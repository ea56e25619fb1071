"""Records to rows and back, once for all records, driven by the dataclass fields."""

import types
from collections.abc import Callable, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from sqlalchemy import Column, Dialect, Table

from service.db.tables import TABLE_OF
from workflows.records.grant import Expired, Grant

R = TypeVar("R")
Convert = Callable[[Any], Any]

# What is read of some columns of another record's table.
_PART_OF: Final[dict[type[Any], type[Any]]] = {Expired: Grant}


def table_of(kind: type[Any]) -> Table:
    """Return the Core table that holds records of this kind."""
    table: Table = TABLE_OF[kind].__table__  # type: ignore[attr-defined]
    return table


def columns_of(kind: type[Any]) -> list[Column[Any]]:
    """Return the columns that hold the fields of a record of this kind, in their order."""
    table = table_of(_PART_OF.get(kind, kind))
    return [table.c[field.name] for field in fields(kind)]


def _as_tuple(value: Any) -> Any:  # noqa: ANN401  JSON is untyped by nature
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list) else value


def _reader(hint: Any) -> Convert | None:  # noqa: ANN401  a type hint can be any object
    """Return what turns a column's value into the field's type, or None when they are the same."""
    if get_origin(hint) in (Union, types.UnionType):
        inner = _reader(next(part for part in get_args(hint) if part is not type(None)))
        return None if inner is None else lambda value: None if value is None else inner(value)
    if get_origin(hint) is tuple:
        return _as_tuple
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return bytes if hint is bytes else None


_READERS: dict[type[Any], tuple[tuple[str, Convert | None], ...]] = {}


def _readers(kind: type[Any]) -> tuple[tuple[str, Convert | None], ...]:
    known = _READERS.get(kind)
    if known is not None:
        return known
    hints = get_type_hints(kind)
    found = tuple((field.name, _reader(hints[field.name])) for field in fields(kind))
    return _READERS.setdefault(kind, found)


def _joined(first: Convert | None, second: Convert | None) -> Convert | None:
    if first is None or second is None:
        return first or second
    return lambda value: second(first(value))


_ROW_READERS: dict[tuple[type[Any], str], Callable[[Sequence[Any]], Any]] = {}


def reader_for(kind: type[R], dialect: Dialect) -> Callable[[Sequence[Any]], R]:
    """Return what makes a record of a row as the driver of this dialect returns it (exactly `columns_of` its kind)."""
    known = _ROW_READERS.get((kind, dialect.name))
    if known is not None:
        return known
    converts = tuple(
        _joined(column.type.dialect_impl(dialect).result_processor(dialect, None), convert)
        for column, (_, convert) in zip(columns_of(kind), _readers(kind), strict=True)
    )

    def read(row: Sequence[Any]) -> R:
        return kind(*[convert(value) if convert else value for convert, value in zip(converts, row, strict=True)])

    return _ROW_READERS.setdefault((kind, dialect.name), read)


def is_choice(kind: type[Any], name: str) -> bool:
    """Tell whether a field of this kind holds one of an enumeration's members (or nothing)."""
    hint = get_type_hints(kind)[name]
    return any(isinstance(part, type) and issubclass(part, StrEnum) for part in (hint, *get_args(hint)))


def value_of(value: Any) -> Any:  # noqa: ANN401  a field can hold any storable value
    """Return one field's value as its column stores it."""
    return value.value if isinstance(value, StrEnum) else value
