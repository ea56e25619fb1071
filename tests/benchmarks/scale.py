"""How a full deployment behaves: many live grants at the start, at an idle look, and when they are all due at once.

Run by hand: `uv run python tests/benchmarks/scale.py [--grants 1000000] [--due 10000]`. Both engines, PostgreSQL with
fsync on. The reference is an empty deployment in the same run.
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from stage import free_port, served, staged
from staging.databases import Server, execute
from sweep import fill

from service.house import House
from service.jobs.sweep import BATCH
from service.observe.logs import silence_logs
from workflows.revocation import sweep


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
        for first in range(0, grants, 20_000):
            ports.store.write(lambda tx, first=first: fill(tx, min(20_000, grants - first), first))  # type: ignore[misc]
        print(f"  {f'an idle look, {grants:,} live grants':<46} {idle_look(stage.house):>9.2f} ms")
        ports.store.write(lambda tx: fill(tx, due, grants, deadline=ports.clock.now()))
        began = perf_counter()
        while sweep(ports, limit=BATCH).total:
            pass
        print(f"  {f'{due:,} more due at one instant, all revoked after':<46} {perf_counter() - began:>9.2f} s")
    print(f"  {'start to ready':<46} {start(folder, url):>9.2f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grants", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=10_000)
    given = parser.parse_args()
    silence_logs()
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
