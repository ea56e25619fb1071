"""The tables, one per record, field for field (a house test compares the names).

The database backs the domain up: checks on every state name, unique keys wherever a name or a token must be unique,
and partial indexes over exactly the rows that time will end.
"""

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Index, MetaData, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.db.columns import blob as _blob
from service.db.columns import json as _json
from service.db.columns import key as _key
from service.db.columns import long as _long
from service.db.columns import one_of as _one_of
from service.db.columns import partial as _partial
from workflows.records import account, audit, deployment, errand, grant, partner, request, sign_in


class AccountRow(SQLModel, table=True):
    """An owner's account."""

    __tablename__: ClassVar[str] = "accounts"
    id: str = _key()
    alias: str = Field(unique=True)
    created_at: datetime


class PrincipalRow(SQLModel, table=True):
    """Somebody or something that signs its calls."""

    __tablename__: ClassVar[str] = "principals"
    __table_args__ = (
        _one_of("kind", account.PrincipalKind),
        Index("ix_principals_people", "account_id", "created_at", "id"),
    )
    id: str = _key()
    account_id: str = Field(index=True)
    kind: str
    name: str
    arn: str = Field(unique=True)
    boundary: str | None = _long(nullable=True)
    active: bool
    revision: int
    created_at: datetime


class AccessKeyRow(SQLModel, table=True):
    """A long-lived signing key."""

    __tablename__: ClassVar[str] = "access_keys"
    id: str = _key()
    principal_id: str = Field(index=True)
    sealed_secret: bytes = _blob()
    active: bool
    created_at: datetime


class ApiTokenRow(SQLModel, table=True):
    """A bearer token of the JSON API."""

    __tablename__: ClassVar[str] = "api_tokens"
    id: str = _key()
    principal_id: str = Field(index=True)
    hash: str = Field(unique=True)
    scopes: list[str] = _json()
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class ManagedPolicyRow(SQLModel, table=True):
    """An account's own managed policy."""

    __tablename__: ClassVar[str] = "managed_policies"
    arn: str = _key()
    account_id: str = Field(index=True)
    name: str
    document: str = _long()
    created_at: datetime


class AttachmentRow(SQLModel, table=True):
    """One identity policy of one principal."""

    __tablename__: ClassVar[str] = "attachments"
    __table_args__ = (CheckConstraint("(policy_arn IS NULL) <> (document IS NULL)", name="one_source"),)
    principal_id: str = _key()
    name: str = _key()
    policy_arn: str | None
    document: str | None = _long(nullable=True)


class GuardrailRow(SQLModel, table=True):
    """An account-wide policy that only limits."""

    __tablename__: ClassVar[str] = "guardrails"
    account_id: str = _key()
    name: str = _key()
    document: str = _long()
    created_at: datetime


class PartnerRow(SQLModel, table=True):
    """A registered product provider."""

    __tablename__: ClassVar[str] = "partners"
    id: str = _key()
    name: str = Field(unique=True)
    domain: str
    active: bool
    revision: int
    created_at: datetime


class PolicyTemplateRow(SQLModel, table=True):
    """A parameterised policy."""

    __tablename__: ClassVar[str] = "policy_templates"
    arn: str = _key()
    partner_id: str = Field(index=True)
    name: str
    document: str = _long()
    wildcard_safe: list[str] = _json()
    created_at: datetime


class BoundaryRow(SQLModel, table=True):
    """A partner's permissions boundary."""

    __tablename__: ClassVar[str] = "boundaries"
    arn: str = _key()
    partner_id: str = Field(index=True)
    name: str
    description: str = _long()
    document: str = _long()
    created_at: datetime


class ChannelRow(SQLModel, table=True):
    """A partner's registered receiver."""

    __tablename__: ClassVar[str] = "channels"
    __table_args__ = (_one_of("kind", partner.ChannelKind),)
    arn: str = _key()
    partner_id: str = Field(index=True)
    name: str
    kind: str
    url: str | None = _long(nullable=True)
    sealed_secret: bytes | None = _blob(nullable=True)
    active: bool
    created_at: datetime


class DelegationRequestRow(SQLModel, table=True):
    """A delegation request, frozen but for where it stands."""

    __tablename__: ClassVar[str] = "requests"
    __table_args__ = (
        _one_of("state", request.State),
        UniqueConstraint("requestor_id", "workflow_id"),
        Index("ix_requests_newest", "created_at", "id"),
        Index("ix_requests_owned", "owner_account_id", "created_at", "id"),
        Index("ix_requests_asked", "requestor_id", "created_at", "id"),
        Index("ix_requests_inbox", "owner_account_id", "state", "created_at", "id"),
        Index("ix_requests_mine", "owner_principal_id", "state", "created_at", "id"),
        Index("ix_requests_between", "owner_account_id", "requestor_id", "created_at", "id"),
        Index("ix_requests_asking", "requestor_id", "expires_at"),
        Index("ix_requests_targeting", "target_account_id", "expires_at"),
        _partial("ix_requests_due", "expires_at", "state <> 'EXPIRED'"),
        _partial("ix_requests_expired", "expires_at", "state = 'EXPIRED'"),
    )
    id: str = _key()
    requestor_id: str
    requestor_name: str
    requestor_domain: str
    workflow_id: str
    target_account_id: str | None
    description: str = _long()
    request_message: str | None = _long(nullable=True)
    template_arn: str
    parameters: list[object] = _json()
    permission_policy: str = _long()
    boundaries: list[object] = _json()
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
    notes: str | None = _long(nullable=True)
    rejection_reason: str | None = _long(nullable=True)
    moved_by: str | None
    entered_state_at: datetime
    expires_at: datetime
    updated_at: datetime
    notified: int


class GrantRow(SQLModel, table=True):
    """One lent authority; at most one per request, so nothing can be released twice."""

    __tablename__: ClassVar[str] = "grants"
    __table_args__ = (
        _one_of("state", grant.GrantState),
        _one_of("kind", grant.GrantKind),
        CheckConstraint("exchanges <= exchange_cap", name="exchanges"),
        Index("ix_grants_newest", "created_at", "id"),
        Index("ix_grants_owned", "account_id", "created_at", "id"),
        Index("ix_grants_lent", "partner_id", "created_at", "id"),
        Index("ix_grants_standing", "account_id", "state", "created_at", "id"),
        Index("ix_grants_between", "account_id", "partner_id", "state", "created_at", "id"),
        _partial("ix_grants_due", "deadline", "state IN ('PLANNED', 'LIVE', 'REVOKING', 'STUCK')"),
    )
    id: str = _key()
    kind: str
    request_id: str = Field(unique=True)
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
    stuck_because: str | None = _long(nullable=True)
    revision: int
    created_at: datetime


class SessionRow(SQLModel, table=True):
    """One set of temporary credentials; its number is unique under its grant, so the cap cannot be overrun."""

    __tablename__: ClassVar[str] = "sessions"
    __table_args__ = (UniqueConstraint("grant_id", "number"),)
    access_key_id: str = _key()
    grant_id: str
    number: int
    master_key: str
    minted_by: str
    issued_at: datetime


class ErrandRow(SQLModel, table=True):
    """One notification that still has to arrive."""

    __tablename__: ClassVar[str] = "errands"
    __table_args__ = (
        _one_of("kind", errand.ErrandKind),
        _one_of("state", errand.ErrandState),
        UniqueConstraint("request_id", "sequence"),
        _partial("ix_errands_due", "due_at", "state = 'WAITING' AND kind = 'webhook'"),
        Index("ix_errands_mailbox", "partner_id", "kind", "state", "created_at", "request_id", "sequence"),
        _partial("ix_errands_expiring", "expires_at", "expires_at IS NOT NULL"),
    )
    id: str = _key()
    kind: str
    partner_id: str
    channel_arn: str
    request_id: str
    sequence: int
    message_type: str
    sealed_body: bytes = _blob()
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
        Index("ix_audit_entries_request", "request_id", "chain", "number"),
        Index("ix_audit_entries_partner", "chain", "partner_id", "number"),
        Index("ix_audit_entries_when", "chain", "at", "number"),
    )
    chain: str = _key()
    number: int = _key()
    at: datetime
    request_id: str | None
    partner_id: str | None
    body: str = _long()
    mac: str


class AuditHeadRow(SQLModel, table=True):
    """The end of an account's chain."""

    __tablename__: ClassVar[str] = "audit_heads"
    chain: str = _key()
    number: int
    entry_mac: str
    mac: str


class ReplayRow(SQLModel, table=True):
    """An accepted signature, remembered for as long as it would be accepted again."""

    __tablename__: ClassVar[str] = "replays"
    signature: str = _key()
    outcome: str = _long()
    expires_at: datetime = Field(index=True)


class DeploymentRow(SQLModel, table=True):
    """The deployment itself: one row."""

    __tablename__: ClassVar[str] = "deployment"
    id: str = _key()
    key_check: str
    authority: int
    high_water: datetime
    created_at: datetime
    epoch: int
    quarantined_at: datetime | None


class ReplicaRow(SQLModel, table=True):
    """One process that serves."""

    __tablename__: ClassVar[str] = "replicas"
    id: str = _key()
    host: str
    version: str
    started_at: datetime
    seen_at: datetime


class InvitationRow(SQLModel, table=True):
    """A one-time link for a first sign-in."""

    __tablename__: ClassVar[str] = "invitations"
    hash: str = _key()
    principal_id: str = Field(index=True)
    created_at: datetime
    expires_at: datetime = Field(index=True)
    used_at: datetime | None


class PasswordRow(SQLModel, table=True):
    """A principal's password."""

    __tablename__: ClassVar[str] = "passwords"
    principal_id: str = _key()
    hash: str
    failures: int
    changed_at: datetime


class PasskeyRow(SQLModel, table=True):
    """An enrolled authenticator."""

    __tablename__: ClassVar[str] = "passkeys"
    id: str = _key()
    principal_id: str = Field(index=True)
    name: str
    public_key: bytes = _blob()
    sign_count: int
    created_at: datetime
    last_used_at: datetime | None


class RecoveryCodeRow(SQLModel, table=True):
    """A single-use way in."""

    __tablename__: ClassVar[str] = "recovery_codes"
    hash: str = _key()
    principal_id: str = Field(index=True)
    created_at: datetime
    used_at: datetime | None


class WebSessionRow(SQLModel, table=True):
    """A browser that is signed in."""

    __tablename__: ClassVar[str] = "web_sessions"
    __table_args__ = (_one_of("stage", sign_in.Stage),)
    id: str = _key()
    hash: str = Field(unique=True)
    principal_id: str = Field(index=True)
    stage: str
    method: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime = Field(index=True)
    proved_at: datetime | None
    source_ip: str | None
    user_agent: str | None = _long(nullable=True)


class ChallengeRow(SQLModel, table=True):
    """What a passkey was asked to sign."""

    __tablename__: ClassVar[str] = "challenges"
    id: str = _key()
    session_id: str
    principal_id: str
    act: str
    request_id: str | None
    digest: str | None
    nonce: bytes = _blob()
    expires_at: datetime = Field(index=True)


class EvidenceRow(SQLModel, table=True):
    """A passkey's signature over one act."""

    __tablename__: ClassVar[str] = "evidence"
    id: str = _key()
    request_id: str = Field(index=True)
    act: str
    principal_id: str
    session_id: str
    digest: str
    nonce: bytes = _blob()
    passkey_id: str
    public_key: bytes = _blob()
    client_data: bytes = _blob()
    authenticator_data: bytes = _blob()
    signature: bytes = _blob()
    made_at: datetime


class AccountRulesRow(SQLModel, table=True):
    """What an account demands of those who decide in its name."""

    __tablename__: ClassVar[str] = "account_rules"
    account_id: str = _key()
    step_up: bool


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
    deployment.Replica: ReplicaRow,
    sign_in.Invitation: InvitationRow,
    sign_in.Password: PasswordRow,
    sign_in.Passkey: PasskeyRow,
    sign_in.RecoveryCode: RecoveryCodeRow,
    sign_in.WebSession: WebSessionRow,
    sign_in.Challenge: ChallengeRow,
    sign_in.Evidence: EvidenceRow,
    sign_in.AccountRules: AccountRulesRow,
}

METADATA: Final[MetaData] = SQLModel.metadata
