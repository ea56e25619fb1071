"""Signing in: by invitation, password and passkey; what is refused, and what a session is worth."""

from collections.abc import Callable

from staging.browsers import Person
from staging.clocks import OffsetClock
from staging.houses import ACCOUNT, People
from staging.servers import LiveServer

from workflows.records.account import Principal
from workflows.records.sign_in import AccountRules

Arrive = Callable[..., Person]


def test_an_invitation_leads_through_password_and_passkey_to_the_inbox(arrive: Arrive, cast: People) -> None:
    person = arrive()
    codes = person.enrol(cast.approver)
    assert len(codes) == 10
    person.page.click("text=I have stored them")
    person.page.wait_for_url("**/inbox")
    person.page.click("text=Sign out")
    person.page.wait_for_selector("text=Access that ends on time")
    person.page.goto("/inbox")
    person.page.wait_for_url("**/sign-in**")
    person.sign_in("first", "approver")
    person.page.wait_for_url("**/inbox")


def test_a_change_of_who_may_do_what_asks_for_the_passkey_first_and_then_goes_on(
    arrive: Arrive, site: LiveServer, cast: People, live_clock: OffsetClock
) -> None:
    person = arrive()
    page = person.page
    person.enrol(cast.approver)
    live_clock.advance(minutes=6)

    def users() -> list[str]:
        return [one.name for one in site.ports.store.read(lambda tx: tx.find(Principal, account_id=ACCOUNT))]

    page.goto("/account")
    page.click("text=Create a user")
    page.fill("#new-name", "newcomer")
    page.click("form[action='/account/users'] button.main")
    page.wait_for_selector("h1:has-text('Confirm that it is you')")
    assert "newcomer" not in users()
    page.click("text=Use passkey")
    page.wait_for_url("**/account?done=saved")
    assert "newcomer" in users()
    page.click("text=Create a user")
    page.fill("#new-name", "second newcomer".replace(" ", "-"))
    page.click("form[action='/account/users'] button.main")
    page.wait_for_url("**/account?done=saved")


def test_a_browser_that_was_left_open_changes_nothing_without_the_passkey(
    arrive: Arrive, site: LiveServer, cast: People, live_clock: OffsetClock
) -> None:
    person = arrive()
    page = person.page
    person.enrol(cast.approver)
    live_clock.advance(minutes=6)
    assert person.device is not None
    person.device.send("WebAuthn.setUserVerified", {"authenticatorId": person.authenticator, "isUserVerified": False})
    page.goto("/account")
    for form in ("/account/rules", "/account/invite", "/account/active"):
        page.goto("/account")
        page.locator(f"form[action='{form}'] button").first.click()
        page.wait_for_selector("h1:has-text('Confirm that it is you')")
        page.click("text=Use passkey")
        page.wait_for_selector("[data-failed]:not([hidden])")
    assert all(one.active for one in site.ports.store.read(lambda tx: tx.find(Principal, account_id=ACCOUNT)))
    assert site.ports.store.read(lambda tx: tx.find(AccountRules)) == []
