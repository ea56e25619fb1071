"""Policy validation: each finding in a document that has it, at its place, and not in a near one that has not."""

import json
import re
from pathlib import Path
from string import Formatter
from typing import Final

import pytest
from reference.validation_cases import CASES, QUIET, Case, Quiet, text_of, when

from workflows.policy.document import PolicyKind
from workflows.policy.validate import german
from workflows.policy.validate.messages import Locale, message_of
from workflows.policy.validate.places import KeyStep, Part, Position
from workflows.policy.validate.rules import RULES, FindingType
from workflows.policy.validate.validation import MOST_FINDINGS, Located, validate

ROOT: Final = Path(__file__).parents[3]
# What the engine refuses without the language doing so: how much it takes, and three ways of writing.
_OURS: Final = re.compile(
    r"entries; at most|statements; accepted are|too long a pattern|is empty; at least|before the fifth colon"
    r"|written as \$\{key"
)


def found_in(text: str, case: Case) -> list[Located]:
    return [each for each in validate(text, case.kind, case.resource_type).findings if each.code == case.code]


def codes(text: str, kind: PolicyKind = PolicyKind.IDENTITY) -> list[str]:
    return [each.code for each in validate(text, kind).findings]


def spans(text: str, located: Located) -> tuple[str, ...]:
    return tuple(text[each.span.start.offset : each.span.end.offset] for each in located.locations)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_finding_is_raised_at_its_place_and_not_in_a_near_document(case: Case) -> None:
    bad, near = case.texts()
    (located,) = found_in(bad, case)
    assert located.finding.message
    if case.at is not None:
        assert spans(bad, located) == case.at
    assert found_in(near, case) == []


def test_a_finding_is_not_raised_where_something_is_missing() -> None:
    def is_loud(one: Quiet) -> bool:
        return one.code in {each.code for each in validate(one.text(), one.kind, one.resource_type).findings}

    assert {one.code for one in QUIET} <= set(RULES)
    assert [one for one in QUIET if is_loud(one)] == []


def test_rules_the_table_of_the_readme_and_the_cases_have_the_same_codes_and_types() -> None:
    table = (ROOT / "workflows" / "policy" / "validate" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", table, re.MULTILINE)
    raised = {code: kind for code, kind, how in rows if not how.startswith("not raised: ")}
    assert len(rows) == 156
    assert raised == {rule.id: rule.type.value for rule in RULES.values()}
    assert {case.code for case in CASES} == set(RULES)


# --- places ----------------------------------------------------------------------------------------------

_LINES: Final = (
    '{\n  "Statement": [\n    {"Sid": "", "Condition": {"StringLik": {}}, "Action": "s3x:\\u0047et",'
    ' "Resource": "*"}\n  ]\n}'
)


def _the(code: str, text: str) -> Located:
    (found,) = (each for each in validate(text, PolicyKind.IDENTITY).findings if each.code == code)
    return found


def test_lines_count_from_one_and_columns_and_offsets_from_zero_and_ends_lie_behind() -> None:
    (location,) = _the("EMPTY_SID_VALUE", _LINES).locations
    assert location.path == ("Statement", 0, "Sid")
    assert location.span.start == Position(3, 12, 31)
    assert location.span.end == Position(3, 14, 33)


def test_a_name_is_told_from_its_value_and_a_part_of_a_text_by_its_characters() -> None:
    (operator,) = _the("INVALID_CONDITION_OPERATOR", _LINES).locations
    assert operator.path == ("Statement", 0, "Condition", KeyStep("StringLik"))
    (service,) = _the("INVALID_SERVICE_IN_ACTION", _LINES).locations
    assert service.path == ("Statement", 0, "Action", Part(0, 3))
    single = text_of({"document": {"Statement": {"Sid": ""}}}, PolicyKind.IDENTITY)
    assert _the("EMPTY_SID_VALUE", single).locations[0].path == ("Statement", "Sid")


def test_a_part_behind_an_escape_is_found_where_it_is_written() -> None:
    text = text_of({}, PolicyKind.IDENTITY).replace("logs/*", "\\u00e9\\n\\ud83d${}")
    assert codes(text) == ["JSON_SYNTAX_ERROR"]
    text = text.replace("\\ud83d", "\\/")
    located = _the("EMPTY_VARIABLE", text)
    assert spans(text, located) == ("${}",)
    assert located.locations[0].path[-1] == Part(16, 3)


def test_findings_come_in_the_order_of_the_text() -> None:
    text = text_of([{"Sid": "a b", "Action": "s3:x", "Effect": "allow"}, {"Sid": ""}], PolicyKind.IDENTITY)
    offsets = [each.locations[0].span.start.offset for each in validate(text, PolicyKind.IDENTITY).findings]
    assert offsets == sorted(offsets)
    assert len(offsets) == 4


# --- what may be handed in -------------------------------------------------------------------------------

_MANY: Final = 60_000
_HOSTILE: Final = {
    "brackets": "[" * _MANY,
    "quotes": '"' * _MANY,
    "escapes": '"' + '\\"' * _MANY,
    "variables": text_of({"Resource": "arn:aws:s3:::" + "${" * _MANY}, PolicyKind.IDENTITY),
    "empty variables": text_of({"Resource": "arn:aws:s3:::" + "${}" * 40_000}, PolicyKind.IDENTITY),
    "stars": text_of({"Action": "s3:" + "*a" * _MANY}, PolicyKind.IDENTITY),
    "marks": text_of({"Action": "s3:" + "?" * _MANY}, PolicyKind.IDENTITY),
    "ARNs": text_of({"Resource": [f"arn:aws:ec2:*:*:*{one}*/x" for one in range(3000)]}, PolicyKind.IDENTITY),
    "nearly actions": text_of({"Action": [f"ec2:DescribeInstance{one}" for one in range(3000)]}, PolicyKind.IDENTITY),
    "statements": json.dumps({"Statement": [{}] * 30_000}),
    "braces in messages": text_of({"Sid": "{0.__class__}{sid}"}, PolicyKind.IDENTITY),
    "nothing": "",
    "a number": "7",
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_whatever_is_handed_in_is_answered_in_little_work_with_messages_of_bounded_length(name: str) -> None:
    found = validate(_HOSTILE[name], PolicyKind.IDENTITY).findings
    assert 0 < len(found) <= MOST_FINDINGS
    assert all(len(each.finding.message) < 600 for each in found)


def test_more_findings_than_are_told_are_owned_up_to() -> None:
    many = json.dumps({"Version": "2012-10-17", "Statement": [{}] * 400})
    answer = validate(many, PolicyKind.IDENTITY)
    assert (len(answer.findings), answer.is_complete) == (MOST_FINDINGS, False)
    assert validate("{}", PolicyKind.IDENTITY).is_complete


@pytest.mark.parametrize("kind", PolicyKind)
def test_a_document_without_fault_has_no_finding_and_the_catalogue_is_named(kind: PolicyKind) -> None:
    fine = {"Sid": "a"} if kind is not PolicyKind.RESOURCE_GUARDRAIL else {"Principal": "*"}
    like = PolicyKind.IDENTITY if kind in (PolicyKind.BOUNDARY, PolicyKind.SESSION) else kind
    answer = validate(text_of(fine, like), kind)
    assert list(answer.findings) == []
    assert re.fullmatch(r"[0-9.]+", answer.catalogue_version)


def test_restrictions_of_guardrails_that_were_lifted_are_not_raised() -> None:
    lifted = when("Bool", "aws:SecureTransport", "true", Effect="Allow", Action=None, NotAction="s3:*bject")
    assert codes(text_of(lifted, PolicyKind.GUARDRAIL), PolicyKind.GUARDRAIL) == []


_REFUSED: Final = json.loads((ROOT / "tests" / "corpus" / "refusals" / "documents.json").read_text("utf-8"))


def test_what_the_engine_refuses_for_the_language_has_an_error() -> None:
    silent = [
        case["message"]
        for case in _REFUSED
        if not _OURS.search(case["message"])
        and all(
            each.type is not FindingType.ERROR for each in validate(case["text"], PolicyKind(case["kind"])).findings
        )
    ]
    assert silent == []


# --- languages -------------------------------------------------------------------------------------------


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_have_every_message_and_name_the_same_values_in_it() -> None:
    english = {rule.id: _names(f"{rule.problem} {rule.advice}") for rule in RULES.values()}
    assert {code: _names(text) for code, text in german.TEXTS.items()} == english


_BROKEN: Final = ("[1", '{"a" 1}', "{a}", '{"a":1 ', '"\\q"', '{"a":1,"a":1}', "1" * 33, "[]]", "[" * 40, "\u2028")


@pytest.mark.parametrize("text", _BROKEN)
def test_what_breaks_the_syntax_is_told_in_german_too(text: str) -> None:
    (located,) = validate(text, PolicyKind.IDENTITY).findings
    told = german.PHRASES[located.finding.values["problem"]]
    assert message_of(located.finding, Locale.GERMAN) == f"Das Dokument ist kein JSON: {told}. Berichtigen Sie es dort."


# --- guesses ---------------------------------------------------------------------------------------------


def test_what_is_misspelt_is_told_with_the_nearest_known_but_only_so_often() -> None:
    text = text_of({"Action": [f"s3:GetObjekt{'s' * one}" for one in range(12)]}, PolicyKind.IDENTITY)
    found = [each.finding.values["nearest"] for each in validate(text, PolicyKind.IDENTITY).findings]
    assert found[0] == '"s3:GetObject"'
    assert [one == "-" for one in found[-2:]] == [True, True]
    nothing = text_of({"Action": "s3:" + "x" * 200}, PolicyKind.IDENTITY)
    assert _the("INVALID_ACTION", nothing).finding.values["nearest"] == "-"
