"""What only SQLite has: a file that can be locked or full, and that one process alone serves from."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from staging.accounts import add, numbers

from service.db import engine
from service.db.engine import hold_alone, parse_url
from service.db.schema import migrate
from service.db.store import SqlStore
from service.errors import StartError
from workflows.errors import Unavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a fresh database with the newest schema."""
    migrate(parse_url(f"sqlite:///{tmp_path / 'store.db'}"))
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    """An open store."""
    opened = SqlStore(parse_url(f"sqlite:///{path}"))
    yield opened
    opened.close()


def test_a_second_process_is_refused_while_one_serves_and_let_in_afterwards(path: Path) -> None:
    url = parse_url(f"sqlite:///{path}")
    first = hold_alone(url)
    with pytest.raises(StartError, match="another process serves from"):
        hold_alone(url)
    first.release()
    hold_alone(url).release()


def test_a_locked_file_is_told_and_when_it_is_free_again_everything_goes_on(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "_BUSY_MILLISECONDS", 10)
    store = SqlStore(parse_url(f"sqlite:///{path}"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable):
            store.write(add(1))
        assert numbers(store) == [], "readers do not wait for the lock"
        other.execute("ROLLBACK")
    store.write(add(2))
    assert numbers(store) == [2]
    store.close()


def test_what_does_not_fit_on_a_full_disk_fails_alone_and_the_rest_goes_on(store: SqlStore) -> None:
    with store._writing.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")

    large = add(2, "x" * 1_000_000)

    store.write(add(1))
    with pytest.raises(Unavailable):
        store.write(large)
    store.write(add(3))
    assert numbers(store) == [1, 3]
    with store._writing.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    store.write(large)
    assert numbers(store) == [1, 2, 3]
