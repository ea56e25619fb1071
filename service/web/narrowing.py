"""Approving with less: what to take away, the proof that it is less, and the passkey over exactly what stays."""

import json
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from service.web.requests import PURPOSES, confirmation, reviewed, seconds_of
from service.web.shell import render
from service.web.visits import Visit
from workflows import step_up
from workflows.errors import BadInput, NoSuchEntity
from workflows.narrowing import Kept, Narrowing, as_asked, choices, trimmed
from workflows.records.request import DelegationRequest
from workflows.review import Review, Step
from workflows.standing import KIND

# What people choose among, in seconds; none is longer than what was asked.
_DURATIONS: Final = (
    31_536_000, 7_776_000, 2_592_000, 604_800, 86_400, 43_200, 28_800, 14_400, 7_200, 3_600, 1_800, 900, 300,
)  # fmt: skip
_SHORTEST_LIFE: Final = 3_600


def narrowing_of(visit: Visit, request: DelegationRequest) -> Narrowing:
    """Return what a form leaves of a request; raises `BadInput` for what it leaves nothing of."""
    form = visit.form
    seconds = seconds_of(form.get("seconds", ""))
    if written := form.get("policy", "").strip():
        return Narrowing(written, seconds)
    addresses = [one.strip() for one in form.get("addresses", "").split(",") if one.strip()]
    kept = {}
    for place, _, actions, resources in choices(request.permission_policy):
        ticked = (
            frozenset(at for at in range(len(listed)) if form.get(f"{kind}.{place}.{at}"))
            for kind, listed in (("action", actions), ("resource", resources))
        )
        kept[place] = Kept(*ticked)
    return Narrowing(trimmed(request.permission_policy, kept, addresses), seconds)


def _open(visit: Visit, request_id: str) -> tuple[Review, DelegationRequest, str]:
    call, seen = reviewed(visit, request_id)
    if Step.ACCEPT not in seen.possible:
        raise NoSuchEntity(KIND, request_id)
    return seen, as_asked(seen.request), call.caller.principal_id


def _page(visit: Visit, request_id: str, *, problem: str = "") -> Response[Any]:
    seen, request, me = _open(visit, request_id)
    form = visit.form
    if seen.suggestion and visit.query.get("from") == "use" and not form:
        form = {"policy": json.dumps(json.loads(seen.suggestion), indent=2)}
    shortest = _SHORTEST_LIFE if request.role_plan else min(_DURATIONS)
    shorter = [one for one in _DURATIONS if shortest <= one < request.session_duration]
    return render(
        visit,
        "narrow.html",
        status=400 if problem else 200,
        request=request,
        choices=choices(request.permission_policy),
        durations=[request.session_duration, *shorter],
        form=form,
        fresh="chosen" not in visit.form,
        problem=problem,
        me=me,
    )


@get("/requests/{request_id:str}/narrow", sync_to_thread=True, include_in_schema=False)
def choose(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Show what can be taken away from a request."""
    return _page(visit, request_id)


@post("/requests/{request_id:str}/narrow", sync_to_thread=True, include_in_schema=False)
def restate(request_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Prove that what stays is less, restate it, and ask for the passkey over exactly that. Nothing is approved yet."""
    seen, request, _ = _open(visit, request_id)
    act = visit.form.get("act", "")
    if act not in PURPOSES:
        raise BadInput("act", "is not one that can be confirmed")
    try:
        asked = step_up.question_about(
            visit.ports,
            visit.call,
            request_id,
            PURPOSES[act],
            digest=visit.form.get("digest", ""),
            narrowing=narrowing_of(visit, request),
        )
    except BadInput as refused:
        return _page(visit, request_id, problem=str(refused))
    return confirmation(visit, seen, asked, act, reviewed_digest=request.digest)


HANDLERS = [choose, restate]
