"""Sweeping makes ends visible: each once, with its entry and its message, in batches, at its instant."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from staging.clocks import NOON, OffsetClock, StillClock
from staging.houses import ACCOUNT, PARTNER, People, house_in, settle_people
from staging.polling import until
from staging.receivers import receiving
from staging.servers import serving
from staging.wires import arrived, exchange_token_of, grant_of

from service import views
from service.app import wake_for
from service.clock import SystemClock
from service.house import House
from service.jobs.pulse import Standing
from service.jobs.sweep import BATCH, Sweeper
from service.ledger import Ledger
from workflows import approval, audit, inquiry, notifications, release
from workflows.authentication import deployment_of
from workflows.errors import ExpiredExchangeToken, Unavailable, WrongState
from workflows.ids import RequestId
from workflows.lifecycle import LIFETIMES
from workflows.ports import Ports, Writing
from workflows.records.audit import AuditEntry, Replay
from workflows.records.errand import Errand
from workflows.records.grant import Grant, GrantState
from workflows.records.request import DelegationRequest, State
from workflows.retirement import announce_ends
from workflows.revocation import Swept, revoke, sweep

DAY = timedelta(days=1)


def entries(ports: Ports, act: str) -> list[AuditEntry]:
    found = ports.store.read(lambda tx: tx.find(AuditEntry))
    return [one for one in found if json.loads(one.body)["act"] == act]


def messages_of(ports: Ports, request_id: str) -> list[dict[str, object]]:
    found = ports.store.read(lambda tx: tx.find(Errand, request_id=request_id))
    return [notifications.body_of(ports, one) for one in found]


def messages(ports: Ports, request_id: str, state: str) -> list[str]:
    return [str(one["Type"]) for one in messages_of(ports, request_id) if one["State"] == state]


def many(ports: Ports, model: DelegationRequest, count: int) -> None:
    """Store so many requests like this one."""

    def work(tx: Writing) -> None:
        tx.add_all(
            replace(model, id=RequestId(f"dr-{number:032}"), workflow_id=f"wf-many-{number}") for number in range(count)
        )

    ports.store.write(work)


@pytest.mark.parametrize("state", [state for state in State if state is not State.EXPIRED], ids=str)
def test_every_state_is_retired_at_its_instant_with_one_entry_and_its_message_if_it_was_open(
    house: House,
    people: People,
    clock: StillClock,
    state: State,
) -> None:
    request = arrived(house.ports, people, state, "wf-00001")
    assert request.expires_at == NOON + LIFETIMES[state]
    clock.set(request.expires_at - timedelta(microseconds=1))
    assert sweep(house.ports, limit=10).requests == 0
    clock.set(request.expires_at)
    assert sweep(house.ports, limit=10).requests == 1
    (entry,) = entries(house.ports, "ExpireDelegationRequest")
    body = json.loads(entry.body)
    assert (body["before"], body["after"], body["digest"]) == (state.value, "EXPIRED", request.digest)
    assert body["caller"]["kind"] == "time"
    assert entry.chain == (PARTNER if state is State.UNASSIGNED else ACCOUNT)
    news = messages(house.ports, request.id, "EXPIRED")
    assert news.count("StateChange") == (0 if state in (State.FINALIZED, State.REJECTED) else 1)


def test_a_grant_is_retired_at_its_deadline_with_one_entry_and_one_message(
    house: House,
    people: People,
    clock: StillClock,
) -> None:
    request = arrived(house.ports, people, State.FINALIZED, "wf-00001")
    deadline = grant_of(house.ports, request.id).deadline
    clock.set(deadline - timedelta(microseconds=1))
    assert sweep(house.ports, limit=10) == Swept(0, 0, 0)
    clock.set(deadline + timedelta(hours=3))
    assert sweep(house.ports, limit=10).grants == 1
    grant = grant_of(house.ports, request.id)
    assert (grant.state, grant.ended_at, grant.ended_by) == (GrantState.REVOKED, deadline, None)
    (entry,) = entries(house.ports, "ExpireGrant")
    assert (entry.chain, entry.request_id) == (ACCOUNT, request.id)
    assert (json.loads(entry.body)["before"], json.loads(entry.body)["after"]) == ("LIVE", "REVOKED")
    assert announce_ends(house.ports, limit=10) == 1
    assert announce_ends(house.ports, limit=10) == 0
    (told,) = (one for one in messages_of(house.ports, request.id) if one["Type"] == "GrantEnded")
    assert (told["Reason"], told["EndedAt"], told["Sequence"]) == ("expired", notifications.wire_time(deadline), 5)


def test_sweeping_again_finds_nothing_and_writes_nothing(house: House, people: People, clock: StillClock) -> None:
    for number, state in enumerate((State.ASSIGNED, State.FINALIZED, State.REJECTED)):
        arrived(house.ports, people, state, f"wf-{number:05}")
    clock.advance(days=8)
    assert Sweeper(house.ports).run() > 0
    before = house.ports.store.read(lambda tx: audit.verify(tx, house.ports.keyring))
    errands = house.ports.store.read(lambda tx: tx.find(Errand))
    assert Sweeper(house.ports).run() == 0
    assert house.ports.store.read(lambda tx: audit.verify(tx, house.ports.keyring)) == before
    assert house.ports.store.read(lambda tx: tx.find(Errand)) == errands


def test_many_sweepers_at_once_retire_each_row_once(house: House, people: People, clock: StillClock) -> None:
    many(house.ports, arrived(house.ports, people, State.ASSIGNED, "wf-00001"), 40)
    clock.advance(days=8)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: sweep(house.ports, limit=7).requests, range(20)))
    assert sum(counts) == 41
    subjects = Counter(entry.request_id for entry in entries(house.ports, "ExpireDelegationRequest"))
    assert len(subjects) == 41
    assert set(subjects.values()) == {1}


def test_a_backlog_is_retired_in_batches_to_the_last_row(house: House, people: People, clock: StillClock) -> None:
    many(house.ports, arrived(house.ports, people, State.ASSIGNED, "wf-00001"), BATCH + 5)
    clock.advance(days=8)
    assert sweep(house.ports, limit=BATCH).requests == BATCH
    assert Sweeper(house.ports).run() == 6
    assert house.ports.store.read(lambda tx: audit.verify(tx, house.ports.keyring)).faults == ()


def test_an_unswept_backlog_changes_no_answer(house: House, people: People, clock: StillClock) -> None:
    request = arrived(house.ports, people, State.FINALIZED, "wf-00001")
    token = exchange_token_of(house.ports, request.id)
    session = release.exchange(house.ports, people.call("partner"), token)
    clock.set(session.expires_at)
    assert grant_of(house.ports, request.id).state is GrantState.LIVE, "nothing was swept"
    with pytest.raises(ExpiredExchangeToken):
        release.exchange(house.ports, people.call("partner"), token)
    with pytest.raises(WrongState):
        revoke(house.ports, people.call("owner"), request.id, None)
    assert views.grant(grant_of(house.ports, request.id), house.ports).state == "REVOKED"


def test_what_a_sweep_ended_while_it_was_decided_is_over_and_no_race(
    house: House, people: People, clock: StillClock
) -> None:
    ports = house.ports
    request = arrived(ports, people, State.ASSIGNED, "wf-00001")
    clock.set(request.expires_at - timedelta(seconds=1))

    class Late:
        """A store in which a sweep comes between a look and the transaction after it."""

        read = staticmethod(ports.store.read)

        @staticmethod
        def write(work: Callable[[Writing], Any], **hints: Any) -> Any:
            clock.set(request.expires_at)
            Sweeper(ports).run()
            return ports.store.write(work, **hints)

    with pytest.raises(WrongState, match="EXPIRED"):
        approval.accept(replace(ports, store=Late()), people.call("approver"), request.id, digest=request.digest)


def test_a_sweep_that_cannot_commit_retires_nothing_and_tells_nobody(
    house: House,
    people: People,
    clock: StillClock,
) -> None:
    request = arrived(house.ports, people, State.FINALIZED, "wf-00001")
    clock.advance(days=8)
    before = house.ports.store.read(lambda tx: (tx.find(Errand), tx.find(AuditEntry)))

    def crash(_connection: object) -> None:
        raise OSError

    event.listen(house.store._writing, "commit", crash)
    with pytest.raises(Unavailable):
        sweep(house.ports, limit=10)
    event.remove(house.store._writing, "commit", crash)
    assert house.ports.store.read(lambda tx: (tx.find(Errand), tx.find(AuditEntry))) == before
    assert grant_of(house.ports, request.id).state is GrantState.LIVE
    assert sweep(house.ports, limit=10).grants == 1


# --- letting go ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("off", "kept"), [(-1, True), (0, False)])
def test_an_expired_request_is_kept_for_its_retention_and_its_history_for_ever(
    house: House,
    people: People,
    clock: StillClock,
    off: int,
    kept: bool,  # noqa: FBT001  a parametrised case
) -> None:
    request = arrived(house.ports, people, State.FINALIZED, "wf-00001")
    clock.set(request.expires_at)
    Sweeper(house.ports).run()
    clock.set(request.expires_at + 90 * DAY + timedelta(microseconds=off))
    Sweeper(house.ports).run()
    found = house.ports.store.read(lambda tx: tx.get(DelegationRequest, request.id))
    assert (found is not None) is kept
    history = house.ports.store.read(lambda tx: tx.find(AuditEntry, request_id=request.id))
    assert len(history) >= 5
    assert house.ports.store.read(lambda tx: tx.find(Grant, request_id=request.id)) != []


def test_a_workflow_id_is_free_again_once_its_request_is_gone(house: House, people: People, clock: StillClock) -> None:
    arrived(house.ports, people, State.UNASSIGNED, "wf-00001")
    clock.advance(days=1)
    Sweeper(house.ports).run()
    clock.advance(days=90)
    Sweeper(house.ports).run()
    assert arrived(house.ports, people, State.UNASSIGNED, "wf-00001").workflow_id == "wf-00001"


def test_a_remembered_signature_goes_when_it_would_be_refused_as_too_old(house: House, clock: StillClock) -> None:
    house.ports.store.write(lambda tx: tx.add(Replay("0" * 64, "{}", NOON + timedelta(minutes=31))))
    clock.advance(minutes=31, microseconds=-1)
    assert sweep(house.ports, limit=10).purged == 0
    clock.advance(microseconds=1)
    assert sweep(house.ports, limit=10).purged == 1


# --- remembering the time -----------------------------------------------------------------------------------


def test_the_latest_instant_acted_upon_is_remembered_and_never_goes_back(house: House, clock: StillClock) -> None:
    def high_water() -> object:
        return house.ports.store.read(deployment_of).high_water

    clock.advance(hours=5)
    Sweeper(house.ports).tidy()
    assert high_water() == NOON + timedelta(hours=5)
    clock.set(NOON)
    Sweeper(house.ports).tidy()
    assert high_water() == NOON + timedelta(hours=5)


def test_the_machines_clock_never_runs_backwards_and_not_below_its_floor() -> None:
    floor = OffsetClock().now() + timedelta(days=1000)
    clock = SystemClock(floor)
    assert floor <= clock.now() < floor + timedelta(minutes=1)
    behind = SystemClock(NOON.replace(year=2020))
    seen = [behind.now() for _ in range(1000)]
    assert seen == sorted(seen)
    assert seen[0].tzinfo is not None


# --- being woken --------------------------------------------------------------------------------------------


def stored_state(ports: Ports, request_id: str) -> GrantState:
    return grant_of(ports, request_id).state


def test_a_running_service_retires_a_grant_by_itself_when_its_deadline_comes(tmp_path: Path) -> None:
    clock = OffsetClock()
    with serving(tmp_path, clock) as live:
        people = settle_people(live.ports)
        request = arrived(live.ports, people, State.FINALIZED, "wf-00001", session_duration=300)
        assert stored_state(live.ports, request.id) is GrantState.LIVE
        clock.advance(seconds=299)
        until(lambda: stored_state(live.ports, request.id) is GrantState.REVOKED)
        grant = grant_of(live.ports, request.id)
        assert grant.ended_at == grant.deadline
        assert clock.now() >= grant.deadline
        assert len(entries(live.ports, "ExpireGrant")) == 1


def test_what_fell_due_while_nothing_ran_is_done_at_the_next_start(tmp_path: Path) -> None:
    clock = OffsetClock()
    house = house_in(tmp_path, clock)
    request = arrived(house.ports, settle_people(house.ports), State.FINALIZED, "wf-00001")
    house.close()
    clock.advance(days=1)
    with serving(tmp_path, clock) as live:
        until(lambda: stored_state(live.ports, request.id) is GrantState.REVOKED)


def test_an_end_that_nobody_announced_before_the_process_died_is_announced_once_at_the_next_start(
    tmp_path: Path,
) -> None:
    clock = OffsetClock()
    house = house_in(tmp_path, clock)
    request = arrived(house.ports, settle_people(house.ports), State.FINALIZED, "wf-00001")
    clock.advance(hours=13)
    assert sweep(house.ports, limit=10).grants == 1
    assert messages(house.ports, request.id, "FINALIZED").count("GrantEnded") == 0
    house.close()
    with serving(tmp_path, clock) as live:
        until(lambda: messages(live.ports, request.id, "FINALIZED").count("GrantEnded") == 1)
        assert Sweeper(live.ports).run() == 0
        assert messages(live.ports, request.id, "FINALIZED").count("GrantEnded") == 1


def test_a_running_service_delivers_what_it_wrote(tmp_path: Path) -> None:
    with receiving() as receiver, serving(tmp_path, insecure_allow_loopback_receivers=True) as live:
        people = settle_people(live.ports, url=receiver.url)
        arrived(live.ports, people, State.FINALIZED, "wf-00001")
        until(lambda: len(receiver.received) == 4)
        until(lambda: live.ports.store.read(lambda tx: tx.find(Errand)) == [])
        assert sorted(one["Type"] for one in receiver.messages) == ["ExchangeToken", *["StateChange"] * 3]


def test_a_process_without_the_scheduler_retires_nothing_and_refuses_all_the_same(tmp_path: Path) -> None:
    clock = OffsetClock()
    with serving(tmp_path, clock, scheduler=False) as live:
        people = settle_people(live.ports)
        request = arrived(live.ports, people, State.FINALIZED, "wf-00001")
        clock.advance(days=1)
        shown = inquiry.show_grant(live.ports, people.call("owner"), grant_of(live.ports, request.id).id)
        assert shown.state is GrantState.LIVE


def test_a_wake_up_that_fails_is_followed_by_the_next_one(tmp_path: Path) -> None:
    house = house_in(tmp_path, OffsetClock())
    request = arrived(house.ports, settle_people(house.ports), State.ASSIGNED, "wf-00001")
    wake = wake_for(house, Standing(), Ledger(house.ports))
    runs: list[int] = []

    def fail_twice() -> int:
        runs.append(1)
        if len(runs) <= 2:
            raise RuntimeError
        return Sweeper(house.ports).run()

    wake._sweeper.run = fail_twice  # type: ignore[method-assign]
    due = replace(request, expires_at=request.entered_state_at)
    house.ports.store.write(lambda tx: tx.put(due))
    wake.start()
    try:
        until(lambda: len(runs) >= 3)
        until(lambda: entries(house.ports, "ExpireDelegationRequest"))
    finally:
        wake.stop()
        house.close()
