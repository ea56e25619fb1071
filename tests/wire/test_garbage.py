"""Whatever anybody sends, the answer is in the wire's own form and never a failure of the service."""

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from staging.clocks import OffsetClock
from staging.houses import ACCOUNT, OPERATOR, PARTNER, settle_people
from staging.servers import serving
from staging.wires import FORM, Cast, arrived, error_of, send, signed

from workflows import credentialing, onboarding
from workflows.records.account import PrincipalKind
from workflows.records.request import State

SIGNERS: Final = ("partner", "approver", "bystander")
DEEP: Final = b'{"document":' + b'{"a":' * 30_000
BODIES: Final = (
    b"",
    b"[" * 100_000,
    DEEP,
    b'{"name":"x","document":"' + b"\xff" + b'"}',
    b'{"name":"x","document":{"a":"\xff"}}',
    b'{"name":"x","document":"\\ud800"}',
    b'{"name":"\\ud800","document":{}}',
    b'{"name":"\\u0000","alias":"\\u0000","id":"\\u0000","notes":"\\u0000","digest":"\\u0000"}',
    b'{"session_duration":1e400}',
    b'{"session_duration":99999999999999999999999999999999}',
    b'{"days":-9223372036854775808,"scopes":[]}',
    b'{"document":1.0e999999999}',
    b"NaN",
)

texts = st.text(st.characters(codec=None), max_size=30)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
words = st.sampled_from(
    [
        "document",
        "name",
        "policies",
        "digest",
        "notes",
        "id",
        "alias",
        "domain",
        "parameters",
        "values",
        "scopes",
        "principal",
        "days",
        "active",
        "policy",
        "url",
        "description",
        "Version",
        "Statement",
        "Effect",
        "Action",
    ]
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | texts, inner, max_size=5),
    max_leaves=20,
)
bodies = st.binary(max_size=40) | values.map(lambda value: json.dumps(value).encode()) | st.sampled_from(BODIES)


# What a client is able to put into a header.
header_values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=60)


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """One live house to throw things at."""
    with serving(tmp_path_factory.mktemp("house"), OffsetClock()) as live:
        everybody = Cast(live, settle_people(live.ports))
        for name in SIGNERS:
            everybody.key(name)
        yield everybody


@pytest.fixture(scope="module")
def routes(cast: Cast) -> list[tuple[str, str]]:
    """Every method and path of the JSON API and of the access decisions."""
    with cast.live.http() as client:
        paths: dict[str, dict[str, Any]] = client.get("/schema/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, operations in paths.items() for method in operations]


@pytest.fixture(scope="module")
def clients(cast: Cast) -> Iterator[list[httpx.Client]]:
    """Everybody, an operator and a resource server among them, and nobody."""
    ports = cast.live.ports
    made = []
    for kind, scopes in ((PrincipalKind.OPERATOR, ("read", "write")), (PrincipalKind.RESOURCE_SERVER, ("decide",))):
        one = onboarding.create_housed_principal(ports, OPERATOR, kind=kind, name="one")
        made.append(cast.live.http(credentialing.create_api_token(ports, OPERATOR, one.arn, scopes=scopes).token))
    made += [cast.api("approver"), cast.api("partner"), cast.live.http(), cast.live.http("dpa1_x")]
    yield made
    for client in made:
        client.close()


def in_form(answer: httpx.Response) -> bool:
    if answer.status_code < 400:
        return True
    problem = answer.headers.get("content-type") == "application/problem+json" and answer.json()["detail"]
    return answer.status_code < 500 and bool(problem)


@pytest.mark.parametrize("body", BODIES)
def test_no_body_makes_any_route_fail(routes: list[tuple[str, str]], clients: list[httpx.Client], body: bytes) -> None:
    failed = {}
    for method, path in routes:
        filled = path.format(
            account_id=ACCOUNT,
            partner_id=PARTNER,
            name="owner",
            policy="x",
            access_key_id="x",
            token_id="x",
            request_id="dr-" + "0" * 32,
            grant_id="dg-x",
            message_id="msg-x",
        )
        for client in clients[:4]:
            answer = client.request(method, filled, content=body, headers={"content-type": "application/json"})
            if not in_form(answer):
                failed[method, path] = (answer.status_code, answer.text)
    assert failed == {}


@settings(max_examples=250)
@given(data=st.data(), body=bodies, segment=texts, query=st.dictionaries(texts, texts, max_size=3))
def test_no_question_makes_the_json_api_fail(
    routes: list[tuple[str, str]],
    clients: list[httpx.Client],
    data: st.DataObject,
    body: bytes,
    segment: str,
    query: dict[str, str],
) -> None:
    method, path = data.draw(st.sampled_from(routes))
    client = data.draw(st.sampled_from(clients))
    given_query = {**query, "limit": data.draw(texts), "marker": segment, "account_id": data.draw(texts)}
    quoted = quote(segment.encode("utf-8", "surrogatepass"), safe="")
    filled = path.replace("{", "\0").replace("}", "\0").split("\0")
    target = "".join(part if at % 2 == 0 else quoted or "x" for at, part in enumerate(filled))
    search = urlencode(given_query, errors="surrogatepass") if data.draw(st.booleans()) else ""
    answer = client.request(method, f"{target}?{search}", content=body, headers={"content-type": "application/json"})
    assert in_form(answer), (answer.status_code, answer.text)


@settings(max_examples=200)
@given(
    place=st.tuples(st.sampled_from(["/", "/v1/", "/d/", "/static/", "/schema/", "/health/", "/access/v1/"]), texts),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW"]),
    content_type=st.sampled_from(["application/json", FORM, "text/xml", "multipart/form-data", "", "\xff", "a/b; c"]),
    authorization=st.none() | header_values,
    body=bodies,
)
@example(place=("/", ""), method="POST", content_type=FORM, authorization="AWS4-HMAC-SHA256 ", body=b"")
@example(place=("/v1/", "me"), method="GET", content_type="", authorization="AWS4-HMAC-SHA256 =,=,=", body=b"")
def test_no_stranger_makes_the_service_fail(
    cast: Cast, place: tuple[str, str], method: str, content_type: str, authorization: str | None, body: bytes
) -> None:
    path, rest = place
    headers = [(b"content-type", content_type.encode("latin-1"))]
    if authorization is not None:
        headers.append((b"authorization", authorization.strip().encode("latin-1")))
    url = cast.live.origin + path + quote(rest.encode("utf-8", "surrogatepass"), safe="")
    answer = send(httpx.Request(method, url, headers=headers, content=body))
    assert answer.status_code < 500, answer.text


operations = st.sampled_from(
    [
        "CreateDelegationRequest",
        "GetDelegationRequest",
        "ListDelegationRequests",
        "GetHumanReadableSummary",
        "UpdateDelegationRequest",
        "AcceptDelegationRequest",
        "GetDelegatedAccessToken",
        "GetCallerIdentity",
        "X",
    ]
)
members = st.sampled_from(
    [
        "DelegationRequestId",
        "Description",
        "Permissions",
        "Permissions.PolicyTemplateArn",
        "Permissions.Parameters",
        "Permissions.Parameters.member.1.Values.member.1",
        "Permissions.Parameters.member.1.Name",
        "SessionDuration",
        "Permissions.Parameters.member.1.Type",
        "RequestorWorkflowId",
        "NotificationChannel",
        "OwnerAccountId",
        "RedirectUrl",
        "OnlySendByOwner",
        "Notes",
        "Marker",
        "MaxItems",
        "OwnerId",
        "EntityArn",
        "Locale",
        "TradeInToken",
    ]
)


@settings(max_examples=250)
@given(
    operation=operations,
    version=st.sampled_from(["2010-05-08", "2011-06-15", "x"]),
    form=st.dictionaries(members | texts, texts | st.integers().map(str), max_size=8),
    name=st.sampled_from(SIGNERS),
    service=st.sampled_from(["iam", "sts"]),
)
def test_no_signed_form_makes_the_aws_wire_fail(
    cast: Cast, operation: str, version: str, form: dict[str, str], name: str, service: str
) -> None:
    given_form = {"Action": operation, "Version": version, **form}
    body = urlencode(given_form, errors="surrogatepass").encode()
    answer = send(signed(cast.live.origin, cast.key(name), body, service=service))
    if answer.status_code != 200:
        status, code, message = error_of(answer)
        assert status < 500, (code, message)


@settings(max_examples=150)
@given(data=st.data())
def test_a_signed_request_that_was_altered_in_any_byte_is_refused(cast: Cast, data: st.DataObject) -> None:
    request_id = arrived_once(cast)
    form = {"Action": "GetDelegationRequest", "Version": "2010-05-08", "DelegationRequestId": request_id}
    request = signed(cast.live.origin, cast.key("approver"), form)
    body = bytearray(request.content)
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] = data.draw(st.integers(1, 255).map(lambda other: other ^ body[at]))
    answer = send(httpx.Request("POST", request.url, headers=request.headers, content=bytes(body)))
    assert error_of(answer)[:2] == (403, "SignatureDoesNotMatch")


_ARRIVED: dict[str, str] = {}


def arrived_once(cast: Cast) -> str:
    """The id of one request of this house."""
    if cast.live.origin not in _ARRIVED:
        request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-garbage")
        _ARRIVED[cast.live.origin] = request.id
    return _ARRIVED[cast.live.origin]
