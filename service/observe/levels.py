"""What one process knows of itself when it is asked, and how its answers are counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from litestar.types import Send

from service.clock import SystemClock, steady_seconds
from service.db.signals import Signals
from service.house import House
from service.jobs.pulse import Standing
from service.observe.metrics import REQUESTS, SECONDS


class Levels:
    """The gauges of one serving process."""

    def __init__(self, house: House, standing: Standing) -> None:
        self._house, self._standing = house, standing

    def now(self) -> datetime:
        """Return the present instant."""
        return self._house.ports.clock.now()

    def signals(self) -> Signals:
        """Return what waits in the store; raises `Unavailable`."""
        return self._house.store.signals(self.now())

    def levels(self) -> dict[str, float]:
        """Return this process's own levels by the end of their metric's name."""
        store, standing, clock = self._house.store, self._standing, self._house.ports.clock
        in_use, size = store.pool
        lead = clock.lead.total_seconds() if isinstance(clock, SystemClock) else 0.0
        return {
            "ready": not standing.reasons,
            "quarantined": standing.quarantined,
            "replicas": standing.replicas,
            "pool_in_use": in_use,
            "pool_size": size,
            "writer_waiting": store.waiting,
            "clock_lead_seconds": lead,
            "lost_races": store.lost_races,
        }


@contextmanager
def measured(wire: str, send: Send, span: Any) -> Iterator[Send]:  # noqa: ANN401  of an optional library, or None
    """Yield a `send` that notes the status and, at the end, how long the answer took."""
    began, status = steady_seconds(), "none"

    async def noting(message: Any) -> None:  # noqa: ANN401  ASGI's messages are untyped dictionaries
        nonlocal status
        if message["type"] == "http.response.start":
            status = str(message["status"])
            if span is not None:
                span.set_attribute("http.response.status_code", message["status"])
        await send(message)

    try:
        yield noting
    finally:
        REQUESTS.labels(wire, status).inc()
        SECONDS.labels(wire).observe(steady_seconds() - began)
