"""Deliveries to real receivers on this machine, honest and hostile."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.notify.webhook import DeliveryResult, Failure, Outcome, WebhookSender

PLAIN = ssl.create_default_context()
Script = Callable[[socket.socket], None]


@dataclass
class Receiver:
    """A server that reads one request per connection and then does what its script says."""

    script: Script
    reads: bool = True
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        if self.tls:
            self.tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # A client that hangs up in the middle is what some of these tests are about.
            with connection, suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        if self.tls is None:
            if self.reads:
                self._read(connection)
            self.script(connection)
            return
        with self.tls.wrap_socket(connection, server_side=True) as secure:
            self._read(secure)
            self.script(secure)

    def _read(self, connection: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received or len(received.partition(b"\r\n\r\n")[2]) < content_length(received):
            chunk = connection.recv(65536)
            if not chunk:
                return
            received += chunk
        self.requests.append(received)

    def close(self) -> None:
        """Stop listening and wait for the last answer."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def content_length(request: bytes) -> int:
    lines = request.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    return next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)


def says(answer: bytes) -> Script:
    return lambda connection: connection.sendall(answer)


def status(code: int, *extra: str) -> Script:
    return says("\r\n".join([f"HTTP/1.1 {code} X", "content-length: 0", *extra, "", ""]).encode())


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    opened: list[Receiver] = []

    def make(script: Script, tls: ssl.SSLContext | None = None, *, reads: bool = True) -> Receiver:
        opened.append(Receiver(script, reads=reads, tls=tls))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def sender(
    *,
    tls: ssl.SSLContext = PLAIN,
    allow_loopback: bool = True,
    total: float = 10,
    resolve: Callable[[str, int], Sequence[str]] = lambda _host, _port: ["127.0.0.1"],
    dial: httpcore.NetworkBackend | None = None,
) -> WebhookSender:
    return WebhookSender(tls=tls, allow_loopback=allow_loopback, total_timeout=total, resolve=resolve, dial=dial)


def post(to: Receiver, by: WebhookSender | None = None) -> DeliveryResult:
    return (by or sender()).send(f"http://localhost:{to.port}/hook?a=1", {"webhook-id": "m-1"}, b'{"a":1}')


Make = Callable[..., Receiver]
FAILED = Outcome.FAILED


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_a_receiver_that_says_yes_has_taken_the_message(receiver: Make, code: int) -> None:
    result = post(receiver(status(code)))
    assert result == DeliveryResult(Outcome.DELIVERED, None, code)
    assert result.delivered
    assert not result.gone


def test_a_request_carries_the_message_and_fixed_headers_and_nothing_of_the_machine(
    receiver: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    to = receiver(status(200, "set-cookie: a=b"))
    by = sender()
    assert post(to, by).delivered
    assert post(to, by).delivered
    head, _, body = to.requests[1].partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == "POST /hook?a=1 HTTP/1.1"
    assert body == b'{"a":1}'
    named = dict(header.lower().split(": ", 1) for header in headers)
    assert named.keys() == {
        "host",
        "content-type",
        "content-length",
        "user-agent",
        "accept",
        "accept-encoding",
        "connection",
        "webhook-id",
    }
    assert named["host"] == f"localhost:{to.port}"
    assert named["accept-encoding"] == "identity"
    assert named["webhook-id"] == "m-1"


def test_a_redirect_is_a_failure_and_is_not_followed(receiver: Make) -> None:
    elsewhere = receiver(status(200))
    for code in (301, 302, 303, 307, 308):
        here = receiver(status(code, f"location: http://127.0.0.1:{elsewhere.port}/"))
        assert post(here) == DeliveryResult(FAILED, Failure.STATUS, code)
    assert not elsewhere.requests


@pytest.mark.parametrize("code", [304, 400, 401, 404, 409, 429, 500, 503])
def test_any_other_status_is_a_failure(receiver: Make, code: int) -> None:
    assert post(receiver(status(code))) == DeliveryResult(FAILED, Failure.STATUS, code)


def test_a_receiver_that_is_gone_says_so(receiver: Make) -> None:
    result = post(receiver(status(410)))
    assert result == DeliveryResult(Outcome.GONE, None, 410)
    assert result.gone


def wait_for_hang_up(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_a_receiver_that_does_not_answer_in_time_is_given_up(receiver: Make) -> None:
    assert post(receiver(wait_for_hang_up), sender(total=0.2)) == DeliveryResult(FAILED, Failure.TIMEOUT)


def trickle(head: bytes) -> Script:
    """Sends something now and then, for ever: no single read ever takes long."""

    def script(connection: socket.socket) -> None:
        pause = threading.Event()
        connection.sendall(head)
        while not pause.wait(0.01):
            connection.sendall(b"x")

    return script


def test_a_trickle_of_headers_gains_no_time(receiver: Make) -> None:
    slow = receiver(trickle(b"HTTP/1.1 200 OK\r\nx-slow: "))
    assert post(slow, sender(total=0.3)) == DeliveryResult(FAILED, Failure.TIMEOUT)


def test_a_trickle_behind_the_status_is_cut_and_the_status_counts(receiver: Make) -> None:
    slow = receiver(trickle(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"))
    assert post(slow, sender(total=0.3)).delivered
    slow = receiver(trickle(b"HTTP/1.1 500 X\r\ncontent-length: 1000000\r\n\r\n"))
    assert post(slow, sender(total=0.3)) == DeliveryResult(FAILED, Failure.STATUS, 500)


def test_a_body_beyond_the_limit_is_cut(receiver: Make) -> None:
    cut = threading.Event()

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            # Far more than the limit and what sockets buffer, yet an end, so that a missing limit fails and
            # not hangs.
            for _ in range(1000):
                connection.sendall(b"x" * 65536)
        except OSError:
            cut.set()

    assert post(receiver(flood)).delivered
    assert cut.wait(10)


def test_endless_headers_are_cut(receiver: Make) -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"x-more: " + b"x" * 4096 + b"\r\n")

    assert post(receiver(flood)) == DeliveryResult(FAILED, Failure.CONNECT)


def test_a_compressed_answer_is_not_unpacked(receiver: Make) -> None:
    assert post(receiver(says(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc"))).delivered


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200", b"SSH-2.0-x\r\n\r\n", b"\x00" * 99])
def test_a_receiver_that_speaks_no_http_is_a_failed_connection(receiver: Make, answer: bytes) -> None:
    assert post(receiver(says(answer))) == DeliveryResult(FAILED, Failure.CONNECT)


def test_a_body_that_breaks_off_does_not_unsay_the_status(receiver: Make) -> None:
    assert post(receiver(says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"))).delivered


def test_nobody_listening_is_a_failed_connection() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    assert sender().send(f"http://127.0.0.1:{port}/", {}, b"") == DeliveryResult(FAILED, Failure.CONNECT)


def test_a_name_that_does_not_resolve_is_a_failure_of_dns() -> None:
    def fails(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "resolver 10.0.0.2 says no")

    result = sender(resolve=fails).send("https://hooks.example/", {}, b"")
    assert result == DeliveryResult(FAILED, Failure.DNS)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "https://hooks.example:22/",
        "https://169.254.169.254/",
        "https://0x7f.1/",
        "https://[::ffff:127.0.0.1]/",
        "not a url",
        "https://hooks.example/",
    ],
)
def test_a_receiver_inside_is_refused_without_a_connection(receiver: Make, url: str) -> None:
    # The last one is refused for what its name resolves to.
    class Never(httpcore.MockBackend):
        def connect_tcp(self, *_: object, **__: object) -> httpcore.NetworkStream:
            raise AssertionError("a connection was made")

    assert sender(dial=Never([])).send(url, {}, b"") == DeliveryResult(FAILED, Failure.REFUSED)


def test_this_machine_is_refused_outside_development(receiver: Make) -> None:
    to = receiver(status(200))
    assert post(to, sender(allow_loopback=False)) == DeliveryResult(FAILED, Failure.REFUSED)
    assert not to.requests


def test_each_delivery_resolves_and_judges_anew() -> None:
    answers = [["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34"]]
    called: list[str] = []

    class Dial(httpcore.MockBackend):
        def connect_tcp(self, host: str, *args: object, **named: object) -> httpcore.NetworkStream:
            called.append(host)
            return httpcore.MockStream([b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"])

    by = sender(allow_loopback=False, dial=Dial([]), resolve=lambda _host, _port: answers.pop(0))
    outcomes = [by.send("https://hooks.example/", {}, b"") for _ in range(3)]
    assert [each.failure for each in outcomes] == [None, Failure.REFUSED, None]
    assert called == ["93.184.216.34", "93.184.216.34"]


# --- TLS -------------------------------------------------------------------------------------------------


class Authority:
    """A certificate authority of our own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "our own authority")])
        basics = x509.BasicConstraints(ca=True, path_length=0)
        self.certificate = self._sign(self.name, self.key, basics, critical=True)

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extension: x509.ExtensionType,
        *,
        critical: bool,
        end: datetime = datetime(2100, 1, 1, tzinfo=UTC),
    ) -> x509.Certificate:
        authority = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
            .not_valid_after(end)
            .add_extension(extension, critical=critical)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def server(self, name: str, *, end: datetime = datetime(2100, 1, 1, tzinfo=UTC)) -> ssl.SSLContext:
        """The TLS side of a receiver that proves to be `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        certificate = self._sign(x509.Name([]), key, names, critical=True, end=end)
        file = self.folder / f"{name}-{end.year}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def client(self) -> ssl.SSLContext:
        """The TLS side of a sender that trusts this authority alone."""
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def post_secure(to: Receiver, tls: ssl.SSLContext) -> DeliveryResult:
    return sender(tls=tls).send(f"https://localhost:{to.port}/", {}, b"{}")


def test_a_receiver_that_proves_its_name_gets_the_message(receiver: Make, authority: Authority) -> None:
    to = receiver(status(200), authority.server("localhost"))
    assert post_secure(to, authority.client()).delivered
    assert to.names == ["localhost"]


def test_a_receiver_with_a_certificate_for_another_name_gets_nothing(receiver: Make, authority: Authority) -> None:
    to = receiver(status(200), authority.server("other.example"))
    assert post_secure(to, authority.client()) == DeliveryResult(FAILED, Failure.TLS)
    assert not to.requests


def test_a_receiver_with_an_expired_certificate_gets_nothing(receiver: Make, authority: Authority) -> None:
    to = receiver(status(200), authority.server("localhost", end=datetime(2020, 1, 1, tzinfo=UTC)))
    assert post_secure(to, authority.client()) == DeliveryResult(FAILED, Failure.TLS)
    assert not to.requests


def test_a_receiver_of_an_unknown_authority_gets_nothing(receiver: Make, authority: Authority) -> None:
    to = receiver(status(200), authority.server("localhost"))
    unconfigured = WebhookSender(allow_loopback=True)
    assert unconfigured.send(f"https://localhost:{to.port}/", {}, b"{}") == DeliveryResult(FAILED, Failure.TLS)
    assert not to.requests


def test_a_receiver_without_tls_gets_nothing_over_https(receiver: Make) -> None:
    to = receiver(status(200), reads=False)
    assert post_secure(to, PLAIN) == DeliveryResult(FAILED, Failure.TLS)
