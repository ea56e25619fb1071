"""Use-cases that register a partner and what it brings: policy templates, boundaries, notification channels.

All of it is immutable: a new version is a new name with a new date. The operator registers, because a display name
and a template are what approvers will trust; a partner can add channels of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workflows import templates
from workflows.acts import consult, perform
from workflows.arns import boundary_arn, channel_arn, root_arn, template_arn
from workflows.audit import Draft
from workflows.authority import Question, authorize, operator_only
from workflows.callers import Call, CallerKind
from workflows.credentials.keys import seal
from workflows.errors import AlreadyExists, BadInput, NoSuchEntity
from workflows.ids import (
    AccountId,
    PrincipalId,
    parse_account_id,
    parse_channel_name,
    parse_domain,
    parse_entity_name,
)
from workflows.policy.review import Bundle
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import Account, Principal, PrincipalKind
from workflows.records.partner import Boundary, Channel, ChannelKind, Partner, PolicyTemplate
from workflows.registration import Accepted, accepted, boundary_bundle, look_ahead, template_bundle
from workflows.text import parse_text

DISPLAY_NAME_LENGTH: Final = 30
_DESCRIPTION_LENGTH: Final = 1000
_DATED: Final = re.compile(r".*_[0-9]{4}_[0-9]{2}_[0-9]{2}", re.ASCII)
_SIGNING_SECRET_BYTES: Final = 32


def create_partner(ports: Ports, call: Call, *, partner_id: str, name: str, domain: str) -> Partner:
    """Register a partner under its 12-digit account id. Operator only."""

    def work(tx: Writing, draft: Draft) -> Partner:
        operator_only(call, "daypass:CreatePartner")
        now = ports.clock.now()
        partner = Partner(
            id=parse_account_id(partner_id, "id"),
            name=parse_text(name, "name", shortest=1, longest=DISPLAY_NAME_LENGTH, one_line=True),
            domain=parse_domain(domain),
            active=True,
            revision=0,
            created_at=now,
        )
        if name != name.strip():
            raise BadInput("name", "begins or ends with white space")
        if tx.get(Account, partner.id) is not None:
            raise AlreadyExists("account with the id", partner.id)
        _refuse_look_alike(tx, partner)
        tx.add(partner)
        tx.add(_principal_of(ports, partner))
        draft.chain, draft.partner_id = partner.id, partner.id
        draft.resource = root_arn(ports.terms.partition, partner.id)
        return partner

    asked = {"partnerId": partner_id, "name": name, "domain": domain}
    return perform(ports, call, "CreatePartner", work, asked=asked)


def _principal_of(ports: Ports, partner: Partner) -> Principal:
    return Principal(
        id=PrincipalId(partner.id),
        account_id=partner.id,
        kind=PrincipalKind.PARTNER,
        name=partner.name,
        arn=root_arn(ports.terms.partition, partner.id),
        boundary=None,
        active=True,
        revision=0,
        created_at=partner.created_at,
    )


def _refuse_look_alike(tx: Reading, partner: Partner) -> None:
    """Refuse a display name that an approver could take for one that is registered already."""

    def skeleton(name: str) -> str:
        return re.sub(r"[^a-z0-9]", "", name.lower().translate(str.maketrans("01|!$5", "olllss")).replace("i", "l"))

    for other in tx.find(Partner):
        if skeleton(other.name) == skeleton(partner.name):
            raise AlreadyExists("partner with the name, or one that looks like it,", other.name)


def list_partners(ports: Ports, call: Call) -> Sequence[Partner]:
    """Return every partner, by id. Operator only."""

    def work(tx: Reading, _draft: Draft) -> Sequence[Partner]:
        operator_only(call, "daypass:ListPartners")
        return tx.find(Partner)

    return consult(ports, call, "ListPartners", work)


def existing_partner(tx: Reading, partner_id: str) -> Partner:
    """Return the partner or raise `NoSuchEntity`."""
    partner = tx.get(Partner, partner_id)
    if partner is None:
        raise NoSuchEntity("partner", partner_id)
    return partner


# --- templates and boundaries ----------------------------------------------------------------------------


def _dated(name: str, now: datetime) -> str:
    """Return the name with a date behind it; one that ends in `_YYYY_MM_DD` already keeps its own."""
    parse_entity_name(name)
    return name if _DATED.fullmatch(name) else f"{name}_{now:%Y_%m_%d}"


def register_template(
    ports: Ports,
    call: Call,
    *,
    partner_id: str,
    name: str,
    document: str,
    wildcard_safe: Sequence[str] = (),
    accept: str | None = None,
) -> PolicyTemplate:
    """Register a policy template; it declares its parameters by using them. Operator only.

    Values of parameters named in `wildcard_safe` may hold `*` and `?`; the values of all others may not. The template
    is reviewed: what is critical raises `ReviewRefused`, all else `AcceptanceNeeded` unless `accept` gives the reason.
    """

    def bundle(tx: Reading) -> Bundle:
        return template_bundle(tx, existing_partner(tx, partner_id), name, document, wildcard_safe)

    def work(tx: Writing, draft: Draft) -> PolicyTemplate:
        operator_only(call, "daypass:RegisterTemplate")
        partner = existing_partner(tx, partner_id)
        templates.parse_template(document, wildcard_safe=frozenset(wildcard_safe))
        now = ports.clock.now()
        arn = template_arn(ports.terms.partition, partner.domain, _dated(name, now))
        if tx.get(PolicyTemplate, arn) is not None:
            raise AlreadyExists("policy template", arn)
        seen = accepted(bundle(tx), _dated(name, now), accept)
        template = PolicyTemplate(
            arn, partner.id, seen.name, document, tuple(wildcard_safe), now, seen.findings, seen.because
        )
        tx.add(template)
        draft.chain, draft.partner_id, draft.resource = partner.id, partner.id, arn
        draft.answered = _noted(seen)
        return template

    look_ahead(ports, call, bundle)
    asked = {"partnerId": partner_id, "name": name, "accept": accept}
    return perform(ports, call, "RegisterTemplate", work, asked=asked)


def _noted(seen: Accepted) -> dict[str, object]:
    """What the audit trail keeps of a review: rules and places, not every word."""
    return {"accepted": [f"{severity} {rule} {place}".strip() for rule, severity, place, _ in seen.findings]}


def register_boundary(
    ports: Ports,
    call: Call,
    *,
    partner_id: str,
    name: str,
    document: str,
    description: str = "",
    accept: str | None = None,
) -> Boundary:
    """Register a permissions boundary for the roles the partner's sessions create. Operator only.

    It is reviewed as a template is.
    """

    def bundle(tx: Reading) -> Bundle:
        partner = existing_partner(tx, partner_id)
        arn = boundary_arn(ports.terms.partition, partner.domain, _dated(name, ports.clock.now()))
        return boundary_bundle(partner, name, arn, document)

    def work(tx: Writing, draft: Draft) -> Boundary:
        operator_only(call, "daypass:RegisterBoundary")
        partner = existing_partner(tx, partner_id)
        templates.parse_boundary(document)
        text = parse_text(description, "description", longest=_DESCRIPTION_LENGTH)
        now = ports.clock.now()
        arn = boundary_arn(ports.terms.partition, partner.domain, _dated(name, now))
        if tx.get(Boundary, arn) is not None:
            raise AlreadyExists("permissions boundary", arn)
        seen = accepted(bundle(tx), _dated(name, now), accept)
        boundary = Boundary(arn, partner.id, seen.name, text, document, now, seen.findings, seen.because)
        tx.add(boundary)
        draft.chain, draft.partner_id, draft.resource = partner.id, partner.id, arn
        draft.answered = _noted(seen)
        return boundary

    look_ahead(ports, call, bundle)
    asked = {"partnerId": partner_id, "name": name, "accept": accept}
    return perform(ports, call, "RegisterBoundary", work, asked=asked)


# --- channels --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A channel with the raw signing secret that is shown this once, if it is a webhook."""

    channel: Channel
    signing_secret: bytes | None


def _may_act_for(tx: Reading, ports: Ports, call: Call, partner_id: str, action: str) -> str:
    if call.caller.kind is not CallerKind.OPERATOR and call.caller.account_id != partner_id:
        raise NoSuchEntity("partner", partner_id)
    return authorize(tx, ports, call, Question(action, root_arn(ports.terms.partition, partner_id), {}))


def register_channel(ports: Ports, call: Call, *, partner_id: str, name: str, url: str | None) -> NewChannel:
    """Register where the partner is told: an https receiver, or without `url` a mailbox that it polls."""

    def work(tx: Writing, draft: Draft) -> NewChannel:
        draft.decided_by = _may_act_for(tx, ports, call, partner_id, "daypass:RegisterChannel")
        partner = existing_partner(tx, partner_id)
        arn = channel_arn(ports.terms.partition, partner.id, parse_channel_name(name))
        if tx.get(Channel, arn) is not None:
            raise AlreadyExists("notification channel", arn)
        secret, sealed = None, None
        if url is not None:
            ports.check_receiver(url)
            secret = ports.entropy.token_bytes(_SIGNING_SECRET_BYTES)
            sealed = seal(ports.keyring, ports.entropy, secret, purpose="channel", owner=arn)
        channel = Channel(
            arn=arn,
            partner_id=partner.id,
            name=name,
            kind=ChannelKind.POLL if url is None else ChannelKind.WEBHOOK,
            url=url,
            sealed_secret=sealed,
            active=True,
            created_at=ports.clock.now(),
        )
        tx.add(channel)
        draft.chain, draft.partner_id, draft.resource = partner.id, partner.id, arn
        return NewChannel(channel, secret)

    return perform(ports, call, "RegisterChannel", work, asked={"partnerId": partner_id, "name": name})


@dataclass(frozen=True, slots=True)
class Registered:
    """Everything a partner has registered."""

    templates: Sequence[PolicyTemplate]
    boundaries: Sequence[Boundary]
    channels: Sequence[Channel]


def registered(ports: Ports, call: Call, partner_id: str) -> Registered:
    """Return what a partner has registered, to itself and to the operator."""

    def work(tx: Reading, _draft: Draft) -> Registered:
        _may_act_for(tx, ports, call, partner_id, "daypass:GetPartner")
        partner = existing_partner(tx, partner_id)
        owner: AccountId = partner.id
        return Registered(
            tx.find(PolicyTemplate, partner_id=owner),
            tx.find(Boundary, partner_id=owner),
            tx.find(Channel, partner_id=owner),
        )

    return consult(ports, call, "GetPartner", work, asked={"partnerId": partner_id})
