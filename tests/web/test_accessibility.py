"""Everybody can use the pages: axe-core finds nothing, and the review can be walked with the keyboard alone."""

from collections.abc import Callable
from typing import Any

import pytest
from staging.accessibility import PHONE, findings, findings_at, require_axe
from staging.browsers import Person
from staging.clocks import OffsetClock
from staging.scenes import PARTNER_PAGES, STRANGER_PAGES, Scene, owner_pages, set_scene
from staging.servers import LiveServer

from workflows.records.request import DelegationRequest, State

Arrive = Callable[..., Person]


@pytest.fixture
def scene(site: LiveServer) -> Scene:
    return set_scene(site)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_axe_finds_nothing_on_any_page(
    arrive: Arrive,
    scene: Scene,
    live_clock: OffsetClock,
    language: str,
    theme: str,
) -> None:
    require_axe()
    more = {**PHONE, "color_scheme": theme, "locale": language}
    person, partner = arrive(**more), arrive(**more)
    found = [one for path in STRANGER_PAGES.values() for one in findings_at(person, path)]
    found += _first_steps(person, scene)
    assert person.page.get_attribute("html", "lang") == language
    for path in owner_pages(scene).values():
        found += findings_at(person, path)
    confirm = f"/requests/{scene.waiting.id}/confirm?act=accept&digest={scene.waiting.digest}"
    found += findings_at(person, confirm)
    found += _what_went_wrong(person, live_clock)
    found += _second_step(person, scene)
    partner.enrol(scene.partner)
    for path in PARTNER_PAGES.values():
        found += findings_at(partner, path)
    assert found == []


def _first_steps(person: Person, scene: Scene) -> list[Any]:
    """The invitation with two passwords that differ, then the right way through to the recovery codes."""
    page = person.page
    found = findings_at(person, f"/welcome/{person.invited(scene.administrator).token}")
    page.fill("#password", "copper lantern seventeen")
    page.fill("#again", "copper lantern eighteen")
    page.click("button.main")
    page.wait_for_selector("[role=alert]")
    found += findings(person)
    person.enrol(scene.administrator)
    return found + findings(person)


def _what_went_wrong(person: Person, clock: OffsetClock) -> list[Any]:
    """Forms that were refused, and the page that asks for the passkey before a change."""
    page = person.page
    found = []
    for path, button in (("/account/policies", "form[action='/account/policies']"), ("/account/guardrails", "")):
        page.goto(path)
        form = button or "form[action='/account/guardrails']"
        page.eval_on_selector_all("main details", "all => all.forEach((one) => { one.open = true; })")
        page.fill(f"{form} [name=name]", "Broken")
        page.fill(f"{form} [name=document]", '{"Version": "2012-10-17", "Statement": []}')
        page.click(f"{form} button.main")
        page.wait_for_selector("[role=alert]")
        found += findings(person)
    clock.advance(minutes=6)
    page.goto("/account")
    page.click("form[action='/account/rules'] button")
    page.wait_for_selector("form[data-passkey=get]")
    return found + findings(person)


def _second_step(person: Person, scene: Scene) -> list[Any]:
    """A wrong password, then the page between password and passkey, held open by a device that does not answer."""
    page = person.page
    assert person.device is not None
    person.device.send("WebAuthn.setUserVerified", {"authenticatorId": person.authenticator, "isUserVerified": False})
    page.goto("/me")
    page.click("form[action='/sign-out'] button")
    page.goto("/sign-in")
    person.sign_in(scene.administrator.account_id, scene.administrator.name, "wrong")
    page.wait_for_selector("[role=alert]")
    found = findings(person)
    person.sign_in(scene.administrator.account_id, scene.administrator.name)
    page.wait_for_url("**/sign-in/passkey**")
    return found + findings(person)


def _focus_on(person: Person, text: str, *, most: int = 80) -> None:
    """Press Tab until something with this text has the focus."""
    for _ in range(most):
        person.page.keyboard.press("Tab")
        if text in (person.page.evaluate("document.activeElement.textContent") or ""):
            outline = person.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"nobody sees that {text} has the focus"
            return
    pytest.fail(f"the keyboard never reaches {text}")


def test_the_review_can_be_walked_and_decided_with_the_keyboard_alone(
    site: LiveServer,
    arrive: Arrive,
    scene: Scene,
) -> None:
    person = arrive()
    person.enrol(scene.administrator)
    page = person.page
    page.goto(f"/requests/{scene.waiting.id}")
    page.keyboard.press("Tab")
    assert "Skip to the content" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    for stop in ("To the decision", "delete a bucket?", "Ask the engine", "Parameters"):
        _focus_on(person, stop)
    page.keyboard.press("Enter")
    assert page.locator("details:has(summary:text-is('Parameters'))").get_attribute("open") is not None
    page.wait_for_selector("button:has-text('Approve, release later'):enabled")
    _focus_on(person, "Approve, release later")
    page.keyboard.press("Enter")
    page.wait_for_selector("button:has-text('Sign with passkey'):enabled")
    _focus_on(person, "Sign with passkey")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Nothing is lent before it is released")
    found: DelegationRequest = site.ports.store.read(lambda tx: tx.get(DelegationRequest, scene.waiting.id))
    assert found.state is State.ACCEPTED
