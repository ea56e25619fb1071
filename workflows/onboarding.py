"""Use-cases that open an account: the account itself, its users and root, their policies, its guardrails.

The operator opens accounts; inside one, everything is authorised against its policies like any other call. Secrets
are returned once, by the call that made them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from workflows.acts import consult, perform
from workflows.arns import house_arn, managed_policy_arn, root_arn, user_arn
from workflows.audit import Draft
from workflows.authority import Question, authorize, operator_only, ready_made_name
from workflows.callers import Call, CallerKind
from workflows.credentials.keys import new_principal_id
from workflows.errors import AlreadyExists, BadInput, LimitExceeded, NoSuchEntity
from workflows.ids import (
    OPERATOR_ACCOUNT,
    AccountId,
    PrincipalId,
    parse_account_id,
    parse_alias,
    parse_entity_name,
)
from workflows.managed_policies import READY_MADE
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy_versions import fresh_policy
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import (
    Account,
    Attachment,
    Guardrail,
    ManagedPolicy,
    Principal,
    PrincipalKind,
)
from workflows.records.partner import Partner
from workflows.step_up import require_fresh

# Quotas of IAM: characters without white space, and attachments per user.
MANAGED_POLICY_SIZE: Final = 6144
INLINE_POLICY_SIZE: Final = 2048
GUARDRAIL_SIZE: Final = 5120
POLICIES_PER_PRINCIPAL: Final = 20
GUARDRAILS_PER_ACCOUNT: Final = 5


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """One policy to attach: a managed one by name or ARN, or an inline one by name and document."""

    name: str
    document: str | None = None


def authorize_in(
    tx: Reading,
    ports: Ports,
    call: Call,
    account_id: AccountId,
    action: str,
    kind_and_name: str,
) -> str:
    """Return what allowed the caller an act in this account; a foreign account looks like an unknown one."""
    if call.caller.kind is not CallerKind.OPERATOR and call.caller.account_id != account_id:
        raise NoSuchEntity("account", account_id)
    resource = f"arn:{ports.terms.partition}:iam::{account_id}:{kind_and_name}"
    return authorize(tx, ports, call, Question(action, resource, {}))


def alter_in(
    tx: Reading,
    ports: Ports,
    call: Call,
    account_id: AccountId,
    action: str,
    kind_and_name: str,
) -> str:
    """Return what allowed the caller to change who may do what in this account; on the pages with a fresh passkey."""
    decided_by = authorize_in(tx, ports, call, account_id, action, kind_and_name)
    require_fresh(ports, call)
    return decided_by


def existing_account(tx: Reading, account_id: AccountId) -> Account:
    """Return the account or raise `NoSuchEntity`."""
    account = tx.get(Account, account_id)
    if account is None:
        raise NoSuchEntity("account", account_id)
    return account


# --- accounts --------------------------------------------------------------------------------------------


def create_account(ports: Ports, call: Call, *, account_id: str, alias: str) -> Account:
    """Open an account with its root principal, who holds no credential yet. Operator only."""

    def work(tx: Writing, draft: Draft) -> Account:
        operator_only(call, "daypass:CreateAccount")
        account = Account(parse_account_id(account_id, "id"), parse_alias(alias), ports.clock.now())
        if tx.get(Partner, account.id) is not None:
            raise AlreadyExists("partner with the id", account.id)
        if tx.find(Account, alias=account.alias):
            raise AlreadyExists("account with the alias", account.alias)
        tx.add(account)
        arn = root_arn(ports.terms.partition, account.id)
        tx.add(
            Principal(
                id=PrincipalId(account.id),
                account_id=account.id,
                kind=PrincipalKind.ROOT,
                name="root",
                arn=arn,
                boundary=None,
                active=True,
                revision=0,
                created_at=account.created_at,
            ),
        )
        draft.chain, draft.resource = account.id, arn
        return account

    return perform(ports, call, "CreateAccount", work, asked={"accountId": account_id, "alias": alias})


def list_accounts(ports: Ports, call: Call) -> Sequence[Account]:
    """Return every account, by id. Operator only."""

    def work(tx: Reading, _draft: Draft) -> Sequence[Account]:
        operator_only(call, "daypass:ListAccounts")
        return tx.find(Account)

    return consult(ports, call, "ListAccounts", work)


# --- users -----------------------------------------------------------------------------------------------


def _checked_boundary(document: str | None) -> str | None:
    if document is not None:
        parse_policy(document, kind=PolicyKind.BOUNDARY, max_chars=MANAGED_POLICY_SIZE)
    return document


def _attachment(tx: Reading, ports: Ports, principal: Principal, choice: PolicyChoice) -> Attachment:
    """Return the attachment a choice stands for; raises `NoSuchEntity` naming what could have been chosen."""
    if choice.document is not None:
        parse_policy(choice.document, kind=PolicyKind.IDENTITY, max_chars=INLINE_POLICY_SIZE)
        return Attachment(principal.id, parse_entity_name(choice.name, "policy"), None, choice.document)
    name = ready_made_name(choice.name) or (choice.name if choice.name in READY_MADE else None)
    if name is not None:
        return Attachment(principal.id, name, managed_policy_arn(ports.terms.partition, "aws", name), None)
    arn = choice.name
    if not arn.startswith("arn:"):
        arn = managed_policy_arn(ports.terms.partition, principal.account_id, choice.name)
    policy = tx.get(ManagedPolicy, arn)
    if policy is None or policy.account_id != principal.account_id:
        raise NoSuchEntity("policy", f"{choice.name} (ready-made are {', '.join(READY_MADE)})")
    return Attachment(principal.id, policy.name, policy.arn, None)


def create_user(
    ports: Ports,
    call: Call,
    *,
    account_id: str,
    name: str,
    policies: Sequence[PolicyChoice],
    boundary: str | None = None,
) -> Principal:
    """Create a user with its policies and, if given, its permissions boundary (a document)."""

    def work(tx: Writing, draft: Draft) -> Principal:
        account = parse_account_id(account_id)
        draft.decided_by = alter_in(tx, ports, call, account, "iam:CreateUser", f"user/{name}")
        existing_account(tx, account)
        if name == "root":
            raise BadInput("name", "is the root principal's; choose another")
        user = Principal(
            id=new_principal_id(ports.entropy),
            account_id=account,
            kind=PrincipalKind.USER,
            name=parse_entity_name(name),
            arn=user_arn(ports.terms.partition, account, name),
            boundary=_checked_boundary(boundary),
            active=True,
            revision=0,
            created_at=ports.clock.now(),
        )
        if tx.find(Principal, arn=user.arn):
            raise AlreadyExists("user", name)
        tx.add(user)
        for choice in policies:
            _attach(tx, ports, call, user, choice)
        draft.chain, draft.resource = account, user.arn
        draft.answered = {"userId": user.id}
        return user

    asked = {"accountId": account_id, "userName": name, "policies": [choice.name for choice in policies]}
    return perform(ports, call, "CreateUser", work, asked=asked)


def find_user(tx: Reading, ports: Ports, account_id: AccountId, name: str) -> Principal:
    """Return a user of the account by name (`root` for its root principal) or raise `NoSuchEntity`."""
    partition = ports.terms.partition
    arn = root_arn(partition, account_id) if name == "root" else user_arn(partition, account_id, name)
    found = tx.find(Principal, arn=arn)
    if not found:
        raise NoSuchEntity("user", name)
    return found[0]


def list_users(ports: Ports, call: Call, account_id: str) -> Sequence[tuple[Principal, Sequence[Attachment]]]:
    """Return the users of an account, its root among them, each with its attachments."""

    def work(tx: Reading, _draft: Draft) -> Sequence[tuple[Principal, Sequence[Attachment]]]:
        account = parse_account_id(account_id)
        authorize_in(tx, ports, call, account, "iam:ListUsers", "user/*")
        existing_account(tx, account)
        people = tx.find(Principal, account_id=account)
        return [(one, tx.find(Attachment, principal_id=one.id)) for one in people]

    return consult(ports, call, "ListUsers", work)


def _attach(tx: Writing, ports: Ports, call: Call, principal: Principal, choice: PolicyChoice) -> None:
    action = "iam:AttachUserPolicy" if choice.document is None else "iam:PutUserPolicy"
    authorize_in(tx, ports, call, principal.account_id, action, f"user/{principal.name}")
    if len(tx.find(Attachment, principal_id=principal.id)) >= POLICIES_PER_PRINCIPAL:
        raise LimitExceeded(f"a user can have {POLICIES_PER_PRINCIPAL} policies")
    tx.put(_attachment(tx, ports, principal, choice))


def attach_policy(ports: Ports, call: Call, *, account_id: str, user_name: str, choice: PolicyChoice) -> Principal:
    """Attach a managed policy to a user, or put an inline one; it counts from the next decision on."""

    def work(tx: Writing, draft: Draft) -> Principal:
        account = parse_account_id(account_id)
        action = "iam:AttachUserPolicy" if choice.document is None else "iam:PutUserPolicy"
        draft.decided_by = alter_in(tx, ports, call, account, action, f"user/{user_name}")
        user = _plain_user(tx, ports, account, user_name)
        _attach(tx, ports, call, user, choice)
        tx.authority_changed()
        draft.chain, draft.resource = account, user.arn
        return user

    asked = {"accountId": account_id, "userName": user_name, "policy": choice.name}
    return perform(ports, call, "AttachUserPolicy", work, asked=asked)


def detach_policy(ports: Ports, call: Call, *, account_id: str, user_name: str, policy_name: str) -> Principal:
    """Take a policy, managed or inline, from a user by its name."""

    def work(tx: Writing, draft: Draft) -> Principal:
        account = parse_account_id(account_id)
        draft.decided_by = alter_in(tx, ports, call, account, "iam:DetachUserPolicy", f"user/{user_name}")
        user = _plain_user(tx, ports, account, user_name)
        attachment = tx.get(Attachment, user.id, policy_name)
        if attachment is None:
            raise NoSuchEntity("attached policy", policy_name)
        tx.remove(attachment)
        tx.authority_changed()
        draft.chain, draft.resource = account, user.arn
        return user

    asked = {"accountId": account_id, "userName": user_name, "policy": policy_name}
    return perform(ports, call, "DetachUserPolicy", work, asked=asked)


def _plain_user(tx: Reading, ports: Ports, account: AccountId, name: str) -> Principal:
    user = find_user(tx, ports, account, name)
    if user.kind is not PrincipalKind.USER:
        raise BadInput("name", "is root, whose rights are the account's; policies are attached to users")
    return user


def set_user_active(ports: Ports, call: Call, *, account_id: str, user_name: str, active: bool) -> Principal:
    """Disable a user, and with it every session lent on its authority, or enable it again."""

    def work(tx: Writing, draft: Draft) -> Principal:
        account = parse_account_id(account_id)
        draft.decided_by = alter_in(tx, ports, call, account, "iam:UpdateUser", f"user/{user_name}")
        user = find_user(tx, ports, account, user_name)
        changed = tx.swap(user, replace(user, active=active))
        tx.authority_changed()
        draft.chain, draft.resource = account, user.arn
        return changed

    asked = {"accountId": account_id, "userName": user_name, "active": active}
    return perform(ports, call, "UpdateUser", work, asked=asked)


# --- policies --------------------------------------------------------------------------------------------


def create_policy(ports: Ports, call: Call, *, account_id: str, name: str, document: str) -> ManagedPolicy:
    """Create a managed policy of the account."""

    def work(tx: Writing, draft: Draft) -> ManagedPolicy:
        account = parse_account_id(account_id)
        draft.decided_by = alter_in(tx, ports, call, account, "iam:CreatePolicy", f"policy/{name}")
        existing_account(tx, account)
        parse_policy(document, kind=PolicyKind.IDENTITY, max_chars=MANAGED_POLICY_SIZE)
        policy, version = fresh_policy(ports, account, parse_entity_name(name), document)
        tx.add(policy)
        tx.add(version)
        draft.chain, draft.resource = account, policy.arn
        return policy

    return perform(ports, call, "CreatePolicy", work, asked={"accountId": account_id, "policyName": name})


def put_guardrail(ports: Ports, call: Call, *, account_id: str, name: str, document: str) -> Guardrail:
    """Set one of the account's guardrails; it limits every principal of the account from the next decision on."""

    def work(tx: Writing, draft: Draft) -> Guardrail:
        account = parse_account_id(account_id)
        draft.decided_by = alter_in(tx, ports, call, account, "daypass:PutGuardrail", f"guardrail/{name}")
        existing_account(tx, account)
        parse_policy(document, kind=PolicyKind.GUARDRAIL, max_chars=GUARDRAIL_SIZE)
        guardrail = Guardrail(account, parse_entity_name(name), document, ports.clock.now())
        if tx.get(Guardrail, account, name) is None and len(_guardrails(tx, account)) >= GUARDRAILS_PER_ACCOUNT:
            raise LimitExceeded(f"an account can have {GUARDRAILS_PER_ACCOUNT} guardrails")
        tx.put(guardrail)
        tx.authority_changed()
        draft.chain = account
        draft.resource = f"arn:{ports.terms.partition}:daypass::{account}:guardrail/{name}"
        return guardrail

    return perform(ports, call, "PutGuardrail", work, asked={"accountId": account_id, "guardrail": name})


def remove_guardrail(ports: Ports, call: Call, *, account_id: str, name: str) -> None:
    """Take one of the account's guardrails away."""

    def work(tx: Writing, draft: Draft) -> None:
        account = parse_account_id(account_id)
        draft.decided_by = alter_in(tx, ports, call, account, "daypass:DeleteGuardrail", f"guardrail/{name}")
        guardrail = tx.get(Guardrail, account, name)
        if guardrail is None:
            raise NoSuchEntity("guardrail", name)
        tx.remove(guardrail)
        tx.authority_changed()
        draft.chain = account

    perform(ports, call, "DeleteGuardrail", work, asked={"accountId": account_id, "guardrail": name})


def _guardrails(tx: Reading, account: AccountId) -> Sequence[Guardrail]:
    return tx.find(Guardrail, account_id=account)


def list_guardrails(ports: Ports, call: Call, account_id: str) -> Sequence[Guardrail]:
    """Return the account's guardrails, by name."""

    def work(tx: Reading, _draft: Draft) -> Sequence[Guardrail]:
        account = parse_account_id(account_id)
        authorize_in(tx, ports, call, account, "daypass:ListGuardrails", "guardrail/*")
        existing_account(tx, account)
        return _guardrails(tx, account)

    return consult(ports, call, "ListGuardrails", work)


# --- the deployment's own principals ---------------------------------------------------------------------


def create_housed_principal(ports: Ports, call: Call, *, kind: PrincipalKind, name: str) -> Principal:
    """Register a resource server or an operator, which act through API tokens. Operator only."""

    def work(tx: Writing, draft: Draft) -> Principal:
        operator_only(call, "daypass:CreatePrincipal")
        if kind not in (PrincipalKind.RESOURCE_SERVER, PrincipalKind.OPERATOR):
            raise BadInput("kind", "is neither a resource server nor an operator")
        arn = house_arn(ports.terms.partition, kind.value, parse_entity_name(name))
        if tx.find(Principal, arn=arn):
            raise AlreadyExists(kind.value, name)
        principal = Principal(
            id=new_principal_id(ports.entropy, prefix="DPHP"),
            account_id=OPERATOR_ACCOUNT,
            kind=kind,
            name=name,
            arn=arn,
            boundary=None,
            active=True,
            revision=0,
            created_at=ports.clock.now(),
        )
        tx.add(principal)
        draft.resource = arn
        return principal

    return perform(ports, call, "CreatePrincipal", work, asked={"kind": kind.value, "name": name})
