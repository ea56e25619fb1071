"""A database of before there were roles keeps what it held, and its policies get the first of their versions."""

from pathlib import Path

from alembic import command
from sqlalchemy import text
from staging.houses import house_in

from service.db.engine import parse_url, writing_engine
from service.db.schema import _config
from workflows.records.account import ManagedPolicy, PolicyVersion

BEFORE = "0002"
DOCUMENT = '{"Version":"2012-10-17","Statement":[]}'
ARN = "arn:aws:iam::111122223333:policy/Old"
INSERT = """
INSERT INTO managed_policies (arn, account_id, name, document, created_at)
VALUES (:arn, '111122223333', 'Old', :document, '2026-01-02 12:00:00.000000')
"""


def moved(folder: Path, *, up: str | None = None, down: str | None = None) -> None:
    """Bring the schema of the database in this folder to another version."""
    engine = writing_engine(parse_url(f"sqlite:///{folder / 'daypass.db'}"))
    with engine.begin() as connection:
        if up is not None:
            command.upgrade(_config(connection), up)
        if down is not None:
            command.downgrade(_config(connection), down)
    engine.dispose()


def test_policies_keep_their_text_as_their_first_version(tmp_path: Path) -> None:
    moved(tmp_path, up=BEFORE)
    engine = writing_engine(parse_url(f"sqlite:///{tmp_path / 'daypass.db'}"))
    with engine.begin() as connection:
        connection.execute(text(INSERT), {"arn": ARN, "document": DOCUMENT})
    engine.dispose()
    moved(tmp_path, up="head")
    moved(tmp_path, down=BEFORE)
    moved(tmp_path, up="head")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    house_in(fresh).close()
    (fresh / "daypass.key").rename(tmp_path / "daypass.key")
    house = house_in(tmp_path)
    try:
        policy = house.store.read(lambda tx: tx.get(ManagedPolicy, ARN))
        version = house.store.read(lambda tx: tx.get(PolicyVersion, ARN, 1))
        assert policy is not None
        assert version is not None
        assert (policy.default_version, policy.next_version, policy.path, policy.tags) == (1, 2, "/", ())
        assert policy.id.startswith("ANPA")
        assert (version.document, version.created_at) == (DOCUMENT, policy.created_at)
    finally:
        house.close()
