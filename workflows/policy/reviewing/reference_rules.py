"""Rules on the boundaries that a template names (S4): spelt out, this partner's, one, and part of the bundle."""

from collections.abc import Iterator, Mapping
from typing import Final

from workflows.policy.binding import OPEN
from workflows.policy.context import BOUNDARY_KEY, fold
from workflows.policy.document import Effect, Statement
from workflows.policy.patterns import split_arn
from workflows.policy.reviewing.action_rules import at
from workflows.policy.reviewing.finding import Finding, Severity
from workflows.policy.reviewing.reach import Reach
from workflows.policy.strict_json import Json, quoted
from workflows.templates import canonical_boundary_arn

# Ready-made policies that may serve as boundaries because they grant no great rights.
_HARMLESS: Final = ("SecurityAudit", "ReadOnlyAccess", "ViewOnlyAccess", "job-function/ViewOnlyAccess")


def reference_rules(reach: Reach) -> Iterator[Finding]:
    """Each boundary that is demanded is one that whoever approves will be shown."""
    subject = reach.subject
    named: dict[str, Statement] = {}
    for statement in subject.statements:
        for text in _demanded(subject.members[statement.index], by_deny=statement.effect is Effect.DENY):
            if OPEN in text:
                message = f"the boundary {quoted(text)} is a parameter: the partner chooses it at each request"
                yield at(subject, statement, "S4", Severity.MEDIUM, message)
                continue
            arn = canonical_boundary_arn(text)
            named.setdefault(arn, statement)
            if (problem := _problem(reach, arn)) is not None:
                yield at(subject, statement, "S4", Severity.HIGH, f"the boundary {quoted(text)} {problem}")
    if subject.is_template and len(named) > 1:
        first, *others = named
        message = f"roles may be held to {quoted(others[0])} as well as to {quoted(first)}: name one boundary"
        yield at(subject, named[others[0]], "S4", Severity.MEDIUM, message)


def _demanded(members: Mapping[str, Json], *, by_deny: bool) -> Iterator[str]:
    """The boundaries that an Allow lets through, or a Deny does not refuse."""
    condition = members.get("Condition")
    for operator, keys in condition.items() if isinstance(condition, dict) else ():
        if by_deny is not ("Not" in operator):
            continue
        for key, value in keys.items() if isinstance(keys, dict) else ():
            if fold(key) == BOUNDARY_KEY:
                texts = value if isinstance(value, list) else [value]
                yield from (text for text in texts if isinstance(text, str) and text not in ("true", "false"))


def _problem(reach: Reach, arn: str) -> str | None:
    subject = reach.subject
    if arn in subject.boundary_arns:
        return None
    fields = split_arn(arn)
    if set("*?") & set(arn) or fields is None:
        return "is a pattern, which other policies fit too"
    if fields[4] == "aws":
        name = fields[5].removeprefix("policy/")
        return None if name in _HARMLESS else "is a ready-made policy that holds nobody back enough"
    if fields[4] != "partner":
        return "is a policy of an account, which the account can change"
    _, _, path = fields[5].partition("/permissions-boundary/")
    if subject.domain is not None and not path.startswith(f"{subject.domain}/"):
        return f"is not one of {subject.domain}"
    return "is none that this bundle holds or that is registered"
