"""Several processes write to one PostgreSQL at once: nothing is lost, nothing happens twice, no chain forks."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from staging.clocks import NOON, OffsetClock
from staging.databases import postgres_database, sever, text_of
from staging.houses import OPERATOR, People, house_in, settle_people
from staging.polling import until
from staging.wires import arrived

from service.db import postgres
from service.db.engine import parse_url
from service.db.store import SqlStore, _Lost
from service.db.view import View
from service.house import House
from workflows import audit, delivery, onboarding, release, retirement, revocation
from workflows.errors import LostRace, Unavailable
from workflows.ids import AccountId, GrantId, RequestId
from workflows.ports import Writing
from workflows.records.account import Account
from workflows.records.audit import AuditEntry, AuditHead
from workflows.records.errand import Errand, ErrandKind
from workflows.records.grant import Grant, GrantState, Session
from workflows.records.request import DelegationRequest, State

REPLICAS = 3


@pytest.fixture
def database() -> Iterator[URL]:
    """A PostgreSQL database with the newest schema."""
    with postgres_database() as url:
        yield url


@pytest.fixture
def clock() -> OffsetClock:
    """The one time of all replicas."""
    return OffsetClock()


@pytest.fixture
def houses(database: URL, tmp_path: Path, clock: OffsetClock) -> Iterator[list[House]]:
    """The same deployment, opened as often as there are replicas."""
    opened = [house_in(tmp_path, clock, database_url=text_of(database)) for _ in range(REPLICAS)]
    yield opened
    for house in opened:
        house.close()


@pytest.fixture
def people(houses: list[House]) -> People:
    """Everybody, settled through the first replica."""
    return settle_people(houses[0].ports)


@pytest.fixture
def stores(database: URL) -> Iterator[list[SqlStore]]:
    """One store for each of two processes."""
    opened = [SqlStore(database), SqlStore(database)]
    yield opened
    for store in opened:
        store.close()


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run all of these together; return what each returned or raised."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        gate.wait()
        try:
            return work()
        except Exception as failure:  # noqa: BLE001  it is what the test looks at
            return failure

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_many_processes_append_to_one_chain_and_it_never_forks(houses: list[House], people: People) -> None:
    def note(house: House, name: str) -> Callable[[], object]:
        return lambda: onboarding.create_user(
            house.ports, OPERATOR, account_id=people.root.account_id, name=name, policies=[]
        )

    works = [note(houses[number % REPLICAS], f"user-{number}") for number in range(60)]
    assert [one for one in at_once(*works) if isinstance(one, Exception)] == []
    verdict = houses[0].store.read(lambda tx: audit.verify(tx, houses[0].ports.keyring))
    assert verdict.faults == ()


def test_what_a_signed_act_reads_and_writes_is_as_if_it_were_alone(stores: list[SqlStore]) -> None:
    # Either sees that the other's row is not there; without serialisable transactions both would add theirs.
    gate = threading.Barrier(2, timeout=10)

    def only_if_empty(number: int) -> Callable[[Writing], bool]:
        waited = threading.Event()

        def work(tx: Writing) -> bool:
            empty = not tx.find(Account)
            if not waited.is_set():
                waited.set()
                gate.wait()
            if empty:
                tx.add(Account(AccountId(f"{number:012}"), f"account-{number}", NOON))
            return empty

        return work

    told = at_once(*(lambda at=at: stores[at].write(only_if_empty(at + 1)) for at in (0, 1)))
    assert sorted(map(str, told)) == ["False", "True"]
    assert len(stores[0].read(lambda tx: tx.find(Account))) == 1
    assert sum(store.lost_races for store in stores) >= 1


def test_of_many_processes_that_trade_one_token_each_gets_a_number_of_its_own(
    houses: list[House], people: People
) -> None:
    request = arrived(houses[0].ports, people, State.ACCEPTED, "wf-00001")
    release.send(houses[0].ports, people.call("approver"), request.id)
    grant = houses[0].store.read(lambda tx: tx.find(Grant))[0]

    def mint(house: House) -> Callable[[], object]:
        def work(tx: Writing) -> int:
            current = tx.find(Grant)[0]
            counted = tx.swap(current, replace(current, exchanges=current.exchanges + 1))
            return counted.exchanges

        return lambda: house.store.write(work)

    told = at_once(*(mint(houses[number % REPLICAS]) for number in range(30)))
    assert sorted(told, key=str) == sorted(range(1, 31), key=str)
    assert houses[0].store.read(lambda tx: tx.get(Grant, grant.id)).exchanges == 30  # type: ignore[union-attr]
    assert houses[0].store.read(lambda tx: tx.find(Session)) == []


def test_of_many_processes_that_revoke_and_sweep_a_grant_ends_once(houses: list[House], people: People) -> None:
    request = arrived(houses[0].ports, people, State.FINALIZED, "wf-00001")
    works = [
        lambda house=house: revocation.revoke(house.ports, people.call("approver"), request.id, None)
        for house in houses
    ]
    told = at_once(*works, *(lambda house=house: revocation.sweep(house.ports, limit=9) for house in houses))
    assert [one for one in told if isinstance(one, Exception)] == []
    (grant,) = houses[0].store.read(lambda tx: tx.find(Grant))
    assert grant.state is GrantState.REVOKED
    assert grant.revision == 1


def test_of_many_processes_that_sweep_each_session_lapses_once_and_its_partner_is_told_once(
    houses: list[House], people: People, clock: OffsetClock
) -> None:
    arrived(houses[0].ports, people, State.FINALIZED, "wf-00001")

    def multiply(tx: Writing) -> None:
        (request,), (grant,) = tx.find(DelegationRequest), tx.find(Grant)
        names = [f"{number:032x}" for number in range(40)]
        tx.add_all(replace(request, id=RequestId(f"dr-{name}"), workflow_id=f"wf-{name}") for name in names)
        tx.add_all(
            replace(grant, id=GrantId(f"dg-{name}"), request_id=RequestId(f"dr-{name}"), token_hash=name)
            for name in names
        )

    houses[0].store.write(multiply)
    clock.advance(hours=13)

    def sweeping(house: House) -> Callable[[], None]:
        def run() -> None:
            while revocation.sweep(house.ports, limit=7).total or retirement.announce_ends(house.ports, limit=5):
                pass

        return run

    assert at_once(*map(sweeping, houses)) == [None] * REPLICAS
    entries, errands = houses[0].store.read(lambda tx: (tx.find(AuditEntry), tx.find(Errand)))
    ended = Counter(one.request_id for one in entries if json.loads(one.body)["act"] == "ExpireGrant")
    told = Counter(one.request_id for one in errands if one.message_type == "GrantEnded")
    assert len(ended) == 41
    assert ended == told
    assert set(told.values()) == {1}
    assert houses[0].store.read(lambda tx: audit.verify(tx, houses[0].ports.keyring)).faults == ()


def put_webhook_errands(house: House, people: People) -> int:
    """Write errands to a receiver, due now; return how many."""
    arrived(house.ports, people, State.FINALIZED, "wf-00001")

    def work(tx: Writing) -> int:
        waiting = tx.find(Errand)
        for errand in waiting:
            tx.put(replace(errand, kind=ErrandKind.WEBHOOK, due_at=NOON))
        return len(waiting)

    return house.store.write(work)


def test_an_errand_is_leased_to_one_process_at_a_time(houses: list[House], people: People) -> None:
    count = put_webhook_errands(houses[0], people)
    told = at_once(*(lambda house=house: delivery.lease(house.ports, 50) for house in houses))
    leased = [errand.id for one in told for errand in one]  # type: ignore[attr-defined]
    assert len(leased) == count
    assert len(set(leased)) == count


def test_a_process_that_wakes_up_after_its_lease_settles_nothing(
    houses: list[House], people: People, clock: OffsetClock
) -> None:
    slow, quick = houses[0].ports, houses[1].ports
    put_webhook_errands(houses[0], people)
    asleep = delivery.lease(slow, 50)
    clock.advance(seconds=delivery.LEASE.total_seconds() + 1)
    again = delivery.lease(quick, 50)
    assert {errand.id for errand in again} == {errand.id for errand in asleep}
    for errand in asleep:
        delivery.failed(slow, errand, "status", hopeless=True)
        delivery.delivered(slow, errand)
    stored = quick.store.read(lambda tx: tx.find(Errand))
    assert sorted(stored, key=lambda one: one.id) == sorted(again, key=lambda one: one.id)


def test_who_is_overtaken_in_the_midst_of_writing_much_leaves_no_warning_of_the_driver(
    stores: list[SqlStore], caplog: pytest.LogCaptureFixture
) -> None:
    one = Account(AccountId("111122223333"), "one", NOON)
    stores[0].write(lambda tx: tx.add(one))
    tries: list[str] = []

    def work(tx: Writing) -> None:
        seen = tx.get(Account, one.id)
        assert seen
        tx.put(replace(seen, alias="mine"))
        tx.add_all(AuditEntry(one.id, number, NOON, None, None, "{}", "k:0") for number in range(3000))
        tx.add(AuditHead(one.id, 3000, "k:0", "k:0"))
        tries.append(seen.alias)
        if len(tries) == 1:
            stores[1].write(lambda tx: tx.put(replace(one, alias="theirs")))

    stores[0].write(work)
    assert tries == ["one", "theirs"]
    assert [line for line in caplog.records if line.name.startswith("psycopg")] == []


def test_what_one_process_commits_the_others_hear_of(stores: list[SqlStore]) -> None:
    listening, speaking = stores
    woken = threading.Event()
    listening.when_work_was_made(woken.set)
    before = listening.authority_changes

    def look() -> bool:
        speaking.write(lambda tx: tx.authority_changed())
        return listening.authority_changes > before

    until(look)


# --- when the connection breaks ---------------------------------------------------------------------------------


def test_broken_connections_are_made_anew_and_nobody_is_told_of_them(stores: list[SqlStore], database: URL) -> None:
    def add(number: int) -> Callable[[Writing], None]:
        return lambda tx: tx.add(Account(AccountId(f"{number:012}"), f"account-{number}", NOON))

    for number in range(3):
        stores[0].write(add(number))
        assert len(stores[1].read(lambda tx: tx.find(Account))) == number + 1
        sever(database)


@pytest.mark.parametrize("committed", [True, False])
def test_a_commit_whose_answer_was_lost_is_looked_up_and_told_as_what_it_was(
    stores: list[SqlStore], database: URL, monkeypatch: pytest.MonkeyPatch, *, committed: bool
) -> None:
    """The connection breaks around COMMIT: after it the act succeeded; before it the act is run again, once."""
    store, runs = stores[0], []
    commit = store._writing.dialect.do_commit
    broken = threading.Event()

    def break_off(connection: object) -> None:
        if committed or broken.is_set():
            commit(connection)  # type: ignore[arg-type]
        if not broken.is_set():
            broken.set()
            sever(database)
            connection.execute("SELECT 1")  # type: ignore[attr-defined]

    monkeypatch.setattr(store._writing.dialect, "do_commit", break_off)

    def work(tx: Writing) -> str:
        runs.append(1)
        tx.add(Account(AccountId("1" * 12), "first", NOON))
        return "done"

    assert store.write(work) == "done"
    assert len(runs) == (1 if committed else 2)
    assert len(stores[1].read(lambda tx: tx.find(Account))) == 1


def test_a_process_that_freezes_inside_a_transaction_holds_nobody_up_for_long(
    stores: list[SqlStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen, lively = stores
    frozen.write(lambda tx: tx.add(Account(AccountId("1" * 12), "first", NOON)))
    holding, thawed = threading.Event(), threading.Event()

    def freeze(tx: Writing) -> None:
        assert isinstance(tx, View)
        if not holding.is_set():
            tx._connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 300"))
            tx.put(Account(AccountId("1" * 12), "frozen", NOON))
            holding.set()
            thawed.wait(20)
            return
        current = tx.get(Account, "1" * 12)
        assert current is not None
        if current.alias != "first":
            raise LostRace("account", current.id)

    with ThreadPoolExecutor(1) as pool:
        freezing = pool.submit(frozen.write, freeze)
        holding.wait()
        lively.write(lambda tx: tx.put(Account(AccountId("1" * 12), "lively", NOON)))
        thawed.set()
        assert isinstance(freezing.exception(), LostRace), "it is run again and sees what happened while it was frozen"
    (stored,) = lively.read(lambda tx: tx.find(Account))
    assert stored.alias == "lively"


def test_who_loses_again_and_again_tries_for_longer_than_a_frozen_process_is_borne(
    stores: list[SqlStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def lose(*_: object, **__: object) -> None:
        raise _Lost

    monkeypatch.setattr("service.db.store._PAUSE", SimpleNamespace(wait=waited.append))
    monkeypatch.setattr(stores[0], "_transact", lose)
    with pytest.raises(Unavailable):
        stores[0].write(lambda _tx: None)
    assert sum(waited) > postgres._LIMITS["idle_in_transaction_session_timeout"] / 1000


def test_a_server_that_is_gone_is_told_as_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.db.store._BREATH", 0.01)
    store = SqlStore(parse_url(f"postgresql://postgres@/nothing?host={tmp_path}"))
    with pytest.raises(Unavailable):
        store.read(lambda tx: tx.find(Account))
    with pytest.raises(Unavailable):
        store.write(lambda tx: tx.authority_changed())
    store.close()
