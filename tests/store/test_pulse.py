"""Processes of one deployment know of one another, of its time, and of its standing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL
from staging.clocks import OffsetClock
from staging.databases import postgres_database, text_of
from staging.houses import OPERATOR, house_in
from staging.polling import until

from service.clock import SystemClock
from service.house import House
from service.jobs.pulse import Pulse
from workflows import quarantine


@pytest.fixture
def database() -> Iterator[URL]:
    """A PostgreSQL database with the newest schema."""
    with postgres_database() as url:
        yield url


@pytest.fixture
def clock() -> OffsetClock:
    """The one time of both."""
    return OffsetClock()


@pytest.fixture
def houses(database: URL, tmp_path: Path, clock: OffsetClock) -> Iterator[list[House]]:
    """One deployment, opened twice, each with a memory of its own."""
    opened = [
        house_in(tmp_path, clock, database_url=text_of(database), epoch_file=tmp_path / f"epoch-{number}")
        for number in range(2)
    ]
    yield opened
    for house in opened:
        house.close()


def test_processes_that_serve_count_one_another_until_they_leave_or_fall_silent(
    houses: list[House], clock: OffsetClock
) -> None:
    first, second = (Pulse(house, None) for house in houses)
    first.beat()
    second.beat()
    first.beat()
    assert first.standing.replicas == 2
    second._farewell()
    first.beat()
    assert first.standing.replicas == 1
    third = Pulse(houses[1], None)
    third.beat()
    first.beat()
    assert first.standing.replicas == 2
    clock.advance(seconds=16)
    first.beat()
    assert first.standing.replicas == 1, "whoever was not seen for so long is gone"


def test_quarantine_that_one_process_enters_the_others_enter_too(houses: list[House]) -> None:
    pulse = Pulse(houses[1], None)
    pulse.start()
    quarantine.enter(houses[0].ports, OPERATOR, "restored")
    until(lambda: pulse.standing.quarantined)
    quarantine.leave(houses[0].ports, OPERATOR)
    until(lambda: not pulse.standing.quarantined)
    pulse.stop()


def test_on_a_server_the_time_is_the_servers(database: URL, tmp_path: Path) -> None:
    house = house_in(tmp_path, database_url=text_of(database))
    assert house.time is not None
    clock = house.ports.clock
    assert isinstance(clock, SystemClock)
    assert abs((house.store.database_time() - clock.now()).total_seconds()) < 1
    house.close()
