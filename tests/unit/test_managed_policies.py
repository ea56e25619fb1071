"""What the ready-made policies allow."""

import pytest

from workflows.managed_policies import ready_made
from workflows.policy.context import RequestContext
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.policy.request import Request

_ANN = "arn:aws:iam::111122223333:user/ann"
_REQUEST = "arn:aws:iam::111122223333:delegation-request/dr-1"


def _allows(name: str, action: str, resource: str, **keys: str) -> bool:
    layers = Layers([Layer(LayerKind.IDENTITY, "ann", (NamedPolicy(name, ready_made(name)),))])
    known = {"aws:PrincipalArn": _ANN, **{key.replace("_", ":"): value for key, value in keys.items()}}
    return decide(layers, Request(action, resource, RequestContext(known))).allowed


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:UpdateDelegationRequest", _REQUEST),
        ("iam:RevokeDelegation", _REQUEST),
        ("iam:ListDelegationRequests", "*"),
    ],
)
def test_an_owner_may_look_after_its_own_requests_and_nobody_elses(action: str, resource: str) -> None:
    assert _allows("DelegationOwner", action, resource, iam_DelegationRequestOwner=_ANN)
    assert not _allows("DelegationOwner", action, resource, iam_DelegationRequestOwner=_ANN + "a")
    assert not _allows("DelegationOwner", action, resource)


def test_only_an_auditor_and_an_administrator_may_ask_what_others_could_do() -> None:
    names = ("AdministratorAccess", "DelegationApprover", "DelegationOwner", "DelegationAuditor")
    assert [_allows(name, "iam:SimulatePrincipalPolicy", _ANN) for name in names] == [True, False, False, True]
