"""`/health/live` and `/health/ready`: whether the process runs, and whether it should be sent work."""

from typing import Any

from litestar import Response, Router, get
from litestar.di import NamedDependency

from service.jobs.pulse import Standing
from workflows.authentication import deployment_of
from workflows.errors import Unavailable
from workflows.ports import Ports


@get("/health/live", sync_to_thread=False, include_in_schema=False)
def live() -> dict[str, str]:
    """Answer as long as the process runs; depends on nothing."""
    return {"status": "live"}


@get("/health/ready", sync_to_thread=True, include_in_schema=False)
def ready(ports: NamedDependency[Ports], standing: NamedDependency[Standing]) -> Response[Any]:
    """Answer 200 when this process should be sent work, 503 with the reasons otherwise."""
    reasons = list(standing.reasons)
    try:
        ports.store.read(deployment_of)
    except Unavailable as failure:
        reasons = [str(failure), *(reason for reason in reasons if "does not answer" not in reason)]
    if reasons:
        return Response({"status": "unready", "reasons": reasons}, status_code=503)
    return Response({"status": "ready"})


ROUTER = Router("/", route_handlers=[live, ready])
