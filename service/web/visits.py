"""Who is looking at a page: the cookie's session as a call of the domain, and what a form must carry to be believed.

A form counts when the browser says that it comes from this origin, and when it carries the token that belongs to the
session (or, before there is one, to the visit) for which the form was made.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from anyio import to_thread
from litestar import Request
from litestar.datastructures import Cookie

from service.circumstances import call_of, new_call_id
from service.web.language import Reader, pick_language
from service.web.site import Site
from workflows.callers import Call, Caller, CallerKind
from workflows.credentials.keys import derive, same_text
from workflows.errors import AccessDenied, DomainError, NotSignedIn
from workflows.ids import OPERATOR_ACCOUNT, PrincipalId
from workflows.ports import Ports, Reading
from workflows.records.account import Account, Principal
from workflows.records.partner import Partner
from workflows.records.sign_in import Stage, WebSession
from workflows.signing_in import Arrival, call_by, note_seen, session_of

SESSION: Final = "daypass"
VISIT: Final = "daypass-visit"
LANGUAGE: Final = "daypass-language"
ZONE: Final = "daypass-zone"
_VISIT_BYTES: Final = 16
_STREAM: Final = "/events"
# A policy has at most 2048 characters, so there are never as many actions and resources to tick.
_MOST_FIELDS: Final = 600
_FORM: Final = "application/x-www-form-urlencoded"
_SAFE: Final = frozenset({"GET", "HEAD"})
_NOBODY: Final = Caller(CallerKind.TIME, OPERATOR_ACCOUNT, PrincipalId("nobody"), "", "")


class ForeignForm(DomainError):
    """A form does not come from a page of ours that was made for this browser's session."""

    def __init__(self) -> None:
        super().__init__("the form was not made for this session")


@dataclass(slots=True)
class Visit:
    """One look at a page, or one form. `cookies` are set with the answer."""

    ports: Ports
    site: Site
    reader: Reader
    arrival: Arrival
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    secret: str
    visit: str
    session: WebSession | None = None
    principal: Principal | None = None
    place: str = ""
    cookies: list[Cookie] = field(default_factory=list)

    @property
    def signed_in(self) -> bool:
        """Whether there is a full session."""
        return self.session is not None and self.session.stage is Stage.FULL

    @property
    def call(self) -> Call:
        """The call of the signed-in person; raises `NotSignedIn`."""
        if self.session is None or self.principal is None or self.session.stage is not Stage.FULL:
            raise NotSignedIn
        return call_by(self.arrival, self.principal, self.session)

    @property
    def is_partner(self) -> bool:
        """Whether a partner is looking."""
        return self.signed_in and self.call.caller.kind is CallerKind.PARTNER

    def browser(self) -> str:
        """What this browser keeps whoever signs in with it; made if there is nothing yet."""
        if not self.visit:
            self.visit = self.ports.entropy.token_bytes(_VISIT_BYTES).hex()
            self.cookies.append(self.site.cookie(VISIT, self.visit))
        return self.visit

    @property
    def csrf(self) -> str:
        """The token that forms of this page carry."""
        return _token(self.ports, self.secret or self.visit)

    def _(self, text: str, **values: object) -> str:
        told = self.reader.gettext(text)
        return told % values if values else told

    def keep(self, secret: str, session: WebSession) -> None:
        """Hand the browser a session's secret."""
        seconds = int((session.expires_at - session.created_at).total_seconds())
        self.cookies.append(self.site.cookie(SESSION, secret, seconds=seconds))

    def forget(self) -> None:
        """Take the session's secret back from the browser."""
        self.cookies.append(self.site.cookie(SESSION, "", seconds=0))


def _token(ports: Ports, secret: str) -> str:
    key = derive(ports.keyring, ports.keyring.newest, "csrf", "")
    return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()


class Entrance:
    """Turns a request of a browser into a visit."""

    def __init__(self, ports: Ports, site: Site) -> None:
        self._ports, self._site = ports, site

    async def visit_of(self, request: Request[Any, Any, Any]) -> Visit:
        """Return the visit; raises `ForeignForm` for a form of another origin, `NotSignedIn` for one that came late."""
        form: Mapping[str, str] = {}
        if request.method not in _SAFE:
            self._refuse_foreign(request)
            form = _fields(await request.body())
        visit = await to_thread.run_sync(self._enter, request, form)
        request.state["visit"] = visit
        if request.method not in _SAFE:
            _check_token(visit, held=bool(request.cookies.get(self._site.cookie_name(SESSION))))
        return visit

    def plain(self, request: Request[Any, Any, Any]) -> Visit:
        """Return a visit that knows only the reader, for pages that say what went wrong."""
        cookies = request.cookies
        language = pick_language(
            cookies.get(self._site.cookie_name(LANGUAGE)),
            request.headers.get("accept-language"),
        )
        circumstances = call_of(request.scope, _NOBODY, new_call_id(self._ports), wire="web", signature=None)
        return Visit(
            ports=self._ports,
            site=self._site,
            reader=Reader.of(language, cookies.get(self._site.cookie_name(ZONE), "").replace("%2F", "/")),
            arrival=Arrival(
                circumstances.id,
                circumstances.source_ip,
                circumstances.user_agent,
                circumstances.secure,
            ),
            path=request.scope["path"],
            query=dict(parse_qsl(request.scope["query_string"].decode("latin-1")[:4096], keep_blank_values=True)),
            form={},
            secret=cookies.get(self._site.cookie_name(SESSION), ""),
            visit=cookies.get(self._site.cookie_name(VISIT), ""),
        )

    def _enter(self, request: Request[Any, Any, Any], form: Mapping[str, str]) -> Visit:
        visit = self.plain(request)
        visit.form = form
        if visit.secret:
            try:
                self._recognise(visit)
            except NotSignedIn:
                visit.secret = ""
        if not visit.secret:
            visit.browser()
        return visit

    def _recognise(self, visit: Visit) -> None:
        def look(tx: Reading) -> tuple[WebSession, Principal, str]:
            session, principal = session_of(tx, self._ports, visit.secret)
            account = tx.get(Account, principal.account_id)
            partner = None if account else tx.get(Partner, principal.account_id)
            return session, principal, account.alias if account else partner.name if partner else ""

        visit.session, visit.principal, visit.place = self._ports.store.read(look)
        if visit.path != _STREAM:
            # An open page is no sign of somebody before it: only what a person asks for keeps a session alive.
            note_seen(self._ports, visit.session)

    def _refuse_foreign(self, request: Request[Any, Any, Any]) -> None:
        origin, fetched_from = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        media_type = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        # Under our own referrer policy a browser withholds the origin of a form; then it must vouch for it otherwise.
        withheld = origin in (None, "null") and fetched_from == "same-origin"
        named = origin is not None and origin.lower() == self._site.origin.lower()
        if not (withheld or named) or fetched_from not in (None, "same-origin") or media_type != _FORM:
            raise ForeignForm


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise ForeignForm from None
    return dict(pairs)


def _check_token(visit: Visit, *, held: bool) -> None:
    if same_text(visit.form.get("csrf", ""), visit.csrf):
        return
    if held and visit.session is None:
        # The form was made for a session that has ended meanwhile: that is no attack, it is late.
        raise NotSignedIn
    raise ForeignForm


def require(visit: Visit, *kinds: CallerKind) -> Call:
    """Return the visit's call if a person of one of these kinds is signed in; raises `NotSignedIn`, `AccessDenied`."""
    call = visit.call
    if call.caller.kind not in kinds:
        raise AccessDenied(
            principal=call.caller.arn,
            action="daypass:OpenPage",
            resource="*",
            because="because this page is for somebody else",
        )
    return call


def as_json(value: object) -> str:
    """Return JSON for a data attribute; the template escapes it."""
    return json.dumps(value, separators=(",", ":"))
