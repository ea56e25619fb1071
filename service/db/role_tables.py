"""The tables of roles and of what is known about them, one per record, field for field."""

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.db import columns
from workflows.records import account, role


class RoleRow(SQLModel, table=True):
    """A role; its name is unique in its account in any letter case."""

    __tablename__: ClassVar[str] = "roles"
    __table_args__ = (
        UniqueConstraint("account_id", "name_key"),
        Index("ix_roles_lent", "partner_id", "account_id"),
    )
    id: str = columns.key()
    account_id: str
    path: str
    name: str
    name_key: str
    arn: str = Field(unique=True)
    trust: str = columns.long()
    trusted: list[object] = columns.json()
    description: str | None = columns.long(nullable=True)
    max_session_duration: int
    boundary_arn: str | None = Field(index=True)
    tags: list[object] = columns.json()
    made_by: str
    grant_id: str | None = Field(index=True)
    request_id: str | None
    partner_id: str | None
    revision: int
    created_at: datetime


class RoleSessionRow(SQLModel, table=True):
    """One set of credentials of a role."""

    __tablename__: ClassVar[str] = "role_sessions"
    access_key_id: str = columns.key()
    role_id: str = Field(index=True)
    name: str
    minted_by: str
    master_key: str
    lineage: list[str] = columns.json()
    policies: list[object] = columns.json()
    tags: list[object] = columns.json()
    transitive: list[str] = columns.json()
    source_identity: str | None
    issued_at: datetime
    expires_at: datetime = Field(index=True)


class RoleErrandRow(SQLModel, table=True):
    """What a role grant still needs done."""

    __tablename__: ClassVar[str] = "role_errands"
    __table_args__ = (columns.one_of("task", role.RoleTask),)
    grant_id: str = columns.key()
    task: str
    due_at: datetime = Field(index=True)
    attempts: int
    last_failure: str | None = columns.long(nullable=True)
    created_at: datetime


class PolicyVersionRow(SQLModel, table=True):
    """One version of a managed policy of an account."""

    __tablename__: ClassVar[str] = "policy_versions"
    policy_arn: str = columns.key()
    number: int = columns.key()
    document: str = columns.long()
    created_at: datetime


class UsageRow(SQLModel, table=True):
    """How often a principal used an action on one day."""

    __tablename__: ClassVar[str] = "usage"
    principal_id: str = columns.key()
    day: str = Field(primary_key=True, index=True)
    action: str = columns.key()
    count: int
    last_at: datetime


class UsedResourceRow(SQLModel, table=True):
    """How often an action was used on one resource with what was lent."""

    __tablename__: ClassVar[str] = "used_resources"
    principal_id: str = columns.key()
    action: str = columns.key()
    resource: str = columns.key()
    count: int
    last_at: datetime = Field(index=True)


class AccessReportRow(SQLModel, table=True):
    """A report on what an entity last accessed."""

    __tablename__: ClassVar[str] = "access_reports"
    id: str = columns.key()
    account_id: str
    arn: str
    granularity: str
    created_at: datetime = Field(index=True)


class DriftRow(SQLModel, table=True):
    """One thing that the scan found to be other than the grants say."""

    __tablename__: ClassVar[str] = "drift"
    __table_args__ = (columns.one_of("kind", role.DriftKind),)
    account_id: str = columns.key()
    subject: str = columns.key()
    kind: str = columns.key()
    detail: str = columns.long()
    found_at: datetime


ROLE_TABLES: Final[dict[type[Any], type[SQLModel]]] = {
    role.Role: RoleRow,
    role.RoleSession: RoleSessionRow,
    role.RoleErrand: RoleErrandRow,
    role.Usage: UsageRow,
    role.UsedResource: UsedResourceRow,
    role.AccessReport: AccessReportRow,
    role.Drift: DriftRow,
    account.PolicyVersion: PolicyVersionRow,
}
