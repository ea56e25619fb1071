"""The positions of statements cut exactly the statements out of the text, however it is laid out."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.positions import Position, Span, statement_spans

ALLOW = '{"Effect":"Allow","Action":"s3:*","Resource":"*"}'
DENY = '{"Sid":"No","Effect":"Deny","NotAction":["iam:*"],"Resource":["*"],"Condition":{"Bool":{"a:b":[true]}}}'


def cut(text: str, span: Span) -> str:
    """What stands between two positions, found the way a person would: by line, then by column."""
    lines = text.split("\n")
    (first, begin), (last, end) = span
    if first == last:
        return lines[first - 1][begin - 1 : end - 1]
    return "\n".join([lines[first - 1][begin - 1 :], *lines[first : last - 1], lines[last - 1][: end - 1]])


def cuts(text: str) -> list[str]:
    return [cut(text, span) for span in statement_spans(text)]


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        (f'{{"Version":"2012-10-17","Statement":{ALLOW}}}', [ALLOW]),
        (f'{{"Version":"2012-10-17","Statement":[{ALLOW},{DENY}]}}', [ALLOW, DENY]),
        (f'{{"Statement":[{DENY}],"Version":"2012-10-17"}}', [DENY]),
        (f'\n {{\r\n"Statement"\t:\n\n[ {ALLOW}\r\n,\r\n{DENY} ]\n}}\n', [ALLOW, DENY]),
        (f'{{"St\\u0061tement":[{ALLOW}]}}', [ALLOW]),
    ],
)
def test_the_text_between_the_positions_is_the_statement(text: str, statements: list[str]) -> None:
    assert len(parse_policy(text, kind=PolicyKind.IDENTITY).statements) == len(statements)
    assert cuts(text) == statements


def test_lines_and_columns_count_from_one_and_the_end_is_behind_the_brace() -> None:
    # The first is laid out as in AWS's own example, whose statement ends at line 1, column 167 as well.
    compact = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*",'
        '"Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
    )
    assert statement_spans(compact) == (Span(Position(1, 37), Position(1, 167)),)
    spread = json.dumps(json.loads(f'{{"Statement":[{ALLOW},{ALLOW}]}}'), indent=4)
    assert statement_spans(spread) == (
        Span(Position(3, 9), Position(7, 10)),
        Span(Position(8, 9), Position(12, 10)),
    )


def test_what_looks_like_statements_inside_of_strings_and_objects_is_none() -> None:
    principal = '"Principal":{"AWS":"*"}'
    inner = (
        f'{{"Sid":"\\"Statement\\":[{{}}","Effect":"Allow",{principal},"Action":"s3:*","Resource":"arn:a:s:::[{{\\\\"}}'
    )
    text = f'{{"Id":"Statement","Version":"2012-10-17","Statement":[{inner}]}}'
    assert len(parse_policy(text, kind=PolicyKind.RESOURCE).statements) == 1
    assert cuts(text) == [inner]
    keyed = '{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"Statement:x":["{","["]}}}'
    assert cuts(f'{{"Statement":{keyed}}}') == [keyed]


@given(st.integers(1, 6), st.data())
def test_any_layout_is_cut_into_its_statements_in_their_order(count: int, data: st.DataObject) -> None:
    tokens = ["{", '"Version"', ":", '"2012-10-17"', ",", '"Statement"', ":", "["]
    for number in range(count):
        tokens += ["," if number else "", "{", f'"Sid":"s{number}",', ALLOW[1:-1], "}"]
    spaces = st.lists(st.sampled_from(["", " ", "\n", "\t\n ", "\r\n  "]), min_size=len(tokens), max_size=len(tokens))
    text = "".join(token + space for token, space in zip(tokens, data.draw(spaces), strict=True)) + "] }"
    statements = parse_policy(text, kind=PolicyKind.IDENTITY).statements
    spans = statement_spans(text)
    assert [json.loads(cut(text, span))["Sid"] for span in spans] == [one.sid for one in statements]
    assert all(one.end <= other.start for one, other in pairwise(spans))


def test_a_long_document_is_read_once() -> None:
    text = '{"Statement":[\n' + ",\n".join([ALLOW] * 2500) + "\n]}"
    spans = statement_spans(text)
    assert spans[-1] == Span(Position(2501, 1), Position(2501, len(ALLOW) + 1))
    assert len(spans) == 2500
