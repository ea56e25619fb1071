"""Roles: who may step into them, what caps them, where they came from, and what is still to be done about them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workflows.ids import AccessKeyId, AccountId, GrantId, PrincipalId, RequestId


@dataclass(frozen=True, slots=True)
class Role:
    """A role of an account. Its name is unique in any letter case (`name_key`), its id is never used again.

    `trusted` holds `[ARN, unique id]` of the users and roles that the trust document names, as they were when it was
    written: a namesake made later is a stranger. `grant_id`, `request_id` and `partner_id` say which delegation it was
    born of; a role that the account made itself has none. `max_session_duration` is in seconds.
    """

    id: PrincipalId
    account_id: AccountId
    path: str
    name: str
    name_key: str
    arn: str
    trust: str
    trusted: tuple[tuple[str, str], ...]
    description: str | None
    max_session_duration: int
    boundary_arn: str | None
    tags: tuple[tuple[str, str], ...]
    made_by: str
    grant_id: GrantId | None
    request_id: RequestId | None
    partner_id: AccountId | None
    revision: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RoleSession:
    """One set of credentials of a role. Secret and token are derived from the key id under `master_key`.

    `lineage` names the delegations it descends from, the oldest first: a grant's id stands for the policy that the
    grant lends, a role's id for that role's boundary. Each of them caps the session and ends it.
    """

    access_key_id: AccessKeyId
    role_id: PrincipalId
    name: str
    minted_by: str
    master_key: str
    lineage: tuple[str, ...]
    policies: tuple[tuple[str, str], ...]
    tags: tuple[tuple[str, str], ...]
    transitive: tuple[str, ...]
    source_identity: str | None
    issued_at: datetime
    expires_at: datetime


class RoleTask(StrEnum):
    """What is to be done about the role of a grant."""

    CREATE = "create"
    DISMANTLE = "dismantle"


@dataclass(frozen=True, slots=True)
class RoleErrand:
    """What a role grant still needs done, written in the transaction that made it necessary; at most one per grant."""

    grant_id: GrantId
    task: RoleTask
    due_at: datetime
    attempts: int
    last_failure: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """How often a principal was allowed an action on one day (`YYYY-MM-DD`, UTC), and when last."""

    principal_id: PrincipalId
    day: str
    action: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class UsedResource:
    """How often what was lent was allowed an action on one resource, by the id of its grant or role, and when last."""

    principal_id: PrincipalId
    action: str
    resource: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class AccessReport:
    """A report on what an entity last accessed; what it says is worked out when it is fetched."""

    id: str
    account_id: AccountId
    arn: str
    granularity: str
    created_at: datetime


class DriftKind(StrEnum):
    """What the hourly scan found to be other than the grants say."""

    ROLE_WITHOUT_GRANT = "role-without-grant"
    GRANT_WITHOUT_ROLE = "grant-without-role"
    BOUNDARY_CHANGED = "boundary-changed"
    CHANGED_OUTSIDE = "changed-outside"


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that changed or appeared outside a grant, until a scan no longer finds it."""

    account_id: AccountId
    subject: str
    kind: DriftKind
    detail: str
    found_at: datetime
