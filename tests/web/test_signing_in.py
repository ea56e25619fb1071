"""Signing in: by invitation, password and passkey; what is refused, and what a session is worth."""

from collections.abc import Callable

from staging.browsers import Person
from staging.houses import People

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
