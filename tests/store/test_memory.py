"""What is remembered of authority lasts until any authority changes, and what may never be committed is not kept."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import URL
from staging.clocks import NOON, StillClock
from staging.databases import text_of
from staging.groups import together
from staging.houses import ACCOUNT, OPERATOR, PARTNER, People, house_in, key_for, settle_people
from staging.wires import arrived, exchange_token_of

from service.db.store import SqlStore
from service.house import House
from workflows import account_users, credentialing, customer_policies, dismissal, onboarding, release
from workflows.errors import AccessDenied, ExpiredExchangeToken
from workflows.onboarding import PolicyChoice
from workflows.ports import Ports, Reading, Writing
from workflows.records.request import State

ALLOW = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}


class Asked:
    """Something that is looked up, and how often it was."""

    def __init__(self) -> None:
        self.times = 0
        self.answer = "first"

    def __call__(self) -> str:
        self.times += 1
        return self.answer

    def of(self, tx: Reading) -> str | None:
        """What a transaction is told of it."""
        return tx.remembered("thing", "one", self)


@pytest.fixture
def asked() -> Asked:
    """A thing that nobody asked for yet."""
    return Asked()


@pytest.fixture
def elsewhere(house: House, url: URL) -> Iterator[SqlStore]:
    """The store of another process on the same records."""
    opened = SqlStore(url)
    yield opened
    opened.close()


def change(tx: Writing) -> None:
    tx.authority_changed()


def raise_value_error() -> None:
    raise ValueError("taken back")


# --- how long it lasts --------------------------------------------------------------------------------------


def test_what_was_asked_once_is_not_asked_again_while_nothing_changes(house: House, asked: Asked) -> None:
    house.store.read(asked.of)
    house.store.write(asked.of)
    assert house.store.read(asked.of) == "first"
    assert asked.times == 1


def test_it_is_asked_again_after_a_change_here(house: House, asked: Asked) -> None:
    house.store.read(asked.of)
    house.store.write(change)
    asked.answer = "second"
    assert house.store.read(asked.of) == "second"
    assert house.store.write(asked.of) == "second"


def test_it_is_asked_again_after_a_change_in_another_process_without_any_word_of_it(
    house: House, elsewhere: SqlStore, asked: Asked
) -> None:
    house.store.read(asked.of)
    elsewhere.write(change)
    asked.answer = "second"
    assert house.store.write(asked.of) == "second"


def test_that_nothing_is_there_is_not_remembered(house: House) -> None:
    answers: list[str | None] = ["there", None]
    assert house.store.read(lambda tx: tx.remembered("thing", "one", answers.pop)) is None
    assert house.store.read(lambda tx: tx.remembered("thing", "one", answers.pop)) == "there"


# --- beside changes that are not committed ------------------------------------------------------------------


def test_what_is_seen_beside_a_change_that_is_taken_back_is_not_kept_for_the_next_of_the_same_count(
    house: House, asked: Asked
) -> None:
    def changed_and_taken_back(tx: Writing) -> None:
        change(tx)
        asked.of(tx)
        raise_value_error()

    asked.answer = "never committed"
    with pytest.raises(ValueError, match="taken back"):
        house.store.write(changed_and_taken_back)
    asked.answer = "second"
    house.store.write(change)
    assert house.store.read(asked.of) == "second"


def test_what_a_neighbour_sees_beside_a_change_is_not_kept(house: House, asked: Asked) -> None:
    """The neighbour looks in the transaction that the change is in, which may still lose to another process."""
    store = house.store
    _, seen = together(store, [change, asked.of])
    assert seen.result() == "first"
    asked.answer = "second"
    assert store.read(asked.of) == "second"


def test_an_act_of_a_group_does_not_see_what_one_before_it_wrote_and_took_back(house: House) -> None:
    def postpone(tx: Writing) -> None:
        tx.put(replace(tx.deployment(), high_water=NOON + timedelta(days=9)))
        change(tx)
        assert tx.deployment().high_water > NOON + timedelta(days=8)
        raise_value_error()

    before = house.store.read(lambda tx: tx.deployment())
    failed, seen = together(house.store, [postpone, lambda tx: tx.deployment()])
    assert isinstance(failed.exception(), ValueError)
    assert seen.result() == before


def test_an_act_of_a_group_sees_what_one_before_it_changed(house: House) -> None:
    before = house.store.read(lambda tx: tx.deployment().authority)
    _, seen = together(house.store, [change, lambda tx: tx.deployment().authority])
    assert seen.result() == before + 1


# --- everything that changes authority says so --------------------------------------------------------------


def acts(ports: Ports, people: People) -> dict[str, Callable[[], object]]:
    """Everything that changes what a caller may do or whether it stands, in an order in which it can be done."""
    user = {"account_id": ACCOUNT, "user_name": "bystander"}
    key = key_for(ports, people.owner).access_key_id
    policy = onboarding.create_policy(ports, OPERATOR, account_id=ACCOUNT, name="own", document=json.dumps(ALLOW))
    other = json.dumps(ALLOW).replace("GetObject", "PutObject")
    return {
        "a policy attached": lambda: onboarding.attach_policy(ports, OPERATOR, choice=PolicyChoice(policy.arn), **user),
        "a policy changed": lambda: customer_policies.create_version(
            ports, people.call("approver"), policy.arn, document=other, default=True
        ),
        "an inline policy put": lambda: onboarding.attach_policy(
            ports, OPERATOR, choice=PolicyChoice("inline", document=json.dumps(ALLOW)), **user
        ),
        "a policy detached": lambda: onboarding.detach_policy(ports, OPERATOR, policy_name="inline", **user),
        "a guardrail put": lambda: onboarding.put_guardrail(
            ports, OPERATOR, account_id=ACCOUNT, name="rail", document=json.dumps(ALLOW)
        ),
        "a guardrail removed": lambda: onboarding.remove_guardrail(ports, OPERATOR, account_id=ACCOUNT, name="rail"),
        "a user disabled": lambda: onboarding.set_user_active(ports, OPERATOR, active=False, **user),
        "a user enabled": lambda: onboarding.set_user_active(ports, OPERATOR, active=True, **user),
        "an access key switched off": lambda: credentialing.set_key_active(ports, OPERATOR, key, active=False),
        "an access key switched on": lambda: credentialing.set_key_active(ports, OPERATOR, key, active=True),
        "an access key deleted": lambda: account_users.delete_key(
            ports, people.call("approver"), people.owner.name, key
        ),
        "a partner stopped": lambda: dismissal.stop_partner(ports, OPERATOR, PARTNER),
        "a partner resumed": lambda: dismissal.resume_partner(ports, OPERATOR, PARTNER),
    }


def test_whatever_changes_authority_moves_the_count_on(house: House) -> None:
    ports = house.ports
    for name, act in acts(ports, settle_people(ports)).items():
        before = house.store.read(lambda tx: tx.deployment().authority)
        act()
        assert house.store.read(lambda tx: tx.deployment().authority) > before, name


@pytest.mark.parametrize(("who", "refusal"), [("approver", ExpiredExchangeToken), ("partner", AccessDenied)])
def test_a_token_is_worth_nothing_at_once_when_another_process_stops_its_partner_or_approver(
    house: House, url: URL, tmp_path: Path, clock: StillClock, who: str, refusal: type[Exception]
) -> None:
    ports, people = house.ports, settle_people(house.ports)
    request = arrived(ports, people, State.FINALIZED, "wf-00001")
    token = exchange_token_of(ports, request.id)
    release.exchange(ports, people.call("partner"), token)
    other = house_in(tmp_path, clock, database_url=text_of(url))
    disable(other.ports, people, who)
    with pytest.raises(refusal):
        release.exchange(ports, people.call("partner"), token)
    other.close()


def disable(ports: Ports, people: People, who: str) -> None:
    if who == "approver":
        onboarding.set_user_active(ports, OPERATOR, account_id=ACCOUNT, user_name=people.approver.name, active=False)
    else:
        dismissal.stop_partner(ports, OPERATOR, PARTNER)
