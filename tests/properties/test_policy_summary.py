"""Whatever a policy says, its summary is bounded, names every service, and hides no statement silently."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflows.policy.document import PolicyKind, parse_policy
from workflows.summary import MAX_SUMMARY_CHARACTERS, resolve_locale, summarise


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "reference" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


made = _load("policy_documents")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(made.statements(), min_size=1, max_size=64), st.text(max_size=200), st.integers(0, 43_200))
def test_a_summary_is_bounded_and_owns_up_to_what_it_leaves_out(
    statements: list[dict[str, Any]], name: str, seconds: int
) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    given_facts: dict[str, Any] = {
        "partner_name": name,
        "partner_id": "111122223333",
        "account_id": None,
        "duration_seconds": seconds,
        "boundaries": (),
    }
    policy = parse_policy(text, kind=PolicyKind.SESSION)
    in_german = summarise(policy, **given_facts, locale="de")
    assert len(in_german) <= MAX_SUMMARY_CHARACTERS
    if "nicht vollständig" not in in_german:
        assert sum(line.startswith(("- Erlaubt: ", "- Nie ")) for line in in_german.splitlines()) >= len(statements)
    summary = summarise(policy, **given_facts)
    assert len(summary) <= MAX_SUMMARY_CHARACTERS
    assert summary.isascii()
    if "this summary is not complete" not in summary:
        sentences = sum(line.startswith("- It may ") for line in summary.splitlines())
        assert sentences >= len(statements)


@given(st.text())
def test_any_text_is_a_locale_or_is_not(text: str) -> None:
    assert resolve_locale(text) in ("en", "de", None)
