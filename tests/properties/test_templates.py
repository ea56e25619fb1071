"""No value of a parameter changes the shape of what a template grants."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.errors import BadInput, DomainError, TemplateMismatch
from workflows.templates import Parameter, ParameterType, parse_template, render

_SWITCH = "@Enabled"
_TEXT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "One",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": ["arn:aws:s3:::fixed/*", "arn:aws:s3:@{region}::@{bucket}/${aws:username}"],
                "Condition": {"StringLike": {"s3:prefix": ["home/", "@{folders}/x"], "aws:x": "@{bucket}"}},
            },
            {
                "Effect": "Deny",
                "Action": "iam:*",
                "NotResource": "arn:aws:iam::@{region}:role/@{folders}",
                _SWITCH: "Guard",
            },
        ],
    }
)
_LISTS = ("folders",)
_PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=12)
_NASTY = st.sampled_from(
    [
        '","a":"',
        '"]}',
        "${aws:username}",
        "@{bucket}",
        "$",
        "{x}",
        "*",
        "?",
        "..",
        "a/../b",
        "a:b:c",
        "\\",
        "\\u0022",
        "'",
    ]
)
_VALUES = _PRINTABLE | _NASTY | st.builds("".join, st.lists(_PRINTABLE | _NASTY, min_size=1, max_size=3))


def _shape(tree: Any) -> Any:
    """The tree with every text replaced by one word, and lists of texts by one entry."""
    if isinstance(tree, dict):
        return {name: _shape(value) for name, value in tree.items() if name != _SWITCH}
    if isinstance(tree, list) and all(isinstance(value, str) for value in tree):
        return "text"
    if isinstance(tree, list):
        return [_shape(value) for value in tree]
    return "text"


def _expected(*, guarded: bool) -> Any:
    tree = json.loads(_TEXT)
    return _shape({**tree, "Statement": tree["Statement"][: 2 if guarded else 1]})


@settings(max_examples=600, deadline=None)
@given(_VALUES, _VALUES, st.lists(_VALUES, min_size=1, max_size=4), st.sampled_from(["True", "False", "x"]))
def test_no_value_adds_a_key_a_statement_or_a_list_member(
    region: str, bucket: str, folders: list[str], guard: str
) -> None:
    parameters = [
        Parameter("region", (region,)),
        Parameter("bucket", (bucket,)),
        Parameter("folders", tuple(folders), ParameterType.STRING_LIST),
        Parameter("Guard", (guard,)),
    ]
    try:
        rendered = render(parse_template(_TEXT, wildcard_safe=frozenset(["bucket"])), parameters)
    except TemplateMismatch:
        return
    tree = json.loads(rendered.text)
    assert _shape(tree) == _expected(guarded=guard == "True")
    first = tree["Statement"][0]
    assert first["Action"] == ["s3:GetObject", "s3:PutObject"]
    assert first["Resource"] == ["arn:aws:s3:::fixed/*", f"arn:aws:s3:{region}::{bucket}/${{aws:username}}"]
    prefixes = [f"{folder}/x" for folder in dict.fromkeys(folders)]
    assert first["Condition"]["StringLike"]["s3:prefix"] == list(dict.fromkeys(["home/", *prefixes]))
    assert len(rendered.policy.statements[0].resources) == 2


@settings(max_examples=300, deadline=None)
@given(_VALUES, _VALUES)
def test_whatever_is_rendered_has_only_the_variables_of_the_template(bucket: str, folder: str) -> None:
    parameters = [
        Parameter("region", ("r",)),
        Parameter("bucket", (bucket,)),
        Parameter("folders", (folder,)),
        Parameter("Guard", ("True",)),
    ]
    with suppress(TemplateMismatch):
        rendered = render(parse_template(_TEXT), parameters)
        assert rendered.text.count("${") == _TEXT.count("${")
        assert "*" not in bucket + folder


_TEMPLATE_TEXTS = st.recursive(
    st.none() | st.booleans() | st.text("@{}!$abcde*:/", max_size=12) | st.integers(-5, 5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Statement",
                    "Effect",
                    "Action",
                    "Resource",
                    "Condition",
                    "@Enabled",
                    "StringEquals",
                    "aws:x",
                    "@{abcde}",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=600, deadline=None)
@given(_TEMPLATE_TEXTS, st.text("@{}!abcde", max_size=8), st.lists(st.text(max_size=6), max_size=2))
def test_hostile_templates_and_parameters_meet_only_our_own_failures(
    tree: object, name: str, values: list[str]
) -> None:
    with suppress(BadInput):
        parse_template(json.dumps(tree))
    good = parse_template(_TEXT)
    with suppress(DomainError):
        render(
            good,
            [
                Parameter(name, tuple(values)),
                *(Parameter(each.name, tuple(values)) for each in good.parameters),
            ],
        )
