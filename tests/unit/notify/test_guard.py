"""Which receivers are accepted, and which addresses are ever connected to."""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_network

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.notify.guard import (
    AddressRefused,
    GuardedBackend,
    NameUnresolved,
    check_url,
    is_loopback,
    is_public,
    system_resolver,
)
from workflows.errors import BadInput

PUBLIC = "93.184.216.34"
OTHER_PUBLIC = "2606:2800:220:1:248:1893:25c8:1946"

DENIED = [
    "0.0.0.0",  # noqa: S104  an address to refuse, not one to listen on
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:93.184.216.34",
    "64:ff9b::7f00:1",
    "64:ff9b::5db8:d822",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:5db8:d822::1",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
    "127.1",
    "2130706433",
    "010.0.0.1",
]


@pytest.mark.parametrize("address", DENIED)
def test_an_address_that_is_not_public_is_never_connected_to(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        PUBLIC,
        OTHER_PUBLIC,
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2003::1",
        "3ffe::1",
    ],
)
def test_a_public_address_may_be_connected_to(address: str) -> None:
    assert is_public(address)


def test_networks_of_the_deployment_are_denied_too() -> None:
    assert not is_public(PUBLIC, [ip_network("93.184.216.0/24")])
    assert is_public("1.1.1.1", [ip_network("93.184.216.0/24")])


@given(st.ip_addresses())
def test_what_python_knows_as_not_global_is_denied(address: object) -> None:
    assert isinstance(address, IPv4Address | IPv6Address)
    if address.is_private or address.is_loopback or address.is_multicast or address.is_link_local:
        assert not is_public(str(address))


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://hooks.example", "hooks.example", 443, "/"),
        ("https://hooks.example:443/a/b?x=1&y=%20", "hooks.example", 443, "/a/b?x=1&y=%20"),
        ("https://hooks.example:8443/", "hooks.example", 8443, "/"),
        ("HTTPS://Hooks.EXAMPLE/Path", "hooks.example", 443, "/Path"),
        ("https://hooks.example?x", "hooks.example", 443, "/?x"),
        ("https://bücher.example/", "xn--bcher-kva.example", 443, "/"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/"),
        ("https://hooks\u3002example/", "hooks.example", 443, "/"),
        ("https://1and1.example/", "1and1.example", 443, "/"),
        (f"https://{PUBLIC}/", PUBLIC, 443, "/"),
        (f"https://[{OTHER_PUBLIC.upper()}]:8443/", OTHER_PUBLIC, 8443, "/"),
    ],
)
def test_a_public_receiver_is_accepted_in_one_spelling(url: str, host: str, port: int, path: str) -> None:
    target = check_url(url, allow_loopback=False)
    assert (target.scheme, target.host, target.port, target.path) == ("https", host, port, path)
    assert check_url(target.url, allow_loopback=False) == target


def test_the_host_header_has_brackets_and_a_port_only_where_they_are_due() -> None:
    assert check_url("https://hooks.example/", allow_loopback=False).host_header == "hooks.example"
    assert check_url("https://hooks.example:8443/", allow_loopback=False).host_header == "hooks.example:8443"
    assert check_url(f"https://[{OTHER_PUBLIC}]/", allow_loopback=False).host_header == f"[{OTHER_PUBLIC}]"


REFUSED = [
    "",
    "hooks.example",
    "//hooks.example/",
    "ftp://hooks.example/",
    "http://hooks.example/",
    "http://hooks.example:443/",
    "javascript:alert(1)",
    "https://",
    "https:///hooks.example/",
    "https:/hooks.example/",
    "https://:443/",
    "https://hooks.example:80/",
    "https://hooks.example:22/",
    "https://hooks.example:0/",
    "https://hooks.example:99999/",
    "https://hooks.example:/",
    "https://hooks.example:+443/",
    "https://hooks.example:\u0664\u0664\u0663/",
    "https://user@hooks.example/",
    "https://user:pw@hooks.example/",
    "https://hooks.example@127.0.0.1/",
    "https://hooks.example/#top",
    "https://hooks.example/#",
    "https://hooks.example./",
    "https://hooks..example/",
    "https://.example/",
    "https://-a.example/",
    "https://a_b.example/",
    "https://hooks%2eexample/",
    "https://hooks.example\\@127.0.0.1/",
    "https://hooks.example\\.evil.example/",
    "https://hooks.exa\tmple/",
    "https://hooks.example/a b",
    "https://hooks.example/\r\nHost: x",
    " https://hooks.example/",
    "https://hooks.example/\x00",
    "https://hooks.example/é",
    "https://intranet/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://a.localhost/",
    "https://localhost./",
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1",
    "https://[hooks.example]/",
    "https://[]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://0x/",
    "https://127.1/",
    "https://127.0.0.1./",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://1.1.1/",
    "https://1.1.1.1.1/",
    "https://256.256.256.256/",
    "https://hooks.example.0x7f/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://\u2460\u2461\u2466.0.0.1/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "example/",
    "https://hooks.example/" + "a" * 2048,
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_receiver_with_anything_hidden_or_internal_is_refused(url: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_url(url, allow_loopback=False)
    assert refused.value.field == "url"


LOCAL = [
    "http://127.0.0.1:49152/a",
    "https://localhost:1/",
    "http://[::1]:65535/",
    "http://a.localhost/",
    "http://localhost/",
]


@pytest.mark.parametrize("url", LOCAL)
def test_development_may_allow_this_machine_on_any_port(url: str) -> None:
    assert check_url(url, allow_loopback=True).url.startswith(url.partition("://")[0])
    with pytest.raises(BadInput):
        check_url(url, allow_loopback=False)


OTHERS = [url for url in REFUSED if not any(word in url.lower() for word in ("localhost/", ".0.0.1/", ".1:", "[::1]"))]


@pytest.mark.parametrize("url", OTHERS)
def test_development_allows_nothing_but_this_machine(url: str) -> None:
    with pytest.raises(BadInput):
        check_url(url, allow_loopback=True)


@given(st.text(max_size=30) | st.text("htps:/.@[]%#?0127x\\-é", max_size=30).map(lambda tail: "https://" + tail))
def test_any_text_is_a_target_or_bad_input(url: str) -> None:
    try:
        target = check_url(url, allow_loopback=False)
    except BadInput:
        return
    assert target.scheme == "https"
    assert target.port in {443, 8443}
    assert check_url(target.url, allow_loopback=False) == target


# --- the connection --------------------------------------------------------------------------------------


class Dial(httpcore.MockBackend):
    """Notes which addresses were connected to; those in `dead` do not answer."""

    def __init__(self, *, dead: Sequence[str] = ()) -> None:
        super().__init__([])
        self.called: list[tuple[str, int]] = []
        self.dead = dead

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Pretend to connect."""
        self.called.append((host, port))
        if host in self.dead:
            raise httpcore.ConnectError("no answer")
        return super().connect_tcp(host, port, timeout, local_address, socket_options)


class Names:
    """A resolver that gives one answer after another, the last one again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """The next answer."""
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def guarded(
    dial: Dial, resolve: Callable[[str, int], Sequence[str]], *, allow_loopback: bool = False
) -> GuardedBackend:
    return GuardedBackend(deadline=1, tick=lambda: 0, dial=dial, resolve=resolve, allow_loopback=allow_loopback)


def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    # DNS rebinding: the second answer would lead inside, and nobody asks for it.
    dial, names = Dial(), Names([PUBLIC], ["127.0.0.1"])
    guarded(dial, names).connect_tcp("hooks.example", 443)
    assert (dial.called, names.asked) == ([(PUBLIC, 443)], ["hooks.example"])


@pytest.mark.parametrize("inside", [address for address in DENIED if address])
@pytest.mark.parametrize("place", [0, 1])
def test_one_address_inside_is_enough_to_refuse_the_name(inside: str, place: int) -> None:
    addresses = [PUBLIC, OTHER_PUBLIC]
    addresses.insert(place, inside)
    dial = Dial()
    with pytest.raises(AddressRefused) as refused:
        guarded(dial, Names(addresses)).connect_tcp("hooks.example", 443)
    assert not dial.called
    assert inside not in str(refused.value)


def test_an_address_in_the_url_is_judged_without_asking_anybody() -> None:
    dial, names = Dial(), Names([PUBLIC])
    with pytest.raises(AddressRefused):
        guarded(dial, names).connect_tcp("169.254.169.254", 443)
    guarded(dial, names).connect_tcp(OTHER_PUBLIC, 443)
    assert (dial.called, names.asked) == ([(OTHER_PUBLIC, 443)], [])


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "127.1"])
def test_an_odd_spelling_that_slips_through_still_ends_at_its_address(host: str) -> None:
    dial = Dial()
    with pytest.raises(AddressRefused):
        guarded(dial, system_resolver).connect_tcp(host, 443)
    assert not dial.called


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    dial = Dial(dead=[PUBLIC])
    guarded(dial, Names([PUBLIC, OTHER_PUBLIC])).connect_tcp("hooks.example", 443)
    assert dial.called == [(PUBLIC, 443), (OTHER_PUBLIC, 443)]
    with pytest.raises(httpcore.ConnectError):
        guarded(dial, Names([PUBLIC])).connect_tcp("hooks.example", 443)


def test_a_name_without_an_address_is_unresolved() -> None:
    def fails(host: str, port: int) -> Sequence[str]:
        raise OSError("resolver 10.0.0.2 says no")

    for resolve in (fails, Names([])):
        with pytest.raises(NameUnresolved) as unresolved:
            guarded(Dial(), resolve).connect_tcp("hooks.example", 443)
        assert "10.0.0.2" not in str(unresolved.value)


def test_a_loopback_name_may_only_lead_to_loopback_and_only_in_development() -> None:
    dial = Dial()
    guarded(dial, Names(["127.0.0.1", "::1"]), allow_loopback=True).connect_tcp("localhost", 1)
    assert dial.called == [("127.0.0.1", 1)]
    with pytest.raises(AddressRefused):
        guarded(dial, Names(["127.0.0.1"])).connect_tcp("localhost", 443)
    for elsewhere in (PUBLIC, "10.0.0.1", "::ffff:127.0.0.1"):
        with pytest.raises(AddressRefused):
            guarded(dial, Names([elsewhere]), allow_loopback=True).connect_tcp("localhost", 443)
    with pytest.raises(AddressRefused):
        guarded(dial, Names(["127.0.0.1"]), allow_loopback=True).connect_tcp("hooks.example", 443)
    assert len(dial.called) == 1


def test_every_step_ends_at_the_deadline() -> None:
    now = [0.0]
    backend = GuardedBackend(
        deadline=10, tick=lambda: now[0], dial=Dial(), resolve=Names([PUBLIC]), allow_loopback=False
    )
    stream = backend.connect_tcp("hooks.example", 443)
    now[0] = 9.9
    stream.write(b"x")
    now[0] = 10
    for step in (
        lambda: stream.write(b"x"),
        lambda: stream.read(1),
        lambda: backend.connect_tcp("hooks.example", 443),
    ):
        with pytest.raises(httpcore.TimeoutException):
            step()


def test_loopback_means_a_canonical_address_of_this_machine() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not any(map(is_loopback, ["::ffff:127.0.0.1", "127.1", "10.0.0.1", "localhost", PUBLIC]))
