"""Roles over the wire with an unmodified boto3: made, changed, stepped into, read back and taken away."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from staging.clocks import StillClock
from staging.houses import ACCOUNT, PARTNER
from staging.roles import (
    BOUNDARY,
    EVERYTHING,
    OUTSIDE,
    PARTNER_TRUST,
    READ_LOGS,
    WITHIN,
    register_role_work,
    role_session,
    trusting,
)
from staging.wires import Cast, key_of

from workflows.credentialing import NewKey
from workflows.release import Minted

NAME = "Watcher"
PATH = "/lumenwatch.example/"
ARN = f"arn:aws:iam::{ACCOUNT}:role{PATH}{NAME}"


@contextmanager
def refused(code: str) -> Iterator[Any]:
    """Fail unless the block is refused with this code."""
    with pytest.raises(ClientError) as caught:
        yield caught
    assert caught.value.response["Error"]["Code"] == code, caught.value


def client(cast: Cast, service: str, session: Minted) -> Any:
    return cast.live.boto(service, key_of(session), session.session_token)


def credentials(cast: Cast, service: str, answer: dict[str, Any]) -> Any:
    """A client with the credentials that AssumeRole answered."""
    given = answer["Credentials"]
    return cast.live.boto(service, NewKey(given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"])


@pytest.fixture
def partner_session(cast: Cast) -> Minted:
    return role_session(cast.live.ports, cast.people, register_role_work(cast.live.ports))


@pytest.fixture
def lent(cast: Cast, partner_session: Minted) -> Any:
    """The IAM client of a delegated session."""
    return client(cast, "iam", partner_session)


@pytest.fixture
def made(lent: Any) -> dict[str, Any]:
    """A role that a delegated session made, with a policy that asks for everything."""
    role: dict[str, Any] = lent.create_role(
        RoleName=NAME, Path=PATH, AssumeRolePolicyDocument=PARTNER_TRUST, PermissionsBoundary=BOUNDARY
    )["Role"]
    lent.put_role_policy(RoleName=NAME, PolicyName="all", PolicyDocument=EVERYTHING)
    return role


def decides(cast: Cast, answer: dict[str, Any], question: tuple[str, str]) -> bool:
    """What the decision endpoint says about the session that AssumeRole answered."""
    token = resource_server_token(cast)
    body = {
        "subject": {"type": "session", "id": answer["Credentials"]["SessionToken"]},
        "action": {"name": question[0]},
        "resource": {"type": "x", "id": question[1]},
    }
    told = cast.live.http(token).post("/access/v1/evaluation", json=body)
    decision: bool = told.raise_for_status().json()["decision"]
    return decision


def resource_server_token(cast: Cast) -> str:
    from staging.houses import OPERATOR, token_for  # noqa: PLC0415  beside its one use

    from workflows import credentialing, onboarding  # noqa: PLC0415  beside its one use
    from workflows.records.account import Principal, PrincipalKind  # noqa: PLC0415  beside its one use

    arn = "arn:aws:daypass:::resource-server/store"
    found = cast.live.ports.store.read(lambda tx: tx.find(Principal, arn=arn))
    kind = PrincipalKind.RESOURCE_SERVER
    server = (
        found[0] if found else onboarding.create_housed_principal(cast.live.ports, OPERATOR, kind=kind, name="store")
    )
    return credentialing.create_api_token(cast.live.ports, OPERATOR, server.arn, scopes=("decide",)).token


def test_a_session_makes_a_role_that_the_partner_steps_into_and_that_stays_inside_its_boundary(
    cast: Cast, made: dict[str, Any]
) -> None:
    assert made["Arn"] == ARN
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert made["AssumeRolePolicyDocument"] == json.loads(PARTNER_TRUST)
    answer = cast.sts("partner").assume_role(RoleArn=ARN, RoleSessionName="job-1", ExternalId="ext-1")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{NAME}/job-1"
    who = credentials(cast, "sts", answer).get_caller_identity()
    assert (who["Account"], who["Arn"]) == (ACCOUNT, answer["AssumedRoleUser"]["Arn"])
    assert who["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    assert decides(cast, answer, WITHIN)
    assert not decides(cast, answer, OUTSIDE)
