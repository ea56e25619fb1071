"""Use-cases of users and their access keys over the IAM API. Delegated sessions make neither, whatever is lent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workflows import credentialing
from workflows.acts import consult, perform
from workflows.arns import user_arn
from workflows.audit import Draft
from workflows.callers import OWNERS, Call
from workflows.credentialing import NewKey
from workflows.errors import BadInput, NoSuchEntity
from workflows.permits import Act, permit
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import AccessKey, Principal, PrincipalKind
from workflows.usage import used_by

_PEOPLE: Final = (PrincipalKind.USER, PrincipalKind.ROOT)


def _named(tx: Reading, ports: Ports, call: Call, name: str | None) -> Principal | None:
    """Return the user of this name in the caller's account, or without a name the caller itself."""
    if name is None:
        return tx.get(Principal, call.caller.principal_id)
    found = tx.find(Principal, arn=user_arn(ports.terms.partition, call.caller.account_id, name))
    return found[0] if found else None


def admitted_user(tx: Reading, ports: Ports, call: Call, action: str, name: str | None) -> Principal:
    """Return the user that the caller may do this to; raises `AccessDenied` before `NoSuchEntity`.

    Without a name it is the caller, which then has to be a user or root: raises `BadInput` for a session of a role.
    """
    if name is None and call.caller.kind not in OWNERS:
        raise BadInput("userName", "must be given when a call is not signed by a user")
    user = _named(tx, ports, call, name)
    resource = user.arn if user else user_arn(ports.terms.partition, call.caller.account_id, name or "")
    permit(tx, ports, call, Act(action, resource))
    if user is None or user.kind not in _PEOPLE:
        raise NoSuchEntity("user", name or call.caller.name)
    return user


def get_user(ports: Ports, call: Call, name: str | None) -> Principal:
    """Return a user. API: GetUser."""

    def work(tx: Reading, _draft: Draft) -> Principal:
        return admitted_user(tx, ports, call, "iam:GetUser", name)

    return consult(ports, call, "GetUser", work, asked={"userName": name})


def list_users(ports: Ports, call: Call) -> Sequence[Principal]:
    """Return the account's users, by name; its root is none. API: ListUsers."""

    def work(tx: Reading, _draft: Draft) -> Sequence[Principal]:
        account = call.caller.account_id
        permit(tx, ports, call, Act("iam:ListUsers", f"arn:{ports.terms.partition}:iam::{account}:user/*"))
        users = tx.find(Principal, account_id=account, kind=PrincipalKind.USER)
        return sorted(users, key=lambda user: user.name)

    return consult(ports, call, "ListUsers", work)


# --- access keys -----------------------------------------------------------------------------------------


def create_key(ports: Ports, call: Call, name: str | None) -> tuple[Principal, NewKey]:
    """Give a user an access key, whose secret is told this once. API: CreateAccessKey."""

    def find(tx: Reading, _draft: Draft) -> Principal:
        return admitted_user(tx, ports, call, "iam:CreateAccessKey", name)

    user = consult(ports, call, "CreateAccessKey", find, asked={"userName": name})
    return user, credentialing.create_access_key(ports, call, user.arn)


def list_keys(ports: Ports, call: Call, name: str | None) -> tuple[Principal, Sequence[AccessKey]]:
    """Return a user's access keys. API: ListAccessKeys."""

    def work(tx: Reading, _draft: Draft) -> tuple[Principal, Sequence[AccessKey]]:
        user = admitted_user(tx, ports, call, "iam:ListAccessKeys", name)
        return user, tx.find(AccessKey, principal_id=user.id)

    return consult(ports, call, "ListAccessKeys", work, asked={"userName": name})


def _key_of(tx: Reading, user: Principal, access_key_id: str) -> AccessKey:
    key = tx.get(AccessKey, access_key_id)
    if key is None or key.principal_id != user.id:
        raise NoSuchEntity("access key", access_key_id)
    return key


def set_key_active(ports: Ports, call: Call, name: str | None, access_key_id: str, *, active: bool) -> None:
    """Switch a user's access key off or on; it counts from the next call on. API: UpdateAccessKey."""

    def find(tx: Reading, _draft: Draft) -> AccessKey:
        user = admitted_user(tx, ports, call, "iam:UpdateAccessKey", name)
        return _key_of(tx, user, access_key_id)

    consult(ports, call, "UpdateAccessKey", find, asked={"accessKeyId": access_key_id})
    credentialing.set_key_active(ports, call, access_key_id, active=active)


def delete_key(ports: Ports, call: Call, name: str | None, access_key_id: str) -> None:
    """Delete a user's access key for good. API: DeleteAccessKey."""

    def work(tx: Writing, draft: Draft) -> None:
        user = admitted_user(tx, ports, call, "iam:DeleteAccessKey", name)
        tx.remove(_key_of(tx, user, access_key_id))
        tx.authority_changed()
        draft.chain, draft.resource = user.account_id, user.arn

    perform(ports, call, "DeleteAccessKey", work, asked={"accessKeyId": access_key_id})


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Whose key it is, and the service that was called with it last, if any was."""

    user: Principal
    service: str | None
    last_at: datetime | None


def key_use(ports: Ports, call: Call, access_key_id: str) -> KeyUse:
    """Return when an access key was last used, for what. API: GetAccessKeyLastUsed."""

    def work(tx: Reading, _draft: Draft) -> KeyUse:
        key = tx.get(AccessKey, access_key_id)
        user = tx.get(Principal, key.principal_id) if key else None
        resource = user.arn if user and user.account_id == call.caller.account_id else "*"
        permit(tx, ports, call, Act("iam:GetAccessKeyLastUsed", resource))
        if user is None or user.account_id != call.caller.account_id:
            raise NoSuchEntity("access key", access_key_id)
        uses = sorted(used_by(tx, access_key_id).values(), key=lambda use: use.last_at)
        last = uses[-1] if uses else None
        return KeyUse(user, last.action.partition(":")[0] if last else None, last.last_at if last else None)

    return consult(ports, call, "GetAccessKeyLastUsed", work, asked={"accessKeyId": access_key_id})
