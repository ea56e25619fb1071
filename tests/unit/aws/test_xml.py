"""Answers as they appear on the wire, and each trap of botocore's parser."""

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import boto3
import pytest
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from service.aws.model import Operation, description, operation
from service.aws.shapes import ListOf, MapOf, Scalar, Structure
from service.aws.xml import render_error, render_result

IAM, STS = "2010-05-08", "2011-06-15"
CREATE = operation("CreateDelegationRequest", IAM)
GET = operation("GetDelegationRequest", IAM)
LIST = operation("ListDelegationRequests", IAM)
ACCEPT = operation("AcceptDelegationRequest", IAM)


def parse(of: Operation, body: bytes, status: int = 200) -> dict[str, object]:
    model = ServiceModel(dict(description(of.service)), of.service).operation_model(of.name)
    answer = {"body": body, "headers": {}, "status_code": status}
    found: dict[str, object] = create_parser("query").parse(answer, model.output_shape)
    return found


def test_a_result_is_written_in_the_order_of_the_model() -> None:
    result = {"DelegationRequestId": "dr-1", "ConsoleDeepLink": "https://daypass.example/d/dr-1?a=1&b=2"}
    assert render_result(CREATE, result, "r-1") == (
        b'<CreateDelegationRequestResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        b"<CreateDelegationRequestResult>"
        b"<ConsoleDeepLink>https://daypass.example/d/dr-1?a=1&amp;b=2</ConsoleDeepLink>"
        b"<DelegationRequestId>dr-1</DelegationRequestId>"
        b"</CreateDelegationRequestResult>"
        b"<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"
        b"</CreateDelegationRequestResponse>"
    )


def test_an_operation_without_output_answers_with_its_request_id_alone() -> None:
    assert render_result(ACCEPT, {}, "r-1") == (
        b'<AcceptDelegationRequestResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        b"<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></AcceptDelegationRequestResponse>"
    )


def test_an_empty_result_still_has_its_element() -> None:
    # Without the element botocore fails with a bare KeyError.
    body = render_result(LIST, {}, "r-1")
    assert b"<ListDelegationRequestsResult></ListDelegationRequestsResult>" in body
    assert parse(LIST, body).keys() == {"ResponseMetadata"}


def test_an_empty_list_has_its_element_and_an_absent_one_has_none() -> None:
    assert b"<DelegationRequests></DelegationRequests>" in render_result(LIST, {"DelegationRequests": []}, "r-1")
    assert b"DelegationRequests>" not in render_result(LIST, {"DelegationRequests": None}, "r-1")


def test_the_flag_of_a_page_has_a_lower_case_initial_and_booleans_are_lower_case() -> None:
    body = render_result(LIST, {"isTruncated": True}, "r-1")
    assert b"<isTruncated>true</isTruncated>" in body
    assert parse(LIST, body)["isTruncated"] is True
    assert b"<isTruncated>false</isTruncated>" in render_result(LIST, {"isTruncated": False}, "r-1")
    with pytest.raises(TypeError, match="IsTruncated"):
        render_result(LIST, {"IsTruncated": True}, "r-1")


def test_a_permission_policy_is_plain_json_under_xml_escapes_only() -> None:
    policy = '{"Version":"2012-10-17","Statement":[{"Resource":"a<b>&c%20"}]}'
    body = render_result(GET, {"DelegationRequest": {"PermissionPolicy": policy}}, "r-1")
    assert b'<PermissionPolicy>{"Version":"2012-10-17"' in body
    request = parse(GET, body)["DelegationRequest"]
    assert isinstance(request, dict)
    assert request["PermissionPolicy"] == policy


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC),
        datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_times_are_whole_seconds_in_utc_and_never_later_than_the_truth(moment: datetime) -> None:
    body = render_result(GET, {"DelegationRequest": {"CreateDate": moment}}, "r-1")
    assert b"<CreateDate>2026-01-02T03:04:05Z</CreateDate>" in body


def test_a_member_of_an_enum_class_is_written_by_its_value() -> None:
    class State(StrEnum):
        OPEN = "ASSIGNED"

    assert b"<State>ASSIGNED</State>" in render_result(GET, {"DelegationRequest": {"State": State.OPEN}}, "r-1")


@pytest.mark.parametrize(
    ("of", "result"),
    [
        (ACCEPT, {"Anything": "x"}),
        (CREATE, {"Unknown": "x"}),
        (CREATE, {"Unknown": None}),
        (CREATE, {"DelegationRequestId": 1}),
        (CREATE, {"DelegationRequestId": b"x"}),
        (LIST, {"isTruncated": "true"}),
        (LIST, {"isTruncated": 1}),
        (LIST, {"DelegationRequests": "text"}),
        (LIST, {"DelegationRequests": [None]}),
        (GET, {"DelegationRequest": "text"}),
        (GET, {"DelegationRequest": {"SessionDuration": True}}),
        (GET, {"DelegationRequest": {"SessionDuration": "300"}}),
        (GET, {"DelegationRequest": {"SessionDuration": 300.0}}),
        (GET, {"DelegationRequest": {"State": "REVOKED"}}),
        (GET, {"DelegationRequest": {"CreateDate": "2026-01-02T03:04:05Z"}}),
        (GET, {"DelegationRequest": {"CreateDate": datetime(2026, 1, 2)}}),  # noqa: DTZ001  the mistake under test
        (operation("GetDelegatedAccessToken", STS), {"Credentials": {"AccessKeyId": "ASIAEXAMPLEEXAMPLE"}}),
    ],
)
def test_a_result_that_the_model_does_not_describe_is_a_mistake_of_ours(
    of: Operation, result: dict[str, object]
) -> None:
    with pytest.raises(TypeError):
        render_result(of, result, "r-1")


def test_a_mistake_in_a_secret_does_not_tell_the_secret() -> None:
    exchange = operation("GetDelegatedAccessToken", STS)
    with pytest.raises(TypeError) as mistake:
        render_result(exchange, {"AssumedPrincipal": [b"hush"]}, "r-1")
    assert "hush" not in str(mistake.value)


def test_maps_and_blobs_are_written_as_botocore_reads_them() -> None:
    shape = Structure({"Map": MapOf(Scalar("string"), ListOf(Scalar("long"))), "Blob": Scalar("blob")})
    of = Operation("X", "iam", IAM, "ns", Structure({}), shape, "XResult", {})
    body = render_result(of, {"Map": {"a&b": [1, 2]}, "Blob": b"\0\xff"}, "r-1")
    entry = b"<entry><key>a&amp;b</key><value><member>1</member><member>2</member></value></entry>"
    assert b"<XResult><Map>" + entry + b"</Map><Blob>AP8=</Blob></XResult>" in body
    for wrong in ({"Map": [1]}, {"Blob": "text"}):
        with pytest.raises(TypeError):
            render_result(of, wrong, "r-1")


def test_an_error_has_the_form_that_botocore_maps_to_its_exception_classes() -> None:
    body = render_error(service="iam", code="NoSuchEntity", message="no <such> & such", sender=True, request_id="r-1")
    assert body == (
        b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
        b"<Code>NoSuchEntity</Code><Message>no &lt;such&gt; &amp; such</Message></Error>"
        b"<RequestId>r-1</RequestId></ErrorResponse>"
    )
    found = parse(GET, body, 404)
    assert found["Error"] == {"Type": "Sender", "Code": "NoSuchEntity", "Message": "no <such> & such"}
    client = boto3.client("iam", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s")
    assert client.exceptions.from_code("NoSuchEntity") is client.exceptions.NoSuchEntityException


def test_a_failure_of_ours_names_the_receiver_in_the_namespace_of_the_service() -> None:
    body = render_error(service="sts", code="ServiceFailure", message="", sender=False, request_id="r-1")
    assert b'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"' in body
    assert b"<Type>Receiver</Type>" in body


@given(st.text(st.characters()))
def test_every_text_arrives_except_for_characters_that_xml_cannot_carry(text: str) -> None:
    body = render_error(service="iam", code="c", message=text, sender=True, request_id="r")
    error = parse(GET, body, 400)["Error"]
    assert isinstance(error, dict)
    carried = "".join(
        char
        if char in "\t\n\r" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char > "\uffff"
        else "\ufffd"
        for char in text
    )
    assert (error["Message"] or "") == carried


def test_a_carriage_return_arrives_as_one() -> None:
    body = render_result(GET, {"DelegationRequest": {"Description": "a\r\nb\rc"}}, "r-1")
    request = parse(GET, body)["DelegationRequest"]
    assert isinstance(request, dict)
    assert request["Description"] == "a\r\nb\rc"
