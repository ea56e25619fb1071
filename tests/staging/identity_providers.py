"""OpenID providers: a well-kept one in a process of its own, and one of ours that lies as it is told."""

import base64
import hmac
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter

CLIENT_ID: Final = "daypass"
CLIENT_SECRET: Final = "a secret/with:marks that have to be escaped"
_WEB: Final = Path(__file__).parents[1] / "web"
HOW_TO_GET_ONE: Final = "no OpenID provider: install Node, and run `npm install --no-package-lock` in tests/web"


@contextmanager
def provider_process(redirect_uri: str) -> Iterator[str]:
    """Run oidc-provider until the block ends and yield its issuer; skips on a machine that does not have it."""
    node = shutil.which("node")
    if node is None or not (_WEB / "node_modules" / "oidc-provider").is_dir():
        pytest.skip(HOW_TO_GET_ONE)
    process = subprocess.Popen(
        [node, "--no-warnings", str(_WEB / "provider.mjs"), redirect_uri],
        cwd=_WEB,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        issuer = next(line.strip() for line in process.stdout if line.startswith("http"))
        yield issuer
    finally:
        process.kill()
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


@dataclass
class Liar:
    """A provider whose description, token and keys can each be bent; `codes` are the code verifiers that came."""

    issuer: str
    now: datetime
    claims: dict[str, Any] = field(default_factory=dict)
    description: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "ES256"
    header: dict[str, Any] = field(default_factory=dict)
    token: str | None = None
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one", "use": "sig"}))
    published: list[dict[str, Any]] | None = None
    body: bytes | None = None

    def describe(self) -> dict[str, Any]:
        """What it says of itself."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["ES256", "RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **self.description,
        }

    def keys(self) -> dict[str, Any]:
        """The keys it publishes."""
        if self.published is not None:
            return {"keys": self.published}
        return dict(KeySet([self.key]).as_dict(private=False))

    def id_token(self, nonce: str) -> str:
        """The token that it gives for a code."""
        if self.token is not None:
            return self.token
        issued = int(self.now.timestamp())
        claims = {
            "iss": self.issuer,
            "sub": "subject-1",
            "aud": CLIENT_ID,
            "iat": issued,
            "exp": issued + 300,
            "nonce": nonce,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return sign(claims, self.key, {"alg": self.algorithm, "kid": "one", **self.header})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims: dict[str, Any], key: ECKey | RSAKey | bytes, header: dict[str, Any]) -> str:
    """A token of these claims, signed with this key (or secret, or nothing) whatever the header says of it."""
    if isinstance(key, bytes):
        # By hand, since the library would rather not: without a signature, or with a shared secret's.
        signed = ".".join(_b64(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{_b64(hmac.digest(key, signed.encode(), 'sha256')) if key else ''}"
    known = {name: HeaderParameter("known to the signer alone", "str") for name in header.get("crit", ())}
    return jwt.encode(header, claims, key, registry=JWSRegistry(header_registry=known, algorithms=[header["alg"]]))


@contextmanager
def lying_provider(now: datetime) -> Iterator[Liar]:
    """Serve a provider that can be bent, on a free port of this machine, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _send(self, value: Any) -> None:
            body = liar.body if liar.body is not None else json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._send(liar.keys() if self.path == "/keys" else liar.describe())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            liar.forms.append(form)
            self._send({"id_token": liar.id_token(form["code"][0]), "access_token": "x", "token_type": "Bearer"})

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    liar = Liar(f"http://127.0.0.1:{server.server_port}", now)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield liar
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)
