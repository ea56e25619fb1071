"""What is asked of rows, where the way of asking decides whether an index answers."""

from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy import BigInteger, ColumnElement, String, Table, literal, literal_column

from service.db.mapping import table_of, value_of
from workflows.records.errand import Errand, ErrandKind, ErrandState
from workflows.records.grant import UNENDED, Grant, GrantState
from workflows.records.request import DelegationRequest, State


def _written_out(value: StrEnum) -> ColumnElement[str]:
    """Return what is written out in the statement, not bound: only then is a partial index seen to answer it.

    A plan that a server keeps for any value has to do without that index, and would scan the table.
    """
    return literal_column(f"'{value.value}'", String)


def unended() -> ColumnElement[bool]:
    """What is true of grants that something is still to be done about."""
    return table_of(Grant).c["state"].in_([_written_out(one) for one in UNENDED])


def standing() -> ColumnElement[bool]:
    """What is true of grants that are not on their way out."""
    # Those that are on their way out already are past time too; a batch must not fill up with them. Said by what they
    # are not: by what they are, an index that begins with the state looks as good, and it is not in order of time.
    leaving = (GrantState.REVOKING, GrantState.STUCK)
    return table_of(Grant).c["state"].not_in([_written_out(one) for one in leaving])


def unexpired() -> ColumnElement[bool]:
    """What is true of requests that are not stored as expired."""
    return table_of(DelegationRequest).c["state"] != _written_out(State.EXPIRED)


def waiting_webhooks() -> list[ColumnElement[bool]]:
    """What is true of errands that a courier is to carry."""
    columns = table_of(Errand).c
    return [
        columns["state"] == _written_out(ErrandState.WAITING),
        columns["kind"] == _written_out(ErrandKind.WEBHOOK),
    ]


def are_single(equal: Mapping[str, object]) -> bool:
    """Tell whether each of these is one value that a column can equal: not None, no `range`, no `frozenset`."""
    return not any(value is None or isinstance(value, (range, frozenset)) for value in equal.values())


def matches(table: Table, equal: dict[str, object]) -> list[ColumnElement[bool]]:
    """What is true of rows whose columns equal these values, or lie in a `range`, or are among a `frozenset`."""
    clauses: list[ColumnElement[bool]] = []
    for name, value in equal.items():
        column = table.c[name]
        if isinstance(value, range):
            # Its bounds may lie beyond what the column can hold.
            first, last = (literal(bound, BigInteger) for bound in (value.start, value.stop - 1))
            clauses.append(column.between(first, last))
        elif isinstance(value, frozenset):
            clauses.append(column.in_(sorted(value)))
        else:
            clauses.append(column.is_(None) if value is None else column == value_of(value))
    return clauses
