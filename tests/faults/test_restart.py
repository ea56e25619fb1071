"""Everything lives in two files: a house is stopped and opened again on them, and on nothing less."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from staging.clocks import OffsetClock
from staging.houses import ACCOUNT, PARTNER, house_in, settle_people
from staging.processes import ServingProcess, http_client, run_command, serving_process
from staging.servers import serving
from staging.wires import Cast, arrived, exchange_token_of, grant_of, key_of, minted, send, signed

from workflows import release
from workflows.credentialing import NewKey
from workflows.ids import AccessKeyId
from workflows.records.grant import GrantState
from workflows.records.request import State

READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty folder to serve from."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def made(home: Path, *words: str) -> dict[str, Any]:
    """What a command prints as JSON, once it has succeeded."""
    done = run_command(home, *words, "--json")
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def settle(process: ServingProcess, operator: str) -> dict[str, str]:
    """Open an account and a partner through the API; return an API token for each of their people."""
    with http_client(process, operator) as client:
        ok(client.post("/v1/accounts", json={"id": ACCOUNT, "alias": "first"}))
        admin = {"name": "ann", "policies": ["AdministratorAccess"]}
        ann = ok(client.post(f"/v1/accounts/{ACCOUNT}/users", json=admin))
        firm = {"id": PARTNER, "name": "Lumenwatch", "domain": "lumenwatch.example"}
        partner = ok(client.post("/v1/partners", json=firm))
        template = {"name": "Read_2026_01_01", "document": READ, "accept": "Buckets are not named in this test."}
        ok(client.post(f"/v1/partners/{PARTNER}/templates", json=template))
        ok(client.post(f"/v1/partners/{PARTNER}/channels", json={"name": "main"}))
        return {
            name: ok(client.post("/v1/tokens", json={"principal": one["arn"]}))["api_token"]
            for name, one in (("ann", ann), ("partner", partner))
        }


def filed(process: ServingProcess, tokens: dict[str, str]) -> str:
    with http_client(process, tokens["partner"]) as client:
        registered = ok(client.get(f"/v1/partners/{PARTNER}/registrations"))
        body = {
            "description": "Reads your logs",
            "policy_template_arn": registered["templates"][0]["arn"],
            "workflow_id": "wf-00001",
            "notification_channel": registered["channels"][0]["arn"],
            "session_duration": 3600,
            "owner_account_id": ACCOUNT,
        }
        return str(ok(client.post("/v1/requests", json=body))["id"])


def test_the_story_goes_on_after_a_stop_from_two_files(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "serve.log"
    operator = made(home, "operator", "create", "--name", "ops")["api_token"]
    with serving_process(home, log) as process:
        tokens = settle(process, operator)
        request_id = filed(process, tokens)
        with http_client(process, tokens["ann"]) as ann:
            claimed = ok(ann.post(f"/v1/requests/{request_id}/associate"))
        assert process.stop() == 0
    with serving_process(home, log) as process:
        with http_client(process, tokens["ann"]) as ann:
            assert ok(ann.get(f"/v1/requests/{request_id}"))["digest"] == claimed["digest"]
            ok(ann.post(f"/v1/requests/{request_id}/accept", json={"digest": claimed["digest"]}))
            ok(ann.post(f"/v1/requests/{request_id}/send"))
        assert process.stop() == 0
    with serving_process(home, log) as process:
        with http_client(process, tokens["partner"]) as partner:
            messages = [one["message"] for one in ok(partner.get("/v1/notifications"))]
            (token,) = (one["ExchangeToken"] for one in messages if one["Type"] == "ExchangeToken")
            lent = ok(partner.post("/v1/exchange", json={"exchange_token": token}))
        process.kill()
    with serving_process(home, log) as process:
        key = NewKey(AccessKeyId(lent["access_key_id"]), lent["secret_access_key"])
        form = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
        request = signed(process.origin, key, form, service="sts", token=lent["session_token"])
        assert "user/ann" in send(request).text
        assert process.stop() == 0
    names = {path.name for path in home.iterdir()}
    assert {"daypass.db", "daypass.key"} <= names
    beside = {"daypass.db-wal", "daypass.db-shm", "daypass.db.serving", "daypass.epoch"}
    assert names <= {"daypass.db", "daypass.key", *beside}
    assert (home / "daypass.key").stat().st_mode & 0o777 == 0o600
    assert made(home, "audit", "verify")["ok"]


@pytest.fixture
def closed(home: Path) -> Path:
    """The folder of a house that was settled and closed."""
    house = house_in(home)
    settle_people(house.ports)
    house.close()
    return home


def unopened(home: Path, *words: str) -> str:
    """What a command that must not open the house says."""
    done = run_command(home, *(words or ("serve", "--port", "0")))
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_database_without_its_key_is_not_opened_and_no_new_key_is_made(closed: Path) -> None:
    key = closed / "daypass.key"
    key.rename(closed / "elsewhere")
    assert "no master key file" in unopened(closed)
    assert "no master key file" in unopened(closed, "audit", "verify")
    assert not key.exists()
    (closed / "elsewhere").rename(key)
    assert run_command(closed, "audit", "verify").returncode == 0


def test_a_database_is_not_opened_with_the_key_of_another(closed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    house_in(other).close()
    (closed / "daypass.key").write_bytes((other / "daypass.key").read_bytes())
    assert "belongs to another database" in unopened(closed)


def test_a_key_that_others_can_read_is_not_used(closed: Path) -> None:
    for mode in (0o640, 0o604):
        (closed / "daypass.key").chmod(mode)
        assert "chmod 600" in unopened(closed)
    (closed / "daypass.key").chmod(0o400)
    assert run_command(closed, "audit", "verify").returncode == 0


def test_a_key_file_that_is_none_is_not_used(closed: Path) -> None:
    for text in ("", "k1:" + "A" * 43 + "=\n", "not a key\n"):
        (closed / "daypass.key").write_text(text)
        assert "daypass.key" in unopened(closed)


# --- nothing waits for the janitor -----------------------------------------------------------------------


def test_without_any_periodic_work_everything_that_has_ended_is_refused(tmp_path: Path) -> None:
    clock = OffsetClock()
    with serving(tmp_path, clock, scheduler=False) as live:
        cast = Cast(live, settle_people(live.ports))
        ports, people = live.ports, cast.people
        waiting = arrived(ports, people, State.UNASSIGNED, "wf-00001").id
        accepted = arrived(ports, people, State.ACCEPTED, "wf-00002").id
        session = minted(ports, people, "wf-00003", session_duration=300)
        final = arrived(ports, people, State.FINALIZED, "wf-00004", session_duration=300).id
        token = exchange_token_of(ports, final)
        release.exchange(ports, people.call("partner"), token)
        client = live.boto("sts", key_of(session), session.session_token)
        client.get_caller_identity()
        clock.advance(seconds=300)
        with pytest.raises(client.exceptions.ClientError, match="ExpiredToken"):
            client.get_caller_identity()
        partner = cast.sts("partner")
        with pytest.raises(partner.exceptions.ExpiredTradeInTokenException):
            partner.get_delegated_access_token(TradeInToken=token)
        with cast.api("owner") as owner, cast.api("approver") as approver:
            clock.advance(days=1)
            assert owner.post(f"/v1/requests/{waiting}/associate").status_code == 409
            assert ok(owner.get(f"/v1/requests/{accepted}"))["state"] == "ACCEPTED"
            clock.advance(days=6)
            assert approver.post(f"/v1/requests/{accepted}/send").status_code == 409
            assert ok(owner.get(f"/v1/requests/{accepted}"))["state"] == "EXPIRED"
            assert {one["state"] for one in ok(approver.get("/v1/grants"))["items"]} == {"REVOKED"}
        assert grant_of(ports, final).state is GrantState.LIVE
