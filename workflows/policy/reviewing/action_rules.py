"""Rules on what a statement names: actions (V4 to V7), reads that wildcards hide (S8), and what can never apply.

What can never apply is told by the catalogue, so of what it does not know nothing is said but that it is unknown.
"""

from collections.abc import Iterator
from typing import Final

from workflows.policy.catalogue import ActionEntry, Service, catalogue
from workflows.policy.context import fold
from workflows.policy.document import Effect, Statement
from workflows.policy.patterns import ActionPattern
from workflows.policy.reviewing.finding import Finding, Severity
from workflows.policy.reviewing.iam_rules import found_at
from workflows.policy.reviewing.kinds import kinds_of, may_be_of_kind
from workflows.policy.reviewing.reach import Reach
from workflows.policy.reviewing.service_rules import SENSITIVE, matching
from workflows.policy.reviewing.subject import Subject, label

_WILD: Final = ("*", "?")
_HIDDEN_READS: Final = (
    "ec2:GetConsoleScreenshot",
    "ec2:GetPasswordData",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetCredentialReport",
)


def at(subject: Subject, statement: Statement, rule: str, severity: Severity, message: str, *actions: str) -> Finding:
    """A finding about the text of one statement."""
    return Finding(rule, severity, subject.name, message, statement.path, label(statement), actions=actions)


def naming_rules(reach: Reach) -> Iterator[Finding]:
    """Allows name their actions, and no whole service of those that guard others (V4 to V7)."""
    subject = reach.subject
    for statement in subject.allows:
        if statement.not_actions:
            message = "Allow with NotAction grants whatever is not listed, and what services add later"
            yield at(subject, statement, "V4", Severity.HIGH, message)
        open_ended = [one.text for one in statement.actions if _is_open(one)]
        if open_ended:
            message = f"{open_ended[0]} names no service; it grants actions of every service that fits"
            yield at(subject, statement, "V5", Severity.CRITICAL, message, *open_ended)
        yield from _sensitive(subject, statement, [one for one in statement.actions if not _is_open(one)])


def _is_open(pattern: ActionPattern) -> bool:
    prefix = pattern.text.partition(":")[0]
    return any(mark in prefix for mark in _WILD)


def _sensitive(subject: Subject, statement: Statement, patterns: list[ActionPattern]) -> Iterator[Finding]:
    wild = [one for one in patterns if fold(one.text.partition(":")[0]) in SENSITIVE and set(one.text) & set(_WILD)]
    whole = [one for one in wild if _is_whole(one)]
    if whole:
        message = f"{whole[0].text} grants a whole service that guards others"
        yield at(subject, statement, "V6", Severity.HIGH, message, *(one.text for one in whole))
    part = [one for one in wild if one not in whole]
    if part and subject.is_template:
        message = f"{part[0].text} is a wildcard over a service that guards others; name each action"
        yield at(subject, statement, "V7", Severity.MEDIUM, message, *(one.text for one in part))


def _is_whole(pattern: ActionPattern) -> bool:
    prefix = fold(pattern.text.partition(":")[0])
    service = catalogue().service(prefix)
    return service is not None and len(matching(prefix, pattern)) == len(service.actions)


def hidden_rules(reach: Reach) -> Iterator[Finding]:
    """Reads that give away passwords or the whole account are not hidden in wildcards (S8)."""
    for action in _HIDDEN_READS:
        folded = fold(action)
        hiding = [
            one
            for one in reach.covering(action)
            if not any(pattern.glob.is_literal and pattern.glob.head == folded for pattern in one.actions)
        ]
        for grant in reach.grants(action, every=True) if hiding else ():
            if grant.statement in hiding:
                message = f"a wildcard hides {action}"
                yield found_at(reach, "S8-HIDDEN", Severity.MEDIUM, [grant], message)


# --- what can never apply --------------------------------------------------------------------------------


def dead_rules(reach: Reach) -> Iterator[Finding]:
    """Actions exist (S10), and stand beside resources that they can be asked on (RESOURCE)."""
    subject = reach.subject
    for statement in subject.everything:
        unknown: list[str] = []
        astray: list[str] = []
        for pattern in statement.actions:
            service = catalogue().service(pattern.text.partition(":")[0])
            if _is_open(pattern):
                continue
            entries = matching(service.prefix, pattern) if service is not None else ()
            if not entries:
                unknown.append(pattern.text)
            elif statement.resources and not any(_fits(service, one, statement) for one in entries if service):
                astray.append(pattern.text)
        if unknown:
            message = f"{unknown[0]} is no action that the catalogue of {catalogue().version} knows"
            yield at(subject, statement, "S10", Severity.LOW, message, *unknown)
        if astray:
            yield at(subject, statement, "RESOURCE", Severity.MEDIUM, _astray(statement, astray[0]), *astray)


def _astray(statement: Statement, action: str) -> str:
    entry = catalogue().action(action)
    effect = "grants nothing" if statement.effect is Effect.ALLOW else "denies nothing"
    if entry is not None and not entry.resources:
        return f'{action} is asked on "*", which no ARN covers: here it {effect}'
    names = ", ".join(use.name for use in entry.resources[:4]) if entry is not None else "other resources"
    return f"{action} is asked on {names}, which no resource of the statement covers: here it {effect}"


def _fits(service: Service, entry: ActionEntry, statement: Statement) -> bool:
    """Whether some resource of a statement may be one that the action is asked on."""
    written = [one.text for one in statement.resources]
    if "*" in written:
        return True
    if not entry.resources:
        return False
    kinds = kinds_of(entry)
    if not kinds or service is None:
        return True
    return any(may_be_of_kind(kind, one) for kind in kinds for one in statement.resources)
