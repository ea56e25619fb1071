"""The STS operations of the AWS wire."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from workflows import inquiry, release
from workflows.callers import Call
from workflows.ports import Ports

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


def who_am_i(ports: Ports, call: Call, _given: Input) -> Output:
    """GetCallerIdentity; no policy governs it, not even an explicit deny."""
    caller = inquiry.identify(ports, call)
    return {"UserId": caller.principal_id, "Account": caller.account_id, "Arn": caller.arn}


HANDLERS: Final[Mapping[str, Callable[[Ports, Call, Input], Output]]] = {
    "GetDelegatedAccessToken": exchange,
    "GetCallerIdentity": who_am_i,
}
