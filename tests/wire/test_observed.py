"""What operators see: readiness with reasons, metrics on a listener of their own, traces without anything secret."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from staging.clocks import OffsetClock
from staging.houses import OPERATOR, settle_people, token_for
from staging.polling import until
from staging.processes import free_port
from staging.servers import LiveServer, serving
from staging.wires import arrived

from service.errors import StartError
from service.observe.traces import NoTraces, Traces, tracing
from workflows import quarantine
from workflows.records.request import State

CALLER = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def watched(tmp_path: Path, port: int) -> Iterator[LiveServer]:
    """A live server that shows its metrics."""
    with serving(tmp_path, OffsetClock(), metrics_port=port) as live:
        yield live


def metric(port: int, name: str) -> float:
    """The value of one sample, by its whole name with labels."""
    shown = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", shown, flags=re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_metrics_count_what_was_answered_and_what_waits(watched: LiveServer, port: int) -> None:
    people = settle_people(watched.ports)
    before = metric(port, 'daypass_requests_total{status="401",wire="api"}')
    watched.http().get("/v1/requests")
    assert metric(port, 'daypass_requests_total{status="401",wire="api"}') == before + 1
    assert metric(port, "daypass_ready") == 1
    assert metric(port, "daypass_store_up") == 1
    entries = metric(port, "daypass_audit_entries")
    token_for(watched.ports, people.owner)
    assert metric(port, "daypass_audit_entries") == entries + 1


def test_metrics_are_not_on_the_port_of_the_service(watched: LiveServer) -> None:
    assert b"daypass_requests" not in watched.http().get("/metrics").content


def test_no_label_holds_what_came_from_outside(watched: LiveServer, port: int) -> None:
    watched.http().get("/v1/grants/dg-marker-from-outside")
    watched.http().post("/", content=b"Action=MarkerFromOutside")
    shown = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text.lower()
    assert "marker" not in shown


def test_how_late_a_grant_was_retired_is_measured(watched: LiveServer, port: int) -> None:
    people = settle_people(watched.ports)
    before = metric(port, "daypass_expiry_lag_seconds_count")
    arrived(watched.ports, people, State.FINALIZED, "wf-00001", session_duration=3600)
    watched.ports.clock.advance(hours=2)
    until(lambda: metric(port, "daypass_expiry_lag_seconds_count") > before)


def test_in_quarantine_nothing_is_answered_but_health_and_why(watched: LiveServer) -> None:
    people = settle_people(watched.ports)
    owner = watched.http(token_for(watched.ports, people.owner))
    assert owner.get("/v1/requests").is_success
    quarantine.enter(watched.ports, OPERATOR, "restored")
    until(lambda: owner.get("/health/ready").status_code == 503)
    assert "quarantine" in owner.get("/health/ready").json()["reasons"][0]
    assert owner.get("/health/live").is_success
    for path in ("/v1/requests", "/inbox", "/sign-in", "/"):
        assert owner.get(path).status_code == 503
    assert owner.post("/access/v1/evaluation", json={}).status_code == 503
    refused = owner.post("/", content=b"Action=GetCallerIdentity&Version=2011-06-15")
    assert b"ServiceUnavailable" in refused.content
    quarantine.leave(watched.ports, OPERATOR)
    until(lambda: owner.get("/health/ready").is_success)
    assert owner.get("/v1/requests").status_code == 401, "its token was taken back"


# --- traces -------------------------------------------------------------------------------------------------


def test_a_span_joins_the_callers_trace_and_says_nothing_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = InMemorySpanExporter()
    monkeypatch.setattr("service.app.tracing", lambda _endpoint: Traces(exporter))
    with serving(tmp_path, OffsetClock(), traces_endpoint="http://127.0.0.1:1/v1/traces") as live:
        parent = {"traceparent": f"00-{CALLER}-b7ad6b7169203331-01"}
        live.http("dpa1_marker").get("/welcome/one-time-marker", headers=parent)
    spans = [one for one in exporter.get_finished_spans() if one.name == "pages"]
    (span,) = spans
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == CALLER
    assert span.attributes is not None
    assert set(span.attributes) == {"daypass.wire", "http.request.method", "http.response.status_code"}
    assert "marker" not in span.to_json()


def test_without_an_endpoint_there_are_no_traces_and_a_wrong_one_is_told() -> None:
    assert isinstance(tracing(None), NoTraces)
    with pytest.raises(StartError, match="DAYPASS_TRACES_ENDPOINT"):
        tracing("collector:4318")


def test_traces_that_are_not_installed_are_told_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(StartError, match=r"daypass\[otel\]"):
        tracing("http://127.0.0.1:4318/v1/traces")
