"""Several real processes on one real PostgreSQL, with a proxy of ours between them, and clients that keep a history."""

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
from staging.databases import Server, execute, named, text_of
from staging.houses import OPERATOR, People, house_in, key_for, settle_people, token_for
from staging.polling import until
from staging.processes import ServingProcess, free_port, serving_process
from staging.proxies import Proxy
from staging.wires import STS_VERSION, arrived, exchange_token_of, minted, send, signed

from service.clock import steady_seconds
from service.house import House
from workflows import audit, credentialing, onboarding
from workflows.records.account import PrincipalKind
from workflows.records.grant import Grant, Session
from workflows.records.request import DelegationRequest, State

CAP: Final = 10_000


@dataclass
class Cluster:
    """A deployment: its server, the proxy before it, its replicas, and the test's own house on the same records."""

    server: Server
    proxy: Proxy
    folder: Path
    house: House
    people: People
    replicas: list[ServingProcess] = field(default_factory=list)

    def settings(self, number: int) -> dict[str, str]:
        """What a replica is started with; it reaches the database through the proxy."""
        return {
            "database_url": f"postgresql://postgres@127.0.0.1:{self.proxy.port}/daypass",
            "master_key_file": str(self.folder / "daypass.key"),
            "epoch_file": str(self.folder / f"epoch-{number}"),
            "exchange_cap": str(CAP),
            "log_format": "json",
        }

    def start_again(self, stack: ExitStack, number: int) -> None:
        """Kill a replica and start it anew, in its place."""
        self.replicas[number].kill()
        self.replicas[number] = self.started(stack, number)

    def started(self, stack: ExitStack, number: int) -> ServingProcess:
        """Start a replica and wait until it is ready."""
        log = self.folder / f"replica-{number}.log"
        return stack.enter_context(serving_process(self.folder, log, **self.settings(number)))


@contextmanager
def cluster(folder: Path, replicas: int, **server: Any) -> Iterator[tuple[Cluster, ExitStack]]:
    """Start everything and settle everybody; only the replicas reach the database through the proxy."""
    with ExitStack() as stack:
        port = free_port()
        database = Server(port=port, **server)
        stack.callback(database.close)
        execute(database.dsn, "CREATE DATABASE daypass")
        proxy = stack.enter_context(Proxy(("127.0.0.1", port)))
        house = house_in(folder, database_url=text_of(named(database.dsn, "daypass")), exchange_cap=CAP)
        stack.callback(house.close)
        made = Cluster(database, proxy, folder, house, settle_people(house.ports))
        made.replicas = [made.started(stack, number) for number in range(replicas)]
        yield made, stack


class Traders:
    """Clients that trade one exchange token at one replica after the other, and remember what they were told."""

    def __init__(self, made: Cluster, clients: int = 4) -> None:
        self._bearer = token_for(made.house.ports, made.people.partner)
        self._key = key_for(made.house.ports, made.people.partner)
        self._made = made
        self._releases = count(1)
        self._token = self._released()
        self.acknowledged: list[str] = []
        self.doubtful = 0
        self.complaints: list[str] = []
        self._condition = threading.Condition()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._trade, args=(number,)) for number in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _released(self) -> str:
        """Release one more request; return its exchange token."""
        workflow = f"wf-trade-{next(self._releases)}"
        request = arrived(self._made.house.ports, self._made.people, State.FINALIZED, workflow, session_duration=43_200)
        return exchange_token_of(self._made.house.ports, request.id)

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more trades were acknowledged."""
        with self._condition:
            until = len(self.acknowledged) + count
            enough = self._condition.wait_for(lambda: self.complaints or len(self.acknowledged) >= until, timeout=90)
            assert enough, f"only {len(self.acknowledged)} of {until} were acknowledged, {self.doubtful} are in doubt"

    def check(self) -> None:
        """Compare what was told with what is stored: nothing acknowledged is lost, nothing happened twice."""
        assert self.complaints == []
        assert len(set(self.acknowledged)) == len(self.acknowledged)
        house = self._made.house
        grants, sessions = house.store.read(lambda tx: (tx.find(Grant), tx.find(Session)))
        assert set(self.acknowledged) <= {session.access_key_id for session in sessions}
        for grant in grants:
            numbers = sorted(session.number for session in sessions if session.grant_id == grant.id)
            assert numbers == list(range(1, grant.exchanges + 1))
        assert len(sessions) <= len(self.acknowledged) + self.doubtful
        assert house.store.read(lambda tx: audit.verify(tx, house.ports.keyring)).faults == ()

    def counts(self) -> str:
        """What was told and what is stored, in words."""
        stored = len(self._made.house.store.read(lambda tx: tx.find(Session)))
        told = f"{len(self.acknowledged):,} trades acknowledged, {self.doubtful:,} in doubt"
        return f"{told}, {stored:,} sessions stored, none lost, none twice"

    def _trade(self, number: int) -> None:
        turn = number
        while not self._stopping.is_set() and not self.complaints:
            turn += 1
            replicas = self._made.replicas
            origin = replicas[turn % len(replicas)].origin
            # By turns as a signed form and as JSON, at each replica.
            ask = self._form if turn // len(replicas) % 2 else self._json
            try:
                answer = send(ask(origin, f"{number}-{turn}"))
            except httpx.TransportError:
                self._note(None)
            else:
                self._take(answer)

    def _json(self, origin: str, _name: str) -> httpx.Request:
        headers = {"authorization": f"Bearer {self._bearer}"}
        return httpx.Request("POST", f"{origin}/v1/exchange", json={"exchange_token": self._token}, headers=headers)

    def _form(self, origin: str, name: str) -> httpx.Request:
        form = {"Action": "GetDelegatedAccessToken", "Version": STS_VERSION, "TradeInToken": self._token}
        # The name makes it another call than its like within the same second.
        return signed(origin, self._key, form, service="sts", headers={"x-amz-meta-name": name})

    def _take(self, answer: httpx.Response) -> None:
        if answer.is_success:
            (access_key_id,) = re.findall(r"ASIA[A-Z2-7]{16}(?=<|\",)", answer.text)
            self._note(access_key_id)
        elif answer.is_server_error:
            self._note(None)
        elif f"can be traded {CAP} times" in answer.text:
            with self._condition:
                self._token = self._released()
        else:
            self.complaints.append(f"{answer.status_code} {answer.text}")

    def _note(self, access_key_id: str | None) -> None:
        with self._condition:
            if access_key_id is None:
                self.doubtful += 1
            else:
                self.acknowledged.append(access_key_id)
            self._condition.notify_all()
        if access_key_id is None:
            self._stopping.wait(0.05)


def asks(replica: ServingProcess, token: str, subject: str) -> bool:
    """Whether a replica says that a session may read."""
    question = {
        "subject": {"type": "session", "id": subject},
        "action": {"name": "s3:GetObject"},
        "resource": {"type": "s3:object", "id": "arn:aws:s3:::logs/1"},
    }
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx.post(f"{replica.origin}/access/v1/evaluation", json=question, headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["decision"])


def revocation_lags(made: Cluster, tries: int) -> list[float]:
    """Revoke through the first replica; return after how many seconds the last of the others refused, each time."""
    ports = made.house.ports
    server = onboarding.create_housed_principal(ports, OPERATOR, kind=PrincipalKind.RESOURCE_SERVER, name="store")
    guard = credentialing.create_api_token(ports, OPERATOR, server.arn, scopes=("decide",)).token
    owner = {"authorization": f"Bearer {token_for(ports, made.people.owner)}"}
    lags = []
    for number in range(tries):
        lent = minted(ports, made.people, f"wf-lag-{number}", session_duration=43_200)
        request_id = newest_request(made)
        others = made.replicas[1:]
        assert all(asks(one, guard, lent.access_key_id) for one in others)
        answer = httpx.post(
            f"{made.replicas[0].origin}/v1/requests/{request_id}/revoke", headers=owner, json={}, trust_env=False
        )
        assert answer.is_success, answer.text
        told = steady_seconds()
        for one in others:
            until(lambda one=one, lent=lent: not asks(one, guard, lent.access_key_id))  # type: ignore[misc]
        lags.append(steady_seconds() - told)
    return sorted(lags)


def newest_request(made: Cluster) -> str:
    """The id of the request that was made last."""
    (newest,) = made.house.store.read(lambda tx: tx.page(DelegationRequest, limit=1, after=None))
    return str(newest.id)
