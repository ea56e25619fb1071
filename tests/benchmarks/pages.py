"""How fast the pages answer with a full store: a million requests, a hundred thousand live grants, a long trail.

Every page is asked over a real socket by somebody who is signed in; the goal is 50 ms at the 99th percentile.
Reference, in the same run: a page that reads nothing but the session. Run by hand:
`uv run python tests/benchmarks/pages.py [--requests 1000000] [--grants 100000] [--rounds 200] [--folder DIR]`.
"""

import argparse
import sqlite3
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import stage  # noqa: F401  it puts the tests on the path
from staging.authenticators import SoftAuthenticator
from staging.houses import ACCOUNT, OPERATOR, a_request, settle_people
from staging.servers import LiveServer, serving

from service.db.mapping import table_of
from service.observe.logs import silence_logs
from workflows import approval, passkeys, release, signing_in, submission
from workflows.records.account import Principal
from workflows.records.audit import AuditEntry
from workflows.records.grant import Grant
from workflows.records.partner import Partner
from workflows.records.request import DelegationRequest
from workflows.signing_in import Arrival
from workflows.step_up import challenge_bytes

_PARTNERS = 40
_PASSWORD = "copper lantern seventeen"
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
_STATES = "CASE i % 5 WHEN 0 THEN 'ASSIGNED' WHEN 1 THEN 'PENDING_APPROVAL' WHEN 2 THEN 'ACCEPTED' ELSE 'REJECTED' END"


def _multiply(connection: sqlite3.Connection, kind: type, count: int, **changed: str) -> None:
    """Insert `count` copies of the table's newest row, with these columns as expressions of `i`."""
    table = table_of(kind)
    columns = [column.name for column in table.columns]
    chosen = ", ".join(changed.get(name, f't."{name}"') for name in columns)
    named = ", ".join(f'"{name}"' for name in columns)
    source = f'(SELECT * FROM "{table.name}" ORDER BY rowid DESC LIMIT 1) t'  # noqa: S608  our own names
    connection.execute(
        f'{_NUMBERS.format(count=count)} INSERT INTO "{table.name}" ({named}) SELECT {chosen} FROM n, {source}',  # noqa: S608  as above
    )


def fill(file: Path, *, requests: int, grants: int) -> None:
    """Multiply the one released request of a house into a full store."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        partner = f"printf('%012d', 700000000000 + i % {_PARTNERS})"
        earlier = "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (i * 2) || ' seconds') || '000'"
        ascending = "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (({count} - i) * 2) || ' seconds') || '000'"
        _multiply(
            connection,
            Partner,
            _PARTNERS,
            id="printf('%012d', 700000000000 + i - 1)",
            name="'Partner ' || (i - 1)",
        )
        _multiply(
            connection,
            DelegationRequest,
            grants,
            id="printf('dr-%032x', i)",
            workflow_id="'live-' || i",
            requestor_id=partner,
            created_at=earlier,
        )
        _multiply(
            connection,
            Grant,
            grants,
            id="printf('dg-%032x', i)",
            request_id="printf('dr-%032x', i)",
            token_hash="'hash-' || i",
            partner_id=partner,
            created_at=earlier,
        )
        _multiply(
            connection,
            DelegationRequest,
            requests - grants,
            id="printf('dr-f%031x', i)",
            workflow_id="'wf-' || i",
            requestor_id=partner,
            created_at=earlier,
            state=_STATES,
            approver_principal_id="NULL",
            approver_arn="NULL",
        )
        last = connection.execute("SELECT number FROM audit_heads WHERE chain = ?", (ACCOUNT,)).fetchone()[0]
        _multiply(
            connection,
            AuditEntry,
            requests,
            chain=f"'{ACCOUNT}'",
            number=f"{last} + i",
            at=ascending.format(count=requests),
            request_id="printf('dr-f%031x', i)",
            partner_id=partner,
        )
        connection.execute("UPDATE audit_heads SET number = number + ? WHERE chain = ?", (requests, ACCOUNT))
        connection.execute("COMMIT")
        connection.execute("ANALYZE")


def _sign_in(live: LiveServer, principal: Principal) -> str:
    ports, arrival = live.ports, Arrival("bench")
    device = SoftAuthenticator(live.origin)
    opened = signing_in.accept_invitation(
        ports,
        arrival,
        signing_in.invite(ports, OPERATOR, principal.arn).token,
        _PASSWORD,
    )
    challenge, _, _ = passkeys.begin_enrolment(ports, opened.secret)
    answer = device.enrol(challenge_bytes(challenge))
    return passkeys.enrol(ports, arrival, opened.secret, challenge.id, answer, name="bench").opened.secret


def _measured(live: LiveServer, secret: str, path: str, rounds: int) -> tuple[float, float, int]:
    client = live.http()
    times = []
    for _ in range(rounds):
        began = perf_counter()
        answer = client.get(path, headers={"cookie": f"daypass={secret}"})
        times.append((perf_counter() - began) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.99)], len(answer.content)


def main() -> None:
    """Fill a store and measure its pages."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--grants", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as home, serving(Path(home), name="localhost") as live:
        silence_logs()
        ports, people = live.ports, settle_people(live.ports)
        request = submission.create(ports, people.call("partner"), a_request(people, session_duration=43_200))
        submission.associate(ports, people.call("owner"), request.id)
        approval.accept(ports, people.call("approver"), request.id, digest=request.digest)
        release.send(ports, people.call("approver"), request.id)
        secret = _sign_in(live, people.approver)
        began = perf_counter()
        fill(live.house.settings.database_file, requests=given.requests, grants=given.grants)
        size = live.house.settings.database_file.stat().st_size / 1e9
        print(f"{given.requests} requests, {given.grants} live grants, {size:.1f} GB in {perf_counter() - began:.0f} s")
        print(f"{'page':<44} {'p50 ms':>8} {'p99 ms':>8} {'kB':>6}")
        pages = {
            "reference: the session alone": "/me",
            "inbox, pending": "/inbox",
            "inbox, live": "/inbox?tab=live",
            "inbox, ended": "/inbox?tab=ended",
            "search by id": f"/inbox?q=dr-{1:032x}",
            "search by partner": "/inbox?q=Partner%207",
            "review, waiting": f"/requests/dr-f{5:031x}",
            "review, live": f"/requests/{request.id}",
            "live access": "/grants",
            "partners": "/partners",
            "one partner": f"/partners/{700000000007}",
            "activity": "/activity",
            "activity of a partner": f"/activity?partner={700000000007}",
            "activity up to a day": f"/activity?until={live.ports.clock.now() - timedelta(days=10):%Y-%m-%d}",
        }
        for name, path in pages.items():
            middle, worst, length = _measured(live, secret, path, given.rounds)
            print(f"{name:<44} {middle:>8.1f} {worst:>8.1f} {length / 1000:>6.0f}")


if __name__ == "__main__":
    main()
