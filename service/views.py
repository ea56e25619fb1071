"""What people and programs are shown of each record, by the JSON API and by the command line alike.

A view never holds a secret, but for the ones whose whole purpose is to show a fresh one once.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from service.notify.webhook import secret_text
from workflows import notifications
from workflows.arns import grant_arn
from workflows.callers import Caller
from workflows.credentialing import NewKey, NewToken
from workflows.grants import seen_at
from workflows.lifecycle import state_at
from workflows.managed_policies import READY_MADE
from workflows.partnering import NewChannel
from workflows.ports import Ports
from workflows.records.account import Account, Attachment, Guardrail, ManagedPolicy, Principal
from workflows.records.audit import AuditEntry
from workflows.records.errand import Errand
from workflows.records.grant import Grant
from workflows.records.partner import Boundary, Channel, Partner, PolicyTemplate
from workflows.records.request import DelegationRequest
from workflows.release import Minted
from workflows.standing import arn_of
from workflows.submission import deep_link


class AccountView(msgspec.Struct, omit_defaults=True):
    """An owner's account; fresh credentials of its root are shown this once."""

    id: str
    alias: str
    arn: str
    created_at: datetime
    access_key_id: str | None = None
    secret_access_key: str | None = None


class KeyView(msgspec.Struct):
    """A fresh access key; the secret is shown this once."""

    access_key_id: str
    secret_access_key: str


class TokenView(msgspec.Struct):
    """A fresh API token; the token is shown this once."""

    id: str
    api_token: str
    scopes: tuple[str, ...]
    expires_at: datetime


class UserView(msgspec.Struct, omit_defaults=True):
    """A user or the root of an account; fresh credentials are shown this once."""

    id: str
    account_id: str
    kind: str
    name: str
    arn: str
    active: bool
    created_at: datetime
    policies: tuple[str, ...] = ()
    access_key_id: str | None = None
    secret_access_key: str | None = None
    api_token: str | None = None


class PolicyView(msgspec.Struct):
    """A managed policy."""

    arn: str
    name: str
    account_id: str
    document: Any
    created_at: datetime | None


class GuardrailView(msgspec.Struct):
    """One of an account's guardrails."""

    account_id: str
    name: str
    document: Any
    created_at: datetime


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


class TemplateView(msgspec.Struct):
    """A registered policy template."""

    arn: str
    partner_id: str
    name: str
    parameters: tuple[str, ...]
    wildcard_safe: tuple[str, ...]
    document: Any
    created_at: datetime


class BoundaryView(msgspec.Struct):
    """A registered permissions boundary."""

    arn: str
    partner_id: str
    name: str
    description: str
    document: Any
    created_at: datetime


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


class ParameterView(msgspec.Struct):
    """One parameter of a request, as submitted."""

    name: str
    type: str
    values: tuple[str, ...]


class RequestView(msgspec.Struct):
    """A delegation request as its owner's account sees it."""

    id: str
    arn: str
    state: str
    digest: str
    requestor_id: str
    requestor_name: str
    requestor_domain: str
    workflow_id: str
    owner_account_id: str | None
    owner_id: str | None
    approver_id: str | None
    description: str
    request_message: str | None
    policy_template_arn: str
    parameters: list[ParameterView]
    permission_policy: Any
    role_permission_restriction_arns: list[str]
    boundaries: dict[str, Any]
    session_duration: int
    redirect_url: str | None
    only_send_by_owner: bool
    notes: str | None
    rejection_reason: str | None
    deep_link: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    permission_check: str | None = None


class PartnerRequestView(msgspec.Struct):
    """A delegation request as the partner that filed it sees it: its own fields and where it stands."""

    id: str
    state: str
    workflow_id: str
    owner_account_id: str | None
    policy_template_arn: str
    session_duration: int
    deep_link: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime


class SummaryView(msgspec.Struct):
    """A request in words."""

    locale: str
    state: str
    content: str


class GrantView(msgspec.Struct):
    """What an approval put into the world, and when and why it ends."""

    id: str
    arn: str
    kind: str
    state: str
    request_id: str
    account_id: str
    partner_id: str
    approver_id: str
    deadline: datetime
    exchanges: int
    exchange_cap: int
    end_reason: str | None
    ended_by: str | None
    ended_at: datetime | None
    stuck_because: str | None
    created_at: datetime


class CredentialsView(msgspec.Struct):
    """Temporary credentials; shown this once."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime
    assumed_principal: str


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


class RemovedView(msgspec.Struct):
    """Something that is no more."""

    removed: str


class CallerView(msgspec.Struct):
    """Who the caller is."""

    kind: str
    account_id: str
    principal_id: str
    arn: str


def account(record: Account, partition: str) -> AccountView:
    """Show an account."""
    return AccountView(record.id, record.alias, f"arn:{partition}:iam::{record.id}:root", record.created_at)


def key(fresh: NewKey) -> KeyView:
    """Show a fresh access key."""
    return KeyView(fresh.access_key_id, fresh.secret_access_key)


def token(fresh: NewToken) -> TokenView:
    """Show a fresh API token."""
    return TokenView(fresh.record.id, fresh.token, fresh.record.scopes, fresh.record.expires_at)


def user(
    record: Principal,
    policies: Sequence[str],
    *,
    fresh_key: NewKey | None = None,
    fresh_token: NewToken | None = None,
) -> UserView:
    """Show a principal of an account, with fresh credentials if it was just given some."""
    return UserView(
        id=record.id,
        account_id=record.account_id,
        kind=record.kind.value,
        name=record.name,
        arn=record.arn,
        active=record.active,
        created_at=record.created_at,
        policies=tuple(policies),
        access_key_id=fresh_key.access_key_id if fresh_key else None,
        secret_access_key=fresh_key.secret_access_key if fresh_key else None,
        api_token=fresh_token.token if fresh_token else None,
    )


def attachment_name(record: Attachment) -> str:
    """Show an attachment by the name it is detached by."""
    return record.name


def policy(record: ManagedPolicy) -> PolicyView:
    """Show an account's managed policy."""
    return PolicyView(record.arn, record.name, record.account_id, json.loads(record.document), record.created_at)


def ready_made_policies(partition: str) -> list[PolicyView]:
    """Show the managed policies that every account has."""
    return [
        PolicyView(f"arn:{partition}:iam::aws:policy/{name}", name, "aws", json.loads(document), None)
        for name, document in READY_MADE.items()
    ]


def guardrail(record: Guardrail) -> GuardrailView:
    """Show a guardrail."""
    return GuardrailView(record.account_id, record.name, json.loads(record.document), record.created_at)


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


def request(record: DelegationRequest, ports: Ports, *, check: str | None = None) -> RequestView:
    """Show a request to its owner's account."""
    return RequestView(
        id=record.id,
        arn=arn_of(ports, record),
        state=state_at(record, ports.clock.now()).value,
        digest=record.digest,
        requestor_id=record.requestor_id,
        requestor_name=record.requestor_name,
        requestor_domain=record.requestor_domain,
        workflow_id=record.workflow_id,
        owner_account_id=record.owner_account_id or record.target_account_id,
        owner_id=record.owner_arn,
        approver_id=record.approver_arn,
        description=record.description,
        request_message=record.request_message,
        policy_template_arn=record.template_arn,
        parameters=[ParameterView(name, kind, values) for name, kind, values in record.parameters],
        permission_policy=json.loads(record.permission_policy),
        role_permission_restriction_arns=[arn for arn, _ in record.boundaries],
        boundaries={arn: json.loads(document) for arn, document in record.boundaries},
        session_duration=record.session_duration,
        redirect_url=record.redirect_url,
        only_send_by_owner=record.only_send_by_owner,
        notes=record.notes,
        rejection_reason=record.rejection_reason,
        deep_link=deep_link(ports, record.id),
        created_at=record.created_at,
        updated_at=record.updated_at,
        expires_at=record.expires_at,
        permission_check=check,
    )


def partner_request(record: DelegationRequest, ports: Ports) -> PartnerRequestView:
    """Show a request to the partner that filed it."""
    return PartnerRequestView(
        id=record.id,
        state=state_at(record, ports.clock.now()).value,
        workflow_id=record.workflow_id,
        owner_account_id=record.owner_account_id or record.target_account_id,
        policy_template_arn=record.template_arn,
        session_duration=record.session_duration,
        deep_link=deep_link(ports, record.id),
        created_at=record.created_at,
        updated_at=record.updated_at,
        expires_at=record.expires_at,
    )


def grant(record: Grant, ports: Ports) -> GrantView:
    """Show a grant as it stands now: past its deadline it has ended, swept or not."""
    seen = seen_at(record, ports.clock.now())
    return GrantView(
        id=seen.id,
        arn=grant_arn(ports.terms.partition, seen.account_id, seen.id),
        kind=seen.kind.value,
        state=seen.state.value,
        request_id=seen.request_id,
        account_id=seen.account_id,
        partner_id=seen.partner_id,
        approver_id=seen.approver_arn,
        deadline=seen.deadline,
        exchanges=seen.exchanges,
        exchange_cap=seen.exchange_cap,
        end_reason=seen.end_reason.value if seen.end_reason else None,
        ended_by=seen.ended_by,
        ended_at=seen.ended_at,
        stuck_because=seen.stuck_because,
        created_at=seen.created_at,
    )


def credentials(minted: Minted) -> CredentialsView:
    """Show fresh temporary credentials."""
    return CredentialsView(
        access_key_id=minted.access_key_id,
        secret_access_key=minted.secret_access_key,
        session_token=minted.session_token,
        expires_at=minted.expires_at,
        assumed_principal=minted.assumed_principal,
    )


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
