"""Use-cases that stop a partner for good measure, and let it begin anew.

Stopping ends everything the partner has: open requests, unredeemed tokens, live sessions. Letting it work again
revives none of that; it only lets it ask again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from workflows.acts import perform
from workflows.audit import Draft
from workflows.authority import operator_only
from workflows.callers import Call
from workflows.lifecycle import OPEN_STATES
from workflows.partnering import existing_partner
from workflows.ports import Ports, Writing
from workflows.records.account import Principal
from workflows.records.grant import Grant
from workflows.records.partner import Partner
from workflows.records.request import DelegationRequest
from workflows.retirement import retire_grants, retire_requests
from workflows.role_grants import STANDING

_STOP: Final = "StopPartner"
_RESUME: Final = "ResumePartner"
# A statement can name only so many rows.
_BATCH: Final = 500
R = TypeVar("R")


def _set_active(tx: Writing, draft: Draft, partner_id: str, *, active: bool) -> Partner:
    partner = existing_partner(tx, partner_id)
    principal = tx.get(Principal, partner.id)
    changed = tx.swap(partner, replace(partner, active=active))
    if principal is not None:
        tx.swap(principal, replace(principal, active=active))
    tx.authority_changed()
    draft.chain, draft.partner_id = partner.id, partner.id
    return changed


def _in_batches(rows: Sequence[R]) -> Iterator[Sequence[R]]:
    return (rows[first : first + _BATCH] for first in range(0, len(rows), _BATCH))


def stop_partner(ports: Ports, call: Call, partner_id: str) -> Partner:
    """Stop a partner and end its open requests, its tokens and every session it was lent. Operator only."""

    def work(tx: Writing, draft: Draft) -> Partner:
        operator_only(call, "daypass:StopPartner")
        partner = _set_active(tx, draft, partner_id, active=False)
        now = ports.clock.now()
        open_requests = [
            request
            for state in sorted(OPEN_STATES)
            for request in tx.find(DelegationRequest, requestor_id=partner.id, state=state)
        ]
        grants = [one for state in STANDING for one in tx.find(Grant, partner_id=partner.id, state=state)]
        for some in _in_batches(open_requests):
            retire_requests(tx, ports, call, some, now=now)
        for some_grants in _in_batches(grants):
            retire_grants(tx, ports, call, some_grants, now=now)
        draft.answered = {"requestsEnded": len(open_requests), "grantsEnded": len(grants)}
        return partner

    return perform(ports, call, _STOP, work, asked={"partnerId": partner_id})


def resume_partner(ports: Ports, call: Call, partner_id: str) -> Partner:
    """Let a stopped partner ask again. Operator only."""

    def work(tx: Writing, draft: Draft) -> Partner:
        operator_only(call, "daypass:ResumePartner")
        return _set_active(tx, draft, partner_id, active=True)

    return perform(ports, call, _RESUME, work, asked={"partnerId": partner_id})
