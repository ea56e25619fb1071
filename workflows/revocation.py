"""Use-cases of the end: revoke one grant, and retire whatever time has ended.

Revocation and expiry are one path. Nobody waits for this module: what has ended is refused at use from the rows
alone. It makes the end visible (state, audit entry, notification) and lets dead rows go.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workflows import audit
from workflows.acts import perform
from workflows.audit import Draft
from workflows.callers import TIME, Call
from workflows.errors import NoSuchEntity, WrongState
from workflows.grants import ended, seen_at
from workflows.ids import AccountId
from workflows.inquiry import find_grant
from workflows.lifecycle import OPEN_STATES, Act, state_at, step
from workflows.notifications import announce, announce_end
from workflows.ports import Ports, Reading, Writing
from workflows.records.grant import EndReason, Grant, GrantState
from workflows.records.partner import Channel
from workflows.records.request import DelegationRequest
from workflows.standing import KIND, arn_of, authorize_on, find_request, refuse_outsiders
from workflows.submission import NOTES_LENGTH
from workflows.text import parse_text

_REVOKE: Final = "RevokeDelegation"
_ACTION: Final = f"iam:{_REVOKE}"


def _just_revoked_by(ports: Ports, call: Call, grant: Grant, now: datetime) -> bool:
    return (
        grant.end_reason is EndReason.REVOKED
        and grant.ended_by == call.caller.arn
        and grant.ended_at is not None
        and now - grant.ended_at <= ports.terms.repeat_window
    )


def _end_grant(
    tx: Writing,
    ports: Ports,
    call: Call,
    draft: Draft,
    request: DelegationRequest,
    grant: Grant,
) -> Grant:
    now = ports.clock.now()
    draft.request_id, draft.partner_id = request.id, request.requestor_id
    draft.resource, draft.digest = arn_of(ports, request), request.digest
    draft.chain = grant.account_id
    draft.before, draft.after = grant.state.value, grant.state.value
    draft.answered = {"grantId": grant.id}
    draft.outcome = {"grant_id": grant.id}
    if _just_revoked_by(ports, call, grant, now):
        return grant
    if now >= grant.deadline:
        raise WrongState("grant", "past its deadline", _REVOKE)
    after = ended(grant, reason=EndReason.REVOKED, by=call.caller.arn, now=now)
    stored = tx.swap(grant, after)
    tx.add_all(announce_end(ports, tx.get(Channel, request.channel_arn), request, stored))
    tx.authority_changed()
    draft.after = stored.state.value
    return stored


def _recall(tx: Reading, outcome: Mapping[str, str]) -> Grant:
    grant = tx.get(Grant, outcome["grant_id"])
    if grant is None:
        raise NoSuchEntity("grant", outcome["grant_id"])
    return grant


def revoke(ports: Ports, call: Call, request_id: str, notes: str | None) -> Grant:
    """End what a released request lent, at once, with everything derived from it. API: RevokeDelegation (ours).

    The request stays FINALIZED, as its state enum has no word for this. Returns only after the end is durable.
    """

    def work(tx: Writing, draft: Draft) -> Grant:
        refuse_outsiders(call, _ACTION)
        request = find_request(tx, call, request_id)
        draft.decided_by = authorize_on(tx, ports, call, _ACTION, request)
        if notes is not None:
            draft.asked["notes"] = parse_text(notes, "Notes", longest=NOTES_LENGTH)
        grants = tx.find(Grant, request_id=request.id)
        if not grants:
            raise WrongState(KIND, state_at(request, ports.clock.now()).value, _REVOKE)
        return _end_grant(tx, ports, call, draft, request, grants[0])

    asked = {"delegationRequestId": request_id}
    return perform(ports, call, _REVOKE, work, recall=_recall, asked=asked)


def revoke_grant(ports: Ports, call: Call, grant_id: str) -> Grant:
    """End one grant by its own id, at once; the operator may do so without any other part of the service."""

    def work(tx: Writing, draft: Draft) -> Grant:
        refuse_outsiders(call, _ACTION)
        grant = find_grant(tx, call, grant_id)
        request = tx.get(DelegationRequest, grant.request_id)
        if request is None:
            raise NoSuchEntity(KIND, grant.request_id)
        draft.decided_by = authorize_on(tx, ports, call, _ACTION, request)
        return _end_grant(tx, ports, call, draft, request, grant)

    return perform(ports, call, _REVOKE, work, recall=_recall, asked={"grantId": grant_id})


# --- time ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Swept:
    """How many rows one sweep retired."""

    requests: int
    grants: int
    purged: int

    @property
    def total(self) -> int:
        """All rows together."""
        return self.requests + self.grants + self.purged


def _chain_of(request: DelegationRequest) -> AccountId:
    return request.owner_account_id or request.requestor_id


def _channels(tx: Reading, requests: Sequence[DelegationRequest]) -> dict[str, Channel | None]:
    return {arn: tx.get(Channel, arn) for arn in Counter(request.channel_arn for request in requests)}


def _expire_requests(tx: Writing, ports: Ports, call: Call, now: datetime, limit: int) -> int:
    due = tx.due_requests(now, limit)
    channels = _channels(tx, due)
    moved, errands, drafts = [], [], []
    for request in due:
        after = step(request, Act.EXPIRE, now=now, by=None)
        if request.state in OPEN_STATES:
            after, told = announce(ports, channels[request.channel_arn], after, now=now)
            errands += told
        moved.append(after)
        drafts.append(
            Draft(
                act="ExpireDelegationRequest",
                chain=_chain_of(request),
                resource=arn_of(ports, request),
                request_id=request.id,
                partner_id=request.requestor_id,
                before=request.state.value,
                after=after.state.value,
                digest=request.digest,
            ),
        )
    tx.end_requests(due, moved)
    tx.add_all(errands)
    audit.append(tx, ports, [(call, draft, None) for draft in drafts], now=now)
    return len(due)


def _expire_grants(tx: Writing, ports: Ports, call: Call, now: datetime, limit: int) -> int:
    due = [grant for grant in tx.due_grants(now, limit) if grant.state is GrantState.LIVE]
    requests = {one.id: one for one in tx.find(DelegationRequest, id=frozenset(grant.request_id for grant in due))}
    channels = _channels(tx, list(requests.values()))
    over, errands, drafts = [], [], []
    for grant in due:
        after = seen_at(grant, now)
        over.append(after)
        if request := requests.get(grant.request_id):
            errands += announce_end(ports, channels[request.channel_arn], request, after)
        drafts.append(
            Draft(
                act="ExpireGrant",
                chain=grant.account_id,
                resource=grant.id,
                request_id=grant.request_id,
                partner_id=grant.partner_id,
                before=grant.state.value,
                after=after.state.value,
            ),
        )
    tx.end_grants(due, over)
    tx.add_all(errands)
    audit.append(tx, ports, [(call, draft, None) for draft in drafts], now=now)
    return len(due)


def sweep(ports: Ports, *, limit: int) -> Swept:
    """Retire up to `limit` requests and grants whose time is over, and let dead rows go, in one transaction.

    Safe to run anywhere, any number of times at once: rows decide what is due, and each is retired once.
    """
    call = Call(caller=TIME, id=ports.entropy.token_bytes(16).hex(), wire="time")

    def work(tx: Writing) -> Swept:
        now = ports.clock.now()
        requests = _expire_requests(tx, ports, call, now, limit)
        grants = _expire_grants(tx, ports, call, now, limit)
        purged = tx.purge(now, expired_before=now - ports.terms.retention, limit=limit)
        return Swept(requests, grants, purged)

    return ports.store.write(work)
