"""The tables, one per record, field for field (a house test compares the names).

The database backs the domain up: checks on every state name, unique keys wherever a name or a token must be unique,
and partial indexes over exactly the rows that time will end.
"""

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Index, MetaData, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.db.columns import blob, distinct, json, key, long, one_of, partial
from service.db.role_tables import ROLE_TABLES
from service.db.sign_in_tables import SIGN_IN_TABLES
from workflows.records import account, audit, deployment, errand, grant, partner, request


class AccountRow(SQLModel, table=True):
    """An owner's account."""

    __tablename__: ClassVar[str] = "accounts"
    id: str = key()
    alias: str = Field(unique=True)
    created_at: datetime


class PrincipalRow(SQLModel, table=True):
    """Somebody or something that signs its calls."""

    __tablename__: ClassVar[str] = "principals"
    __table_args__ = (
        one_of("kind", account.PrincipalKind),
        distinct("ix_principals_people", "account_id", "created_at", "id"),
    )
    id: str = key()
    account_id: str = Field(index=True)
    kind: str
    name: str
    arn: str = Field(unique=True)
    boundary: str | None = long(nullable=True)
    active: bool
    revision: int
    created_at: datetime


class AccessKeyRow(SQLModel, table=True):
    """A long-lived signing key."""

    __tablename__: ClassVar[str] = "access_keys"
    id: str = key()
    principal_id: str = Field(index=True)
    sealed_secret: bytes = blob()
    active: bool
    created_at: datetime


class ApiTokenRow(SQLModel, table=True):
    """A bearer token of the JSON API."""

    __tablename__: ClassVar[str] = "api_tokens"
    id: str = key()
    principal_id: str = Field(index=True)
    hash: str = Field(unique=True)
    scopes: list[str] = json()
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class ManagedPolicyRow(SQLModel, table=True):
    """An account's own managed policy."""

    __tablename__: ClassVar[str] = "managed_policies"
    arn: str = key()
    account_id: str = Field(index=True)
    name: str
    document: str = long()
    created_at: datetime
    id: str = Field(unique=True)
    path: str
    description: str | None = long(nullable=True)
    default_version: int
    next_version: int
    tags: list[object] = json()
    partner_id: str | None
    updated_at: datetime


class AttachmentRow(SQLModel, table=True):
    """One identity policy of one principal."""

    __tablename__: ClassVar[str] = "attachments"
    __table_args__ = (CheckConstraint("(policy_arn IS NULL) <> (document IS NULL)", name="one_source"),)
    principal_id: str = key()
    name: str = key()
    policy_arn: str | None = Field(index=True)
    document: str | None = long(nullable=True)


class GuardrailRow(SQLModel, table=True):
    """An account-wide policy that only limits."""

    __tablename__: ClassVar[str] = "guardrails"
    account_id: str = key()
    name: str = key()
    document: str = long()
    created_at: datetime


class PartnerRow(SQLModel, table=True):
    """A registered product provider."""

    __tablename__: ClassVar[str] = "partners"
    id: str = key()
    name: str = Field(unique=True)
    domain: str
    active: bool
    revision: int
    created_at: datetime


class PolicyTemplateRow(SQLModel, table=True):
    """A parameterised policy."""

    __tablename__: ClassVar[str] = "policy_templates"
    arn: str = key()
    partner_id: str = Field(index=True)
    name: str
    document: str = long()
    wildcard_safe: list[str] = json()
    created_at: datetime
    findings: list[object] = json()
    accepted_because: str | None = long(nullable=True)


class BoundaryRow(SQLModel, table=True):
    """A partner's permissions boundary."""

    __tablename__: ClassVar[str] = "boundaries"
    arn: str = key()
    partner_id: str = Field(index=True)
    name: str
    description: str = long()
    document: str = long()
    created_at: datetime
    findings: list[object] = json()
    accepted_because: str | None = long(nullable=True)


class ChannelRow(SQLModel, table=True):
    """A partner's registered receiver."""

    __tablename__: ClassVar[str] = "channels"
    __table_args__ = (one_of("kind", partner.ChannelKind),)
    arn: str = key()
    partner_id: str = Field(index=True)
    name: str
    kind: str
    url: str | None = long(nullable=True)
    sealed_secret: bytes | None = blob(nullable=True)
    active: bool
    created_at: datetime


class DelegationRequestRow(SQLModel, table=True):
    """A delegation request, frozen but for where it stands."""

    __tablename__: ClassVar[str] = "requests"
    __table_args__ = (
        one_of("state", request.State),
        UniqueConstraint("requestor_id", "workflow_id"),
        distinct("ix_requests_newest", "created_at", "id"),
        distinct("ix_requests_owned", "owner_account_id", "created_at", "id"),
        distinct("ix_requests_asked", "requestor_id", "created_at", "id"),
        distinct("ix_requests_inbox", "owner_account_id", "state", "created_at", "id"),
        distinct("ix_requests_mine", "owner_principal_id", "state", "created_at", "id"),
        distinct("ix_requests_between", "owner_account_id", "requestor_id", "created_at", "id"),
        Index("ix_requests_asking", "requestor_id", "expires_at"),
        Index("ix_requests_targeting", "target_account_id", "expires_at"),
        partial("ix_requests_due", "expires_at", "state <> 'EXPIRED'"),
        partial("ix_requests_expired", "expires_at", "state = 'EXPIRED'"),
    )
    id: str = key()
    requestor_id: str
    requestor_name: str
    requestor_domain: str
    workflow_id: str
    target_account_id: str | None
    description: str = long()
    request_message: str | None = long(nullable=True)
    template_arn: str
    parameters: list[object] = json()
    permission_policy: str = long()
    boundaries: list[object] = json()
    session_duration: int
    redirect_url: str | None
    only_send_by_owner: bool
    channel_arn: str
    digest: str
    created_at: datetime
    state: str
    revision: int
    owner_account_id: str | None
    owner_arn: str | None
    owner_principal_id: str | None
    approver_arn: str | None
    approver_principal_id: str | None
    notes: str | None = long(nullable=True)
    rejection_reason: str | None = long(nullable=True)
    moved_by: str | None
    entered_state_at: datetime
    expires_at: datetime
    updated_at: datetime
    notified: int
    role_plan: str | None = long(nullable=True)
    narrowed_from: str | None = long(nullable=True)


class GrantRow(SQLModel, table=True):
    """One lent authority; at most one of a request has no parent, so nothing can be released twice."""

    __tablename__: ClassVar[str] = "grants"
    __table_args__ = (
        one_of("state", grant.GrantState),
        one_of("kind", grant.GrantKind),
        CheckConstraint("exchanges <= exchange_cap", name="exchanges"),
        partial("ix_grants_released", "request_id", "parent_id IS NULL", unique=True),
        distinct("ix_grants_newest", "created_at", "id"),
        distinct("ix_grants_owned", "account_id", "created_at", "id"),
        distinct("ix_grants_lent", "partner_id", "created_at", "id"),
        distinct("ix_grants_standing", "account_id", "state", "created_at", "id"),
        distinct("ix_grants_between", "account_id", "partner_id", "state", "created_at", "id"),
        partial("ix_grants_due", "deadline", "state IN ('PLANNED', 'LIVE', 'REVOKING', 'STUCK')"),
        partial("ix_grants_parent_id", "parent_id", "parent_id IS NOT NULL"),
        partial("ix_grants_unannounced", "unannounced_since", "unannounced_since IS NOT NULL"),
    )
    id: str = key()
    kind: str
    request_id: str
    account_id: str
    partner_id: str
    approver_arn: str
    approver_principal_id: str
    token_hash: str = Field(unique=True)
    deadline: datetime
    exchanges: int
    exchange_cap: int
    state: str
    end_reason: str | None
    ended_by: str | None
    ended_at: datetime | None
    stuck_because: str | None = long(nullable=True)
    revision: int
    created_at: datetime
    parent_id: str | None
    unannounced_since: datetime | None


class SessionRow(SQLModel, table=True):
    """One set of temporary credentials; its number is unique under its grant, so the cap cannot be overrun."""

    __tablename__: ClassVar[str] = "sessions"
    __table_args__ = (UniqueConstraint("grant_id", "number"),)
    access_key_id: str = key()
    grant_id: str
    number: int
    master_key: str
    minted_by: str
    issued_at: datetime


class ErrandRow(SQLModel, table=True):
    """One notification that still has to arrive."""

    __tablename__: ClassVar[str] = "errands"
    __table_args__ = (
        one_of("kind", errand.ErrandKind),
        one_of("state", errand.ErrandState),
        UniqueConstraint("request_id", "sequence"),
        partial("ix_errands_due", "due_at", "state = 'WAITING' AND kind = 'webhook'"),
        distinct("ix_errands_mailbox", "partner_id", "kind", "state", "created_at", "request_id", "sequence"),
        partial("ix_errands_expiring", "expires_at", "expires_at IS NOT NULL"),
    )
    id: str = key()
    kind: str
    partner_id: str
    channel_arn: str
    request_id: str
    sequence: int
    message_type: str
    sealed_body: bytes = blob()
    state: str
    attempts: int
    last_failure: str | None
    created_at: datetime
    due_at: datetime
    expires_at: datetime | None
    lease: int


class AuditEntryRow(SQLModel, table=True):
    """One link of an account's chain."""

    __tablename__: ClassVar[str] = "audit_entries"
    __table_args__ = (
        distinct("ix_audit_entries_request", "request_id", "chain", "number"),
        distinct("ix_audit_entries_partner", "chain", "partner_id", "number"),
        distinct("ix_audit_entries_when", "chain", "at", "number"),
    )
    chain: str = key()
    number: int = key()
    at: datetime
    request_id: str | None
    partner_id: str | None
    body: str = long()
    mac: str


class AuditHeadRow(SQLModel, table=True):
    """The end of an account's chain."""

    __tablename__: ClassVar[str] = "audit_heads"
    chain: str = key()
    number: int
    entry_mac: str
    mac: str


class ReplayRow(SQLModel, table=True):
    """An accepted signature, remembered for as long as it would be accepted again."""

    __tablename__: ClassVar[str] = "replays"
    signature: str = key()
    outcome: str = long()
    expires_at: datetime = Field(index=True)


class DeploymentRow(SQLModel, table=True):
    """The deployment itself: one row."""

    __tablename__: ClassVar[str] = "deployment"
    id: str = key()
    key_check: str
    authority: int
    high_water: datetime
    created_at: datetime
    epoch: int
    quarantined_at: datetime | None


class ReplicaRow(SQLModel, table=True):
    """One process that serves."""

    __tablename__: ClassVar[str] = "replicas"
    id: str = key()
    host: str
    version: str
    started_at: datetime
    seen_at: datetime


class WriterRow(SQLModel, table=True):
    """The last transaction that a process committed on a server, by a mark of its own; no record of the domain."""

    __tablename__: ClassVar[str] = "writers"
    id: str = key()
    mark: str
    marked_at: datetime


TABLE_OF: Final[dict[type[Any], type[SQLModel]]] = {
    account.Account: AccountRow,
    account.Principal: PrincipalRow,
    account.AccessKey: AccessKeyRow,
    account.ApiToken: ApiTokenRow,
    account.ManagedPolicy: ManagedPolicyRow,
    account.Attachment: AttachmentRow,
    account.Guardrail: GuardrailRow,
    partner.Partner: PartnerRow,
    partner.PolicyTemplate: PolicyTemplateRow,
    partner.Boundary: BoundaryRow,
    partner.Channel: ChannelRow,
    request.DelegationRequest: DelegationRequestRow,
    grant.Grant: GrantRow,
    grant.Session: SessionRow,
    errand.Errand: ErrandRow,
    audit.AuditEntry: AuditEntryRow,
    audit.AuditHead: AuditHeadRow,
    audit.Replay: ReplayRow,
    deployment.Deployment: DeploymentRow,
    **SIGN_IN_TABLES,
    **ROLE_TABLES,
    deployment.Replica: ReplicaRow,
}

METADATA: Final[MetaData] = SQLModel.metadata
