"""Policies and requests for the policy benchmark: five layers in the shapes that real documents have.

Everything is made by counting, so every run measures the same. Services, verbs and resources repeat as they do in an
organisation: many statements of the same service, most of them about other resources.
"""

import json
from typing import Any, Final

from workflows.policy.context import RequestContext
from workflows.policy.document import ASKED, PolicyKind, parse_policy
from workflows.policy.index import Layers
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.policy.principal import calling_principal
from workflows.policy.request import Request

ACCOUNT: Final = "111122223333"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/app"
SERVICES: Final = (
    "s3",
    "ec2",
    "sqs",
    "sns",
    "kms",
    "dynamodb",
    "lambda",
    "logs",
    "iam",
    "rds",
    "ecr",
    "ecs",
    "glue",
    "athena",
    "events",
    "states",
    "ssm",
    "secretsmanager",
    "cloudwatch",
    "kinesis",
)
VERBS: Final = ("Get", "List", "Put", "Delete", "Describe", "Create", "Update", "Tag")
FIVE: Final = (
    (LayerKind.GUARDRAIL, PolicyKind.GUARDRAIL),
    (LayerKind.RESOURCE, PolicyKind.RESOURCE),
    (LayerKind.IDENTITY, PolicyKind.IDENTITY),
    (LayerKind.BOUNDARY, PolicyKind.BOUNDARY),
    (LayerKind.SESSION, PolicyKind.SESSION),
)

_CONDITIONS: Final[tuple[dict[str, Any], ...]] = (
    {"StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}, "Bool": {"aws:SecureTransport": "true"}},
    {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}, "StringLike": {"aws:PrincipalArn": f"{ROLE}*"}},
    {"ForAnyValue:StringLike": {"aws:TagKeys": ["cost-*", "team"]}, "DateLessThan": {"aws:CurrentTime": "2040-01-01"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}, "NumericLessThan": {"s3:max-keys": "100"}},
    {"StringEqualsIfExists": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}},
)


def statement(number: int, *, denies: bool = False) -> dict[str, Any]:
    """Return the statement of this number: its service, actions, resources and conditions follow from it."""
    service, verb = SERVICES[number % 20], VERBS[number % 8]
    made: dict[str, Any] = {
        "Sid": f"S{number}",
        "Effect": "Deny" if denies else "Allow",
        "Action": [f"{service}:{each}Thing{number % 7}" for each in VERBS[:3]] + [f"{service}:{verb}*"],
        "Resource": [
            f"arn:aws:{service}:eu-west-1:{ACCOUNT}:thing{number // 20}/*",
            f"arn:aws:{service}:*:{ACCOUNT}:other{number}/${{aws:PrincipalTag/team}}/*",
        ],
        "Condition": _CONDITIONS[number % 5],
    }
    if denies:
        made["Condition"] = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", f"eu-{number}"]}}
    return made


def document(kind: PolicyKind, statements: int) -> str:
    """Return the text of a policy of so many statements, a tenth of them Denies."""
    denied = statements // 10
    made = [statement(number) for number in range(statements - denied)]
    made += [statement(3 * number, denies=True) | {"Sid": f"D{number}"} for number in range(denied)]
    if kind is PolicyKind.RESOURCE:
        made = [{**each, "Principal": {"AWS": ROLE}} for each in made]
    return json.dumps({"Version": "2012-10-17", "Statement": made})


def five_layers(statements: int) -> Layers:
    """Return five layers of so many statements in all, at least one each."""
    share = max(1, statements // 5)
    return Layers(
        Layer(kind, kind.value, (NamedPolicy("p", parse_policy(document(parsed, share), kind=parsed, caps=ASKED)),))
        for kind, parsed in FIVE
    )


def requests(statements: int, count: int = 2000) -> list[Request]:
    """Return different requests, most of them allowed by the layers of so many statements."""
    share = max(1, statements // 5)
    caller = calling_principal(f"arn:aws:sts::{ACCOUNT}:assumed-role/app/session")
    assert caller is not None
    made = []
    for number in range(count):
        spoken = (number * 7) % (share - share // 10)
        service = SERVICES[spoken % 20]
        context = RequestContext(
            {
                "aws:PrincipalTag/team": "red" if number % 9 else "green",
                "aws:SourceIp": f"10.0.{number % 251}.7",
                "aws:SecureTransport": "true",
                "aws:RequestedRegion": "eu-west-1" if number % 11 else "us-east-1",
                "aws:PrincipalArn": ROLE,
                "aws:CurrentTime": "2030-01-01T00:00:00Z",
                "aws:TagKeys": ("cost-centre", "team"),
                "s3:max-keys": "10",
            }
        )
        action = f"{service}:{VERBS[number % 3]}Thing{spoken % 7}"
        resource = f"arn:aws:{service}:eu-west-1:{ACCOUNT}:thing{spoken // 20}/object-{number}"
        made.append(Request(action, resource, context, caller, ACCOUNT))
    return made
