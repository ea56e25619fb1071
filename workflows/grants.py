"""The life of a grant: one table of moves and one function that moves. Expiry and revocation are one path."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from workflows.errors import WrongState
from workflows.records.grant import EndReason, Grant, GrantKind, GrantState


class GrantAct(StrEnum):
    """What can be done to a grant."""

    START = "start"
    END = "end"
    CONFIRM = "confirm"
    FAIL = "fail"
    RETRY = "retry"


MOVES: Final[Mapping[tuple[GrantState, GrantAct], GrantState]] = {
    (GrantState.PLANNED, GrantAct.START): GrantState.LIVE,
    (GrantState.PLANNED, GrantAct.END): GrantState.REVOKING,
    (GrantState.LIVE, GrantAct.END): GrantState.REVOKING,
    (GrantState.REVOKING, GrantAct.CONFIRM): GrantState.REVOKED,
    (GrantState.REVOKING, GrantAct.FAIL): GrantState.STUCK,
    (GrantState.STUCK, GrantAct.RETRY): GrantState.REVOKING,
}


def _after(state: GrantState, act: GrantAct) -> GrantState:
    after = MOVES.get((state, act))
    if after is None:
        raise WrongState("grant", state.value, act.value)
    return after


def step(grant: Grant, act: GrantAct) -> Grant:
    """Return the grant after `act`; raises `WrongState` when the act is not open to it."""
    return replace(grant, state=_after(grant.state, act))


def usable_at(grant: Grant, now: datetime) -> bool:
    """Tell whether what was lent may be used: live, and strictly before the deadline."""
    return grant.state is GrantState.LIVE and now < grant.deadline


def ended(grant: Grant, *, reason: EndReason, by: str | None, now: datetime) -> Grant:
    """Return the grant on its way out: `REVOKED` at once when nothing of it exists outside, else `REVOKING`.

    Sessions of this service's own accounts exist only as rows that are judged at use, so ending them needs no errand.
    """
    state = _after(grant.state, GrantAct.END)
    if grant.kind is GrantKind.SESSION:
        state = _after(state, GrantAct.CONFIRM)
    return replace(grant, state=state, end_reason=reason, ended_by=by, ended_at=now)


LAPSED: Final = (_after(_after(GrantState.LIVE, GrantAct.END), GrantAct.CONFIRM), EndReason.EXPIRED)
"""The state and the reason that a live session's grant ends with at its deadline, as `seen_at` shows it."""


def seen_at(grant: Grant, now: datetime) -> Grant:
    """Return the grant as a reader must see it: past its deadline it has ended, swept or not."""
    if grant.state in (GrantState.PLANNED, GrantState.LIVE) and now >= grant.deadline:
        return ended(grant, reason=EndReason.EXPIRED, by=None, now=grant.deadline)
    return grant
