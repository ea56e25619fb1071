"""What the store is asked comes back in order, page by page without loss, and by an index rather than a scan."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError
from staging.clocks import NOON, StillClock
from staging.houses import ACCOUNT, PARTNER, People, a_request
from staging.queries import plan, statements
from staging.wires import arrived

from service.house import House
from workflows import retirement, revocation, submission
from workflows.errors import LostRace
from workflows.ports import Reading, Writing
from workflows.records.account import Account, Attachment, Principal
from workflows.records.audit import AuditEntry
from workflows.records.errand import Errand, ErrandKind, ErrandState
from workflows.records.grant import Grant, GrantState
from workflows.records.request import DelegationRequest, State

LATER: Final = NOON + timedelta(days=30)


QUERIES: Final[Mapping[str, tuple[str, Callable[[Reading], object]]]] = {
    "list of an account": (
        "ix_requests_owned",
        lambda tx: tx.page(DelegationRequest, limit=10, after=None, owner_account_id=ACCOUNT),
    ),
    "next page of an account": (
        "ix_requests_owned",
        lambda tx: tx.page(DelegationRequest, limit=10, after=(NOON, "dr-x"), owner_account_id=ACCOUNT),
    ),
    "list of one owner": (
        "ix_requests_owned",
        lambda tx: tx.page(
            DelegationRequest, limit=10, after=None, owner_account_id=ACCOUNT, owner_principal_id="AIDA"
        ),
    ),
    "list of a partner": (
        "ix_requests_asked",
        lambda tx: tx.page(DelegationRequest, limit=10, after=(NOON, "dr-x"), requestor_id=PARTNER),
    ),
    "list of everything": (
        "ix_requests_newest",
        lambda tx: tx.page(DelegationRequest, limit=10, after=(NOON, "dr-x")),
    ),
    "grants of an account": ("ix_grants_owned", lambda tx: tx.page(Grant, limit=10, after=None, account_id=ACCOUNT)),
    "grants of a partner": (
        "ix_grants_lent",
        lambda tx: tx.page(Grant, limit=10, after=(NOON, "x"), partner_id=PARTNER),
    ),
    "all grants": ("ix_grants_newest", lambda tx: tx.page(Grant, limit=10, after=(NOON, "x"))),
    "due requests": ("ix_requests_due", lambda tx: tx.due_requests(NOON, 10)),
    "due grants": ("ix_grants_due", lambda tx: tx.due_grants(NOON, 10)),
    "due errands": ("ix_errands_due", lambda tx: tx.due_errands(NOON, 10)),
    "a mailbox": (
        "ix_errands_mailbox",
        lambda tx: tx.oldest_errands(PARTNER, ErrandKind.POLL, ErrandState.WAITING, 10),  # type: ignore[arg-type]
    ),
    "a grant by its token": ("sqlite_autoindex_grants", lambda tx: tx.find(Grant, token_hash="0" * 64)),
    "a request by its workflow": (
        "sqlite_autoindex_requests",
        lambda tx: tx.find(DelegationRequest, requestor_id=PARTNER, workflow_id="wf-00001"),
    ),
    "a principal by its ARN": ("sqlite_autoindex_principals", lambda tx: tx.find(Principal, arn="x")),
    "policies of a principal": ("attachments", lambda tx: tx.find(Attachment, principal_id="AIDA")),
    "entries of a chain": ("audit_entries", lambda tx: tx.find(AuditEntry, chain=ACCOUNT, number=range(5, 10))),
    "the history of a request": ("ix_audit_entries_request", lambda tx: tx.find(AuditEntry, request_id="dr-x")),
    "open requests of a partner": (
        "ix_requests_asking",
        lambda tx: tx.count_open_requests(now=NOON, limit=10, requestor_id=PARTNER),
    ),
    "open requests to an account": (
        "ix_requests_targeting",
        lambda tx: tx.count_open_requests(now=NOON, limit=10, target_account_id=ACCOUNT),
    ),
}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", QUERIES)
def test_what_is_asked_often_is_found_by_an_index_and_never_by_a_scan(house: House, name: str) -> None:
    index, ask = QUERIES[name]
    with statements(house) as heard:
        house.store.read(ask)
    plans = [plan(house, *one) for one in heard if one[0].startswith("SELECT")]
    assert plans
    for how in plans:
        assert "SEARCH" in how, how
        assert index in how, how
        assert "TEMP B-TREE" not in how, f"it is sorted by hand: {how}"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("index", "asked"),
    [
        ("ix_grants_released", {"request_id": "dr-x", "parent_id": None}),
        ("ix_grants_parent_id", {"parent_id": frozenset({"dg-x"})}),
    ],
)
def test_the_few_grants_of_a_request_or_of_a_parent_are_found_by_an_index(
    house: House, index: str, asked: dict[str, Any]
) -> None:
    with statements(house) as heard:
        house.store.read(lambda tx: tx.find(Grant, **asked))
    (how,) = [plan(house, *one) for one in heard if one[0].startswith("SELECT")]
    assert f"SEARCH grants USING INDEX {index}" in how, how


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_next_instant_at_which_anything_is_due_is_read_off_the_due_indexes(house: House) -> None:
    with statements(house) as heard:
        house.store.read(lambda tx: tx.next_due())
    plans = " | ".join(plan(house, *one) for one in heard if one[0].startswith("SELECT"))
    for index in ("ix_requests_due", "ix_grants_due", "ix_grants_unannounced", "ix_errands_due"):
        assert index in plans, plans


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_dead_rows_are_found_by_an_index_before_they_are_deleted(house: House) -> None:
    with statements(house) as heard:
        house.store.write(lambda tx: tx.purge(NOON, expired_before=NOON, limit=10))
    plans = [plan(house, *one) for one in heard if one[0].startswith("DELETE")]
    assert len(plans) == 12
    for how in plans:
        assert "SCAN" not in how, how


# --- pages --------------------------------------------------------------------------------------------------


def put_requests(house: House, people: People, instants: list[datetime]) -> list[tuple[datetime, str]]:
    """Store requests that were made at these instants."""
    model = house.store.read(lambda tx: tx.find(DelegationRequest))
    first = model[0] if model else submission.create(house.ports, people.call("partner"), a_request(people))

    def work(tx: Writing) -> list[tuple[datetime, str]]:
        for one in tx.find(DelegationRequest):
            tx.remove(one)
        made = [
            replace(first, id=f"dr-{number:032}", workflow_id=f"wf-{number:05}", created_at=instant)  # type: ignore[arg-type]
            for number, instant in enumerate(instants)
        ]
        tx.add_all(made)
        return [(one.created_at, one.id) for one in made]

    return house.store.write(work)


@given(
    offsets=st.lists(st.integers(0, 4), min_size=1, max_size=25),
    size=st.integers(1, 7),
)
def test_pages_come_newest_first_and_lose_and_repeat_nothing(
    house: House,
    people: People,
    offsets: list[int],
    size: int,
) -> None:
    made = put_requests(house, people, [NOON + timedelta(microseconds=one) for one in offsets])

    def page(after: tuple[datetime, str] | None) -> list[tuple[datetime, str]]:
        found = house.store.read(lambda tx: tx.page(DelegationRequest, limit=size, after=after))
        return [(one.created_at, one.id) for one in found]

    seen = page(None)
    while more := page(seen[-1]):
        assert len(more) <= size
        seen += more
    assert seen == sorted(made, reverse=True)


def test_a_row_that_comes_or_goes_between_two_pages_shifts_nothing(house: House, people: People) -> None:
    made = sorted(put_requests(house, people, [NOON + timedelta(seconds=n) for n in range(6)]), reverse=True)
    first = house.store.read(lambda tx: tx.page(DelegationRequest, limit=2, after=None))
    newer = replace(first[0], id="dr-" + "9" * 32, workflow_id="wf-99999", created_at=LATER)  # type: ignore[arg-type]

    def change(tx: Writing) -> None:
        tx.add(newer)
        tx.remove(first[0])

    house.store.write(change)
    rest = house.store.read(lambda tx: tx.page(DelegationRequest, limit=10, after=made[1]))
    assert [(one.created_at, one.id) for one in rest] == made[2:]


# --- what is due --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_row_is_due_at_its_instant_and_not_a_microsecond_before(
    house: House,
    people: People,
    off: int,
) -> None:
    request = arrived(house.ports, people, State.FINALIZED, "wf-00001")
    (grant,) = house.store.read(lambda tx: tx.find(Grant))
    beside = timedelta(microseconds=off)
    for due, instant in (
        (lambda tx, now: tx.due_requests(now, 10), request.expires_at),
        (lambda tx, now: tx.due_grants(now, 10), grant.deadline),
    ):
        assert len(house.store.read(lambda tx, d=due, i=instant: d(tx, i + beside))) == (0 if off < 0 else 1)  # type: ignore[misc]


def test_the_longest_overdue_comes_first_and_no_more_than_asked(house: House, people: People) -> None:
    put_requests(house, people, [NOON] * 5)

    def spread(tx: Writing) -> None:
        for number, one in enumerate(tx.find(DelegationRequest)):
            tx.put(replace(one, expires_at=NOON - timedelta(seconds=number)))

    house.store.write(spread)
    due = house.store.read(lambda tx: tx.due_requests(NOON, 3))
    assert [one.id[-1] for one in due] == ["4", "3", "2"]


def test_the_next_due_instant_is_the_earliest_of_requests_grants_and_errands(
    house: House,
    people: People,
    clock: StillClock,
) -> None:
    assert house.store.read(lambda tx: tx.next_due()) is None
    request = arrived(house.ports, people, State.FINALIZED, "wf-00001")
    (grant,) = house.store.read(lambda tx: tx.find(Grant))
    assert house.store.read(lambda tx: tx.next_due()) == grant.deadline
    clock.set(grant.deadline)
    revocation.sweep(house.ports, limit=10)
    assert house.store.read(lambda tx: tx.next_due()) == grant.deadline, "its partner is still to be told"
    retirement.announce_ends(house.ports, limit=10)
    assert house.store.read(lambda tx: tx.next_due()) == request.expires_at
    clock.set(request.expires_at)
    revocation.sweep(house.ports, limit=10)
    assert house.store.read(lambda tx: tx.next_due()) is None, "a mailbox waits for its partner, not for us"


def test_swapping_many_at_once_is_all_or_nothing(house: House, people: People) -> None:
    put_requests(house, people, [NOON] * 3)
    before = house.store.read(lambda tx: tx.find(DelegationRequest))
    house.store.write(lambda tx: tx.swap(before[1], replace(before[1], notes="changed")))
    over = [replace(one, state=State.EXPIRED) for one in before]
    with pytest.raises(LostRace):
        house.store.write(lambda tx: tx.end_requests(before, over))
    assert {one.state for one in house.store.read(lambda tx: tx.find(DelegationRequest))} == {State.UNASSIGNED}


def test_find_takes_equal_values_nothing_ranges_and_sets(house: House, people: People) -> None:
    put_requests(house, people, [NOON] * 3)

    def count(**equal: object) -> int:
        return len(house.store.read(lambda tx: tx.find(DelegationRequest, **equal)))

    assert count(requestor_id=PARTNER) == 3
    assert count(owner_account_id=None) == 3
    assert count(owner_account_id=ACCOUNT) == 0
    assert count(id=frozenset({f"dr-{0:032}", f"dr-{2:032}", "dr-x"})) == 2
    assert count(revision=range(1)) == 3
    assert count(revision=range(1, 5)) == 0
    assert count(id=frozenset()) == 0


def test_every_kind_of_value_comes_back_as_it_was_put(house: House, people: People) -> None:
    arrived(house.ports, people, State.FINALIZED, "wf-00001")
    stored = house.store.read(lambda tx: (tx.find(Grant)[0], tx.find(Errand)[0], tx.find(DelegationRequest)[0]))
    grant, errand, request = stored
    assert grant.state is GrantState.LIVE
    assert grant.deadline.tzinfo is not None
    assert isinstance(errand.sealed_body, bytes)
    assert request.parameters == (("bucketName", "string", ("logs",)),)
    exact = replace(grant, deadline=NOON + timedelta(microseconds=1), ended_at=NOON, stuck_because="naïve ✓ \x01")
    house.store.write(lambda tx: tx.put(exact))
    assert house.store.read(lambda tx: tx.get(Grant, grant.id)) == exact
    assert house.store.read(lambda tx: tx.get(Account, "no such")) is None


def test_the_database_refuses_what_the_domain_would_never_write(house: House, people: People) -> None:
    arrived(house.ports, people, State.FINALIZED, "wf-00001")
    columns = [field.name for field in fields(Grant)]
    copied = ", ".join({"id": "'dg-2'", "token_hash": "'other'"}.get(name, name) for name in columns)
    outside = create_engine(house.settings.url)
    with outside.connect() as raw:
        for wrong in (
            "UPDATE requests SET state = 'LOST'",
            "UPDATE grants SET state = 'LOST'",
            "UPDATE grants SET exchanges = exchange_cap + 1",
            "UPDATE attachments SET policy_arn = NULL",
            f"INSERT INTO grants SELECT {copied} FROM grants",  # noqa: S608  a second grant of the same request
        ):
            with pytest.raises(IntegrityError), raw.begin():
                raw.exec_driver_sql(wrong)
    outside.dispose()
