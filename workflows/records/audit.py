"""Audit entries: one hash chain per account, each entry sealed to the one before it."""

from dataclasses import dataclass
from datetime import datetime

from workflows.ids import AccountId


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act. `body` is canonical JSON text; `mac` covers every other field and the previous entry's `mac`.

    `request_id` and `partner_id` are what the entry is about, so that a request's history can be found.
    """

    chain: AccountId
    number: int
    at: datetime
    request_id: str | None
    partner_id: AccountId | None
    body: str
    mac: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The last entry of a chain; its own `mac` makes a shortened chain show."""

    chain: AccountId
    number: int
    entry_mac: str
    mac: str


@dataclass(frozen=True, slots=True)
class Replay:
    """An accepted signature, remembered until it would be refused as too old; `outcome` is JSON without secrets."""

    signature: str
    outcome: str
    expires_at: datetime
