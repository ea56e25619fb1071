"""Wildcards take time linear in the text, and the work they do is counted."""

import pytest

from workflows.errors import LimitExceeded
from workflows.policy.context import fold
from workflows.policy.patterns import ActionPattern, Glob, Work, resource_tokens, text_tokens


def _steps(glob: Glob, text: str) -> tuple[bool, int]:
    work = Work()
    return glob.matches(text, work), work.limit - work.left


@pytest.mark.parametrize(
    "pattern", ["a*" * 32 + "b", "*a" * 32 + "?b", "?*" * 32 + "b", "*" * 32 + "b", "*a?" * 30 + "b"]
)
def test_the_worst_pattern_looks_at_each_character_once(pattern: str) -> None:
    text = "a" * 20_000
    for tokens in (text_tokens(pattern), resource_tokens("arn:aws:s3:::" + pattern)):
        matched, steps = _steps(Glob(tokens), ("arn:aws:s3:::" if tokens[0] == "a" and tokens[1] == "r" else "") + text)
        assert not matched
        assert steps <= len(text) + 13


def test_the_worst_pattern_of_confined_stars_looks_at_each_character_once() -> None:
    matched, steps = _steps(Glob(resource_tokens("arn:aws:" + "a*" * 30 + "b:::x")), "arn:aws:" + "a" * 20_000 + ":::x")
    assert not matched
    assert steps <= 20_012


def test_work_that_runs_out_is_a_failure_of_its_own() -> None:
    with pytest.raises(LimitExceeded, match="more than 10 steps"):
        Glob(text_tokens("a*b*c")).matches("a" + "x" * 20 + "c", Work(10))


def test_a_pattern_without_wildcards_costs_nothing() -> None:
    assert _steps(Glob(text_tokens("abc")), "abc") == (True, 0)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("ab*ba", "aba", False),
        ("*ab*ab*", "ab", False),
        ("*ab*ab*", "abab", True),
        ("*?", "", False),
        ("**", "", True),
        ("", "", True),
        ("", "a", False),
        ("a?c*", "abcd", True),
        ("*\n*", "a\nb", True),
        ("*.*", "ab", False),
    ],
)
def test_overlaps_and_empty_stretches_are_decided_exactly(pattern: str, text: str, *, expected: bool) -> None:
    assert Glob(text_tokens(pattern)).matches(text, Work()) is expected


def test_a_confined_star_that_fails_gives_the_earlier_free_star_another_try() -> None:
    glob = Glob(resource_tokens("arn:*:a*b:c:d:e"))
    assert glob.matches("arn:x:aq:ab:c:d:e", Work())


def test_only_plain_letters_lose_their_case() -> None:
    kelvin = "\u212a"
    assert fold("ABCxyz") == "abcxyz"
    assert fold(f"A{kelvin}\u0130") == f"a{kelvin}\u0130"
    assert not ActionPattern("kms:*").matches(fold(f"{kelvin}MS:Decrypt"), Work())
