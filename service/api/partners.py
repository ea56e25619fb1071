"""`/v1/partners`: partners and what they register."""

from typing import Annotated, Any

from litestar import Router, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from service import views
from service.api.schemas import Activity, NewBoundary, NewChannel, NewPartner, NewTemplate, document_text
from workflows import credentialing, dismissal, farewell, partnering, templates
from workflows.arns import root_arn
from workflows.callers import Call
from workflows.ports import Ports
from workflows.records.partner import PolicyTemplate


def _template(record: PolicyTemplate) -> views.TemplateView:
    parsed = templates.parse_template(record.document, wildcard_safe=frozenset(record.wildcard_safe))
    return views.template(record, [parameter.name for parameter in parsed.parameters])


@post("/partners", sync_to_thread=True)
def create_partner(
    data: JSONBody[NewPartner],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.PartnerView:
    """Register a partner, with an access key for its programs."""
    partner = partnering.create_partner(ports, call, partner_id=data.id, name=data.name, domain=data.domain)
    arn = root_arn(ports.terms.partition, partner.id)
    key = credentialing.create_access_key(ports, call, arn) if data.access_key else None
    return views.partner(partner, ports.terms.partition, fresh_key=key)


@get("/partners", sync_to_thread=True)
def list_partners(ports: NamedDependency[Ports], call: NamedDependency[Call]) -> list[views.PartnerView]:
    """List every partner."""
    return [views.partner(one, ports.terms.partition) for one in partnering.list_partners(ports, call)]


@patch("/partners/{partner_id:str}", sync_to_thread=True)
def update_partner(
    partner_id: FromPath[str],
    data: JSONBody[Activity],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.PartnerView:
    """Stop a partner and end everything it has, or let it ask again."""
    change = dismissal.resume_partner if data.active else dismissal.stop_partner
    partner = change(ports, call, partner_id)
    return views.partner(partner, ports.terms.partition)


@post("/partners/{partner_id:str}/access-keys", sync_to_thread=True)
def create_access_key(
    partner_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.KeyView:
    """Give a partner another access key."""
    return views.key(credentialing.create_access_key(ports, call, root_arn(ports.terms.partition, partner_id)))


@post("/partners/{partner_id:str}/templates", sync_to_thread=True)
def register_template(
    partner_id: FromPath[str],
    data: JSONBody[NewTemplate],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.TemplateView:
    """Register a policy template."""
    template = partnering.register_template(
        ports,
        call,
        partner_id=partner_id,
        name=data.name,
        document=document_text(data.document),
        wildcard_safe=data.wildcard_safe,
        accept=data.accept,
    )
    return _template(template)


@post("/partners/{partner_id:str}/boundaries", sync_to_thread=True)
def register_boundary(
    partner_id: FromPath[str],
    data: JSONBody[NewBoundary],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.BoundaryView:
    """Register a permissions boundary."""
    boundary = partnering.register_boundary(
        ports,
        call,
        partner_id=partner_id,
        name=data.name,
        document=document_text(data.document),
        description=data.description,
        accept=data.accept,
    )
    return views.boundary(boundary)


@post("/partners/{partner_id:str}/channels", sync_to_thread=True)
def register_channel(
    partner_id: FromPath[str],
    data: JSONBody[NewChannel],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.ChannelView:
    """Register a notification channel."""
    fresh = partnering.register_channel(ports, call, partner_id=partner_id, name=data.name, url=data.url)
    return views.new_channel(fresh)


@get("/partners/{partner_id:str}/registrations", sync_to_thread=True)
def list_registrations(
    partner_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.RegisteredView:
    """List the templates, boundaries and channels of a partner."""
    found = partnering.registered(ports, call, partner_id)
    return views.RegisteredView(
        templates=[_template(one) for one in found.templates],
        boundaries=[views.boundary(one) for one in found.boundaries],
        channels=[views.channel(one) for one in found.channels],
    )


@post("/partners/{partner_id:str}/revoke", status_code=200, sync_to_thread=True)
def revoke_everything(
    partner_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
    account_id: Annotated[str | None, QueryParameter(name="account_id", max_length=12)] = None,
) -> dict[str, Any]:
    """End all that a partner has in the caller's account (an operator: in any, or all); answer a signed report."""
    return farewell.revoke_everything(ports, call, partner_id, account_id)


@get("/partners/{partner_id:str}/report", sync_to_thread=True)
def report(
    partner_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
    account_id: Annotated[str | None, QueryParameter(name="account_id", max_length=12)] = None,
) -> dict[str, Any]:
    """Report what a partner still has in the caller's account, signed; an operator asks about any, or all."""
    return farewell.report(ports, call, partner_id, account_id)


ROUTER = Router(
    "/",
    route_handlers=[
        create_partner,
        list_partners,
        update_partner,
        create_access_key,
        register_template,
        register_boundary,
        register_channel,
        list_registrations,
        revoke_everything,
        report,
    ],
    tags=["partners"],
)
