"""Every case of the policy corpus: documents, a request, and the answer that the documentation calls for."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reference.naive_iam import decide

from workflows.policy.cases import answer_line

_CORPUS = Path(__file__).parents[2] / "corpus" / "policy"
_ABOUT_THE_CASE = {"name", "source", "expected", "error"}


def _read() -> Iterator[tuple[str, int, Any]]:
    for path in sorted(_CORPUS.glob("*.json")):
        for number, case in enumerate(json.loads(path.read_text("ascii")), 1):
            yield path.stem, number, case


_ALL = list(_read())
_DECIDED = [pytest.param(case, id=f"{case['id']}: {case['name']}") for _, _, case in _ALL if "expected" in case]
_REFUSED = [pytest.param(case, id=f"{case['id']}: {case['name']}") for _, _, case in _ALL if "error" in case]


def _line(case: dict[str, Any]) -> str:
    """The case as a line of a case file; a case about the text of a line brings that line along."""
    if "line" in case:
        return str(case["line"])
    return json.dumps({member: value for member, value in case.items() if member not in _ABOUT_THE_CASE})


def _is_as_documented(case: dict[str, Any], answer: dict[str, Any]) -> bool:
    if "error" in case:
        return set(answer) == {"id", "error"} and case["error"] in answer["error"]
    return (answer["id"], answer.get("decision")) == (case["id"], case["expected"])


@pytest.mark.parametrize("case", _DECIDED)
def test_the_documented_answer_is_given_by_the_engine_and_by_the_naive_evaluator(case: dict[str, Any]) -> None:
    answer = answer_line(_line(case))
    assert (answer.get("decision", answer), decide(case)) == (case["expected"], case["expected"])


@pytest.mark.parametrize("case", _REFUSED)
def test_what_cannot_be_asked_is_refused_where_it_is_wrong(case: dict[str, Any]) -> None:
    answer = answer_line(_line(case))
    assert _is_as_documented(case, answer), answer


def test_the_command_line_gives_every_answer_in_order() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "service.cli", "policy", "evaluate", "--cases", "-"],
        input="".join(_line(case) + "\n" for _, _, case in _ALL).encode("ascii"),
        capture_output=True,
        check=True,
    )
    answers = [json.loads(line) for line in asked.stdout.splitlines()]
    pairs = [(case, answer) for (_, _, case), answer in zip(_ALL, answers, strict=True)]
    assert [(case["id"], answer) for case, answer in pairs if not _is_as_documented(case, answer)] == []


def test_the_corpus_is_large_and_says_where_each_case_comes_from() -> None:
    cases = [case for _, _, case in _ALL]
    assert len(cases) >= 400
    assert all(case["source"] and case["name"] for case in cases)
    assert len({case["name"] for case in cases}) == len(cases)
    assert [case["id"] for case in cases] == [f"{stem}-{number}" for stem, number, _ in _ALL]
    assert all(("expected" in case) != ("error" in case) for case in cases)
