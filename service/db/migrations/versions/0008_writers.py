"""writers."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final[str | None] = "0007"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Bring the schema one step forward; the release before knows nothing of this table."""
    op.create_table(
        "writers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_writers")),
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("writers")
