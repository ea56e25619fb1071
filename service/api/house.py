"""The rest of `/v1`: the caller itself, API tokens, resource servers and the audit trail."""

from typing import Annotated

from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from service import views
from service.api.paging import Limit
from service.api.schemas import NewApiToken, NewResourceServer
from workflows import credentialing, inquiry, onboarding
from workflows.callers import Call
from workflows.ids import AccountId
from workflows.ports import Ports
from workflows.records.account import PrincipalKind


@get("/me", sync_to_thread=False)
def who_am_i(call: NamedDependency[Call]) -> views.CallerView:
    """Tell who the caller is."""
    return views.caller(call.caller)


@post("/tokens", sync_to_thread=True, response_headers={"cache-control": "no-store"})
def create_token(
    data: JSONBody[NewApiToken],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.TokenView:
    """Make an API token; its text is shown this once."""
    fresh = credentialing.create_api_token(
        ports,
        call,
        data.principal or call.caller.arn,
        scopes=data.scopes,
        days=data.days,
    )
    return views.token(fresh)


@delete("/tokens/{token_id:str}", sync_to_thread=True)
def revoke_token(
    token_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> None:
    """End an API token."""
    credentialing.revoke_api_token(ports, call, token_id)


@post("/resource-servers", sync_to_thread=True, response_headers={"cache-control": "no-store"})
def create_resource_server(
    data: JSONBody[NewResourceServer],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.UserView:
    """Register a resource server, with its API token."""
    kind = PrincipalKind.RESOURCE_SERVER
    server = onboarding.create_housed_principal(ports, call, kind=kind, name=data.name)
    fresh = credentialing.create_api_token(ports, call, server.arn, scopes=("decide",))
    return views.user(server, [], fresh_token=fresh)


@get("/audit", sync_to_thread=True)
def list_audit(
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
    limit: Limit = 100,
    account_id: Annotated[str | None, QueryParameter(name="account_id", max_length=12)] = None,
    before: Annotated[int | None, QueryParameter(name="before", ge=1, le=2**62)] = None,
) -> list[views.AuditView]:
    """List audit entries of an account, newest first, below the number `before`."""
    chain = AccountId(account_id) if account_id else None
    entries = inquiry.list_audit(ports, call, account_id=chain, before=before, limit=limit)
    return [views.audit_entry(one) for one in entries]


ROUTER = Router(
    "/",
    route_handlers=[who_am_i, create_token, revoke_token, create_resource_server, list_audit],
    tags=["house"],
)
