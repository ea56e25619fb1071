"""Time never runs backwards, never stands still, and whoever sets a clock brings nothing back to life."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from staging.clocks import NOON, StillClock

from service.clock import DatabaseTime, SystemClock


class Staged:
    """A wall clock that can be set and a steady one that cannot."""

    def __init__(self) -> None:
        self.wall, self.steady = NOON, 100.0

    def clock(self, floor: datetime = NOON - timedelta(days=1)) -> SystemClock:
        return SystemClock(floor, lambda: self.wall, lambda: self.steady)

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.steady += seconds


def test_a_clock_that_is_set_back_goes_on_from_where_it_was() -> None:
    staged = Staged()
    clock = staged.clock()
    assert clock.now() == NOON
    staged.wall -= timedelta(days=365)
    assert clock.now() == NOON
    staged.passes(60)
    assert clock.now() == NOON + timedelta(seconds=60)
    assert clock.lead == timedelta(days=365)


def test_a_clock_that_is_set_forward_is_followed_at_once_and_the_way_back_is_not() -> None:
    staged = Staged()
    clock = staged.clock()
    staged.wall += timedelta(hours=13)
    assert clock.now() == NOON + timedelta(hours=13)
    staged.wall -= timedelta(hours=13)
    staged.passes(5)
    assert clock.now() == NOON + timedelta(hours=13, seconds=5)


def test_a_small_correction_is_waited_for_and_nothing_runs_backwards() -> None:
    staged = Staged()
    clock = staged.clock()
    clock.now()
    staged.wall -= timedelta(milliseconds=400)
    assert clock.now() == NOON
    staged.passes(1)
    assert clock.now() == NOON + timedelta(milliseconds=600)


def test_a_process_that_starts_with_a_clock_in_the_past_counts_on_from_what_was_acted_upon() -> None:
    staged = Staged()
    clock = staged.clock(floor=NOON + timedelta(days=30))
    staged.passes(60)
    assert clock.now() == NOON + timedelta(days=30, seconds=60)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e4)), max_size=20))
def test_whatever_is_done_to_the_wall_clock_time_moves_forward_at_least_as_fast_as_it_passes(
    steps: list[tuple[float, float]],
) -> None:
    staged = Staged()
    clock = staged.clock()
    began, passed = clock.now(), 0.0
    for jump, seconds in steps:
        staged.wall += timedelta(seconds=jump)
        staged.passes(seconds)
        passed += seconds
        before = clock.now()
        assert clock.now() >= before
    # Corrections of less than a second each are followed both ways.
    assert clock.now() >= began + timedelta(seconds=passed - len(steps) - 1)


def test_the_servers_time_goes_on_between_two_looks_at_it() -> None:
    server, steady = StillClock(), [10.0]
    told = DatabaseTime(server.now, lambda: steady[0])
    steady[0] += 2
    assert told() == NOON + timedelta(seconds=2)
    server.advance(seconds=5)
    told.look()
    assert told() == NOON + timedelta(seconds=5)
