"""`/v1/notifications` and `/v1/dead-letters`: what partners without a public endpoint fetch, and what failed."""

from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from service import views
from service.api.paging import Limit
from workflows import delivery
from workflows.callers import Call
from workflows.ports import Ports


@get("/notifications", sync_to_thread=True, response_headers={"cache-control": "no-store"})
def list_notifications(
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
    limit: Limit = 100,
) -> list[views.NotificationView]:
    """Fetch the oldest waiting messages of the calling partner; each stays until it is acknowledged."""
    return [views.notification(one, ports) for one in delivery.mailbox(ports, call, limit=limit)]


@delete("/notifications/{message_id:str}", sync_to_thread=True)
def acknowledge(
    message_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> None:
    """Acknowledge a message, which removes it."""
    delivery.acknowledge(ports, call, message_id)


@get("/dead-letters", sync_to_thread=True)
def list_dead_letters(
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
    limit: Limit = 100,
) -> list[views.DeadLetterView]:
    """List the calling partner's messages that could not be delivered."""
    return [views.dead_letter(one) for one in delivery.dead_letters(ports, call, limit=limit)]


@post("/dead-letters/{message_id:str}/replay", status_code=200, sync_to_thread=True)
def replay(
    message_id: FromPath[str],
    ports: NamedDependency[Ports],
    call: NamedDependency[Call],
) -> views.DeadLetterView:
    """Deliver a dead letter again, under its own id."""
    return views.dead_letter(delivery.replay(ports, call, message_id))


ROUTER = Router(
    "/",
    route_handlers=[list_notifications, acknowledge, list_dead_letters, replay],
    tags=["notifications"],
)
