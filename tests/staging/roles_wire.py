"""Clients that hold roles, and what the decision endpoint says of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from staging.houses import OPERATOR
from staging.wires import Cast, key_of

from workflows import credentialing, onboarding
from workflows.credentialing import NewKey
from workflows.records.account import Principal, PrincipalKind
from workflows.release import Minted

_STORE: Final = "arn:aws:daypass:::resource-server/store"


@contextmanager
def refused(code: str) -> Iterator[None]:
    """Fail unless the block is refused with this code."""
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code, caught.value


def lent_client(cast: Cast, service: str, session: Minted) -> Any:
    """A client with the credentials of a delegated session."""
    return cast.live.boto(service, key_of(session), session.session_token)


def role_client(cast: Cast, service: str, answer: dict[str, Any]) -> Any:
    """A client with the credentials that AssumeRole answered."""
    given = answer["Credentials"]
    return cast.live.boto(service, NewKey(given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"])


def _resource_server(cast: Cast) -> str:
    """An API token of the one resource server."""
    ports = cast.live.ports
    found = ports.store.read(lambda tx: tx.find(Principal, arn=_STORE))
    kind = PrincipalKind.RESOURCE_SERVER
    server = found[0] if found else onboarding.create_housed_principal(ports, OPERATOR, kind=kind, name="store")
    return credentialing.create_api_token(ports, OPERATOR, server.arn, scopes=("decide",)).token


def decides(cast: Cast, answer: dict[str, Any], question: tuple[str, str]) -> bool:
    """What the decision endpoint says about the session that AssumeRole answered."""
    return decides_for(cast, answer["Credentials"]["SessionToken"], question)


def decides_for(
    cast: Cast, session_token: str, question: tuple[str, str], context: Mapping[str, str] | None = None
) -> bool:
    """What the decision endpoint says about any session."""
    body = {
        "subject": {"type": "session", "id": session_token},
        "action": {"name": question[0]},
        "resource": {"type": "", "id": question[1]},
        "context": dict(context or {}),
    }
    told = cast.live.http(_resource_server(cast)).post("/access/v1/evaluation", json=body)
    decision: bool = told.raise_for_status().json()["decision"]
    return decision
