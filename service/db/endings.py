"""The statements by which time ends grants in bulk: one for hundreds, and no row is carried over here before.

Rows that another process is about to take are left to it. (SQLite has one writer and leaves that out.)
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, Update, bindparam, select, update

from service.db.clauses import standing, unended
from service.db.mapping import columns_of, table_of
from workflows.grants import LAPSED
from workflows.records.grant import Expired, Grant, GrantKind, GrantState

_FIRST: Final = 100
_FOLLOWING: Final = 300


def _among(query: Select[Any]) -> ColumnElement[bool]:
    """What is true of grants whose ids a query finds and locks; a plan may run a subquery twice, but no CTE.

    Joined, they are changed in the order in which they were found: what lies side by side in one index mostly does in
    the others, and a set of ids would be gone through in no order at all.
    """
    found = query.with_for_update(skip_locked=True).cte("found")
    return table_of(Grant).c["id"] == found.c["id"]


def lapse_sessions() -> Update:
    """Return what ends up to `limit` live sessions past their deadline at `now`, and returns `Expired` of each."""
    grants = table_of(Grant).c
    live = (grants["kind"] == GrantKind.SESSION.value, grants["state"] == GrantState.LIVE.value)
    past = grants["deadline"] <= bindparam("now", type_=grants["deadline"].type)
    due = select(grants["id"]).where(unended(), standing(), *live, past).order_by(grants["deadline"])
    state, reason = LAPSED
    return (
        update(table_of(Grant))
        .where(_among(due.limit(bindparam("limit", type_=Integer))))
        .values(
            state=state.value,
            end_reason=reason.value,
            ended_at=grants["deadline"],
            unannounced_since=grants["deadline"],
            revision=grants["revision"] + 1,
        )
        .returning(*columns_of(Expired))
    )


def parts_of(limit: int) -> Iterator[int]:
    """Yield how many sessions each of several statements ends that end up to `limit` together.

    While one runs, what the one before ended is written down: a first short one, so that this begins early.
    """
    part = min(limit, _FIRST)
    while part:
        yield part
        limit -= part
        part = min(limit, _FOLLOWING)


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
