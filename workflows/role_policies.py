"""Use-cases of a role's own policies: inline ones, and managed ones attached to it."""

from collections.abc import Sequence
from typing import Final

from workflows.acts import consult
from workflows.arns import managed_policy_arn
from workflows.audit import Draft
from workflows.authority import ready_made_name
from workflows.callers import Call
from workflows.errors import BadInput, LimitExceeded, NoSuchEntity, NotAttachable
from workflows.ids import parse_entity_name
from workflows.policy.document import PolicyKind
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import Attachment, ManagedPolicy
from workflows.records.partner import Boundary
from workflows.records.role import Role
from workflows.role_documents import INLINE_SIZE, significant_size, stored_document
from workflows.roles import admitted_role, change_role
from workflows.templates import canonical_boundary_arn

POLICIES_PER_ROLE: Final = 10
_NAME_LENGTH: Final = 128


def inline_policies(tx: Reading, role: Role) -> Sequence[Attachment]:
    """Return a role's inline policies, by name."""
    return [one for one in tx.find(Attachment, principal_id=role.id) if one.document is not None]


def attached_policies(tx: Reading, role: Role) -> Sequence[Attachment]:
    """Return the managed policies attached to a role, by ARN."""
    return [one for one in tx.find(Attachment, principal_id=role.id) if one.policy_arn is not None]


def _policy_name(name: str) -> str:
    for at in range(0, max(len(name), 1), 64):
        parse_entity_name(name[at : at + 64], "policyName")
    if len(name) > _NAME_LENGTH:
        raise BadInput("policyName", f"is longer than {_NAME_LENGTH} characters")
    return name


def put_inline(ports: Ports, call: Call, role_name: str, policy_name: str, document: str) -> None:
    """Write one of a role's inline policies, new or in place of its namesake. API: PutRolePolicy."""

    def work(tx: Writing, _draft: Draft, role: Role) -> None:
        put_checked_inline(tx, role, policy_name, document)

    asked = {"policyName": policy_name}
    change_role(ports, call, "PutRolePolicy", role_name, work, asked=asked)


def put_checked_inline(tx: Writing, role: Role, policy_name: str, document: str) -> None:
    """Store an inline policy; raises `LimitExceeded` when all of a role's together are too long."""
    stored_document(document, PolicyKind.IDENTITY, most=INLINE_SIZE, what="PolicySize")
    others = [one for one in inline_policies(tx, role) if one.name != policy_name]
    together = significant_size(document) + sum(significant_size(one.document or "") for one in others)
    if together > INLINE_SIZE:
        raise LimitExceeded(f"Maximum policy size of {INLINE_SIZE} bytes exceeded for role {role.name}")
    tx.put(Attachment(role.id, _policy_name(policy_name), None, document))


def _inline(tx: Reading, role: Role, policy_name: str) -> Attachment:
    found = tx.get(Attachment, role.id, policy_name)
    if found is None or found.document is None:
        raise NoSuchEntity("role policy", policy_name)
    return found


def delete_inline(ports: Ports, call: Call, role_name: str, policy_name: str) -> None:
    """Delete one of a role's inline policies. API: DeleteRolePolicy."""

    def work(tx: Writing, _draft: Draft, role: Role) -> None:
        tx.remove(_inline(tx, role, policy_name))

    change_role(ports, call, "DeleteRolePolicy", role_name, work, asked={"policyName": policy_name})


def get_inline(ports: Ports, call: Call, role_name: str, policy_name: str) -> tuple[Role, Attachment]:
    """Return one of a role's inline policies. API: GetRolePolicy."""

    def work(tx: Reading, _draft: Draft) -> tuple[Role, Attachment]:
        role = admitted_role(tx, ports, call, "iam:GetRolePolicy", role_name)
        return role, _inline(tx, role, policy_name)

    return consult(ports, call, "GetRolePolicy", work, asked={"roleName": role_name, "policyName": policy_name})


def list_inline(ports: Ports, call: Call, role_name: str) -> Sequence[str]:
    """Return the names of a role's inline policies. API: ListRolePolicies."""

    def work(tx: Reading, _draft: Draft) -> Sequence[str]:
        role = admitted_role(tx, ports, call, "iam:ListRolePolicies", role_name)
        return [one.name for one in inline_policies(tx, role)]

    return consult(ports, call, "ListRolePolicies", work, asked={"roleName": role_name})


def _attachable(tx: Reading, ports: Ports, call: Call, arn: str) -> str:
    """Return the ARN of a policy that may be attached in the caller's account."""
    if name := ready_made_name(arn):
        return managed_policy_arn(ports.terms.partition, "aws", name)
    if tx.get(Boundary, canonical_boundary_arn(arn)) is not None:
        raise NotAttachable("a partner's permissions boundary bounds roles and is attached to none")
    policy = tx.get(ManagedPolicy, arn)
    if policy is None or policy.account_id != call.caller.account_id:
        raise NoSuchEntity("policy", arn)
    return policy.arn


def attach(ports: Ports, call: Call, role_name: str, policy_arn: str) -> None:
    """Attach a managed policy to a role; one that is attached already stays so. API: AttachRolePolicy."""

    def work(tx: Writing, _draft: Draft, role: Role) -> None:
        arn = _attachable(tx, ports, call, policy_arn)
        others = [one for one in attached_policies(tx, role) if one.policy_arn != arn]
        if len(others) >= POLICIES_PER_ROLE:
            raise LimitExceeded(f"Cannot exceed quota for PoliciesPerRole: {POLICIES_PER_ROLE}")
        # Under its ARN, which no inline policy can be called: names of the two kinds may be the same.
        tx.put(Attachment(role.id, arn, arn, None))

    keys = {"iam:PolicyARN": policy_arn}
    change_role(ports, call, "AttachRolePolicy", role_name, work, keys=keys, asked={"policyArn": policy_arn})


def detach(ports: Ports, call: Call, role_name: str, policy_arn: str) -> None:
    """Detach a managed policy from a role. API: DetachRolePolicy."""

    def work(tx: Writing, _draft: Draft, role: Role) -> None:
        found = tx.get(Attachment, role.id, policy_arn)
        if found is None or found.policy_arn is None:
            raise NoSuchEntity("attached policy", policy_arn)
        tx.remove(found)

    keys = {"iam:PolicyARN": policy_arn}
    change_role(ports, call, "DetachRolePolicy", role_name, work, keys=keys, asked={"policyArn": policy_arn})


def policy_name_of(arn: str) -> str:
    """Return the name at the end of a managed policy's ARN."""
    return arn.rpartition("/")[2]


def policy_path_of(arn: str) -> str:
    """Return the path in a managed policy's ARN; the ready-made ones stand at the top."""
    before, _, _ = arn.partition(":policy/")[2].rpartition("/")
    return f"/{before}/" if before else "/"


def list_attached(ports: Ports, call: Call, role_name: str, path_prefix: str = "/") -> Sequence[str]:
    """Return the ARNs of the managed policies attached to a role. API: ListAttachedRolePolicies."""

    def work(tx: Reading, _draft: Draft) -> Sequence[str]:
        role = admitted_role(tx, ports, call, "iam:ListAttachedRolePolicies", role_name)
        arns = [one.policy_arn for one in attached_policies(tx, role) if one.policy_arn is not None]
        return [arn for arn in arns if policy_path_of(arn).startswith(path_prefix)]

    return consult(ports, call, "ListAttachedRolePolicies", work, asked={"roleName": role_name})
