"""What deploy/compose.yaml starts, started without containers: same commands, same environment, one proxy in front."""

import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from staging.databases import Server, execute, named, text_of
from staging.houses import house_in
from staging.processes import free_port, run_command, serving_process
from staging.proxies import Proxy

from service.cli.demo_story import Story
from service.cli.demo_world import found_world
from service.house import House
from workflows.ports import Writing
from workflows.records.grant import Grant, GrantState

COMPOSE: Final = Path(__file__).parents[2] / "deploy" / "compose.yaml"
# How long a change in one replica may stay unknown to another.
_PROMISED: Final = 1.0
_PAUSE: Final = threading.Event()


class PatientStory(Story):
    """The story of the demonstration; between two replicas, what was revoked is refused within the promised second."""

    def _revoke(self, request_id: str) -> None:
        super()._revoke(request_id)
        _PAUSE.wait(_PROMISED)


def environment_of(service: dict[str, Any], **instead: str) -> dict[str, str]:
    """A service's settings as compose has them, with addresses and files of this machine instead of the containers'."""
    given = {name.removeprefix("DAYPASS_").lower(): str(value) for name, value in service["environment"].items()}
    assert instead.keys() <= given.keys()
    return {**given, **instead}


def end_everything(house: House) -> None:
    """Move every deadline into the past: the machine's clock cannot be moved for other processes."""

    def work(tx: Writing) -> None:
        for grant in tx.find(Grant, state=GrantState.LIVE):
            tx.swap(grant, replace(grant, deadline=house.ports.clock.now() - timedelta(seconds=1)))
        tx.authority_changed()

    house.store.write(work)
    _PAUSE.wait(_PROMISED)


def test_the_story_passes_against_the_processes_of_the_compose_file_through_the_proxy(tmp_path: Path) -> None:
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    replicas = [name for name, service in services.items() if service.get("command") == ["serve"]]
    assert len(replicas) == 2
    with ExitStack() as stack:
        server = Server(port=free_port())
        stack.callback(server.close)
        execute(server.dsn, "CREATE DATABASE daypass")
        proxy = stack.enter_context(Proxy())
        here = {
            "database_url": text_of(named(server.dsn, "daypass")),
            "master_key_file": str(tmp_path / "daypass.key"),
            "base_url": proxy.origin,
            "metrics_host": "127.0.0.1",
            "metrics_port": "0",
            "drain_seconds": "1",
        }
        migrate = services["migrate"]
        own = environment_of(migrate, **here, epoch_file=str(tmp_path / "epoch"))
        done = run_command(tmp_path, *migrate["command"], **own)
        assert done.returncode == 0, done.stderr
        house = house_in(tmp_path, database_url=here["database_url"], base_url=proxy.origin)
        stack.callback(house.close)
        world = found_world(house)
        started = []
        for name in replicas:
            own = environment_of(services[name], **here, epoch_file=str(tmp_path / f"{name}.epoch"))
            started.append(stack.enter_context(serving_process(tmp_path, tmp_path / f"{name}.log", **own)))
        proxy.targets = [("127.0.0.1", httpx.URL(one.origin).port or 0) for one in started]
        told: list[str] = []
        PatientStory(proxy.origin, world, lambda _seconds: end_everything(house), told.append).play()
        assert any("after revocation" in line for line in told)
        assert [one.stop() for one in started] == [0, 0]
