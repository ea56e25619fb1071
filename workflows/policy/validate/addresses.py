"""Addresses in conditions: ranges that are none, loose ones, and private ones where only public ones come."""

import ipaddress
from collections.abc import Iterator
from typing import Final

from workflows.policy.operators import address_range
from workflows.policy.validate.draft import Clause, Draft, StatementDraft
from workflows.policy.validate.rules import Finding, Words, clause_check, error, suggestion

_OPERATORS: Final = ("IpAddress", "NotIpAddress")
# RFC 1918, RFC 4193, RFC 3927, RFC 4291 and the loopback ranges: addresses that no request from outside comes from.
_PRIVATE: Final = tuple(
    found
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
    if (found := address_range(text)) is not None
)

_NO_RANGE: Final = error(
    "TYPE_MISMATCH_IP_RANGE", "{value} is not an address or range.", "Write it as 203.0.113.0/24 or 2001:db8::/32."
)
_LOOSE: Final = suggestion(
    "IMPROVE_IP_RANGE", "{value} has digits behind its prefix that mean nothing.", "Write {canonical}."
)
_PRIVATE_ONLY: Final = error(
    "PRIVATE_IP_ADDRESS",
    "aws:SourceIp is never one of these private addresses, so the comparison is never true.",
    "Use public addresses, or aws:VpcSourceIp for those within a VPC.",
)
_NOT_PRIVATE_ONLY: Final = error(
    "PRIVATE_NOT_IP_ADDRESS",
    "aws:SourceIp is never one of these private addresses, so the comparison is always true.",
    "Use public addresses, or aws:VpcSourceIp for those within a VPC.",
)
_PRIVATE_PART: Final = suggestion(
    "PRIVATE_IP_ADDRESS_SUBSET",
    "aws:SourceIp is never the private address {value}.",
    "Leave it out, or compare aws:VpcSourceIp for addresses within a VPC.",
)
_NOT_PRIVATE_PART: Final = suggestion(
    "PRIVATE_NOT_IP_ADDRESS_SUBSET",
    "aws:SourceIp is never the private address {value}.",
    "Leave it out, or compare aws:VpcSourceIp for addresses within a VPC.",
)


@clause_check
def check_ranges(_draft: Draft, _statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Each value by itself."""
    if clause.base not in _OPERATORS:
        return
    for value in clause.values:
        if "${" in value.text:
            continue
        if address_range(value.text) is None:
            yield _NO_RANGE.at(value.place, value=value.text)
        elif (canonical := _canonical(value.text)) is not None:
            yield _LOOSE.at(value.place, value=value.text, canonical=Words(canonical))


def _canonical(text: str) -> str | None:
    """The range with the host bits cleared, None when they are."""
    address, slash, prefix = text.partition("/")
    if not slash:
        return None
    network = ipaddress.ip_network(f"{address}/{int(prefix)}", strict=False)
    return None if network.network_address == ipaddress.ip_address(address) else str(network)


@clause_check
def check_private_addresses(_draft: Draft, _statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Private addresses of callers, which are always public."""
    if clause.base not in _OPERATORS or clause.folded != "aws:sourceip":
        return
    private = [value for value in clause.values if _is_private(value.text)]
    if not private:
        return
    if len(private) == len(clause.values):
        rule = _NOT_PRIVATE_ONLY if clause.is_negated else _PRIVATE_ONLY
        yield rule.at(clause.held.place)
        return
    rule = _NOT_PRIVATE_PART if clause.is_negated else _PRIVATE_PART
    for value in private:
        yield rule.at(value.place, value=value.text)


def _is_private(text: str) -> bool:
    found = address_range(text)
    if found is None:
        return False
    version, first, mask = found
    return any(version == other and first & wide == start and mask & wide == wide for other, start, wide in _PRIVATE)
