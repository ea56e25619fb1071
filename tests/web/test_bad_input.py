"""Stale forms, double clicks, two tabs, ended sessions, faster colleagues: a page says so, nothing happens twice."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from staging.browsers import Person
from staging.clocks import OffsetClock
from staging.houses import People
from staging.servers import LiveServer

from workflows import approval, release, revocation, submission
from workflows.records.audit import AuditEntry
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest, State

Arrive = Callable[..., Person]
FileRequest = Callable[..., DelegationRequest]


@pytest.fixture
def request_of_owner(site: LiveServer, cast: People, file_request: FileRequest) -> DelegationRequest:
    return submission.associate(site.ports, cast.call("owner"), file_request().id)


@pytest.fixture
def approver(arrive: Arrive, cast: People) -> Person:
    person = arrive()
    person.enrol(cast.approver)
    return person


def state_of(site: LiveServer, request: DelegationRequest) -> State:
    found: DelegationRequest = site.ports.store.read(lambda tx: tx.get(DelegationRequest, request.id))
    return found.state


def moves_of(site: LiveServer, request: DelegationRequest, act: str) -> int:
    entries = site.ports.store.read(lambda tx: tx.find(AuditEntry, request_id=request.id))
    return sum(f'"act":"{act}"' in one.body and '"failure":null' in one.body for one in entries)


def test_a_form_that_is_stale_because_somebody_else_was_faster_says_so_and_changes_nothing(
    site: LiveServer,
    cast: People,
    approver: Person,
    request_of_owner: DelegationRequest,
) -> None:
    page = approver.page
    page.goto(f"/requests/{request_of_owner.id}")
    page.click("text=Approve, release later")
    page.wait_for_selector("text=Your passkey signs exactly this")
    approval.reject(site.ports, cast.call("owner"), request_of_owner.id, "no")
    page.click("text=Sign with passkey")
    page.wait_for_selector("text=This is not possible any more")
    assert state_of(site, request_of_owner) is State.REJECTED
    page.click("text=Look again")
    page.wait_for_selector("text=Rejected")


def test_a_double_click_and_the_back_button_release_once(
    site: LiveServer,
    approver: Person,
    request_of_owner: DelegationRequest,
) -> None:
    page = approver.page
    page.goto(f"/requests/{request_of_owner.id}")
    page.click("text=Approve and release now")
    page.wait_for_selector("button:has-text('Sign with passkey'):enabled")
    page.dblclick("text=Sign with passkey")
    page.wait_for_selector("text=the clock runs")
    page.go_back()
    page.wait_for_selector("text=This is not possible any more")
    page.goto(f"/requests/{request_of_owner.id}")
    assert moves_of(site, request_of_owner, "SendDelegationToken") == 1
    assert len(site.ports.store.read(lambda tx: tx.find(Grant, request_id=request_of_owner.id))) == 1


def test_two_tabs_decide_once(site: LiveServer, approver: Person, request_of_owner: DelegationRequest) -> None:
    first, second = approver.page, approver.open_tab()
    for page in (first, second):
        page.goto(f"/requests/{request_of_owner.id}")
        page.click("summary:text-is('Reject')")
        page.fill("#reject-note", "not ours")
    first.click("text=Reject for good")
    first.wait_for_selector("text=Rejected, for good")
    second.click("text=Reject for good")
    second.wait_for_selector("main h1")
    assert state_of(site, request_of_owner) is State.REJECTED


def test_a_session_that_ended_in_the_middle_of_a_form_ends_in_a_page_that_leads_back(
    site: LiveServer,
    live_clock: OffsetClock,
    approver: Person,
    request_of_owner: DelegationRequest,
) -> None:
    page = approver.page
    page.goto(f"/requests/{request_of_owner.id}")
    page.click("summary:text-is('Reject')")
    page.fill("#reject-note", "not ours")
    live_clock.advance(minutes=20)
    page.click("text=Reject for good")
    page.wait_for_selector("text=You are not signed in any more")
    assert state_of(site, request_of_owner) is State.ASSIGNED
    page.click("text=Sign in again")
    approver.sign_in("first", "approver")
    page.wait_for_url(f"**/requests/{request_of_owner.id}")


def test_a_request_that_expired_while_it_was_read_cannot_be_approved(
    site: LiveServer,
    live_clock: OffsetClock,
    arrive: Arrive,
    cast: People,
    request_of_owner: DelegationRequest,
) -> None:
    live_clock.advance(days=6, hours=23, minutes=58)
    person = arrive()
    person.enrol(cast.approver)
    page = person.page
    page.goto(f"/requests/{request_of_owner.id}")
    page.click("text=Approve, release later")
    page.wait_for_selector("button:has-text('Sign with passkey'):enabled")
    live_clock.advance(minutes=3)
    page.click("text=Sign with passkey")
    page.wait_for_selector("text=This is not possible any more")
    assert moves_of(site, request_of_owner, "AcceptDelegationRequest") == 0


def test_what_was_revoked_meanwhile_is_not_revoked_twice(
    site: LiveServer,
    cast: People,
    approver: Person,
    request_of_owner: DelegationRequest,
) -> None:
    page = approver.page
    page.goto(f"/requests/{request_of_owner.id}")
    page.click("text=Approve and release now")
    page.click("text=Sign with passkey")
    page.wait_for_selector("text=Revoke now")
    revocation.revoke(site.ports, cast.call("owner"), request_of_owner.id, None)
    page.click("text=Revoke now")
    page.wait_for_selector("text=This is not possible any more")
    assert moves_of(site, request_of_owner, "RevokeDelegation") == 1


def test_another_account_s_request_a_used_link_and_an_unknown_id_look_the_same(
    arrive: Arrive,
    cast: People,
    file_request: FileRequest,
    request_of_owner: DelegationRequest,
) -> None:
    bystander, stranger = arrive(), arrive()
    bystander.enrol(cast.bystander)
    stranger.enrol(cast.stranger)
    told = []
    for person, request_id in (
        (stranger, file_request().id),
        (bystander, request_of_owner.id),
        (bystander, "dr-" + "0" * 32),
    ):
        answer = person.page.goto(f"/d/{request_id}")
        assert answer is not None
        told.append((answer.status, person.page.inner_text("main")))
    assert told[0][0] == 404
    assert told == [told[0]] * 3


@pytest.mark.parametrize("missing", ["token", "origin"])
def test_a_form_of_another_site_or_another_session_changes_nothing(
    site: LiveServer,
    approver: Person,
    request_of_owner: DelegationRequest,
    missing: str,
) -> None:
    page = approver.page
    page.goto(f"/requests/{request_of_owner.id}")
    token = page.get_attribute("input[name=csrf]", "value")
    origin = site.origin if missing == "token" else "https://evil.example"
    answer = approver.context.request.post(
        f"/requests/{request_of_owner.id}/reject",
        form={"csrf": "0" * 64 if missing == "token" else str(token), "note": "x"},
        headers={"origin": origin},
    )
    assert answer.status == 403
    assert state_of(site, request_of_owner) is State.ASSIGNED


def test_what_a_partner_writes_is_text_and_never_a_link(
    site: LiveServer,
    cast: People,
    approver: Person,
    file_request: FileRequest,
) -> None:
    hostile = "</p><script>alert(1)</script> <a href='http://evil.example/'>here</a> http://evil.example/"
    request = file_request(request_message=hostile, description=hostile)
    submission.associate(site.ports, cast.call("owner"), request.id)
    page = approver.page
    page.goto(f"/requests/{request.id}")
    expect(page.locator(".said blockquote").first).to_have_text(hostile)
    assert page.locator(".said a, .said script").count() == 0
    assert page.locator("a[href*='evil.example']").count() == 0


def test_every_page_carries_the_headers_and_no_inline_script_or_style(
    site: LiveServer,
    approver: Person,
    request_of_owner: DelegationRequest,
) -> None:
    for path in ("/inbox", "/grants", f"/requests/{request_of_owner.id}", "/me", "/activity", "/account", "/d/nothing"):
        answer = approver.page.goto(path)
        assert answer is not None
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert approver.page.locator("script:not([src]), style, [style], [onclick]").count() == 0


def test_without_scripts_people_read_reject_forward_and_revoke(
    site: LiveServer,
    arrive: Arrive,
    cast: People,
    file_request: FileRequest,
) -> None:
    signed_in = arrive()
    signed_in.enrol(cast.approver)
    plain = arrive(passkeys=False, java_script_enabled=False, storage_state=signed_in.context.storage_state())
    first, second, third = (file_request() for _ in range(3))
    page = plain.page
    page.goto(f"/d/{first.id}")
    page.click("text=Claim for first")
    page.click("summary:text-is('Reject')")
    page.fill("#reject-note", "not ours")
    page.click("text=Reject for good")
    expect(page.locator("main")).to_contain_text("Rejected, for good")
    page.goto(f"/d/{second.id}")
    page.click("text=Claim for first")
    page.click("text=Forward to an administrator")
    page.click("button:text-is('Forward')")
    expect(page.locator("main")).to_contain_text("Forwarded to the administrators")
    client = cast.call("approver")
    submission.associate(site.ports, client, third.id)
    approval.accept(site.ports, client, third.id, digest=third.digest)
    release.send(site.ports, client, third.id)
    page.goto("/grants")
    page.click("button:text-is('Revoke')")
    expect(page.locator("main")).to_contain_text("refused from its next use on")


def test_a_recovery_code_signs_in_without_scripts_once_and_cannot_approve(arrive: Arrive, cast: People) -> None:
    person = arrive()
    code = person.enrol(cast.approver)[0]
    for expected in ("Your sign-in", "That was not accepted"):
        plain = arrive(passkeys=False, java_script_enabled=False)
        plain.page.goto("/sign-in")
        plain.sign_in("first", "approver")
        plain.page.click("summary:has-text('recovery code')")
        plain.page.fill("#code", code.lower())
        plain.page.click("details button")
        expect(plain.page.locator("main")).to_contain_text(expected)


def test_an_open_page_learns_of_a_change_by_itself(
    site: LiveServer,
    cast: People,
    approver: Person,
    file_request: FileRequest,
) -> None:
    approver.page.goto("/inbox")
    expect(approver.page.locator("main")).to_contain_text("Nothing waits for you")
    submission.associate(site.ports, cast.call("owner"), file_request().id)
    expect(approver.page.locator("a.row")).to_have_text("Lumenwatch")
