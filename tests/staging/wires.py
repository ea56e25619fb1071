"""Both wires from outside: clients for everybody, requests that no SDK would send, and what a database then holds."""

import sqlite3
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import urlencode

import botocore.auth
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.parsers import QueryParser
from staging.clocks import StillClock
from staging.houses import People, a_request, key_for, token_for
from staging.servers import LiveServer

from workflows import approval, notifications, release, submission
from workflows.credentialing import NewKey
from workflows.ports import Ports
from workflows.records.account import Principal
from workflows.records.errand import Errand
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest, State
from workflows.release import Minted

FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"
IAM_VERSION: Final = "2010-05-08"
STS_VERSION: Final = "2011-06-15"
UNKNOWN_ID: Final = "dr-" + "0" * 32

# Making one takes longer than a request, and none is used.
_TLS: Final = ssl.create_default_context()
# Refusals are written to the audit trail on purpose.
_AUDIT: Final = ("audit_entries", "audit_heads")


class Cast:
    """Clients of a live house for its people; each one's key and API token are made once."""

    def __init__(self, live: LiveServer, people: People) -> None:
        self.live, self.people = live, people
        self._keys: dict[str, NewKey] = {}
        self._tokens: dict[str, str] = {}

    def principal(self, name: str) -> Principal:
        """Return the person of this name."""
        found: Principal = getattr(self.people, name)
        return found

    def key(self, name: str) -> NewKey:
        """Return the access key of this person."""
        if name not in self._keys:
            self._keys[name] = key_for(self.live.ports, self.principal(name))
        return self._keys[name]

    def key_of(self, principal: Principal) -> NewKey:
        """Return a fresh access key of somebody else."""
        return key_for(self.live.ports, principal)

    def token(self, name: str) -> str:
        """Return the API token of this person."""
        if name not in self._tokens:
            self._tokens[name] = token_for(self.live.ports, self.principal(name))
        return self._tokens[name]

    def iam(self, name: str, **more: Any) -> Any:
        """Return this person's IAM client."""
        return self.live.boto("iam", self.key(name), **more)

    def sts(self, name: str, **more: Any) -> Any:
        """Return this person's STS client."""
        return self.live.boto("sts", self.key(name), **more)

    def api(self, name: str) -> httpx.Client:
        """Return this person's client of the JSON API."""
        return self.live.http(self.token(name))

    def post(self, name: str, form: Mapping[str, str] | bytes, **more: Any) -> httpx.Response:
        """Send a form that this person signed, exactly as given."""
        return send(signed(self.live.origin, self.key(name), form, **more))


# --- requests made by hand -------------------------------------------------------------------------------


def form_of(action: str, **members: str) -> dict[str, str]:
    """Return the form of an IAM operation; a member `A__B` stands for `A.B`."""
    given = {name.replace("__", "."): value for name, value in members.items()}
    return {"Action": action, "Version": IAM_VERSION, **given}


def signed(
    origin: str,
    key: NewKey,
    form: Mapping[str, str] | bytes,
    *,
    service: str = "iam",
    region: str = "us-east-1",
    token: str | None = None,
    method: str = "POST",
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    at: datetime | None = None,
) -> httpx.Request:
    """Return a request signed by botocore's own signer, at this instant if one is given."""
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    given = {"content-type": FORM, **(headers or {})}
    unsigned = AWSRequest(method=method, url=origin + path, data=body, headers=given)
    then = at.replace(tzinfo=None) if at else None
    moment = patch.object(botocore.auth, "get_current_datetime", lambda: then) if then else nullcontext()
    with moment:
        secret = Credentials(key.access_key_id, key.secret_access_key, token)
        SigV4Auth(secret, service, region).add_auth(unsigned)
    return httpx.Request(method, origin + path, content=body, headers=dict(unsigned.headers.items()))


def send(request: httpx.Request) -> httpx.Response:
    """Send a request as it is, on a connection of its own."""
    with httpx.Client(trust_env=False, timeout=30, verify=_TLS) as client:
        return client.send(request)


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    """Return status, code and message of a refusal as botocore's own parser reads them."""
    raw = {"status_code": response.status_code, "headers": response.headers, "body": response.content}
    parsed = QueryParser().parse(raw, None)
    assert parsed["ResponseMetadata"]["RequestId"] == response.headers["x-amzn-requestid"]
    return response.status_code, parsed["Error"]["Code"], parsed["Error"]["Message"]


# --- what a database holds -------------------------------------------------------------------------------


def contents(live: LiveServer, *, without: tuple[str, ...] = ()) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table but the ones left out."""
    connection = sqlite3.connect(f"file:{live.house.settings.database_file}?mode=ro", uri=True)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        # The names are the schema's own.
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)  # noqa: S608  see above
            for name in tables
            if name not in without
        }
    finally:
        connection.close()


@contextmanager
def nothing_written(live: LiveServer, *, audited: bool = True) -> Iterator[None]:
    """Fail unless every table is after the block what it was before; refusals of known callers are audited."""
    without = _AUDIT if audited else ()
    before = contents(live, without=without)
    yield
    assert contents(live, without=without) == before


# --- stories told by the use-cases, for tests of something else --------------------------------------------


def arrived(ports: Ports, people: People, state: State, workflow_id: str, **more: Any) -> DelegationRequest:
    """Return a request that came to this state the usual way; one that is to be expired was claimed 8 days ago."""
    if state is State.EXPIRED:
        long_ago = StillClock(ports.clock.now() - timedelta(days=8))
        return arrived(replace(ports, clock=long_ago), people, State.ASSIGNED, workflow_id, **more)
    owner, approver = people.call("owner"), people.call("approver")
    request = submission.create(ports, people.call("partner"), a_request(people, workflow_id, **more))
    if state is not State.UNASSIGNED:
        request = submission.associate(ports, owner, request.id)
    if state is State.REJECTED:
        request = approval.reject(ports, owner, request.id, "not now")
    if state is State.PENDING_APPROVAL:
        request = submission.forward(ports, owner, request.id, "please check")
    if state in (State.ACCEPTED, State.FINALIZED):
        request = approval.accept(ports, approver, request.id, digest=request.digest)
    if state is State.FINALIZED:
        request = release.send(ports, approver, request.id)
    return request


def exchange_token_of(ports: Ports, request_id: str) -> str:
    """Return the exchange token that the partner was sent for this request."""
    found = ports.store.read(lambda tx: tx.find(Errand, request_id=request_id, message_type="ExchangeToken"))
    return str(notifications.body_of(ports, found[0])["ExchangeToken"])


def minted(ports: Ports, people: People, workflow_id: str, **more: Any) -> Minted:
    """Return the credentials of a fresh session on the approver's authority."""
    request = arrived(ports, people, State.FINALIZED, workflow_id, **more)
    return release.exchange(ports, people.call("partner"), exchange_token_of(ports, request.id))


def key_of(session: Minted) -> NewKey:
    """Return a session's key pair in the shape of a long-lived one; its token is beside it."""
    return NewKey(session.access_key_id, session.secret_access_key)


def grant_of(ports: Ports, request_id: str) -> Grant:
    """Return the one grant of a request."""
    (grant,) = ports.store.read(lambda tx: tx.find(Grant, request_id=request_id))
    return grant
