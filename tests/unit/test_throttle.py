"""Together the processes of one deployment allow no more than one of them would alone."""

from staging.clocks import StillClock

from service.throttle import Throttle
from workflows.errors import Throttled


def taken(throttle: Throttle, key: str = "one") -> int:
    """How many acts are allowed at once."""
    count = 0
    try:
        while count < 1000:
            throttle.take(key)
            count += 1
    except Throttled:
        pass
    return count


def test_three_processes_share_a_burst_and_a_rate(clock: StillClock) -> None:
    replicas = [Throttle(clock, rate=6, burst=30, sharers=lambda: 3) for _ in range(3)]
    assert [taken(one) for one in replicas] == [10, 10, 10]
    clock.advance(seconds=2)
    assert [taken(one) for one in replicas] == [4, 4, 4]


def test_whoever_is_alone_again_has_everything_again(clock: StillClock) -> None:
    serving = [3]
    throttle = Throttle(clock, rate=3, burst=30, sharers=lambda: serving[0])
    assert taken(throttle) == 10
    serving[0] = 1
    clock.advance(minutes=1)
    assert taken(throttle) == 30


def test_a_share_is_never_nothing(clock: StillClock) -> None:
    throttle = Throttle(clock, rate=1, burst=2, sharers=lambda: 100)
    assert taken(throttle) == 1
    clock.advance(seconds=200)
    assert taken(throttle) == 1
