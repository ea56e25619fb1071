"""What a malformed document is told, to the letter: the place, what is wrong there, and what is accepted."""

import json
from pathlib import Path
from typing import Any

import pytest

from workflows.errors import MalformedPolicy
from workflows.policy.document import PolicyKind, parse_policy

_CASES = json.loads((Path(__file__).parents[2] / "corpus" / "refusals" / "documents.json").read_text("utf-8"))


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["message"][:60])
def test_a_refusal_names_the_place_the_fault_and_what_is_accepted(case: dict[str, Any]) -> None:
    with pytest.raises(MalformedPolicy) as refusal:
        parse_policy(case["text"], kind=PolicyKind(case["kind"]))
    assert str(refusal.value) == case["message"]
