"""What the store tells operators about itself: how much is due, stuck or waiting, and for how long.

Every question is answered from an index and stops counting at `MOST`, so that looking costs nothing that matters.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, literal, select
from sqlalchemy.sql.schema import Table

from service.db.mapping import table_of
from workflows.records.audit import AuditHead
from workflows.records.errand import Errand, ErrandKind, ErrandState
from workflows.records.grant import Grant, GrantState
from workflows.records.request import DelegationRequest, State

MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many rows wait, counted up to `MOST`, and since when the one that has waited longest."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Signals:
    """What waits, and how far the audit trail has come."""

    due_requests: Backlog
    due_grants: Backlog
    stuck_grants: Backlog
    unannounced_ends: Backlog
    due_errands: Backlog
    parked_errands: Backlog
    audit_entries: int


def _backlog(connection: Connection, table: Table, by: str, *clauses: ColumnElement[bool]) -> Backlog:
    inner = select(literal(1)).select_from(table).where(*clauses).limit(MOST).subquery()
    count = int(connection.execute(select(func.count()).select_from(inner)).scalar_one())
    oldest: datetime | None = None
    if count:
        oldest = connection.execute(select(table.c[by]).where(*clauses).order_by(table.c[by]).limit(1)).scalar_one()
    return Backlog(count, oldest)


def _in(column: ColumnElement[Any], *values: str) -> ColumnElement[bool]:
    # Written out, not bound: only then does the engine see that a partial index answers it.
    return column.in_([literal(value, literal_execute=True) for value in values])


def signals(connection: Connection, now: datetime) -> Signals:
    """Return what waits at this instant."""
    requests, grants, errands = table_of(DelegationRequest), table_of(Grant), table_of(Errand)
    lively = _in(grants.c["state"], *(one.value for one in GrantState if one is not GrantState.REVOKED))
    hooks = errands.c["kind"] == literal(ErrandKind.WEBHOOK.value, literal_execute=True)
    waiting = errands.c["state"] == literal(ErrandState.WAITING.value, literal_execute=True)
    expired = requests.c["state"] != literal(State.EXPIRED.value, literal_execute=True)
    heads = select(func.coalesce(func.sum(table_of(AuditHead).c["number"]), 0))
    stuck = grants.c["state"] == GrantState.STUCK.value
    unannounced = grants.c["unannounced_since"]
    parked = errands.c["state"] == ErrandState.PARKED.value
    return Signals(
        due_requests=_backlog(connection, requests, "expires_at", expired, requests.c["expires_at"] <= now),
        due_grants=_backlog(connection, grants, "deadline", lively, grants.c["deadline"] <= now),
        stuck_grants=_backlog(connection, grants, "deadline", lively, stuck),
        unannounced_ends=_backlog(connection, grants, "unannounced_since", unannounced.is_not(None)),
        due_errands=_backlog(connection, errands, "due_at", waiting, hooks, errands.c["due_at"] <= now),
        parked_errands=_backlog(connection, errands, "created_at", parked),
        audit_entries=int(connection.execute(heads).scalar_one()),
    )
