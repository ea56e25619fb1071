"""What elements a document has: names, types, pairs, effects, versions, Sids, and lists with nothing in them."""

from collections.abc import Iterator, Mapping
from typing import Final

from workflows.policy.conditions import Quantifier
from workflows.policy.document import OLD_VERSION, VERSION_WITH_VARIABLES, PolicyKind
from workflows.policy.strict_json import Number
from workflows.policy.validate.draft import ALLOW, DENY, Clause, Draft, StatementDraft, members_of
from workflows.policy.validate.places import KeyStep, Path, Place
from workflows.policy.validate.principals import PRINCIPAL_ELEMENTS
from workflows.policy.validate.rules import (
    Finding,
    Words,
    clause_check,
    document_check,
    error,
    statement_check,
    suggestion,
    warning,
)
from workflows.policy.validate.source import Member, Node

_IN_DOCUMENT: Final = ("Version", "Id", "Statement")
_IN_DOCUMENT_WITHOUT_ID: Final = ("Version", "Statement")
_WITH_PRINCIPAL: Final = (PolicyKind.RESOURCE, PolicyKind.TRUST, PolicyKind.RESOURCE_GUARDRAIL)
_LISTS: Final = ("Action", "NotAction", "Resource", "NotResource")
_PAIRS: Final = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))
_IN_STATEMENT: Final = ("Sid", "Effect", *PRINCIPAL_ELEMENTS, *_LISTS, "Condition")
_WITH_FREE_SIDS: Final = (PolicyKind.RESOURCE, PolicyKind.TRUST)
# Types by their names in JSON, which are the same in every language.
_STRING: Final = Words("string")
_STRINGS: Final = Words("string | array of string")
_SCALARS: Final = Words("string | number | boolean")
_OBJECT: Final = Words("object")
_OBJECTS: Final = Words("object | array of object")
_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

_INVALID_ELEMENT: Final = error(
    "INVALID_POLICY_ELEMENT",
    "There is no element {name} here.",
    "Elements are told apart by case; accepted are {accepted}.",
)
_WRONG_TYPE: Final = error(
    "DATA_TYPE_MISMATCH", "The element {name} has the wrong JSON type.", "Accepted is {accepted}."
)
_INVALID_VERSION: Final = error(
    "INVALID_VERSION", "There is no version {version} of the policy language.", 'Write "2012-10-17".'
)
_MISSING_VERSION: Final = warning(
    "MISSING_VERSION",
    "The policy names no version, so it is read as one of 2008, in which variables are plain text.",
    'Add "Version": "2012-10-17".',
)
_MISSING_STATEMENT: Final = error(
    "MISSING_STATEMENT", "The policy has no statement.", "Add the element Statement with at least one statement."
)
_MISSING_EFFECT: Final = error(
    "MISSING_EFFECT", "The statement has no effect.", 'Add the element Effect with "Allow" or "Deny".'
)
_INVALID_EFFECT: Final = error("INVALID_EFFECT", "{effect} is not an effect.", 'Write "Allow" or "Deny"; case matters.')
_MISSING_ACTION: Final = error(
    "MISSING_ACTION", "The statement names no actions.", "Add the element Action or NotAction."
)
_MISSING_RESOURCE: Final = error(
    "MISSING_RESOURCE", "The statement names no resources.", "Add the element Resource or NotResource."
)
_MISSING_PRINCIPAL: Final = error(
    "MISSING_PRINCIPAL", "The statement does not say whom it is about.", "Add the element Principal."
)
_BOTH_OF_A_PAIR: Final = error(
    "UNSUPPORTED_ELEMENT_COMBINATION",
    "The statement has both {one} and {other}.",
    "Keep one of them; what should apply to the other needs a statement of its own.",
)
_REQUIRED_SIDS: Final = error(
    "UNIQUE_SIDS_REQUIRED", "The Sid {sid} is that of an earlier statement too.", "Give each statement its own Sid."
)
_RECOMMENDED_SIDS: Final = warning(
    "UNIQUE_SIDS_RECOMMENDED",
    "The Sid {sid} is that of an earlier statement too.",
    "Give each statement its own Sid, so that they can be told apart.",
)
_UNSUPPORTED_SID: Final = error(
    "UNSUPPORTED_SID", "The Sid {sid} holds characters that are not accepted here.", "Use A-Z, a-z and 0-9 alone."
)
_EMPTY_SID: Final = suggestion("EMPTY_SID_VALUE", "The Sid is empty.", "Give the statement a name, or leave Sid out.")
_EMPTY: Final = {
    "Action": suggestion(
        "EMPTY_ARRAY_ACTION",
        "The list of actions is empty, so the statement does nothing.",
        "Name actions, or remove the statement.",
    ),
    "Resource": suggestion(
        "EMPTY_ARRAY_RESOURCE",
        "The list of resources is empty, so the statement does nothing.",
        "Name resources, or remove the statement.",
    ),
    "Principal": suggestion(
        "EMPTY_ARRAY_PRINCIPAL",
        "The list of principals is empty, so the statement does nothing.",
        "Name principals, or remove the statement.",
    ),
}
_EMPTY_PRINCIPAL_OBJECT: Final = suggestion(
    "EMPTY_OBJECT_PRINCIPAL",
    "The object of principals is empty, so the statement does nothing.",
    "Name principals, or remove the statement.",
)
_EMPTY_CONDITION_OBJECT: Final = suggestion(
    "EMPTY_OBJECT_CONDITION", "The condition is empty and asks for nothing.", "Add a comparison, or leave it out."
)
_EMPTY_VALUES: Final = suggestion(
    "EMPTY_ARRAY_CONDITION", "The key {key} is compared with no value.", "Give it values, or leave the key out."
)
_EMPTY_VALUES_FOR_ALL: Final = suggestion(
    "EMPTY_ARRAY_CONDITION_FORALLVALUES",
    "ForAllValues with no value is true only if the request does not have the key {key}.",
    'If that is meant, compare it with "true" under Null; otherwise give it values.',
)
_EMPTY_VALUES_FOR_ANY: Final = suggestion(
    "EMPTY_ARRAY_CONDITION_FORANYVALUE",
    "ForAnyValue with no value is never true, whatever {key} is.",
    "Give it values, or remove the statement.",
)
_EMPTY_VALUES_IF_EXISTS: Final = suggestion(
    "EMPTY_ARRAY_CONDITION_IFEXISTS",
    "IfExists with no value is true only if the request does not have the key {key}.",
    'If that is meant, compare it with "true" under Null; otherwise give it values.',
)


@document_check
def check_document(draft: Draft) -> Iterator[Finding]:
    """The members of the document itself."""
    root = draft.root
    if not isinstance(root.value, dict):
        yield _WRONG_TYPE.at(draft.whole, name="policy", accepted=_OBJECT)
        return
    yield from _unknown(draft.members, _IN_DOCUMENT if draft.kind in _WITH_PRINCIPAL else _IN_DOCUMENT_WITHOUT_ID, ())
    if "Id" in draft.members and not isinstance(draft.members["Id"].node.value, str):
        yield _WRONG_TYPE.at(draft.element("Id"), name="Id", accepted=_STRING)
    yield from _version(draft)
    yield from _statement_element(draft)


def _version(draft: Draft) -> Iterator[Finding]:
    if "Version" not in draft.members:
        yield _MISSING_VERSION.at(draft.whole)
    elif not isinstance(draft.version, str):
        yield _WRONG_TYPE.at(draft.element("Version"), name="Version", accepted=_STRING)
    elif draft.version not in (OLD_VERSION, VERSION_WITH_VARIABLES) and "${" not in draft.version:
        yield _INVALID_VERSION.at(draft.element("Version"), version=draft.version)


def _statement_element(draft: Draft) -> Iterator[Finding]:
    found = draft.members.get("Statement")
    if found is None or found.node.value == []:
        yield _MISSING_STATEMENT.at(draft.whole if found is None else draft.element("Statement"))
    elif isinstance(found.node.value, list):
        for index, node in enumerate(found.node.value):
            if not isinstance(node.value, dict):
                place = Place(("Statement", index), node.start, node.end)
                yield _WRONG_TYPE.at(place, name="Statement", accepted=_OBJECT)
    elif not isinstance(found.node.value, dict):
        yield _WRONG_TYPE.at(draft.element("Statement"), name="Statement", accepted=_OBJECTS)


def _unknown(members: Mapping[str, Member], accepted: tuple[str, ...], path: Path) -> Iterator[Finding]:
    for name, member in members.items():
        if name not in accepted:
            place = Place((*path, KeyStep(name)), member.start, member.end)
            yield _INVALID_ELEMENT.at(place, name=name, accepted=Words(", ".join(accepted)))


@statement_check
def check_elements(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Which elements a statement has, must have, and cannot have together."""
    members = statement.members
    yield from _unknown(members, _IN_STATEMENT, statement.path)
    for one, other in _PAIRS:
        if one in members and other in members and not (one == "Principal" and draft.kind not in _WITH_PRINCIPAL):
            yield _BOTH_OF_A_PAIR.at(
                statement.name_of(one), statement.name_of(other), one=Words(one), other=Words(other)
            )
    if "Action" not in members and "NotAction" not in members:
        yield _MISSING_ACTION.at(statement.place)
    if draft.kind is not PolicyKind.TRUST and "Resource" not in members and "NotResource" not in members:
        yield _MISSING_RESOURCE.at(statement.place)
    if draft.kind in _WITH_PRINCIPAL and "Principal" not in members and "NotPrincipal" not in members:
        yield _MISSING_PRINCIPAL.at(statement.place)


@statement_check
def check_effect(_draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """The effect of a statement."""
    if "Effect" not in statement.members:
        yield _MISSING_EFFECT.at(statement.place)
    elif statement.effect is None:
        yield _WRONG_TYPE.at(statement.element("Effect"), name="Effect", accepted=_STRING)
    elif statement.effect not in (ALLOW, DENY) and "${" not in statement.effect:
        yield _INVALID_EFFECT.at(statement.element("Effect"), effect=statement.effect)


@statement_check
def check_sid(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """The Sid of a statement alone."""
    found = statement.members.get("Sid")
    if found is None:
        return
    sid, place = found.node.value, statement.element("Sid")
    if not isinstance(sid, str):
        yield _WRONG_TYPE.at(place, name="Sid", accepted=_STRING)
    elif not sid:
        yield _EMPTY_SID.at(place)
    elif draft.kind not in _WITH_FREE_SIDS and not _LETTERS.issuperset(sid) and "${" not in sid:
        yield _UNSUPPORTED_SID.at(place, sid=sid)


@document_check
def check_equal_sids(draft: Draft) -> Iterator[Finding]:
    """Sids that are taken."""
    rule = _RECOMMENDED_SIDS if draft.kind in _WITH_FREE_SIDS else _REQUIRED_SIDS
    seen: set[str] = set()
    for statement in draft.statements:
        found = statement.members.get("Sid")
        sid = found.node.value if found is not None else None
        if isinstance(sid, str) and sid:
            if sid in seen:
                yield rule.at(statement.element("Sid"), sid=sid)
            seen.add(sid)


@statement_check
def check_lists(_draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """The types of actions, resources and principals, and lists of none."""
    for name in _LISTS:
        if name in statement.members:
            yield from _list_of_texts(statement.members[name].node, name, (*statement.path, name))
    for name in PRINCIPAL_ELEMENTS:
        if name in statement.members:
            yield from _principal_lists(statement, name)


def _principal_lists(statement: StatementDraft, name: str) -> Iterator[Finding]:
    node = statement.members[name].node
    if node.value == {}:
        yield _EMPTY_PRINCIPAL_OBJECT.at(statement.element(name))
    for kind, member in members_of(node).items():
        yield from _list_of_texts(member.node, name, (*statement.path, name, kind))


def _list_of_texts(node: Node, name: str, path: Path) -> Iterator[Finding]:
    here = Place(path, node.start, node.end)
    if node.value == []:
        yield _EMPTY[name.removeprefix("Not")].at(here)
    elif isinstance(node.value, list):
        for index, each in enumerate(node.value):
            if not isinstance(each.value, str):
                place = Place((*path, index), each.start, each.end)
                yield _WRONG_TYPE.at(place, name=Words(name), accepted=_STRING)
    elif not isinstance(node.value, str):
        yield _WRONG_TYPE.at(here, name=Words(name), accepted=_STRINGS)


@statement_check
def check_condition(_draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """The types within a condition, down to its values."""
    found = statement.members.get("Condition")
    if found is None:
        return
    path = (*statement.path, "Condition")
    if found.node.value == {}:
        yield _EMPTY_CONDITION_OBJECT.at(statement.element("Condition"))
    elif not isinstance(found.node.value, dict):
        yield _WRONG_TYPE.at(statement.element("Condition"), name="Condition", accepted=_OBJECT)
    for operator, member in members_of(found.node).items():
        here = Place((*path, operator), member.node.start, member.node.end)
        if member.node.value == {}:
            yield _EMPTY_CONDITION_OBJECT.at(here)
        elif not isinstance(member.node.value, dict):
            yield _WRONG_TYPE.at(here, name=operator, accepted=_OBJECT)
        for key, values in members_of(member.node).items():
            yield from _values(values.node, key, (*path, operator, key))


def _values(node: Node, key: str, path: Path) -> Iterator[Finding]:
    several = node.value if isinstance(node.value, list) else None
    for index, each in enumerate([node] if several is None else several):
        if not isinstance(each.value, (str, bool, Number)):
            place = Place(path if several is None else (*path, index), each.start, each.end)
            yield _WRONG_TYPE.at(place, name=key, accepted=_SCALARS)


@clause_check
def check_empty_values(_draft: Draft, _statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Keys that are compared with nothing."""
    if clause.held.node.value != [] or clause.operator is None:
        return
    rule = _EMPTY_VALUES
    if clause.quantifier is Quantifier.ALL:
        rule = _EMPTY_VALUES_FOR_ALL
    elif clause.quantifier is Quantifier.ANY:
        rule = _EMPTY_VALUES_FOR_ANY
    elif clause.operator.if_exists:
        rule = _EMPTY_VALUES_IF_EXISTS
    yield rule.at(clause.held.place, key=clause.key.text)
