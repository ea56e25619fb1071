"""What is shown of the roles that delegations left, of drift, and of what could be less."""

from datetime import datetime

import msgspec

from workflows.inventory import Line, Proposal
from workflows.records.role import Drift


class UseView(msgspec.Struct):
    """An action that was used: how often since, and when last."""

    action: str
    count: int
    last_at: datetime


class InventoryView(msgspec.Struct):
    """A role of a delegation: whence, how far, until when, and used for what."""

    arn: str
    id: str
    account_id: str
    partner_id: str | None
    request_id: str | None
    grant_id: str | None
    grant_state: str | None
    deadline: datetime | None
    made_by: str
    boundary_arn: str | None
    created_at: datetime
    last_used: datetime | None
    used: list[UseView]
    unused: list[str]


class DriftView(msgspec.Struct):
    """Something that is other than the grants say."""

    account_id: str
    subject: str
    kind: str
    detail: str
    found_at: datetime


class ProposalView(msgspec.Struct):
    """A smaller template, and the difference to the present one."""

    policy_template_arn: str
    proposed: str
    diff: str


def inventory_line(line: Line) -> InventoryView:
    """Show a role of a delegation."""
    role, grant = line.role, line.grant
    return InventoryView(
        arn=role.arn,
        id=role.id,
        account_id=role.account_id,
        partner_id=role.partner_id,
        request_id=role.request_id,
        grant_id=role.grant_id,
        grant_state=grant.state.value if grant else None,
        deadline=grant.deadline if grant else None,
        made_by=role.made_by,
        boundary_arn=role.boundary_arn,
        created_at=role.created_at,
        last_used=line.last_used,
        used=[UseView(use.action, use.count, use.last_at) for use in line.used],
        unused=list(line.unused),
    )


def drift(record: Drift) -> DriftView:
    """Show a difference."""
    return DriftView(record.account_id, record.subject, record.kind.value, record.detail, record.found_at)


def proposal(made: Proposal) -> ProposalView:
    """Show a smaller template."""
    return ProposalView(made.template_arn, made.after, made.diff)
