"""What is seen is what is signed: a passkey's answer proves one act on one request by one person, and nothing else."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any

import pytest
from staging.approvers import ARRIVAL, PASSWORD, Approver, sign_up
from staging.authenticators import SoftAuthenticator
from staging.clocks import StillClock
from staging.houses import OPERATOR, People, a_request

from service.house import House
from workflows import account_rules, approval, onboarding, passkeys, release, signing_in, step_up, submission
from workflows.callers import Call
from workflows.digest import digest_of
from workflows.errors import AccessDenied, DigestMismatch, NotSignedIn, SignInRefused, StepUpRefused
from workflows.ports import Ports
from workflows.records.request import DelegationRequest, State
from workflows.records.sign_in import Evidence, Password, Stage
from workflows.step_up import Proof, Purpose, challenge_bytes


@pytest.fixture
def approver(house: House, people: People) -> Approver:
    return sign_up(house.ports, people.approver)


@pytest.fixture
def waiting(house: House, people: People) -> DelegationRequest:
    return claimed(house.ports, people, "wf-00001")


def claimed(ports: Ports, people: People, workflow_id: str) -> DelegationRequest:
    request = submission.create(ports, people.call("partner"), a_request(people, workflow_id))
    return submission.associate(ports, people.call("owner"), request.id)


def accept(approver: Approver, request: DelegationRequest, proof: Proof | None) -> DelegationRequest:
    return approval.accept(approver.ports, approver.call, request.id, digest=request.digest, proof=proof)


def test_an_assertion_over_the_request_approves_it_and_is_kept_as_evidence(
    approver: Approver,
    waiting: DelegationRequest,
) -> None:
    moved = accept(approver, waiting, approver.proof(waiting))
    assert moved.state is State.ACCEPTED
    kept, faults = approver.ports.store.read(lambda tx: step_up.verify_request(tx, approver.ports, moved))
    assert [one.principal_id for one in kept] == [approver.principal.id]
    assert faults == []


def test_an_assertion_for_one_request_is_refused_for_another(
    approver: Approver,
    people: People,
    waiting: DelegationRequest,
) -> None:
    other = claimed(approver.ports, people, "wf-00002")
    proof = approver.proof(waiting)
    with pytest.raises(StepUpRefused):
        accept(approver, other, proof)
    assert accept(approver, waiting, proof).state is State.ACCEPTED, "a refused try does not spoil the right one"


def test_an_assertion_is_refused_when_the_request_was_altered_since(
    approver: Approver,
    waiting: DelegationRequest,
) -> None:
    proof = approver.proof(waiting)
    longer = replace(waiting, session_duration=waiting.session_duration * 2)
    altered = replace(longer, digest=digest_of(longer))
    approver.ports.store.write(lambda tx: tx.put(altered))
    with pytest.raises(DigestMismatch):
        accept(approver, waiting, proof)
    with pytest.raises(StepUpRefused):
        accept(approver, altered, proof)


def test_an_assertion_counts_once_in_its_time_for_its_act_and_its_session(
    approver: Approver,
    people: People,
    clock: StillClock,
    waiting: DelegationRequest,
) -> None:
    with pytest.raises(StepUpRefused):
        accept(approver, waiting, replace(approver.proof(waiting), challenge_id="ch-" + "0" * 32))
    late = approver.proof(waiting)
    clock.advance(minutes=5)
    with pytest.raises(StepUpRefused):
        accept(approver, waiting, late)
    other = sign_up(approver.ports, people.root, b"soft-credential-2")
    with pytest.raises(StepUpRefused):
        accept(other, waiting, approver.proof(waiting))
    proof = approver.proof(waiting)
    moved = accept(approver, waiting, proof)
    with pytest.raises(StepUpRefused):
        release.send(approver.ports, approver.call, moved.id, proof=proof)
    clock.advance(minutes=2)
    with pytest.raises(AccessDenied):
        release.send(approver.ports, approver.call, moved.id)
    sent = release.send(approver.ports, approver.call, moved.id, proof=approver.proof(moved, Purpose.SEND))
    assert sent.state is State.FINALIZED


@pytest.mark.parametrize("lie", ["flags", "origin", "key"])
def test_an_answer_without_the_person_from_another_origin_or_of_another_key_is_refused(
    approver: Approver,
    waiting: DelegationRequest,
    lie: str,
) -> None:
    if lie == "flags":
        approver.device.flags = 0x01
    elif lie == "origin":
        approver.device.origin = "https://daypass.evil.example"
    else:
        approver.device = SoftAuthenticator(approver.ports.terms.base_url)
    with pytest.raises(StepUpRefused):
        accept(approver, waiting, approver.proof(waiting))


def test_a_program_cannot_accept_or_release_where_the_account_demands_a_passkey(
    house: House,
    people: People,
    waiting: DelegationRequest,
) -> None:
    ports, signed = house.ports, people.call("approver")
    account_rules.set_step_up(ports, OPERATOR, account_id=people.approver.account_id, demanded=True)
    with pytest.raises(AccessDenied, match="demands a passkey"):
        approval.accept(ports, signed, waiting.id, digest=waiting.digest)
    account_rules.set_step_up(ports, OPERATOR, account_id=people.approver.account_id, demanded=False)
    approval.accept(ports, signed, waiting.id, digest=waiting.digest)
    account_rules.set_step_up(ports, OPERATOR, account_id=people.approver.account_id, demanded=True)
    with pytest.raises(AccessDenied, match="demands a passkey"):
        release.send(ports, signed, waiting.id)


def test_the_pages_never_accept_without_an_assertion(approver: Approver, waiting: DelegationRequest) -> None:
    with pytest.raises(AccessDenied, match="demands a passkey"):
        accept(approver, waiting, None)


def _bent(value: Any) -> Any:
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    return f"{value}x" if isinstance(value, str) else value


@pytest.mark.parametrize("field", [one.name for one in fields(Evidence) if one.name not in ("id", "request_id")])
def test_verification_notices_one_changed_byte_of_the_evidence(
    approver: Approver,
    clock: StillClock,
    waiting: DelegationRequest,
    field: str,
) -> None:
    moved = accept(approver, waiting, approver.proof(waiting))

    def bend(tx: Any) -> None:
        (kept,) = tx.find(Evidence, request_id=moved.id)
        changed = clock.now().replace(year=2000) if field == "made_at" else _bent(getattr(kept, field))
        tx.put(replace(kept, **{field: changed}))

    approver.ports.store.write(bend)
    _, faults = approver.ports.store.read(lambda tx: step_up.verify_request(tx, approver.ports, moved))
    assert faults


@pytest.mark.parametrize("field", ["permission_policy", "description", "session_duration", "requestor_name"])
def test_verification_notices_a_changed_request_even_with_a_digest_to_match(
    approver: Approver,
    waiting: DelegationRequest,
    field: str,
) -> None:
    moved = accept(approver, waiting, approver.proof(waiting))
    value = getattr(moved, field)
    change: dict[str, Any] = {field: value + 1 if isinstance(value, int) else f"{value} "}
    bent = replace(moved, **change)
    for forged in (bent, replace(bent, digest=digest_of(bent))):
        _, faults = approver.ports.store.read(partial(step_up.verify_request, ports=approver.ports, request=forged))
        assert faults


def test_verification_notices_evidence_that_was_taken_away(approver: Approver, waiting: DelegationRequest) -> None:
    moved = accept(approver, waiting, approver.proof(waiting))
    (kept,) = approver.ports.store.read(lambda tx: tx.find(Evidence, request_id=moved.id))
    approver.ports.store.write(lambda tx: tx.remove(kept))
    _, faults = approver.ports.store.read(lambda tx: step_up.verify_request(tx, approver.ports, moved))
    assert faults == ["evidence that the audit trail knows of is missing"]


# --- signing in ------------------------------------------------------------------------------------------


def test_a_password_opens_only_the_next_step_and_the_passkey_changes_the_session_s_secret(approver: Approver) -> None:
    ports, principal = approver.ports, approver.principal
    opened = signing_in.begin(ports, ARRIVAL, account="first", name=principal.name, password=PASSWORD)
    assert opened.session.stage is not Stage.FULL
    assert opened.challenge is not None
    answer = approver.device.sign(challenge_bytes(opened.challenge))
    full = signing_in.complete(ports, ARRIVAL, opened.secret, opened.challenge.id, answer)
    assert full.secret != opened.secret
    with pytest.raises(NotSignedIn):
        ports.store.read(lambda tx: signing_in.session_of(tx, ports, opened.secret))


def test_wrong_guesses_are_counted_and_end_in_a_lock_that_only_an_invitation_opens(approver: Approver) -> None:
    ports = replace(approver.ports, passwords=_Plain())
    ports.store.write(lambda tx: tx.put(replace(_password(tx, approver), hash=PASSWORD)))

    def guess(password: str) -> None:
        signing_in.begin(ports, ARRIVAL, account="first", name=approver.principal.name, password=password)

    for _ in range(signing_in.MOST_FAILURES):
        with pytest.raises(SignInRefused):
            guess("wrong horse battery")
    with pytest.raises(SignInRefused):
        guess(PASSWORD)
    sign_up(ports, approver.principal, b"soft-credential-3")
    guess(PASSWORD)


class _Plain:
    """Passwords as they are, for a test that makes a hundred guesses."""

    def hash(self, password: str) -> str:
        return password

    def matches(self, password: str, stored: str | None) -> bool:
        return password == stored


def _password(tx: Any, approver: Approver) -> Any:
    return tx.get(Password, approver.principal.id)


def test_a_session_ends_when_it_is_idle_at_its_end_and_with_its_user(
    approver: Approver,
    clock: StillClock,
    house: House,
) -> None:
    ports = house.ports

    def lookup() -> Any:
        return ports.store.read(lambda tx: signing_in.session_of(tx, ports, approver.secret))

    session, _ = lookup()
    clock.advance(minutes=14)
    signing_in.note_seen(ports, lookup()[0])
    clock.advance(minutes=14)
    assert lookup()[0].id == session.id
    clock.advance(minutes=2)
    with pytest.raises(NotSignedIn):
        lookup()


def test_an_invitation_works_once_and_ends_what_was_there_before(approver: Approver, house: House) -> None:
    ports = house.ports
    token = signing_in.invite(ports, OPERATOR, approver.principal.arn).token
    signing_in.accept_invitation(ports, ARRIVAL, token, PASSWORD)
    with pytest.raises(SignInRefused):
        signing_in.accept_invitation(ports, ARRIVAL, token, PASSWORD)
    with pytest.raises(NotSignedIn):
        ports.store.read(lambda tx: signing_in.session_of(tx, ports, approver.secret))


def test_a_passkey_is_added_or_removed_only_after_a_fresh_proof(approver: Approver, clock: StillClock) -> None:
    clock.advance(minutes=6)
    with pytest.raises(StepUpRefused):
        passkeys.begin_enrolment(approver.ports, approver.secret)
    session, _ = approver.ports.store.read(lambda tx: signing_in.session_of(tx, approver.ports, approver.secret))
    with pytest.raises(StepUpRefused):
        passkeys.remove(approver.ports, approver.call, session, "any")
    challenge = signing_in.ask_again(approver.ports, session, Purpose.STEP_UP)
    answer = approver.device.sign(challenge_bytes(challenge))
    proved = passkeys.prove(approver.ports, ARRIVAL, approver.secret, challenge.id, answer)
    passkeys.begin_enrolment(approver.ports, proved.secret)


def test_a_program_cannot_lift_the_demand_that_keeps_it_from_approving(
    house: House, people: People, approver: Approver, clock: StillClock
) -> None:
    ports, account = house.ports, people.approver.account_id
    account_rules.set_step_up(ports, people.call("approver"), account_id=account, demanded=True)
    with pytest.raises(StepUpRefused):
        account_rules.set_step_up(ports, people.call("approver"), account_id=account, demanded=False)
    with pytest.raises(StepUpRefused):
        signing_in.invite(ports, people.call("approver"), people.owner.arn)
    with pytest.raises(StepUpRefused):
        signing_in.invite(ports, people.call("approver"), people.approver.arn)
    assert account_rules.rules_of(ports, OPERATOR, account).step_up
    clock.advance(minutes=6)
    with pytest.raises(StepUpRefused):
        account_rules.set_step_up(ports, approver.call, account_id=account, demanded=False)
    fresh = replace(approver.call, proved_at=clock.now())
    assert not account_rules.set_step_up(ports, fresh, account_id=account, demanded=False).step_up


def test_whatever_changes_who_may_do_what_needs_a_fresh_passkey_on_the_pages(
    house: House, people: People, approver: Approver, clock: StillClock
) -> None:
    ports, account, name = house.ports, people.approver.account_id, "owner"
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}'
    acts: list[Callable[[Call], object]] = [
        lambda call: onboarding.create_user(ports, call, account_id=account, name="new", policies=[]),
        lambda call: onboarding.attach_policy(
            ports, call, account_id=account, user_name=name, choice=onboarding.PolicyChoice("DelegationAuditor")
        ),
        lambda call: onboarding.detach_policy(
            ports, call, account_id=account, user_name=name, policy_name="DelegationAuditor"
        ),
        lambda call: onboarding.create_policy(ports, call, account_id=account, name="Mine", document=document),
        lambda call: onboarding.put_guardrail(ports, call, account_id=account, name="Mine", document=document),
        lambda call: onboarding.remove_guardrail(ports, call, account_id=account, name="Mine"),
        lambda call: account_rules.set_step_up(ports, call, account_id=account, demanded=True),
        lambda call: signing_in.invite(ports, call, people.owner.arn),
        lambda call: onboarding.set_user_active(ports, call, account_id=account, user_name=name, active=False),
    ]
    clock.advance(minutes=6)
    for act in acts:
        with pytest.raises(StepUpRefused):
            act(approver.call)
        act(replace(approver.call, proved_at=clock.now()))
