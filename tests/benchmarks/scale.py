"""How a full deployment behaves: many live grants at the start, at an idle look, and when they are all due at once.

Run by hand: `uv run python tests/benchmarks/scale.py [--grants 1000000] [--due 10000]`. Both engines, PostgreSQL with
fsync on. The reference is an empty deployment in the same run.
"""

import argparse
import gc
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from sqlalchemy import create_engine, text
from stage import free_port, served, staged
from staging.databases import Server, execute

from service.db.mapping import table_of
from service.house import House
from service.jobs.sweep import BATCH
from service.observe.logs import silence_logs
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest
from workflows.retirement import announce_ends
from workflows.revocation import sweep


def multiply(house: House, count: int, first: int, **changed: str) -> None:
    """Multiply the first request and grant inside the database, numbered from `first`, with these columns changed."""
    engine = create_engine(house.settings.url)
    shared = engine.dialect.name == "postgresql"
    number = "lpad(to_hex(n.i), 32, '0')" if shared else "printf('%032x', n.i)"
    series = "generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n(i)" if shared else "n"
    counting = "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last) "
    own = {"id": f"'dr-' || {number}", "workflow_id": f"'wf-' || {number}"}
    lent = {
        "id": f"'dg-' || {number}",
        "request_id": f"'dr-' || {number}",
        "token_hash": f"'dg-' || {number}",
        **changed,
    }
    with engine.begin() as connection:
        for kind, columns in ((DelegationRequest, own), (Grant, lent)):
            table = table_of(kind)
            names = [column.name for column in table.columns]
            chosen = ", ".join(columns.get(name, f"one.{name}") for name in names)
            oldest = f"(SELECT * FROM {table.name} ORDER BY created_at, id LIMIT 1) AS one"  # noqa: S608  names of ours
            into = f"INSERT INTO {table.name} ({', '.join(names)})"
            insert = f"{into} SELECT {chosen} FROM {oldest}, {series}"  # noqa: S608  names of ours
            # SQLite takes the numbers from a query that stands in front of the insert.
            statement = text(insert if shared else counting + insert)
            connection.execute(statement, {"first": first, "last": first + count - 1})
    engine.dispose()


def start(folder: Path, url: str | None) -> float:
    """Return the seconds from starting a process until it is ready."""
    began = perf_counter()
    with served(folder, url):
        return perf_counter() - began


def idle_look(house: House) -> float:
    """Return the milliseconds of one look at what is due next."""
    began = perf_counter()
    for _ in range(100):
        house.store.read(lambda tx: tx.next_due())
    return (perf_counter() - began) * 10


def measure(folder: Path, url: str | None, grants: int, due: int) -> None:
    """Measure one engine."""
    with staged(folder, url) as stage:
        ports = stage.house.ports
        print(f"  {'an idle look, nothing there':<46} {idle_look(stage.house):>9.2f} ms")
        began = perf_counter()
        multiply(stage.house, grants, 0)
        print(f"  {f'{grants:,} requests and grants put in':<46} {perf_counter() - began:>9.2f} s")
        print(f"  {f'an idle look, {grants:,} live grants':<46} {idle_look(stage.house):>9.2f} ms")
        multiply(stage.house, due, grants, deadline=f"'{ports.clock.now():%Y-%m-%d %H:%M:%S.%f}'")
        began = perf_counter()
        while sweep(ports, limit=BATCH).total:
            pass
        print(f"  {f'{due:,} more due at one instant, all revoked after':<46} {perf_counter() - began:>9.2f} s")
        while announce_ends(ports, limit=BATCH):
            pass
        print(f"  {'and every partner told of it after':<46} {perf_counter() - began:>9.2f} s")
    print(f"  {'start to ready':<46} {start(folder, url):>9.2f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grants", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=10_000)
    given = parser.parse_args()
    silence_logs()
    # As a serving process does.
    gc.freeze()
    with ExitStack() as stack:
        print("SQLite")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        measure(folder, None, given.grants, given.due)
        server = Server(port=free_port(), durable=True)
        stack.callback(server.close)
        execute(server.dsn, "CREATE DATABASE daypass")
        print("PostgreSQL, fsync and synchronous_commit on")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        measure(folder, server.dsn.removesuffix("postgres") + "daypass", given.grants, given.due)


if __name__ == "__main__":
    main()
