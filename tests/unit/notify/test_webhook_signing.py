"""Messages are signed as Standard Webhooks signs them and shaped as SNS shapes them."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from service.notify.webhook import envelope, read_secret, secret_text, sign, signature_headers
from workflows.errors import BadInput

SECRET = bytes(range(32))


def test_the_signature_is_the_one_of_the_published_example() -> None:
    # The worked example that the Standard Webhooks libraries share.
    signature = sign(
        read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(
    secret=st.binary(min_size=24, max_size=64),
    message_id=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    timestamp=st.integers(0, 4_000_000_000),
    body=st.text(st.characters(codec="utf-8"), max_size=200),
)
def test_the_reference_library_makes_the_same_signature(
    secret: bytes, message_id: str, timestamp: int, body: str
) -> None:
    theirs = Webhook(secret_text(secret)).sign(message_id, datetime.fromtimestamp(timestamp, UTC), body)
    assert sign(secret, message_id=message_id, timestamp=timestamp, body=body.encode()) == theirs


def test_the_reference_library_accepts_our_headers_under_either_secret_of_a_rotation() -> None:
    body = b'{"a":"\xc3\xbc"}'
    old = b"o" * 24
    headers = signature_headers([SECRET, old], message_id="msg-1", timestamp=int(time.time()), body=body)  # noqa: TID251  the library looks at the machine's clock
    assert headers.keys() == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    for secret in (SECRET, old):
        assert Webhook(secret_text(secret)).verify(body, headers) == {"a": "ü"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(b"x" * 24)).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(SECRET)).verify(body + b" ", headers)


def test_every_part_is_under_the_signature() -> None:
    first = sign(SECRET, message_id="a", timestamp=1, body=b"b")
    others = {
        sign(SECRET, message_id="b", timestamp=1, body=b"b"),
        sign(SECRET, message_id="a", timestamp=2, body=b"b"),
        sign(SECRET, message_id="a", timestamp=1, body=b"c"),
        sign(SECRET + b"x", message_id="a", timestamp=1, body=b"b"),
    }
    assert len(others) == 4
    assert first not in others


@pytest.mark.parametrize("message_id", ["", "a.1", "msg-é"])
def test_an_id_that_could_be_read_in_two_ways_is_not_signed(message_id: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        sign(SECRET, message_id=message_id, timestamp=1, body=b"")


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_survives_its_text_form(secret: bytes) -> None:
    assert read_secret(secret_text(secret)) == secret


@pytest.mark.parametrize("size", [0, 23, 65])
def test_a_secret_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(BadInput):
        secret_text(bytes(size))
    with pytest.raises(BadInput):
        read_secret("whsec_" + base64.b64encode(bytes(size)).decode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        base64.b64encode(SECRET).decode(),
        "whsk_" + base64.b64encode(SECRET).decode(),
        "whsec_" + base64.b64encode(SECRET).decode().rstrip("="),
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "whsec_ " + base64.b64encode(SECRET).decode(),
        "whsec_é",
    ],
)
def test_a_text_that_is_no_secret_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_secret(text)
    assert not text.removeprefix("whsec_") or text.removeprefix("whsec_") not in str(refused.value)


def test_the_envelope_is_a_notification_with_a_text_inside() -> None:
    body = envelope(
        message_id="m-1",
        topic_arn="arn:aws:sns:us-east-1:444455556666:t",
        message={"Type": "StateChange", "Note": "ü"},
        timestamp=datetime(2026, 1, 2, 5, 4, 5, 678_999, tzinfo=timezone(timedelta(hours=2))),
    )
    fields = json.loads(body)
    assert json.loads(fields.pop("Message")) == {"Type": "StateChange", "Note": "ü"}
    assert fields == {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": "arn:aws:sns:us-east-1:444455556666:t",
        "Timestamp": "2026-01-02T03:04:05.678Z",
    }


def test_whole_seconds_still_have_milliseconds() -> None:
    body = envelope(message_id="m", topic_arn="t", message={}, timestamp=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert b'"Timestamp":"2026-01-02T03:04:05.000Z"' in body


def test_a_time_without_a_zone_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="time zone"):
        envelope(message_id="m", topic_arn="t", message={}, timestamp=datetime(2026, 1, 2))  # noqa: DTZ001  the mistake under test
