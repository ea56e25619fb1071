"""All pages as one router: who looks, what becomes of a refusal, and which paths are theirs."""

import re
from collections.abc import Callable
from typing import Any, Final

import structlog
from litestar import Request, Response, Router
from litestar.di import Provide

from service.failures import face_of
from service.house import House
from service.throttle import alone
from service.web import (
    administration,
    federated_sign_in,
    front,
    identity_provider,
    lists,
    live,
    narrowing,
    partner_side,
    requests,
    signing_in,
)
from service.web.language import N_
from service.web.live import Streams
from service.web.shell import render, see
from service.web.site import Doors, Site, safe_path
from service.web.visits import Entrance, ForeignForm, Visit
from service.web.words import refusal
from workflows.errors import AccessDenied, BadInput, DomainError, NotSignedIn, ProviderFailed, Throttled, Unavailable

PATHS: Final = (
    "/d/", "/static/", "/language/", "/sign-in", "/sign-out", "/welcome/", "/me", "/inbox", "/requests/", "/grants",
    "/roles", "/partners", "/activity", "/account", "/partner", "/partner-registered", "/partner-letters", "/leave/",
    "/events",
)  # fmt: skip
_FORM_LIMIT: Final = 64 * 1024
# A form's path and the page it stands on: where to begin again.
_ORIGIN_OF: Final = re.compile(
    r"(/(?:requests|grants|partners|account|me|partner-letters)(?:/[A-Za-z0-9_-]+)?)/[a-z-]+"
)
_TELLS_DETAIL: Final = (BadInput, AccessDenied, ProviderFailed)
_log = structlog.get_logger(__name__)


class Pages:
    """The pages of one house."""

    def __init__(self, house: House, sharers: Callable[[], int] = alone) -> None:
        self._site = Site(house.settings.origin)
        self._entrance = Entrance(house.ports, self._site)
        self._doors = Doors(house.ports.clock, sharers)
        self.streams = Streams()

    def router(self) -> Router:
        """Return the router of all pages."""

        async def provide_visit(request: Request[Any, Any, Any]) -> Visit:
            return await self._entrance.visit_of(request)

        def provide_doors() -> Doors:
            return self._doors

        def provide_streams() -> Streams:
            return self.streams

        # Functions, not methods: the framework copies its handlers, and must not copy a house with them.
        def refused(request: Request[Any, Any, Any], failure: DomainError) -> Response[Any]:
            return self._refused(request, failure)

        def failed(request: Request[Any, Any, Any], failure: Exception) -> Response[Any]:
            return self._failed(request, failure)

        return Router(
            "/",
            route_handlers=[
                *(front.front, front.static, front.language, live.events),
                *signing_in.HANDLERS,
                *federated_sign_in.HANDLERS,
                *requests.HANDLERS,
                *narrowing.HANDLERS,
                *lists.HANDLERS,
                *administration.HANDLERS,
                *identity_provider.HANDLERS,
                *partner_side.HANDLERS,
            ],
            dependencies={
                "visit": Provide(provide_visit),
                "doors": Provide(provide_doors, sync_to_thread=False),
                "streams": Provide(provide_streams, sync_to_thread=False),
            },
            exception_handlers={DomainError: refused, Exception: failed},
            request_max_body_size=_FORM_LIMIT,
            include_in_schema=False,
        )

    def _visit_of(self, request: Request[Any, Any, Any]) -> Visit:
        known: Visit | None = request.state.get("visit")
        return known or self._entrance.plain(request)

    def _refused(self, request: Request[Any, Any, Any], failure: DomainError) -> Response[Any]:
        visit = self._visit_of(request)
        looked = request.method in ("GET", "HEAD")
        if isinstance(failure, NotSignedIn) and looked:
            following = safe_path(visit.path, "")
            return see(visit, f"/sign-in?next={following}" if following else "/sign-in")
        if isinstance(failure, ForeignForm):
            return self._page(visit, failure, 403, (N_("This form is not accepted"), _FOREIGN))
        face = face_of(failure)
        if not face.sender and not isinstance(failure, Unavailable):
            _log.error("page.failed", error=type(failure).__name__, status=face.status)
        return self._page(visit, failure, face.status, refusal(failure))

    def _failed(self, request: Request[Any, Any, Any], failure: Exception) -> Response[Any]:
        status = int(getattr(failure, "status_code", 500))
        if status >= 500:  # noqa: PLR2004  the boundary of the HTTP status classes
            _log.error("page.failed", exc_info=failure)
            return self._page(self._visit_of(request), failure, 500, refusal(failure))
        words = (
            N_("There is no such page"),
            N_("The address is wrong, or the page was asked for in a way it does not know."),
        )
        return self._page(self._visit_of(request), failure, status, words)

    def _page(self, visit: Visit, failure: Exception, status: int, words: tuple[str, str]) -> Response[Any]:
        title, advice = words
        back, label = _way_back(visit, failure)
        return render(
            visit,
            "refused.html",
            status=status,
            title=visit._(title),
            advice=visit._(advice),
            detail=str(failure) if isinstance(failure, _TELLS_DETAIL) else "",
            back=back,
            back_label=visit._(label),
        )


_FOREIGN: Final = N_(
    "It was not sent from this site, or it was made for an earlier sign-in. Nothing was changed. Open the page again.",
)


def _way_back(visit: Visit, failure: Exception) -> tuple[str, str]:
    """Return where the person can begin again, and what the link is called."""
    found = _ORIGIN_OF.fullmatch(visit.path)
    origin = safe_path(found[1], "") if found else safe_path(visit.path, "")
    if isinstance(failure, NotSignedIn):
        return (f"/sign-in?next={origin}" if origin else "/sign-in"), N_("Sign in again")
    if isinstance(failure, ProviderFailed):
        return "/sign-in", N_("Sign in again")
    if isinstance(failure, Throttled):
        return "", ""
    return (origin, N_("Look again")) if found else ("", "")
