"""How large a deployment grows: rows, disk and processor time of a million requests, each led through its whole life.

A request is filed, claimed, accepted, released, its token traded once and its grant revoked, through the use-cases and
without HTTP. The reference for disk is what one request's own text weighs. Both engines, after all is written out.
Run by hand: `uv run python tests/benchmarks/growth.py [--count 1000]`.
"""

import argparse
import json
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import astuple
from pathlib import Path
from time import process_time

import psycopg
from stage import Stage, free_port, staged
from staging.databases import Server, execute
from staging.houses import a_request
from staging.wires import exchange_token_of

from service.db.tables import METADATA
from service.observe.logs import silence_logs
from workflows import approval, release, revocation, submission
from workflows.ids import RequestId
from workflows.records.request import DelegationRequest

_MILLION = 1_000_000
_TABLES = sorted(METADATA.tables)


def lead(stage: Stage, number: int) -> RequestId:
    """Lead one request through its whole life; return its id."""
    ports, people = stage.house.ports, stage.people
    owner, approver, partner = (people.call(name) for name in ("owner", "approver", "partner"))
    asked = a_request(people, f"wf-growth-{number:08}", session_duration=43_200)
    request = submission.create(ports, partner, asked)
    submission.associate(ports, owner, request.id)
    approval.accept(ports, approver, request.id, digest=request.digest)
    release.send(ports, approver, request.id)
    release.exchange(ports, partner, exchange_token_of(ports, request.id))
    revocation.revoke(ports, approver, request.id, None)
    return request.id


def sizes(stage: Stage, dsn: str | None) -> dict[str, tuple[int, int]]:
    """Return the rows and the bytes of each table, its indexes included, everything written out."""
    if dsn is None:
        with closing(sqlite3.connect(stage.house.settings.url.database or "")) as plain:
            plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            owners = dict(plain.execute("SELECT name, tbl_name FROM sqlite_master").fetchall())
            pages = plain.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall()
            rows = [plain.execute(f"SELECT count(*) FROM {name}").fetchone() for name in _TABLES]  # noqa: S608  names of ours
        weights = Counter[str]()
        for name, size in pages:
            weights[owners.get(name, "")] += size
        return {name: (row[0], weights[name]) for name, row in zip(_TABLES, rows, strict=True)}
    with psycopg.connect(dsn, autocommit=True) as server:
        server.execute("VACUUM")
        asked = (f"SELECT count(*), pg_total_relation_size('{name}') FROM {name}" for name in _TABLES)  # noqa: S608  names of ours
        told = [server.execute(query.encode()).fetchone() for query in asked]
    return {name: (row[0], row[1]) for name, row in zip(_TABLES, told, strict=True) if row}


def measure(folder: Path, url: str | None, count: int) -> None:
    """Measure one engine."""
    with staged(folder, url) as stage:
        lead(stage, 0)
        before = sizes(stage, url)
        began = process_time()
        last = [lead(stage, number) for number in range(1, count + 1)][-1]
        took = process_time() - began
        after = sizes(stage, url)
        request = stage.house.store.read(lambda tx: tx.get(DelegationRequest, last))
        assert request is not None
        text = len(json.dumps([str(value) for value in astuple(request)]))
    whole = 0
    for name in _TABLES:
        rows, disk = (later - earlier for later, earlier in zip(after[name], before[name], strict=True))
        whole += disk
        if rows:
            print(f"  {name:<34} {rows / count:>6.2f} million rows {disk / count / 1000:>8.2f} GB")
    print(f"  {'together':<34} {whole / count / text:>6.1f} x its own text {whole / count / 1000:>8.2f} GB")
    print(f"  {'processor time without HTTP':<34} {took / count * _MILLION / 3600:>6.2f} hours of one core")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    count = parser.parse_args().count
    silence_logs()
    with tempfile.TemporaryDirectory() as name:
        print("a million requests on SQLite")
        measure(Path(name), None, count)
    server = Server(port=free_port(), durable=True)
    try:
        execute(server.dsn, "CREATE DATABASE daypass")
        with tempfile.TemporaryDirectory() as name:
            print("a million requests on PostgreSQL")
            measure(Path(name), server.dsn.removesuffix("postgres") + "daypass", count)
    finally:
        server.close()


if __name__ == "__main__":
    main()
