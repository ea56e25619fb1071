"""An account can see what delegations left in it, what is used of that, what changed, and what could be less."""

import json
from dataclasses import replace
from typing import Any

import pytest
from staging.houses import ACCOUNT, PARTNER
from staging.roles import BOUNDARY, READ_LOGS, ROLE_PERMISSIONS, WITHIN, register_role_work, role_grant, trusting
from staging.roles_wire import decides
from staging.wires import Cast

from workflows import drift
from workflows.records.grant import Grant
from workflows.records.role import Role


@pytest.fixture
def grant(cast: Cast) -> Grant:
    return role_grant(cast.live.ports, cast.people, register_role_work(cast.live.ports, ROLE_PERMISSIONS))


def role(cast: Cast) -> Role:
    (found,) = cast.live.ports.store.read(lambda tx: tx.find(Role))
    record: Role = found
    return record


def used(cast: Cast) -> None:
    """Have the partner use its role once, and the use be counted."""
    external_id = json.loads(role(cast).trust)["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
    answer = cast.sts("partner").assume_role(RoleArn=role(cast).arn, RoleSessionName="job", ExternalId=external_id)
    assert decides(cast, answer, WITHIN)
    cast.live.settle()


def asked(cast: Cast, path: str, name: str = "approver") -> Any:
    return cast.api(name).get(path).raise_for_status().json()


def differences(cast: Cast) -> list[tuple[str, str]]:
    drift.scan(cast.live.ports)
    return [(one["kind"], one["detail"]) for one in asked(cast, "/v1/drift")]


def test_every_role_is_listed_with_whence_how_far_and_used_for_what(cast: Cast, grant: Grant) -> None:
    used(cast)
    (line,) = asked(cast, f"/v1/roles?partner_id={PARTNER}")
    assert (line["grant_id"], line["request_id"], line["grant_state"]) == (grant.id, grant.request_id, "LIVE")
    assert line["boundary_arn"] == BOUNDARY
    assert [(use["action"], use["count"]) for use in line["used"]] == [("s3:GetObject", 1)]
    assert line["unused"] == ["s3:DeleteBucket"]
    assert line["last_used"] is not None
    assert asked(cast, "/v1/roles?request_id=dr-none") == []
    assert cast.api("bystander").get("/v1/roles").status_code == 403
    assert asked(cast, "/v1/roles", "stranger") == []


def test_a_smaller_template_is_proposed_from_what_was_really_used(cast: Cast, grant: Grant) -> None:
    used(cast)
    proposal = asked(cast, f"/v1/grants/{grant.id}/proposal")
    assert json.loads(proposal["proposed"])["Statement"][0]["Action"] == ["s3:GetObject"]
    removed = [line for line in proposal["diff"].splitlines() if line.startswith("-") and "s3:" in line]
    assert removed == ['-        "s3:DeleteBucket",']


def test_what_was_never_used_is_proposed_to_go(cast: Cast, grant: Grant) -> None:
    assert json.loads(asked(cast, f"/v1/grants/{grant.id}/proposal")["proposed"])["Statement"] == []


def test_nothing_differs_as_long_as_nobody_meddles(cast: Cast, grant: Grant) -> None:
    assert differences(cast) == []


def test_a_change_outside_the_delegation_is_shown_until_the_role_is_gone(cast: Cast, grant: Grant) -> None:
    admin, name = cast.iam("approver"), role(cast).name
    admin.put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=READ_LOGS)
    (kind, detail), *others = differences(cast)
    assert (kind, others) == ("changed-outside", [])
    assert "more" in detail
    admin.delete_role_policy(RoleName=name, PolicyName="more")
    assert [kind for kind, _ in differences(cast)] == ["changed-outside"]
    admin.delete_role_policy(RoleName=name, PolicyName="permissions")
    admin.delete_role(RoleName=name)
    assert differences(cast) == []


def test_a_role_under_a_partners_path_that_no_grant_made_is_shown(cast: Cast) -> None:
    own = trusting(f"arn:aws:iam::{ACCOUNT}:root", external_id=None)
    cast.iam("approver").create_role(RoleName="Odd", Path="/lumenwatch.example/", AssumeRolePolicyDocument=own)
    assert [kind for kind, _ in differences(cast)] == ["role-without-grant"]


def test_a_live_grant_whose_role_vanished_and_a_swapped_boundary_are_shown(cast: Cast, grant: Grant) -> None:
    ports, before = cast.live.ports, role(cast)
    # Damage that no call can do.
    ports.store.write(lambda tx: tx.put(replace(before, boundary_arn=None)))
    assert [kind for kind, _ in differences(cast)] == ["boundary-changed"]
    ports.store.write(lambda tx: tx.remove(before))
    assert [kind for kind, _ in differences(cast)] == ["grant-without-role"]
