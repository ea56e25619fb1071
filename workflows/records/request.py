"""The delegation request: what was asked, frozen, and where it stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workflows.ids import AccountId, PrincipalId, RequestId


class State(StrEnum):
    """The states of a request, spelt as on the wire."""

    UNASSIGNED = "UNASSIGNED"
    ASSIGNED = "ASSIGNED"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    ACCEPTED = "ACCEPTED"
    FINALIZED = "FINALIZED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class DelegationRequest:
    """One request. Everything above `state`, and `role_plan`, is frozen at creation and covered by `digest`.

    Only an owner who approves less than was asked changes it, once: `narrowed_from` then keeps, as canonical JSON, what
    was asked, and `digest` covers what is lent.

    `parameters` holds `[name, type, [value, ...]]` triples as submitted; `boundaries` maps each boundary ARN that the
    rendered policy names to its document. `session_duration` is in seconds. `moved_by` is the principal that made
    the last transition, or None when time did. `role_plan` is canonical JSON: the role that the release will make.
    """

    id: RequestId
    requestor_id: AccountId
    requestor_name: str
    requestor_domain: str
    workflow_id: str
    target_account_id: AccountId | None
    description: str
    request_message: str | None
    template_arn: str
    parameters: tuple[tuple[str, str, tuple[str, ...]], ...]
    permission_policy: str
    boundaries: tuple[tuple[str, str], ...]
    session_duration: int
    redirect_url: str | None
    only_send_by_owner: bool
    channel_arn: str
    digest: str
    created_at: datetime
    state: State
    revision: int
    owner_account_id: AccountId | None
    owner_arn: str | None
    owner_principal_id: PrincipalId | None
    approver_arn: str | None
    approver_principal_id: PrincipalId | None
    notes: str | None
    rejection_reason: str | None
    moved_by: PrincipalId | None
    entered_state_at: datetime
    expires_at: datetime
    updated_at: datetime
    notified: int
    role_plan: str | None = None
    narrowed_from: str | None = None
