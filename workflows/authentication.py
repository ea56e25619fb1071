"""Who a credential belongs to: access keys, session credentials and API tokens.

A credential's standing is read at use. For signed calls the secret is found first and the signature checked before
anything is said about the credential's state, so that nobody without the secret learns it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from workflows.callers import Caller, CallerKind
from workflows.credentials.keys import SESSION_PREFIX, same_text, session_secret, session_token, unseal
from workflows.credentials.tokens import TokenMark, hash_of, well_formed
from workflows.errors import SessionExpired, Unauthenticated, UnknownCredential
from workflows.grants import usable_at
from workflows.ids import AccessKeyId
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import AccessKey, ApiToken, Principal, PrincipalKind
from workflows.records.deployment import Deployment
from workflows.records.grant import Grant, Session
from workflows.records.partner import Partner
from workflows.records.role import RoleSession
from workflows.role_standing import Held, held_session

_KIND_OF: Final = {
    PrincipalKind.ROLE: CallerKind.ROLE,
    PrincipalKind.USER: CallerKind.USER,
    PrincipalKind.ROOT: CallerKind.ROOT,
    PrincipalKind.PARTNER: CallerKind.PARTNER,
    PrincipalKind.RESOURCE_SERVER: CallerKind.RESOURCE_SERVER,
    PrincipalKind.OPERATOR: CallerKind.OPERATOR,
}

# The time at which a token was last used is kept this coarsely, so that reading does not become writing.
USE_RESOLUTION: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a claimed access key would prove: the secret to check against, then either a refusal or a caller.

    For a key that is not `known` the secret is a dummy, so that the same work is done for it.
    """

    secret: str
    caller: Caller | None
    refusal: Unauthenticated | None
    known: bool = True


def caller_of(principal: Principal, credential: str) -> Caller:
    """Return the caller that a principal's own credential authenticates."""
    return Caller(
        kind=_KIND_OF[principal.kind],
        account_id=principal.account_id,
        principal_id=principal.id,
        arn=principal.arn,
        name=principal.name,
        credential=credential,
    )


def _unknown() -> Candidate:
    return Candidate("no such key", None, UnknownCredential(), known=False)


def candidate_for(tx: Reading, ports: Ports, access_key_id: str, token: str | None) -> Candidate:
    """Return what a claimed access key id and session token amount to, before the signature is checked."""
    if access_key_id.startswith(SESSION_PREFIX):
        return _session_candidate(tx, ports, AccessKeyId(access_key_id), token)
    key = tx.get(AccessKey, access_key_id)
    if key is None:
        return _unknown()
    secret = unseal(ports.keyring, key.sealed_secret, purpose="access-key", owner=key.id).decode("ascii")
    principal = tx.get(Principal, key.principal_id)
    if token is not None or not key.active or principal is None or not principal.active:
        return Candidate(secret, None, UnknownCredential())
    return Candidate(secret, caller_of(principal, key.id), None)


def confirm(tx: Reading, ports: Ports, caller: Caller, authority: int) -> None:
    """Raise unless this access key is still the caller's, who was found when this was the count of authority.

    For a caller who was recalled without a look at the store; raises the refusal that a look would have ended in.
    """
    if deployment_of(tx).authority == authority:
        return
    candidate = candidate_for(tx, ports, caller.credential or "", None)
    if candidate.caller != caller:
        raise candidate.refusal or UnknownCredential


def _session_candidate(tx: Reading, ports: Ports, access_key_id: AccessKeyId, token: str | None) -> Candidate:
    session = tx.get(Session, access_key_id)
    grant = tx.get(Grant, session.grant_id) if session else None
    if session is None or grant is None:
        return _role_candidate(tx, ports, access_key_id, token)
    secret = session_secret(ports.keyring, session.master_key, access_key_id)
    if token is None or not same_text(token, session_token(ports.keyring, session.master_key, access_key_id)):
        return Candidate(secret, None, UnknownCredential())
    approver = tx.get(Principal, grant.approver_principal_id)
    partner = tx.get(Partner, grant.partner_id)
    alive = approver is not None and approver.active and partner is not None and partner.active
    if approver is None or not alive or not usable_at(grant, ports.clock.now()):
        return Candidate(secret, None, SessionExpired())
    caller = replace(
        caller_of(approver, access_key_id),
        kind=CallerKind.SESSION,
        grant_id=grant.id,
        partner_id=grant.partner_id,
    )
    return Candidate(secret, caller, None)


def _role_candidate(tx: Reading, ports: Ports, access_key_id: AccessKeyId, token: str | None) -> Candidate:
    session = tx.get(RoleSession, access_key_id)
    if session is None:
        return _unknown()
    secret = session_secret(ports.keyring, session.master_key, access_key_id)
    if token is None or not same_text(token, session_token(ports.keyring, session.master_key, access_key_id)):
        return Candidate(secret, None, UnknownCredential())
    held = held_session(tx, access_key_id, ports.clock.now())
    return Candidate(secret, None, SessionExpired()) if held is None else Candidate(secret, caller_of_held(held), None)


def caller_of_held(held: Held) -> Caller:
    """Return the caller that the credentials of a role's session authenticate.

    Its delegate is that of the last delegation it descends from.
    """
    nearest = held.ancestors[-1].grant if held.ancestors else None
    return Caller(
        kind=CallerKind.ROLE,
        account_id=held.role.account_id,
        principal_id=held.role.id,
        arn=held.arn,
        name=held.session.name,
        credential=held.session.access_key_id,
        grant_id=nearest.id if nearest else None,
        partner_id=nearest.partner_id if nearest else None,
    )


def deployment_of(tx: Reading) -> Deployment:
    """Return the deployment's row, which start-up made sure of."""
    return tx.deployment()


def caller_of_token(tx: Reading, ports: Ports, token: str) -> tuple[Caller, ApiToken]:
    """Return whom an API token authenticates, and the token's record; raises `UnknownCredential` for any other text."""
    if not well_formed(token, TokenMark.API):
        raise UnknownCredential
    found = tx.find(ApiToken, hash=hash_of(token, deployment_of(tx).id))
    record = found[0] if found else None
    if record is None or record.revoked_at is not None or ports.clock.now() >= record.expires_at:
        raise UnknownCredential
    principal = tx.get(Principal, record.principal_id)
    if principal is None or not principal.active:
        raise UnknownCredential
    return replace(caller_of(principal, record.id), scopes=frozenset(record.scopes)), record


def note_use(ports: Ports, record: ApiToken) -> None:
    """Remember when a token was last used, at most once in `USE_RESOLUTION`."""
    now = ports.clock.now()
    if record.last_used_at is None or now - record.last_used_at >= USE_RESOLUTION:

        def work(tx: Writing) -> None:
            # Only what is stored now may be written back: the token may have been revoked since it was read.
            if current := tx.get(ApiToken, record.id):
                tx.put(replace(current, last_used_at=now))

        ports.store.write(work)
