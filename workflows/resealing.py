"""Seals again, under the newest master key, what an older one sealed; in small steps, while everything goes on.

What was derived from an older key (sessions, codes of the audit trail) names that key, so an older key stays in the
ring: it makes nothing new, and what it made goes on to count.
"""

from dataclasses import replace
from typing import Final

from workflows.authentication import deployment_of
from workflows.credentials.keys import key_check, seal, unseal
from workflows.identity_providers import KIND as PROVIDER
from workflows.ports import Ports, Writing
from workflows.records.account import AccessKey
from workflows.records.errand import Errand
from workflows.records.partner import Channel
from workflows.records.sign_in import IdentityProvider

_STEP: Final = 200


def reseal(ports: Ports) -> int:
    """Seal everything again that is not under the newest key; return how many secrets that were.

    Safe to run anywhere, any number of times at once, and to be interrupted.
    """
    total = _access_keys(ports) + _channels(ports) + _identity_providers(ports) + _errands(ports)
    ports.store.write(lambda tx: _key_check(tx, ports))
    return total


def _is_old(ports: Ports, sealed: bytes) -> bool:
    return not sealed.startswith(f"v1.{ports.keyring.newest}.".encode())


def _again(ports: Ports, sealed: bytes, purpose: str, owner: str) -> bytes:
    plain = unseal(ports.keyring, sealed, purpose=purpose, owner=owner)
    return seal(ports.keyring, ports.entropy, plain, purpose=purpose, owner=owner)


def _steps(old: list[str]) -> list[list[str]]:
    return [old[at : at + _STEP] for at in range(0, len(old), _STEP)]


def _access_keys(ports: Ports) -> int:
    def step(tx: Writing, ids: list[str]) -> None:
        for record in tx.find(AccessKey, id=frozenset(ids)):
            if _is_old(ports, record.sealed_secret):
                tx.put(replace(record, sealed_secret=_again(ports, record.sealed_secret, "access-key", record.id)))

    found = ports.store.read(lambda tx: [one.id for one in tx.find(AccessKey) if _is_old(ports, one.sealed_secret)])
    for ids in _steps([str(one) for one in found]):
        ports.store.write(lambda tx, ids=ids: step(tx, ids))  # type: ignore[misc]
    return len(found)


def _channels(ports: Ports) -> int:
    def step(tx: Writing, ids: list[str]) -> None:
        for record in tx.find(Channel, arn=frozenset(ids)):
            if record.sealed_secret is not None and _is_old(ports, record.sealed_secret):
                tx.put(replace(record, sealed_secret=_again(ports, record.sealed_secret, "channel", record.arn)))

    every = ports.store.read(lambda tx: tx.find(Channel))
    found = [one.arn for one in every if one.sealed_secret is not None and _is_old(ports, one.sealed_secret)]
    for ids in _steps(found):
        ports.store.write(lambda tx, ids=ids: step(tx, ids))  # type: ignore[misc]
    return len(found)


def _identity_providers(ports: Ports) -> int:
    def step(tx: Writing, record: IdentityProvider) -> None:
        current = tx.get(IdentityProvider, record.account_id)
        if current is not None and current.sealed_secret is not None and _is_old(ports, current.sealed_secret):
            tx.put(replace(current, sealed_secret=_again(ports, current.sealed_secret, PROVIDER, current.account_id)))

    every = ports.store.read(lambda tx: tx.find(IdentityProvider))
    found = [one for one in every if one.sealed_secret is not None and _is_old(ports, one.sealed_secret)]
    for record in found:
        ports.store.write(lambda tx, record=record: step(tx, record))  # type: ignore[misc]
    return len(found)


def _errands(ports: Ports) -> int:
    def step(tx: Writing, ids: list[str]) -> None:
        for record in tx.find(Errand, id=frozenset(ids)):
            if _is_old(ports, record.sealed_body):
                tx.put(replace(record, sealed_body=_again(ports, record.sealed_body, "errand", record.id)))

    found = ports.store.read(lambda tx: [one.id for one in tx.find(Errand) if _is_old(ports, one.sealed_body)])
    for ids in _steps(found):
        ports.store.write(lambda tx, ids=ids: step(tx, ids))  # type: ignore[misc]
    return len(found)


def _key_check(tx: Writing, ports: Ports) -> None:
    deployment, newest = deployment_of(tx), ports.keyring.newest
    if deployment.key_check.partition(":")[0] != newest:
        tx.put(replace(deployment, key_check=f"{newest}:{key_check(ports.keyring, newest, deployment.id)}"))
