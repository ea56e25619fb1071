# ruff: noqa: S608  tampering is done in plain SQL
"""The audit trail: everything is in it once, nothing secret is, and whoever touches it afterwards is found out."""

import hashlib
import hmac
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result
from staging.clocks import StillClock
from staging.houses import ACCOUNT, OPERATOR, OTHER_ACCOUNT, PARTNER, People, house_in, settle_people
from staging.wires import arrived, exchange_token_of, minted

from service.cli.main import main
from service.house import House
from workflows import approval, inquiry, onboarding, release, revocation
from workflows.audit import Verdict, verify
from workflows.authentication import candidate_for
from workflows.callers import Call
from workflows.cloudtrail import event_of
from workflows.errors import AccessDenied, DomainError, ExpiredExchangeToken, NoSuchEntity
from workflows.ids import AccountId
from workflows.onboarding import PolicyChoice
from workflows.ports import Ports
from workflows.records.audit import AuditEntry, AuditHead
from workflows.records.request import State
from workflows.release import Minted


def refused(kind: type[DomainError], act: Callable[[], object]) -> None:
    with pytest.raises(kind):
        act()


def told(ports: Ports, people: People, clock: StillClock) -> Minted:
    """A full story: lent, used, expired, lent again, revoked; with every sort of refusal on the way."""
    owner, approver, partner = people.call("owner"), people.call("approver"), people.call("partner")
    waiting = arrived(ports, people, State.PENDING_APPROVAL, "wf-00001")
    refused(AccessDenied, lambda: approval.accept(ports, owner, waiting.id, digest=None))
    refused(NoSuchEntity, lambda: inquiry.show(ports, people.call("stranger"), waiting.id, check=False))
    approval.reject(ports, owner, waiting.id, "no")
    first = minted(ports, people, "wf-00002")
    session = as_session(ports, first)
    refused(AccessDenied, lambda: approval.accept(ports, session, waiting.id, digest=None))
    clock.set(first.expires_at)
    revocation.sweep(ports, limit=10)
    second = arrived(ports, people, State.FINALIZED, "wf-00003")
    token = exchange_token_of(ports, second.id)
    lent = release.exchange(ports, partner, token)
    revocation.revoke(ports, approver, second.id, "enough")
    refused(ExpiredExchangeToken, lambda: release.exchange(ports, partner, token))
    return lent


def as_session(ports: Ports, session: Minted) -> Call:
    """A call that a session makes."""
    found = ports.store.read(lambda tx: candidate_for(tx, ports, session.access_key_id, session.session_token))
    assert found.caller is not None
    return Call(caller=found.caller, id="call-session", wire="aws", source_ip="192.0.2.7", user_agent="Boto3/1.44")


def checked(house: House, anchor: Any = None) -> Verdict:
    return house.store.read(lambda tx: verify(tx, house.ports.keyring, anchor=anchor))


def tamper(folder: Path, *statements: str) -> None:
    """Change the file behind the service's back."""
    with closing(sqlite3.connect(folder / "daypass.db", isolation_level=None)) as raw:
        for statement in statements:
            raw.execute(statement)


# --- what is written ----------------------------------------------------------------------------------------


def test_a_full_story_with_its_refusals_verifies_and_every_chain_has_a_head(
    house: House,
    people: People,
    clock: StillClock,
) -> None:
    told(house.ports, people, clock)
    verdict = checked(house)
    assert verdict.faults == ()
    assert {ACCOUNT, OTHER_ACCOUNT, PARTNER} <= set(verdict.heads)
    assert verdict.entries == sum(number for number, _ in verdict.heads.values()) >= 30


def test_a_refusal_stands_in_the_chain_of_the_one_who_was_refused_and_changes_nothing_else(
    house: House,
    people: People,
) -> None:
    request = arrived(house.ports, people, State.ASSIGNED, "wf-00001")
    before = checked(house).heads
    refused(NoSuchEntity, lambda: approval.reject(house.ports, people.call("stranger"), request.id, None))
    after = checked(house).heads
    assert {chain for chain in after if after[chain] != before.get(chain)} == {OTHER_ACCOUNT}
    (entry,) = inquiry.list_audit(house.ports, people.call("stranger"), account_id=None, before=None, limit=1)
    body = json.loads(entry.body)
    assert (body["failure"], body["after"], body["answered"]) == ("NoSuchEntity", None, {})


def test_an_act_whose_entry_cannot_be_written_does_not_happen(house: House, people: People, tmp_path: Path) -> None:
    request = arrived(house.ports, people, State.ASSIGNED, "wf-00001")
    tamper(
        tmp_path,
        "CREATE TRIGGER refuse BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'the trail is full'); END",
    )
    with pytest.raises(DomainError):
        approval.accept(house.ports, people.call("approver"), request.id, digest=None)
    tamper(tmp_path, "DROP TRIGGER refuse")
    shown = inquiry.show(house.ports, people.call("owner"), request.id, check=False).request
    assert shown.state is State.ASSIGNED
    assert shown.revision == request.revision


# --- tampering ----------------------------------------------------------------------------------------------

_THIRD: Final = f"chain = '{ACCOUNT}' AND number = 3"
_LAST: Final = f"chain = '{ACCOUNT}' AND number = (SELECT max(number) FROM audit_entries WHERE chain = '{ACCOUNT}')"
_COPY: Final = (
    "INSERT INTO audit_entries SELECT '{chain}', {number}, at, request_id, partner_id, body, mac "
    f"FROM audit_entries WHERE {_THIRD}"
)
_NEXT: Final = f"(SELECT max(number) + 1 FROM audit_entries WHERE chain = '{ACCOUNT}')"

TAMPERINGS: Final[dict[str, tuple[str, ...]]] = {
    "a field of the body altered": (
        f'UPDATE audit_entries SET body = replace(body, \'"act":"\', \'"act":"X\') WHERE {_THIRD}',
    ),
    "the body re-serialised with other white space": (
        f"UPDATE audit_entries SET body = replace(body, '\":\"', '\": \"') WHERE {_THIRD}",
    ),
    "the time altered by a microsecond": (
        f"UPDATE audit_entries SET at = '2026-01-02 12:00:00.000001' WHERE {_THIRD}",
    ),
    "the time made unreadable": (f"UPDATE audit_entries SET at = 'never' WHERE {_THIRD}",),
    "the body made unreadable": (f"UPDATE audit_entries SET body = x'ff00ff' WHERE {_THIRD}",),
    "the request id altered": (f"UPDATE audit_entries SET request_id = 'dr-another' WHERE {_THIRD}",),
    "the request id removed": (f"UPDATE audit_entries SET request_id = NULL WHERE {_LAST}",),
    "an absent request id made an empty one": (
        "UPDATE audit_entries SET request_id = '' WHERE request_id IS NULL AND number = 1",
    ),
    "the partner id altered": (f"UPDATE audit_entries SET partner_id = '888899990000' WHERE {_LAST}",),
    "the code altered": (
        f"UPDATE audit_entries SET mac = substr(mac, 1, 66) || iif(substr(mac, 67) = '0', '1', '0') WHERE {_THIRD}",
    ),
    "the code emptied": (f"UPDATE audit_entries SET mac = '' WHERE {_THIRD}",),
    "the code of an unknown key": (f"UPDATE audit_entries SET mac = replace(mac, 'k1:', 'k9:') WHERE {_THIRD}",),
    "the code not ASCII": (f"UPDATE audit_entries SET mac = 'k1:é' WHERE {_THIRD}",),
    "the first entry deleted": (f"DELETE FROM audit_entries WHERE chain = '{ACCOUNT}' AND number = 1",),
    "a middle entry deleted": (f"DELETE FROM audit_entries WHERE {_THIRD}",),
    "a middle entry deleted and the rest moved up": (
        f"DELETE FROM audit_entries WHERE {_THIRD}",
        f"UPDATE audit_entries SET number = number - 1 WHERE chain = '{ACCOUNT}' AND number > 3",
    ),
    "the last entry deleted": (f"DELETE FROM audit_entries WHERE {_LAST}",),
    "all entries of a chain deleted": (f"DELETE FROM audit_entries WHERE chain = '{ACCOUNT}'",),
    "a whole chain deleted with its head": (
        f"DELETE FROM audit_entries WHERE chain = '{ACCOUNT}'",
        f"DELETE FROM audit_heads WHERE chain = '{ACCOUNT}'",
    ),
    "a partner's chain deleted with its head": (
        f"DELETE FROM audit_entries WHERE chain = '{PARTNER}'",
        f"DELETE FROM audit_heads WHERE chain = '{PARTNER}'",
    ),
    "two entries swapped": (
        f"UPDATE audit_entries SET number = 0 WHERE {_THIRD}",
        f"UPDATE audit_entries SET number = 3 WHERE chain = '{ACCOUNT}' AND number = 4",
        f"UPDATE audit_entries SET number = 4 WHERE chain = '{ACCOUNT}' AND number = 0",
    ),
    "an entry invented at the end": (_COPY.format(chain=ACCOUNT, number=_NEXT),),
    "an entry invented far behind the end": (_COPY.format(chain=ACCOUNT, number=1_000_000),),
    "an entry invented before the first": (_COPY.format(chain=ACCOUNT, number=0),),
    "an entry copied to another chain": (_COPY.format(chain=OTHER_ACCOUNT, number=1_000),),
    "an entry invented in a chain of nobody": (_COPY.format(chain="123456789012", number=1),),
    "the head rewound together with the tail": (
        f"DELETE FROM audit_entries WHERE {_LAST}",
        f"UPDATE audit_heads SET number = number - 1 WHERE chain = '{ACCOUNT}'",
        f"UPDATE audit_heads SET entry_mac = (SELECT mac FROM audit_entries WHERE {_LAST}) WHERE chain = '{ACCOUNT}'",
    ),
    "the head deleted": (f"DELETE FROM audit_heads WHERE chain = '{ACCOUNT}'",),
    "the head of another chain put in its place": (
        f"DELETE FROM audit_heads WHERE chain = '{ACCOUNT}'",
        f"INSERT INTO audit_heads SELECT '{ACCOUNT}', number, entry_mac, mac FROM audit_heads LIMIT 1",
    ),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_every_kind_of_tampering_is_found(
    house: House,
    people: People,
    clock: StillClock,
    tmp_path: Path,
    kind: str,
) -> None:
    told(house.ports, people, clock)
    before = rows(tmp_path)
    tamper(tmp_path, *TAMPERINGS[kind])
    assert rows(tmp_path) != before, "the tampering did nothing"
    assert len(checked(house).faults) >= 1


def rows(folder: Path) -> list[Any]:
    with closing(sqlite3.connect(folder / "daypass.db")) as raw:
        entries = raw.execute("SELECT * FROM audit_entries ORDER BY chain, number").fetchall()
        return [*entries, *raw.execute("SELECT * FROM audit_heads ORDER BY chain").fetchall()]


def test_every_single_bit_of_a_chains_text_counts(house: House, people: People, tmp_path: Path) -> None:
    """One changed letter anywhere in a body, checked for every place of one entry."""
    arrived(house.ports, people, State.ASSIGNED, "wf-00001")
    (entry,) = house.store.read(lambda tx: tx.find(AuditEntry, chain=PARTNER, number=range(1, 2)))
    with closing(sqlite3.connect(tmp_path / "daypass.db", isolation_level=None)) as raw:
        for at in range(0, len(entry.body), 7):
            altered = entry.body[:at] + chr(ord(entry.body[at]) ^ 1) + entry.body[at + 1 :]
            raw.execute("UPDATE audit_entries SET body = ? WHERE chain = ? AND number = 1", (altered, PARTNER))
            assert [one.chain for one in checked(house).faults] == [PARTNER]
        raw.execute("UPDATE audit_entries SET body = ? WHERE chain = ? AND number = 1", (entry.body, PARTNER))
    assert checked(house).faults == ()


def test_the_first_fault_of_each_chain_is_named_by_its_place(house: House, people: People, tmp_path: Path) -> None:
    arrived(house.ports, people, State.FINALIZED, "wf-00001")
    tamper(
        tmp_path,
        f"DELETE FROM audit_entries WHERE {_THIRD}",
        f"UPDATE audit_entries SET body = '{{}}' WHERE chain = '{PARTNER}' AND number = 2",
    )
    assert {(one.chain, one.number) for one in checked(house).faults} == {(ACCOUNT, 3), (PARTNER, 2)}


@pytest.mark.parametrize("key", [b"", b"\x00" * 32, b"daypass", b"k1"])
def test_a_code_made_with_a_wrong_key_is_found(house: House, people: People, tmp_path: Path, key: bytes) -> None:
    arrived(house.ports, people, State.ASSIGNED, "wf-00001")
    (entry,) = house.store.read(lambda tx: tx.find(AuditEntry, chain=PARTNER, number=range(1, 2)))
    mac = f"k1:{hmac.new(key, entry.body.encode(), hashlib.sha256).hexdigest()}"
    tamper(tmp_path, f"UPDATE audit_entries SET mac = '{mac}' WHERE chain = '{PARTNER}' AND number = 1")
    assert [(one.chain, one.number) for one in checked(house).faults] == [(PARTNER, 1)]


# --- an anchor kept elsewhere -------------------------------------------------------------------------------


def put_back(house: House, folder: Path, clock: StillClock, copy: Path) -> House:
    """Close the house, put an older copy of the database in place, and open it again."""
    house.close()
    for left in folder.glob("daypass.db*"):
        left.unlink()
    shutil.copy(copy, folder / "daypass.db")
    return house_in(folder, clock)


def copy_of(house: House, folder: Path) -> Path:
    with closing(sqlite3.connect(house.settings.database_file)) as raw:
        raw.execute("VACUUM INTO ?", (str(folder / "older.db"),))
    return folder / "older.db"


def test_with_an_anchor_a_database_put_back_to_an_older_state_is_found_even_when_it_went_on_since(
    tmp_path: Path,
    clock: StillClock,
) -> None:
    house = house_in(tmp_path, clock)
    people = settle_people(house.ports)
    copy = copy_of(house, tmp_path)
    arrived(house.ports, people, State.FINALIZED, "wf-00001")
    anchor = checked(house).heads
    arrived(house.ports, people, State.FINALIZED, "wf-00002")
    assert checked(house, anchor).faults == (), "going on is no fault"
    house = put_back(house, tmp_path, clock, copy)
    assert checked(house).faults == (), "an older state is whole in itself; only the anchor tells"
    assert {one.chain for one in checked(house, anchor).faults} >= {ACCOUNT, PARTNER}
    for number in range(5):
        arrived(house.ports, people, State.FINALIZED, f"wf-1000{number}")
    assert checked(house).faults == ()
    assert {one.chain for one in checked(house, anchor).faults} >= {ACCOUNT, PARTNER}
    house.close()


def test_an_entry_of_another_history_of_the_same_database_does_not_fit_into_this_one(
    tmp_path: Path,
    clock: StillClock,
) -> None:
    house = house_in(tmp_path, clock)
    people = settle_people(house.ports)
    copy = copy_of(house, tmp_path)
    before = checked(house).heads[PARTNER][0]
    arrived(house.ports, people, State.FINALIZED, "wf-00001")
    genuine = house.store.read(lambda tx: tx.find(AuditEntry, chain=PARTNER, number=range(before + 1, before + 2)))
    house = put_back(house, tmp_path, clock, copy)
    arrived(house.ports, people, State.FINALIZED, "wf-00002")
    arrived(house.ports, people, State.FINALIZED, "wf-00003")
    assert checked(house).faults == ()
    house.store.write(lambda tx: tx.put(genuine[0]))
    assert [(one.chain, one.number) for one in checked(house).faults] == [(PARTNER, before + 2)]
    house.close()


def test_with_an_anchor_an_account_that_vanished_with_its_chain_is_found(
    house: House,
    people: People,
    tmp_path: Path,
) -> None:
    anchor = checked(house).heads
    vanished = [f"DELETE FROM {table} WHERE chain = '{OTHER_ACCOUNT}'" for table in ("audit_entries", "audit_heads")]
    tamper(tmp_path, *vanished, f"DELETE FROM accounts WHERE id = '{OTHER_ACCOUNT}'")
    assert [one.chain for one in checked(house, anchor).faults] == [OTHER_ACCOUNT]


# --- the command line ---------------------------------------------------------------------------------------


def daypass(folder: Path, *arguments: str) -> Result:
    environment = {"DAYPASS_DATABASE_URL": f"sqlite:///{folder / 'daypass.db'}"}
    return CliRunner().invoke(main, ["audit", *arguments], env=environment)


@pytest.fixture
def story(tmp_path: Path, clock: StillClock) -> Path:
    """The folder of a closed house with a full story in it."""
    house = house_in(tmp_path, clock)
    told(house.ports, settle_people(house.ports), clock)
    house.close()
    return tmp_path


def test_verify_ends_with_0_when_the_trail_is_whole_and_with_1_and_the_place_when_it_is_not(story: Path) -> None:
    whole = daypass(story, "verify")
    assert whole.exit_code == 0
    assert "whole" in whole.stdout
    tamper(story, f"DELETE FROM audit_entries WHERE {_THIRD}")
    broken = daypass(story, "verify")
    assert broken.exit_code == 1
    assert f"account {ACCOUNT}, entry 3" in broken.stderr
    machine = daypass(story, "verify", "--json")
    assert machine.exit_code == 1
    assert json.loads(machine.stdout)["ok"] is False


def test_the_output_of_verify_is_an_anchor_for_the_next_one(story: Path, tmp_path_factory: Any) -> None:
    anchor = tmp_path_factory.mktemp("elsewhere") / "anchor.json"
    anchor.write_text(daypass(story, "verify", "--json").stdout)
    assert daypass(story, "verify", "--anchor", str(anchor)).exit_code == 0
    tamper(
        story,
        f"DELETE FROM audit_entries WHERE chain = '{OTHER_ACCOUNT}'",
        f"DELETE FROM audit_heads WHERE chain = '{OTHER_ACCOUNT}'",
        f"DELETE FROM accounts WHERE id = '{OTHER_ACCOUNT}'",
    )
    assert daypass(story, "verify").exit_code == 0
    assert daypass(story, "verify", "--anchor", str(anchor)).exit_code == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"heads": 1}', '{"heads": {"1": [1]}}', '{"heads": {"1": "xx"}}'])
def test_a_file_that_is_no_anchor_is_wrong_usage(story: Path, text: str) -> None:
    (story / "anchor.json").write_text(text)
    assert daypass(story, "verify", "--anchor", str(story / "anchor.json")).exit_code == 2


# --- the export ---------------------------------------------------------------------------------------------


def exported(folder: Path, *more: str) -> list[dict[str, Any]]:
    result = daypass(folder, "export", *more)
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_export_is_one_cloudtrail_event_per_line_and_holds_every_entry(story: Path) -> None:
    events = exported(story)
    assert len(events) == json.loads(daypass(story, "verify", "--json").stdout)["entries"]
    required = {"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress"}
    required |= {"userAgent", "requestParameters", "responseElements", "requestID", "eventID", "eventType"}
    required |= {"recipientAccountId", "eventCategory", "managementEvent", "readOnly"}
    assert [one for one in events if not required <= set(one)] == []
    assert len({one["eventID"] for one in events}) == len(events)
    assert {one["eventVersion"] for one in events} == {"1.09"}


def test_the_export_of_one_account_is_its_chain_in_order(story: Path) -> None:
    events = exported(story, "--account", ACCOUNT)
    assert {one["recipientAccountId"] for one in events} == {ACCOUNT}
    numbers = [one["additionalEventData"]["number"] for one in events]
    assert numbers == list(range(1, len(events) + 1))


def test_a_call_of_a_session_looks_like_the_approvers_plus_whom_it_was_invoked_by(story: Path) -> None:
    (event,) = [one for one in exported(story) if "invokedByDelegate" in one["userIdentity"]]
    identity = event["userIdentity"]
    assert identity["invokedByDelegate"] == {"accountId": PARTNER}
    assert identity["type"] == "IAMUser"
    assert identity["arn"] == f"arn:aws:iam::{ACCOUNT}:user/approver"
    assert identity["accountId"] == event["recipientAccountId"] == ACCOUNT
    assert identity["accessKeyId"].startswith("ASIA")
    assert (event["eventName"], event["errorCode"]) == ("AcceptDelegationRequest", "AccessDenied")
    assert (event["sourceIPAddress"], event["userAgent"]) == ("192.0.2.7", "Boto3/1.44")


def test_a_call_of_a_session_that_root_approved_looks_like_roots(house: House, people: People) -> None:
    session = minted(house.ports, replace(people, approver=people.root), "wf-00001")
    call = as_session(house.ports, session)
    refused(AccessDenied, lambda: onboarding.list_users(house.ports, call, ACCOUNT))
    (entry,) = inquiry.list_audit(house.ports, people.call("root"), account_id=None, before=None, limit=1)
    identity = event_of(entry)["userIdentity"]
    assert identity["type"] == "Root"
    assert "userName" not in identity
    assert identity["invokedByDelegate"] == {"accountId": PARTNER}


def test_what_time_did_is_an_event_of_the_service_with_the_states_before_and_after(story: Path) -> None:
    (event,) = [one for one in exported(story) if one["eventName"] == "ExpireGrant"]
    assert event["eventType"] == "AwsServiceEvent"
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "daypass.internal"}
    assert event["additionalEventData"]["stateBefore"] == "LIVE"
    assert event["additionalEventData"]["stateAfter"] == "REVOKED"


def test_hostile_text_stays_within_its_line(house: House, people: People) -> None:
    hostile = 'a\r\nb\x1b[2J"},{"x":"\u2028'
    call = Call(caller=people.call("bystander").caller, id="x", wire="aws", user_agent=hostile, source_ip=hostile)
    refused(AccessDenied, lambda: onboarding.create_user(house.ports, call, account_id=ACCOUNT, name="y", policies=()))
    (entry,) = inquiry.list_audit(house.ports, people.call("root"), account_id=None, before=None, limit=1)
    line = json.dumps(event_of(entry), separators=(",", ":"))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["userAgent"] == hostile


def test_no_policy_document_and_no_secret_is_in_any_entry(house: House, people: People, clock: StillClock) -> None:
    lent = told(house.ports, people, clock)
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::canary"}}
    )
    choice = PolicyChoice("Canary", document)
    onboarding.attach_policy(house.ports, OPERATOR, account_id=ACCOUNT, user_name="bystander", choice=choice)
    written = "".join(one.body for one in house.store.read(lambda tx: tx.find(AuditEntry)))
    assert "Canary" in written
    for secret in (lent.secret_access_key, lent.session_token, "dpx1_", "arn:aws:s3:::canary"):
        assert secret not in written


def test_a_chain_is_listed_newest_first_in_pages_by_number(house: House, people: People, clock: StillClock) -> None:
    told(house.ports, people, clock)
    (head,) = house.store.read(lambda tx: tx.find(AuditHead, chain=ACCOUNT))
    seen: list[int] = []
    before: int | None = None
    while found := inquiry.list_audit(house.ports, people.call("root"), account_id=None, before=before, limit=4):
        seen += [one.number for one in found]
        before = seen[-1]
    assert seen == list(range(head.number, 0, -1))


def test_another_accounts_trail_looks_like_none(house: House, people: People) -> None:
    with pytest.raises(NoSuchEntity):
        inquiry.list_audit(house.ports, people.call("stranger"), account_id=AccountId(ACCOUNT), before=None, limit=1)
