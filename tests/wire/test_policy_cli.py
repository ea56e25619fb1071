"""`daypass policy evaluate` and `daypass policy explain`, as scripts and people use them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result
from staging.houses import a_request, house_in, settle_people

from service.cli.main import main
from workflows import approval, delivery, notifications, release, submission

_ALLOW: Final = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
_CASE: Final[dict[str, Any]] = {
    "id": 1,
    "principal": "arn:aws:iam::111122223333:user/ann",
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::bucket/key",
    "identity_policies": [_ALLOW],
}


def _run(*words: str, stdin: bytes | str | None = None, folder: Path | None = None) -> Result:
    environment = {}
    if folder:
        environment = {
            "DAYPASS_DATABASE_URL": f"sqlite:///{folder / 'daypass.db'}",
            "DAYPASS_MASTER_KEY_FILE": str(folder / "daypass.key"),
        }
    return CliRunner().invoke(main, ["policy", *words], input=stdin, env=environment)


def _lines(*cases: object) -> bytes:
    return b"".join(json.dumps(case).encode() + b"\n" for case in cases)


def test_each_line_is_answered_in_its_order_and_a_bad_one_does_not_stop_the_rest() -> None:
    source = _lines(_CASE, {**_CASE, "id": 2, "action": 5}) + b"\n\xff\xfe\nnothing\n" + _lines({**_CASE, "id": 3})
    result = _run("evaluate", "--cases", "-", stdin=source)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [answer["id"] for answer in answers] == [1, 2, None, None, 3]
    assert ["decision" in answer for answer in answers] == [True, False, False, False, True]
    assert "UTF-8" in answers[2]["error"]
    assert "5 cases answered, 3 of them with an error" in result.stderr


def test_a_file_of_cases_is_read_as_standard_input_is(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(_lines(_CASE, {**_CASE, "id": "b"}).rstrip())
    result = _run("evaluate", "--cases", str(path))
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [1, "b"]
    assert result.stderr == ""


def test_an_answer_is_there_as_soon_as_its_question_is() -> None:
    command = [sys.executable, "-m", "service.cli", "policy", "evaluate", "--cases", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        for number in range(3):
            run.stdin.write(_lines({**_CASE, "id": number}))
            run.stdin.flush()
            assert json.loads(run.stdout.readline())["id"] == number
        run.stdin.close()
        assert run.wait() == 0


def test_evaluating_and_explaining_a_case_open_no_deployment(tmp_path: Path) -> None:
    _run("evaluate", "--cases", "-", stdin=_lines(_CASE), folder=tmp_path)
    _run("explain", "--case", "-", stdin=_lines(_CASE), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_case_is_explained_in_sentences_or_as_data() -> None:
    case = _lines({**_CASE, "scps": [[]]})
    told = _run("explain", "--case", "-", stdin=case)
    assert told.exit_code == 0
    assert told.stdout.splitlines()[:2] == [
        "Refused: user arn:aws:iam::111122223333:user/ann asks for s3:GetObject on arn:aws:s3:::bucket/key.",
        "No guardrail allows it.",
    ]
    data = json.loads(_run("explain", "--case", "-", "--json", stdin=case).stdout)
    assert (data["decision"], data["detail"]["missing"][0]["layer"]) == ("ImplicitlyDenied", "scps[0]")


def test_what_a_partner_wrote_cannot_move_the_cursor() -> None:
    statement = {**_ALLOW["Statement"], "Principal": "*", "Sid": "\u009b31m\u200d"}  # type: ignore[dict-item]
    case = {**_CASE, "resource_policy": {"Statement": statement}}
    told = _run("explain", "--case", "-", stdin=_lines(case))
    assert "\u009b" not in told.stdout


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "exactly one of"),
        (("--principal", "x", "--session", "y"), "exactly one of"),
        (("--principal", "x"), "--action is required"),
        (("--principal", "x", "--action", "s3:x", "--context", "novalue"), "prefix:name=value"),
        (("--principal", "x", "--action", "s3:x", "--context", "nocolon=1"), "prefix:name=value"),
    ],
)
def test_a_question_that_is_not_one_is_a_usage_error(words: tuple[str, ...], problem: str, tmp_path: Path) -> None:
    result = _run("explain", *words, folder=tmp_path)
    assert (result.exit_code, problem in result.stderr) == (2, True)


def test_a_bad_case_is_refused_by_name() -> None:
    result = _run("explain", "--case", "-", stdin=_lines({**_CASE, "principal": 5}))
    assert (result.exit_code, "`principal` is no caller" in result.stderr) == (1, True)


def test_the_live_policies_of_a_principal_and_of_a_session_are_explained(tmp_path: Path) -> None:
    house = house_in(tmp_path)
    try:
        ports, people = house.ports, settle_people(house.ports)
        request = submission.create(ports, people.call("partner"), a_request(people))
        submission.associate(ports, people.call("owner"), request.id)
        approval.accept(ports, people.call("approver"), request.id, digest=request.digest)
        release.send(ports, people.call("approver"), request.id)
        mailbox = delivery.mailbox(ports, people.call("partner"), limit=9)
        messages = [notifications.body_of(ports, one) for one in mailbox]
        token = next(str(one["ExchangeToken"]) for one in messages if "ExchangeToken" in one)
        session = release.exchange(ports, people.call("partner"), token)
    finally:
        house.close()
    root = _run("explain", "--principal", people.root.arn, "--action", "s3:GetObject", folder=tmp_path)
    assert root.stdout.startswith(f"Allowed: root {people.root.arn} asks for s3:GetObject on *.")
    words = ("--session", session.access_key_id, "--action", "iam:CreateUser", "--context", "aws:SourceIp=192.0.2.1")
    refused = _run("explain", *words, folder=tmp_path)
    assert "under a delegation" in refused.stdout
    assert "statement NeverLent" in refused.stdout
    stated = _run("explain", *words[:4], "--context", "aws:PrincipalArn=x", folder=tmp_path)
    assert (stated.exit_code, "leave it out" in stated.stderr) == (1, True)
    unknown = _run("explain", "--session", "ASIAUNKNOWN", "--action", "s3:GetObject", folder=tmp_path)
    assert unknown.exit_code == 1


@pytest.mark.parametrize(
    ("within", "code", "told"),
    [
        ("s3:*", 0, "PROVEN"),
        ("s3:GetObject", 0, "PROVEN"),
        ("s3:PutObject", 1, "statement Read: s3:GetObject on arn:aws:s3:::logs/0dd0 is allowed by nothing"),
    ],
)
def test_two_documents_are_compared_with_a_request_for_what_goes_too_far(
    tmp_path: Path, within: str, code: int, told: str
) -> None:
    def written(name: str, **statement: str) -> str:
        document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}}
        (tmp_path / name).write_text(json.dumps(document), encoding="utf-8")
        return str(tmp_path / name)

    asked = written("asked.json", Sid="Read", Action="s3:GetObject", Resource="arn:aws:s3:::logs/*")
    boundary = written("boundary.json", Action=within, Resource="*")
    result = CliRunner().invoke(main, ["policy", "compare", asked, boundary])
    assert (result.exit_code, told in result.output) == (code, True), result.output
    answer = json.loads(CliRunner().invoke(main, ["policy", "compare", asked, boundary, "--json"]).stdout)
    assert (answer["verdict"] == "PROVEN") is (code == 0)


def _compared(folder: Path, asked: object, within: object, *words: str) -> Result:
    paths = []
    for name, document in (("asked.json", asked), ("within.json", within)):
        (folder / name).write_text(document if isinstance(document, str) else json.dumps(document, indent=1))
        paths.append(str(folder / name))
    return CliRunner().invoke(main, ["policy", "compare", *paths, *words])


def test_the_request_that_goes_too_far_is_one_that_people_know(tmp_path: Path) -> None:
    reads = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
    within = {**_ALLOW, "Statement": reads}
    told = _compared(tmp_path, _ALLOW, within)
    (shown,) = json.loads(_compared(tmp_path, _ALLOW, within, "--json").stdout)["counterexamples"]
    assert shown["action"] == "s3:AbortMultipartUpload"
    assert "statement 0: s3:AbortMultipartUpload on * is allowed by nothing" in told.stdout


def test_code_hosts_are_told_which_statement_goes_too_far(tmp_path: Path) -> None:
    more = {**_ALLOW, "Statement": [_ALLOW["Statement"], {"Effect": "Allow", "Action": "sqs:Send*", "Resource": "*"}]}
    result = _compared(tmp_path, more, _ALLOW, "--sarif")
    (found,) = json.loads(result.stdout)["runs"][0]["results"]
    region = found["locations"][0]["physicalLocation"]["region"]
    assert (result.exit_code, found["ruleId"], region["startLine"], region["endLine"]) == (1, "NEW_ACCESS", 9, 13)
    assert found["message"]["text"] == "sqs:SendMessage on * is allowed by nothing"
    kept = _compared(tmp_path, _ALLOW, more, "--sarif")
    assert (kept.exit_code, json.loads(kept.stdout)["runs"][0]["results"]) == (0, [])
    assert _compared(tmp_path, _ALLOW, more, "--sarif", "--json").exit_code == 2


@pytest.mark.parametrize("broken", ["", "[", "null", "x" * 200_000])
def test_what_is_no_policy_is_named_and_is_no_verdict(tmp_path: Path, broken: str) -> None:
    result = _compared(tmp_path, _ALLOW, broken)
    assert (result.exit_code, "within.json is no policy" in result.stderr) == (2, True)
