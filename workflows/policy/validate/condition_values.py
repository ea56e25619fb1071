"""Values of conditions: whether they can be read as what their operator and key compare."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from workflows.policy.conditions import NULL
from workflows.policy.operators import binary, instant, number, truth
from workflows.policy.validate.draft import Clause, Draft, StatementDraft, Text
from workflows.policy.validate.principals import SERVICE_NAME, service_format
from workflows.policy.validate.regions import REGIONS
from workflows.policy.validate.rules import Finding, Rule, clause_check, error, warning
from workflows.policy.variables import RAW

_VPC: Final = re.compile(r"vpc-([0-9a-f]{8}|[0-9a-f]{17})")
_VPCE: Final = re.compile(r"vpce-([0-9a-f]{8}|[0-9a-f]{17})")
_KMS_KEY: Final = re.compile(r"arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+")
_VIA_SERVICE: Final = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_FEWEST_LITERAL: Final = 6
# Of these any wildcard lets in strangers; of those it takes a few characters in front to hold them off.
_NEVER_WILD: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
    }
)
_SENSITIVE: Final = frozenset(
    {"aws:principalarn", "aws:sourcearn", "aws:sourceidentity", "aws:userid", "aws:username", "sts:externalid"}
)

# What AWS itself says of the caller, who cannot choose it.
_OF_AWS: Final = re.compile(
    r"\$\{aws:(PrincipalAccount|PrincipalOrgID|ResourceAccount|ResourceOrgID|SourceAccount|userid|username)\}",
    re.IGNORECASE,
)

_BOOLEAN: Final = warning("TYPE_MISMATCH_BOOLEAN", "{value} is not a boolean.", 'Write "true" or "false".')
_DATE: Final = warning("TYPE_MISMATCH_DATE", "{value} is not a date.", "Write it as 2030-01-31T00:00:00Z.")
_NUMBER: Final = warning("TYPE_MISMATCH_NUMBER", "{value} is not a number.", "Write digits, with a point if need be.")
_BINARY: Final = warning("TYPE_MISMATCH_STRING", "{value} is not base64.", "Encode the bytes that are meant.")
_EPOCH: Final = warning(
    "INVALID_DATE_VALUE", "{value} counts seconds, which is hard to read.", "Write it as 2030-01-31T00:00:00Z."
)
_WILDCARD: Final = warning(
    "WILDCARD_WITHOUT_LIKE_OPERATOR",
    "Under {operator} the wildcard in {value} is a plain character.",
    "Use StringLike or StringNotLike if it is meant as a wildcard.",
)
_REGION: Final = error("INVALID_REGION", "There is no region {value}.", "Write one as in eu-west-1.")
_INVALID_VPC: Final = error(
    "INVALID_VPC_FORMAT", "{value} is not the id of a VPC.", "Write vpc- and 8 or 17 characters of a-f and 0-9."
)
_INVALID_VPCE: Final = error(
    "INVALID_VPCE_FORMAT",
    "{value} is not the id of a VPC endpoint.",
    "Write vpce- and 8 or 17 characters of a-f and 0-9.",
)
_INVALID_KMS: Final = error(
    "INVALID_KMS_KEY_VALUE", "{value} is not the ARN of a KMS key.", "Write the full ARN of the key, not of an alias."
)
_WIDE_WILDCARD: Final = error(
    "WILDCARD_USAGE_TOO_PERMISSIVE",
    "The wildcard in {value} leaves {key} open to almost anybody.",
    "Write more of the value in front of it, or the value itself.",
)
_WIDERAW: Final = error(
    "VARIABLE_USAGE_TOO_PERMISSIVE",
    "The variable in {value} leaves the value of {key} to the caller.",
    "Write more of the value in front of it, or the value itself.",
)


_BY_OPERATOR: Final[Mapping[str, tuple[Callable[[str], bool], Rule]]] = {
    "Bool": (lambda text: truth(text) is not None, _BOOLEAN),
    "Null": (lambda text: truth(text) is not None, _BOOLEAN),
    "Date": (lambda text: instant(text) is not None, _DATE),
    "Numeric": (lambda text: number(text) is not None, _NUMBER),
    "Binary": (lambda text: binary(text) is not None, _BINARY),
}


def _without_variables(text: str) -> str:
    return RAW.sub("", text) if "${" in text else text


@clause_check
def check_values_of_operator(_draft: Draft, _statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Values that the operator cannot read, and dates that people cannot."""
    family = re.match("Bool|Null|Date|Numeric|Binary", clause.base)
    if family is None:
        return
    reads, rule = _BY_OPERATOR[family[0]]
    for value in clause.values:
        if "${" in value.text:
            continue
        if not reads(value.text):
            yield rule.at(value.place, value=value.text)
        elif family[0] == "Date" and number(value.text) is not None and clause.folded != "aws:epochtime":
            yield _EPOCH.at(value.place, value=value.text)


@clause_check
def check_wildcards(_draft: Draft, _statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Wildcards that are none."""
    if not clause.base.startswith("String") or clause.base.endswith("Like"):
        return
    for value in clause.values:
        plain = _without_variables(value.text)
        if "*" in plain or "?" in plain:
            yield _WILDCARD.at(value.place, operator=clause.operator_name, value=value.text)


# --- values of certain keys ------------------------------------------------------------------------------


def _plain(text: str) -> bool:
    """Whether a value stands for itself alone."""
    return "*" not in text and "?" not in text and "${" not in text


def _by_pattern(pattern: re.Pattern[str], rule: Rule) -> Callable[[Text], Finding | None]:
    def judge(value: Text) -> Finding | None:
        return None if pattern.fullmatch(value.text) else rule.at(value.place, value=value.text)

    return judge


def _region(value: Text) -> Finding | None:
    return None if value.text in REGIONS else _REGION.at(value.place, value=value.text)


def _service(value: Text) -> Finding | None:
    return None if SERVICE_NAME.fullmatch(value.text) else service_format(value)


def _via_service(value: Text) -> Finding | None:
    return None if _VIA_SERVICE.fullmatch(value.text) else service_format(value)


_BY_KEY: Final[Mapping[str, Callable[[Text], Finding | None]]] = {
    "aws:requestedregion": _region,
    "aws:sourcevpc": _by_pattern(_VPC, _INVALID_VPC),
    "aws:sourcevpce": _by_pattern(_VPCE, _INVALID_VPCE),
    "s3:x-amz-server-side-encryption-aws-kms-key-id": _by_pattern(_KMS_KEY, _INVALID_KMS),
    "aws:principalservicename": _service,
    "aws:principalservicenameslist": _service,
    "aws:calledvia": _service,
    "aws:calledviafirst": _service,
    "aws:calledvialast": _service,
    "iam:passedtoservice": _service,
    "iam:awsservicename": _service,
    "kms:viaservice": _via_service,
}


@clause_check
def check_values_of_key(_draft: Draft, _statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Values that a key never has."""
    judge = _BY_KEY.get(clause.folded)
    if judge is None or not clause.base.startswith("String"):
        return
    for value in clause.values:
        if _plain(value.text) and (finding := judge(value)) is not None:
            yield finding


@clause_check
def check_open_values(_draft: Draft, statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Wildcards and variables that leave a key open on which much depends."""
    if not statement.allows or clause.is_negated or clause.base == NULL:
        return
    never = clause.folded in _NEVER_WILD
    if not never and clause.folded not in _SENSITIVE and not clause.folded.endswith(":sub"):
        return
    for value in clause.values:
        rule = _opening(clause, value.text, 10**6 if never else _FEWEST_LITERAL)
        if rule is not None:
            yield rule.at(value.place, value=value.text, key=clause.key.text)


def _opening(clause: Clause, text: str, fewest: int) -> Rule | None:
    """The rule that a value breaks; a lone `*` asks for the key's presence, about which there are other rules."""
    variable = _OF_AWS.sub("......", text).find("${")
    if 0 <= variable < fewest:
        return _WIDERAW
    comparison = clause.operator.comparison if clause.operator is not None else None
    if comparison is None or not comparison.takes_wildcards or text == "*":
        return None
    wildcard = re.search(r"[*?]", RAW.sub("......", text))
    if wildcard is None:
        return None
    if clause.folded == "aws:userid" and ":" not in text:
        return _WIDE_WILDCARD
    return _WIDE_WILDCARD if wildcard.start() < fewest else None
