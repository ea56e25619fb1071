"""Rules on roles that are passed, and on running things that hold a role: compute, data and deployment services.

The sets are those of public research on privilege escalation. Each holds only if every action of it can be granted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.policy.context import fold
from workflows.policy.document import Statement
from workflows.policy.reviewing.finding import Finding, Severity
from workflows.policy.reviewing.iam_rules import by_statement, found_at, named_resources
from workflows.policy.reviewing.reach import Grant, Reach
from workflows.policy.reviewing.scope import clauses_on, deny, equals, is_plain, none_of

_TAG_KEYS: Final = (
    "aws:resourcetag/",
    "iam:resourcetag/",
    "ec2:resourcetag/",
    "ssm:resourcetag/",
    "lambda:resourcetag/",
)


@dataclass(frozen=True, slots=True)
class Handing:
    """A service that takes a role, and the calls by which whoever passes one uses it."""

    family: str
    service: str
    calls: tuple[str, ...]


def _sets(family: str, service: str, *calls: str) -> tuple[Handing, ...]:
    return tuple(Handing(family, f"{service}.amazonaws.com", tuple(one.split(" + "))) for one in calls)


_HANDINGS: Final = (
    *_sets(
        "E-PASS-COMPUTE",
        "ec2",
        "ec2:RunInstances",
        "ec2:RequestSpotInstances",
        "ec2:AssociateIamInstanceProfile",
        "autoscaling:CreateLaunchConfiguration + autoscaling:CreateAutoScalingGroup",
        "ec2:CreateLaunchTemplate + autoscaling:CreateAutoScalingGroup",
    ),
    *_sets(
        "E-PASS-COMPUTE",
        "lambda",
        "lambda:CreateFunction + lambda:InvokeFunction",
        "lambda:CreateFunction + lambda:CreateEventSourceMapping",
        "lambda:CreateFunction + lambda:AddPermission",
        "lambda:CreateFunction + lambda:CreateFunctionUrlConfig",
    ),
    *_sets(
        "E-PASS-COMPUTE",
        "ecs-tasks",
        "ecs:RegisterTaskDefinition + ecs:RunTask",
        "ecs:RegisterTaskDefinition + ecs:StartTask",
        "ecs:RegisterTaskDefinition + ecs:CreateService",
    ),
    *_sets("E-PASS-COMPUTE", "tasks.apprunner", "apprunner:CreateService"),
    *_sets(
        "E-PASS-COMPUTE",
        "codebuild",
        "codebuild:CreateProject + codebuild:StartBuild",
        "codebuild:CreateProject + codebuild:StartBuildBatch",
    ),
    *_sets(
        "E-PASS-DATA",
        "glue",
        "glue:CreateDevEndpoint",
        "glue:CreateJob + glue:StartJobRun",
        "glue:CreateJob + glue:CreateTrigger",
        "glue:UpdateJob + glue:StartJobRun",
        "glue:UpdateJob + glue:CreateTrigger",
    ),
    *_sets(
        "E-PASS-DATA",
        "sagemaker",
        "sagemaker:CreateNotebookInstance",
        "sagemaker:CreateTrainingJob",
        "sagemaker:CreateProcessingJob",
    ),
    *_sets("E-PASS-DATA", "datapipeline", "datapipeline:CreatePipeline + datapipeline:PutPipelineDefinition"),
    *_sets(
        "E-PASS-DATA",
        "bedrock-agentcore",
        "bedrock-agentcore:CreateCodeInterpreter + bedrock-agentcore:StartCodeInterpreterSession"
        " + bedrock-agentcore:InvokeCodeInterpreter",
    ),
    *_sets(
        "E-PASS-DEPLOY",
        "cloudformation",
        "cloudformation:CreateStack",
        "cloudformation:CreateStackSet + cloudformation:CreateStackInstances",
        "cloudformation:UpdateStackSet",
    ),
    *_sets("E-PASS-DEPLOY", "states", "states:CreateStateMachine + states:StartExecution"),
)
_STORIES: Final = {
    "E-PASS-COMPUTE": "code of the partner runs with any role of the account",
    "E-PASS-DATA": "jobs of the partner run with any role of the account",
    "E-PASS-DEPLOY": "deployments of the partner act with any role of the account",
}

# What takes over something that holds a role already; a type of resource where the action names several.
_TAKEOVERS: Final[tuple[tuple[tuple[str, str], ...], ...]] = (
    (("lambda:UpdateFunctionCode", ""),),
    (("lambda:UpdateFunctionConfiguration", ""),),
    (("glue:UpdateDevEndpoint", ""),),
    (("cloudformation:UpdateStack", ""),),
    (("cloudformation:CreateChangeSet", ""), ("cloudformation:ExecuteChangeSet", "")),
    (
        ("ec2:ModifyInstanceAttribute", "instance"),
        ("ec2:StopInstances", "instance"),
        ("ec2:StartInstances", "instance"),
    ),
    (("ec2:CreateLaunchTemplateVersion", "launch-template"), ("ec2:ModifyLaunchTemplate", "launch-template")),
    (("ec2-instance-connect:SendSSHPublicKey", "instance"),),
    (("ssm:SendCommand", "instance"),),
    (("ssm:StartSession", "instance"),),
    (("ecs:ExecuteCommand", "task"),),
    (("sagemaker:CreatePresignedNotebookInstanceUrl", ""),),
    (
        ("sagemaker:CreateNotebookInstanceLifecycleConfig", ""),
        ("sagemaker:StopNotebookInstance", ""),
        ("sagemaker:UpdateNotebookInstance", ""),
        ("sagemaker:StartNotebookInstance", ""),
    ),
    (("codebuild:UpdateProject", ""), ("codebuild:StartBuild", "")),
    (("bedrock-agentcore:StartCodeInterpreterSession", ""), ("bedrock-agentcore:InvokeCodeInterpreter", "")),
)


CALLS_THAT_ESCALATE: Final = frozenset(
    fold(call)
    for call in (*(one for each in _HANDINGS for one in each.calls), *(one for each in _TAKEOVERS for one, _ in each))
)


def passing_rules(reach: Reach) -> Iterator[Finding]:
    """Roles that are passed are named (V15) and go to services that are listed (S8)."""
    covering = reach.covering("iam:PassRole")
    if not covering:
        return
    narrowed = (*named_resources(reach, covering), *none_of(clauses_on(covering, "iam:resourcetag/")))
    anywhere = reach.grants("iam:PassRole", beyond=narrowed, every=True)
    escalated = list(_escalations(reach, narrowed) if anywhere else ())
    yield from escalated
    told = {one.path for one in escalated}
    for group in by_statement([one for one in anywhere if one.statement.path not in told]):
        message = "iam:PassRole reaches roles that are not named; write their names, or the path of the partner's own"
        yield found_at(reach, "V15", Severity.HIGH, group, message)
    listed = none_of(
        clause
        for clause in clauses_on(reach.subject.statements, "iam:passedtoservice")
        if not _open_service(clause.texts)
    )
    for group in by_statement(reach.grants("iam:PassRole", beyond=listed, every=True)):
        message = "iam:PassRole passes roles to any service; list the services in iam:PassedToService"
        yield found_at(reach, "S8-PASSED-TO", Severity.MEDIUM, group, message)


def _open_service(texts: Sequence[str]) -> bool:
    return any(text.startswith(("*", "?")) for text in texts)


def _escalations(reach: Reach, narrowed: Sequence[Statement]) -> Iterator[Finding]:
    """One finding for a family and a statement, with the first set that is met as its attack."""
    met: dict[tuple[str, int], list[tuple[Handing, list[Grant]]]] = {}
    for handing in _HANDINGS:
        calls = _all_granted(reach, [(one, "") for one in handing.calls], ())
        if calls is None:
            continue
        elsewhere = deny(conditions=(equals("iam:PassedToService", (handing.service,), "StringNotEquals"),))
        for passed in reach.grants("iam:PassRole", beyond=(*narrowed, elsewhere), every=True):
            met.setdefault((handing.family, passed.statement.index), []).append((handing, [passed, *calls]))
    for (family, _), sets in met.items():
        first = sets[0][1]
        ways = dict.fromkeys(" + ".join(handing.calls) for handing, _ in sets)
        more = f" (and {len(ways) - 1} more ways)" if len(ways) > 1 else ""
        message = f"iam:PassRole with {next(iter(ways))}{more}: {_STORIES[family]}"
        yield found_at(reach, family, Severity.CRITICAL, first[:1], message, attack=first)


def _all_granted(reach: Reach, calls: Sequence[tuple[str, str]], beyond: Sequence[Statement]) -> list[Grant] | None:
    found: list[Grant] = []
    for action, kind in calls:
        grants = reach.grants(action, beyond=beyond, kinds=(kind,) if kind else ())
        if not grants:
            return None
        found.append(grants[0])
    return found


def takeover_rules(reach: Reach) -> Iterator[Finding]:
    """What holds a role already is changed or entered only where it is named, or told by a tag (E-TAKEOVER)."""
    met: dict[int, list[list[Grant]]] = {}
    for calls in _TAKEOVERS:
        covering = reach.covering(calls[0][0])
        if not covering:
            continue
        tags = [one for one in clauses_on(covering, *_TAG_KEYS) if is_plain(one.operator)]
        narrowed = (*named_resources(reach, covering), *none_of(tags))
        first = reach.grants(calls[0][0], beyond=narrowed, kinds=(calls[0][1],) if calls[0][1] else (), every=True)
        rest = _all_granted(reach, calls[1:], ()) if first else None
        for grant in first if rest is not None else ():
            met.setdefault(grant.statement.index, []).append([grant, *(rest or ())])
    for sets in met.values():
        ways = ["+".join(grant.action for grant in one) for one in sets]
        more = f" (and {len(ways) - 1} more ways)" if len(ways) > 1 else ""
        message = f"{ways[0]}{more} on anything of the account: whatever runs there lends its role"
        heads = [one[0] for one in sets]
        yield found_at(reach, "E-TAKEOVER", Severity.CRITICAL, heads, message, attack=sets[0])
