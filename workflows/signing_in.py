"""Use-cases of signing in to the pages: invitation, password, passkey, recovery code, and the session they open.

A sign-in takes two steps, a password (or the account's identity provider) and a passkey. Each step makes a new session
secret, so that one which somebody planted or saw before is worth nothing afterwards. Why a sign-in fails is never
told, and a wrong guess is counted before it is checked, so that guesses made at once cannot slip past the count.
"""

import base64
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from workflows.acts import perform
from workflows.arns import root_arn, user_arn
from workflows.audit import Draft
from workflows.authentication import caller_of, deployment_of
from workflows.authority import Question, authorize
from workflows.callers import Call, CallerKind
from workflows.credentials.tokens import TokenMark, hash_of, new_token, well_formed
from workflows.errors import BadInput, NoSuchEntity, NotSignedIn, SignInRefused
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import Account, Principal, PrincipalKind
from workflows.records.sign_in import (
    Challenge,
    IdentityProvider,
    Invitation,
    LinkedIdentity,
    Passkey,
    Password,
    RecoveryCode,
    Stage,
    WebSession,
)
from workflows.step_up import Purpose, answered, ask, require_fresh, require_person, take

INVITATION_LIFETIME: Final = timedelta(days=3)
STEP_LIFETIME: Final = timedelta(minutes=15)
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 256
# NIST SP 800-63B: no more than a hundred consecutive failures, whatever the pace.
MOST_FAILURES: Final = 100
RECOVERY_CODES: Final = 10
# By what a session was opened when its first step was the account's identity provider.
PROVIDER: Final = "provider"
_CODE_BYTES: Final = 10
# The time a session was last seen is kept this coarsely, so that reading does not become writing.
_SEEN_RESOLUTION: Final = timedelta(minutes=1)
_PEOPLE: Final = (PrincipalKind.USER, PrincipalKind.ROOT, PrincipalKind.PARTNER)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a browser comes from, before it is known whose it is."""

    id: str
    source_ip: str | None = None
    user_agent: str | None = None
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Invited:
    """A fresh invitation with the token that is shown this once."""

    token: str
    expires_at: datetime
    principal: Principal


@dataclass(frozen=True, slots=True)
class Opened:
    """A session with the secret that its browser is to keep, and the challenge that comes next, if one does."""

    secret: str
    session: WebSession
    challenge: Challenge | None = None


def call_by(arrival: Arrival, principal: Principal, session: WebSession | None = None) -> Call:
    """Return the call that a person makes through the pages."""
    return Call(
        caller=caller_of(principal, session.id if session else "sign-in"),
        id=arrival.id,
        wire="web",
        source_ip=arrival.source_ip,
        user_agent=arrival.user_agent,
        secure=arrival.secure,
        proved_at=session.proved_at if session else None,
    )


# --- invitations -----------------------------------------------------------------------------------------


def invite(ports: Ports, call: Call, principal_arn: str) -> Invited:
    """Make a one-time link for a principal's first (or next) sign-in; an earlier one stops working."""

    def work(tx: Writing, draft: Draft) -> Invited:
        found = tx.find(Principal, arn=principal_arn)
        foreign = call.caller.kind is not CallerKind.OPERATOR and (
            not found or found[0].account_id != call.caller.account_id
        )
        if not found or foreign:
            raise NoSuchEntity("principal", principal_arn)
        draft.decided_by = authorize(tx, ports, call, Question("iam:CreateLoginProfile", principal_arn, {}))
        require_fresh(ports, call)
        require_person(tx, ports, call, found[0].account_id)
        principal = found[0]
        if principal.kind not in _PEOPLE:
            raise BadInput("principal", "does not sign in to pages; give it an API token")
        for earlier in tx.find(Invitation, principal_id=principal.id):
            tx.remove(earlier)
        token = new_token(ports.entropy, TokenMark.INVITATION)
        now = ports.clock.now()
        hashed = hash_of(token, deployment_of(tx).id)
        tx.add(Invitation(hashed, principal.id, now, now + INVITATION_LIFETIME, None))
        draft.chain, draft.resource = principal.account_id, principal.arn
        return Invited(token, now + INVITATION_LIFETIME, principal)

    return perform(ports, call, "InviteUser", work, asked={"principal": principal_arn})


def invited(tx: Reading, ports: Ports, token: str) -> tuple[Invitation, Principal]:
    """Return an invitation that can still be used and whose it is; raises `SignInRefused`."""
    if not well_formed(token, TokenMark.INVITATION):
        raise SignInRefused
    invitation = tx.get(Invitation, hash_of(token, deployment_of(tx).id))
    if invitation is None or invitation.used_at is not None or ports.clock.now() >= invitation.expires_at:
        raise SignInRefused
    principal = tx.get(Principal, invitation.principal_id)
    if principal is None or not principal.active:
        raise SignInRefused
    return invitation, principal


def check_password(password: str, name: str) -> str:
    """Return the password if it may be one; raises `BadInput`."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        problem = f"has {len(password)} characters; {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} are accepted"
        raise BadInput("password", problem)
    if name.casefold() in password.casefold() or len(set(password)) < SHORTEST_PASSWORD // 3:
        raise BadInput("password", "is too easy to guess")
    return password


def accept_invitation(ports: Ports, arrival: Arrival, token: str, password: str) -> Opened:
    """Set the password of an invited principal and open the session in which it enrols its passkey.

    Everything that could sign in as this principal before (password, passkeys, sessions, recovery codes) is gone.
    Raises `SignInRefused` for a link that is unknown, used or too old, and `BadInput` for a poor password.
    """
    _, principal = ports.store.read(lambda tx: invited(tx, ports, token))
    hashed = ports.passwords.hash(check_password(password, principal.name))

    def work(tx: Writing, draft: Draft) -> Opened:
        invitation, holder = invited(tx, ports, token)
        now = ports.clock.now()
        tx.put(replace(invitation, used_at=now))
        if not takes_passwords(tx, holder):
            raise SignInRefused
        clear_ways_in(tx, holder)
        tx.put(Password(holder.id, hashed, failures=0, changed_at=now))
        draft.resource = holder.arn
        return open_session(tx, ports, arrival, holder, Stage.ENROLLING, method="invitation")

    return perform(ports, call_by(arrival, principal), "AcceptInvitation", work)


def clear_ways_in(tx: Writing, principal: Principal) -> None:
    """Take away everything by which somebody could sign in as this principal so far."""
    for kind in (Password, Passkey, RecoveryCode, LinkedIdentity, WebSession):
        for stale in tx.find(kind, principal_id=principal.id):
            tx.remove(stale)


def takes_passwords(tx: Reading, principal: Principal) -> bool:
    """Tell whether a password opens the door to this principal.

    Where an account has an identity provider, it does so only if the account says so. Root's always does, since
    somebody has to get in when the provider fails.
    """
    provider = tx.get(IdentityProvider, principal.account_id)
    return provider is None or provider.passwords or principal.kind is PrincipalKind.ROOT


# --- sessions --------------------------------------------------------------------------------------------


def open_session(
    tx: Writing,
    ports: Ports,
    arrival: Arrival,
    principal: Principal,
    stage: Stage,
    *,
    method: str,
) -> Opened:
    """Open a session at this stage; `method` says by what it was opened."""
    secret = new_token(ports.entropy, TokenMark.WEB)
    now = ports.clock.now()
    session = WebSession(
        id="ws-" + ports.entropy.token_bytes(16).hex(),
        hash=hash_of(secret, deployment_of(tx).id),
        principal_id=principal.id,
        stage=stage,
        method=method,
        created_at=now,
        seen_at=now,
        expires_at=now + (ports.terms.web_longest if stage is Stage.FULL else STEP_LIFETIME),
        proved_at=None,
        source_ip=arrival.source_ip,
        user_agent=arrival.user_agent,
    )
    tx.add(session)
    return Opened(secret, session)


def alive(ports: Ports, session: WebSession) -> bool:
    """Tell whether a session still counts: before its end, and not idle for too long."""
    now = ports.clock.now()
    return now < session.expires_at and now - session.seen_at < ports.terms.web_idle


def session_of(tx: Reading, ports: Ports, secret: str) -> tuple[WebSession, Principal]:
    """Return the session that a cookie's secret opens, and whose it is; raises `NotSignedIn`."""
    if not well_formed(secret, TokenMark.WEB):
        raise NotSignedIn
    found = tx.find(WebSession, hash=hash_of(secret, deployment_of(tx).id))
    if not found or not alive(ports, found[0]):
        raise NotSignedIn
    principal = tx.get(Principal, found[0].principal_id)
    if principal is None or not principal.active:
        raise NotSignedIn
    return found[0], principal


def note_seen(ports: Ports, session: WebSession) -> None:
    """Remember that a session is in use, at most once a minute."""
    now = ports.clock.now()
    if now - session.seen_at >= _SEEN_RESOLUTION:

        def work(tx: Writing) -> None:
            # Only what is stored now may be written back: the session may have been ended since it was read.
            if (current := tx.get(WebSession, session.id)) and alive(ports, current):
                tx.put(replace(current, seen_at=now))

        ports.store.write(work)


def rotate(tx: Writing, ports: Ports, session: WebSession, **changes: object) -> Opened:
    """Give a session a new secret, and these changes; the old secret opens nothing from here on."""
    secret = new_token(ports.entropy, TokenMark.WEB)
    now = ports.clock.now()
    changed = replace(session, hash=hash_of(secret, deployment_of(tx).id), seen_at=now, **changes)  # type: ignore[arg-type]
    tx.put(changed)
    return Opened(secret, changed)


def sign_out(ports: Ports, call: Call, session_id: str) -> None:
    """End one of the caller's own sessions; raises `NoSuchEntity` for anybody else's."""

    def work(tx: Writing, draft: Draft) -> None:
        session = tx.get(WebSession, session_id)
        if session is None or session.principal_id != call.caller.principal_id:
            raise NoSuchEntity("session", session_id)
        tx.remove(session)
        draft.resource = call.caller.arn

    perform(ports, call, "SignOut", work, asked={"session": session_id})


def sessions_of(tx: Reading, ports: Ports, call: Call) -> list[WebSession]:
    """Return the caller's own sessions that still count, the newest first."""
    found = tx.find(WebSession, principal_id=call.caller.principal_id)
    return sorted((one for one in found if alive(ports, one)), key=lambda one: one.created_at, reverse=True)


# --- the two steps ---------------------------------------------------------------------------------------


def _principal_named(tx: Reading, ports: Ports, account: str, name: str) -> Principal | None:
    found = tx.find(Account, alias=account)
    account_id = found[0].id if found else account
    arn_of = root_arn(ports.terms.partition, account_id), user_arn(ports.terms.partition, account_id, name)
    principals = tx.find(Principal, arn=arn_of[0] if name == "root" else arn_of[1])
    return principals[0] if principals and principals[0].active and principals[0].kind in _PEOPLE else None


def begin(ports: Ports, arrival: Arrival, *, account: str, name: str, password: str) -> Opened:
    """Check a password and open the session that asks for the passkey. Raises `SignInRefused`.

    `account` is an account's id or alias or a partner's id; `name` a user's, or `root`. A try is counted as a failure
    before it is looked at.
    """

    def count(tx: Writing) -> tuple[Principal | None, str | None]:
        principal = _principal_named(tx, ports, account.strip(), name.strip())
        stored = tx.get(Password, principal.id) if principal else None
        if (
            principal is None
            or stored is None
            or stored.failures >= MOST_FAILURES
            or not takes_passwords(tx, principal)
        ):
            return principal, None
        tx.put(replace(stored, failures=stored.failures + 1))
        return principal, stored.hash

    principal, hashed = ports.store.write(count)
    right = ports.passwords.matches(password[: LONGEST_PASSWORD + 1], hashed)
    if principal is None:
        raise SignInRefused

    def work(tx: Writing, draft: Draft) -> Opened:
        stored = tx.get(Password, principal.id)
        if not right or stored is None or stored.hash != hashed:
            raise SignInRefused
        tx.put(replace(stored, failures=0))
        opened = open_session(tx, ports, arrival, principal, Stage.PASSWORD, method="password")
        draft.resource = principal.arn
        return replace(opened, challenge=ask(tx, ports, opened.session, Purpose.SIGN_IN))

    return perform(ports, call_by(arrival, principal), "SignInWithPassword", work)


def ask_again(ports: Ports, session: WebSession, purpose: Purpose) -> Challenge:
    """Return a fresh challenge for a step that has to be repeated."""
    return ports.store.write(lambda tx: ask(tx, ports, session, purpose))


def complete(ports: Ports, arrival: Arrival, secret: str, challenge_id: str, response: str) -> Opened:
    """Check the passkey of the second step and open the full session. Raises `NotSignedIn` or `StepUpRefused`."""
    session, principal = ports.store.read(lambda tx: session_of(tx, ports, secret))

    def work(tx: Writing, draft: Draft) -> Opened:
        current, holder = session_of(tx, ports, secret)
        if current.stage is not Stage.PASSWORD:
            raise NotSignedIn
        challenge = take(tx, ports, current.id, challenge_id, frozenset({Purpose.SIGN_IN}))
        answered(tx, ports, challenge, response)
        draft.resource = holder.arn
        return _finish(tx, ports, arrival, current, holder, method="passkey")

    return perform(ports, call_by(arrival, principal, session), "SignIn", work)


def _finish(
    tx: Writing,
    ports: Ports,
    arrival: Arrival,
    session: WebSession,
    principal: Principal,
    *,
    method: str,
) -> Opened:
    """Put a full session in the place of one that was a step."""
    tx.remove(session)
    opened = open_session(tx, ports, arrival, principal, Stage.FULL, method=method)
    proved_at = opened.session.created_at if method in ("passkey", "invitation") else None
    proved = replace(opened.session, proved_at=proved_at)
    tx.put(proved)
    return Opened(opened.secret, proved)


def recover(ports: Ports, arrival: Arrival, secret: str, code: str) -> Opened:
    """Use up a recovery code instead of the passkey and open the full session, which cannot approve anything.

    Raises `NotSignedIn`, or `SignInRefused` for a code that is unknown or used; a wrong one counts as a failure.
    """
    session, principal = ports.store.read(lambda tx: session_of(tx, ports, secret))

    def count(tx: Writing) -> bool:
        stored = tx.get(Password, principal.id)
        if stored is None:
            # Whoever came from a provider has no password whose failures could be counted, and needs none.
            return session.method == PROVIDER
        if stored.failures >= MOST_FAILURES:
            return False
        tx.put(replace(stored, failures=stored.failures + 1))
        return True

    counted = ports.store.write(count)

    def work(tx: Writing, draft: Draft) -> Opened:
        current, holder = session_of(tx, ports, secret)
        found = tx.get(RecoveryCode, _hash_of_code(tx, code))
        mine = found is not None and found.principal_id == holder.id and found.used_at is None
        stored = tx.get(Password, holder.id)
        if not counted or not mine or found is None or current.stage is not Stage.PASSWORD:
            raise SignInRefused
        tx.put(replace(found, used_at=ports.clock.now()))
        if stored is not None:
            tx.put(replace(stored, failures=0))
        left = [one for one in tx.find(RecoveryCode, principal_id=holder.id) if one.used_at is None]
        draft.resource, draft.answered = holder.arn, {"codesLeft": len(left)}
        return _finish(tx, ports, arrival, current, holder, method="recovery")

    return perform(ports, call_by(arrival, principal, session), "SignInWithRecoveryCode", work)


def _hash_of_code(tx: Reading, code: str) -> str:
    plain = "".join(letter for letter in code.upper() if letter.isalnum())[:64]
    return hash_of(f"recovery/{plain}", deployment_of(tx).id)


def new_recovery_codes(tx: Writing, ports: Ports, principal: Principal) -> list[str]:
    """Replace a principal's recovery codes and return the new ones, which are shown this once."""
    for stale in tx.find(RecoveryCode, principal_id=principal.id):
        tx.remove(stale)
    codes = []
    for _ in range(RECOVERY_CODES):
        text = base64.b32encode(ports.entropy.token_bytes(_CODE_BYTES)).decode("ascii")
        codes.append("-".join(text[at : at + 4] for at in range(0, len(text), 4)))
        tx.add(RecoveryCode(_hash_of_code(tx, codes[-1]), principal.id, ports.clock.now(), None))
    return codes


def enrolled_session(tx: Writing, ports: Ports, arrival: Arrival, session: WebSession, principal: Principal) -> Opened:
    """Turn a session that enrolled the first passkey into a full one."""
    return _finish(tx, ports, arrival, session, principal, method="invitation")
