"""The grants of roles: each role that a delegation makes has one, with a deadline, from its first moment."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from workflows.callers import Call
from workflows.errors import NoSuchEntity
from workflows.grants import GrantAct, ended, step
from workflows.ids import GrantId
from workflows.notifications import announce_end
from workflows.ports import Ports, Reading, Writing
from workflows.records.grant import EndReason, Grant, GrantKind, GrantState
from workflows.records.partner import Channel
from workflows.records.request import DelegationRequest
from workflows.records.role import Role, RoleErrand, RoleTask

UNTIL_REVOKED: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""The deadline of a grant that nothing but a revocation ends."""

_STANDING: Final = (GrantState.PLANNED, GrantState.LIVE)


def new_grant_id(ports: Ports) -> GrantId:
    """Return a fresh grant id."""
    return GrantId("dg-" + ports.entropy.token_bytes(16).hex())


def role_deadline(ports: Ports, now: datetime, parent: Grant) -> datetime:
    """Return the end of a role that a delegation makes, in whole seconds.

    A role that a delegated session makes is meant to last; it gets the longest life that the deployment gives one. A
    role that such a role makes ends with it at the latest.
    """
    longest = (now + ports.terms.role_lifetime).replace(microsecond=0)
    return min(longest, parent.deadline) if parent.kind is GrantKind.ROLE else longest


def grant_for_role(tx: Writing, ports: Ports, call: Call, request: DelegationRequest) -> Grant:
    """Store and return the grant of a role that a caller on lent authority makes."""
    parent = tx.get(Grant, call.caller.grant_id or "")
    if parent is None:
        raise NoSuchEntity("grant", str(call.caller.grant_id))
    now = ports.clock.now()
    grant_id = new_grant_id(ports)
    grant = replace(
        parent,
        id=grant_id,
        kind=GrantKind.ROLE,
        request_id=request.id,
        # No token stands for a role; a hash never looks like this.
        token_hash=f"none:{grant_id}",
        deadline=role_deadline(ports, now, parent),
        exchanges=0,
        exchange_cap=0,
        state=GrantState.LIVE,
        revision=0,
        created_at=now,
        parent_id=parent.id,
    )
    tx.add(grant)
    return grant


def role_of_grant(tx: Reading, grant: Grant) -> Role | None:
    """Return the role of a grant if it is there."""
    found = tx.find(Role, grant_id=grant.id)
    return found[0] if found else None


def dismantling(grant: Grant, now: datetime) -> RoleErrand:
    """Return the errand that takes the role of a grant away."""
    return RoleErrand(grant.id, RoleTask.DISMANTLE, now, attempts=0, last_failure=None, created_at=now)


def end_role_grant(tx: Writing, ports: Ports, call: Call, role: Role) -> None:
    """End the grant of a role that was deleted, and tell the partner; nothing is left to dismantle."""
    grant = tx.get(Grant, role.grant_id) if role.grant_id else None
    if grant is None or grant.state not in _STANDING:
        return
    now = ports.clock.now()
    over = step(ended(grant, reason=EndReason.REVOKED, by=call.caller.arn, now=now), GrantAct.CONFIRM)
    tx.swap(grant, over)
    request = tx.get(DelegationRequest, grant.request_id)
    if request is not None:
        tx.add_all(announce_end(ports, tx.get(Channel, request.channel_arn), request, over))
