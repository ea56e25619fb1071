"""IAM's policy simulator on the AWS wire: plain dicts in and out, one use-case each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from service.aws.listing import question_binding
from service.markers import make_marker, read_marker
from workflows import simulation
from workflows.callers import Call
from workflows.policy.positions import Position
from workflows.ports import Ports
from workflows.simulation import Asked, ResultPage
from workflows.simulation_inputs import ContextEntry, Exclusion
from workflows.simulation_results import ANY_RESOURCE, Match, Result

Input = Mapping[str, Any]
Output = Mapping[str, object]

_DEFAULT_PAGE: Final = 100
_ABOUT_THE_PAGE: Final = ("MaxItems", "Marker")


def simulate_custom(ports: Ports, call: Call, given: Input) -> Output:
    """SimulateCustomPolicy."""
    levels = given.get("OrderedOrganizationPolicyInputList") or ()
    binding = question_binding("SimulateCustomPolicy", call, given, _ABOUT_THE_PAGE)
    page = simulation.simulate_custom(
        ports,
        call,
        _asked(given),
        levels=[level.get("ServiceControlPolicyInputList") or () for level in levels],
        limit=given.get("MaxItems", _DEFAULT_PAGE),
        after=_after(ports, given, binding),
    )
    return _page(ports, page, binding)


def simulate_principal(ports: Ports, call: Call, given: Input) -> Output:
    """SimulatePrincipalPolicy."""
    binding = question_binding("SimulatePrincipalPolicy", call, given, _ABOUT_THE_PAGE)
    page = simulation.simulate_principal(
        ports,
        call,
        _asked(given),
        source_arn=given["PolicySourceArn"],
        exclusions=[_exclusion(one) for one in given.get("PolicyExclusionList") or ()],
        limit=given.get("MaxItems", _DEFAULT_PAGE),
        after=_after(ports, given, binding),
    )
    return _page(ports, page, binding)


def custom_context_keys(ports: Ports, call: Call, given: Input) -> Output:
    """GetContextKeysForCustomPolicy."""
    return {"ContextKeyNames": simulation.custom_context_keys(ports, call, given["PolicyInputList"])}


def principal_context_keys(ports: Ports, call: Call, given: Input) -> Output:
    """GetContextKeysForPrincipalPolicy."""
    policies: Sequence[str] = given.get("PolicyInputList") or ()
    return {"ContextKeyNames": simulation.principal_context_keys(ports, call, given["PolicySourceArn"], policies)}


# --- what is asked ---------------------------------------------------------------------------------------


def _asked(given: Input) -> Asked:
    entries: Sequence[Input] = given.get("ContextEntries") or ()
    return Asked(
        actions=given["ActionNames"],
        resources=given.get("ResourceArns") or (),
        policies=given.get("PolicyInputList") or (),
        boundaries=given.get("PermissionsBoundaryPolicyInputList") or (),
        resource_policy=given.get("ResourcePolicy"),
        resource_owner=given.get("ResourceOwner"),
        caller_arn=given.get("CallerArn"),
        entries=[
            ContextEntry(one.get("ContextKeyName"), one.get("ContextKeyValues"), one.get("ContextKeyType"))
            for one in entries
        ],
        handling=given.get("ResourceHandlingOption"),
    )


def _exclusion(given: Input) -> Exclusion:
    inline: Input | None = given.get("InlinePolicyIdentifier")
    named = (inline["PolicyName"], inline["AttachmentType"], inline["AttachmentName"]) if inline else None
    return Exclusion(given.get("PolicyType"), given.get("PolicyArn"), named)


def _after(ports: Ports, given: Input, binding: Sequence[str]) -> int:
    marker = given.get("Marker")
    return int(read_marker(ports, marker, binding, field="Marker")[1]) if marker else 0


# --- what is answered ------------------------------------------------------------------------------------


def _page(ports: Ports, page: ResultPage, binding: Sequence[str]) -> Output:
    more = page.after is not None
    return {
        "EvaluationResults": [_result(one) for one in page.results],
        "IsTruncated": more,
        "Marker": make_marker(ports, (ports.clock.now(), str(page.after)), binding) if more else None,
    }


def _result(result: Result) -> Output:
    """One action on one resource; of a named resource the answer is repeated as AWS's clients look for it."""
    matches = [_match(one) for one in result.matches]
    boundary = _flag("AllowedByPermissionsBoundary", result.allowed_by_boundary)
    specific = {
        "EvalResourceName": result.resource,
        "EvalResourceDecision": result.decision.value,
        "MatchedStatements": matches,
        "MissingContextValues": result.missing_keys,
        "EvalDecisionDetails": result.details or None,
        "PermissionsBoundaryDecisionDetail": boundary,
    }
    return {
        "EvalActionName": result.action,
        "EvalResourceName": result.resource,
        "EvalDecision": result.decision.value,
        "MatchedStatements": matches,
        "MissingContextValues": result.missing_keys,
        "OrganizationsDecisionDetail": _flag("AllowedByOrganizations", result.allowed_by_organization),
        "PermissionsBoundaryDecisionDetail": boundary,
        "EvalDecisionDetails": result.details,
        "ResourceSpecificResults": None if result.resource == ANY_RESOURCE else [specific],
    }


def _flag(name: str, value: bool | None) -> Output | None:  # noqa: FBT001  it is the answer itself
    return None if value is None else {name: value}


def _match(match: Match) -> Output:
    return {
        "SourcePolicyId": match.source.id,
        "SourcePolicyType": match.source.type.value,
        "StartPosition": _position(match.span.start),
        "EndPosition": _position(match.span.end),
    }


def _position(position: Position) -> Output:
    return {"Line": position.line, "Column": position.column}


HANDLERS: Final[Mapping[str, Callable[[Ports, Call, Input], Output]]] = {
    "SimulateCustomPolicy": simulate_custom,
    "SimulatePrincipalPolicy": simulate_principal,
    "GetContextKeysForCustomPolicy": custom_context_keys,
    "GetContextKeysForPrincipalPolicy": principal_context_keys,
}
