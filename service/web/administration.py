"""An administrator's pages: the account's users, what it demands, its policies and its guardrails."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency

from service.web import proof
from service.web.lists import marker_of, position_of
from service.web.policies import whole
from service.web.shell import render, see
from service.web.visits import Visit, require
from workflows import account_rules, onboarding, overview, signing_in
from workflows.callers import OWNERS, Call
from workflows.errors import AccessDenied, DomainError
from workflows.managed_policies import READY_MADE
from workflows.onboarding import PolicyChoice

_PAGE: Final = 50


@get("/account", sync_to_thread=True, include_in_schema=False)
def users(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show who there is in the account, and what the account demands."""
    return _users_page(visit, require(visit, *OWNERS))


def _users_page(visit: Visit, call: Call, *, link: str = "", invited: str = "") -> Response[Any]:
    page = overview.people(visit.ports, call, limit=_PAGE, after=position_of(visit, call, "people"))
    return render(
        visit,
        "account.html",
        page=page,
        step_up=_step_up(visit, call),
        ready_made=READY_MADE,
        link=link,
        invited=invited,
        after=marker_of(visit, call, page.after, "people"),
    )


def _step_up(visit: Visit, call: Call) -> bool | None:
    try:
        return account_rules.rules_of(visit.ports, call, call.caller.account_id).step_up
    except AccessDenied:
        return None


@post("/account/users", sync_to_thread=True, include_in_schema=False)
def create_user(visit: NamedDependency[Visit]) -> Response[Any]:
    """Create a user with one policy."""
    if (asked := proof.missing(visit, back="/account")) is not None:
        return asked
    call = require(visit, *OWNERS)
    policy = visit.form.get("policy", "")
    onboarding.create_user(
        visit.ports,
        call,
        account_id=call.caller.account_id,
        name=visit.form.get("name", "").strip(),
        policies=[PolicyChoice(policy)] if policy else [],
    )
    return see(visit, "/account?done=saved")


@post("/account/invite", sync_to_thread=True, include_in_schema=False)
def invite(visit: NamedDependency[Visit]) -> Response[Any]:
    """Make a user's one-time link and show it this once."""
    if (asked := proof.missing(visit, back="/account")) is not None:
        return asked
    call = require(visit, *OWNERS)
    invited = signing_in.invite(visit.ports, call, visit.form.get("arn", ""))
    link = f"{visit.site.origin}/welcome/{invited.token}"
    return _users_page(visit, call, link=link, invited=invited.principal.name)


@post("/account/active", sync_to_thread=True, include_in_schema=False)
def set_active(visit: NamedDependency[Visit]) -> Response[Any]:
    """Disable a user, or enable it again."""
    if (asked := proof.missing(visit, back="/account")) is not None:
        return asked
    call = require(visit, *OWNERS)
    onboarding.set_user_active(
        visit.ports,
        call,
        account_id=call.caller.account_id,
        user_name=visit.form.get("name", ""),
        active=visit.form.get("active") == "yes",
    )
    return see(visit, "/account?done=saved")


@post("/account/attach", sync_to_thread=True, include_in_schema=False)
def attach(visit: NamedDependency[Visit]) -> Response[Any]:
    """Attach a managed policy to a user."""
    if (asked := proof.missing(visit, back="/account")) is not None:
        return asked
    call = require(visit, *OWNERS)
    onboarding.attach_policy(
        visit.ports,
        call,
        account_id=call.caller.account_id,
        user_name=visit.form.get("name", ""),
        choice=PolicyChoice(visit.form.get("policy", "")),
    )
    return see(visit, "/account?done=saved")


@post("/account/detach", sync_to_thread=True, include_in_schema=False)
def detach(visit: NamedDependency[Visit]) -> Response[Any]:
    """Take a policy from a user."""
    if (asked := proof.missing(visit, back="/account")) is not None:
        return asked
    call = require(visit, *OWNERS)
    onboarding.detach_policy(
        visit.ports,
        call,
        account_id=call.caller.account_id,
        user_name=visit.form.get("name", ""),
        policy_name=visit.form.get("policy", ""),
    )
    return see(visit, "/account?done=saved")


@post("/account/rules", sync_to_thread=True, include_in_schema=False)
def set_rules(visit: NamedDependency[Visit]) -> Response[Any]:
    """Demand a passkey on every wire, or stop demanding it where programs call."""
    if (asked := proof.missing(visit, back="/account")) is not None:
        return asked
    call = require(visit, *OWNERS)
    demanded = visit.form.get("step_up") == "yes"
    account_rules.set_step_up(visit.ports, call, account_id=call.caller.account_id, demanded=demanded)
    return see(visit, "/account?done=saved")


# --- policies and guardrails -----------------------------------------------------------------------------


def _policies_page(visit: Visit, call: Call, problem: str = "") -> Response[Any]:
    found = overview.policies(visit.ports, call)
    return render(
        visit,
        "policies.html",
        status=400 if problem else 200,
        policies=[(one, whole(one.document)) for one in found],
        ready_made=[(name, whole(document)) for name, document in READY_MADE.items()],
        problem=problem,
        form=visit.form,
    )


@get("/account/policies", sync_to_thread=True, include_in_schema=False)
def policies(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the account's managed policies."""
    return _policies_page(visit, require(visit, *OWNERS))


@post("/account/policies", sync_to_thread=True, include_in_schema=False)
def create_policy(visit: NamedDependency[Visit]) -> Response[Any]:
    """Create a managed policy; a document that is refused stays in the form with what is wrong."""
    if (asked := proof.missing(visit, back="/account/policies")) is not None:
        return asked
    call = require(visit, *OWNERS)
    try:
        onboarding.create_policy(
            visit.ports,
            call,
            account_id=call.caller.account_id,
            name=visit.form.get("name", "").strip(),
            document=visit.form.get("document", ""),
        )
    except AccessDenied:
        raise
    except DomainError as failure:
        return _policies_page(visit, call, str(failure))
    return see(visit, "/account/policies?done=saved")


def _guardrails_page(visit: Visit, call: Call, problem: str = "") -> Response[Any]:
    found = onboarding.list_guardrails(visit.ports, call, call.caller.account_id)
    return render(
        visit,
        "guardrails.html",
        status=400 if problem else 200,
        guardrails=[(one, whole(one.document)) for one in found],
        problem=problem,
        form=visit.form,
    )


@get("/account/guardrails", sync_to_thread=True, include_in_schema=False)
def guardrails(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the account's guardrails."""
    return _guardrails_page(visit, require(visit, *OWNERS))


@post("/account/guardrails", sync_to_thread=True, include_in_schema=False)
def put_guardrail(visit: NamedDependency[Visit]) -> Response[Any]:
    """Set a guardrail; a document that is refused stays in the form with what is wrong."""
    if (asked := proof.missing(visit, back="/account/guardrails")) is not None:
        return asked
    call = require(visit, *OWNERS)
    try:
        onboarding.put_guardrail(
            visit.ports,
            call,
            account_id=call.caller.account_id,
            name=visit.form.get("name", "").strip(),
            document=visit.form.get("document", ""),
        )
    except AccessDenied:
        raise
    except DomainError as failure:
        return _guardrails_page(visit, call, str(failure))
    return see(visit, "/account/guardrails?done=saved")


@post("/account/guardrails/remove", sync_to_thread=True, include_in_schema=False)
def remove_guardrail(visit: NamedDependency[Visit]) -> Response[Any]:
    """Take a guardrail away."""
    if (asked := proof.missing(visit, back="/account/guardrails")) is not None:
        return asked
    call = require(visit, *OWNERS)
    onboarding.remove_guardrail(visit.ports, call, account_id=call.caller.account_id, name=visit.form.get("name", ""))
    return see(visit, "/account/guardrails?done=removed")


HANDLERS = [
    users,
    create_user,
    invite,
    set_active,
    attach,
    detach,
    set_rules,
    policies,
    create_policy,
    guardrails,
    put_guardrail,
    remove_guardrail,
]
