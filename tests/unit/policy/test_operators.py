"""How single values are read and compared: numbers, instants, addresses, truth, texts, ARNs; one operator at a time."""

import json

import pytest

from workflows.policy.context import RequestContext
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.policy.operators import address_range, instant, number
from workflows.policy.request import Request


def _holds(operator: str, wanted: object, given: object, **others: str) -> bool:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"aws:x": wanted}}}
    policy = parse_policy(json.dumps({"Version": "2012-10-17", "Statement": statement}), kind=PolicyKind.IDENTITY)
    context = {"aws:x": given, **others} if given is not None else dict(others)
    layers = Layers([Layer(LayerKind.IDENTITY, "i", (NamedPolicy("p", policy),))])
    return decide(layers, Request("s3:GetObject", "*", RequestContext(context))).allowed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0),
        ("1970-01-02", 86_400),
        ("1970-01", 0),
        ("1971-01", 31_536_000),
        ("1970-01-01T00:01Z", 60),
        ("1970-01-01T01:00:01Z", 3_601),
        ("1970-01-01T00:00:00.25Z", "0.25"),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00-01:30", 5_400),
        ("1970-01-01T23:59:00+23:59", 0),
        ("-1", -1),
        ("1704067200.5", "1704067200.5"),
        ("1970", 1970),
    ],
)
def test_an_instant_is_seconds_since_1970_in_utc(text: str, seconds: object) -> None:
    assert instant(text) == number(str(seconds))


@pytest.mark.parametrize(
    "text",
    [
        "1970-13-01",
        "1970-02-30",
        "1970-01-01T24:00Z",
        "1970-01-01T00:60Z",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+00:60",
        "1970-01-01T00",
        "1970-1-1",
        "1970-01-01T00:00:00.Z",
        "0000-01-01",
        "today",
        "",
    ],
)
def test_what_is_no_instant_means_nothing(text: str) -> None:
    assert instant(text) is None


@pytest.mark.parametrize("text", ["1e3", "0x1", "1_000", " 1", "1 ", ".5", "1.", "--1", "", "NaN", "\u0661", "1" * 65])
def test_what_is_no_number_means_nothing(text: str) -> None:
    assert number(text) is None
    assert not _holds("NumericEquals", "1", text)
    assert _holds("NumericNotEquals", "1", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", True),
        ("10.0.0.0/8", True),
        ("10.255.255.255", True),
        ("11.0.0.0", False),
        ("2001:db8::1", False),
        ("9.255.255.255", False),
    ],
)
def test_an_address_lies_in_a_range_of_its_own_family(text: str, *, expected: bool) -> None:
    assert _holds("IpAddress", "10.1.2.3/8", text) is expected
    assert _holds("NotIpAddress", "10.1.2.3/8", text) is not expected
    assert _holds("IpAddress", ["::/0", "10.0.0.0/8"], text) is (expected or ":" in text)


@pytest.mark.parametrize(
    "text", ["10.0.0", "10.0.0.256", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8.0", "::1%eth0", "::/129", ""]
)
def test_what_is_no_address_means_nothing(text: str) -> None:
    assert address_range(text) is None
    assert not _holds("IpAddress", "0.0.0.0/0", text)


@pytest.mark.parametrize(
    ("operator", "lower", "same", "higher"),
    [
        ("Equals", False, True, False),
        ("NotEquals", True, False, True),
        ("LessThan", True, False, False),
        ("LessThanEquals", True, True, False),
        ("GreaterThan", False, False, True),
        ("GreaterThanEquals", False, True, True),
    ],
)
def test_orders_take_the_request_value_first(operator: str, *, lower: bool, same: bool, higher: bool) -> None:
    assert [_holds(f"Numeric{operator}", 5, text) for text in ("4.9", "5.0", "5.1")] == [lower, same, higher]
    dates = ("2019-12-31T23:59:59Z", "2020-01-01T00:00:00Z", "1577836801")
    assert [_holds(f"Date{operator}", "2020-01-01", text) for text in dates] == [lower, same, higher]


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [
        ("true", "TRUE", True),
        (True, "tRuE", True),
        ("false", "False", True),
        ("true", "false", False),
        ("true", "yes", False),
        ("yes", "yes", False),
        (["true", "false"], "false", True),
    ],
)
def test_truth_is_two_words_in_any_case(wanted: object, given: str, *, expected: bool) -> None:
    assert _holds("Bool", wanted, given) is expected


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [
        ("arn:aws:iam::1:role/*", "arn:aws:iam::1:role/a/b:c", True),
        ("arn:aws:iam::*:role/a", "arn:aws:iam::1:role/a", True),
        ("arn:*:iam:*:?:role/a", "arn:aws:iam::1:role/a", True),
        ("arn:aws:iam::*", "arn:aws:iam::1:role/a", False),
        ("arn:aws:s3:::*", "arn:aws:iam::1:role/a", False),
        ("arn:aws:*:1:role/a", "arn:aws:iam::1:role/a", False),
        ("arn:aws:iam::1:role/A", "arn:aws:iam::1:role/a", False),
        ("arn:aws:iam::1:role/a", "arn:aws:iam::1", False),
        (["arn:aws:iam::2:*", "arn:aws:iam::1:*"], "arn:aws:iam::1:role/a", True),
        ("arn:aws:iam::${aws:account}:role/*", "arn:aws:iam::1:role/a", True),
        ("arn:aws:iam::${aws:none}:role/*", "arn:aws:iam::1:role/a", False),
        ("arn:aws:iam::1:${aws:kind}", "arn:aws:iam::1:role*", True),
        ("arn:aws:iam::1:${aws:kind}", "arn:aws:iam::1:roles", False),
        ("${aws:whole}", "arn:aws:iam::1:role/a", False),
    ],
)
def test_arns_are_compared_field_by_field(wanted: object, given: str, *, expected: bool) -> None:
    known = {"aws:account": "1", "aws:kind": "role*", "aws:whole": "arn:aws:iam::1:role/a"}
    for operator, negated in (("ArnLike", "ArnNotLike"), ("ArnEquals", "ArnNotEquals")):
        assert _holds(operator, wanted, given, **known) is expected
        assert _holds(negated, wanted, given, **known) is not expected


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("StringEquals", ["a", "${aws:user}"], "ann", True),
        ("StringEquals", "${aws:user}", "ANN", False),
        ("StringEqualsIgnoreCase", ["a", "${aws:user}"], "ANN", True),
        ("StringEqualsIgnoreCase", "STRASSE", "stra\u00dfe", True),
        ("StringEquals", "${aws:none}", "${aws:none}", False),
        ("StringNotEquals", "${aws:none}", "x", True),
        ("StringEquals", "${aws:none, 'guest'}", "guest", True),
        ("StringEquals", "${aws:user, 'guest'}", "guest", False),
        ("StringEquals", "${aws:none, 'a, {b'}-${aws:user}", "a, {b-ann", True),
        ("StringEquals", "${aws:none, ''}", "", True),
        ("StringEquals", "a}${aws:user},b${$}", "a}ann,b$", True),
        ("StringEquals", "${*}${?}${$}", "*?$", True),
        ("StringLike", "${*}?${?}*", "*x?", True),
        ("StringLike", "${*}", "x", False),
        ("StringLike", ["b*", "${aws:user}*"], "anna", True),
        ("StringLike", ["b*", "c?"], "cd", True),
        ("StringLike", "${aws:wild}", "xyz", False),
        ("StringLike", "${aws:wild}", "*", True),
        ("StringNotLike", ["b*", "c?"], "cd", False),
        ("StringLike", "", "", True),
        ("StringLike", "*", "", True),
        ("BinaryEquals", "QUI=", "QUI=", True),
        ("BinaryEquals", "QUI=", "QUI", False),
        ("BinaryEquals", "%%", "%%", False),
        ("BinaryEquals", "QUI=", "QUJD", False),
        ("BinaryEquals", "QUI=", "QU\u0130=", False),
    ],
)
def test_texts_are_compared_with_their_variables_put_in(
    operator: str, wanted: object, given: str, *, expected: bool
) -> None:
    assert _holds(operator, wanted, given, **{"aws:user": "ann", "aws:wild": "*"}) is expected


@pytest.mark.parametrize(
    ("operator", "given", "expected"),
    [
        ("StringEquals", None, False),
        ("StringNotEquals", None, True),
        ("StringEqualsIfExists", None, True),
        ("StringNotEqualsIfExists", None, True),
        ("StringEquals", [], False),
        ("StringNotEquals", [], True),
        ("StringEquals", ["b", "a"], True),
        ("StringNotEquals", ["b", "a"], False),
        ("ForAllValues:StringEquals", None, True),
        ("ForAllValues:StringEquals", [], True),
        ("ForAllValues:StringEquals", "", True),
        ("ForAllValues:StringEquals", [""], True),
        ("ForAllValues:StringEquals", ["", ""], False),
        ("ForAllValues:StringEquals", ["a", "a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], False),
        ("ForAllValues:StringNotEquals", ["b", "c"], True),
        ("ForAllValues:StringNotEquals", ["a", "b"], False),
        ("ForAnyValue:StringEquals", None, False),
        ("ForAnyValue:StringEquals", [], False),
        ("ForAnyValue:StringNotEquals", None, False),
        ("ForAnyValue:StringEqualsIfExists", None, True),
        ("ForAnyValue:StringEqualsIfExists", ["b"], False),
        ("ForAnyValue:StringEquals", ["b", "a"], True),
        ("ForAnyValue:StringEquals", ["b", "c"], False),
        ("ForAnyValue:StringEquals", "a", True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], True),
        ("ForAnyValue:StringNotEquals", ["a"], False),
    ],
)
def test_sets_and_absence_are_read_as_documented(operator: str, given: object, *, expected: bool) -> None:
    assert _holds(operator, "a", given) is expected


@pytest.mark.parametrize(
    ("given", "absent"),
    [(None, True), ("", True), ([], True), ([""], True), ("x", False), (["x"], False), (["", ""], False)],
)
def test_null_asks_whether_there_is_anything(given: object, *, absent: bool) -> None:
    assert _holds("Null", "true", given) is absent
    assert _holds("Null", "false", given) is not absent
    assert _holds("Null", [True, False], given)
    assert not _holds("Null", "maybe", given)
