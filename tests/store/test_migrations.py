"""A database of any release before becomes one of this release, with what is in it, on either engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL
from staging.clocks import StillClock
from staging.databases import postgres_database, text_of
from staging.houses import house_in, settle_people

from service.db.engine import migrating_engine, parse_url
from service.db.schema import HEAD, _config, migrate, schema_version
from service.db.tables import METADATA
from service.errors import StartError
from workflows.records.account import Account
from workflows.records.deployment import Deployment


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """The address of a database with nothing in it, on each engine."""
    if request.param == "sqlite":
        yield parse_url(f"sqlite:///{tmp_path / 'daypass.db'}")
        return
    with postgres_database(empty=True) as url:
        yield url


@contextmanager
def inside(url: URL) -> Iterator[Connection]:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def test_the_migrated_schema_is_the_schema_of_the_tables(empty: URL) -> None:
    assert migrate(empty) == (None, HEAD)
    assert migrate(empty) == (HEAD, HEAD)
    with inside(empty) as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_migrated_indexes_are_kept_as_the_tables_say() -> None:
    """The comparison of the schema does not look at how an index is kept."""
    wanted = {
        index.name: [f"{name}={value}" for name, value in index.dialect_options["postgresql"]["with"].items()]
        for table in METADATA.tables.values()
        for index in table.indexes
    }
    with postgres_database(empty=True) as url:
        migrate(url)
        with inside(url) as connection:
            query = text("SELECT relname, coalesce(reloptions, '{}') AS kept FROM pg_class WHERE relname LIKE 'ix%'")
            assert {one.relname: one.kept for one in connection.execute(query)} == wanted


@pytest.mark.parametrize("release", ["0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010"])
def test_what_a_release_before_wrote_is_there_after_the_upgrade(
    empty: URL, tmp_path: Path, clock: StillClock, release: str
) -> None:
    opened = house_in(tmp_path, clock, database_url=text_of(empty))
    settle_people(opened.ports)
    before = opened.store.read(lambda tx: (tx.find(Account), tx.find(Deployment)))
    opened.close()
    engine = migrating_engine(empty)
    with engine.begin() as connection:
        # What was added since is taken away again: such a database that release left behind.
        command.downgrade(_config(connection), release)
    engine.dispose()
    assert schema_version(empty) == release
    again = house_in(tmp_path, clock, database_url=text_of(empty))
    assert again.store.read(lambda tx: (tx.find(Account), tx.find(Deployment))) == before
    again.close()


def test_the_release_before_goes_on_writing_beside_this_one(url: URL) -> None:
    columns = "id, key_check, authority, high_water, created_at"
    with inside(url) as connection:
        values = "'dp-1', 'k1:x', 0, '2026-01-01 00:00:00', '2026-01-01 00:00:00'"
        connection.execute(text(f"INSERT INTO deployment ({columns}) VALUES ({values})"))  # noqa: S608  constants
        assert connection.execute(text("SELECT epoch, quarantined_at FROM deployment")).one() == (0, None)
        template = "'t', '444455556666', 'T', '{}', '[]', '2026-01-01 00:00:00'"
        columns = "arn, partner_id, name, document, wildcard_safe, created_at"
        connection.execute(text(f"INSERT INTO policy_templates ({columns}) VALUES ({template})"))  # noqa: S608  as above
        found = connection.execute(text("SELECT findings, accepted_because FROM policy_templates")).one()
        assert found in (("[]", None), ([], None))


def test_processes_that_start_at_once_migrate_one_after_the_other() -> None:
    with postgres_database(empty=True) as url:
        failures: list[Exception] = []

        def start() -> None:
            try:
                migrate(url)
            except StartError as failure:
                failures.append(failure)

        starting = [Thread(target=start) for _ in range(3)]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        assert failures == []
        assert schema_version(url) == HEAD


def test_a_database_of_a_newer_release_is_left_alone(url: URL) -> None:
    with inside(url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StartError, match="run the newer release"):
        migrate(url)
