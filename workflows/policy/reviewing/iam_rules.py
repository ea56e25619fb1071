"""Rules on identities: roles without a boundary, policies and trust of others, keys, users, tags, stepping into roles.

The rows are those of AWS's guidelines for partners (V8, V10 to V16) and of its review tool (S2, S3); a name that begins
with E- is a way to escalate privileges that public research describes.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from workflows.policy.catalogue import Level, catalogue
from workflows.policy.conditions import Clause
from workflows.policy.context import BOUNDARY_KEY, RequestContext, fold
from workflows.policy.document import Statement
from workflows.policy.patterns import ARN_FIELDS, Work, split_arn
from workflows.policy.request import Asked, Request
from workflows.policy.reviewing.finding import Finding, Severity
from workflows.policy.reviewing.places import ACCOUNT, ANY
from workflows.policy.reviewing.reach import Grant, Reach
from workflows.policy.reviewing.scope import (
    as_named,
    clauses_on,
    is_plain,
    names_account,
    names_own_path,
    names_something,
    none_of,
    outside,
)
from workflows.policy.reviewing.subject import Subject, label
from workflows.policy.strict_json import quoted

# Ready-made policies that hold nobody back.
_NO_LIMITS: Final = tuple(
    f"arn:aws:iam::aws:policy/{name}" for name in ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
)
_KEYS: Final = (
    "iam:CreateAccessKey",
    "iam:UpdateAccessKey",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:ChangePassword",
    "iam:CreateServiceSpecificCredential",
    "iam:ResetServiceSpecificCredential",
    "iam:UpdateServiceSpecificCredential",
    "iam:UploadSSHPublicKey",
    "iam:UpdateSSHPublicKey",
    "iam:UploadSigningCertificate",
    "iam:UpdateSigningCertificate",
    "iam:DeactivateMFADevice",
    "iam:DeleteVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:CreateVirtualMFADevice",
    "iam:ResyncMFADevice",
)
_OF_OTHERS: Final = (
    "iam:AttachUserPolicy",
    "iam:PutUserPolicy",
    "iam:AttachGroupPolicy",
    "iam:PutGroupPolicy",
    "iam:AddUserToGroup",
)
_PROVIDERS: Final = (
    "iam:CreateSAMLProvider",
    "iam:UpdateSAMLProvider",
    "iam:CreateOpenIDConnectProvider",
    "iam:AddClientIDToOpenIDConnectProvider",
    "iam:UpdateOpenIDConnectProviderThumbprint",
)
_UNBOUNDING: Final = (
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "iam:PutUserPermissionsBoundary",
)
_VERSIONS: Final = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
_POLICIES: Final = ("iam:CreatePolicy", "iam:DeletePolicy", "iam:DeletePolicyVersion")
_TAKING_OFF: Final = ("iam:DetachRolePolicy", "iam:DeleteRolePolicy")
_CHANGING: Final = ("iam:CreateServiceLinkedRole", "iam:DeleteRole", "iam:UpdateRole", "iam:UpdateRoleDescription")
_DELEGATION: Final = (
    "iam:AcceptDelegationRequest",
    "iam:SendDelegationToken",
    "iam:UpdateDelegationRequest",
    "iam:AssociateDelegationRequest",
    "iam:CreateDelegationRequest",
    "sts:GetDelegatedAccessToken",
)
NAMED: Final = frozenset(map(fold, (*_KEYS, *_OF_OTHERS, *_PROVIDERS, *_UNBOUNDING, *_DELEGATION, "iam:PassRole")))


def found_at(
    reach: Reach,
    rule: str,
    severity: Severity,
    grants: Sequence[Grant],
    message: str,
    *,
    attack: Sequence[Grant] = (),
) -> Finding:
    """A finding about the statement of the first grant, with all of them as its attack unless told otherwise."""
    statement = grants[0].statement
    return Finding(
        rule=rule,
        severity=severity,
        artefact=reach.subject.name,
        message=f"{message}{_when(reach.subject, attack or grants)}",
        path=statement.path,
        statement=label(statement),
        attack=tuple(grant.step for grant in attack or grants),
        actions=tuple(dict.fromkeys(grant.action for grant in grants)),
    )


def _when(subject: Subject, grants: Sequence[Grant]) -> str:
    """Under which switches the calls are granted: those that keep them, and those that drop Denies on them."""
    names: dict[str, str] = {}
    for grant in grants:
        denies = [one for one in subject.denies if one.covers_action(fold(grant.action), Work())]
        for one in (grant.statement, *denies):
            switch = subject.switches[one.index]
            if switch is not None and switch.name in grant.step.parameters:
                names[switch.name] = grant.step.parameters[switch.name]
    return f", when {' and '.join(f'{quoted(name)} is {value}' for name, value in names.items())}" if names else ""


def by_statement(grants: Sequence[Grant]) -> Iterator[list[Grant]]:
    """Yield grants together that the same statement gives."""
    found: dict[int, list[Grant]] = {}
    for grant in grants:
        found.setdefault(grant.statement.index, []).append(grant)
    yield from found.values()


def listed(grants: Sequence[Grant]) -> str:
    """The actions of grants as a text, a few of many."""
    names = list(dict.fromkeys(grant.action for grant in grants))
    more = f" and {len(names) - 4} more" if len(names) > 5 else ""  # noqa: PLR2004  five fit a line
    return ", ".join(names[:4] if more else names) + more


def named_resources(reach: Reach, statements: Sequence[Statement], *, own: bool = False) -> tuple[Statement, ...]:
    """A Deny on whatever the statements name, so that the question is about all else.

    A boundary outlives the session and is shared by all customers, so roles count there only by their full name or
    under the partner's own path, and with `own` by that path alone.
    """
    patterns = (pattern for one in statements for pattern in one.resources if names_something(pattern.text))
    return outside(pattern for pattern in patterns if _counts(reach.subject, pattern.text, own=own))


def _counts(subject: Subject, text: str, *, own: bool) -> bool:
    if subject.is_template or not text.split(":", ARN_FIELDS - 1)[-1].startswith("role/"):
        return True
    return names_own_path(text, "role", subject.domain) or not (
        own or set("*?$") & set(as_named(text).rpartition(":")[2])
    )


def bounds(subject: Subject) -> tuple[Statement, ...]:
    """Denies wherever one of the boundaries that the document spells out is demanded."""
    clauses = list(clauses_on(subject.statements, BOUNDARY_KEY))
    # What excuses any boundary that a parameter names would excuse a pattern as well.
    wild = any(set("*?") & set(as_named(text)) for one in clauses for text in one.texts)
    excused = [one for one in clauses if not (wild and any(ANY in text for text in one.texts))]
    return none_of(filter(is_boundary_clause, excused))


def is_boundary_clause(clause: Clause) -> bool:
    """Whether a clause lets only boundaries through that it spells out and that hold somebody back."""
    open_ended = any(set("*?") & set(as_named(text)) for text in clause.texts) or clause.has_variables
    return is_plain(clause.operator) and not open_ended and not set(_NO_LIMITS) & set(clause.texts)


# --- roles -----------------------------------------------------------------------------------------------


def role_rules(reach: Reach) -> Iterator[Finding]:
    """Roles are made and changed only behind a boundary (S2, S3, V12), and boundaries stay (E-BOUNDARY)."""
    bounded = bounds(reach.subject)
    for group in by_statement(reach.grants("iam:CreateRole", beyond=bounded, every=True)):
        passing = reach.grants("iam:PassRole")
        ending = ", and roles can be passed on" if passing else ""
        yield found_at(
            reach,
            "S2",
            Severity.CRITICAL,
            group,
            f"iam:CreateRole is granted without a permissions boundary that is spelt out{ending}",
            attack=(*group, *_next_steps(reach, bounded), *passing),
        )
    yield from _policies_of_roles(reach, bounded)
    yield from _each(
        reach,
        "E-TRUST",
        ("iam:UpdateAssumeRolePolicy",),
        bounded,
        "whom roles trust can be rewritten, so that anybody steps into them",
    )
    grants = [*reach.grants("iam:PutRolePermissionsBoundary", beyond=bounded, every=True)]
    for action in _UNBOUNDING:
        grants += reach.grants(action, every=True)
    for group in by_statement(grants):
        message = f"{listed(group)} can be granted: a boundary can be taken off or replaced by any other"
        yield found_at(reach, "E-BOUNDARY", Severity.CRITICAL, group, message)
    for group in by_statement([one for action in _TAKING_OFF for one in reach.grants(action, beyond=bounded)]):
        message = f"{listed(group)} reaches roles without a permissions boundary that is spelt out"
        yield found_at(reach, "V12", Severity.MEDIUM, group, message)


def _next_steps(reach: Reach, bounded: Sequence[Statement]) -> list[Grant]:
    """What makes a role without limits worth having."""
    for action in ("iam:AttachRolePolicy", "iam:PutRolePolicy"):
        if found := reach.grants(action, beyond=bounded):
            return [found[0]]
    return []


def _policies_of_roles(reach: Reach, bounded: Sequence[Statement]) -> Iterator[Finding]:
    chosen = none_of(clause for clause in clauses_on(reach.subject.statements, "iam:policyarn") if _spares_wide(clause))
    story = "any policy can be given to roles that no boundary limits"
    yield from _each(reach, "E-REWRITE", ("iam:PutRolePolicy",), bounded, story)
    yield from _each(reach, "E-REWRITE", ("iam:AttachRolePolicy",), (*bounded, *chosen), story, lesser="S3")
    unlimited = {
        one.statement.index for one in reach.grants("iam:AttachRolePolicy", beyond=(*bounded, *chosen), every=True)
    }
    near = reach.grants("iam:AttachRolePolicy", beyond=bounded, every=True)
    for group in by_statement([one for one in near if one.statement.index not in unlimited]):
        message = "iam:AttachRolePolicy chooses among policies, but reaches roles without a permissions boundary"
        yield found_at(reach, "V12", Severity.MEDIUM, group, message)


def _spares_wide(clause: Clause) -> bool:
    """Whether a clause on iam:PolicyARN keeps the ready-made policies away that hold nobody back."""
    if not is_plain(clause.operator):
        return False
    return not any(
        clause.test(Asked(Request("iam:AttachRolePolicy", "*", RequestContext({"iam:PolicyARN": arn}))))
        for arn in _NO_LIMITS
    )


def _each(
    reach: Reach,
    rule: str,
    actions: Sequence[str],
    excused: Sequence[Statement],
    story: str,
    *,
    lesser: str = "V12",
) -> Iterator[Finding]:
    """Actions on anything are critical under `rule`; on resources that are named they are graver than nothing."""
    far: list[Grant] = []
    near: list[Grant] = []
    for action in actions:
        named = named_resources(reach, reach.covering(action), own=True)
        beyond = reach.grants(action, beyond=(*excused, *named), every=True)
        known = {one.statement.index for one in beyond}
        far += beyond
        near += [one for one in reach.grants(action, beyond=excused, every=True) if one.statement.index not in known]
    for group in by_statement(far):
        yield found_at(reach, rule, Severity.CRITICAL, group, f"{listed(group)} can be granted: {story}")
    for group in by_statement(near):
        message = f"{listed(group)} can be granted on what the statement names: {story}"
        yield found_at(reach, lesser, Severity.HIGH, group, message)


# --- everybody else --------------------------------------------------------------------------------------


def identity_rules(reach: Reach) -> Iterator[Finding]:
    """Keys (V10), users, groups and providers (V11), policies of the account (V13), and delegation itself."""
    yield from _each(
        reach, "V10", _KEYS, (), "credentials of somebody else can be made, replaced or weakened", lesser="V10"
    )
    yield from _each(reach, "E-REWRITE", _OF_OTHERS, (), "rights of users and groups can be rewritten", lesser="V11")
    yield from _each(
        reach, "E-TRUST", _PROVIDERS, (), "whom the account believes about who signs in can be changed", lesser="V11"
    )
    for group in by_statement([one for action in _DELEGATION for one in reach.grants(action, every=True)]):
        message = f"{listed(group)} can be granted: a delegation could answer or extend delegations"
        yield found_at(reach, "E-DELEGATION", Severity.CRITICAL, group, message)
    yield from _policies(reach)
    yield from _other_writes(reach)


def _policies(reach: Reach) -> Iterator[Finding]:
    domain = reach.subject.domain
    own = outside(
        pattern
        for one in reach.subject.allows
        for pattern in one.resources
        if names_own_path(pattern.text, "policy", domain)
    )
    path = f"policy/{domain}/" if domain else "a path of the partner's own"
    far = [one for action in _VERSIONS for one in reach.grants(action, beyond=own, every=True)]
    for group in by_statement(far):
        message = f"{listed(group)} reaches policies outside of {path}: rights of others can be rewritten"
        yield found_at(reach, "E-REWRITE", Severity.CRITICAL, group, message)
    for group in by_statement([one for action in _POLICIES for one in reach.grants(action, beyond=own, every=True)]):
        message = f"{listed(group)} reaches policies outside of {path}"
        yield found_at(reach, "V13", Severity.HIGH, group, message)
    for statement in reach.covering("iam:CreatePolicy"):
        alike = [one for one in statement.resources if "boundary" in fold(one.text.rpartition("/")[2])]
        made = reach.grants("iam:CreatePolicy") if alike else ()
        if made:
            name = quoted(as_named(alike[0].text))
            message = f"iam:CreatePolicy makes {name}, which people will take for a permissions boundary"
            yield found_at(reach, "S4", Severity.MEDIUM, [_of(made[0], statement)], message)


def _of(grant: Grant, statement: Statement) -> Grant:
    return Grant(grant.action, statement, grant.step)


def _other_writes(reach: Reach) -> Iterator[Finding]:
    """IAM is written to only for roles and policies (V11), and those are changed only where they are named (V8)."""
    iam = catalogue().service("iam")
    assert iam is not None
    found: list[Grant] = []
    for entry in iam.actions.values():
        kinds = {use.name for use in entry.resources}
        if entry.level in (Level.READ, Level.LIST) or fold(entry.full_name) in NAMED:
            continue
        if not kinds & {"role", "policy", "delegation-request"}:
            found += reach.grants(entry.full_name, every=True)
    for group in by_statement(found):
        message = f"{listed(group)} can be granted; only roles and policies may be written to"
        yield found_at(reach, "V11", Severity.HIGH, group, message)
    changed: list[Grant] = []
    for action in _CHANGING:
        covering = reach.covering(action)
        services = none_of(clauses_on(covering, "iam:awsservicename"))
        spared = (*bounds(reach.subject), *services, *named_resources(reach, covering))
        changed += reach.grants(action, beyond=spared, every=True)
    for group in by_statement(changed):
        yield found_at(reach, "V8", Severity.HIGH, group, f"{listed(group)} reaches roles that are not named")


# --- tags, and roles that are stepped into ---------------------------------------------------------------


def tagging_rules(reach: Reach) -> Iterator[Finding]:
    """Roles and policies are tagged with tags that are listed, and keep those that they have (V14)."""
    listed_tags = none_of(clauses_on(reach.subject.statements, "aws:requesttag/", "aws:tagkeys"))
    narrowed = (*listed_tags, *_for_all_clauses(reach))
    found = [
        one
        for action in ("iam:TagRole", "iam:TagPolicy", "iam:UntagRole", "iam:UntagPolicy")
        for one in reach.grants(action, beyond=narrowed, every=True)
    ]
    for group in by_statement(found):
        message = f"{listed(group)} can be granted with any tag; list the tags by aws:RequestTag or aws:TagKeys"
        yield found_at(reach, "V14", Severity.MEDIUM, group, message)


def _for_all_clauses(reach: Reach) -> tuple[Statement, ...]:
    """The tags that a set operator lists are listed too; that it also holds without any tag is found elsewhere."""
    clauses = (clause for one in reach.subject.allows for clause in one.conditions)
    return none_of(
        clause
        for clause in dict.fromkeys(clauses)
        if fold(clause.key) == "aws:tagkeys" and not is_plain(clause.operator) and clause.operator.comparison
    )


def stepping_rules(reach: Reach) -> Iterator[Finding]:
    """Roles that are stepped into are named, or lie in accounts that are (V16); a boundary lets no chain begin."""
    for action in ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"):
        covering = reach.covering(action)
        foreign = (one for each in covering for one in each.resources if _foreign_account(one.text))
        spared = (*named_resources(reach, covering), *outside(foreign if reach.subject.is_template else ()))
        keys = ("aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths")
        fixed = [one for one in clauses_on(reach.subject.statements, *keys) if not one.has_variables]
        excused = none_of(fixed) if reach.subject.is_template else ()
        severity = Severity.HIGH if reach.subject.is_template else Severity.CRITICAL
        for group in by_statement(reach.grants(action, beyond=(*spared, *excused), every=True)):
            message = f"{action} reaches roles that are not named: whoever trusts this account can be stepped into"
            yield found_at(reach, "V16", severity, group, message)


def _foreign_account(text: str) -> bool:
    fields = split_arn(as_named(text))
    return fields is not None and names_account(text) and fields[4] != ACCOUNT
