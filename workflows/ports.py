"""What the domain needs from the outside, as protocols; `service/app.py` decides what stands behind them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from workflows.ids import AccountId
from workflows.records.audit import AuditEntry
from workflows.records.deployment import Deployment
from workflows.records.errand import Errand, ErrandKind, ErrandState
from workflows.records.grant import Expired, Grant
from workflows.records.request import DelegationRequest
from workflows.records.role import RoleErrand

R = TypeVar("R")
T = TypeVar("T")


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC; it never runs backwards past what was already acted upon."""


class Entropy(Protocol):
    """The only source of randomness."""

    def token_bytes(self, count: int) -> bytes:
        """Return `count` unpredictable bytes."""


class Keyring(Protocol):
    """The master keys, which live outside the database."""

    @property
    def newest(self) -> str:
        """The id of the key that new secrets are sealed under."""

    def master(self, key_id: str) -> bytes:
        """Return the 32 bytes of a key; raises `SealBroken` when the ring does not hold it."""


class Passwords(Protocol):
    """Slow hashes for what people can remember."""

    def hash(self, password: str) -> str:
        """Return what is stored instead of a password."""

    def matches(self, password: str, stored: str | None) -> bool:
        """Tell whether this is the password; without a stored one, take as long as with one and say no."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A fresh passkey: its credential id (base64url), its public key and its counter."""

    id: str
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Signed:
    """What a passkey signed: the bytes that are needed to check it again, and its counter."""

    client_data: bytes
    authenticator_data: bytes
    signature: bytes
    sign_count: int


class Authenticators(Protocol):
    """Checks what passkeys answer; both checks raise `StepUpRefused` for whatever does not prove the challenge."""

    def credential_id(self, response: str) -> str:
        """Return the credential id (base64url) that an answer claims to come from."""

    def enrolled(self, response: str, challenge: bytes) -> Enrolled:
        """Return the passkey that an answer to an enrolment brings."""

    def signed(self, response: str, challenge: bytes, public_key: bytes) -> Signed:
        """Return what was signed with the key, the person having been verified by the authenticator."""

    def holds(self, signed: Signed, challenge: bytes, public_key: bytes) -> bool:
        """Tell whether stored bytes are a signature of this key over this challenge, now as then."""


@dataclass(frozen=True, slots=True)
class ProviderClient:
    """What this deployment is to one OpenID provider; without a secret it proves itself by PKCE alone."""

    issuer: str
    client_id: str
    secret: str | None


@dataclass(frozen=True, slots=True)
class Journey:
    """What one sign-in at a provider is recognised by: `state` and `nonce` travel, `verifier` stays (RFC 7636)."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What a provider sent the browser back with: the code, and who it says it is (RFC 9207), if it says so."""

    code: str
    issuer: str | None


class IdentityProviders(Protocol):
    """Speaks OpenID Connect; every method raises `ProviderFailed` for whatever a provider does wrong."""

    def check(self, issuer: str) -> None:
        """Look whether there is a provider of this name that can be used; raises `BadInput` naming `issuer`."""

    def address(self, client: ProviderClient, journey: Journey) -> str:
        """Return the address at which a person signs in to the provider."""

    def subject(self, client: ProviderClient, journey: Journey, answer: ProviderAnswer) -> str:
        """Trade the code and return the subject whom the provider's identity token proves for this journey."""


class Reading(Protocol):
    """A consistent view of the store."""

    def get(self, kind: type[R], /, *key: object) -> R | None:
        """Return the record of this kind with this primary key, or None."""

    def find(self, kind: type[R], /, **equal: object) -> Sequence[R]:
        """Return records whose fields equal these values, in primary-key order.

        A `range` of numbers or a `frozenset` of texts stands for any of its members.
        """

    def page(self, kind: type[R], /, *, limit: int, after: tuple[datetime, str] | None, **equal: object) -> Sequence[R]:
        """Return up to `limit` records, newest first (by id within one instant), behind the `after` position."""

    def count_open_requests(self, *, now: datetime, limit: int, **equal: object) -> int:
        """Count requests that time has not ended and nobody has decided for good; stops counting at `limit`."""

    def count(self, kind: type[R], /, *, limit: int, **equal: object) -> int:
        """Count records whose fields equal these values; stops counting at `limit`."""

    def trail(
        self,
        chain: AccountId,
        *,
        before: int | None,
        limit: int,
        until: datetime | None = None,
        **about: object,
    ) -> Sequence[AuditEntry]:
        """Return up to `limit` entries of a chain below the number `before`, newest first.

        `until` leaves out what is later; `about` is the request or the partner that the entries are about.
        """

    def partners_of(self, account_id: AccountId, *, after: str, limit: int) -> Sequence[AccountId]:
        """Return up to `limit` partners that an account has had requests of, by id, behind `after`."""

    def due_requests(self, now: datetime, limit: int) -> Sequence[DelegationRequest]:
        """Return requests whose stored state is past its time, the longest overdue first."""

    def due_grants(self, now: datetime, limit: int) -> Sequence[Grant]:
        """Return grants that are planned or live and past their deadline, longest overdue first."""

    def due_role_errands(self, now: datetime, limit: int) -> Sequence[RoleErrand]:
        """Return what is to be done about roles by now, the longest waiting first."""

    def due_errands(self, now: datetime, limit: int, *, without: frozenset[str] = frozenset()) -> Sequence[Errand]:
        """Return webhook errands that are due, the longest waiting first, leaving out the channels `without`."""

    def oldest_errands(
        self,
        partner_id: AccountId,
        kind: ErrandKind,
        state: ErrandState,
        limit: int,
    ) -> Sequence[Errand]:
        """Return a partner's errands of this kind and state, the oldest first."""

    def last_use(self, principal_id: str) -> datetime | None:
        """Return when a principal, a role or a grant (by its id) last used anything, or None."""

    def chains(self) -> Sequence[AccountId]:
        """Return the chain of every audit entry, each once."""

    def next_due(self) -> datetime | None:
        """Return the earliest instant at which any request, grant or errand becomes due."""

    def deployment(self) -> Deployment:
        """Return the deployment's row, which start-up made sure of."""

    def remembered(self, kind: str, key: str, load: Callable[[], R | None]) -> R | None:
        """Return what `load` returns, without asking again while nobody's authority changes.

        Only for what changes together with the count of `authority_changed`: principals, their rights, partners.
        That nothing is there is not remembered.
        """


class Writing(Reading, Protocol):
    """One transaction: everything in it becomes true together, or nothing does."""

    def add(self, record: object) -> None:
        """Insert a record; raises `AlreadyExists` when its key or a unique field is taken."""

    def swap(self, before: R, after: R) -> R:
        """Replace `before` by `after` if nobody changed it since; returns it with its new revision or `LostRace`."""

    def put(self, record: object) -> None:
        """Insert the record or replace the one with the same primary key."""

    def remove(self, record: object) -> None:
        """Delete the record with this primary key, if it is there."""

    def end_requests(self, before: Sequence[DelegationRequest], after: Sequence[DelegationRequest]) -> None:
        """Swap many requests at once; raises `LostRace` when any of them was changed."""

    def end_grants(self, before: Sequence[Grant], after: Sequence[Grant]) -> None:
        """Swap many grants at once; raises `LostRace` when any of them was changed."""

    def lapse_sessions(self, now: datetime, limit: int, each: Callable[[Sequence[Expired]], None]) -> None:
        """End up to `limit` live sessions past their deadline, the longest overdue first, and mark them unannounced.

        Each becomes what `grants.seen_at` shows of it. `each` is told of some after the other, and writes them down
        while the next are ended.
        """

    def claim_unannounced(self, now: datetime, limit: int) -> Sequence[Grant]:
        """Take the mark off up to `limit` grants whose end is to be announced, the longest unannounced first.

        Returns them, so that what tells their partners is written in the same transaction.
        """

    def add_all(self, records: Iterable[object]) -> None:
        """Insert many records of one kind at once."""

    def purge(self, now: datetime, *, expired_before: datetime, limit: int) -> int:
        """Delete requests expired before then, stale replays and dead token messages; returns how many rows went."""

    def authority_changed(self) -> None:
        """Make every cache of decisions, on every replica, look again."""


@dataclass(frozen=True, slots=True)
class FieldOf:
    """One field of the record that has a value in another field, which no two records of its kind share."""

    kind: type[Any]
    field: str
    by: str
    value: object


# A kind of record, one of its fields that no two share, and a value of that field.
Expected = tuple[type[Any], str, object | FieldOf]
# What will be asked for, in the deployment with this id.
Expectation = Callable[[str], Sequence[Expected]]


class Store(Protocol):
    """Where records live."""

    def read(self, work: Callable[[Reading], T]) -> T:
        """Run `work` on a snapshot and return its result; raises `Unavailable` when the store cannot be reached."""

    def write(self, work: Callable[[Writing], T], *, expected: Expectation | None = None) -> T:
        """Run `work` in a transaction and return its result once that is durable.

        `work` may run more than once and must have no other effect; whatever it raises undoes it and is raised here.
        What is `expected` to be asked for is looked up together with what others expect; it is a hint and no more.
        """


@dataclass(frozen=True, slots=True)
class Terms:
    """The deployment's choices that the domain obeys; durations are time spans, `base_url` has no trailing slash."""

    partition: str = "aws"
    base_url: str = "http://127.0.0.1:8470"
    exchange_cap: int = 100
    open_requests_per_partner: int = 1000
    open_requests_per_account: int = 100
    roles_per_account: int = 1000
    role_lifetime: timedelta = timedelta(days=365)
    retention: timedelta = timedelta(days=90)
    repeat_window: timedelta = timedelta(seconds=60)
    replay_memory: timedelta = timedelta(minutes=31)
    web_idle: timedelta = timedelta(minutes=15)
    web_longest: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a use-case may ask for. `check_receiver` raises `BadInput` for a URL we would never call."""

    store: Store
    clock: Clock
    entropy: Entropy
    keyring: Keyring
    terms: Terms
    check_receiver: Callable[[str], object]
    passwords: Passwords
    authenticators: Authenticators
    identity_providers: IdentityProviders
