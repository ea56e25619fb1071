"""Many clients at once: every move happens once, one of them made it, and nothing is lent beyond its cap."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from staging.clocks import OffsetClock
from staging.houses import ACCOUNT, OPERATOR, PARTNER, key_for, settle_people
from staging.servers import LiveServer, serving
from staging.wires import STS_VERSION, UNKNOWN_ID, Cast, arrived, error_of, exchange_token_of, form_of, grant_of, signed

from workflows import onboarding
from workflows.credentialing import NewKey
from workflows.ids import AccessKeyId
from workflows.onboarding import PolicyChoice
from workflows.records.audit import AuditEntry
from workflows.records.errand import Errand
from workflows.records.grant import Grant, GrantState, Session
from workflows.records.request import DelegationRequest, State

MANY = 200


@pytest.fixture
def cast(tmp_path: Path) -> Iterator[Cast]:
    """Everybody, with clients of a live server."""
    with serving(tmp_path, OffsetClock()) as live:
        yield Cast(live, settle_people(live.ports))


def at_once(live: LiveServer, requests: Sequence[httpx.Request]) -> list[httpx.Response]:
    """Send all of these at the same moment, each on a connection of its own; return the answers in their order."""
    gate = threading.Barrier(len(requests))
    answers: dict[int, httpx.Response] = {}
    failures: list[Exception] = []

    def one(number: int, request: httpx.Request) -> None:
        with httpx.HTTPTransport(verify=False, trust_env=False) as transport:
            gate.wait(60)
            try:
                answer = transport.handle_request(request)
                answer.read()
                answers[number] = answer
            except httpx.TransportError as failure:
                failures.append(failure)

    threads = [threading.Thread(target=one, args=item) for item in enumerate(requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    return [answers[number] for number in range(len(requests))]


def outcome_of(answer: httpx.Response) -> str:
    return "ok" if answer.status_code == 200 else error_of(answer)[1]


def calls(cast: Cast, keys: Sequence[NewKey], form: dict[str, str], *, service: str = "iam") -> list[httpx.Request]:
    """The same call by the holder of each key, no two with the same signature."""
    return [
        signed(cast.live.origin, key, form, service=service, headers={"x-number": str(number)})
        for number, key in enumerate(keys)
    ]


def administrators(cast: Cast, count: int) -> list[NewKey]:
    """The keys of this many users that may do everything in the account."""
    choice = [PolicyChoice("AdministratorAccess")]
    users = [
        onboarding.create_user(cast.live.ports, OPERATOR, account_id=ACCOUNT, name=f"admin-{number}", policies=choice)
        for number in range(count)
    ]
    return [key_for(cast.live.ports, user) for user in users]


def moves(cast: Cast, request_id: str, act: str) -> list[dict[str, Any]]:
    """The audit entries of an act on this request that moved it."""
    found = cast.live.ports.store.read(lambda tx: tx.find(AuditEntry, request_id=request_id))
    bodies = [json.loads(entry.body) for entry in found]
    return [body for body in bodies if body["act"] == act and body["after"] and body["before"] != body["after"]]


def stored(cast: Cast, request_id: str) -> DelegationRequest:
    found: DelegationRequest = cast.live.ports.store.read(lambda tx: tx.get(DelegationRequest, request_id))
    assert found is not None
    return found


def rows(cast: Cast, kind: type[Any], **equal: object) -> list[Any]:
    return list(cast.live.ports.store.read(lambda tx: tx.find(kind, **equal)))


# --- one request, many callers ---------------------------------------------------------------------------


def test_of_two_hundred_approvers_one_approves(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001")
    keys = administrators(cast, MANY)
    form = form_of("AcceptDelegationRequest", DelegationRequestId=request.id)
    outcomes = Counter(outcome_of(answer) for answer in at_once(cast.live, calls(cast, keys, form)))
    assert outcomes["ok"] == 1
    assert outcomes.keys() <= {"ok", "ConcurrentModification", "InvalidInput"}
    (move,) = moves(cast, request.id, "AcceptDelegationRequest")
    after = stored(cast, request.id)
    assert (after.state, after.revision) == (State.ACCEPTED, request.revision + 1)
    assert after.approver_arn == move["caller"]["arn"]


def test_an_approver_that_approves_two_hundred_times_approves_once(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001")
    form = form_of("AcceptDelegationRequest", DelegationRequestId=request.id)
    answers = at_once(cast.live, calls(cast, [cast.key("approver")] * MANY, form))
    assert {outcome_of(answer) for answer in answers} <= {"ok", "ConcurrentModification"}
    assert len(moves(cast, request.id, "AcceptDelegationRequest")) == 1
    assert stored(cast, request.id).revision == request.revision + 1
    assert len(rows(cast, Errand, request_id=request.id)) == 2


@pytest.mark.parametrize("alone", [True, False])
def test_two_hundred_releases_are_one_grant_and_one_token(cast: Cast, alone: bool) -> None:  # noqa: FBT001  a case
    request = arrived(cast.live.ports, cast.people, State.ACCEPTED, "wf-00001")
    keys = [cast.key("owner")] * MANY if alone else administrators(cast, MANY)
    form = form_of("SendDelegationToken", DelegationRequestId=request.id)
    outcomes = Counter(outcome_of(answer) for answer in at_once(cast.live, calls(cast, keys, form)))
    allowed = {"ok", "ConcurrentModification"} if alone else {"ok", "ConcurrentModification", "InvalidInput"}
    assert outcomes["ok"] >= 1
    assert alone or outcomes["ok"] == 1
    assert outcomes.keys() <= allowed
    assert len(moves(cast, request.id, "SendDelegationToken")) == 1
    assert len(rows(cast, Grant, request_id=request.id)) == 1
    assert len(rows(cast, Errand, request_id=request.id, message_type="ExchangeToken")) == 1
    assert stored(cast, request.id).state is State.FINALIZED


# --- pairs that exclude each other -----------------------------------------------------------------------

ROUNDS = 15


def rounds(cast: Cast, state: State, *rivals: tuple[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Let the rivals (who, what) act on a fresh request at once, again and again; yield its id and the outcomes."""
    for number in range(ROUNDS):
        request = arrived(cast.live.ports, cast.people, state, f"wf-{number:05}")
        requests = [
            signed(cast.live.origin, cast.key(name), form_of(act, DelegationRequestId=request.id))
            for name, act in rivals
        ]
        yield request.id, [outcome_of(answer) for answer in at_once(cast.live, requests)]


def test_a_request_has_one_owner_whoever_claims_it(cast: Cast) -> None:
    names = ("owner", "approver", "bystander", "root")
    for request_id, outcomes in rounds(
        cast, State.UNASSIGNED, *((name, "AssociateDelegationRequest") for name in names)
    ):
        assert outcomes.count("ok") == 1
        assert set(outcomes) <= {"ok", "ConcurrentModification", "InvalidInput"}
        winner = names[outcomes.index("ok")]
        assert stored(cast, request_id).owner_arn == cast.principal(winner).arn
        assert len(moves(cast, request_id, "AssociateDelegationRequest")) == 1


@pytest.mark.parametrize(
    ("state", "acts", "ends"),
    [
        (
            State.ASSIGNED,
            ("AcceptDelegationRequest", "RejectDelegationRequest"),
            {State.ACCEPTED: "ok first", State.REJECTED: "ok second"},
        ),
        (
            State.ACCEPTED,
            ("SendDelegationToken", "RejectDelegationRequest"),
            {State.FINALIZED: "ok first", State.REJECTED: "ok second"},
        ),
    ],
)
def test_of_two_acts_that_exclude_each_other_one_happens(
    cast: Cast, state: State, acts: tuple[str, str], ends: dict[State, str]
) -> None:
    for request_id, (first, second) in rounds(cast, state, ("approver", acts[0]), ("owner", acts[1])):
        after = stored(cast, request_id).state
        lost = {"ConcurrentModification", "InvalidInput"}
        # A rejection may also follow an acceptance; then both have happened, in that order, and both were told so.
        both = first == second == "ok" and state is State.ASSIGNED and after is State.REJECTED
        one = (first == "ok" and second in lost) if ends[after] == "ok first" else (second == "ok" and first in lost)
        assert one or both
        moved = [len(moves(cast, request_id, act)) for act in acts]
        assert moved == [int(first == "ok"), int(second == "ok")]
        assert len(rows(cast, Grant, request_id=request_id)) == int(after is State.FINALIZED)


def test_a_revocation_wins_over_every_exchange(cast: Cast) -> None:
    ports = cast.live.ports
    for number in range(ROUNDS):
        request = arrived(ports, cast.people, State.FINALIZED, f"wf-{number:05}")
        trade = {
            "Action": "GetDelegatedAccessToken",
            "Version": STS_VERSION,
            "TradeInToken": exchange_token_of(ports, request.id),
        }
        stop = form_of("RevokeDelegation", DelegationRequestId=request.id)
        requests = [
            *calls(cast, [cast.key("partner")] * 3, trade, service="sts"),
            signed(cast.live.origin, cast.key("owner"), stop),
        ]
        *trades, stopped = at_once(cast.live, requests)
        assert outcome_of(stopped) == "ok"
        outcomes = [outcome_of(answer) for answer in trades]
        assert set(outcomes) <= {"ok", "ExpiredTradeInTokenException"}
        grant = grant_of(ports, request.id)
        assert (grant.state, grant.exchanges) == (GrantState.REVOKED, outcomes.count("ok"))
        for answer in trades:
            if answer.status_code == 200:
                assert outcome_of(use(cast, answer)) == "ExpiredToken"


def use(cast: Cast, answer: httpx.Response) -> httpx.Response:
    """The answer to the credentials in this answer when they say who they are."""
    found = {name: answer.text.split(f"<{name}>")[1].split("<")[0] for name in ("SessionToken", "SecretAccessKey")}
    key = NewKey(AccessKeyId(access_key_in(answer)), found["SecretAccessKey"])
    form = {"Action": "GetCallerIdentity", "Version": STS_VERSION}
    (told,) = at_once(cast.live, [signed(cast.live.origin, key, form, service="sts", token=found["SessionToken"])])
    return told


def access_key_in(answer: httpx.Response) -> str:
    return answer.text.split("<AccessKeyId>")[1].split("<")[0]


def test_a_workflow_id_makes_one_request_however_many_ask_with_it(cast: Cast) -> None:
    form = creation(cast)
    answers = at_once(cast.live, calls(cast, [cast.key("partner")] * 40, form))
    assert Counter(outcome_of(answer) for answer in answers) == {"ok": 1, "EntityAlreadyExists": 39}
    (request,) = rows(cast, DelegationRequest, requestor_id=PARTNER)
    assert all(request.id in answer.text for answer in answers)


def creation(cast: Cast) -> dict[str, str]:
    parameter = "Permissions.Parameters.member.1"
    return {
        **form_of("CreateDelegationRequest", OwnerAccountId=ACCOUNT, Description="Reads your logs"),
        "Permissions.PolicyTemplateArn": cast.people.template_arn,
        f"{parameter}.Name": "bucketName",
        f"{parameter}.Values.member.1": "logs",
        f"{parameter}.Type": "string",
        "RequestorWorkflowId": "wf-00001",
        "NotificationChannel": cast.people.channel_arn,
        "SessionDuration": "3600",
    }


def test_no_crowd_trades_a_token_more_often_than_it_may_be(tmp_path: Path) -> None:
    with serving(tmp_path, OffsetClock(), exchange_cap=5) as live:
        cast = Cast(live, settle_people(live.ports))
        request = arrived(live.ports, cast.people, State.FINALIZED, "wf-00001")
        form = {
            "Action": "GetDelegatedAccessToken",
            "Version": STS_VERSION,
            "TradeInToken": exchange_token_of(live.ports, request.id),
        }
        answers = at_once(live, calls(cast, [cast.key("partner")] * 60, form, service="sts"))
        assert Counter(outcome_of(answer) for answer in answers) == {"ok": 5, "LimitExceeded": 55}
        sessions = rows(cast, Session, grant_id=grant_of(live.ports, request.id).id)
        assert sorted(one.number for one in sessions) == [1, 2, 3, 4, 5]
        lent = {access_key_in(answer) for answer in answers if answer.status_code == 200}
        assert lent == {one.access_key_id for one in sessions}


# --- the very same bytes again ---------------------------------------------------------------------------


def replayed(cast: Cast, request: httpx.Request, again: Callable[[], None] | None = None) -> list[httpx.Response]:
    """The answers to one request sent twenty times at once, and once more after everything else."""
    answers = at_once(cast.live, [request] * 20)
    if again is not None:
        again()
    return [*answers, *at_once(cast.live, [request])]


def bare(answer: httpx.Response) -> str:
    return answer.text.replace(answer.headers["x-amzn-requestid"], "")


def test_a_replayed_exchange_gives_the_same_credentials_and_mints_nothing(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.FINALIZED, "wf-00001")
    token = exchange_token_of(cast.live.ports, request.id)
    form = {"Action": "GetDelegatedAccessToken", "Version": STS_VERSION, "TradeInToken": token}
    answers = replayed(cast, signed(cast.live.origin, cast.key("partner"), form, service="sts"))
    assert {outcome_of(answer) for answer in answers} == {"ok"}
    assert len({bare(answer) for answer in answers}) == 1
    assert grant_of(cast.live.ports, request.id).exchanges == 1
    assert len(rows(cast, Session)) == 1


def test_a_replayed_creation_gives_the_same_id_and_files_nothing(cast: Cast) -> None:
    answers = replayed(cast, signed(cast.live.origin, cast.key("partner"), creation(cast)))
    assert len({(answer.status_code, bare(answer)) for answer in answers}) == 1
    assert answers[0].status_code == 200
    assert len(rows(cast, DelegationRequest)) == 1


def test_a_replayed_acceptance_does_not_undo_what_came_after_it(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001")
    form = form_of("AcceptDelegationRequest", DelegationRequestId=request.id)

    def take_back() -> None:
        cast.iam("owner").reject_delegation_request(DelegationRequestId=request.id)

    answers = replayed(cast, signed(cast.live.origin, cast.key("approver"), form), take_back)
    assert {outcome_of(answer) for answer in answers} == {"ok"}
    assert len(moves(cast, request.id, "AcceptDelegationRequest")) == 1
    assert stored(cast, request.id).state is State.REJECTED


def test_a_replayed_exchange_is_worth_nothing_after_revocation(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.FINALIZED, "wf-00001")
    token = exchange_token_of(cast.live.ports, request.id)
    form = {"Action": "GetDelegatedAccessToken", "Version": STS_VERSION, "TradeInToken": token}
    trade = signed(cast.live.origin, cast.key("partner"), form, service="sts")
    stop = form_of("RevokeDelegation", DelegationRequestId=request.id)
    (first,) = at_once(cast.live, [trade])
    at_once(cast.live, [signed(cast.live.origin, cast.key("owner"), stop)])
    (second,) = at_once(cast.live, [trade])
    assert [outcome_of(answer) for answer in (first, second)] == ["ok", "ExpiredTradeInTokenException"]


def test_a_failure_is_not_remembered_as_an_answer(cast: Cast) -> None:
    form = form_of("AssociateDelegationRequest", DelegationRequestId=UNKNOWN_ID)
    request = signed(cast.live.origin, cast.key("owner"), form)
    assert [outcome_of(at_once(cast.live, [request])[0]) for _ in range(2)] == ["NoSuchEntity"] * 2
