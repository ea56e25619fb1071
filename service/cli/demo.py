"""`daypass demo`: a service with a story in it, to try things out with or to watch."""

import json
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
import httpx
import msgspec

from service.cli.demo_story import Story, StoryBroken
from service.cli.demo_world import ACCOUNT, DOMAIN, PARAMETERS, World, found_world
from service.cli.desk import failing_clearly, print_json
from service.cli.serve import run, server_for
from service.clock import SystemClock
from service.errors import StartError
from service.house import House, open_house
from service.observe.logs import configure_logs, silence_logs
from service.settings import LogFormat, Settings
from workflows import signing_in
from workflows.arns import user_arn
from workflows.callers import Call, operator

_STARTED: Final = datetime(2020, 1, 1, tzinfo=UTC)


class StagedClock:
    """The machine's clock, plus what the demonstration has moved it forward by."""

    def __init__(self) -> None:
        self._clock = SystemClock(_STARTED)
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the staged instant, aware and in UTC."""
        return self._clock.now() + self._ahead

    def advance(self, seconds: int) -> None:
        """Move forward; there is no way back."""
        self._ahead += timedelta(seconds=seconds)


@contextmanager
def _open_demo(port: int, clock: StagedClock) -> Iterator[tuple[House, World, socket.socket]]:
    """Open a fresh house in a temporary folder, with a bound socket and the demonstration's world in it."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError:
        listener.close()
        raise StartError(f"port {port} is taken; choose another with --port") from None
    with listener, tempfile.TemporaryDirectory(prefix="daypass-demo-") as folder:
        settings = Settings(
            database_url=f"sqlite:///{Path(folder) / 'daypass.db'}",
            master_key_file=Path(folder) / "daypass.key",
            host="127.0.0.1",
            port=listener.getsockname()[1],
            # Passkeys are bound to a name; an address has none.
            base_url=f"http://localhost:{listener.getsockname()[1]}",
        )
        house = open_house(settings, clock=clock)
        try:
            yield house, found_world(house), listener
        finally:
            house.close()


def _play(port: int, *, tell: Callable[[str], None]) -> None:
    clock = StagedClock()
    with _open_demo(port, clock) as (house, world, listener):
        server = server_for(house)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            _await_start(house.settings.origin)
            Story(house.settings.origin, world, clock.advance, tell).play()
        finally:
            server.should_exit = True
            thread.join()


def _await_start(origin: str) -> None:
    """Return once the service answers; the listener queues the call until it does."""
    httpx.get(f"{origin}/health/live", timeout=30).raise_for_status()


_PASTE: Final = """\
Daypass runs at {origin}, with everything in a temporary folder that goes away with it. Stop it with Ctrl-C.

As the partner (Lumenwatch, {domain}):

  export AWS_ENDPOINT_URL={origin} AWS_REGION=us-east-1
  export AWS_ACCESS_KEY_ID={partner.access_key_id} AWS_SECRET_ACCESS_KEY={partner.secret_access_key}
  aws iam create-delegation-request --owner-account-id {account} --session-duration 3600 \\
    --description "Observe your account" --requestor-workflow-id wf-0001 \\
    --notification-channel {world.channel_arn} \\
    --permissions '{permissions}'

In a browser, as the owner and (in another window) as the administrator: follow the link, set a password and enrol a
passkey, then open the deep link that the partner's request gave.

  {owner_link}
  {administrator_link}

As the owner (then, or instead, with the administrator's key, which may also accept):

  export AWS_ENDPOINT_URL={origin} AWS_REGION=us-east-1
  export AWS_ACCESS_KEY_ID={owner.access_key_id} AWS_SECRET_ACCESS_KEY={owner.secret_access_key}
  aws iam associate-delegation-request --delegation-request-id dr-…
  aws iam get-delegation-request --delegation-permission-check --delegation-request-id dr-…
  aws iam update-delegation-request --notes "please check" --delegation-request-id dr-…

As the administrator:

  export AWS_ACCESS_KEY_ID={administrator.access_key_id} AWS_SECRET_ACCESS_KEY={administrator.secret_access_key}
  aws iam accept-delegation-request --delegation-request-id dr-…
  aws iam send-delegation-token --delegation-request-id dr-…
  curl -H 'Authorization: Bearer {world.administrator_token}' {origin}/v1/grants

As the partner again, to fetch the exchange token and trade it:

  curl -H 'Authorization: Bearer {world.partner_token}' {origin}/v1/notifications
  aws sts get-delegated-access-token --trade-in-token dpx1_…

As a resource server, to ask what the session may do:

  curl -H 'Authorization: Bearer {world.resource_server_token}' {origin}/access/v1/evaluation \\
    -d '{{"subject": {{"type": "session", "id": "ASIA…"}}, "action": {{"name": "sqs:CreateQueue"}},
         "resource": {{"type": "sqs:queue", "id": "arn:aws:sqs:eu-west-1:{account}:lumenwatch-in"}}}}'
"""


def _invitation(house: House, name: str) -> str:
    call = Call(caller=operator("demo"), id="demo", wire="cli")
    arn = user_arn(house.ports.terms.partition, ACCOUNT, name)
    return f"{house.settings.origin}/welcome/{signing_in.invite(house.ports, call, arn).token}"


def _keep_running(port: int, *, as_json: bool) -> None:
    with _open_demo(port, StagedClock()) as (house, world, listener):
        if as_json:
            print_json({"base_url": house.settings.origin, "account_id": ACCOUNT, **msgspec.to_builtins(world)})
            run(house, [listener])
            return
        permissions = json.dumps({"PolicyTemplateArn": world.template_arn, "Parameters": list(PARAMETERS)})
        click.echo(
            _PASTE.format(
                origin=house.settings.origin,
                domain=DOMAIN,
                account=ACCOUNT,
                world=world,
                partner=world.partner_key,
                owner=world.owner_key,
                administrator=world.administrator_key,
                permissions=permissions,
                owner_link=_invitation(house, "owner"),
                administrator_link=_invitation(house, "administrator"),
            ),
        )
        run(house, [listener])


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="The port to listen on.  [default: 8470; any with --scripted]",
)
@click.option("--scripted", is_flag=True, help="Play the whole story by itself, say what happens, and exit.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: every credential, or the outcome.")
@failing_clearly
def demo(port: int | None, scripted: bool, as_json: bool) -> None:
    """Run a service with a believable account, owner, administrator and partner in it, and print what to paste.

    With --scripted: play request, approval, use, expiry and revocation over a real socket. Exit code 1 if anything
    is not as it must be.
    """
    configure_logs(LogFormat.PRETTY)
    if not scripted:
        _keep_running(8470 if port is None else port, as_json=as_json)
        return
    silence_logs()
    try:
        _play(port or 0, tell=_nothing if as_json else click.echo)
    except StoryBroken as failure:
        click.echo(f"the story broke: {failure}", err=True)
        sys.exit(1)
    if as_json:
        print_json({"ok": True})


def _nothing(_line: str = "") -> None:
    """Tell nobody."""
