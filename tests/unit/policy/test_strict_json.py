"""The JSON reader refuses every text that two readers could understand differently."""

import pytest

from workflows.errors import MalformedPolicy
from workflows.policy.strict_json import Number, count_significant, minified, quoted, read_json


def _refusal(text: str) -> MalformedPolicy:
    with pytest.raises(MalformedPolicy) as caught:
        read_json(text)
    return caught.value


def test_an_ordinary_document_becomes_a_tree() -> None:
    assert read_json('{"a": [1, true, null, "x"]}') == {"a": [Number("1"), True, None, "x"]}


def test_a_number_keeps_every_digit_as_it_was_written() -> None:
    assert minified(read_json("[1.50, -0, 1E5, 0.1000000000000000000001]")) == "[1.50,-0,1E5,0.1000000000000000000001]"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"a":1,"a":2}', "$.a"),
        ('{"a":1,"\\u0061":2}', "$.a"),
        ('{"Statement":[{},{"Effect":"Deny","Effect":"Allow"}]}', "$.Statement[1].Effect"),
        ('{"Condition":{"aws:x":{"b":1,"b":1}}}', '$.Condition["aws:x"].b'),
    ],
)
def test_a_doubled_name_is_refused_at_its_path(text: str, path: str) -> None:
    refusal = _refusal(text)
    assert refusal.path == path
    assert "twice" in refusal.problem


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a":}',
        "[1,]",
        "nul",
        '"a',
        "'a'",
        "{} {}",
        "[01]",
        '"\t"',
        "[+1]",
        "[.5]",
        "[1.]",
        "/**/{}",
    ],
)
def test_broken_syntax_is_refused_with_line_and_column(text: str) -> None:
    assert "is not JSON" in _refusal(text).problem
    assert "line 1, column" in _refusal(text).problem


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a":-Infinity}'])
def test_constants_that_json_does_not_have_are_refused(text: str) -> None:
    assert "which JSON does not have" in _refusal(text).problem


def test_a_byte_order_mark_is_refused() -> None:
    assert "byte order mark" in _refusal("\ufeff{}").problem


@pytest.mark.parametrize("text", ['{"a":"\0"}', "\0", '"\ud800"', '{"\udfff":1}'])
def test_raw_nul_and_lone_surrogates_are_refused(text: str) -> None:
    assert "NUL or a lone surrogate" in _refusal(text).problem


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"a":["\\u0000"]}', "$.a[0]"),
        ('{"a":"\\ud800"}', "$.a"),
        ('{"a":{"\\ud800":1}}', "$.a"),
        ('{"\\u0000":1}', "$"),
    ],
)
def test_escaped_nul_and_lone_surrogates_are_refused_at_their_path(text: str, path: str) -> None:
    assert _refusal(text).path == path


def test_an_escaped_surrogate_pair_is_one_character() -> None:
    assert read_json('"\\ud83d\\ude00"') == "\U0001f600"


def test_a_number_of_33_characters_is_refused_and_one_of_32_is_read() -> None:
    assert read_json("1" * 32) == Number("1" * 32)
    assert "number" in _refusal("1" * 33).problem


def test_nesting_is_counted_before_it_is_read() -> None:
    assert read_json("[" * 32 + "]" * 32) is not None
    assert "32 levels" in _refusal("[" * 33 + "]" * 33).problem
    assert "32 levels" in _refusal('{"a":' * 100_000).problem


def test_brackets_inside_strings_are_not_nesting() -> None:
    assert read_json('["' + "[{" * 100 + '\\"[["]') == ["[{" * 100 + '"[[']


def test_an_unfinished_string_full_of_quotes_is_refused_in_one_pass() -> None:
    assert "is not JSON" in _refusal('"' + '\\"' * 200_000).problem


def test_more_than_20000_values_and_names_are_refused() -> None:
    assert read_json("[" + ",".join("1" * 19_999) + "]") is not None
    assert "20000" in _refusal("[" + ",".join("1" * 20_000) + "]").problem


def test_member_names_count_as_much_as_values() -> None:
    names = [f'"{number}":1' for number in range(10_000)]
    assert read_json("{" + ",".join(names[:-1]) + "}") is not None
    assert "20000" in _refusal("{" + ",".join(names) + "}").problem


def test_the_caller_may_set_smaller_limits() -> None:
    with pytest.raises(MalformedPolicy):
        read_json("[[1]]", max_depth=1)
    with pytest.raises(MalformedPolicy):
        read_json("[1,2]", max_nodes=2)


def test_minified_keeps_order_and_characters_and_drops_white_space() -> None:
    text = '{ "b" : [ 1 , "\u00e9 x\\n" ] ,\n "a" : { } }'
    assert minified(read_json(text)) == '{"b":[1,"\u00e9 x\\n"],"a":{}}'


def test_white_space_outside_strings_is_not_counted() -> None:
    assert count_significant('{ "a b" :\n\t1 }') == len('{"a b":1}')


def test_a_quotation_is_short_and_plain() -> None:
    assert quoted("a\n\u202e") == '"a\\n\\u202e"'
    assert len(quoted("x" * 5000)) < 70
