"""Fixtures for resources: folders, clocks, open houses, live servers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from staging.clocks import OffsetClock, StillClock
from staging.houses import People, house_in, settle_people
from staging.servers import LiveServer, serving

from service.house import House


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI that skipped anything: what was not run proves nothing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CI"):
        return
    if skipped := len(reporter.stats.get("skipped", [])):
        reporter.write_line(f"{skipped} skipped; in CI a skipped test is a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


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
