"""What a review finds: how grave, where, and the calls by which it can be used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from workflows.policy.request import Request


class Severity(StrEnum):
    """How grave a finding is, the gravest first; only what is not critical can be accepted."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


GRAVITY: Final[Mapping[Severity, int]] = {severity: at for at, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Step:
    """One call of an attack, allowed by a statement (its index) once the parameters have these values."""

    request: Request
    statement: int
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, under a stable `rule`.

    `artefact` is the document, `path` the place in it and `statement` its Sid or index, both empty where the whole
    document is meant. `actions` are the patterns or actions that the rule is about, for a correction.
    """

    rule: str
    severity: Severity
    artefact: str
    message: str
    path: str = "$"
    statement: str = ""
    attack: tuple[Step, ...] = ()
    actions: tuple[str, ...] = ()


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings without repeats, the gravest first, then by document and place."""
    first: dict[tuple[str, str, str], Finding] = {}
    for one in findings:
        key = (one.rule, one.artefact, one.path)
        if key not in first or GRAVITY[one.severity] < GRAVITY[first[key].severity]:
            first[key] = one
    return tuple(sorted(first.values(), key=lambda one: (GRAVITY[one.severity], one.artefact, one.path, one.rule)))
