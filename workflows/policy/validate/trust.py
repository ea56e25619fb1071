"""Trust policies of roles: what they cannot hold, and whom they let in through which call."""

import re
from collections.abc import Iterator
from typing import Final

from workflows.policy.document import PolicyKind
from workflows.policy.patterns import split_arn
from workflows.policy.principal import EVERYBODY
from workflows.policy.validate.draft import Clause, Draft, StatementDraft, Text, action_glob
from workflows.policy.validate.rules import (
    Finding,
    Words,
    error,
    security_warning,
    statement_check,
    suggestion,
    warning,
)

_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_SAML: Final = re.compile(r"arn:[^:]+:iam::[0-9]{12}:saml-provider/.+")
_OIDC: Final = re.compile(r"arn:[^:]+:iam::[0-9]{12}:oidc-provider/.+")
GITHUB: Final = "token.actions.githubusercontent.com"
_ANYWHERE: Final = "rolesanywhere.amazonaws.com"
_FOR_ANYWHERE: Final = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")
_WITH_SAML, _WITH_OIDC, _PLAIN = "sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:assumerole"
_ENTRIES: Final = (_WITH_SAML, _WITH_OIDC, _PLAIN)

_NOT_PRINCIPAL: Final = error(
    "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", "A trust policy has no NotPrincipal.", "Name in Principal who may."
)
_RESOURCE: Final = error(
    "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE",
    "A trust policy is about its own role and names no resources.",
    "Remove {element}.",
)
_EVERYBODY: Final = error(
    "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
    "A trust policy cannot name everybody as a bare asterisk.",
    'Name who may; if everybody is meant, write {{"AWS": "*"}} and a condition.',
)
_PROVIDER: Final = error(
    "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY",
    "{provider} is neither the domain of an identity provider nor the ARN of one in IAM.",
    "Write a domain such as accounts.google.com, or the ARN of a SAML or OIDC provider.",
)
_MISMATCH: Final = error(
    "MISMATCHED_ACTION_FOR_PRINCIPAL",
    "{principal} cannot assume a role by the actions of this statement.",
    "Use sts:AssumeRoleWithSAML for SAML, sts:AssumeRoleWithWebIdentity for other providers, else sts:AssumeRole.",
)
_MISSING_FOR_ANYWHERE: Final = error(
    "MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY",
    "Roles Anywhere cannot assume the role without {missing}.",
    "Add what is missing to Action.",
)
_OPEN_PROVIDER: Final = security_warning(
    "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL",
    "Anybody whom {provider} signs in may assume the role.",
    "Compare keys of the provider, such as its sub and aud.",
)
_OPEN_GITHUB: Final = security_warning(
    "MISSING_GITHUB_REPO_CONDITION_KEY",
    "Workflows of any repository on GitHub may assume the role.",
    "Compare token.actions.githubusercontent.com:sub with the repository and branch that may.",
)
_WIDE_GITHUB: Final = warning(
    "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
    "{subject} lets in more than one repository or branch.",
    "Name the repository and the branch.",
)
_REDUNDANT: Final = suggestion(
    "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY",
    "The session {session} is let in already, since its role is.",
    "Keep the session alone if it alone is meant, or else the role alone.",
)


@statement_check
def check_trust_elements(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Elements that a trust policy cannot have."""
    if draft.kind is not PolicyKind.TRUST:
        return
    if "NotPrincipal" in statement.members:
        yield _NOT_PRINCIPAL.at(statement.name_of("NotPrincipal"))
    for name in ("Resource", "NotResource"):
        if name in statement.members:
            yield _RESOURCE.at(statement.name_of(name), element=Words(name))
    principal = statement.members.get("Principal")
    if principal is not None and principal.node.value == EVERYBODY:
        yield _EVERYBODY.at(statement.element("Principal"))


@statement_check
def check_trusted(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Whether those who are named can come by the actions that are."""
    if draft.kind is not PolicyKind.TRUST:
        return
    for provider in statement.named("Federated"):
        if _kind_of(provider.text) is None and not provider.is_wild:
            yield _PROVIDER.at(provider.place, provider=provider.text)
    if statement.allows and statement.actions:
        ways = {way for way in _ENTRIES if _covers(draft, statement, way)}
        yield from _mismatched(statement, ways)
        yield from _roles_anywhere(draft, statement)


def _kind_of(provider: str) -> str | None:
    """The call by which users of a provider come; None for what names none."""
    if _SAML.fullmatch(provider):
        return _WITH_SAML
    return _WITH_OIDC if _OIDC.fullmatch(provider) or _DOMAIN.fullmatch(provider) else None


def _covers(draft: Draft, statement: StatementDraft, action: str) -> bool:
    return any(action_glob(entry.text).matches(action, draft.work) for entry in statement.actions)


def _mismatched(statement: StatementDraft, ways: set[str]) -> Iterator[Finding]:
    """Principals none of whose ways is open, where some way is."""
    if not ways:
        return
    for kind, entries in statement.principals.items():
        for entry in entries:
            way = _kind_of(entry.text) if kind == "Federated" else _PLAIN
            if way is not None and way not in ways:
                yield _MISMATCH.at(entry.place, principal=entry.text)


def _roles_anywhere(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    for entry in statement.named("Service"):
        if entry.text == _ANYWHERE:
            missing = [action for action in _FOR_ANYWHERE if not _covers(draft, statement, action.lower())]
            if missing:
                yield _MISSING_FOR_ANYWHERE.at(entry.place, missing=Words(", ".join(missing)))


@statement_check
def check_open_providers(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Providers of whose users nothing is asked."""
    if draft.kind is not PolicyKind.TRUST or not statement.allows:
        return
    for entry in statement.named("Federated"):
        if _kind_of(entry.text) != _WITH_OIDC:
            continue
        name = entry.text.partition(":oidc-provider/")[2] or entry.text
        keys = [clause for clause in statement.clauses if clause.folded.startswith(f"{name.lower()}:")]
        if name.lower() == GITHUB:
            yield from _github(entry, keys)
        elif not keys:
            yield _OPEN_PROVIDER.at(entry.place, provider=name)


def _github(entry: Text, keys: list[Clause]) -> Iterator[Finding]:
    subjects = [clause for clause in keys if clause.folded == f"{GITHUB}:sub"]
    if not subjects:
        yield _OPEN_GITHUB.at(entry.place)
    for clause in subjects:
        for value in clause.values:
            if value.is_wild and not clause.is_negated:
                yield _WIDE_GITHUB.at(value.place, subject=value.text)


@statement_check
def check_sessions_beside_their_role(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Sessions that are named although their role is."""
    if draft.kind is not PolicyKind.TRUST:
        return
    entries = statement.named("AWS")
    roles = {key for entry in entries if (key := _role_of(entry.text, "role")) is not None}
    for entry in entries:
        key = _role_of(entry.text, "assumed-role")
        if key is not None and key in roles:
            yield _REDUNDANT.at(entry.place, session=entry.text)


def _role_of(arn: str, kind: str) -> tuple[str, str] | None:
    """The account and name of a role, from its ARN or that of a session, which has lost the role's path."""
    fields = split_arn(arn)
    if fields is None:
        return None
    found, _, rest = fields[5].partition("/")
    if found != kind or not rest:
        return None
    name = rest.partition("/")[0] if kind == "assumed-role" else rest.rpartition("/")[2]
    return fields[4], name
