"""The composition root: from an open house to the ASGI application. The only place that wires."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

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
from service.jobs.pulse import Pulse, Standing
from service.jobs.sweep import Sweeper
from service.jobs.wake import Wake
from service.ledger import Ledger
from service.notify.webhook import WebhookSender
from service.observe import health
from service.observe.levels import Levels, measured
from service.observe.metrics import Metrics
from service.observe.traces import Tracing, tracing
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


def wake_for(house: House, standing: Standing, ledger: Ledger) -> Wake:
    """Return the periodic work of a process, not yet started."""
    sender = WebhookSender(allow_loopback=house.settings.insecure_allow_loopback_receivers)
    courier = Courier(house.ports, sender)
    return Wake(house.ports, Sweeper(house.ports), courier, ledger, idle=lambda: standing.quarantined)


class Part(Protocol):
    """Something that runs beside answering."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End, and return when it has."""


@dataclass(frozen=True, slots=True)
class Aside:
    """What a process keeps beside the routes: its pulse, its traces, and the count of what is used."""

    pulse: Pulse
    traces: Tracing
    ledger: Ledger


class Front:
    """Sends a request to the AWS endpoint or to the routes of ours.

    The AWS endpoint takes everything that no route of ours has a claim on, because its clients expect XML whatever
    they call (JSON on the paths of `service/aws/rest.py`). It stands beside Litestar, which cannot hold a page at `/`
    together with a mount there.
    """

    def __init__(self, aws: Gateway, ours: Litestar, streams: Streams, aside: Aside) -> None:
        self._aws, self._ours, self._traces = aws, ours, aside.traces
        self.streams, self.standing, self.ledger = streams, aside.pulse.standing, aside.ledger

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI is three protocols in one
        """Answer one ASGI connection."""
        if scope["type"] != "http":
            await self._ours(scope, receive, send)
            return
        wire = _wire_of(scope)
        with self._traces.span(wire, scope) as span, measured(wire, send, span) as answering:
            if self.standing.quarantined and wire != "health":
                await self._aws.unavailable(scope, answering, "this deployment is in quarantine after a restore")
            elif wire == "aws":
                await self._aws(scope, receive, answering)
            else:
                await self._ours(scope, receive, answering)


def _wire_of(scope: HTTPScope) -> str:
    """Return who a request is for; the name is a label of the metrics."""
    if not _is_ours(scope):
        return "aws"
    first = scope["path"].split("/", 2)[1]
    return {"v1": "api", "access": "access", "health": "health"}.get(first, "pages")


def _is_ours(scope: HTTPScope) -> bool:
    if scope["path"] == "/":
        # A browser at the front door; a signed request without a form is an AWS client's.
        if scope["method"] not in ("GET", "HEAD"):
            return False
        return not any(name == b"authorization" for name, _ in scope["headers"])
    return scope["path"].startswith(_OURS)


def create_app(house: House) -> Front:
    """Return the application over an open house; its lifespan runs the periodic work unless the settings say no."""
    pulse = Pulse(house, house.time)

    def sharers() -> int:
        return pulse.standing.replicas

    signatures, throttles = _signatures(house), Throttles(house.ports.clock, sharers)
    callers = Callers(house.ports, signatures, throttles)
    own = pages.Pages(house, sharers)
    aside = Aside(pulse, tracing(house.settings.traces_endpoint), Ledger(house.ports))
    gateway = Gateway(house.ports, house.store, signatures, throttles, aside.ledger)
    return Front(gateway, _routes(house, callers, own, aside), own.streams, aside)


def _parts(house: House, aside: Aside) -> list[Part]:
    """Return what a process runs beside answering: its pulse, traces, metrics, and the periodic work if it may."""
    pulse = aside.pulse
    parts: list[Part] = [aside.traces, pulse]
    if house.settings.metrics_port is not None:
        gauges = Levels(house, pulse.standing)
        parts.append(Metrics(gauges, house.settings.metrics_host, house.settings.metrics_port))
    if house.settings.scheduler:
        wake = wake_for(house, pulse.standing, aside.ledger)
        house.store.when_work_was_made(wake.hurry)
        parts.append(wake)
    return parts


def _running(house: House, aside: Aside) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Return the lifespan in which everything beside answering runs."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        parts = _parts(house, aside)
        for part in parts:
            part.start()
        try:
            yield
        finally:
            for part in reversed(parts):
                part.stop()

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


def _routes(house: House, callers: Callers, own: pages.Pages, aside: Aside) -> Litestar:
    decider = Decider(house.ports, lambda: house.store.authority_changes, aside.ledger)

    def provide_ports() -> Ports:
        return house.ports

    def provide_standing() -> Standing:
        return aside.pulse.standing

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
            "standing": Provide(provide_standing, sync_to_thread=False),
            "decider": Provide(provide_decider, sync_to_thread=False),
        },
        exception_handlers=dict(problems.HANDLERS),
        lifespan=[_running(house, aside)],
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
