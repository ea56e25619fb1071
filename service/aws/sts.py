"""The STS operations of the AWS wire."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from service.aws.listing import read_tags
from workflows import inquiry, permits, release, role_sessions
from workflows.callers import Call, CallerKind
from workflows.errors import BadInput
from workflows.ports import Expectation, Ports
from workflows.role_sessions import NewSession

Input = Mapping[str, Any]
Output = Mapping[str, object]


def exchange(ports: Ports, call: Call, given: Input) -> Output:
    """GetDelegatedAccessToken."""
    minted = release.exchange(ports, call, given["TradeInToken"])
    return {
        "Credentials": {
            "AccessKeyId": minted.access_key_id,
            "SecretAccessKey": minted.secret_access_key,
            "SessionToken": minted.session_token,
            "Expiration": minted.expires_at,
        },
        "AssumedPrincipal": minted.assumed_principal,
    }


def expected_of_exchange(call: Call, given: Input) -> Expectation:
    """What GetDelegatedAccessToken will look for."""
    return release.expected_of_exchange(call, given["TradeInToken"])


def assume(ports: Ports, call: Call, given: Input) -> Output:
    """AssumeRole."""
    for member in ("SerialNumber", "TokenCode", "ProvidedContexts"):
        if given.get(member):
            raise BadInput(member, "is not supported; there is no multi-factor device that a program could read")
    assumed = role_sessions.assume(
        ports,
        call,
        NewSession(
            role_arn=given["RoleArn"],
            name=given["RoleSessionName"],
            duration=given.get("DurationSeconds"),
            external_id=given.get("ExternalId"),
            policy=given.get("Policy"),
            policy_arns=tuple(one.get("arn", "") for one in given.get("PolicyArns", ())),
            tags=read_tags(given.get("Tags")),
            transitive=tuple(given.get("TransitiveTagKeys", ())),
            source_identity=given.get("SourceIdentity"),
        ),
    )
    session = assumed.session
    return {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": assumed.secret_access_key,
            "SessionToken": assumed.session_token,
            "Expiration": session.expires_at,
        },
        "AssumedRoleUser": {"AssumedRoleId": f"{assumed.role.id}:{session.name}", "Arn": assumed.arn},
        "PackedPolicySize": assumed.packed,
        "SourceIdentity": session.source_identity,
    }


def decode(ports: Ports, call: Call, given: Input) -> Output:
    """DecodeAuthorizationMessage."""
    return {"DecodedMessage": permits.decode(ports, call, given["EncodedMessage"])}


def who_am_i(ports: Ports, call: Call, _given: Input) -> Output:
    """GetCallerIdentity; no policy governs it, not even an explicit deny."""
    caller = inquiry.identify(ports, call)
    user_id = f"{caller.principal_id}:{caller.name}" if caller.kind is CallerKind.ROLE else caller.principal_id
    return {"UserId": user_id, "Account": caller.account_id, "Arn": caller.arn}


HANDLERS: Final[Mapping[str, Callable[[Ports, Call, Input], Output]]] = {
    "GetDelegatedAccessToken": exchange,
    "AssumeRole": assume,
    "DecodeAuthorizationMessage": decode,
    "GetCallerIdentity": who_am_i,
}
