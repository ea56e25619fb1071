"""Guardrails of organizations (SCPs and RCPs), and how long a document of each kind may be."""

from collections.abc import Iterator
from typing import Final

from workflows.policy.conditions import NULL
from workflows.policy.document import PolicyKind
from workflows.policy.strict_json import count_significant
from workflows.policy.validate.draft import Clause, Draft, StatementDraft
from workflows.policy.validate.rules import Finding, Rule, Words, document_check, error, statement_check, warning

_IS_SERVICE: Final = "aws:principalisawsservice"
_OF_PRINCIPALS: Final = frozenset(
    {"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths"}
)
_OF_SOURCES: Final = frozenset({"aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"})
_CHECKED: Final = frozenset({"aws:sourceaccount", "aws:sourcearn"})

_LONG_SCP: Final = error(
    "POLICY_SIZE_EXCEEDS_SCP_QUOTA",
    "The policy has {size} characters, white space counted; at most {most} are accepted.",
    "Shorten it, or make two of it.",
)
_LONG_RCP: Final = error(
    "POLICY_SIZE_EXCEEDS_RCP_QUOTA",
    "The policy has {size} characters, white space counted; at most {most} are accepted.",
    "Shorten it, or make two of it.",
)
_LONG_IDENTITY: Final = warning(
    "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA",
    "The policy has {size} characters without white space; at most {most} are accepted.",
    "Shorten it, or make two of it.",
)
_LONG_TRUST: Final = warning(
    "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA",
    "The policy has {size} characters without white space; at most {most} are accepted unless the quota was raised.",
    "Shorten it.",
)
_LONG_RESOURCE: Final = warning(
    "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA",
    "The policy has {size} characters; at most {most} are accepted for its resource.",
    "Shorten it.",
)
_SCP_PRINCIPAL: Final = error(
    "SCP_SYNTAX_ERROR_PRINCIPAL", "A guardrail is about all principals of an account.", "Remove {element}."
)
_RCP_PRINCIPAL: Final = error(
    "RCP_SYNTAX_ERROR_PRINCIPAL",
    "A guardrail of resources is about everybody.",
    'Write "Principal": "*", and narrow it by a condition.',
)
_RCP_ALLOW: Final = error(
    "RCP_SYNTAX_ERROR_ALLOW", "A guardrail of resources allows nothing.", "Write Deny; all else stays as it is."
)
_RCP_NOT_ACTION: Final = error(
    "RCP_SYNTAX_ERROR_NOTACTION", "A guardrail of resources has no NotAction.", "Name in Action what is denied."
)
_RCP_ACTION: Final = error(
    "RCP_SYNTAX_ERROR_ACTION",
    "A guardrail of resources does not reach {action}.",
    "Name actions of services that it covers, each with its prefix.",
)
_RCP_PEOPLE: Final = warning(
    "RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY",
    "Services of AWS do not carry {key}, so they are denied too.",
    'Add aws:PrincipalIsAWSService with "false" under BoolIfExists.',
)
_RCP_SERVICES: Final = warning(
    "RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY",
    "People do not carry {key}, so they are denied too.",
    'Add aws:PrincipalIsAWSService with "true" under BoolIfExists.',
)
_RCP_NULL: Final = warning(
    "RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK",
    "Not every request of a service carries {key}; those without it are denied.",
    'Add aws:SourceAccount or aws:SourceArn with "false" under Null.',
)

_QUOTAS: Final[dict[PolicyKind, tuple[Rule, int]]] = {
    PolicyKind.GUARDRAIL: (_LONG_SCP, 5120),
    PolicyKind.RESOURCE_GUARDRAIL: (_LONG_RCP, 5120),
    PolicyKind.IDENTITY: (_LONG_IDENTITY, 6144),
    PolicyKind.BOUNDARY: (_LONG_IDENTITY, 6144),
    PolicyKind.TRUST: (_LONG_TRUST, 2048),
}
_QUOTAS_OF_TYPES: Final = {
    "AWS::S3::Bucket": 20_480,
    "AWS::S3::AccessPoint": 20_480,
    "AWS::S3::MultiRegionAccessPoint": 20_480,
    "AWS::S3ObjectLambda::AccessPoint": 20_480,
    "AWS::DynamoDB::Table": 20_480,
}
_COUNTING_SPACE: Final = (PolicyKind.GUARDRAIL, PolicyKind.RESOURCE_GUARDRAIL, PolicyKind.RESOURCE)


@document_check
def check_size(draft: Draft) -> Iterator[Finding]:
    """The length of the document."""
    rule, most = _QUOTAS.get(draft.kind, (_LONG_RESOURCE, _QUOTAS_OF_TYPES.get(draft.resource_type or "", 10**6)))
    if len(draft.text) <= most:
        return
    size = len(draft.text) if draft.kind in _COUNTING_SPACE else count_significant(draft.text)
    if size > most:
        yield rule.at(draft.whole, size=size, most=most)


@statement_check
def check_account_guardrail(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """What an SCP cannot have."""
    if draft.kind is not PolicyKind.GUARDRAIL:
        return
    for name in ("Principal", "NotPrincipal"):
        if name in statement.members:
            yield _SCP_PRINCIPAL.at(statement.name_of(name), element=Words(name))


@statement_check
def check_resource_guardrail(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """What an RCP cannot have."""
    if draft.kind is not PolicyKind.RESOURCE_GUARDRAIL:
        return
    principal = statement.members.get("Principal")
    if "NotPrincipal" in statement.members:
        yield _RCP_PRINCIPAL.at(statement.name_of("NotPrincipal"))
    elif principal is not None and principal.node.value != "*":
        yield _RCP_PRINCIPAL.at(statement.element("Principal"))
    if statement.allows:
        yield _RCP_ALLOW.at(statement.element("Effect"))
    if "NotAction" in statement.members:
        yield _RCP_NOT_ACTION.at(statement.name_of("NotAction"))
    for entry in statement.actions:
        if entry.text.partition(":")[0].lower() not in draft.catalogue.limited_by_resource_guardrails:
            yield _RCP_ACTION.at(entry.place, action=entry.text)


@statement_check
def check_resource_guardrail_keys(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Keys in an RCP that some callers lack."""
    if draft.kind is not PolicyKind.RESOURCE_GUARDRAIL or not statement.denies:
        return
    negated = [clause for clause in statement.clauses if clause.is_negated]
    people = next((clause for clause in negated if clause.folded in _OF_PRINCIPALS), None)
    sources = next((clause for clause in negated if clause.folded in _OF_SOURCES), None)
    if people is not None and not _asks_for_service(statement, "false"):
        yield _RCP_PEOPLE.at(people.key.place, key=people.key.text)
    if sources is not None and not _asks_for_service(statement, "true"):
        yield _RCP_SERVICES.at(sources.key.place, key=sources.key.text)
    if sources is not None and not any(_asks_for_presence(clause) for clause in statement.clauses):
        yield _RCP_NULL.at(sources.key.place, key=sources.key.text)


def _asks_for_service(statement: StatementDraft, wanted: str) -> bool:
    return any(
        clause.folded == _IS_SERVICE and clause.base == "Bool" and _values(clause) == [wanted]
        for clause in statement.clauses
    )


def _asks_for_presence(clause: Clause) -> bool:
    return clause.folded in _CHECKED and clause.base == NULL and _values(clause) == ["false"]


def _values(clause: Clause) -> list[str]:
    return [value.text.lower() for value in clause.values]
