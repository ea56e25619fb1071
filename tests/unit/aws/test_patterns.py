"""The patterns of the models keep their meaning on the way from Java to Python."""

import re
from typing import Any

import pytest

from service.aws.model import SERVICES, description
from service.aws.patterns import compile_pattern

OURS = (
    "CreateDelegationRequest",
    "AssociateDelegationRequest",
    "GetDelegationRequest",
    "UpdateDelegationRequest",
    "AcceptDelegationRequest",
    "RejectDelegationRequest",
    "SendDelegationToken",
    "ListDelegationRequests",
    "GetHumanReadableSummary",
    "RevokeDelegation",
    "GetDelegatedAccessToken",
    "GetCallerIdentity",
)


def patterns_below(model: Any, name: str) -> set[str]:
    shape = model["shapes"][name]
    references = [*shape.get("members", {}).values(), *([shape["member"]] if "member" in shape else [])]
    found = {shape["pattern"]} if "pattern" in shape else set()
    return found.union(*(patterns_below(model, reference["shape"]) for reference in references))


def patterns_of_ours() -> set[str]:
    found: set[str] = set()
    for service in SERVICES.values():
        model = description(service)
        for action in model["operations"].keys() & set(OURS):
            operation = model["operations"][action]
            for part in ("input", "output"):
                if part in operation:
                    found |= patterns_below(model, operation[part]["shape"])
    return found


LATIN = r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*"
ARN = r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+"
URL = r"^http(s?)://[a-zA-Z0-9._/-]*(\?[a-zA-Z0-9._=&-]*)?(#[a-zA-Z0-9._/-]*)?$"

# pattern: (texts that match, texts that do not)
MEANING: dict[str, tuple[list[str], list[str]]] = {
    r"\d{12}": (
        ["111122223333"],
        ["11112222333", "1111222233334", "111122223333\n", "\uff11" * 12, "11112222333x"],
    ),
    r"[\w-]+": (["dr-0_aZ"], ["", "dr.0", "dr 0", "dré", "dr-0\n", "\u0661"]),
    r"[\w]*": (["", "ASIA_09"], ["a-b", "é", "a\n"]),
    r"[ -~]+": ([" ", "~!", "a b"], ["", "\n", "é", "\x7f", "a\n"]),
    LATIN: (["", "\t\n\r ~", "\xa1\xff\xad"], ["\x08", "\x7f", "\xa0", "\u0100", "\0"]),
    LATIN[:-1] + "+": (["\t\n\r ~", "\xa1\xff"], ["", "\x08", "\x7f", "\xa0", "\u0100"]),
    r"[\u0020-\u00FF]+": ([" \xff\x7f"], ["", "\x1f", "\u0100", "a\n"]),
    r"^[a-zA-Z0-9:_.-]+$": (["arn:aws:sns:us-east-1:444455556666:t"], ["", "a/b", "a b", "a\n", "é"]),
    r"^[a-zA-Z0-9:/+=,.@_-]+$": (["arn:aws:iam::1:user/a+=,.@_-"], ["", "a b", "a*", "a\n", "é"]),
    URL: (
        ["https://", "http://a.b/c-d_e?x=1&y=.#f/g", "https:///x", "https://a?", "https://a#"],
        [
            "",
            "ftp://a",
            "https://a:443",
            "https://a%20",
            "https://a?x?y",
            "https://a#b#c",
            "https://a\n",
            "https://é",
        ],
    ),
    ARN: (
        ["arn:aws:iam::1:role/é", "\t\n\r", "\x85\xa0\ud7ff\ue000\ufffd", "\U00010000\U0010ffff", "0F"],
        ["", "\x00", "\x7f", "\x84", "\ufffe", "\uffff", "\ud800"],
    ),
}


def test_every_pattern_of_our_operations_has_examples_here() -> None:
    assert patterns_of_ours() == set(MEANING)


@pytest.mark.parametrize(("java", "text"), [(java, text) for java, (texts, _) in MEANING.items() for text in texts])
def test_a_text_that_the_pattern_means_matches(java: str, text: str) -> None:
    assert compile_pattern(java).fullmatch(text)


@pytest.mark.parametrize(("java", "text"), [(java, text) for java, (_, texts) in MEANING.items() for text in texts])
def test_a_text_that_the_pattern_does_not_mean_is_refused(java: str, text: str) -> None:
    assert not compile_pattern(java).fullmatch(text)


@pytest.mark.parametrize("java", sorted(MEANING))
def test_no_pattern_of_ours_repeats_a_repetition(java: str) -> None:
    # A repeated group is what makes a backtracking matcher slow; an optional one is harmless.
    assert not re.search(r"\)[*+{]", java)


def test_characters_beyond_the_basic_plane_are_no_row_of_digits() -> None:
    assert not compile_pattern(r"[\u10000-\u10FFFF]").fullmatch("0")
    assert compile_pattern(r"[\u10000-\u10FFFF]").fullmatch("\U00010000")


def test_unicode_categories_are_written_out() -> None:
    tag = compile_pattern(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+")
    assert tag.fullmatch("Größe 漢字 ٣_.:/=+-@\u2003")
    assert not tag.fullmatch("a\tb")
    assert not tag.fullmatch("a*b")


@pytest.mark.parametrize("version", sorted(SERVICES))
def test_every_pattern_of_the_services_compiles(version: str) -> None:
    shapes = description(SERVICES[version])["shapes"].values()
    assert all(compile_pattern(shape["pattern"]) for shape in shapes if "pattern" in shape)
