"""What columns and indexes are made of, so that both engines get the same."""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}


def one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    """Return the check that a column holds one of these values."""
    names = ", ".join(f"'{choice.value}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({names})", name=column)


def distinct(name: str, *columns: str) -> Index:
    """Return an index that no two rows have an equal entry in, as it ends in what tells them apart.

    PostgreSQL would look for entries to merge all the same, whenever a page of it is full.
    """
    return Index(name, *columns, postgresql_with={"deduplicate_items": "off"})


def partial(name: str, column: str, where: str, *, unique: bool = False) -> Index:
    """Return an index over exactly the rows that a condition holds for, on either engine."""
    return Index(name, column, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


def key() -> Any:  # noqa: ANN401  sqlmodel types Field() as Any so that it fits every annotation
    """Return a column of the primary key."""
    return Field(primary_key=True)


def long(*, nullable: bool = False) -> Any:  # noqa: ANN401  as above
    """Return a column of text of any length."""
    return Field(sa_type=Text, nullable=nullable)


def json() -> Any:  # noqa: ANN401  as above
    """Return a column of JSON."""
    return Field(sa_type=JSON, nullable=False)


def blob(*, nullable: bool = False) -> Any:  # noqa: ANN401  as above
    """Return a column of bytes."""
    return Field(sa_type=LargeBinary, nullable=nullable)
