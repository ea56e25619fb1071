"""indexes that hold no two equal entries are not searched for them."""

from collections.abc import Sequence
from typing import Final

from alembic import op

revision: Final = "0011"
down_revision: Final[str | None] = "0010"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None

_DISTINCT: Final = (
    "ix_principals_people",
    "ix_requests_newest",
    "ix_requests_owned",
    "ix_requests_asked",
    "ix_requests_inbox",
    "ix_requests_mine",
    "ix_requests_between",
    "ix_grants_newest",
    "ix_grants_owned",
    "ix_grants_lent",
    "ix_grants_standing",
    "ix_grants_between",
    "ix_errands_mailbox",
    "ix_audit_entries_request",
    "ix_audit_entries_partner",
    "ix_audit_entries_when",
)


def _on_postgresql(change: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for index in _DISTINCT:
            op.execute(f"ALTER INDEX {index} {change}")


def upgrade() -> None:
    """Bring the schema one step forward: neither waits for writers nor keeps them waiting, and rewrites nothing."""
    _on_postgresql("SET (deduplicate_items = off)")


def downgrade() -> None:
    """Take the step back."""
    _on_postgresql("RESET (deduplicate_items)")
