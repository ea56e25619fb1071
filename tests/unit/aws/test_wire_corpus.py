"""What boto3 really sent for each operation is read as what it was asked to send."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.aws.form import parse_form
from service.aws.model import named_in
from service.aws.query import read_input

RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "corpus" / "wire" / "signed-requests.json").read_text(encoding="utf-8")
)


def read(recorded: dict[str, Any]) -> tuple[str, str, dict[str, object]]:
    form = parse_form(recorded["body"].encode(), recorded["headers"]["content-type"].encode())
    operation = named_in(form)
    return operation.service, operation.name, read_input(operation, form)


@pytest.mark.parametrize("recorded", RECORDED["requests"], ids=lambda recorded: str(recorded["call"]))
def test_every_recorded_request_names_its_operation(recorded: dict[str, Any]) -> None:
    service, name, _ = read(recorded)
    called_service, _, method = recorded["call"].partition(".")
    assert (service, name.lower()) == (called_service, method.replace("_", ""))


def test_the_recorded_creation_has_every_kind_of_value() -> None:
    [creation] = [each for each in RECORDED["requests"] if each["call"] == "iam.create_delegation_request"]
    assert read(creation)[2] == {
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
