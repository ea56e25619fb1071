"""Allows that let a caller hand roles to services, or have services make roles of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from workflows.policy.patterns import split_arn
from workflows.policy.validate.draft import Draft, StatementDraft, Text, action_glob
from workflows.policy.validate.places import Place
from workflows.policy.validate.rules import Finding, Rule, security_warning, statement_check, warning

_NARROW_IT: Final = "Name the roles, or compare iam:PassedToService with the services that may get them."
_PASS_STAR: Final = security_warning(
    "PASS_ROLE_WITH_STAR_IN_RESOURCE", "iam:PassRole is allowed on every role, to every service.", _NARROW_IT
)
_PASS_STARS: Final = security_warning(
    "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE",
    "{action} covers iam:PassRole, which is thus allowed on every role, to every service.",
    _NARROW_IT,
)
_PASS_NOT_ACTION: Final = security_warning(
    "PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
    "NotAction does not leave out iam:PassRole, which is thus allowed on every role, to every service.",
    "Add iam:PassRole to NotAction, or name what is allowed in Action.",
)
_PASS_NOT_RESOURCE: Final = security_warning(
    "PASS_ROLE_WITH_NOT_RESOURCE", "iam:PassRole is allowed on every role that NotResource does not list.", _NARROW_IT
)
_PASS_STAR_NOT_RESOURCE: Final = security_warning(
    "PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE",
    "{action} covers iam:PassRole, which is thus allowed on every role that NotResource does not list.",
    _NARROW_IT,
)
_PASS_NOT_NOT: Final = security_warning(
    "PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE",
    "NotAction does not leave out iam:PassRole, which is thus allowed on every role that NotResource does not list.",
    "Add iam:PassRole to NotAction, or name what is allowed in Action.",
)
_SLR_ADVICE: Final = "Name the roles, or compare iam:AWSServiceName with the services that may have one."
_SLR_STAR: Final = warning(
    "CREATE_SLR_WITH_STAR_IN_RESOURCE",
    "iam:CreateServiceLinkedRole is allowed for every service.",
    _SLR_ADVICE,
)
_SLR_STARS: Final = warning(
    "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE",
    "{action} covers iam:CreateServiceLinkedRole, which is thus allowed for every service.",
    _SLR_ADVICE,
)
_SLR_NOT_ACTION: Final = warning(
    "CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
    "NotAction does not leave out iam:CreateServiceLinkedRole, which is thus allowed for every service.",
    "Add iam:CreateServiceLinkedRole to NotAction, or name what is allowed in Action.",
)
_SLR_NOT_RESOURCE: Final = warning(
    "CREATE_SLR_WITH_NOT_RESOURCE",
    "iam:CreateServiceLinkedRole is allowed for every role that NotResource does not list.",
    _SLR_ADVICE,
)
_SLR_STAR_NOT_RESOURCE: Final = warning(
    "CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE",
    "{action} covers iam:CreateServiceLinkedRole, which is thus allowed for every role that NotResource does not list.",
    _SLR_ADVICE,
)
_SLR_NOT_NOT: Final = warning(
    "CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE",
    "NotAction does not leave out iam:CreateServiceLinkedRole, and NotResource lists only what it is not allowed for.",
    "Add iam:CreateServiceLinkedRole to NotAction, or name what is allowed in Action.",
)


@dataclass(frozen=True, slots=True)
class _Act:
    """An action to watch, the keys that tame it, what its resources look like when all are meant, and the rules.

    Rules are by how the action is named: in full, by a wildcard, by NotAction; first with a wildcard as resource, then
    with NotResource.
    """

    action: str
    keys: frozenset[str]
    everything: frozenset[str]
    starred: tuple[Rule, Rule, Rule]
    negated: tuple[Rule, Rule, Rule]


_ACTS: Final = (
    _Act(
        "iam:passrole",
        frozenset({"iam:passedtoservice", "iam:associatedresourcearn"}),
        frozenset({"*", "role/*", "role*"}),
        (_PASS_STAR, _PASS_STARS, _PASS_NOT_ACTION),
        (_PASS_NOT_RESOURCE, _PASS_STAR_NOT_RESOURCE, _PASS_NOT_NOT),
    ),
    _Act(
        "iam:createservicelinkedrole",
        frozenset({"iam:awsservicename"}),
        frozenset({"*", "role/*", "role*", "role/aws-service-role/*"}),
        (_SLR_STAR, _SLR_STARS, _SLR_NOT_ACTION),
        (_SLR_NOT_RESOURCE, _SLR_STAR_NOT_RESOURCE, _SLR_NOT_NOT),
    ),
)
_IN_FULL, _BY_WILDCARD, _BY_NOT_ACTION = range(3)


@statement_check
def check_roles_that_are_handed_on(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Each of the two actions where nothing narrows it."""
    if not statement.allows:
        return
    for act in _ACTS:
        if any(clause.folded in act.keys for clause in statement.clauses):
            continue
        if "NotResource" in statement.members:
            rules, where = act.negated, statement.element("NotResource")
        elif (star := _star(statement, act)) is not None:
            rules, where = act.starred, star.place
        else:
            continue
        yield from _named(draft, statement, act, rules, where)


def _star(statement: StatementDraft, act: _Act) -> Text | None:
    """The entry of Resource that means every role."""
    for entry in statement.resources:
        if entry.text == "*":
            return entry
        fields = split_arn(entry.text) if "*" in entry.text else None
        if fields is not None and fields[2] in ("iam", "*") and fields[5] in act.everything:
            return entry
    return None


def _named(
    draft: Draft, statement: StatementDraft, act: _Act, rules: tuple[Rule, Rule, Rule], where: Place
) -> Iterator[Finding]:
    """The finding for the way in which the action is named, if it is."""
    if "NotAction" in statement.members:
        left_out = any(action_glob(entry.text).matches(act.action, draft.work) for entry in statement.not_actions)
        if statement.not_actions and not left_out:
            yield rules[_BY_NOT_ACTION].at(statement.element("NotAction"), where)
        return
    for entry in statement.actions:
        glob = action_glob(entry.text)
        if glob.is_literal and glob.head == act.action:
            yield rules[_IN_FULL].at(entry.place, where)
            return
    wild = next((each for each in statement.actions if action_glob(each.text).matches(act.action, draft.work)), None)
    if wild is not None:
        yield rules[_BY_WILDCARD].at(wild.place, where, action=wild.text)
