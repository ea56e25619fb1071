"""the first schema."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final[str | None] = None
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Bring the schema one step forward."""
    op.create_table(
        "access_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_keys")),
    )
    with op.batch_alter_table("access_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_keys_principal_id"), ["principal_id"], unique=False)

    op.create_table(
        "accounts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("alias", name=op.f("uq_accounts_alias")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_tokens_hash")),
    )
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_tokens_principal_id"), ["principal_id"], unique=False)

    op.create_table(
        "attachments",
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("policy_arn", sa.String(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.CheckConstraint("(policy_arn IS NULL) <> (document IS NULL)", name=op.f("ck_attachments_one_source")),
        sa.PrimaryKeyConstraint("principal_id", "name", name=op.f("pk_attachments")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("partner_id", sa.String(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entries_request", ["request_id", "chain", "number"], unique=False)

    op.create_table(
        "audit_heads",
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("entry_mac", sa.String(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "boundaries",
        sa.Column("arn", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_boundaries")),
    )
    with op.batch_alter_table("boundaries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_boundaries_partner_id"), ["partner_id"], unique=False)

    op.create_table(
        "channels",
        sa.Column("arn", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('webhook', 'poll')", name=op.f("ck_channels_kind")),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_channels")),
    )
    with op.batch_alter_table("channels", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_channels_partner_id"), ["partner_id"], unique=False)

    op.create_table(
        "deployment",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key_check", sa.String(), nullable=False),
        sa.Column("authority", sa.Integer(), nullable=False),
        sa.Column("high_water", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
    )
    op.create_table(
        "errands",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("channel_arn", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("message_type", sa.String(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_failure", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('webhook', 'poll')", name=op.f("ck_errands_kind")),
        sa.CheckConstraint("state IN ('WAITING', 'PARKED')", name=op.f("ck_errands_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errands")),
        sa.UniqueConstraint("request_id", "sequence", name=op.f("uq_errands_request_id_sequence")),
    )
    with op.batch_alter_table("errands", schema=None) as batch_op:
        batch_op.create_index(
            "ix_errands_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'WAITING' AND kind = 'webhook'"),
            postgresql_where=sa.text("state = 'WAITING' AND kind = 'webhook'"),
        )
        batch_op.create_index(
            "ix_errands_expiring",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("expires_at IS NOT NULL"),
            postgresql_where=sa.text("expires_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_errands_mailbox", ["partner_id", "kind", "state", "created_at", "request_id", "sequence"], unique=False
        )

    op.create_table(
        "grants",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("approver_arn", sa.String(), nullable=False),
        sa.Column("approver_principal_id", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("exchanges", sa.Integer(), nullable=False),
        sa.Column("exchange_cap", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stuck_because", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('session', 'role')", name=op.f("ck_grants_kind")),
        sa.CheckConstraint(
            "state IN ('PLANNED', 'LIVE', 'REVOKING', 'REVOKED', 'STUCK')", name=op.f("ck_grants_state")
        ),
        sa.CheckConstraint("exchanges <= exchange_cap", name=op.f("ck_grants_exchanges")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("request_id", name=op.f("uq_grants_request_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_grants_token_hash")),
    )
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.create_index(
            "ix_grants_due",
            ["deadline"],
            unique=False,
            sqlite_where=sa.text("state IN ('PLANNED', 'LIVE', 'REVOKING', 'STUCK')"),
            postgresql_where=sa.text("state IN ('PLANNED', 'LIVE', 'REVOKING', 'STUCK')"),
        )
        batch_op.create_index("ix_grants_lent", ["partner_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_grants_newest", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_grants_owned", ["account_id", "created_at", "id"], unique=False)

    op.create_table(
        "guardrails",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("pk_guardrails")),
    )
    op.create_table(
        "managed_policies",
        sa.Column("arn", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_managed_policies")),
    )
    with op.batch_alter_table("managed_policies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_managed_policies_account_id"), ["account_id"], unique=False)

    op.create_table(
        "partners",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partners")),
        sa.UniqueConstraint("name", name=op.f("uq_partners_name")),
    )
    op.create_table(
        "policy_templates",
        sa.Column("arn", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("wildcard_safe", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_policy_templates")),
    )
    with op.batch_alter_table("policy_templates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_policy_templates_partner_id"), ["partner_id"], unique=False)

    op.create_table(
        "principals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("arn", sa.String(), nullable=False),
        sa.Column("boundary", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('user', 'root', 'partner', 'resource-server', 'operator')",
            name=op.f("ck_principals_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_principals")),
        sa.UniqueConstraint("arn", name=op.f("uq_principals_arn")),
    )
    with op.batch_alter_table("principals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_principals_account_id"), ["account_id"], unique=False)

    op.create_table(
        "replays",
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("signature", name=op.f("pk_replays")),
    )
    with op.batch_alter_table("replays", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_replays_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("requestor_id", sa.String(), nullable=False),
        sa.Column("requestor_name", sa.String(), nullable=False),
        sa.Column("requestor_domain", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("target_account_id", sa.String(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("request_message", sa.Text(), nullable=True),
        sa.Column("template_arn", sa.String(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("permission_policy", sa.Text(), nullable=False),
        sa.Column("boundaries", sa.JSON(), nullable=False),
        sa.Column("session_duration", sa.Integer(), nullable=False),
        sa.Column("redirect_url", sa.String(), nullable=True),
        sa.Column("only_send_by_owner", sa.Boolean(), nullable=False),
        sa.Column("channel_arn", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("owner_account_id", sa.String(), nullable=True),
        sa.Column("owner_arn", sa.String(), nullable=True),
        sa.Column("owner_principal_id", sa.String(), nullable=True),
        sa.Column("approver_arn", sa.String(), nullable=True),
        sa.Column("approver_principal_id", sa.String(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("rejection_reason", sa.Text(), nullable=True),
        sa.Column("moved_by", sa.String(), nullable=True),
        sa.Column("entered_state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("notified", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('UNASSIGNED', 'ASSIGNED', 'PENDING_APPROVAL', 'ACCEPTED', 'FINALIZED', 'REJECTED', 'EXPIRED')",
            name=op.f("ck_requests_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("requestor_id", "workflow_id", name=op.f("uq_requests_requestor_id_workflow_id")),
    )
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.create_index("ix_requests_asked", ["requestor_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_requests_asking", ["requestor_id", "expires_at"], unique=False)
        batch_op.create_index(
            "ix_requests_due",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("state <> 'EXPIRED'"),
            postgresql_where=sa.text("state <> 'EXPIRED'"),
        )
        batch_op.create_index(
            "ix_requests_expired",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("state = 'EXPIRED'"),
            postgresql_where=sa.text("state = 'EXPIRED'"),
        )
        batch_op.create_index("ix_requests_newest", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_requests_owned", ["owner_account_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_requests_targeting", ["target_account_id", "expires_at"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("access_key_id", sa.String(), nullable=False),
        sa.Column("grant_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("master_key", sa.String(), nullable=False),
        sa.Column("minted_by", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("access_key_id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("grant_id", "number", name=op.f("uq_sessions_grant_id_number")),
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("sessions")
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.drop_index("ix_requests_targeting")
        batch_op.drop_index("ix_requests_owned")
        batch_op.drop_index("ix_requests_newest")
        batch_op.drop_index(
            "ix_requests_expired",
            sqlite_where=sa.text("state = 'EXPIRED'"),
            postgresql_where=sa.text("state = 'EXPIRED'"),
        )
        batch_op.drop_index(
            "ix_requests_due",
            sqlite_where=sa.text("state <> 'EXPIRED'"),
            postgresql_where=sa.text("state <> 'EXPIRED'"),
        )
        batch_op.drop_index("ix_requests_asking")
        batch_op.drop_index("ix_requests_asked")

    op.drop_table("requests")
    with op.batch_alter_table("replays", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_replays_expires_at"))

    op.drop_table("replays")
    with op.batch_alter_table("principals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_principals_account_id"))

    op.drop_table("principals")
    with op.batch_alter_table("policy_templates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_policy_templates_partner_id"))

    op.drop_table("policy_templates")
    op.drop_table("partners")
    with op.batch_alter_table("managed_policies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_managed_policies_account_id"))

    op.drop_table("managed_policies")
    op.drop_table("guardrails")
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.drop_index("ix_grants_owned")
        batch_op.drop_index("ix_grants_newest")
        batch_op.drop_index("ix_grants_lent")
        batch_op.drop_index(
            "ix_grants_due",
            sqlite_where=sa.text("state IN ('PLANNED', 'LIVE', 'REVOKING', 'STUCK')"),
            postgresql_where=sa.text("state IN ('PLANNED', 'LIVE', 'REVOKING', 'STUCK')"),
        )

    op.drop_table("grants")
    with op.batch_alter_table("errands", schema=None) as batch_op:
        batch_op.drop_index("ix_errands_mailbox")
        batch_op.drop_index(
            "ix_errands_expiring",
            sqlite_where=sa.text("expires_at IS NOT NULL"),
            postgresql_where=sa.text("expires_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_errands_due",
            sqlite_where=sa.text("state = 'WAITING' AND kind = 'webhook'"),
            postgresql_where=sa.text("state = 'WAITING' AND kind = 'webhook'"),
        )

    op.drop_table("errands")
    op.drop_table("deployment")
    with op.batch_alter_table("channels", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_channels_partner_id"))

    op.drop_table("channels")
    with op.batch_alter_table("boundaries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_boundaries_partner_id"))

    op.drop_table("boundaries")
    op.drop_table("audit_heads")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entries_request")

    op.drop_table("audit_entries")
    op.drop_table("attachments")
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_tokens_principal_id"))

    op.drop_table("api_tokens")
    op.drop_table("accounts")
    with op.batch_alter_table("access_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_access_keys_principal_id"))

    op.drop_table("access_keys")
