"""Laws of the whole decision flow: whatever the policies, the caller and the request, these hold."""

import json
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from reference.policy_cases import Case, cases

from workflows.policy.cases import answer_line, read_case
from workflows.policy.decision import Outcome
from workflows.policy.evaluate import decide
from workflows.policy.layers import LayerKind
from workflows.policy.principal import CallingPrincipal, Form
from workflows.policy.request import Request
from workflows.policy.strict_json import read_json

Document = dict[str, Any]

_LAW = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
_DENY: Document = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}
_ROOMS = ("identity_policies", "permission_boundaries", "session_policy", "resource_policy", "scps", "rcps")


def _answer(case: Case) -> str:
    return str(answer_line(json.dumps(case))["decision"])


def _allowed(case: Case) -> bool:
    return _answer(case) == "Allowed"


def _documents(case: Case) -> list[Document]:
    """Every document of a case."""
    found: list[Document] = []

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for each in value:
                walk(each)
        elif value is not None:
            found.append(value)

    for room in _ROOMS:
        walk(case.get(room))
    return found


def _statements(document: Document) -> list[Document]:
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _replaced(case: Case, old: Document, new: Document) -> Case:
    """The case with one of its documents, told by identity, replaced by another."""

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(each) for each in value]
        return new if value is old else value

    return {**case, **{room: walk(case[room]) for room in _ROOMS if room in case}}


@_LAW
@given(cases(), st.data())
def test_adding_a_deny_to_any_document_never_allows(case: Case, data: st.DataObject) -> None:
    documents = _documents(case)
    assume(documents)
    document = data.draw(st.sampled_from(documents))
    model = data.draw(st.sampled_from(_statements(document)))
    more = {**document, "Statement": [*_statements(document), {**model, "Effect": "Deny"} | _renamed(model)]}
    assert _allowed(case) or not _allowed(_replaced(case, document, more))


def _renamed(statement: Document) -> Document:
    return {"Sid": "Added"} if "Sid" in statement else {}


@_LAW
@given(cases(), st.data())
def test_removing_an_allow_from_any_document_never_allows(case: Case, data: st.DataObject) -> None:
    pairs = [
        (document, place)
        for document in _documents(case)
        for place, statement in enumerate(_statements(document))
        if statement["Effect"] == "Allow"
    ]
    assume(pairs)
    document, place = data.draw(st.sampled_from(pairs))
    left = [each for number, each in enumerate(_statements(document)) if number != place]
    # A resource guardrail without any Allow implies full access beside it.
    assume(not any(document is one for level in case.get("rcps") or [] for one in level))
    nothing = {**_statements(document)[0], "Effect": "Deny", "Action": "none:Such"}
    nothing.pop("NotAction", None)
    if document is case.get("resource_policy") and case["action"].lower().startswith("sts:"):
        nothing["Action"] = "sts:NoSuch"
    less = {**document, "Statement": left or [nothing]}
    assert _allowed(case) or not _allowed(_replaced(case, document, less))


@_LAW
@given(cases(), st.data())
def test_another_ceiling_never_allows(case: Case, data: st.DataObject) -> None:
    assume(":federated-user/" not in str(case["principal"]))  # theirs is nothing without a session policy
    ceilings = [each for each in _documents(case) if "Principal" not in str(each)]
    one = data.draw(st.sampled_from([_DENY, *ceilings]))
    before = _allowed(case)
    boundaries = case.get("permission_boundaries")
    if boundaries != []:  # an empty list is a boundary that allows nothing, not the absence of one
        assert before or not _allowed({**case, "permission_boundaries": [*(boundaries or []), one]})
    assert before or not _allowed({**case, "scps": [*(case.get("scps") or []), [one]]})
    if case.get("session_policy") is None:
        assert before or not _allowed({**case, "session_policy": one})


@_LAW
@given(cases(), st.data())
def test_order_and_repetition_change_nothing(case: Case, data: st.DataObject) -> None:
    def mixed(entries: list[Any]) -> list[Any]:
        return data.draw(st.permutations(entries + entries[:1])) if entries else entries

    shuffled = case
    for document in _documents(case):
        repeated = mixed(
            [{key: value for key, value in each.items() if key != "Sid"} for each in _statements(document)]
        )
        shuffled = _replaced(shuffled, document, {**document, "Statement": repeated})
    for room in ("identity_policies", "scps", "rcps"):
        if room in shuffled:
            shuffled = {**shuffled, room: mixed(shuffled[room])}
    assert _answer(shuffled) == _answer(case)


@_LAW
@given(cases())
def test_the_case_of_an_action_changes_nothing(case: Case) -> None:
    assert len({_answer({**case, "action": spelt}) for spelt in (case["action"].lower(), case["action"].upper())}) == 1


@_LAW
@given(cases(), st.integers(5, 40))
def test_a_crowd_of_other_statements_changes_nothing(case: Case, count: int) -> None:
    crowd = [
        {
            "Effect": "Allow" if number % 2 else "Deny",
            "Action": ["s3:*", "sqs:*", "sts:*", "kms:*"],
            "Resource": f"arn:aws:*:*:999999999999:other{number}/*{'x' * number}",
        }
        for number in range(count)
    ]
    policies = [*(case.get("identity_policies") or []), {"Version": "2012-10-17", "Statement": crowd}]
    assert _answer({**case, "identity_policies": policies}) == _answer(case)


@_LAW
@given(cases())
def test_a_decision_agrees_with_its_own_reasons(case: Case) -> None:
    answer = answer_line(json.dumps(case))
    decision, detail = answer["decision"], answer["detail"]
    assert isinstance(detail, dict)
    words = [layer["decision"] for layer in detail["layers"]]
    if decision == "ExplicitlyDenied":
        assert detail["deciding"] in [layer["statement"] for layer in detail["layers"]]
    if detail["because"] != "because no policy governs it":
        assert ("ExplicitlyDenied" in words) is (decision == "ExplicitlyDenied")
    assert bool(detail["missing"]) is (decision == "ImplicitlyDenied")
    for layer in detail["layers"]:
        assert (layer["statement"] is None) is (layer["decision"] == "ImplicitlyDenied")


@_LAW
@given(cases())
def test_a_delegated_caller_gets_what_every_ceiling_and_its_own_policies_allow_and_no_more(case: Case) -> None:
    read = read_case(read_json(json.dumps(case)))
    asked = read.request
    name, account = asked.principal.name, asked.principal.account
    assume(asked.principal.has_account and not asked.principal.is_service_linked)
    caller = CallingPrincipal(Form.USER, name, account, is_delegated=True)
    decision = decide(read.layers, Request(asked.action, asked.resource, asked.context, caller, asked.resource_account))
    inner = [layer for layer in decision.layers if layer.kind is not LayerKind.RESOURCE]
    if decision.allowed:
        assert {layer.outcome for layer in inner} == {Outcome.ALLOWED}
        assert LayerKind.IDENTITY in {layer.kind for layer in inner}
