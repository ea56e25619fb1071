"""The operations of the IAM wire on users, access keys and the account as a whole: plain dicts in and out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from service.aws import policies, roles
from service.aws.listing import encoded, page_of
from workflows import account_details, account_users
from workflows.account_details import Detail, Entity, ServiceUse
from workflows.callers import Call
from workflows.ports import Ports
from workflows.records.account import Attachment, Principal
from workflows.role_policies import policy_name_of

Input = Mapping[str, Any]
Output = Mapping[str, object]

_STATUS: Final = {True: "Active", False: "Inactive"}
_REGION: Final = "us-east-1"
_NEVER: Final = "N/A"


def shown_user(user: Principal) -> dict[str, object]:
    """Return a user as the API shows it."""
    told = {"Path": "/", "UserName": user.name, "UserId": user.id, "Arn": user.arn}
    return {**told, "CreateDate": user.created_at}


def get_user(ports: Ports, call: Call, given: Input) -> Output:
    """GetUser."""
    return {"User": shown_user(account_users.get_user(ports, call, given.get("UserName")))}


def list_users(ports: Ports, call: Call, given: Input) -> Output:
    """ListUsers; every user stands at the top, so any other path prefix finds none."""
    users = account_users.list_users(ports, call) if given.get("PathPrefix", "/") == "/" else ()
    page, more = page_of(ports, call, "ListUsers", given, users, lambda user: user.name)
    return {"Users": [shown_user(user) for user in page], **more}


def create_key(ports: Ports, call: Call, given: Input) -> Output:
    """CreateAccessKey."""
    user, key = account_users.create_key(ports, call, given.get("UserName"))
    told = {"UserName": user.name, "AccessKeyId": key.access_key_id, "Status": "Active"}
    return {"AccessKey": {**told, "SecretAccessKey": key.secret_access_key, "CreateDate": ports.clock.now()}}


def list_keys(ports: Ports, call: Call, given: Input) -> Output:
    """ListAccessKeys."""
    user, keys = account_users.list_keys(ports, call, given.get("UserName"))
    page, more = page_of(ports, call, "ListAccessKeys", given, keys, lambda key: key.id)
    told = [
        {
            "UserName": user.name,
            "AccessKeyId": key.id,
            "Status": _STATUS[key.active],
            "CreateDate": key.created_at,
        }
        for key in page
    ]
    return {"AccessKeyMetadata": told, **more}


def update_key(ports: Ports, call: Call, given: Input) -> Output:
    """UpdateAccessKey."""
    active = given["Status"] == "Active"
    account_users.set_key_active(ports, call, given.get("UserName"), given["AccessKeyId"], active=active)
    return {}


def delete_key(ports: Ports, call: Call, given: Input) -> Output:
    """DeleteAccessKey."""
    account_users.delete_key(ports, call, given.get("UserName"), given["AccessKeyId"])
    return {}


def key_use(ports: Ports, call: Call, given: Input) -> Output:
    """GetAccessKeyLastUsed."""
    used = account_users.key_use(ports, call, given["AccessKeyId"])
    last: dict[str, object] = {"ServiceName": _NEVER, "Region": _NEVER}
    if used.service is not None:
        last = {"LastUsedDate": used.last_at, "ServiceName": used.service, "Region": _REGION}
    return {"UserName": used.user.name, "AccessKeyLastUsed": last}


# --- the account as a whole ------------------------------------------------------------------------------


def _inline(attachments: Sequence[Attachment]) -> list[dict[str, str]]:
    return [
        {"PolicyName": one.name, "PolicyDocument": encoded(one.document)}
        for one in attachments
        if one.document is not None
    ]


def _attached(attachments: Sequence[Attachment]) -> list[dict[str, str]]:
    arns = [one.policy_arn for one in attachments if one.policy_arn is not None]
    return [{"PolicyName": policy_name_of(arn), "PolicyArn": arn} for arn in arns]


def _user_line(entity: Entity) -> dict[str, object]:
    user = entity.principal
    told = shown_user(user) if user else {}
    lists = {"UserPolicyList": _inline(entity.attachments), "GroupList": []}
    return {**told, **lists, "AttachedManagedPolicies": _attached(entity.attachments)}


def _role_line(entity: Entity) -> dict[str, object]:
    told = roles.shown(entity.role) if entity.role else {}
    left_out = ("Description", "MaxSessionDuration")
    told = {name: value for name, value in told.items() if name not in left_out}
    lists = {"InstanceProfileList": [], "RolePolicyList": _inline(entity.attachments)}
    return {**told, **lists, "AttachedManagedPolicies": _attached(entity.attachments)}


def _policy_line(detail: Detail) -> dict[str, object]:
    told = policies.shown(detail.policy) if detail.policy else {}
    told.pop("Tags", None)
    versions = [policies.shown_version(one, default=counts, document=True) for one, counts in detail.versions]
    return {**told, "PolicyVersionList": versions}


def details(ports: Ports, call: Call, given: Input) -> Output:
    """GetAccountAuthorizationDetails."""
    found = account_details.details(ports, call, given.get("Filter", ()))
    page, more = page_of(ports, call, "GetAccountAuthorizationDetails", given, found, lambda one: one.order)
    return {
        "UserDetailList": [_user_line(one.entity) for one in page if one.entity and one.kind == "User"],
        "GroupDetailList": [],
        "RoleDetailList": [_role_line(one.entity) for one in page if one.entity and one.kind == "Role"],
        "Policies": [_policy_line(one) for one in page if one.policy],
        **more,
    }


# --- what was accessed -----------------------------------------------------------------------------------


def order_report(ports: Ports, call: Call, given: Input) -> Output:
    """GenerateServiceLastAccessedDetails."""
    granularity = given.get("Granularity", "SERVICE_LEVEL")
    return {"JobId": account_details.generate_report(ports, call, given["Arn"], granularity).id}


def _service_line(use: ServiceUse, arn: str, *, by_action: bool) -> dict[str, object]:
    last = use.actions[0] if use.actions else None
    told: dict[str, object] = {
        "ServiceName": use.namespace,
        "ServiceNamespace": use.namespace,
        "TotalAuthenticatedEntities": use.entities,
    }
    if last is not None:
        entity = {"LastAuthenticatedEntity": arn, "LastAuthenticatedRegion": _REGION}
        told |= {"LastAuthenticated": last.last_at, **(entity if ":policy/" not in arn else {})}
    if by_action:
        told["TrackedActionsLastAccessed"] = [
            {
                "ActionName": one.action.partition(":")[2],
                "LastAccessedTime": one.last_at,
                "LastAccessedRegion": _REGION,
            }
            for one in use.actions
        ]
    return told


def fetch_report(ports: Ports, call: Call, given: Input) -> Output:
    """GetServiceLastAccessedDetails; a report is complete as soon as it was ordered."""
    report, uses = account_details.fetch_report(ports, call, given["JobId"])
    page, more = page_of(ports, call, "GetServiceLastAccessedDetails", given, uses, lambda use: use.namespace)
    by_action = report.granularity == "ACTION_LEVEL"
    return {
        "JobStatus": "COMPLETED",
        "JobType": report.granularity,
        "JobCreationDate": report.created_at,
        "JobCompletionDate": report.created_at,
        "ServicesLastAccessed": [_service_line(use, report.arn, by_action=by_action) for use in page],
        **more,
    }


def granting(ports: Ports, call: Call, given: Input) -> Output:
    """ListPoliciesGrantingServiceAccess."""
    entity, found = account_details.granting_policies(ports, call, given["Arn"], given["ServiceNamespaces"])
    kind = "ROLE" if entity.role else "USER"
    holder = entity.role.name if entity.role else entity.principal.name if entity.principal else ""

    def line(one: Attachment) -> dict[str, object]:
        if one.policy_arn is not None:
            name = policy_name_of(one.policy_arn)
            return {"PolicyName": name, "PolicyType": "MANAGED", "PolicyArn": one.policy_arn}
        return {"PolicyName": one.name, "PolicyType": "INLINE", "EntityType": kind, "EntityName": holder}

    ordered = sorted(found.items())
    page, more = page_of(ports, call, "ListPoliciesGrantingServiceAccess", given, ordered, lambda each: each[0])
    told = [{"ServiceNamespace": name, "Policies": [line(one) for one in some]} for name, some in page]
    return {"PoliciesGrantingServiceAccess": told, **more}


HANDLERS: Final[Mapping[str, Callable[[Ports, Call, Input], Output]]] = {
    "GetUser": get_user,
    "ListUsers": list_users,
    "CreateAccessKey": create_key,
    "ListAccessKeys": list_keys,
    "UpdateAccessKey": update_key,
    "DeleteAccessKey": delete_key,
    "GetAccessKeyLastUsed": key_use,
    "GetAccountAuthorizationDetails": details,
    "GenerateServiceLastAccessedDetails": order_report,
    "GetServiceLastAccessedDetails": fetch_report,
    "ListPoliciesGrantingServiceAccess": granting,
}
