"""The command line, as an operator and a script use it."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import click
import pytest
from click.testing import CliRunner, Result
from staging.approvers import sign_up
from staging.databases import lay_schema
from staging.houses import a_request, house_in, settle_people
from staging.wires import arrived, exchange_token_of

from service.cli.main import main
from service.db.schema import HEAD
from workflows import approval, release, submission
from workflows.authentication import caller_of_token
from workflows.errors import ExpiredExchangeToken, UnknownCredential
from workflows.records.request import State

ACCOUNT: Final = "111122223333"
PARTNER: Final = "444455556666"
TEMPLATE: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::@{bucketName}/*"}],
}
SPEAKS_JSON_ANYHOW: Final = ("policy", "evaluate")
DENY: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}]}


class Shell:
    """Runs commands against a deployment of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "DAYPASS_DATABASE_URL": f"sqlite:///{folder / 'daypass.db'}",
            "DAYPASS_MASTER_KEY_FILE": str(folder / "daypass.key"),
        }

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, list(words), env=self.environment)

    def json(self, *words: str) -> Any:
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def file(self, name: str, document: object) -> str:
        path = self.folder / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return str(path)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def settled(shell: Shell) -> Shell:
    lay_schema(shell.folder / "daypass.db")
    shell.json("account", "create", "--id", ACCOUNT, "--alias", "example-company")
    shell.json("partner", "create", "--id", PARTNER, "--name", "Lumenwatch", "--domain", "lumenwatch.example")
    return shell


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))


@pytest.mark.parametrize("words", [words for words, _ in commands(main)], ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*words, "--help"])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 4


@pytest.mark.parametrize(
    ("words", "command"),
    [(words, command) for words, command in commands(main) if not isinstance(command, click.Group)],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_every_command_takes_json_and_says_what_each_option_is_for(
    words: tuple[str, ...],
    command: click.Command,
) -> None:
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert words == SPEAKS_JSON_ANYHOW or "--json" in {name for option in options for name in option.opts}, words
    assert [option.name for option in options if not option.help] == []


def test_a_partner_is_created_with_everything_its_programs_need(shell: Shell) -> None:
    made = shell.json("partner", "create", "--id", PARTNER, "--name", "Lumenwatch", "--domain", "lumenwatch.example")
    assert made["id"] == PARTNER
    assert made["arn"] == f"arn:aws:iam::{PARTNER}:root"
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", made["access_key_id"])
    assert len(made["secret_access_key"]) == 40
    assert made["api_token"].startswith("dpa1_")


def test_a_user_gets_managed_and_inline_policies_and_an_access_key(settled: Shell) -> None:
    inline = settled.file("readonly.json", {**DENY, "Statement": [{**DENY["Statement"][0], "Effect": "Allow"}]})  # type: ignore[dict-item]
    made = settled.json(
        *("user", "create", "--account", ACCOUNT, "--name", "reader"),
        *("--policy", "DelegationAuditor", "--policy", inline, "--access-key"),
    )
    assert made["arn"] == f"arn:aws:iam::{ACCOUNT}:user/reader"
    assert made["policies"] == ["DelegationAuditor", "readonly"]
    assert made["access_key_id"].startswith("AKIA")
    listed = settled.json("user", "list", "--account", ACCOUNT)["users"]
    assert {one["name"]: one.get("policies", []) for one in listed} == {
        "root": [],
        "reader": ["DelegationAuditor", "readonly"],
    }


def test_templates_boundaries_and_channels_are_registered_under_dated_arns(settled: Shell) -> None:
    template = settled.json(
        *("template", "register", "--partner", PARTNER, "--name", "Read"),
        *("--file", settled.file("template.json", TEMPLATE)),
    )
    prefix = "arn:aws:iam::partner:policy-template/lumenwatch.example/Read_"
    assert re.fullmatch(re.escape(prefix) + r"\d{4}_\d{2}_\d{2}", template["arn"])
    assert template["parameters"] == ["bucketName"]
    boundary = settled.json(
        *("boundary", "register", "--partner", PARTNER, "--name", "Cap_2026_01_02"),
        *("--file", settled.file("boundary.json", DENY)),
    )
    assert boundary["arn"] == "arn:aws:iam::partner:policy/permissions-boundary/lumenwatch.example/Cap_2026_01_02"
    mailbox = settled.json("channel", "register", "--partner", PARTNER, "--name", "box", "--poll")
    assert (mailbox["kind"], "url" in mailbox) == ("poll", False)
    hook = settled.json(
        *("channel", "register", "--partner", PARTNER, "--name", "hook"),
        *("--url", "https://hooks.lumenwatch.example/in"),
    )
    assert hook["signing_secret"].startswith("whsec_")


def test_guardrails_are_put_listed_and_removed(settled: Shell) -> None:
    document = settled.file("no-iam.json", DENY)
    put = settled.json("guardrail", "put", "--account", ACCOUNT, "--name", "no-iam", "--file", document)
    assert put["document"] == DENY
    assert [one["name"] for one in settled.json("guardrail", "list", "--account", ACCOUNT)["guardrails"]] == ["no-iam"]
    assert settled.json("guardrail", "remove", "--account", ACCOUNT, "--name", "no-iam") == {"removed": "no-iam"}
    assert settled.json("guardrail", "list", "--account", ACCOUNT)["guardrails"] == []


def test_a_resource_server_and_an_operator_get_their_tokens(shell: Shell) -> None:
    assert shell.json("resource-server", "create", "--name", "store")["api_token"].startswith("dpa1_")
    assert shell.json("operator", "create", "--name", "console")["api_token"].startswith("dpa1_")


def test_empty_lists_are_empty_objects_for_programs_and_a_sentence_for_people(shell: Shell) -> None:
    assert shell.json("request", "list") == {"requests": []}
    assert shell.json("grant", "list") == {"grants": []}
    assert shell.run("grant", "list").stdout == "no grants\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("account", "create", "--id", "12", "--alias", "example"), "12-digit account id"),
        (("account", "create", "--id", ACCOUNT, "--alias", "second"), "exists already"),
        (("user", "create", "--account", "999988887777", "--name", "x"), "no account `999988887777`"),
        (("user", "create", "--account", ACCOUNT, "--name", "x", "--policy", "Nothing"), "ready-made are"),
        (("user", "create", "--account", ACCOUNT, "--name", "root"), "root principal"),
        (("channel", "register", "--partner", PARTNER, "--name", "x", "--url", "http://127.0.0.1/"), "`url`"),
        (("grant", "revoke", "dg-unknown"), "no grant `dg-unknown`"),
        (("request", "show", "dr-00000000000000000000"), "no delegation request"),
        (("partner", "create", "--id", ACCOUNT, "--name", "Other", "--domain", "other.example"), "exists already"),
        (("partner", "create", "--id", "222233334444", "--name", "LUMENWATCH", "--domain", "x.example"), "looks like"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_what_is_refused_goes_to_standard_error_with_its_cause_and_exit_code_one(
    settled: Shell,
    words: tuple[str, ...],
    said: str,
) -> None:
    result = settled.run(*words, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("daypass: ")
    assert said in result.stderr


def test_a_refused_policy_names_the_place_and_what_is_accepted(settled: Shell) -> None:
    broken = settled.file("broken.json", {"Version": "2012-10-17", "Statement": [{"Effect": "allow"}]})
    result = settled.run("guardrail", "put", "--account", ACCOUNT, "--name", "x", "--file", broken)
    assert result.exit_code == 1
    assert "$.Statement[0]" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("nothing",),
        ("account", "create"),
        ("channel", "register", "--partner", PARTNER, "--name", "x"),
        ("channel", "register", "--partner", PARTNER, "--name", "x", "--poll", "--url", "https://a.example/"),
        ("template", "register", "--partner", PARTNER, "--name", "x", "--file", "missing.json"),
        ("user", "create", "--account", ACCOUNT, "--name", "x", "--policy", "missing.json"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_two(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell.run(*words).exit_code == 2


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DAYPASS_DATABASE_URL", "mysql://somewhere/daypass", "DAYPASS_DATABASE_URL"),
        ("DAYPASS_DATABASE_URL", "sqlite://", "names no file"),
        ("DAYPASS_PORT", "many", "DAYPASS_PORT"),
        ("DAYPASS_PROT", "8470", "is not a setting"),
        ("DAYPASS_BASE_URL", "ftp://daypass.example", "DAYPASS_BASE_URL"),
    ],
)
def test_a_wrong_setting_is_named_and_is_exit_code_three(shell: Shell, name: str, value: str, said: str) -> None:
    shell.environment[name] = value
    result = shell.run("account", "list")
    assert result.exit_code == 3
    assert said in result.stderr


@pytest.mark.parametrize("words", [("account", "list"), ("migrate",), ("audit", "verify")], ids=" ".join)
def test_a_file_that_is_no_database_is_named_and_is_exit_code_three(shell: Shell, words: tuple[str, ...]) -> None:
    (shell.folder / "daypass.db").write_text("this is no database, only a text that is long enough to be looked at")
    result = shell.run(*words)
    assert result.exit_code == 3
    assert "daypass.db cannot be opened as a database" in result.stderr
    assert "cannot be opened as a database" in shell.run("check").stdout


def test_requests_and_grants_are_looked_at_and_a_grant_is_ended_from_the_command_line_alone(shell: Shell) -> None:
    house = house_in(shell.folder)
    people = settle_people(house.ports)
    request = arrived(house.ports, people, State.FINALIZED, "wf-00001")
    token = exchange_token_of(house.ports, request.id)
    house.close()
    (listed,) = shell.json("request", "list")["requests"]
    shown = shell.json("request", "show", request.id)
    assert listed["id"] == shown["id"] == request.id
    assert (shown["state"], shown["digest"]) == ("FINALIZED", request.digest)
    assert "Lumenwatch" in shell.run("request", "show", request.id, "--summary").stdout
    (grant,) = shell.json("grant", "list", "--account", ACCOUNT)["grants"]
    assert shell.json("grant", "show", grant["id"]) == grant
    assert (grant["state"], grant["end_reason"]) == ("LIVE", None)
    ended = shell.json("grant", "revoke", grant["id"])
    assert (ended["state"], ended["end_reason"]) == ("REVOKED", "revoked")
    house = house_in(shell.folder)
    with pytest.raises(ExpiredExchangeToken):
        release.exchange(house.ports, people.call("partner"), token)
    house.close()


def test_a_token_works_until_it_is_revoked_by_its_id(settled: Shell) -> None:
    settled.json("user", "create", "--account", ACCOUNT, "--name", "owner")
    made = settled.json("token", "create", "--principal", f"arn:aws:iam::{ACCOUNT}:user/owner", "--days", "7")
    assert made["api_token"].startswith("dpa1_")

    def accepted() -> bool:
        house = house_in(settled.folder)
        try:
            house.ports.store.read(lambda tx: caller_of_token(tx, house.ports, made["api_token"]))
        except UnknownCredential:
            return False
        finally:
            house.close()
        return True

    assert accepted()
    assert settled.json("token", "revoke", "--id", made["id"]) == {"removed": made["id"]}
    assert not accepted()


def test_check_prints_every_setting_and_finds_nothing_wrong_with_a_fresh_folder(shell: Shell) -> None:
    found = shell.json("check")
    assert (found["ok"], found["problems"]) == (True, [])
    assert found["settings"]["DAYPASS_PORT"] == "8470"
    assert list(shell.folder.iterdir()) == []


def test_check_says_that_the_key_is_missing_or_open_to_others(settled: Shell) -> None:
    key = settled.folder / "daypass.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    assert "chmod 600" in settled.run("check").stdout
    key.unlink()
    result = settled.run("check")
    assert result.exit_code == 1
    assert "no master key file" in result.stdout


def test_migrate_brings_a_fresh_database_to_this_release_and_then_has_nothing_to_do(shell: Shell) -> None:
    assert shell.json("migrate") == {"before": None, "after": HEAD}
    assert shell.json("migrate") == {"before": HEAD, "after": HEAD}


def test_the_trail_of_everything_done_verifies_and_exports_as_one_event_a_line(settled: Shell) -> None:
    verdict = settled.json("audit", "verify")
    assert (verdict["ok"], verdict["faults"]) == (True, [])
    lines = settled.run("audit", "export").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert len(events) == verdict["entries"]
    assert {event["eventName"] for event in events} == {
        "CreateAccount",
        "CreatePartner",
        "CreateAccessKey",
        "CreateApiToken",
    }
    only = settled.run("audit", "export", "--account", ACCOUNT).stdout.splitlines()
    assert [json.loads(line)["recipientAccountId"] for line in only] == [ACCOUNT]


def test_the_demonstration_plays_the_whole_story_and_ends_with_two_refusals() -> None:
    played = subprocess.run(
        [sys.executable, "-m", "service.cli", "demo", "--scripted"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (played.returncode, played.stderr) == (0, "")
    expired, revoked = played.stdout.splitlines()[-2:]
    assert expired.startswith("after expiry:")
    assert revoked.startswith("after revocation:")
    assert all("refused: GetCallerIdentity -> ExpiredToken" in line for line in (expired, revoked))


# Another one than is there, whichever that is.
ANOTHER_BYTE = (
    "substr(signature, 1, 20) || iif(substr(signature, 21, 1) = x'00', x'01', x'00') || substr(signature, 22)"
)


@pytest.mark.parametrize(
    "forgery",
    [
        f"UPDATE evidence SET signature = CAST({ANOTHER_BYTE} AS BLOB)",  # noqa: S608  a constant
        "UPDATE evidence SET client_data = CAST(substr(client_data, 1, 9) || x'20' || substr(client_data, 11) AS BLOB)",
        "UPDATE requests SET permission_policy = replace(permission_policy, 'logs', 'logz')",
        "UPDATE requests SET session_duration = session_duration + 1",
        "DELETE FROM evidence",
    ],
)
def test_a_request_that_was_signed_verifies_until_one_byte_of_it_is_changed(shell: Shell, forgery: str) -> None:
    house = house_in(shell.folder, base_url="http://localhost:8470")
    people = settle_people(house.ports)
    approver = sign_up(house.ports, people.approver)
    request = submission.create(house.ports, people.call("partner"), a_request(people))
    submission.associate(house.ports, people.call("owner"), request.id)
    approval.accept(house.ports, approver.call, request.id, digest=request.digest, proof=approver.proof(request))
    house.close()
    verdict = shell.json("request", "verify", request.id)
    assert (len(verdict["evidence"]), verdict["faults"]) == (1, [])
    assert "1 passkey signatures" in shell.run("request", "verify", request.id).output
    with closing(sqlite3.connect(shell.folder / "daypass.db")) as connection:
        assert connection.execute(forgery).rowcount == 1
        connection.commit()
    result = shell.run("request", "verify", request.id)
    assert result.exit_code == 1
    assert "WRONG" in result.stderr


def test_everything_of_a_partner_is_ended_and_the_report_is_verified_without_the_database(
    settled: Shell, tmp_path: Path
) -> None:
    signed = settled.json("partner", "revoke", PARTNER)
    assert signed["report"]["complete"] is True
    key = settled.json("partner", "report-key")["public_key"]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(signed), encoding="utf-8")
    assert settled.json("partner", "verify", str(path), "--key", key) == signed["report"]
    path.write_text(json.dumps(signed).replace('"complete": true', '"complete": false'), encoding="utf-8")
    assert settled.run("partner", "verify", str(path), "--key", key).exit_code == 1
    assert settled.json("partner", "report", PARTNER)["report"]["rolesLeft"] == []
    assert settled.json("partner", "delete", PARTNER) == {"removed": PARTNER}
    assert settled.json("account", "delete", ACCOUNT) == {"removed": ACCOUNT}
