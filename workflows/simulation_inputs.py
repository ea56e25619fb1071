"""What a simulation is given, read from the texts of the wire: documents, condition keys, callers, exclusions.

Everything that cannot be read is refused with the member it stands in, because an input that is half understood would
answer another question than the one that was asked.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workflows.arns import parse_arn
from workflows.errors import BadInput, MalformedPolicy
from workflows.policy.context import RequestContext, Value, fold
from workflows.policy.document import ASKED, Policy, PolicyKind, parse_policy
from workflows.policy.operators import address_range, binary, instant, number, truth
from workflows.policy.patterns import Glob, Work, split_arn, text_tokens
from workflows.policy.principal import ACCOUNT_ID, CallingPrincipal, Form, calling_principal

_ACTION: Final = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9_.-]+")
_LIST: Final = "List"


class SourceType(StrEnum):
    """Where a policy of a simulation comes from, in the wire's words."""

    USER = "user"
    USER_MANAGED = "user-managed"
    AWS_MANAGED = "aws-managed"
    RESOURCE = "resource"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Source:
    """One policy of a simulation under the name that answers give it; `arn` only if it is a managed one."""

    id: str
    type: SourceType
    policy: Policy
    arn: str | None = None


# --- documents -------------------------------------------------------------------------------------------


def read_document(text: str, name: str, kind: PolicyKind, source_type: SourceType = SourceType.NONE) -> Source:
    """The policy that an input of this name spells; raises `BadInput` with the input and the JSON path within it."""
    try:
        return Source(name, source_type, parse_policy(text, kind=kind, caps=ASKED))
    except MalformedPolicy as failure:
        raise BadInput(name, f"at {failure.path} {failure.problem}") from None


def read_documents(texts: Iterable[str], name: str, kind: PolicyKind) -> tuple[Source, ...]:
    """The policies of a list of inputs, numbered from 1; raises `BadInput` as `read_document` does."""
    return tuple(read_document(text, f"{name}.{place}", kind) for place, text in enumerate(texts, 1))


# --- what is asked about ---------------------------------------------------------------------------------


def check_actions(actions: Sequence[str]) -> None:
    """Raise `BadInput` unless there is an action and each is one, without wildcards."""
    if not actions:
        raise BadInput("ActionNames", "is empty; name at least one action")
    for place, action in enumerate(actions, 1):
        if _ACTION.fullmatch(action) is None:
            raise BadInput(f"ActionNames.member.{place}", "is not an action; accepted is service:name, no wildcards")


def check_resources(resources: Sequence[str]) -> None:
    """Raise `BadInput` unless each is an ARN or `*`; a wildcard in an ARN stands for itself."""
    for place, resource in enumerate(resources, 1):
        if resource != "*" and split_arn(resource) is None:
            raise BadInput(f"ResourceArns.member.{place}", 'is not a resource; accepted are "*" and an ARN')


def read_owner(text: str) -> str:
    """The account that an account id or the ARN of its root stands for; raises `BadInput`."""
    if ACCOUNT_ID.fullmatch(text):
        return text
    named = calling_principal(text) if text.startswith("arn:") else None
    if named is None or named.form is not Form.ROOT:
        raise BadInput("ResourceOwner", "is not an account; accepted are 12 digits and arn:aws:iam::<account>:root")
    return named.account


def read_caller(text: str) -> CallingPrincipal:
    """The user that an ARN stands for, whether or not there is one; raises `BadInput` for any other caller."""
    named = calling_principal(text) if text.startswith("arn:") else None
    if named is None or named.form is not Form.USER:
        raise BadInput("CallerArn", "is not the ARN of a user, the one kind of caller that can be simulated")
    return named


def caller_keys(caller: CallingPrincipal) -> dict[str, str]:
    """The condition keys that the ARN of a user settles by itself."""
    return {
        "aws:PrincipalArn": caller.name,
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalType": "User",
        "aws:PrincipalIsAWSService": "false",
        "aws:username": caller.name.rpartition("/")[2],
    }


_EC2: Final = ("instance", "image", "security-group", "network-interface")
_HANDLING: Final[Mapping[str, tuple[str, ...]]] = {
    "EC2-VPC-InstanceStore": _EC2,
    "EC2-VPC-InstanceStore-Subnet": (*_EC2, "subnet"),
    "EC2-VPC-EBS": (*_EC2, "volume"),
    "EC2-VPC-EBS-Subnet": (*_EC2, "subnet", "volume"),
}


def check_handling(option: str | None, resources: Sequence[str]) -> None:
    """Raise `BadInput` for an unknown scenario, or when a resource that the scenario needs is not among them."""
    if option is None:
        return
    if option not in _HANDLING:
        raise BadInput("ResourceHandlingOption", f"is not a scenario; accepted are {', '.join(_HANDLING)}")
    fields = [parts for each in resources if (parts := split_arn(each)) is not None]
    given = {parts[5].partition("/")[0] for parts in fields if parts[2] == "ec2"}
    if lacking := [kind for kind in _HANDLING[option] if kind not in given]:
        raise BadInput("ResourceArns", f"lacks what {option} needs: an EC2 ARN of {', '.join(lacking)}")


# --- condition keys --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContextEntry:
    """A condition key as the wire gives it; what was not sent is None."""

    name: str | None
    values: Sequence[str] | None
    type: str | None


_READABLE: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    "string": (lambda _: True, "a text"),
    "numeric": (lambda text: number(text) is not None, "an integer or a decimal"),
    "boolean": (lambda text: truth(text) is not None, "true or false"),
    "ip": (lambda text: address_range(text) is not None, "an IP address or a CIDR range"),
    "binary": (lambda text: binary(text) is not None, "base64"),
    "date": (lambda text: instant(text) is not None, "an ISO 8601 date or seconds since 1970"),
}


def read_context(entries: Sequence[ContextEntry]) -> RequestContext:
    """The condition keys of a simulation; list types make multi-valued ones.

    Raises `BadInput` for an entry that lacks a part, a value that is not of the entry's type, and a key given twice.
    """
    values: dict[str, Value] = {}
    seen: set[str] = set()
    for place, entry in enumerate(entries, 1):
        member = f"ContextEntries.member.{place}"
        name, value = _read_entry(entry, member)
        if fold(name) in seen:
            raise BadInput(f"{member}.ContextKeyName", "is given twice; condition keys know no case")
        seen.add(fold(name))
        values[name] = value
    return RequestContext(values)


def _read_entry(entry: ContextEntry, member: str) -> tuple[str, Value]:
    if entry.name is None or entry.type is None or entry.values is None:
        raise BadInput(member, "is incomplete; ContextKeyName, ContextKeyType and ContextKeyValues are required")
    readable, accepted = _READABLE[entry.type.removesuffix(_LIST)]
    for place, text in enumerate(entry.values, 1):
        if not readable(text):
            field = f"{member}.ContextKeyValues.member.{place}"
            raise BadInput(field, f"is not of the type {entry.type}; accepted is {accepted}")
    if entry.type.endswith(_LIST):
        return entry.name, tuple(entry.values)
    if len(entry.values) != 1:
        many = f"{len(entry.values)} values; the type {entry.type} takes one, {entry.type}{_LIST} takes several"
        raise BadInput(f"{member}.ContextKeyValues", f"has {many}")
    return entry.name, entry.values[0]


# --- exclusions ------------------------------------------------------------------------------------------

BOUNDARY: Final = "permission-boundary"
GUARDRAILS: Final = "scp"
_TYPES: Final[Mapping[str, SourceType]] = {
    "inline": SourceType.USER,
    "aws-managed": SourceType.AWS_MANAGED,
    "user-managed": SourceType.USER_MANAGED,
}


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Policies to leave out: all of a type, the managed ones of an ARN pattern, or an inline one.

    `inline` is the policy's name, the kind of entity that holds it, and that entity's name.
    """

    type: str | None = None
    arn: str | None = None
    inline: tuple[str, str, str] | None = None

    def hits(self, source: Source, user_name: str) -> bool:
        """Whether an identity policy of this user is meant."""
        if self.type is not None:
            return _TYPES.get(self.type) is source.type
        if self.arn is not None:
            return source.arn is not None and Glob(text_tokens(self.arn)).matches(source.arn, Work())
        return source.type is SourceType.USER and self.inline == (source.id, "user", user_name)


def check_exclusions(exclusions: Sequence[Exclusion]) -> None:
    """Raise `BadInput` for one that says not exactly one thing, or whose ARN pattern is none.

    A well-formed one that means nothing attached is no mistake.
    """
    for place, each in enumerate(exclusions, 1):
        member = f"PolicyExclusionList.member.{place}"
        if sum(part is not None for part in (each.type, each.arn, each.inline)) != 1:
            raise BadInput(member, "says not exactly one of PolicyType, PolicyArn and InlinePolicyIdentifier")
        if each.arn is not None:
            _check_arn_pattern(each.arn, f"{member}.PolicyArn")


def _check_arn_pattern(pattern: str, field: str) -> None:
    kind, _, name = parse_arn(pattern, field).resource.partition("/")
    fixed = pattern[: len(pattern) - len(name)]
    if not kind or not name or set("*?") & set(fixed) or name.count("*") > 1:
        raise BadInput(field, "is not the ARN of a policy; only its name may hold wildcards, one * and any number of ?")
