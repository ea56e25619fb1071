"""Access Analyzer's looks at policy documents on the AWS wire: plain dicts in and out, one use-case each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from service.aws.listing import question_binding
from service.markers import NO_INSTANT, make_marker, read_marker
from workflows import analysis
from workflows.analysis import Checked
from workflows.callers import Call
from workflows.errors import BadInput
from workflows.policy.compare import Counterexample
from workflows.policy.document import PolicyKind
from workflows.policy.validate.messages import Locale, message_of
from workflows.policy.validate.places import KeyStep, Part, Position, Step
from workflows.policy.validate.validation import Located, Location
from workflows.ports import Ports

Input = Mapping[str, Any]
Output = Mapping[str, object]

_TRUST: Final = "AWS::IAM::AssumeRolePolicyDocument"
_KINDS: Final[Mapping[str, PolicyKind]] = {
    "IDENTITY_POLICY": PolicyKind.IDENTITY,
    "RESOURCE_POLICY": PolicyKind.RESOURCE,
    "SERVICE_CONTROL_POLICY": PolicyKind.GUARDRAIL,
    "RESOURCE_CONTROL_POLICY": PolicyKind.RESOURCE_GUARDRAIL,
}
_DEFAULT_PAGE: Final = 100
_MOST_ON_A_PAGE: Final = 1000
_ABOUT_THE_PAGE: Final = ("maxResults", "nextToken", "locale")


def validate_policy(ports: Ports, call: Call, given: Input) -> Output:
    """ValidatePolicy."""
    binding = question_binding("ValidatePolicy", call, given, _ABOUT_THE_PAGE)
    limit, resource_type = given.get("maxResults", _DEFAULT_PAGE), given.get("validatePolicyResourceType")
    if not 1 <= limit <= _MOST_ON_A_PAGE:
        raise BadInput("maxResults", f"is out of range; accepted are 1 to {_MOST_ON_A_PAGE}")
    kind = _KINDS[given["policyType"]]
    if resource_type is not None and kind is not PolicyKind.RESOURCE:
        raise BadInput("validatePolicyResourceType", "is given for a policy that is attached to no resource")
    kind = PolicyKind.TRUST if resource_type == _TRUST else kind
    token = given.get("nextToken")
    first = int(read_marker(ports, token, binding, field="nextToken")[1]) if token else 0
    found = analysis.validate_policy(ports, call, given["policyDocument"], kind=kind, resource_type=resource_type)
    locale = Locale.GERMAN if given.get("locale") == "DE" else Locale.ENGLISH
    more = len(found.findings) > first + limit
    return {
        "findings": [_finding(one, locale) for one in found.findings[first : first + limit]],
        "nextToken": make_marker(ports, (NO_INSTANT, str(first + limit)), binding) if more else None,
    }


def check_no_new_access(ports: Ports, call: Call, given: Input) -> Output:
    """CheckNoNewAccess."""
    new, existing = given["newPolicyDocument"], given["existingPolicyDocument"]
    checked = analysis.check_no_new_access(ports, call, new=new, existing=existing, kind=_KINDS[given["policyType"]])
    return _answer(
        checked,
        "The new policy allows nothing that the existing one does not.",
        "The new policy allows what the existing one does not.",
    )


def check_access_not_granted(ports: Ports, call: Call, given: Input) -> Output:
    """CheckAccessNotGranted."""
    access: Input = next(iter(given["access"]), {})
    checked = analysis.check_access_not_granted(
        ports,
        call,
        given["policyDocument"],
        actions=access.get("actions") or (),
        resources=access.get("resources") or (),
        kind=_KINDS[given["policyType"]],
    )
    return _answer(
        checked, "The policy grants none of the access that was asked about.", "The policy grants such access."
    )


def check_no_public_access(ports: Ports, call: Call, given: Input) -> Output:
    """CheckNoPublicAccess."""
    kind = PolicyKind.TRUST if given["resourceType"] == _TRUST else PolicyKind.RESOURCE
    checked = analysis.check_no_public_access(ports, call, given["policyDocument"], kind=kind)
    return _answer(
        checked,
        "The policy lets in nobody but those whom it names.",
        "The policy lets in strangers.",
    )


# --- what is answered ------------------------------------------------------------------------------------


def _finding(located: Located, locale: Locale) -> Output:
    rule = located.finding.rule
    return {
        "findingDetails": message_of(located.finding, locale),
        "findingType": rule.type.value,
        "issueCode": rule.id,
        "learnMoreLink": rule.page,
        "locations": [_location(one) for one in located.locations],
    }


def _location(location: Location) -> Output:
    start, end = map(_position, location.span)
    return {"path": [_step(one) for one in location.path], "span": {"start": start, "end": end}}


def _step(step: Step) -> Output:
    match step:
        case Part(start, length):
            return {"substring": {"start": start, "length": length}}
        case KeyStep(name):
            return {"key": name}
        case str():
            return {"value": step}
        case _:
            return {"index": step}


def _position(position: Position) -> Output:
    return {"line": position.line, "column": position.column, "offset": position.offset}


def _answer(checked: Checked, passes: str, fails: str) -> Output:
    if checked.passes:
        return {"result": "PASS", "message": passes, "reasons": []}
    return {"result": "FAIL", "message": fails, "reasons": [_reason(one) for one in _in_order(checked)]}


def _in_order(checked: Checked) -> Sequence[Counterexample]:
    return sorted(checked.counterexamples, key=lambda one: one.statement.index)


def _reason(found: Counterexample) -> Output:
    statement, request = found.statement, found.request
    who = request.principal.name or request.principal.form.value
    return {
        "description": f"The statement allows {request.action} on {request.resource}, for example to {who}.",
        "statementIndex": statement.index,
        "statementId": statement.sid,
    }


HANDLERS: Final[Mapping[str, Callable[[Ports, Call, Input], Output]]] = {
    "ValidatePolicy": validate_policy,
    "CheckNoNewAccess": check_no_new_access,
    "CheckAccessNotGranted": check_access_not_granted,
    "CheckNoPublicAccess": check_no_public_access,
}
