"""Pictures of every page, for people to look at: `uv run python tests/web/screenshots.py [folder]`.

Every page at 1280 and 390 pixels, light; the ones that matter most in the dark and in German as well.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from staging.browsers import Person, browsing
from staging.scenes import PARTNER_PAGES, STRANGER_PAGES, Scene, owner_pages, set_scene
from staging.servers import LiveServer, serving

WIDTHS: Final = (1280, 390)
_GERMAN_TOO: Final = ("review", "inbox", "claim", "grants")


def _take(person: Person, pages: dict[str, str], folder: Path, suffix: str = "") -> None:
    for name, path in pages.items():
        person.page.goto(path)
        for width in WIDTHS:
            person.page.set_viewport_size({"width": width, "height": 900})
            person.page.screenshot(path=folder / f"{name}{suffix}-{width}.png", full_page=True)


def _first_steps(person: Person, scene: Scene, folder: Path) -> None:
    """The pages that are seen once: the invitation and what follows it."""
    page = person.page
    token = person.invited(scene.administrator).token
    _take(person, {"welcome": f"/welcome/{token}"}, folder)
    page.fill("#password", "copper lantern seventeen")
    page.fill("#again", "copper lantern seventeen")
    page.click("button.main")
    page.wait_for_url("**/me/passkeys/new")
    page.click("button.main")
    page.wait_for_selector(".codes")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=folder / f"codes-{width}.png", full_page=True)


def _confirmation(person: Person, scene: Scene, folder: Path) -> None:
    person.page.goto(f"/requests/{scene.waiting.id}")
    person.page.click("text=Approve and release now")
    person.page.wait_for_selector("text=Your passkey signs exactly this")
    for width in WIDTHS:
        person.page.set_viewport_size({"width": width, "height": 900})
        person.page.screenshot(path=folder / f"confirm-{width}.png", full_page=True)


def _less(person: Person, scene: Scene, folder: Path) -> None:
    """The restatement of an approval of less than was asked."""
    person.page.goto(f"/requests/{scene.waiting.id}/narrow")
    person.page.select_option("#seconds", "900")
    person.page.uncheck("fieldset input >> nth=0")
    person.page.click("text=Approve this much, release later")
    person.page.wait_for_selector("text=Your passkey signs exactly this")
    for width in WIDTHS:
        person.page.set_viewport_size({"width": width, "height": 900})
        person.page.screenshot(path=folder / f"confirm-less-{width}.png", full_page=True)


def _second_step(live: LiveServer, person: Person, scene: Scene, folder: Path) -> None:
    """The page between password and passkey, held open by a device that does not answer."""
    assert person.device is not None
    person.device.send("WebAuthn.setUserVerified", {"authenticatorId": person.authenticator, "isUserVerified": False})
    person.page.goto("/sign-in")
    person.sign_in(scene.administrator.account_id, scene.administrator.name)
    person.page.wait_for_url("**/sign-in/passkey**")
    for width in WIDTHS:
        person.page.set_viewport_size({"width": width, "height": 900})
        person.page.screenshot(path=folder / f"sign-in-passkey-{width}.png", full_page=True)


def main() -> None:
    """Take all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "shots"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, serving(Path(home), name="localhost") as live, browsing() as browser:
        scene = set_scene(live)
        person = Person(browser, live)
        _take(person, STRANGER_PAGES, folder)
        _first_steps(person, scene, folder)
        pages = owner_pages(scene)
        _take(person, pages, folder)
        _confirmation(person, scene, folder)
        _less(person, scene, folder)
        person.page.emulate_media(color_scheme="dark")
        _take(person, {name: pages[name] for name in _GERMAN_TOO}, folder, "-dark")
        person.page.emulate_media(color_scheme="light")
        person.page.goto("/language/de")
        _take(person, {name: pages[name] for name in _GERMAN_TOO}, folder, "-de")
        person.page.goto("/language/en")
        person.page.goto("/me")
        person.page.click("text=Sign out")
        _second_step(live, person, scene, folder)
        partner = Person(browser, live)
        partner.enrol(scene.partner)
        _take(partner, PARTNER_PAGES, folder)
    sys.stdout.write(f"{len(list(folder.glob('*.png')))} pictures in {folder}\n")


if __name__ == "__main__":
    main()
