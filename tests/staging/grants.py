"""Grants for tests of the store, with nothing around them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from staging.clocks import NOON

from workflows.ids import AccountId, GrantId, PrincipalId, RequestId
from workflows.records.grant import Grant, GrantKind, GrantState

_A_LIVE_SESSION = Grant(
    id=GrantId("dg-"),
    kind=GrantKind.SESSION,
    request_id=RequestId("dr-"),
    account_id=AccountId("111122223333"),
    partner_id=AccountId("444455556666"),
    approver_arn="arn:aws:iam::111122223333:user/approver",
    approver_principal_id=PrincipalId("AIDATESTS"),
    token_hash="none",
    deadline=NOON,
    exchanges=3,
    exchange_cap=100,
    state=GrantState.LIVE,
    end_reason=None,
    ended_by=None,
    ended_at=None,
    stuck_because=None,
    revision=4,
    created_at=NOON - timedelta(hours=9),
)


def numbered(number: int, **changed: Any) -> Grant:
    """A live session that is due at noon, of a request of its own, with these fields changed."""
    own = f"{number:032x}"
    named = {"id": f"dg-{own}", "request_id": f"dr-{own}", "token_hash": own}
    return replace(_A_LIVE_SESSION, **{**named, **changed})
