"""A second evaluator, written for obviousness from the public description of IAM's evaluation logic.

It works on plain dictionaries, shares no code with the engine and makes no attempt to be fast. Its only
purpose is to disagree with the engine when one of the two is wrong. Documents are taken to be well-formed.
"""

import re

from reference.naive_patterns import without_case
from reference.naive_principals import (
    BEHIND,
    DIRECT,
    NOT_AT_ALL,
    THE_ACCOUNT,
    WITH_AN_ACCOUNT,
    caller_of,
    grip_of_an_allow,
    is_service_linked,
)
from reference.naive_rules import rule, yes_or_no
from reference.naive_statements import (
    Case,
    Document,
    Question,
    effects,
    fitting_statements,
    principal_deny,
    statements_of,
)

UNGOVERNED = ("sts:getcalleridentity", "sts:getsessiontoken")
ON_A_ROLE = (
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:tagsession",
    "sts:setsourceidentity",
    "sts:setcontext",
)
COVERED_BY_RCPS = frozenset(
    re.findall(
        "[a-z0-9-]+",
        """aoss appconfig appstream autoscaling autoscaling-plans budgets clouddirectory cloudfront cloudsearch
    cloudtrail-data codeartifact codebuild codecommit codepipeline cognito-identity cognito-idp comprehend
    comprehendmedical compute-optimizer cost-optimization-hub dax dsql dynamodb ecr ecr-public events firehose fis
    fms gamelift health inspector-scan kendra kinesisvideo kms logs memorydb networkmonitor notifications
    opensearch pca-connector-ad personalize polly pricing resource-groups rolesanywhere s3 secretsmanager
    servicediscovery signin sqs sts support swf textract timestream-influxdb transcribe transfer translate wafv2
    workspaces xray""",
    )
)


@rule("Allowed", "ImplicitlyDenied", "ExplicitlyDenied")
def decide(case: Case) -> str:
    """The answer as "Allowed", "ImplicitlyDenied" or "ExplicitlyDenied"."""
    caller = caller_of(case.get("principal"), case["action"])
    keys = {without_case(name): value for name, value in (case.get("context") or {}).items()}
    asked = Question(case, caller, case["action"], case["resource"], keys)
    if is_ungoverned(asked):
        return "Allowed"
    if is_denied(asked):
        return "ExplicitlyDenied"
    return "Allowed" if is_allowed(asked) else "ImplicitlyDenied"


@yes_or_no
def is_ungoverned(asked: Question) -> bool:
    """Two calls that no policy governs, for whoever belongs to an account."""
    return without_case(asked.action) in UNGOVERNED and asked.caller.kind in WITH_AN_ACCOUNT


# --- any Deny ends it -------------------------------------------------------------------------------------


def is_denied(asked: Question) -> bool:
    """An explicit Deny in any document that applies."""
    return any(
        [
            deny_in_resource_policy(asked),
            rcps_apply(asked) == "yes" and deny_in_rcps(asked),
            scps_apply(asked) == "yes" and deny_in_scps(asked),
            has_a_caller_side(asked) and deny_in_identity_policies(asked),
            has_a_caller_side(asked) and deny_in_boundaries(asked),
            has_a_caller_side(asked) and deny_in_session_policy(asked),
        ]
    )


@yes_or_no
def deny_in_resource_policy(asked: Question) -> bool:
    """The resource policy names the caller in a Deny."""
    return any(principal_deny(document, asked) for document in asked.documents("resource_policy"))


@yes_or_no
def deny_in_rcps(asked: Question) -> bool:
    """A resource control policy of any level."""
    return any(principal_deny(document, asked) for document in asked.documents("rcps"))


@yes_or_no
def deny_in_scps(asked: Question) -> bool:
    """A service control policy of any level."""
    return "Deny" in effects(asked.documents("scps"), asked)


@yes_or_no
def deny_in_identity_policies(asked: Question) -> bool:
    """The caller's own policies; root's too."""
    return "Deny" in effects(asked.documents("identity_policies"), asked)


@yes_or_no
def deny_in_boundaries(asked: Question) -> bool:
    """A permissions boundary."""
    return "Deny" in effects(asked.documents("permission_boundaries"), asked)


@yes_or_no
def deny_in_session_policy(asked: Question) -> bool:
    """The session policy."""
    return "Deny" in effects(asked.documents("session_policy"), asked)


# --- who must allow ---------------------------------------------------------------------------------------


@yes_or_no
def has_a_caller_side(asked: Question) -> bool:
    """Anonymous callers, services, federated callers and canonical users have only the resource side."""
    return asked.caller.kind in WITH_AN_ACCOUNT


@rule("yes", "no: service-linked", "no: no account")
def scps_apply(asked: Question) -> str:
    """To all of the account, root included, but to no service-linked role."""
    if asked.caller.kind not in WITH_AN_ACCOUNT:
        return "no: no account"
    return "yes" if is_service_linked(asked.caller) == "no" else "no: service-linked"


@rule("yes", "no: service-linked", "no: not covered")
def rcps_apply(asked: Question) -> str:
    """To everybody but service-linked roles, on the services that they cover."""
    if without_case(asked.action).split(":")[0] not in COVERED_BY_RCPS:
        return "no: not covered"
    return "yes" if is_service_linked(asked.caller) == "no" else "no: service-linked"


@rule("same account", "other account")
def whose_resource(asked: Question) -> str:
    """Whether caller and resource live in one account."""
    return "same account" if account_of_the_resource(asked) == asked.caller.account else "other account"


def account_of_the_resource(asked: Question) -> str:
    """As the case says, else as the ARN says, else the caller's."""
    source = source_of_the_account(asked)
    if source == "the case":
        return str(asked.case["resource_account"])
    return asked.resource.split(":")[4] if source == "the ARN" else asked.caller.account


@rule("the case", "the ARN", "the caller")
def source_of_the_account(asked: Question) -> str:
    """Who says which account the resource is of."""
    if asked.case.get("resource_account"):
        return "the case"
    fields = asked.resource.split(":", 5)
    return "the ARN" if len(fields) == 6 and re.fullmatch("[0-9]{12}", fields[4]) else "the caller"


@rule("trust policy", "key policy", "no")
def must_itself_allow(asked: Question) -> str:
    """Trust policies of roles and policies of keys must allow; an identity policy alone is not enough there."""
    has_policy = asked.case.get("resource_policy") is not None
    fields = asked.resource.split(":", 5)
    service, last = (fields[2], fields[5]) if len(fields) == 6 else ("", "")
    if without_case(asked.action) in ON_A_ROLE and (has_policy or (service == "iam" and last.startswith("role/"))):
        return "trust policy"
    if without_case(asked.action).startswith("kms:") and (has_policy or (service == "kms" and last.startswith("key/"))):
        return "key policy"
    return "no"


def is_allowed(asked: Question) -> bool:
    """Whether everybody who must allow does, when nobody denies."""
    if rcps_apply(asked) == "yes" and not levels_allow(resource_levels(asked)):
        return False
    if not has_a_caller_side(asked):
        return resource_side_decides(asked)
    if scps_apply(asked) == "yes" and not levels_allow(caller_levels(asked)):
        return False
    if whose_resource(asked) == "other account":
        return both_sides_allow(asked) == "allowed"
    return direct_allow(asked) or behind_allow(asked) == "allowed" or identity_allow(asked) == "allowed"


@yes_or_no
def resource_side_decides(asked: Question) -> bool:
    """Where there is no caller side, an Allow of the resource policy is all that is needed."""
    return grip_of_the_resource_policy(asked) > NOT_AT_ALL


@yes_or_no
def direct_allow(asked: Question) -> bool:
    """An Allow to the calling user, session, or everybody needs nothing else, not even of the ceilings."""
    return grip_of_the_resource_policy(asked) == DIRECT


@rule("allowed", "no", "boundary", "session policy")
def behind_allow(asked: Question) -> str:
    """An Allow to the role of the session needs no identity policy, but boundary and session policy."""
    if grip_of_the_resource_policy(asked) != BEHIND:
        return "no"
    return blocking_ceiling(asked) or "allowed"


@rule("allowed", "identity policies", "resource policy", "boundary", "session policy")
def identity_allow(asked: Question) -> str:
    """An Allow of the caller's own policies, below the ceilings; trust and key policies must join in."""
    if identity_policies_allow(asked) == "no":
        return "identity policies"
    if must_itself_allow(asked) != "no" and grip_of_the_resource_policy(asked) < THE_ACCOUNT:
        return "resource policy"
    return blocking_ceiling(asked) or "allowed"


@rule("allowed", "identity policies", "resource policy", "boundary", "session policy")
def both_sides_allow(asked: Question) -> str:
    """Across accounts no Allow of the resource lifts a need of the caller's side."""
    if grip_of_the_resource_policy(asked) == NOT_AT_ALL:
        return "resource policy"
    if identity_policies_allow(asked) == "no":
        return "identity policies"
    return blocking_ceiling(asked) or "allowed"


# --- each of them -----------------------------------------------------------------------------------------


@rule(NOT_AT_ALL, THE_ACCOUNT, BEHIND, DIRECT)
def grip_of_the_resource_policy(asked: Question) -> int:
    """The firmest grip of an Allow that speaks of the request."""
    grips = [
        grip_of_an_allow(statement, asked.caller)
        for document in asked.documents("resource_policy")
        for statement in fitting_statements(document, "Allow", asked)
    ]
    return max(grips, default=NOT_AT_ALL)


@rule("yes", "no", "root")
def identity_policies_allow(asked: Question) -> str:
    """Policies of one caller add up; the root user needs none."""
    if asked.caller.kind == "root":
        return "root"
    return "yes" if "Allow" in effects(asked.documents("identity_policies"), asked) else "no"


def blocking_ceiling(asked: Question) -> str:
    """The ceiling that does not allow, or the empty text."""
    if boundaries_allow(asked).startswith("no"):
        return "boundary"
    return "session policy" if session_allows(asked).startswith("no") else ""


@rule("absent", "yes", "no", "no: empty")
def boundaries_allow(asked: Question) -> str:
    """Every boundary is a ceiling of its own; a boundary of nothing allows nothing."""
    boundaries = asked.case.get("permission_boundaries")
    if boundaries is None:
        return "absent"
    if boundaries == []:
        return "no: empty"
    return "yes" if all("Allow" in effects([boundary], asked) for boundary in boundaries) else "no"


@rule("absent", "yes", "no", "no: federated user without one")
def session_allows(asked: Question) -> str:
    """A session without a session policy has no such ceiling; a federated user's then is closed."""
    if asked.case.get("session_policy") is None:
        return "no: federated user without one" if asked.caller.kind == "federated user" else "absent"
    return "yes" if "Allow" in effects(asked.documents("session_policy"), asked) else "no"


def caller_levels(asked: Question) -> list[bool]:
    """What each level of the caller's organisation says."""
    return [scp_level_allows(level, asked) for level in asked.case.get("scps") or []]


def resource_levels(asked: Question) -> list[bool]:
    """What each level above the resource says."""
    return [rcp_level_allows(level, asked) != "no" for level in asked.case.get("rcps") or []]


@yes_or_no
def levels_allow(levels: list[bool]) -> bool:
    """Every level must allow; where there are none, nothing is missing."""
    return all(levels)


@yes_or_no
def scp_level_allows(level: list[Document], asked: Question) -> bool:
    """Policies of one level add up; a level without any Allow blocks."""
    return "Allow" in effects(level, asked)


@rule("full access", "yes", "no")
def rcp_level_allows(level: list[Document], asked: Question) -> str:
    """A level of Denies stands beside the built-in full access; the empty level has not even that."""
    statements = [statement for document in level for statement in statements_of(document)]
    if statements and not any(statement["Effect"] == "Allow" for statement in statements):
        return "full access"
    return "yes" if any(list(fitting_statements(document, "Allow", asked)) for document in level) else "no"
