"""The deployment itself: one row that ties a database to its master key, and one for each process that serves."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Deployment:
    """`key_check` is made with the master key, so that a database never runs under another one.

    `authority` counts every change that can take authority away or add it; caches compare it. `high_water` is the
    latest time that was ever acted upon: a clock that steps back cannot bring anything to life again. `epoch` counts
    restores; while `quarantined_at` is set, this is the past put back, and nothing in it is believed.
    """

    id: str
    key_check: str
    authority: int
    high_water: datetime
    created_at: datetime
    epoch: int = 0
    quarantined_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Replica:
    """One process that serves this deployment, and when it was last known to be well."""

    id: str
    host: str
    version: str
    started_at: datetime
    seen_at: datetime
