"""`/v1/accounts/{id}/identity-provider`: where the people of an account sign in, and who its subjects are here."""

from litestar import Router, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from service import views
from service.api.schemas import NewIdentity, NewIdentityProvider
from workflows import identity_providers
from workflows.callers import Call
from workflows.errors import NoSuchEntity
from workflows.ports import Ports


@put("/accounts/{account_id:str}/identity-provider", sync_to_thread=True)
def put_provider(
    account_id: FromPath[str],
    data: JSONBody[NewIdentityProvider],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.IdentityProviderView:
    """Set an account's OpenID Connect provider, after asking it for its description."""
    made = identity_providers.put(
        ports,
        call,
        account_id=account_id,
        issuer=data.issuer,
        client_id=data.client_id,
        client_secret=data.client_secret,
        passwords=data.passwords,
    )
    return views.identity_provider(made, ports.terms.base_url)


@get("/accounts/{account_id:str}/identity-provider", sync_to_thread=True)
def get_provider(
    account_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.IdentityProviderView:
    """Show an account's provider; its client secret is never shown."""
    found = identity_providers.provider_of(ports, call, account_id)
    if found is None:
        raise NoSuchEntity("identity provider", account_id)
    return views.identity_provider(found, ports.terms.base_url)


@delete("/accounts/{account_id:str}/identity-provider", sync_to_thread=True)
def remove_provider(account_id: FromPath[str], ports: NamedDependency[Ports], call: NamedDependency[Call]) -> None:
    """Go back to passwords; whoever came from the provider is signed out."""
    identity_providers.remove(ports, call, account_id)


@put("/accounts/{account_id:str}/users/{name:str}/identity", sync_to_thread=True)
def put_identity(
    account_id: FromPath[str],
    name: FromPath[str],
    data: JSONBody[NewIdentity],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.LinkedIdentityView:
    """Say that a subject of the account's provider is this user."""
    linked = identity_providers.link(ports, call, account_id=account_id, user_name=name, subject=data.subject)
    return views.linked_identity(linked, name)


ROUTER = Router(
    "/",
    route_handlers=[put_provider, get_provider, remove_provider, put_identity],
    tags=["accounts"],
)
