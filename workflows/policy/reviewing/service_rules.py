"""Rules on services: keys and secrets (V8), credentials (V19, V20), people (V17), organisations (V18), accounts (V21).

Each is asked of every action of its kind that a statement covers.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from workflows.policy.catalogue import ActionEntry, Level, catalogue
from workflows.policy.conditions import Clause
from workflows.policy.context import fold
from workflows.policy.document import Statement
from workflows.policy.patterns import ActionPattern, action_pattern, split_arn
from workflows.policy.reviewing.finding import Finding, Severity
from workflows.policy.reviewing.iam_rules import by_statement, found_at, listed, named_resources
from workflows.policy.reviewing.reach import Grant, Reach
from workflows.policy.reviewing.scope import (
    as_named,
    clauses_on,
    demands_something,
    hardened,
    is_plain,
    names_account,
    names_something,
    none_of,
    outside,
)

SENSITIVE: Final = (
    "iam",
    "kms",
    "ram",
    "sso",
    "sso-directory",
    "identitystore",
    "organizations",
    "secretsmanager",
)
_WRITES: Final = (Level.WRITE, Level.PERMISSIONS, Level.TAGGING)
_MOST_TOLD: Final = 12
# Shares are made on no resource, so that a condition alone can say what is shared, and with whom.
_SCOPED_BY_CONDITION: Final = ("ram",)
# What says nothing of who calls or of what is reached: every call of today meets it, or whoever calls chooses it.
_SAYING_NOTHING: Final = (
    "aws:currenttime",
    "aws:epochtime",
    "aws:referer",
    "aws:securetransport",
    "aws:tokenissuetime",
    "aws:useragent",
)
_SECRETS: Final = ("secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue")
CREDENTIALS: Final = (
    "cognito-identity:GetCredentialsForIdentity",
    "cognito-identity:GetOpenIdToken",
    "cognito-identity:GetOpenIdTokenForDeveloperIdentity",
    "cognito-idp:DescribeUserPoolClient",
    "codepipeline:PollForJobs",
    "connect:GetFederationToken",
    "ec2:GetPasswordData",
    "gamelift:GetInstanceAccess",
    "gamelift:RequestUploadCredentials",
    "glue:GetConnection",
    "glue:GetConnections",
    "lightsail:GetInstanceAccessDetails",
    "lightsail:GetRelationalDatabaseMasterUserPassword",
    "mediapackage:RotateIngestEndpointCredentials",
    "rds-db:connect",
    "redshift-serverless:GetCredentials",
    "sts:GetFederationToken",
)
_REDSHIFT: Final = ("redshift:GetClusterCredentials", "redshift:GetClusterCredentialsWithIAM")
# Services whose resources let other accounts in, so that the same call may reach somebody else's.
_REACHING_ACROSS: Final = (
    *("backup", "codeartifact", "dynamodb", "ecr", "elasticfilesystem", "es", "events", "glacier", "glue"),
    *("kinesis", "kms", "lambda", "s3", "s3express", "s3tables", "secretsmanager", "sns", "sqs"),
)
_ACCOUNT_KEYS: Final = (
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourceorgpaths",
    "s3:resourceaccount",
    "kms:calleraccount",
)


def scoping_rules(reach: Reach) -> Iterator[Finding]:
    """What writes to keys, shares and secrets, or reads secrets, is scoped by resource or condition (V8)."""
    prefixes = ("kms", "ram", "secretsmanager")
    for statement in reach.subject.allows:
        group = _granted(reach, statement, prefixes, _needs_scope, lambda action: _scopes(reach.covering(action)))
        if group:
            message = f"{listed(group)} is limited neither by a resource nor by a condition"
            yield found_at(reach, "V8", Severity.HIGH, group, message)


def _granted(
    reach: Reach,
    statement: Statement,
    prefixes: Sequence[str],
    wanted: Callable[[ActionEntry], bool],
    beyond: Callable[[str], Sequence[Statement]],
) -> list[Grant]:
    """Some of the wanted actions of services that a statement grants beyond what is excused; it has asked of all."""
    entries = (entry for prefix in prefixes for entry in _covered(statement, prefix, wanted))
    asked = (reach.grants(one.full_name, beyond=beyond(one.full_name), every=True) for one in entries)
    own = (grant for grants in asked for grant in grants if grant.statement.index == statement.index)
    return list(islice(own, _MOST_TOLD))


def _needs_scope(entry: ActionEntry) -> bool:
    has_scope = entry.resources or entry.service in _SCOPED_BY_CONDITION
    return bool(has_scope) and (entry.level in _WRITES or entry.full_name in _SECRETS)


def _scopes(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Denies on what statements name, on what lies in an account that they name, and on what conditions demand."""
    patterns = (pattern for one in statements for pattern in one.resources)
    placed = [pattern for pattern in patterns if names_something(pattern.text) or names_account(pattern.text)]
    clauses = dict.fromkeys(hardened(clause) for one in statements for clause in one.conditions if _limits(clause))
    return (*outside(placed), *none_of(clauses))


def _limits(clause: Clause) -> bool:
    says_something = fold(clause.key) not in _SAYING_NOTHING
    return says_something and demands_something(clause) and is_plain(clause.operator)


# --- whole services --------------------------------------------------------------------------------------


def whole_service_rules(reach: Reach) -> Iterator[Finding]:
    """Identity centre is not written to (V17); of organisations only reading is granted (V18)."""
    rows = (
        ("V17", ("sso", "sso-directory", "identitystore"), "people, groups, permission sets and tags stay as they are"),
        ("V18", ("organizations",), "of an organisation only reading may be granted"),
    )
    for statement in reach.subject.allows:
        for rule, prefixes, because in rows:
            group = _granted(reach, statement, prefixes, lambda one: one.level in _WRITES, lambda _: ())
            if group:
                yield found_at(reach, rule, Severity.HIGH, group, f"{listed(group)} can be granted; {because}")


def credential_rules(reach: Reach) -> Iterator[Finding]:
    """Credentials of other services are given out only for what is named, or told by a condition (V19, V20)."""
    found: list[Grant] = []
    for action in CREDENTIALS:
        covering = reach.covering(action)
        if covering:
            clauses = dict.fromkeys(hardened(one) for each in covering for one in each.conditions if _limits(one))
            found += reach.grants(action, beyond=(*named_resources(reach, covering), *none_of(clauses)), every=True)
    for group in by_statement(found):
        message = f"{listed(group)} gives out credentials for more than what is named"
        yield found_at(reach, "V19", Severity.HIGH, group, message)
    found = []
    for action in _REDSHIFT:
        covering = reach.covering(action)
        named = outside(pattern for one in covering for pattern in one.resources if _names_database(pattern.text))
        found += reach.grants(action, beyond=named, every=True)
    for group in by_statement(found):
        message = f"{listed(group)} gives out credentials for databases that are not named"
        yield found_at(reach, "V20", Severity.HIGH, group, message)


def _names_database(text: str) -> bool:
    fields = split_arn(as_named(text))
    if fields is None or not fields[5].startswith(("dbname:", "dbuser:", "dbgroup:")):
        return False
    _, _, name = fields[5].partition("/")
    return fields[5].startswith(("dbuser:", "dbgroup:")) or (name != "" and not set("*?$") & set(name))


# --- other accounts --------------------------------------------------------------------------------------


def account_rules(reach: Reach) -> Iterator[Finding]:
    """What can reach into other accounts says whose things it means (V21)."""
    guards = none_of(
        clause for clause in clauses_on(reach.subject.statements, *_ACCOUNT_KEYS) if not _any_account(clause.texts)
    )
    patterns = [pattern for one in reach.subject.allows for pattern in one.resources]
    placed = outside(one for one in patterns if names_account(one.text) or _whole(one.text))
    excused = (*guards, *placed)
    for statement in reach.subject.allows:
        if reach.never_beyond(statement, excused):
            continue
        group = _granted(reach, statement, _REACHING_ACROSS, _reaches, lambda _: excused)
        if group:
            action = group[0].action
            message = f"{action} reaches into other accounts: demand aws:ResourceAccount, or name what is meant"
            yield found_at(reach, "V21", Severity.MEDIUM, group[:1], message)


def _reaches(entry: ActionEntry) -> bool:
    """Whether an action acts on resources of others; what only looks at what guards others may be wide (V9)."""
    only_looks = entry.service in SENSITIVE and entry.level in (Level.READ, Level.LIST)
    return bool(entry.resources) and (not only_looks or entry.full_name in _SECRETS)


def _any_account(texts: Sequence[str]) -> bool:
    return any(set("*?") & set(as_named(text)) for text in texts)


def _whole(text: str) -> bool:
    """Whether a pattern is the full name of one thing, or of all that lies in one thing."""
    fields = split_arn(as_named(text))
    if fields is None or set("*?") & set(fields[4]):
        return False
    name, slash, rest = fields[5].partition("/")
    if set("*?") & set(name) or "${" in name or not name:
        return False
    # Behind the name of a bucket lie its objects; of other services a name has its type in front.
    return fields[2].startswith("s3") or not (slash and set("*?$") & set(rest))


# --- actions of a statement ------------------------------------------------------------------------------


def _covered(statement: Statement, prefix: str, wanted: Callable[[ActionEntry], bool]) -> list[ActionEntry]:
    """The actions of a service that the text of an Allow covers, by name."""
    if statement.not_actions:
        service = catalogue().service(prefix)
        entries = service.actions.values() if service is not None else ()
        left_out = {one.full_name for pattern in statement.not_actions for one in matching(prefix, pattern)}
        return [one for one in entries if one.full_name not in left_out and wanted(one)]
    found = {one.full_name: one for pattern in statement.actions for one in matching(prefix, pattern)}
    return [one for _, one in sorted(found.items()) if wanted(one)]


def matching(prefix: str, pattern: ActionPattern) -> tuple[ActionEntry, ...]:
    """The actions of one service that a pattern covers."""
    written = pattern.glob.head.partition(":")[0]
    if ":" in pattern.glob.head and written != prefix:
        return ()
    return _matching(prefix, pattern.text)


@lru_cache(maxsize=4096)
def _matching(prefix: str, text: str) -> tuple[ActionEntry, ...]:
    service = catalogue().service(prefix)
    return () if service is None else service.matching(action_pattern(text))
