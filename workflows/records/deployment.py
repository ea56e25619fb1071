"""The deployment itself: one row that ties a database to its master key."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Deployment:
    """`key_check` is made with the master key, so that a database never runs under another one.

    `authority` counts every change that can take authority away or add it; caches compare it. `high_water` is the
    latest time that was ever acted upon: a clock that steps back cannot bring anything to life again.
    """

    id: str
    key_check: str
    authority: int
    high_water: datetime
    created_at: datetime
