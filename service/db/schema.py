"""Which version the schema of a database has, and how it gets to the newest one.

Alembic is imported only when there is something to migrate: most starts have nothing to do.
"""

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from service.db.engine import exists, is_shared, migrating_engine
from service.errors import StartError

HEAD: Final = "0011"
_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def _config(connection: Connection) -> Any:  # noqa: ANN401  Alembic is imported late, so its type has no name here
    from alembic.config import Config  # noqa: PLC0415  see above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _unopened(url: URL) -> StartError:
    if is_shared(url):
        return StartError(f"the database server at {url.host or 'the local socket'} cannot be reached or refuses us")
    return StartError(f"{url.database} cannot be opened as a database")


def schema_version(url: URL) -> str | None:
    """Return the schema's version, or None for a database that has none yet (or does not exist).

    Raises `StartError` for a file that is no database, or one that cannot be opened.
    """
    if not exists(url):
        return None
    engine = migrating_engine(url)
    try:
        with engine.connect() as connection:
            return _version(connection)
    except DBAPIError:
        raise _unopened(url) from None
    finally:
        engine.dispose()


def is_settled(url: URL) -> bool:
    """Tell whether a deployment lives in this database, and so has its master key somewhere; raises `StartError`."""
    if schema_version(url) is None:
        return False
    engine = migrating_engine(url)
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT id FROM deployment")).first() is not None
    except DBAPIError:
        raise _unopened(url) from None
    finally:
        engine.dispose()


def migrate(url: URL, *, to: str = HEAD) -> tuple[str | None, str]:
    """Bring the schema to the newest version in one transaction; return the versions before and after.

    `to` stops at an earlier one, for trying out what an upgrade meets.
    Raises `StartError` when the database was written by a newer release.
    """
    before = schema_version(url)
    if before == to:
        return before, to
    if before is not None and before > HEAD:
        raise StartError(f"the database has schema {before}, this release knows {HEAD}; run the newer release")
    from alembic import command  # noqa: PLC0415  costs a third of a second that most starts need not pay

    engine = migrating_engine(url)
    try:
        with engine.begin() as connection:
            command.upgrade(_config(connection), to)
    except DBAPIError:
        raise _unopened(url) from None
    finally:
        engine.dispose()
    return before, to
