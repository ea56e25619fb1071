"""What to call a browser when a person looks for it among their sessions.

The names are what browsers say of themselves, and some say several: the first that fits is the most particular one.
"""

from typing import Final

_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str | None) -> str:
    """Return a short name such as `Firefox, Windows`; what is not known is told as it came, empty if nothing came."""
    told = user_agent or ""
    found = [next((name for mark, name in marks if mark in told), "") for marks in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in found if name) if found[0] else told
