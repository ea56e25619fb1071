"""A server at the other end of a network: words take time to arrive, and a connection's end arrives after its word."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import pytest
from sqlalchemy.engine import URL
from staging.clocks import NOON, StillClock
from staging.databases import Server, deployment_on, sever, text_of
from staging.grants import numbered
from staging.houses import house_in, settle_people
from staging.processes import free_port
from staging.proxies import Proxy
from staging.wires import arrived, exchange_token_of

from service.db.store import SqlStore
from workflows import release
from workflows.records.grant import Expired, Grant, GrantState
from workflows.records.request import State

SOME = 20


@dataclass
class Line:
    """An empty deployment, and a proxy in front of its server."""

    direct: URL
    proxy: Proxy

    @property
    def url(self) -> URL:
        """The address through the proxy."""
        return self.direct.set(port=self.proxy.port)

    def sever(self) -> None:
        """Have the server end every connection; all that is heard of it for seconds is the word."""
        self.proxy.hold_ends()
        giving_up = Timer(3, self.proxy.pass_ends)
        giving_up.daemon = True
        giving_up.start()
        sever(self.direct)


@pytest.fixture
def line() -> Iterator[Line]:
    """A server with a proxy in front."""
    server = Server(port=free_port())
    with Proxy(("127.0.0.1", server.port)) as proxy:
        yield Line(deployment_on(server.dsn, "daypass"), proxy)
    server.close()


def test_what_lapsed_on_a_connection_that_the_server_ended_lapses_again(line: Line) -> None:
    store = SqlStore(line.url)
    told: list[Expired] = []

    def see(some: Sequence[Expired]) -> None:
        told.extend(some)
        if len(told) == 1:
            line.sever()

    store.write(lambda tx: tx.add(numbered(1)))
    store.write(lambda tx: tx.lapse_sessions(NOON, 1, see))
    line.proxy.pass_ends()
    assert [one.id for one in told] == [numbered(1).id] * 2
    assert [one.state for one in store.read(lambda tx: tx.find(Grant))] == [GrantState.REVOKED]
    store.close()


def test_an_exchange_waits_for_the_server_four_times(line: Line, tmp_path: Path, clock: StillClock) -> None:
    house = house_in(tmp_path, clock, database_url=text_of(line.url))
    people = settle_people(house.ports)
    token = exchange_token_of(house.ports, arrived(house.ports, people, State.FINALIZED, "wf-00001").id)
    release.exchange(house.ports, people.call("partner"), token)
    before = line.proxy.trips
    for _ in range(SOME):
        release.exchange(house.ports, people.call("partner"), token)
    # What is said last may meet the first of an answer: that counts as a trip and is no wait.
    assert (line.proxy.trips - before) // SOME == 4
    house.close()
