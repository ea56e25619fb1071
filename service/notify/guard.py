"""Where a webhook may go: which URLs are accepted, and which addresses are ever connected to.

A partner chooses the URL and controls the DNS behind it, so both are hostile. The URL is judged when it is
registered and again at each delivery. The name is then resolved here, once; every address it has is judged,
and the connection is made to an address that was judged, while TLS and the Host header keep the name.
Nothing is resolved a second time.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import httpcore
import idna

from workflows.errors import BadInput

Network: TypeAlias = IPv4Network | IPv6Network
Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""The addresses of a name, as text; raises `OSError` when there are none."""

SECURE_PORTS: Final = frozenset({443, 8443})
_MAX_URL: Final = 2048
_MAX_HOST: Final = 253
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}

# Written out, because `ipaddress.is_global` follows tables that were wrong in several Python releases.
_DENIED: Final = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host (RFC 1122)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # carrier-grade translation (RFC 6598), metadata of some clouds
        "127.0.0.0/8",  # loopback (RFC 1122)
        "168.63.129.16/32",  # the wire server of one large cloud, public by number and internal by meaning
        "169.254.0.0/16",  # link-local (RFC 3927), metadata of most clouds
        "172.16.0.0/12",  # private (RFC 1918)
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.31.196.0/24",  # AS112 (RFC 7535)
        "192.52.193.0/24",  # AMT (RFC 7450)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "192.168.0.0/16",  # private (RFC 1918)
        "192.175.48.0/24",  # AS112 (RFC 7534)
        "198.18.0.0/15",  # benchmarking (RFC 2544)
        "198.51.100.0/24",  # documentation (RFC 5737)
        "203.0.113.0/24",  # documentation (RFC 5737)
        "224.0.0.0/4",  # multicast (RFC 5771)
        "240.0.0.0/4",  # reserved (RFC 1112) and limited broadcast
        "2001::/23",  # protocol assignments (RFC 2928): Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4 (RFC 3056), carries an IPv4 address
        "2620:4f:8000::/48",  # AS112 (RFC 7534)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
# Everything outside is loopback, mapped or translated IPv4 (::ffff:0:0/96, 64:ff9b::/96, 64:ff9b:1::/48),
# unique local, link-local, site-local, multicast or unassigned.
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

_FORBIDDEN_CHARACTER: Final = re.compile(r"[\x00-\x20\x7f\\]")
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@%]+)(?::([0-9]{1,5}))?")
# A host whose last label reads as a number is an IPv4 address to browsers and to libc, in many spellings.
_NUMERIC_END: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was judged: `host` is an A-label name or a bare address, `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        """The value of the Host header: brackets around IPv6, a port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL written again from its parts, the only spelling that is worth storing."""
        return f"{self.scheme}://{self.host_header}{self.path}"


class AddressRefused(httpcore.ConnectError):
    """A name has an address that must not be connected to."""


class NameUnresolved(httpcore.ConnectError):
    """A name has no address."""


class TlsFailed(httpcore.ConnectError):
    """The receiver could not prove its name, or speaks no TLS that we accept."""


def check_url(url: str, *, allow_loopback: bool) -> Target:
    """The parts of a receiver's URL: https on port 443 or 8443, a full name or a public address.

    With `allow_loopback` (a development setting) http and any port are accepted too, to loopback hosts
    only. Raises `BadInput` for the field `url`. It does not resolve the name; the connection is guarded for
    that.
    """
    if len(url) > _MAX_URL:
        raise BadInput("url", f"is longer than {_MAX_URL} characters")
    if _FORBIDDEN_CHARACTER.search(url) or "#" in url:
        raise BadInput("url", "contains blanks, control characters, a backslash or a fragment")
    scheme, authority, path, query = _split(url)
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise BadInput("url", "needs a host, with at most a port and without a user name")
    host = _read_host(found[1])
    port = int(found[2]) if found[2] else _DEFAULT_PORTS.get(scheme, 0)
    local = is_loopback_host(host)
    if local and not allow_loopback:
        raise BadInput("url", "names this machine")
    if scheme not in (_DEFAULT_PORTS if local else ("https",)):
        raise BadInput("url", "has to begin with https://")
    if not (0 < port < 1 << 16 if local else port in SECURE_PORTS):
        raise BadInput("url", "has to use port 443 or 8443")
    if not local and _is_address(host) and not is_public(host):
        raise BadInput("url", "is an address that is not public")
    return Target(scheme, host, port, (path or "/") + (f"?{query}" if query else ""))


def _split(url: str) -> tuple[str, str, str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadInput("url", "is not a URL") from None
    if not (parts.path + parts.query).isascii():
        raise BadInput("url", "contains characters outside ASCII behind the host; percent-encode them")
    return parts.scheme, parts.netloc, parts.path, parts.query


def _read_host(text: str) -> str:
    """The one spelling of a host: a lower-case A-label name, or an address without brackets."""
    if text.startswith("["):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            raise BadInput("url", "has a host in brackets that is not an IPv6 address") from None
    try:
        # Full-width digits and dots become ordinary ones here, so the judgement below sees what libc would
        # see.
        host = idna.encode(text, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise BadInput("url", "has a host that is not a domain name") from None
    if not host or host.endswith(".") or len(host) > _MAX_HOST:
        raise BadInput("url", "has a host that is empty, too long or ends with a dot")
    if _NUMERIC_END.fullmatch(host) and not _is_address(host):
        raise BadInput("url", "has a host that is an address in an unusual spelling")
    if "." not in host and host != "localhost":
        raise BadInput("url", "needs a full domain name")
    return host


def _is_address(host: str) -> bool:
    """Whether a host is an address in its one canonical spelling."""
    try:
        return str(ip_address(host)) == host
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """Whether a host means this machine by its spelling alone."""
    return host == "localhost" or host.endswith(".localhost") or is_loopback(host)


def is_loopback(address: str) -> bool:
    """Whether a canonical address is one of this machine's; mapped forms are not accepted as such."""
    return _is_address(address) and any(ip_address(address) in network for network in _LOOPBACK)


def is_public(address: str, also_denied: Iterable[Network] = ()) -> bool:
    """Whether an address may be connected to: global unicast, in no denied network.

    Forms of IPv6 that carry an IPv4 address are refused whole, so the address inside needs no judgement.
    """
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and (parsed.scope_id or parsed not in _GLOBAL_UNICAST):
        return False
    return not any(parsed in network for network in (*_DENIED, *also_denied))


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Every address that the machine's resolver knows for a name, each once, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedBackend(httpcore.NetworkBackend):
    """Connects for one delivery: resolves once, judges every address, and ends everything at `deadline`.

    `deadline` is on the scale of `tick`, in seconds. `dial` makes the connection to an address that was
    judged.
    """

    def __init__(
        self,
        *,
        deadline: float,
        allow_loopback: bool,
        resolve: Resolver = system_resolver,
        also_denied: Sequence[Network] = (),
        dial: httpcore.NetworkBackend | None = None,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deadline, self._tick = deadline, tick
        self._allow_loopback = allow_loopback
        self._resolve, self._also_denied = resolve, also_denied
        self._dial = dial or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A stream to the first address of `host` that answers, if all of them may be connected to."""
        failure: Exception = NameUnresolved("the name has no address")
        for address in self._judged_addresses(host, port):
            try:
                stream = self._dial.connect_tcp(address, port, self._at_most(timeout), local_address, socket_options)
            except httpcore.ConnectError as refused:
                failure = refused
            else:
                return _GuardedStream(stream, self._at_most)
        raise failure

    def _judged_addresses(self, host: str, port: int) -> Sequence[str]:
        if _is_address(host):
            addresses: Sequence[str] = [host]
        else:
            try:
                addresses = self._resolve(host, port)
            except (OSError, UnicodeError):
                raise NameUnresolved("the name has no address") from None
        local = self._allow_loopback and is_loopback_host(host)
        for address in addresses:
            if not (is_loopback(address) if local else is_public(address, self._also_denied)):
                raise AddressRefused("the name has an address that is not public")
        return addresses

    def _at_most(self, timeout: float | None) -> float:
        """What is left until the deadline, or `timeout` if that is less; raises when nothing is left."""
        left = self._deadline - self._tick()
        if left <= 0:
            raise httpcore.ReadTimeout("the delivery took too long")
        return left if timeout is None else min(left, timeout)


class _GuardedStream(httpcore.NetworkStream):
    """A stream whose every step ends at the deadline of its delivery; a trickle of bytes gains no time."""

    def __init__(self, stream: httpcore.NetworkStream, at_most: Callable[[float | None], float]) -> None:
        self._stream, self._at_most = stream, at_most

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._at_most(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._at_most(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            inner = self._stream.start_tls(ssl_context, server_hostname, self._at_most(timeout))
        except httpcore.ConnectError:
            # The reason names certificates and addresses, which a partner must not read.
            raise TlsFailed("the TLS handshake failed") from None
        return _GuardedStream(inner, self._at_most)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
