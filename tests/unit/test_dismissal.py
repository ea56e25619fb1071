"""A partner that is stopped has nothing left, and gets nothing back when it may ask again."""

import pytest
from staging.clocks import StillClock
from staging.houses import OPERATOR, PARTNER, People, a_request, key_for

from service.house import House
from workflows import approval, audit, delivery, dismissal, notifications, release, submission
from workflows.authentication import candidate_for
from workflows.errors import AccessDenied, ExpiredExchangeToken, NoSuchEntity, SessionExpired, UnknownCredential
from workflows.ports import Ports
from workflows.records.audit import AuditEntry
from workflows.records.grant import EndReason, Grant, GrantState
from workflows.records.request import DelegationRequest, State
from workflows.release import Minted


def lend(ports: Ports, people: People) -> tuple[str, Minted]:
    """Release one request and trade its token; return the token and the credentials."""
    request = submission.create(ports, people.call("partner"), a_request(people))
    submission.associate(ports, people.call("owner"), request.id)
    approval.accept(ports, people.call("approver"), request.id, digest=request.digest)
    release.send(ports, people.call("approver"), request.id)
    messages = [notifications.body_of(ports, one) for one in delivery.mailbox(ports, people.call("partner"), limit=50)]
    token = next(str(one["ExchangeToken"]) for one in messages if "ExchangeToken" in one)
    return token, release.exchange(ports, people.call("partner"), token)


def refusal_of(ports: Ports, minted: Minted) -> object:
    return ports.store.read(
        lambda tx: candidate_for(tx, ports, minted.access_key_id, minted.session_token),
    ).refusal


def test_stopping_a_partner_ends_its_keys_requests_tokens_and_sessions(house: House, people: People) -> None:
    ports = house.ports
    key = key_for(ports, people.partner)
    token, minted = lend(ports, people)
    waiting = submission.create(ports, people.call("partner"), a_request(people, "wf-00002"))
    submission.associate(ports, people.call("owner"), waiting.id)
    dismissal.stop_partner(ports, OPERATOR, PARTNER)
    grant = ports.store.read(lambda tx: tx.find(Grant))[0]
    assert (grant.state, grant.end_reason) == (GrantState.REVOKED, EndReason.REVOKED)
    ended = ports.store.read(lambda tx: tx.get(DelegationRequest, waiting.id))
    assert ended is not None
    assert ended.state is State.EXPIRED
    assert isinstance(refusal_of(ports, minted), SessionExpired)
    signer = ports.store.read(lambda tx: candidate_for(tx, ports, key.access_key_id, None))
    assert isinstance(signer.refusal, UnknownCredential)
    with pytest.raises((AccessDenied, ExpiredExchangeToken)):
        release.exchange(ports, people.call("partner"), token)


def test_a_partner_that_may_ask_again_gets_nothing_of_it_back(house: House, people: People) -> None:
    ports = house.ports
    token, minted = lend(ports, people)
    dismissal.stop_partner(ports, OPERATOR, PARTNER)
    dismissal.resume_partner(ports, OPERATOR, PARTNER)
    assert isinstance(refusal_of(ports, minted), SessionExpired)
    with pytest.raises(ExpiredExchangeToken):
        release.exchange(ports, people.call("partner"), token)
    assert submission.create(ports, people.call("partner"), a_request(people, "wf-00003")).state is State.UNASSIGNED


def test_nothing_of_a_stopped_partner_can_be_approved(house: House, people: People) -> None:
    ports = house.ports
    accepted = submission.create(ports, people.call("partner"), a_request(people))
    submission.associate(ports, people.call("owner"), accepted.id)
    dismissal.stop_partner(ports, OPERATOR, PARTNER)
    with pytest.raises(AccessDenied, match="not active"):
        approval.accept(ports, people.call("approver"), accepted.id, digest=accepted.digest)


def test_each_end_has_its_entry_in_the_trail_of_the_account_it_concerns(
    house: House,
    people: People,
    clock: StillClock,
) -> None:
    ports = house.ports
    lend(ports, people)
    clock.advance(minutes=5)
    dismissal.stop_partner(ports, OPERATOR, PARTNER)
    entries = ports.store.read(lambda tx: tx.find(AuditEntry, chain=people.owner.account_id))
    last = entries[-1]
    assert '"act":"RevokeDelegation"' in last.body
    assert '"before":"LIVE"' in last.body
    assert '"after":"REVOKED"' in last.body
    assert ports.store.read(lambda tx: audit.verify(tx, ports.keyring)).faults == ()


def test_only_the_operator_stops_a_partner_and_only_one_that_exists(house: House, people: People) -> None:
    for name in ("approver", "root", "partner", "other_partner", "stranger"):
        with pytest.raises(AccessDenied):
            dismissal.stop_partner(house.ports, people.call(name), PARTNER)
    with pytest.raises(NoSuchEntity):
        dismissal.stop_partner(house.ports, OPERATOR, "121212121212")
