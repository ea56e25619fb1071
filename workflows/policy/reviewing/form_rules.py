"""Rules on how a document is written: order of elements (V1), order of actions (V2), ARNs (V3), size (S9)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from workflows.policy.binding import OPEN, parts
from workflows.policy.catalogue import Service, catalogue
from workflows.policy.context import fold
from workflows.policy.document import OLD_VERSION, Statement
from workflows.policy.patterns import ARN_FIELDS, split_arn
from workflows.policy.reviewing.action_rules import at
from workflows.policy.reviewing.finding import Finding, Severity
from workflows.policy.reviewing.kinds import may_be_of_kind
from workflows.policy.reviewing.reach import Reach
from workflows.policy.reviewing.subject import Subject, Switch
from workflows.policy.strict_json import Json, minified, quoted
from workflows.policy.variables import ResourcePattern

ORDER: Final = ("@Enabled", "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")
_PARTITION: Final = re.compile(r"aws(-[a-z]+)*|[*?]+|aws[*?-]+[a-z*?-]*", re.ASCII)
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]|", re.ASCII)
_ACCOUNT: Final = re.compile(r"[0-9]{12}|aws|partner|", re.ASCII)
_WILD: Final = frozenset("*?")
_WARN_ABOVE: Final = 1998
_MOST: Final = 2048
# The longest names that services accept; for others the commonest limit.
_LONGEST: Final[Mapping[str, int]] = {
    "dynamodb": 255,
    "events": 64,
    "iam": 128,
    "kinesis": 128,
    "kms": 36,
    "lambda": 140,
    "logs": 512,
    "s3": 63,
    "secretsmanager": 512,
    "sns": 256,
    "sqs": 80,
}
_LONGEST_ELSEWHERE: Final = 64
_LONGEST_REGION: Final = 14
_ACCOUNT_DIGITS: Final = 12
_LONGEST_ARN: Final = 256


def form_rules(reach: Reach) -> Iterator[Finding]:
    """Statements are written in the order that people read them in, with ARNs that their service knows."""
    subject = reach.subject
    for members, statement in zip(subject.members, subject.everything, strict=True):
        keys = [key for key in members if key in ORDER]
        if keys != sorted(keys, key=ORDER.index):
            message = f"elements stand as {', '.join(keys)}; write Effect, Action, Resource, Condition"
            yield at(subject, statement, "V1", Severity.LOW, message)
        for named in (statement.actions, statement.not_actions):
            texts = [one.text for one in named]
            if texts not in (sorted(texts), sorted(texts, key=fold)):
                yield at(subject, statement, "V2", Severity.LOW, "actions are not in alphabetical order", *texts[:1])
        yield from _arns(subject, statement)
        if subject.version == OLD_VERSION and any("${" in text for text in _texts(dict(members))):
            message = f"variables are plain text in version {OLD_VERSION}; write 2012-10-17"
            yield at(subject, statement, "S10", Severity.MEDIUM, message)


def _arns(subject: Subject, statement: Statement) -> Iterator[Finding]:
    for pattern in (*statement.resources, *statement.not_resources):
        problem = _problem(pattern)
        if problem is not None:
            yield at(subject, statement, "V3", Severity.LOW, f"{quoted(pattern.text)} {problem}")
            return


def _problem(pattern: ResourcePattern) -> str | None:
    fields = split_arn(pattern.text)
    if fields is None:
        return None
    _, partition, prefix, region, account, _ = fields
    wrong = {
        f"has the partition {quoted(partition)}, which there is not": _PARTITION.fullmatch(partition) is None,
        "has a wildcard for its service": bool(_WILD & set(prefix)),
        f"has the region {quoted(region)}, which is none": _is_none(region, _REGION),
        f"has the account {quoted(account)}, which is none": _is_none(account, _ACCOUNT),
    }
    if (problem := next((words for words, holds in wrong.items() if holds), None)) is not None:
        return problem
    service = catalogue().service(prefix)
    fits = service is None or not service.resource_types or _fits_a_type(service, pattern)
    return None if fits else f"fits no type of resource of {prefix}"


def _is_none(field: str, shape: re.Pattern[str]) -> bool:
    return not _WILD & set(field) and shape.fullmatch(field) is None


def _fits_a_type(service: Service, pattern: ResourcePattern) -> bool:
    kinds = (":".join(one.fields) for one in service.resource_types.values())
    return any(may_be_of_kind(kind, pattern, as_written=True) for kind in kinds)


# --- size ------------------------------------------------------------------------------------------------


def size_rules(reach: Reach) -> Iterator[Finding]:
    """A template renders into what a session takes, with names as long as services allow (S9)."""
    subject = reach.subject
    if not subject.is_template:
        return
    frame = len(minified({"Version": subject.version, "Statement": []}))
    least, most = (frame + _chosen(subject, longest) for longest in (False, True))
    if least > _MOST:
        message = f"renders into at least {least} characters; a session takes {_MOST}"
        yield Finding("S9", Severity.CRITICAL, subject.name, message)
    elif most > _WARN_ABOVE:
        message = f"may render into {most} characters with the longest names; a session takes {_MOST}"
        yield Finding("S9", Severity.MEDIUM, subject.name, message)


def _chosen(subject: Subject, longest: bool) -> int:  # noqa: FBT001  the two ends of one measure
    """The characters of all statements that can stand together, by the choice of every switch on its own."""
    always, by_switch = 0, dict[str, dict[bool, int]]()
    for members in subject.members:
        size = _size(members, longest) + 1
        switch = Switch.of(members)
        if switch is None:
            always += size
        else:
            sides = by_switch.setdefault(switch.name, {True: 0, False: 0})
            sides[switch.on] += size
    pick = max if longest else min
    return always + sum(pick(sides.values()) for sides in by_switch.values()) - 1


def _size(members: Mapping[str, Json], longest: bool) -> int:  # noqa: FBT001  as above
    kept = {key: value for key, value in members.items() if key != "@Enabled"}
    grown = sum(_growth(text, longest) for text in _texts(kept))
    return len(minified(kept)) + grown


def _texts(tree: Json) -> Iterator[str]:
    match tree:
        case str():
            yield tree
        case dict():
            for value in tree.values():
                yield from _texts(value)
        case list():
            for value in tree:
                yield from _texts(value)


def _growth(text: str, longest: bool) -> int:  # noqa: FBT001  as above
    """How many characters a text gains by its values."""
    if OPEN not in text:
        return 0
    literals, names = parts(text)
    grown = 0
    for place, name in enumerate(names):
        value = _longest(literals, place) if longest else 1
        grown += value - len(name) - len("@{}")
    return grown


def _longest(literals: Sequence[str], place: int) -> int:
    if place == 0 and literals[0] == "":
        return _LONGEST_ARN if len(literals) == 2 and literals[1] == "" else _LONGEST_ELSEWHERE  # noqa: PLR2004  one value, nothing around it
    before = sum(literal.count(":") for literal in literals[: place + 1])
    if before == ARN_FIELDS - 2:
        return _ACCOUNT_DIGITS
    if before == ARN_FIELDS - 3:
        return _LONGEST_REGION
    service = literals[0].split(":")[2] if literals[0].count(":") > 2 else ""  # noqa: PLR2004  the third field
    return _LONGEST.get(service, _LONGEST_ELSEWHERE)
