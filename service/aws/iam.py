"""The IAM operations of the AWS wire: plain dicts in and out, one use-case each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from service.markers import make_marker, read_marker
from workflows import approval, inquiry, release, revocation, submission
from workflows.callers import Call
from workflows.errors import BadInput
from workflows.inquiry import Shown
from workflows.lifecycle import state_at
from workflows.ports import Ports
from workflows.records.request import DelegationRequest
from workflows.submission import NewRequest
from workflows.templates import Parameter, parse_parameter_type

Input = Mapping[str, Any]
Output = Mapping[str, object]

_DEFAULT_PAGE: Final = 100


def _parameter(given: Input, index: int) -> Parameter:
    for member in ("Name", "Values", "Type"):
        if given.get(member) is None:
            raise BadInput(f"Permissions.Parameters.member.{index}.{member}", "is required")
    kind = parse_parameter_type(given["Type"])
    return Parameter(name=given["Name"], values=tuple(given["Values"]), type=kind)


def create(ports: Ports, call: Call, given: Input) -> Output:
    """CreateDelegationRequest."""
    permissions: Input = given["Permissions"]
    if not permissions.get("PolicyTemplateArn"):
        raise BadInput("Permissions.PolicyTemplateArn", "is required; name one of your registered policy templates")
    parameters: Sequence[Input] = permissions.get("Parameters") or ()
    request = submission.create(
        ports,
        call,
        NewRequest(
            description=given["Description"],
            template_arn=permissions["PolicyTemplateArn"],
            parameters=[_parameter(one, index) for index, one in enumerate(parameters, 1)],
            workflow_id=given["RequestorWorkflowId"],
            channel_arn=given["NotificationChannel"],
            session_duration=given["SessionDuration"],
            owner_account_id=given.get("OwnerAccountId"),
            request_message=given.get("RequestMessage"),
            redirect_url=given.get("RedirectUrl"),
            only_send_by_owner=given.get("OnlySendByOwner", False),
        ),
    )
    return {"ConsoleDeepLink": submission.deep_link(ports, request.id), "DelegationRequestId": request.id}


def _shown(ports: Ports, request: DelegationRequest) -> Output:
    """Return a request as GetDelegationRequest and ListDelegationRequests show it."""
    parameters = [{"Name": name, "Values": list(values), "Type": kind} for name, kind, values in request.parameters]
    return {
        "DelegationRequestId": request.id,
        "OwnerAccountId": request.owner_account_id or request.target_account_id,
        "Description": request.description,
        "RequestMessage": request.request_message,
        "Permissions": {"PolicyTemplateArn": request.template_arn, "Parameters": parameters},
        "PermissionPolicy": request.permission_policy,
        "RolePermissionRestrictionArns": [arn for arn, _ in request.boundaries] or None,
        "OwnerId": request.owner_arn,
        "ApproverId": request.approver_arn,
        "State": state_at(request, ports.clock.now()).value,
        "ExpirationTime": request.expires_at,
        "RequestorId": request.requestor_id,
        "RequestorName": request.requestor_name,
        "CreateDate": request.created_at,
        "SessionDuration": request.session_duration,
        "RedirectUrl": request.redirect_url,
        "Notes": request.notes,
        "RejectionReason": request.rejection_reason,
        "OnlySendByOwner": request.only_send_by_owner,
        "UpdatedTime": request.updated_at,
    }


def get(ports: Ports, call: Call, given: Input) -> Output:
    """GetDelegationRequest."""
    wanted = given.get("DelegationPermissionCheck", False)
    shown: Shown = inquiry.show(ports, call, given["DelegationRequestId"], check=wanted)
    result: dict[str, object] = {"DelegationRequest": _shown(ports, shown.request)}
    if shown.check is not None:
        result |= {"PermissionCheckStatus": "COMPLETE", "PermissionCheckResult": shown.check.result.value}
    return result


def list_requests(ports: Ports, call: Call, given: Input) -> Output:
    """ListDelegationRequests."""
    owner, marker = given.get("OwnerId"), given.get("Marker")
    binding = ("ListDelegationRequests", call.caller.account_id, call.caller.principal_id, owner or "")
    page = inquiry.list_requests(
        ports,
        call,
        owner_arn=owner,
        limit=given.get("MaxItems", _DEFAULT_PAGE),
        after=read_marker(ports, marker, binding, field="Marker") if marker else None,
    )
    return {
        "DelegationRequests": [_shown(ports, request) for request in page.requests],
        "Marker": make_marker(ports, page.after, binding) if page.after else None,
        "isTruncated": page.after is not None,
    }


def associate(ports: Ports, call: Call, given: Input) -> Output:
    """AssociateDelegationRequest."""
    submission.associate(ports, call, given["DelegationRequestId"])
    return {}


def update(ports: Ports, call: Call, given: Input) -> Output:
    """UpdateDelegationRequest."""
    submission.forward(ports, call, given["DelegationRequestId"], given.get("Notes"))
    return {}


def accept(ports: Ports, call: Call, given: Input) -> Output:
    """AcceptDelegationRequest; this wire has no member for the digest, and the request is frozen."""
    approval.accept(ports, call, given["DelegationRequestId"], digest=None)
    return {}


def reject(ports: Ports, call: Call, given: Input) -> Output:
    """RejectDelegationRequest."""
    approval.reject(ports, call, given["DelegationRequestId"], given.get("Notes"))
    return {}


def send(ports: Ports, call: Call, given: Input) -> Output:
    """SendDelegationToken."""
    release.send(ports, call, given["DelegationRequestId"])
    return {}


def revoke(ports: Ports, call: Call, given: Input) -> Output:
    """RevokeDelegation, our extension."""
    revocation.revoke(ports, call, given["DelegationRequestId"], given.get("Notes"))
    return {}


def summary(ports: Ports, call: Call, given: Input) -> Output:
    """GetHumanReadableSummary."""
    told = inquiry.describe(ports, call, given["EntityArn"], given.get("Locale"))
    state = "NOT_SUPPORTED" if told.content is None else "AVAILABLE"
    return {"SummaryContent": told.content or "", "Locale": told.locale, "SummaryState": state}


HANDLERS: Final[Mapping[str, Callable[[Ports, Call, Input], Output]]] = {
    "CreateDelegationRequest": create,
    "AssociateDelegationRequest": associate,
    "GetDelegationRequest": get,
    "UpdateDelegationRequest": update,
    "AcceptDelegationRequest": accept,
    "RejectDelegationRequest": reject,
    "SendDelegationToken": send,
    "ListDelegationRequests": list_requests,
    "GetHumanReadableSummary": summary,
    "RevokeDelegation": revoke,
}
