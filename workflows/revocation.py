"""Use-cases of the end: revoke one grant, and retire whatever time has ended.

Revocation and expiry are one path. Nobody waits for this module: what has ended is refused at use from the rows
alone. It makes the end visible (state, audit entry, notification) and lets dead rows go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workflows.acts import perform
from workflows.audit import Draft
from workflows.callers import TIME, Call
from workflows.errors import NoSuchEntity, WrongState
from workflows.grants import ended, seen_at
from workflows.inquiry import find_grant
from workflows.lifecycle import state_at
from workflows.notifications import announce_end
from workflows.ports import Ports, Reading, Writing
from workflows.records.grant import EndReason, Grant, GrantKind
from workflows.records.partner import Channel
from workflows.records.request import DelegationRequest
from workflows.retirement import lapse_sessions, retire_grants, retire_requests
from workflows.role_grants import STANDING, descendants, dismantling, released_grant
from workflows.standing import KIND, admitted, arn_of, authorize_on, refuse_outsiders
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
    if stored.kind is GrantKind.ROLE:
        tx.put(dismantling(stored, now))
    told, errands = announce_end(ports, tx.get(Channel, request.channel_arn), request, stored)
    if told is not request:
        tx.swap(request, told)
    tx.add_all(errands)
    # What was made under it was lent by it.
    retire_grants(tx, ports, call, descendants(tx, grant), now=now)
    tx.authority_changed()
    draft.after = stored.state.value
    return stored


def _end_all(tx: Writing, ports: Ports, call: Call, draft: Draft, request: DelegationRequest, grant: Grant) -> Grant:
    """End what a request lent. Roles that its session made outlive the session, and are ended with the request."""
    now = ports.clock.now()
    left = descendants(tx, grant)
    if left and seen_at(grant, now).state not in STANDING:
        draft.request_id, draft.partner_id = request.id, request.requestor_id
        draft.chain, draft.resource = grant.account_id, arn_of(ports, request)
        draft.outcome = {"grant_id": grant.id}
        retire_grants(tx, ports, call, left, now=now)
        tx.authority_changed()
        return grant
    return _end_grant(tx, ports, call, draft, request, grant)


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
        request, draft.decided_by = admitted(tx, ports, call, _ACTION, request_id)
        if notes is not None:
            draft.asked["notes"] = parse_text(notes, "Notes", longest=NOTES_LENGTH)
        grant = released_grant(tx, request)
        if grant is None:
            raise WrongState(KIND, state_at(request, ports.clock.now()).value, _REVOKE)
        return _end_all(tx, ports, call, draft, request, grant)

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
    """How many rows one sweep retired, and how many seconds late each grant was."""

    requests: int
    grants: int
    purged: int
    lags: tuple[float, ...] = ()

    @property
    def total(self) -> int:
        """All rows together."""
        return self.requests + self.grants + self.purged


def sweep(ports: Ports, *, limit: int) -> Swept:
    """Retire up to `limit` requests and grants whose time is over, and let dead rows go, in one transaction.

    The ends of sessions are left to be announced (`retirement.announce_ends`).
    Safe to run anywhere, any number of times at once: rows decide what is due, and each is retired once.
    """
    call = Call(caller=TIME, id=ports.entropy.token_bytes(16).hex(), wire="time")

    def work(tx: Writing) -> Swept:
        now = ports.clock.now()
        requests = tx.due_requests(now, limit)
        retire_requests(tx, ports, call, requests, now=now)
        sessions = lapse_sessions(tx, ports, call, now=now, limit=limit)
        lags = [(now - one.deadline).total_seconds() for one in sessions]
        if len(sessions) == limit:
            # Sessions are as due as roles are, and dead rows can wait: nothing else is looked for while there are more.
            return Swept(len(requests), len(lags), 0, tuple(lags))
        grants = tx.due_grants(now, limit)
        retire_grants(tx, ports, call, grants, now=now)
        purged = tx.purge(now, expired_before=now - ports.terms.retention, limit=limit)
        lags += [(now - one.deadline).total_seconds() for one in grants]
        return Swept(len(requests), len(lags), purged, tuple(lags))

    return ports.store.write(work)
