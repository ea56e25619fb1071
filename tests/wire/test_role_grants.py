"""A partner asks for a role; the service makes it after the release, and takes it away when its time is over.

The server of these tests does nothing by itself: whatever is refused here is refused at use, by the rows alone.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from staging.clocks import StillClock
from staging.houses import ACCOUNT, PARTNER
from staging.roles import BOUNDARY, OUTSIDE, ROLE_PERMISSIONS, WITHIN, register_role_work, role_grant
from staging.roles_wire import decides, refused, role_client
from staging.wires import Cast

from service.jobs.sweep import Sweeper
from workflows.attestation import public_key, verified
from workflows.errors import BadInput
from workflows.records.grant import Grant, GrantState
from workflows.records.request import DelegationRequest
from workflows.records.role import Role
from workflows.role_plans import RolePlan, plan_of

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


def plan_behind(cast: Cast, grant: Grant) -> RolePlan:
    """The plan of the role of a grant."""
    request = cast.live.ports.store.read(lambda tx: tx.get(DelegationRequest, grant.request_id))
    plan = plan_of(request) if request else None
    assert plan is not None
    return plan


def stepped_in(cast: Cast, grant: Grant, **more: Any) -> dict[str, Any]:
    """What AssumeRole answers to the partner about the role of a grant."""
    plan = plan_behind(cast, grant)
    arn = f"arn:aws:iam::{ACCOUNT}:role{plan.path}{plan.name}"
    given = {"RoleArn": arn, "RoleSessionName": "night", "ExternalId": plan.external_id, **more}
    answer: dict[str, Any] = cast.sts("partner").assume_role(**given)
    return answer


def stored(cast: Cast, grant: Grant) -> Grant:
    found: Grant | None = cast.live.ports.store.read(lambda tx: tx.get(Grant, grant.id))
    assert found is not None
    return found


def roles_left(cast: Cast) -> list[str]:
    return [role.name for role in cast.live.ports.store.read(lambda tx: tx.find(Role))]


def test_a_role_is_of_no_use_from_the_very_deadline_on_though_nothing_swept(
    cast: Cast, still: StillClock, template: str
) -> None:
    almost_an_hour_ago = StillClock(still.now() - timedelta(seconds=3500))
    grant = role_grant(replace(cast.live.ports, clock=almost_an_hour_ago), cast.people, template, lifetime=3600)
    answer = stepped_in(cast, grant)
    assert answer["Credentials"]["Expiration"] == grant.deadline
    still.set(grant.deadline - timedelta(microseconds=1))
    assert decides(cast, answer, WITHIN)
    still.set(grant.deadline)
    assert not decides(cast, answer, WITHIN)
    with refused("ExpiredToken"):
        role_client(cast, "sts", answer).get_caller_identity()
    with refused("AccessDenied"):
        stepped_in(cast, grant)
    assert roles_left(cast) == [plan_behind(cast, grant).name]
    Sweeper(cast.live.ports).run()
    assert roles_left(cast) == []
    assert stored(cast, grant).state is GrantState.REVOKED


def test_a_revoked_role_is_of_no_use_at_once_and_then_gone_with_all_that_was_put_on_it(
    cast: Cast, template: str
) -> None:
    grant = role_grant(cast.live.ports, cast.people, template)
    answer = stepped_in(cast, grant)
    name = plan_behind(cast, grant).name
    admin = cast.iam("approver")
    admin.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert not decides(cast, answer, OUTSIDE)
    cast.api("approver").post(f"/v1/grants/{grant.id}/revoke").raise_for_status()
    assert not decides(cast, answer, WITHIN)
    with refused("ExpiredToken"):
        role_client(cast, "sts", answer).get_caller_identity()
    assert stored(cast, grant).state is GrantState.REVOKING
    Sweeper(cast.live.ports).run()
    assert stored(cast, grant).state is GrantState.REVOKED
    with refused("NoSuchEntity"):
        admin.get_role(RoleName=name)


def test_a_role_that_is_gone_already_is_taken_away_with_success(cast: Cast, template: str) -> None:
    grant = role_grant(cast.live.ports, cast.people, template)
    name = plan_behind(cast, grant).name
    admin = cast.iam("approver")
    cast.api("approver").post(f"/v1/grants/{grant.id}/revoke").raise_for_status()
    admin.delete_role_policy(RoleName=name, PolicyName="permissions")
    admin.delete_role(RoleName=name)
    Sweeper(cast.live.ports).run()
    assert stored(cast, grant).state is GrantState.REVOKED


def test_overlapping_grants_end_only_themselves(cast: Cast, template: str) -> None:
    first = role_grant(cast.live.ports, cast.people, template, "wf-first")
    second = role_grant(cast.live.ports, cast.people, template, "wf-second")
    answers = [stepped_in(cast, grant) for grant in (first, second)]
    cast.api("approver").post(f"/v1/grants/{first.id}/revoke").raise_for_status()
    Sweeper(cast.live.ports).run()
    assert [decides(cast, answer, WITHIN) for answer in answers] == [False, True]
    assert roles_left(cast) == [plan_behind(cast, second).name]


def test_an_extension_moves_the_deadline_in_place_without_a_gap(cast: Cast, template: str) -> None:
    grant = role_grant(cast.live.ports, cast.people, template)
    answer = stepped_in(cast, grant)
    request = filed(cast, template, "wf-longer", extends=grant.id, lifetime=7 * DAY)
    assert (request["role"]["name"], request["role"]["extends"]) == (plan_behind(cast, grant).name, grant.id)
    approved(cast, request["id"])
    assert stored(cast, grant).deadline - grant.deadline == timedelta(days=6)
    assert decides(cast, answer, WITHIN)
    shorter = filed(cast, template, "wf-shorter", extends=grant.id, lifetime=3600)
    approved(cast, shorter["id"])
    assert stored(cast, grant).deadline - grant.deadline == timedelta(days=6)
    cast.api("approver").post(f"/v1/requests/{request['id']}/revoke", json={}).raise_for_status()
    assert not decides(cast, answer, WITHIN)


@pytest.mark.parametrize(
    "role",
    [
        {"lifetime": 3599},
        {"lifetime": 365 * DAY + 1},
        {"boundary_arn": "arn:aws:iam::partner:policy/permissions-boundary/quarry.example/Theirs_2026_01_01"},
        {"name": "x" * 56},
        {"name": "a/b"},
        {"trusted_principals": ["arn:aws:iam::555566667777:root"]},
        {"trusted_principals": ["*"]},
        {"trusted_principals": [f"arn:aws:iam::{PARTNER}:user/nobody"]},
        {"extends": "dg-" + "0" * 32},
    ],
    ids=str,
)
def test_a_role_that_cannot_be_lent_is_not_asked_for(cast: Cast, template: str, role: dict[str, Any]) -> None:
    asked = {"name": "Nightly", "boundary_arn": BOUNDARY, "lifetime": DAY, **role}
    body = {
        "description": "Reads your logs at night",
        "policy_template_arn": template,
        "workflow_id": "wf-00001",
        "notification_channel": cast.people.channel_arn,
        "parameters": [{"name": "bucketName", "values": ["logs"], "type": "string"}],
        "owner_account_id": ACCOUNT,
        "role": asked,
    }
    assert cast.api("partner").post("/v1/requests", json=body).status_code == 400
    assert cast.live.ports.store.read(lambda tx: tx.find(DelegationRequest)) == []


def test_everything_of_a_partner_ends_in_one_act_with_a_report_that_proves_itself(cast: Cast, template: str) -> None:
    grant = role_grant(cast.live.ports, cast.people, template)
    answer = stepped_in(cast, grant)
    waiting = filed(cast, template, "wf-waiting")
    told = cast.api("approver").post(f"/v1/partners/{PARTNER}/revoke").raise_for_status()
    assert not decides(cast, answer, WITHIN)
    assert roles_left(cast) == []
    report = verified(told.text, public_key(cast.live.ports.keyring))
    assert report["complete"] is True
    assert report["ended"]["requests"] == [waiting["id"]]
    assert [one["state"] for one in report["ended"]["grants"]] == ["REVOKED"]
    with pytest.raises(BadInput):
        verified(told.text.replace('"complete":true', '"complete":false'), public_key(cast.live.ports.keyring))
    with pytest.raises(BadInput):
        verified(told.text, told.json()["signature"][:43])
    assert cast.api("bystander").post(f"/v1/partners/{PARTNER}/revoke").status_code == 403
    elsewhere = cast.api("stranger").post(f"/v1/partners/{PARTNER}/revoke", params={"account_id": ACCOUNT})
    assert elsewhere.status_code == 403
