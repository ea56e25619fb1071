"""Containment is only claimed where it is certain, and disjointness likewise."""

import pytest

from workflows.policy.containment import PatternSet, contains, overlaps
from workflows.policy.patterns import Glob, Work, resource_tokens, text_tokens


def _text(pattern: str) -> Glob:
    return Glob(text_tokens(pattern))


def _resource(pattern: str) -> Glob:
    return Glob(resource_tokens(pattern))


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("*", "*", True),
        ("*", "s3:?*", True),
        ("s3:*", "s3:Get*", True),
        ("s3:Get*", "s3:*", False),
        ("s3:?", "s3:*", False),
        ("s3:?", "s3:?", True),
        ("s3:?*", "s3:a*", True),
        ("s3:?*", "s3:*", False),
        ("s3:*b*", "s3:a*b*c", True),
        ("s3:a", "s3:?", False),
        ("s3:a", "s3:a*", False),
        ("s3:Get", "s3:Get", True),
    ],
)
def test_a_wildcard_is_only_held_by_one_at_least_as_free(wide: str, narrow: str, *, expected: bool) -> None:
    assert contains(_text(wide), _text(narrow), Work()) is expected


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("arn:aws:svc:*:1:x", "arn:aws:svc:eu*st:1:x", True),
        ("arn:aws:svc:e*t:1:x", "arn:aws:svc:e*st:1:x", True),
        ("arn:aws:svc:e*t:1:x", "arn:aws:svc:eu*:1t:1:x", False),
        ("arn:aws:svc:e?t:1:x", "arn:aws:svc:e?t:1:x", True),
        ("arn:aws:svc:e*t:*:x", "arn:aws:svc:e:t:1:x", False),
        ("arn:aws:svc:a*b:c:d:e", "arn:aws:svc:a*:b:c:d:e", False),
        ("arn:aws:svc:*:c:d", "arn:aws:svc:a*:b:c:d", True),
        ("arn:*:a*b:c:d:e", "arn:w:x:y:z:a*b:c:d:e", False),
        ("arn:*:a*b:c:d:e", "arn:w:x:y:z:aab:c:d:e", True),
    ],
)
def test_a_confined_wildcard_never_holds_what_may_bring_a_colon(wide: str, narrow: str, *, expected: bool) -> None:
    assert contains(_resource(wide), _resource(narrow), Work()) is expected


def test_a_confined_question_mark_does_not_hold_a_free_one() -> None:
    assert not contains(_resource("arn:aws:svc:?:1:x"), _text("arn:aws:svc:?:1:x"), Work())
    assert contains(_text("arn:aws:svc:?:1:x"), _resource("arn:aws:svc:?:1:x"), Work())


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a*", "*b", True),
        ("a*c", "ab*", True),
        ("a?", "a", False),
        ("a?", "?b", True),
        ("a*b", "c*", False),
        ("*a", "*b", False),
        ("a*b*", "?b", True),
        ("", "*", True),
        ("", "?", False),
        ("*x*", "*y*", True),
    ],
)
def test_two_patterns_overlap_when_some_text_fits_both(one: str, other: str, *, expected: bool) -> None:
    assert overlaps(_text(one), _text(other), Work()) is expected
    assert overlaps(_text(other), _text(one), Work()) is expected


def _set(*patterns: str, but: bool = False) -> PatternSet:
    return PatternSet(tuple(map(_text, patterns)), is_complement=but)


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (_set("a*", "b*"), _set("bc"), True),
        (_set("a*", "b*"), _set("c"), False),
        (_set("a*", but=True), _set("b*"), True),
        (_set("a*", but=True), _set("*b"), False),
        (_set("*"), _set("a*", but=True), True),
        (_set("b*"), _set("a*", but=True), False),
        (_set("ab", but=True), _set("a*", but=True), True),
        (_set("a*", but=True), _set("ab", but=True), False),
        (_set(but=True), _set("a*", but=True), True),
    ],
)
def test_sets_and_complements_hold_one_another(outer: PatternSet, inner: PatternSet, *, expected: bool) -> None:
    assert outer.holds(inner, Work()) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (_set("a*"), _set("*b"), True),
        (_set("a*"), _set("b*"), False),
        (_set("a*", but=True), _set("ab"), False),
        (_set("ab", but=True), _set("a*"), True),
        (_set("a*", but=True), _set("ab", "b"), True),
        (_set("a*", but=True), _set("b*", but=True), True),
    ],
)
def test_sets_and_complements_meet(one: PatternSet, other: PatternSet, *, expected: bool) -> None:
    assert one.may_meet(other, Work()) is expected
    assert other.may_meet(one, Work()) is expected
