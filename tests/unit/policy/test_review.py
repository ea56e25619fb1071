"""The review of bundles: exactly what is wrong, calls that really work, corrections that really correct."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

import pytest
from staging.bundles import BOUNDARY, TEMPLATE, bundle_in, cases, expected_of, told

from workflows.policy.asking import AT_HOME
from workflows.policy.catalogue import catalogue
from workflows.policy.compare import Verdict, compare
from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.layers import NamedPolicy
from workflows.policy.review import (
    BoundaryDocument,
    Bundle,
    Document,
    Finding,
    Severity,
    Step,
    bundle_of,
    corrected,
    review,
)
from workflows.policy.reviewing import iam_rules, service_rules
from workflows.policy.reviewing.passing_rules import CALLS_THAT_ESCALATE
from workflows.templates import Parameter, parse_template, render

# Rules about what a document can grant; a Deny on everything leaves none of them.
ON_ACCESS: Final = (
    *("E-BOUNDARY", "E-DELEGATION", "E-PASS-COMPUTE", "E-PASS-DATA", "E-PASS-DEPLOY", "E-REWRITE", "E-TAKEOVER"),
    *("E-TRUST", "S2", "S3", "S6", "S8-HIDDEN", "S8-PASSED-TO", "TAG-OPENS", "UNPROVEN", "V10", "V11", "V12", "V13"),
    *("V14", "V15", "V16", "V17", "V18", "V19", "V20", "V21", "V8"),
)
ESCALATIONS: Final = {name for name in ON_ACCESS if name.startswith("E-")} | {"S2", "S3", "V10", "V15", "V16"}
READABLE: Final = [name for name in cases() if not name.startswith("broken")]


@cache
def found_in(name: str) -> tuple[Bundle, tuple[Finding, ...]]:
    bundle = bundle_in(cases()[name])
    return bundle, review(bundle)


@pytest.mark.parametrize("name", cases())
def test_a_bundle_has_exactly_the_findings_that_it_was_made_for(name: str) -> None:
    assert told(found_in(name)[1]) == expected_of(cases()[name])


def test_every_action_that_rules_ask_about_exists() -> None:
    asked = {*CALLS_THAT_ESCALATE, *iam_rules.NAMED, *service_rules.CREDENTIALS}
    assert [action for action in sorted(asked) if catalogue().action(action) is None] == []


def test_every_way_to_escalate_has_a_bundle_and_good_ones_stand_beside_them() -> None:
    expected = [expected_of(case) for case in cases().values()]
    rules = {rule for each in expected for rule, *_ in each}
    assert rules >= ESCALATIONS | set(ON_ACCESS) - {"UNPROVEN"}
    assert len(expected) >= 60
    assert sum(not each for each in expected) >= 30


# --- the evidence ----------------------------------------------------------------------------------------


def rendered(bundle: Bundle, artefact: str, parameters: Mapping[str, str]) -> Policy:
    """The document as a session or a role really gets it."""
    if artefact == BOUNDARY:
        return parse_policy(bundle.boundaries[0].text, kind=PolicyKind.BOUNDARY)
    assert bundle.template is not None
    template = parse_template(bundle.template.text, wildcard_safe=bundle.wildcard_safe)
    given = [Parameter(one.name, (parameters[one.name],)) for one in template.parameters]
    return render(template, given).policy


def works(bundle: Bundle, artefact: str, step: Step) -> bool:
    layers = AT_HOME.layers([NamedPolicy("rendered", rendered(bundle, artefact, step.parameters))])
    return decide(layers, AT_HOME.request(step.request)).allowed


def test_every_call_of_an_attack_is_allowed_by_what_the_template_renders_into() -> None:
    failed = [
        (name, one.rule, step.request.action)
        for name in READABLE
        for one in found_in(name)[1]
        for step in one.attack
        if not works(found_in(name)[0], one.artefact, step)
    ]
    assert failed == []


def test_what_escalates_is_shown_as_calls() -> None:
    bare = [
        (name, one.rule)
        for name in READABLE
        for one in found_in(name)[1]
        if one.rule in ON_ACCESS and one.rule != "UNPROVEN" and not one.attack
    ]
    assert bare == []


# --- corrections -----------------------------------------------------------------------------------------


@cache
def corrections(name: str) -> tuple[tuple[Bundle, Finding, str], ...]:
    return tuple(_corrections(name))


def _corrections(name: str) -> Iterator[tuple[Bundle, Finding, str]]:
    bundle, findings = found_in(name)
    for finding in findings:
        better = corrected(bundle, finding, findings)
        if better is not None:
            assert better.diff
            yield bundle, finding, better.text


def with_text(bundle: Bundle, artefact: str, text: str) -> Bundle:
    if artefact == BOUNDARY:
        return replace(bundle, boundaries=(replace(bundle.boundaries[0], text=text),))
    return replace(bundle, template=Document(TEMPLATE, text))


# Within a template that lets values choose anything lies what some choice of them allows.
CHOSEN: Final = {
    "pass-prefix-parameter": {"rolePrefix": "acme.example/"},
    "pass-type-parameter": {"kindOfThing": "role"},
}


@pytest.mark.parametrize("name", [name for name in READABLE if cases()[name]["expected"]])
def test_a_correction_takes_its_finding_away_and_grants_no_more(name: str) -> None:
    for bundle, finding, text in corrections(name):
        after = with_text(bundle, finding.artefact, text)
        same = [one for one in review(bundle) if one.rule == finding.rule]
        assert len([one for one in review(after) if one.rule == finding.rule]) < len(same)
        attacked = finding.attack[0].parameters if finding.attack else _plain_values(bundle)
        values = {**attacked, **CHOSEN.get(name, {})}
        narrow, wide = ([NamedPolicy("rendered", rendered(one, finding.artefact, values))] for one in (after, bundle))
        assert compare(narrow, wide).verdict is Verdict.PROVEN


def _plain_values(bundle: Bundle) -> Mapping[str, str]:
    if bundle.template is None:
        return {}
    parsed = parse_template(bundle.template.text, wildcard_safe=bundle.wildcard_safe)
    return {
        one.name: f"arn:aws:iam::{1:012}:role/acme" if one.name.endswith("Arn") else "acme" for one in parsed.parameters
    }


def test_most_of_what_is_wrong_has_a_correction() -> None:
    rules = {finding.rule for name in READABLE for _, finding, _ in corrections(name)}
    assert rules >= {"S2", "V10", "V12", "V13", "V15", "V21", "E-PASS-COMPUTE", "S8-FORALL", "RESOURCE", "V1", "V2"}


# --- laws ------------------------------------------------------------------------------------------------


def _also(bundle: Bundle, statement: Mapping[str, Any]) -> Bundle:
    if bundle.template is None:
        (boundary,) = bundle.boundaries
        return replace(bundle, boundaries=(replace(boundary, text=_extended(boundary.text, statement)),))
    return replace(bundle, template=replace(bundle.template, text=_extended(bundle.template.text, statement)))


def _extended(text: str, statement: Mapping[str, Any]) -> str:
    tree = json.loads(text)
    tree["Statement"].append(statement)
    return json.dumps(tree)


def test_a_deny_on_everything_leaves_nothing_that_is_granted() -> None:
    nothing = {"Sid": "Nothing", "Effect": "Deny", "Action": "*", "Resource": "*"}
    for name in READABLE:
        bundle, _ = found_in(name)
        judged = TEMPLATE if bundle.template else BOUNDARY
        found = review(_also(bundle, nothing))
        assert [(name, one.rule) for one in found if one.rule in ON_ACCESS and one.artefact == judged] == []


def test_an_allow_on_everything_is_refused_whatever_stands_beside_it() -> None:
    everything = {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"}
    for name in READABLE[:: len(READABLE) // 12]:
        found = review(_also(found_in(name)[0], everything))
        assert Severity.CRITICAL in {one.severity for one in found}


def test_the_order_of_statements_changes_nothing() -> None:
    for name in READABLE:
        bundle, findings = found_in(name)
        if bundle.template is None:
            continue
        tree = json.loads(bundle.template.text)
        tree["Statement"].reverse()
        turned = replace(bundle, template=Document(TEMPLATE, json.dumps(tree)))
        assert {(one.rule, one.severity) for one in review(turned)} == {(one.rule, one.severity) for one in findings}


# --- partners that mean harm -----------------------------------------------------------------------------


def template(*statements: Mapping[str, Any]) -> Bundle:
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}, ensure_ascii=False)
    return Bundle(Document(TEMPLATE, text), domain="acme.example")


def allow(action: object, resource: object = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, resource: object = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def test_what_is_too_entangled_to_decide_is_told_and_never_passed_over() -> None:
    tags = {f"aws:PrincipalTag/k{n}": [f"*{i}*{n}*" for i in range(10)] for n in range(20)}
    denies = [
        deny("*", Condition={"StringLike": {f"aws:PrincipalTag/k{n}": [f"*{i}*z*" for i in range(10)]}})
        for n in range(20)
    ]
    for action, severity in (("iam:CreateRole", Severity.CRITICAL), ("kms:Decrypt", Severity.HIGH)):
        found = review(template(allow(action, Condition={"StringLike": tags}), *denies))
        assert ("UNPROVEN", severity) in {(one.rule, one.severity) for one in found}


def test_switches_that_fight_one_another_in_too_many_ways_are_told() -> None:
    either = [
        {"@Enabled": f"{sign}switch{n}", **deny("iam:CreateAccessKey", f"arn:aws:iam::*:user/*{n}{sign and 'x'}*")}
        for n in range(8)
        for sign in ("", "!")
    ]
    found = review(template(allow("iam:CreateAccessKey"), *either))
    assert {one.rule for one in found} & {"UNPROVEN", "V10"}


def test_a_finding_says_under_which_switches_it_holds() -> None:
    found = {one.rule: one.message for one in found_in("keys-denied-by-switch")[1]}
    assert found["V10"].endswith(', when "keepSafe" is False')


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"Version":"2012-10-17","Statement":5}', '{"Statement":[true]}', "[" * 5000, "\ufeff{}"],
)
def test_what_is_no_policy_is_one_critical_finding_for_each_document(text: str) -> None:
    found = review(Bundle(Document(TEMPLATE, text), (BoundaryDocument(BOUNDARY, text),)))
    assert [(one.severity, one.artefact) for one in found] == [
        (Severity.CRITICAL, BOUNDARY),
        (Severity.CRITICAL, TEMPLATE),
    ]


def test_values_that_make_no_policy_of_a_statement_leave_it_unproven() -> None:
    text = "arn:aws:s3:::" + "-".join(f"@{{name{n:02}}}" for n in range(40))
    bundle = template(allow("s3:GetObject", text))
    safe = frozenset(f"name{n:02}" for n in range(40))
    found = review(replace(bundle, wildcard_safe=safe))
    assert ("UNPROVEN", Severity.CRITICAL) in {(one.rule, one.severity) for one in found}


def test_a_message_never_carries_what_a_terminal_would_obey() -> None:
    found = review(template(allow("sqs:SendMessage", "arn:aws:sqs:\u009b31m:1:x\u0085")))
    assert found
    assert all(one.message.isascii() for one in found)


# --- a folder --------------------------------------------------------------------------------------------

GOOD: Final = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:GetObject", "arn:aws:s3:::acme/*")]})
EDGE: Final = "arn:aws:iam::partner:policy/permissions-boundary/acme.example/Edge_2026_01_02"
MAKER: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            allow(
                "iam:CreateRole",
                "arn:aws:iam::@{accountId}:role/acme.example/*",
                Condition={"StringEquals": {"iam:PermissionsBoundary": EDGE}},
            )
        ],
    }
)


def folder(**files: str) -> list[tuple[str, str, str]]:
    bundle, wrong = bundle_of({f"{name}.json": text for name, text in files.items()})
    return [(one.rule, one.severity.value, one.artefact) for one in (*wrong, *review(bundle))]


def test_a_folder_is_read_under_either_pair_of_names() -> None:
    named = json.dumps({"partner_domain": "acme.example", "boundary_name": "Edge"})
    assert folder(permissions=MAKER, boundary=GOOD, bundle_metadata=named) == []
    assert folder(delegation_template=MAKER, permission_boundary=GOOD) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, [("S1", "CRITICAL", "permissions.json")]),
        ({"boundary": GOOD}, [("S1", "CRITICAL", "permissions.json")]),
        ({"permissions": GOOD, "delegation_template": GOOD}, [("S1", "CRITICAL", "delegation_template.json")]),
        ({"permissions": GOOD, "bundle_metadata": "{"}, [("S1", "CRITICAL", "bundle_metadata.json")]),
        (
            {"permissions": GOOD, "bundle_metadata": '{"partner_domain":5}'},
            [("S1", "CRITICAL", "bundle_metadata.json")],
        ),
        (
            {"permissions": GOOD, "bundle_metadata": '{"partner_domain":"no"}'},
            [("S1", "CRITICAL", "bundle_metadata.json")],
        ),
        ({"permissions": MAKER}, [("S1", "CRITICAL", "boundary.json"), ("S4", "HIGH", "permissions.json")]),
    ],
)
def test_what_is_wrong_with_a_folder_is_a_finding(files: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    assert folder(**files) == expected


def test_a_boundary_of_another_name_or_domain_is_not_the_one_that_roles_are_held_to() -> None:
    for named in ({"boundary_name": "Other"}, {"partner_domain": "other.example"}):
        metadata = json.dumps({"partner_domain": "acme.example", "boundary_name": "Edge", **named})
        found = folder(permissions=MAKER, boundary=GOOD, bundle_metadata=metadata)
        assert ("S4", "HIGH", "permissions.json") in found
