"""The server says that it ends a connection, and the end itself is still on its way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Timer

import pytest
from staging.clocks import NOON
from staging.databases import Server, execute, named, sever
from staging.grants import numbered
from staging.processes import free_port
from staging.proxies import Proxy

from service.db.engine import parse_url
from service.db.schema import migrate
from service.db.store import SqlStore
from workflows.records.grant import Expired, Grant, GrantState


@dataclass
class Line:
    """A store whose connections go through a proxy, and the way to end them there without an end being seen."""

    store: SqlStore
    server: Server
    proxy: Proxy

    def sever(self) -> None:
        """Have the server end every connection; all that the store hears of it for seconds is the word."""
        self.proxy.hold_ends()
        giving_up = Timer(3, self.proxy.pass_ends)
        giving_up.daemon = True
        giving_up.start()
        sever(parse_url(named(self.server.dsn, "daypass").render_as_string()))


@pytest.fixture
def line() -> Iterator[Line]:
    """A store on an empty deployment, behind a proxy."""
    server = Server(port=free_port())
    execute(server.dsn, "CREATE DATABASE daypass")
    migrate(parse_url(named(server.dsn, "daypass").render_as_string()))
    with Proxy(("127.0.0.1", server.port)) as proxy:
        store = SqlStore(parse_url(f"postgresql://postgres@127.0.0.1:{proxy.port}/daypass"))
        yield Line(store, server, proxy)
        proxy.pass_ends()
        store.close()
    server.close()


def test_what_lapsed_on_a_connection_that_the_server_ended_lapses_again(line: Line) -> None:
    told: list[Expired] = []

    def see(some: Sequence[Expired]) -> None:
        told.extend(some)
        if len(told) == 1:
            line.sever()

    line.store.write(lambda tx: tx.add(numbered(1)))
    line.store.write(lambda tx: tx.lapse_sessions(NOON, 1, see))
    line.proxy.pass_ends()
    assert [one.id for one in told] == [numbered(1).id] * 2
    assert [one.state for one in line.store.read(lambda tx: tx.find(Grant))] == [GrantState.REVOKED]
