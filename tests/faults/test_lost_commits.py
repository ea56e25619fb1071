"""The server crashes while a commit is on its way: what was lost is run again, even where another takes its number."""

import signal
from collections.abc import Iterator

import psycopg
import pytest
from staging.clocks import NOON
from staging.databases import Server, deployment_on, execute, named, text_of

from service.db.engine import parse_url
from service.db.store import SqlStore
from workflows.ids import AccountId
from workflows.ports import Writing
from workflows.records.account import Account


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that keeps its promises about the disk, with an empty deployment on it."""
    made = Server(durable=True)
    execute(made.dsn, "CREATE TABLE numbers (number text)")
    deployment_on(made.dsn, "daypass")
    yield made
    made.close()


@pytest.fixture
def store(server: Server) -> Iterator[SqlStore]:
    """A store on that server."""
    opened = SqlStore(parse_url(text_of(named(server.dsn, "daypass"))))
    yield opened
    opened.close()


def number_of(connection: psycopg.Connection[tuple[str]]) -> str:
    (number,) = connection.execute("SELECT pg_current_xact_id()::text").fetchone() or ("",)
    return number


def test_a_lost_transaction_is_not_taken_for_the_one_that_got_its_number(
    server: Server, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []
    commit = store._writing.dialect.do_commit

    def crash(connection: object) -> None:
        if len(runs) > 1:
            commit(connection)  # type: ignore[arg-type]
            return
        driver: psycopg.Connection[tuple[str]] = connection.driver_connection  # type: ignore[attr-defined]
        lost = number_of(driver)
        server.stop(signal.SIGQUIT)
        server.start()
        with psycopg.connect(server.dsn) as other:
            assert number_of(other) == lost, "the premise of this test"
            other.execute("INSERT INTO numbers VALUES (%s)", [lost])
        driver.execute("SELECT 1")

    def work(tx: Writing) -> str:
        runs.append("run")
        tx.add(Account(AccountId("1" * 12), "first", NOON))
        return "done"

    store.write(lambda tx: tx.find(Account))
    monkeypatch.setattr(store._writing.dialect, "do_commit", crash)
    assert store.write(work) == "done"
    assert len(runs) == 2
    assert [one.alias for one in store.read(lambda tx: tx.find(Account))] == ["first"]
