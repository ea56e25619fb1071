"""How fast an exchange token is traded over HTTP: signature, durable commit and audit entry included.

References, in the same run: the same transaction through the use-case, one by one, without HTTP; on PostgreSQL also
`pgbench -N` with as many clients on the same server.
Run by hand: `uv run python tests/benchmarks/exchange.py [--count 2000]`.
"""

import argparse
import re
import socket
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from stage import free_port, served, staged
from staging.databases import Server, execute
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


def raw(request: httpx.Request) -> bytes:
    """Return a request as it goes over the wire."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"POST / HTTP/1.1\r\n{headers}\r\n".encode() + request.content


def send_all(requests: list[list[httpx.Request]]) -> tuple[float, float]:
    """Send each list over a connection of its own; return the requests per second and the 99th percentile in ms."""
    taken: list[float] = []

    def one_client(share: list[httpx.Request]) -> None:
        # Bytes made beforehand, on a bare socket: on the same cores, a client that works hard would measure itself.
        ready = [raw(request) for request in share]
        with socket.create_connection((share[0].url.host, share[0].url.port or 80)) as connection:
            answers = connection.makefile("rb")
            for one in ready:
                began = perf_counter()
                connection.sendall(one)
                status = answers.readline()
                length = 0
                while (line := answers.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                body = answers.read(length)
                taken.append(perf_counter() - began)
                assert status.startswith(b"HTTP/1.1 200"), body

    began = perf_counter()
    with ThreadPoolExecutor(len(requests)) as pool:
        list(pool.map(one_client, requests))
    rate = sum(map(len, requests)) / (perf_counter() - began)
    return rate, sorted(taken)[int(len(taken) * 0.99)] * 1000


def pgbench(server: Server) -> float:
    """Return the transactions per second of `pgbench -N` with 16 clients on this server."""
    program = [str(server.binaries / "pgbench"), "-h", str(server.base), "-p", str(server.port), "-U", "postgres"]
    subprocess.run([*program, "-i", "-q", "postgres"], capture_output=True, check=True)
    told = subprocess.run(
        [*program, "-N", "-c", "16", "-j", "2", "-T", "5", "postgres"], capture_output=True, check=True, text=True
    )
    return float(re.findall(r"tps = ([0-9.]+)", told.stdout)[-1])


def measure(folder: Path, count: int, url: str | None, bound: tuple[str, float] | None) -> None:
    """Measure one engine, beside the reference of the same run."""
    with staged(folder, url) as stage:
        key = key_for(stage.house.ports, stage.people.partner)
        call = stage.people.call("partner")
        began = perf_counter()
        for _ in range(count):
            release.exchange(stage.house.ports, call, stage.token)
        alone = count / (perf_counter() - began)
        token = stage.token
    print(f"  {'the same transaction one by one, without HTTP':<48} {alone:>9,.1f} /s")
    name, reference = bound or ("one by one", alone)
    if bound:
        print(f"  {name:<48} {reference:>9,.1f} /s")
    processes = (1, 2) if url else (1,)
    for many in processes:
        with ExitStack() as stack:
            origins = [stack.enter_context(served(folder, url)) for _ in range(many)]
            for clients in (1, 16):
                shares = [
                    [signed(origins[at % many], key, token, number) for number in range(at, count, clients)]
                    for at in range(clients)
                ]
                rate, slow = send_all(shares)
                label = f"over HTTP, {many} process(es), {clients} client(s)"
                print(f"  {label:<48} {rate:>9,.1f} /s  p99 {slow:>6.1f} ms  {rate / reference:>5.2f} x {name}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1500)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as name:
        print("SQLite")
        measure(Path(name), count, None, None)
    server = Server(port=free_port(), durable=True)
    try:
        execute(server.dsn, "CREATE DATABASE daypass")
        with tempfile.TemporaryDirectory() as name:
            print("PostgreSQL, fsync and synchronous_commit on")
            url = server.dsn.removesuffix("postgres") + "daypass"
            measure(Path(name), count, url, ("pgbench -N", pgbench(server)))
    finally:
        server.close()


if __name__ == "__main__":
    main()
