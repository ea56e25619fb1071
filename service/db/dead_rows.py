"""The statements that let rows go of which nobody has a use any more."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Delete, and_, delete, select

from service.db.mapping import table_of
from workflows.records.audit import Replay
from workflows.records.errand import Errand
from workflows.records.request import DelegationRequest
from workflows.records.role import AccessReport, RoleSession, Usage, UsedResource
from workflows.records.sign_in import Challenge, Evidence, Invitation, SignInAttempt, WebSession

_USE_REMEMBERED: Final = timedelta(days=400)


def dead_rows(now: datetime, *, expired_before: datetime, limit: int) -> tuple[list[Delete], list[Delete]]:
    """Return what deletes all that hangs on what goes, and then what deletes up to `limit` rows of each kind.

    Requests go that expired before then, with their evidence; everything else once its time is over.
    """
    requests, replays, errands = table_of(DelegationRequest), table_of(Replay), table_of(Errand)
    sessions, reports = table_of(RoleSession), table_of(AccessReport)
    over = and_(requests.c["state"] == "EXPIRED", requests.c["expires_at"] <= expired_before)
    doomed = select(requests.c["id"]).where(over).limit(limit)
    evidence = table_of(Evidence)
    stale = (
        *((table_of(kind), "id") for kind in (WebSession, Challenge)),
        *((table_of(kind), "hash") for kind in (Invitation, SignInAttempt)),
    )
    victims = (
        *((table, key, table.c["expires_at"] <= now) for table, key in stale),
        (requests, "id", over),
        (sessions, "access_key_id", sessions.c["expires_at"] <= expired_before),
        (reports, "id", reports.c["created_at"] <= expired_before),
        (replays, "signature", replays.c["expires_at"] <= now),
        (errands, "id", and_(errands.c["expires_at"].is_not(None), errands.c["expires_at"] <= now)),
    )
    used, places = table_of(Usage), table_of(UsedResource)
    hanging = [
        delete(evidence).where(evidence.c["request_id"].in_(doomed)),
        delete(used).where(used.c["day"] < (now - _USE_REMEMBERED).strftime("%Y-%m-%d")),
        delete(places).where(places.c["last_at"] < now - _USE_REMEMBERED),
    ]
    limited = [
        delete(table).where(table.c[key].in_(select(table.c[key]).where(dead).limit(limit)))
        for table, key, dead in victims
    ]
    return hanging, limited
