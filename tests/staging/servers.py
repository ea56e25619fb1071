"""A real server on a real socket in a thread of the test, and real clients for it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from staging.houses import house_in

from service.app import Front
from service.cli.serve import server_for
from service.house import House
from service.ledger import Ledger
from service.observe.logs import configure_logs
from service.settings import LogFormat
from workflows.credentialing import NewKey
from workflows.ports import Clock


class LiveServer:
    """A running service: its address, its house, and clients that speak to it."""

    def __init__(self, origin: str, house: House, ledger: Ledger) -> None:
        self.origin, self.house, self._ledger = origin, house, ledger
        self._open: list[Any] = []

    def settle(self) -> None:
        """Have what was counted in memory stored, as the service does by itself every few seconds."""
        self._ledger.flush()

    def close_clients(self) -> None:
        """Close every client that was handed out."""
        for client in self._open:
            client.close()

    @property
    def ports(self) -> Any:
        """The ports behind the service."""
        return self.house.ports

    def boto(self, service: str, key: NewKey, token: str | None = None, **more: Any) -> Any:
        """An unmodified boto3 client, without retries so that every answer is seen."""
        client = boto3.client(
            service,
            endpoint_url=self.origin,
            region_name=more.pop("region", "us-east-1"),
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, **more),
        )
        self._open.append(client)
        return client

    def http(self, token: str | None = None) -> httpx.Client:
        """An HTTP client, with an API token if one is given."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=self.origin, headers=headers, timeout=30, trust_env=False)
        self._open.append(client)
        return client


@contextmanager
def serving(
    folder: Path,
    clock: Clock | None = None,
    *,
    name: str = "127.0.0.1",
    **settings: Any,
) -> Iterator[LiveServer]:
    """Serve the house in this folder on a free port until the block ends; browsers need `localhost` for its name."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        port = listener.getsockname()[1]
        house = house_in(folder, clock, port=port, base_url=f"http://{name}:{port}", **settings)
        configure_logs(LogFormat.JSON)
        server = server_for(house)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        app = server.config.app
        assert isinstance(app, Front)
        live = LiveServer(house.settings.origin, house, app.ledger)
        try:
            live.http().get("/health/live").raise_for_status()
            yield live
        finally:
            live.close_clients()
            server.should_exit = True
            thread.join()
            house.close()
