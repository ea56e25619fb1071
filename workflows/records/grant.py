"""Grants: what an approval put into the world, and the sessions minted under them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from workflows.ids import AccessKeyId, AccountId, GrantId, PrincipalId, RequestId


class GrantKind(StrEnum):
    """What the grant lends: temporary credentials, or a boundary-limited role."""

    SESSION = "session"
    ROLE = "role"


class GrantState(StrEnum):
    """Where a grant stands; `STUCK` cannot be revoked for now and is retried for ever."""

    PLANNED = "PLANNED"
    LIVE = "LIVE"
    REVOKING = "REVOKING"
    REVOKED = "REVOKED"
    STUCK = "STUCK"


UNENDED: Final = (GrantState.PLANNED, GrantState.LIVE, GrantState.REVOKING, GrantState.STUCK)
"""The states of a grant that something is still to be done about."""


class EndReason(StrEnum):
    """Why a grant ended."""

    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Grant:
    """One lent authority with one absolute deadline, which everything derived from it inherits.

    `parent_id` is set for the grant of a role that a delegated session made: the grant of that session.
    `unannounced_since` is the instant at which it ended, until the partner's message of that is written.
    """

    id: GrantId
    kind: GrantKind
    request_id: RequestId
    account_id: AccountId
    partner_id: AccountId
    approver_arn: str
    approver_principal_id: PrincipalId
    token_hash: str
    deadline: datetime
    exchanges: int
    exchange_cap: int
    state: GrantState
    end_reason: EndReason | None
    ended_by: str | None
    ended_at: datetime | None
    stuck_because: str | None
    revision: int
    created_at: datetime
    parent_id: GrantId | None = None
    unannounced_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expired:
    """What is written down of a session's grant that time has ended."""

    id: GrantId
    request_id: RequestId
    account_id: AccountId
    partner_id: AccountId
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One set of temporary credentials; secret and token are derived from the key id, never stored.

    `master_key` is the id of the master key they are derived from; the deadline is the grant's.
    """

    access_key_id: AccessKeyId
    grant_id: GrantId
    number: int
    master_key: str
    minted_by: PrincipalId
    issued_at: datetime
