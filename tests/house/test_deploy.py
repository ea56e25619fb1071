"""What stands in deploy/ agrees with the code; `deploy/check` runs each file through its own validator."""

import json
import re
from importlib.metadata import requires
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from packaging.requirements import Requirement
from staging.clocks import NOON

from service.db.signals import Backlog, Signals
from service.observe import metrics
from service.settings import Settings, example

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
_SETTINGS: Final = {f"DAYPASS_{name.upper()}" for name in Settings.model_fields}


class Quiet:
    """Gauges of a process with nothing to do."""

    def now(self) -> Any:
        return NOON

    def signals(self) -> Signals:
        nothing = Backlog(0, None)
        return Signals(nothing, nothing, nothing, nothing, nothing, nothing, 0)

    def levels(self) -> dict[str, float]:
        return dict.fromkeys([*metrics._LEVELS, "lost_races"], 0.0)


def exported() -> set[str]:
    """The name of every sample that a process can show."""
    names = set()
    for family in [*metrics.REGISTRY.collect(), *metrics._Asked(Quiet()).collect()]:
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        names |= {family.name + suffix for suffix in suffixes}
    return names


def test_the_dashboard_and_the_alert_rules_name_only_metrics_that_are_there() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "daypass.json").read_text(encoding="utf-8"))
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    named = {name for expression in asked for name in re.findall(r"daypass_\w+", expression)}
    assert named <= exported()


def test_every_metric_is_on_the_dashboard() -> None:
    shown = (DEPLOY / "grafana" / "daypass.json").read_text(encoding="utf-8")
    stems = {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in exported() if not name.endswith("_created")}
    assert {stem for stem in stems if stem not in shown} == set()


def test_every_alert_says_how_urgent_it_is_and_what_is_the_matter() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("page", "ticket")
            assert rule["annotations"]["summary"]


def test_the_example_configuration_lists_every_setting_with_its_default() -> None:
    assert (DEPLOY / "daypass.env.example").read_text(encoding="utf-8") == example()


@pytest.mark.parametrize("name", ["compose.yaml", "kubernetes/base/configuration.yaml"])
def test_the_deployments_set_only_what_is_a_setting(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    set_there = set(re.findall(r"^\s*(DAYPASS_[A-Z_]+):", text, flags=re.MULTILINE))
    assert set_there
    assert set_there <= _SETTINGS


@pytest.mark.parametrize("name", ["compose.yaml", "Containerfile"])
def test_every_image_is_named_with_its_version(name: str) -> None:
    images = re.findall(r"(?:image:|ARG PYTHON=)\s*(\S+)", (DEPLOY / name).read_text(encoding="utf-8"))
    assert images
    assert [image for image in images if not re.search(r":\d+\.\d+", image)] == []


def test_the_constraints_hold_every_dependency_at_a_version_that_we_accept_with_its_hashes() -> None:
    text = (DEPLOY / "constraints.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)", text, flags=re.MULTILINE))
    needed = [Requirement(one) for one in requires("daypass") or []]
    for one in (one for one in needed if "extra" not in str(one.marker or "")):
        assert pinned[one.name.lower()] in one.specifier, one
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in entry, entry
