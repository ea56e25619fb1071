"""The tables of signing in: invitations, passwords, passkeys, sessions, challenges and what was signed."""

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlmodel import Field, SQLModel

from service.db.columns import blob, key, long, one_of
from workflows.records import sign_in


class InvitationRow(SQLModel, table=True):
    """A one-time link for a first sign-in."""

    __tablename__: ClassVar[str] = "invitations"
    hash: str = key()
    principal_id: str = Field(index=True)
    created_at: datetime
    expires_at: datetime = Field(index=True)
    used_at: datetime | None


class PasswordRow(SQLModel, table=True):
    """A principal's password."""

    __tablename__: ClassVar[str] = "passwords"
    principal_id: str = key()
    hash: str
    failures: int
    changed_at: datetime


class PasskeyRow(SQLModel, table=True):
    """An enrolled authenticator."""

    __tablename__: ClassVar[str] = "passkeys"
    id: str = key()
    principal_id: str = Field(index=True)
    name: str
    public_key: bytes = blob()
    sign_count: int
    created_at: datetime
    last_used_at: datetime | None


class RecoveryCodeRow(SQLModel, table=True):
    """A single-use way in."""

    __tablename__: ClassVar[str] = "recovery_codes"
    hash: str = key()
    principal_id: str = Field(index=True)
    created_at: datetime
    used_at: datetime | None


class WebSessionRow(SQLModel, table=True):
    """A browser that is signed in."""

    __tablename__: ClassVar[str] = "web_sessions"
    __table_args__ = (one_of("stage", sign_in.Stage),)
    id: str = key()
    hash: str = Field(unique=True)
    principal_id: str = Field(index=True)
    stage: str
    method: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime = Field(index=True)
    proved_at: datetime | None
    source_ip: str | None
    user_agent: str | None = long(nullable=True)


class ChallengeRow(SQLModel, table=True):
    """What a passkey was asked to sign."""

    __tablename__: ClassVar[str] = "challenges"
    id: str = key()
    session_id: str
    principal_id: str
    act: str
    request_id: str | None
    digest: str | None
    nonce: bytes = blob()
    expires_at: datetime = Field(index=True)


class EvidenceRow(SQLModel, table=True):
    """A passkey's signature over one act."""

    __tablename__: ClassVar[str] = "evidence"
    id: str = key()
    request_id: str = Field(index=True)
    act: str
    principal_id: str
    session_id: str
    digest: str
    nonce: bytes = blob()
    passkey_id: str
    public_key: bytes = blob()
    client_data: bytes = blob()
    authenticator_data: bytes = blob()
    signature: bytes = blob()
    made_at: datetime


class AccountRulesRow(SQLModel, table=True):
    """What an account demands of those who decide in its name."""

    __tablename__: ClassVar[str] = "account_rules"
    account_id: str = key()
    step_up: bool


class IdentityProviderRow(SQLModel, table=True):
    """Where an account's people sign in."""

    __tablename__: ClassVar[str] = "identity_providers"
    account_id: str = key()
    issuer: str
    client_id: str
    sealed_secret: bytes | None = blob(nullable=True)
    passwords: bool
    created_at: datetime


class LinkedIdentityRow(SQLModel, table=True):
    """Who a provider's subject is here."""

    __tablename__: ClassVar[str] = "linked_identities"
    account_id: str = key()
    issuer: str = key()
    subject: str = key()
    principal_id: str = Field(unique=True)
    created_at: datetime


class SignInAttemptRow(SQLModel, table=True):
    """Somebody who was sent to a provider and has not come back yet."""

    __tablename__: ClassVar[str] = "sign_in_attempts"
    hash: str = key()
    browser: str
    account_id: str
    issuer: str
    key_id: str
    following: str
    invitation: str | None
    expires_at: datetime = Field(index=True)


SIGN_IN_TABLES: Final[dict[type[Any], type[SQLModel]]] = {
    sign_in.Invitation: InvitationRow,
    sign_in.Password: PasswordRow,
    sign_in.Passkey: PasskeyRow,
    sign_in.RecoveryCode: RecoveryCodeRow,
    sign_in.WebSession: WebSessionRow,
    sign_in.Challenge: ChallengeRow,
    sign_in.Evidence: EvidenceRow,
    sign_in.AccountRules: AccountRulesRow,
    sign_in.IdentityProvider: IdentityProviderRow,
    sign_in.LinkedIdentity: LinkedIdentityRow,
    sign_in.SignInAttempt: SignInAttemptRow,
}
