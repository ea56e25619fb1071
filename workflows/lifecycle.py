"""The life of a delegation request: one table of moves and one function that moves.

No other module assigns a state. Lateness is computed, never waited for: `state_at` is what every reader sees.
States, moves and timers are those of IAM temporary delegation.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from workflows.errors import WrongState
from workflows.ids import PrincipalId
from workflows.records.request import DelegationRequest, State


class Act(StrEnum):
    """What can be done to a request; the values are the names of the wire's operations, but for time's own act."""

    ASSOCIATE = "AssociateDelegationRequest"
    UPDATE = "UpdateDelegationRequest"
    ACCEPT = "AcceptDelegationRequest"
    REJECT = "RejectDelegationRequest"
    SEND = "SendDelegationToken"
    EXPIRE = "Expire"


MOVES: Final[Mapping[tuple[State, Act], State]] = {
    (State.UNASSIGNED, Act.ASSOCIATE): State.ASSIGNED,
    (State.ASSIGNED, Act.UPDATE): State.PENDING_APPROVAL,
    (State.PENDING_APPROVAL, Act.UPDATE): State.PENDING_APPROVAL,
    (State.ASSIGNED, Act.ACCEPT): State.ACCEPTED,
    (State.PENDING_APPROVAL, Act.ACCEPT): State.ACCEPTED,
    (State.ACCEPTED, Act.SEND): State.FINALIZED,
    (State.ASSIGNED, Act.REJECT): State.REJECTED,
    (State.PENDING_APPROVAL, Act.REJECT): State.REJECTED,
    (State.ACCEPTED, Act.REJECT): State.REJECTED,
    (State.UNASSIGNED, Act.EXPIRE): State.EXPIRED,
    (State.ASSIGNED, Act.EXPIRE): State.EXPIRED,
    (State.PENDING_APPROVAL, Act.EXPIRE): State.EXPIRED,
    (State.ACCEPTED, Act.EXPIRE): State.EXPIRED,
    (State.FINALIZED, Act.EXPIRE): State.EXPIRED,
    (State.REJECTED, Act.EXPIRE): State.EXPIRED,
}

LIFETIMES: Final[Mapping[State, timedelta]] = {
    State.UNASSIGNED: timedelta(days=1),
    State.ASSIGNED: timedelta(days=7),
    State.PENDING_APPROVAL: timedelta(days=7),
    State.ACCEPTED: timedelta(days=7),
    State.FINALIZED: timedelta(days=7),
    State.REJECTED: timedelta(days=7),
}

# A request in one of these waits for somebody; the partner is told when time ends it.
OPEN_STATES: Final = frozenset({State.UNASSIGNED, State.ASSIGNED, State.PENDING_APPROVAL, State.ACCEPTED})


def state_at(request: DelegationRequest, now: datetime) -> State:
    """Return the state a reader must see: a request past its time is expired, swept or not."""
    return State.EXPIRED if now >= request.expires_at else request.state


def step(request: DelegationRequest, act: Act, *, now: datetime, by: PrincipalId | None) -> DelegationRequest:
    """Return the request after `act`; raises `WrongState` when the act is not open to it.

    Entering a state starts that state's timer; staying in it (forwarding again) does not restart it.
    """
    seen = request.state if act is Act.EXPIRE else state_at(request, now)
    after = MOVES.get((seen, act))
    if after is None or (act is Act.EXPIRE and now < request.expires_at):
        raise WrongState("delegation request", seen.value, act.value)
    if after is request.state:
        return replace(request, updated_at=now)
    expires_at = request.expires_at if after is State.EXPIRED else now + LIFETIMES[after]
    return replace(
        request,
        state=after,
        entered_state_at=now,
        expires_at=expires_at,
        updated_at=now,
        moved_by=by,
    )
