"""Principal and NotPrincipal: whom a statement may name in which kind of document, and how."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from workflows.policy.document import PolicyKind
from workflows.policy.principal import EVERYBODY, PRINCIPAL_KINDS, is_principal_text
from workflows.policy.validate.draft import Draft, StatementDraft, Text, members_of
from workflows.policy.validate.places import KeyStep, Place
from workflows.policy.validate.rules import (
    Finding,
    Words,
    error,
    security_warning,
    statement_check,
    suggestion,
    warning,
)

PRINCIPAL_ELEMENTS: Final = ("Principal", "NotPrincipal")
_WITHOUT: Final = (PolicyKind.IDENTITY, PolicyKind.BOUNDARY, PolicyKind.SESSION)
_SOURCES: Final = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"})
_CLOSE_SOURCES: Final = frozenset({"aws:sourcearn", "aws:sourceaccount"})
_OF_PEOPLE: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principaltype",
        "aws:userid",
        "aws:username",
    }
)
SERVICE_NAME: Final = re.compile(
    r"[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal|amazonaws\.eu)"
)
_UNIQUE_ID: Final = re.compile(r"(AROA|AIDA)[A-Z0-9]{8,124}")

_UNSUPPORTED: Final = error(
    "UNSUPPORTED_PRINCIPAL", "A policy of this kind names no principals: it is attached to one.", "Remove {element}."
)
_FORMAT: Final = error(
    "INVALID_PRINCIPAL_FORMAT",
    "The principal {principal} names nobody.",
    'Write "*", or an object such as {{"AWS": "111122223333"}} with accounts and ARNs.',
)
_KEY: Final = error(
    "INVALID_PRINCIPAL_KEY",
    "There is no kind of principal {kind}.",
    "Kinds are told apart by case; accepted are {accepted}.",
)
_WILDCARD: Final = error(
    "UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
    "The principal {principal} holds a wildcard, which names nobody there.",
    "Name each one, or everybody and a condition on aws:PrincipalArn.",
)
_FEDERATED: Final = error(
    "FEDERATED_PRINCIPAL_NOT_SUPPORTED",
    "Only the trust policy of a role can name identity providers.",
    "Name the role that is assumed through the provider.",
)
_ALLOW_NOT: Final = security_warning(
    "ALLOW_WITH_NOT_PRINCIPAL",
    "Allow with NotPrincipal lets in everybody else, strangers without a name included.",
    "Name in Principal who may.",
)
_ROLE_GONE: Final = warning(
    "INVALID_ROLE_REFERENCE",
    "{principal} is the id of a role, which IAM shows where the role is gone.",
    "Name the role that is meant by its ARN, or remove the entry.",
)
_USER_GONE: Final = warning(
    "INVALID_USER_REFERENCE",
    "{principal} is the id of a user, which IAM shows where the user is gone.",
    "Name the user that is meant by its ARN, or remove the entry.",
)
_SERVICE_FORMAT: Final = error(
    "INVALID_SERVICE_PRINCIPAL_FORMAT",
    "{service} is not the name of a service that calls.",
    "Write it in lower case as in ec2.amazonaws.com, under kms:ViaService as in ec2.eu-west-1.amazonaws.com.",
)
_CONFUSED_DEPUTY: Final = security_warning(
    "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL",
    "The service {service} may act here on behalf of anybody.",
    "Compare aws:SourceArn, aws:SourceAccount, aws:SourceOrgID or aws:SourceOrgPaths with whom it may act for.",
)
_CLOSER_KEY: Final = suggestion(
    "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
    "The service {service} may act here on behalf of a whole organization.",
    "If one account or resource is meant, compare aws:SourceAccount or aws:SourceArn as well.",
)
_NOT_OF_SERVICES: Final = error(
    "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
    "The requests of a service do not carry the key {key}, so nothing is allowed.",
    "Use keys of the source such as aws:SourceArn, or keep people and services in statements of their own.",
)


@statement_check
def check_principal_elements(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Whether the elements are accepted, and are of a form that is."""
    for name in PRINCIPAL_ELEMENTS:
        member = statement.members.get(name)
        if member is None:
            continue
        if draft.kind in _WITHOUT:
            yield _UNSUPPORTED.at(statement.name_of(name), element=Words(name))
            continue
        value = member.node.value
        if value != EVERYBODY and not isinstance(value, dict):
            yield _FORMAT.at(statement.element(name), principal=value if isinstance(value, str) else name)
        for kind, inner in members_of(member.node).items():
            if kind not in PRINCIPAL_KINDS:
                place = Place((*statement.path, name, KeyStep(kind)), inner.start, inner.end)
                yield _KEY.at(place, kind=kind, accepted=Words(", ".join(PRINCIPAL_KINDS)))
            elif kind == "Federated" and draft.kind is not PolicyKind.TRUST:
                yield _FEDERATED.at(Place((*statement.path, name, KeyStep(kind)), inner.start, inner.end))
    if statement.allows and "NotPrincipal" in statement.members and draft.kind is PolicyKind.RESOURCE:
        yield _ALLOW_NOT.at(statement.name_of("NotPrincipal"))


@statement_check
def check_entries(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Each principal by itself."""
    if draft.kind in _WITHOUT:
        return
    for name, entries in _entries(statement.principals, statement.not_principals):
        if name == "Service":
            yield from _service(entries)
        elif name in PRINCIPAL_KINDS:
            yield from _named(name, entries)


def _entries(*elements: Mapping[str, tuple[Text, ...]]) -> Iterator[tuple[str, tuple[Text, ...]]]:
    for element in elements:
        yield from element.items()


def _service(entries: tuple[Text, ...]) -> Iterator[Finding]:
    for entry in entries:
        if entry.is_wild:
            yield _WILDCARD.at(entry.place, principal=entry.text)
        elif SERVICE_NAME.fullmatch(entry.text) is None and "${" not in entry.text:
            yield _SERVICE_FORMAT.at(entry.place, service=entry.text)


def _named(kind: str, entries: tuple[Text, ...]) -> Iterator[Finding]:
    for entry in entries:
        if entry.is_wild and not (kind == "AWS" and entry.text == EVERYBODY) and "${" not in entry.text:
            yield _WILDCARD.at(entry.place, principal=entry.text)
        elif kind == "AWS" and _UNIQUE_ID.fullmatch(entry.text):
            rule = _ROLE_GONE if entry.text.startswith("AROA") else _USER_GONE
            yield rule.at(entry.place, principal=entry.text)
        elif kind == "AWS" and entry.path[-1] not in PRINCIPAL_ELEMENTS and not _is_named(entry.text):
            yield _FORMAT.at(entry.place, principal=entry.text)


def _is_named(text: str) -> bool:
    return "*" in text or "?" in text or "${" in text or is_principal_text(text)


@statement_check
def check_services_that_act_for_others(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Services that are let in without regard to whom they act for."""
    if draft.kind is not PolicyKind.RESOURCE or not statement.allows:
        return
    for entry in statement.named("Service"):
        if not statement.keys & _SOURCES:
            yield _CONFUSED_DEPUTY.at(entry.place, service=entry.text)
        elif not statement.keys & _CLOSE_SOURCES:
            yield _CLOSER_KEY.at(entry.place, service=entry.text)


@statement_check
def check_keys_that_services_lack(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Keys of people in an Allow to services alone."""
    if draft.kind not in (PolicyKind.RESOURCE, PolicyKind.TRUST) or not statement.allows:
        return
    if list(statement.principals) != ["Service"]:
        return
    for clause in statement.clauses:
        if clause.demands and (clause.folded in _OF_PEOPLE or clause.folded.startswith("aws:principaltag/")):
            yield _NOT_OF_SERVICES.at(clause.key.place, key=clause.key.text)


def service_format(entry: Text) -> Finding:
    """Return the finding about a text that is no service's name."""
    return _SERVICE_FORMAT.at(entry.place, service=entry.text)
