"""Things that are written down twice agree with one another."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

import botocore.loaders
import pytest
from botocore import xform_name

from service.aws.gateway import HANDLERS
from service.db.mapping import table_of
from service.db.tables import TABLE_OF
from service.failures import FACES, face_of
from service.settings import Settings
from workflows import errors
from workflows.errors import DomainError

ROOT: Final = Path(__file__).parents[2]
# Codes that every AWS operation can answer without its model saying so (IAM user guide, common errors).
UNMODELLED: Final = {
    "ValidationError": 400,
    "AccessDenied": 403,
    "InvalidClientTokenId": 403,
    "SignatureDoesNotMatch": 403,
    "ExpiredToken": 403,
    "MissingAuthenticationToken": 403,
    "IncompleteSignature": 400,
    "RequestExpired": 400,
    "Throttling": 400,
    "ServiceUnavailable": 503,
}


def all_errors() -> list[type[DomainError]]:
    found: list[type[DomainError]] = []
    queue: list[type[DomainError]] = [DomainError]
    while queue:
        kind = queue.pop()
        found.append(kind)
        queue.extend(kind.__subclasses__())
    return [kind for kind in found if kind.__module__ == errors.__name__]


def modelled_codes() -> dict[str, int]:
    codes: dict[str, int] = {}
    for service in ("iam", "sts", "accessanalyzer"):
        model: dict[str, Any] = botocore.loaders.Loader().load_service_model(service, "service-2")
        for name, shape in model["shapes"].items():
            if error := shape.get("error"):
                codes[error.get("code", name)] = error["httpStatusCode"]
    return codes


@pytest.mark.parametrize("record", TABLE_OF, ids=lambda record: record.__name__)
def test_a_record_and_its_table_have_the_same_fields(record: type[Any]) -> None:
    assert [field.name for field in fields(record)] == [column.name for column in table_of(record).columns]


@pytest.mark.parametrize("record", TABLE_OF, ids=lambda record: record.__name__)
def test_a_field_may_be_absent_in_the_record_exactly_when_it_may_be_null_in_the_table(record: type[Any]) -> None:
    hints = get_type_hints(record)
    optional = {name for name, hint in hints.items() if type(None) in get_args(hint)}
    assert optional == {column.name for column in table_of(record).columns if column.nullable}


def test_every_domain_error_has_a_face() -> None:
    assert set(FACES) == set(all_errors())


@pytest.mark.parametrize("kind", sorted(FACES, key=str), ids=str)
def test_an_error_travels_with_the_code_and_status_that_the_aws_model_gives_it(kind: type[DomainError]) -> None:
    face = FACES[kind]
    assert face.aws_status == {**UNMODELLED, **modelled_codes()}[face.aws_code]


def test_an_unknown_failure_looks_like_a_failure_of_the_service() -> None:
    assert face_of(RuntimeError("a secret")).status == 500


def test_every_aws_operation_we_answer_is_named_in_a_wire_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "wire").glob("*.py"))
    assert [name for name in HANDLERS if name not in tests and xform_name(name) not in tests] == []


def test_the_compatibility_table_lists_every_operation_with_a_test_that_exists() -> None:
    text = (ROOT / "service" / "aws" / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| `(test_\w+)` \|$", text, re.MULTILINE))
    assert set(rows) == set(HANDLERS)
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "wire").glob("*.py"))
    assert [name for name in rows.values() if f"def {name}(" not in tests] == []


def test_the_configuration_table_lists_every_setting() -> None:
    table = (ROOT / "service" / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(DAYPASS_[A-Z_]+)`", table))
    assert listed == {f"DAYPASS_{name.upper()}" for name in Settings.model_fields}
