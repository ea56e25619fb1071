"""Fixtures for resources: folders, clocks, open houses, live servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from staging.clocks import OffsetClock, StillClock
from staging.houses import People, house_in, settle_people
from staging.servers import LiveServer, serving

from service.house import House

settings.register_profile(
    "daypass",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("daypass")


@pytest.fixture
def clock() -> StillClock:
    """A clock that stands at noon until it is moved."""
    return StillClock()


@pytest.fixture
def house(tmp_path: Path, clock: StillClock) -> Iterator[House]:
    """An open house on a fresh database, under the still clock."""
    opened = house_in(tmp_path, clock)
    yield opened
    opened.close()


@pytest.fixture
def people(house: House) -> People:
    """Everybody, settled in the house."""
    return settle_people(house.ports)


@pytest.fixture
def live_clock() -> OffsetClock:
    """The clock of the live server: the machine's, plus what the test moves it by."""
    return OffsetClock()


@pytest.fixture
def live(tmp_path: Path, live_clock: OffsetClock) -> Iterator[LiveServer]:
    """A live server on a fresh database."""
    with serving(tmp_path, live_clock) as server:
        yield server


@pytest.fixture
def live_people(live: LiveServer) -> People:
    """Everybody, settled in the live server's house."""
    return settle_people(live.ports)
