"""Replicas are killed, frozen and cut off from their database, which is restarted; what was told stays true."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest
from staging.clocks import SeededEntropy
from staging.houses import OPERATOR
from staging.polling import until
from staging.processes import serving_process
from staging.replicas import Cluster, Traders, asks, cluster, revocation_lags
from staging.wires import minted

from workflows import credentialing, onboarding
from workflows.records.account import PrincipalKind

MORE: Final = 25
_PAUSE: Final = threading.Event()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Cluster, ExitStack]]:
    """Two replicas on a server that keeps its promises about the disk."""
    with cluster(tmp_path, 2, durable=True) as made:
        yield made


def kill(made: Cluster, stack: ExitStack) -> None:
    made.start_again(stack, 0)


def restart_the_database(made: Cluster, _stack: ExitStack) -> None:
    made.server.stop(signal.SIGQUIT)
    made.server.start()


def cut(made: Cluster, _stack: ExitStack) -> None:
    for _ in range(5):
        made.proxy.cut()
        _PAUSE.wait(0.05)


def half_close(made: Cluster, _stack: ExitStack) -> None:
    made.proxy.half_close()


def slow_down(made: Cluster, _stack: ExitStack) -> None:
    made.proxy.delay = 0.02
    _PAUSE.wait(1)
    made.proxy.delay = 0.0


def freeze(made: Cluster, _stack: ExitStack) -> None:
    made.replicas[0].signal(signal.SIGSTOP)
    _PAUSE.wait(4)  # longer than the server lets a transaction stand idle
    made.replicas[0].signal(signal.SIGCONT)


@pytest.mark.parametrize("harm", [kill, restart_the_database, cut, half_close, slow_down, freeze])
def test_nothing_that_was_acknowledged_is_lost_and_nothing_is_lent_twice(
    running: tuple[Cluster, ExitStack], harm: Callable[[Cluster, ExitStack], None]
) -> None:
    made, stack = running
    with Traders(made) as traders:
        traders.wait_for_more(MORE)
        harm(made, stack)
        traders.wait_for_more(MORE)
    traders.check()


# --- what one replica did, the others know ------------------------------------------------------------------


def test_what_one_replica_revoked_the_others_refuse_within_a_second(running: tuple[Cluster, ExitStack]) -> None:
    made, _ = running
    assert max(revocation_lags(made, 10)) <= 1.0


def test_a_revocation_is_seen_within_a_second_even_by_a_replica_that_hears_nothing(
    running: tuple[Cluster, ExitStack],
) -> None:
    made, _ = running
    # The bell of a database that is cut off from its listeners: what was said meanwhile is found by looking.
    made.proxy.cut()
    until(lambda: httpx.get(f"{made.replicas[1].origin}/health/ready", trust_env=False).is_success)
    assert max(revocation_lags(made, 3)) <= 1.0


def test_a_replica_that_cannot_look_answers_no_and_is_not_ready(running: tuple[Cluster, ExitStack]) -> None:
    made, _ = running
    ports = made.house.ports
    server = onboarding.create_housed_principal(ports, OPERATOR, kind=PrincipalKind.RESOURCE_SERVER, name="store")
    guard = credentialing.create_api_token(ports, OPERATOR, server.arn, scopes=("decide",)).token
    lent = minted(ports, made.people, "wf-00001")
    assert asks(made.replicas[0], guard, lent.access_key_id)
    made.server.stop(signal.SIGQUIT)
    headers = {"authorization": f"Bearer {guard}"}

    def refuses() -> bool:
        answer = httpx.post(
            f"{made.replicas[0].origin}/access/v1/evaluation", json={}, headers=headers, trust_env=False, timeout=20
        )
        return answer.status_code == 503

    until(refuses)
    told = httpx.get(f"{made.replicas[0].origin}/health/ready", trust_env=False, timeout=20)
    assert told.status_code == 503
    assert told.json()["reasons"]
    assert httpx.get(f"{made.replicas[0].origin}/health/live", trust_env=False).is_success
    made.server.start()
    until(lambda: httpx.get(f"{made.replicas[0].origin}/health/ready", trust_env=False, timeout=20).is_success)
    assert asks(made.replicas[0], guard, lent.access_key_id)


def test_a_replica_that_is_asked_to_stop_says_so_before_it_does(tmp_path: Path) -> None:
    with cluster(tmp_path, 1) as (made, stack):
        made.replicas[0].kill()
        settings = {**made.settings(9), "drain_seconds": "3"}
        draining = stack.enter_context(serving_process(tmp_path, tmp_path / "drain.log", **settings))
        draining.signal(signal.SIGTERM)
        until(lambda: httpx.get(f"{draining.origin}/health/ready", trust_env=False).status_code == 503)
        told = httpx.get(f"{draining.origin}/health/ready", trust_env=False)
        assert told.json()["reasons"] == ["shutting down"]
        assert httpx.get(f"{draining.origin}/health/live", trust_env=False).is_success
        assert draining.stop() == 0


# --- for longer ---------------------------------------------------------------------------------------------


_moments: Final = SeededEntropy("moments")


def kill_any(made: Cluster, stack: ExitStack) -> None:
    """Kill either replica, at any moment of what it does."""
    which, moment = _moments.token_bytes(2)
    _PAUSE.wait(moment / 1000)
    made.start_again(stack, which % len(made.replicas))


@pytest.mark.soak
@pytest.mark.parametrize(("harm", "rounds"), [(kill_any, 1000), (restart_the_database, 200)])
def test_for_longer_nothing_that_was_acknowledged_is_lost_and_nothing_is_lent_twice(
    running: tuple[Cluster, ExitStack],
    harm: Callable[[Cluster, ExitStack], None],
    rounds: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    made, stack = running
    with Traders(made) as traders:
        for _ in range(rounds):
            harm(made, stack)
            traders.wait_for_more(3)
    traders.check()
    with capfd.disabled():
        print(f"\n{harm.__name__}, {rounds} times: {traders.counts()}")  # noqa: T201  what such a run is for


@pytest.mark.soak
def test_for_longer_what_one_replica_revoked_the_others_refuse_within_a_second(tmp_path: Path) -> None:
    with cluster(tmp_path, 3) as (made, _):
        lags = revocation_lags(made, 1000)
    assert lags[int(len(lags) * 0.99)] <= 1.0
