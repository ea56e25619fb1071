"""Wildcards take time linear in the text, and the work they do is counted."""

from itertools import chain, product

import pytest

from workflows.errors import LimitExceeded
from workflows.policy.context import fold
from workflows.policy.patterns import ActionPattern, Glob, Mark, Token, Work, resource_tokens, text_tokens


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


def _fits(pattern: str, text: str, fields: int) -> bool:
    """The same by trying everything: `fields` colons of the pattern confine the wildcards before them."""
    if not pattern:
        return not text
    mark, rest = pattern[0], pattern[1:]
    inside = fields - (mark == ":")
    if mark == "*":
        runs_on = fields <= 0 or rest[:1] in ("", ":")
        return any(
            _fits(rest, text[taken:], inside) for taken in range(len(text) + 1) if runs_on or ":" not in text[:taken]
        )
    if not text or (mark != "?" and mark != text[0]) or (mark == "?" and fields > 0 and text[0] == ":"):
        return False
    return _fits(rest, text[1:], inside)


_SHORT_PATTERNS = ["".join(letters) for length in range(1, 6) for letters in product("ab*?:", repeat=length)]
_SHORT_TEXTS = ["", "a", ":", "b", "ab", "a:", "aab", "a:b", "ba:", "abab", ":ab:", "aa:ba", "ab:ab", "b:a:b"]


@pytest.mark.parametrize("text", _SHORT_TEXTS)
def test_every_short_pattern_fits_what_trying_everything_finds(text: str) -> None:
    """A pattern that stands alone has all its colons before the fifth; behind four more it has all of them after."""
    for pattern in _SHORT_PATTERNS:
        assert Glob(text_tokens(pattern)).matches(text, Work()) is _fits(pattern, text, 0), pattern
        assert Glob(resource_tokens(pattern)).matches(text, Work()) is _fits(pattern, text, 5), pattern
        last = Glob(resource_tokens(":::::" + pattern))
        assert last.matches(":::::" + text, Work()) is _fits(pattern, text, 0), pattern


@pytest.mark.parametrize(
    ("tokens", "runs"),
    [
        (("a", "", "b"), ("ab",)),
        ((Mark.MANY, "", Mark.MANY), (Mark.MANY,)),
        ((Mark.MANY_BUT_COLON, Mark.MANY, Mark.MANY_BUT_COLON), (Mark.MANY,)),
        (("a", Mark.MANY, "b", "c", Mark.ONE, Mark.ONE), ("a", Mark.MANY, "bc", Mark.ONE, Mark.ONE)),
        ((), ()),
        (("",), ()),
    ],
)
def test_a_pattern_keeps_its_tokens_in_the_shortest_form(tokens: tuple[Token, ...], runs: tuple[Token, ...]) -> None:
    assert Glob(tokens).runs == runs
    assert Glob(tokens).tokens == tuple(chain.from_iterable(run if isinstance(run, str) else (run,) for run in runs))


def test_patterns_are_equal_when_they_say_the_same() -> None:
    assert Glob(text_tokens("a**b")) == Glob(text_tokens("a*b"))
    assert hash(Glob(text_tokens("a**b"))) == hash(Glob(text_tokens("a*b")))
    assert Glob(text_tokens("a*b")) != Glob(text_tokens("a*"))
    assert Glob(text_tokens("a")) != "a"
    assert ActionPattern("s3:Get*") == ActionPattern("s3:Get*") != ActionPattern("s3:get*")
    assert hash(ActionPattern("s3:x")) == hash(ActionPattern("s3:x"))
    assert ActionPattern("a") != "a"
    assert (repr(Glob(("a",))), repr(ActionPattern("a"))) == ("Glob(('a',))", "ActionPattern('a')")


def test_a_pattern_of_uncommon_width_takes_more_steps_for_each_character() -> None:
    wide, ordinary = Glob(text_tokens("?" * 5_120 + "*a")), Glob(text_tokens("?" * 100 + "*a"))
    text = "b" * 6_000 + "a"
    assert _steps(ordinary, text) == (True, len(text))
    assert _steps(wide, text) == (True, 11 * len(text))
