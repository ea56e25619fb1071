"""What Prometheus is shown, on a listener of its own. No label holds anything that came from outside.

The names here are the ones on the dashboard and in the alert rules of `deploy/`; a test compares them.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, Protocol

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.db.signals import Backlog, Signals
from workflows.errors import Unavailable

REGISTRY: Final = CollectorRegistry(auto_describe=False)
_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LAGS: Final = (*_FAST, 60.0, 600.0)

REQUESTS: Final = Counter("daypass_requests", "HTTP requests answered.", ["wire", "status"], registry=REGISTRY)
SECONDS: Final = Histogram("daypass_request_seconds", "Time to answer.", ["wire"], buckets=_FAST, registry=REGISTRY)
AWS_CALLS: Final = Counter(
    "daypass_aws_calls", "Calls of the AWS wire by operation and error code.", ["operation", "code"], registry=REGISTRY
)
DECISIONS: Final = Counter("daypass_decisions", "Access decisions.", ["outcome"], registry=REGISTRY)
REVOCATION_LAG: Final = Histogram(
    "daypass_revocation_lag_seconds",
    "From the commit of a change of authority in one process until another forgot what it remembered.",
    buckets=_LAGS,
    registry=REGISTRY,
)
EXPIRY_LAG: Final = Histogram(
    "daypass_expiry_lag_seconds",
    "From the deadline of a grant until its end was written down. It is refused from the deadline on.",
    buckets=_LAGS,
    registry=REGISTRY,
)
_log = structlog.get_logger(__name__)


class Gauges(Protocol):
    """What a process can say of itself when it is asked."""

    def now(self) -> datetime:
        """Return the present instant."""

    def signals(self) -> Signals:
        """Return what waits in the store; raises `Unavailable`."""

    def levels(self) -> dict[str, float]:
        """Return this process's own levels by the end of their metric's name."""


_LEVELS: Final = {
    "ready": "1 when this process should be sent work.",
    "quarantined": "1 when the database was put back and nothing in it is believed.",
    "replicas": "Processes that serve this deployment.",
    "pool_in_use": "Reading connections in use.",
    "pool_size": "Reading connections there may be.",
    "writer_waiting": "Use-cases that wait to be written.",
    "clock_lead_seconds": "How far this process's time is ahead of the clock that it follows.",
}


class _Asked(Collector):
    """Asks when it is scraped; a store that does not answer leaves its part out and says so."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """Yield every level of this process and, if it answers, of its store."""
        levels = self._gauges.levels()
        for name, text in _LEVELS.items():
            yield GaugeMetricFamily(f"daypass_{name}", text, value=levels[name])
        yield CounterMetricFamily(
            "daypass_lost_races", "Groups of writes that were run again.", value=levels["lost_races"]
        )
        try:
            signals = self._gauges.signals()
        except Unavailable:
            yield GaugeMetricFamily("daypass_store_up", "1 when the store answers.", value=0)
            return
        yield GaugeMetricFamily("daypass_store_up", "1 when the store answers.", value=1)
        yield GaugeMetricFamily("daypass_audit_entries", "Entries in all audit chains.", value=signals.audit_entries)
        yield from self._backlogs(signals)

    def _backlogs(self, signals: Signals) -> Iterator[Metric]:
        counts = GaugeMetricFamily("daypass_backlog", "Rows that wait, counted up to 10,000.", labels=["of"])
        ages = GaugeMetricFamily("daypass_backlog_oldest_seconds", "Age of the row that waited longest.", labels=["of"])
        named: dict[str, Backlog] = {
            "requests_due": signals.due_requests,
            "grants_due": signals.due_grants,
            "grants_stuck": signals.stuck_grants,
            "ends_unannounced": signals.unannounced_ends,
            "errands_due": signals.due_errands,
            "errands_parked": signals.parked_errands,
        }
        now = self._gauges.now()
        for name, backlog in named.items():
            counts.add_metric([name], backlog.count)
            ages.add_metric([name], (now - backlog.oldest).total_seconds() if backlog.oldest else 0)
        yield counts
        yield ages


class Metrics:
    """The listener for Prometheus, between `start` and `stop`."""

    def __init__(self, gauges: Gauges, host: str, port: int) -> None:
        self._collector = _Asked(gauges)
        self._where = (host, port)
        self._server: Any = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_port)

    def start(self) -> None:
        """Listen."""
        REGISTRY.register(self._collector)
        host, port = self._where
        self._server, _ = start_http_server(port, host, REGISTRY)
        _log.info("metrics.start", address=f"http://{host}:{self.port}/metrics")

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        REGISTRY.unregister(self._collector)
