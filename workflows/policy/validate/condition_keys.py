"""Operators and keys of conditions: do they exist, do they suit each other, and do requests carry the key."""

from collections.abc import Iterator
from typing import Final

from workflows.policy.catalogue import KeyEntry, Service, catalogue
from workflows.policy.conditions import NULL, Quantifier
from workflows.policy.document import KEY, PolicyKind
from workflows.policy.global_keys import KeyType
from workflows.policy.strict_json import Number
from workflows.policy.validate.arns import UNKNOWN_SERVICE
from workflows.policy.validate.draft import Clause, Draft, StatementDraft, action_glob, members_of
from workflows.policy.validate.lookup import matching, named_services, nearest
from workflows.policy.validate.places import KeyStep, Place
from workflows.policy.validate.rules import (
    Finding,
    Words,
    clause_check,
    error,
    security_warning,
    statement_check,
    suggestion,
    warning,
)

_TAG_HEADS: Final = frozenset({"aws:requesttag", "aws:resourcetag", "aws:principaltag"})
_OPERATORS: Final = (
    "StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike"
    " ArnEquals ArnNotEquals ArnLike ArnNotLike NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals"
    " NumericGreaterThan NumericGreaterThanEquals DateEquals DateNotEquals DateLessThan DateLessThanEquals"
    " DateGreaterThan DateGreaterThanEquals Bool BinaryEquals IpAddress NotIpAddress Null"
)
# What suits which type beside the operators that are called after it: a text can be compared with anything written.
_SUITABLE: Final = {
    KeyType.STRING: ("String", "Binary"),
    KeyType.ARN: ("Arn", "String"),
    KeyType.NUMERIC: ("Numeric",),
    KeyType.BOOL: ("Bool", "String"),
    KeyType.DATE: ("Date", "Numeric"),
    KeyType.IP_ADDRESS: ("IpAddress", "NotIpAddress"),
    KeyType.STRINGS: ("String", "Binary"),
    KeyType.ARNS: ("Arn", "String"),
    KeyType.BOOLS: ("Bool", "String"),
}
# Keys that come with one action alone, which has to stand beside what is meant.
_WITH_ACTION: Final = {
    "ec2:createaction": "ec2:CreateTags",
    "iam:associatedresourcearn": "iam:PassRole",
    "iam:passedtoservice": "iam:PassRole",
}
_FORGEABLE: Final = frozenset({"aws:referer", "aws:useragent"})
_PAIRED: Final = {"aws:vpcsourceip": ("aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn")}
_OF_BUCKETS: Final = frozenset({"s3:resourceaccount", "aws:resourceaccount"})
_ONE_AUDIENCE: Final = ("token.actions.githubusercontent.com", "accounts.google.com", "cognito-identity.amazonaws.com")

_INVALID_OPERATOR: Final = error(
    "INVALID_CONDITION_OPERATOR", "There is no operator {operator}.", "Correct it; the nearest is {nearest}."
)
_NULL_IF_EXISTS: Final = error(
    "NULL_WITH_IF_EXISTS", "Null asks whether a key exists, so IfExists has no meaning.", "Write Null alone."
)
_NULL_QUALIFIED: Final = suggestion(
    "NULL_WITH_QUALIFIER",
    "Null with {qualifier} is always or never true.",
    "Write Null alone, which takes keys with several values too.",
)
_KEY_FORM: Final = error(
    "INVALID_CONDITION_KEY_FORMAT", "{key} is not written as a condition key.", "Write prefix:name as in aws:SourceIp."
)
_NO_TAG: Final = error(
    "MISSING_TAG_KEY_IN_CONDITION", "{key} does not name the tag.", "Write the tag behind the slash."
)
_TWICE: Final = error(
    "DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
    "The key {key} stands twice under one operator, for keys know no case.",
    "Put the values into one list.",
)
_MIXED: Final = error(
    "INVALID_CONDITION_DATA_TYPE",
    "The values of {key} are of more than one JSON type.",
    "Write all of them as texts.",
)
_BOOLEANS: Final = error(
    "INVALID_CONDITION_MULTIPLE_BOOLEAN", "{key} is compared with several booleans.", "Write the one that is meant."
)
_UNKNOWN_GLOBAL: Final = error(
    "INVALID_GLOBAL_CONDITION_KEY", "There is no global key {key}.", "Correct it, or remove the comparison."
)
_OLD_ARN: Final = error(
    "UNSUPPORTED_GLOBAL_CONDITION_KEY",
    "The key {key} is not supported here.",
    "Use aws:PrincipalArn or aws:SourceArn.",
)
_DEPRECATED_ARN: Final = warning(
    "DEPRECATED_GLOBAL_CONDITION_KEY", "The key {key} is out of use.", "Use aws:PrincipalArn."
)
_UNKNOWN_KEY: Final = error(
    "INVALID_SERVICE_CONDITION_KEY",
    "The service {service} has no key {key}.",
    "Correct it; the nearest known one is {nearest}.",
)

_NOT_WITH_ACTIONS: Final = error(
    "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
    "Requests for {actions} never carry the key {key}.",
    "Move these actions to a statement without it.",
)
_MISSING_ACTION: Final = error(
    "MISSING_ACTION_FOR_CONDITION_KEY",
    "The key {key} comes with {action} alone, which the statement does not name.",
    "Add the action, or remove the comparison.",
)
_QUALIFIER: Final = error(
    "MISSING_QUALIFIER",
    "The key {key} can have several values.",
    "Say with ForAllValues or ForAnyValue how many of them have to fit.",
)
_FOR_ALL_OF_ONE: Final = security_warning(
    "FORALLVALUES_WITH_SINGLE_VALUED_KEY",
    "ForAllValues is true of a request without {key}, which never has several values.",
    "Leave ForAllValues out.",
)
_AUDIENCE_ANY: Final = security_warning(
    "FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE",
    "With ForAnyValue one audience of {key} is enough, whatever else the token is for.",
    "Leave ForAnyValue out, or ask for all of them with ForAllValues and for one with Null.",
)
_AUDIENCE: Final = suggestion(
    "CONFIRM_AUDIENCE_CLAIM_TYPE",
    "It depends on the provider whether {key} has one value or several.",
    "Make sure that the operator suits what it sends.",
)
_PAIR: Final = security_warning(
    "MISSING_PAIRED_CONDITION_KEYS",
    "The key {key} alone does not say whose network it is about.",
    "Compare one of {others} as well.",
)
_LIKE_OF_ARN: Final = security_warning(
    "STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS",
    "Under {operator} a wildcard of {key} runs over the fields of an ARN.",
    "Use ArnLike or ArnNotLike, whose wildcards stay within their field.",
)
_FORGED: Final = security_warning(
    "UNTRUSTWORTHY_CONDITION_KEY",
    "The caller chooses the value of {key} at will.",
    "Do not let access depend on it.",
)
_TYPE: Final = warning(
    "TYPE_MISMATCH",
    "The operator {operator} does not suit {key}, which is of the type {type}.",
    "Use one for the type.",
)
_ONLY_WITH: Final = warning(
    "USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES",
    "Requests to {services} never carry the key {key}.",
    "Move their actions to a statement without it.",
)
_IRRELEVANT: Final = suggestion(
    "IRRELEVANT_CONDITION_KEY_IN_POLICY",
    "The key {key} says nothing in the policy of a bucket, whose account is always the same.",
    "Leave it out.",
)


# --- operators -------------------------------------------------------------------------------------------


@statement_check
def check_operators(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Whether each operator exists; case matters."""
    if "Condition" not in statement.members:
        return
    known = {clause.operator_name for clause in statement.clauses if clause.operator is not None}
    for name, member in members_of(statement.members["Condition"].node).items():
        if name not in known:
            place = Place((*statement.path, "Condition", KeyStep(name)), member.start, member.end)
            yield from _operator(draft, name, place)


def _operator(draft: Draft, name: str, place: Place) -> Iterator[Finding]:
    qualifier, colon, rest = name.rpartition(":")
    if rest == "NullIfExists":
        yield _NULL_IF_EXISTS.at(place)
    elif rest == NULL and qualifier in ("ForAllValues", "ForAnyValue"):
        yield _NULL_QUALIFIED.at(place, qualifier=Words(qualifier))
    elif not _is_operator(qualifier + colon, rest):
        yield _INVALID_OPERATOR.at(place, operator=name, nearest=nearest(draft, rest, _OPERATORS.split()))


def _is_operator(qualifier: str, rest: str) -> bool:
    return qualifier in ("", "ForAllValues:", "ForAnyValue:") and rest.removesuffix("IfExists") in _OPERATORS.split()


# --- keys ------------------------------------------------------------------------------------------------


@clause_check
def check_key(draft: Draft, statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Whether the key exists."""
    key, folded = clause.key, clause.folded
    prefix, colon, rest = folded.partition(":")
    head, _, tag = folded.partition("/")
    if "${" in key.text:
        return
    if head in _TAG_HEADS and not tag:
        yield _NO_TAG.at(key.place, key=key.text)
    elif not colon or not rest or KEY.fullmatch(key.text) is None:
        yield _KEY_FORM.at(key.place, key=key.text)
    elif folded == "aws:arn":
        with_principals = "Principal" in statement.members or "NotPrincipal" in statement.members
        yield (_OLD_ARN if with_principals else _DEPRECATED_ARN).at(key.place, key=key.text)
    elif prefix == "aws":
        if draft.key(folded) is None:
            yield _UNKNOWN_GLOBAL.at(key.place, key=key.text)
    else:
        yield from _of_service(draft, clause, prefix)


def _of_service(draft: Draft, clause: Clause, prefix: str) -> Iterator[Finding]:
    known = draft.catalogue
    if draft.key(clause.folded) is not None or "." in prefix or "/" in prefix:
        # Providers choose the names of their keys.
        return
    owners = known.key_owners(prefix)
    key = clause.key
    if owners:
        names = [entry.name for owner in owners for entry in owner.keys.values()]
        yield _UNKNOWN_KEY.at(key.place, service=prefix, key=key.text, nearest=nearest(draft, key.text, names))
    else:
        guess = nearest(draft, prefix, known.services)
        yield UNKNOWN_SERVICE.at(draft.part(key, 0, len(prefix)), service=prefix, nearest=guess)


@statement_check
def check_keys_that_stand_twice(_draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Keys that differ in nothing but their case."""
    seen: set[tuple[str, str]] = set()
    for clause in statement.clauses:
        if (clause.operator_name, clause.folded) in seen:
            yield _TWICE.at(clause.key.place, key=clause.key.text)
        seen.add((clause.operator_name, clause.folded))


@clause_check
def check_types_of_values(_draft: Draft, _statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """The JSON types of the values of one key, and how many booleans there are."""
    kinds = {_json_type(value.node.value) for value in clause.values}
    if len(kinds) > 1:
        yield _MIXED.at(clause.held.place, key=clause.key.text)
    if clause.base == "Bool" and len({value.text for value in clause.values}) > 1:
        yield _BOOLEANS.at(clause.held.place, key=clause.key.text)


def _json_type(value: object) -> str:
    return "number" if isinstance(value, Number) else type(value).__name__


# --- keys and operators ----------------------------------------------------------------------------------


@clause_check
def check_operator_of_key(draft: Draft, statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Whether the operator suits what the catalogue says of the key."""
    entry = draft.key(clause.folded)
    if entry is None or clause.operator is None or clause.base == NULL:
        return
    if not clause.base.startswith(_SUITABLE[entry.type]) and clause.folded != "aws:epochtime":
        place = clause.operator_place
        yield _TYPE.at(place, operator=clause.operator_name, key=clause.key.text, type=Words(entry.type.value))
    is_glob = clause.base in ("StringLike", "StringNotLike") and any(value.is_wild for value in clause.values)
    if is_glob and entry.type in (KeyType.ARN, KeyType.ARNS):
        yield _LIKE_OF_ARN.at(clause.operator_place, operator=clause.operator_name, key=clause.key.text)
    yield from _quantified(statement, clause, entry)


def _quantified(statement: StatementDraft, clause: Clause, entry: KeyEntry) -> Iterator[Finding]:
    if entry.is_multivalued and clause.quantifier is Quantifier.NONE:
        yield _QUALIFIER.at(clause.key.place, key=clause.key.text)
    elif not entry.is_multivalued and clause.quantifier is Quantifier.ALL and statement.allows and not _is_aud(clause):
        yield _FOR_ALL_OF_ONE.at(clause.operator_place, key=clause.key.text)


def _is_aud(clause: Clause) -> bool:
    return clause.folded.endswith(":aud") and not clause.folded.startswith("saml:")


@clause_check
def check_audience(draft: Draft, statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """How the audience of a token is compared."""
    if draft.kind is not PolicyKind.TRUST or not statement.allows or not _is_aud(clause):
        return
    if clause.quantifier is Quantifier.ANY:
        yield _AUDIENCE_ANY.at(clause.operator_place, key=clause.key.text)
    elif not clause.folded.startswith(_ONE_AUDIENCE):
        yield _AUDIENCE.at(clause.key.place, key=clause.key.text)


# --- keys and statements ---------------------------------------------------------------------------------


@clause_check
def check_key_of_actions(draft: Draft, statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Whether requests for the actions carry the key of a service."""
    if not statement.actions or not clause.demands or clause.folded.startswith("aws:"):
        return
    wanted = _WITH_ACTION.get(clause.folded)
    if wanted is not None and not _names(draft, statement, wanted):
        yield _MISSING_ACTION.at(clause.key.place, key=clause.key.text, action=Words(wanted))
        return
    prefix = clause.folded.partition(":")[0]
    service = draft.catalogue.service(prefix)
    if service is None or service.key(clause.folded) is None:
        return
    foreign = _foreign(draft, statement, clause, prefix)
    if foreign:
        yield _ONLY_WITH.at(clause.key.place, services=Words(", ".join(foreign[:5])), key=clause.key.text)
    dead = _without_key(draft, statement, clause, prefix)
    if dead and _is_kept_track_of(service, clause.folded):
        yield _NOT_WITH_ACTIONS.at(clause.key.place, actions=Words(", ".join(dead[:5])), key=clause.key.text)


def _is_kept_track_of(service: Service, folded: str) -> bool:
    """Whether the catalogue says which actions carry a key; of tags and the caller's instance it does not."""
    if "resourcetag/" in folded or folded == "ec2:sourceinstancearn":
        return False
    return any(catalogue().carries(action, folded) for action in service.actions.values())


def _names(draft: Draft, statement: StatementDraft, action: str) -> bool:
    folded = action.lower()
    return any(action_glob(entry.text).matches(folded, draft.work) for entry in statement.actions)


def _foreign(draft: Draft, statement: StatementDraft, clause: Clause, prefix: str) -> list[str]:
    """The known services of the statement none of whose actions carries the key."""
    named = named_services(statement)
    if prefix not in named:
        return []
    others = (draft.catalogue.service(name) for name in named if name != prefix)
    return [one.prefix for one in others if one is not None and one.key(clause.folded) is None]


def _without_key(draft: Draft, statement: StatementDraft, clause: Clause, prefix: str) -> list[str]:
    """The actions of the key's own service that are named in full and never carry it, if no other does either."""
    service = draft.catalogue.service(prefix)
    found: list[str] = []
    for entry in statement.actions:
        if service is None or entry.text.partition(":")[0].lower() != prefix:
            continue
        covered = list(matching(service, action_glob(entry.text), draft.work))
        draft.work.spend(len(covered))
        if any(draft.catalogue.carries(action, clause.folded) for action in covered):
            return []
        found += [action.full_name for action in covered if not entry.is_wild]
    return found


@clause_check
def check_trust_in_key(draft: Draft, statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Keys that prove little, alone or at all."""
    if statement.allows and clause.folded in _FORGEABLE and clause.base != NULL:
        yield _FORGED.at(clause.key.place, key=clause.key.text)
    others = _PAIRED.get(clause.folded)
    if others is not None and not statement.keys.intersection(map(str.lower, others)):
        yield _PAIR.at(clause.key.place, key=clause.key.text, others=Words(", ".join(others)))
    if draft.resource_type == "AWS::S3::Bucket" and clause.folded in _OF_BUCKETS:
        yield _IRRELEVANT.at(clause.key.place, key=clause.key.text)
