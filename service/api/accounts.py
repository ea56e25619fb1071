"""`/v1/accounts`: accounts, their users, policies and guardrails."""

from litestar import Router, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from service import views
from service.api.schemas import (
    Activity,
    NewAccount,
    NewAttachment,
    NewDocument,
    NewPolicy,
    NewUser,
    document_text,
    optional_text,
)
from workflows import credentialing, onboarding
from workflows.callers import Call
from workflows.onboarding import PolicyChoice
from workflows.ports import Ports


@post("/accounts", sync_to_thread=True)
def create_account(
    data: JSONBody[NewAccount],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.AccountView:
    """Open an account."""
    account = onboarding.create_account(ports, call, account_id=data.id, alias=data.alias)
    return views.account(account, ports.terms.partition)


@get("/accounts", sync_to_thread=True)
def list_accounts(ports: NamedDependency[Ports], call: NamedDependency[Call]) -> list[views.AccountView]:
    """List every account."""
    return [views.account(one, ports.terms.partition) for one in onboarding.list_accounts(ports, call)]


@post("/accounts/{account_id:str}/users", sync_to_thread=True)
def create_user(
    account_id: FromPath[str],
    data: JSONBody[NewUser],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.UserView:
    """Create a user with its policies, and an access key if asked."""
    inline = [PolicyChoice(name, document_text(document)) for name, document in data.inline_policies.items()]
    choices = [*(PolicyChoice(name) for name in data.policies), *inline]
    user = onboarding.create_user(
        ports,
        call,
        account_id=account_id,
        name=data.name,
        policies=choices,
        boundary=optional_text(data.boundary),
    )
    key = credentialing.create_access_key(ports, call, user.arn) if data.access_key else None
    return views.user(user, [choice.name for choice in choices], fresh_key=key)


@get("/accounts/{account_id:str}/users", sync_to_thread=True)
def list_users(
    account_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> list[views.UserView]:
    """List an account's users, its root among them."""
    people = onboarding.list_users(ports, call, account_id)
    return [views.user(one, [attached.name for attached in attachments]) for one, attachments in people]


@patch("/accounts/{account_id:str}/users/{name:str}", sync_to_thread=True)
def update_user(
    account_id: FromPath[str],
    name: FromPath[str],
    data: JSONBody[Activity],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.UserView:
    """Disable a user, and with it every session lent on its authority, or enable it."""
    user = onboarding.set_user_active(ports, call, account_id=account_id, user_name=name, active=data.active)
    return views.user(user, [])


@post("/accounts/{account_id:str}/users/{name:str}/policies", sync_to_thread=True)
def attach_policy(
    account_id: FromPath[str],
    name: FromPath[str],
    data: JSONBody[NewAttachment],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.UserView:
    """Attach a managed policy to a user, or put an inline one."""
    choice = PolicyChoice(data.policy, optional_text(data.document))
    user = onboarding.attach_policy(ports, call, account_id=account_id, user_name=name, choice=choice)
    return views.user(user, [data.policy])


@delete("/accounts/{account_id:str}/users/{name:str}/policies/{policy:str}", sync_to_thread=True)
def detach_policy(
    account_id: FromPath[str],
    name: FromPath[str],
    policy: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> None:
    """Take a policy from a user."""
    onboarding.detach_policy(ports, call, account_id=account_id, user_name=name, policy_name=policy)


@post("/accounts/{account_id:str}/users/{name:str}/access-keys", sync_to_thread=True)
def create_access_key(
    account_id: FromPath[str],
    name: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.KeyView:
    """Give a user (or `root`) an access key."""
    people = onboarding.list_users(ports, call, account_id)
    arn = next((one.arn for one, _ in people if one.name == name), f"user {name}")
    return views.key(credentialing.create_access_key(ports, call, arn))


@patch("/access-keys/{access_key_id:str}", sync_to_thread=True)
def update_access_key(
    access_key_id: FromPath[str],
    data: JSONBody[Activity],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> None:
    """Switch an access key off, or on again."""
    credentialing.set_key_active(ports, call, access_key_id, active=data.active)


@post("/accounts/{account_id:str}/policies", sync_to_thread=True)
def create_policy(
    account_id: FromPath[str],
    data: JSONBody[NewPolicy],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.PolicyView:
    """Create a managed policy."""
    document = document_text(data.document)
    policy = onboarding.create_policy(ports, call, account_id=account_id, name=data.name, document=document)
    return views.policy(policy)


@get("/policies", sync_to_thread=False)
def list_ready_made(ports: NamedDependency[Ports], call: NamedDependency[Call]) -> list[views.PolicyView]:  # noqa: ARG001  it authenticates
    """List the managed policies that every account has."""
    return views.ready_made_policies(ports.terms.partition)


@put("/accounts/{account_id:str}/guardrails/{name:str}", sync_to_thread=True)
def put_guardrail(
    account_id: FromPath[str],
    name: FromPath[str],
    data: JSONBody[NewDocument],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.GuardrailView:
    """Set a guardrail."""
    document = document_text(data.document)
    return views.guardrail(
        onboarding.put_guardrail(ports, call, account_id=account_id, name=name, document=document),
    )


@get("/accounts/{account_id:str}/guardrails", sync_to_thread=True)
def list_guardrails(
    account_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> list[views.GuardrailView]:
    """List an account's guardrails."""
    return [views.guardrail(one) for one in onboarding.list_guardrails(ports, call, account_id)]


@delete("/accounts/{account_id:str}/guardrails/{name:str}", sync_to_thread=True)
def remove_guardrail(
    account_id: FromPath[str],
    name: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> None:
    """Take a guardrail away."""
    onboarding.remove_guardrail(ports, call, account_id=account_id, name=name)


ROUTER = Router(
    "/",
    route_handlers=[
        create_account,
        list_accounts,
        create_user,
        list_users,
        update_user,
        attach_policy,
        detach_policy,
        create_access_key,
        update_access_key,
        create_policy,
        list_ready_made,
        put_guardrail,
        list_guardrails,
        remove_guardrail,
    ],
    tags=["accounts"],
)
