"""Who is calling, and how firmly a Principal holds the caller."""

from typing import Any, NamedTuple

from reference.naive_patterns import without_case
from reference.naive_rules import rule, yes_or_no

Statement = dict[str, Any]

# How firmly a Principal holds the caller; the larger, the firmer.
NOT_AT_ALL, THE_ACCOUNT, BEHIND, DIRECT = range(4)

WITH_AN_ACCOUNT = ("root", "user", "role", "session", "federated user")
MAY_HAVE_A_BOUNDARY = ("user", "role", "session", "federated user")
FEDERATION = ("sts:assumerolewithwebidentity", "sts:assumerolewithsaml")


class Caller(NamedTuple):
    """A caller, as far as its text says who it is."""

    kind: str
    text: str
    partition: str = ""
    account: str = ""
    role: str = ""  # the name of the role, without its path


@rule(
    "root",
    "user",
    "role",
    "session",
    "federated user",
    "federated",
    "service",
    "canonical user",
    "anonymous",
)
def kind_of_caller(principal: str | None, action: str) -> str:
    """What the text of a caller stands for."""
    if principal is None:
        return "anonymous"
    if not principal.startswith("arn:"):
        if len(principal) == 64 and set(without_case(principal)) <= set("0123456789abcdef"):
            return "canonical user"
        return "federated" if without_case(action) in FEDERATION else "service"
    service, resource = principal.split(":")[2], principal.split(":", 5)[5]
    beginnings = {
        ("iam", "root"): "root",
        ("iam", "user"): "user",
        ("iam", "role"): "role",
        ("iam", "oidc-provider"): "federated",
        ("iam", "saml-provider"): "federated",
        ("sts", "assumed-role"): "session",
        ("sts", "federated-user"): "federated user",
    }
    return beginnings[service, resource.split("/")[0]]


def caller_of(principal: str | None, action: str) -> Caller:
    """The caller, with account and role where there are any."""
    kind = kind_of_caller(principal, action)
    if principal is None or kind not in WITH_AN_ACCOUNT:
        return Caller(kind, principal or "")
    _, partition, _, _, account, resource = principal.split(":", 5)
    parts = resource.split("/")
    role = {"role": parts[-1], "session": parts[1]}.get(kind, "") if len(parts) > 1 else ""
    return Caller(kind, principal, partition, account, role)


@rule("by its path", "by its name", "no")
def is_service_linked(caller: Caller) -> str:
    """Roles that belong to a service lie under a path of their own, and their names begin alike."""
    if caller.kind == "role" and ":role/aws-service-role/" in caller.text:
        return "by its path"
    return "by its name" if caller.role.startswith("AWSServiceRoleFor") else "no"


# --- one entry --------------------------------------------------------------------------------------------


@rule("everybody", "an account", "a user", "a role", "a session", "a federated user", "nobody")
def meaning_of_an_aws_entry(entry: str) -> str:
    """Whom an entry of the AWS kind speaks of; a wildcard inside and an id without its name mean nobody."""
    if entry == "*":
        return "everybody"
    if len(entry) == 12 and entry.isdigit():
        return "an account"
    if "*" in entry or "?" in entry or not entry.startswith("arn:"):
        return "nobody"
    service, resource = entry.split(":")[2], entry.split(":", 5)[5]
    if (service, resource) == ("iam", "root"):
        return "an account"
    return {
        ("iam", "user"): "a user",
        ("iam", "role"): "a role",
        ("sts", "assumed-role"): "a session",
        ("sts", "federated-user"): "a federated user",
    }.get((service, resource.split("/")[0]), "nobody")


@yes_or_no
def is_the_account_of(entry: str, caller: Caller) -> bool:
    """An account number is the same as the ARN of its root; it covers everybody of the account."""
    if caller.kind not in WITH_AN_ACCOUNT:
        return False
    return entry in (caller.account, f"arn:{caller.partition}:iam::{caller.account}:root")


@yes_or_no
def is_the_role_of(entry: str, caller: Caller) -> bool:
    """Partition, account and the last element of the path; sessions do not carry the path."""
    if caller.kind not in ("role", "session"):
        return False
    _, partition, _, _, account, resource = entry.split(":", 5)
    return (partition, account, resource.split("/")[-1]) == (caller.partition, caller.account, caller.role)


@yes_or_no
def is_the_caller(entry: str, caller: Caller) -> bool:
    """Letter by letter."""
    return entry == caller.text


@rule(NOT_AT_ALL, THE_ACCOUNT, BEHIND, DIRECT)
def grip_of_an_aws_entry(entry: str, caller: Caller) -> int:
    """How firmly one entry of the AWS kind holds the caller."""
    meaning = meaning_of_an_aws_entry(entry)
    if meaning == "everybody":
        return DIRECT
    if meaning == "an account":
        return THE_ACCOUNT if is_the_account_of(entry, caller) else NOT_AT_ALL
    if meaning == "a role":
        return BEHIND if is_the_role_of(entry, caller) else NOT_AT_ALL
    if meaning in ("a user", "a session", "a federated user"):
        return DIRECT if is_the_caller(entry, caller) else NOT_AT_ALL
    return NOT_AT_ALL


@rule("the service", "the provider", "the canonical user", "no")
def entry_of_another_kind(kind: str, entry: str, caller: Caller) -> str:
    """Services, identity providers and canonical users are named letter by letter, under their own kind."""
    if (kind, caller.kind) == ("Service", "service") and entry == caller.text:
        return "the service"
    if (kind, caller.kind) == ("Federated", "federated") and entry == caller.text:
        return "the provider"
    if (kind, caller.kind) == ("CanonicalUser", "canonical user") and entry == caller.text:
        return "the canonical user"
    return "no"


def grip_of_an_entry(kind: str, entry: str, caller: Caller) -> int:
    """How firmly one entry holds the caller."""
    if kind == "AWS":
        return grip_of_an_aws_entry(entry, caller)
    return NOT_AT_ALL if entry_of_another_kind(kind, entry, caller) == "no" else DIRECT


def grip_of_entries(principal: str | dict[str, Any], caller: Caller) -> int:
    """The firmest grip among all entries; the lone star is everybody."""
    if principal == "*":
        return DIRECT
    assert isinstance(principal, dict)
    grips = [
        grip_of_an_entry(kind, entry, caller)
        for kind, entries in principal.items()
        for entry in (entries if isinstance(entries, list) else [entries])
    ]
    return max(grips, default=NOT_AT_ALL)


# --- the principal of a statement -------------------------------------------------------------------------


def grip_of_an_allow(statement: Statement, caller: Caller) -> int:
    """How firmly an Allow holds the caller."""
    if "NotPrincipal" in statement:
        return DIRECT if not_principal_leaves_out(statement, caller) else NOT_AT_ALL
    return grip_of_entries(statement["Principal"], caller)


@yes_or_no
def not_principal_leaves_out(statement: Statement, caller: Caller) -> bool:
    """An Allow with NotPrincipal is for everybody whom its list does not fit."""
    return grip_of_entries(statement["NotPrincipal"], caller) == NOT_AT_ALL


@yes_or_no
def deny_names_the_caller(statement: Statement, caller: Caller) -> bool:
    """Any entry that fits is enough for a Deny."""
    return grip_of_entries(statement["Principal"], caller) > NOT_AT_ALL


@rule("unlisted", "bounded", "no")
def deny_of_the_others(statement: Statement, caller: Caller, *, has_boundary: bool) -> str:
    """A Deny with NotPrincipal hits whom no entry fits, and whoever has a boundary, listed or not."""
    if grip_of_entries(statement["NotPrincipal"], caller) == NOT_AT_ALL:
        return "unlisted"
    return "bounded" if has_boundary and caller.kind in MAY_HAVE_A_BOUNDARY else "no"


def deny_hits(statement: Statement, caller: Caller, *, has_boundary: bool) -> bool:
    """Whether a Deny speaks of the caller."""
    if "NotPrincipal" in statement:
        return deny_of_the_others(statement, caller, has_boundary=has_boundary) != "no"
    return deny_names_the_caller(statement, caller)
