"""The process is killed again and again under load: what was acknowledged is there, and nothing happened twice."""

import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from staging.clocks import SeededEntropy, StillClock
from staging.houses import ACCOUNT, OPERATOR, READ_BUCKET, house_in
from staging.processes import ServingProcess, http_client, run_command, serving_process
from staging.wires import STS_VERSION, error_of, send, signed

from service.house import House
from service.jobs.sweep import Sweeper
from workflows import audit, credentialing, onboarding, partnering
from workflows.arns import root_arn
from workflows.credentialing import NewKey
from workflows.ids import AccessKeyId
from workflows.onboarding import PolicyChoice
from workflows.records.audit import AuditEntry
from workflows.records.errand import Errand
from workflows.records.grant import EndReason, Grant, GrantState, Session
from workflows.records.request import DelegationRequest, State

KILLS: Final = 5
FIRMS: Final = ("Alfa", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot")
ACTS: Final = {
    "create": "CreateDelegationRequest",
    "associate": "AssociateDelegationRequest",
    "accept": "AcceptDelegationRequest",
    "reject": "RejectDelegationRequest",
    "send": "SendDelegationToken",
    "revoke": "RevokeDelegation",
}
LEADS_TO: Final = {
    "create": State.UNASSIGNED,
    "associate": State.ASSIGNED,
    "accept": State.ACCEPTED,
    "reject": State.REJECTED,
    "send": State.FINALIZED,
}


@dataclass(slots=True)
class History:
    """What one client was told about one request: acknowledged acts, credentials, and how often it is in doubt."""

    workflow_id: str
    plan: list[str]
    id: str = ""
    done: list[str] = field(default_factory=list)
    doubts: Counter[str] = field(default_factory=Counter)
    lent: list[dict[str, str]] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)

    @property
    def states(self) -> set[State]:
        """The states that the request may be in: the one acknowledged last, or the one that is in doubt."""
        known = [LEADS_TO[act] for act in self.done if act in LEADS_TO][-1:]
        doubted = [LEADS_TO[act] for act in self.plan[:1] if act in LEADS_TO and self.doubts[act]]
        return {*known, *doubted}


class Load:
    """How much was acknowledged since the last start, for choosing the moment of the next kill."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count, self._alarm = 0, False

    def note(self, *, alarm: bool = False) -> None:
        with self._condition:
            self._count += 1
            self._alarm = self._alarm or alarm
            self._condition.notify_all()

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more acts were acknowledged, or until one was answered as it must not be."""
        with self._condition:
            until = self._count + count
            assert self._condition.wait_for(lambda: self._alarm or self._count >= until, timeout=60)


class Walker:
    """One partner and one administrator who lead requests through their life, over and over, whatever happens."""

    def __init__(self, firm: str, tokens: tuple[str, str], arns: tuple[str, str], load: Load) -> None:
        self.firm, self._load = firm, load
        self._partner_token, self._admin_token = tokens
        self._template_arn, self._channel_arn = arns
        self._chance = SeededEntropy(firm)
        self.histories: list[History] = []
        self.complaints: list[str] = []

    def _draw(self, below: int) -> int:
        return int.from_bytes(self._chance.token_bytes(4), "big") % below

    def _next(self) -> History:
        """Go on with what is unfinished, or begin anew with another course of events."""
        if not self.histories or not self.histories[-1].plan:
            course = ["create", "associate", "accept"]
            if self._draw(5) == 0:
                course += ["reject"]
            else:
                course += ["send", *["exchange"] * (1 + self._draw(3)), *["revoke"] * self._draw(2), "acknowledge"]
            self.histories.append(History(f"wf-{self.firm}-{len(self.histories):05}", course))
        return self.histories[-1]

    def walk(self, process: ServingProcess, last: threading.Event) -> None:
        """Act until the service is gone, or until the request at hand is finished and `last` is set."""
        with http_client(process, self._partner_token) as partner, http_client(process, self._admin_token) as admin:
            while not self.complaints:
                if last.is_set() and not (self.histories and self.histories[-1].plan):
                    return
                history = self._next()
                act = history.plan[0]
                try:
                    getattr(self, f"_{act}")(history, partner, admin)
                except httpx.TransportError:
                    history.doubts[act] += 1
                    return
                history.done.append(history.plan.pop(0))
                self._load.note()

    def _ok(self, answer: httpx.Response) -> Any:
        if not answer.is_success:
            self.complaints.append(f"{answer.request.url}: {answer.status_code} {answer.text}")
            self._load.note(alarm=True)
            return Counter()
        return answer.json() if answer.content else None

    def _create(self, history: History, partner: httpx.Client, _admin: httpx.Client) -> None:
        body = {
            "description": "Reads your logs",
            "policy_template_arn": self._template_arn,
            "workflow_id": history.workflow_id,
            "notification_channel": self._channel_arn,
            "session_duration": 3600,
            "parameters": [{"name": "bucketName", "values": ["logs"]}],
            "owner_account_id": ACCOUNT,
        }
        answer = partner.post("/v1/requests", json=body)
        if answer.status_code == httpx.codes.CONFLICT and history.doubts["create"]:
            # The first try was stored after all; the refusal says as which request.
            (history.id,) = re.findall(r"dr-[0-9a-f]{32}", answer.json()["detail"])
        else:
            history.id = str(self._ok(answer)["id"])

    def _associate(self, history: History, _partner: httpx.Client, admin: httpx.Client) -> None:
        self._ok(admin.post(f"/v1/requests/{history.id}/associate"))

    def _accept(self, history: History, _partner: httpx.Client, admin: httpx.Client) -> None:
        digest = self._ok(admin.get(f"/v1/requests/{history.id}"))["digest"]
        self._ok(admin.post(f"/v1/requests/{history.id}/accept", json={"digest": digest}))

    def _reject(self, history: History, _partner: httpx.Client, admin: httpx.Client) -> None:
        self._ok(admin.post(f"/v1/requests/{history.id}/reject", json={"notes": "not now"}))

    def _send(self, history: History, _partner: httpx.Client, admin: httpx.Client) -> None:
        self._ok(admin.post(f"/v1/requests/{history.id}/send"))

    def _mailbox(self, history: History, partner: httpx.Client) -> list[dict[str, Any]]:
        waiting = self._ok(partner.get("/v1/notifications", params={"limit": 1000}))
        return [one for one in waiting if one["message"]["RequestId"] == history.id]

    def _exchange(self, history: History, partner: httpx.Client, _admin: httpx.Client) -> None:
        messages = [one["message"] for one in self._mailbox(history, partner)]
        (token,) = (one["ExchangeToken"] for one in messages if one["Type"] == "ExchangeToken")
        history.lent.append(self._ok(partner.post("/v1/exchange", json={"exchange_token": token})))

    def _revoke(self, history: History, _partner: httpx.Client, admin: httpx.Client) -> None:
        self._ok(admin.post(f"/v1/requests/{history.id}/revoke", json={}))

    def _acknowledge(self, history: History, partner: httpx.Client, _admin: httpx.Client) -> None:
        for one in self._mailbox(history, partner):
            self._ok(partner.delete(f"/v1/notifications/{one['id']}"))
            history.acknowledged.append(one["id"])


def settled(folder: Path, load: Load) -> list[Walker]:
    """Open a house in this folder, settle a partner and an administrator for each firm, and close it again."""
    house = house_in(folder)
    ports = house.ports
    onboarding.create_account(ports, OPERATOR, account_id=ACCOUNT, alias="first")
    walkers = []
    for number, firm in enumerate(FIRMS):
        partner_id = f"4444{number:08}"
        partnering.create_partner(ports, OPERATOR, partner_id=partner_id, name=firm, domain=f"{firm.lower()}.example")
        template = partnering.register_template(
            ports, OPERATOR, partner_id=partner_id, name="Read_2026_01_01", document=json.dumps(READ_BUCKET)
        )
        channel = partnering.register_channel(ports, OPERATOR, partner_id=partner_id, name="main", url=None)
        choice = [PolicyChoice("AdministratorAccess")]
        admin = onboarding.create_user(ports, OPERATOR, account_id=ACCOUNT, name=f"admin-{firm}", policies=choice)
        holders = (root_arn("aws", partner_id), admin.arn)
        partner_token, admin_token = (credentialing.create_api_token(ports, OPERATOR, arn).token for arn in holders)
        arns = (template.arn, channel.channel.arn)
        walkers.append(Walker(firm, (partner_token, admin_token), arns, load))
    house.close()
    return walkers


def walking(process: ServingProcess, walkers: list[Walker], last: threading.Event) -> list[threading.Thread]:
    threads = [threading.Thread(target=walker.walk, args=(process, last)) for walker in walkers]
    for thread in threads:
        thread.start()
    return threads


def joined(threads: list[threading.Thread], walkers: list[Walker]) -> None:
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    assert [complaint for walker in walkers for complaint in walker.complaints] == []


@pytest.fixture
def survived(tmp_path: Path) -> tuple[list[History], Path]:
    """The histories of all clients and the folder of a service that was killed five times and then stopped."""
    home = tmp_path / "home"
    home.mkdir()
    load = Load()
    walkers = settled(home, load)
    moments = SeededEntropy("moments")
    for _ in range(KILLS):
        with serving_process(home, tmp_path / "serve.log") as process:
            check_states(process, walkers)
            threads = walking(process, walkers, threading.Event())
            load.wait_for_more(20 + int.from_bytes(moments.token_bytes(2), "big") % 150)
            process.kill()
            joined(threads, walkers)
    with serving_process(home, tmp_path / "serve.log") as process:
        check_states(process, walkers)
        last = threading.Event()
        last.set()
        joined(walking(process, walkers, last), walkers)
        histories = [history for walker in walkers for history in walker.histories]
        check_credentials(process, histories)
        assert process.stop() == 0
    return histories, home


def check_states(process: ServingProcess, walkers: list[Walker]) -> None:
    """Fail unless every request is where its client was last told it is, or one unanswered act further."""
    for walker in walkers:
        with http_client(process, walker._admin_token) as admin:
            for history in walker.histories:
                if history.id:
                    shown = admin.get(f"/v1/requests/{history.id}").json()
                    assert State(shown["state"]) in history.states


def check_credentials(process: ServingProcess, histories: list[History]) -> None:
    """Fail unless the credentials of every tenth history work, or are refused when they were revoked."""
    form = {"Action": "GetCallerIdentity", "Version": STS_VERSION}
    for history in histories[::10]:
        for lent in history.lent:
            key = NewKey(AccessKeyId(lent["access_key_id"]), lent["secret_access_key"])
            answer = send(signed(process.origin, key, form, service="sts", token=lent["session_token"]))
            if "revoke" in history.done:
                assert error_of(answer)[1] == "ExpiredToken"
            else:
                assert lent["assumed_principal"] in answer.text


def test_what_was_acknowledged_survives_every_kill_and_nothing_happens_twice(
    survived: tuple[list[History], Path],
) -> None:
    histories, home = survived
    assert sum(sum(history.doubts.values()) for history in histories) > 0
    verified = run_command(home, "audit", "verify")
    assert verified.returncode == 0, verified.stderr
    house = house_in(home)
    try:
        check_rows(house, histories)
        check_trail(house, histories)
    finally:
        house.close()
    check_ends(home)


def check_rows(house: House, histories: list[History]) -> None:
    read = house.ports.store.read
    requests = {str(one.id): one for one in read(lambda tx: tx.find(DelegationRequest))}
    grants = {str(one.request_id): one for one in read(lambda tx: tx.find(Grant))}
    sessions = read(lambda tx: tx.find(Session))
    assert set(requests) == {history.id for history in histories}
    assert {one.workflow_id for one in requests.values()} == {history.workflow_id for history in histories}
    released = {history.id for history in histories if "send" in history.done}
    assert set(grants) == released
    assert len(read(lambda tx: tx.find(Grant))) == len(released)
    assert len({grant.token_hash for grant in grants.values()}) == len(grants)
    lent = [one["access_key_id"] for history in histories for one in history.lent]
    assert len(set(lent)) == len(lent)
    assert set(lent) <= {one.access_key_id for one in sessions}
    waiting = {errand.id for errand in read(lambda tx: tx.find(Errand))}
    for history in histories:
        assert {requests[history.id].state} == history.states
        assert not waiting & set(history.acknowledged)
        if history.id not in released:
            continue
        grant = grants[history.id]
        numbers = sorted(one.number for one in sessions if one.grant_id == grant.id)
        assert numbers == list(range(1, grant.exchanges + 1))
        assert len(history.lent) <= grant.exchanges <= len(history.lent) + history.doubts["exchange"]
        assert (grant.state is GrantState.REVOKED) == ("revoke" in history.done)


def check_trail(house: House, histories: list[History]) -> None:
    entries = house.ports.store.read(lambda tx: tx.find(AuditEntry))
    acts: dict[str | None, list[dict[str, Any]]] = {}
    for entry in entries:
        acts.setdefault(entry.request_id, []).append(json.loads(entry.body))
    exchanges = {str(one.request_id): one.exchanges for one in house.ports.store.read(lambda tx: tx.find(Grant))}
    for history in histories:
        told = [one for one in acts[history.id] if one["failure"] is None]
        moved = Counter(one["act"] for one in told if one["before"] != one["after"])
        assert moved == {ACTS[act]: 1 for act in history.done if act in ACTS}
        traded = [one for one in told if one["act"] == "GetDelegatedAccessToken"]
        assert len(traded) == exchanges.get(history.id, 0)
        assert len({one["answered"]["accessKeyId"] for one in traded}) == len(traded)


def check_ends(home: Path) -> None:
    """Open the house long after every deadline and sweep it: everything has ended, once, and the trail says so."""
    later = StillClock(datetime.now(UTC) + timedelta(days=8))  # noqa: TID251  the processes ran on the machine's clock
    house = house_in(home, later)
    try:
        read = house.ports.store.read
        Sweeper(house.ports).run()
        grants = read(lambda tx: tx.find(Grant))
        assert {grant.state for grant in grants} == {GrantState.REVOKED}
        assert {one.state for one in read(lambda tx: tx.find(DelegationRequest))} == {State.EXPIRED}
        ends = Counter(
            entry.request_id
            for entry in read(lambda tx: tx.find(AuditEntry))
            for body in [json.loads(entry.body)]
            if body["act"] in ("ExpireGrant", "RevokeDelegation") and body["before"] == "LIVE" != body["after"]
        )
        assert ends == {grant.request_id: 1 for grant in grants}
        assert {grant.end_reason for grant in grants} == {EndReason.EXPIRED, EndReason.REVOKED}
        assert Sweeper(house.ports).run() == 0
        assert read(lambda tx: audit.verify(tx, house.ports.keyring)).faults == ()
    finally:
        house.close()
