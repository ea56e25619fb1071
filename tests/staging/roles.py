"""Delegations that may make roles: boundaries, a template as wide as a careless one from before reviews, sessions."""

import json
from typing import Any, Final

from staging.houses import ACCOUNT, OPERATOR, PARTNER, People, earlier_template
from staging.wires import arrived, minted

from workflows import partnering
from workflows.ports import Ports
from workflows.records.grant import Grant
from workflows.records.request import State
from workflows.release import Minted
from workflows.role_errands import due_role_errands
from workflows.role_grants import released_grant
from workflows.role_plans import AskedRole

DOMAIN: Final = "lumenwatch.example"
BOUNDARY: Final = f"arn:aws:iam::partner:policy/permissions-boundary/{DOMAIN}/Edge_2026_01_01"
OTHER_BOUNDARY: Final = f"arn:aws:iam::partner:policy/permissions-boundary/{DOMAIN}/Wide_2026_01_01"
WITHIN: Final = ("s3:GetObject", "arn:aws:s3:::logs/one")
OUTSIDE: Final = ("s3:DeleteBucket", "arn:aws:s3:::logs")
EVERYTHING: Final = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
READ_LOGS: Final = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/*"}]}'
)
LOOSE: Final = "Reads in every account, because these tests name no owner."
BOUNDARY_TEXT: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}],
}
WIDER_TEXT: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": "*"}],
}
# One statement asks for the boundary, as it has to; the others leave everything to the service.
WIDE_OPEN: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Make",
            "Effect": "Allow",
            "Action": ["iam:CreateRole", "iam:PutRolePermissionsBoundary"],
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}},
        },
        {"Sid": "All", "Effect": "Allow", "Action": ["iam:*", "sts:*"], "Resource": "*"},
        {
            "Sid": "Tag",
            "Effect": "Allow",
            "Action": ["iam:TagRole", "iam:UntagRole"],
            "Resource": "*",
            "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "purpose"]}},
        },
        {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::@{bucketName}/*"},
    ],
}


def trusting(principal: str | list[str], *, external_id: str | None = "ext-1", service: str | None = None) -> str:
    """A trust document for these principals, or for a service."""
    named: dict[str, Any] = {"Service": service} if service else {"AWS": principal}
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": named, "Action": "sts:AssumeRole"}
    if external_id is not None and service is None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


PARTNER_ROOT: Final = f"arn:aws:iam::{PARTNER}:root"
ACCOUNT_ROOT: Final = f"arn:aws:iam::{ACCOUNT}:root"
PARTNER_TRUST: Final = trusting(PARTNER_ROOT)


def register_role_work(ports: Ports, template: dict[str, Any] | None = None, name: str = "Roles_2026_01_01") -> str:
    """Register the boundaries and a template for making roles; return the template's ARN."""
    for boundary, document in (("Edge_2026_01_01", BOUNDARY_TEXT), ("Wide_2026_01_01", WIDER_TEXT)):
        text = json.dumps(document)
        partnering.register_boundary(ports, OPERATOR, partner_id=PARTNER, name=boundary, document=text, accept=LOOSE)
    if template is None:
        return earlier_template(ports, name, WIDE_OPEN)
    return partnering.register_template(
        ports, OPERATOR, partner_id=PARTNER, name=name, document=json.dumps(template)
    ).arn


def role_session(ports: Ports, people: People, template_arn: str, workflow_id: str = "wf-roles", **more: Any) -> Minted:
    """The credentials of a delegated session that may make roles."""
    return minted(ports, people, workflow_id, template_arn=template_arn, **more)


ROLE_PERMISSIONS: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Read",
            "Effect": "Allow",
            "Action": ["s3:DeleteBucket", "s3:GetObject"],
            "Resource": ["arn:aws:s3:::@{bucketName}", "arn:aws:s3:::@{bucketName}/*"],
        }
    ],
}


def asked_role(**more: Any) -> AskedRole:
    """A role for a day, unless told otherwise."""
    given: dict[str, Any] = {"name": "Nightly", "boundary_arn": BOUNDARY, "lifetime": 86_400}
    return AskedRole(**{**given, **more})


def role_grant(
    ports: Ports, people: People, template_arn: str, workflow_id: str = "wf-grant", *, made: bool = True, **more: Any
) -> Grant:
    """A released role grant; its role is made by then, unless told otherwise."""
    asked = asked_role(**more)
    request = arrived(ports, people, State.FINALIZED, workflow_id, template_arn=template_arn, role=asked)
    if made:
        due_role_errands(ports, 10)
    found = ports.store.read(lambda tx: released_grant(tx, request))
    assert found is not None
    return found
