"""The operations of the IAM wire on managed policies: plain dicts in and out, one use-case each."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from service.aws.listing import encoded, page_of, read_tags, tag_list
from workflows import customer_policies
from workflows.callers import Call
from workflows.customer_policies import NewPolicy, Shown, version_name
from workflows.ports import Ports
from workflows.records.account import PolicyVersion

Input = Mapping[str, Any]
Output = Mapping[str, object]


def shown(policy: Shown, *, whole: bool = True) -> dict[str, object]:
    """Return a policy as the API shows it; lists leave out its description and tags."""
    told: dict[str, object] = {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": version_name(policy.default_version),
        "AttachmentCount": policy.attached,
        "PermissionsBoundaryUsageCount": policy.bounding,
        "IsAttachable": policy.attachable,
        "CreateDate": policy.created_at,
        "UpdateDate": policy.updated_at,
    }
    return {**told, "Description": policy.description, "Tags": tag_list(policy.tags)} if whole else told


def shown_version(version: PolicyVersion, *, default: bool, document: bool) -> dict[str, object]:
    """Return a version as the API shows it, with its document where that is asked for."""
    return {
        "Document": encoded(version.document) if document else None,
        "VersionId": version_name(version.number),
        "IsDefaultVersion": default,
        "CreateDate": version.created_at,
    }


def create(ports: Ports, call: Call, given: Input) -> Output:
    """CreatePolicy."""
    new = NewPolicy(
        name=given["PolicyName"],
        document=given["PolicyDocument"],
        path=given.get("Path", "/"),
        description=given.get("Description"),
        tags=read_tags(given.get("Tags")),
    )
    return {"Policy": shown(customer_policies.create(ports, call, new), whole=False)}


def get(ports: Ports, call: Call, given: Input) -> Output:
    """GetPolicy."""
    return {"Policy": shown(customer_policies.get(ports, call, given["PolicyArn"]))}


def list_policies(ports: Ports, call: Call, given: Input) -> Output:
    """ListPolicies."""
    scope, prefix = given.get("Scope", "All"), given.get("PathPrefix", "/")
    found = customer_policies.list_policies(ports, call, scope=scope, path_prefix=prefix)
    usage = given.get("PolicyUsageFilter")
    if given.get("OnlyAttached", False):
        found = [one for one in found if one.attached or one.bounding]
    if usage is not None:
        found = [one for one in found if (one.bounding if usage == "PermissionsBoundary" else one.attached)]
    ordered = sorted(found, key=lambda one: one.arn)
    page, more = page_of(ports, call, "ListPolicies", given, ordered, lambda one: one.arn)
    return {"Policies": [shown(one, whole=False) for one in page], **more}


def delete(ports: Ports, call: Call, given: Input) -> Output:
    """DeletePolicy."""
    customer_policies.delete(ports, call, given["PolicyArn"])
    return {}


def create_version(ports: Ports, call: Call, given: Input) -> Output:
    """CreatePolicyVersion."""
    default = given.get("SetAsDefault", False)
    document = given["PolicyDocument"]
    version = customer_policies.create_version(ports, call, given["PolicyArn"], document, default=default)
    return {"PolicyVersion": shown_version(version, default=default, document=False)}


def get_version(ports: Ports, call: Call, given: Input) -> Output:
    """GetPolicyVersion."""
    version, default = customer_policies.get_version(ports, call, given["PolicyArn"], given["VersionId"])
    return {"PolicyVersion": shown_version(version, default=default, document=True)}


def list_versions(ports: Ports, call: Call, given: Input) -> Output:
    """ListPolicyVersions."""
    found = customer_policies.list_versions(ports, call, given["PolicyArn"])

    def place(each: tuple[PolicyVersion, bool]) -> str:
        # Newest first, as a text that rises.
        return f"{10**9 - each[0].number:010}"

    page, more = page_of(ports, call, "ListPolicyVersions", given, found, place)
    return {"Versions": [shown_version(one, default=counts, document=False) for one, counts in page], **more}


def set_default(ports: Ports, call: Call, given: Input) -> Output:
    """SetDefaultPolicyVersion."""
    customer_policies.set_default(ports, call, given["PolicyArn"], given["VersionId"])
    return {}


def delete_version(ports: Ports, call: Call, given: Input) -> Output:
    """DeletePolicyVersion."""
    customer_policies.delete_version(ports, call, given["PolicyArn"], given["VersionId"])
    return {}


def entities(ports: Ports, call: Call, given: Input) -> Output:
    """ListEntitiesForPolicy; there are no groups."""
    usage, kind = given.get("PolicyUsageFilter"), given.get("EntityFilter")
    prefix = given.get("PathPrefix", "/")
    holders = customer_policies.holders_of(ports, call, given["PolicyArn"], usage=usage)
    lines: list[tuple[str, dict[str, str]]] = []
    if kind in (None, "User") and prefix == "/":
        lines += [("PolicyUsers", {"UserName": one.name, "UserId": one.id}) for one in holders.users]
    if kind in (None, "Role"):
        under = [one for one in holders.roles if one.path.startswith(prefix)]
        lines += [("PolicyRoles", {"RoleName": one.name, "RoleId": one.id}) for one in under]
    ordered = sorted(lines, key=lambda each: (each[0], *each[1].values()))
    page, more = page_of(
        ports, call, "ListEntitiesForPolicy", given, ordered, lambda each: each[0] + next(iter(each[1].values()))
    )
    told = {member: [line for name, line in page if name == member] for member in ("PolicyUsers", "PolicyRoles")}
    return {"PolicyGroups": [], **told, **more}


HANDLERS: Final[Mapping[str, Callable[[Ports, Call, Input], Output]]] = {
    "CreatePolicy": create,
    "GetPolicy": get,
    "ListPolicies": list_policies,
    "DeletePolicy": delete,
    "CreatePolicyVersion": create_version,
    "GetPolicyVersion": get_version,
    "ListPolicyVersions": list_versions,
    "SetDefaultPolicyVersion": set_default,
    "DeletePolicyVersion": delete_version,
    "ListEntitiesForPolicy": entities,
}
