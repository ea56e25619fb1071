"""An exchange goes through a worker, or straight to the writing thread once its signer is known: nobody can tell."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import pytest
from staging.houses import ACCOUNT, OPERATOR, PARTNER, house_in
from staging.wires import (
    STS_VERSION,
    Cast,
    arrived,
    error_of,
    exchange_token_of,
    grant_of,
    nothing_written,
    send,
    signed,
)

from workflows import account_users, credentialing, dismissal, onboarding, revocation
from workflows.credentialing import NewKey
from workflows.records.audit import AuditEntry
from workflows.records.grant import Session
from workflows.records.request import State

Form = Mapping[str, str]


@pytest.fixture
def handed_over(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One number for each call that went straight to the writing thread."""
    store, calls = cast.live.house.store, list[int]()
    hand_over = store.hand_over

    def noted(*given: Any, **named: Any) -> None:
        calls.append(len(calls))
        hand_over(*given, **named)

    monkeypatch.setattr(store, "hand_over", noted)
    return calls


def released(cast: Cast, **more: Any) -> str:
    return arrived(cast.live.ports, cast.people, State.FINALIZED, "wf-00001", **more).id


def form_with(token: str, **more: str) -> Form:
    return {"Action": "GetDelegatedAccessToken", "Version": STS_VERSION, "TradeInToken": token, **more}


def exchange(
    cast: Cast, form: Form, *, key: NewKey | None = None, number: int = 0, service: str = "sts"
) -> httpx.Response:
    """Send an exchange; the number makes it another call than its like within the same second."""
    given = key or cast.key("partner")
    return send(signed(cast.live.origin, given, form, service=service, headers={"x-amz-meta-number": str(number)}))


def told(answer: httpx.Response) -> tuple[object, ...]:
    """Return what an answer says, but for what is another in each."""
    if answer.is_success:
        return (answer.status_code, answer.text.count("<SecretAccessKey>"))
    return error_of(answer)


def entries(cast: Cast) -> dict[str, dict[str, Any]]:
    """Return what the audit trail says by the id of each entry, without what is another in each."""
    found = cast.live.ports.store.read(lambda tx: tx.find(AuditEntry))
    bodies = {str(body["id"]): body for body in (json.loads(one.body) for one in found)}
    return {name: {**body, "id": None, "call": None, "answered": None} for name, body in bodies.items()}


# --- what can be asked --------------------------------------------------------------------------------------


def good(cast: Cast) -> Form:
    return form_with(exchange_token_of(cast.live.ports, released(cast)))


def made_up(_cast: Cast) -> Form:
    return form_with("dpx1_" + "A" * 43 + "_00000000")


def revoked(cast: Cast) -> Form:
    request_id = released(cast)
    token = exchange_token_of(cast.live.ports, request_id)
    revocation.revoke(cast.live.ports, cast.people.call("owner"), request_id, None)
    return form_with(token)


def of_a_disabled_approver(cast: Cast) -> Form:
    form = good(cast)
    onboarding.set_user_active(cast.live.ports, OPERATOR, account_id=ACCOUNT, user_name="approver", active=False)
    return form


def unknown_member(cast: Cast) -> Form:
    return {**good(cast), "Surprise": "1"}


def no_token(_cast: Cast) -> Form:
    return {"Action": "GetDelegatedAccessToken", "Version": STS_VERSION}


def wrong_version(cast: Cast) -> Form:
    return {**good(cast), "Version": "2010-05-08"}


def too_long(cast: Cast) -> Form:
    return {**good(cast), "TradeInToken": "x" * 5000}


ASKED: Final[tuple[Callable[[Cast], Form], ...]] = (
    good,
    made_up,
    revoked,
    of_a_disabled_approver,
    unknown_member,
    no_token,
    wrong_version,
    too_long,
)


@pytest.mark.parametrize("asked", ASKED)
def test_the_second_call_is_answered_and_written_down_as_the_first(
    cast: Cast, handed_over: list[int], asked: Callable[[Cast], Form]
) -> None:
    form, key = asked(cast), cast.key("partner")
    before = entries(cast)
    first = exchange(cast, form, key=key, number=1)
    assert handed_over == []
    between = entries(cast)
    second = exchange(cast, form, key=key, number=2)
    after = entries(cast)
    assert told(second) == told(first)
    steps = ((before, between), (between, after))
    written = [[later[one] for one in later if one not in earlier] for earlier, later in steps]
    assert written[0] == written[1]
    # Only what could be read as a call is handed over at all.
    assert len(handed_over) == (asked in (good, made_up, revoked, of_a_disabled_approver))


def test_a_token_is_traded_no_more_often_than_it_may_be_by_either_way(cast: Cast, handed_over: list[int]) -> None:
    ports = cast.live.ports
    request_id = released(cast)
    form, cap = form_with(exchange_token_of(ports, request_id)), ports.terms.exchange_cap
    answers = [exchange(cast, form, number=number) for number in range(cap + 2)]
    assert [one.status_code for one in answers] == [200] * cap + [409] * 2
    assert grant_of(ports, request_id).exchanges == cap
    assert len(handed_over) == cap + 1


def test_the_same_signature_gets_the_same_credentials(cast: Cast, handed_over: list[int]) -> None:
    form = good(cast)
    exchange(cast, form, number=1)
    request = signed(cast.live.origin, cast.key("partner"), form, service="sts")
    answers = [send(request) for _ in range(3)]
    ids = {one.text.split("<AccessKeyId>")[1].split("<")[0] for one in answers}
    assert ([one.status_code for one in answers], len(ids), len(handed_over)) == ([200] * 3, 1, 3)
    assert len(cast.live.ports.store.read(lambda tx: tx.find(Session))) == 2


# --- who is known is still who may --------------------------------------------------------------------------


def switched_off(cast: Cast, key: NewKey) -> None:
    credentialing.set_key_active(cast.live.ports, OPERATOR, key.access_key_id, active=False)


def switched_off_by_another_process(cast: Cast, key: NewKey) -> None:
    other = house_in(cast.live.house.settings.key_file.parent)
    credentialing.set_key_active(other.ports, OPERATOR, key.access_key_id, active=False)
    other.close()


def of_a_stopped_partner(cast: Cast, _key: NewKey) -> None:
    dismissal.stop_partner(cast.live.ports, OPERATOR, PARTNER)


@pytest.mark.parametrize("harm", [switched_off, switched_off_by_another_process, of_a_stopped_partner])
def test_who_is_known_is_refused_from_the_next_call_on(
    cast: Cast, handed_over: list[int], harm: Callable[[Cast, NewKey], None]
) -> None:
    form, key = good(cast), cast.key("partner")
    assert [exchange(cast, form, number=number).status_code for number in (1, 2)] == [200, 200]
    harm(cast, key)
    with nothing_written(cast.live, audited=False):
        assert error_of(exchange(cast, form, number=3))[:2] == (403, "InvalidClientTokenId")
    assert len(handed_over) == 2


def test_a_deleted_key_of_somebody_known_is_worth_nothing(cast: Cast, handed_over: list[int]) -> None:
    form, key = good(cast), cast.key("approver")
    answers = [exchange(cast, form, key=key, number=number) for number in (1, 2)]
    assert {error_of(one)[:2] for one in answers} == {(403, "AccessDenied")}
    account_users.delete_key(cast.live.ports, cast.people.call("approver"), None, key.access_key_id)
    assert error_of(exchange(cast, form, key=key, number=3))[:2] == (403, "InvalidClientTokenId")
    assert len(handed_over) == 2


def test_the_name_of_a_known_key_proves_nothing(cast: Cast, handed_over: list[int]) -> None:
    form, key = good(cast), cast.key("partner")
    exchange(cast, form, number=1)
    forged = NewKey(key.access_key_id, key.secret_access_key[::-1])
    with nothing_written(cast.live):
        assert error_of(exchange(cast, form, key=forged))[:2] == (403, "SignatureDoesNotMatch")
        assert error_of(exchange(cast, form, service="iam"))[:2] == (400, "IncompleteSignature")
    assert handed_over == []


def test_who_guesses_has_to_wait_by_either_way(cast: Cast, handed_over: list[int]) -> None:
    codes = [error_of(exchange(cast, made_up(cast), number=number))[1] for number in range(25)]
    assert codes == ["ValidationError"] * 20 + ["Throttling"] * 5
    assert len(handed_over) == 19


def test_a_service_that_is_shutting_down_says_so(cast: Cast) -> None:
    form = good(cast)
    exchange(cast, form, number=1)
    cast.live.house.store.close()
    assert exchange(cast, form, number=2).status_code == 503
