"""A live server whose clock stands at the present instant, so that deadlines can be met exactly, and its people."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from staging.clocks import StillClock
from staging.houses import settle_people
from staging.servers import serving
from staging.wires import Cast


@pytest.fixture
def still() -> StillClock:
    """The server's clock; clients sign with the machine's, which is close enough until a test moves this one far."""
    return StillClock(datetime.now(UTC))  # noqa: TID251  real clients sign with the machine's clock


@pytest.fixture
def cast(tmp_path: Path, still: StillClock) -> Iterator[Cast]:
    """Everybody, with clients of a live server that does nothing by itself."""
    with serving(tmp_path, still, scheduler=False) as live:
        yield Cast(live, settle_people(live.ports))
