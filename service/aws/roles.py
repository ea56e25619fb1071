"""The operations of the IAM wire on roles and their policies: plain dicts in and out, one use-case each."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from service.aws.listing import boundary, encoded, page_of, read_tags, tag_list
from workflows import role_policies, roles
from workflows.callers import Call
from workflows.ports import Ports
from workflows.records.role import Role
from workflows.role_policies import policy_name_of
from workflows.roles import NewRole
from workflows.usage import last_used

Input = Mapping[str, Any]
Output = Mapping[str, object]


def shown(role: Role, used_at: datetime | None = None, *, whole: bool = True) -> dict[str, object]:
    """Return a role as the API shows it; lists leave out what is not `whole`: its boundary, tags and last use."""
    told: dict[str, object] = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": role.created_at,
        "AssumeRolePolicyDocument": encoded(role.trust),
        "Description": role.description,
        "MaxSessionDuration": role.max_session_duration,
    }
    if whole:
        told |= {"PermissionsBoundary": boundary(role.boundary_arn), "Tags": tag_list(role.tags) or None}
    if whole and used_at is not None:
        told["RoleLastUsed"] = {"LastUsedDate": used_at, "Region": "us-east-1"}
    return told


def create(ports: Ports, call: Call, given: Input) -> Output:
    """CreateRole."""
    role = roles.create_role(
        ports,
        call,
        NewRole(
            name=given["RoleName"],
            trust=given["AssumeRolePolicyDocument"],
            path=given.get("Path", "/"),
            description=given.get("Description"),
            max_session_duration=given.get("MaxSessionDuration", roles.DEFAULT_SESSION),
            boundary_arn=given.get("PermissionsBoundary"),
            tags=read_tags(given.get("Tags")),
        ),
    )
    return {"Role": shown(role)}


def get(ports: Ports, call: Call, given: Input) -> Output:
    """GetRole."""
    role = roles.get_role(ports, call, given["RoleName"])
    return {"Role": shown(role, ports.store.read(lambda tx: last_used(tx, role.id)))}


def list_roles(ports: Ports, call: Call, given: Input) -> Output:
    """ListRoles."""
    found = roles.list_roles(ports, call, given.get("PathPrefix", "/"))
    page, more = page_of(ports, call, "ListRoles", given, found, lambda role: role.name_key)
    return {"Roles": [shown(role, whole=False) for role in page], **more}


def update(ports: Ports, call: Call, given: Input) -> Output:
    """UpdateRole."""
    longest = given.get("MaxSessionDuration")
    roles.update_role(
        ports, call, given["RoleName"], description=given.get("Description"), max_session_duration=longest
    )
    return {}


def update_trust(ports: Ports, call: Call, given: Input) -> Output:
    """UpdateAssumeRolePolicy."""
    roles.update_trust(ports, call, given["RoleName"], given["PolicyDocument"])
    return {}


def delete(ports: Ports, call: Call, given: Input) -> Output:
    """DeleteRole."""
    roles.delete_role(ports, call, given["RoleName"])
    return {}


def put_boundary(ports: Ports, call: Call, given: Input) -> Output:
    """PutRolePermissionsBoundary."""
    roles.put_boundary(ports, call, given["RoleName"], given["PermissionsBoundary"])
    return {}


def delete_boundary(ports: Ports, call: Call, given: Input) -> Output:
    """DeleteRolePermissionsBoundary."""
    roles.delete_boundary(ports, call, given["RoleName"])
    return {}


def tag(ports: Ports, call: Call, given: Input) -> Output:
    """TagRole."""
    roles.tag_role(ports, call, given["RoleName"], read_tags(given["Tags"]))
    return {}


def untag(ports: Ports, call: Call, given: Input) -> Output:
    """UntagRole."""
    roles.untag_role(ports, call, given["RoleName"], given["TagKeys"])
    return {}


def list_tags(ports: Ports, call: Call, given: Input) -> Output:
    """ListRoleTags."""
    tags = sorted(roles.list_role_tags(ports, call, given["RoleName"]))
    page, more = page_of(ports, call, "ListRoleTags", given, tags, lambda each: each[0])
    return {"Tags": tag_list(tuple(page)), **more}


# --- its policies ----------------------------------------------------------------------------------------


def put_policy(ports: Ports, call: Call, given: Input) -> Output:
    """PutRolePolicy."""
    role_policies.put_inline(ports, call, given["RoleName"], given["PolicyName"], given["PolicyDocument"])
    return {}


def get_policy(ports: Ports, call: Call, given: Input) -> Output:
    """GetRolePolicy."""
    role, policy = role_policies.get_inline(ports, call, given["RoleName"], given["PolicyName"])
    return {"RoleName": role.name, "PolicyName": policy.name, "PolicyDocument": encoded(policy.document or "")}


def list_policies(ports: Ports, call: Call, given: Input) -> Output:
    """ListRolePolicies."""
    names = role_policies.list_inline(ports, call, given["RoleName"])
    page, more = page_of(ports, call, "ListRolePolicies", given, names, str)
    return {"PolicyNames": list(page), **more}


def delete_policy(ports: Ports, call: Call, given: Input) -> Output:
    """DeleteRolePolicy."""
    role_policies.delete_inline(ports, call, given["RoleName"], given["PolicyName"])
    return {}


def attach_policy(ports: Ports, call: Call, given: Input) -> Output:
    """AttachRolePolicy."""
    role_policies.attach(ports, call, given["RoleName"], given["PolicyArn"])
    return {}


def detach_policy(ports: Ports, call: Call, given: Input) -> Output:
    """DetachRolePolicy."""
    role_policies.detach(ports, call, given["RoleName"], given["PolicyArn"])
    return {}


def list_attached(ports: Ports, call: Call, given: Input) -> Output:
    """ListAttachedRolePolicies."""
    arns = role_policies.list_attached(ports, call, given["RoleName"], given.get("PathPrefix", "/"))
    page, more = page_of(ports, call, "ListAttachedRolePolicies", given, arns, str)
    return {"AttachedPolicies": [{"PolicyName": policy_name_of(arn), "PolicyArn": arn} for arn in page], **more}


HANDLERS: Final[Mapping[str, Callable[[Ports, Call, Input], Output]]] = {
    "CreateRole": create,
    "GetRole": get,
    "ListRoles": list_roles,
    "UpdateRole": update,
    "UpdateAssumeRolePolicy": update_trust,
    "DeleteRole": delete,
    "PutRolePermissionsBoundary": put_boundary,
    "DeleteRolePermissionsBoundary": delete_boundary,
    "TagRole": tag,
    "UntagRole": untag,
    "ListRoleTags": list_tags,
    "PutRolePolicy": put_policy,
    "GetRolePolicy": get_policy,
    "ListRolePolicies": list_policies,
    "DeleteRolePolicy": delete_policy,
    "AttachRolePolicy": attach_policy,
    "DetachRolePolicy": detach_policy,
    "ListAttachedRolePolicies": list_attached,
}
