"""Partners and what they register: templates, boundaries and notification channels, all immutable."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workflows.ids import AccountId


@dataclass(frozen=True, slots=True)
class Partner:
    """A registered product provider. The display name and the domain were reviewed by the operator."""

    id: AccountId
    name: str
    domain: str
    active: bool
    revision: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyTemplate:
    """A parameterised policy; a new version is a new ARN.

    `findings` are what its review found (rule, severity, statement, message), which an operator accepted for a reason.
    """

    arn: str
    partner_id: AccountId
    name: str
    document: str
    wildcard_safe: tuple[str, ...]
    created_at: datetime
    findings: tuple[tuple[str, str, str, str], ...] = ()
    accepted_because: str | None = None


@dataclass(frozen=True, slots=True)
class Boundary:
    """A permissions boundary for the roles a partner creates; never templated, never changed.

    `findings` are as those of a template.
    """

    arn: str
    partner_id: AccountId
    name: str
    description: str
    document: str
    created_at: datetime
    findings: tuple[tuple[str, str, str, str], ...] = ()
    accepted_because: str | None = None


class ChannelKind(StrEnum):
    """How a notification reaches the partner."""

    WEBHOOK = "webhook"
    POLL = "poll"


@dataclass(frozen=True, slots=True)
class Channel:
    """A registered receiver: an https URL with its signing secret, or a mailbox that the partner polls."""

    arn: str
    partner_id: AccountId
    name: str
    kind: ChannelKind
    url: str | None
    sealed_secret: bytes | None
    active: bool
    created_at: datetime
