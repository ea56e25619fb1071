"""A partner's own pages: where its requests stand, what it has registered, and what could not be delivered."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency

from service.web.lists import marker_of, position_of
from service.web.policies import whole
from service.web.shell import render, see
from service.web.visits import Visit, require
from workflows import delivery, inquiry, partnering
from workflows.callers import CallerKind
from workflows.lifecycle import state_at

_PAGE: Final = 25
_LETTERS: Final = 100


@get("/partner", sync_to_thread=True, include_in_schema=False)
def requests(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the partner's requests: its own fields and where each stands, nothing of the owner's."""
    call = require(visit, CallerKind.PARTNER)
    after = position_of(visit, call, "asked")
    page = inquiry.partner_requests(visit.ports, call, limit=_PAGE, after=after)
    now = visit.ports.clock.now()
    return render(
        visit,
        "partner_requests.html",
        rows=[(one, state_at(one, now)) for one in page.requests],
        after=marker_of(visit, call, page.after, "asked"),
    )


@get("/partner-registered", sync_to_thread=True, include_in_schema=False)
def registered(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the partner's templates, boundaries and channels."""
    call = require(visit, CallerKind.PARTNER)
    found = partnering.registered(visit.ports, call, call.caller.account_id)
    return render(
        visit,
        "partner_registered.html",
        found=found,
        templates=[(one, whole(one.document)) for one in found.templates],
        boundaries=[(one, whole(one.document)) for one in found.boundaries],
    )


@get("/partner-letters", sync_to_thread=True, include_in_schema=False)
def letters(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the messages that could not be delivered."""
    call = require(visit, CallerKind.PARTNER)
    found = delivery.dead_letters(visit.ports, call, limit=_LETTERS)
    return render(visit, "partner_letters.html", letters=found, most=_LETTERS)


@post("/partner-letters/replay", sync_to_thread=True, include_in_schema=False)
def replay(visit: NamedDependency[Visit]) -> Response[Any]:
    """Send a message again."""
    delivery.replay(visit.ports, require(visit, CallerKind.PARTNER), visit.form.get("message", ""))
    return see(visit, "/partner-letters?done=replayed")


HANDLERS = [requests, registered, letters, replay]
