"""How three replicas on one PostgreSQL keep together: how late a revocation is seen, and what a frozen one writes.

The bound is one second, by the contract of the service. A replica is frozen while it trades tokens; meanwhile their
grants are revoked through another. Whatever it writes of them when it runs on is a stale write.
Run by hand: `uv run python tests/benchmarks/replicas.py [--tries 1000] [--frozen 60]`.
"""

import argparse
import signal
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter

import httpx
import stage  # noqa: F401  puts the tests on the path
from staging.houses import token_for
from staging.replicas import Cluster, cluster, revocation_lags
from staging.wires import arrived, exchange_token_of

from service.observe.logs import silence_logs
from workflows import audit, revocation
from workflows.records.grant import Grant, Session
from workflows.records.request import State

_TOKENS = 16
_BEFORE = threading.Event()


def revoke_all(made: Cluster, requests: Sequence[str]) -> dict[str, int]:
    """Revoke the grants of these requests here; return how often each had been traded by then."""
    ports = made.house.ports
    for request_id in requests:
        revocation.revoke(ports, made.people.call("approver"), request_id, None)
    grants = ports.store.read(lambda tx: tx.find(Grant))
    return {grant.id: grant.exchanges for grant in grants if grant.request_id in set(requests)}


def freeze(made: Cluster, seconds: float) -> tuple[int, int, int]:
    """Freeze the first replica amid trades; return the trades before, the stale writes, and the faults of the trail."""
    ports = made.house.ports
    frozen = made.replicas[0]
    released = [
        arrived(ports, made.people, State.FINALIZED, f"wf-frozen-{number}", session_duration=43_200).id
        for number in range(_TOKENS)
    ]
    headers = {"authorization": f"Bearer {token_for(ports, made.people.partner)}"}
    over = threading.Event()

    def trade(token: str) -> None:
        with httpx.Client(trust_env=False, timeout=seconds + 60) as client:
            while not over.is_set():
                with suppress(httpx.TransportError):
                    client.post(f"{frozen.origin}/v1/exchange", json={"exchange_token": token}, headers=headers)

    tokens = [exchange_token_of(ports, request_id) for request_id in released]
    threads = [threading.Thread(target=trade, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    _BEFORE.wait(2)
    frozen.signal(signal.SIGSTOP)
    traded = revoke_all(made, released)
    _BEFORE.wait(seconds)
    frozen.signal(signal.SIGCONT)
    _BEFORE.wait(5)
    over.set()
    for thread in threads:
        thread.join()
    grants, sessions = ports.store.read(lambda tx: (tx.find(Grant), tx.find(Session)))
    stale = sum(grant.exchanges - traded[grant.id] for grant in grants if grant.id in traded)
    stale += sum(session.grant_id in traded for session in sessions) - sum(traded.values())
    faults = ports.store.read(lambda tx: audit.verify(tx, ports.keyring)).faults
    return sum(traded.values()), stale, len(faults)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--frozen", type=float, default=60)
    given = parser.parse_args()
    silence_logs()
    with tempfile.TemporaryDirectory() as name, cluster(Path(name), 3, durable=True) as (made, _):
        traded, stale, faults = freeze(made, given.frozen)
        print(f"  {f'a replica frozen for {given.frozen:.0f} s amid trades':<46} {traded:>9,} before, {stale} stale")
        print(f"  {'faults of the audit trail after it':<46} {faults:>9,}")
        began = perf_counter()
        lags = [lag * 1000 for lag in revocation_lags(made, given.tries)]
        middle, late = lags[len(lags) // 2], lags[int(len(lags) * 0.99)]
        print(f"  {f'revoked on one, refused on two, {given.tries:,} tries':<46} {middle:>9.1f} ms p50")
        print(f"  {f'(in {perf_counter() - began:.0f} s)':<46} {late:>9.1f} ms p99  {lags[-1]:>9.1f} ms at most")


if __name__ == "__main__":
    main()
