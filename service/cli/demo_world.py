"""The demonstration's believable world: a company's account with an owner and an administrator, and a partner.

The partner is an observability vendor that wants to create a reading role, held inside a boundary, and a queue.
"""

import json
from dataclasses import dataclass
from typing import Final

from service.house import House
from workflows import credentialing, onboarding, partnering
from workflows.arns import root_arn
from workflows.callers import Call, operator
from workflows.credentialing import NewKey
from workflows.onboarding import PolicyChoice
from workflows.records.account import PrincipalKind

ACCOUNT: Final = "111122223333"
PARTNER: Final = "444455556666"
DOMAIN: Final = "lumenwatch.example"
_BOUNDARY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "ReadTelemetryOnly",
            "Effect": "Allow",
            "Action": ["cloudwatch:Get*", "cloudwatch:List*", "logs:Describe*", "logs:FilterLogEvents"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}},
        },
    ],
}


def _template(boundary_arn: str) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "CreateReaderRole",
                "Effect": "Allow",
                "Action": ["iam:CreateRole", "iam:PutRolePolicy"],
                "Resource": f"arn:aws:iam::@{{accountId}}:role/{DOMAIN}/*",
                "Condition": {"StringEquals": {"iam:PermissionsBoundary": boundary_arn}},
            },
            {
                "Sid": "CreateQueue",
                "Effect": "Allow",
                "Action": ["sqs:CreateQueue", "sqs:GetQueueAttributes", "sqs:SetQueueAttributes"],
                "Resource": "arn:aws:sqs:@{regionName}:@{accountId}:@{queueNames}",
            },
            {
                "@Enabled": "sendTestMessage",
                "Sid": "SendTestMessage",
                "Effect": "Allow",
                "Action": "sqs:SendMessage",
                "Resource": "arn:aws:sqs:@{regionName}:@{accountId}:@{queueNames}",
            },
        ],
    }


@dataclass(frozen=True, slots=True)
class World:
    """The credentials and names of everybody in the demonstration."""

    partner_key: NewKey
    partner_token: str
    owner_key: NewKey
    owner_token: str
    administrator_key: NewKey
    administrator_token: str
    resource_server_token: str
    template_arn: str
    channel_arn: str


def found_world(house: House) -> World:
    """Create everything through the same use-cases that the command line and the JSON API use."""
    ports = house.ports
    call = Call(caller=operator("demo"), id="demo", wire="cli")
    onboarding.create_account(ports, call, account_id=ACCOUNT, alias="example-company")

    def person(name: str, policy: str) -> tuple[NewKey, str]:
        choice = [PolicyChoice(policy)]
        user = onboarding.create_user(ports, call, account_id=ACCOUNT, name=name, policies=choice)
        key = credentialing.create_access_key(ports, call, user.arn)
        return key, credentialing.create_api_token(ports, call, user.arn).token

    owner_key, owner_token = person("owner", "DelegationOwner")
    administrator_key, administrator_token = person("administrator", "AdministratorAccess")
    partnering.create_partner(ports, call, partner_id=PARTNER, name="Lumenwatch", domain=DOMAIN)
    partner_arn = root_arn(ports.terms.partition, PARTNER)
    boundary = partnering.register_boundary(
        ports,
        call,
        partner_id=PARTNER,
        name="ReadTelemetry_2026_01_15",
        document=json.dumps(_BOUNDARY),
        description="Roles of Lumenwatch can read metrics and logs of their own account, nothing else.",
    )
    template = partnering.register_template(
        ports,
        call,
        partner_id=PARTNER,
        name="Observe_2026_01_15",
        document=json.dumps(_template(boundary.arn)),
    )
    channel = partnering.register_channel(ports, call, partner_id=PARTNER, name="main", url=None)
    kind = PrincipalKind.RESOURCE_SERVER
    server = onboarding.create_housed_principal(ports, call, kind=kind, name="queues")
    return World(
        partner_key=credentialing.create_access_key(ports, call, partner_arn),
        partner_token=credentialing.create_api_token(ports, call, partner_arn).token,
        owner_key=owner_key,
        owner_token=owner_token,
        administrator_key=administrator_key,
        administrator_token=administrator_token,
        resource_server_token=credentialing.create_api_token(ports, call, server.arn, scopes=("decide",)).token,
        template_arn=template.arn,
        channel_arn=channel.channel.arn,
    )


PARAMETERS: Final = (
    {"Name": "accountId", "Values": [ACCOUNT], "Type": "string"},
    {"Name": "regionName", "Values": ["eu-west-1"], "Type": "string"},
    {"Name": "queueNames", "Values": ["lumenwatch-in", "lumenwatch-out"], "Type": "stringList"},
    {"Name": "sendTestMessage", "Values": ["True"], "Type": "string"},
)
