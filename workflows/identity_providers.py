"""Use-cases: the OpenID provider at which an account's people sign in, and who a provider's subjects are here."""

from typing import Final

from workflows.acts import consult, perform
from workflows.audit import Draft
from workflows.callers import Call
from workflows.credentials.keys import seal
from workflows.errors import BadInput, NoSuchEntity
from workflows.ids import AccountId, parse_account_id
from workflows.onboarding import alter_in, authorize_in, existing_account, find_user
from workflows.ports import Ports, Reading, Writing
from workflows.records.sign_in import IdentityProvider, LinkedIdentity, WebSession
from workflows.step_up import require_person
from workflows.text import parse_text

KIND: Final = "identity-provider"
# The one path, behind the public address, that providers send people back to.
CALLBACK: Final = "/sign-in/provider/back"
_PUT: Final = "daypass:PutIdentityProvider"
_LONGEST_CLIENT_ID: Final = 255
_LONGEST_SECRET: Final = 1024
_LONGEST_SUBJECT: Final = 255


def _arn(ports: Ports, account: AccountId) -> str:
    return f"arn:{ports.terms.partition}:iam::{account}:identity-provider"


def put(
    ports: Ports,
    call: Call,
    *,
    account_id: str,
    issuer: str,
    client_id: str,
    client_secret: str | None,
    passwords: bool,
) -> IdentityProvider:
    """Let an account's people sign in at this provider; with `passwords`, passwords count beside it.

    `issuer` is the provider's address as it spells it itself. Another provider than before ends the sessions of
    those who came from that one. Raises `BadInput` for a provider that cannot be used.
    """
    account = parse_account_id(account_id)
    client = parse_text(client_id, "client_id", shortest=1, longest=_LONGEST_CLIENT_ID, one_line=True)
    if client_secret is not None and not 1 <= len(client_secret) <= _LONGEST_SECRET:
        raise BadInput("client_secret", f"has {len(client_secret)} characters; 1 to {_LONGEST_SECRET} are accepted")
    # The provider is asked outside of any transaction, and for nobody who may not name one.
    consult(ports, call, "PutIdentityProvider", lambda tx, _: authorize_in(tx, ports, call, account, _PUT, KIND))
    ports.identity_providers.check(issuer)

    def work(tx: Writing, draft: Draft) -> IdentityProvider:
        draft.decided_by = alter_in(tx, ports, call, account, _PUT, KIND)
        existing_account(tx, account)
        require_person(tx, ports, call, account)
        before = tx.get(IdentityProvider, account)
        sealed = None
        if client_secret is not None:
            sealed = seal(ports.keyring, ports.entropy, client_secret.encode(), purpose=KIND, owner=account)
        provider = IdentityProvider(account, issuer, client, sealed, passwords, ports.clock.now())
        tx.put(provider)
        if before is not None and before.issuer != issuer:
            _end_sessions(tx, before)
        draft.chain, draft.resource = account, _arn(ports, account)
        return provider

    asked = {"accountId": account_id, "issuer": issuer, "clientId": client_id, "passwords": passwords}
    return perform(ports, call, "PutIdentityProvider", work, asked=asked)


def _end_sessions(tx: Writing, provider: IdentityProvider) -> None:
    for identity in tx.find(LinkedIdentity, account_id=provider.account_id, issuer=provider.issuer):
        for session in tx.find(WebSession, principal_id=identity.principal_id):
            tx.remove(session)


def provider_of(ports: Ports, call: Call, account_id: str) -> IdentityProvider | None:
    """Return an account's identity provider, or None where people sign in with passwords alone."""

    def work(tx: Reading, _draft: Draft) -> IdentityProvider | None:
        account = parse_account_id(account_id)
        authorize_in(tx, ports, call, account, "daypass:GetIdentityProvider", KIND)
        existing_account(tx, account)
        return tx.get(IdentityProvider, account)

    return consult(ports, call, "GetIdentityProvider", work)


def remove(ports: Ports, call: Call, account_id: str) -> None:
    """Go back to passwords; whoever came from the provider is signed out and needs an invitation to come again."""

    def work(tx: Writing, draft: Draft) -> None:
        account = parse_account_id(account_id)
        draft.decided_by = alter_in(tx, ports, call, account, "daypass:DeleteIdentityProvider", KIND)
        provider = tx.get(IdentityProvider, account)
        if provider is None:
            raise NoSuchEntity("identity provider", account)
        _end_sessions(tx, provider)
        tx.remove(provider)
        draft.chain, draft.resource = account, _arn(ports, account)

    perform(ports, call, "DeleteIdentityProvider", work, asked={"accountId": account_id})


def link(ports: Ports, call: Call, *, account_id: str, user_name: str, subject: str) -> LinkedIdentity:
    """Say that a subject of the account's provider is this user; an earlier link of the user is replaced.

    An invitation does the same by itself. Raises `AlreadyExists` when the subject is another user.
    """

    def work(tx: Writing, draft: Draft) -> LinkedIdentity:
        account = parse_account_id(account_id)
        draft.decided_by = alter_in(tx, ports, call, account, "iam:UpdateLoginProfile", f"user/{user_name}")
        provider = tx.get(IdentityProvider, account)
        if provider is None:
            raise NoSuchEntity("identity provider", account)
        require_person(tx, ports, call, account)
        known = parse_text(subject, "subject", shortest=1, longest=_LONGEST_SUBJECT, one_line=True)
        principal = find_user(tx, ports, account, user_name)
        for earlier in tx.find(LinkedIdentity, principal_id=principal.id):
            tx.remove(earlier)
        identity = LinkedIdentity(account, provider.issuer, known, principal.id, ports.clock.now())
        tx.add(identity)
        draft.chain, draft.resource = account, principal.arn
        return identity

    asked = {"accountId": account_id, "userName": user_name, "subject": subject}
    return perform(ports, call, "LinkIdentity", work, asked=asked)
