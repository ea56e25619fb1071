"""Roles over the wire with an unmodified boto3: made, changed, read back, stepped into and taken away."""

import json
from contextlib import nullcontext
from typing import Any

import pytest
from botocore import xform_name
from staging.clocks import StillClock
from staging.houses import ACCOUNT, OPERATOR, OTHER_ACCOUNT, PARTNER
from staging.roles import (
    ACCOUNT_ROOT,
    BOUNDARY,
    EVERYTHING,
    OTHER_BOUNDARY,
    OUTSIDE,
    PARTNER_TRUST,
    READ_LOGS,
    WITHIN,
    register_role_work,
    role_session,
    trusting,
)
from staging.roles_wire import decides, lent_client, refused, role_client
from staging.wires import Cast

from service.aws.gateway import HANDLERS
from workflows import onboarding
from workflows.onboarding import PolicyChoice
from workflows.release import Minted

NAME = "Watcher"
PATH = "/lumenwatch.example/"
ARN = f"arn:aws:iam::{ACCOUNT}:role{PATH}{NAME}"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
OWN_TRUST = trusting(ACCOUNT_ROOT, external_id=None)


@pytest.fixture
def partner_session(cast: Cast) -> Minted:
    return role_session(cast.live.ports, cast.people, register_role_work(cast.live.ports), session_duration=300)


@pytest.fixture
def lent(cast: Cast, partner_session: Minted) -> Any:
    """The IAM client of a delegated session."""
    return lent_client(cast, "iam", partner_session)


@pytest.fixture
def admin(cast: Cast) -> Any:
    """The IAM client of an administrator of the account."""
    return cast.iam("approver")


@pytest.fixture
def made(lent: Any) -> dict[str, Any]:
    """A role that a delegated session made, with a policy that asks for everything."""
    role: dict[str, Any] = lent.create_role(
        RoleName=NAME, Path=PATH, AssumeRolePolicyDocument=PARTNER_TRUST, PermissionsBoundary=BOUNDARY
    )["Role"]
    lent.put_role_policy(RoleName=NAME, PolicyName="all", PolicyDocument=EVERYTHING)
    return role


def own_role(admin: Any, name: str = "Own", **more: Any) -> dict[str, Any]:
    """A role that the account made itself."""
    role: dict[str, Any] = admin.create_role(RoleName=name, AssumeRolePolicyDocument=OWN_TRUST, **more)["Role"]
    return role


def stepped_in(cast: Cast, **more: Any) -> dict[str, Any]:
    """What AssumeRole answers to the partner."""
    given = {"RoleArn": ARN, "RoleSessionName": "job-1", "ExternalId": "ext-1", **more}
    answer: dict[str, Any] = cast.sts("partner").assume_role(**given)
    return answer


# --- AWS's way -------------------------------------------------------------------------------------------


def test_a_session_makes_a_role_that_the_partner_steps_into_and_that_stays_inside_its_boundary(
    cast: Cast, made: dict[str, Any]
) -> None:
    assert made["Arn"] == ARN
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert made["AssumeRolePolicyDocument"] == json.loads(PARTNER_TRUST)
    answer = stepped_in(cast)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{NAME}/job-1"
    who = role_client(cast, "sts", answer).get_caller_identity()
    assert (who["Account"], who["Arn"]) == (ACCOUNT, answer["AssumedRoleUser"]["Arn"])
    assert who["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    assert decides(cast, answer, WITHIN)
    assert not decides(cast, answer, OUTSIDE)


def test_a_role_that_a_session_made_is_a_grant_that_outlives_the_session_and_ends_when_it_is_revoked(
    cast: Cast, still: StillClock, made: dict[str, Any]
) -> None:
    still.advance(seconds=301)
    answer = stepped_in(cast)
    assert decides(cast, answer, WITHIN)
    grants = cast.api("approver").get("/v1/grants").raise_for_status().json()["items"]
    (grant,) = [one for one in grants if one["kind"] == "role"]
    assert grant["state"] == "LIVE"
    assert grant["request_id"] in json.dumps(cast.iam("approver").list_role_tags(RoleName=NAME)["Tags"])
    cast.api("approver").post(f"/v1/grants/{grant['id']}/revoke").raise_for_status()
    assert not decides(cast, answer, WITHIN)
    with refused("ExpiredToken"):
        role_client(cast, "sts", answer).get_caller_identity()
    with refused("AccessDenied"):
        stepped_in(cast)


def test_revoking_the_request_ends_the_roles_that_its_session_made(cast: Cast, made: dict[str, Any]) -> None:
    answer = stepped_in(cast)
    request_id = next(one["Value"] for one in made["Tags"] if one["Key"] == "daypass:request")
    cast.api("approver").post(f"/v1/requests/{request_id}/revoke", json={}).raise_for_status()
    assert not decides(cast, answer, WITHIN)


def test_deleting_a_role_stops_its_sessions_and_ends_its_grant(cast: Cast, lent: Any, made: dict[str, Any]) -> None:
    answer = stepped_in(cast)
    with refused("DeleteConflict"):
        lent.delete_role(RoleName=NAME)
    lent.delete_role_policy(RoleName=NAME, PolicyName="all")
    lent.delete_role(RoleName=NAME)
    assert not decides(cast, answer, WITHIN)
    with refused("ExpiredToken"):
        role_client(cast, "sts", answer).get_caller_identity()
    grants = cast.api("approver").get("/v1/grants").raise_for_status().json()["items"]
    assert [one["state"] for one in grants if one["kind"] == "role"] == ["REVOKED"]


def test_a_namesake_of_a_deleted_role_is_a_stranger_to_its_sessions(
    cast: Cast, lent: Any, made: dict[str, Any]
) -> None:
    answer = stepped_in(cast)
    lent.delete_role_policy(RoleName=NAME, PolicyName="all")
    lent.delete_role(RoleName=NAME)
    lent.create_role(RoleName=NAME, Path=PATH, AssumeRolePolicyDocument=PARTNER_TRUST, PermissionsBoundary=BOUNDARY)
    lent.put_role_policy(RoleName=NAME, PolicyName="all", PolicyDocument=EVERYTHING)
    assert not decides(cast, answer, WITHIN)


# --- the surface -----------------------------------------------------------------------------------------


def test_a_role_reads_back_exactly_and_what_it_lacks_is_absent(cast: Cast, admin: Any) -> None:
    made = own_role(admin, Description="Näheres", MaxSessionDuration=7200, Tags=[{"Key": "team", "Value": "ops"}])
    role = admin.get_role(RoleName="own")["Role"]
    assert role == made
    assert (role["Path"], role["RoleName"], role["MaxSessionDuration"]) == ("/", "Own", 7200)
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/Own"
    assert role["RoleId"].startswith("AROA")
    assert role["AssumeRolePolicyDocument"] == json.loads(OWN_TRUST)
    assert role["Tags"] == [{"Key": "team", "Value": "ops"}]
    assert "PermissionsBoundary" not in role
    (listed,) = admin.list_roles()["Roles"]
    assert "Tags" not in listed
    admin.update_role(RoleName="Own", Description="other", MaxSessionDuration=3600)
    admin.update_assume_role_policy(RoleName="Own", PolicyDocument=PARTNER_TRUST)
    changed = admin.get_role(RoleName="Own")["Role"]
    assert (changed["Description"], changed["MaxSessionDuration"]) == ("other", 3600)
    assert changed["AssumeRolePolicyDocument"] == json.loads(PARTNER_TRUST)


def test_a_roles_policies_tags_and_boundary_are_written_read_and_taken_away(admin: Any) -> None:
    own_role(admin)
    admin.put_role_policy(RoleName="Own", PolicyName="logs", PolicyDocument=READ_LOGS)
    assert admin.list_role_policies(RoleName="Own")["PolicyNames"] == ["logs"]
    assert admin.get_role_policy(RoleName="Own", PolicyName="logs")["PolicyDocument"] == json.loads(READ_LOGS)
    arn = admin.create_policy(PolicyName="logs", Path="/team/", PolicyDocument=READ_LOGS)["Policy"]["Arn"]
    admin.attach_role_policy(RoleName="Own", PolicyArn=arn)
    admin.attach_role_policy(RoleName="Own", PolicyArn=arn)
    attached = {"PolicyName": "logs", "PolicyArn": arn}
    assert admin.list_attached_role_policies(RoleName="Own")["AttachedPolicies"] == [attached]
    assert admin.list_attached_role_policies(RoleName="Own", PathPrefix="/other/")["AttachedPolicies"] == []
    assert admin.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"][0]["RoleName"] == "Own"
    admin.put_role_permissions_boundary(RoleName="Own", PermissionsBoundary=arn)
    assert admin.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    admin.tag_role(RoleName="Own", Tags=[{"Key": "Team", "Value": "a"}, {"Key": "x", "Value": ""}])
    admin.tag_role(RoleName="Own", Tags=[{"Key": "team", "Value": "b"}])
    assert admin.list_role_tags(RoleName="Own")["Tags"] == [{"Key": "team", "Value": "b"}, {"Key": "x", "Value": ""}]
    admin.untag_role(RoleName="Own", TagKeys=["x", "never"])
    with refused("DeleteConflict"):
        admin.delete_policy(PolicyArn=arn)
    with refused("DeleteConflict"):
        admin.delete_role(RoleName="Own")
    admin.delete_role_permissions_boundary(RoleName="Own")
    admin.detach_role_policy(RoleName="Own", PolicyArn=arn)
    admin.delete_role_policy(RoleName="Own", PolicyName="logs")
    admin.delete_policy(PolicyArn=arn)
    admin.delete_role(RoleName="Own")
    with refused("NoSuchEntity"):
        admin.get_role(RoleName="Own")


def test_versions_of_a_policy_are_added_chosen_and_deleted_as_in_iam(admin: Any) -> None:
    arn = admin.create_policy(PolicyName="logs", PolicyDocument=READ_LOGS, Description="d")["Policy"]["Arn"]
    for _ in range(4):
        version = admin.create_policy_version(PolicyArn=arn, PolicyDocument=EVERYTHING)["PolicyVersion"]
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v5", False)
    with refused("LimitExceeded"):
        admin.create_policy_version(PolicyArn=arn, PolicyDocument=EVERYTHING)
    admin.set_default_policy_version(PolicyArn=arn, VersionId="v5")
    with refused("DeleteConflict"):
        admin.delete_policy_version(PolicyArn=arn, VersionId="v5")
    with refused("DeleteConflict"):
        admin.delete_policy(PolicyArn=arn)
    admin.delete_policy_version(PolicyArn=arn, VersionId="v1")
    listed = admin.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in listed] == [
        ("v5", True),
        ("v4", False),
        ("v3", False),
        ("v2", False),
    ]
    assert admin.get_policy_version(PolicyArn=arn, VersionId="v5")["PolicyVersion"]["Document"] == json.loads(
        EVERYTHING
    )
    version = admin.create_policy_version(PolicyArn=arn, PolicyDocument=READ_LOGS, SetAsDefault=True)["PolicyVersion"]
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v6", True)
    assert admin.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v6"
    with refused("NoSuchEntity"):
        admin.get_policy_version(PolicyArn=arn, VersionId="v1")


def test_everybody_reads_a_partners_boundary_and_nobody_changes_it(cast: Cast, admin: Any, lent: Any) -> None:
    for spelling in (BOUNDARY, BOUNDARY.replace("permissions-boundary/", ""), BOUNDARY.replace("s-b", "_b", 1)):
        spelt = spelling.replace("permission_boundary", "permission_boundary")
        assert admin.get_policy(PolicyArn=spelt)["Policy"]["Arn"] == BOUNDARY
    document = admin.get_policy_version(PolicyArn=BOUNDARY, VersionId="v1")["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Action"] == ["s3:GetObject", "s3:ListBucket"]
    for client in (admin, lent):
        with refused("UnmodifiableEntity"):
            client.create_policy_version(PolicyArn=BOUNDARY, PolicyDocument=EVERYTHING, SetAsDefault=True)
        with refused("UnmodifiableEntity"):
            client.set_default_policy_version(PolicyArn=BOUNDARY, VersionId="v1")
        with refused("UnmodifiableEntity"):
            client.delete_policy(PolicyArn=BOUNDARY)
        with refused("UnmodifiableEntity"):
            client.delete_policy_version(PolicyArn=BOUNDARY, VersionId="v1")
    with refused("UnmodifiableEntity"):
        admin.delete_policy(PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


def test_policies_are_listed_by_scope_and_by_use(admin: Any) -> None:
    own = admin.create_policy(PolicyName="logs", Path="/team/", PolicyDocument=READ_LOGS)["Policy"]["Arn"]
    ready = {one["PolicyName"] for one in admin.list_policies(Scope="AWS")["Policies"]}
    assert ready == {"AdministratorAccess", "DelegationApprover", "DelegationOwner", "DelegationAuditor"}
    assert [one["Arn"] for one in admin.list_policies(Scope="Local")["Policies"]] == [own]
    assert len(admin.list_policies()["Policies"]) == len(ready) + 1
    assert admin.list_policies(Scope="Local", OnlyAttached=True)["Policies"] == []
    assert admin.list_policies(Scope="Local", PathPrefix="/other/")["Policies"] == []
    own_role(admin, PermissionsBoundary=own)
    bounding = admin.list_policies(Scope="Local", PolicyUsageFilter="PermissionsBoundary")["Policies"]
    assert [one["Arn"] for one in bounding] == [own]
    assert admin.list_policies(Scope="Local", PolicyUsageFilter="PermissionsPolicy")["Policies"] == []


def test_a_key_tells_what_it_was_last_used_for(cast: Cast, admin: Any) -> None:
    cast.sts("owner").get_caller_identity()
    cast.live.settle()
    told = admin.get_access_key_last_used(AccessKeyId=cast.key("owner").access_key_id)
    assert told["UserName"] == "owner"
    assert (told["AccessKeyLastUsed"]["ServiceName"], told["AccessKeyLastUsed"]["Region"]) == ("sts", "us-east-1")


def test_lists_come_in_pages_whose_markers_belong_to_one_list(admin: Any) -> None:
    for number in range(7):
        own_role(admin, f"Role-{number}", Path="/even/" if number % 2 == 0 else "/odd/")
    pages = admin.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 3})
    assert [[one["RoleName"] for one in page["Roles"]] for page in pages] == [
        ["Role-0", "Role-1", "Role-2"],
        ["Role-3", "Role-4", "Role-5"],
        ["Role-6"],
    ]
    first = admin.list_roles(PathPrefix="/even/", MaxItems=2)
    assert first["IsTruncated"]
    admin.delete_role(RoleName="Role-2")
    rest = admin.list_roles(PathPrefix="/even/", Marker=first["Marker"])
    assert [one["RoleName"] for one in rest["Roles"]] == ["Role-6"]
    with refused("InvalidInput"):
        admin.list_roles(Marker=first["Marker"])


def test_users_and_keys_are_shown_made_and_switched_off(cast: Cast, admin: Any) -> None:
    assert admin.get_user()["User"]["UserName"] == "approver"
    assert [one["UserName"] for one in admin.list_users()["Users"]] == ["approver", "bystander", "owner"]
    key = admin.create_access_key(UserName="owner")["AccessKey"]
    told = admin.list_access_keys(UserName="owner")["AccessKeyMetadata"]
    assert [(one["AccessKeyId"], one["Status"]) for one in told] == [(key["AccessKeyId"], "Active")]
    assert admin.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    admin.update_access_key(UserName="owner", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert admin.list_access_keys(UserName="owner")["AccessKeyMetadata"][0]["Status"] == "Inactive"
    admin.delete_access_key(UserName="owner", AccessKeyId=key["AccessKeyId"])
    assert admin.list_access_keys(UserName="owner")["AccessKeyMetadata"] == []
    with refused("NoSuchEntity"):
        admin.get_user(UserName="nobody")
    with refused("AccessDenied"):
        cast.iam("bystander").get_user(UserName="owner")


def test_the_account_is_described_whole_and_in_parts(admin: Any, made: dict[str, Any]) -> None:
    arn = admin.create_policy(PolicyName="logs", PolicyDocument=READ_LOGS)["Policy"]["Arn"]
    admin.attach_role_policy(RoleName=NAME, PolicyArn=arn)
    whole = admin.get_account_authorization_details()
    (role,) = whole["RoleDetailList"]
    assert role["RolePolicyList"] == [{"PolicyName": "all", "PolicyDocument": json.loads(EVERYTHING)}]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert {one["UserName"] for one in whole["UserDetailList"]} == {"owner", "approver", "bystander"}
    assert arn in {one["Arn"] for one in whole["Policies"]}
    parts = admin.get_account_authorization_details(Filter=["LocalManagedPolicy"], MaxItems=1)
    assert [one["PolicyVersionList"][0]["Document"] for one in parts["Policies"]] == [json.loads(READ_LOGS)]
    assert parts["RoleDetailList"] == []


def test_reports_say_which_services_were_granted_by_what_and_which_were_used(
    cast: Cast, admin: Any, made: dict[str, Any]
) -> None:
    admin.put_role_policy(RoleName=NAME, PolicyName="logs", PolicyDocument=READ_LOGS)
    answer = stepped_in(cast)
    assert decides(cast, answer, WITHIN)
    cast.live.settle()
    job = admin.generate_service_last_accessed_details(Arn=ARN, Granularity="ACTION_LEVEL")["JobId"]
    report = admin.get_service_last_accessed_details(JobId=job)
    assert report["JobStatus"] == "COMPLETED"
    (s3,) = [one for one in report["ServicesLastAccessed"] if one["ServiceNamespace"] == "s3"]
    assert [one["ActionName"] for one in s3["TrackedActionsLastAccessed"]] == ["GetObject"]
    assert "LastUsedDate" in admin.get_role(RoleName=NAME)["Role"]["RoleLastUsed"]
    told = admin.list_policies_granting_service_access(Arn=ARN, ServiceNamespaces=["s3", "sqs"])
    names = {
        one["ServiceNamespace"]: [each["PolicyName"] for each in one["Policies"]]
        for one in told["PoliciesGrantingServiceAccess"]
    }
    assert names == {"s3": ["all", "logs"], "sqs": ["all"]}


def test_a_refusal_carries_reasons_that_only_its_own_account_can_read(cast: Cast) -> None:
    with pytest.raises(Exception, match="Encoded authorization failure message: ") as caught:
        cast.iam("bystander").create_role(RoleName="Mine", AssumeRolePolicyDocument=OWN_TRUST)
    message = str(caught.value).rpartition(" ")[2]
    told = json.loads(cast.sts("approver").decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
    assert told["context"]["action"] == "iam:CreateRole"
    assert told["allowed"] is False
    with refused("InvalidAuthorizationMessageException"):
        cast.sts("stranger").decode_authorization_message(EncodedMessage=message)
    with refused("AccessDenied"):
        cast.sts("bystander").decode_authorization_message(EncodedMessage=message)
    with refused("InvalidAuthorizationMessageException"):
        cast.sts("approver").decode_authorization_message(EncodedMessage="no such thing")


# --- stepping in -----------------------------------------------------------------------------------------


def test_a_session_policy_narrows_and_a_duration_is_kept_within_the_roles(cast: Cast, admin: Any) -> None:
    role = own_role(admin)
    admin.attach_role_policy(RoleName="Own", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    sts = cast.sts("approver")
    wide = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="wide")
    assert decides(cast, wide, OUTSIDE)
    assert "PackedPolicySize" not in wide
    narrow = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="narrow", Policy=READ_LOGS)
    assert (decides(cast, narrow, WITHIN), decides(cast, narrow, OUTSIDE)) == (True, False)
    assert narrow["PackedPolicySize"] > 0
    arn = admin.create_policy(PolicyName="logs", PolicyDocument=READ_LOGS)["Policy"]["Arn"]
    named = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="named", PolicyArns=[{"arn": arn}])
    assert (decides(cast, named, WITHIN), decides(cast, named, OUTSIDE)) == (True, False)
    with refused("ValidationError"):
        sts.assume_role(RoleArn=role["Arn"], RoleSessionName="long", DurationSeconds=3601)
    with refused("MalformedPolicyDocument"):
        sts.assume_role(RoleArn=role["Arn"], RoleSessionName="bad", Policy='{"Version":"2012-10-17"}')
    statement = {"Effect": "Allow", "Action": "*", "Resource": [f"arn:aws:s3:::{'x' * 99}{n}" for n in range(20)]}
    too_long = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with refused("PackedPolicyTooLarge"):
        sts.assume_role(RoleArn=role["Arn"], RoleSessionName="large", Policy=too_long)


def test_tags_and_the_source_identity_go_down_a_chain_and_the_chain_is_an_hour_long(cast: Cast, admin: Any) -> None:
    named = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT_ROOT}}
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{**named, "Action": actions}]})
    for name in ("First", "Second"):
        admin.create_role(RoleName=name, AssumeRolePolicyDocument=trust, MaxSessionDuration=7200)
        admin.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    tags = [{"Key": "Team", "Value": "ops"}, {"Key": "here", "Value": "1"}]
    arn = f"arn:aws:iam::{ACCOUNT}:role/"
    first = cast.sts("approver").assume_role(
        RoleArn=arn + "First",
        RoleSessionName="one",
        Tags=tags,
        TransitiveTagKeys=["Team"],
        SourceIdentity="alice",
        DurationSeconds=7200,
    )
    chain = role_client(cast, "sts", first)
    with refused("ValidationError"):
        chain.assume_role(RoleArn=arn + "Second", RoleSessionName="two", DurationSeconds=3601)
    with refused("ValidationError"):
        chain.assume_role(RoleArn=arn + "Second", RoleSessionName="two", Tags=[{"Key": "team", "Value": "x"}])
    with refused("AccessDenied"):
        chain.assume_role(RoleArn=arn + "Second", RoleSessionName="two", SourceIdentity="mallory")
    second = chain.assume_role(RoleArn=arn + "Second", RoleSessionName="two")
    assert second["SourceIdentity"] == "alice"
    condition = {
        "StringEquals": {"aws:PrincipalTag/team": "ops", "aws:SourceIdentity": "alice"},
        "Null": {"aws:PrincipalTag/here": "true"},
    }
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": condition}
    assert decides(cast, second, WITHIN)
    admin.put_role_policy(
        RoleName="Second", PolicyName="deny", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    )
    assert not decides(cast, second, WITHIN)


def test_trust_by_name_means_the_principal_of_that_time_and_not_a_namesake(cast: Cast, admin: Any) -> None:
    inner = own_role(admin, "Inner")
    admin.attach_role_policy(RoleName="Inner", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    outer = trusting(inner["Arn"], external_id=None)
    admin.create_role(RoleName="Outer", AssumeRolePolicyDocument=outer)
    arn = f"arn:aws:iam::{ACCOUNT}:role/Outer"

    def through_inner() -> Any:
        answer = cast.sts("approver").assume_role(RoleArn=inner["Arn"], RoleSessionName="x1")
        return role_client(cast, "sts", answer).assume_role(RoleArn=arn, RoleSessionName="y1")

    assert through_inner()["AssumedRoleUser"]["Arn"].endswith("assumed-role/Outer/y1")
    admin.detach_role_policy(RoleName="Inner", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    admin.delete_role(RoleName="Inner")
    own_role(admin, "Inner")
    admin.attach_role_policy(RoleName="Inner", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    with refused("AccessDenied"):
        through_inner()


# --- bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"AssumeRolePolicyDocument": "{"}, "MalformedPolicyDocument"),
        ({"AssumeRolePolicyDocument": READ_LOGS}, "MalformedPolicyDocument"),
        ({"AssumeRolePolicyDocument": trusting("*", external_id=None)}, "MalformedPolicyDocument"),
        ({"AssumeRolePolicyDocument": trusting("arn:aws:iam::999999999999:root")}, "MalformedPolicyDocument"),
        ({"AssumeRolePolicyDocument": trusting(f"arn:aws:iam::{ACCOUNT}:user/nobody")}, "MalformedPolicyDocument"),
        ({"AssumeRolePolicyDocument": trusting(f"arn:aws:iam::{ACCOUNT}:role/New")}, "MalformedPolicyDocument"),
        ({"AssumeRolePolicyDocument": trusting(PARTNER, external_id="x" * 2048)}, "LimitExceeded"),
        ({"RoleName": "x" * 65}, "ValidationError"),
        ({"RoleName": "a/b"}, "ValidationError"),
        ({"RoleName": "AWSServiceRoleForUs"}, "InvalidInput"),
        ({"Path": "no-slash"}, "ValidationError"),
        ({"Path": "/aws-service-role/x/"}, "InvalidInput"),
        ({"MaxSessionDuration": 43_201}, "ValidationError"),
        ({"Description": "x" * 1001}, "ValidationError"),
        ({"PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/nothing"}, "NoSuchEntity"),
        ({"PermissionsBoundary": f"arn:aws:iam::{OTHER_ACCOUNT}:policy/theirs"}, "NoSuchEntity"),
        ({"Tags": [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]}, "InvalidInput"),
        ({"Tags": [{"Key": "aws:x", "Value": ""}]}, "InvalidInput"),
        ({"Tags": [{"Key": "Daypass:request", "Value": ""}]}, "InvalidInput"),
        ({"Tags": [{"Key": f"k{number}", "Value": ""} for number in range(51)]}, "ValidationError"),
    ],
    ids=str,
)
def test_a_role_that_cannot_be_is_refused_as_iam_refuses_it_and_nothing_is_left(
    admin: Any, given: dict[str, Any], code: str
) -> None:
    with refused(code):
        admin.create_role(**{"RoleName": "New", "AssumeRolePolicyDocument": OWN_TRUST, **given})
    assert admin.list_roles()["Roles"] == []


def test_names_know_no_case_and_an_existing_role_is_never_adopted(admin: Any, lent: Any) -> None:
    before = own_role(admin, "Deploy", Path=PATH)
    for client, boundary in ((admin, {}), (lent, {"PermissionsBoundary": BOUNDARY})):
        with refused("EntityAlreadyExists"):
            client.create_role(RoleName="dePLOY", Path=PATH, AssumeRolePolicyDocument=PARTNER_TRUST, **boundary)
    assert admin.get_role(RoleName="Deploy")["Role"] == before


def test_fifty_tags_with_tricky_keys_fit_and_one_more_does_not(admin: Any) -> None:
    tricky = ["a b", "ü", "x:y/z=+-@_.", "ключ", "k" * 128]
    own_role(admin, Tags=[{"Key": key, "Value": key} for key in tricky])
    admin.tag_role(RoleName="Own", Tags=[{"Key": f"k{number}", "Value": "v" * 256} for number in range(45)])
    with refused("LimitExceeded"):
        admin.tag_role(RoleName="Own", Tags=[{"Key": "one more", "Value": ""}])
    tags = [one for page in admin.get_paginator("list_role_tags").paginate(RoleName="Own") for one in page["Tags"]]
    assert len(tags) == 50
    assert {one["Key"] for one in tags} >= set(tricky)


def test_circular_trust_is_no_way_around_anything(cast: Cast, admin: Any) -> None:
    one, two = own_role(admin, "One"), own_role(admin, "Two")
    admin.update_assume_role_policy(RoleName="One", PolicyDocument=trusting(two["Arn"], external_id=None))
    admin.update_assume_role_policy(RoleName="Two", PolicyDocument=trusting(one["Arn"], external_id=None))
    for role in (one, two):
        with refused("AccessDenied"):
            cast.sts("approver").assume_role(RoleArn=role["Arn"], RoleSessionName="x1")


def test_quotas_are_those_of_iam(cast: Cast, admin: Any) -> None:
    own_role(admin)
    for number in range(10):
        arn = admin.create_policy(PolicyName=f"p{number}", PolicyDocument=READ_LOGS)["Policy"]["Arn"]
        admin.attach_role_policy(RoleName="Own", PolicyArn=arn)
    with refused("LimitExceeded"):
        admin.attach_role_policy(RoleName="Own", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{'x' * 200}{n}" for n in range(24)]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    admin.put_role_policy(RoleName="Own", PolicyName="a", PolicyDocument=document)
    with refused("LimitExceeded"):
        admin.put_role_policy(RoleName="Own", PolicyName="b", PolicyDocument=document)
    with refused("EntityAlreadyExists"):
        admin.create_policy(PolicyName="P0", PolicyDocument=READ_LOGS)
    with refused("PolicyNotAttachable"):
        admin.attach_role_policy(RoleName="Own", PolicyArn=OTHER_BOUNDARY) if register_role_work(cast.live.ports) else 0


INLINE = {"PolicyName": "p", "PolicyDocument": READ_LOGS}
ENV = {"Tags": [{"Key": "env", "Value": "prod"}]}


@pytest.mark.parametrize(
    ("action", "key", "values", "given"),
    [
        ("CreateRole", "iam:PermissionsBoundary", ("x", ADMIN), {"PermissionsBoundary": ADMIN}),
        ("PutRolePermissionsBoundary", "iam:PermissionsBoundary", ("x", ADMIN), {"PermissionsBoundary": ADMIN}),
        ("AttachRolePolicy", "iam:PolicyARN", ("x", ADMIN), {"PolicyArn": ADMIN}),
        ("PutRolePolicy", "iam:ResourceTag/team", ("dev", "ops"), INLINE),
        ("PutRolePolicy", "aws:ResourceTag/team", ("dev", "ops"), INLINE),
        ("TagRole", "aws:RequestTag/env", ("test", "prod"), ENV),
        ("TagRole", "aws:TagKeys", ("team", "env"), ENV),
        ("UntagRole", "aws:TagKeys", ("team", "env"), {"TagKeys": ["env"]}),
    ],
)
def test_a_permission_can_hang_on_the_condition_keys_of_iam(
    cast: Cast, action: str, key: str, values: tuple[str, str], given: dict[str, Any]
) -> None:
    own_role(cast.iam("approver"), Tags=[{"Key": "team", "Value": "ops"}])
    name = {"RoleName": "Own"}
    if action == "CreateRole":
        name = {"RoleName": "New", "AssumeRolePolicyDocument": OWN_TRUST}
    operator = "ForAnyValue:StringEquals" if key == "aws:TagKeys" else "StringEquals"
    for value, allowed in zip(values, (False, True), strict=True):
        condition = {operator: {key: value}}
        statement = {"Effect": "Allow", "Action": f"iam:{action}", "Resource": "*", "Condition": condition}
        choice = PolicyChoice("try", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        onboarding.attach_policy(cast.live.ports, OPERATOR, account_id=ACCOUNT, user_name="bystander", choice=choice)
        with nullcontext() if allowed else refused("AccessDenied"):
            getattr(cast.iam("bystander"), xform_name(action))(**name, **given)


def test_every_operation_on_roles_needs_a_permission_of_its_own(cast: Cast, made: dict[str, Any]) -> None:
    bystander, arn = cast.iam("bystander"), f"arn:aws:iam::{ACCOUNT}:policy/p"
    calls: dict[str, dict[str, Any]] = {
        "GetRole": {"RoleName": NAME},
        "ListRoles": {},
        "UpdateRole": {"RoleName": NAME},
        "UpdateAssumeRolePolicy": {"RoleName": NAME, "PolicyDocument": OWN_TRUST},
        "DeleteRole": {"RoleName": NAME},
        "PutRolePolicy": {"RoleName": NAME, "PolicyName": "x", "PolicyDocument": READ_LOGS},
        "GetRolePolicy": {"RoleName": NAME, "PolicyName": "all"},
        "ListRolePolicies": {"RoleName": NAME},
        "DeleteRolePolicy": {"RoleName": NAME, "PolicyName": "all"},
        "AttachRolePolicy": {"RoleName": NAME, "PolicyArn": arn},
        "DetachRolePolicy": {"RoleName": NAME, "PolicyArn": arn},
        "ListAttachedRolePolicies": {"RoleName": NAME},
        "PutRolePermissionsBoundary": {"RoleName": NAME, "PermissionsBoundary": BOUNDARY},
        "DeleteRolePermissionsBoundary": {"RoleName": NAME},
        "TagRole": {"RoleName": NAME, "Tags": [{"Key": "a", "Value": "b"}]},
        "UntagRole": {"RoleName": NAME, "TagKeys": ["a"]},
        "ListRoleTags": {"RoleName": NAME},
        "CreatePolicy": {"PolicyName": "x", "PolicyDocument": READ_LOGS},
        "GetPolicy": {"PolicyArn": arn},
        "ListPolicies": {},
        "DeletePolicy": {"PolicyArn": arn},
        "CreatePolicyVersion": {"PolicyArn": arn, "PolicyDocument": READ_LOGS},
        "GetPolicyVersion": {"PolicyArn": arn, "VersionId": "v1"},
        "ListPolicyVersions": {"PolicyArn": arn},
        "SetDefaultPolicyVersion": {"PolicyArn": arn, "VersionId": "v1"},
        "DeletePolicyVersion": {"PolicyArn": arn, "VersionId": "v1"},
        "ListEntitiesForPolicy": {"PolicyArn": arn},
        "ListUsers": {},
        "GetUser": {},
        "CreateAccessKey": {},
        "ListAccessKeys": {},
        "UpdateAccessKey": {"AccessKeyId": "AKIA" + "A" * 16, "Status": "Inactive"},
        "DeleteAccessKey": {"AccessKeyId": "AKIA" + "A" * 16},
        "GetAccessKeyLastUsed": {"AccessKeyId": "AKIA" + "A" * 16},
        "GetAccountAuthorizationDetails": {},
        "GenerateServiceLastAccessedDetails": {"Arn": ARN},
        "GetServiceLastAccessedDetails": {"JobId": "0" * 36},
        "ListPoliciesGrantingServiceAccess": {"Arn": ARN, "ServiceNamespaces": ["s3"]},
    }
    ours = {name for name in HANDLERS if name in calls}
    assert ours == set(calls)
    for name, given in calls.items():
        with refused("AccessDenied"):
            getattr(bystander, xform_name(name))(**given)
