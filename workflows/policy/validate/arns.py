"""Resource and NotResource: whether each entry is an ARN, and one that the service gives."""

import re
from collections.abc import Iterator
from typing import Final

from workflows.policy.patterns import split_arn
from workflows.policy.principal import ACCOUNT_ID
from workflows.policy.validate.draft import Draft, StatementDraft, Text
from workflows.policy.validate.lookup import ArnForm, arn_forms, nearest
from workflows.policy.validate.regions import PARTITIONS, REGIONS
from workflows.policy.validate.rules import Finding, Rule, error, statement_check
from workflows.policy.variables import RAW

_SERVICE, _REGION, _ACCOUNT, _REST = range(2, 6)
_LONGEST: Final = 2048
_S3: Final = "arn:[^:]*:s3:"
# Of the paths of this API the catalogue lists but some; the same goes for whatever begins with a slash.
_PATHS: Final = "apigateway"
# AWS's own documents and views stand in no account, which the catalogue does not say.
_OWNED_BY_NOBODY: Final = frozenset({"ssm", "resource-explorer-2"})
# What the resources of a policy look like that is attached to a resource of a type.
_OF_TYPE: Final = {
    "AWS::S3::Bucket": re.compile(rf"{_S3}::(?!accesspoint/).+"),
    "AWS::S3::AccessPoint": re.compile(rf"{_S3}[^:]+:[^:]+:(accesspoint/.+|\*)"),
    "AWS::S3::MultiRegionAccessPoint": re.compile(rf"{_S3}[^:]*:[^:]+:(accesspoint/.+|\*)"),
    "AWS::S3ObjectLambda::AccessPoint": re.compile(r"arn:[^:]*:s3-object-lambda:[^:]+:[^:]+:(accesspoint/.+|\*)"),
    "AWS::DynamoDB::Table": re.compile(r"arn:[^:]*:dynamodb:[^:]+:[^:]+:(table/.+|\*)"),
}

_PREFIX: Final = error(
    "INVALID_ARN_PREFIX", "The resource {arn} does not begin with arn: as ARNs do.", 'Write an ARN or "*".'
)
_MISSING_FIELD: Final = error(
    "MISSING_ARN_FIELD",
    "The ARN {arn} has fewer than six fields.",
    "Write arn:partition:service:region:account:resource, with nothing between the colons where a field is empty.",
)
_INVALID_PARTITION: Final = error(
    "INVALID_PARTITION", "There is no partition {partition}.", "Write aws, or the partition that is meant."
)
_SERVICE_CASE: Final = error(
    "INVALID_ARN_SERVICE_CASE", "The service {service} of the ARN is not in lower case.", "Write it in lower case."
)
UNKNOWN_SERVICE: Final = error(
    "INVALID_SERVICE", "There is no service {service}.", "Correct it; the nearest known one is {nearest}."
)
_INVALID_REGION: Final = error(
    "INVALID_ARN_REGION", "There is no region {region}.", "Correct it; the nearest known one is {nearest}."
)
_MISSING_REGION: Final = error(
    "MISSING_ARN_REGION", "ARNs like {arn} have a region, and this one has none.", "Add the region, or * for all."
)
_NO_REGION: Final = error(
    "ARN_REGION_NOT_ALLOWED", "ARNs like {arn} have no region, and this one has one.", "Leave the field empty."
)
_INVALID_ACCOUNT: Final = error(
    "INVALID_ARN_ACCOUNT", "The account {account} of the ARN is none.", "Write the 12 digits of an account."
)
_MISSING_ACCOUNT: Final = error(
    "MISSING_ARN_ACCOUNT", "ARNs like {arn} have an account, and this one has none.", "Add it, or * for all."
)
_NO_ACCOUNT: Final = error(
    "ARN_ACCOUNT_NOT_ALLOWED", "ARNs like {arn} have no account, and this one has one.", "Leave the field empty."
)
_INVALID_RESOURCE: Final = error(
    "INVALID_ARN_RESOURCE",
    "The last field of {arn} fits no type of resource of its service.",
    "Correct the type and the name.",
)
_FOREIGN_ARN: Final = error(
    "UNSUPPORTED_RESOURCE_ARN_IN_POLICY",
    "The ARN {arn} is none of the resource that this policy is attached to.",
    "Name that resource, or what lies within it.",
)


@statement_check
def check_resources(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Each resource; a field that holds a wildcard or a variable is judged only as far as that can be."""
    for entry in (*statement.resources, *statement.not_resources):
        if entry.text != "*":
            yield from _judged(draft, entry)


def _judged(draft: Draft, entry: Text) -> Iterator[Finding]:
    shape = RAW.sub("*", entry.text) if "${" in entry.text else entry.text
    if not shape.startswith("arn:"):
        yield _PREFIX.at(entry.place, arn=entry.text)
        return
    fields = split_arn(shape)
    if fields is None:
        yield _MISSING_FIELD.at(entry.place, arn=entry.text)
        return
    own = _OF_TYPE.get(draft.resource_type or "")
    if own is not None and own.fullmatch(shape) is None and not _is_wild(fields[_SERVICE]):
        yield _FOREIGN_ARN.at(entry.place, arn=entry.text)
    yield from _fields(draft, entry, fields)
    service, rest = fields[_SERVICE], fields[_REST]
    if not _is_wild(service) and len(rest) <= _LONGEST:
        forms = arn_forms().fitting(service, rest, draft.arn_work)
        if forms is not None:
            yield from _formed(entry, fields, forms)


def _fields(draft: Draft, entry: Text, fields: list[str]) -> Iterator[Finding]:
    """Each field alone."""
    _, partition, service, region, account, _ = fields
    if partition not in PARTITIONS and not _is_wild(partition):
        yield _INVALID_PARTITION.at(entry.place, partition=partition)
    if service != service.lower():
        yield _SERVICE_CASE.at(entry.place, service=service)
    elif not _is_wild(service) and not arn_forms().knows(service):
        guess = nearest(draft, service, draft.catalogue.services)
        yield UNKNOWN_SERVICE.at(entry.place, service=service, nearest=guess)
    if region and region not in REGIONS and not _is_wild(region):
        yield _INVALID_REGION.at(entry.place, region=region, nearest=nearest(draft, region, REGIONS))
    if account not in ("", "aws") and not _is_wild(account) and ACCOUNT_ID.fullmatch(account) is None:
        forms = arn_forms().fitting(service, fields[_REST], draft.arn_work) or ()
        if not any(form.account == account for form in forms):
            yield _INVALID_ACCOUNT.at(entry.place, account=account)


def _formed(entry: Text, fields: list[str], forms: tuple[ArnForm, ...]) -> Iterator[Finding]:
    """The fields together, against the forms that the last one may fit."""
    service = fields[_SERVICE]
    if not forms:
        if service != _PATHS and not fields[_REST].startswith("/"):
            yield _INVALID_RESOURCE.at(entry.place, arn=entry.text)
        return
    yield from _presence(entry, fields[_REGION], {form.region for form in forms}, _MISSING_REGION, _NO_REGION)
    accounts = {form.account for form in forms}
    if service in _OWNED_BY_NOBODY:
        accounts.add("")
    yield from _presence(entry, fields[_ACCOUNT], accounts, _MISSING_ACCOUNT, _NO_ACCOUNT)


def _presence(entry: Text, field: str, accepted: set[str], missing: Rule, needless: Rule) -> Iterator[Finding]:
    if not field and "" not in accepted:
        yield missing.at(entry.place, arn=entry.text)
    elif accepted == {""} and field.strip("*"):
        yield needless.at(entry.place, arn=entry.text)


def _is_wild(field: str) -> bool:
    return "*" in field or "?" in field
