"""The composition root: from an open house to the ASGI application. The only place that wires."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from litestar import Litestar, Request, Response, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import HTTPScope

from service.access import routes
from service.access.decider import Decider
from service.api import accounts, grants, identity_providers, notifications, partners, problems, requests, roles
from service.api import house as rest
from service.api.bodies import BodyReader
from service.api.callers import Callers
from service.aws.gateway import Gateway
from service.house import House
from service.jobs.errands import Courier
from service.jobs.sweep import Sweeper
from service.jobs.wake import Wake
from service.ledger import Ledger
from service.notify.webhook import WebhookSender
from service.observe import health
from service.signing import Signatures
from service.throttle import Throttles
from service.web import pages
from service.web.live import Streams
from workflows.callers import Call
from workflows.errors import DomainError
from workflows.ports import Ports

_BODY_LIMIT: Final = 256 * 1024
_BATCH_LIMIT: Final = 1024 * 1024
_OURS: Final = ("/v1/", "/access/v1/", "/schema", "/health/", *pages.PATHS)


def _signatures(house: House) -> Signatures:
    window = timedelta(minutes=house.settings.signature_window_minutes)
    return Signatures(house.ports, hosts=house.settings.signed_hosts, window=window)


def wake_for(house: House, ledger: Ledger) -> Wake:
    """Return the periodic work of a process, not yet started."""
    sender = WebhookSender(allow_loopback=house.settings.insecure_allow_loopback_receivers)
    return Wake(house.ports, Sweeper(house.ports), Courier(house.ports, sender), ledger)


class Front:
    """Sends a request to the AWS endpoint or to the routes of ours.

    The AWS endpoint takes everything that no route of ours has a claim on, because its clients expect XML whatever
    they call. It stands beside Litestar, which cannot hold a page at `/` together with a mount there.
    """

    def __init__(self, aws: Gateway, ours: Litestar, streams: Streams, ledger: Ledger) -> None:
        self._aws, self._ours = aws, ours
        self.streams, self.ledger = streams, ledger

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI is three protocols in one
        """Answer one ASGI connection."""
        if scope["type"] == "http" and not _is_ours(scope):
            await self._aws(scope, receive, send)
        else:
            await self._ours(scope, receive, send)


def _is_ours(scope: HTTPScope) -> bool:
    if scope["path"] == "/":
        # A browser at the front door; a signed request without a form is an AWS client's.
        signed = any(name == b"authorization" for name, _ in scope["headers"])
        return scope["method"] in ("GET", "HEAD") and not signed
    return scope["path"].startswith(_OURS)


def create_app(house: House) -> Front:
    """Return the application over an open house; its lifespan runs the periodic work unless the settings say no."""
    signatures, throttles = _signatures(house), Throttles(house.ports.clock)
    callers = Callers(house.ports, signatures, throttles)
    own, ledger = pages.Pages(house), Ledger(house.ports)
    gateway = Gateway(house.ports, signatures, throttles, ledger)
    return Front(gateway, _routes(house, callers, own, ledger), own.streams, ledger)


def _periodic_work(house: House, ledger: Ledger) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Return the lifespan that runs a process's periodic work, unless the settings say no."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        if not house.settings.scheduler:
            yield
            return
        wake = wake_for(house, ledger)
        wake.start()
        try:
            yield
        finally:
            wake.stop()

    return lifespan


def _api(callers: Callers) -> Router:
    async def provide_call(request: Request[Any, Any, Any]) -> Call:
        return await callers.call_of(request)

    def refused(request: Request[Any, Any, Any], failure: DomainError) -> Response[bytes]:
        callers.failed(request, failure)
        return problems.domain_problem(request, failure)

    return Router(
        "/v1",
        route_handlers=[
            requests.ROUTER,
            grants.ROUTER,
            roles.ROUTER,
            accounts.ROUTER,
            identity_providers.ROUTER,
            partners.ROUTER,
            notifications.ROUTER,
            rest.ROUTER,
        ],
        dependencies={"call": Provide(provide_call)},
        exception_handlers={DomainError: refused},
        request_class=BodyReader,
        request_max_body_size=_BODY_LIMIT,
    )


def _routes(house: House, callers: Callers, own: pages.Pages, ledger: Ledger) -> Litestar:
    decider = Decider(house.ports, lambda: house.store.authority_changes, ledger)

    def provide_ports() -> Ports:
        return house.ports

    def provide_decider() -> Decider:
        return decider

    access = Router(
        "/",
        route_handlers=[routes.evaluation, routes.evaluations],
        request_max_body_size=_BATCH_LIMIT,
    )
    return Litestar(
        [_api(callers), access, own.router(), health.ROUTER],
        dependencies={
            "ports": Provide(provide_ports, sync_to_thread=False),
            "decider": Provide(provide_decider, sync_to_thread=False),
        },
        exception_handlers=dict(problems.HANDLERS),
        lifespan=[_periodic_work(house, ledger)],
        openapi_config=OpenAPIConfig(
            title="Daypass",
            version="1",
            description="Temporary delegation: requests, approvals, grants, credentials and access decisions.",
            path="/schema",
            render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
        ),
        logging_config=None,
        debug=False,
    )
