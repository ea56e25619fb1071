"""The deep link, the review of a request, and every act on it. Looking changes nothing, ever."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from service.web.ceremonies import using
from service.web.policies import marks_of, statements_of, whole
from service.web.shell import render, see
from service.web.trail import told
from service.web.visits import Visit, require
from service.web.words import QUESTIONS
from workflows import approval, release, review, revocation, step_up, submission
from workflows.callers import OWNERS, Call
from workflows.errors import AccessDenied, BadInput, NoSuchEntity
from workflows.inquiry import summary_of
from workflows.narrowing import Narrowing, as_asked, difference, original_of
from workflows.records.request import DelegationRequest, State
from workflows.review import Review, Step, worst_of
from workflows.role_plans import plan_of
from workflows.standing import KIND
from workflows.step_up import Proof, Purpose, Question

_MOST_DIGITS: Final = 10
PURPOSES: Final = {
    "accept": Purpose.ACCEPT,
    "accept-send": Purpose.ACCEPT_AND_SEND,
    "send": Purpose.SEND,
}


def reviewed(visit: Visit, request_id: str) -> tuple[Call, Review]:
    """Return the review; what may not be seen looks like what does not exist."""
    call = require(visit, *OWNERS)
    try:
        return call, review.look(visit.ports, call, request_id)
    except AccessDenied:
        raise NoSuchEntity(KIND, request_id) from None


def _ends_at(visit: Visit, seen: Review, request: DelegationRequest) -> datetime:
    if seen.grant is not None:
        return seen.grant.deadline
    end = visit.ports.clock.now() + timedelta(seconds=request.session_duration)
    return end.replace(microsecond=0)


@get("/d/{request_id:str}", sync_to_thread=True, include_in_schema=False)
def deep_link(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Show what is asked before anything is claimed, or go on to the review of a request that is claimed."""
    call, seen = reviewed(visit, request_id)
    if seen.state is not State.UNASSIGNED:
        return see(visit, f"/requests/{seen.request.id}")
    return render(visit, "claim.html", seen=seen, request=seen.request, account_id=call.caller.account_id)


@post("/requests/{request_id:str}/claim", sync_to_thread=True, include_in_schema=False)
def claim(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Claim a request for the person and the account that the form was made for."""
    call = require(visit, *OWNERS)
    if visit.form.get("account") != call.caller.account_id:
        raise BadInput("account", "is not the account you are signed in to; open the link again")
    submission.associate(visit.ports, call, request_id)
    return see(visit, f"/requests/{request_id}?done=claimed")


@get("/requests/{request_id:str}", sync_to_thread=True, include_in_schema=False)
def show(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the review of a request."""
    call, seen = reviewed(visit, request_id)
    if seen.state is State.UNASSIGNED:
        return see(visit, f"/d/{seen.request.id}")
    action, trial, mistake = visit.query.get("action", "").strip(), None, ""
    if action:
        try:
            place = visit.query.get("resource", "").strip()
            trial = review.try_out(visit.ports, call, request_id, action=action, resource=place)
        except BadInput as wrong:
            mistake = wrong.field
    request = seen.request
    services = {name: list(lines) for name, lines in groupby(seen.lines, key=lambda line: line.service)}
    return render(
        visit,
        "review.html",
        seen=seen,
        request=request,
        role=plan_of(request),
        ends_at=_ends_at(visit, seen, request),
        original=original_of(request),
        changes=difference(as_asked(request).permission_policy, request.permission_policy),
        summary=summary_of(request, visit.reader.language).content,
        services=services,
        statements=statements_of(request.permission_policy, marks_of(request, _template_of(seen))),
        boundaries=[(arn, seen.boundaries[arn], whole(document)) for arn, document in request.boundaries],
        history=[told(entry) for entry in seen.history],
        redirect_host=urlsplit(request.redirect_url).hostname if request.redirect_url else None,
        steps=Step,
        trial=trial,
        mistake=mistake,
        questions=QUESTIONS,
        me=call.caller.principal_id,
    )


def _template_of(seen: Review) -> str | None:
    return seen.template.document if seen.template else None


@get("/requests/{request_id:str}/confirm", sync_to_thread=True, include_in_schema=False)
def confirm(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Restate what is about to be approved or released, and ask for the passkey over exactly that.

    The question that is written down for it decides nothing, so that the back button finds a page and not a form.
    """
    call, seen = reviewed(visit, request_id)
    act = visit.query.get("act", "")
    if act not in PURPOSES:
        raise BadInput("act", "is not one that can be confirmed")
    asked = step_up.question_about(
        visit.ports,
        call,
        request_id,
        PURPOSES[act],
        digest=visit.query.get("digest", ""),
    )
    return confirmation(visit, seen, asked, act, reviewed_digest=asked.request.digest)


def confirmation(visit: Visit, seen: Review, asked: Question, act: str, *, reviewed_digest: str) -> Response[Any]:
    """Return the page that restates what is asked about, which is less than the review if it was narrowed."""
    request = asked.request
    less = request.digest != reviewed_digest
    return render(
        visit,
        "confirm.html",
        seen=seen,
        request=request,
        role=plan_of(request),
        act=act,
        ends_at=_ends_at(visit, seen, request),
        worst=worst_of(request),
        reviewed_digest=reviewed_digest,
        asked_seconds=as_asked(request).session_duration,
        changes=difference(as_asked(request).permission_policy, request.permission_policy) if less else None,
        options=using(visit, asked.challenge, asked.passkeys) if asked.passkeys else "",
        challenge=asked.challenge.id,
    )


def _proof(visit: Visit) -> Proof:
    return Proof(visit.form.get("challenge", ""), visit.form.get("response", ""))


def seconds_of(text: str) -> int | None:
    """Return the seconds that a form holds, None where it holds nothing; raises `BadInput`."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        raise BadInput("seconds", "is not a number of seconds")
    return int(text)


@post("/requests/{request_id:str}/accept", sync_to_thread=True, include_in_schema=False)
def accept(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Approve what was reviewed and signed, or the less that was signed; release it at once if that was signed too."""
    call = require(visit, *OWNERS)
    digest = visit.form.get("digest", "")
    less = None
    if policy := visit.form.get("less", ""):
        less = Narrowing(policy, seconds_of(visit.form.get("seconds", "")))
    approval.accept(visit.ports, call, request_id, digest=digest, proof=_proof(visit), narrowing=less)
    if visit.form.get("act") != "accept-send":
        return see(visit, f"/requests/{request_id}?done=approved")
    release.send(visit.ports, call, request_id)
    return see(visit, f"/requests/{request_id}?done=released")


@post("/requests/{request_id:str}/send", sync_to_thread=True, include_in_schema=False)
def send(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Release what is approved."""
    call = require(visit, *OWNERS)
    release.send(visit.ports, call, request_id, proof=_proof(visit))
    return see(visit, f"/requests/{request_id}?done=released")


def _with_note(
    visit: Visit,
    request_id: str,
    act: Callable[..., object],
    done: str,
) -> Response[Any]:
    call = require(visit, *OWNERS)
    # Browsers end lines with two characters; a note is counted as it was typed.
    note = visit.form.get("note", "").replace("\r\n", "\n").strip()
    act(visit.ports, call, request_id, note or None)
    return see(visit, f"/requests/{request_id}?done={done}")


@post("/requests/{request_id:str}/reject", sync_to_thread=True, include_in_schema=False)
def reject(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Turn a request down."""
    return _with_note(visit, request_id, approval.reject, "rejected")


@post("/requests/{request_id:str}/forward", sync_to_thread=True, include_in_schema=False)
def forward(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Hand a request to the administrators of the account."""
    return _with_note(visit, request_id, submission.forward, "forwarded")


@post("/requests/{request_id:str}/revoke", sync_to_thread=True, include_in_schema=False)
def revoke(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """End what a request lent."""
    return _with_note(visit, request_id, revocation.revoke, "revoked")


@get("/leave/{request_id:str}", sync_to_thread=True, include_in_schema=False)
def leave(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Name the place that a partner wants its customer back at; only a click goes there."""
    _, seen = reviewed(visit, request_id)
    if seen.request.redirect_url is None or seen.state is State.UNASSIGNED:
        raise NoSuchEntity(KIND, request_id)
    return render(
        visit,
        "leave.html",
        request=seen.request,
        host=urlsplit(seen.request.redirect_url).hostname,
    )


HANDLERS = [deep_link, claim, show, confirm, accept, send, reject, forward, revoke, leave]
