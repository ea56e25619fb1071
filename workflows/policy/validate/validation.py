"""Validate a document: read it, ask every check, and put what they found into the order of the text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from workflows.errors import LimitExceeded
from workflows.policy.catalogue import catalogue
from workflows.policy.document import LONGEST_DOCUMENT, PolicyKind
from workflows.policy.validate import (
    actions,
    addresses,
    arns,
    condition_keys,
    condition_values,
    constants,
    grammar,
    guardrails,
    passing,
    principals,
    redundancy,
    tags,
    trust,
    variables,
)
from workflows.policy.validate.draft import Draft
from workflows.policy.validate.places import Lines, Path, Place, Span
from workflows.policy.validate.rules import Finding, FindingType, Words, asked, error
from workflows.policy.validate.source import NotJson, read_source

MOST_FINDINGS: Final = 1000
CHECKS: Final = (
    grammar,
    actions,
    arns,
    principals,
    trust,
    condition_keys,
    condition_values,
    addresses,
    variables,
    passing,
    tags,
    guardrails,
    constants,
    redundancy,
)
"""The modules whose checks are asked."""

_SYNTAX: Final = error("JSON_SYNTAX_ERROR", "The document is not JSON: {problem}.", "Correct it there.")


@dataclass(frozen=True, slots=True)
class Location:
    """The way to a place from the root, and its characters."""

    path: Path
    span: Span


@dataclass(frozen=True, slots=True)
class Located:
    """A finding with its places as lines and columns."""

    finding: Finding
    locations: tuple[Location, ...]

    @property
    def code(self) -> str:
        """The code of its rule."""
        return self.finding.rule.id

    @property
    def type(self) -> FindingType:
        """How grave it is."""
        return self.finding.rule.type


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found, in the order of the text, and the catalogue that was asked; `is_complete` unless it was cut."""

    findings: Sequence[Located]
    catalogue_version: str
    is_complete: bool = True


def validate(text: str, kind: PolicyKind, resource_type: str | None = None) -> Validation:
    """Return what is wrong with a document, of at most 131,072 characters and a thousand findings. Never raises.

    `resource_type` is the CloudFormation name of what a resource policy is attached to.
    """
    known = catalogue()
    try:
        root = read_source(text, LONGEST_DOCUMENT)
    except NotJson as broken:
        place = Place((), broken.start, broken.end)
        return _answer(text, [_SYNTAX.at(place, problem=Words(broken.problem))], known.version)
    draft = Draft(text, root, kind, resource_type, known)
    return _answer(text, list(islice(_found(asked(draft)), MOST_FINDINGS + 1)), known.version)


def _found(answers: Iterable[Iterable[Finding]]) -> Iterator[Finding]:
    for answer in answers:
        try:
            yield from answer
        except LimitExceeded:
            # What would cost more than one document may is not looked for further.
            continue


def _answer(text: str, found: list[Finding], version: str) -> Validation:
    lines = Lines(text)
    kept = sorted(found[:MOST_FINDINGS], key=_order)
    located = [Located(each, tuple(Location(place.path, lines.span(place)) for place in each.places)) for each in kept]
    return Validation(located, version, is_complete=len(found) <= MOST_FINDINGS)


def _order(finding: Finding) -> tuple[int, int, str]:
    first = finding.places[0]
    return first.start, -first.end, finding.rule.id
