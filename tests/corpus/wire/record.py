"""Writes `signed-requests.json`: what boto3 sends for each operation, at a fixed time, under example keys."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import botocore.auth
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaCXVzLWVhc3QtMSJH=="
REQUEST = "dr-5f0c2a7e9b1d4c3f8a6e0b2d4c6f8a1e"
ID = {"DelegationRequestId": REQUEST}
CREATE = {
    "OwnerAccountId": "111122223333",
    "Description": "Set up a bücket & nothing else\n(+ 100 %)",
    "Permissions": {
        "PolicyTemplateArn": "arn:aws:iam::partner:policy-template/example.com/Setup_2026_01_02",
        "Parameters": [
            {"Name": "bucketName", "Values": ["a"], "Type": "string"},
            {"Name": "bucketNames", "Values": ["b-1", "b 2/*~"], "Type": "stringList"},
            {"Name": "nothing", "Values": [], "Type": "stringList"},
        ],
    },
    "RequestMessage": "hi there",
    "RequestorWorkflowId": "wf-00001",
    "RedirectUrl": "https://p.example/cb?x=1",
    "NotificationChannel": "arn:aws:sns:us-east-1:444455556666:t",
    "SessionDuration": 3600,
    "OnlySendByOwner": True,
}
# These say where and when the recording was made; they are outside the signature.
_NOT_SIGNED = {
    "user-agent": f"Botocore/{botocore.__version__}",
    "amz-sdk-invocation-id": "6b1e5a0e-0000-4000-8000-000000000000",
}
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("iam", "create_delegation_request", CREATE),
    ("iam", "associate_delegation_request", ID),
    ("iam", "get_delegation_request", {**ID, "DelegationPermissionCheck": True}),
    ("iam", "update_delegation_request", {**ID, "Notes": "please check"}),
    ("iam", "accept_delegation_request", ID),
    ("iam", "reject_delegation_request", {**ID, "Notes": "no & no"}),
    ("iam", "send_delegation_token", ID),
    ("iam", "list_delegation_requests", {"OwnerId": "arn:aws:iam::111122223333:user/bob", "MaxItems": 2}),
    ("iam", "list_delegation_requests", {}),
    (
        "iam",
        "get_human_readable_summary",
        {"EntityArn": f"arn:aws:iam::111122223333:delegation-request/{REQUEST}"},
    ),
    ("sts", "get_delegated_access_token", {"TradeInToken": "tok.en/+=="}),
    ("sts", "get_caller_identity", {}),
]


def record(service: str, method: str, arguments: dict[str, Any], *, region: str, token: str | None) -> dict[str, Any]:
    """What an unmodified client sends for one call, without a network."""
    sent: list[AWSPreparedRequest] = []
    client = boto3.client(
        service,
        region_name=region,
        endpoint_url="https://daypass.example",
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=True),
    )

    def keep(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 500, {}, None)

    client.meta.events.register("before-send", keep)
    at_that_time = patch.object(botocore.auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))
    # The answer above is no answer; only the request matters.
    with at_that_time, suppress(Exception):
        getattr(client, method)(**arguments)
    [request] = sent
    headers = {name.lower(): _text(value) for name, value in request.headers.items()} | _NOT_SIGNED
    return {
        "call": f"{service}.{method}",
        "region": region,
        "method": request.method,
        "path": "/" + request.url.split("/", 3)[3],
        "headers": {"host": "daypass.example", **headers},
        "body": _text(request.body),
    }


def _text(value: str | bytes) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value


def main() -> None:
    """Write the file beside this one."""
    regions = ("us-east-1", "eu-west-1", "aws-global")
    requests = [
        record(service, method, arguments, region=regions[at % len(regions)], token=TOKEN if at % 2 else None)
        for at, (service, method, arguments) in enumerate(CALLS)
    ]
    document = {
        "botocore": botocore.__version__,
        "now": NOW.isoformat(),
        "access_key_id": KEY_ID,
        "secret": SECRET,
        "requests": requests,
    }
    path = Path(__file__).with_name("signed-requests.json")
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
