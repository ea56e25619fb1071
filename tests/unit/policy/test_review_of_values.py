"""No comparison with a value that the partner chooses hides a grant, whatever value the review might fill in itself."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final

import pytest
from staging.bundles import bundle_in

from workflows.policy.asking import AT_HOME
from workflows.policy.context import RequestContext
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.layers import NamedPolicy
from workflows.policy.request import Request
from workflows.policy.review import Severity, review

Condition = Mapping[str, Mapping[str, str]]
ACTION: Final = "iam:CreateAccessKey"
PARAMETER: Final = "@{chosenValue}"
# For each kind of comparison a key, values that might be guessed to be filled in, and others that calls bring.
GUESSES: Final[Mapping[str, tuple[str, Sequence[str], Sequence[str]]]] = {
    "Numeric": ("aws:MultiFactorAuthAge", ("0", "1", "999999999"), ("5",)),
    "Date": ("aws:CurrentTime", ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"), ("2026-01-01T00:00:00Z",)),
    "Bool": ("aws:MultiFactorAuthPresent", ("true", "false"), ()),
    "Binary": ("aws:PrincipalTag/seal", ("eA==", "eQ=="), ()),
    "IpAddress": ("aws:SourceIp", ("192.0.2.1/32", "0.0.0.0/0", "203.0.113.7/32"), ("192.0.2.1", "203.0.113.7")),
    "Null": ("aws:MultiFactorAuthAge", ("true", "false"), ("5",)),
    "String": ("aws:PrincipalTag/seal", ("named0", "named1"), ("other",)),
}
OPERATORS: Final = [
    *(f"Numeric{one}" for one in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThanEquals")),
    *(f"Date{one}" for one in ("Equals", "NotEquals", "LessThanEquals", "GreaterThan")),
    *("Bool", "BoolIfExists", "BinaryEquals", "IpAddress", "NotIpAddress", "NotIpAddressIfExists", "Null"),
    *("StringEquals", "StringNotEquals", "StringLike", "StringEqualsIgnoreCase", "ForAllValues:StringEquals"),
    *("ForAnyValue:StringNotEquals", "ForAllValues:NumericEquals", "ForAnyValue:Bool"),
]


def document(allow: Condition, deny: Condition) -> dict[str, Any]:
    """Keys of users, allowed under one condition and denied under another."""
    sides = ({"Effect": "Allow", "Condition": allow}, {"Effect": "Deny", "Condition": deny})
    statements = [{"Action": ACTION, "Resource": "*", **one} for one in sides]
    return {"Version": "2012-10-17", "Statement": [one if one["Condition"] else _bare(one) for one in statements]}


def _bare(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name != "Condition"}


def pairs(operator: str) -> Iterator[tuple[Condition, Condition]]:
    """Conditions of an Allow and of a Deny on one key, one of them or both with what the partner chooses."""
    key, guesses, _ = of(operator)
    opened = {operator: {key: PARAMETER}}
    yield {}, opened
    yield opened, opened
    for other in (operator, OPPOSITE.get(operator, operator)):
        for guess in guesses:
            yield {other: {key: guess}}, opened
            yield opened, {other: {key: guess}}


OPPOSITE: Final = {"NotIpAddress": "IpAddress", "NumericNotEquals": "NumericEquals", "StringNotEquals": "StringEquals"}


def of(operator: str) -> tuple[str, Sequence[str], Sequence[str]]:
    """The key, the guesses and what calls bring for an operator."""
    return next(row for name, row in GUESSES.items() if name in operator)


def grants(policy: str, key: str, held: str | None) -> bool:
    """Whether a policy lets somebody make a key for somebody, by a call that brings this value or none."""
    named = [NamedPolicy("rendered", parse_policy(policy, kind=PolicyKind.IDENTITY))]
    context = RequestContext({} if held is None else {key: held})
    request = Request(ACTION, "arn:aws:iam::123456789012:user/x", context)
    return decide(AT_HOME.layers(named), AT_HOME.request(request)).allowed


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_key_that_some_value_lets_be_made_is_found_whatever_it_is_compared_with(operator: str) -> None:
    key, guesses, brought = of(operator)
    hidden, granted = [], 0
    for allow, deny in pairs(operator):
        made = document(allow, deny)
        chosen = [json.dumps(made).replace(PARAMETER, value) for value in (*guesses, *brought)]
        calls = (*(one for one in (*guesses, *brought) if "/" not in one), None)
        if not any(grants(text, key, held) for text, held in product(chosen, calls)):
            continue
        granted += 1
        found = review(bundle_in({"domain": "acme.example", "template": made}))
        if not any(one.severity is Severity.CRITICAL for one in found):
            hidden.append((allow, deny))
    assert granted
    assert hidden == []
