"""A decision says who decided it, what each layer said and what is missing, and asking never changes it."""

import json
from typing import Any

import pytest

from workflows.policy.context import RequestContext
from workflows.policy.decision import Decision, Outcome
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.explanation import absent_keys, fitting, missing, sentences
from workflows.policy.index import Layers
from workflows.policy.layers import FULL_ACCESS, Layer, LayerKind, NamedPolicy
from workflows.policy.principal import ANONYMOUS, CallingPrincipal, Form, calling_principal
from workflows.policy.request import Request

_HOME = "111122223333"
_USER = f"arn:aws:iam::{_HOME}:user/ann"
_OBJECT = "arn:aws:s3:::bucket/key"
_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
_KINDS = {LayerKind.RESOURCE: PolicyKind.RESOURCE, LayerKind.RESOURCE_GUARDRAIL: PolicyKind.RESOURCE_GUARDRAIL}


def _st(effect: str = "Allow", action: str = "s3:*", resource: str = "*", **more: object) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def _layer(kind: LayerKind, *statements: dict[str, Any], name: str = "") -> Layer:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    policy = parse_policy(text, kind=_KINDS.get(kind, PolicyKind.IDENTITY))
    return Layer(kind, name or f"my {kind.value}", (NamedPolicy(f"{kind.value}-policy", policy),))


_FULL = Layer(LayerKind.IDENTITY, "caller", (FULL_ACCESS,))


def _decided(
    *layers: Layer, context: dict[str, str] | None = None, principal: CallingPrincipal | None = None, owner: str = _HOME
) -> Decision:
    caller = principal or calling_principal(_USER)
    assert caller is not None
    return decide(Layers(layers), Request("s3:GetObject", _OBJECT, RequestContext(context), caller, owner))


def test_nothing_is_missing_from_what_is_allowed_or_explicitly_denied() -> None:
    assert missing(_decided(_FULL)) == ()
    assert missing(_decided(_FULL, _layer(LayerKind.SESSION, _st("Deny")))) == ()


def test_every_silent_ceiling_is_missing_an_allow() -> None:
    decision = _decided(
        _FULL, _layer(LayerKind.BOUNDARY, _st(action="ec2:*")), _layer(LayerKind.SESSION, _st("Deny", "ec2:*"))
    )
    assert [(each.kind, each.layer) for each in missing(decision)] == [
        (LayerKind.BOUNDARY, "my boundary"),
        (LayerKind.SESSION, "my session"),
    ]


def test_a_layer_that_does_not_exist_is_missing_as_such() -> None:
    assert [(each.kind, each.layer) for each in missing(_decided())] == [(LayerKind.IDENTITY, None)]
    across = missing(_decided(_FULL, owner="444455556666"))
    assert [(each.kind, each.layer) for each in across] == [(LayerKind.RESOURCE, None)]


def test_a_resource_policy_that_need_not_allow_is_not_missing() -> None:
    silent = _layer(LayerKind.RESOURCE, {**_st(), "Principal": {"AWS": "444455556666"}})
    boundary = _layer(LayerKind.BOUNDARY, _st(action="ec2:*"))
    assert [each.kind for each in missing(_decided(_FULL, silent, boundary))] == [LayerKind.BOUNDARY]


def test_a_root_user_is_not_missing_an_identity_policy() -> None:
    root = calling_principal(f"arn:aws:iam::{_HOME}:root")
    decision = _decided(
        _layer(LayerKind.IDENTITY, _st(action="ec2:*")), Layer(LayerKind.GUARDRAIL, "level", ()), principal=root
    )
    assert [each.kind for each in missing(decision)] == [LayerKind.GUARDRAIL]


def test_an_allow_that_nearly_fits_says_what_kept_it() -> None:
    nearly = _st(Sid="Read", Condition={**_MFA, "StringLike": {"aws:username": ["a*", "b"]}})
    decision = _decided(
        _layer(LayerKind.IDENTITY, nearly, _st(resource="arn:aws:s3:::else/*")), context={"aws:username": "c"}
    )
    (identity,) = missing(decision)
    (near,) = identity.near
    assert (near.statement.sid, near.names_the_caller) == ("Read", True)
    assert [(each.operator, each.key, each.wanted, each.given) for each in near.unmet] == [
        ("Bool", "aws:MultiFactorAuthPresent", ("true",), None),
        ("StringLike", "aws:username", ("a*", "b"), "c"),
    ]


def test_an_allow_for_others_is_a_near_miss_that_does_not_name_the_caller() -> None:
    others = _layer(LayerKind.RESOURCE, {**_st(), "Principal": {"AWS": "444455556666"}})
    (resource,) = missing(_decided(others, principal=ANONYMOUS))
    assert [near.names_the_caller for near in resource.near] == [False]


def test_absent_keys_are_those_of_statements_about_the_action_and_the_resource() -> None:
    policy = _layer(
        LayerKind.IDENTITY,
        _st(Condition={"StringEquals": {"aws:PrincipalTag/Team": "${aws:RequestTag/Team}", "aws:username": "x"}}),
        _st(resource="arn:aws:s3:::bucket/${aws:userid}", effect="Deny"),
        _st(resource="arn:aws:s3:::elsewhere/*", Condition=_MFA),
        _st(action="ec2:*", Condition={"StringEquals": {"ec2:Vpc": "x"}}),
    )
    decision = _decided(policy, context={"aws:username": "x"})
    assert absent_keys(decision) == ("aws:PrincipalTag/Team", "aws:RequestTag/Team")


_TOLD = {
    "explicit": (
        [_FULL, _layer(LayerKind.GUARDRAIL, _st("Deny", Sid="NoS3"), name="no-s3")],
        "The guardrail guardrail-policy (statement NoS3 at $.Statement[0]) denies it",
    ),
    "implicit": ([_layer(LayerKind.IDENTITY, _st(Condition=_MFA))], "if aws:MultiFactorAuthPresent met Bool true"),
    "absent": ([], "No identity policy allows it."),
    "named": (
        [_layer(LayerKind.RESOURCE, {**_st(), "Principal": {"AWS": _USER}})],
        "names the caller, and that is enough",
    ),
    "allowed": ([_FULL], "Nothing denies it, and every layer that must allow it does."),
}


@pytest.mark.parametrize("name", sorted(_TOLD))
def test_the_sentences_say_who_decided(name: str) -> None:
    layers, expected = _TOLD[name]
    told = sentences(_decided(*layers))
    assert told[0].endswith(f"user {_USER} asks for s3:GetObject on {_OBJECT}.")
    assert expected in "\n".join(told)


def test_the_sentences_of_an_ungoverned_call_and_of_one_that_costs_too_much() -> None:
    caller = calling_principal(_USER)
    assert caller is not None
    free = decide(Layers([]), Request("sts:GetCallerIdentity", "*", principal=caller))
    assert "No policy governs this action" in "\n".join(sentences(free))
    costly = {"StringLike": {"aws:x": ["a*d?*" + str(number) + "*" for number in range(200)]}}
    layer = _layer(LayerKind.IDENTITY, *[_st("Deny", Condition=costly)] * 60)
    stopped = _decided(layer, context={"aws:x": "a" * 1000 + "b" * 9000 + "cx0"})
    assert "could not be decided" in "\n".join(sentences(stopped))
    assert (missing(stopped), absent_keys(stopped), stopped.deciding) == ((), (), None)


def test_a_delegated_caller_is_told_as_one() -> None:
    caller = CallingPrincipal(Form.USER, _USER, _HOME, is_delegated=True)
    assert f"user {_USER}, under a delegation, asks" in sentences(_decided(_FULL, principal=caller))[0]
    assert sentences(_decided(_FULL, principal=ANONYMOUS))[0].startswith("Refused: anybody asks")


def test_asking_for_the_reasons_changes_nothing() -> None:
    decision = _decided(_layer(LayerKind.IDENTITY, _st(Condition=_MFA)))
    before = (decision.outcome, decision.because, decision.layers)
    for _ in range(3):
        sentences(decision)
        absent_keys(decision)
    assert (decision.outcome, decision.because, decision.layers) == before
    assert decision.outcome is Outcome.IMPLICIT_DENY


_WHOLE = """\
Refused: role session arn:aws:sts::111122223333:assumed-role/app/job asks for s3:GetObject on arn:aws:s3:::bucket/key.
No permissions boundary allows it.
- Guardrail (organisation): allowed by guardrail guardrail-policy (statement Anything at $.Statement[0]).
- Resource policy (my resource): nothing allows it.
- Identity policy (caller): allowed by identity policy FullAccess (the statement at $.Statement).
- Permissions boundary (my boundary): nothing allows it.
- Session policy (my session): allowed by session policy session-policy (the statement at $.Statement[0]).
Missing: an Allow, permissions boundary in my boundary.
  The permissions boundary boundary-policy (the statement at $.Statement[0]) would, if aws:username met \
ForAnyValue:StringLikeIfExists a* or b; it is x or y.
  The permissions boundary boundary-policy (the statement at $.Statement[0]) would, if aws:MultiFactorAuthPresent met \
Bool true; the request does not say."""


def test_a_refusal_is_told_whole() -> None:
    wanted = {"ForAnyValue:StringLikeIfExists": {"aws:username": ["a*", "b"]}, **_MFA}
    layers = [
        _FULL,
        _layer(LayerKind.GUARDRAIL, _st(Sid="Anything"), name="organisation"),
        _layer(LayerKind.RESOURCE, {**_st(action="s3:Put*"), "Principal": "*"}),
        _layer(LayerKind.BOUNDARY, _st(Condition=wanted)),
        _layer(LayerKind.SESSION, _st(), _st("Deny", resource="arn:aws:s3:::other")),
    ]
    caller = calling_principal("arn:aws:sts::111122223333:assumed-role/app/job")
    assert caller is not None
    context = RequestContext({"aws:username": ("x", "y")})
    told = "\n".join(sentences(decide(Layers(layers), Request("s3:GetObject", _OBJECT, context, caller, _HOME))))
    assert told == _WHOLE


def test_an_empty_list_of_wanted_values_is_told_as_nothing() -> None:
    decision = _decided(_layer(LayerKind.IDENTITY, _st(Condition={"StringEquals": {"aws:x": []}})))
    assert "met StringEquals nothing; the request does not say" in "\n".join(sentences(decision))


def test_an_allow_for_others_is_told_as_that() -> None:
    others = _layer(LayerKind.RESOURCE, {**_st(), "Principal": {"AWS": "444455556666"}})
    assert "$.Statement[0]) allows it to others." in "\n".join(sentences(_decided(others, principal=ANONYMOUS)))


def test_all_statements_that_speak_for_an_answer_are_found() -> None:
    twice = _layer(LayerKind.IDENTITY, _st(Sid="A"), _st(action="s3:Get*", Sid="B"), _st(action="ec2:*", Sid="C"))
    others = _layer(LayerKind.RESOURCE, {**_st(Sid="O"), "Principal": {"AWS": "444455556666"}})
    ceiling = _layer(LayerKind.BOUNDARY, _st(Sid="D"))
    allowed = fitting(_decided(twice, ceiling, others))
    assert [each.sid for each in allowed] == ["A", "B", "D"]
    denies = _layer(LayerKind.SESSION, _st("Deny", Sid="E"), _st("Deny", resource=_OBJECT, Sid="F"), _st(Sid="G"))
    assert [each.sid for each in fitting(_decided(twice, denies))] == ["E", "F"]
    assert fitting(_decided(_layer(LayerKind.IDENTITY, _st(Condition=_MFA)))) == ()
