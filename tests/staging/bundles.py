"""Bundles of partners as data: what is handed in, and exactly what a review finds (rule, severity, statement)."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from workflows.policy.review import BoundaryDocument, Bundle, Document, Finding

FOLDER: Final = Path(__file__).parents[1] / "corpus" / "bundles"
TEMPLATE, BOUNDARY = "permissions.json", "boundary.json"


@cache
def cases() -> Mapping[str, Mapping[str, Any]]:
    """Every case by name."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))}


def _text(document: object) -> str:
    return document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)


def bundle_in(case: Mapping[str, Any]) -> Bundle:
    """The bundle of a case."""
    boundaries: tuple[BoundaryDocument, ...] = ()
    if "boundary" in case:
        boundaries = (BoundaryDocument(BOUNDARY, _text(case["boundary"]), case["boundary_arn"]),)
    return Bundle(
        template=Document(TEMPLATE, _text(case["template"])) if "template" in case else None,
        boundaries=boundaries,
        domain=case["domain"],
        wildcard_safe=frozenset(case.get("wildcard_safe", ())),
        known_boundaries=frozenset(case.get("known_boundaries", ())),
    )


def expected_of(case: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """What a review of the case finds; the document is the template unless it says otherwise."""
    return {tuple(one) if len(one) > 3 else (*one, TEMPLATE) for one in case["expected"]}


def told(findings: tuple[Finding, ...]) -> set[tuple[str, ...]]:
    """Findings as cases write them."""
    return {(one.rule, one.severity.value, one.statement, one.artefact) for one in findings}
