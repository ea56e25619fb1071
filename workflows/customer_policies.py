"""Use-cases of managed policies over the IAM API: an account's own, with their versions, and those it may read.

An account reads its own policies, the ready-made ones of every account, and the boundaries that partners registered.
Only its own can be changed: a boundary never changes for anybody, since those who approved it saw its text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from workflows import guards
from workflows.acts import consult, perform
from workflows.arns import managed_policy_arn, parse_arn
from workflows.audit import Draft
from workflows.authority import ready_made_name
from workflows.callers import Call
from workflows.errors import AlreadyExists, BadInput, DeleteConflict, LimitExceeded, NoSuchEntity, UnmodifiableEntity
from workflows.guards import Refused, approved_by
from workflows.ids import parse_entity_name
from workflows.managed_policies import READY_MADE
from workflows.permits import Act, permit
from workflows.policy.context import fold
from workflows.policy.document import PolicyKind
from workflows.policy_versions import fresh_policy
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import Attachment, ManagedPolicy, PolicyVersion, Principal
from workflows.records.partner import Boundary
from workflows.records.role import Role
from workflows.role_documents import (
    MANAGED_SIZE,
    Tags,
    merged_tags,
    parse_path,
    parse_tags,
    resource_keys,
    stored_document,
    tag_keys,
)
from workflows.role_policies import policy_name_of, policy_path_of
from workflows.templates import canonical_boundary_arn

KIND: Final = "policy"
VERSIONS_PER_POLICY: Final = 5
POLICIES_PER_ACCOUNT: Final = 1500
_DESCRIPTION_LENGTH: Final = 1000


@dataclass(frozen=True, slots=True)
class Shown:
    """A managed policy as the API shows it, whoever it belongs to; `id` is None where it has none of its own."""

    arn: str
    name: str
    path: str
    id: str
    default_version: int
    attached: int
    bounding: int
    attachable: bool
    description: str | None
    tags: Tags
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """What CreatePolicy is asked to make."""

    name: str
    document: str
    path: str = "/"
    description: str | None = None
    tags: Tags = ()


_MOST_COUNTED: Final = 100_000
_BEGINNING: Final = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def _attached(tx: Reading, call: Call, arn: str) -> int:
    """How many principals of the caller's account a policy is attached to."""
    if policy := tx.get(ManagedPolicy, arn):
        return tx.count(Attachment, limit=_MOST_COUNTED, policy_arn=policy.arn)
    holders = frozenset(one.principal_id for one in tx.find(Attachment, policy_arn=arn))
    roles = tx.count(Role, limit=_MOST_COUNTED, id=holders, account_id=call.caller.account_id)
    return roles + tx.count(Principal, limit=_MOST_COUNTED, id=holders, account_id=call.caller.account_id)


def shown_policy(tx: Reading, call: Call, arn: str) -> Shown:
    """Return a policy that the caller's account may read; raises `NoSuchEntity` for any other."""
    canonical = canonical_boundary_arn(arn)
    account = call.caller.account_id
    bounding = tx.count(Role, limit=_MOST_COUNTED, boundary_arn=canonical, account_id=account)
    name, path = policy_name_of(canonical), policy_path_of(canonical)
    if boundary := tx.get(Boundary, canonical):
        told, made = boundary.description, boundary.created_at
        return Shown(canonical, name, path, _id_of(arn), 1, 0, bounding, False, told, (), made, made)  # noqa: FBT003  in the order of the fields
    attached = _attached(tx, call, canonical)
    if ready_made_name(arn) is not None:
        return Shown(arn, name, path, _id_of(arn), 1, attached, bounding, True, None, (), _BEGINNING, _BEGINNING)  # noqa: FBT003  as above
    policy = tx.get(ManagedPolicy, arn)
    if policy is None or policy.account_id != account:
        raise NoSuchEntity(KIND, arn)
    return Shown(
        arn=policy.arn,
        name=policy.name,
        path=policy.path,
        id=policy.id,
        default_version=policy.default_version,
        attached=attached,
        bounding=bounding,
        attachable=True,
        description=policy.description,
        tags=policy.tags,
        created_at=policy.created_at,
        updated_at=policy.updated_at,
    )


def _id_of(arn: str) -> str:
    """An id for a policy that belongs to no account: the same for everybody, in IAM's alphabet and length."""
    letters = "".join(letter for letter in policy_name_of(arn).upper() if letter.isascii() and letter.isalnum())
    return f"ANPA{letters:A<17}"[:21]


def _policy_keys(tx: Reading, arn: str) -> Mapping[str, str | tuple[str, ...]]:
    policy = tx.get(ManagedPolicy, arn)
    return resource_keys(policy.tags) if policy else {}


def own_policy(tx: Reading, ports: Ports, call: Call, action: str, arn: str) -> ManagedPolicy:
    """Return the account's own policy that the caller may do this to: how every act that changes one begins.

    Raises `UnmodifiableEntity` for a policy that belongs to AWS or to a partner, by whichever name.
    """
    permit(tx, ports, call, Act(action, arn, _policy_keys(tx, arn)))
    if ready_made_name(arn) is not None or parse_arn(arn, "policyArn").account != call.caller.account_id:
        raise UnmodifiableEntity(f"the policy `{arn}` is not this account's own and cannot be changed")
    policy = tx.get(ManagedPolicy, arn)
    if policy is None or policy.account_id != call.caller.account_id:
        raise NoSuchEntity(KIND, arn)
    if request := approved_by(tx, call):
        guards.policy_is_the_partners(Refused(call, action, arn), request, policy)
    return policy


def _note(draft: Draft, call: Call, policy: ManagedPolicy) -> None:
    draft.chain, draft.resource = policy.account_id, policy.arn
    draft.partner_id = call.caller.partner_id


# --- the policies ----------------------------------------------------------------------------------------


def create(ports: Ports, call: Call, new: NewPolicy) -> Shown:
    """Make a managed policy of the caller's account with its first version. API: CreatePolicy."""

    def work(tx: Writing, draft: Draft) -> Shown:
        account = call.caller.account_id
        tags = merged_tags((), parse_tags(new.tags))
        arn = managed_policy_arn(ports.terms.partition, account, new.name, parse_path(new.path))
        draft.decided_by = permit(tx, ports, call, Act("iam:CreatePolicy", arn, tag_keys(tags, "aws:RequestTag")))
        if request := approved_by(tx, call):
            act = Refused(call, "iam:CreatePolicy", arn)
            guards.path_is_the_partners(act, request, new.path)
            guards.tags_were_listed(act, request, [key for key, _ in tags])
        _check_new(tx, call, new)
        policy, version = fresh_policy(
            ports,
            account,
            new.name,
            new.document,
            path=new.path,
            description=new.description,
            tags=tags,
            partner_id=call.caller.partner_id,
        )
        tx.add(policy)
        tx.add(version)
        _note(draft, call, policy)
        return shown_policy(tx, call, policy.arn)

    return perform(ports, call, "CreatePolicy", work, asked={"policyName": new.name, "path": new.path})


def _check_new(tx: Reading, call: Call, new: NewPolicy) -> None:
    for at in range(0, max(len(new.name), 1), 64):
        parse_entity_name(new.name[at : at + 64], "policyName")
    if len(new.description or "") > _DESCRIPTION_LENGTH:
        raise BadInput("description", f"is longer than {_DESCRIPTION_LENGTH} characters")
    stored_document(new.document, PolicyKind.IDENTITY, most=MANAGED_SIZE, what="PolicySize")
    existing = tx.find(ManagedPolicy, account_id=call.caller.account_id)
    # A name is taken whatever its path and letter case: attached policies are shown by name.
    if any(fold(one.name) == fold(new.name) for one in existing):
        raise AlreadyExists(KIND, new.name)
    if len(existing) >= POLICIES_PER_ACCOUNT:
        raise LimitExceeded(f"Cannot exceed quota for PoliciesPerAccount: {POLICIES_PER_ACCOUNT}")


def get(ports: Ports, call: Call, arn: str) -> Shown:
    """Return a policy. API: GetPolicy."""

    def work(tx: Reading, _draft: Draft) -> Shown:
        permit(tx, ports, call, Act("iam:GetPolicy", arn, _policy_keys(tx, arn)))
        return shown_policy(tx, call, arn)

    return consult(ports, call, "GetPolicy", work, asked={"policyArn": arn})


def list_policies(ports: Ports, call: Call, *, scope: str = "All", path_prefix: str = "/") -> Sequence[Shown]:
    """Return the account's own policies (`Local`), the ready-made ones (`AWS`) or both (`All`). API: ListPolicies."""

    def work(tx: Reading, _draft: Draft) -> Sequence[Shown]:
        account, partition = call.caller.account_id, ports.terms.partition
        permit(tx, ports, call, Act("iam:ListPolicies", "*"))
        arns = [managed_policy_arn(partition, "aws", name) for name in sorted(READY_MADE)] if scope != "Local" else []
        if scope != "AWS":
            arns += sorted(one.arn for one in tx.find(ManagedPolicy, account_id=account))
        return [shown_policy(tx, call, arn) for arn in arns if policy_path_of(arn).startswith(path_prefix)]

    return consult(ports, call, "ListPolicies", work)


def delete(ports: Ports, call: Call, arn: str) -> None:
    """Delete a policy that nothing uses and that has its default version alone. API: DeletePolicy."""

    def work(tx: Writing, draft: Draft) -> None:
        policy = own_policy(tx, ports, call, "iam:DeletePolicy", arn)
        if tx.count(Attachment, limit=1, policy_arn=policy.arn):
            raise DeleteConflict("Cannot delete a policy attached to entities.")
        if tx.count(Role, limit=1, boundary_arn=policy.arn):
            raise DeleteConflict("Cannot delete a policy that is the permissions boundary of a role.")
        versions = tx.find(PolicyVersion, policy_arn=policy.arn)
        if len(versions) > 1:
            raise DeleteConflict("This policy has more than one version. Delete the other versions first.")
        for version in versions:
            tx.remove(version)
        tx.remove(policy)
        _note(draft, call, policy)

    perform(ports, call, "DeletePolicy", work, asked={"policyArn": arn})


# --- versions --------------------------------------------------------------------------------------------


def version_name(number: int) -> str:
    """Return a version's number as the API writes it."""
    return f"v{number}"


def _version(tx: Reading, policy: ManagedPolicy, name: str) -> PolicyVersion:
    number = name.partition(".")[0].removeprefix("v")
    found = tx.get(PolicyVersion, policy.arn, int(number)) if number.isdecimal() else None
    if found is None or "." in name:
        raise NoSuchEntity("policy version", f"{policy.arn} {name}")
    return found


def create_version(ports: Ports, call: Call, arn: str, document: str, *, default: bool) -> PolicyVersion:
    """Add a version to a policy, and make it the one that counts if `default`. API: CreatePolicyVersion."""

    def work(tx: Writing, draft: Draft) -> PolicyVersion:
        policy = own_policy(tx, ports, call, "iam:CreatePolicyVersion", arn)
        stored_document(document, PolicyKind.IDENTITY, most=MANAGED_SIZE, what="PolicySize")
        if tx.count(PolicyVersion, limit=VERSIONS_PER_POLICY, policy_arn=arn) >= VERSIONS_PER_POLICY:
            raise LimitExceeded(f"A managed policy can have up to {VERSIONS_PER_POLICY} versions.")
        now = ports.clock.now()
        version = PolicyVersion(policy.arn, policy.next_version, document, now)
        tx.add(version)
        changed = replace(policy, next_version=policy.next_version + 1, updated_at=now)
        if default:
            changed = replace(changed, default_version=version.number, document=document)
            tx.authority_changed()
        tx.put(changed)
        _note(draft, call, policy)
        draft.answered = {"version": version_name(version.number), "default": default}
        return version

    return perform(ports, call, "CreatePolicyVersion", work, asked={"policyArn": arn})


def set_default(ports: Ports, call: Call, arn: str, name: str) -> None:
    """Make a version the one that counts, from the next decision on. API: SetDefaultPolicyVersion."""

    def work(tx: Writing, draft: Draft) -> None:
        policy = own_policy(tx, ports, call, "iam:SetDefaultPolicyVersion", arn)
        version = _version(tx, policy, name)
        changed = replace(policy, default_version=version.number, document=version.document)
        tx.put(replace(changed, updated_at=ports.clock.now()))
        tx.authority_changed()
        _note(draft, call, policy)

    perform(ports, call, "SetDefaultPolicyVersion", work, asked={"policyArn": arn, "version": name})


def delete_version(ports: Ports, call: Call, arn: str, name: str) -> None:
    """Delete a version other than the default. API: DeletePolicyVersion."""

    def work(tx: Writing, draft: Draft) -> None:
        policy = own_policy(tx, ports, call, "iam:DeletePolicyVersion", arn)
        version = _version(tx, policy, name)
        if version.number == policy.default_version:
            raise DeleteConflict("Cannot delete the default version of a policy.")
        tx.remove(version)
        _note(draft, call, policy)

    perform(ports, call, "DeletePolicyVersion", work, asked={"policyArn": arn, "version": name})


def versions_of(tx: Reading, call: Call, arn: str) -> Sequence[tuple[PolicyVersion, bool]]:
    """Return the versions of a policy that the caller's account may read, newest first, each with whether it counts."""
    canonical = canonical_boundary_arn(arn)
    if boundary := tx.get(Boundary, canonical):
        return [(PolicyVersion(canonical, 1, boundary.document, boundary.created_at), True)]
    if name := ready_made_name(arn):
        return [(PolicyVersion(arn, 1, READY_MADE[name], _BEGINNING), True)]
    shown_policy(tx, call, arn)
    policy = tx.get(ManagedPolicy, arn)
    default = policy.default_version if policy else 0
    return [(one, one.number == default) for one in reversed(tx.find(PolicyVersion, policy_arn=arn))]


def list_versions(ports: Ports, call: Call, arn: str) -> Sequence[tuple[PolicyVersion, bool]]:
    """Return a policy's versions, newest first, each with whether it counts. API: ListPolicyVersions."""

    def work(tx: Reading, _draft: Draft) -> Sequence[tuple[PolicyVersion, bool]]:
        permit(tx, ports, call, Act("iam:ListPolicyVersions", arn, _policy_keys(tx, arn)))
        return versions_of(tx, call, arn)

    return consult(ports, call, "ListPolicyVersions", work, asked={"policyArn": arn})


def get_version(ports: Ports, call: Call, arn: str, name: str) -> tuple[PolicyVersion, bool]:
    """Return one version of a policy and whether it counts. API: GetPolicyVersion."""

    def work(tx: Reading, _draft: Draft) -> tuple[PolicyVersion, bool]:
        permit(tx, ports, call, Act("iam:GetPolicyVersion", arn, _policy_keys(tx, arn)))
        for version, default in versions_of(tx, call, arn):
            if version_name(version.number) == name:
                return version, default
        raise NoSuchEntity("policy version", f"{arn} {name}")

    return consult(ports, call, "GetPolicyVersion", work, asked={"policyArn": arn, "version": name})


# --- who uses one ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holders:
    """Who a policy is attached to, or whose boundary it is."""

    users: Sequence[Principal]
    roles: Sequence[Role]


def holders_of(ports: Ports, call: Call, arn: str, *, usage: str | None = None) -> Holders:
    """Return who uses a policy in the caller's account. API: ListEntitiesForPolicy.

    `usage` is `PermissionsPolicy` (attached), `PermissionsBoundary`, or None for both.
    """

    def work(tx: Reading, _draft: Draft) -> Holders:
        permit(tx, ports, call, Act("iam:ListEntitiesForPolicy", arn, _policy_keys(tx, arn)))
        shown_policy(tx, call, arn)
        account = call.caller.account_id
        ids: frozenset[str] = frozenset()
        if usage != "PermissionsBoundary":
            ids = frozenset(one.principal_id for one in tx.find(Attachment, policy_arn=arn))
        roles = {one.id: one for one in tx.find(Role, id=ids, account_id=account)} if ids else {}
        if usage != "PermissionsPolicy":
            canonical = canonical_boundary_arn(arn)
            roles |= {one.id: one for one in tx.find(Role, boundary_arn=canonical, account_id=account)}
        users = tx.find(Principal, id=ids, account_id=account) if ids else ()
        return Holders(users, sorted(roles.values(), key=lambda role: role.name_key))

    return consult(ports, call, "ListEntitiesForPolicy", work, asked={"policyArn": arn})
