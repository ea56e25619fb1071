"""The contract of the store holds on both engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL
from staging.clocks import StillClock
from staging.databases import fresh_database, text_of
from staging.houses import house_in

from service.db.store import SqlStore
from service.house import House


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """The address of a fresh database with the newest schema, on each engine."""
    with fresh_database(request.param, tmp_path) as address:
        yield address


@pytest.fixture
def store(url: URL) -> Iterator[SqlStore]:
    """An open store, on either engine."""
    opened = SqlStore(url)
    yield opened
    opened.close()


@pytest.fixture
def house(url: URL, tmp_path: Path, clock: StillClock) -> Iterator[House]:
    """An open house on a fresh database, on each engine."""
    opened = house_in(tmp_path, clock, database_url=text_of(url))
    yield opened
    opened.close()
