"""What a partner's permissions boundary may never allow, checked when it is registered.

A boundary is the last wall around a role that outlives its session. One that lets the role change other roles, take
boundaries off, rewrite policies, make users or step into whatever trusts it is no wall. The engine is asked about
examples, so conditions and denials count as they will later.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import Final

from workflows.errors import MalformedPolicy
from workflows.policy.context import RequestContext
from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.layers import FULL_ACCESS, Layer, LayerKind, NamedPolicy
from workflows.policy.principal import CallingPrincipal, Form
from workflows.policy.request import Request

# An account, and names, that no boundary has a reason to single out.
_SOME_ACCOUNT: Final = "123456789012"
_ELSEWHERE: Final = ("role/Administrator", "role/another.example/Worker")
_ACCOUNT: Final = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_MOST_ACCOUNTS: Final = 20
_OPEN: Final = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}'
)
_LENT: Final = CallingPrincipal(Form.USER, is_delegated=True)
_ROLE_WRITES: Final = (
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "iam:AttachRolePolicy",
    "iam:UpdateAssumeRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PassRole",
    "sts:AssumeRole",
)
_USER_WRITES: Final = ("iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:PutUserPolicy")
_POLICY_WRITES: Final = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")


def _examples(domain: str) -> Iterator[tuple[str, str]]:
    for action in _ROLE_WRITES:
        yield from ((action, role) for role in _ELSEWHERE)
    for role in (f"role/{domain}/Worker", *_ELSEWHERE):
        yield "iam:DeleteRolePermissionsBoundary", role
    for action in _USER_WRITES:
        yield action, "user/somebody"
    for action in _POLICY_WRITES:
        yield action, "policy/Limit"


def refuse_escapes(boundary: Policy, domain: str) -> None:
    """Raise `MalformedPolicy` naming the first thing that the boundary of this partner allows and never may."""
    around = (
        Layer(LayerKind.IDENTITY, "anything", (FULL_ACCESS,)),
        Layer(LayerKind.BOUNDARY, "boundary", (NamedPolicy("boundary", boundary),)),
        # As if every role let everybody in: what then holds a role back is its boundary alone.
        Layer(LayerKind.RESOURCE, "trust", (NamedPolicy("trust", parse_policy(_OPEN, kind=PolicyKind.TRUST)),)),
    )
    layers = Layers(around)
    accounts = sorted({_SOME_ACCOUNT, *_ACCOUNT.findall(boundary.text)})[:_MOST_ACCOUNTS]
    for account, (action, name) in product(accounts, _examples(domain)):
        resource = f"arn:aws:iam::{account}:{name}"
        decision = decide(layers, Request(action, resource, RequestContext(), _LENT))
        if decision.allowed:
            raise MalformedPolicy(
                "$.Statement", f"allows {action} on {resource}; a boundary must keep its roles from that"
            )
