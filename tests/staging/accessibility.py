"""What axe-core finds on a page, in the browser that shows it."""

from pathlib import Path
from typing import Any, Final

import pytest
from staging.browsers import Person

_AXE: Final = Path(__file__).parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE: Final = {"bypass_csp": True, "viewport": {"width": 360, "height": 800}}


def require_axe() -> None:
    """Skip the test that asks on a machine without axe-core."""
    if not _AXE.exists():
        pytest.skip("no axe-core: run `npm install --no-package-lock` in tests/web to check accessibility")


def findings(person: Person) -> list[Any]:
    """What axe-core finds on the page that a person has before them, and whether it is wider than the screen."""
    page = person.page
    page.wait_for_function("() => ![...document.querySelectorAll('[data-calm]')].some((one) => one.disabled)")
    page.add_script_tag(path=str(_AXE))
    result = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", _RULES)
    found = [(page.url, one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in result["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append((page.url, "wider than the screen", []))
    return found


def findings_at(person: Person, path: str) -> list[Any]:
    """What axe-core finds at a path."""
    person.page.goto(path)
    return findings(person)
