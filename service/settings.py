"""One frozen object with every setting, checked whole at start; nothing else reads the environment.

A setting that makes the deployment weaker has `insecure` in its name and is pointed out at every start.
"""

import os
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL

from service.db.engine import is_shared, parse_url
from service.errors import WrongSetting
from workflows.ports import Terms

_PREFIX: Final = "DAYPASS_"
# Names that belong to the test suite and to the story of the demonstration, not to the service.
_FOREIGN: Final = ("DAYPASS_TEST_",)


class LogFormat(StrEnum):
    """How log lines look: for a person, or for a machine."""

    PRETTY = "pretty"
    JSON = "json"


class Settings(BaseSettings):
    """Every setting with its default; the name in the environment is the field's in upper case behind DAYPASS_."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    database_url: str = Field(default="sqlite:///daypass.db", description="where the records live")
    master_key_file: Path | None = Field(
        default=None,
        description="the file with the master keys; by default `daypass.key` beside the database",
    )
    epoch_file: Path | None = Field(
        default=None,
        description="where this machine remembers how far the database had come; by default beside the key file",
    )
    host: str = Field(default="127.0.0.1", description="the address to listen on")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(default=8470, description="the port to listen on")
    base_url: str | None = Field(
        default=None,
        description="the address under which browsers and clients reach the service; by default host and port",
    )
    partition: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")] = Field(
        default="aws",
        description="the partition field of every ARN",
    )
    role_lifetime_days: Annotated[int, Field(ge=1, le=365)] = Field(
        default=365,
        description="how long a role may last that a delegated session makes, from its making",
    )
    exchange_cap: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=100,
        description="how often one exchange token can be traded",
    )
    retention_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=90,
        description="how long an expired request is kept",
    )
    signature_window_minutes: Annotated[int, Field(ge=5, le=15)] = Field(
        default=15,
        description="how far the clock of a signing client may be off, either way",
    )
    scheduler: bool = Field(
        default=True,
        description="whether this process retires what has ended and delivers notifications",
    )
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        default=0,
        description="how long to go on serving, unready, after being asked to stop",
    )
    metrics_host: str = Field(default="127.0.0.1", description="the address of the metrics")
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] | None = Field(
        default=None,
        description="the port of the metrics; without it there are none",
    )
    traces_endpoint: str | None = Field(
        default=None,
        description="where traces are sent, OTLP over HTTP; needs daypass[otel]",
    )
    log_format: LogFormat = Field(default=LogFormat.PRETTY, description="`pretty` or `json`")
    insecure_allow_loopback_receivers: bool = Field(
        default=False,
        description="accept notification receivers on this machine, also without TLS; for development",
    )

    @field_validator("base_url")
    @classmethod
    def _plain_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("is not an address such as https://daypass.example.com")
        if parts.path not in ("", "/") or parts.username is not None:
            raise ValueError("has a path or a user, which it must not have")
        return value.rstrip("/")

    @property
    def url(self) -> URL:
        """The parsed database address; raises `WrongSetting`."""
        return parse_url(self.database_url)

    @property
    def database_name(self) -> str:
        """Where the records live, without a password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def database_file(self) -> Path:
        """The file of the SQLite database."""
        return Path(str(self.url.database))

    @property
    def key_file(self) -> Path:
        """The file of the master keys; a database on a server has no folder that it could be looked for in."""
        if self.master_key_file is None and is_shared(self.url):
            raise WrongSetting("DAYPASS_MASTER_KEY_FILE", "must be set where the database is on a server")
        return self.master_key_file or self.database_file.parent / "daypass.key"

    @property
    def mark_file(self) -> Path:
        """The file that remembers how far the database had come."""
        return self.epoch_file or self.key_file.with_name("daypass.epoch")

    @property
    def origin(self) -> str:
        """The address under which the service is reached, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.base_url or f"http://{host}:{self.port}"

    @property
    def signed_hosts(self) -> frozenset[str]:
        """Every Host that a signature may be made for: the public one, and this machine's own names for itself."""
        own = {f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        return frozenset({urlsplit(self.origin).netloc.lower(), *own})

    @property
    def terms(self) -> Terms:
        """What the domain has to know of the settings."""
        return Terms(
            partition=self.partition,
            base_url=self.origin,
            exchange_cap=self.exchange_cap,
            role_lifetime=timedelta(days=self.role_lifetime_days),
            retention=timedelta(days=self.retention_days),
            replay_memory=timedelta(minutes=2 * self.signature_window_minutes + 1),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator should know before relying on these settings."""
        found = []
        if self.insecure_allow_loopback_receivers:
            found.append("DAYPASS_INSECURE_ALLOW_LOOPBACK_RECEIVERS is on: partners can reach services on this machine")
        if self.origin.startswith("http://") and urlsplit(self.origin).hostname not in (
            "127.0.0.1",
            "localhost",
            "::1",
        ):
            found.append("DAYPASS_BASE_URL is not https: credentials would travel in clear text")
        if not self.scheduler:
            found.append("DAYPASS_SCHEDULER is off: this process retires nothing and delivers nothing")
        return tuple(found)


def example() -> str:
    """Return every setting as a commented line with its default, for a file of the environment."""
    lines = ["# Every setting with its default. Made by: daypass check --example"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else field.default
        text = str(default).lower() if isinstance(default, bool) else str(default)
        lines += ["", f"# {field.description}", f"#{_PREFIX}{name.upper()}={text}"]
    return "\n".join(lines) + "\n"


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment, with overrides from the command line.

    Raises `WrongSetting` naming the first one that is unknown or wrong, what is wrong and what is accepted.
    """
    known = {_PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and not name.startswith(_FOREIGN) and name not in known:
            raise WrongSetting(name, f"is not a setting; known are {', '.join(sorted(known))}")
    chosen = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**chosen)  # type: ignore[arg-type]
    except ValidationError as failure:
        first = failure.errors(include_url=False, include_input=False)[0]
        name = _PREFIX + str(first["loc"][0] if first["loc"] else "").upper()
        raise WrongSetting(name, f"is wrong: {first['msg']}") from None
    _ = settings.url, settings.key_file
    return settings
