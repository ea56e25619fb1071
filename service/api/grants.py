"""`/v1/grants`: what approvals put into the world."""

from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from service import views
from service.api.paging import Limit, Marker, Page, page, position
from workflows import inquiry, least_privilege, revocation
from workflows.callers import Call
from workflows.ids import parse_account_id
from workflows.ports import Ports


@get("/grants", sync_to_thread=True)
def list_grants(
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
    limit: Limit = 100,
    marker: Marker = None,
    account_id: Annotated[str | None, QueryParameter(name="account_id", max_length=12)] = None,
) -> Page[views.GrantView]:
    """List the caller's account's grants; a partner lists what it was lent, an operator any account's or all."""
    binding = ("grants", account_id or "")
    found = inquiry.list_grants(
        ports,
        call,
        account_id=parse_account_id(account_id) if account_id else None,
        limit=limit,
        after=position(ports, call, marker, *binding),
    )
    return page(ports, call, [views.grant(one, ports) for one in found.grants], found.after, *binding)


@get("/grants/{grant_id:str}", sync_to_thread=True)
def show_grant(
    grant_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.GrantView:
    """Show a grant."""
    return views.grant(inquiry.show_grant(ports, call, grant_id), ports)


@get("/grants/{grant_id:str}/use", sync_to_thread=True)
def show_use(
    grant_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.GrantUseView:
    """Tell what of a grant was used, when and on what, what never was, and show a policy that would have done."""
    return views.grant_use(least_privilege.use_of_grant(ports, call, grant_id))


@get("/unused-access", sync_to_thread=True)
def list_unused_access(ports: NamedDependency[Ports], call: NamedDependency[Call]) -> list[views.FindingView]:
    """List what is lent now and was never used."""
    return [views.finding(one) for one in least_privilege.unused_access(ports, call)]


@post("/grants/{grant_id:str}/revoke", status_code=200, sync_to_thread=True)
def revoke_grant(
    grant_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.GrantView:
    """End a grant, at once."""
    return views.grant(revocation.revoke_grant(ports, call, grant_id), ports)


ROUTER = Router(
    "/", route_handlers=[list_grants, show_grant, show_use, list_unused_access, revoke_grant], tags=["grants"]
)
