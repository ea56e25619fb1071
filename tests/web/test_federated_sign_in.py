"""Signing in at the account's own OpenID provider: a real one, in a process of its own, before a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from staging.accessibility import PHONE, findings, findings_at, require_axe
from staging.browsers import Person
from staging.clocks import OffsetClock
from staging.houses import ACCOUNT, OPERATOR, People
from staging.identity_providers import CLIENT_ID, CLIENT_SECRET, provider_process
from staging.servers import LiveServer, serving

from workflows import identity_providers, passkeys
from workflows.identity_providers import CALLBACK

Arrive = Callable[..., Person]


@pytest.fixture
def site(tmp_path: Path, live_clock: OffsetClock) -> Iterator[LiveServer]:
    """A live server that may speak to providers on this machine."""
    with serving(tmp_path, live_clock, name="localhost", insecure_allow_loopback_receivers=True) as server:
        yield server


def set_provider(site: LiveServer, issuer: str) -> None:
    """Let the first account sign in at this provider alone."""
    identity_providers.put(
        site.ports,
        OPERATOR,
        account_id=ACCOUNT,
        issuer=issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        passwords=False,
    )


@pytest.fixture
def issuer(site: LiveServer, cast: People) -> Iterator[str]:
    """The provider of the first account, which keeps no passwords beside it."""
    _ = cast
    with provider_process(site.origin + CALLBACK) as running:
        set_provider(site, running)
        yield running


def at_provider(person: Person, user: str, *, go: str = "in") -> None:
    """Follow the link to the provider and answer its page."""
    person.page.click("main a.button.main")
    person.page.fill("#user", user)
    person.page.click(f"button[value={go}]")


def answered(address: str, user: str, origin: str) -> str:
    """Sign in at the provider without a browser; returns the address that it answers with, not yet visited."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        response = client.get(address)
        while not response.headers["location"].startswith(origin):
            response = client.get(urljoin(str(response.url), response.headers["location"]))
            if response.status_code == httpx.codes.OK:
                response = client.post(str(response.url), data={"user": user, "go": "in"})
        return str(response.headers["location"])


def test_an_invited_person_joins_by_the_provider_and_signs_in_with_it_and_the_passkey(
    arrive: Arrive, site: LiveServer, cast: People, issuer: str
) -> None:
    person = arrive()
    page = person.page
    page.goto(f"/welcome/{person.invited(cast.approver).token}")
    assert page.locator("#password").count() == 0
    page.click("text=Use your company's sign-in")
    assert issuer.removeprefix("http://") in page.locator("main").inner_text()
    at_provider(person, "employee-17")
    page.wait_for_url("**/me/passkeys/new")
    page.fill("#label", "test device")
    page.click("button.main")
    page.wait_for_selector(".codes")
    code = page.locator(".codes code").first.inner_text()
    page.click("text=I have stored them")
    page.wait_for_url("**/inbox")
    page.click("text=Sign out")

    page.goto("/activity")
    page.wait_for_url("**/sign-in**")
    page.fill("#account", "first")
    page.click("text=Use your company's sign-in")
    page.click("main a.button.main")  # the provider still knows this browser and asks nothing
    page.wait_for_url("**/activity")
    page.click("text=Sign out")

    # The passkey is lost: the second step takes a recovery code here as well.
    lost = arrive(passkeys=False, java_script_enabled=False)
    lost.page.goto("/sign-in")
    lost.page.fill("#account", "first")
    lost.page.click("text=Use your company's sign-in")
    at_provider(lost, "employee-17")
    lost.page.wait_for_url("**/sign-in/passkey**")
    lost.page.click("main summary")
    lost.page.fill("#code", code)
    lost.page.click("main details button")
    lost.page.wait_for_url("**/me")
    assert len(site.ports.store.read(lambda tx: passkeys.passkeys_of(tx, cast.approver.id))) == 1


def test_what_the_provider_refuses_and_whoever_is_nobody_here_end_in_a_page_that_says_so(
    arrive: Arrive, cast: People, issuer: str
) -> None:
    _ = cast, issuer
    person = arrive()
    page = person.page

    def leave(account: str = "first") -> None:
        page.goto("/sign-in")
        page.fill("#account", account)
        page.click("text=Use your company's sign-in")

    leave()
    at_provider(person, "", go="no")
    page.wait_for_selector("h1:has-text('did not work')")
    assert "<b>not today</b>" in page.locator("main").inner_text()
    leave()
    at_provider(person, "somebody-unknown")
    page.wait_for_selector("h1:has-text('not accepted')")
    assert "invitation" in page.locator("main").inner_text()
    leave("second")
    assert "not accepted" in page.locator("h1").inner_text()
    leave("no-such-account")
    assert "not accepted" in page.locator("h1").inner_text()


def test_axe_finds_nothing_on_the_pages_of_the_provider(arrive: Arrive, cast: People, issuer: str) -> None:
    require_axe()
    _ = issuer
    for language, theme in (("en", "light"), ("de", "dark")):
        person = arrive(**PHONE, locale=language, color_scheme=theme)
        found = findings_at(person, f"/welcome/{person.invited(cast.approver).token}")
        person.page.goto("/sign-in")
        person.page.fill("#account", "first")
        person.page.click("button[value=provider]")
        person.page.wait_for_selector("main a.button.main")
        found += findings(person)
        found += findings_at(person, f"{CALLBACK}?state=unknown&code=unknown")
        assert found == []


def test_an_administrator_names_the_provider_on_a_page_that_says_what_is_wrong_with_it(
    arrive: Arrive, site: LiveServer, cast: People, issuer: str
) -> None:
    identity_providers.remove(site.ports, OPERATOR, ACCOUNT)
    person = arrive()
    page = person.page
    person.enrol(cast.approver)
    page.goto("/account/provider")
    page.click("main summary")
    page.fill("#issuer", issuer + "/elsewhere")
    page.fill("#client-id", CLIENT_ID)
    page.click("main details button.main")
    page.wait_for_selector("[role=alert]")
    assert page.input_value("#client-id") == CLIENT_ID
    page.fill("#issuer", issuer)
    page.fill("#client-secret", CLIENT_SECRET)
    page.click("main details button.main")
    page.wait_for_selector(".facts")
    assert CLIENT_SECRET not in page.content()
    page.click("text=Go back to passwords")
    page.wait_for_selector("main .empty")


def test_an_answer_that_another_browser_began_signs_nobody_in(
    arrive: Arrive, site: LiveServer, cast: People, issuer: str
) -> None:
    _ = issuer
    identity_providers.link(site.ports, OPERATOR, account_id=ACCOUNT, user_name="owner", subject="attacker")
    attacker, victim = arrive(), arrive()
    attacker.page.goto("/sign-in")
    attacker.page.fill("#account", "first")
    attacker.page.click("text=Use your company's sign-in")
    answer = answered(attacker.page.get_attribute("main a.button.main", "href") or "", "attacker", site.origin)
    victim.page.goto("/sign-in")
    victim.page.goto(answer)
    assert "not accepted" in victim.page.locator("h1").inner_text()
    victim.page.goto("/inbox")
    victim.page.wait_for_url("**/sign-in**")
    _ = cast


def test_a_provider_that_is_down_is_a_page_that_leads_back(arrive: Arrive, site: LiveServer, cast: People) -> None:
    _ = cast
    with provider_process(site.origin + CALLBACK) as running:
        set_provider(site, running)
    person = arrive()
    person.page.goto("/sign-in")
    person.page.fill("#account", "first")
    person.page.click("text=Use your company's sign-in")
    assert "did not work" in person.page.locator("h1").inner_text()
    assert "cannot be reached" in person.page.locator("main").inner_text()
    person.page.click("main a.button")
    person.page.wait_for_selector("#account")
