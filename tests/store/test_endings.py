"""Time ends sessions in bulk: each becomes what every reader saw of it already, and is announced once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staging.clocks import NOON
from staging.databases import fresh_database
from staging.queries import plan, statements

from service.db.store import SqlStore
from service.house import House
from workflows.grants import seen_at
from workflows.ids import AccountId, GrantId, PrincipalId, RequestId
from workflows.ports import Writing
from workflows.records.grant import EndReason, Expired, Grant, GrantKind, GrantState

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
A_LIVE_SESSION = Grant(
    id=GrantId("dg-"),
    kind=GrantKind.SESSION,
    request_id=RequestId("dr-"),
    account_id=AccountId("111122223333"),
    partner_id=AccountId("444455556666"),
    approver_arn="arn:aws:iam::111122223333:user/approver",
    approver_principal_id=PrincipalId("AIDATESTS"),
    token_hash="none",
    deadline=NOON,
    exchanges=3,
    exchange_cap=100,
    state=GrantState.LIVE,
    end_reason=None,
    ended_by=None,
    ended_at=None,
    stuck_because=None,
    revision=4,
    created_at=NOON - 9 * HOUR,
)


def numbered(number: int, **changed: Any) -> Grant:
    """A grant of its own request, with these fields changed."""
    own = f"{number:032x}"
    named = {"id": f"dg-{own}", "request_id": f"dr-{own}", "token_hash": own}
    return replace(A_LIVE_SESSION, **{**named, **changed})


def put_in(store: SqlStore, *grants: Grant) -> None:
    store.write(lambda tx: tx.add_all(grants))


def stored(store: SqlStore) -> dict[str, Grant]:
    return {one.id: one for one in store.read(lambda tx: tx.find(Grant))}


def lapsed(grant: Grant) -> Grant:
    """The grant as it is once its end is stored and is still to be announced."""
    return replace(seen_at(grant, NOON), revision=grant.revision + 1, unannounced_since=grant.deadline)


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
    told = lasting.write(lambda tx: tx.lapse_sessions(NOON, 10))
    assert {one.id: one for one in told} == {
        one.id: Expired(one.id, one.request_id, one.account_id, one.partner_id, one.deadline) for one in due.values()
    }
    assert stored(lasting) == {one.id: lapsed(one) if one.id in due else one for one in grants}
    assert lasting.write(lambda tx: tx.lapse_sessions(NOON, 10)) == []


def test_the_longest_overdue_lapse_first_and_no_more_than_asked(store: SqlStore) -> None:
    put_in(store, *(numbered(number, deadline=NOON - number * TICK) for number in range(5)))
    told = store.write(lambda tx: tx.lapse_sessions(NOON, 2))
    assert {one.deadline for one in told} == {NOON - 4 * TICK, NOON - 3 * TICK}


def test_an_end_is_claimed_once_the_longest_unannounced_first_and_is_left_as_it_was_otherwise(store: SqlStore) -> None:
    put_in(store, *(numbered(number, deadline=NOON - number * TICK) for number in range(3)))
    assert store.write(lambda tx: tx.claim_unannounced(NOON, 9)) == []
    store.write(lambda tx: tx.lapse_sessions(NOON, 9))
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
    store.write(lambda tx: tx.lapse_sessions(NOON, 9))
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
        told = sorted(one.id for one in tx.lapse_sessions(NOON, 9))
        return told, tx.get(Grant, numbered(1).id), [one.end_reason for one in tx.find(Grant)]

    told, seen, reasons = store.write(work)
    assert told == [numbered(1).id, numbered(2).id]
    assert seen == lapsed(numbered(1))
    assert reasons == [EndReason.EXPIRED] * 2


def test_what_a_group_looked_for_beforehand_is_as_it_lapsed(store: SqlStore) -> None:
    put_in(store, numbered(1))

    def work(tx: Writing) -> list[GrantState]:
        tx.lapse_sessions(NOON, 9)
        return [one.state for one in tx.find(Grant, token_hash=numbered(1).token_hash)]

    beforehand = (Grant, "token_hash", numbered(1).token_hash)
    assert store.write(work, expected=lambda _tx: [beforehand]) == [GrantState.REVOKED]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("index", "act"),
    [
        ("ix_grants_due", lambda tx: tx.lapse_sessions(NOON, 10)),
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
