"""Retiring rows in bulk: requests and grants that are over, each with its audit entry and its notification.

Time ends them one by one in a sweep, the operator all of a partner's at once; either way they end like this.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from workflows import audit
from workflows.audit import Draft
from workflows.callers import Call
from workflows.grants import ended, seen_at
from workflows.lifecycle import OPEN_STATES, Act, step
from workflows.notifications import announce, announce_end
from workflows.ports import Ports, Reading, Writing
from workflows.records.grant import EndReason, Grant, GrantKind, GrantState
from workflows.records.partner import Channel
from workflows.records.request import DelegationRequest
from workflows.role_grants import dismantling
from workflows.standing import arn_of


def _channels(tx: Reading, requests: Sequence[DelegationRequest]) -> dict[str, Channel | None]:
    return {arn: tx.get(Channel, arn) for arn in {request.channel_arn for request in requests}}


def _of_request(ports: Ports, before: DelegationRequest, after: DelegationRequest) -> Draft:
    return Draft(
        act="ExpireDelegationRequest",
        chain=before.owner_account_id or before.requestor_id,
        resource=arn_of(ports, before),
        request_id=before.id,
        partner_id=before.requestor_id,
        before=before.state.value,
        after=after.state.value,
        digest=before.digest,
    )


def retire_requests(
    tx: Writing,
    ports: Ports,
    call: Call,
    over: Sequence[DelegationRequest],
    *,
    now: datetime,
) -> None:
    """Expire these requests, whatever time they had left; the partner is told of those that were still open."""
    channels = _channels(tx, over)
    moved, errands = [], []
    for request in over:
        cut = replace(request, expires_at=min(request.expires_at, now))
        after = step(cut, Act.EXPIRE, now=now, by=None)
        if request.state in OPEN_STATES:
            after, told = announce(ports, channels[request.channel_arn], after, now=now)
            errands += told
        moved.append(after)
    tx.end_requests(over, moved)
    tx.add_all(errands)
    drafts = [_of_request(ports, before, after) for before, after in zip(over, moved, strict=True)]
    audit.append(tx, ports, [(call, draft, None) for draft in drafts], now=now)


def _of_grant(before: Grant, after: Grant) -> Draft:
    return Draft(
        act="ExpireGrant" if after.end_reason is EndReason.EXPIRED else "RevokeDelegation",
        chain=before.account_id,
        resource=before.id,
        request_id=before.request_id,
        partner_id=before.partner_id,
        before=before.state.value,
        after=after.state.value,
    )


def _dismantle(tx: Writing, live: Sequence[Grant], over: Sequence[Grant], now: datetime) -> None:
    """Have the roles of these grants taken away; a role that was still to be made is not made any more."""
    ending = [(before, after) for before, after in zip(live, over, strict=True) if after.kind is GrantKind.ROLE]
    tx.add_all(dismantling(after, now) for before, after in ending if before.state is GrantState.LIVE)
    for before, after in ending:
        if before.state is not GrantState.LIVE:
            tx.put(dismantling(after, now))


def retire_grants(tx: Writing, ports: Ports, call: Call, live: Sequence[Grant], *, now: datetime) -> None:
    """End these live grants: those past their deadline have expired, the others are revoked by the caller."""
    requests = {one.id: one for one in tx.find(DelegationRequest, id=frozenset(grant.request_id for grant in live))}
    channels = _channels(tx, list(requests.values()))
    over, errands, counted = [], [], dict(requests)
    for grant in live:
        after = seen_at(grant, now)
        if after is grant:
            after = ended(grant, reason=EndReason.REVOKED, by=call.caller.arn, now=now)
        over.append(after)
        if request := counted.get(grant.request_id):
            counted[request.id], told = announce_end(ports, channels[request.channel_arn], request, after)
            errands += told
    tx.end_grants(live, over)
    changed = [one for one in requests.values() if counted[one.id] is not one]
    tx.end_requests(changed, [counted[one.id] for one in changed])
    tx.add_all(errands)
    _dismantle(tx, live, over, now)
    drafts = [_of_grant(before, after) for before, after in zip(live, over, strict=True)]
    audit.append(tx, ports, [(call, draft, None) for draft in drafts], now=now)
