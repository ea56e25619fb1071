"""`/v1/requests` and `/v1/exchange`: the life cycle of a delegation request."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from service import views
from service.api.paging import Limit, Marker, Page, page, position
from service.api.schemas import Acceptance, Exchange, NewDelegationRequest, NewNarrowing, NewRoleGrant, Note
from workflows import approval, inquiry, release, review, revocation, submission
from workflows.callers import Call, CallerKind
from workflows.errors import BadInput
from workflows.narrowing import Narrowing
from workflows.ports import Ports
from workflows.role_plans import AskedRole
from workflows.submission import NewRequest
from workflows.templates import Parameter, parse_parameter_type

AnyRequestView = views.RequestView | views.PartnerRequestView


def _session_duration(data: NewDelegationRequest) -> int:
    if (data.session_duration is None) == (data.role is None):
        raise BadInput(
            "session_duration", "is required for a session, and has to be left out where a role is asked for"
        )
    return data.session_duration or 0


def _narrowing(data: NewNarrowing) -> Narrowing:
    policy = None if data.permission_policy is None else msgspec.json.encode(data.permission_policy).decode()
    return Narrowing(policy, data.session_duration)


def _asked_role(role: NewRoleGrant) -> AskedRole:
    return AskedRole(
        name=role.name,
        boundary_arn=role.boundary_arn,
        lifetime=role.lifetime,
        trusted=tuple(role.trusted_principals),
        extends=role.extends,
    )


@post("/requests", sync_to_thread=True)
def create_request(
    data: JSONBody[NewDelegationRequest],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.PartnerRequestView:
    """File a delegation request, as a partner."""
    parameters = [Parameter(one.name, tuple(one.values), parse_parameter_type(one.type)) for one in data.parameters]
    request = submission.create(
        ports,
        call,
        NewRequest(
            description=data.description,
            template_arn=data.policy_template_arn,
            parameters=parameters,
            workflow_id=data.workflow_id,
            channel_arn=data.notification_channel,
            session_duration=_session_duration(data),
            owner_account_id=data.owner_account_id,
            request_message=data.request_message,
            redirect_url=data.redirect_url,
            only_send_by_owner=data.only_send_by_owner,
            role=_asked_role(data.role) if data.role else None,
        ),
    )
    return views.partner_request(request, ports)


@get("/requests", sync_to_thread=True)
def list_requests(
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
    limit: Limit = 100,
    marker: Marker = None,
    owner_id: Annotated[str | None, QueryParameter(name="owner_id", max_length=2048)] = None,
) -> Page[AnyRequestView]:
    """List owned requests of the caller's account; a partner lists the ones it filed, an operator all."""
    binding = ("requests", owner_id or "")
    after = position(ports, call, marker, *binding)
    if call.caller.kind is CallerKind.PARTNER:
        found = inquiry.partner_requests(ports, call, limit=limit, after=after)
        return page(ports, call, [views.partner_request(one, ports) for one in found.requests], found.after, *binding)
    if call.caller.kind is CallerKind.OPERATOR:
        found = inquiry.all_requests(ports, call, limit=limit, after=after)
    else:
        found = inquiry.list_requests(ports, call, owner_arn=owner_id, limit=limit, after=after)
    return page(ports, call, [views.request(one, ports) for one in found.requests], found.after, *binding)


@get("/requests/{request_id:str}", sync_to_thread=True)
def show_request(
    request_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
    check: Annotated[bool, QueryParameter(name="check", description="whether to run the permission check")] = False,  # noqa: FBT002  a query flag
) -> AnyRequestView:
    """Show a request with its digest; a partner sees its own fields and where it stands."""
    if call.caller.kind is CallerKind.PARTNER:
        return views.partner_request(inquiry.partner_request(ports, call, request_id), ports)
    shown = inquiry.show(ports, call, request_id, check=check)
    return views.request(shown.request, ports, check=shown.check, accepted=shown.accepted)


@get("/requests/{request_id:str}/summary", sync_to_thread=True)
def summarise_request(
    request_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
    locale: Annotated[str, QueryParameter(name="locale", min_length=2, max_length=12)] = "en",
) -> views.SummaryView:
    """Tell in words what a request would allow."""
    arn = f"arn:{ports.terms.partition}:iam::{call.caller.account_id}:delegation-request/{request_id}"
    told = inquiry.describe(ports, call, arn, locale)
    state = "NOT_SUPPORTED" if told.content is None else "AVAILABLE"
    return views.SummaryView(told.locale, state, told.content or "")


@get("/requests/{request_id:str}/review", sync_to_thread=True)
def review_request(
    request_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.ReviewView:
    """Tell what a decision needs: whether the caller could lend it, what is new of it, what it risks, what is dead."""
    return views.review(review.look(ports, call, request_id))


@post("/requests/{request_id:str}/narrowing", status_code=200, sync_to_thread=True)
def preview_narrowing(
    request_id: FromPath[str],
    data: JSONBody[NewNarrowing],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.NarrowingView:
    """Prove that a narrowing stays within the request and show what it takes away; nothing is changed by it."""
    return views.narrowing(approval.preview(ports, call, request_id, _narrowing(data)))


@post("/requests/{request_id:str}/associate", status_code=200, sync_to_thread=True)
def associate_request(
    request_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.RequestView:
    """Claim an unassigned request."""
    return views.request(submission.associate(ports, call, request_id), ports)


@post("/requests/{request_id:str}/forward", status_code=200, sync_to_thread=True)
def forward_request(
    request_id: FromPath[str],
    data: JSONBody[Note],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.RequestView:
    """Leave a note and hand the request to the account's administrators."""
    return views.request(submission.forward(ports, call, request_id, data.notes), ports)


@post("/requests/{request_id:str}/accept", status_code=200, sync_to_thread=True)
def accept_request(
    request_id: FromPath[str],
    data: JSONBody[Acceptance],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.RequestView:
    """Approve the request whose digest was reviewed, or less than that."""
    less = _narrowing(data.narrowing) if data.narrowing else None
    return views.request(approval.accept(ports, call, request_id, digest=data.digest, narrowing=less), ports)


@post("/requests/{request_id:str}/reject", status_code=200, sync_to_thread=True)
def reject_request(
    request_id: FromPath[str],
    data: JSONBody[Note],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.RequestView:
    """Turn a request down, for good."""
    return views.request(approval.reject(ports, call, request_id, data.notes), ports)


@post("/requests/{request_id:str}/send", status_code=200, sync_to_thread=True)
def send_request(
    request_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.RequestView:
    """Release an approved request: the partner is sent the exchange token and the clock starts."""
    return views.request(release.send(ports, call, request_id), ports)


@post("/requests/{request_id:str}/revoke", status_code=200, sync_to_thread=True)
def revoke_request(
    request_id: FromPath[str],
    data: JSONBody[Note],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.GrantView:
    """End what a released request lent, at once."""
    return views.grant(revocation.revoke(ports, call, request_id, data.notes), ports)


@post("/exchange", status_code=200, sync_to_thread=True, response_headers={"cache-control": "no-store"})
def exchange(
    data: JSONBody[Exchange],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.CredentialsView:
    """Trade an exchange token for temporary credentials, as the partner it was sent to."""
    return views.credentials(release.exchange(ports, call, data.exchange_token))


ROUTER = Router(
    "/",
    route_handlers=[
        create_request,
        list_requests,
        show_request,
        summarise_request,
        review_request,
        preview_narrowing,
        associate_request,
        forward_request,
        accept_request,
        reject_request,
        send_request,
        revoke_request,
        exchange,
    ],
    tags=["requests"],
)
