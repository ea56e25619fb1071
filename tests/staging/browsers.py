"""Real people before a real Chromium: each with a browser of their own and a virtual authenticator in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page, sync_playwright
from staging.servers import LiveServer

from workflows import signing_in
from workflows.records.account import Principal
from workflows.signing_in import Invited

PASSWORD: Final = "copper lantern seventeen"
HOW_TO_GET_ONE: Final = "no browser: apt-get install chromium, or set CHROMIUM to the path of one"
# Chromium of its own accord calls home at every start; a test run has nobody to call.
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_AUTHENTICATOR: Final = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def chromium() -> str | None:
    """The browser to test with, or None."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def browsing() -> Iterator[Browser]:
    """A headless browser; skips the test that asks for it on a machine without one."""
    path = chromium()
    if path is None:
        pytest.skip(HOW_TO_GET_ONE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Person:
    """Somebody at a browser: a context of their own, one page, and a passkey device."""

    def __init__(self, browser: Browser, live: LiveServer, *, passkeys: bool = True, **context: Any) -> None:
        self.live = live
        self.context: BrowserContext = browser.new_context(
            base_url=live.origin,
            **{"locale": "en-GB", "timezone_id": "Europe/Berlin", **context},
        )
        self.complaints: list[str] = []
        self.page: Page = self.open_tab()
        self.device: CDPSession | None = None
        self.authenticator = ""
        if passkeys:
            self._plug_in()

    def open_tab(self) -> Page:
        """Another page of the same browser; whatever its console complains of is kept."""
        page = self.context.new_page()
        page.set_default_timeout(60_000)

        def note(message: ConsoleMessage) -> None:
            # A status of a page that says what went wrong is reported as well; that is the page doing its work.
            if message.type == "error" and "Failed to load resource" not in message.text:
                self.complaints.append(message.text)

        page.on("console", note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _plug_in(self) -> None:
        self.device = self.context.new_cdp_session(self.page)
        self.device.send("WebAuthn.enable")
        added = self.device.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
        self.authenticator = added["authenticatorId"]

    def invited(self, principal: Principal) -> Invited:
        """A fresh invitation for this principal."""
        from staging.houses import OPERATOR  # noqa: PLC0415  the houses do not know browsers

        return signing_in.invite(self.live.ports, OPERATOR, principal.arn)

    def enrol(self, principal: Principal, password: str = PASSWORD) -> list[str]:
        """Follow an invitation through password and passkey; returns the recovery codes."""
        self.page.goto(f"/welcome/{self.invited(principal).token}")
        self.page.fill("#password", password)
        self.page.fill("#again", password)
        self.page.click("button.main")
        self.page.wait_for_url("**/me/passkeys/new")
        self.page.fill("#label", "test device")
        self.page.click("button.main")
        self.page.wait_for_selector(".codes")
        return self.page.locator(".codes code").all_inner_texts()

    def sign_in(self, account: str, name: str, password: str = PASSWORD) -> None:
        """Sign in from the page that asks for it, with the password and, where the page asks for it, the passkey."""
        self.page.fill("#account", account)
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("main button.main")

    def close(self) -> None:
        """Leave."""
        self.context.close()
