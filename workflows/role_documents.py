"""Documents, paths and tags as IAM takes them for what an account stores, with the limits and refusals of its API."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from workflows.errors import BadInput, LimitExceeded, MalformedDocument, MalformedPolicy
from workflows.policy.context import fold
from workflows.policy.document import Effect, Policy, PolicyKind, parse_policy
from workflows.policy.principal import PrincipalElement
from workflows.ports import Reading
from workflows.records.account import Account, Principal
from workflows.records.partner import Partner
from workflows.records.role import Role

TRUST_SIZE: Final = 2048
INLINE_SIZE: Final = 10_240
MANAGED_SIZE: Final = 6144
MOST_TAGS: Final = 50
_KEY_LENGTH: Final = 128
_VALUE_LENGTH: Final = 256
_PATH: Final = re.compile(r"/|/[\x21-\x7e]{1,510}/", re.ASCII)
_BLANKS: Final = re.compile(r"[ \t\r\n]")
_RESERVED_TAGS: Final = ("aws:", "daypass:")
_RESERVED_PATH: Final = "/aws-service-role/"
_RESERVED_NAME: Final = "awsservicerolefor"

Tags = tuple[tuple[str, str], ...]


def significant_size(text: str) -> int:
    """Return how long a document is by IAM's counting, which leaves white space out."""
    return len(_BLANKS.sub("", text))


def stored_document(text: str, kind: PolicyKind, *, most: int, what: str) -> Policy:
    """Return the parsed document; raises `LimitExceeded` when it is too long and `MalformedDocument` when refused."""
    if significant_size(text) > most:
        raise LimitExceeded(f"Cannot exceed quota for {what}: {most}")
    try:
        return parse_policy(text, kind=kind)
    except MalformedPolicy as refused:
        raise MalformedDocument(refused.path, refused.problem) from None


def trust_document(text: str) -> Policy:
    """Return the parsed trust document; raises as `stored_document`, also for one that is open to everybody."""
    policy = stored_document(text, PolicyKind.TRUST, most=TRUST_SIZE, what="ACLSizePerRole")
    for statement in policy.statements:
        open_door = statement.principals is not None and statement.principals.everybody
        if statement.effect is Effect.ALLOW and open_door and not statement.conditions:
            raise MalformedDocument(f"{statement.path}.Principal", "trusts everybody and demands nothing")
    return policy


def bound_principals(tx: Reading, trust: Policy) -> Tags:
    """Return `[name, unique id]` of each user and role that a trust document names.

    Raises `MalformedDocument` for a principal that does not exist, as IAM does ("Invalid principal in policy").
    """
    found: dict[str, str] = {}
    for statement in trust.statements:
        named = statement.principals
        if named is not None:
            found |= dict(_bound(tx, named, f"{statement.path}.Principal"))
    return tuple(sorted(found.items()))


def _bound(tx: Reading, named: PrincipalElement, path: str) -> Iterator[tuple[str, str]]:
    for account in named.accounts:
        if tx.get(Account, account) is None and tx.get(Partner, account) is None:
            raise MalformedDocument(path, f"names the account {account}, which does not exist")
    for key in named.roles:
        _, account, name = key.split(":", 2)
        yield key, _role_id(tx, account, name, path)
    for arn in named.arns:
        fields = arn.split(":", 5)
        kind, _, rest = fields[5].partition("/")
        if kind == "assumed-role":
            yield arn, _role_id(tx, fields[4], rest.partition("/")[0], path)
            continue
        users = tx.find(Principal, arn=arn)
        if not users:
            raise MalformedDocument(path, f"names the principal {arn}, which does not exist")
        yield arn, users[0].id


def _role_id(tx: Reading, account: str, name: str, path: str) -> str:
    roles = tx.find(Role, account_id=account, name_key=fold(name))
    if not roles or roles[0].name != name:
        raise MalformedDocument(path, f"names the role {name} of the account {account}, which does not exist")
    return roles[0].id


def parse_path(text: str, field: str = "path") -> str:
    """Return a path: `/`, or printable ASCII between two slashes, up to 512 characters; raises `BadInput`."""
    if not _PATH.fullmatch(text):
        raise BadInput(field, "is not / and no path of up to 512 printable characters between two slashes")
    return text


def refuse_reserved_role(path: str, name: str) -> None:
    """Raise `BadInput` for what only AWS's services may be called: guardrails do not bind service-linked roles."""
    if path.startswith(_RESERVED_PATH) or fold(name).startswith(_RESERVED_NAME):
        raise BadInput("roleName", "is reserved for service-linked roles")


def parse_tags(tags: Sequence[tuple[str, str]], field: str = "tags") -> Tags:
    """Return the tags; raises `BadInput` for a key that is given twice in any case, reserved or too long."""
    seen: set[str] = set()
    for key, value in tags:
        folded = fold(key)
        if folded in seen:
            raise BadInput(field, f"holds the key `{key}` twice; keys know no case")
        if folded.startswith(_RESERVED_TAGS):
            raise BadInput(field, f"holds the key `{key}`, whose prefix is reserved")
        if not 1 <= len(key) <= _KEY_LENGTH or len(value) > _VALUE_LENGTH:
            raise BadInput(field, f"holds a key longer than {_KEY_LENGTH} or a value longer than {_VALUE_LENGTH}")
        seen.add(folded)
    return tuple(tags)


def merged_tags(before: Tags, added: Tags) -> Tags:
    """Return the tags with more laid over them; raises `LimitExceeded` when they become too many."""
    given = {fold(key) for key, _ in added}
    tags = (*(each for each in before if fold(each[0]) not in given), *added)
    if len([key for key, _ in tags if not key.startswith(_RESERVED_TAGS)]) > MOST_TAGS:
        raise LimitExceeded(f"Cannot exceed quota for TagsPerRole: {MOST_TAGS}")
    return tags


def tag_keys(tags: Sequence[tuple[str, str]], prefix: str) -> dict[str, str | tuple[str, ...]]:
    """Return the condition keys that tags make under a prefix such as `aws:RequestTag`."""
    keys: dict[str, str | tuple[str, ...]] = {f"{prefix}/{key}": value for key, value in tags}
    if prefix == "aws:RequestTag" and tags:
        keys["aws:TagKeys"] = tuple(key for key, _ in tags)
    return keys


def resource_keys(tags: Sequence[tuple[str, str]]) -> dict[str, str | tuple[str, ...]]:
    """Return the condition keys that the tags of a role or policy make: IAM's own spelling and the general one."""
    return {**tag_keys(tags, "iam:ResourceTag"), **tag_keys(tags, "aws:ResourceTag")}
