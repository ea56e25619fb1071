"""The shell around every page: templates, headers, and how a page or a redirect becomes an answer."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from markupsafe import Markup

from service.web.browsers import browser_name
from service.web.language import Reader, languages
from service.web.site import safe_path
from service.web.visits import Visit
from service.web.words import LAYERS, LEVELS, NOTICES, RISKS, grant_state, request_state
from workflows.summary.vocabulary import SERVICE_NAMES

_HERE: Final = Path(__file__).parent
_SEE_OTHER: Final = 303
# What a path of ours may hold as it is; the rest is escaped, since a header takes no other letters.
_PATH: Final = "/?=&%#"

HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), publickey-credentials-get=(self)",
    "strict-transport-security": "max-age=31536000",
    "cache-control": "no-store",
}


def isolated(text: object) -> Markup:
    """Return a text from outside so that its direction and its letters stay inside it."""
    return Markup("<bdi>{}</bdi>").format(text)


def spaced(account_id: str) -> Markup:
    """Return an account id in groups of four, which copy as one number."""
    groups = Markup("").join(Markup("<span>{}</span>").format(account_id[at : at + 4]) for at in range(0, 12, 4))
    return Markup('<span class="account">{}</span>').format(groups)


def breakable(text: object) -> Markup:
    """Return a name or ARN that a narrow screen breaks between its parts rather than inside them."""
    pieces = re.split(r"(?<=[.:/])", str(text))
    return Markup("<wbr>").join(pieces)


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    reader = Reader(language)
    environment.install_gettext_callables(reader.gettext, reader.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {"bdi": isolated, "breakable": breakable, "account": spaced, "json": json.dumps}
    environment.globals |= {
        "languages": languages,
        "safe_path": safe_path,
        "browser_name": browser_name,
        "request_state": request_state,
        "grant_state": grant_state,
    }
    environment.globals |= {"notices": NOTICES, "levels": LEVELS, "layers": LAYERS, "service_names": SERVICE_NAMES}
    environment.globals |= {"risk_words": RISKS}
    return environment


def render(visit: Visit, template: str, status: int = 200, **values: object) -> Response[str]:
    """Return a page for a visit; every page has the same headers and is kept by nobody."""
    text = (
        _environment(visit.reader.language)
        .get_template(template)
        .render(
            visit=visit,
            reader=visit.reader,
            csrf=visit.csrf,
            now=visit.ports.clock.now(),
            **values,
        )
    )
    return answer(visit, text, status=status)


def answer(visit: Visit, body: Any, *, status: int = 200, media_type: str = "text/html") -> Response[Any]:  # noqa: ANN401  text or bytes
    """Return an answer with the headers of every page and the visit's cookies."""
    return Response(body, status_code=status, media_type=media_type, headers=dict(HEADERS), cookies=visit.cookies)


def see(visit: Visit, path: str) -> Response[Any]:
    """Return the redirect after a form, to a path of this site."""
    return Response(
        b"",
        status_code=_SEE_OTHER,
        headers={**HEADERS, "location": quote(path, safe=_PATH)},
        media_type="text/html",
        cookies=visit.cookies,
    )
