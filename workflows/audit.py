"""What each act writes down, and the chain that shows every later change to it.

One chain per account. Each entry's code (HMAC-SHA256 under a key that the database does not hold) covers its fields
and the previous entry's code, so an altered, missing, moved or invented entry breaks the chain at its place; the
head row carries the chain's length under a code of its own, so a shortened chain shows as well.
"""

import hmac
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from workflows.callers import Call
from workflows.credentials.keys import derive
from workflows.errors import DomainError, SealBroken
from workflows.ids import AccountId
from workflows.ports import Keyring, Ports, Reading, Writing
from workflows.records.account import Account, Principal, PrincipalKind
from workflows.records.audit import AuditEntry, AuditHead
from workflows.records.partner import Partner

_GENESIS: Final = "genesis"
_ID_BYTES: Final = 16


@dataclass(slots=True)
class Draft:
    """What an act wants to have written down. Only values put here on purpose reach the entry: nothing is copied.

    `outcome` is what a byte-identical repeat of the call needs to give the same answer; it holds no secret.
    """

    act: str
    chain: AccountId
    resource: str = "*"
    request_id: str | None = None
    partner_id: AccountId | None = None
    asked: dict[str, object] = field(default_factory=dict)
    answered: dict[str, object] = field(default_factory=dict)
    before: str | None = None
    after: str | None = None
    digest: str | None = None
    decided_by: str | None = None
    outcome: dict[str, str] = field(default_factory=dict)


def _frame(parts: Iterable[str]) -> bytes:
    """Join parts so that no two different lists of parts give the same bytes."""
    encoded = [part.encode() for part in parts]
    return b"".join([len(part).to_bytes(8, "big") + part for part in encoded])


class Sealer:
    """Makes and checks the codes of a chain; each code names the master key that made it."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._keyed: dict[str, hmac.HMAC] = {}

    def code(self, *parts: str) -> str:
        """Return a code over the parts under the newest master key."""
        return self._code(self._keyring.newest, parts)

    def proves(self, code: str, *parts: str) -> bool:
        """Tell whether this code was made over these parts by a key of this ring."""
        key_id = code.partition(":")[0]
        try:
            return hmac.compare_digest(self._code(key_id, parts), code)
        except (SealBroken, TypeError, AttributeError):
            # Whoever can write to the file can put a value of any type into a column.
            return False

    def _code(self, key_id: str, parts: Sequence[str]) -> str:
        keyed = self._keyed.get(key_id)
        if keyed is None:
            keyed = self._keyed[key_id] = hmac.new(derive(self._keyring, key_id, "audit", ""), digestmod="sha256")
        code = keyed.copy()
        code.update(_frame(parts))
        return f"{key_id}:{code.hexdigest()}"


_LONGEST_TEXT: Final = 512
_canonical: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


# The fields of an entry but its code, in their order.
_Uncoded = tuple[AccountId, int, datetime, str | None, AccountId | None, str]
_uncoded: Final[Callable[[AuditEntry], _Uncoded]] = attrgetter(*[one.name for one in fields(AuditEntry)][:-1])


def _covered(entry: _Uncoded, previous: str) -> tuple[str, ...]:
    chain, number, at, request_id, partner_id, body = entry
    about = _canonical(request_id), _canonical(partner_id)
    return "entry", chain, str(number), at.isoformat(), *about, body, previous


def _bounded(value: object) -> object:
    """Return what is written down of a value from outside: a refused text can be as long as a request."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT else value[:_LONGEST_TEXT] + "…"
    if isinstance(value, dict):
        return {key: _bounded(item) for key, item in value.items()}
    return [_bounded(item) for item in value] if isinstance(value, list) else value


def body_of(call: Call, draft: Draft, *, event_id: str, failure: DomainError | None = None) -> str:
    """Return the canonical JSON of one entry. The failure's own message is safe: it never carries a secret."""
    caller = call.caller
    fields: dict[str, object] = {
        "id": event_id,
        "act": draft.act,
        "call": call.id,
        "wire": call.wire,
        "source_ip": call.source_ip,
        "user_agent": call.user_agent,
        "caller": {
            "kind": caller.kind.value,
            "account_id": caller.account_id,
            "principal_id": caller.principal_id,
            "arn": caller.arn,
            "name": caller.name,
            "credential": caller.credential,
            "delegate": caller.partner_id,
            "grant_id": caller.grant_id,
        },
        "resource": _bounded(draft.resource),
        "asked": _bounded(draft.asked),
        "answered": draft.answered if failure is None else {},
        "before": draft.before,
        "after": draft.after if failure is None else None,
        "digest": draft.digest,
        "decided_by": draft.decided_by,
        "failure": type(failure).__name__ if failure else None,
        "message": _bounded(str(failure)) if failure else None,
    }
    return _canonical(fields)


def append(
    tx: Writing,
    ports: Ports,
    written: Iterable[tuple[Call, Draft, DomainError | None]],
    *,
    now: datetime,
) -> None:
    """Append one entry for each act to its chain, in this transaction."""
    sealer = Sealer(ports.keyring)
    by_chain: dict[AccountId, list[tuple[Call, Draft, DomainError | None]]] = defaultdict(list)
    for item in written:
        by_chain[item[1].chain].append(item)
    for chain, items in by_chain.items():
        head = tx.get(AuditHead, chain)
        number, previous = (head.number, head.entry_mac) if head else (0, _GENESIS)
        entries = []
        # To ask for randomness is to ask the system, so it is asked once for all.
        ids = ports.entropy.token_bytes(_ID_BYTES * len(items)).hex(" ", _ID_BYTES).split(" ")
        for event_id, (call, draft, failure) in zip(ids, items, strict=True):
            number += 1
            body = body_of(call, draft, event_id=event_id, failure=failure)
            entry: _Uncoded = (chain, number, now, draft.request_id, draft.partner_id, body)
            previous = sealer.code(*_covered(entry, previous))
            entries.append(AuditEntry(*entry, previous))
        tx.add_all(entries)
        tx.put(AuditHead(chain, number, previous, sealer.code("head", chain, str(number), previous)))


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing wrong with a chain: which entry, and what about it."""

    chain: str
    number: int
    problem: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found: how many entries were read, each chain's head, and every chain's first fault."""

    entries: int
    heads: Mapping[str, tuple[int, str]]
    faults: tuple[Fault, ...]


_PAGE: Final = 1000
# Every number that a row can have; a chain counts from one, without a gap.
_FIRST, _LAST = -(2**63), 2**63


def _page(tx: Reading, chain: AccountId, first: int) -> Sequence[AuditEntry] | None:
    """Return the next entries of a chain, or one alone where a later one cannot be read, or None if it cannot."""
    for count in (_PAGE, 1):
        with suppress(ValueError):
            return tx.find(AuditEntry, chain=chain, number=range(first, first + count))
    return None


def _check_chain(tx: Reading, sealer: Sealer, chain: AccountId) -> tuple[int, str, Fault | None]:
    """Walk one chain; return how many entries hold, the last code, and the first fault."""
    number, previous = 0, _GENESIS
    while entries := _page(tx, chain, number + 1):
        for entry in entries:
            if entry.number != number + 1:
                return number, previous, Fault(chain, number + 1, "is missing")
            if not sealer.proves(entry.mac, *_covered(_uncoded(entry), previous)):
                return number, previous, Fault(chain, entry.number, "was altered, moved or invented")
            number, previous = entry.number, entry.mac
    if entries is None:
        return number, previous, Fault(chain, number + 1, "cannot be read")
    for outside in (range(_FIRST, 1), range(number + 1, _LAST)):
        if strays := tx.find(AuditEntry, chain=chain, number=outside):
            return number, previous, Fault(chain, strays[0].number, "stands outside the chain")
    return number, previous, None


def sound_bodies(tx: Reading, keyring: Keyring, chain: AccountId, request_id: str) -> list[dict[str, Any]]:
    """Return what the entries of a chain say about one request; an entry whose code does not hold says nothing."""
    sealer = Sealer(keyring)
    bodies = []
    for entry in tx.find(AuditEntry, chain=chain, request_id=request_id):
        before = tx.get(AuditEntry, chain, entry.number - 1)
        if sealer.proves(entry.mac, *_covered(_uncoded(entry), before.mac if before else _GENESIS)):
            bodies.append(json.loads(entry.body))
    return bodies


def _check_head(tx: Reading, sealer: Sealer, chain: AccountId, number: int, last: str) -> Fault | None:
    head = tx.get(AuditHead, chain)
    if head is None:
        return Fault(chain, number, "the chain's head is missing")
    if not sealer.proves(head.mac, "head", chain, str(head.number), head.entry_mac):
        return Fault(chain, head.number, "the chain's head was altered")
    if head.number > number:
        return Fault(chain, number + 1, "is missing at the end of the chain")
    if head.number < number or head.entry_mac != last:
        return Fault(chain, head.number + 1, "was appended behind the chain's head")
    return None


def _expected_chains(tx: Reading) -> set[AccountId]:
    """Return the chains that must exist: creating an account, partner or principal is always written down."""
    owners = {account.id for account in tx.find(Account)} | {partner.id for partner in tx.find(Partner)}
    housed = (
        tx.find(Principal, kind=PrincipalKind.OPERATOR),
        tx.find(Principal, kind=PrincipalKind.RESOURCE_SERVER),
    )
    return owners | {principal.account_id for group in housed for principal in group}


def verify(tx: Reading, keyring: Keyring, *, anchor: Mapping[str, tuple[int, str]] | None = None) -> Verdict:
    """Check every chain from its first entry to its head.

    `anchor` is the heads of an earlier verdict, kept elsewhere: a chain that no longer contains one of them was cut
    and continued, or the whole database was put back to an older state.
    """
    sealer = Sealer(keyring)
    chains = _expected_chains(tx) | {head.chain for head in tx.find(AuditHead)} | set(tx.chains())
    chains |= {AccountId(chain) for chain in anchor or {}}
    total, heads, faults = 0, {}, []
    for chain in sorted(chains):
        count, last, fault = _check_chain(tx, sealer, chain)
        fault = fault or _check_head(tx, sealer, chain, count, last)
        if fault is None and anchor and chain in anchor:
            fault = _check_anchor(tx, chain, *anchor[chain])
        total += count
        heads[str(chain)] = (count, last)
        if fault:
            faults.append(fault)
    return Verdict(total, heads, tuple(faults))


def _check_anchor(tx: Reading, chain: AccountId, number: int, mac: str) -> Fault | None:
    entry = tx.get(AuditEntry, chain, number)
    if entry is None or entry.mac != mac:
        return Fault(chain, number, "is not the entry that was anchored")
    return None
