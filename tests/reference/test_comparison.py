"""Proofs against a naive evaluator that knows nothing of them: what is proven is never broken, what is refuted replays.

Pairs of small policies over a tiny alphabet meet each other often. A proof is attacked with requests made of the same
letters; a refutation has to be allowed by the first policy and refused by the second, as the naive evaluator sees it.
"""

import json
from random import Random  # noqa: TID251  the same pairs for the same number, and no secrets
from typing import Any, Final

import pytest
from reference.naive_iam import decide

from workflows.policy.compare import Comparison, Verdict, compare
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.layers import NamedPolicy
from workflows.policy.request import Request

Document = dict[str, Any]
ALICE: Final = "arn:aws:iam::111122223333:user/alice"
PAIRS: Final = 2_000
CHUNKS: Final = 50
ATTACKS: Final = 25
OWN: Final = "arn:aws:s3:::b/${aws:username}"
KEYS: Final = ("k:text", "k:number", "k:address", "k:several", "k:day", "k:mixed")


class Maker:
    """Makes policies and requests of few letters."""

    def __init__(self, number: int) -> None:
        self._random = Random(number)  # noqa: S311  as above
        self.pick = self._random.choice

    def word(self, letters: str, most: int, least: int = 0) -> str:
        return "".join(self.pick(letters) for _ in range(self._random.randint(least, most)))

    def some(self, make: Any) -> list[str]:
        return [make() for _ in range(self.pick((1, 1, 1, 2, 3)))]

    def action(self) -> str:
        return "*" if self._random.random() < 0.1 else f"{self.pick('ab')}:{self.word('ab**?', 4, 1)}"

    def resource(self) -> str:
        if self._random.random() < 0.2:
            return "*"
        tail = self.pick(("", "", "", "${aws:username}")) + self.word("ab/**?", 4, 1)
        return f"arn:aws:{self.pick('sst*')}::{self.pick(('', '1', '*'))}:{tail}"

    def clause(self) -> tuple[str, str, list[str]]:
        exists = self.pick(("", "", "IfExists"))
        match self.pick(KEYS):
            case "k:text":
                base = self.pick(("Equals", "NotEquals", "Like", "NotLike", "EqualsIgnoreCase"))
                letters = "ab*" if "Like" in base else "abA"
                return f"String{base}{exists}", "k:text", self.some(lambda: self.word(letters, 3))
            case "k:number":
                base = self.pick(("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan"))
                return f"Numeric{base}{exists}", "k:number", self.some(lambda: self.pick("0123"))
            case "k:address":
                ranges = ("10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16", "::/0")
                operator = self.pick(("IpAddress", "NotIpAddress")) + exists
                return operator, "k:address", self.some(lambda: self.pick(ranges))
            case "k:several":
                base = self.pick(("Equals", "Like", "NotEquals", "NotLike"))
                letters = "ab*" if "Like" in base else "ab"
                operator = f"{self.pick(('ForAllValues', 'ForAnyValue'))}:String{base}{exists}"
                return operator, "k:several", self.some(lambda: self.word(letters, 2, 1))
            case "k:day":
                base = self.pick(("LessThan", "GreaterThanEquals", "Equals"))
                days = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "1767225600")
                return f"Date{base}{exists}", "k:day", self.some(lambda: self.pick(days))
            case "k:mixed":
                texts: tuple[str, ...] = ("1", "1.0", "2", "2.0", "1970-01-01T00:00:02Z", "true", "TRUE", "x")
                base = self.pick(
                    ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "Bool", "Date", "Numeric")
                )
                if base in ("Date", "Numeric"):
                    base += self.pick(("Equals", "LessThan", "GreaterThanEquals"))
                    texts = texts[:4] if base.startswith("Numeric") else texts[:5]
                return base + exists, "k:mixed", self.some(lambda: self.pick(texts))
        raise AssertionError

    def statement(self) -> Document:
        made: Document = {"Effect": self.pick(("Allow", "Allow", "Deny"))}
        made[self.pick(("Action", "Action", "Action", "NotAction"))] = self.some(self.action)
        made[self.pick(("Resource", "Resource", "Resource", "NotResource"))] = self.some(self.resource)
        for _ in range(self.pick((0, 0, 1, 1, 2))):
            if self._random.random() < 0.2:
                operator, key, values = "Null", self.pick(KEYS), [self.pick(("true", "false"))]
            else:
                operator, key, values = self.clause()
            made.setdefault("Condition", {}).setdefault(operator, {})[key] = values
        return made

    def pair(self) -> tuple[Document, Document]:
        first = [self.statement() for _ in range(self._random.randint(1, 3))]
        second = [self.statement() for _ in range(self._random.randint(1, 4))]
        if self._random.random() < 0.4:
            second += [one for one in first if one["Effect"] == "Allow"]
        return _document(first), _document(second)

    def attack(self) -> Document:
        rare = self._random.random
        tail = self.word("ab/x", 4, 1)
        context: Document = {
            "aws:username": self.pick(("a", "ab", "someone")),
            "k:text": self.word("abA", 3),
            "k:number": self.pick(("0", "1", "2", "3", "0.5", "1.5", "2.5", "9", "-1")),
            "k:address": self.pick(("10.0.0.1", "10.200.0.1", "10.1.2.3", "9.9.9.9", "::1")),
            "k:several": [self.word("ab", 2) for _ in range(self._random.randint(0, 3))],
            "k:mixed": self.pick(
                ("1", "1.0", "1.5", "2", "2.00", "3", "0", "true", "True", "X", "1970-01-01T00:00:01Z")
            ),
            "k:day": self.pick(("2025-12-31", "2026-01-01T00:00:00Z", "2026-01-01T12:00:00Z", "2026-01-03")),
        }
        return {
            "action": f"{self.pick('ab')}:{self.word('abx', 4, 1)}",
            "resource": "*" if rare() < 0.1 else f"arn:aws:{self.pick('st')}::{self.pick(('', '1'))}:{tail}",
            "context": {key: value for key, value in context.items() if rare() < 0.65},
        }


def _document(statements: list[Document]) -> Document:
    return {"Version": "2012-10-17", "Statement": statements}


def compared(first: Document, second: Document, **more: Any) -> Comparison:
    return compare([_named("first", first)], [_named("second", second)], **more)


def _named(name: str, document: Document) -> NamedPolicy:
    return NamedPolicy(name, parse_policy(json.dumps(document), kind=PolicyKind.IDENTITY))


def naive(document: Document, asked: Document) -> bool:
    """Whether the naive evaluator lets a user with this one policy do it."""
    return decide({**asked, "principal": ALICE, "identity_policies": [document]}) == "Allowed"


def asked_of(request: Request) -> Document:
    return {
        "action": request.action,
        "resource": request.resource,
        "context": {
            key: value if isinstance(value, str) else list(value) for key, value in request.context.as_mapping().items()
        },
    }


def examine(number: int, pairs: int) -> set[Verdict]:
    """Compare that many pairs; raises `AssertionError` when the naive evaluator sees it otherwise."""
    maker = Maker(number)
    seen = set()
    for _ in range(pairs):
        first, second = maker.pair()
        answer = compared(first, second)
        seen.add(answer.verdict)
        # Truths beside numbers on one key are left open; nothing else is.
        assert answer.verdict is not Verdict.UNKNOWN or answer.because == "mixed-types", (answer.because, first, second)
        for found in answer.counterexamples:
            asked = asked_of(found.request)
            assert naive(first, asked), (asked, first)
            assert not naive(second, asked), (asked, second)
        if answer.verdict is Verdict.PROVEN and not answer.rests_on_variables:
            for asked in (maker.attack() for _ in range(ATTACKS)):
                assert not naive(first, asked) or naive(second, asked), (asked, first, second)
    return seen


def test_what_is_proven_holds_and_what_is_refuted_replays_for_a_naive_evaluator() -> None:
    assert examine(1, PAIRS) >= {Verdict.PROVEN, Verdict.REFUTED}


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_great_many_proofs_and_refutations_hold_for_a_naive_evaluator(chunk: int) -> None:
    assert examine(1_000 + chunk, PAIRS) >= {Verdict.PROVEN, Verdict.REFUTED}


def test_comparison_is_an_order_on_policies() -> None:
    maker = Maker(7)
    for _ in range(150):
        first, second = maker.pair()
        statements = first["Statement"]
        assert compared(first, first).verdict is Verdict.PROVEN
        more = _document([*statements, *(one for one in second["Statement"] if one["Effect"] == "Allow")])
        less = _document([*statements, *(one for one in second["Statement"] if one["Effect"] == "Deny")])
        for narrow, wide in ((first, more), (less, first), (less, more)):
            assert compared(narrow, wide).verdict is Verdict.PROVEN, (narrow, wide)


def _allow(**more: Any) -> Document:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **more}


def _deny(**more: Any) -> Document:
    return {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*", **more}


def _when(operator: str, key: str, *values: str) -> Document:
    return {"Condition": {operator: {key: list(values)}}}


HARD: Final[list[tuple[str, list[Document], list[Document], Verdict]]] = [
    (
        "an equality and its opposite cover everything",
        [_allow()],
        [_allow(**_when("StringEquals", "k:a", "x")), _allow(**_when("StringNotEquals", "k:a", "x"))],
        Verdict.PROVEN,
    ),
    (
        "two halves of a range cover it",
        [_allow(**_when("IpAddress", "aws:SourceIp", "10.0.0.0/8"))],
        [_allow(**_when("IpAddress", "aws:SourceIp", "10.0.0.0/9", "10.128.0.0/9"))],
        Verdict.PROVEN,
    ),
    (
        "a half and a quarter of a range leave the last address out",
        [_allow(**_when("IpAddress", "aws:SourceIp", "10.0.0.0/8"))],
        [_allow(**_when("IpAddress", "aws:SourceIp", "10.0.0.0/9", "10.128.0.0/10"))],
        Verdict.REFUTED,
    ),
    (
        "at most is more than less than",
        [_allow(**_when("NumericLessThanEquals", "k:n", "5"))],
        [_allow(**_when("NumericLessThan", "k:n", "5"))],
        Verdict.REFUTED,
    ),
    (
        "a date between two that are told apart",
        [_allow(**_when("DateLessThan", "aws:CurrentTime", "2026-01-02T00:00:00Z"))],
        [_allow(**_when("DateLessThanEquals", "aws:CurrentTime", "2026-01-01T00:00:00Z"))],
        Verdict.REFUTED,
    ),
    (
        "a number between two bounds of different statements",
        [_allow(**_when("NumericGreaterThan", "k:n", "1"))],
        [_allow(**_when("NumericGreaterThanEquals", "k:n", "1.0000000000000000000000000000000001"))],
        Verdict.REFUTED,
    ),
    (
        "a number spelt in another way than the text",
        [_allow(**_when("NumericEquals", "k:n", "3"))],
        [_allow(**_when("StringEquals", "k:n", "3"))],
        Verdict.REFUTED,
    ),
    (
        "a number that is an instant beside the one that is spelt as a date",
        [_allow(**_when("DateLessThan", "k:n", "1970-01-01T00:00:02Z"))],
        [_allow(**_when("NumericLessThan", "k:n", "2"))],
        Verdict.REFUTED,
    ),
    (
        "every number is an instant",
        [_allow(**_when("NumericLessThan", "k:n", "2"))],
        [_allow(**_when("DateLessThan", "k:n", "1970-01-01T00:00:02Z"))],
        Verdict.PROVEN,
    ),
    (
        "a truth spelt in another case",
        [_allow(**_when("Bool", "k:b", "true"))],
        [_allow(**_when("StringEquals", "k:b", "true", "True", "TRUE"))],
        Verdict.REFUTED,
    ),
    (
        "an address spelt in another way",
        [_allow(**_when("IpAddress", "k:ip", "::1"))],
        [_allow(**_when("StringEquals", "k:ip", "::1"))],
        Verdict.REFUTED,
    ),
    (
        "a text whose letters differ in case, one by one",
        [_allow(**_when("StringEqualsIgnoreCase", "k:t", "ab"))],
        [_allow(**_when("StringEquals", "k:t", "ab", "AB", "aB"))],
        Verdict.REFUTED,
    ),
    (
        "a text in any case among patterns",
        [_allow(Condition={"StringEqualsIgnoreCase": {"k:t": "ab"}, "StringLike": {"k:t": "a*"}})],
        [_allow(**_when("StringEquals", "k:t", "ab"))],
        Verdict.REFUTED,
    ),
    (
        "a pattern of resources that is a little wider",
        [_allow(Resource="arn:aws:s3:::a*")],
        [_allow(Resource="arn:aws:s3:::ab*")],
        Verdict.REFUTED,
    ),
    (
        "a key that has to fit if it is there",
        [_allow(**_when("StringEqualsIfExists", "k:a", "x"))],
        [_allow(**_when("StringEquals", "k:a", "x"))],
        Verdict.REFUTED,
    ),
    (
        "two values at once",
        [_allow(Condition={"ForAnyValue:StringEquals": {"k:s": "a"}, "ForAnyValue:StringLike": {"k:s": "b"}})],
        [_allow(Action="s3:PutObject")],
        Verdict.REFUTED,
    ),
    (
        "all of fewer values are all of more",
        [_allow(**_when("ForAllValues:StringEquals", "aws:TagKeys", "a"))],
        [_allow(**_when("ForAllValues:StringEquals", "aws:TagKeys", "a", "b"))],
        Verdict.PROVEN,
    ),
    (
        "all values hold of none at all, any value does not",
        [_allow(**_when("ForAllValues:StringEquals", "aws:TagKeys", "a"))],
        [_allow(**_when("ForAnyValue:StringEquals", "aws:TagKeys", "a"))],
        Verdict.REFUTED,
    ),
    (
        "what is denied with NotAction is not allowed",
        [_allow()],
        [{"Effect": "Allow", "Action": "*", "Resource": "*"}, _deny(Action=[], NotAction="s3:Get*")],
        Verdict.PROVEN,
    ),
    (
        "a resource left out on one side and denied on the other",
        [{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::secret/*"}],
        [
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
            _deny(Action="s3:*", Resource="arn:aws:s3:::secret/*"),
        ],
        Verdict.PROVEN,
    ),
    (
        "patterns with stars that only together hold another",
        [_allow(Resource="arn:aws:s3:::a*b")],
        [_allow(Resource="arn:aws:s3:::a?*b"), _allow(Resource="arn:aws:s3:::ab")],
        Verdict.PROVEN,
    ),
    (
        "the same variable",
        [_allow(Resource=OWN)],
        [_allow(Resource=OWN)],
        Verdict.PROVEN,
    ),
    (
        "a variable and another",
        [_allow(Resource=OWN)],
        [_allow(Resource="arn:aws:s3:::b/${aws:userid}")],
        Verdict.REFUTED,
    ),
    ("a key of KMS, which guards itself", [_allow(Action="kms:Decrypt")], [_allow()], Verdict.REFUTED),
]


@pytest.mark.parametrize(("first", "second", "verdict"), [row[1:] for row in HARD], ids=[row[0] for row in HARD])
def test_hard_pairs_are_decided(first: list[Document], second: list[Document], verdict: Verdict) -> None:
    def cleaned(statements: list[Document]) -> Document:
        return _document([{key: value for key, value in one.items() if value != []} for one in statements])

    answer = compared(cleaned(first), cleaned(second))
    assert answer.verdict is verdict
    for found in answer.counterexamples:
        asked = asked_of(found.request)
        if not asked["action"].startswith("kms:"):
            assert naive(cleaned(first), asked)
            assert not naive(cleaned(second), asked)


def test_every_statement_that_goes_too_far_has_its_own_request() -> None:
    first = _document([_allow(Sid="Held"), _allow(Sid="Put", Action="s3:Put*"), _allow(Sid="All", Action="s3:*")])
    answer = compared(first, _document([_allow()]), every=True)
    assert [found.statement.sid for found in answer.counterexamples] == ["Put", "All"]
    denied = compared(first, _document([_allow(Action="*"), _deny(Sid="NoPut", Action="s3:PutObject")]), every=True)
    assert {found.denied_by for found in denied.counterexamples} == {"identity:second:NoPut"}


def test_a_proof_says_when_it_rests_on_what_a_variable_stands_for() -> None:
    own = _document([_allow(Resource=OWN)])
    assert compared(own, _document([_allow(Resource="arn:aws:s3:::b/${aws:username}*")])).rests_on_variables
    assert not compared(own, _document([_allow()])).rests_on_variables


def test_what_is_too_entangled_is_not_known_rather_than_proven() -> None:
    stars = [f"arn:aws:s3:::*{'*'.join(f'{letter}{number}' for letter in 'abcdefgh')}*" for number in range(40)]
    first = _document([_allow(Resource=["arn:aws:s3:::*"])])
    second = _document([_allow(Resource=[star]) for star in stars] + [_deny(Resource=stars[:20])])
    assert compared(first, second).verdict in (Verdict.REFUTED, Verdict.UNKNOWN)
