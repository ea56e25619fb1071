"""The statements by which time ends grants in bulk: one for a whole batch, and none of its rows is carried over here.

Rows that another process is about to take are left to it. (SQLite has one writer and leaves that out.)
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, select, update

from service.db.clauses import standing, unended
from service.db.mapping import table_of
from workflows.grants import LAPSED
from workflows.records.grant import Grant, GrantKind, GrantState


def _among(query: Select[Any]) -> ColumnElement[bool]:
    """What is true of grants whose ids a query finds and locks; a plan may run a subquery twice, but no CTE.

    Joined, they are changed in the order in which they were found: what lies side by side in one index mostly does in
    the others, and a set of ids would be gone through in no order at all.
    """
    found = query.with_for_update(skip_locked=True).cte("found")
    return table_of(Grant).c["id"] == found.c["id"]


def lapse_sessions(now: datetime, limit: int) -> Update:
    """Return what ends up to `limit` live sessions past their deadline and returns the columns of `Expired`."""
    grants = table_of(Grant).c
    live = (grants["kind"] == GrantKind.SESSION.value, grants["state"] == GrantState.LIVE.value)
    due = select(grants["id"]).where(unended(), standing(), *live, grants["deadline"] <= now)
    state, reason = LAPSED
    return (
        update(table_of(Grant))
        .where(_among(due.order_by(grants["deadline"]).limit(limit)))
        .values(
            state=state.value,
            end_reason=reason.value,
            ended_at=grants["deadline"],
            unannounced_since=grants["deadline"],
            revision=grants["revision"] + 1,
        )
        .returning(*(grants[name] for name in ("id", "request_id", "account_id", "partner_id", "deadline")))
    )


def claim_unannounced(now: datetime, limit: int) -> Update:
    """Return what takes the mark off up to `limit` grants whose end is to be announced, and returns the grants."""
    grants = table_of(Grant).c
    marked = select(grants["id"]).where(grants["unannounced_since"] <= now)
    return (
        update(table_of(Grant))
        .where(_among(marked.order_by(grants["unannounced_since"]).limit(limit)))
        .values(unannounced_since=None, revision=grants["revision"] + 1)
        .returning(table_of(Grant))
    )
