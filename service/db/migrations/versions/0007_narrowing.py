"""narrowing, and on what actions were used."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final[str | None] = "0006"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Bring the schema one step forward; the release before knows no narrowed request and leaves the column empty."""
    op.create_table(
        "used_resources",
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "action", "resource", name=op.f("pk_used_resources")),
    )
    op.create_index(op.f("ix_used_resources_last_at"), "used_resources", ["last_at"], unique=False)
    op.add_column("requests", sa.Column("narrowed_from", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the step back; what was lent stays lent as it was narrowed."""
    with op.batch_alter_table("requests") as batch_op:
        batch_op.drop_column("narrowed_from")
    op.drop_table("used_resources")
