"""Who asks when policies are compared: somebody of the account, or one by one all who could tell them apart.

What a resource or trust policy allows depends on the caller only through the names in it. So everybody it names, and
a stranger of each kind, stand for all.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from workflows.policy.context import RequestContext, Value
from workflows.policy.document import PolicyKind, Statement, parse_policy
from workflows.policy.index import Layers
from workflows.policy.layers import FULL_ACCESS, Layer, LayerKind, NamedPolicy
from workflows.policy.principal import ANONYMOUS, CallingPrincipal, Form, Grip, PrincipalElement, calling_principal
from workflows.policy.request import Request

_NO_ACCOUNT: Final = "000000000000"
_STRANGE_ACCOUNTS: Final = ("999999999999", "999999999998", "999999999997")
_SOMEBODY: Final = CallingPrincipal(Form.USER, f"arn:aws:iam::{_NO_ACCOUNT}:user/compared", _NO_ACCOUNT)
# Keys and roles guard themselves. One whose own policy leaves the decision to the account's policies is no exception
# to them, so that what is compared is the policies alone.
_LEFT_TO_THE_ACCOUNT: Final = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"AWS": _NO_ACCOUNT}, "Action": "*", "Resource": "*"},
}
_KEPT_AT_HOME: Final = Layer(
    LayerKind.RESOURCE,
    "compared",
    (NamedPolicy("resource", parse_policy(json.dumps(_LEFT_TO_THE_ACCOUNT), kind=PolicyKind.RESOURCE)),),
)
# Whoever asks may do everything as far as their own account is concerned; it is not the resource's.
_AT_THEIR_OWN: Final = Layer(LayerKind.IDENTITY, "asking", (FULL_ACCESS,))


@dataclass(frozen=True, slots=True)
class Asking:
    """One caller, and the values by lower-case key that its requests are known to have (None: surely absent).

    `names` tells whether the policies are such as name callers: resource and trust policies.
    """

    caller: CallingPrincipal
    known: Mapping[str, Value | None] = field(default_factory=dict)
    names: bool = False

    def concerns(self, statement: Statement) -> bool:
        """Whether a statement speaks of this caller at all."""
        if statement.not_principals is not None:
            return statement.not_principals.grip(self.caller) is Grip.NONE
        return statement.principals is None or statement.principals.grip(self.caller) is not Grip.NONE

    def request(self, found: Request) -> Request:
        """Return the request as this caller makes it."""
        present = {key: value for key, value in self.known.items() if value is not None}
        context = RequestContext(present).extended(found.context)
        account = _NO_ACCOUNT if self.names else ""
        return replace(found, principal=self.caller, context=context, resource_account=account)

    def layers(self, policies: Sequence[NamedPolicy]) -> Layers:
        """Return the layers in which these policies alone decide."""
        if self.names:
            return Layers([Layer(LayerKind.RESOURCE, "compared", tuple(policies)), _AT_THEIR_OWN])
        return Layers([Layer(LayerKind.IDENTITY, "compared", tuple(policies)), _KEPT_AT_HOME])


AT_HOME: Final = Asking(_SOMEBODY)
"""Somebody of whom nothing is known, whose own policies are compared."""


def everybody(policies: Iterable[NamedPolicy]) -> Iterator[Asking]:
    """Yield everybody whom resource or trust policies name, and a stranger of each kind."""
    elements = list(_elements(policies))
    named = dict.fromkeys(caller for element in elements for caller in _named(element))
    taken = {caller.account for caller in named}
    yield from (Asking(caller, _known(caller), names=True) for caller in named)
    yield from strangers(taken)
    yield Asking(CallingPrincipal(Form.SERVICE, "stranger.amazonaws.com"), _KNOWN_OF_A_SERVICE, names=True)
    yield Asking(CallingPrincipal(Form.FEDERATED, "stranger.example.com"), _UNKNOWN, names=True)


def strangers(taken: Iterable[str]) -> Iterator[Asking]:
    """Yield a caller without an identity, and one of an account that is none of these."""
    account = next(one for one in _STRANGE_ACCOUNTS if one not in set(taken))
    stranger = CallingPrincipal(Form.USER, f"arn:aws:iam::{account}:user/stranger", account)
    yield Asking(stranger, {"aws:principalisawsservice": "false"}, names=True)
    yield Asking(ANONYMOUS, _UNKNOWN, names=True)


def providers(policies: Iterable[NamedPolicy]) -> Iterator[CallingPrincipal]:
    """Yield the web identity providers that trust policies name."""
    for element in _elements(policies):
        yield from (CallingPrincipal(Form.FEDERATED, name) for name in sorted(element.others.get(Form.FEDERATED, ())))


def accounts_named(policies: Iterable[NamedPolicy]) -> set[str]:
    """Return the accounts that the principals of policies belong to."""
    return {caller.account for element in _elements(policies) for caller in _named(element)}


_UNKNOWN: Final[Mapping[str, Value | None]] = {
    "aws:principalarn": None,
    "aws:principalaccount": None,
    "aws:principalorgid": None,
    "aws:principalorgpaths": None,
    "aws:principalisawsservice": "false",
}
_KNOWN_OF_A_SERVICE: Final[Mapping[str, Value | None]] = {
    "aws:principalarn": None,
    "aws:principalaccount": None,
    "aws:principalisawsservice": "true",
}


def _elements(policies: Iterable[NamedPolicy]) -> Iterator[PrincipalElement]:
    for named in policies:
        for statement in named.policy.statements:
            yield from filter(None, (statement.principals, statement.not_principals))


def _named(element: PrincipalElement) -> Iterator[CallingPrincipal]:
    """Everybody whom an element names: an account stands for a user of it, a role for a session of it."""
    for arn in sorted(element.arns):
        if (caller := calling_principal(arn)) is not None:
            yield caller
    for role in sorted(element.roles):
        partition, account, name = role.split(":", 2)
        session = f"arn:{partition}:sts::{account}:assumed-role/{name}/compared"
        yield CallingPrincipal(Form.ROLE_SESSION, session, account, role=role)
    for account in sorted(element.accounts):
        yield CallingPrincipal(Form.USER, f"arn:aws:iam::{account}:user/compared", account)
    for form, names in element.others.items():
        yield from (CallingPrincipal(form, name) for name in sorted(names))


def _known(caller: CallingPrincipal) -> Mapping[str, Value | None]:
    if not caller.has_account:
        return _KNOWN_OF_A_SERVICE if caller.form is Form.SERVICE else _UNKNOWN
    known: dict[str, Value | None] = {"aws:principalaccount": caller.account, "aws:principalisawsservice": "false"}
    # Of a role the path is not known, so its ARN stays open.
    return known if caller.form is Form.ROLE_SESSION else {**known, "aws:principalarn": caller.name}
