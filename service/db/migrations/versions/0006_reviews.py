"""reviews of what partners register."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final[str | None] = "0005"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None

_TABLES: Final = ("policy_templates", "boundaries")


def upgrade() -> None:
    """Bring the schema one step forward; the release before does not write these columns, so they have defaults."""
    for table in _TABLES:
        op.add_column(table, sa.Column("findings", sa.JSON(), nullable=False, server_default="[]"))
        op.add_column(table, sa.Column("accepted_because", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the step back; what was accepted and why stays in the audit trail alone."""
    for table in _TABLES:
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("accepted_because")
            batch_op.drop_column("findings")
