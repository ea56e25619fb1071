"""The store's contract: durable before it is told, alone in failure, together in success, a snapshot for readers."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import URL
from staging.accounts import account, add, numbers
from staging.clocks import NOON
from staging.databases import text_of
from staging.groups import together
from staging.polling import until

from service.db.pending import Misjudged
from service.db.store import SqlStore
from service.db.view import TakenBack, View
from workflows.errors import AlreadyExists, LostRace, Unavailable
from workflows.ids import AccountId
from workflows.ports import Reading, Writing
from workflows.records.account import Account, Principal, PrincipalKind

T = TypeVar("T")


def failing(failure: BaseException, number: int) -> Callable[[Writing], None]:
    """Write something and then fail."""

    def work(tx: Writing) -> None:
        tx.add(account(number))
        raise failure

    return work


def poisoned(tx: Writing) -> None:
    """Write something and then make the database itself fail."""
    assert isinstance(tx, View)
    tx.add(account(666))
    tx._connection.execute(text("SELECT * FROM nowhere"))


# --- one act ------------------------------------------------------------------------------------------------


def test_what_was_written_is_read_back_and_survives_a_reopening(store: SqlStore, url: URL) -> None:
    def work(tx: Writing) -> str:
        tx.add(account(1))
        return "done"

    assert store.write(work) == "done"
    assert numbers(store) == [1]
    store.close()
    again = SqlStore(url)
    assert numbers(again) == [1]
    again.close()


@pytest.mark.parametrize("failure", [LostRace("thing", "x"), ValueError("x"), KeyError("x"), SystemExit(1)], ids=repr)
def test_an_act_that_raises_undoes_itself_and_its_failure_reaches_its_caller(
    store: SqlStore,
    failure: BaseException,
) -> None:
    with pytest.raises(type(failure)) as raised:
        store.write(failing(failure, 1))
    assert raised.value is failure
    assert numbers(store) == []
    store.write(add(2))
    assert numbers(store) == [2]


def test_a_name_that_is_taken_is_told_and_the_act_can_go_on(store: SqlStore) -> None:
    store.write(add(1))

    def work(tx: Writing) -> str:
        with pytest.raises(AlreadyExists):
            tx.add(account(1, "other"))
        with pytest.raises(AlreadyExists):
            tx.add(account(2, "account-1"))
        tx.add(account(3))
        return "went on"

    assert store.write(work) == "went on"
    assert numbers(store) == [1, 3]


def test_an_act_sees_what_it_wrote_itself(store: SqlStore) -> None:
    def work(tx: Writing) -> Sequence[Account]:
        tx.add(account(1))
        tx.put(replace(account(1), alias="renamed"))
        return tx.find(Account)

    assert [one.alias for one in store.write(work)] == ["renamed"]


# --- many at once -------------------------------------------------------------------------------------------


def test_acts_that_wait_together_are_committed_together(store: SqlStore) -> None:
    commits: list[int] = []
    event.listen(store._writing, "commit", lambda _connection: commits.append(1))
    for future in together(store, [add(number) for number in range(1, 31)]):
        future.result()
    assert len(numbers(store)) == 30
    assert len(commits) == 2, "the blocking act's, and one for all of the others"


def test_an_act_that_fails_takes_none_of_its_group_along(store: SqlStore) -> None:
    works = [add(1), failing(ValueError("mine"), 2), add(3), failing(LostRace("thing", "x"), 4), add(5)]
    outcomes = [future.exception() for future in together(store, works)]
    assert [type(one) for one in outcomes] == [type(None), ValueError, type(None), LostRace, type(None)]
    assert numbers(store) == [1, 3, 5]


def test_an_act_that_breaks_the_transaction_itself_takes_none_of_its_group_along(store: SqlStore) -> None:
    outcomes = [future.exception() for future in together(store, [add(1), poisoned, add(2)])]
    assert [type(one) for one in outcomes] == [type(None), Unavailable, type(None)]
    assert numbers(store) == [1, 2]


def test_of_many_who_swap_the_same_row_exactly_one_wins(store: SqlStore) -> None:
    person = Principal(
        id="AIDA1",  # type: ignore[arg-type]
        account_id=AccountId("1" * 12),
        kind=PrincipalKind.USER,
        name="owner",
        arn="arn:aws:iam::111111111111:user/owner",
        boundary=None,
        active=True,
        revision=0,
        created_at=NOON,
    )
    store.write(lambda tx: tx.add(person))

    def rename(name: str) -> Callable[[Writing], Principal]:
        return lambda tx: tx.swap(person, replace(person, name=name))

    outcomes = [future.exception() for future in together(store, [rename(f"name-{n}") for n in range(20)])]
    assert [type(one) for one in outcomes].count(LostRace) == 19
    assert outcomes[0] is None
    (stored,) = store.read(lambda tx: tx.find(Principal))
    assert (stored.name, stored.revision) == ("name-0", 1)


def test_changes_of_authority_are_counted_once_each_and_only_when_they_are_durable(store: SqlStore) -> None:
    def change(tx: Writing) -> None:
        tx.authority_changed()

    def change_and_fail(tx: Writing) -> None:
        tx.authority_changed()
        raise ValueError

    before = store.authority_changes
    together(store, [change, change_and_fail, poisoned, change])
    assert store.authority_changes == before + 2


# --- readers ------------------------------------------------------------------------------------------------


def test_a_reader_sees_one_snapshot_however_long_it_looks(store: SqlStore) -> None:
    store.write(add(1))

    def look(tx: Reading) -> tuple[int, int]:
        before = len(tx.find(Account))
        store.write(add(2))
        return before, len(tx.find(Account))

    assert store.read(look) == (1, 1)
    assert numbers(store) == [1, 2]


def test_a_reader_neither_waits_for_a_writer_nor_sees_what_is_not_committed(store: SqlStore) -> None:
    seen: list[list[int]] = []

    def work(tx: Writing) -> None:
        tx.add(account(1))
        seen.append(numbers(store))

    store.write(work)
    assert seen == [[]]
    assert numbers(store) == [1]


def test_a_reader_cannot_write(store: SqlStore) -> None:
    def sneak(tx: Reading) -> None:
        assert isinstance(tx, View)
        tx.add(account(1))

    with pytest.raises(Unavailable):
        store.read(sneak)
    assert numbers(store) == []


def test_a_reader_that_finds_no_connection_free_is_told_so(store: SqlStore) -> None:
    store._reading.pool._timeout = 0.01  # type: ignore[attr-defined]

    def nested(depth: int) -> int:
        return store.read(lambda _tx: nested(depth - 1)) if depth else 0

    assert nested(8) == 0
    with pytest.raises(Unavailable):
        nested(9)


# --- nothing is acknowledged before it is durable -----------------------------------------------------------


def test_nobody_is_told_of_success_before_the_commit(store: SqlStore) -> None:
    told: list[bool] = []
    futures: list[Future[None]] = []
    event.listen(store._writing, "commit", lambda _connection: told.append(any(one.done() for one in futures)))
    with ThreadPoolExecutor(4) as pool:
        futures += [pool.submit(store.write, add(1))]
        futures[0].result()
    assert told == [False]


def test_a_commit_that_fails_is_told_as_a_failure_and_nothing_of_it_stays(store: SqlStore) -> None:
    def fail(_connection: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(store._writing, "commit", fail)
    with pytest.raises(Unavailable):
        store.write(add(1))
    assert {type(one.exception()) for one in together(store, [add(2), add(3)])} == {Unavailable}
    event.remove(store._writing, "commit", fail)
    store.write(add(4))
    assert numbers(store) == [4]


@pytest.mark.parametrize("why", [Misjudged, TakenBack])
def test_what_is_run_again_until_the_last_try_is_no_success(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, why: type[Exception]
) -> None:
    def never(*_given: object, **_named: object) -> None:
        raise why

    with monkeypatch.context() as patched:
        patched.setattr(store, "_transact", never)
        with pytest.raises(Unavailable):
            store.write(add(1))
    store.write(add(2))
    assert numbers(store) == [2]


_WRITER = """
import sys, threading
from datetime import UTC, datetime
from service.db.engine import parse_url
from service.db.store import SqlStore
from workflows.records.account import Account

store = SqlStore(parse_url(sys.argv[1]))
out = threading.Lock()

def write(first):
    for number in range(first, 10**9, 8):
        record = Account(f"{number:012}", f"a{number}", datetime(2026, 1, 2, tzinfo=UTC))
        store.write(lambda tx: tx.add(record))
        with out:
            print(number, flush=True)

for first in range(8):
    threading.Thread(target=write, args=(first,), daemon=True).start()
threading.Event().wait()
"""


def test_every_acknowledged_write_is_there_after_the_process_was_killed(url: URL) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", _WRITER, text_of(url)], stdout=subprocess.PIPE, cwd=root) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(200)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout.read().split(b"\n")[:-1]]
    store = SqlStore(url)
    assert set(told) <= set(numbers(store))
    store.close()


# --- the end ------------------------------------------------------------------------------------------------


def test_closing_finishes_what_waits_and_then_takes_nothing_more(store: SqlStore) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def block(tx: Writing) -> None:
        entered.set()
        go_on.wait()
        tx.add(account(0))

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(store.write, block)
        entered.wait()
        waiting = [pool.submit(store.write, add(number)) for number in range(1, 5)]
        until(lambda: store._jobs.qsize() == 4)
        closing_it = pool.submit(store.close)
        until(lambda: store._jobs.qsize() == 5)
        go_on.set()
        for future in (first, *waiting, closing_it):
            future.result()
    with pytest.raises(Unavailable):
        store.write(add(9))
    assert numbers(store) == [0, 1, 2, 3, 4]
