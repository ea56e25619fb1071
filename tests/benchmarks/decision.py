"""How fast a resource server gets an access decision over HTTP.

Reference, in the same run: a Litestar route that returns a constant, on the same server with the same settings.
Run by hand: `uv run python tests/benchmarks/decision.py [--count 5000]`.
"""

import argparse
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import httpx
import uvicorn
from litestar import Litestar, post
from stage import free_port, served, staged
from staging.houses import OPERATOR

from workflows import credentialing, onboarding, release
from workflows.records.account import PrincipalKind


@post("/constant", status_code=200, sync_to_thread=False)
def constant() -> dict[str, bool]:
    """Answer what is always the same."""
    return {"decision": True}


def rate_of(url: str, body: object, headers: dict[str, str], count: int, clients: int) -> float:
    """Return how many posts per second this many connections get through."""

    def one_client(share: int) -> None:
        with httpx.Client(trust_env=False, timeout=60, headers=headers) as client:
            for _ in range(share):
                answer = client.post(url, json=body)
                assert answer.status_code == 200, answer.text

    began = perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one_client, [count // clients] * clients))
    return count // clients * clients / (perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=4000)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with staged(folder) as stage:
            ports = stage.house.ports
            session = release.exchange(ports, stage.people.call("partner"), stage.token)
            kind = PrincipalKind.RESOURCE_SERVER
            server = onboarding.create_housed_principal(ports, OPERATOR, kind=kind, name="store")
            token = credentialing.create_api_token(ports, OPERATOR, server.arn, scopes=("decide",)).token
        body = {
            "subject": {"type": "session", "id": session.access_key_id},
            "action": {"name": "s3:GetObject"},
            "resource": {"type": "object", "id": "arn:aws:s3:::logs/today"},
        }
        quiet = Litestar([constant], logging_config=None)
        plain = uvicorn.Server(uvicorn.Config(quiet, port=free_port(), log_level="error", access_log=False))
        thread = threading.Thread(target=plain.run, daemon=True)
        thread.start()
        constant_url = f"http://127.0.0.1:{plain.config.port}/constant"
        with served(folder) as origin:
            for clients in (1, 8):
                reference = rate_of(constant_url, body, {}, count, clients)
                headers = {"authorization": f"Bearer {token}"}
                rate = rate_of(f"{origin}/access/v1/evaluation", body, headers, count, clients)
                print(f"access decision, {clients} client(s)")
                print(f"  {'reference: a constant':<30} {reference:>10,.0f} /s")
                print(f"  {'a decision':<30} {rate:>10,.0f} /s  {rate / reference:>6.2f} x reference")
        plain.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
