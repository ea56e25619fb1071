"""How fast due grants are retired, each with its audit entry, and their partners told.

Reference, in the same run: sqlite3 alone updating as many rows in batches of the same size, durably.
Run by hand: `uv run python tests/benchmarks/sweep.py [--count 100000]`.
"""

import argparse
import gc
import sqlite3
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from stage import staged
from staging.clocks import StillClock

from service.jobs.sweep import BATCH
from service.observe.logs import silence_logs
from workflows.ids import GrantId, RequestId
from workflows.ports import Writing
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest
from workflows.retirement import announce_ends
from workflows.revocation import sweep


def fill(tx: Writing, count: int, start: int = 0, **changed: Any) -> None:
    """Multiply the first request and grant, numbered from `start`, the grants with these fields changed."""
    request, grant = tx.find(DelegationRequest)[0], tx.find(Grant)[0]
    for first in range(start, start + count, 5000):
        numbers = range(first, min(first + 5000, start + count))
        ids = [(RequestId(f"dr-{one:032x}"), GrantId(f"dg-{one:032x}")) for one in numbers]
        tx.add_all([replace(request, id=request_id, workflow_id=f"wf-{request_id}") for request_id, _ in ids])
        tx.add_all(
            [replace(grant, id=own, request_id=request_id, token_hash=own, **changed) for request_id, own in ids]
        )


def plain_updates(folder: Path, count: int) -> float:
    """Return the rows per second of plain sqlite3 in equal batches."""
    with sqlite3.connect(folder / "plain.db", isolation_level=None) as plain:
        plain.execute("PRAGMA journal_mode=WAL")
        plain.execute("PRAGMA synchronous=FULL")
        plain.execute("CREATE TABLE grants (id TEXT PRIMARY KEY, state TEXT, deadline TEXT)")
        rows = ((f"dg-{one:032x}", "LIVE", "2026-01-02") for one in range(count))
        plain.execute("BEGIN")
        plain.executemany("INSERT INTO grants VALUES (?, ?, ?)", rows)
        plain.execute("COMMIT")
        began = perf_counter()
        for first in range(0, count, BATCH):
            names = [("REVOKED", f"dg-{one:032x}") for one in range(first, min(first + BATCH, count))]
            plain.execute("BEGIN IMMEDIATE")
            plain.executemany("UPDATE grants SET state = ? WHERE id = ?", names)
            plain.execute("COMMIT")
        rate = count / (perf_counter() - began)
    plain.close()
    return rate


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    count = parser.parse_args().count
    silence_logs()
    # As a serving process does.
    gc.freeze()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with staged(folder) as stage:
            ports = stage.house.ports
            ports.store.write(lambda tx: fill(tx, count))
            late = replace(ports, clock=StillClock(ports.clock.now() + timedelta(hours=13)))
            began = perf_counter()
            while sweep(late, limit=BATCH).total:
                pass
            rate = count / (perf_counter() - began)
            began = perf_counter()
            while announce_ends(late, limit=BATCH):
                pass
            telling = count / (perf_counter() - began)
        reference = plain_updates(folder, count)
    print(f"  {'reference: plain updates':<36} {reference:>12,.0f} /s")
    print(f"  {f'sweep of {count:,} due grants':<36} {rate:>12,.0f} /s  {rate / reference:>6.3f} x reference")
    print(f"  {'messages about them':<36} {telling:>12,.0f} /s  {telling / reference:>6.3f} x reference")


if __name__ == "__main__":
    main()
