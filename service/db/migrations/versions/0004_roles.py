"""Roles, versions of policies, and what is known about their use."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final[str | None] = "0003"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Bring the schema one step forward."""
    op.create_table(
        "access_reports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("arn", sa.String(), nullable=False),
        sa.Column("granularity", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_reports")),
    )
    with op.batch_alter_table("access_reports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_reports_created_at"), ["created_at"], unique=False)

    op.create_table(
        "drift",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('role-without-grant', 'grant-without-role', 'boundary-changed', 'changed-outside')",
            name=op.f("ck_drift_kind"),
        ),
        sa.PrimaryKeyConstraint("account_id", "subject", "kind", name=op.f("pk_drift")),
    )
    op.create_table(
        "policy_versions",
        sa.Column("policy_arn", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("policy_arn", "number", name=op.f("pk_policy_versions")),
    )
    op.create_table(
        "role_errands",
        sa.Column("grant_id", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("task IN ('create', 'dismantle')", name=op.f("ck_role_errands_task")),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_role_errands")),
    )
    with op.batch_alter_table("role_errands", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_role_errands_due_at"), ["due_at"], unique=False)

    op.create_table(
        "role_sessions",
        sa.Column("access_key_id", sa.String(), nullable=False),
        sa.Column("role_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("minted_by", sa.String(), nullable=False),
        sa.Column("master_key", sa.String(), nullable=False),
        sa.Column("lineage", sa.JSON(), nullable=False),
        sa.Column("policies", sa.JSON(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("transitive", sa.JSON(), nullable=False),
        sa.Column("source_identity", sa.String(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("access_key_id", name=op.f("pk_role_sessions")),
    )
    with op.batch_alter_table("role_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_role_sessions_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_role_sessions_role_id"), ["role_id"], unique=False)

    op.create_table(
        "roles",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("arn", sa.String(), nullable=False),
        sa.Column("trust", sa.Text(), nullable=False),
        sa.Column("trusted", sa.JSON(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("max_session_duration", sa.Integer(), nullable=False),
        sa.Column("boundary_arn", sa.String(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("grant_id", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("partner_id", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("account_id", "name_key", name=op.f("uq_roles_account_id_name_key")),
        sa.UniqueConstraint("arn", name=op.f("uq_roles_arn")),
    )
    with op.batch_alter_table("roles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_roles_boundary_arn"), ["boundary_arn"], unique=False)
        batch_op.create_index(batch_op.f("ix_roles_grant_id"), ["grant_id"], unique=False)
        batch_op.create_index("ix_roles_lent", ["partner_id", "account_id"], unique=False)

    op.create_table(
        "usage",
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "day", "action", name=op.f("pk_usage")),
    )
    with op.batch_alter_table("usage", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_usage_day"), ["day"], unique=False)

    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachments_policy_arn"), ["policy_arn"], unique=False)

    _grants()
    _managed_policies()
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.add_column(sa.Column("role_plan", sa.Text(), nullable=True))


def _grants() -> None:
    """Let a request have several grants, of which one has no parent."""
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.add_column(sa.Column("parent_id", sa.String(), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_grants_request_id"), type_="unique")
        batch_op.create_index(batch_op.f("ix_grants_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index("ix_grants_of_request", ["request_id", "id"], unique=False)
        batch_op.create_index(
            "ix_grants_released",
            ["request_id"],
            unique=True,
            sqlite_where=sa.text("parent_id IS NULL"),
            postgresql_where=sa.text("parent_id IS NULL"),
        )


def _managed_policies() -> None:
    """Give every policy an id, a path and its first version."""
    added = (
        sa.Column("id", sa.String(), nullable=True),
        sa.Column("path", sa.String(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("default_version", sa.Integer(), nullable=True),
        sa.Column("next_version", sa.Integer(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=True),
        sa.Column("partner_id", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
    )
    with op.batch_alter_table("managed_policies", schema=None) as batch_op:
        for column in added:
            batch_op.add_column(column)
    moment = sa.DateTime(timezone=True)
    policies = sa.table(
        "managed_policies",
        sa.column("arn"),
        sa.column("document"),
        sa.column("created_at", moment),
        sa.column("id"),
        sa.column("path"),
        sa.column("default_version"),
        sa.column("next_version"),
        sa.column("tags", sa.JSON()),
        sa.column("updated_at", moment),
    )
    names = ("policy_arn", "number", "document")
    versions = sa.table("policy_versions", *map(sa.column, names), sa.column("created_at", moment))
    connection = op.get_bind()
    for arn, document, created_at in connection.execute(
        sa.select(policies.c.arn, policies.c.document, policies.c.created_at)
    ).all():
        unique_id = "ANPA" + base64.b32encode(hashlib.sha256(arn.encode()).digest()[:10]).decode("ascii")
        filled = {"id": unique_id, "path": "/", "default_version": 1, "next_version": 2, "tags": []}
        connection.execute(policies.update().where(policies.c.arn == arn).values(**filled, updated_at=created_at))
        first = {"policy_arn": arn, "number": 1, "document": document, "created_at": created_at}
        connection.execute(versions.insert().values(**first))
    with op.batch_alter_table("managed_policies", schema=None) as batch_op:
        for column in added:
            if column.name not in ("description", "partner_id"):
                batch_op.alter_column(column.name, existing_type=column.type, nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_managed_policies_id"), ["id"])


def downgrade() -> None:
    """Take the tables and columns away again; policies keep the text of their default version."""
    for table in ("access_reports", "drift", "policy_versions", "role_errands", "role_sessions", "roles", "usage"):
        op.drop_table(table)
    op.drop_index(op.f("ix_attachments_policy_arn"), table_name="attachments")
    op.drop_index("ix_grants_released", table_name="grants")
    op.drop_index("ix_grants_of_request", table_name="grants")
    op.drop_index(op.f("ix_grants_parent_id"), table_name="grants")
    # Grants of roles that sessions made have no place in the older schema.
    op.execute("DELETE FROM grants WHERE parent_id IS NOT NULL")
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.drop_column("parent_id")
        batch_op.create_unique_constraint(batch_op.f("uq_grants_request_id"), ["request_id"])
    op.drop_column("requests", "role_plan")
    with op.batch_alter_table("managed_policies", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_managed_policies_id"), type_="unique")
        for name in ("id", "path", "description", "default_version", "next_version", "tags", "partner_id"):
            batch_op.drop_column(name)
        batch_op.drop_column("updated_at")
