"""What the benchmarks share: a settled house with one live grant, a server process of its own, and a table."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from staging.houses import People, a_request, house_in, settle_people  # noqa: E402  as above

from service.house import House  # noqa: E402  the path comes first
from workflows import approval, delivery, notifications, release, submission  # noqa: E402  as above

EXCHANGES = 10_000


@dataclass(frozen=True)
class Stage:
    """A house with everybody in it and one released request."""

    house: House
    people: People
    token: str


def address(folder: Path) -> str:
    """Return the address of a SQLite database in this folder."""
    return f"sqlite:///{folder / 'daypass.db'}"


@contextmanager
def staged(folder: Path, database_url: str | None = None) -> Iterator[Stage]:
    """Open a house in this folder, on this database or a file of its own, and release one request in it."""
    house = house_in(folder, exchange_cap=EXCHANGES, database_url=database_url or address(folder))
    try:
        ports, people = house.ports, settle_people(house.ports)
        request = submission.create(ports, people.call("partner"), a_request(people, session_duration=43_200))
        submission.associate(ports, people.call("owner"), request.id)
        approval.accept(ports, people.call("approver"), request.id, digest=request.digest)
        release.send(ports, people.call("approver"), request.id)
        mailbox = delivery.mailbox(ports, people.call("partner"), limit=9)
        messages = [notifications.body_of(ports, one) for one in mailbox]
        yield Stage(house, people, next(str(one["ExchangeToken"]) for one in messages if "ExchangeToken" in one))
    finally:
        house.close()


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(folder: Path, database_url: str | None = None) -> Iterator[str]:
    """Run `daypass serve` over the house in this folder, in a process of its own; yield its address."""
    port = free_port()
    environment = {
        **os.environ,
        "DAYPASS_DATABASE_URL": database_url or address(folder),
        "DAYPASS_MASTER_KEY_FILE": str(folder / "daypass.key"),
        "DAYPASS_EXCHANGE_CAP": str(EXCHANGES),
        # As the container has it.
        "DAYPASS_LOG_FORMAT": "json",
    }
    command = [sys.executable, "-m", "service.cli", "serve", "--port", str(port)]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _await(f"http://127.0.0.1:{port}/health/ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _await(url: str) -> None:
    for _ in range(200):
        try:
            httpx.get(url, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nothing answers at {url}")
