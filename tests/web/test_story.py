"""The whole story in a real browser: from the deep link to the refusal of a credential that was revoked."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from staging.browsers import Person
from staging.houses import ACCOUNT, PARTNER, People, key_for
from staging.roles import ROLE_PERMISSIONS, register_role_work, role_grant
from staging.servers import LiveServer

from workflows import attestation, credentialing, delivery, inquiry, release, submission
from workflows.errors import ExpiredExchangeToken
from workflows.notifications import body_of
from workflows.ports import Ports
from workflows.records.grant import Grant, GrantState
from workflows.records.request import DelegationRequest, State

Arrive = Callable[..., Person]
FileRequest = Callable[..., DelegationRequest]


def stored(ports: Ports, request: DelegationRequest) -> DelegationRequest:
    found = ports.store.read(lambda tx: tx.get(DelegationRequest, request.id))
    assert found is not None
    return found


def grant_of(ports: Ports, request: DelegationRequest) -> Grant:
    return ports.store.read(lambda tx: tx.find(Grant, request_id=request.id))[0]


def exchange_token(ports: Ports, cast: People) -> str:
    """The exchange token in the partner's mailbox."""
    messages = delivery.mailbox(ports, cast.call("partner"), limit=100)
    found = [body_of(ports, one) for one in messages if one.message_type == "ExchangeToken"]
    return str(found[-1]["ExchangeToken"])


def test_from_the_deep_link_to_a_revoked_credential(
    site: LiveServer,
    arrive: Arrive,
    cast: People,
    file_request: FileRequest,
) -> None:
    request = file_request(request_message="Workspace 42 wants to read your logs")
    person = arrive()
    person.enrol(cast.approver)
    person.page.goto("/inbox")
    person.page.click("text=Sign out")

    page = person.page
    page.goto(f"/d/{request.id}")
    page.wait_for_url("**/sign-in?next=/d/**")
    person.sign_in(ACCOUNT, "approver")
    page.wait_for_url(f"**/d/{request.id}")
    expect(page.locator("main")).to_contain_text("lumenwatch.example")
    assert stored(site.ports, request).state is State.UNASSIGNED, "looking claims nothing"
    page.click("text=Claim for first")
    page.wait_for_url("**/requests/**")
    assert stored(site.ports, request).state is State.ASSIGNED

    page.click("text=Approve and release now")
    page.wait_for_selector("text=Your passkey signs exactly this")
    assert stored(site.ports, request).state is State.ASSIGNED, "nothing is approved before the passkey signs"
    page.click("text=Sign with passkey")
    page.wait_for_selector("text=the clock runs")
    assert stored(site.ports, request).state is State.FINALIZED

    minted = release.exchange(site.ports, cast.call("partner"), exchange_token(site.ports, cast))
    lent = credentialing.NewKey(minted.access_key_id, minted.secret_access_key)
    sts = site.boto("sts", lent, token=minted.session_token)
    assert sts.get_caller_identity()["Account"] == ACCOUNT

    page.goto("/grants")
    expect(page.locator(".clock")).to_have_text(re.compile(r"0:59:\d\d"))
    page.click("text=Revoke >> nth=0")
    page.wait_for_selector("text=refused from its next use on")
    assert grant_of(site.ports, request).state is GrantState.REVOKED
    with pytest.raises(sts.exceptions.ClientError, match="expired"):
        sts.get_caller_identity()
    with pytest.raises(ExpiredExchangeToken):
        release.exchange(site.ports, cast.call("partner"), exchange_token(site.ports, cast))
    page.goto(f"/requests/{request.id}")
    expect(page.locator("main")).to_contain_text("revoked the access")


def test_an_owner_forwards_and_an_administrator_approves_and_releases_later(
    site: LiveServer,
    arrive: Arrive,
    cast: People,
    file_request: FileRequest,
) -> None:
    request = file_request()
    owner, administrator = arrive(), arrive()
    owner.enrol(cast.owner)
    administrator.enrol(cast.approver)
    owner.page.goto(f"/d/{request.id}")
    owner.page.click("text=Claim for first")
    owner.page.wait_for_selector("text=You may not approve this")
    expect(owner.page.locator("#check ~ .notice")).to_contain_text("You cannot delegate s3:GetObject")
    owner.page.click("text=Forward to an administrator")
    owner.page.fill("#forward-note", "please check <b>this</b>")
    owner.page.click("button:text-is('Forward')")
    owner.page.wait_for_selector("text=Forwarded to the administrators")

    page = administrator.page
    page.goto("/inbox")
    page.click("a.row")
    expect(page.locator("main")).to_contain_text("please check <b>this</b>")
    page.click("text=Approve, release later")
    page.click("text=Sign with passkey")
    page.wait_for_selector("text=Nothing is lent before it is released")
    assert stored(site.ports, request).state is State.ACCEPTED
    page.click("text=Release now")
    page.click("text=Sign with passkey")
    page.wait_for_selector("text=the clock runs")
    assert stored(site.ports, request).state is State.FINALIZED


def test_a_rejection_keeps_its_reason_and_is_final(
    site: LiveServer,
    arrive: Arrive,
    cast: People,
    file_request: FileRequest,
) -> None:
    request = file_request()
    person = arrive()
    person.enrol(cast.approver)
    person.page.goto(f"/d/{request.id}")
    person.page.click("text=Claim for first")
    person.page.click("summary:text-is('Reject')")
    person.page.fill("#reject-note", "we did not ask for this")
    person.page.click("text=Reject for good")
    person.page.wait_for_selector("text=Rejected, for good")
    assert stored(site.ports, request).rejection_reason == "we did not ask for this"
    expect(person.page.locator(".decide")).to_have_count(0)


def test_only_its_owner_is_offered_the_release_where_the_request_says_so(
    site: LiveServer,
    arrive: Arrive,
    cast: People,
    file_request: FileRequest,
) -> None:
    request = file_request(only_send_by_owner=True)
    submission.associate(site.ports, cast.call("owner"), request.id)
    submission.forward(site.ports, cast.call("owner"), request.id, None)
    administrator, owner = arrive(), arrive()
    administrator.enrol(cast.approver)
    owner.enrol(cast.owner)
    administrator.page.goto(f"/requests/{request.id}")
    expect(administrator.page.locator("text=Approve and release now")).to_have_count(0)
    administrator.page.click("text=Approve, release later")
    administrator.page.click("text=Sign with passkey")
    administrator.page.wait_for_selector("text=Only the owner can release it.")
    owner.page.goto(f"/requests/{request.id}")
    owner.page.click("text=Release now")
    owner.page.click("text=Sign with passkey")
    owner.page.wait_for_selector("text=the clock runs")
    assert stored(site.ports, request).state is State.FINALIZED


def test_everything_of_a_partner_ends_with_one_click(
    site: LiveServer,
    arrive: Arrive,
    cast: People,
    file_request: FileRequest,
) -> None:
    client = site.boto("iam", key_for(site.ports, cast.approver))
    for _ in range(3):
        request = file_request()
        for act in ("associate_delegation_request", "accept_delegation_request", "send_delegation_token"):
            getattr(client, act)(DelegationRequestId=request.id)
    person = arrive()
    person.enrol(cast.approver)
    person.page.goto("/partners")
    person.page.click("a.row")
    person.page.click("summary:has-text('Revoke everything')")
    person.page.click("button:has-text('Revoke everything')")
    person.page.wait_for_selector("text=refused from its next use on")
    page = inquiry.list_grants(site.ports, cast.call("approver"), account_id=None, limit=10, after=None)
    assert [one.state for one in page.grants] == [GrantState.REVOKED] * 3


def test_a_role_of_a_partner_is_listed_with_its_boundary_and_the_report_of_a_partner_proves_itself(
    site: LiveServer, arrive: Arrive, cast: People
) -> None:
    role_grant(site.ports, cast, register_role_work(site.ports, ROLE_PERMISSIONS))
    person = arrive()
    person.enrol(cast.approver)
    page = person.page
    page.goto("/grants")
    page.click(".tabs a:has-text('Roles')")
    expect(page.locator("main")).to_contain_text("Nightly")
    expect(page.locator("main")).to_contain_text("Edge_2026_01_01")
    page.goto(f"/partners/{PARTNER}")
    page.click("summary:has-text('Revoke everything')")
    page.click("button:has-text('Revoke everything')")
    page.wait_for_url("**?done=revoked")
    with page.expect_download() as download:
        page.click("text=Signed report")
    told = download.value.path().read_text(encoding="utf-8")
    assert attestation.verified(told, attestation.public_key(site.ports.keyring))["complete"] is True
    page.goto("/roles")
    expect(page.locator("main .empty")).to_be_visible()
