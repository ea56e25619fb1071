"""The service as a process of its own: started by its command, stopped politely or killed, and started again."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

import service

# The command imports the very code that the tests import, wherever that lies.
_CODE: Final = str(Path(service.__file__).parents[1])
_COMMAND: Final = (sys.executable, "-c", "from service.cli.main import main; main()")
_PATIENCE: Final = 60


def environment(**settings: str) -> dict[str, str]:
    """Return an environment that holds these settings of the service and nothing else of the machine's."""
    named = {f"DAYPASS_{name.upper()}": value for name, value in settings.items()}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": _CODE, "PYTHONUNBUFFERED": "1", **named}


def run_command(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a `daypass` command in this folder to its end."""
    return subprocess.run(
        [*_COMMAND, *words],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServingProcess:
    """A running `daypass serve`; leaving the block kills it if it still runs."""

    def __init__(self, folder: Path, log: Path, settings: Mapping[str, str]) -> None:
        self._log = log.open("ab")
        port = free_port()
        self.origin = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [*_COMMAND, "serve", "--port", str(port)],
            cwd=folder,
            env=environment(**settings),
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._log.close()

    def ready(self) -> bool:
        """Wait until the service answers; False when the process has ended instead."""
        with httpx.Client(trust_env=False, timeout=_PATIENCE) as client:
            while self._process.poll() is None:
                try:
                    if client.get(f"{self.origin}/health/ready").status_code == httpx.codes.OK:
                        return True
                except httpx.TransportError:
                    # It does not listen yet; give it the processor for a moment and look again.
                    try:
                        self._process.wait(0.02)
                    except subprocess.TimeoutExpired:
                        continue
        return False

    def kill(self) -> None:
        """End it between any two instructions."""
        self._process.kill()
        self._process.wait(_PATIENCE)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, such as to stand still or to go on."""
        self._process.send_signal(number)

    def stop(self) -> int:
        """Ask it to stop; return its exit code once it has."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(_PATIENCE)


@contextmanager
def serving_process(folder: Path, log: Path, **settings: str) -> Iterator[ServingProcess]:
    """Serve from this folder in a process of its own, on a free port, until the block ends."""
    for attempt in range(3):
        with ServingProcess(folder, log, settings) as process:
            if process.ready():
                yield process
                return
        # Another process may have taken the port between the probe and the start.
        if "address already in use" not in log.read_text(errors="replace") or attempt == 2:
            break
    raise AssertionError(f"the service did not start:\n{log.read_text(errors='replace')[-2000:]}")


def http_client(process: ServingProcess, token: str | None = None) -> httpx.Client:
    """Return an HTTP client of this process, with an API token if one is given."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=process.origin, headers=headers, timeout=30, trust_env=False)
