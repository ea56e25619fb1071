"""The front page, the style and script that every page shares, and the choice of language."""

from pathlib import Path
from typing import Any, Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from service.web.language import languages
from service.web.shell import render, see
from service.web.site import safe_path
from service.web.visits import LANGUAGE, Visit

_STATIC: Final = Path(__file__).parent / "static"
_FILES: Final = {
    "daypass.css": "text/css",
    "daypass.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_CONTENTS: Final = {name: (_STATIC / name).read_bytes() for name in _FILES}
_YEAR: Final = 31_536_000


def home(visit: Visit) -> str:
    """Return the first page of whoever is signed in."""
    return "/partner" if visit.is_partner else "/inbox"


@get("/", sync_to_thread=True, include_in_schema=False)
def front(visit: NamedDependency[Visit]) -> Response[Any]:
    """Say what this is, or go on to the signed-in person's first page."""
    if visit.signed_in:
        return see(visit, home(visit))
    return render(visit, "front.html", base_url=visit.site.origin)


@get("/static/{name:str}", sync_to_thread=False, include_in_schema=False)
def static(name: FromPath[str]) -> Response[bytes]:
    """Serve one of the few files that pages share."""
    if name not in _FILES:
        return Response(b"", status_code=404, media_type="text/plain")
    headers = {
        "x-content-type-options": "nosniff",
        "cache-control": "public, max-age=3600",
        "cross-origin-resource-policy": "same-origin",
    }
    return Response(_CONTENTS[name], media_type=_FILES[name], headers=headers)


@get("/language/{code:str}", sync_to_thread=True, include_in_schema=False)
def language(code: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Remember the language that was chosen, and go back."""
    if code in languages():
        visit.cookies.append(visit.site.cookie(LANGUAGE, code, seconds=_YEAR))
    return see(visit, safe_path(visit.query.get("next", "/")))
