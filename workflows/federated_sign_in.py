"""Use-cases of signing in at an account's identity provider: sent there from one browser, back in the same one.

What comes back counts once, in the browser that was sent away, for the provider it was sent to. It is the first step
of a sign-in; the passkey is the second, as after a password. Nobody becomes a user by it: a subject is somebody here
only after an invitation, or because an administrator said so.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from workflows.acts import perform
from workflows.audit import Draft
from workflows.authentication import deployment_of
from workflows.credentials.keys import derive, same_text, unseal
from workflows.credentials.tokens import TokenMark, hash_of, new_token, well_formed
from workflows.errors import ProviderFailed, SignInRefused
from workflows.identity_providers import KIND
from workflows.ports import Journey, Ports, ProviderAnswer, ProviderClient, Reading, Writing
from workflows.records.account import Account, Principal
from workflows.records.sign_in import IdentityProvider, Invitation, LinkedIdentity, Passkey, SignInAttempt, Stage
from workflows.signing_in import PROVIDER, Arrival, Opened, call_by, clear_ways_in, invited, open_session
from workflows.step_up import Purpose, ask

ATTEMPT_LIFETIME: Final = timedelta(minutes=10)
_LONGEST_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a person goes to sign in: the provider's address, and the name it has."""

    address: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Return:
    """A session whose first step is done, and the path to which its person was on the way."""

    opened: Opened
    following: str


def _client(ports: Ports, provider: IdentityProvider) -> ProviderClient:
    sealed = provider.sealed_secret
    secret = None if sealed is None else unseal(ports.keyring, sealed, purpose=KIND, owner=provider.account_id)
    return ProviderClient(provider.issuer, provider.client_id, None if secret is None else secret.decode())


def _journey(ports: Ports, attempt: SignInAttempt, state: str) -> Journey:
    """Return what an attempt is recognised by. Nonce and verifier come from the master key, so none is stored."""

    def derived(purpose: str) -> str:
        secret = derive(ports.keyring, attempt.key_id, purpose, attempt.hash)
        return base64.urlsafe_b64encode(secret).rstrip(b"=").decode("ascii")

    return Journey(state, derived("openid-nonce"), derived("openid-verifier"))


# --- away ------------------------------------------------------------------------------------------------


def provider_named(tx: Reading, account: str) -> IdentityProvider | None:
    """Return the provider of the account with this id or alias, if it has one."""
    found = tx.find(Account, alias=account)
    return tx.get(IdentityProvider, found[0].id if found else account)


def depart(ports: Ports, *, account: str, browser: str, following: str) -> Departure:
    """Begin a sign-in at the provider of an account, given by id or alias; `browser` is what the browser keeps.

    Raises `SignInRefused` when there is no such account or it has no provider, which look the same, and
    `ProviderFailed` when the provider cannot be used.
    """

    def look(tx: Reading) -> IdentityProvider:
        provider = provider_named(tx, account.strip())
        if provider is None:
            raise SignInRefused
        return provider

    return _depart(ports, ports.store.read(look), browser=browser, following=following, invitation=None)


def depart_invited(ports: Ports, token: str, *, browser: str) -> Departure:
    """Begin the first sign-in of an invited person at the provider of their account; raises as `depart` does."""

    def look(tx: Reading) -> tuple[IdentityProvider, Invitation]:
        invitation, principal = invited(tx, ports, token)
        provider = tx.get(IdentityProvider, principal.account_id)
        if provider is None:
            raise SignInRefused
        return provider, invitation

    provider, invitation = ports.store.read(look)
    return _depart(ports, provider, browser=browser, following="", invitation=invitation.hash)


def _depart(
    ports: Ports,
    provider: IdentityProvider,
    *,
    browser: str,
    following: str,
    invitation: str | None,
) -> Departure:
    state = new_token(ports.entropy, TokenMark.STATE)
    deployment = ports.store.read(deployment_of)
    attempt = SignInAttempt(
        hash=hash_of(state, deployment.id),
        browser=hash_of(browser, deployment.id),
        account_id=provider.account_id,
        issuer=provider.issuer,
        key_id=ports.keyring.newest,
        following=following,
        invitation=invitation,
        expires_at=ports.clock.now() + ATTEMPT_LIFETIME,
    )
    address = ports.identity_providers.address(_client(ports, provider), _journey(ports, attempt, state))
    ports.store.write(lambda tx: tx.add(attempt))
    return Departure(address, provider.issuer)


# --- and back --------------------------------------------------------------------------------------------


def come_back(ports: Ports, arrival: Arrival, *, browser: str, answer: Mapping[str, str]) -> Return:
    """Take what a provider sent a browser back with (RFC 6749, section 4.1.2) and open the session for the next step.

    Raises `SignInRefused` for an answer to nothing that this browser was sent away for, or of a subject who is nobody
    here, and `ProviderFailed` for a refusal of the provider or an answer that must not be believed.
    """
    state = answer.get("state", "")
    attempt, provider = ports.store.write(lambda tx: _take(tx, ports, state, browser))
    if "error" in answer or not answer.get("code"):
        raise ProviderFailed(_reason(answer))
    given = ProviderAnswer(answer["code"], answer.get("iss"))
    subject = ports.identity_providers.subject(_client(ports, provider), _journey(ports, attempt, state), given)
    principal = ports.store.read(lambda tx: _holder(tx, ports, attempt, subject))

    def work(tx: Writing, draft: Draft) -> Opened:
        holder = _holder(tx, ports, attempt, subject)
        if holder.id != principal.id or tx.get(IdentityProvider, attempt.account_id) != provider:
            raise SignInRefused
        draft.resource, draft.answered = holder.arn, {"issuer": attempt.issuer, "subject": subject}
        if attempt.invitation is not None:
            _link(tx, ports, attempt, subject, holder)
        if not tx.find(Passkey, principal_id=holder.id):
            return open_session(tx, ports, arrival, holder, Stage.ENROLLING, method=PROVIDER)
        opened = open_session(tx, ports, arrival, holder, Stage.PASSWORD, method=PROVIDER)
        return replace(opened, challenge=ask(tx, ports, opened.session, Purpose.SIGN_IN))

    act = "SignInWithProvider" if attempt.invitation is None else "AcceptInvitation"
    return Return(perform(ports, call_by(arrival, principal), act, work), attempt.following)


def _take(tx: Writing, ports: Ports, state: str, browser: str) -> tuple[SignInAttempt, IdentityProvider]:
    """Use up the attempt that this browser was sent away with; raises `SignInRefused`."""
    if not well_formed(state, TokenMark.STATE):
        raise SignInRefused
    deployment = deployment_of(tx).id
    attempt = tx.get(SignInAttempt, hash_of(state, deployment))
    if attempt is None or not same_text(attempt.browser, hash_of(browser, deployment)):
        raise SignInRefused
    provider = tx.get(IdentityProvider, attempt.account_id)
    if provider is None or provider.issuer != attempt.issuer or ports.clock.now() >= attempt.expires_at:
        raise SignInRefused
    tx.remove(attempt)
    return attempt, provider


def _holder(tx: Reading, ports: Ports, attempt: SignInAttempt, subject: str) -> Principal:
    """Return who the subject is here; raises `SignInRefused` for nobody and for somebody who is disabled."""
    if attempt.invitation is not None:
        invitation = tx.get(Invitation, attempt.invitation)
        live = invitation is not None and invitation.used_at is None and ports.clock.now() < invitation.expires_at
        holder = tx.get(Principal, invitation.principal_id) if live and invitation else None
    else:
        identity = tx.get(LinkedIdentity, attempt.account_id, attempt.issuer, subject)
        holder = tx.get(Principal, identity.principal_id) if identity else None
    if holder is None or not holder.active:
        raise SignInRefused
    return holder


def _link(tx: Writing, ports: Ports, attempt: SignInAttempt, subject: str, holder: Principal) -> None:
    """Use up the invitation and make the subject its holder; what opened the door before opens it no more."""
    invitation = tx.get(Invitation, attempt.invitation)
    if invitation is None:
        raise SignInRefused
    now = ports.clock.now()
    tx.put(replace(invitation, used_at=now))
    clear_ways_in(tx, holder)
    tx.add(LinkedIdentity(attempt.account_id, attempt.issuer, subject, holder.id, now))


def _reason(answer: Mapping[str, str]) -> str:
    """Return why a provider refused, in its own words, as one bounded line of visible text."""
    told = " ".join(part for name in ("error", "error_description") if (part := answer.get(name, "")))
    shown = "".join(letter for letter in told if letter.isprintable())[:_LONGEST_REASON]
    return f"it answered “{shown}”" if shown else "it sent no code"
