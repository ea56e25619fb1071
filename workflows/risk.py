"""What could go wrong with a policy, by class, each with the statement and the actions that make it so.

The catalogue says what an action does; a few actions that hand out credentials or open resources to others are named
here, because no catalogue tells them apart. An action that the catalogue does not know counts as a write. What a Deny
of the policy surely takes away is left out.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from workflows.policy.catalogue import ActionEntry, Level, catalogue
from workflows.policy.compare import Verdict, compare
from workflows.policy.context import fold
from workflows.policy.document import Effect, Policy, Statement
from workflows.policy.layers import NamedPolicy
from workflows.policy.patterns import ActionPattern, Work, action_pattern

_EXAMPLES: Final = 3
_WORK: Final = 1_000_000


class Risk(StrEnum):
    """The classes of what could go wrong, the gravest first."""

    PERMISSIONS = "permissions management"
    CREDENTIALS = "credential access"
    EXPOSURE = "public exposure"
    DATA_WRITE = "data write"
    DATA_READ = "data read"
    WILDCARD = "wildcard reach"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a policy is in a class: by which statement, through how many actions, and up to three of them by name.

    `everywhere` is said when no resource narrows it, `conditional` when conditions may.
    """

    risk: Risk
    statement: Statement
    actions: tuple[str, ...]
    count: int
    everywhere: bool
    conditional: bool


_CREDENTIALS: Final = frozenset(
    {
        "cognito-identity:getcredentialsforidentity",
        "cognito-identity:getopenidtoken",
        "cognito-identity:getopenidtokenfordeveloperidentity",
        "cognito-idp:describeuserpoolclient",
        "codepipeline:pollforjobs",
        "connect:getfederationtoken",
        "ec2:getpassworddata",
        "ecr:getauthorizationtoken",
        "gamelift:requestuploadcredentials",
        "glue:getconnection",
        "glue:getconnections",
        "iam:createaccesskey",
        "iam:createloginprofile",
        "iam:createservicespecificcredential",
        "iam:getaccountauthorizationdetails",
        "iam:getcredentialreport",
        "iam:resetservicespecificcredential",
        "iam:updateloginprofile",
        "iam:uploadsigningcertificate",
        "iam:uploadsshpublickey",
        "iot:assumerolewithcertificate",
        "lightsail:getinstanceaccessdetails",
        "lightsail:getrelationaldatabasemasteruserpassword",
        "mediapackage:rotateingestendpointcredentials",
        "rds-db:connect",
        "redshift:getclustercredentials",
        "redshift:getclustercredentialswithiam",
        "secretsmanager:batchgetsecretvalue",
        "secretsmanager:getsecretvalue",
        "ssm:getparameter",
        "ssm:getparameters",
        "ssm:getparametersbypath",
        "sso:getrolecredentials",
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:getfederationtoken",
        "sts:getsessiontoken",
    }
)
_EXPOSING: Final = frozenset(
    {
        "ec2:modifyimageattribute",
        "ec2:modifysnapshotattribute",
        "ecr:setrepositorypolicy",
        "kms:creategrant",
        "kms:putkeypolicy",
        "lambda:addpermission",
        "lambda:createfunctionurlconfig",
        "ram:createresourceshare",
        "rds:modifydbclustersnapshotattribute",
        "rds:modifydbsnapshotattribute",
        "s3:deletebucketpublicaccessblock",
        "s3:putaccountpublicaccessblock",
        "s3:putbucketacl",
        "s3:putbucketpolicy",
        "s3:putbucketpublicaccessblock",
        "s3:putobjectacl",
        "secretsmanager:putresourcepolicy",
        "sns:addpermission",
        "sns:settopicattributes",
        "sqs:addpermission",
        "sqs:setqueueattributes",
    }
)
_ACTS_ON_PERMISSIONS: Final = ("iam", "organizations", "sso", "sso-directory", "identitystore", "ram")


def _manages_permissions(entry: ActionEntry) -> bool:
    changes = entry.level in (Level.WRITE, Level.TAGGING)
    return entry.level is Level.PERMISSIONS or (changes and entry.service in _ACTS_ON_PERMISSIONS)


_CLASSES: Final[Sequence[tuple[Risk, Callable[[ActionEntry], bool]]]] = (
    (Risk.PERMISSIONS, _manages_permissions),
    (Risk.CREDENTIALS, lambda entry: fold(entry.full_name) in _CREDENTIALS),
    (Risk.EXPOSURE, lambda entry: fold(entry.full_name) in _EXPOSING),
    (Risk.DATA_WRITE, lambda entry: entry.level in (Level.WRITE, Level.TAGGING) and not _manages_permissions(entry)),
    (Risk.DATA_READ, lambda entry: entry.level is Level.READ),
)


def risks(policy: Policy) -> tuple[Reason, ...]:
    """Return why a policy may do harm, by class and statement; nothing when it only lists, or allows nothing."""
    denies, work = tuple(one for one in policy.statements if one.effect is Effect.DENY), Work(_WORK)
    allows = [one for one in policy.statements if one.effect is Effect.ALLOW]
    found = [reason for one in allows for reason in _of_statement(one, denies, work)]
    order = {risk: at for at, risk in enumerate(Risk)}
    return tuple(sorted(found, key=lambda reason: order[reason.risk]))


def _of_statement(statement: Statement, denies: tuple[Statement, ...], work: Work) -> Iterator[Reason]:
    entries, unknown = _acts(statement)
    granted = [one for one in entries if _is_granted(statement, one.full_name, denies, work)]
    strange = [name for name in unknown if _is_granted(statement, name, denies, work)]
    for risk, belongs in _CLASSES:
        names = [one.full_name for one in granted if belongs(one)]
        names += strange if risk is Risk.DATA_WRITE else []
        if names:
            yield _reason(risk, statement, names)
    wide = [pattern.text for pattern in statement.actions if pattern.text.partition(":")[2] in ("", "*")]
    if statement.not_actions or wide or (_everywhere(statement) and any(one.resources for one in granted)):
        names = wide or [one.full_name for one in granted if one.resources]
        if names or statement.not_actions:
            yield _reason(Risk.WILDCARD, statement, names)


def _reason(risk: Risk, statement: Statement, names: Sequence[str]) -> Reason:
    # Short names are the ones that people know.
    examples = tuple(sorted(dict.fromkeys(names), key=len))
    return Reason(
        risk, statement, examples[:_EXAMPLES], len(examples), _everywhere(statement), bool(statement.conditions)
    )


def _everywhere(statement: Statement) -> bool:
    return bool(statement.not_resources) or any(pattern.text == "*" for pattern in statement.resources)


def _acts(statement: Statement) -> tuple[list[ActionEntry], list[str]]:
    """The actions of a statement that the catalogue knows, and the names that it does not."""
    if statement.not_actions:
        left_out = {one.full_name for pattern in statement.not_actions for one in catalogue().matching(pattern)}
        every = catalogue().matching(action_pattern("*"))
        return [one for one in every if one.full_name not in left_out], []
    known: dict[str, ActionEntry] = {}
    unknown: list[str] = []
    for pattern in statement.actions:
        found = list(catalogue().matching(pattern))
        known.update((one.full_name, one) for one in found)
        if not found:
            unknown.append(pattern.text)
    return list(known.values()), unknown


def _is_granted(statement: Statement, action: str, denies: Iterable[Statement], work: Work) -> bool:
    """Whether the statement really lets an action through; without Denies that cover it there is nothing to ask."""
    against = tuple(one for one in denies if one.covers_action(fold(action), Work()))
    if not against:
        return True
    alone = replace(statement, actions=(ActionPattern(action),), not_actions=())
    policy = Policy("2012-10-17", (alone, *against), "{}")
    return compare((NamedPolicy("policy", policy),), (), work=work).verdict is not Verdict.PROVEN
