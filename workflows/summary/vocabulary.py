"""What kind of act an action is, judged by its name alone, and what services are called.

There is no catalogue behind this: a name that says nothing certain is a plain "use". Taking a harmful act
for a harmless one would be worse than not knowing, so reading is only said of names that begin with a reading verb.
"""

import re
from enum import Enum
from typing import Final

from workflows.policy.context import fold


class Deed(Enum):
    """Kinds of acts, the gravest first; the value is the phrase behind "It may"."""

    EVERYTHING = "do everything"
    PERMISSIONS = "manage permissions"
    SECRETS = "obtain secrets or credentials"
    DELETE = "delete"
    CHANGE = "change"
    USE = "use"
    READ = "read"


_READING: Final = ("BatchGet", "Describe", "Get", "Head", "List", "Lookup", "Query", "Scan", "Search", "View")
_CHANGING: Final = (
    "Add", "Apply", "Associate", "Attach", "Change", "Copy", "Create", "Disable", "Disassociate", "Enable",
    "Import", "Modify", "Move", "Publish", "Put", "Reboot", "Register", "Replace", "Reset", "Restore", "Resume", "Run",
    "Send", "Set", "Start", "Stop", "Suspend", "Tag", "Untag", "Update", "Upload", "Write",
)  # fmt: skip
_DELETING: Final = (
    "Abort",
    "BatchDelete",
    "Cancel",
    "Delete",
    "Deregister",
    "Destroy",
    "Purge",
    "Remove",
    "Terminate",
)
# Words that mark an act on permissions wherever they stand in the name of an act that is not mere reading.
_PERMISSION_WORDS: Final = (
    "acl",
    "assumerole",
    "grant",
    "passrole",
    "permission",
    "policy",
    "policies",
    "setdefault",
)
_SECRET_WORDS: Final = ("accesskey", "credential", "decrypt", "password", "secretvalue", "token")
# Services whose every act but reading is an act on permissions.
_PERMISSION_SERVICES: Final = frozenset(("iam", "sts", "sso", "sso-directory", "identitystore", "organizations", "ram"))
_WILDCARD: Final = re.compile(r"[*?]")

SERVICE_NAMES: Final = {
    "apigateway": "API Gateway",
    "autoscaling": "EC2 Auto Scaling",
    "cloudformation": "CloudFormation",
    "cloudfront": "CloudFront",
    "cloudtrail": "CloudTrail",
    "cloudwatch": "CloudWatch",
    "dynamodb": "DynamoDB",
    "ec2": "EC2",
    "ecr": "Elastic Container Registry",
    "ecs": "Elastic Container Service",
    "eks": "Elastic Kubernetes Service",
    "elasticloadbalancing": "Elastic Load Balancing",
    "events": "EventBridge",
    "iam": "Identity and Access Management",
    "kinesis": "Kinesis",
    "kms": "Key Management Service",
    "lambda": "Lambda",
    "logs": "CloudWatch Logs",
    "organizations": "Organizations",
    "rds": "RDS",
    "route53": "Route 53",
    "s3": "S3",
    "secretsmanager": "Secrets Manager",
    "sns": "Simple Notification Service",
    "sqs": "Simple Queue Service",
    "ssm": "Systems Manager",
    "states": "Step Functions",
    "sts": "Security Token Service",
}


def service_title(prefix: str) -> str:
    """The heading of a service: its name with its prefix, or the prefix alone when we have no name for it."""
    return f"{SERVICE_NAMES[prefix]} ({prefix})" if prefix in SERVICE_NAMES else f"The service with prefix {prefix}"


def deed_of(service: str, name: str) -> Deed:
    """The kind of act that the action pattern `name` of `service` (lower case) stands for."""
    if not name.strip("*"):
        return Deed.EVERYTHING
    folded = fold(name)
    certain = _WILDCARD.split(name)[0]
    reads = _begins(certain, _READING)
    if any(word in folded for word in _SECRET_WORDS):
        return Deed.SECRETS
    if not reads and (service in _PERMISSION_SERVICES or any(word in folded for word in _PERMISSION_WORDS)):
        return Deed.PERMISSIONS
    if reads:
        return Deed.READ
    if _begins(certain, _DELETING):
        return Deed.DELETE
    return Deed.CHANGE if _begins(certain, _CHANGING) else Deed.USE


def _begins(name: str, verbs: tuple[str, ...]) -> bool:
    """Whether the name begins with one of the verbs as a whole word: Listen is not List."""
    return any(name.startswith(verb) and not name[len(verb) : len(verb) + 1].islower() for verb in verbs)
