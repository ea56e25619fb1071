"""Amazon Resource Names: how the things of this service are spelt, and the one splitter for all of them.

The formats follow the IAM user guide where it has one; a template and a channel have no published format, so theirs
is ours.
"""

from typing import NamedTuple

from workflows.errors import BadInput

_FIELDS = 6


class Arn(NamedTuple):
    """The six fields of an ARN, as text; `resource` is everything behind the fifth colon."""

    scheme: str
    partition: str
    service: str
    region: str
    account: str
    resource: str


def parse_arn(text: str, field: str = "arn") -> Arn:
    """Split an ARN into its six fields; raises `BadInput` naming `field`."""
    parts = text.split(":", _FIELDS - 1)
    if len(parts) != _FIELDS or parts[0] != "arn" or not all((parts[1], parts[2], parts[5])):
        raise BadInput(field, "is not an ARN (arn:partition:service:region:account:resource)")
    return Arn(*parts)


def user_arn(partition: str, account: str, name: str, path: str = "/") -> str:
    """Name a user; the path begins and ends with a slash."""
    return f"arn:{partition}:iam::{account}:user{path}{name}"


def root_arn(partition: str, account: str) -> str:
    """Name the root principal of an account; a partner's programs act as the root of the partner's account."""
    return f"arn:{partition}:iam::{account}:root"


def house_arn(partition: str, kind: str, name: str) -> str:
    """Name an operator or a resource server, which belong to the deployment rather than to an account."""
    return f"arn:{partition}:daypass:::{kind}/{name}"


def request_arn(partition: str, account: str, request_id: str) -> str:
    """Name a delegation request; before an owner account is known, `account` is the requestor's."""
    return f"arn:{partition}:iam::{account}:delegation-request/{request_id}"


def grant_arn(partition: str, account: str, grant_id: str) -> str:
    """Name a grant in the account whose authority it lends."""
    return f"arn:{partition}:daypass::{account}:grant/{grant_id}"


def template_arn(partition: str, domain: str, dated_name: str) -> str:
    """Name a policy template of the partner that owns `domain`; `dated_name` ends in `_YYYY_MM_DD`."""
    return f"arn:{partition}:iam::partner:policy-template/{domain}/{dated_name}"


def boundary_arn(partition: str, domain: str, dated_name: str) -> str:
    """Name a partner's permissions boundary; `dated_name` ends in `_YYYY_MM_DD`."""
    return f"arn:{partition}:iam::partner:policy/permissions-boundary/{domain}/{dated_name}"


def managed_policy_arn(partition: str, account: str, name: str, path: str = "/") -> str:
    """Name a managed policy; `account` is `aws` for the ready-made ones. The path begins and ends with a slash."""
    return f"arn:{partition}:iam::{account}:policy{path}{name}"


def role_arn(partition: str, account: str, name: str, path: str = "/") -> str:
    """Name a role; the path begins and ends with a slash."""
    return f"arn:{partition}:iam::{account}:role{path}{name}"


def assumed_role_arn(partition: str, account: str, role: str, session: str) -> str:
    """Name a session of a role; the role's path is no part of it."""
    return f"arn:{partition}:sts::{account}:assumed-role/{role}/{session}"


def channel_arn(partition: str, partner: str, name: str) -> str:
    """Name a notification channel in the alphabet of the wire's NotificationChannel (no slash)."""
    return f"arn:{partition}:sns:local:{partner}:{name}"
