"""Retiring rows in bulk: requests and grants that are over, each with its audit entry and its notification.

Time ends them one by one in a sweep, the operator all of a partner's at once; either way they end like this.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from workflows import audit
from workflows.audit import Draft
from workflows.callers import Call
from workflows.grants import LAPSED, ended, seen_at
from workflows.lifecycle import OPEN_STATES, Act, step
from workflows.notifications import announce, announce_end
from workflows.ports import Ports, Reading, Writing
from workflows.records.grant import EndReason, Expired, Grant, GrantKind, GrantState
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


def _of_grant(grant: Grant | Expired, reason: EndReason | None, before: GrantState, after: GrantState) -> Draft:
    return Draft(
        act="ExpireGrant" if reason is EndReason.EXPIRED else "RevokeDelegation",
        chain=grant.account_id,
        resource=grant.id,
        request_id=grant.request_id,
        partner_id=grant.partner_id,
        before=before.value,
        after=after.value,
    )


def lapse_sessions(tx: Writing, ports: Ports, call: Call, *, now: datetime, limit: int) -> Sequence[Expired]:
    """End up to `limit` sessions that are past their deadline; return what ended.

    Thousands can end at one instant, and that they did comes before that anybody is told: the grants are marked in
    this transaction, and whoever finds them marked announces them (`announce_ends`).
    """
    over: list[Expired] = []
    after, reason = LAPSED

    def write_down(some: Sequence[Expired]) -> None:
        over.extend(some)
        drafts = [_of_grant(one, reason, GrantState.LIVE, after) for one in some]
        audit.append(tx, ports, [(call, draft, None) for draft in drafts], now=now)

    tx.lapse_sessions(now, limit, write_down)
    return over


def announce_ends(ports: Ports, *, limit: int) -> int:
    """Write the messages about up to `limit` grants that ended unannounced, in one transaction; return how many.

    Safe to run anywhere, any number of times at once: each end is announced once.
    """

    def work(tx: Writing) -> int:
        over = tx.claim_unannounced(ports.clock.now(), limit)
        _announce(tx, ports, over)
        return len(over)

    return ports.store.write(work)


def _dismantle(tx: Writing, live: Sequence[Grant], over: Sequence[Grant], now: datetime) -> None:
    """Have the roles of these grants taken away; a role that was still to be made is not made any more."""
    ending = [(before, after) for before, after in zip(live, over, strict=True) if after.kind is GrantKind.ROLE]
    tx.add_all(dismantling(after, now) for before, after in ending if before.state is GrantState.LIVE)
    for before, after in ending:
        if before.state is not GrantState.LIVE:
            tx.put(dismantling(after, now))


def _announce(tx: Writing, ports: Ports, over: Sequence[Grant]) -> None:
    """Tell the partners of these grants that they ended."""
    requests = {one.id: one for one in tx.find(DelegationRequest, id=frozenset(grant.request_id for grant in over))}
    channels = _channels(tx, list(requests.values()))
    errands, counted = [], dict(requests)
    for grant in over:
        if request := counted.get(grant.request_id):
            counted[request.id], told = announce_end(ports, channels[request.channel_arn], request, grant)
            errands += told
    changed = [one for one in requests.values() if counted[one.id] is not one]
    tx.end_requests(changed, [counted[one.id] for one in changed])
    tx.add_all(errands)


def retire_grants(tx: Writing, ports: Ports, call: Call, live: Sequence[Grant], *, now: datetime) -> None:
    """End these live grants: those past their deadline have expired, the others are revoked by the caller."""
    over = []
    for grant in live:
        after = seen_at(grant, now)
        if after is grant:
            after = ended(grant, reason=EndReason.REVOKED, by=call.caller.arn, now=now)
        over.append(after)
    tx.end_grants(live, over)
    _announce(tx, ports, over)
    _dismantle(tx, live, over, now)
    ends = zip(live, over, strict=True)
    drafts = [_of_grant(after, after.end_reason, before.state, after.state) for before, after in ends]
    audit.append(tx, ports, [(call, draft, None) for draft in drafts], now=now)
