"""However many statements there are, and however their patterns begin, those that matter are found."""

import json
from typing import Any

import pytest

from workflows.policy.document import ASKED, PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.layers import FULL_ACCESS, Layer, LayerKind, NamedPolicy
from workflows.policy.principal import CallingPrincipal, Form
from workflows.policy.request import Request

_ARN = "arn:aws:sqs:eu-west-1:111122223333:"


def _layers(*statements: dict[str, Any], kind: LayerKind = LayerKind.IDENTITY) -> Layers:
    policy = parse_policy(
        json.dumps({"Version": "2012-10-17", "Statement": statements}), kind=PolicyKind.IDENTITY, caps=ASKED
    )
    caller = [Layer(LayerKind.IDENTITY, "caller", (FULL_ACCESS,))] if kind is not LayerKind.IDENTITY else []
    return Layers([*caller, Layer(kind, "layer", (NamedPolicy("p", policy),))])


def _st(resource: str, effect: str = "Allow", action: str = "sqs:*") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


_CROWD = [_st(f"arn:aws:sqs:*:111122223333:queue{number}/a*b") for number in range(40)]
_NESTED = [_st(_ARN + "q" * length + "*", action=f"sqs:Only{length}") for length in range(1, 30)]


@pytest.mark.parametrize(
    ("pattern", "resource"),
    [
        ("*", "*"),
        ("*", _ARN + "x"),
        ("arn:*:*:*:*:*", _ARN + "x"),
        (_ARN + "x", _ARN + "x"),
        (_ARN + "x*", _ARN + "x"),
        ("arn:aws:sqs:*:*:x", _ARN + "x"),
        ("arn:aws:sqs:*:111122223333:*/end", _ARN + "x/y/end"),
        ("arn:aws:sqs:eu-*:111122223333:x?z", _ARN + "xyz"),
        ("arn:*:sqs:*:*:*queue*", _ARN + "my-queue-1"),
        ("arn:aws:sqs:*:111122223333:whole/*", _ARN + "whole/part"),
        ("arn:aws:sqs:*:111122223333:whole*", _ARN + "wholesale"),
        (_ARN + "qqq*", _ARN + "qqqq"),
    ],
)
@pytest.mark.parametrize("crowd", [[], _CROWD, _NESTED, [*_CROWD, *_NESTED]], ids=["alone", "crowd", "nested", "both"])
def test_one_statement_is_found_among_many(crowd: list[dict[str, Any]], pattern: str, resource: str) -> None:
    layers = _layers(*crowd, _st(pattern))
    assert decide(layers, Request("sqs:SendMessage", resource)).allowed
    elsewhere = decide(layers, Request("sqs:SendMessage", "arn:aws:sns:eu-west-1:111122223333:no"))
    assert elsewhere.allowed is (pattern in ("*", "arn:*:*:*:*:*"))


@pytest.mark.parametrize("pattern", ["arn:aws:sqs:*:*:secret", _ARN + "sec*", "arn:*:*:*:*:secret", "*"])
def test_one_deny_is_found_among_many_allows(pattern: str) -> None:
    layers = _layers(*_CROWD, *_NESTED, _st("*"), _st(pattern, effect="Deny"))
    decision = decide(layers, Request("sqs:SendMessage", _ARN + "secret"))
    assert decision.deciding is not None
    assert (decision.allowed, decision.deciding.index) == (False, len(_CROWD) + len(_NESTED) + 1)


def test_what_is_left_out_is_found_among_many() -> None:
    left_out = {"Effect": "Allow", "Action": "sqs:*", "NotResource": [_ARN + "secret*", "arn:aws:sqs:*:*:private"]}
    layers = _layers(*_CROWD, left_out)
    answers = [decide(layers, Request("sqs:X", _ARN + name)).allowed for name in ("open", "secret1", "private")]
    assert answers == [True, False, False]


@pytest.mark.parametrize(
    ("action", "asked", "allowed"),
    [
        ("sqs:SendMessage", "SQS:sendmessage", True),
        ("sqs:Send*", "sqs:SendMessage", True),
        ("s*:SendMessage", "sqs:SendMessage", True),
        ("*:SendMessage", "sqs:SendMessage", True),
        ("?qs:SendMessage", "sqs:SendMessage", True),
        ("*", "sqs:SendMessage", True),
        ("sqs:Send", "sqs:SendMessage", False),
        ("sns:*", "sqs:SendMessage", False),
    ],
)
def test_an_action_is_found_by_its_name_its_service_or_anywhere(action: str, asked: str, *, allowed: bool) -> None:
    others = [_st("*", action=f"{service}:Do{number}") for number in range(20) for service in ("sqs", "sns", "s3")]
    assert decide(_layers(*others, _st("*", action=action)), Request(asked, _ARN + "q")).allowed is allowed


def test_a_statement_that_leaves_out_actions_covers_the_others() -> None:
    layers = _layers({"Effect": "Allow", "NotAction": ["sqs:Send*", "iam:*"], "Resource": "*"})
    answers = [decide(layers, Request(name, "*")).allowed for name in ("sqs:SendMessage", "sqs:Get", "IAM:x", "s3:y")]
    assert answers == [False, True, False, True]


def test_answers_stay_the_same_when_what_was_gathered_is_forgotten() -> None:
    statements = [_st(f"{_ARN}q{number}", action=f"sqs:Do{number}*") for number in range(30)]
    layers = _layers(*statements)
    for number in range(3000):
        action, place = f"sqs:Do{number % 30}x{number}", number % 30
        assert decide(layers, Request(action, f"{_ARN}q{place}")).allowed
        assert not decide(layers, Request(action, f"{_ARN}q{place}x{number}")).allowed


def test_the_layers_that_do_not_bear_on_a_caller_are_not_heard() -> None:
    layers = _layers(_st("*", effect="Deny"), kind=LayerKind.GUARDRAIL)
    linked = CallingPrincipal(Form.ROLE_SESSION, "x", "111122223333", is_service_linked=True)
    ordinary = CallingPrincipal(Form.ROLE_SESSION, "x", "111122223333")
    answers = [decide(layers, Request("sqs:X", "*", principal=caller)).allowed for caller in (linked, ordinary)]
    assert answers == [True, False]
    assert [layer.kind for layer in layers.heard_by(linked)] == [LayerKind.IDENTITY]
