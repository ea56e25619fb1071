"""ends to announce."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final[str | None] = "0008"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None

_UNANNOUNCED: Final = sa.text("unannounced_since IS NOT NULL")


def upgrade() -> None:
    """Bring the schema one step forward; the release before announces an end at once and leaves the column empty."""
    op.add_column("grants", sa.Column("unannounced_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_grants_unannounced",
        "grants",
        ["unannounced_since"],
        unique=False,
        sqlite_where=_UNANNOUNCED,
        postgresql_where=_UNANNOUNCED,
    )


def downgrade() -> None:
    """Take the step back; what ended a moment ago and was not announced yet never is."""
    op.drop_index("ix_grants_unannounced", table_name="grants")
    op.drop_column("grants", "unannounced_since")
