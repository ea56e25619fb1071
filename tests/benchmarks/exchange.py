"""How fast an exchange token is traded over HTTP: signature, durable commit and audit entry included.

Reference, in the same run: the same transaction through the use-case, one by one, without HTTP.
Run by hand: `uv run python tests/benchmarks/exchange.py [--count 2000]`.
"""

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from stage import served, staged
from staging.houses import key_for

from workflows import release
from workflows.credentialing import NewKey


def signed(origin: str, key: NewKey, token: str, number: int) -> httpx.Request:
    """Return one signed exchange; the number makes each signature a different one, as its second would."""
    body = f"Action=GetDelegatedAccessToken&Version=2011-06-15&TradeInToken={token}"
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "x-amz-benchmark": str(number),
    }
    request = AWSRequest("POST", f"{origin}/", data=body, headers=headers)
    SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), "sts", "us-east-1").add_auth(request)
    return httpx.Request("POST", f"{origin}/", content=body, headers=dict(request.headers))


def send_all(requests: list[httpx.Request], clients: int) -> float:
    """Send every request over this many connections; return the requests per second."""

    def one_client(share: list[httpx.Request]) -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            for request in share:
                answer = client.send(request)
                assert answer.status_code == 200, answer.text

    shares = [requests[at::clients] for at in range(clients)]
    began = perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one_client, shares))
    return len(requests) / (perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1500)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with staged(folder) as stage:
            key = key_for(stage.house.ports, stage.people.partner)
            call = stage.people.call("partner")
            began = perf_counter()
            for _ in range(count):
                release.exchange(stage.house.ports, call, stage.token)
            reference = count / (perf_counter() - began)
            token = stage.token
        print(f"{'exchange of a token':<46} {'figure':>12}")
        print(f"  {'reference: one by one, without HTTP':<44} {reference:>12,.1f} /s")
        with served(folder) as origin:
            for clients in (1, 16):
                requests = [signed(origin, key, token, number) for number in range(count)]
                rate = send_all(requests, clients)
                label = f"over HTTP, {clients} client(s)"
                print(f"  {label:<44} {rate:>12,.1f} /s  {rate / reference:>6.2f} x reference")


if __name__ == "__main__":
    main()
