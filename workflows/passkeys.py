"""Use-cases for a person's own passkeys: enrol, remove, prove oneself anew, and fresh recovery codes.

Whatever changes how somebody signs in needs a fresh proof with a passkey that is enrolled already, so that whoever
only has the password, or finds a browser open, cannot make the door their own.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from workflows.acts import perform
from workflows.audit import Draft
from workflows.callers import Call
from workflows.errors import AlreadyExists, BadInput, LimitExceeded, NoSuchEntity, NotSignedIn, StepUpRefused
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import Principal
from workflows.records.sign_in import Challenge, Passkey, RecoveryCode, Stage, WebSession
from workflows.signing_in import (
    Arrival,
    Opened,
    call_by,
    enrolled_session,
    new_recovery_codes,
    rotate,
    session_of,
    sessions_of,
)
from workflows.step_up import LIFETIME, Purpose, answered, ask, challenge_bytes, take
from workflows.text import parse_text

PASSKEYS_PER_PRINCIPAL: Final = 10
_NAME_LENGTH: Final = 60
# Somebody who came in by a recovery code has lost the passkeys: this is how long a new one can be enrolled.
_RECOVERY_WINDOW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class FirstPasskey:
    """The full session behind a first enrolment, and the recovery codes that are shown this once."""

    opened: Opened
    codes: list[str]


def is_fresh(ports: Ports, session: WebSession) -> bool:
    """Tell whether a session may change how its person signs in."""
    now = ports.clock.now()
    if session.stage is Stage.ENROLLING:
        return True
    if session.method == "recovery" and session.proved_at is None:
        return now - session.created_at < _RECOVERY_WINDOW
    return session.proved_at is not None and now - session.proved_at < LIFETIME


def _require_fresh(ports: Ports, session: WebSession) -> None:
    if not is_fresh(ports, session):
        raise StepUpRefused("this needs your passkey first")


def passkeys_of(tx: Reading, principal_id: str) -> list[Passkey]:
    """Return a principal's passkeys, the oldest first."""
    return sorted(tx.find(Passkey, principal_id=principal_id), key=lambda one: one.created_at)


def begin_enrolment(ports: Ports, secret: str) -> tuple[Challenge, Principal, list[Passkey]]:
    """Return the challenge for a new passkey, whose it will be, and the passkeys there are. Raises `StepUpRefused`."""

    def work(tx: Writing) -> tuple[Challenge, Principal, list[Passkey]]:
        session, principal = session_of(tx, ports, secret)
        _require_fresh(ports, session)
        return ask(tx, ports, session, Purpose.ENROL), principal, passkeys_of(tx, principal.id)

    return ports.store.write(work)


def _enrol(tx: Writing, ports: Ports, session: WebSession, challenge_id: str, response: str, name: str) -> Passkey:
    challenge = take(tx, ports, session.id, challenge_id, frozenset({Purpose.ENROL}))
    enrolled = ports.authenticators.enrolled(response, challenge_bytes(challenge))
    there = passkeys_of(tx, session.principal_id)
    if len(there) >= PASSKEYS_PER_PRINCIPAL:
        raise LimitExceeded(f"a person can have {PASSKEYS_PER_PRINCIPAL} passkeys")
    if tx.get(Passkey, enrolled.id) is not None:
        raise AlreadyExists("passkey", enrolled.id)
    label = parse_text(name.strip() or f"Passkey {len(there) + 1}", "name", longest=_NAME_LENGTH, one_line=True)
    passkey = Passkey(
        id=enrolled.id,
        principal_id=session.principal_id,
        name=label,
        public_key=enrolled.public_key,
        sign_count=enrolled.sign_count,
        created_at=ports.clock.now(),
        last_used_at=None,
    )
    tx.add(passkey)
    return passkey


def enrol(ports: Ports, arrival: Arrival, secret: str, challenge_id: str, response: str, *, name: str) -> FirstPasskey:
    """Enrol a passkey. The session's secret changes; after the first passkey the session is a full one.

    Recovery codes come with the first one (and are empty after any other). Raises `NotSignedIn`, `StepUpRefused`.
    """
    session, principal = ports.store.read(lambda tx: session_of(tx, ports, secret))

    def work(tx: Writing, draft: Draft) -> FirstPasskey:
        current, holder = session_of(tx, ports, secret)
        if current.stage is Stage.PASSWORD:
            raise NotSignedIn
        _require_fresh(ports, current)
        first = not passkeys_of(tx, holder.id)
        passkey = _enrol(tx, ports, current, challenge_id, response, name)
        draft.resource, draft.answered = holder.arn, {"passkey": passkey.id, "name": passkey.name}
        if current.stage is Stage.ENROLLING:
            opened = enrolled_session(tx, ports, arrival, current, holder)
        else:
            opened = rotate(tx, ports, current)
        return FirstPasskey(opened, new_recovery_codes(tx, ports, holder) if first else [])

    return perform(ports, call_by(arrival, principal, session), "EnrolPasskey", work)


def remove(ports: Ports, call: Call, session: WebSession, passkey_id: str) -> None:
    """Remove one of the caller's passkeys, but never the last. Raises `StepUpRefused` without a fresh proof."""

    def work(tx: Writing, draft: Draft) -> None:
        current = tx.get(WebSession, session.id)
        if current is None:
            raise NotSignedIn
        _require_fresh(ports, current)
        there = passkeys_of(tx, call.caller.principal_id)
        found = [one for one in there if one.id == passkey_id]
        if not found:
            raise NoSuchEntity("passkey", passkey_id)
        if len(there) == 1:
            raise BadInput("passkey", "is your only one; enrol another before you remove it")
        tx.remove(found[0])
        draft.resource, draft.answered = call.caller.arn, {"passkey": passkey_id}

    perform(ports, call, "RemovePasskey", work, asked={"passkey": passkey_id})


def prove(ports: Ports, arrival: Arrival, secret: str, challenge_id: str, response: str) -> Opened:
    """Prove oneself to a full session again; its secret changes. Raises `NotSignedIn` or `StepUpRefused`."""
    session, principal = ports.store.read(lambda tx: session_of(tx, ports, secret))

    def work(tx: Writing, draft: Draft) -> Opened:
        current, holder = session_of(tx, ports, secret)
        if current.stage is not Stage.FULL:
            raise NotSignedIn
        challenge = take(tx, ports, current.id, challenge_id, frozenset({Purpose.STEP_UP}))
        answered(tx, ports, challenge, response)
        draft.resource = holder.arn
        return rotate(tx, ports, current, proved_at=ports.clock.now())

    return perform(ports, call_by(arrival, principal, session), "StepUp", work)


def renew_codes(ports: Ports, call: Call, session: WebSession) -> list[str]:
    """Replace the caller's recovery codes; the new ones are shown this once. Raises `StepUpRefused`."""

    def work(tx: Writing, draft: Draft) -> list[str]:
        current = tx.get(WebSession, session.id)
        principal = tx.get(Principal, call.caller.principal_id)
        if current is None or principal is None:
            raise NotSignedIn
        _require_fresh(ports, current)
        draft.resource = principal.arn
        return new_recovery_codes(tx, ports, principal)

    return perform(ports, call, "RenewRecoveryCodes", work)


@dataclass(frozen=True, slots=True)
class OwnAccess:
    """How a person can sign in now: passkeys, recovery codes that are left, and sessions that are open."""

    passkeys: list[Passkey]
    codes_left: int
    sessions: list[WebSession]


def own_access(tx: Reading, ports: Ports, call: Call) -> OwnAccess:
    """Return how the caller can sign in now."""
    own = call.caller.principal_id
    codes = [one for one in tx.find(RecoveryCode, principal_id=own) if one.used_at is None]
    return OwnAccess(passkeys_of(tx, own), len(codes), sessions_of(tx, ports, call))
