"""Who asks, and how a Principal element names them.

An element either does not fit a caller at all or takes hold of it in one of three ways, and the way decides which
other policies still have a say: naming the account only hands over to its identity policies, naming the role behind a
session still leaves the session's ceilings in force, naming the caller itself lifts even those.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from workflows.policy.patterns import split_arn

EVERYBODY: Final = "*"
ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")
_CANONICAL_ID: Final = re.compile(r"[0-9a-f]{64}")
_SERVICE_LINKED_PATH: Final = "/aws-service-role/"
_SERVICE_LINKED_NAME: Final = "AWSServiceRoleFor"


class Form(StrEnum):
    """What kind of caller it is."""

    ANONYMOUS = "anonymous"
    SERVICE = "service"
    FEDERATED = "federated"
    CANONICAL_USER = "canonical user"
    ROOT = "root"
    USER = "user"
    ROLE = "role"
    ROLE_SESSION = "role session"
    FEDERATED_USER = "federated user"


_OUTSIDE_ACCOUNTS: Final = (Form.ANONYMOUS, Form.SERVICE, Form.FEDERATED, Form.CANONICAL_USER)


class Grip(IntEnum):
    """How a Principal element holds a caller, from not at all to by its own name."""

    NONE = 0
    ACCOUNT = 1
    BEHIND = 2
    DIRECT = 3


@dataclass(frozen=True, slots=True)
class CallingPrincipal:
    """The caller as policies see it.

    `name` is its ARN, service name, identity provider or canonical id; `role` names the role of a session (see
    `role_key`), `user` the ARN of the user behind a federated session. A caller that `is_delegated` acts under a
    delegation: no resource policy lifts any of its limits.
    """

    form: Form
    name: str = ""
    account: str = ""
    role: str = ""
    user: str = ""
    is_delegated: bool = False
    is_service_linked: bool = False
    has_account: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "has_account", self.form not in _OUTSIDE_ACCOUNTS)

    @property
    def can_be_bounded(self) -> bool:
        """Whether a permissions boundary can apply to the caller."""
        return self.has_account and self.form is not Form.ROOT


SOMEBODY: Final = CallingPrincipal(Form.USER)
"""A caller of the account of whom nothing is known that a Principal element could name."""

ANONYMOUS: Final = CallingPrincipal(Form.ANONYMOUS)


def role_key(partition: str, account: str, name: str) -> str:
    """What two spellings of one role share: session ARNs carry no path, and role names are unique in an account."""
    return f"{partition}:{account}:{name}"


def calling_principal(text: str | None, *, federates: bool = False) -> CallingPrincipal | None:
    """The caller that an ARN, a service name, an identity provider or None (anonymous) stands for.

    `federates`: the action is one that trades an outside identity for a session, so that a plain name means the
    identity provider rather than a service. None is returned for a text that can stand for no caller.
    """
    if text is None:
        return ANONYMOUS
    if not text.startswith("arn:"):
        return _outsider(text, federates=federates)
    fields = split_arn(text)
    if fields is None or ACCOUNT_ID.fullmatch(fields[4]) is None:
        return None
    kind, _, name = fields[5].partition("/")
    read = _READERS.get((fields[2], kind))
    return read(text, fields[1], fields[4], name) if read is not None and bool(name) == (kind != "root") else None


def _root(text: str, _partition: str, account: str, _name: str) -> CallingPrincipal:
    return CallingPrincipal(Form.ROOT, text, account)


def _user(text: str, _partition: str, account: str, _name: str) -> CallingPrincipal:
    return CallingPrincipal(Form.USER, text, account)


def _role(text: str, partition: str, account: str, name: str) -> CallingPrincipal:
    role = name.rpartition("/")[2]
    linked = f"/{name}".startswith(_SERVICE_LINKED_PATH) or _is_linked(role)
    key = role_key(partition, account, role)
    return CallingPrincipal(Form.ROLE, text, account, role=key, is_service_linked=linked)


def _provider(text: str, _partition: str, _account: str, _name: str) -> CallingPrincipal:
    return CallingPrincipal(Form.FEDERATED, text)


def _session(text: str, partition: str, account: str, name: str) -> CallingPrincipal | None:
    role, slash, session = name.partition("/")
    if not slash or not session or "/" in session:
        return None
    key = role_key(partition, account, role)
    return CallingPrincipal(Form.ROLE_SESSION, text, account, role=key, is_service_linked=_is_linked(role))


def _federated_user(text: str, _partition: str, account: str, _name: str) -> CallingPrincipal:
    return CallingPrincipal(Form.FEDERATED_USER, text, account)


_READERS: Final[Mapping[tuple[str, str], Callable[[str, str, str, str], CallingPrincipal | None]]] = {
    ("iam", "root"): _root,
    ("iam", "user"): _user,
    ("iam", "role"): _role,
    ("iam", "oidc-provider"): _provider,
    ("iam", "saml-provider"): _provider,
    ("sts", "assumed-role"): _session,
    ("sts", "federated-user"): _federated_user,
}


def _outsider(text: str, *, federates: bool) -> CallingPrincipal | None:
    if not text:
        return None
    if _CANONICAL_ID.fullmatch(text):
        return CallingPrincipal(Form.CANONICAL_USER, text)
    return CallingPrincipal(Form.FEDERATED if federates else Form.SERVICE, text)


def _is_linked(role: str) -> bool:
    return role.startswith(_SERVICE_LINKED_NAME)


@dataclass(frozen=True, slots=True)
class PrincipalElement:
    """A Principal or NotPrincipal element, sorted by what its entries name."""

    everybody: bool
    arns: frozenset[str]
    roles: frozenset[str]
    accounts: frozenset[str]
    others: Mapping[Form, frozenset[str]]

    def grip(self, caller: CallingPrincipal) -> Grip:
        """How the element holds the caller; for NotPrincipal anything but NONE means that it is left out."""
        if self.everybody:
            return Grip.DIRECT
        if not caller.has_account:
            return Grip.DIRECT if caller.name in self.others.get(caller.form, ()) else Grip.NONE
        if caller.name in self.arns:
            return Grip.DIRECT
        if caller.role in self.roles or caller.user in self.arns:
            return Grip.BEHIND
        return Grip.ACCOUNT if caller.account in self.accounts else Grip.NONE


_OTHER_FORMS: Final = {
    "Service": Form.SERVICE,
    "Federated": Form.FEDERATED,
    "CanonicalUser": Form.CANONICAL_USER,
}
PRINCIPAL_KINDS: Final = ("AWS", *_OTHER_FORMS)
_UNIQUE_ID: Final = re.compile(r"A[A-Z0-9]{15,127}")

NAMES_EVERYBODY: Final = PrincipalElement(
    everybody=True, arns=frozenset(), roles=frozenset(), accounts=frozenset(), others={}
)


def is_principal_text(text: str) -> bool:
    """Whether a text may stand under "AWS": `*`, an account, an ARN, or the unique id that a deletion leaves behind.

    A Principal takes no variables.
    """
    return "${" not in text and (
        text == EVERYBODY
        or ACCOUNT_ID.fullmatch(text) is not None
        or split_arn(text) is not None
        or _UNIQUE_ID.fullmatch(text) is not None
    )


def principal_element(entries: Mapping[str, Sequence[str]]) -> PrincipalElement:
    """The element of these entries by kind (one of `PRINCIPAL_KINDS`).

    An entry with a wildcard other than the lone `*` names nobody, and so does a unique id: it stands for a principal
    that is gone.
    """
    arns: set[str] = set()
    roles: set[str] = set()
    accounts: set[str] = set()
    for text in entries.get("AWS", ()):
        _sort_in(text, arns, roles, accounts)
    return PrincipalElement(
        everybody=EVERYBODY in entries.get("AWS", ()),
        arns=frozenset(arns),
        roles=frozenset(roles),
        accounts=frozenset(accounts),
        others={_OTHER_FORMS[kind]: frozenset(texts) for kind, texts in entries.items() if kind != "AWS"},
    )


def _sort_in(text: str, arns: set[str], roles: set[str], accounts: set[str]) -> None:
    if ACCOUNT_ID.fullmatch(text):
        accounts.add(text)
        return
    named = calling_principal(text) if text.startswith("arn:") and not set("*?") & set(text) else None
    if named is None:
        return
    if named.form is Form.ROOT:
        accounts.add(named.account)
    elif named.form is Form.ROLE:
        roles.add(named.role)
    else:
        arns.add(text)
