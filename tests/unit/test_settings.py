"""Settings are checked whole at start: what is unknown or wrong is named, what is weaker is pointed out."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.errors import StartError, WrongSetting
from service.settings import LogFormat, Settings, load_settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting but the ones of the test."""
    for name in list(os.environ):
        if name.startswith("DAYPASS_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_the_service_listens_to_this_machine_alone_and_keeps_a_file_here() -> None:
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8470)
    assert settings.origin == "http://127.0.0.1:8470"
    assert settings.database_file == Path("daypass.db")
    assert settings.key_file == Path("daypass.key")
    assert settings.warnings == ()


@pytest.mark.parametrize(
    "name",
    ["DAYPASS_DATABSE_URL", "DAYPASS_", "DAYPASS_INSECURE", "DAYPASS_PORTS", "DAYPASS_MASTER_KEY"],
)
def test_an_unknown_variable_is_named_and_the_known_ones_listed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(WrongSetting) as refusal:
        load_settings()
    assert refusal.value.name == name
    assert "DAYPASS_DATABASE_URL" in str(refusal.value)
    assert isinstance(refusal.value, StartError)


def test_a_variable_of_another_program_or_of_a_test_run_is_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYPASS_TEST_SEED", "1")
    monkeypatch.setenv("OTHERPASS_PORT", "no number")
    assert load_settings().port == 8470


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "http"),
        ("EXCHANGE_CAP", "0"),
        ("EXCHANGE_CAP", "10001"),
        ("RETENTION_DAYS", "0"),
        ("SIGNATURE_WINDOW_MINUTES", "16"),
        ("SIGNATURE_WINDOW_MINUTES", "4"),
        ("SCHEDULER", "perhaps"),
        ("LOG_FORMAT", "xml"),
        ("PARTITION", "AWS!"),
        ("BASE_URL", "daypass.example.com"),
        ("BASE_URL", "ftp://daypass.example.com"),
        ("BASE_URL", "https://daypass.example.com/path"),
        ("BASE_URL", "https://user@daypass.example.com"),
        ("BASE_URL", "https://daypass.example.com?x=1"),
        ("DATABASE_URL", "mysql://db/daypass"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///daypass.db?mode=ro"),
        ("DATABASE_URL", "no address"),
        ("INSECURE_ALLOW_LOOPBACK_RECEIVERS", "maybe"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"DAYPASS_{name}", value)
    with pytest.raises(WrongSetting) as refusal:
        load_settings()
    assert refusal.value.name == f"DAYPASS_{name}"


def test_a_password_in_a_wrong_database_address_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYPASS_DATABASE_URL", "mysql://daypass:hunter2@db/daypass")
    with pytest.raises(WrongSetting) as refusal:
        load_settings()
    assert "hunter2" not in str(refusal.value)


def test_the_command_line_wins_over_the_environment_and_an_empty_variable_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAYPASS_PORT", "1234")
    monkeypatch.setenv("DAYPASS_BASE_URL", "")
    assert load_settings(port=4321, host=None).port == 4321
    assert load_settings().origin == "http://127.0.0.1:1234"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"insecure_allow_loopback_receivers": True}, "DAYPASS_INSECURE_ALLOW_LOOPBACK_RECEIVERS"),
        ({"base_url": "http://daypass.example.com"}, "DAYPASS_BASE_URL"),
        ({"host": "0.0.0.0"}, "DAYPASS_BASE_URL"),  # noqa: S104  the warning is what is tested
        ({"scheduler": False}, "DAYPASS_SCHEDULER"),
    ],
)
def test_a_setting_that_makes_the_deployment_weaker_is_pointed_out(settings: dict[str, Any], named: str) -> None:
    (warning,) = Settings(**settings).warnings
    assert named in warning


@pytest.mark.parametrize("base_url", ["https://daypass.example.com", "http://localhost:8470", "http://[::1]:8470"])
def test_a_sound_address_is_not_warned_about(base_url: str) -> None:
    assert Settings(base_url=base_url).warnings == ()


def test_every_weakening_switch_has_insecure_in_its_name_and_is_off() -> None:
    switches = {name: field.default for name, field in Settings.model_fields.items() if "allow" in name}
    assert all(name.startswith("insecure_") for name in switches)
    assert not any(switches.values())


def test_settings_cannot_be_changed_once_they_are_made() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.port = 1


def test_the_domain_is_told_what_it_has_to_know() -> None:
    terms = Settings(
        base_url="https://daypass.example.com/",
        partition="aws-cn",
        exchange_cap=7,
        retention_days=3,
        signature_window_minutes=5,
        log_format=LogFormat.JSON,
    ).terms
    assert (terms.base_url, terms.partition) == ("https://daypass.example.com", "aws-cn")
    assert (terms.exchange_cap, terms.retention) == (7, timedelta(days=3))
    assert terms.replay_memory >= timedelta(minutes=10), "a signature is remembered for as long as it is accepted"


def test_signatures_are_accepted_for_the_public_name_and_this_machines_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYPASS_BASE_URL", "https://Daypass.Example.com")
    hosts = load_settings().signed_hosts
    assert "daypass.example.com" in hosts
    assert {"127.0.0.1:8470", "localhost:8470", "[::1]:8470"} <= hosts
    assert "evil.example.com" not in hosts
