"""Errands: outside effects that are still to be done, written in the transaction that made them necessary."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workflows.ids import AccountId, RequestId


class ErrandKind(StrEnum):
    """What has to be done: post to the partner's receiver, or wait in its mailbox until it is fetched."""

    WEBHOOK = "webhook"
    POLL = "poll"


class ErrandState(StrEnum):
    """`WAITING` for its due time (or for the poller), or `PARKED` after the last try: a dead letter."""

    WAITING = "WAITING"
    PARKED = "PARKED"


@dataclass(frozen=True, slots=True)
class Errand:
    """One notification to one channel. Its id is the message id on every try.

    `sealed_body` may hold an exchange token, so it is always sealed; `expires_at` is set for such a message, which
    is worthless and deleted from then on. `sequence` counts the messages of one request.
    """

    id: str
    kind: ErrandKind
    partner_id: AccountId
    channel_arn: str
    request_id: RequestId
    sequence: int
    message_type: str
    sealed_body: bytes
    state: ErrandState
    attempts: int
    last_failure: str | None
    created_at: datetime
    due_at: datetime
    expires_at: datetime | None
    lease: int
