"""What is shown of accounts, their people, policies and credentials."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from workflows.credentialing import NewKey, NewToken
from workflows.identity_providers import CALLBACK
from workflows.managed_policies import READY_MADE
from workflows.records.account import Account, Guardrail, ManagedPolicy, Principal
from workflows.records.sign_in import IdentityProvider, LinkedIdentity


class AccountView(msgspec.Struct, omit_defaults=True):
    """An owner's account; fresh credentials of its root are shown this once."""

    id: str
    alias: str
    arn: str
    created_at: datetime
    access_key_id: str | None = None
    secret_access_key: str | None = None


class AccountRulesView(msgspec.Struct):
    """What an account demands of those who decide in its name."""

    account_id: str
    step_up: bool


class KeyView(msgspec.Struct):
    """A fresh access key; the secret is shown this once."""

    access_key_id: str
    secret_access_key: str


class TokenView(msgspec.Struct):
    """A fresh API token; the token is shown this once."""

    id: str
    api_token: str
    scopes: tuple[str, ...]
    expires_at: datetime


class UserView(msgspec.Struct, omit_defaults=True):
    """A user or the root of an account; fresh credentials are shown this once."""

    id: str
    account_id: str
    kind: str
    name: str
    arn: str
    active: bool
    created_at: datetime
    policies: tuple[str, ...] = ()
    access_key_id: str | None = None
    secret_access_key: str | None = None
    api_token: str | None = None


class PolicyView(msgspec.Struct):
    """A managed policy."""

    arn: str
    name: str
    account_id: str
    document: Any
    created_at: datetime | None


class GuardrailView(msgspec.Struct):
    """One of an account's guardrails."""

    account_id: str
    name: str
    document: Any
    created_at: datetime


class IdentityProviderView(msgspec.Struct):
    """Where an account's people sign in; `redirect_uri` is what the provider has to know of this service."""

    account_id: str
    issuer: str
    client_id: str
    has_secret: bool
    passwords: bool
    redirect_uri: str
    created_at: datetime


class LinkedIdentityView(msgspec.Struct):
    """Who a provider's subject is in an account."""

    account_id: str
    user: str
    issuer: str
    subject: str
    created_at: datetime


def account(record: Account, partition: str) -> AccountView:
    """Show an account."""
    return AccountView(record.id, record.alias, f"arn:{partition}:iam::{record.id}:root", record.created_at)


def key(fresh: NewKey) -> KeyView:
    """Show a fresh access key."""
    return KeyView(fresh.access_key_id, fresh.secret_access_key)


def token(fresh: NewToken) -> TokenView:
    """Show a fresh API token."""
    return TokenView(fresh.record.id, fresh.token, fresh.record.scopes, fresh.record.expires_at)


def user(
    record: Principal,
    policies: Sequence[str],
    *,
    fresh_key: NewKey | None = None,
    fresh_token: NewToken | None = None,
) -> UserView:
    """Show a principal of an account, with fresh credentials if it was just given some."""
    return UserView(
        id=record.id,
        account_id=record.account_id,
        kind=record.kind.value,
        name=record.name,
        arn=record.arn,
        active=record.active,
        created_at=record.created_at,
        policies=tuple(policies),
        access_key_id=fresh_key.access_key_id if fresh_key else None,
        secret_access_key=fresh_key.secret_access_key if fresh_key else None,
        api_token=fresh_token.token if fresh_token else None,
    )


def policy(record: ManagedPolicy) -> PolicyView:
    """Show an account's managed policy."""
    return PolicyView(record.arn, record.name, record.account_id, json.loads(record.document), record.created_at)


def ready_made_policies(partition: str) -> list[PolicyView]:
    """Show the managed policies that every account has."""
    return [
        PolicyView(f"arn:{partition}:iam::aws:policy/{name}", name, "aws", json.loads(document), None)
        for name, document in READY_MADE.items()
    ]


def guardrail(record: Guardrail) -> GuardrailView:
    """Show a guardrail."""
    return GuardrailView(record.account_id, record.name, json.loads(record.document), record.created_at)


def identity_provider(record: IdentityProvider, base_url: str) -> IdentityProviderView:
    """Show an account's identity provider, without its secret."""
    return IdentityProviderView(
        account_id=record.account_id,
        issuer=record.issuer,
        client_id=record.client_id,
        has_secret=record.sealed_secret is not None,
        passwords=record.passwords,
        redirect_uri=base_url + CALLBACK,
        created_at=record.created_at,
    )


def linked_identity(record: LinkedIdentity, user_name: str) -> LinkedIdentityView:
    """Show who a subject is."""
    return LinkedIdentityView(record.account_id, user_name, record.issuer, record.subject, record.created_at)
