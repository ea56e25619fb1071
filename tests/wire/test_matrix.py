"""Who may do what to a request in which state: the whole table, asked over the wire with real signatures.

Rules behind the table: another account cannot tell a request from no request (404); inside the owner's account a
missing permission is named (403); whoever has the permission is told the state that is in the way (400).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import httpx
import pytest
from staging.clocks import StillClock
from staging.houses import ACCOUNT, settle_people, with_terms
from staging.servers import serving
from staging.wires import (
    FORM,
    STS_VERSION,
    UNKNOWN_ID,
    Cast,
    arrived,
    error_of,
    exchange_token_of,
    form_of,
    grant_of,
    key_of,
    minted,
    send,
    signed,
)

from workflows.ports import Ports
from workflows.records.account import ApiToken
from workflows.records.request import DelegationRequest, State
from workflows.release import Minted

OK: Final = "ok"
WRONG: Final = "InvalidInput"
DENIED: Final = "AccessDenied"
ABSENT: Final = "NoSuchEntity"
NOBODY: Final = "MissingAuthenticationToken"

# Those who get the same answer whatever the operation and the state.
OUTSIDERS: Final[Mapping[str, str]] = {
    "partner": ABSENT,
    "other_partner": ABSENT,
    "stranger": ABSENT,
    "session": DENIED,
    "anonymous": NOBODY,
}
IN_STATE: Final = tuple(State)
# By operation and then for each state: owner, approver (administrator), root, and bystander (no policies).
# UNASSIGNED, ASSIGNED, PENDING_APPROVAL, ACCEPTED, FINALIZED, REJECTED, EXPIRED is the order of the states.
TABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "GetDelegationRequest": ("ok ok ok ok", *["ok ok ok 403"] * 6),
    "GetHumanReadableSummary": ("ok ok ok ok", *["ok ok ok 403"] * 6),
    "AssociateDelegationRequest": ("ok ok ok ok", "ok 400 400 400", *["400 400 400 400"] * 5),
    "UpdateDelegationRequest": ("403 400 400 403", *["ok ok ok 403"] * 2, *["400 400 400 403"] * 4),
    "AcceptDelegationRequest": ("403 400 400 403", *["403 ok ok 403"] * 2, *["403 400 400 403"] * 4),
    "RejectDelegationRequest": ("403 400 400 403", *["ok ok ok 403"] * 3, *["400 400 400 403"] * 3),
    "SendDelegationToken": ("403 400 400 403", *["400 400 400 403"] * 2, "ok ok ok 403", *["400 400 400 403"] * 3),
    "RevokeDelegation": ("403 400 400 403", *["400 400 400 403"] * 3, "ok ok ok 403", *["400 400 400 403"] * 2),
}
INSIDERS: Final = ("owner", "approver", "root", "bystander")
CODES: Final = {"ok": OK, "400": WRONG, "403": DENIED}
AFTER: Final = {
    "AssociateDelegationRequest": State.ASSIGNED,
    "UpdateDelegationRequest": State.PENDING_APPROVAL,
    "AcceptDelegationRequest": State.ACCEPTED,
    "RejectDelegationRequest": State.REJECTED,
    "SendDelegationToken": State.FINALIZED,
}


def expected(operation: str, state: State) -> dict[str, str]:
    cells = TABLE[operation][IN_STATE.index(state)].split()
    return {**{name: CODES[cell] for name, cell in zip(INSIDERS, cells, strict=True)}, **OUTSIDERS}


class Room:
    """A live house in which requests can be brought to any state in any number."""

    def __init__(self, cast: Cast, clock: StillClock) -> None:
        self.cast, self._clock, self._numbers = cast, clock, count()
        self._session: Minted | None = None

    @property
    def ports(self) -> Ports:
        return with_terms(self.cast.live.house, open_requests_per_account=10_000, open_requests_per_partner=10_000)

    def request(self, state: State, **more: Any) -> DelegationRequest:
        """A request that came to this state more than a minute ago, so that nobody's call is a mere repetition."""
        self._clock.advance(seconds=-90)
        try:
            return arrived(self.ports, self.cast.people, state, f"wf-{next(self._numbers):05}", **more)
        finally:
            self._clock.advance(seconds=90)

    def stored(self, request: DelegationRequest) -> DelegationRequest:
        found = self.ports.store.read(lambda tx: tx.get(DelegationRequest, request.id))
        assert found is not None
        return found

    def ask(self, name: str, operation: str, request_id: str) -> httpx.Response:
        """The answer to this caller, who proves itself anew with every call."""
        form = form_of(operation, DelegationRequestId=request_id)
        if operation == "GetHumanReadableSummary":
            form = form_of(operation, EntityArn=f"arn:aws:iam::{ACCOUNT}:delegation-request/{request_id}")
        if name == "anonymous":
            with self.cast.live.http() as client:
                return client.post("/", data=form, headers={"content-type": FORM})
        if name == "session":
            if self._session is None:
                self._session = minted(self.ports, self.cast.people, "wf-session")
            key, token = key_of(self._session), self._session.session_token
            return send(signed(self.cast.live.origin, key, form, token=token))
        return self.cast.post(name, form)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """One house for the table; every question gets a request of its own."""
    clock = StillClock(datetime.now(UTC))  # noqa: TID251  real clients sign with the machine's clock
    with serving(tmp_path_factory.mktemp("room"), clock, scheduler=False) as live:
        yield Room(Cast(live, settle_people(live.ports)), clock)


def outcome_of(answer: httpx.Response) -> str:
    return OK if answer.status_code == 200 else error_of(answer)[1]


@pytest.mark.parametrize("state", IN_STATE)
@pytest.mark.parametrize("operation", TABLE)
def test_everybody_gets_the_answer_of_the_table_and_a_refusal_changes_nothing(
    room: Room, operation: str, state: State
) -> None:
    outcomes, touched, unmoved = {}, [], []
    for name in expected(operation, state):
        request = room.request(state)
        before = room.stored(request)
        outcomes[name] = outcome_of(room.ask(name, operation, request.id))
        after = room.stored(request)
        if outcomes[name] != OK and after != before:
            touched.append(name)
        if outcomes[name] == OK and after.state is not AFTER.get(operation, before.state):
            unmoved.append(name)
    assert outcomes == expected(operation, state)
    assert (touched, unmoved) == ([], [])


# A request for no account in particular: who may see it and claim it, and nothing else to anybody.
UNBOUND: Final[Mapping[str, Mapping[str, str]]] = {
    "GetDelegationRequest": {"owner": OK, "stranger": OK, "bystander": OK, "partner": OK, "other_partner": ABSENT},
    "GetHumanReadableSummary": {"owner": OK, "stranger": OK, "bystander": OK, "partner": OK, "other_partner": ABSENT},
    "AssociateDelegationRequest": {
        "owner": OK,
        "stranger": OK,
        "bystander": OK,
        "root": OK,
        "partner": DENIED,
        "other_partner": ABSENT,
        "session": DENIED,
    },
    "AcceptDelegationRequest": {"owner": DENIED, "stranger": WRONG, "partner": DENIED, "other_partner": ABSENT},
    "RejectDelegationRequest": {"owner": DENIED, "stranger": WRONG, "partner": DENIED, "other_partner": ABSENT},
    "SendDelegationToken": {"owner": DENIED, "stranger": WRONG, "partner": DENIED, "other_partner": ABSENT},
}


@pytest.mark.parametrize("operation", UNBOUND)
def test_a_request_for_no_account_in_particular_is_open_to_every_account_until_it_is_claimed(
    room: Room, operation: str
) -> None:
    outcomes = {}
    for name in UNBOUND[operation]:
        request = room.request(State.UNASSIGNED, owner_account_id=None)
        outcomes[name] = outcome_of(room.ask(name, operation, request.id))
        if outcomes[name] != OK:
            assert room.stored(request) == request
    assert outcomes == UNBOUND[operation]


def test_once_claimed_a_request_is_gone_from_the_sight_of_all_other_accounts(room: Room) -> None:
    request = room.request(State.UNASSIGNED, owner_account_id=None)
    assert outcome_of(room.ask("stranger", "AssociateDelegationRequest", request.id)) == OK
    for name in ("owner", "approver", "root", "partner"):
        assert outcome_of(room.ask(name, "GetDelegationRequest", request.id)) == ABSENT


def test_the_owner_may_keep_the_release_to_itself(room: Room) -> None:
    for name, outcome in (("approver", DENIED), ("root", DENIED), ("bystander", DENIED), ("owner", OK)):
        request = room.request(State.ACCEPTED, only_send_by_owner=True)
        assert outcome_of(room.ask(name, "SendDelegationToken", request.id)) == outcome


def test_only_the_partner_that_filed_a_request_can_trade_its_token(room: Room) -> None:
    request = room.request(State.FINALIZED)
    form = {
        "Action": "GetDelegatedAccessToken",
        "Version": STS_VERSION,
        "TradeInToken": exchange_token_of(room.ports, request.id),
    }
    outcomes = {
        name: outcome_of(room.cast.post(name, form, service="sts"))
        for name in ("other_partner", "owner", "approver", "root", "bystander", "stranger", "partner")
    }
    assert outcomes.pop("partner") == OK
    assert set(outcomes.values()) == {DENIED}
    assert grant_of(room.ports, request.id).exchanges == 1


# --- what is somebody else's looks like what is not there --------------------------------------------------


def bare(answer: httpx.Response, request_id: str) -> tuple[int, dict[str, str], str]:
    """An answer without what differs between any two: its own id, its time, and the id that was asked for."""
    call_id = answer.headers.get("x-amzn-requestid", "-")
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "x-amzn-requestid")}
    return answer.status_code, headers, answer.text.replace(call_id, "").replace(request_id, "")


@pytest.mark.parametrize("name", ["stranger", "partner", "other_partner"])
@pytest.mark.parametrize("operation", TABLE)
def test_another_accounts_request_answers_byte_for_byte_like_an_unknown_one(
    room: Room, name: str, operation: str
) -> None:
    for state in (State.UNASSIGNED, State.ACCEPTED, State.FINALIZED, State.EXPIRED):
        foreign = room.request(state).id
        answers = [bare(room.ask(name, operation, one), one) for one in (foreign, UNKNOWN_ID)]
        assert answers[0] == answers[1]
        assert answers[0][0] == 404


EMPTY_POLICY: Final = {"Version": "2012-10-17", "Statement": []}
ROUTES: Final[tuple[tuple[str, str, Any], ...]] = (
    ("GET", "/v1/requests/{request}", None),
    ("GET", "/v1/requests/{request}?check=true", None),
    ("GET", "/v1/requests/{request}/summary", None),
    ("GET", "/v1/requests/{request}/review", None),
    ("POST", "/v1/requests/{request}/narrowing", {"session_duration": 300}),
    ("POST", "/v1/requests/{request}/associate", None),
    ("POST", "/v1/requests/{request}/forward", {"notes": "please check"}),
    ("POST", "/v1/requests/{request}/accept", {"digest": "0" * 64}),
    ("POST", "/v1/requests/{request}/reject", {}),
    ("POST", "/v1/requests/{request}/send", None),
    ("POST", "/v1/requests/{request}/revoke", {}),
    ("GET", "/v1/grants/{grant}", None),
    ("GET", "/v1/grants/{grant}/use", None),
    ("POST", "/v1/grants/{grant}/revoke", None),
    ("GET", "/v1/grants/{grant}/proposal", None),
    ("GET", "/v1/grants?account_id={account}", None),
    ("GET", "/v1/audit?account_id={account}", None),
    ("GET", "/v1/accounts/{account}/users", None),
    ("POST", "/v1/accounts/{account}/users", {"name": "somebody"}),
    ("PATCH", "/v1/accounts/{account}/users/owner", {"active": False}),
    ("POST", "/v1/accounts/{account}/users/owner/policies", {"policy": "AdministratorAccess"}),
    ("DELETE", "/v1/accounts/{account}/users/owner/policies/DelegationOwner", None),
    ("POST", "/v1/accounts/{account}/users/owner/access-keys", None),
    ("GET", "/v1/accounts/{account}/guardrails", None),
    ("DELETE", "/v1/accounts/{account}/guardrails/any", None),
    ("PUT", "/v1/accounts/{account}/guardrails/any", {"document": EMPTY_POLICY}),
    ("POST", "/v1/accounts/{account}/policies", {"name": "mine", "document": EMPTY_POLICY}),
    ("GET", "/v1/accounts/{account}/identity-provider", None),
    ("PUT", "/v1/accounts/{account}/identity-provider", {"issuer": "https://login.example", "client_id": "mine"}),
    ("DELETE", "/v1/accounts/{account}/identity-provider", None),
    ("PUT", "/v1/accounts/{account}/users/owner/identity", {"subject": "mine"}),
    ("GET", "/v1/partners/{partner}/registrations", None),
    ("GET", "/v1/partners/{partner}/report", None),
    ("POST", "/v1/partners/{partner}/revoke", None),
    ("PATCH", "/v1/partners/{partner}", {"active": False}),
    ("POST", "/v1/partners/{partner}/access-keys", None),
    ("POST", "/v1/partners/{partner}/templates", {"name": "mine", "document": EMPTY_POLICY}),
    ("POST", "/v1/partners/{partner}/boundaries", {"name": "mine", "document": EMPTY_POLICY}),
    ("POST", "/v1/partners/{partner}/channels", {"name": "mine"}),
    ("PATCH", "/v1/access-keys/{key}", {"active": False}),
    ("DELETE", "/v1/tokens/{token}", None),
    ("DELETE", "/v1/notifications/{message}", None),
    ("POST", "/v1/dead-letters/{message}/replay", None),
)


# An account that a partner asked for something is told what the partner has there, and not a word of elsewhere.
TOLD_TO_CUSTOMERS: Final = ("/v1/partners/{partner}/report", "/v1/partners/{partner}/revoke")


def test_every_route_that_names_something_is_in_the_table_above(room: Room) -> None:
    with room.cast.live.http() as client:
        paths = client.get("/schema/openapi.json").json()["paths"]
    served = {
        (method.upper(), re.sub(r"{\w+}", "{}", path))
        for path, operations in paths.items()
        for method in operations
        if "{" in path
    }
    assert served == {
        (method, re.sub(r"{\w+}|(?<=/)(any|owner|DelegationOwner)(?=/|$)", "{}", route))
        for method, route, _ in ROUTES
        if "?" not in route
    }


def ids_of(room: Room) -> dict[str, str]:
    """One of everything that belongs to the first account and to the partner it lent to."""
    request = room.request(State.FINALIZED)
    with room.cast.api("partner") as api:
        message = api.get("/v1/notifications").raise_for_status().json()[-1]["id"]
    room.cast.token("owner")
    (token, *_) = room.ports.store.read(lambda tx: tx.find(ApiToken, principal_id=room.cast.people.owner.id))
    return {
        "request": request.id,
        "grant": grant_of(room.ports, request.id).id,
        "account": ACCOUNT,
        "partner": room.cast.people.partner.account_id,
        "key": room.cast.key("owner").access_key_id,
        "token": token.id,
        "message": message,
    }


def unlike(value: str) -> str:
    """An id of the same kind and length that nothing has."""
    swapped = str.maketrans("0123456789abcdefABCDEFGH", "1032547698badcfeBADCFEHG")
    return value[:-8] + ("9" * 8 if value.isdigit() else value[-8:].translate(swapped))


@pytest.mark.parametrize("name", ["stranger", "other_partner"])
def test_the_json_api_tells_nobody_what_belongs_to_somebody_else(room: Room, name: str) -> None:
    told = {}
    known = ids_of(room)
    unknown = {kind: unlike(value) for kind, value in known.items()}
    with room.cast.api(name) as api:
        for method, route, body in ROUTES:
            answers = []
            for ids in (known, unknown):
                answer = api.request(method, route.format(**ids), json=body)
                text = answer.text
                for value in ids.values():
                    text = text.replace(value, "")
                headers = {key: value for key, value in answer.headers.items() if key != "date"}
                if route in TOLD_TO_CUSTOMERS and answer.status_code == 200:
                    assert answer.json()["report"]["account"] == room.cast.principal(name).account_id
                    assert known["request"] not in text
                    headers, text = {}, ""
                answers.append((answer.status_code, headers, text))
            if route in TOLD_TO_CUSTOMERS and (answers[0][0], answers[1][0]) == (200, 404):
                continue
            if answers[0] != answers[1] or answers[0][0] not in (403, 404):
                told[method, route] = answers
    assert told == {}
