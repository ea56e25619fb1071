"""OpenID Connect behind the `IdentityProviders` port: discovery, the authorization code flow with PKCE, ID tokens.

A provider is named by an account, so its addresses are as little trusted as a webhook's: they are judged before
anything connects. Nothing is remembered between two sign-ins, so that a key that a provider withdrew counts no more.
"""

import base64
import hashlib
import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpcore
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from service.notify.guard import AddressRefused, GuardedBackend, NameUnresolved, TlsFailed, check_url
from workflows.credentials.keys import same_text
from workflows.errors import BadInput, ProviderFailed
from workflows.ports import Clock, Journey, ProviderAnswer, ProviderClient

# RFC 8725, section 3.1: asymmetric ones alone, so that no public key can ever serve as a shared secret.
ALGORITHMS: Final = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "Ed25519", "EdDSA"),
)
_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_LEEWAY_SECONDS: Final = 60
_LARGEST_ANSWER: Final = 256 * 1024
_LONGEST_TOKEN: Final = 16 * 1024
# OpenID Connect Core 1.0, section 2: a subject has at most 255 ASCII characters.
_LONGEST_SUBJECT: Final = 255
_DEADLINE_SECONDS: Final = 10.0
_OK: Final = 200
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class _Provider:
    """What a provider says of itself (OpenID Connect Discovery 1.0, section 3)."""

    authorization: str
    token: str
    keys: str
    algorithms: Sequence[str]
    posts_secret: bool
    names_itself: bool


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


class OpenIdConnect:
    """The relying party of one deployment; `redirect_uri` is the one address that providers send people back to."""

    def __init__(
        self,
        clock: Clock,
        redirect_uri: str,
        *,
        allow_loopback: bool = False,
        tls: ssl.SSLContext | None = None,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._redirect_uri, self._allow_loopback = clock, redirect_uri, allow_loopback
        self._tick = tick
        self._given_tls = tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """What connections are checked against; read when a provider is first asked, since most processes ask none."""
        return self._given_tls or httpcore.default_ssl_context()

    def check(self, issuer: str) -> None:
        """Look whether there is a provider of this name that can be used; raises `BadInput` naming `issuer`."""
        try:
            check_url(issuer, allow_loopback=self._allow_loopback)
            self._provider(issuer)
        except BadInput as failure:
            raise BadInput("issuer", failure.problem) from None
        except ProviderFailed as failure:
            raise BadInput("issuer", f"names no provider that can be used: {failure.problem}") from None

    def address(self, client: ProviderClient, journey: Journey) -> str:
        """Return the authorization request's address (RFC 6749, section 4.1.1, with RFC 7636)."""
        provider = self._provider(client.issuer)
        asked = {
            "response_type": "code",
            "response_mode": "query",
            "scope": "openid",
            "client_id": client.client_id,
            "redirect_uri": self._redirect_uri,
            "state": journey.state,
            "nonce": journey.nonce,
            "code_challenge": _b64(hashlib.sha256(journey.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        separator = "&" if "?" in provider.authorization else "?"
        return f"{provider.authorization}{separator}{urlencode(asked)}"

    def subject(self, client: ProviderClient, journey: Journey, answer: ProviderAnswer) -> str:
        """Trade the code and return the subject of a token that is proven to be for us, now, and this journey."""
        provider = self._provider(client.issuer)
        if answer.issuer is None and provider.names_itself:
            raise ProviderFailed("its answer does not say who it is from")
        if answer.issuer is not None and answer.issuer != client.issuer:
            raise ProviderFailed("its answer is from another provider")
        token = self._trade(provider, client, journey, answer.code)
        keys = self._fetch("its keys", provider.keys)
        return self._subject_of(token, keys, provider, client, journey)

    # --- the token -------------------------------------------------------------------------------------------

    def _trade(self, provider: _Provider, client: ProviderClient, journey: Journey, code: str) -> str:
        """Return the ID token for a code (RFC 6749, section 4.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": journey.verifier,
        }
        headers = {"content-type": _FORM}
        if client.secret is None:
            form["client_id"] = client.client_id
        elif provider.posts_secret:
            form |= {"client_id": client.client_id, "client_secret": client.secret}
        else:
            pair = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
        answer = self._fetch("its token endpoint", provider.token, headers=headers, body=urlencode(form).encode())
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > _LONGEST_TOKEN or token.count(".") != 2:  # noqa: PLR2004  the dots of a JWS
            raise ProviderFailed("it gave no identity token that can be read")
        return token

    def _subject_of(
        self,
        token: str,
        keys: Mapping[str, Any],
        provider: _Provider,
        client: ProviderClient,
        journey: Journey,
    ) -> str:
        expected = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock.now().timestamp()),
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": client.issuer},
            aud={"essential": True, "value": client.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True},
        )
        try:
            decoded = jwt.decode(token, KeySet.import_key_set(_public(keys)), algorithms=list(provider.algorithms))
            expected.validate(decoded.claims)
        except JoseError as failure:
            raise ProviderFailed(f"its identity token is not acceptable ({failure.error})") from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ProviderFailed("its identity token or its keys cannot be read") from None
        return _believed(decoded.claims, client, journey)

    # --- what it says of itself ------------------------------------------------------------------------------

    def _provider(self, issuer: str) -> _Provider:
        found = self._fetch("its description", issuer.rstrip("/") + _WELL_KNOWN)
        if found.get("issuer") != issuer:
            raise ProviderFailed("its description names another issuer")
        algorithms = _texts(found.get("id_token_signing_alg_values_supported")) & ALGORITHMS
        if not algorithms:
            raise ProviderFailed("it signs with no algorithm that is accepted here")
        methods = _texts(found.get("token_endpoint_auth_methods_supported"))
        return _Provider(
            authorization=self._endpoint(found, "authorization_endpoint"),
            token=self._endpoint(found, "token_endpoint"),
            keys=self._endpoint(found, "jwks_uri"),
            algorithms=sorted(algorithms),
            posts_secret="client_secret_post" in methods and "client_secret_basic" not in methods,
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, found: Mapping[str, Any], name: str) -> str:
        address = found.get(name)
        try:
            check_url(address if isinstance(address, str) else "", allow_loopback=self._allow_loopback)
        except BadInput:
            raise ProviderFailed(f"its `{name}` is not an address that is accepted here") from None
        return str(address)

    # --- the network -----------------------------------------------------------------------------------------

    def _fetch(
        self,
        what: str,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Mapping[str, Any]:
        """Return the JSON object at an address; redirects are not followed, proxies are not asked."""
        try:
            status, content = self._ask(address, {"accept": "application/json", **(headers or {})}, body)
        except (BadInput, AddressRefused):
            raise ProviderFailed(f"{what} is at an address that is not called from here") from None
        except (NameUnresolved, TlsFailed, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
            raise ProviderFailed(f"{what} cannot be reached") from None
        if status != _OK:
            raise ProviderFailed(f"{what} answered with status {status}")
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ProviderFailed(f"{what} did not answer with a JSON object")
        return found

    def _ask(self, address: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, bytes]:
        target = check_url(address, allow_loopback=self._allow_loopback)
        backend = GuardedBackend(deadline=self._tick() + _DEADLINE_SECONDS, allow_loopback=self._allow_loopback)
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        sent = [(name.encode(), value.encode()) for name, value in {**headers, "host": target.host_header}.items()]
        method = "GET" if body is None else "POST"
        with (
            httpcore.ConnectionPool(ssl_context=self._tls, network_backend=backend, retries=0) as pool,
            pool.stream(method, url, headers=sent, content=body) as response,
        ):
            content = b""
            for chunk in response.iter_stream():
                content += chunk
                if len(content) > _LARGEST_ANSWER:
                    raise httpcore.RemoteProtocolError("the answer is too long")
            return response.status, content


def _texts(value: object) -> frozenset[str]:
    return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list) else frozenset()


def _public(keys: Mapping[str, Any]) -> Any:  # noqa: ANN401  the library's type of a key set is a TypedDict
    """Return the keys of a set that can verify; a shared secret in it is nobody's public key."""
    listed = keys.get("keys")
    if not isinstance(listed, list):
        raise ProviderFailed("its keys cannot be read")
    usable = [one for one in listed if isinstance(one, dict) and one.get("kty") != "oct" and one.get("use") != "enc"]
    return {"keys": usable}


def _believed(claims: Mapping[str, Any], client: ProviderClient, journey: Journey) -> str:
    """Return the subject, if the token is for this client alone and for this journey (OpenID Connect Core, 3.1.3.7)."""
    issuer, subject, nonce, audience = (claims.get(name) for name in ("iss", "sub", "nonce", "aud"))
    if not isinstance(issuer, str) or not isinstance(nonce, str) or not same_text(nonce, journey.nonce):
        raise ProviderFailed("its identity token was not made for this sign-in")
    several = isinstance(audience, list) and len(audience) > 1
    if claims.get("azp", None if several else client.client_id) != client.client_id:
        raise ProviderFailed("its identity token was made for somebody else")
    if not isinstance(subject, str) or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        raise ProviderFailed("its identity token names nobody")
    return subject
