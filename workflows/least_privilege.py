"""Least privilege from use: what of a grant was used and on what, what never was, and a policy that would have done.

Uses are counted where they are decided (`usage.py`). A policy made from them is offered where the partner asks again,
and never takes the place of what was asked by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from workflows.acts import consult
from workflows.arns import grant_arn
from workflows.audit import Draft
from workflows.authority import Question, authorize, compiled
from workflows.callers import Call, CallerKind
from workflows.deeds import deeds_of, holder_of
from workflows.errors import NoSuchEntity
from workflows.inquiry import find_grant
from workflows.policy.document import PolicyKind
from workflows.policy.fitting import Use, fitted
from workflows.ports import Ports, Reading
from workflows.records.grant import Grant, GrantKind, GrantState
from workflows.records.request import DelegationRequest
from workflows.records.role import Role, UsedResource
from workflows.usage import OTHERS, places_of, used_by

_MOST_GRANTS: Final = 20
_MOST_FINDINGS: Final = 1000


@dataclass(frozen=True, slots=True)
class UsedAction:
    """An action that was used: how often, when last, and on what; None where that is not known in full."""

    action: str
    count: int
    last_at: datetime
    resources: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class GrantUse:
    """What became of a grant: what was used, what never was, and a policy that would have done (None: nothing was)."""

    grant: Grant
    used: Sequence[UsedAction]
    unused: Sequence[str]
    policy: str | None


class FindingKind(StrEnum):
    """What is unused: everything of a grant, or an action of one that is used."""

    UNUSED_GRANT = "UnusedGrant"
    UNUSED_PERMISSION = "UnusedPermission"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is lent and never used; `action` as the policy writes it, None for all of a grant."""

    kind: FindingKind
    grant: Grant
    action: str | None
    last_used: datetime | None


def use_of_grant(ports: Ports, call: Call, grant_id: str) -> GrantUse:
    """Return what was done with a grant of the caller's account; raises `NoSuchEntity` for every other id."""

    def work(tx: Reading, _draft: Draft) -> GrantUse:
        grant = find_grant(tx, call, grant_id)
        arn = grant_arn(ports.terms.partition, grant.account_id, grant.id)
        authorize(tx, ports, call, Question("daypass:GetGrant", arn, {}))
        request = tx.get(DelegationRequest, grant.request_id)
        if request is None:
            raise NoSuchEntity("request of the grant", grant_id)
        policy = compiled(request.permission_policy, PolicyKind.SESSION)
        used = _used(tx, [holder_of(tx, grant)])
        unused = deeds_of(tx, holder_of(tx, grant), [policy]).unused
        return GrantUse(grant, used, unused, fitted(policy, _uses(used)))

    return consult(ports, call, "GetGrantUse", work, asked={"grantId": grant_id})


def _used(tx: Reading, holders: Sequence[str]) -> list[UsedAction]:
    """What these ids used together, by action."""
    places = places_of(tx, *holders)
    return [
        UsedAction(use.action, use.count, use.last_at, _told(places.get(name, ()), use.count))
        for name, use in sorted(used_by(tx, *holders).items())
    ]


def _told(places: Sequence[UsedResource], count: int) -> tuple[str, ...] | None:
    """On what an action was used, if that is known of every use."""
    resources = tuple(sorted({place.resource for place in places}))
    in_full = sum(place.count for place in places) >= count
    return resources if resources and in_full and OTHERS not in resources else None


def _uses(used: Sequence[UsedAction]) -> list[Use]:
    return [Use(one.action, one.resources) for one in used if one.action != OTHERS]


# --- what nobody uses ------------------------------------------------------------------------------------


def unused_access(ports: Ports, call: Call) -> Sequence[Finding]:
    """Return what is lent now in the caller's account (for the operator, in any) and was never used, by grant.

    Grants are looked at from the newest on; at most a thousand findings are returned.
    """

    def work(tx: Reading, _draft: Draft) -> Sequence[Finding]:
        authorize(tx, ports, call, Question("daypass:GetInventory", "*", {}))
        equal = {} if call.caller.kind is CallerKind.OPERATOR else {"account_id": call.caller.account_id}
        live = tx.page(Grant, limit=_MOST_FINDINGS, after=None, state=GrantState.LIVE, **equal)
        found = [finding for grant in live if ports.clock.now() < grant.deadline for finding in _unused(tx, grant)]
        return found[:_MOST_FINDINGS]

    return consult(ports, call, "ListUnusedAccess", work)


def _unused(tx: Reading, grant: Grant) -> list[Finding]:
    request = tx.get(DelegationRequest, grant.request_id)
    if request is None:
        return []
    deeds = deeds_of(tx, holder_of(tx, grant), [compiled(request.permission_policy, PolicyKind.SESSION)])
    if not deeds.used:
        return [Finding(FindingKind.UNUSED_GRANT, grant, None, None)]
    return [Finding(FindingKind.UNUSED_PERMISSION, grant, action, deeds.last_used) for action in deeds.unused]


# --- less next time --------------------------------------------------------------------------------------


def suggestion(tx: Reading, request: DelegationRequest) -> str | None:
    """Return a policy for a request that would cover what its partner used of the same template here before.

    None when nothing was used, or when it would be no less than what is asked.
    """
    account = request.owner_account_id or request.target_account_id
    if account is None:
        return None
    holders = _holders_of(tx, _earlier(tx, request, account))
    uses = _uses(_used(tx, holders)) if holders else []
    policy = compiled(request.permission_policy, PolicyKind.SESSION)
    text = fitted(policy, uses) if uses else None
    return None if text == request.permission_policy else text


def _earlier(tx: Reading, request: DelegationRequest, account: str) -> list[Grant]:
    found: list[Grant] = []
    for state in (GrantState.LIVE, GrantState.REVOKED):
        found += tx.page(
            Grant, limit=_MOST_GRANTS, after=None, account_id=account, partner_id=request.requestor_id, state=state
        )
    requests = tx.find(DelegationRequest, id=frozenset(one.request_id for one in found)) if found else ()
    same = {one.id for one in requests if one.template_arn == request.template_arn and one.id != request.id}
    return [one for one in found if one.request_id in same]


def _holders_of(tx: Reading, grants: Sequence[Grant]) -> list[str]:
    """The ids under which the use of grants is counted, as `holder_of` has them one by one."""
    lent = {grant.id for grant in grants if grant.kind is GrantKind.ROLE}
    roles = {role.grant_id: role.id for role in tx.find(Role, grant_id=frozenset(lent))} if lent else {}
    return [roles.get(grant.id, grant.id) for grant in grants]
