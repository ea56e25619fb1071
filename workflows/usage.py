"""Which actions principals really use: counted per day, kept for a little over a year, and told in reports.

Counting must not slow what is counted: a process gathers in memory and hands over batches. What it had not handed over
when it was killed is lost, so a count can be low; a last use is late by one batch at most.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from workflows.ids import PrincipalId
from workflows.policy.context import fold
from workflows.ports import Ports, Reading, Writing
from workflows.records.role import Usage

MOST_ACTIONS: Final = 200
"""How many different actions of one principal are told apart on one day; the rest is counted together."""

OTHERS: Final = "*"


@dataclass(frozen=True, slots=True)
class Used:
    """How often an action was used since, and when last."""

    action: str
    count: int
    last_at: datetime


def record(ports: Ports, batch: Sequence[Usage]) -> None:
    """Add counted uses to what is stored, in one transaction."""
    if not batch:
        return

    def work(tx: Writing) -> None:
        for (principal_id, day), uses in _by_day(batch).items():
            known = {one.action: one for one in tx.find(Usage, principal_id=principal_id, day=day)}
            for use in uses:
                fits = use.action in known or len(known) < MOST_ACTIONS
                action = use.action if fits else OTHERS
                known[action] = _added(known.get(action), replace(use, action=action))
                tx.put(known[action])

    ports.store.write(work)


def _by_day(batch: Iterable[Usage]) -> Mapping[tuple[PrincipalId, str], list[Usage]]:
    grouped: dict[tuple[PrincipalId, str], list[Usage]] = {}
    for use in batch:
        grouped.setdefault((use.principal_id, use.day), []).append(use)
    return grouped


def _added(before: Usage | None, use: Usage) -> Usage:
    if before is None:
        return use
    return replace(before, count=before.count + use.count, last_at=max(before.last_at, use.last_at))


def used_by(tx: Reading, principal_id: str) -> Mapping[str, Used]:
    """Return what a principal used, by action in lower case; spellings of one action count together."""
    found: dict[str, Used] = {}
    for one in tx.find(Usage, principal_id=principal_id):
        before = found.get(fold(one.action))
        count = one.count + (before.count if before else 0)
        last = max(one.last_at, before.last_at) if before else one.last_at
        found[fold(one.action)] = Used(one.action, count, last)
    return found


def last_used(tx: Reading, principal_id: str) -> datetime | None:
    """Return when a principal last used anything, or None."""
    return max((one.last_at for one in tx.find(Usage, principal_id=principal_id)), default=None)
