"""Traces, for who installed `daypass[otel]`: one span for each request, joined to the caller's by its `traceparent`.

A span says which wire, which method, which status. No path, header or body is in it: paths hold ids and one-time links.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from service.errors import StartError, WrongSetting


class Tracing(Protocol):
    """What makes spans."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Send what is left, and end."""

    def span(self, wire: str, scope: Mapping[str, Any]) -> Any:  # noqa: ANN401  a context manager that yields `ended`
        """Span one request; what it yields takes the status."""


class NoTraces:
    """Spans nothing."""

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    @contextmanager
    def span(self, _wire: str, _scope: Mapping[str, Any]) -> Iterator[None]:
        """Span nothing."""
        yield


class Traces:
    """Spans, sent to a collector in the background; a collector that does not answer holds nobody up."""

    def __init__(self, exporter: Any) -> None:  # noqa: ANN401  the library may not be installed
        from opentelemetry.propagate import extract  # noqa: PLC0415  an optional extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  as above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  as above

        self._extract = extract
        self._provider = TracerProvider(resource=Resource.create({"service.name": "daypass"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("daypass")

    def start(self) -> None:
        """Begin; spans are made as requests come."""

    def stop(self) -> None:
        """Send what is left, and end."""
        self._provider.shutdown()

    @contextmanager
    def span(self, wire: str, scope: Mapping[str, Any]) -> Iterator[Any]:
        """Span one request."""
        given = {name: value for name, value in scope["headers"] if name == b"traceparent"}
        carrier = {"traceparent": given[b"traceparent"].decode("latin-1")} if given else {}
        attributes = {"daypass.wire": wire, "http.request.method": scope["method"]}
        with self._tracer.start_as_current_span(wire, context=self._extract(carrier), attributes=attributes) as span:
            yield span


def tracing(endpoint: str | None) -> Tracing:
    """Return what makes spans: nothing without an endpoint. Raises `StartError` when the extra is not installed."""
    if endpoint is None:
        return NoTraces()
    if not endpoint.startswith(("http://", "https://")):
        raise WrongSetting("DAYPASS_TRACES_ENDPOINT", "is not an address such as http://localhost:4318/v1/traces")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  an optional extra
            OTLPSpanExporter,
        )
    except ImportError:
        raise StartError(
            "DAYPASS_TRACES_ENDPOINT is set, but traces are not installed: pip install daypass[otel]"
        ) from None
    return Traces(OTLPSpanExporter(endpoint=endpoint))
