"""Everybody can use the pages: axe-core finds nothing, and the review can be walked with the keyboard alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from staging.browsers import Person
from staging.scenes import PARTNER_PAGES, STRANGER_PAGES, Scene, owner_pages, set_scene
from staging.servers import LiveServer

from workflows.records.request import DelegationRequest, State

Arrive = Callable[..., Person]
AXE: Final = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def scene(site: LiveServer) -> Scene:
    return set_scene(site)


@pytest.fixture
def axe() -> Path:
    if not AXE.exists():
        pytest.skip("no axe-core: run `npm install --no-package-lock` in tests/web to check accessibility")
    return AXE


def findings(person: Person, axe: Path, path: str) -> list[Any]:
    """What axe-core finds on a page at 360 px, and whether the page is wider than the screen."""
    person.page.goto(path)
    person.page.wait_for_function("() => ![...document.querySelectorAll('[data-calm]')].some((one) => one.disabled)")
    person.page.add_script_tag(path=str(axe))
    result = person.page.evaluate(
        "rules => axe.run({runOnly: {type: 'tag', values: rules}})",
        _RULES,
    )
    found = [(path, one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in result["violations"]]
    if person.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append((path, "wider than the screen", []))
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_axe_finds_nothing_on_any_page(
    arrive: Arrive,
    scene: Scene,
    axe: Path,
    language: str,
    theme: str,
) -> None:
    more = {"bypass_csp": True, "color_scheme": theme, "viewport": {"width": 360, "height": 800}, "locale": language}
    person, partner = arrive(**more), arrive(**more)
    found = [one for path in STRANGER_PAGES.values() for one in findings(person, axe, path)]
    token = person.invited(scene.administrator).token
    found += findings(person, axe, f"/welcome/{token}")
    person.enrol(scene.administrator)
    assert person.page.get_attribute("html", "lang") == language
    for path in owner_pages(scene).values():
        found += findings(person, axe, path)
    confirm = f"/requests/{scene.waiting.id}/confirm?act=accept&digest={scene.waiting.digest}"
    found += findings(person, axe, confirm)
    partner.enrol(scene.partner)
    for path in PARTNER_PAGES.values():
        found += findings(partner, axe, path)
    assert found == []


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
