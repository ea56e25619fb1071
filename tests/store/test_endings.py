"""Time ends sessions in bulk: each becomes what every reader saw of it already, and is announced once."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL
from staging.clocks import NOON
from staging.databases import fresh_database, sever
from staging.grants import numbered
from staging.groups import together
from staging.houses import ACCOUNT
from staging.queries import plan, statements

from service.db.store import SqlStore
from service.house import House
from workflows import audit
from workflows.callers import TIME, Call
from workflows.errors import AlreadyExists
from workflows.grants import seen_at
from workflows.ids import AccountId, GrantId
from workflows.ports import Reading, Writing
from workflows.records.audit import AuditEntry
from workflows.records.grant import EndReason, Expired, Grant, GrantKind, GrantState
from workflows.retirement import lapse_sessions

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def put_in(store: SqlStore, *grants: Grant) -> None:
    store.write(lambda tx: tx.add_all(grants))


def stored(store: SqlStore) -> dict[str, Grant]:
    return {one.id: one for one in store.read(lambda tx: tx.find(Grant))}


def lapsed(grant: Grant) -> Grant:
    """The grant as it is once its end is stored and is still to be announced."""
    return replace(seen_at(grant, NOON), revision=grant.revision + 1, unannounced_since=grant.deadline)


def lapse(tx: Writing, limit: int) -> list[Expired]:
    """End what is due by noon; return what was told of it."""
    told: list[Expired] = []
    tx.lapse_sessions(NOON, limit, told.extend)
    return told


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lasting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    """A store that all examples of a property use one after the other."""
    with fresh_database(request.param, tmp_path_factory.mktemp("lasting")) as address:
        opened = SqlStore(address)
        yield opened
        opened.close()


def empty(store: SqlStore) -> None:
    def work(tx: Writing) -> None:
        for one in tx.find(Grant):
            tx.remove(one)

    store.write(work)


GRANTS = st.builds(
    lambda kind, state, off: {"kind": kind, "state": state, "deadline": NOON + off},
    st.sampled_from(GrantKind),
    st.sampled_from(GrantState),
    st.sampled_from([-HOUR, -TICK, timedelta(), TICK, HOUR]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(GRANTS, max_size=6))
def test_a_lapsed_session_is_stored_as_what_a_reader_saw_of_it_and_nothing_else_is_touched(
    lasting: SqlStore, made: list[dict[str, Any]]
) -> None:
    empty(lasting)
    grants = [numbered(number, **changed) for number, changed in enumerate(made)]
    if grants:
        put_in(lasting, *grants)
    due = {
        one.id: one
        for one in grants
        if (one.kind, one.state) == (GrantKind.SESSION, GrantState.LIVE) and one.deadline <= NOON
    }
    told = lasting.write(lambda tx: lapse(tx, 10))
    assert {one.id: one for one in told} == {
        one.id: Expired(one.id, one.request_id, one.account_id, one.partner_id, one.deadline) for one in due.values()
    }
    assert stored(lasting) == {one.id: lapsed(one) if one.id in due else one for one in grants}
    assert lasting.write(lambda tx: lapse(tx, 10)) == []


def test_the_longest_overdue_lapse_first_and_no_more_than_asked(store: SqlStore) -> None:
    put_in(store, *(numbered(number, deadline=NOON - number * TICK) for number in range(5)))
    told = store.write(lambda tx: lapse(tx, 2))
    assert {one.deadline for one in told} == {NOON - 4 * TICK, NOON - 3 * TICK}


def test_an_end_is_claimed_once_the_longest_unannounced_first_and_is_left_as_it_was_otherwise(store: SqlStore) -> None:
    put_in(store, *(numbered(number, deadline=NOON - number * TICK) for number in range(3)))
    assert store.write(lambda tx: tx.claim_unannounced(NOON, 9)) == []
    store.write(lambda tx: lapse(tx, 9))
    before = stored(store)
    first = store.write(lambda tx: tx.claim_unannounced(NOON, 2))
    assert {one.ended_at for one in first} == {NOON - 2 * TICK, NOON - TICK}
    second = store.write(lambda tx: tx.claim_unannounced(NOON, 2))
    assert [one.ended_at for one in second] == [NOON]
    for one in (*first, *second):
        assert one == replace(before[one.id], unannounced_since=None, revision=before[one.id].revision + 1)
    assert stored(store) == {one.id: one for one in (*first, *second)}
    assert store.write(lambda tx: tx.claim_unannounced(NOON, 9)) == []


def test_what_is_not_announced_is_due_until_it_is(store: SqlStore) -> None:
    put_in(store, numbered(1, deadline=NOON - HOUR), numbered(2, deadline=NOON + HOUR))
    store.write(lambda tx: lapse(tx, 9))
    assert store.read(lambda tx: tx.next_due()) == NOON - HOUR
    assert store.signals(NOON).unannounced_ends.count == 1
    assert store.signals(NOON).unannounced_ends.oldest == NOON - HOUR
    store.write(lambda tx: tx.claim_unannounced(NOON, 9))
    assert store.read(lambda tx: tx.next_due()) == NOON + HOUR
    assert store.signals(NOON).unannounced_ends.count == 0


def test_what_a_transaction_wrote_and_saw_before_is_as_it_lapsed(store: SqlStore) -> None:
    put_in(store, numbered(1))

    def work(tx: Writing) -> tuple[list[GrantId], Grant | None, list[EndReason | None]]:
        tx.get(Grant, numbered(1).id)
        tx.add(numbered(2))
        told = sorted(one.id for one in lapse(tx, 9))
        return told, tx.get(Grant, numbered(1).id), [one.end_reason for one in tx.find(Grant)]

    told, seen, reasons = store.write(work)
    assert told == [numbered(1).id, numbered(2).id]
    assert seen == lapsed(numbered(1))
    assert reasons == [EndReason.EXPIRED] * 2


def test_what_a_group_looked_for_beforehand_is_as_it_lapsed(house: House) -> None:
    put_in(house.store, numbered(1))

    def work(tx: Writing) -> list[GrantState]:
        lapse(tx, 9)
        return [one.state for one in tx.find(Grant, token_hash=numbered(1).token_hash)]

    beforehand = (Grant, "token_hash", numbered(1).token_hash)
    assert house.store.write(work, expected=lambda _id: [beforehand]) == [GrantState.REVOKED]


SOME: Final = 750


def overdue(house: House, count: int = SOME) -> None:
    """Put in so many due sessions, the longest overdue last, that they are ended by several statements."""
    put_in(house.store, *(numbered(number, deadline=NOON - number * TICK) for number in range(count)))


def written_down(house: House) -> list[str | None]:
    """The requests whose sessions are written down as expired; every entry of every chain holds."""

    def work(tx: Reading) -> list[str | None]:
        assert audit.verify(tx, house.ports.keyring).faults == ()
        found = tx.find(AuditEntry, chain=ACCOUNT)
        return [one.request_id for one in found if json.loads(one.body)["act"] == "ExpireGrant"]

    return house.store.read(work)


def end_all(house: House, tx: Writing, limit: int) -> Sequence[Expired]:
    return lapse_sessions(tx, house.ports, Call(caller=TIME, id="a sweep", wire="time"), now=NOON, limit=limit)


def test_of_many_that_lapse_each_is_told_and_written_down_once_the_longest_overdue_first(house: House) -> None:
    overdue(house)
    for limit in (50, 100, 101, 450):
        before = set(written_down(house))
        told = house.store.write(lambda tx, limit=limit: end_all(house, tx, limit))  # type: ignore[misc]
        assert len(told) == limit
        fresh = [one for one in written_down(house) if one not in before]
        assert sorted(str(one) for one in fresh) == sorted(one.request_id for one in told)
        left = [one for one in stored(house.store).values() if one.state is GrantState.LIVE]
        assert max(one.deadline for one in told) < min(one.deadline for one in left)
    told = house.store.write(lambda tx: end_all(house, tx, SOME))
    assert len(told) == SOME - 701
    assert len(set(written_down(house))) == SOME
    assert house.store.write(lambda tx: end_all(house, tx, SOME)) == []


def test_many_that_lapse_beside_an_act_that_fails_are_each_written_down_once(house: House) -> None:
    overdue(house)

    def fail(tx: Writing) -> None:
        tx.add(numbered(SOME + 1))
        raise LookupError

    swept, failed = together(house.store, [lambda tx: end_all(house, tx, SOME), fail])
    assert len(swept.result()) == SOME
    assert isinstance(failed.exception(), LookupError)
    assert len(set(written_down(house))) == len(written_down(house)) == SOME


def test_nothing_lapses_where_it_cannot_be_written_down(house: House) -> None:
    overdue(house)

    def invent(tx: Writing, number: int) -> AuditEntry:
        invented = AuditEntry(AccountId(ACCOUNT), number, NOON, None, None, "{}", "k:0")
        tx.add(invented)
        return invented

    # In the way of what the third statement ended, and of what the last one did.
    for number in (350, SOME):
        invented = house.store.write(lambda tx, number=number: invent(tx, number))  # type: ignore[misc]
        with pytest.raises(AlreadyExists):
            house.store.write(lambda tx: end_all(house, tx, SOME))
        assert {one.state for one in stored(house.store).values()} == {GrantState.LIVE}
        house.store.write(lambda tx, invented=invented: tx.remove(invented))  # type: ignore[misc]
    assert written_down(house) == []
    assert len(house.store.write(lambda tx: end_all(house, tx, SOME))) == SOME


def test_nothing_lapses_where_telling_of_it_raises_and_the_store_goes_on(house: House) -> None:
    overdue(house)
    told: list[Expired] = []

    def give_up(some: Sequence[Expired]) -> None:
        told.extend(some)
        if len(told) > SOME / 2:
            raise LookupError

    with pytest.raises(LookupError):
        house.store.write(lambda tx: tx.lapse_sessions(NOON, SOME, give_up))
    assert {one.state for one in stored(house.store).values()} == {GrantState.LIVE}
    assert len(house.store.write(lambda tx: end_all(house, tx, SOME))) == SOME
    assert len(set(written_down(house))) == SOME


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_what_lapsed_on_a_connection_that_was_cut_lapses_again_as_a_whole(house: House, url: URL) -> None:
    overdue(house)
    cut: list[str] = []

    def work(tx: Writing) -> int:
        def told(some: Sequence[Expired]) -> None:
            if not cut:
                cut.append(some[0].id)
                sever(url)

        tx.lapse_sessions(NOON, 200, told)
        return len(end_all(house, tx, SOME))

    assert house.store.write(work) == SOME - 200
    assert cut
    assert {one.state for one in stored(house.store).values()} == {GrantState.REVOKED}
    assert len(set(written_down(house))) == len(written_down(house)) == SOME - 200


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("index", "act"),
    [
        ("ix_grants_due", lambda tx: lapse(tx, 10)),
        ("ix_grants_unannounced", lambda tx: tx.claim_unannounced(NOON, 10)),
    ],
)
def test_what_is_to_end_or_to_be_announced_is_found_by_an_index(
    house: House, index: str, act: Callable[[Writing], object]
) -> None:
    with statements(house) as heard:
        house.store.write(act)
    (how,) = [plan(house, *one) for one in heard if "UPDATE grants" in one[0]]
    assert index in how, how
    assert "SCAN grants" not in how, how
    assert "TEMP B-TREE" not in how, how
