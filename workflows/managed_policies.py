"""The ready-made managed policies of every account, and the rights that come with a role in the life cycle.

Owner rights follow the defaults of IAM temporary delegation: whoever claims a request may see it, pass it on, turn it
down, release it and take it back, for that request only. Accepting is never a default.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Final

from workflows.policy.document import Policy, PolicyKind, parse_policy

_READ: Final = ("iam:GetDelegationRequest", "iam:GetHumanReadableSummary")
_OWN: Final = (
    *_READ,
    "iam:AssociateDelegationRequest",
    "iam:UpdateDelegationRequest",
    "iam:RejectDelegationRequest",
    "iam:SendDelegationToken",
    "iam:RevokeDelegation",
)
# Whoever may read everything may also ask what it adds up to; that discloses other users' rights, so nobody else may.
_SIMULATE: Final = (
    "iam:SimulateCustomPolicy",
    "iam:SimulatePrincipalPolicy",
    "iam:GetContextKeysForCustomPolicy",
    "iam:GetContextKeysForPrincipalPolicy",
)
_REQUESTS: Final = "arn:*:iam::*:delegation-request/*"


def _allow(*statements: Mapping[str, object]) -> str:
    listed = [{"Effect": "Allow", **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": listed})


READY_MADE: Final[Mapping[str, str]] = {
    "AdministratorAccess": _allow({"Action": "*", "Resource": "*"}),
    "DelegationApprover": _allow(
        {"Action": ["iam:AcceptDelegationRequest", *_OWN], "Resource": _REQUESTS},
        {"Action": ["iam:ListDelegationRequests", "daypass:ListGrants", "daypass:GetGrant"], "Resource": "*"},
    ),
    "DelegationOwner": _allow(
        {
            "Action": "iam:AssociateDelegationRequest",
            "Resource": _REQUESTS,
        },
        {
            "Action": list(_OWN),
            "Resource": _REQUESTS,
            "Condition": {"StringEquals": {"iam:DelegationRequestOwner": "${aws:PrincipalArn}"}},
        },
        {
            "Action": "iam:ListDelegationRequests",
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:DelegationRequestOwner": "${aws:PrincipalArn}"}},
        },
    ),
    "DelegationAuditor": _allow(
        {"Action": list(_READ), "Resource": _REQUESTS},
        {
            "Action": [
                "iam:ListDelegationRequests",
                "daypass:ListGrants",
                "daypass:GetGrant",
                "daypass:ListAuditEntries",
                "daypass:GetInventory",
                *_SIMULATE,
            ],
            "Resource": "*",
        },
    ),
}

# What a partner's programs may do; everything else of this service is closed to them.
_PARTNER_INTEGRATION: Final = _allow(
    {
        "Action": [
            "iam:CreateDelegationRequest",
            "sts:AssumeRole",
            "sts:GetDelegatedAccessToken",
            "sts:SetSourceIdentity",
            "sts:TagSession",
            "daypass:GetPartner*",
            "daypass:ListPartner*",
            "daypass:RegisterChannel",
            "daypass:ReceiveNotifications",
            "daypass:CreateApiToken",
        ],
        "Resource": "*",
    },
)
_OWNER: Final = _allow({"Action": list(_OWN), "Resource": "*"})
_CLAIMANT: Final = _allow({"Action": ["iam:AssociateDelegationRequest", *_READ], "Resource": "*"})
_APPROVER: Final = _allow({"Action": ["iam:SendDelegationToken", *_READ], "Resource": "*"})


@cache
def ready_made(name: str) -> Policy:
    """Return a ready-made managed policy by name; raises `KeyError` for any other name."""
    return parse_policy(READY_MADE[name], kind=PolicyKind.IDENTITY)


@cache
def partner_integration() -> Policy:
    """Return what every partner's programs may do."""
    return parse_policy(_PARTNER_INTEGRATION, kind=PolicyKind.IDENTITY)


@cache
def owner_rights() -> Policy:
    """Return what the owner of a request may do with it by default."""
    return parse_policy(_OWNER, kind=PolicyKind.IDENTITY)


@cache
def claimant_rights() -> Policy:
    """Return what any identity of an eligible account may do with a request that nobody has claimed."""
    return parse_policy(_CLAIMANT, kind=PolicyKind.IDENTITY)


@cache
def approver_rights() -> Policy:
    """Return what the approver of a request may do with it by default."""
    return parse_policy(_APPROVER, kind=PolicyKind.IDENTITY)
