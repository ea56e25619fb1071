"""Use-cases that hand out and take back long-lived credentials: access keys and API tokens, each shown once."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from workflows.acts import perform
from workflows.audit import Draft
from workflows.authentication import deployment_of
from workflows.authority import Question, authorize
from workflows.callers import Call, CallerKind
from workflows.credentials.keys import new_access_key_id, new_secret, seal
from workflows.credentials.tokens import TokenMark, hash_of, new_token
from workflows.errors import AccessDenied, BadInput, LimitExceeded, NoSuchEntity
from workflows.ids import AccessKeyId
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import AccessKey, ApiToken, Principal, PrincipalKind

# IAM's quota; two, so that a key can be replaced without a gap.
KEYS_PER_PRINCIPAL: Final = 2
TOKENS_PER_PRINCIPAL: Final = 20
DEFAULT_TOKEN_DAYS: Final = 90
LONGEST_TOKEN_DAYS: Final = 365

SCOPES: Final = ("read", "write", "decide")


@dataclass(frozen=True, slots=True)
class NewKey:
    """An access key with the secret that is shown this once."""

    access_key_id: AccessKeyId
    secret_access_key: str


@dataclass(frozen=True, slots=True)
class NewToken:
    """An API token with the text that is shown this once."""

    token: str
    record: ApiToken


def _holder(tx: Reading, ports: Ports, call: Call, arn: str, action: str) -> Principal:
    """Return the principal that is to hold a credential; a foreign one looks like an unknown one."""
    found = tx.find(Principal, arn=arn)
    caller = call.caller
    foreign = caller.kind is not CallerKind.OPERATOR and (not found or found[0].account_id != caller.account_id)
    if not found or foreign:
        raise NoSuchEntity("principal", arn)
    authorize(tx, ports, call, Question(action, arn, {}))
    return found[0]


def create_access_key(ports: Ports, call: Call, principal_arn: str) -> NewKey:
    """Give a principal an access key; raises `LimitExceeded` when it has two."""

    def work(tx: Writing, draft: Draft) -> NewKey:
        holder = _holder(tx, ports, call, principal_arn, "iam:CreateAccessKey")
        if holder.kind in (PrincipalKind.RESOURCE_SERVER, PrincipalKind.OPERATOR):
            raise BadInput("principal", "signs no requests; give it an API token")
        if len(tx.find(AccessKey, principal_id=holder.id)) >= KEYS_PER_PRINCIPAL:
            raise LimitExceeded(f"a principal can have {KEYS_PER_PRINCIPAL} access keys")
        key_id = new_access_key_id(ports.entropy, session=False)
        secret = new_secret(ports.entropy)
        sealed = seal(ports.keyring, ports.entropy, secret.encode("ascii"), purpose="access-key", owner=key_id)
        tx.add(AccessKey(key_id, holder.id, sealed, active=True, created_at=ports.clock.now()))
        draft.chain, draft.resource = holder.account_id, holder.arn
        draft.answered = {"accessKeyId": key_id}
        return NewKey(key_id, secret)

    return perform(ports, call, "CreateAccessKey", work, asked={"principal": principal_arn})


def set_key_active(ports: Ports, call: Call, access_key_id: str, *, active: bool) -> AccessKey:
    """Switch an access key off, or on again; it counts from the next call on."""

    def work(tx: Writing, draft: Draft) -> AccessKey:
        key = tx.get(AccessKey, access_key_id)
        principal = tx.get(Principal, key.principal_id) if key else None
        if key is None or principal is None:
            raise NoSuchEntity("access key", access_key_id)
        try:
            _holder(tx, ports, call, principal.arn, "iam:UpdateAccessKey")
        except NoSuchEntity:
            raise NoSuchEntity("access key", access_key_id) from None
        changed = replace(key, active=active)
        tx.put(changed)
        tx.authority_changed()
        draft.chain, draft.resource = principal.account_id, principal.arn
        return changed

    asked = {"accessKeyId": access_key_id, "active": active}
    return perform(ports, call, "UpdateAccessKey", work, asked=asked)


def create_api_token(
    ports: Ports,
    call: Call,
    principal_arn: str,
    *,
    scopes: tuple[str, ...] = ("read", "write"),
    days: int = DEFAULT_TOKEN_DAYS,
) -> NewToken:
    """Give a principal a bearer token of the JSON API that works for `days` days.

    A token narrows: it can do what its principal's policies and its scopes both allow. A token cannot make tokens,
    or a leaked one would renew itself for ever; only an operator's may, as the operator has nothing else.
    """

    def work(tx: Writing, draft: Draft) -> NewToken:
        caller = call.caller
        if caller.scopes and caller.kind is not CallerKind.OPERATOR:
            raise AccessDenied(
                principal=caller.arn,
                action="daypass:CreateApiToken",
                resource=principal_arn,
                because="because an API token may not create API tokens; sign the call with an access key",
            )
        holder = _holder(tx, ports, call, principal_arn, "daypass:CreateApiToken")
        _check_token(holder, scopes, days)
        now = ports.clock.now()
        live = [one for one in tx.find(ApiToken, principal_id=holder.id) if one.expires_at > now]
        if len([one for one in live if one.revoked_at is None]) >= TOKENS_PER_PRINCIPAL:
            raise LimitExceeded(f"a principal can have {TOKENS_PER_PRINCIPAL} live API tokens")
        token = new_token(ports.entropy, TokenMark.API)
        record = ApiToken(
            id="tok-" + ports.entropy.token_bytes(16).hex(),
            principal_id=holder.id,
            hash=hash_of(token, deployment_of(tx).id),
            scopes=scopes,
            created_at=now,
            expires_at=now + timedelta(days=days),
            revoked_at=None,
            last_used_at=None,
        )
        tx.add(record)
        draft.chain, draft.resource = holder.account_id, holder.arn
        draft.answered = {"tokenId": record.id, "scopes": list(scopes)}
        return NewToken(token, record)

    return perform(ports, call, "CreateApiToken", work, asked={"principal": principal_arn, "days": days})


def _check_token(holder: Principal, scopes: tuple[str, ...], days: int) -> None:
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        raise BadInput("days", f"is {days}; 1 to {LONGEST_TOKEN_DAYS} are accepted")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise BadInput("scopes", f"must name one or more of {', '.join(SCOPES)}")
    if ("decide" in scopes) != (holder.kind is PrincipalKind.RESOURCE_SERVER):
        raise BadInput("scopes", "must be `decide` for a resource server, and for nobody else")


def revoke_api_token(ports: Ports, call: Call, token_id: str) -> None:
    """End an API token; it counts from the next call on."""

    def work(tx: Writing, draft: Draft) -> None:
        record = tx.get(ApiToken, token_id)
        principal = tx.get(Principal, record.principal_id) if record else None
        if record is None or principal is None:
            raise NoSuchEntity("API token", token_id)
        own = principal.id == call.caller.principal_id
        if not own:
            try:
                _holder(tx, ports, call, principal.arn, "daypass:RevokeApiToken")
            except NoSuchEntity:
                raise NoSuchEntity("API token", token_id) from None
        tx.put(replace(record, revoked_at=ports.clock.now()))
        tx.authority_changed()
        draft.chain, draft.resource = principal.account_id, principal.arn

    perform(ports, call, "RevokeApiToken", work, asked={"tokenId": token_id})
