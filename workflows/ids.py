r"""Identifiers: parsed once at the edge, typed ever after.

Each kind of id is its own type, so that an account id can never pass for a request id. The patterns are matched
in full and in ASCII only, because `\d` and `\w` would otherwise accept digits and letters of other scripts.
"""

import re
from collections.abc import Callable
from typing import Final, NewType

from workflows.errors import BadInput

AccountId = NewType("AccountId", str)
RequestId = NewType("RequestId", str)
GrantId = NewType("GrantId", str)
PrincipalId = NewType("PrincipalId", str)
AccessKeyId = NewType("AccessKeyId", str)

# INVARIANT: no account, partner or user can carry this id; acts on the house itself are audited under it.
OPERATOR_ACCOUNT: Final = AccountId("0" * 12)

_ACCOUNT_ID: Final = re.compile(r"[0-9]{12}", re.ASCII)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_ALIAS: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]", re.ASCII)
_ENTITY_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}", re.ASCII)
_CHANNEL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_DOMAIN: Final = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])",
    re.ASCII,
)


def _parser(pattern: re.Pattern[str], accepted: str) -> Callable[[str, str], str]:
    def parse(text: str, field: str) -> str:
        if not pattern.fullmatch(text):
            raise BadInput(field, f"is not {accepted}")
        return text

    return parse


_parse_account_id = _parser(_ACCOUNT_ID, "a 12-digit account id")
_parse_alias = _parser(_ALIAS, "3 to 63 lower-case letters, digits and inner hyphens")
_parse_entity_name = _parser(_ENTITY_NAME, "1 to 64 letters, digits or any of _+=,.@-")
_parse_channel_name = _parser(_CHANNEL_NAME, "1 to 128 letters, digits, hyphens or underscores")
_parse_domain = _parser(_DOMAIN, "a lower-case domain name such as www.example.com")


def parse_account_id(text: str, field: str = "account_id") -> AccountId:
    """Return the 12 ASCII digits as an account id; raises `BadInput` naming `field`."""
    account_id = AccountId(_parse_account_id(text, field))
    if account_id == OPERATOR_ACCOUNT:
        raise BadInput(field, "is reserved for the operator; choose another 12-digit account id")
    return account_id


def parse_alias(text: str, field: str = "alias") -> str:
    """Return an account alias (3-63 lower-case letters, digits, inner hyphens); raises `BadInput`."""
    return _parse_alias(text, field)


def parse_entity_name(text: str, field: str = "name") -> str:
    """Return the name of a user, policy, template, boundary or guardrail; raises `BadInput`."""
    return _parse_entity_name(text, field)


def parse_channel_name(text: str, field: str = "name") -> str:
    """Return a channel name, which must fit the alphabet of the wire's NotificationChannel; raises `BadInput`."""
    return _parse_channel_name(text, field)


def parse_domain(text: str, field: str = "domain") -> str:
    """Return a partner's registered domain in lower case; raises `BadInput`."""
    return _parse_domain(text, field)


def is_request_id(text: str) -> bool:
    """Tell whether the text could be a delegation request id (16-128 of letters, digits, `_` and `-`)."""
    return _REQUEST_ID.fullmatch(text) is not None
