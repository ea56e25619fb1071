"""narrowing."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final[str | None] = "0005"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Bring the schema one step forward; the release before knows no narrowed request and leaves the column empty."""
    op.add_column("requests", sa.Column("narrowed_from", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the step back; what was lent stays lent as it was narrowed."""
    with op.batch_alter_table("requests") as batch_op:
        batch_op.drop_column("narrowed_from")
