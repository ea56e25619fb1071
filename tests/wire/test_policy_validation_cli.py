"""`daypass policy validate` as people, scripts and pipelines use it."""

import json
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from service.cli.main import main

_STATEMENT: Final = '{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"}'
_FINE: Final = f'{{"Version": "2012-10-17", "Statement": {_STATEMENT}}}'
_DOUBTFUL: Final = f'{{"Statement": {_STATEMENT}}}'
_WRONG: Final = _FINE.replace('"Allow"', '\n "allow\\u0080"')
_OPEN: Final = _FINE.replace("s3:GetObject", "iam:PassRole").replace("arn:aws:s3:::logs/*", "*")


def _run(folder: Path, texts: dict[str, str], *options: str) -> Result:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    paths = [str(folder / name) for name in texts]
    return CliRunner().invoke(main, ["policy", "validate", *paths, *options])


def test_people_get_a_line_for_each_finding_and_its_place(tmp_path: Path) -> None:
    result = _run(tmp_path, {"fine.json": _FINE, "wrong.json": _WRONG})
    told = '"allow\\u0080" is not an effect. Write "Allow" or "Deny"; case matters.'
    assert result.output == f"{tmp_path / 'wrong.json'}:2:2: ERROR INVALID_EFFECT {told}\n"
    assert result.exit_code == 1


@pytest.mark.parametrize(("text", "code"), [(_FINE, 0), (_DOUBTFUL, 0), (_OPEN, 1), (_WRONG, 1), ("{", 1)])
def test_the_exit_code_tells_an_error_or_security_warning_from_less(tmp_path: Path, text: str, code: int) -> None:
    assert _run(tmp_path, {"policy.json": text}).exit_code == code


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\xff")
    assert CliRunner().invoke(main, ["policy", "validate", str(tmp_path / "bytes.json")]).exit_code == 2
    assert CliRunner().invoke(main, ["policy", "validate", str(tmp_path / "none.json")]).exit_code == 2
    assert _run(tmp_path, {"fine.json": _FINE}, "--json", "--sarif").exit_code == 2


def test_programs_get_one_object_with_places_and_the_catalogue(tmp_path: Path) -> None:
    result = _run(tmp_path, {"wrong.json": _WRONG, "fine.json": _FINE}, "--json")
    answer = json.loads(result.output)
    wrong, fine = answer["files"]
    (finding,) = wrong["findings"]
    assert (finding["code"], finding["type"]) == ("INVALID_EFFECT", "ERROR")
    assert (finding["line"], finding["column"], finding["end_line"], finding["end_column"]) == (2, 2, 2, 15)
    assert (fine["findings"], fine["is_complete"]) == ([], True)
    assert answer["catalogue"]


def test_code_hosts_get_an_annotation_at_the_line(tmp_path: Path) -> None:
    result = _run(tmp_path, {"wrong.json": _WRONG, "doubtful.json": _DOUBTFUL}, "--sarif")
    (run,) = json.loads(result.output)["runs"]
    effect, version = run["results"]
    region = {"startLine": 2, "startColumn": 2, "endLine": 2, "endColumn": 15}
    assert effect["locations"][0]["physicalLocation"]["region"] == region
    assert (effect["ruleId"], effect["level"], version["level"]) == ("INVALID_EFFECT", "error", "warning")
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["INVALID_EFFECT", "MISSING_VERSION"]
    assert all(rule["helpUri"].startswith("https://docs.aws.amazon.com/") for rule in rules)


def test_the_kind_the_resource_and_the_language_can_be_chosen(tmp_path: Path) -> None:
    trust = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}}'
    result = _run(tmp_path, {"trust.json": trust}, "--kind", "trust", "--locale", "de")
    assert "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL Eine Vertrauensrichtlinie kann nicht" in result.output
    bucket = _FINE.replace('"Effect"', '"Principal": "*", "Effect"').replace(
        "s3:::logs/*", "sns:eu-west-1:111122223333:a"
    )
    result = _run(tmp_path, {"b.json": bucket}, "--kind", "resource", "--resource-type", "AWS::S3::Bucket")
    assert "UNSUPPORTED_RESOURCE_ARN_IN_POLICY" in result.output
