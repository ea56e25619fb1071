"""Laws of policy validation: it answers whatever it is given, and its paths and its spans lead to the same thing."""

import json
from collections.abc import Iterator
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from reference.validation_cases import CASES, Case

from workflows.policy.document import PolicyKind
from workflows.policy.validate.messages import Locale, message_of
from workflows.policy.validate.places import KeyStep, Part, Path
from workflows.policy.validate.validation import validate

_LONGEST: Final = 3000
_TEXTS: Final = sorted({text for case in CASES for text in case.texts() if len(text) < _LONGEST})
_SPLINTERS: Final = (
    "",
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "\n",
    "*",
    "?",
    "${",
    "}",
    "'",
    "/",
    "0",
    "null",
    "aws:",
)


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A document with a few places changed, some of which break its syntax and some its sense."""
    text = draw(st.sampled_from(_TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 3)))
        text = text[:start] + draw(st.sampled_from(_SPLINTERS)) + text[end:]
    return text


@settings(max_examples=150, deadline=None)
@given(broken(), st.sampled_from(PolicyKind), st.sampled_from((None, "AWS::S3::Bucket", "AWS::DynamoDB::Table")))
def test_whatever_is_written_is_answered_and_every_place_lies_in_it(
    text: str, kind: PolicyKind, like: str | None
) -> None:
    for located in validate(text, kind, like).findings:
        assert all(message_of(located.finding, locale) for locale in Locale)
        for location in located.locations:
            assert 0 <= location.span.start.offset <= location.span.end.offset <= len(text)


def led_to(document: Any, path: Path) -> Any:
    """What a path leads to: a value, or a name, or a part of a text."""
    for step in path:
        match step:
            case KeyStep(name):
                assert name in document
                document = name
            case Part(start, length):
                document = document[start : start + length]
            case _:
                document = document[step]
    return document


def _astray(case: Case) -> Iterator[tuple[str, Path]]:
    for text in case.texts():
        for located in validate(text, case.kind, case.resource_type).findings:
            for path, span in ((one.path, one.span) for one in located.locations if one.path):
                spanned = text[span.start.offset : span.end.offset]
                if led_to(json.loads(text), path) != (spanned if isinstance(path[-1], Part) else json.loads(spanned)):
                    yield located.code, path


def test_the_path_and_the_span_of_a_place_lead_to_the_same() -> None:
    assert [one for case in CASES for one in _astray(case)] == []
