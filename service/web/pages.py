"""The front page and the deep link. Until the owner's pages exist, the deep link says how to decide by API.

It answers the same for every id, known or not, reads no record and changes nothing: mail scanners open links too.
"""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from workflows.ids import is_request_id
from workflows.ports import Ports

_HERE: Final = Path(__file__).parent
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
)
_STYLE: Final = (_HERE / "static" / "daypass.css").read_bytes()

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "strict-transport-security": "max-age=31536000",
    "cache-control": "no-store",
}


def _page(template: str, status: int = 200, **values: object) -> Response[str]:
    text = _TEMPLATES.get_template(template).render(**values)
    return Response(text, status_code=status, media_type="text/html", headers=HEADERS)


@get("/", sync_to_thread=False, include_in_schema=False)
def front(ports: NamedDependency[Ports]) -> Response[str]:
    """Say what this is and where its interfaces are."""
    return _page("front.html", base_url=ports.terms.base_url)


@get("/d/{request_id:str}", sync_to_thread=False, include_in_schema=False)
def deep_link(request_id: FromPath[str], ports: NamedDependency[Ports]) -> Response[str]:
    """Say how to look at and decide a request, and nothing about the request."""
    shown = request_id if is_request_id(request_id) else None
    return _page("deep_link.html", request_id=shown, base_url=ports.terms.base_url)


@get("/static/daypass.css", sync_to_thread=False, include_in_schema=False)
def style() -> Response[bytes]:
    """Serve the one style sheet."""
    headers = {"x-content-type-options": "nosniff", "cache-control": "public, max-age=3600"}
    return Response(_STYLE, media_type="text/css", headers=headers)


ROUTER = Router("/", route_handlers=[front, deep_link, style])
