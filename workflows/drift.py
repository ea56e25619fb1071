"""The scan that compares what stands in the accounts with what the grants say, and remembers every difference.

It changes nothing and ends nothing: an account's owner may do with its roles what it likes, but should know.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from workflows.callers import Call
from workflows.grants import seen_at
from workflows.guards import shown_boundaries
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import Attachment
from workflows.records.grant import Grant, GrantKind, GrantState
from workflows.records.partner import Partner
from workflows.records.request import DelegationRequest, State
from workflows.records.role import Drift, DriftKind, Role
from workflows.role_grants import PERMISSIONS, role_of_grant
from workflows.role_plans import plan_of


def scan(ports: Ports) -> int:
    """Look at every role and role grant, and store what differs; return how many differences there are now."""

    def work(tx: Writing) -> int:
        now = ports.clock.now()
        found = {(one.account_id, one.subject, one.kind): one for one in (*_roles(tx, now), *_grants(tx, now))}
        standing = {role.arn for role in tx.find(Role)}
        for before in tx.find(Drift):
            key = (before.account_id, before.subject, before.kind)
            told_by_hand = before.kind is DriftKind.CHANGED_OUTSIDE and before.subject in standing
            if key in found:
                found[key] = replace(found[key], found_at=before.found_at)
            elif told_by_hand:
                found[key] = before
            else:
                tx.remove(before)
        for one in found.values():
            tx.put(one)
        return len(found)

    return ports.store.write(work)


def note_change(tx: Writing, call: Call, act: str, role: Role, now: datetime) -> None:
    """Remember that somebody other than a delegation changed a role that a delegation made."""
    if role.partner_id is None or call.caller.is_delegated:
        return
    detail = f"{act} by {call.caller.arn}"
    tx.put(Drift(role.account_id, role.arn, DriftKind.CHANGED_OUTSIDE, detail, now))


def _roles(tx: Reading, now: datetime) -> Iterator[Drift]:
    approved: dict[tuple[str, str], set[str]] = {}
    paths = {f"/{partner.domain}/": partner.name for partner in tx.find(Partner)}
    for role in tx.find(Role):

        def differs(kind: DriftKind, detail: str, role: Role = role) -> Drift:
            return Drift(role.account_id, role.arn, kind, detail, now)

        if role.partner_id is None:
            if name := paths.get(role.path):
                yield differs(DriftKind.ROLE_WITHOUT_GRANT, f"stands under the path of {name} and no grant made it")
            continue
        grant = tx.get(Grant, role.grant_id) if role.grant_id else None
        if grant is None or grant.state is GrantState.REVOKED:
            yield differs(DriftKind.ROLE_WITHOUT_GRANT, "its grant is over")
        between = (role.partner_id, role.account_id)
        if between not in approved:
            approved[between] = _approved(tx, role)
        if role.boundary_arn not in approved[between]:
            yield differs(DriftKind.BOUNDARY_CHANGED, f"carries {role.boundary_arn or 'no boundary'}")
        if change := _changed(tx, role, grant):
            yield differs(DriftKind.CHANGED_OUTSIDE, change)


def _approved(tx: Reading, role: Role) -> set[str]:
    """Return the boundaries that released requests of the role's partner to its account showed."""
    requests = tx.find(
        DelegationRequest, requestor_id=role.partner_id, owner_account_id=role.account_id, state=State.FINALIZED
    )
    return {arn for request in requests for arn in shown_boundaries(request)}


def _changed(tx: Reading, role: Role, grant: Grant | None) -> str | None:
    """Return how a role that the service made differs from its plan, or None."""
    request = tx.get(DelegationRequest, role.request_id) if role.request_id else None
    plan = plan_of(request) if request else None
    if plan is None or grant is None or grant.state is not GrantState.LIVE:
        return None
    if role.trust != plan.trust:
        return "its trust is not the one that was approved"
    names = [one.name for one in tx.find(Attachment, principal_id=role.id)]
    return None if names == [PERMISSIONS] else f"its policies are {', '.join(names) or 'gone'}"


def _grants(tx: Reading, now: datetime) -> Iterator[Drift]:
    for grant in tx.find(Grant, kind=GrantKind.ROLE, state=GrantState.LIVE):
        if seen_at(grant, now) is grant and role_of_grant(tx, grant) is None:
            yield Drift(grant.account_id, grant.id, DriftKind.GRANT_WITHOUT_ROLE, "its role is not there", now)
