"""No secret in any sink: after a whole story, every secret is looked for everywhere, in every spelling."""

import base64
import json
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from staging.houses import OPERATOR
from staging.servers import LiveServer, serving

from service.cli.demo_world import ACCOUNT, DOMAIN, PARAMETERS, PARTNER, World, found_world
from workflows import partnering
from workflows.cloudtrail import event_of
from workflows.records.audit import AuditEntry


@dataclass
class Story:
    """What was kept secret in a story, and everything the service said or wrote meanwhile."""

    secrets: dict[str, str] = field(default_factory=dict)
    sinks: dict[str, bytes] = field(default_factory=dict)


def spellings(secret: str) -> Iterator[bytes]:
    """The secret as it is, and as an encoder along the way might have spelt it."""
    raw = secret.encode()
    yield raw
    yield raw.hex().encode()
    yield urllib.parse.quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    for shift in range(3):
        # Base64 of a longer text that holds the secret at any offset: the inner part is always the same.
        encoded = base64.b64encode(b"x" * shift + raw)
        yield encoded[4 if shift else 0 : -4]
    # A secret that is written in base64 could also show as the bytes that it stands for.
    with suppress(ValueError):
        meant = base64.b64decode(secret, validate=True)
        yield meant
        yield meant.hex().encode()


def refused(story: Story, name: str, call: Any) -> None:
    with pytest.raises(ClientError) as refusal:
        call()
    story.sinks[f"refusal: {name}"] = json.dumps(refusal.value.response, default=str).encode()


def lend(live: LiveServer, world: World, story: Story) -> None:
    """Ask, approve, release, exchange and use; keep every secret that comes by."""
    partner = live.boto("iam", world.partner_key)
    administrator = live.boto("iam", world.administrator_key)
    created = partner.create_delegation_request(
        OwnerAccountId=ACCOUNT,
        Description="Observe your account",
        Permissions={"PolicyTemplateArn": world.template_arn, "Parameters": list(PARAMETERS)},
        RequestorWorkflowId="workflow-canary",
        NotificationChannel=world.channel_arn,
        SessionDuration=3600,
    )
    named = {"DelegationRequestId": created["DelegationRequestId"]}
    administrator.associate_delegation_request(**named)
    administrator.accept_delegation_request(**named)
    administrator.send_delegation_token(**named)
    messages = live.http(world.partner_token).get("/v1/notifications").json()
    token = next(one["message"]["ExchangeToken"] for one in messages if "ExchangeToken" in one["message"])
    sts = live.boto("sts", world.partner_key)
    credentials = sts.get_delegated_access_token(TradeInToken=token)["Credentials"]
    story.secrets |= {
        "exchange token": token,
        "session secret": credentials["SecretAccessKey"],
        "session token": credentials["SessionToken"],
    }
    body = {
        "subject": {"type": "session", "id": credentials["SessionToken"]},
        "action": {"name": "sqs:CreateQueue"},
        "resource": {"type": "queue", "id": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:lumenwatch-in"},
    }
    answer = live.http(world.resource_server_token).post("/access/v1/evaluation", json=body)
    story.sinks["decision"] = answer.content
    live.http(world.administrator_token).post(f"/v1/requests/{created['DelegationRequestId']}/revoke", json={})
    refused(story, "spent token", lambda: sts.get_delegated_access_token(TradeInToken=token))
    altered = token[:-1] + ("1" if token[-1] == "0" else "0")
    refused(story, "altered token", lambda: sts.get_delegated_access_token(TradeInToken=altered))
    owner = live.boto("sts", world.owner_key)
    refused(story, "stranger's token", lambda: owner.get_delegated_access_token(TradeInToken=token))
    bad = live.http(world.partner_token + "x").get("/v1/me")
    story.sinks["refusal: bad bearer"] = bad.content
    in_address = live.http().get("/v1/me", params={"token": world.partner_token})
    story.sinks["refusal: token in the address"] = in_address.content


def collect(live: LiveServer, world: World, story: Story) -> None:
    """Gather what the service shows and what it keeps."""
    webhook = partnering.register_channel(
        live.ports,
        OPERATOR,
        partner_id=PARTNER,
        name="hook",
        url=f"https://hooks.{DOMAIN}/in",
    )
    assert webhook.signing_secret is not None
    story.secrets["webhook secret"] = base64.b64encode(webhook.signing_secret).decode()
    master = live.house.settings.key_file.read_text(encoding="ascii").strip()
    story.secrets["master key"] = master.partition(":")[2]
    for name in ("partner", "owner", "administrator"):
        story.secrets[f"{name}'s secret key"] = getattr(world, f"{name}_key").secret_access_key
        story.secrets[f"{name}'s API token"] = getattr(world, f"{name}_token")
    story.secrets["resource server's API token"] = world.resource_server_token
    entries = live.ports.store.read(lambda tx: tx.find(AuditEntry))
    story.sinks["audit trail"] = "\n".join(one.body for one in entries).encode()
    story.sinks["audit export"] = "\n".join(json.dumps(event_of(one)) for one in entries).encode()
    story.sinks["description"] = live.http().get("/schema").content
    reader = live.http(world.administrator_token)
    for path in ("/v1/audit", "/v1/grants", "/v1/requests", f"/v1/accounts/{ACCOUNT}/users", "/v1/me"):
        story.sinks[path] = reader.get(path).raise_for_status().content


@pytest.fixture
def story(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Story:
    told = Story()
    with serving(tmp_path) as live:
        world = found_world(live.house)
        lend(live, world, told)
        collect(live, world, told)
    captured = capfd.readouterr()
    told.sinks["logs"] = (captured.out + captured.err).encode()
    for file in tmp_path.iterdir():
        if file.name != "daypass.key":
            told.sinks[file.name] = file.read_bytes()
    return told


def test_no_secret_of_a_whole_story_is_in_any_log_record_error_or_file(story: Story) -> None:
    assert b"aws.call" in story.sinks["logs"]
    assert len(story.secrets) == 12
    found = [
        (secret, sink)
        for secret, text in story.secrets.items()
        for sink, content in story.sinks.items()
        if any(spelling in content for spelling in spellings(text))
    ]
    assert found == []


def test_the_search_would_find_a_secret_in_every_spelling() -> None:
    secret = "an+exchange/token=="
    for wrapped in (
        f"token={secret}",
        json.dumps({"token": secret}),
        urllib.parse.urlencode({"token": secret}),
        secret.encode().hex(),
        *(base64.b64encode(b"x" * shift + secret.encode() + b" and more").decode() for shift in range(3)),
    ):
        assert any(spelling in wrapped.encode() for spelling in spellings(secret)), wrapped
