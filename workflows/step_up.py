"""Proof that a person decided: challenges that passkeys sign, and the evidence that is kept of it.

A challenge is a hash over a fresh nonce, the session, the person, the act and, for an act on a request, the request's
id and digest. So the signature itself covers what was shown: an answer made for one request proves nothing of another,
nor of an altered one, nor of another act, nor in another session.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from workflows.audit import Draft, sound_bodies
from workflows.callers import Call, CallerKind
from workflows.credentials.keys import same_text
from workflows.digest import digest_of
from workflows.errors import AccessDenied, DigestMismatch, NotSignedIn, StepUpRefused, WrongState
from workflows.ids import AccountId
from workflows.lifecycle import MOVES, Act, state_at
from workflows.narrowing import Narrowing, narrowed, stays_within
from workflows.ports import Ports, Reading, Signed, Writing
from workflows.records.account import Principal
from workflows.records.request import DelegationRequest
from workflows.records.sign_in import AccountRules, Challenge, Evidence, Passkey, WebSession
from workflows.standing import KIND, action_of, arn_of, find_request

LIFETIME: Final = timedelta(minutes=5)
_DOMAIN: Final = b"daypass-step-up-v1"
_NONCE_BYTES: Final = 32
_WEB: Final = "web"


class Purpose(StrEnum):
    """What a passkey is asked to confirm; the last three are acts on a request."""

    SIGN_IN = "SignIn"
    STEP_UP = "StepUp"
    ENROL = "EnrolPasskey"
    ACCEPT = Act.ACCEPT.value
    SEND = Act.SEND.value
    ACCEPT_AND_SEND = "AcceptDelegationRequest+SendDelegationToken"


_PROVES: Final = {
    Act.ACCEPT: frozenset({Purpose.ACCEPT, Purpose.ACCEPT_AND_SEND}),
    Act.SEND: frozenset({Purpose.SEND, Purpose.ACCEPT_AND_SEND}),
}


@dataclass(frozen=True, slots=True)
class Proof:
    """A passkey's answer (the browser's JSON) to one challenge."""

    challenge_id: str
    response: str


def challenge_bytes(asked: Challenge | Evidence) -> bytes:
    """Return the 32 bytes that the passkey signs; fields are length-prefixed, so no two questions give the same."""
    hasher = hashlib.sha256(_DOMAIN)
    texts = (asked.session_id, asked.principal_id, asked.act, asked.request_id or "", asked.digest or "")
    for part in (asked.nonce, *(text.encode() for text in texts)):
        hasher.update(len(part).to_bytes(8, "big") + part)
    return hasher.digest()


def ask(
    tx: Writing,
    ports: Ports,
    session: WebSession,
    purpose: Purpose,
    *,
    request: DelegationRequest | None = None,
) -> Challenge:
    """Write down and return a fresh challenge for this session."""
    challenge = Challenge(
        id="ch-" + ports.entropy.token_bytes(16).hex(),
        session_id=session.id,
        principal_id=session.principal_id,
        act=purpose.value,
        request_id=request.id if request else None,
        digest=request.digest if request else None,
        nonce=ports.entropy.token_bytes(_NONCE_BYTES),
        expires_at=ports.clock.now() + LIFETIME,
    )
    tx.add(challenge)
    return challenge


def take(tx: Writing, ports: Ports, session_id: str, challenge_id: str, purposes: frozenset[Purpose]) -> Challenge:
    """Return the challenge and use it up; raises `StepUpRefused` if it is another's, too old, or used already."""
    challenge = tx.get(Challenge, challenge_id)
    if challenge is None or challenge.session_id != session_id or challenge.act not in purposes:
        raise StepUpRefused("the question was answered already, or it was never asked here")
    if ports.clock.now() >= challenge.expires_at:
        raise StepUpRefused("the answer came too late; ask for a new one")
    tx.remove(challenge)
    return challenge


def answered(tx: Writing, ports: Ports, challenge: Challenge, response: str) -> tuple[Passkey, Signed]:
    """Return the person's passkey that signed the challenge, and what it signed; raises `StepUpRefused`."""
    passkey = tx.get(Passkey, ports.authenticators.credential_id(response))
    if passkey is None or passkey.principal_id != challenge.principal_id:
        raise StepUpRefused("the passkey is not one of yours")
    signed = ports.authenticators.signed(response, challenge_bytes(challenge), passkey.public_key)
    # A counter that steps back hints at a copied key. Synced passkeys keep theirs at zero, so it is noted, not fatal.
    tx.put(replace(passkey, sign_count=signed.sign_count, last_used_at=ports.clock.now()))
    return passkey, signed


def evidence_hash(evidence: Evidence) -> str:
    """Return the hash that the audit trail keeps of a piece of evidence."""
    hasher = hashlib.sha256(b"daypass-evidence-v1")
    parts = (
        evidence.id.encode(),
        challenge_bytes(evidence),
        evidence.passkey_id.encode(),
        evidence.public_key,
        evidence.client_data,
        evidence.authenticator_data,
        evidence.signature,
        evidence.made_at.isoformat().encode(),
    )
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big") + part)
    return hasher.hexdigest()


def is_demanded(tx: Reading, call: Call, request: DelegationRequest) -> bool:
    """Tell whether this act must be confirmed with a passkey: on the pages always, elsewhere if the account says so."""
    rules = tx.get(AccountRules, request.owner_account_id) if request.owner_account_id else None
    return call.wire == _WEB or (rules is not None and rules.step_up)


def confirm(
    tx: Writing,
    ports: Ports,
    call: Call,
    draft: Draft,
    act: Act,
    request: DelegationRequest,
    *,
    proof: Proof | None,
) -> None:
    """Check and keep the proof of an act on a request; raises `StepUpRefused`, or `AccessDenied` where one is missing.

    A proof that covered accepting and releasing together counts for the release as well, for as long as it is fresh.
    """
    if proof is None:
        if is_demanded(tx, call, request) and not _proved_before(tx, ports, call, act, request):
            raise AccessDenied(
                principal=call.caller.arn,
                action=action_of(act),
                resource=arn_of(ports, request),
                because="because the account demands a passkey for this; use the pages",
            )
        return
    challenge = take(tx, ports, call.caller.credential or "", proof.challenge_id, _PROVES[act])
    if challenge.request_id != request.id or challenge.digest != request.digest:
        raise StepUpRefused("it was asked about something else than this request as it is now")
    if challenge.principal_id != call.caller.principal_id:
        raise StepUpRefused("it was asked of somebody else")
    passkey, signed = answered(tx, ports, challenge, proof.response)
    evidence = Evidence(
        id="ev-" + ports.entropy.token_bytes(16).hex(),
        request_id=request.id,
        act=challenge.act,
        principal_id=challenge.principal_id,
        session_id=challenge.session_id,
        digest=request.digest,
        nonce=challenge.nonce,
        passkey_id=passkey.id,
        public_key=passkey.public_key,
        client_data=signed.client_data,
        authenticator_data=signed.authenticator_data,
        signature=signed.signature,
        made_at=ports.clock.now(),
    )
    tx.add(evidence)
    draft.answered |= {"evidence": evidence.id, "evidenceHash": evidence_hash(evidence)}
    if signed.sign_count and signed.sign_count <= passkey.sign_count:
        draft.answered["passkeyCounter"] = "stepped back"


def _proved_before(tx: Reading, ports: Ports, call: Call, act: Act, request: DelegationRequest) -> bool:
    now = ports.clock.now()
    return act is Act.SEND and any(
        one.act == Purpose.ACCEPT_AND_SEND
        and one.principal_id == call.caller.principal_id
        and one.session_id == call.caller.credential
        and now - one.made_at < LIFETIME
        for one in tx.find(Evidence, request_id=request.id)
    )


def require_fresh(ports: Ports, call: Call) -> None:
    """Raise `StepUpRefused` unless whoever calls from the pages proved themselves with a passkey a moment ago.

    It is asked of acts that change who may do what, which a browser that was left open must not do.
    """
    if call.wire == _WEB and not proved_lately(ports, call):
        raise StepUpRefused("this needs your passkey first")


def require_person(tx: Reading, ports: Ports, call: Call, account_id: AccountId) -> None:
    """Raise `StepUpRefused` where the account demands a passkey and the caller, but for the operator, gave none lately.

    It is asked of acts by which a program could open itself a sign-in, and then approve what it may not approve.
    """
    rules = tx.get(AccountRules, account_id)
    demanded = rules is not None and rules.step_up and call.caller.kind is not CallerKind.OPERATOR
    if demanded and not proved_lately(ports, call):
        raise StepUpRefused("this account demands a passkey for it; use the pages")


def proved_lately(ports: Ports, call: Call) -> bool:
    """Tell whether whoever calls proved themselves with a passkey a moment ago."""
    return call.proved_at is not None and ports.clock.now() - call.proved_at < LIFETIME


# --- afterwards ------------------------------------------------------------------------------------------


def _faults_of(tx: Reading, ports: Ports, request: DelegationRequest, evidence: Evidence) -> list[str]:
    signed = Signed(evidence.client_data, evidence.authenticator_data, evidence.signature, 0)
    faults = []
    if evidence.digest != request.digest:
        faults.append(f"{evidence.id} was made for another digest")
    if not ports.authenticators.holds(signed, challenge_bytes(evidence), evidence.public_key):
        faults.append(f"{evidence.id} holds no signature of its passkey over this request")
    if tx.get(Principal, evidence.principal_id) is None:
        faults.append(f"{evidence.id} was made by nobody who is known here")
    return faults


def verify_request(tx: Reading, ports: Ports, request: DelegationRequest) -> tuple[Sequence[Evidence], list[str]]:
    """Return the evidence kept of a request, and everything that does not fit: none means that all of it holds.

    Compared are the frozen bytes with the digest, the digest with what each passkey signed, and the evidence with the
    hash that the audit trail has of it.
    """
    faults: list[str] = []
    if digest_of(request) != request.digest:
        faults.append("the stored request is not the one that was created: its digest differs")
    faults += stays_within(request)
    kept = tx.find(Evidence, request_id=request.id)
    for evidence in kept:
        faults += _faults_of(tx, ports, request, evidence)
    written = _hashes_in_trail(tx, ports, request)
    known = {evidence_hash(evidence): evidence for evidence in kept}
    faults += [f"{one.id} is not what the audit trail says" for hashed, one in known.items() if hashed not in written]
    faults += ["evidence that the audit trail knows of is missing" for hashed in written if hashed not in known]
    accepted = [one for one in kept if one.act in _PROVES[Act.ACCEPT]]
    if accepted and request.approver_principal_id not in {one.principal_id for one in accepted}:
        faults.append("the approver is not the person whose passkey signed")
    return kept, faults


def _hashes_in_trail(tx: Reading, ports: Ports, request: DelegationRequest) -> set[str]:
    if request.owner_account_id is None:
        return set()
    bodies = sound_bodies(tx, ports.keyring, request.owner_account_id, request.id)
    return {str(hashed) for body in bodies if (hashed := body["answered"].get("evidenceHash"))}


# --- beforehand ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody's passkeys are to sign before an act on a request, which is narrowed if less is to be lent."""

    challenge: Challenge
    request: DelegationRequest
    passkeys: Sequence[Passkey]


def question_about(
    ports: Ports,
    call: Call,
    request_id: str,
    purpose: Purpose,
    *,
    digest: str,
    narrowing: Narrowing | None = None,
) -> Question:
    """Return a fresh challenge over the request that was reviewed, or over what a narrowing makes of it.

    Raises `DigestMismatch` when something else was reviewed, `NoSuchEntity` for what the caller must not know of,
    `WrongState` when the act is not open to the request, and what `narrowed` raises.
    """

    def work(tx: Writing) -> Question:
        request = find_request(tx, call, request_id)
        if not same_text(digest, request.digest):
            raise DigestMismatch
        act = Act.SEND if purpose is Purpose.SEND else Act.ACCEPT
        state = state_at(request, ports.clock.now())
        if (state, act) not in MOVES:
            raise WrongState(KIND, state.value, act.value)
        session = tx.get(WebSession, call.caller.credential or "")
        if session is None:
            raise NotSignedIn
        mine = tx.find(Passkey, principal_id=call.caller.principal_id)
        lent = narrowed(request, narrowing) if narrowing else request
        return Question(ask(tx, ports, session, purpose, request=lent), lent, mine)

    return ports.store.write(work)
