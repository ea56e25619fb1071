"""Opens the house: from settings to the ports that every use-case asks for. No web framework is imported here."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from service.authenticators import WebAuthn
from service.clock import DatabaseTime, SystemClock, machine_time
from service.db.engine import is_shared
from service.db.schema import is_settled, migrate
from service.db.store import SqlStore
from service.entropy import SystemEntropy
from service.errors import StartError
from service.keyring import FileKeyring, create_key_file, load_key_file
from service.notify.guard import check_url
from service.openid import OpenIdConnect
from service.passwords import Argon2Passwords
from service.settings import Settings
from workflows.credentials.keys import key_check, same_text
from workflows.errors import SealBroken
from workflows.identity_providers import CALLBACK
from workflows.ports import Clock, Keyring, Ports, Writing
from workflows.records.deployment import Deployment

_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class House:
    """Everything that one process holds open."""

    settings: Settings
    ports: Ports
    store: SqlStore
    time: DatabaseTime | None = None

    @property
    def shared(self) -> bool:
        """Whether other processes may serve this deployment as well."""
        return is_shared(self.settings.url)

    def close(self) -> None:
        """Finish what is being written and let go of the database."""
        self.store.close()


def _keyring(settings: Settings, *, fresh: bool) -> FileKeyring:
    path = settings.key_file
    if not path.exists():
        if not fresh:
            raise StartError(
                f"there is a database at {settings.database_name} but no master key file at {path}; "
                "without it no secret opens. Put the file back, or point DAYPASS_MASTER_KEY_FILE to it",
            )
        create_key_file(path, SystemEntropy())
    return load_key_file(path)


def _deployment(tx: Writing, keyring: Keyring, now: datetime) -> Deployment:
    """Return the deployment's row, made on first start; raises `StartError` when it belongs to another key."""
    found = tx.find(Deployment)
    if not found:
        deployment_id = "dp-" + SystemEntropy().token_bytes(8).hex()
        check = f"{keyring.newest}:{key_check(keyring, keyring.newest, deployment_id)}"
        fresh = Deployment(deployment_id, check, authority=0, high_water=now, created_at=now)
        tx.add(fresh)
        return fresh
    key_id, _, check = found[0].key_check.partition(":")
    try:
        genuine = same_text(check, key_check(keyring, key_id, found[0].id))
    except SealBroken:
        genuine = False
    if not genuine:
        raise StartError("the master key file belongs to another database; point DAYPASS_MASTER_KEY_FILE to its own")
    return found[0]


def open_house(settings: Settings, *, clock: Clock | None = None) -> House:
    """Open the database and the key ring, migrate if need be, and return the house.

    `clock` stands in for the machine's. Raises `StartError` saying what is missing or does not fit.
    """
    keyring = _keyring(settings, fresh=not is_settled(settings.url))
    migrate(settings.url)
    store = SqlStore(settings.url)
    try:
        time = DatabaseTime(store.database_time) if is_shared(settings.url) and clock is None else None
        wall = time or machine_time
        started = clock or SystemClock(_EPOCH, wall)
        deployment = store.write(lambda tx: _deployment(tx, keyring, started.now()))
    except BaseException:
        store.close()
        raise
    ports = Ports(
        store=store,
        clock=clock or SystemClock(deployment.high_water, wall),
        entropy=SystemEntropy(),
        keyring=keyring,
        terms=settings.terms,
        check_receiver=partial(check_url, allow_loopback=settings.insecure_allow_loopback_receivers),
        passwords=Argon2Passwords(),
        authenticators=WebAuthn(settings.origin),
        identity_providers=OpenIdConnect(
            clock or SystemClock(deployment.high_water),
            settings.origin + CALLBACK,
            allow_loopback=settings.insecure_allow_loopback_receivers,
        ),
    )
    return House(settings, ports, store, time)
