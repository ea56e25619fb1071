"""A whole use-case in the writing thread: told once it is durable; of one that was refused only the refusal stays."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy import event
from staging.accounts import add, numbers
from staging.groups import together
from staging.polling import until

from service.db.store import SqlStore
from workflows.errors import AlreadyExists, DomainError, NoSuchEntity, Unavailable
from workflows.ports import Store, Writing
from workflows.records.account import Account

Act = Callable[[Store], Any]


def handed_over(store: SqlStore, act: Act) -> Future[Any]:
    """Hand an act over; return what it will be told."""
    future: Future[Any] = Future()

    def tell(result: Any, failure: BaseException | None) -> None:
        future.set_result(result) if failure is None else future.set_exception(failure)

    store.hand_over(act, tell)
    return future


def in_one_group(store: SqlStore, *acts: Act) -> list[Future[Any]]:
    """Hand acts over while the writing thread is busy, so that it takes them together."""
    entered, go_on = threading.Event(), threading.Event()

    def block(_store: Store) -> None:
        entered.set()
        go_on.wait()

    blocking = handed_over(store, block)
    until(lambda: entered.is_set() or blocking.done())
    futures = [handed_over(store, act) for act in acts]
    go_on.set()
    blocking.result()
    return futures


def adding(number: int) -> Act:
    return lambda store: store.write(add(number))


def refused(attempted: int, noted: int) -> Act:
    """An act that writes, is refused, and writes down that it was, as `perform` does."""

    def work(tx: Writing) -> None:
        add(attempted)(tx)
        raise NoSuchEntity("thing", "x")

    def act(store: Store) -> None:
        try:
            store.write(work)
        except DomainError:
            store.write(add(noted))
            raise

    return act


def broken(store: Store) -> None:
    store.write(add(70))
    raise ZeroDivisionError


def test_what_it_returned_is_told_after_the_commit(store: SqlStore) -> None:
    seen: list[bool] = []
    futures: list[Future[Any]] = []
    event.listen(store._writing, "commit", lambda _connection: seen.append(any(one.done() for one in futures)))
    futures.append(handed_over(store, lambda inner: (inner.write(add(1)), inner.read(lambda tx: tx.find(Account)))[1]))
    assert [one.alias for one in futures[0].result()] == ["account-1"]
    assert (seen, numbers(store)) == ([False], [1])


def test_of_a_refused_act_only_what_it_wrote_down_afterwards_stays(store: SqlStore) -> None:
    with pytest.raises(NoSuchEntity):
        handed_over(store, refused(1, 2)).result()
    assert numbers(store) == [2]


def test_neighbours_of_a_refused_or_broken_act_notice_nothing(store: SqlStore) -> None:
    futures = in_one_group(store, adding(1), refused(2, 3), adding(4), broken, adding(5), refused(6, 7))
    told = [type(one.exception()) for one in futures]
    assert told == [type(None), NoSuchEntity, type(None), ZeroDivisionError, type(None), NoSuchEntity]
    assert numbers(store) == [1, 3, 4, 5, 7]


def test_a_name_that_a_neighbour_took_is_told_to_the_act_that_wanted_it(store: SqlStore) -> None:
    def settle(inner: Store) -> str:
        try:
            inner.write(add(2, "account-1"))
        except AlreadyExists:
            inner.write(add(3))
            return "took another"
        return "took it"

    first, second = in_one_group(store, adding(1), settle)
    assert (first.exception(), second.result(), numbers(store)) == (None, "took another", [1, 3])


def test_it_joins_the_group_of_those_who_wait(store: SqlStore) -> None:
    commits: list[int] = []
    event.listen(store._writing, "commit", lambda _connection: commits.append(1))
    for future in in_one_group(store, *(adding(number) for number in range(1, 21))):
        future.result()
    assert (len(numbers(store)), len(commits)) == (20, 2)
    assert [one.exception() for one in together(store, [add(30), add(31)])] == [None, None]


def test_a_commit_that_fails_is_told_as_a_failure(store: SqlStore) -> None:
    def fail(_connection: object) -> None:
        raise store._writing.dialect.loaded_dbapi.OperationalError("disk I/O error")

    event.listen(store._writing, "commit", fail)
    with pytest.raises(Unavailable):
        handed_over(store, adding(1)).result()
    event.remove(store._writing, "commit", fail)
    assert numbers(store) == []


def test_a_closed_store_takes_nothing_more(store: SqlStore) -> None:
    last = handed_over(store, adding(1))
    store.close()
    assert last.exception() is None
    with pytest.raises(Unavailable):
        handed_over(store, adding(2))
