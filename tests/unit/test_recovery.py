"""What a backup holds comes back whole or not at all, and never with authority that ended since."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import URL
from staging.clocks import NOON, StillClock
from staging.databases import fresh_database, text_of
from staging.houses import ACCOUNT, OPERATOR, People, house_in, key_for, settle_people, token_for
from staging.roles import ROLE_PERMISSIONS, register_role_work, role_grant
from staging.wires import arrived

from service.db.tables import METADATA
from service.entropy import SystemEntropy
from service.epoch import Mark, is_older, mark_of, read_mark, write_mark
from service.errors import StartError
from service.house import House
from service.jobs.pulse import Pulse
from service.keyring import FileKeyring, add_key, load_key_file
from service.recovery.backup import read_backup, restore_backup, write_backup
from workflows import audit, delivery, notifications, quarantine, release, revocation, role_sessions
from workflows.authentication import Candidate, caller_of_token, candidate_for, deployment_of
from workflows.callers import TIME, Call
from workflows.credentials.keys import seal, unseal
from workflows.errors import AccessDenied, ExpiredExchangeToken, UnknownCredential, WrongState
from workflows.identity_providers import KIND as PROVIDER
from workflows.ids import AccountId
from workflows.records.account import AccessKey, Account
from workflows.records.audit import AuditEntry
from workflows.records.grant import Grant, GrantState
from workflows.records.request import State
from workflows.records.role import Role, RoleSession
from workflows.records.sign_in import IdentityProvider
from workflows.resealing import reseal
from workflows.role_errands import due_role_errands
from workflows.role_sessions import NewSession

KEY = bytes(range(32))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """A fresh database, on each engine."""
    with fresh_database(request.param, tmp_path) as address:
        yield address


@pytest.fixture
def house(url: URL, tmp_path: Path, clock: StillClock) -> Iterator[House]:
    """An open house, on each engine."""
    opened = house_in(tmp_path, clock, database_url=text_of(url))
    yield opened
    opened.close()


def everything(house: House) -> dict[str, list[tuple[object, ...]]]:
    with house.store._reading.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(table.select())), key=repr)
            for table in METADATA.sorted_tables
            if table.name not in ("replicas", "writers", "deployment")
        }


def backed_up(house: House, path: Path) -> Path:
    write_backup(house.settings.url, path, KEY, entropy=SystemEntropy(), now=NOON)
    return path


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_backup_comes_back_row_for_row_on_either_engine(
    house: House, people: People, tmp_path: Path, engine: str, clock: StillClock
) -> None:
    arrived(house.ports, people, State.FINALIZED, "wf-00001")
    key_for(house.ports, people.partner)
    path = backed_up(house, tmp_path / "copy")
    before = everything(house)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(house.settings.key_file, other / "daypass.key")
    with fresh_database(engine, other) as target:
        restore_backup(target, path, KEY, epoch=0, now=NOON)
        again = house_in(other, clock, database_url=text_of(target))
        assert everything(again) == before
        assert again.store.read(deployment_of).quarantined_at == NOON
        assert again.store.read(lambda tx: audit.verify(tx, again.ports.keyring)).faults == ()
        again.close()


def test_a_backup_is_one_instant_while_others_write(house: House, people: People, tmp_path: Path) -> None:
    path = backed_up(house, tmp_path / "copy")
    counts = dict(read_backup(path, KEY).rows)
    arrived(house.ports, people, State.ASSIGNED, "wf-00001")
    assert dict(read_backup(path, KEY).rows) == counts
    assert counts["accounts"] == 2


def test_a_backup_shows_nothing_of_what_is_in_it(house: House, people: People, tmp_path: Path) -> None:
    content = backed_up(house, tmp_path / "copy").read_bytes()
    for word in (b"owner", b"first", people.partner.arn.encode(), b"accounts"):
        assert word not in content


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("hurt", ["flip", "cut", "chunk", "other key", "not one"])
def test_a_backup_that_was_altered_cut_off_or_opened_with_another_key_is_refused(
    tmp_path: Path, clock: StillClock, hurt: str, engine: str
) -> None:
    opened = house_in(tmp_path, clock)
    settle_people(opened.ports)
    path = backed_up(opened, tmp_path / "copy")
    opened.close()
    content, key = bytearray(path.read_bytes()), KEY
    if hurt == "flip":
        content[-20] ^= 1
    elif hurt == "cut":
        del content[-1:]
    elif hurt == "chunk":
        del content[40:]
    elif hurt == "other key":
        key = bytes(32)
    else:
        content = bytearray(b"something else altogether, and long enough for a header")
    path.write_bytes(bytes(content))
    target = tmp_path / "other"
    target.mkdir()
    with fresh_database(engine, target) as url, pytest.raises(StartError):
        restore_backup(url, path, key, epoch=0, now=NOON)


def test_a_backup_is_never_restored_over_what_is_there(house: House, tmp_path: Path) -> None:
    path = backed_up(house, tmp_path / "copy")
    with pytest.raises(StartError, match="not empty"):
        restore_backup(house.settings.url, path, KEY, epoch=0, now=NOON)


# --- a restore resurrects nothing -----------------------------------------------------------------------------


def test_what_was_revoked_after_the_backup_stays_refused_when_quarantine_was_left(
    tmp_path: Path, clock: StillClock
) -> None:
    opened = house_in(tmp_path, clock)
    ports, people = opened.ports, settle_people(opened.ports)
    request = arrived(ports, people, State.ACCEPTED, "wf-00001")
    release.send(ports, people.call("approver"), request.id)
    letters = delivery.mailbox(ports, people.call("partner"), limit=9)
    bodies = [notifications.body_of(ports, one) for one in letters]
    token = next(str(one["ExchangeToken"]) for one in bodies if "ExchangeToken" in one)
    minted = release.exchange(ports, people.call("partner"), token)
    key, api = key_for(ports, people.approver), token_for(ports, people.approver)
    path = backed_up(opened, tmp_path / "copy")
    revocation.revoke(ports, people.call("approver"), request.id, None)
    mark = mark_of(opened.store.read(deployment_of))
    opened.close()
    (tmp_path / "daypass.db").unlink()

    restore_backup(opened.settings.url, path, KEY, epoch=mark.epoch, now=clock.now())
    again = house_in(tmp_path, clock)
    deployment = again.store.read(deployment_of)
    assert deployment.quarantined_at is not None
    assert not is_older(deployment, mark), "a restore on purpose is not mistaken for a copy put back"
    taken = quarantine.leave(again.ports, OPERATOR)
    assert (taken.grants, taken.credentials) == (1, 2)
    with pytest.raises(ExpiredExchangeToken):
        release.exchange(again.ports, people.call("partner"), token)
    used = candidate_for_session(again, minted.access_key_id, minted.session_token)
    assert used.caller is None
    assert again.store.read(lambda tx: candidate_for(tx, again.ports, key.access_key_id, None)).caller is None
    with pytest.raises(UnknownCredential):
        again.store.read(lambda tx: caller_of_token(tx, again.ports, api))
    assert again.store.read(deployment_of).quarantined_at is None
    assert again.store.read(lambda tx: audit.verify(tx, again.ports.keyring)).faults == ()
    again.close()


def candidate_for_session(house: House, access_key_id: str, token: str) -> Candidate:
    return house.store.read(lambda tx: candidate_for(tx, house.ports, access_key_id, token))


def test_an_older_copy_of_the_database_put_back_starts_in_quarantine(tmp_path: Path, clock: StillClock) -> None:
    opened = house_in(tmp_path, clock)
    people = settle_people(opened.ports)
    request = arrived(opened.ports, people, State.FINALIZED, "wf-00001")
    opened.close()
    shutil.copy(tmp_path / "daypass.db", tmp_path / "older.db")

    opened = house_in(tmp_path, clock)
    pulse = Pulse(opened, None)
    pulse.start()
    assert pulse.standing.reasons == []
    revocation.revoke(opened.ports, people.call("approver"), request.id, None)
    pulse.stop()
    opened.close()
    shutil.copy(tmp_path / "older.db", tmp_path / "daypass.db")

    opened = house_in(tmp_path, clock)
    pulse = Pulse(opened, None)
    pulse.start()
    assert pulse.standing.quarantined
    assert "quarantine" in pulse.standing.reasons[0]
    assert opened.store.read(deployment_of).quarantined_at is not None
    said = opened.store.read(lambda tx: [json.loads(one.body)["act"] for one in tx.find(AuditEntry)])
    assert "EnterQuarantine" in said
    pulse.stop()
    quarantine.leave(opened.ports, OPERATOR)
    pulse = Pulse(opened, None)
    pulse.start()
    assert pulse.standing.reasons == []
    pulse.stop()
    (grant,) = opened.store.read(lambda tx: tx.find(Grant))
    assert grant.state is GrantState.REVOKED
    opened.close()


@pytest.mark.parametrize(
    ("change", "older"),
    [
        ({}, False),
        ({"authority": 4}, True),
        ({"authority": 9}, False),
        ({"high_water": NOON - timedelta(seconds=1)}, True),
        ({"epoch": 1, "authority": 9}, True),
        ({"epoch": 3, "authority": 0}, False),
        ({"id": "dp-other", "authority": 0}, False),
    ],
    ids=str,
)
def test_an_older_copy_is_told_from_the_newest_and_from_a_restore(
    house: House, change: dict[str, object], *, older: bool
) -> None:
    known = replace(house.store.read(deployment_of), epoch=2, authority=5, high_water=NOON)
    assert is_older(replace(known, **change), mark_of(known)) is older  # type: ignore[arg-type]


def test_what_is_remembered_outside_is_read_back_and_a_broken_file_remembers_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    assert read_mark(path) is None
    mark = Mark("dp-1", 1, 2, NOON)
    assert write_mark(path, mark)
    assert read_mark(path) == mark
    path.write_text("{")
    assert read_mark(path) is None
    assert not write_mark(tmp_path / "no" / "mark", mark)


def test_only_the_operator_leaves_quarantine_and_only_out_of_one(house: House, people: People) -> None:
    with pytest.raises(WrongState, match="not in quarantine"):
        quarantine.leave(house.ports, OPERATOR)
    with pytest.raises(AccessDenied):
        quarantine.enter(house.ports, people.call("root"), "I say so")
    quarantine.enter(house.ports, Call(caller=TIME, id="x", wire="time"), "older")
    quarantine.enter(house.ports, OPERATOR, "again")
    with pytest.raises(AccessDenied):
        quarantine.leave(house.ports, people.call("root"))


def test_credentials_are_kept_only_once_forgotten_signatures_are_too_old(
    house: House, people: People, clock: StillClock
) -> None:
    key = key_for(house.ports, people.approver)
    quarantine.enter(house.ports, OPERATOR, "restored")
    with pytest.raises(WrongState, match="too young"):
        quarantine.leave(house.ports, OPERATOR, keep_credentials=True)
    clock.advance(minutes=31)
    assert quarantine.leave(house.ports, OPERATOR, keep_credentials=True).credentials == 0
    assert house.store.read(lambda tx: tx.get(AccessKey, key.access_key_id)).active  # type: ignore[union-attr]


def test_leaving_quarantine_takes_back_roles_that_a_restore_brought_back_and_their_sessions(
    house: House, people: People
) -> None:
    ports = house.ports
    template = register_role_work(ports, ROLE_PERMISSIONS)
    made = role_grant(ports, people, template)
    planned = role_grant(ports, people, template, "wf-planned", made=False, name="Weekly")
    assert planned.state is GrantState.PLANNED
    (role,) = house.store.read(lambda tx: tx.find(Role))
    external_id = json.loads(role.trust)["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
    role_sessions.assume(ports, people.call("partner"), NewSession(role.arn, "job", external_id=external_id))
    quarantine.enter(ports, OPERATOR, "restored")
    quarantine.leave(ports, OPERATOR)
    due_role_errands(ports, 10)
    ended = house.store.read(lambda tx: [tx.get(Grant, one.id) for one in (made, planned)])
    assert [one.state for one in ended if one] == [GrantState.REVOKED] * 2
    for kind in (Role, RoleSession):
        assert house.store.read(lambda tx, kind=kind: tx.find(kind)) == []  # type: ignore[misc]


# --- the master key -------------------------------------------------------------------------------------------


def test_a_rotated_master_key_seals_everything_again_and_nothing_stops_working(house: House, people: People) -> None:
    key = key_for(house.ports, people.approver)
    arrived(house.ports, people, State.FINALIZED, "wf-00001")
    ring = house.ports.keyring
    assert isinstance(ring, FileKeyring)
    secret = seal(ring, house.ports.entropy, b"of a client", purpose=PROVIDER, owner=ACCOUNT)
    provider = IdentityProvider(AccountId(ACCOUNT), "https://login.example", "daypass", secret, True, NOON)  # noqa: FBT003  a record
    house.store.write(lambda tx: tx.put(provider))
    assert add_key(house.settings.key_file, SystemEntropy(), newest=True) == "k2"
    assert ring.newest == "k1", "until it looks"
    ring.refresh()
    assert ring.newest == "k2"
    assert reseal(house.ports) >= 2
    assert reseal(house.ports) == 0
    (stored,) = (one for one in house.store.read(lambda tx: tx.find(AccessKey)) if one.id == key.access_key_id)
    assert stored.sealed_secret.startswith(b"v1.k2.")
    kept = house.store.read(lambda tx: tx.get(IdentityProvider, ACCOUNT))
    assert kept is not None
    assert kept.sealed_secret is not None
    assert kept.sealed_secret.startswith(b"v1.k2.")
    assert unseal(ring, kept.sealed_secret, purpose=PROVIDER, owner=ACCOUNT) == b"of a client"
    found = house.store.read(lambda tx: candidate_for(tx, house.ports, key.access_key_id, None))
    assert found.secret == key.secret_access_key
    assert house.store.read(deployment_of).key_check.startswith("k2:")
    assert house.store.read(lambda tx: audit.verify(tx, ring)).faults == ()
    assert delivery.mailbox(house.ports, people.call("partner"), limit=9)


def test_a_key_that_another_process_began_to_use_is_found_in_the_file(house: House, tmp_path: Path) -> None:
    ring = house.ports.keyring
    add_key(house.settings.key_file, SystemEntropy(), newest=True)
    assert len(ring.master("k2")) == 32
    assert ring.newest == "k2"


def test_a_key_can_be_carried_to_every_machine_before_it_is_used(tmp_path: Path, clock: StillClock) -> None:
    house_in(tmp_path, clock).close()
    path = tmp_path / "daypass.key"
    assert add_key(path, SystemEntropy(), newest=False) == "k2"
    assert load_key_file(path).ids == ("k2", "k1")
    assert add_key(path, SystemEntropy(), newest=True) == "k2"
    assert load_key_file(path).ids == ("k1", "k2")


def test_a_key_file_that_lost_a_key_changes_nothing_in_a_running_process(house: House) -> None:
    ring = house.ports.keyring
    assert isinstance(ring, FileKeyring)
    add_key(house.settings.key_file, SystemEntropy(), newest=True)
    lines = house.settings.key_file.read_text().splitlines()
    house.settings.key_file.write_text(lines[-1] + "\n")
    ring.refresh()
    assert ring.ids == ("k1",)
    assert house.store.read(lambda tx: tx.find(Account)) == []
