"""How people sign in to the pages, and what proves that it was they who decided.

Nothing here is a bearer secret in plain text: invitations, recovery codes and sessions are kept as hashes, passwords
as Argon2id, and a passkey is a public key.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workflows.ids import AccountId, PrincipalId, RequestId


class Stage(StrEnum):
    """How far a sign-in has come: only `FULL` opens pages; the others lead to the next step and nowhere else.

    `PASSWORD` is a sign-in whose first step is done, be it by a password or at the account's identity provider.
    """

    ENROLLING = "enrolling"
    PASSWORD = "password"  # noqa: S105  the name of a stage
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time link by which a principal sets its password and enrols its first passkey."""

    hash: str
    principal_id: PrincipalId
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Password:
    """A principal's password as Argon2id; `failures` counts wrong tries since the last right one."""

    principal_id: PrincipalId
    hash: str
    failures: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Passkey:
    """An enrolled authenticator: its credential id (base64url), its COSE public key and its last counter."""

    id: str
    principal_id: PrincipalId
    name: str
    public_key: bytes
    sign_count: int
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class RecoveryCode:
    """A single-use way in for somebody who has lost every passkey."""

    hash: str
    principal_id: PrincipalId
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class WebSession:
    """A browser that is signed in. `id` may be shown; `hash` is of the cookie's secret, which is rotated.

    `proved_at` is when a passkey last proved the person to this session.
    """

    id: str
    hash: str
    principal_id: PrincipalId
    stage: Stage
    method: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    proved_at: datetime | None
    source_ip: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a passkey was asked to sign, bound to who, where and what for; taken away when it is answered."""

    id: str
    session_id: str
    principal_id: PrincipalId
    act: str
    request_id: RequestId | None
    digest: str | None
    nonce: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passkey's signature over one act on one request, with everything that is needed to check it again."""

    id: str
    request_id: RequestId
    act: str
    principal_id: PrincipalId
    session_id: str
    digest: str
    nonce: bytes
    passkey_id: str
    public_key: bytes
    client_data: bytes
    authenticator_data: bytes
    signature: bytes
    made_at: datetime


@dataclass(frozen=True, slots=True)
class AccountRules:
    """What an account demands of those who decide in its name; without a row it demands nothing beyond policies."""

    account_id: AccountId
    step_up: bool


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """The OpenID provider at which an account's people sign in; `passwords` tells whether ours count beside it.

    `issuer` is an address, spelt as the provider spells it; the client secret is sealed, and absent for a client
    that proves itself by PKCE alone.
    """

    account_id: AccountId
    issuer: str
    client_id: str
    sealed_secret: bytes | None
    passwords: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LinkedIdentity:
    """Who a provider's subject is in an account. Issuer and subject are the identity; no address, no name is."""

    account_id: AccountId
    issuer: str
    subject: str
    principal_id: PrincipalId
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """Somebody who was sent to a provider, in one browser, and has not come back yet; taken away when they do.

    `hash` is of the state that travels with them, `browser` of what their browser keeps; what has to be secret
    beyond that is derived from the master key `key_id`. `invitation` is the hash of the one that began it, if any.
    """

    hash: str
    browser: str
    account_id: AccountId
    issuer: str
    key_id: str
    following: str
    invitation: str | None
    expires_at: datetime
