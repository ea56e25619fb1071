"""The condition keys that any service's requests can carry, with what is known of their values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workflows.policy.context import fold


class KeyType(StrEnum):
    """The types of condition keys, by the names that the published catalogue uses."""

    STRING = "String"
    ARN = "ARN"
    NUMERIC = "Numeric"
    BOOL = "Bool"
    DATE = "Date"
    IP_ADDRESS = "IPAddress"
    STRINGS = "ArrayOfString"
    ARNS = "ArrayOfARN"
    BOOLS = "ArrayOfBool"

    @property
    def is_list(self) -> bool:
        """Whether a request may hold several values."""
        return self in (KeyType.STRINGS, KeyType.ARNS, KeyType.BOOLS)


@dataclass(frozen=True, slots=True)
class GlobalKey:
    """A global key; with `is_always_present` every request carries it. A name that ends with `/` takes a tag's name."""

    name: str
    type: KeyType = KeyType.STRING
    is_always_present: bool = False


_S, _A, _B, _D = KeyType.STRING, KeyType.ARN, KeyType.BOOL, KeyType.DATE
_KEYS: Final = (
    GlobalKey("aws:AssumedRoot", _B),
    GlobalKey("aws:CalledVia", KeyType.STRINGS),
    GlobalKey("aws:CalledViaAWSMCP"),
    GlobalKey("aws:CalledViaFirst"),
    GlobalKey("aws:CalledViaLast"),
    GlobalKey("aws:ChatbotSourceArn", _A),
    GlobalKey("aws:CurrentTime", _D, is_always_present=True),
    GlobalKey("aws:Ec2InstanceSourcePrivateIPv4", KeyType.IP_ADDRESS),
    GlobalKey("aws:Ec2InstanceSourceVpc"),
    GlobalKey("aws:EpochTime", _D, is_always_present=True),
    GlobalKey("aws:FederatedProvider"),
    GlobalKey("aws:IsMcpServiceAction", _B),
    GlobalKey("aws:MultiFactorAuthAge", KeyType.NUMERIC),
    GlobalKey("aws:MultiFactorAuthPresent", _B),
    GlobalKey("aws:PrincipalAccount", is_always_present=True),
    GlobalKey("aws:PrincipalArn", _A, is_always_present=True),
    GlobalKey("aws:PrincipalIsAWSService", _B, is_always_present=True),
    GlobalKey("aws:PrincipalOrgID"),
    GlobalKey("aws:PrincipalOrgPaths", KeyType.STRINGS),
    GlobalKey("aws:PrincipalServiceName"),
    GlobalKey("aws:PrincipalServiceNamesList", KeyType.STRINGS),
    GlobalKey("aws:PrincipalTag/"),
    GlobalKey("aws:PrincipalType", is_always_present=True),
    GlobalKey("aws:Referer"),
    GlobalKey("aws:RequestTag/"),
    GlobalKey("aws:RequestedRegion"),
    GlobalKey("aws:ResourceAccount"),
    GlobalKey("aws:ResourceOrgID"),
    GlobalKey("aws:ResourceOrgPaths", KeyType.STRINGS),
    GlobalKey("aws:ResourceTag/"),
    GlobalKey("aws:SecureTransport", _B, is_always_present=True),
    GlobalKey("aws:SourceAccount"),
    GlobalKey("aws:SourceArn", _A),
    GlobalKey("aws:SourceIdentity"),
    GlobalKey("aws:SourceIp", KeyType.IP_ADDRESS),
    GlobalKey("aws:SourceOrgID"),
    GlobalKey("aws:SourceOrgPaths", KeyType.STRINGS),
    GlobalKey("aws:SourceOwner"),
    GlobalKey("aws:SourceVpc"),
    GlobalKey("aws:SourceVpcArn", _A),
    GlobalKey("aws:SourceVpce"),
    GlobalKey("aws:TagKeys", KeyType.STRINGS),
    GlobalKey("aws:TokenIssueTime", _D),
    GlobalKey("aws:UserAgent"),
    GlobalKey("aws:ViaAWSMCPService", _B),
    GlobalKey("aws:ViaAWSService", _B, is_always_present=True),
    GlobalKey("aws:VpceAccount"),
    GlobalKey("aws:VpceOrgID"),
    GlobalKey("aws:VpceOrgPaths", KeyType.STRINGS),
    GlobalKey("aws:VpcSourceIp", KeyType.IP_ADDRESS),
    GlobalKey("aws:userid", is_always_present=True),
    GlobalKey("aws:username"),
)


class _GlobalKeys:
    """Finds a global key by any spelling of its name."""

    def __init__(self, keys: Mapping[str, GlobalKey]) -> None:
        self._keys = keys

    def find(self, name: str) -> GlobalKey | None:
        """Return the key; one of a tag needs the tag's name behind the slash."""
        folded = fold(name)
        head, slash, tag = folded.partition("/")
        if not slash:
            return self._keys.get(folded)
        return self._keys.get(head + slash) if tag else None


GLOBAL_KEYS: Final = _GlobalKeys({fold(key.name): key for key in _KEYS})
