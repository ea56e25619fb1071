"""Making and taking away the roles of grants: what was decided is done here, step by step, each its own transaction.

Any step may be the last one before a crash, and every step can be done again: what is there already is not made twice,
what is gone already counts as taken away. Nothing waits for this: a role whose grant is not live is of no use to
anybody from the very moment the grant's end was stored.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from workflows import audit
from workflows.audit import Draft
from workflows.callers import TIME, Call
from workflows.errors import DomainError, NoSuchEntity, Unavailable
from workflows.grants import GrantAct, step
from workflows.notifications import announce_role, wire_time
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import Attachment
from workflows.records.grant import Grant, GrantState
from workflows.records.partner import Channel
from workflows.records.request import DelegationRequest
from workflows.records.role import Role, RoleErrand, RoleTask
from workflows.role_documents import trust_document
from workflows.role_grants import PERMISSIONS, role_of_grant
from workflows.role_plans import RolePlan, plan_of
from workflows.roles import NewRole, store_role

_LONGEST_PAUSE: Final = timedelta(hours=1)
_DOUBLINGS: Final = 10
_SHUT: Final = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:*"}]}'

Step = Callable[[Writing, Ports, Call, Grant], None]


def due_role_errands(ports: Ports, limit: int) -> int:
    """Do up to `limit` of the errands that are due, the longest waiting first; return how many were tried."""
    errands = ports.store.read(lambda tx: tx.due_role_errands(ports.clock.now(), limit))
    for errand in errands:
        perform(ports, errand)
    return len(errands)


def perform(ports: Ports, errand: RoleErrand) -> bool:
    """Do all steps of an errand; return whether it is done.

    A failure is written to the errand and its grant, and the errand put back; the store's own failure is raised.
    """
    call = Call(caller=TIME, id=ports.entropy.token_bytes(16).hex(), wire="errand")
    try:
        for each in _STEPS[errand.task]:
            ports.store.write(lambda tx, each=each: _taken(tx, ports, call, errand, each))  # type: ignore[misc]
    except Unavailable:
        raise
    except Exception as failure:  # noqa: BLE001  whatever went wrong, it is told and tried again
        _put_back(ports, errand, failure)
        return False
    return True


def _taken(tx: Writing, ports: Ports, call: Call, errand: RoleErrand, each: Step) -> None:
    """Run one step if the errand is still this one; somebody else may have done it, or the grant have ended."""
    current = tx.get(RoleErrand, errand.grant_id)
    grant = tx.get(Grant, errand.grant_id)
    if current is not None and grant is not None and current.task is errand.task:
        each(tx, ports, call, grant)


# --- making ----------------------------------------------------------------------------------------------


def _create(tx: Writing, ports: Ports, call: Call, grant: Grant) -> None:
    """Make the role of a planned grant, which is live from this moment, and tell the partner."""
    request = tx.get(DelegationRequest, grant.request_id)
    plan = plan_of(request) if request else None
    now = ports.clock.now()
    if request is None or plan is None:
        raise NoSuchEntity("plan of the grant", grant.id)
    # Past its deadline it is for the sweep to end; made here, it would be of no use.
    if grant.state is GrantState.PLANNED and now < grant.deadline:
        role = _make(tx, ports, call, grant, request, plan)
        live = tx.swap(grant, replace(step(grant, GrantAct.START), stuck_because=None))
        _tell(tx, ports, request, plan, role, live)
        _note(tx, ports, call, "CreateRole", live, role.arn)
        tx.authority_changed()
    _done(tx, grant)


def _make(tx: Writing, ports: Ports, call: Call, grant: Grant, request: DelegationRequest, plan: RolePlan) -> Role:
    new = NewRole(
        name=plan.name,
        trust=plan.trust,
        path=plan.path,
        description=f"Made for {request.requestor_name} by a delegation",
        boundary_arn=plan.boundary_arn,
        tags=(("daypass:request", request.id),),
    )
    role = store_role(tx, ports, call, new, trust_document(plan.trust), grant=grant)
    tx.add(Attachment(role.id, PERMISSIONS, None, request.permission_policy))
    return role


def _tell(tx: Writing, ports: Ports, request: DelegationRequest, plan: RolePlan, role: Role, grant: Grant) -> None:
    now = ports.clock.now()
    message = {
        "RoleArn": role.arn,
        "ExternalId": plan.external_id,
        "GrantId": grant.id,
        "ExpiresAt": wire_time(grant.deadline),
    }
    told, errands = announce_role(ports, tx.get(Channel, request.channel_arn), request, message, now=now)
    tx.swap(request, told)
    tx.add_all(errands)


# --- taking away -----------------------------------------------------------------------------------------


def _begin(tx: Writing, _ports: Ports, _call: Call, grant: Grant) -> None:
    """Take a stuck grant up again."""
    if grant.state is GrantState.STUCK:
        tx.swap(grant, replace(step(grant, GrantAct.RETRY), stuck_because=None))


def _shut(tx: Writing, _ports: Ports, _call: Call, grant: Grant) -> None:
    """Let nobody step into the role any more."""
    role = role_of_grant(tx, grant)
    if role is not None and role.trust != _SHUT:
        tx.swap(role, replace(role, trust=_SHUT, trusted=()))


def _strip(tx: Writing, _ports: Ports, _call: Call, grant: Grant) -> None:
    """Take every policy from the role, whoever put it there."""
    role = role_of_grant(tx, grant)
    for attachment in tx.find(Attachment, principal_id=role.id) if role else ():
        tx.remove(attachment)


def _remove(tx: Writing, ports: Ports, call: Call, grant: Grant) -> None:
    """Take the role away, with whatever was put on it since it was stripped."""
    role = role_of_grant(tx, grant)
    if role is None:
        return
    _strip(tx, ports, call, grant)
    tx.remove(role)
    tx.authority_changed()
    _note(tx, ports, call, "DeleteRole", grant, role.arn)


def _confirm(tx: Writing, ports: Ports, call: Call, grant: Grant) -> None:
    """Say that nothing of the grant is left."""
    if grant.state is GrantState.REVOKING:
        over = tx.swap(grant, replace(step(grant, GrantAct.CONFIRM), stuck_because=None))
        _note(tx, ports, call, "ConfirmRevocation", over, grant.id)
    _done(tx, grant)


_STEPS: Final[dict[RoleTask, tuple[Step, ...]]] = {
    RoleTask.CREATE: (_create,),
    RoleTask.DISMANTLE: (_begin, _shut, _strip, _remove, _confirm),
}


# --- what every step leaves behind -----------------------------------------------------------------------


def _done(tx: Writing, grant: Grant) -> None:
    errand = tx.get(RoleErrand, grant.id)
    if errand is not None:
        tx.remove(errand)


def _note(tx: Writing, ports: Ports, call: Call, act: str, grant: Grant, resource: str) -> None:
    draft = Draft(
        act=act,
        chain=grant.account_id,
        resource=resource,
        request_id=grant.request_id,
        partner_id=grant.partner_id,
        after=grant.state.value,
        answered={"grantId": grant.id},
    )
    audit.append(tx, ports, [(call, draft, None)], now=ports.clock.now())


def pause(attempts: int) -> timedelta:
    """Return how long to wait before the next try, after this many: twice as long each time, an hour at most."""
    return min(timedelta(seconds=2 ** min(attempts, _DOUBLINGS)), _LONGEST_PAUSE)


def _put_back(ports: Ports, errand: RoleErrand, failure: Exception) -> None:
    """Put a failed errand back for its next try, and say on its grant why it is stuck."""
    # What the domain raises is safe to show; of anything else its kind is.
    because = str(failure) if isinstance(failure, DomainError) else type(failure).__name__

    def work(tx: Writing) -> None:
        current = tx.get(RoleErrand, errand.grant_id)
        grant = tx.get(Grant, errand.grant_id)
        if current is None or grant is None or current.task is not errand.task:
            return
        due = ports.clock.now() + pause(current.attempts + 1)
        tx.put(replace(current, attempts=current.attempts + 1, due_at=due, last_failure=because))
        stuck = step(grant, GrantAct.FAIL) if grant.state is GrantState.REVOKING else grant
        tx.swap(grant, replace(stuck, stuck_because=because))

    ports.store.write(work)


def unfinished(tx: Reading, grant: Grant) -> bool:
    """Tell whether something is still to be done about a grant's role."""
    return tx.get(RoleErrand, grant.id) is not None
