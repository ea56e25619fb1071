"""fewer indexes of grants."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0010"
down_revision: Final[str | None] = "0009"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None

_CHILD: Final = sa.text("parent_id IS NOT NULL")


def upgrade() -> None:
    """Bring the schema one step forward: an end writes into every index of its grant, and two of them were for little.

    Hardly any grant has a parent; the one of a request that has none is found by `ix_grants_released`.
    """
    op.drop_index("ix_grants_of_request", table_name="grants")
    op.drop_index("ix_grants_parent_id", table_name="grants")
    op.create_index(
        "ix_grants_parent_id", "grants", ["parent_id"], unique=False, sqlite_where=_CHILD, postgresql_where=_CHILD
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_index("ix_grants_parent_id", table_name="grants")
    op.create_index("ix_grants_parent_id", "grants", ["parent_id"], unique=False)
    op.create_index("ix_grants_of_request", "grants", ["request_id", "id"], unique=False)
