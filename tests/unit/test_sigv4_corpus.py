"""Requests that boto3 really signed, and the example that AWS published."""

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from workflows.credentials.sigv4 import HttpRequest, SigningRules, read_claim, verify
from workflows.errors import SignatureMismatch

CORPUS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "corpus" / "wire" / "signed-requests.json").read_text(encoding="utf-8")
)
NOW = datetime.fromisoformat(CORPUS["now"])
RULES = SigningRules(hosts=frozenset({"daypass.example"}), services=frozenset({"iam", "sts"}))


def request_of(recorded: dict[str, Any]) -> HttpRequest:
    headers = [(name.encode(), value.encode()) for name, value in recorded["headers"].items()]
    return HttpRequest(recorded["method"], recorded["path"].encode(), b"", headers, recorded["body"].encode())


recordings = pytest.mark.parametrize("recorded", CORPUS["requests"], ids=lambda recorded: str(recorded["call"]))


@recordings
def test_what_boto3_signed_is_accepted(recorded: dict[str, Any]) -> None:
    request = request_of(recorded)
    claim = read_claim(request)
    verify(request, claim, secret=CORPUS["secret"], now=NOW, rules=RULES)
    assert claim.access_key_id == CORPUS["access_key_id"]
    assert claim.region == recorded["region"]
    assert claim.service == recorded["call"].partition(".")[0]
    assert claim.session_token == recorded["headers"].get("x-amz-security-token")


@recordings
def test_what_boto3_signed_with_one_byte_more_is_refused(recorded: dict[str, Any]) -> None:
    request = request_of(recorded)
    longer = dataclasses.replace(request, body=request.body + b"&")
    with pytest.raises(SignatureMismatch):
        verify(longer, read_claim(longer), secret=CORPUS["secret"], now=NOW, rules=RULES)


def test_the_published_example_is_accepted() -> None:
    # "get-vanilla" of the test suite that AWS published for Signature Version 4.
    authorization = (
        b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        b"SignedHeaders=host;x-amz-date, "
        b"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )
    headers = [
        (b"host", b"example.amazonaws.com"),
        (b"x-amz-date", b"20150830T123600Z"),
        (b"authorization", authorization),
    ]
    request = HttpRequest("GET", b"/", b"", headers, b"")
    verify(
        request,
        read_claim(request),
        secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        now=datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
        rules=SigningRules(hosts=frozenset({"example.amazonaws.com"}), services=frozenset({"service"})),
    )
