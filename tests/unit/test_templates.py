"""Policy templates: every rule of registration and rendering, one test or more each."""

import json
from typing import Any

import pytest

from workflows.errors import BadInput, MalformedPolicy, TemplateMismatch
from workflows.policy.document import PolicyKind, parse_policy
from workflows.templates import (
    Parameter,
    ParameterDeclaration,
    ParameterType,
    Template,
    canonical_boundary_arn,
    parse_boundary,
    parse_parameter_type,
    parse_template,
    render,
    role_permission_restriction_arns,
)

_QUEUE = "arn:aws:sqs:@{regionName}:@{accountId}:@{queueNames}"


def _statement(resource: object = "*", **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": resource, **more}


def _text(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _template(*statements: object, safe: frozenset[str] = frozenset()) -> Template:
    return parse_template(_text(*statements), wildcard_safe=safe)


def _one(name: str, value: str) -> Parameter:
    return Parameter(name, (value,))


def _many(name: str, *values: str) -> Parameter:
    return Parameter(name, values, ParameterType.STRING_LIST)


def _rendered(template: Template, *parameters: Parameter) -> list[dict[str, Any]]:
    statements = json.loads(render(template, parameters).text)["Statement"]
    assert isinstance(statements, list)
    return statements


def _mismatch(template: Template, *parameters: Parameter) -> TemplateMismatch:
    with pytest.raises(TemplateMismatch) as caught:
        render(template, parameters)
    return caught.value


_PLACE = (_one("regionName", "eu-west-1"), _one("accountId", "111122223333"))


def test_a_template_declares_its_parameters_by_using_them() -> None:
    template = _template(
        _statement(_QUEUE),
        _statement("arn:aws:s3:::@{prefix}*", **{"@Enabled": "!WithStorage"}),
        safe=frozenset(["prefix"]),
    )
    assert template.parameters == (
        ParameterDeclaration("regionName", frozenset(["value"]), wildcard_safe=False),
        ParameterDeclaration("accountId", frozenset(["value"]), wildcard_safe=False),
        ParameterDeclaration("queueNames", frozenset(["value"]), wildcard_safe=False),
        ParameterDeclaration("WithStorage", frozenset(["switch"]), wildcard_safe=False),
        ParameterDeclaration("prefix", frozenset(["value"]), wildcard_safe=True),
    )


def test_a_parameter_may_be_value_and_switch() -> None:
    template = _template(_statement("arn:aws:s3:::@{bucket}", **{"@Enabled": "bucket"}))
    assert template.parameters[0].used_as == {"value", "switch"}


# --- R1: values stay inside their string -----------------------------------------------------------------


@pytest.mark.parametrize("value", ['","Effect":"Deny', '"}],"Statement":[{"', "\\", '\\"', '"]'])
def test_r1_a_value_cannot_break_out_of_its_string(value: str) -> None:
    template = _template(_statement("arn:aws:s3:::@{bucket}"))
    assert _rendered(template, _one("bucket", value)) == [_statement("arn:aws:s3:::" + value)]


# --- R2: names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "abcd", "a" * 257, "caf\u00e9s", "tab\tname", "a@{bcdef"])
def test_r2_a_name_is_5_to_256_printable_ascii_characters(name: str) -> None:
    with pytest.raises(MalformedPolicy, match="5 to 256"):
        _template(_statement("arn:aws:s3:::@{" + name + "}"))
    with pytest.raises(MalformedPolicy, match="5 to 256"):
        _template(_statement(**{"@Enabled": name}))


def test_r2_names_of_5_and_256_characters_are_taken_and_case_counts() -> None:
    template = _template(
        _statement(["arn:aws:s3:::@{abcde}", "arn:aws:s3:::@{ABCDE}", "arn:aws:s3:::@{" + "n" * 256 + "}"])
    )
    assert [len(each.name) for each in template.parameters] == [5, 5, 256]


def test_r2_at_most_50_names() -> None:
    _template(*[_statement(f"arn:aws:s3:::@{{name{number}}}") for number in range(50)])
    with pytest.raises(MalformedPolicy, match="51 parameters"):
        _template(*[_statement(f"arn:aws:s3:::@{{name{number}}}") for number in range(51)])


@pytest.mark.parametrize("switch", ["KMS", "!KMS", "!!Feature", "", "!", 1, True, None, ["Feature"]])
def test_r2_a_switch_names_a_parameter(switch: object) -> None:
    with pytest.raises(MalformedPolicy) as caught:
        _template(_statement(**{"@Enabled": switch}))
    assert caught.value.path == "$.Statement[0].@Enabled"


# --- R3: where a placeholder may stand -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"Action": "sqs:@{action}"}, "$.Statement[0].Action"),
        ({"Action": ["sqs:@{action}"]}, "$.Statement[0].Action[0]"),
        ({"Effect": "@{effect}"}, "$.Statement[0].Effect"),
        ({"Sid": "@{sidname}"}, "$.Statement[0].Sid"),
        ({"Principal": "@{person}"}, "$.Statement[0].Principal"),
        ({"Condition": {"@{operator}": {"aws:x": "y"}}}, "$.Statement[0].Condition"),
        ({"Condition": {"StringEquals": {"aws:@{keyname}": "y"}}}, "$.Statement[0].Condition.StringEquals"),
        ({"@{member}": "x"}, "$.Statement[0]"),
        ({"Resource": "arn:aws:s3:::@{bucket"}, "$.Statement[0].Resource"),
    ],
)
def test_r3_a_placeholder_stands_only_in_resources_and_condition_values(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedPolicy) as caught:
        _template({**_statement(), **changes})
    assert caught.value.path == path


def test_r3_a_placeholder_in_the_version_is_refused() -> None:
    with pytest.raises(MalformedPolicy):
        parse_template('{"Version":"@{version}","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}')


def test_r3_resources_not_resources_and_condition_values_are_filled() -> None:
    template = _template(
        {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::@{bucket}"},
        _statement(Condition={"StringEquals": {"aws:x": "@{bucket}", "aws:y": ["a", "@{bucket}"]}}),
    )
    deny, allow = _rendered(template, _one("bucket", "box"))
    assert deny["NotResource"] == "arn:aws:s3:::box"
    assert allow["Condition"] == {"StringEquals": {"aws:x": "box", "aws:y": ["a", "box"]}}


@pytest.mark.parametrize("resource", ["arn:aws:s3:::${aws:@{tagname}}", "arn:aws:s3:::${aws:x, '}@{default}'}"])
def test_r3_a_placeholder_inside_a_policy_variable_is_refused(resource: str) -> None:
    with pytest.raises(MalformedPolicy):
        _template(_statement(resource))


def test_r3_a_whole_arn_may_be_a_value() -> None:
    template = _template(_statement("@{queueArn}"))
    arn = "arn:aws:sqs:eu-west-1:111122223333:q"
    assert _rendered(template, _one("queueArn", arn))[0]["Resource"] == arn


# --- R4: every parameter, and no other -------------------------------------------------------------------


def test_r4_a_missing_parameter_is_refused() -> None:
    assert "queueNames" in str(_mismatch(_template(_statement(_QUEUE)), *_PLACE))


def test_r4_a_missing_switch_is_refused() -> None:
    assert "Feature" in str(_mismatch(_template(_statement(**{"@Enabled": "Feature"}))))


def test_r4_an_unknown_parameter_is_refused() -> None:
    mismatch = _mismatch(_template(_statement()), _one("bucket", "x"))
    assert mismatch.field == "Permissions.Parameters[0].Name"


def test_r4_names_are_case_sensitive() -> None:
    assert "does not use" in str(_mismatch(_template(_statement("arn:aws:s3:::@{bucket}")), _one("Bucket", "x")))


def test_r4_a_repeated_parameter_is_refused_even_with_the_same_value() -> None:
    template = _template(_statement("arn:aws:s3:::@{bucket}"))
    assert "repeats" in str(_mismatch(template, _one("bucket", "x"), _one("bucket", "x")))


def test_r4_more_than_50_parameters_are_refused() -> None:
    assert "at most 50" in str(_mismatch(_template(_statement()), *[_one(f"name{n}", "x") for n in range(51)]))


def test_r4_a_parameter_of_a_statement_that_is_off_must_still_be_there() -> None:
    template = _template(_statement(), _statement("arn:aws:s3:::@{bucket}", **{"@Enabled": "Feature"}))
    assert "bucket" in str(_mismatch(template, _one("Feature", "False")))


# --- R5: counts and characters ---------------------------------------------------------------------------


@pytest.mark.parametrize("values", [(), ("a", "b")])
def test_r5_a_string_has_exactly_one_value(values: tuple[str, ...]) -> None:
    mismatch = _mismatch(_template(_statement("arn:aws:s3:::@{bucket}")), Parameter("bucket", values))
    assert mismatch.field == "Permissions.Parameters[0].Values"


@pytest.mark.parametrize("count", [0, 101])
def test_r5_a_list_has_1_to_100_values(count: int) -> None:
    parameter = _many("bucket", *(f"b{number}" for number in range(count)))
    assert "1 to 100" in str(_mismatch(_template(_statement("arn:aws:s3:::@{bucket}")), parameter))


@pytest.mark.parametrize("value", ["", "x" * 1025, "caf\u00e9", "a\nb", "a\tb", "\u202e", "a\0", "x\n"])
def test_r5_a_value_is_1_to_1024_printable_ascii_characters(value: str) -> None:
    mismatch = _mismatch(_template(_statement("arn:aws:s3:::@{bucket}")), _one("bucket", value))
    assert mismatch.field == "Permissions.Parameters[0].Values[0]"


@pytest.mark.parametrize("text", ["string", "STRING", "String"])
def test_r5_a_type_is_read_in_any_letter_case(text: str) -> None:
    assert parse_parameter_type(text) is ParameterType.STRING
    assert parse_parameter_type(text + "LIST") is ParameterType.STRING_LIST


def test_r5_an_unknown_type_is_refused() -> None:
    with pytest.raises(BadInput, match="stringList"):
        parse_parameter_type("number")


def test_r5_a_switch_is_a_string() -> None:
    mismatch = _mismatch(_template(_statement(**{"@Enabled": "Feature"})), _many("Feature", "True"))
    assert mismatch.field == "Permissions.Parameters[0].Type"


# --- R6: values are data ---------------------------------------------------------------------------------


def test_r6_a_placeholder_in_a_value_is_not_expanded_again() -> None:
    template = _template(_statement(["arn:aws:s3:::@{first}", "arn:aws:s3:::@{other}"]))
    statements = _rendered(template, _one("first", "@{other}"), _one("other", "b"))
    assert statements[0]["Resource"] == ["arn:aws:s3:::@{other}", "arn:aws:s3:::b"]


@pytest.mark.parametrize("value", ["${aws:username}", "a${b", "${*}"])
def test_r6_a_value_cannot_bring_a_policy_variable(value: str) -> None:
    assert "policy variable" in str(_mismatch(_template(_statement("arn:aws:s3:::@{bucket}")), _one("bucket", value)))


@pytest.mark.parametrize(
    ("resource", "values"),
    [
        ("arn:aws:s3:::@{first}{aws:username}", {"first": "$"}),
        ("arn:aws:s3:::$@{first}", {"first": "{aws:username}"}),
        ("arn:aws:s3:::@{first}@{other}", {"first": "$", "other": "{aws:username}"}),
    ],
)
def test_r6_a_policy_variable_cannot_be_put_together_from_pieces(resource: str, values: dict[str, str]) -> None:
    parameters = [_one(name, value) for name, value in values.items()]
    assert "policy variable" in str(_mismatch(_template(_statement(resource)), *parameters))


@pytest.mark.parametrize("value", ["*", "a*", "a?b"])
def test_r6_a_wildcard_needs_the_authors_leave(value: str) -> None:
    statement = _statement("arn:aws:s3:::@{bucket}")
    assert "wildcard" in str(_mismatch(_template(statement), _one("bucket", value)))
    allowed = _template(statement, safe=frozenset(["bucket"]))
    assert _rendered(allowed, _one("bucket", value))[0]["Resource"] == "arn:aws:s3:::" + value


def test_r6_leave_for_a_parameter_that_is_not_used_is_refused() -> None:
    with pytest.raises(MalformedPolicy, match="safe for wildcards"):
        _template(_statement(), safe=frozenset(["bucket"]))


@pytest.mark.parametrize("value", [".", "..", "/", "a/../b", "../a", "a/..", "a/./b"])
def test_r6_a_value_cannot_collapse_a_path_segment(value: str) -> None:
    assert "segment" in str(_mismatch(_template(_statement("arn:aws:s3:::@{bucket}")), _one("bucket", value)))


@pytest.mark.parametrize("value", ["a.b", "a..b", "a/b", "...", "a:b"])
def test_r6_harmless_dots_and_slashes_pass(value: str) -> None:
    template = _template(_statement("arn:aws:s3:::@{bucket}/x"))
    assert _rendered(template, _one("bucket", value))[0]["Resource"] == f"arn:aws:s3:::{value}/x"


def test_r6_a_value_cannot_shift_the_fields_of_an_arn() -> None:
    parameters = (
        _one("regionName", "eu-west-1:999999999999:all"),
        _one("accountId", "1"),
        _one("queueNames", "q"),
    )
    assert "shift" in str(_mismatch(_template(_statement(_QUEUE)), *parameters))


def test_r6_the_policys_own_variables_pass_through() -> None:
    template = _template(_statement("arn:aws:s3:::@{bucket}/${aws:username}/*"))
    assert _rendered(template, _one("bucket", "b"))[0]["Resource"] == "arn:aws:s3:::b/${aws:username}/*"


# --- R7: lists -------------------------------------------------------------------------------------------


def test_r7_a_scalar_becomes_a_list_of_all_combinations() -> None:
    template = _template(_statement(_QUEUE))
    statements = _rendered(template, _many("regionName", "r1", "r2"), _PLACE[1], _many("queueNames", "in", "out"))
    assert statements[0]["Resource"] == [
        f"arn:aws:sqs:{region}:111122223333:{queue}" for region in ("r1", "r2") for queue in ("in", "out")
    ]


def test_r7_a_scalar_with_one_result_stays_a_scalar() -> None:
    template = _template(_statement(_QUEUE))
    statements = _rendered(template, *_PLACE, _many("queueNames", "in", "in"))
    assert statements[0]["Resource"] == "arn:aws:sqs:eu-west-1:111122223333:in"


def test_r7_a_list_is_spliced_in_place_and_repeats_are_dropped() -> None:
    template = _template(
        _statement(["arn:aws:s3:::first", "arn:aws:s3:::@{names}", "arn:aws:s3:::b", "arn:aws:s3:::z"])
    )
    statements = _rendered(template, _many("names", "a", "b", "a"))
    assert statements[0]["Resource"] == [f"arn:aws:s3:::{name}" for name in ("first", "a", "b", "z")]


def test_r7_a_name_that_stands_twice_in_a_string_has_one_value_at_a_time() -> None:
    template = _template(_statement("arn:aws:s3:::@{names}/@{names}"))
    assert _rendered(template, _many("names", "a", "b"))[0]["Resource"] == [
        "arn:aws:s3:::a/a",
        "arn:aws:s3:::b/b",
    ]


def test_r7_combinations_are_counted_before_they_are_made() -> None:
    template = _template(_statement("arn:aws:s3:::" + "@{names}@{other}@{third}"))
    lists = [_many(name, *map(str, range(100))) for name in ("names", "other", "third")]
    assert "256 entries" in str(_mismatch(template, *lists))


# --- R8: something must be left --------------------------------------------------------------------------


def test_r8_a_template_with_every_statement_off_is_refused() -> None:
    template = _template(_statement(**{"@Enabled": "Feature"}), _statement(**{"@Enabled": "Feature"}))
    assert "every statement" in str(_mismatch(template, _one("Feature", "no")))


def test_r8_a_single_statement_that_is_off_is_refused() -> None:
    statement = json.dumps(_statement(**{"@Enabled": "Feature"}))
    template = parse_template(f'{{"Version":"2012-10-17","Statement":{statement}}}')
    assert "every statement" in str(_mismatch(template, _one("Feature", "no")))


@pytest.mark.parametrize(
    ("value", "on"), [("True", True), ("true", False), ("TRUE", False), ("False", False), ("1", False)]
)
def test_a_switch_is_on_for_exactly_the_word_true(value: str, *, on: bool) -> None:
    plain = _statement(**{"@Enabled": "Feature", "Sid": "Plain"})
    negated = _statement(**{"@Enabled": "!Feature", "Sid": "Negated"})
    statements = _rendered(_template(plain, negated), _one("Feature", value))
    assert statements == [_statement(Sid="Plain" if on else "Negated")]


# --- R9: size --------------------------------------------------------------------------------------------


def test_r9_the_rendered_policy_has_at_most_2048_characters_minified() -> None:
    template = parse_template(json.dumps(json.loads(_text(_statement("arn:aws:s3:::@{names}"))), indent=8))
    overhead = len(render(template, [_one("names", "x")]).text) - 1
    fill = "n" * (2048 - overhead - 1024)
    second = _template(_statement("arn:aws:s3:::@{names}" + fill))
    assert len(render(second, [_one("names", "x" * 1024)]).text) == 2048
    third = _template(_statement("arn:aws:s3:::@{names}n" + fill))
    assert "2048" in str(_mismatch(third, _one("names", "x" * 1024)))


def test_r9_growth_is_stopped_before_it_is_built() -> None:
    template = _template(*[_statement("arn:aws:s3:::" + "@{names}" * 100)] * 10)
    assert "2048" in str(_mismatch(template, _many("names", *(str(n) * 1000 for n in range(10)))))


def test_r9_a_template_that_is_far_too_long_is_refused() -> None:
    with pytest.raises(MalformedPolicy, match="20480"):
        parse_template(" " * 20_481)


# --- R10 and R11: the result is a policy, and frozen -----------------------------------------------------


def test_r10_the_result_is_parsed_again() -> None:
    template = _template(_statement("@{queueArn}"))
    assert "refused" in str(_mismatch(template, _one("queueArn", "no-arn")))


def test_r10_the_template_itself_must_be_a_policy() -> None:
    with pytest.raises(MalformedPolicy):
        _template({"Effect": "Allow", "Action": "s3:*"})
    with pytest.raises(MalformedPolicy):
        parse_template('{"Statement":[],"Statement":[]}')
    with pytest.raises(MalformedPolicy):
        parse_template("[]")


def test_r11_rendering_twice_gives_the_same_text_and_leaves_the_template_alone() -> None:
    template = _template(_statement(_QUEUE, **{"@Enabled": "Feature"}), _statement())
    on = (*_PLACE, _many("queueNames", "a", "b"), _one("Feature", "True"))
    off = (*on[:3], _one("Feature", "no"))
    first = render(template, on)
    assert len(json.loads(render(template, off).text)["Statement"]) == 1
    assert render(template, on) == first
    assert parse_policy(first.text, kind=PolicyKind.SESSION) == first.policy


# --- R12: no escape --------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", ["arn:aws:s3:::@@{", "arn:aws:s3:::\\@{", "arn:aws:s3:::@{}"])
def test_r12_there_is_no_way_to_write_a_literal_opening(resource: str) -> None:
    with pytest.raises(MalformedPolicy):
        _template(_statement(resource))


# --- boundaries ------------------------------------------------------------------------------------------


def test_a_boundary_takes_no_placeholders_however_they_are_spelt() -> None:
    assert parse_boundary(_text(_statement("arn:aws:s3:::b"))).statements
    for spelling in ("@{bucket}", "\\u0040{bucket}"):
        with pytest.raises(MalformedPolicy):
            parse_boundary(_text(_statement("arn:aws:s3:::B")).replace("B", spelling))


def test_a_boundary_has_at_most_6144_characters() -> None:
    def text(size: int) -> str:
        entries = ["arn:aws:s3:::" + str(number) * 400 for number in range(9)]
        base = _text(_statement([*entries, "arn:aws:s3:::"])).replace(" ", "")
        return base.replace(':::"]', ":::" + "x" * (size - len(base)) + '"]')

    assert len(parse_boundary(text(6144)).statements) == 1
    with pytest.raises(MalformedPolicy, match="6144"):
        parse_boundary(text(6145))


_CANONICAL = "arn:aws:iam::partner:policy/permissions-boundary/example.com/App_2026_01_02"


@pytest.mark.parametrize("middle", ["permissions-boundary/", "permission_boundary/", ""])
def test_the_three_spellings_of_a_boundary_are_one(middle: str) -> None:
    arn = f"arn:aws:iam::partner:policy/{middle}example.com/App_2026_01_02"
    assert canonical_boundary_arn(arn) == _CANONICAL
    assert canonical_boundary_arn(canonical_boundary_arn(arn)) == _CANONICAL


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/SecurityAudit",
        "arn:aws:iam::111122223333:policy/permission_boundary/example.com/App",
        "arn:aws:iam::partner:policy/App",
        "arn:aws:iam::partner:role/permission_boundary/example.com/App",
        "*",
    ],
)
def test_other_arns_are_left_alone(arn: str) -> None:
    assert canonical_boundary_arn(arn) == arn


def _restrictions(*statements: dict[str, Any]) -> tuple[str, ...]:
    return role_permission_restriction_arns(parse_policy(_text(*statements), kind=PolicyKind.SESSION))


def _bounded(action: object, operator: str = "StringEquals", *arns: str, **more: object) -> dict[str, Any]:
    condition = {operator: {"iam:PermissionsBoundary": list(arns) or [_CANONICAL]}}
    return {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition, **more}


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "ArnEquals", "ArnLike"])
@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:*Role", "*"])
def test_boundaries_are_read_from_positive_conditions_of_role_statements(operator: str, action: str) -> None:
    assert _restrictions(_bounded(action, operator)) == (_CANONICAL,)


def test_boundaries_keep_document_order_without_repeats() -> None:
    other = _CANONICAL + "b"
    short = _CANONICAL.replace("permissions-boundary/", "")
    assert _restrictions(_bounded("iam:CreateRole", "ArnLike", other, short), _bounded("iam:CreateRole")) == (
        other,
        _CANONICAL,
    )


@pytest.mark.parametrize(
    "statement",
    [
        _bounded("iam:AttachRolePolicy"),
        _bounded("iam:CreateRole", Effect="Deny"),
        _bounded("iam:CreateRole", "StringNotEquals"),
        _bounded("iam:CreateRole", "StringEqualsIfExists"),
        _bounded("iam:CreateRole", "ForAnyValue:StringEquals"),
        _statement(),
    ],
)
def test_nothing_else_demands_a_boundary(statement: dict[str, Any]) -> None:
    assert _restrictions(statement) == ()
