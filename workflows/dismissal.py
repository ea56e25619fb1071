"""Use-cases that stop a partner for good measure, and let it begin anew.

Stopping ends everything the partner has: open requests, unredeemed tokens, live sessions. Letting it work again
revives none of that; it only lets it ask again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from workflows import audit
from workflows.acts import perform
from workflows.audit import Draft
from workflows.callers import Call
from workflows.grants import ended, seen_at
from workflows.lifecycle import OPEN_STATES, Act, step
from workflows.notifications import announce_end, store_move
from workflows.onboarding import operator_only
from workflows.partnering import existing_partner
from workflows.ports import Ports, Writing
from workflows.records.account import Principal
from workflows.records.grant import EndReason, Grant, GrantState
from workflows.records.partner import Channel, Partner
from workflows.records.request import DelegationRequest
from workflows.standing import arn_of

_STOP: Final = "StopPartner"
_RESUME: Final = "ResumePartner"


def _set_active(tx: Writing, draft: Draft, partner_id: str, *, active: bool) -> Partner:
    partner = existing_partner(tx, partner_id)
    principal = tx.get(Principal, partner.id)
    changed = tx.swap(partner, replace(partner, active=active))
    if principal is not None:
        tx.swap(principal, replace(principal, active=active))
    tx.authority_changed()
    draft.chain, draft.partner_id = partner.id, partner.id
    return changed


def _end_requests(tx: Writing, ports: Ports, partner: Partner, now: datetime) -> Sequence[Draft]:
    drafts = []
    for state in sorted(OPEN_STATES):
        for request in tx.find(DelegationRequest, requestor_id=partner.id, state=state):
            over = step(replace(request, expires_at=min(request.expires_at, now)), Act.EXPIRE, now=now, by=None)
            stored = store_move(tx, ports, request, over, now=now)
            drafts.append(
                Draft(
                    act="ExpireDelegationRequest",
                    chain=request.owner_account_id or request.requestor_id,
                    resource=arn_of(ports, request),
                    request_id=request.id,
                    partner_id=partner.id,
                    before=request.state.value,
                    after=stored.state.value,
                    digest=request.digest,
                ),
            )
    return drafts


def _end_grants(tx: Writing, ports: Ports, call: Call, partner: Partner, now: datetime) -> Sequence[Draft]:
    drafts = []
    for grant in tx.find(Grant, partner_id=partner.id, state=GrantState.LIVE):
        over = seen_at(grant, now)
        expired = over is not grant
        if not expired:
            over = ended(grant, reason=EndReason.REVOKED, by=call.caller.arn, now=now)
        stored = tx.swap(grant, over)
        request = tx.get(DelegationRequest, grant.request_id)
        if request is not None:
            tx.add_all(announce_end(ports, tx.get(Channel, request.channel_arn), request, stored))
        drafts.append(
            Draft(
                act="ExpireGrant" if expired else "RevokeDelegation",
                chain=grant.account_id,
                resource=grant.id,
                request_id=grant.request_id,
                partner_id=partner.id,
                before=grant.state.value,
                after=stored.state.value,
            ),
        )
    return drafts


def stop_partner(ports: Ports, call: Call, partner_id: str) -> Partner:
    """Stop a partner and end its open requests, its tokens and every session it was lent. Operator only."""

    def work(tx: Writing, draft: Draft) -> Partner:
        operator_only(call, "daypass:StopPartner")
        partner = _set_active(tx, draft, partner_id, active=False)
        now = ports.clock.now()
        drafts = [*_end_requests(tx, ports, partner, now), *_end_grants(tx, ports, call, partner, now)]
        audit.append(tx, ports, [(call, one, None) for one in drafts], now=now)
        draft.answered = {"ended": len(drafts)}
        return partner

    return perform(ports, call, _STOP, work, asked={"partnerId": partner_id})


def resume_partner(ports: Ports, call: Call, partner_id: str) -> Partner:
    """Let a stopped partner ask again. Operator only."""

    def work(tx: Writing, draft: Draft) -> Partner:
        operator_only(call, "daypass:ResumePartner")
        return _set_active(tx, draft, partner_id, active=True)

    return perform(ports, call, _RESUME, work, asked={"partnerId": partner_id})
