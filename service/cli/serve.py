"""`daypass serve`: the service, under uvicorn."""

import gc
import signal
import socket
import sys
import threading
from types import FrameType
from typing import Final

import click
import structlog
import uvicorn

from service.app import Front, create_app
from service.cli.desk import failing_clearly
from service.db.engine import hold_alone
from service.house import House, open_house
from service.observe.logs import configure_logs
from service.settings import LogFormat, load_settings

# Seconds after which a thread that waits for its turn gets it: the writing thread comes back from the database many
# times for each group, and the loop is never done.
_TURN: Final = 0.0005
_log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """A server that says that it is going, goes on for a while, then ends its streams and what is in flight."""

    def __init__(self, config: uvicorn.Config, app: Front, drain: float) -> None:
        super().__init__(config)
        self._streams, self._standing, self._drain = app.streams, app.standing, drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Be unready first, so that a balancer stops sending; a second signal does not wait for that."""
        if self._standing.draining or not self._drain:
            self._standing.draining = True
            super().handle_exit(sig, frame)
            return
        self._standing.draining = True
        _log.info("serve.drain", seconds=self._drain)
        leaving = threading.Timer(self._drain, super().handle_exit, (sig, frame))
        leaving.daemon = True
        leaving.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close down: streams first, since they would outlast every wait."""
        self._streams.closing = True
        await super().shutdown(sockets)


def server_for(house: House) -> uvicorn.Server:
    """Return a server over an open house: no access log of its own, no forwarded headers believed."""
    app = create_app(house)
    config = uvicorn.Config(
        app,
        host=house.settings.host,
        port=house.settings.port,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        h11_max_incomplete_event_size=16 * 1024,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=20,
        lifespan="on",
    )
    return _Server(config, app, house.settings.drain_seconds)


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def run(house: House, sockets: list[socket.socket] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; return, or exit with code 0, after everything in flight is answered.

    uvicorn raises the signal again once it has shut down; without a handler of ours that would kill the process
    before the house is closed.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    server = server_for(house)
    # What was loaded stays: without this the collector looks through all of it now and then, for a tenth of a second.
    gc.freeze()
    sys.setswitchinterval(_TURN)
    server.run(sockets)


@click.command()
@click.option("--host", help="The address to listen on.  [default: DAYPASS_HOST, else 127.0.0.1]")
@click.option("--port", type=int, help="The port to listen on.  [default: DAYPASS_PORT, else 8470]")
@click.option("--json", "as_json", is_flag=True, help="Write log lines as JSON.")
@failing_clearly
def serve(host: str | None, port: int | None, as_json: bool) -> None:
    """Run the service: the AWS endpoint, the JSON API, access decisions and the periodic work.

    On first start it creates the database and, readable by its owner alone, the master key file.
    """
    settings = load_settings(host=host, port=port, log_format=LogFormat.JSON if as_json else None)
    configure_logs(settings.log_format, for_good=True)
    for warning in settings.warnings:
        _log.warning("settings.warning", warning=warning)
    held = hold_alone(settings.url)
    house = open_house(settings)
    try:
        _log.info("serve.start", address=settings.origin, database=settings.database_name)
        run(house)
    finally:
        house.close()
        held.release()
        _log.info("serve.stop")
