"""`/v1/roles` and `/v1/drift`: what delegations left in an account, and what is other than it should be."""

from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from service.views import roles as views
from workflows import inventory
from workflows.callers import Call
from workflows.ports import Ports


@get("/roles", sync_to_thread=True)
def list_roles(
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
    partner_id: Annotated[str | None, QueryParameter(name="partner_id", max_length=12)] = None,
    request_id: Annotated[str | None, QueryParameter(name="request_id", max_length=128)] = None,
) -> list[views.InventoryView]:
    """List the roles that delegations made in the caller's account, with what they are used for; an operator all."""
    found = inventory.inventory(ports, call, partner_id=partner_id, request_id=request_id)
    return [views.inventory_line(line) for line in found]


@get("/grants/{grant_id:str}/proposal", sync_to_thread=True)
def propose(
    grant_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.ProposalView:
    """Propose a template that allows only what was really used under a grant."""
    return views.proposal(inventory.propose(ports, call, grant_id))


@get("/drift", sync_to_thread=True)
def list_drift(ports: NamedDependency[Ports], call: NamedDependency[Call]) -> list[views.DriftView]:
    """List what the hourly scan found to be other than the grants say."""
    return [views.drift(one) for one in inventory.drift(ports, call)]


ROUTER = Router("/", route_handlers=[list_roles, propose, list_drift], tags=["roles"])
