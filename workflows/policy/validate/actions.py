"""Action and NotAction: whether services and actions exist, and the policy's resource has them."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from workflows.policy.context import fold
from workflows.policy.document import PolicyKind
from workflows.policy.validate.draft import Draft, StatementDraft, Text, action_glob
from workflows.policy.validate.lookup import has_action, nearest
from workflows.policy.validate.rules import Finding, error, statement_check, suggestion

_FORM: Final = re.compile(r"[A-Za-z0-9*?-]+:[A-Za-z0-9*?_.-]+")
_OF_TYPE: Final[Mapping[str, frozenset[str]]] = {
    "AWS::S3::Bucket": frozenset({"s3"}),
    "AWS::S3::AccessPoint": frozenset({"s3"}),
    "AWS::S3::MultiRegionAccessPoint": frozenset({"s3"}),
    "AWS::S3ObjectLambda::AccessPoint": frozenset({"s3-object-lambda"}),
    "AWS::IAM::AssumeRolePolicyDocument": frozenset({"sts"}),
    "AWS::DynamoDB::Table": frozenset({"dynamodb"}),
}

_INVALID_SERVICE: Final = error(
    "INVALID_SERVICE_IN_ACTION",
    "There is no service {service}, which the action {action} names.",
    "Correct the prefix; the nearest known one is {nearest}.",
)
_INVALID_ACTION: Final = error(
    "INVALID_ACTION",
    "The action {action} does not exist.",
    "Correct or remove it; the nearest known one is {nearest}.",
)
_FOREIGN_ACTION: Final = error(
    "UNSUPPORTED_ACTION_IN_POLICY",
    "The action {action} is none of the resource that this policy is attached to.",
    "Name actions of its own service alone.",
)
_WILD_SERVICE: Final = suggestion(
    "WILDCARD_IN_SERVICE_NAME",
    "The service of {action} holds a wildcard, so that services nobody has thought of are meant too.",
    "Name the services.",
)


@statement_check
def check_actions(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Each action against the catalogue; one that the catalogue cannot know is not judged."""
    kind = "AWS::IAM::AssumeRolePolicyDocument" if draft.kind is PolicyKind.TRUST else draft.resource_type
    own = _OF_TYPE.get(kind or "")
    for entry in (*statement.actions, *statement.not_actions):
        if entry.text != "*" and "${" not in entry.text:
            yield from _judged(draft, entry, own)


def _judged(draft: Draft, entry: Text, own: frozenset[str] | None) -> Iterator[Finding]:
    if _FORM.fullmatch(entry.text) is None:
        yield _INVALID_ACTION.at(entry.place, action=entry.text, nearest=nearest(draft, "", ()))
        return
    prefix = fold(entry.text.partition(":")[0])
    if "*" in prefix or "?" in prefix:
        yield _WILD_SERVICE.at(draft.part(entry, 0, len(prefix)), action=entry.text)
        return
    service = draft.catalogue.service(prefix)
    if service is None:
        guess = nearest(draft, prefix, draft.catalogue.services)
        yield _INVALID_SERVICE.at(draft.part(entry, 0, len(prefix)), service=prefix, action=entry.text, nearest=guess)
        return
    if not has_action(service, action_glob(entry.text), draft.work):
        names = [f"{service.prefix}:{one.name}" for one in service.actions.values()]
        guess = nearest(draft, entry.text, names)
        yield _INVALID_ACTION.at(entry.place, action=entry.text, nearest=guess)
    elif own is not None and prefix not in own:
        yield _FOREIGN_ACTION.at(entry.place, action=entry.text)
