"""The page that asks for a passkey before a change, and lets the change go on from there.

The form that was sent is carried through the question, so that nobody has to fill it in twice.
"""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response

from service.web.ceremonies import using
from service.web.shell import render
from service.web.visits import Visit
from workflows import passkeys, signing_in
from workflows.errors import NotSignedIn, StepUpRefused
from workflows.step_up import Purpose, proved_lately

_OWN: Final = frozenset({"csrf", "challenge", "response"})


def question(
    visit: Visit,
    action: str,
    carried: Mapping[str, str],
    *,
    back: str,
    refused: bool = False,
) -> Response[Any]:
    """Return the page that asks for the passkey and then posts the `carried` fields to `action`."""
    session = visit.session
    if session is None or not visit.signed_in:
        raise NotSignedIn
    mine = visit.ports.store.read(lambda tx: passkeys.passkeys_of(tx, session.principal_id))
    challenge = signing_in.ask_again(visit.ports, session, Purpose.STEP_UP)
    return render(
        visit,
        "step_up.html",
        status=403 if refused else 200,
        options=using(visit, challenge, mine),
        challenge=challenge.id,
        action=action,
        carried=carried,
        back=back,
        refused=refused,
    )


def prove(visit: Visit) -> None:
    """Check the passkey's answer in the form; the session goes on under a new secret. Raises `StepUpRefused`."""
    opened = passkeys.prove(
        visit.ports,
        visit.arrival,
        visit.secret,
        visit.form.get("challenge", ""),
        visit.form.get("response", ""),
    )
    visit.keep(opened.secret, opened.session)
    visit.secret, visit.session = opened.secret, opened.session


def missing(visit: Visit, *, back: str, own: bool = False) -> Response[Any] | None:
    """Return None for a person who proved themselves a moment ago, now if need be; otherwise the page that asks.

    For what is their `own`, somebody who just came in by a recovery code counts as well: they have to enrol anew.
    """
    carried = {name: value for name, value in visit.form.items() if name not in _OWN}
    if visit.form.get("response"):
        try:
            prove(visit)
        except StepUpRefused:
            return question(visit, visit.path, carried, back=back, refused=True)
    session = visit.session
    if session is None or not visit.signed_in:
        raise NotSignedIn
    fresh = passkeys.is_fresh(visit.ports, session) if own else proved_lately(visit.ports, visit.call)
    return None if fresh else question(visit, visit.path, carried, back=back)
