"""What a review finds: how grave, where, and the calls by which it can be used."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from workflows.policy.request import Request


class Severity(StrEnum):
    """How grave a finding is, the gravest first; only what is not critical can be accepted."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


_STATEMENT: Final = re.compile(r"\$\.Statement\[([0-9]+)\]")
GRAVITY: Final[Mapping[Severity, int]] = {severity: at for at, severity in enumerate(Severity)}

_FEW: Final = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One call of an attack, allowed by a statement (its index) once the parameters have these values.

    Without values it is allowed by what different values would make of the template, as far as they were tried.
    """

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

    @property
    def place(self) -> int | None:
        """The statement's place in its document, counted from nought; None where the whole document is meant."""
        found = _STATEMENT.fullmatch(self.path)
        return int(found[1]) if found else None


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings, the gravest first, then by document and place; those of one rule and place are one."""
    gathered: dict[tuple[str, str, str], list[Finding]] = {}
    for one in findings:
        gathered.setdefault((one.rule, one.artefact, one.path), []).append(one)
    merged = (_merged(same) for same in gathered.values())
    return tuple(sorted(merged, key=lambda one: (GRAVITY[one.severity], one.artefact, one.path, one.rule)))


def _merged(same: Sequence[Finding]) -> Finding:
    first, *others = sorted(same, key=lambda one: GRAVITY[one.severity])
    more = [action for one in others for action in one.actions if action not in first.actions]
    if not more:
        return first
    actions = tuple(dict.fromkeys(more))
    several = f" and {len(actions) - _FEW} more" if len(actions) > _FEW else ""
    steps = tuple(step for one in others for step in one.attack if set(one.actions) & set(actions))
    return replace(
        first,
        message=f"{first.message}; likewise {', '.join(actions[:_FEW])}{several}",
        actions=(*first.actions, *actions),
        attack=(*first.attack, *steps),
    )
