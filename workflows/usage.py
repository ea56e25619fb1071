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
from workflows.records.role import Usage, UsedResource

MOST_ACTIONS: Final = 200
"""How many different actions of one principal are told apart on one day; the rest is counted together."""

OTHERS: Final = "*"
MOST_RESOURCES: Final = 30
"""On how many resources one action of what was lent is told apart; the rest is counted as every resource."""

_LONGEST_RESOURCE: Final = 512


@dataclass(frozen=True, slots=True)
class Used:
    """How often an action was used since, and when last."""

    action: str
    count: int
    last_at: datetime


def record(ports: Ports, batch: Sequence[Usage], places: Sequence[UsedResource] = ()) -> None:
    """Add counted uses, and on what they were, to what is stored, in one transaction."""
    if not batch and not places:
        return

    def work(tx: Writing) -> None:
        _record_places(tx, places)
        for (principal_id, day), uses in _by_day(batch).items():
            known = {one.action: one for one in tx.find(Usage, principal_id=principal_id, day=day)}
            for use in uses:
                fits = use.action in known or len(known) < MOST_ACTIONS
                action = use.action if fits else OTHERS
                known[action] = _added(known.get(action), replace(use, action=action))
                tx.put(known[action])

    ports.store.write(work)


def _record_places(tx: Writing, places: Sequence[UsedResource]) -> None:
    known: dict[tuple[PrincipalId, str], dict[str, UsedResource]] = {}
    for place in places:
        key = (place.principal_id, place.action)
        if key not in known:
            found = tx.find(UsedResource, principal_id=place.principal_id, action=place.action)
            known[key] = {one.resource: one for one in found}
        kept = known[key]
        fits = place.resource in kept or (len(kept) < MOST_RESOURCES and len(place.resource) <= _LONGEST_RESOURCE)
        resource = place.resource if fits else OTHERS
        before = kept.get(resource)
        kept[resource] = UsedResource(
            place.principal_id,
            place.action,
            resource,
            place.count + (before.count if before else 0),
            max(place.last_at, before.last_at) if before else place.last_at,
        )
        tx.put(kept[resource])


def places_of(tx: Reading, *principal_ids: str) -> Mapping[str, Sequence[UsedResource]]:
    """Return on what roles or grants (by their ids) used their actions, by action in lower case."""
    found: dict[str, list[UsedResource]] = {}
    for one in tx.find(UsedResource, principal_id=frozenset(principal_ids)):
        found.setdefault(fold(one.action), []).append(one)
    return found


def _by_day(batch: Iterable[Usage]) -> Mapping[tuple[PrincipalId, str], list[Usage]]:
    grouped: dict[tuple[PrincipalId, str], list[Usage]] = {}
    for use in batch:
        grouped.setdefault((use.principal_id, use.day), []).append(use)
    return grouped


def _added(before: Usage | None, use: Usage) -> Usage:
    if before is None:
        return use
    return replace(before, count=before.count + use.count, last_at=max(before.last_at, use.last_at))


def used_by(tx: Reading, *principal_ids: str) -> Mapping[str, Used]:
    """Return what these principals used together, by action in lower case; spellings of one action count together."""
    found: dict[str, Used] = {}
    for one in tx.find(Usage, principal_id=frozenset(principal_ids)):
        before = found.get(fold(one.action))
        count = one.count + (before.count if before else 0)
        last = max(one.last_at, before.last_at) if before else one.last_at
        found[fold(one.action)] = Used(one.action, count, last)
    return found


def last_used(tx: Reading, principal_id: str) -> datetime | None:
    """Return when a principal last used anything, or None."""
    return max((one.last_at for one in tx.find(Usage, principal_id=principal_id)), default=None)
