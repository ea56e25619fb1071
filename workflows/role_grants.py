"""The grants of roles: each role that a delegation makes has one, with a deadline, from its first moment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from workflows.callers import Call
from workflows.errors import NoSuchEntity, WrongState
from workflows.grants import GrantAct, ended, seen_at, step, usable_at
from workflows.ids import GrantId
from workflows.notifications import announce_end
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import Attachment
from workflows.records.grant import EndReason, Grant, GrantKind, GrantState
from workflows.records.partner import Channel
from workflows.records.request import DelegationRequest, State
from workflows.records.role import Role, RoleErrand, RoleTask
from workflows.role_plans import RolePlan, plan_of

PERMISSIONS: Final = "permissions"
"""The name of the inline policy that holds what a request asked for its role."""

STANDING: Final = (GrantState.PLANNED, GrantState.LIVE)
"""The states of a grant that has not begun to end."""


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


def released_grant(tx: Reading, request: DelegationRequest) -> Grant | None:
    """Return the grant that a request's release made, or the one that it extended; None before the release."""
    plan = plan_of(request)
    if plan is not None and plan.extends is not None:
        return tx.get(Grant, plan.extends) if request.state is State.FINALIZED else None
    found = tx.find(Grant, request_id=request.id, parent_id=None)
    return found[0] if found else None


def descendants(tx: Reading, grant: Grant) -> Sequence[Grant]:
    """Return the standing grants of the roles that were made under a grant, and under those, and so on."""
    found: list[Grant] = []
    queue = [grant.id]
    while queue:
        children = tx.find(Grant, parent_id=frozenset(queue))
        found += [one for one in children if one.state in STANDING]
        queue = [one.id for one in children]
    return found


def creation(grant: Grant, now: datetime) -> RoleErrand:
    """Return the errand that makes the role of a planned grant."""
    return RoleErrand(grant.id, RoleTask.CREATE, now, attempts=0, last_failure=None, created_at=now)


def extend(tx: Writing, ports: Ports, request: DelegationRequest, plan: RolePlan, deadline: datetime) -> Grant:
    """Move the deadline of a standing role grant, without a gap, and give its role the policy that was approved now.

    It never moves back, and never further than the longest life of a role from now; raises `WrongState` for a grant
    that has ended meanwhile, and `NoSuchEntity` for one of another account.
    """
    grant = tx.get(Grant, plan.extends or "")
    if grant is None or grant.account_id != request.owner_account_id or grant.partner_id != request.requestor_id:
        raise NoSuchEntity("grant", str(plan.extends))
    now = ports.clock.now()
    role = role_of_grant(tx, grant)
    if not usable_at(grant, now) or role is None:
        raise WrongState("grant", seen_at(grant, now).state.value, "extend")
    tx.put(Attachment(role.id, PERMISSIONS, None, request.permission_policy))
    tx.authority_changed()
    return tx.swap(grant, replace(grant, deadline=max(grant.deadline, deadline)))


def dismantling(grant: Grant, now: datetime) -> RoleErrand:
    """Return the errand that takes the role of a grant away."""
    return RoleErrand(grant.id, RoleTask.DISMANTLE, now, attempts=0, last_failure=None, created_at=now)


def end_role_grant(tx: Writing, ports: Ports, call: Call, role: Role) -> None:
    """End the grant of a role that was deleted, and tell the partner; nothing is left to dismantle."""
    grant = tx.get(Grant, role.grant_id) if role.grant_id else None
    if grant is None or grant.state not in STANDING:
        return
    now = ports.clock.now()
    over = step(ended(grant, reason=EndReason.REVOKED, by=call.caller.arn, now=now), GrantAct.CONFIRM)
    tx.swap(grant, over)
    request = tx.get(DelegationRequest, grant.request_id)
    if request is not None:
        told, errands = announce_end(ports, tx.get(Channel, request.channel_arn), request, over)
        if told is not request:
            tx.swap(request, told)
        tx.add_all(errands)
