"""A partner asks for a role; the service makes it after the release, and takes it away when its time is over."""

from typing import Any

import pytest
from staging.houses import ACCOUNT
from staging.roles import (
    BOUNDARY,
    OUTSIDE,
    ROLE_PERMISSIONS,
    WITHIN,
    register_role_work,
)
from staging.roles_wire import decides, refused
from staging.wires import Cast

from service.jobs.sweep import Sweeper

DAY = 86_400


@pytest.fixture
def template(cast: Cast) -> str:
    return register_role_work(cast.live.ports, ROLE_PERMISSIONS)


def filed(cast: Cast, template: str, workflow_id: str = "wf-00001", **role: Any) -> dict[str, Any]:
    """What the JSON API answers to a partner that asks for a role."""
    body = {
        "description": "Reads your logs at night",
        "policy_template_arn": template,
        "workflow_id": workflow_id,
        "notification_channel": cast.people.channel_arn,
        "parameters": [{"name": "bucketName", "values": ["logs"], "type": "string"}],
        "owner_account_id": ACCOUNT,
        "role": {"name": "Nightly", "boundary_arn": BOUNDARY, "lifetime": DAY, **role},
    }
    answer: dict[str, Any] = cast.api("partner").post("/v1/requests", json=body).raise_for_status().json()
    return answer


def approved(cast: Cast, request_id: str) -> dict[str, Any]:
    """What the owner's side sees after it decided over the JSON API."""
    owner, approver = cast.api("owner"), cast.api("approver")
    seen = owner.post(f"/v1/requests/{request_id}/associate").raise_for_status().json()
    approver.post(f"/v1/requests/{request_id}/accept", json={"digest": seen["digest"]}).raise_for_status()
    answer: dict[str, Any] = owner.post(f"/v1/requests/{request_id}/send").raise_for_status().json()
    return answer


def messages(cast: Cast, kind: str) -> list[dict[str, Any]]:
    """The partner's messages of this kind."""
    mailbox = cast.api("partner").get("/v1/notifications").raise_for_status().json()
    return [one["message"] for one in mailbox if one["message"]["Type"] == kind]


def test_a_role_is_asked_for_shown_approved_made_told_and_stepped_into(cast: Cast, template: str) -> None:
    request = filed(cast, template)
    assert request["role"]["name"].startswith("Nightly-")
    seen = approved(cast, request["id"])
    assert seen["role"] == request["role"]
    assert seen["boundaries"].keys() == {BOUNDARY}
    Sweeper(cast.live.ports).run()
    (told,) = messages(cast, "RoleReady")
    assert told["RoleArn"] == request["role"]["arn"]
    assert messages(cast, "ExchangeToken") == []
    answer = cast.sts("partner").assume_role(
        RoleArn=told["RoleArn"], RoleSessionName="night-1", ExternalId=told["ExternalId"]
    )
    assert decides(cast, answer, WITHIN)
    assert not decides(cast, answer, OUTSIDE)
    with refused("AccessDenied"):
        cast.sts("partner").assume_role(RoleArn=told["RoleArn"], RoleSessionName="night-1", ExternalId="a-guess")
    with refused("AccessDenied"):
        cast.sts("other_partner").assume_role(
            RoleArn=told["RoleArn"], RoleSessionName="night-1", ExternalId=told["ExternalId"]
        )
