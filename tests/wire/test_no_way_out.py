"""Every known way out of a delegation, tried through boto3 with a policy that leaves everything to the service.

ROL-numbers are those of the list of escape routes in workflows/README.md.
"""

import json
from typing import Any

import pytest
from staging.clocks import StillClock
from staging.houses import ACCOUNT, OPERATOR, OTHER_ACCOUNT, PARTNER, earlier_template
from staging.roles import (
    ACCOUNT_ROOT,
    BOUNDARY,
    EVERYTHING,
    OTHER_BOUNDARY,
    OUTSIDE,
    PARTNER_ROOT,
    PARTNER_TRUST,
    READ_LOGS,
    WIDE_OPEN,
    WITHIN,
    register_role_work,
    role_session,
    trusting,
)
from staging.roles_wire import decides, decides_for, lent_client, refused, role_client
from staging.wires import Cast

from workflows import partnering
from workflows.errors import ReviewRefused
from workflows.release import Minted

NAME = "Watcher"
PATH = "/lumenwatch.example/"
ARN = f"arn:aws:iam::{ACCOUNT}:role{PATH}{NAME}"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
OWN_TRUST = trusting(ACCOUNT_ROOT, external_id=None)
DEPLOY = f"arn:aws:iam::{ACCOUNT}:role{PATH}Deploy"


@pytest.fixture
def partner_session(cast: Cast) -> Minted:
    return role_session(cast.live.ports, cast.people, register_role_work(cast.live.ports))


@pytest.fixture
def lent(cast: Cast, partner_session: Minted) -> Any:
    """The IAM client of a delegated session that may do everything, as far as its policy goes."""
    return lent_client(cast, "iam", partner_session)


@pytest.fixture
def admin(cast: Cast) -> Any:
    return cast.iam("approver")


@pytest.fixture
def owners_role(admin: Any) -> str:
    """The ARN of a mighty role of the account's own, under the partner's path to be as inviting as can be."""
    arn: str = admin.create_role(RoleName="Deploy", Path=PATH, AssumeRolePolicyDocument=OWN_TRUST)["Role"]["Arn"]
    admin.attach_role_policy(RoleName="Deploy", PolicyArn=ADMINISTRATOR)
    return arn


def make(client: Any, name: str = NAME, **more: Any) -> dict[str, Any]:
    """A role of a delegation, unless told otherwise."""
    given = {"Path": PATH, "AssumeRolePolicyDocument": PARTNER_TRUST, "PermissionsBoundary": BOUNDARY}
    role: dict[str, Any] = client.create_role(RoleName=name, **{**given, **more})["Role"]
    return role


def another_session(cast: Cast, template: dict[str, Any], workflow_id: str) -> Minted:
    """A session of a later request of the same partner, under another template."""
    name = f"Later_{workflow_id}_2026_01_01"
    arn = earlier_template(cast.live.ports, name, template)
    return role_session(cast.live.ports, cast.people, arn, workflow_id)


def stepped_in(cast: Cast, name: str = NAME) -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:role{PATH}{name}"
    answer: dict[str, Any] = cast.sts("partner").assume_role(RoleArn=arn, RoleSessionName="job", ExternalId="ext-1")
    return answer


# --- the boundary ----------------------------------------------------------------------------------------


def test_rol_1_a_session_makes_no_role_without_a_boundary_or_with_one_that_nobody_was_shown(
    lent: Any, admin: Any
) -> None:
    own = admin.create_policy(PolicyName="Mine", PolicyDocument=EVERYTHING)["Policy"]["Arn"]
    with refused("AccessDenied"):
        lent.create_role(RoleName=NAME, Path=PATH, AssumeRolePolicyDocument=PARTNER_TRUST)
    for boundary in (OTHER_BOUNDARY, own, ADMINISTRATOR):
        with refused("AccessDenied"):
            make(lent, PermissionsBoundary=boundary)
    assert admin.list_roles()["Roles"] == []


def test_rol_1_every_spelling_of_the_shown_boundary_is_the_shown_boundary(lent: Any) -> None:
    for number, folder in enumerate(("permissions-boundary/", "permission_boundary/", "")):
        spelt = BOUNDARY.replace("permissions-boundary/", folder)
        role = make(lent, f"{NAME}{number}", PermissionsBoundary=spelt)
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
        with refused("AccessDenied"):
            make(lent, "Other", PermissionsBoundary=OTHER_BOUNDARY.replace("permissions-boundary/", folder))


def test_rol_2_the_boundary_of_a_delegations_role_is_taken_away_by_nobody(lent: Any, admin: Any) -> None:
    make(lent)
    with refused("AccessDenied"):
        lent.delete_role_permissions_boundary(RoleName=NAME)
    with refused("UnmodifiableEntity"):
        admin.delete_role_permissions_boundary(RoleName=NAME)
    with refused("UnmodifiableEntity"):
        admin.put_role_permissions_boundary(RoleName=NAME, PermissionsBoundary=ADMINISTRATOR)
    with refused("AccessDenied"):
        lent.put_role_permissions_boundary(RoleName=NAME, PermissionsBoundary=OTHER_BOUNDARY)
    assert admin.get_role(RoleName=NAME)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY


def test_rol_2_a_session_sets_no_boundary_on_roles_that_are_not_its_partners(
    lent: Any, admin: Any, owners_role: str
) -> None:
    with refused("AccessDenied"):
        lent.put_role_permissions_boundary(RoleName="Deploy", PermissionsBoundary=BOUNDARY)
    assert "PermissionsBoundary" not in admin.get_role(RoleName="Deploy")["Role"]


def test_rol_2_a_later_request_that_shows_a_new_boundary_may_upgrade_the_role(
    cast: Cast, lent: Any, admin: Any
) -> None:
    make(lent)
    later = json.loads(json.dumps(WIDE_OPEN).replace(BOUNDARY, OTHER_BOUNDARY))
    upgrade = lent_client(cast, "iam", another_session(cast, later, "wf-upgrade"))
    with refused("AccessDenied"):
        upgrade.put_role_policy(RoleName=NAME, PolicyName="all", PolicyDocument=EVERYTHING)
    upgrade.put_role_permissions_boundary(RoleName=NAME, PermissionsBoundary=OTHER_BOUNDARY)
    role = admin.get_role(RoleName=NAME)["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == OTHER_BOUNDARY


def test_rol_3_what_a_boundary_says_changes_by_no_path(cast: Cast, lent: Any, admin: Any) -> None:
    own = admin.create_policy(PolicyName="Limit", PolicyDocument=READ_LOGS)["Policy"]["Arn"]
    admin.create_role(RoleName="Bounded", AssumeRolePolicyDocument=OWN_TRUST, PermissionsBoundary=own)
    for arn, code in ((BOUNDARY, "UnmodifiableEntity"), (own, "AccessDenied")):
        with refused(code):
            lent.create_policy_version(PolicyArn=arn, PolicyDocument=EVERYTHING, SetAsDefault=True)
        with refused(code):
            lent.set_default_policy_version(PolicyArn=arn, VersionId="v1")
        with refused(code):
            lent.delete_policy(PolicyArn=arn)
    assert len(admin.list_policy_versions(PolicyArn=own)["Versions"]) == 1


# --- what roles may be touched ---------------------------------------------------------------------------


def test_rol_4_a_session_puts_policies_on_no_role_but_its_delegations_own(
    lent: Any, admin: Any, owners_role: str
) -> None:
    before = admin.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    with refused("AccessDenied"):
        lent.put_role_policy(RoleName="Deploy", PolicyName="x", PolicyDocument=READ_LOGS)
    with refused("AccessDenied"):
        lent.attach_role_policy(RoleName="Deploy", PolicyArn=ADMINISTRATOR)
    with refused("AccessDenied"):
        lent.detach_role_policy(RoleName="Deploy", PolicyArn=ADMINISTRATOR)
    with refused("AccessDenied"):
        lent.update_role(RoleName="Deploy", Description="mine")
    with refused("AccessDenied"):
        lent.tag_role(RoleName="Deploy", Tags=[{"Key": "team", "Value": "x"}])
    with refused("AccessDenied"):
        lent.delete_role(RoleName="Deploy")
    assert admin.get_account_authorization_details(Filter=["Role"])["RoleDetailList"] == before


def test_rol_4_everything_attached_gains_nothing_outside_the_boundary(cast: Cast, lent: Any) -> None:
    make(lent)
    lent.attach_role_policy(RoleName=NAME, PolicyArn=ADMINISTRATOR)
    lent.put_role_policy(RoleName=NAME, PolicyName="all", PolicyDocument=EVERYTHING)
    answer = stepped_in(cast)
    assert decides(cast, answer, WITHIN)
    for question in (OUTSIDE, ("iam:CreateUser", "*"), ("iam:PassRole", ARN), ("sts:AssumeRole", DEPLOY)):
        assert not decides(cast, answer, question)


@pytest.mark.parametrize(
    "trust",
    [
        trusting(PARTNER_ROOT, external_id=None),
        trusting(PARTNER_ROOT, external_id=""),
        trusting([PARTNER_ROOT, f"arn:aws:iam::{OTHER_ACCOUNT}:root"]),
        trusting(ACCOUNT_ROOT),
        trusting("*"),
        trusting("", service="ec2.amazonaws.com"),
        trusting(PARTNER_ROOT).replace("StringEquals", "StringEqualsIfExists"),
        trusting(PARTNER_ROOT).replace("StringEquals", "StringLike"),
    ],
)
def test_rol_5_a_delegations_role_trusts_no_stranger(lent: Any, admin: Any, trust: str) -> None:
    with refused("AccessDenied"):
        make(lent, AssumeRolePolicyDocument=trust)
    make(lent)
    with refused("AccessDenied"):
        lent.update_assume_role_policy(RoleName=NAME, PolicyDocument=trust)
    assert admin.get_role(RoleName=NAME)["Role"]["AssumeRolePolicyDocument"] == json.loads(PARTNER_TRUST)


def test_rol_5_only_the_delegation_that_made_a_role_changes_whom_it_trusts(
    cast: Cast, lent: Any, owners_role: str
) -> None:
    make(lent)
    other = lent_client(cast, "iam", another_session(cast, WIDE_OPEN, "wf-other"))
    changed = trusting(PARTNER_ROOT, external_id="ext-2")
    for name in (NAME, "Deploy"):
        with refused("AccessDenied"):
            other.update_assume_role_policy(RoleName=name, PolicyDocument=changed)
    lent.update_assume_role_policy(RoleName=NAME, PolicyDocument=changed)
    with refused("AccessDenied"):
        stepped_in(cast)


# --- passing, and other kinds of principal ---------------------------------------------------------------


def test_rol_6_a_session_passes_only_its_own_bounded_roles_and_those_named_and_only_to_listed_services(
    cast: Cast, owners_role: str
) -> None:
    condition = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": condition}
    statements = [*WIDE_OPEN["Statement"], {"Sid": "Pass", **passing}]
    register_role_work(cast.live.ports)
    session = another_session(cast, {**WIDE_OPEN, "Statement": statements}, "wf-pass")
    make(lent_client(cast, "iam", session))

    def may_pass(role: str, service: str) -> bool:
        context = {"iam:PassedToService": service}
        return decides_for(cast, session.session_token, ("iam:PassRole", role), context)

    assert may_pass(ARN, "lambda.amazonaws.com")
    assert not may_pass(ARN, "ec2.amazonaws.com")
    assert not may_pass(DEPLOY, "lambda.amazonaws.com")


def test_rol_6_a_session_whose_policy_lists_no_service_passes_nothing(
    cast: Cast, lent: Any, partner_session: Minted
) -> None:
    make(lent)
    context = {"iam:PassedToService": "lambda.amazonaws.com"}
    assert not decides_for(cast, partner_session.session_token, ("iam:PassRole", ARN), context)


@pytest.mark.parametrize(
    "action",
    [
        "iam:CreateInstanceProfile",
        "iam:AddRoleToInstanceProfile",
        "iam:CreateServiceLinkedRole",
        "iam:CreateGroup",
        "iam:PutGroupPolicy",
        "iam:AttachGroupPolicy",
        "iam:AddUserToGroup",
        "iam:CreateUser",
        "iam:PutUserPolicy",
        "iam:AttachUserPolicy",
        "iam:CreateLoginProfile",
        "iam:UpdateLoginProfile",
        "iam:CreateAccessKey",
        "iam:CreateSAMLProvider",
        "iam:UpdateSAMLProvider",
        "iam:CreateOpenIDConnectProvider",
        "iam:DeleteRolePermissionsBoundary",
        "iam:DeleteUserPermissionsBoundary",
        "iam:AcceptDelegationRequest",
        "sts:GetFederationToken",
    ],
)
def test_rol_7_no_other_kind_of_principal_or_credential_is_ever_lent(
    cast: Cast, partner_session: Minted, action: str
) -> None:
    assert not decides_for(cast, partner_session.session_token, (action, "*"))


def test_rol_7_a_session_makes_and_touches_no_access_key(cast: Cast, lent: Any, admin: Any) -> None:
    key = admin.create_access_key(UserName="owner")["AccessKey"]["AccessKeyId"]
    with refused("AccessDenied"):
        lent.create_access_key(UserName="approver")
    with refused("AccessDenied"):
        lent.list_access_keys(UserName="owner")
    with refused("AccessDenied"):
        lent.update_access_key(UserName="owner", AccessKeyId=key, Status="Inactive")
    with refused("AccessDenied"):
        lent.delete_access_key(UserName="owner", AccessKeyId=key)


def test_rol_8_a_boundary_that_could_undo_itself_is_not_registered(cast: Cast) -> None:
    escapes = [
        {"Action": "iam:*", "Resource": "*"},
        {"Action": "iam:PutRolePolicy", "Resource": f"arn:aws:iam::{ACCOUNT}:role/*"},
        {"Action": "iam:DeleteRolePermissionsBoundary", "Resource": f"arn:aws:iam::*:role{PATH}*"},
        {"Action": "iam:CreatePolicyVersion", "Resource": "*"},
        {"Action": "sts:AssumeRole", "Resource": "*"},
        {"NotAction": "s3:*", "Resource": "*"},
    ]
    for number, escape in enumerate(escapes):
        document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **escape}]})
        with pytest.raises(ReviewRefused):
            partnering.register_boundary(
                cast.live.ports, OPERATOR, partner_id=PARTNER, name=f"B{number}_2026_01_01", document=document
            )


# --- paths, names, tags, leftovers -----------------------------------------------------------------------


def test_rol_9_roles_of_a_delegation_stand_under_the_partners_path_and_adopt_nothing(
    lent: Any, admin: Any, owners_role: str
) -> None:
    for path in ("/", "/quarry.example/", "/lumenwatch.example.evil/"):
        with refused("AccessDenied"):
            make(lent, Path=path)
    before = admin.get_role(RoleName="Deploy")["Role"]
    with refused("EntityAlreadyExists"):
        make(lent, "deploy")
    assert admin.get_role(RoleName="Deploy")["Role"] == before
    with refused("AccessDenied"):
        lent.create_policy(PolicyName="Mine", PolicyDocument=EVERYTHING)


def test_rol_10_every_role_of_a_delegation_is_a_grant_that_names_its_request(cast: Cast, lent: Any) -> None:
    for name in ("One", "Two"):
        make(lent, name)
    grants = cast.api("approver").get("/v1/grants").raise_for_status().json()["items"]
    roles = [one for one in grants if one["kind"] == "role"]
    (session,) = [one for one in grants if one["kind"] == "session"]
    assert len(roles) == 2
    assert {(one["request_id"], one["parent_id"]) for one in roles} == {(session["request_id"], session["id"])}


def test_rol_11_a_session_sets_and_takes_only_tags_that_its_policy_lists(lent: Any, admin: Any) -> None:
    with refused("AccessDenied"):
        make(lent, Tags=[{"Key": "team", "Value": "a"}, {"Key": "clearance", "Value": "high"}])
    make(lent, Tags=[{"Key": "team", "Value": "a"}])
    admin.tag_role(RoleName=NAME, Tags=[{"Key": "clearance", "Value": "low"}])
    with refused("AccessDenied"):
        lent.tag_role(RoleName=NAME, Tags=[{"Key": "clearance", "Value": "high"}])
    with refused("AccessDenied"):
        lent.untag_role(RoleName=NAME, TagKeys=["clearance"])
    with refused("InvalidInput"):
        lent.untag_role(RoleName=NAME, TagKeys=["daypass:request"])
    lent.untag_role(RoleName=NAME, TagKeys=["team"])


def test_rol_12_whoever_may_read_may_not_therefore_write(cast: Cast) -> None:
    reading = {"Effect": "Allow", "Action": ["iam:Get*", "iam:List*"], "Resource": "*"}
    statements = [reading, WIDE_OPEN["Statement"][-1]]
    register_role_work(cast.live.ports)
    client = lent_client(cast, "iam", another_session(cast, {**WIDE_OPEN, "Statement": statements}, "wf-read"))
    assert client.list_roles()["Roles"] == []
    with refused("AccessDenied"):
        make(client)
    with refused("AccessDenied"):
        client.create_policy(PolicyName="x", Path=PATH, PolicyDocument=READ_LOGS)


# --- chains ----------------------------------------------------------------------------------------------


def naming(role: str) -> dict[str, Any]:
    """A template that names this role for stepping in, and lends reading beside it."""
    step = {"Sid": "Step", "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": role}
    return {"Version": "2012-10-17", "Statement": [step, WIDE_OPEN["Statement"][-1]]}


def test_a_session_steps_only_into_roles_that_its_policy_names_and_stays_capped_by_that_policy(
    cast: Cast, admin: Any, lent: Any, partner_session: Minted, owners_role: str
) -> None:
    with refused("AccessDenied"):
        lent_client(cast, "sts", partner_session).assume_role(RoleArn=owners_role, RoleSessionName="any")
    session = another_session(cast, naming(owners_role), "wf-named")
    answer = lent_client(cast, "sts", session).assume_role(RoleArn=owners_role, RoleSessionName="named")
    assert decides(cast, answer, WITHIN)
    for question in (OUTSIDE, ("iam:CreateUser", "*"), ("iam:CreateAccessKey", "*")):
        assert not decides(cast, answer, question)
    client = role_client(cast, "iam", answer)
    with refused("AccessDenied"):
        client.create_access_key(UserName="owner")
    with refused("AccessDenied"):
        client.create_role(RoleName="Out", AssumeRolePolicyDocument=OWN_TRUST)


def test_a_chain_ends_with_the_grant_at_its_beginning(cast: Cast, still: StillClock, owners_role: str) -> None:
    register_role_work(cast.live.ports)
    registered = partnering.register_template(
        cast.live.ports, OPERATOR, partner_id=PARTNER, name="N_2026_01_01", document=json.dumps(naming(owners_role))
    )
    session = role_session(cast.live.ports, cast.people, registered.arn, session_duration=300)
    answer = lent_client(cast, "sts", session).assume_role(RoleArn=owners_role, RoleSessionName="named")
    assert answer["Credentials"]["Expiration"] == session.expires_at
    assert decides(cast, answer, WITHIN)
    still.set(session.expires_at)
    assert not decides(cast, answer, WITHIN)
    with refused("ExpiredToken"):
        role_client(cast, "sts", answer).get_caller_identity()


def test_the_boundary_of_a_delegations_role_goes_with_every_chain_that_begins_there(
    cast: Cast, lent: Any, admin: Any, owners_role: str
) -> None:
    make(lent)
    lent.put_role_policy(RoleName=NAME, PolicyName="all", PolicyDocument=EVERYTHING)
    trust = trusting([ARN, ACCOUNT_ROOT], external_id=None)
    admin.update_assume_role_policy(RoleName="Deploy", PolicyDocument=trust)
    with refused("AccessDenied"):
        role_client(cast, "sts", stepped_in(cast)).assume_role(RoleArn=owners_role, RoleSessionName="out")


def test_a_partners_own_keys_make_nothing_not_even_in_its_own_account(cast: Cast) -> None:
    partner = cast.iam("partner")
    with refused("AccessDenied"):
        partner.create_role(RoleName="Mine", AssumeRolePolicyDocument=PARTNER_TRUST)
    with refused("AccessDenied"):
        partner.create_policy(PolicyName="Mine", PolicyDocument=EVERYTHING)
    with refused("AccessDenied"):
        partner.list_roles()
