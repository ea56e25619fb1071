"""What the README shows works as it is shown."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from staging.servers import LiveServer

from service.cli.demo_world import ACCOUNT, World, found_world
from service.cli.main import main
from workflows.credentialing import NewKey

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")


def snippet(name: str) -> str:
    found = re.search(rf"```python {name}\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def world(live: LiveServer) -> World:
    return found_world(live.house)


def run(name: str, live: LiveServer, key: NewKey, monkeypatch: pytest.MonkeyPatch, **given: str) -> dict[str, Any]:
    """Run a snippet as somebody would who pasted it: the key in the environment, the address adapted."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key.secret_access_key)
    # Each reader has a process of its own; boto3 keeps the first one's keys in its default session.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    variables: dict[str, Any] = {"iam": None, **given}
    exec(snippet(name).replace("http://127.0.0.1:8470", live.origin), variables)  # noqa: S102  our own README
    variables["iam"].close()
    return variables


def test_the_partner_s_and_the_owner_s_snippets_work_against_the_demonstration_s_world(
    live: LiveServer,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    created = run("partner", live, world.partner_key, monkeypatch)["created"]
    request_id = created["DelegationRequestId"]
    assert capsys.readouterr().out.strip() == f"{live.origin}/d/{request_id}"
    shown = run("owner", live, world.owner_key, monkeypatch, request_id=request_id)["shown"]
    assert shown["DelegationRequest"]["OwnerAccountId"] == ACCOUNT


def test_every_command_the_readme_names_exists() -> None:
    named = set(re.findall(r"^(?:uv run )?daypass ([a-z-]+)", README, re.MULTILINE))
    context = main.make_context("daypass", [], resilient_parsing=True)
    assert named <= set(main.list_commands(context))


def test_the_gate_runs_the_readme_s_own_test_command() -> None:
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "uv run pytest" in README
    assert re.search(r"^uv run pytest$", gate, re.MULTILINE)


def test_the_two_packages_and_nothing_else_are_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["service", "workflows"]
    assert project["project"]["name"] == "daypass"
