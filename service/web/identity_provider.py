"""The page on which an administrator says where the people of the account sign in."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from service.web import proof
from service.web.shell import render, see
from service.web.visits import Visit, require
from workflows import identity_providers
from workflows.callers import OWNERS, Call
from workflows.errors import BadInput
from workflows.identity_providers import CALLBACK


def _page(visit: Visit, call: Call, problem: str = "") -> Response[Any]:
    return render(
        visit,
        "identity_provider.html",
        status=400 if problem else 200,
        provider=identity_providers.provider_of(visit.ports, call, call.caller.account_id),
        redirect_uri=visit.site.origin + CALLBACK,
        problem=problem,
        form=visit.form,
    )


@get("/account/provider", sync_to_thread=True, include_in_schema=False)
def provider(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show where the people of the account sign in."""
    return _page(visit, require(visit, *OWNERS))


@post("/account/provider", sync_to_thread=True, include_in_schema=False)
def put_provider(visit: NamedDependency[Visit]) -> Response[Any]:
    """Set the account's provider; one that cannot be used leaves the form as it was, with what is wrong."""
    if (asked := proof.missing(visit, back="/account/provider")) is not None:
        return asked
    call = require(visit, *OWNERS)
    try:
        identity_providers.put(
            visit.ports,
            call,
            account_id=call.caller.account_id,
            issuer=visit.form.get("issuer", "").strip(),
            client_id=visit.form.get("client_id", "").strip(),
            client_secret=visit.form.get("client_secret") or None,
            passwords=visit.form.get("passwords") == "yes",
        )
    except BadInput as failure:
        return _page(visit, call, str(failure))
    return see(visit, "/account/provider?done=saved")


@post("/account/provider/remove", sync_to_thread=True, include_in_schema=False)
def remove_provider(visit: NamedDependency[Visit]) -> Response[Any]:
    """Go back to passwords."""
    if (asked := proof.missing(visit, back="/account/provider")) is not None:
        return asked
    call = require(visit, *OWNERS)
    identity_providers.remove(visit.ports, call, call.caller.account_id)
    return see(visit, "/account/provider?done=removed")


HANDLERS = [provider, put_provider, remove_provider]
