"""Registration reviews: what is critical is refused to everybody, all else stands with the reason why it was let in."""

import json
from typing import Any, Final

import pytest
from staging.houses import OPERATOR, PARTNER, People, a_request

from service.house import House
from workflows import inquiry, partnering, review, submission
from workflows.errors import AcceptanceNeeded, BadInput, MalformedPolicy, ReviewRefused
from workflows.ports import Ports
from workflows.records.audit import AuditEntry
from workflows.records.partner import Boundary, PolicyTemplate

DOMAIN: Final = "lumenwatch.example"
REASON: Final = "Lumenwatch reads buckets that others share."
OPEN: Final = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
KEYS: Final = {"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*"}
GOOD: Final = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme/*"}


def text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def template(ports: Ports, document: str, name: str = "New_2026_01_02", **more: Any) -> PolicyTemplate:
    return partnering.register_template(ports, OPERATOR, partner_id=PARTNER, name=name, document=document, **more)


def boundary(ports: Ports, document: str, name: str = "Edge_2026_01_02", **more: Any) -> Boundary:
    return partnering.register_boundary(ports, OPERATOR, partner_id=PARTNER, name=name, document=document, **more)


@pytest.mark.parametrize("register", [template, boundary])
@pytest.mark.parametrize("accept", [None, REASON])
def test_what_is_critical_is_never_registered(house: House, people: People, register: Any, accept: str | None) -> None:
    with pytest.raises(ReviewRefused) as caught:
        register(house.ports, text(KEYS, OPEN), accept=accept)
    assert [rule for rule, *_ in caught.value.findings] == ["V10"]
    assert "iam:CreateAccessKey" in str(caught.value)
    names = house.store.read(lambda tx: [one.name for one in tx.find(PolicyTemplate)])
    assert names == ["Read_2026_01_01"]
    assert house.store.read(lambda tx: tx.find(Boundary)) == []


@pytest.mark.parametrize("register", [template, boundary])
def test_what_is_less_than_critical_needs_a_reason_which_stays_with_it(
    house: House, people: People, register: Any
) -> None:
    with pytest.raises(AcceptanceNeeded) as caught:
        register(house.ports, text(OPEN))
    assert [one[:3] for one in caught.value.findings] == [("V21", "MEDIUM", "0")]
    made = register(house.ports, text(OPEN), accept=REASON)
    assert (made.findings, made.accepted_because) == (caught.value.findings, REASON)
    assert house.store.read(lambda tx: tx.get(type(made), made.arn)) == made


@pytest.mark.parametrize("reason", ["", "ok", " " + REASON, "x" * 501, "because\nof\x07"])
def test_a_reason_is_a_sentence_that_can_be_shown(house: House, people: People, reason: str) -> None:
    with pytest.raises(BadInput) as caught:
        template(house.ports, text(OPEN), accept=reason)
    assert caught.value.field == "accept"


def test_nothing_is_accepted_where_nothing_was_found(house: House, people: People) -> None:
    with pytest.raises(BadInput, match="nothing that had to be accepted"):
        template(house.ports, text(GOOD), accept=REASON)
    made = template(house.ports, text(GOOD))
    assert (made.findings, made.accepted_because) == ((), None)


def test_a_document_that_is_no_policy_is_refused_by_its_place(house: House, people: People) -> None:
    with pytest.raises(MalformedPolicy) as caught:
        template(house.ports, text({**GOOD, "Effect": "Permit"}), accept=REASON)
    assert caught.value.path == "$.Statement[0].Effect"


def test_a_template_may_name_only_boundaries_that_its_partner_has_registered(house: House, people: People) -> None:
    arn = f"arn:aws:iam::partner:policy/permissions-boundary/{DOMAIN}/Edge_2026_01_02"
    maker = {
        "Effect": "Allow",
        "Action": "iam:CreateRole",
        "Resource": f"arn:aws:iam::@{{accountId}}:role/{DOMAIN}/*",
        "Condition": {"StringEquals": {"iam:PermissionsBoundary": arn}},
    }
    with pytest.raises(AcceptanceNeeded) as caught:
        template(house.ports, text(maker))
    assert [rule for rule, *_ in caught.value.findings] == ["S4"]
    boundary(house.ports, text(GOOD))
    assert template(house.ports, text(maker)).findings == ()


def test_the_trail_tells_what_was_accepted_and_why(house: House, people: People) -> None:
    made = template(house.ports, text(OPEN), accept=REASON)
    entries = house.store.read(lambda tx: tx.find(AuditEntry))
    (body,) = [json.loads(one.body) for one in entries if made.arn in one.body]
    assert body["asked"]["accept"] == REASON
    assert body["answered"]["accepted"] == ["MEDIUM V21 0"]


def test_the_owner_is_shown_what_was_accepted_and_why(house: House, people: People) -> None:
    ports = house.ports
    made = template(ports, text(OPEN), accept=REASON)
    filed = submission.create(ports, people.call("partner"), a_request(people, template_arn=made.arn, parameters=[]))
    submission.associate(ports, people.call("owner"), filed.id)
    shown = inquiry.show(ports, people.call("owner"), filed.id, check=False)
    looked = review.look(ports, people.call("owner"), filed.id)
    assert [(one.name, one.findings, one.because) for one in shown.accepted] == [(made.arn, made.findings, REASON)]
    assert looked.accepted == shown.accepted


def test_of_a_good_template_nothing_is_shown(house: House, people: People) -> None:
    filed = submission.create(house.ports, people.call("partner"), a_request(people))
    submission.associate(house.ports, people.call("owner"), filed.id)
    assert review.look(house.ports, people.call("owner"), filed.id).accepted == ()
