"""Operations come from botocore's models, with our own beside them."""

import pytest
from botocore.model import ServiceModel

from service.aws.model import NAMESPACES, SERVICES, description, named_in, operation
from service.aws.protocol import ProtocolError
from service.aws.shapes import Scalar, Structure, build_shape

IAM, STS = "2010-05-08", "2011-06-15"


def test_an_operation_knows_its_service_and_its_documented_errors() -> None:
    create = operation("CreateDelegationRequest", IAM)
    assert (create.name, create.service, create.version) == ("CreateDelegationRequest", "iam", IAM)
    assert create.result_name == "CreateDelegationRequestResult"
    assert create.errors == {
        "EntityAlreadyExists": 409,
        "ServiceFailure": 500,
        "InvalidInput": 400,
        "LimitExceeded": 409,
        "ConcurrentModification": 409,
    }
    exchange = operation("GetDelegatedAccessToken", STS)
    assert exchange.service == "sts"
    assert exchange.errors == {
        "ExpiredTradeInTokenException": 400,
        "RegionDisabledException": 403,
        "PackedPolicyTooLarge": 400,
    }


def test_an_operation_without_output_says_so() -> None:
    assert operation("AcceptDelegationRequest", IAM).output is None
    assert operation("RevokeDelegation", IAM).output is None


def test_revoking_is_an_operation_of_ours() -> None:
    revoke = operation("RevokeDelegation", IAM)
    assert revoke.service == "iam"
    assert set(revoke.input.members) == {"DelegationRequestId", "Notes"}
    assert revoke.input.required == ("DelegationRequestId",)
    assert revoke.errors.keys() >= {"NoSuchEntity", "InvalidInput", "ConcurrentModification"}


def test_the_extended_description_is_still_one_that_botocore_understands() -> None:
    model = ServiceModel(dict(description("iam")), "iam").operation_model("RevokeDelegation")
    assert list(model.input_shape.members) == ["DelegationRequestId", "Notes"]
    assert [shape.error_code for shape in model.error_shapes][:2] == ["NoSuchEntity", "InvalidInput"]


def test_an_operation_is_built_once() -> None:
    assert operation("GetCallerIdentity", STS) is operation("GetCallerIdentity", STS)


@pytest.mark.parametrize(
    ("action", "version"),
    [
        ("CreateDelegationRequest", STS),
        ("GetCallerIdentity", IAM),
        ("createDelegationRequest", IAM),
        ("CreateDelegationRequest ", IAM),
        ("", IAM),
        ("CreateDelegationRequest", "2010-05-09"),
        ("CreateDelegationRequest", ""),
        ("metadata", IAM),
        ("x" * 100_000, IAM),
    ],
)
def test_an_unknown_operation_is_refused(action: str, version: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        operation(action, version)
    assert (refused.value.code, refused.value.status) == ("InvalidAction", 400)
    assert len(refused.value.message) < 300


def test_a_form_names_its_operation() -> None:
    assert named_in({"Action": "GetCallerIdentity", "Version": STS}).name == "GetCallerIdentity"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "MissingAction"),
        ({"Version": STS}, "MissingAction"),
        ({"Action": "", "Version": STS}, "MissingAction"),
        ({"action": "GetCallerIdentity", "Version": STS}, "MissingAction"),
        ({"Action": "GetCallerIdentity"}, "InvalidAction"),
    ],
)
def test_a_form_that_names_no_operation_is_refused(form: dict[str, str], code: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        named_in(form)
    assert (refused.value.code, refused.value.status) == (code, 400)


@pytest.mark.parametrize("version", [IAM, STS])
def test_every_operation_of_the_services_can_be_carried(version: str) -> None:
    service = SERVICES[version]
    for action in description(service)["operations"]:
        assert operation(action, version).namespace == NAMESPACES[service]


@pytest.mark.parametrize("version", [IAM, STS])
def test_what_is_written_down_here_agrees_with_botocore(version: str) -> None:
    metadata = description(SERVICES[version])["metadata"]
    assert metadata["apiVersion"] == version
    assert metadata["xmlNamespace"] == NAMESPACES[SERVICES[version]]
    assert metadata["protocol"] == "query"


@pytest.mark.parametrize(
    "shape",
    [
        {"type": "list", "member": {"shape": "S"}, "flattened": True},
        {"type": "string", "locationName": "other"},
        {"type": "list", "member": {"shape": "S", "locationName": "item"}},
        {"type": "structure", "members": {"A": {"shape": "S", "queryName": "B"}}},
        {"type": "double"},
    ],
)
def test_a_shape_with_another_wire_form_is_refused_instead_of_misread(shape: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="not supported"):
        build_shape({"shapes": {"X": shape, "S": {"type": "string"}}}, "X")


def test_a_shape_keeps_the_limits_of_the_model() -> None:
    shape = build_shape(description("sts"), "GetDelegatedAccessTokenRequest")
    assert isinstance(shape, Structure)
    token = shape.members["TradeInToken"]
    assert isinstance(token, Scalar)
    assert token.sensitive
