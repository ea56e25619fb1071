"""Secrets: what is sealed opens only where it belongs, what is derived is stored nowhere, what is hashed stays so."""

import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staging.clocks import SeededEntropy, StillClock
from staging.houses import ACCOUNT, OPERATOR, People, house_in, key_for, settle_people, token_for
from staging.wires import arrived, exchange_token_of, minted

from service.house import House
from service.keyring import FileKeyring
from workflows import credentialing, onboarding
from workflows.authentication import caller_of_token, candidate_for, note_use
from workflows.credentials import keys, tokens
from workflows.credentials.tokens import TokenMark
from workflows.errors import LimitExceeded, SealBroken, SessionExpired, UnknownCredential
from workflows.ids import AccessKeyId
from workflows.ports import Ports, Writing
from workflows.records.account import AccessKey
from workflows.records.grant import Session
from workflows.records.request import State

RING = FileKeyring({"k1": b"1" * 31 + b"a", "k2": b"2" * 31 + b"b"})
ENTROPY = SeededEntropy()
SECRET = b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SEALED = keys.seal(RING, ENTROPY, SECRET, purpose="access-key", owner="AKIAEXAMPLE")


# --- sealed secrets -----------------------------------------------------------------------------------------


def test_what_was_sealed_opens_in_its_own_row() -> None:
    assert keys.unseal(RING, SEALED, purpose="access-key", owner="AKIAEXAMPLE") == SECRET


@pytest.mark.parametrize(
    ("purpose", "owner"),
    [("access-key", "AKIAOTHER"), ("channel", "AKIAEXAMPLE"), ("access-key", ""), ("access-key/", "AKIAEXAMPLE")],
)
def test_what_was_moved_to_another_row_or_purpose_does_not_open(purpose: str, owner: str) -> None:
    with pytest.raises(SealBroken):
        keys.unseal(RING, SEALED, purpose=purpose, owner=owner)


@pytest.mark.parametrize("at", range(len(SEALED)))
@pytest.mark.parametrize("bit", [0x01, 0x80])
def test_a_flipped_bit_anywhere_is_noticed(at: int, bit: int) -> None:
    altered = bytes([*SEALED[:at], SEALED[at] ^ bit, *SEALED[at + 1 :]])
    with pytest.raises(SealBroken):
        keys.unseal(RING, altered, purpose="access-key", owner="AKIAEXAMPLE")


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_what_was_cut_off_does_not_open(length: int) -> None:
    with pytest.raises(SealBroken):
        keys.unseal(RING, SEALED[:length], purpose="access-key", owner="AKIAEXAMPLE")


@given(st.binary(max_size=120))
def test_what_was_never_sealed_does_not_open(blob: bytes) -> None:
    with pytest.raises(SealBroken):
        keys.unseal(RING, blob, purpose="access-key", owner="AKIAEXAMPLE")


def test_another_ring_does_not_open_it_even_under_the_same_key_id() -> None:
    for ring in (FileKeyring({"k2": b"3" * 31 + b"c"}), FileKeyring({"k9": b"2" * 31 + b"b"})):
        with pytest.raises(SealBroken):
            keys.unseal(ring, SEALED, purpose="access-key", owner="AKIAEXAMPLE")


def test_the_newest_key_seals_and_an_older_one_still_opens_what_it_sealed() -> None:
    old = FileKeyring({"k1": b"1" * 31 + b"a"})
    sealed = keys.seal(old, ENTROPY, SECRET, purpose="channel", owner="a")
    assert sealed.startswith(b"v1.k1.")
    assert SEALED.startswith(b"v1.k2.")
    assert keys.unseal(RING, sealed, purpose="channel", owner="a") == SECRET


def test_sealing_the_same_twice_does_not_show_that_it_is_the_same() -> None:
    again = keys.seal(RING, ENTROPY, SECRET, purpose="access-key", owner="AKIAEXAMPLE")
    assert again != SEALED
    assert SECRET not in SEALED


# --- derived secrets ----------------------------------------------------------------------------------------


def test_derived_keys_differ_by_master_key_purpose_and_context_and_are_otherwise_the_same() -> None:
    contexts = [("k1", "a", "x"), ("k2", "a", "x"), ("k1", "b", "x"), ("k1", "a", "y"), ("k1", "a/v1", "x")]
    derived = [keys.derive(RING, *context) for context in contexts]
    assert len(set(derived)) == len(contexts)
    assert {len(key) for key in derived} == {32}
    assert derived == [keys.derive(RING, *context) for context in contexts]


def test_a_session_secret_looks_like_one_of_awss_and_is_not_the_token() -> None:
    key_id = AccessKeyId("ASIAEXAMPLEEXAMPLE22")
    secret, token = keys.session_secret(RING, "k1", key_id), keys.session_token(RING, "k1", key_id)
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", secret)
    assert keys.access_key_id_of_token(token) == key_id
    assert secret not in token
    assert keys.session_token(RING, "k1", AccessKeyId("ASIAEXAMPLEEXAMPLE33")) != token
    assert keys.session_token(RING, "k2", key_id) != token


@pytest.mark.parametrize("text", ["", "dps1", "dps1.ASIAX", "dps2.ASIAX.proof", "AKIA.x.y", "."])
def test_a_text_that_is_no_session_token_claims_no_key(text: str) -> None:
    assert keys.access_key_id_of_token(text) is None


def test_access_key_ids_have_80_random_bits_in_the_alphabet_of_awss() -> None:
    ids = {keys.new_access_key_id(ENTROPY, session=number % 2 == 0) for number in range(64)}
    assert len(ids) == 64
    assert all(re.fullmatch(r"A[SK]IA[A-Z2-7]{16}", one) for one in ids)


# --- tokens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", TokenMark, ids=str)
def test_a_fresh_token_is_well_formed_under_its_own_mark_alone(mark: TokenMark) -> None:
    token = tokens.new_token(ENTROPY, mark)
    assert tokens.well_formed(token, mark)
    assert [other for other in TokenMark if tokens.well_formed(token, other)] == [mark]


TOKEN = tokens.new_token(SeededEntropy("token"), TokenMark.EXCHANGE)


@pytest.mark.parametrize("at", range(len(TOKEN)))
def test_the_checksum_notices_any_one_changed_letter(at: int) -> None:
    for other in "aA0_-é\n":
        changed = TOKEN[:at] + other + TOKEN[at + 1 :]
        assert tokens.well_formed(changed, TokenMark.EXCHANGE) is (changed == TOKEN)


@pytest.mark.parametrize("text", ["", TOKEN + "\n", " " + TOKEN, TOKEN[:-1], TOKEN + "0", TOKEN.upper()])
def test_a_token_of_another_length_or_case_is_not_well_formed(text: str) -> None:
    assert not tokens.well_formed(text, TokenMark.EXCHANGE)


def test_a_hash_made_for_one_deployment_means_nothing_in_another() -> None:
    assert tokens.hash_of(TOKEN, "dp-1") != tokens.hash_of(TOKEN, "dp-2")
    assert TOKEN[5:30] not in tokens.hash_of(TOKEN, "dp-1")


# --- in a house ---------------------------------------------------------------------------------------------


def accepted(ports: Ports, token: str) -> bool:
    try:
        ports.store.read(lambda tx: caller_of_token(tx, ports, token))
    except UnknownCredential:
        return False
    return True


def test_no_secret_stands_in_the_database_file(tmp_path: Path, clock: StillClock) -> None:
    house = house_in(tmp_path, clock)
    people = settle_people(house.ports, url="https://receiver.example/hook")
    key, token = key_for(house.ports, people.owner), token_for(house.ports, people.owner)
    request = arrived(house.ports, people, State.FINALIZED, "wf-00001")
    exchange = exchange_token_of(house.ports, request.id)
    session = minted(house.ports, people, "wf-00002")
    house.close()
    files = b"".join(path.read_bytes() for path in tmp_path.glob("daypass.db*"))
    assert key.access_key_id.encode() in files  # the search itself works
    for secret in (key.secret_access_key, token, exchange, session.secret_access_key, session.session_token):
        assert secret.encode() not in files
        assert secret.encode().hex().encode() not in files
        assert base64.b64encode(secret.encode()).rstrip(b"=") not in files


def test_a_sealed_key_copied_into_another_principals_row_does_not_open_there(house: House, people: People) -> None:
    ports = house.ports
    mine, theirs = key_for(ports, people.stranger), key_for(ports, people.approver)

    def rob(tx: Writing) -> None:
        own, other = tx.get(AccessKey, mine.access_key_id), tx.get(AccessKey, theirs.access_key_id)
        assert own is not None
        assert other is not None
        tx.put(replace(other, sealed_secret=own.sealed_secret))

    ports.store.write(rob)
    with pytest.raises(SealBroken):
        ports.store.read(lambda tx: candidate_for(tx, ports, theirs.access_key_id, None))


def test_a_token_works_until_its_last_microsecond_and_not_at_its_end(
    house: House, people: People, clock: StillClock
) -> None:
    fresh = credentialing.create_api_token(house.ports, OPERATOR, people.owner.arn, days=1)
    clock.advance(days=1, microseconds=-1)
    assert accepted(house.ports, fresh.token)
    clock.advance(microseconds=1)
    assert not accepted(house.ports, fresh.token)


def test_noting_the_use_of_a_token_never_undoes_its_revocation(house: House, people: People) -> None:
    token = token_for(house.ports, people.owner)
    _, record = house.ports.store.read(lambda tx: caller_of_token(tx, house.ports, token))
    credentialing.revoke_api_token(house.ports, OPERATOR, record.id)
    note_use(house.ports, record)
    assert not accepted(house.ports, token)


def test_a_switched_off_key_a_disabled_user_and_a_wrong_token_are_refused_alike(house: House, people: People) -> None:
    ports = house.ports
    key = key_for(ports, people.owner)

    def refusal(token: str | None = None) -> object:
        found = ports.store.read(lambda tx: candidate_for(tx, ports, key.access_key_id, token))
        assert found.secret == key.secret_access_key
        return type(found.refusal)

    assert refusal() is type(None)
    assert refusal("dps1.x.y") is UnknownCredential
    credentialing.set_key_active(ports, OPERATOR, key.access_key_id, active=False)
    assert refusal() is UnknownCredential
    credentialing.set_key_active(ports, OPERATOR, key.access_key_id, active=True)
    onboarding.set_user_active(ports, OPERATOR, account_id=ACCOUNT, user_name="owner", active=False)
    assert refusal() is UnknownCredential


def test_an_unknown_key_has_a_dummy_secret_so_that_the_same_work_is_done(house: House) -> None:
    for key_id in ("AKIAUNKNOWN", "ASIAUNKNOWN"):
        found = house.ports.store.read(lambda tx, key_id=key_id: candidate_for(tx, house.ports, key_id, None))  # type: ignore[misc]
        assert (found.known, found.caller, bool(found.secret)) == (False, None, True)


def test_a_sessions_secret_alone_is_nothing_without_its_token(house: House, people: People) -> None:
    session = minted(house.ports, people, "wf-00001")
    for token in (None, "", session.session_token[:-1], session.session_token + "x"):
        found = house.ports.store.read(
            lambda tx, token=token: candidate_for(tx, house.ports, session.access_key_id, token),  # type: ignore[misc]
        )
        assert isinstance(found.refusal, UnknownCredential)


def test_a_leaked_master_key_alone_makes_no_session(house: House, people: People, clock: StillClock) -> None:
    invented = AccessKeyId("ASIA" + "A" * 16)
    token = keys.session_token(house.ports.keyring, "k1", invented)
    found = house.ports.store.read(lambda tx: candidate_for(tx, house.ports, invented, token))
    assert found.caller is None
    session = minted(house.ports, people, "wf-00001")
    clock.set(session.expires_at)
    late = house.ports.store.read(
        lambda tx: candidate_for(tx, house.ports, session.access_key_id, session.session_token),
    )
    assert isinstance(late.refusal, SessionExpired)


def test_a_principal_has_two_keys_at_most_and_a_session_row_holds_no_secret(house: House, people: People) -> None:
    for _ in range(2):
        key_for(house.ports, people.owner)
    with pytest.raises(LimitExceeded):
        key_for(house.ports, people.owner)
    session = minted(house.ports, people, "wf-00001")
    row = repr(house.ports.store.read(lambda tx: tx.get(Session, session.access_key_id)))
    assert session.secret_access_key not in row
    assert session.session_token not in row
