"""No page reads more than it shows: lists are walked by an index in their own order, however full the store is."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from staging.clocks import StillClock
from staging.houses import People, a_request, with_terms
from staging.queries import plan, statements

from service.house import House
from workflows import approval, overview, release, review, submission
from workflows.callers import Call
from workflows.overview import About, Tab
from workflows.ports import Ports

# How a statement is gone about is read off SQLite's plans.
pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)

Look = Callable[[Ports, Call], object]
LISTS: Final[dict[str, Look]] = {
    "pending": lambda ports, call: overview.inbox(ports, call, tab=Tab.PENDING, limit=5),
    "approved": lambda ports, call: overview.inbox(ports, call, tab=Tab.APPROVED, limit=5),
    "live": lambda ports, call: overview.inbox(ports, call, tab=Tab.LIVE, limit=5),
    "ended": lambda ports, call: overview.inbox(ports, call, tab=Tab.ENDED, limit=5),
    "search": lambda ports, call: overview.inbox(ports, call, tab=Tab.PENDING, search="Lumenwatch", limit=5),
    "partners": lambda ports, call: overview.partners(ports, call, limit=5),
    "one partner": lambda ports, call: overview.partner(ports, call, "444455556666", limit=5),
    "activity": lambda ports, call: overview.activity(ports, call, About(), limit=5),
    "activity of a partner": lambda ports, call: overview.activity(
        ports, call, About(partner_id="444455556666"), limit=5
    ),
    "activity up to a day": lambda ports, call: overview.activity(ports, call, About(until=ports.clock.now()), limit=5),
}
# A table that is walked whole; one row of the deployment, and what a bounded inner query found, are no such table.
_WALKED: Final = tuple(f"SCAN {name}" for name in ("requests", "grants", "audit_entries", "partners", "principals"))


def fill(ports: Ports, people: People, clock: StillClock, first: int, count: int) -> str:
    """Requests that wait, and requests that are live, one after another; returns the last that waits."""
    last = ""
    for number in range(first, first + count):
        clock.advance(seconds=1)
        request = submission.create(ports, people.call("partner"), a_request(people, f"wf-{number:05d}"))
        submission.associate(ports, people.call("approver"), request.id)
        if number % 2:
            approval.accept(ports, people.call("approver"), request.id, digest=request.digest)
            release.send(ports, people.call("approver"), request.id)
        else:
            last = request.id
    return last


def heard(house: House, look: Look, call: Call) -> list[tuple[str, Any]]:
    with statements(house) as said:
        look(house.ports, call)
    return [one for one in said if one[0].startswith("SELECT")]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_asks_as_often_for_many_as_for_few_and_sorts_nothing_by_hand(
    house: House,
    people: People,
    clock: StillClock,
    name: str,
) -> None:
    ports = with_terms(house, open_requests_per_account=1000)
    call = people.call("approver")
    fill(ports, people, clock, 0, 12)
    few = heard(house, LISTS[name], call)
    fill(ports, people, clock, 100, 20)
    many = heard(house, LISTS[name], call)
    assert len(many) == len(few)
    for statement, parameters in many:
        how = plan(house, statement, parameters)
        # A handful of rows that were found by their keys may be put in order; what is cut to a page may not.
        assert "LIMIT" not in statement or "TEMP B-TREE" not in how, f"{statement} is sorted by hand: {how}"
        assert [part for part in how.split("; ") if part.startswith(_WALKED)] == []


def test_the_review_asks_as_often_in_a_full_account_as_in_an_empty_one(
    house: House, people: People, clock: StillClock
) -> None:
    ports = with_terms(house, open_requests_per_account=1000)
    call = people.call("approver")
    first = fill(ports, people, clock, 0, 6)
    few = heard(house, lambda ports, call: review.look(ports, call, first), call)
    later = fill(ports, people, clock, 100, 40)
    many = heard(house, lambda ports, call: review.look(ports, call, later), call)
    assert len(many) <= len(few) + 2
    assert len(many) < 40
