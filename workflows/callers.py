"""Who is calling, and the circumstances of the call, as every use-case receives them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from workflows.ids import OPERATOR_ACCOUNT, AccountId, GrantId, PrincipalId


class CallerKind(StrEnum):
    """What is calling.

    `SESSION` is a delegated session, `ROLE` a session of a role; `TIME` is the service acting because an instant came.
    """

    USER = "user"
    ROOT = "root"
    PARTNER = "partner"
    SESSION = "session"
    ROLE = "role"
    RESOURCE_SERVER = "resource-server"
    OPERATOR = "operator"
    TIME = "time"


# Who acts for an owner's account in its own name.
OWNERS: Final = (CallerKind.USER, CallerKind.ROOT)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated identity. For a delegated session the identity is the approver's, `partner_id` its delegate.

    A session of a role that was born of a delegation, or that a delegated session stepped into, has a delegate too.
    """

    kind: CallerKind
    account_id: AccountId
    principal_id: PrincipalId
    arn: str
    name: str
    credential: str | None = None
    grant_id: GrantId | None = None
    partner_id: AccountId | None = None
    scopes: frozenset[str] = frozenset()

    @property
    def is_delegated(self) -> bool:
        """Whether the caller acts on authority that was lent to a partner."""
        return self.partner_id is not None


@dataclass(frozen=True, slots=True)
class Call:
    """One call: who, through which wire, from where. `signature` is a hash of the accepted signature, if it had one.

    `proved_at` is when a passkey last proved the person behind it; programs have none.
    """

    caller: Caller
    id: str
    wire: str
    source_ip: str | None = None
    user_agent: str | None = None
    signature: str | None = None
    secure: bool = False
    proved_at: datetime | None = None


TIME: Final = Caller(
    kind=CallerKind.TIME,
    account_id=OPERATOR_ACCOUNT,
    principal_id=PrincipalId("time"),
    arn="arn:aws:daypass:::time",
    name="time",
)


def operator(name: str) -> Caller:
    """Return the operator at the command line, who proves itself by holding the database and the master key."""
    return Caller(
        kind=CallerKind.OPERATOR,
        account_id=OPERATOR_ACCOUNT,
        principal_id=PrincipalId("operator"),
        arn=f"arn:aws:daypass:::operator/{name}",
        name=name,
    )
