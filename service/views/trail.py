"""What is shown of messages, the audit trail and the caller itself."""

import json
from datetime import datetime
from typing import Any

import msgspec

from workflows import notifications
from workflows.callers import Caller
from workflows.ports import Ports
from workflows.records.audit import AuditEntry
from workflows.records.errand import Errand


class NotificationView(msgspec.Struct):
    """A message in a mailbox, in the shape in which a webhook would carry it."""

    id: str
    topic_arn: str
    message: dict[str, Any]
    created_at: datetime


class DeadLetterView(msgspec.Struct):
    """A message that could not be delivered."""

    id: str
    topic_arn: str
    request_id: str
    message_type: str
    attempts: int
    last_failure: str | None
    created_at: datetime


class AuditView(msgspec.Struct):
    """One entry of an account's audit trail."""

    account_id: str
    number: int
    at: datetime
    request_id: str | None
    entry: Any
    mac: str


class CallerView(msgspec.Struct):
    """Who the caller is."""

    kind: str
    account_id: str
    principal_id: str
    arn: str


class RemovedView(msgspec.Struct):
    """Something that is no more."""

    removed: str


def notification(record: Errand, ports: Ports) -> NotificationView:
    """Show a message of the partner's own mailbox, opened."""
    return NotificationView(
        record.id,
        record.channel_arn,
        notifications.body_of(ports, record),
        record.created_at,
    )


def dead_letter(record: Errand) -> DeadLetterView:
    """Show a dead letter, unopened."""
    return DeadLetterView(
        id=record.id,
        topic_arn=record.channel_arn,
        request_id=record.request_id,
        message_type=record.message_type,
        attempts=record.attempts,
        last_failure=record.last_failure,
        created_at=record.created_at,
    )


def audit_entry(record: AuditEntry) -> AuditView:
    """Show an audit entry."""
    return AuditView(
        account_id=record.chain,
        number=record.number,
        at=record.at,
        request_id=record.request_id,
        entry=json.loads(record.body),
        mac=record.mac,
    )


def caller(record: Caller) -> CallerView:
    """Show a caller to itself."""
    return CallerView(record.kind.value, record.account_id, record.principal_id, record.arn)
