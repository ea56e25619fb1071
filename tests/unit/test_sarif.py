"""The SARIF log: what section 3 of the standard demands of it, and what a message cannot do."""

from pathlib import PurePosixPath
from typing import Any

import pytest

from service.cli.sarif import Annotation, Level, Region, Rule, sarif_log

RULES = (
    Rule("UNUSED", Level.NOTE, "nobody raised it"),
    Rule("BAD_EFFECT", Level.ERROR, "an effect that is none", "Write Allow or Deny.", "https://example.com/effects"),
)
REGION = Region(3, 5, 3, 12)


def run_of(*annotations: Annotation) -> dict[str, Any]:
    log: dict[str, Any] = sarif_log(RULES, annotations)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run: dict[str, Any] = log["runs"][0]
    return run


def test_a_result_names_its_rule_by_id_and_place_and_its_lines_and_columns() -> None:
    run = run_of(Annotation("BAD_EFFECT", Level.ERROR, "not an effect", PurePosixPath("a b/p.json"), REGION))
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule == {
        "id": "BAD_EFFECT",
        "shortDescription": {"text": "an effect that is none"},
        "defaultConfiguration": {"level": "error"},
        "help": {"text": "Write Allow or Deny."},
        "helpUri": "https://example.com/effects",
    }
    (result,) = run["results"]
    assert result == {
        "ruleId": "BAD_EFFECT",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "not an effect"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "a%20b/p.json"},
                    "region": {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 12},
                }
            }
        ],
    }
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["tool"]["driver"]["name"] == "daypass"


def test_a_result_without_a_region_is_about_its_file_and_a_run_without_results_is_whole() -> None:
    run = run_of(Annotation("BAD_EFFECT", Level.ERROR, "none", PurePosixPath("/srv/p.json")))
    (location,) = run["results"][0]["locations"]
    assert location == {"physicalLocation": {"artifactLocation": {"uri": "file:///srv/p.json"}}}
    empty = run_of()
    assert (empty["results"], empty["tool"]["driver"]["rules"]) == ([], [])


def test_a_message_draws_no_link_and_moves_no_cursor() -> None:
    annotation = Annotation("BAD_EFFECT", Level.ERROR, "[click](https://evil)\x1b[2J", PurePosixPath("p.json"))
    assert run_of(annotation)["results"][0]["message"] == {"text": "[click] (https://evil)?[2J"}


def test_a_rule_that_is_not_described_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        run_of(Annotation("OTHER", Level.NOTE, "?", PurePosixPath("p.json")))
