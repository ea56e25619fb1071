"""How fast a role is stepped into, everything of a partner is revoked, and what counting uses costs a decision.

References, in the same run: an exchange over HTTP for AssumeRole, a decision that nothing counts for the counting. The
revocation has a bound instead: 5 s for 10,000 live grants on SQLite.
Run by hand: `uv run python tests/benchmarks/roles.py [--count 1000] [--grants 10000]`.
"""

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from urllib.parse import urlencode

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from exchange import send_all
from exchange import signed as signed_exchange
from stage import Stage, served, staged
from staging.houses import OPERATOR, PARTNER, key_for
from staging.roles import ROLE_PERMISSIONS, register_role_work, role_grant
from sweep import fill

from service.access.decider import Decider
from service.ledger import Ledger
from service.observe.logs import silence_logs
from workflows import farewell, release
from workflows.credentialing import NewKey
from workflows.policy.context import RequestContext
from workflows.records.role import Role

ROUNDS = 7
DECISIONS = 6000


def signed_step(origin: str, key: NewKey, role: Role, number: int) -> httpx.Request:
    """Return one signed AssumeRole; each names a session of its own."""
    external_id = json.loads(role.trust)["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
    form = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role.arn, "ExternalId": external_id}
    body = urlencode({**form, "RoleSessionName": f"job-{number}"})
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", f"{origin}/", data=body, headers=headers)
    SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), "sts", "us-east-1").add_auth(request)
    return httpx.Request("POST", f"{origin}/", content=body, headers=dict(request.headers))


def stepping(count: int) -> None:
    """Measure AssumeRole against the exchange."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with staged(folder) as stage:
            ports = stage.house.ports
            key, token = key_for(ports, stage.people.partner), stage.token
            role_grant(ports, stage.people, register_role_work(ports, ROLE_PERMISSIONS))
            role = ports.store.read(lambda tx: tx.find(Role))[0]
        with served(folder) as origin:
            for clients in (1, 16):
                exchanges = [signed_exchange(origin, key, token, number + clients * count) for number in range(count)]
                reference, _ = send_all([exchanges[share::clients] for share in range(clients)])
                steps = [signed_step(origin, key, role, number + clients * count) for number in range(count)]
                rate, _ = send_all([steps[share::clients] for share in range(clients)])
                print(f"AssumeRole over HTTP, {clients} client(s)")
                print(f"  {'reference: an exchange':<44} {reference:>10,.1f} /s")
                print(f"  {'stepping into a role':<44} {rate:>10,.1f} /s  {rate / reference:>6.2f} x reference")


def revoking(grants: int) -> None:
    """Measure how long it takes to end everything of a partner."""
    with tempfile.TemporaryDirectory() as name, staged(Path(name)) as stage:
        ports = stage.house.ports
        ports.store.write(lambda tx: fill(tx, grants))
        began = perf_counter()
        farewell.revoke_everything(ports, OPERATOR, PARTNER)
        seconds = perf_counter() - began
    print(f"revoking everything of a partner with {grants + 1:,} live grants")
    print(f"  {'until it is durable and reported':<44} {seconds:>10.2f} s   bound: 5 s for 10,000")


class Uncounted(Ledger):
    """What a decision costs when nobody counts it."""

    def note(self, *_use: object, **_more: object) -> None:
        """Count nothing."""


def _seconds_of(stage: Stage, ledger: Ledger, subject: str) -> float:
    decider = Decider(stage.house.ports, lambda: stage.house.store.authority_changes, ledger)
    context = RequestContext()

    async def decide_all() -> float:
        await decider.refresh()
        began = perf_counter()
        for _ in range(DECISIONS):
            await decider.refresh()
            await decider.decide(
                "session", subject, action="s3:GetObject", resource="arn:aws:s3:::logs/today", context=context
            )
        ledger.flush()
        return perf_counter() - began

    return asyncio.run(decide_all())


def counting() -> None:
    """Measure decisions with and without the counting of their use, handing over included, in turns."""
    with tempfile.TemporaryDirectory() as name, staged(Path(name)) as stage:
        ports = stage.house.ports
        subject = release.exchange(ports, stage.people.call("partner"), stage.token).access_key_id
        plain, counted = [], []
        for _ in range(ROUNDS):
            plain.append(_seconds_of(stage, Uncounted(ports), subject))
            counted.append(_seconds_of(stage, Ledger(ports), subject))
    reference, rate = DECISIONS / median(plain), DECISIONS / median(counted)
    print("decisions in one process, without HTTP")
    print(f"  {'reference: nothing is counted':<44} {reference:>10,.0f} /s")
    print(f"  {'each use is counted':<44} {rate:>10,.0f} /s  {100 * (1 - rate / reference):>6.1f} % slower")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--grants", type=int, default=10_000)
    given = parser.parse_args()
    silence_logs()
    counting()
    revoking(given.grants)
    stepping(given.count)


if __name__ == "__main__":
    main()
