"""The pages of signing in at an account's identity provider: leaving for it, and coming back.

A person leaves by a link that names the provider, so that nobody is sent anywhere unseen, and no form of ours ends
on another site.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from service.web.language import N_
from service.web.shell import render, see
from service.web.site import Doors
from service.web.visits import Visit
from workflows import federated_sign_in
from workflows.errors import SignInRefused
from workflows.federated_sign_in import Departure
from workflows.identity_providers import CALLBACK
from workflows.records.sign_in import Stage

_UNKNOWN: Final = N_(
    "There is no such account, or its people sign in with a password. Check the account, or ask your administrator.",
)
_NOBODY: Final = N_(
    "It was begun in another browser or too long ago, or nobody here is known by what your provider says. "
    "Sign in again; if it stays like this, ask an administrator of the account for an invitation.",
)


def departure(visit: Visit, doors: Doors, *, account: str, following: str) -> Response[Any]:
    """Return the page that leads to the provider of an account."""
    doors.knock(visit.browser(), visit.arrival.source_ip)
    try:
        found = federated_sign_in.depart(
            visit.ports,
            account=account,
            browser=visit.browser(),
            following=following,
        )
    except SignInRefused:
        return _refused(visit, _UNKNOWN)
    return _leaving(visit, found)


@post("/welcome/{token:str}/provider", sync_to_thread=True, include_in_schema=False)
def welcome_at_provider(
    token: FromPath[str],
    visit: NamedDependency[Visit],
    doors: NamedDependency[Doors],
) -> Response[Any]:
    """Lead an invited person to the provider of their account."""
    doors.knock(token, visit.arrival.source_ip)
    return _leaving(visit, federated_sign_in.depart_invited(visit.ports, token, browser=visit.browser()))


@get(CALLBACK, sync_to_thread=True, include_in_schema=False)
def back(visit: NamedDependency[Visit], doors: NamedDependency[Doors]) -> Response[Any]:
    """Take what the provider says and go on to the passkey."""
    doors.knock(visit.query.get("state", ""), visit.arrival.source_ip)
    try:
        found = federated_sign_in.come_back(
            visit.ports,
            visit.arrival,
            browser=visit.visit,
            answer=visit.query,
        )
    except SignInRefused:
        return _refused(visit, _NOBODY)
    visit.keep(found.opened.secret, found.opened.session)
    if found.opened.session.stage is Stage.ENROLLING:
        return see(visit, "/me/passkeys/new")
    return see(visit, f"/sign-in/passkey?next={found.following}" if found.following else "/sign-in/passkey")


def _leaving(visit: Visit, found: Departure) -> Response[Any]:
    return render(visit, "departure.html", address=found.address, host=urlsplit(found.issuer).netloc)


def _refused(visit: Visit, advice: str) -> Response[Any]:
    return render(
        visit,
        "refused.html",
        status=401,
        title=visit._("This sign-in is not accepted"),
        advice=visit._(advice),
        detail="",
        back="/sign-in",
        back_label=visit._("Sign in again"),
    )


HANDLERS = [welcome_at_provider, back]
