"""The pages of signing in: invitation, password, passkey or recovery code, and signing out."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from service.web import federated_sign_in, proof
from service.web.ceremonies import making, using
from service.web.front import home
from service.web.shell import render, see
from service.web.site import Doors, safe_path
from service.web.visits import Visit
from workflows import passkeys, signing_in
from workflows.errors import BadInput, NotSignedIn, SignInRefused, StepUpRefused
from workflows.ports import Reading
from workflows.records.account import Principal
from workflows.records.sign_in import Challenge, IdentityProvider, Stage
from workflows.step_up import Purpose


def _next(visit: Visit) -> str:
    given = visit.form.get("next") or visit.query.get("next") or ""
    return safe_path(given, "")


# --- password --------------------------------------------------------------------------------------------


def _sign_in_page(visit: Visit, *, wrong: bool = False) -> Response[Any]:
    following = _next(visit)
    return render(
        visit,
        "sign_in.html",
        status=401 if wrong else 200,
        next=following,
        arriving=following.startswith("/d/"),
        wrong=wrong,
        account=visit.form.get("account", ""),
        name=visit.form.get("name", ""),
    )


@get("/sign-in", sync_to_thread=True, include_in_schema=False)
def sign_in_page(visit: NamedDependency[Visit]) -> Response[Any]:
    """Ask for account, name and password."""
    if visit.signed_in:
        return see(visit, _next(visit) or home(visit))
    return _sign_in_page(visit)


@post("/sign-in", sync_to_thread=True, include_in_schema=False)
def sign_in(visit: NamedDependency[Visit], doors: NamedDependency[Doors]) -> Response[Any]:
    """Check the password; the passkey comes next."""
    account, name = visit.form.get("account", ""), visit.form.get("name", "")
    if visit.form.get("how") == "provider":
        return federated_sign_in.departure(visit, doors, account=account, following=_next(visit))
    doors.knock(f"{account}/{name}", visit.arrival.source_ip)
    try:
        opened = signing_in.begin(
            visit.ports,
            visit.arrival,
            account=account,
            name=name,
            password=visit.form.get("password", ""),
        )
    except SignInRefused:
        return _sign_in_page(visit, wrong=True)
    visit.keep(opened.secret, opened.session)
    following = _next(visit)
    return see(visit, f"/sign-in/passkey?next={following}" if following else "/sign-in/passkey")


# --- passkey ---------------------------------------------------------------------------------------------


def _passkey_page(visit: Visit, *, refused: bool = False, refused_code: bool = False) -> Response[Any]:
    session = visit.session
    if session is None or session.stage is not Stage.PASSWORD:
        raise NotSignedIn
    mine = visit.ports.store.read(lambda tx: passkeys.passkeys_of(tx, session.principal_id))
    challenge = signing_in.ask_again(visit.ports, session, Purpose.SIGN_IN)
    return render(
        visit,
        "sign_in_passkey.html",
        status=401 if refused or refused_code else 200,
        options=using(visit, challenge, mine) if mine else "",
        challenge=challenge.id,
        next=_next(visit),
        refused=refused or refused_code,
        refused_code=refused_code,
    )


@get("/sign-in/passkey", sync_to_thread=True, include_in_schema=False)
def passkey_page(visit: NamedDependency[Visit]) -> Response[Any]:
    """Ask for the passkey."""
    if visit.signed_in:
        return see(visit, _next(visit) or home(visit))
    return _passkey_page(visit)


@post("/sign-in/passkey", sync_to_thread=True, include_in_schema=False)
def passkey(visit: NamedDependency[Visit]) -> Response[Any]:
    """Check the passkey and open the session."""
    if visit.signed_in:
        return see(visit, _next(visit) or home(visit))
    try:
        opened = signing_in.complete(
            visit.ports,
            visit.arrival,
            visit.secret,
            visit.form.get("challenge", ""),
            visit.form.get("response", ""),
        )
    except StepUpRefused:
        return _passkey_page(visit, refused=True)
    visit.keep(opened.secret, opened.session)
    return see(visit, _next(visit) or "/")


@post("/sign-in/recovery", sync_to_thread=True, include_in_schema=False)
def recovery(visit: NamedDependency[Visit], doors: NamedDependency[Doors]) -> Response[Any]:
    """Check a recovery code and open the session, which cannot approve."""
    if visit.session is None:
        raise NotSignedIn
    doors.knock(visit.session.principal_id, visit.arrival.source_ip)
    try:
        opened = signing_in.recover(visit.ports, visit.arrival, visit.secret, visit.form.get("code", ""))
    except SignInRefused:
        return _passkey_page(visit, refused_code=True)
    visit.keep(opened.secret, opened.session)
    return see(visit, _next(visit) or "/me")


@post("/sign-out", sync_to_thread=True, include_in_schema=False)
def sign_out(visit: NamedDependency[Visit]) -> Response[Any]:
    """End this session."""
    call = visit.call
    signing_in.sign_out(visit.ports, call, call.caller.credential or "")
    visit.forget()
    return see(visit, "/")


# --- invitation ------------------------------------------------------------------------------------------


def _welcome_page(visit: Visit, token: str, problem: str = "") -> Response[Any]:
    def look(tx: Reading) -> tuple[Principal, IdentityProvider | None, bool]:
        _, holder = signing_in.invited(tx, visit.ports, token)
        return holder, tx.get(IdentityProvider, holder.account_id), signing_in.takes_passwords(tx, holder)

    holder, provider, passwords = visit.ports.store.read(look)
    return render(
        visit,
        "welcome.html",
        status=400 if problem else 200,
        holder=holder,
        provider=provider.issuer if provider else "",
        passwords=passwords,
        token=token,
        problem=problem,
    )


@get("/welcome/{token:str}", sync_to_thread=True, include_in_schema=False)
def welcome_page(token: FromPath[str], visit: NamedDependency[Visit], doors: NamedDependency[Doors]) -> Response[Any]:
    """Show whom an invitation is for; looking does not use it up."""
    doors.knock(token, visit.arrival.source_ip)
    return _welcome_page(visit, token)


@post("/welcome/{token:str}", sync_to_thread=True, include_in_schema=False)
def welcome(token: FromPath[str], visit: NamedDependency[Visit], doors: NamedDependency[Doors]) -> Response[Any]:
    """Set the password of the invited person; the passkey comes next."""
    doors.knock(token, visit.arrival.source_ip)
    password = visit.form.get("password", "")
    if password != visit.form.get("again", ""):
        return _welcome_page(visit, token, visit._("The two passwords differ."))
    try:
        opened = signing_in.accept_invitation(visit.ports, visit.arrival, token, password)
    except BadInput:
        problem = visit._("This password is too short, too long or too easy to guess.")
        return _welcome_page(visit, token, problem)
    visit.keep(opened.secret, opened.session)
    return see(visit, "/me/passkeys/new")


# --- one's own passkeys, codes and sessions --------------------------------------------------------------


@post("/me/confirm", sync_to_thread=True, include_in_schema=False)
def confirm(visit: NamedDependency[Visit]) -> Response[Any]:
    """Check the passkey of somebody who is signed in, and go on to enrol another."""
    try:
        proof.prove(visit)
    except StepUpRefused:
        return proof.question(visit, "/me/confirm", {}, back="/me", refused=True)
    return see(visit, "/me/passkeys/new")


@get("/me", sync_to_thread=True, include_in_schema=False)
def me(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show one's passkeys, recovery codes and sessions."""
    call = visit.call
    own = visit.ports.store.read(lambda tx: passkeys.own_access(tx, visit.ports, call))
    return render(visit, "me.html", passkeys=own.passkeys, codes_left=own.codes_left, sessions=own.sessions)


def _enrol_page(
    visit: Visit, asked: tuple[Challenge, Any, list[Any]] | None = None, *, refused: bool = False
) -> Response[Any]:
    challenge, principal, there = asked or passkeys.begin_enrolment(visit.ports, visit.secret)
    return render(
        visit,
        "enrol.html",
        status=400 if refused else 200,
        options=making(visit, challenge, principal, there),
        challenge=challenge.id,
        refused=refused,
    )


@get("/me/passkeys/new", sync_to_thread=True, include_in_schema=False)
def new_passkey(visit: NamedDependency[Visit]) -> Response[Any]:
    """Ask the browser for a new passkey, after a fresh proof with an old one."""
    try:
        asked = passkeys.begin_enrolment(visit.ports, visit.secret)
    except StepUpRefused:
        return proof.question(visit, "/me/confirm", {}, back="/me")
    return _enrol_page(visit, asked)


@post("/me/passkeys", sync_to_thread=True, include_in_schema=False)
def add_passkey(visit: NamedDependency[Visit]) -> Response[Any]:
    """Enrol the passkey that the browser made."""
    try:
        first = passkeys.enrol(
            visit.ports,
            visit.arrival,
            visit.secret,
            visit.form.get("challenge", ""),
            visit.form.get("response", ""),
            name=visit.form.get("label", ""),
        )
    except StepUpRefused:
        return _enrol_page(visit, refused=True)
    visit.keep(first.opened.secret, first.opened.session)
    if not first.codes:
        return see(visit, "/me?done=passkey-added")
    visit.secret, visit.session = first.opened.secret, first.opened.session
    return render(visit, "codes.html", codes=first.codes, next="/")


@post("/me/passkeys/remove", sync_to_thread=True, include_in_schema=False)
def remove_passkey(visit: NamedDependency[Visit]) -> Response[Any]:
    """Remove one of one's passkeys, after a fresh proof."""
    if (asked := proof.missing(visit, back="/me", own=True)) is not None:
        return asked
    call, session = visit.call, visit.session
    assert session is not None  # a call has a session behind it
    passkeys.remove(visit.ports, call, session, visit.form.get("passkey", ""))
    return see(visit, "/me?done=passkey-removed")


@post("/me/codes", sync_to_thread=True, include_in_schema=False)
def new_codes(visit: NamedDependency[Visit]) -> Response[Any]:
    """Replace one's recovery codes, after a fresh proof."""
    if (asked := proof.missing(visit, back="/me", own=True)) is not None:
        return asked
    call, session = visit.call, visit.session
    assert session is not None  # a call has a session behind it
    return render(visit, "codes.html", codes=passkeys.renew_codes(visit.ports, call, session), next="/me")


@post("/me/sessions/end", sync_to_thread=True, include_in_schema=False)
def end_session(visit: NamedDependency[Visit]) -> Response[Any]:
    """End one of one's sessions."""
    call = visit.call
    ended = visit.form.get("session", "")
    signing_in.sign_out(visit.ports, call, ended)
    if ended == call.caller.credential:
        visit.forget()
        return see(visit, "/")
    return see(visit, "/me?done=session-ended")


HANDLERS = [
    sign_in_page,
    sign_in,
    passkey_page,
    passkey,
    recovery,
    sign_out,
    welcome_page,
    welcome,
    me,
    confirm,
    new_passkey,
    add_passkey,
    remove_passkey,
    new_codes,
    end_session,
]
