"""What the store asks its database, and how the database goes about it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from service.db.prepared import Cursor
from service.house import House


@contextmanager
def statements(house: House) -> Iterator[list[tuple[str, Any]]]:
    """What the store asks the database inside the block."""
    heard: list[tuple[str, Any]] = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        heard.append((statement, parameters))

    engines = (house.store._reading, house.store._writing)
    run = Cursor._run

    def overhear(cursor: Cursor, text: str, arguments: Any, **more: Any) -> None:
        heard.append((text, arguments))
        run(cursor, text, arguments, **more)

    for one in engines:
        event.listen(one, "before_cursor_execute", hear)
    try:
        with patch.object(Cursor, "_run", overhear):
            yield heard
    finally:
        for one in engines:
            event.remove(one, "before_cursor_execute", hear)


def plan(house: House, statement: str, parameters: Any) -> str:
    """How SQLite would go about a statement."""
    with closing(sqlite3.connect(house.settings.database_file)) as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    return "; ".join(str(row[3]) for row in rows)
