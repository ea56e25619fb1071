"""What is shown of partners and what they register."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from service.notify.webhook import secret_text
from workflows.credentialing import NewKey, NewToken
from workflows.partnering import NewChannel
from workflows.records.partner import Boundary, Channel, Partner, PolicyTemplate
from workflows.registration import Accepted


class ReportKeyView(msgspec.Struct):
    """The public key (base64url) of this deployment's reports."""

    public_key: str


class PartnerView(msgspec.Struct, omit_defaults=True):
    """A partner; fresh credentials are shown this once."""

    id: str
    name: str
    domain: str
    arn: str
    active: bool
    created_at: datetime
    access_key_id: str | None = None
    secret_access_key: str | None = None
    api_token: str | None = None


class AcceptedFindingView(msgspec.Struct):
    """One thing that the review found in a template or a boundary."""

    id: str
    severity: str
    statement: str
    message: str


def accepted_findings(told: Iterable[tuple[str, str, str, str]]) -> list[AcceptedFindingView]:
    """Show what a review found."""
    return [AcceptedFindingView(*one) for one in told]


class AcceptedView(msgspec.Struct):
    """What the review of a template or boundary found, and why an operator accepted it."""

    arn: str
    findings: list[AcceptedFindingView]
    because: str | None


def accepted_reviews(accepted: Iterable[Accepted]) -> list[AcceptedView]:
    """Show what was accepted about the template and the boundaries of a request."""
    return [AcceptedView(one.name, accepted_findings(one.findings), one.because) for one in accepted]


class TemplateView(msgspec.Struct):
    """A registered policy template, with what its review found and why that was accepted."""

    arn: str
    partner_id: str
    name: str
    parameters: tuple[str, ...]
    wildcard_safe: tuple[str, ...]
    document: Any
    created_at: datetime
    findings: list[AcceptedFindingView]
    accepted_because: str | None


class BoundaryView(msgspec.Struct):
    """A registered permissions boundary, with what its review found and why that was accepted."""

    arn: str
    partner_id: str
    name: str
    description: str
    document: Any
    created_at: datetime
    findings: list[AcceptedFindingView]
    accepted_because: str | None


class ChannelView(msgspec.Struct, omit_defaults=True):
    """A notification channel; a webhook's signing secret is shown this once."""

    arn: str
    partner_id: str
    name: str
    kind: str
    created_at: datetime
    url: str | None = None
    signing_secret: str | None = None


class RegisteredView(msgspec.Struct):
    """Everything a partner has registered."""

    templates: list[TemplateView]
    boundaries: list[BoundaryView]
    channels: list[ChannelView]


def partner(
    record: Partner,
    partition: str,
    *,
    fresh_key: NewKey | None = None,
    fresh_token: NewToken | None = None,
) -> PartnerView:
    """Show a partner, with fresh credentials if it was just given some."""
    return PartnerView(
        id=record.id,
        name=record.name,
        domain=record.domain,
        arn=f"arn:{partition}:iam::{record.id}:root",
        active=record.active,
        created_at=record.created_at,
        access_key_id=fresh_key.access_key_id if fresh_key else None,
        secret_access_key=fresh_key.secret_access_key if fresh_key else None,
        api_token=fresh_token.token if fresh_token else None,
    )


def template(record: PolicyTemplate, parameters: Sequence[str]) -> TemplateView:
    """Show a policy template with the parameters it declares by using them."""
    return TemplateView(
        arn=record.arn,
        partner_id=record.partner_id,
        name=record.name,
        parameters=tuple(parameters),
        wildcard_safe=record.wildcard_safe,
        document=json.loads(record.document),
        created_at=record.created_at,
        findings=accepted_findings(record.findings),
        accepted_because=record.accepted_because,
    )


def boundary(record: Boundary) -> BoundaryView:
    """Show a permissions boundary."""
    return BoundaryView(
        arn=record.arn,
        partner_id=record.partner_id,
        name=record.name,
        description=record.description,
        document=json.loads(record.document),
        created_at=record.created_at,
        findings=accepted_findings(record.findings),
        accepted_because=record.accepted_because,
    )


def channel(record: Channel) -> ChannelView:
    """Show a notification channel."""
    return ChannelView(
        arn=record.arn,
        partner_id=record.partner_id,
        name=record.name,
        kind=record.kind.value,
        created_at=record.created_at,
        url=record.url,
    )


def new_channel(fresh: NewChannel) -> ChannelView:
    """Show a fresh channel with its signing secret."""
    view = channel(fresh.channel)
    view.signing_secret = secret_text(fresh.signing_secret) if fresh.signing_secret else None
    return view
