"""Accounts, the principals that act in them, what those principals may do, and the credentials they hold."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workflows.ids import AccessKeyId, AccountId, PrincipalId


@dataclass(frozen=True, slots=True)
class Account:
    """An owner's account: the place in which a partner wants access."""

    id: AccountId
    alias: str
    created_at: datetime


class PrincipalKind(StrEnum):
    """What a principal is; operators and resource servers belong to the deployment, not to an account.

    A role is stored as a `Role` and is a principal only while something is decided about it.
    """

    USER = "user"
    ROOT = "root"
    PARTNER = "partner"
    ROLE = "role"
    RESOURCE_SERVER = "resource-server"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody or something that signs its calls. Its id is never reused, its name may be."""

    id: PrincipalId
    account_id: AccountId
    kind: PrincipalKind
    name: str
    arn: str
    boundary: str | None
    active: bool
    revision: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A long-lived signing key; the secret is sealed, its plain text was shown once."""

    id: AccessKeyId
    principal_id: PrincipalId
    sealed_secret: bytes
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A bearer token of the JSON API; only its hash is kept, its plain text was shown once."""

    id: str
    principal_id: PrincipalId
    hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """An account's own managed policy, attachable to many principals; `document` is that of its default version.

    `next_version` is the number that its next version gets: no number is used twice. `partner_id` is set when a
    partner's delegation made it.
    """

    arn: str
    account_id: AccountId
    name: str
    document: str
    created_at: datetime
    id: str
    path: str
    description: str | None
    default_version: int
    next_version: int
    tags: tuple[tuple[str, str], ...]
    partner_id: AccountId | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a managed policy; it never changes."""

    policy_arn: str
    number: int
    document: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    """One identity policy of one principal: managed when `policy_arn` is set, inline when `document` is."""

    principal_id: PrincipalId
    name: str
    policy_arn: str | None
    document: str | None


@dataclass(frozen=True, slots=True)
class Guardrail:
    """An account-wide policy that only limits (the wire's word is service control policy)."""

    account_id: AccountId
    name: str
    document: str
    created_at: datetime
