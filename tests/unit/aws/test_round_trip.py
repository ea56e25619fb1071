"""Our codec against botocore's: what its serializer writes we read, what we write its parser reads."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from botocore.awsrequest import AWSRequest
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from service.aws.form import parse_form
from service.aws.model import Operation, description, operation
from service.aws.query import read_input
from service.aws.shapes import ListOf, Scalar, Shape, Structure
from service.aws.xml import render_result

IAM, STS = "2010-05-08", "2011-06-15"
ACTIONS = [
    ("CreateDelegationRequest", IAM),
    ("AssociateDelegationRequest", IAM),
    ("GetDelegationRequest", IAM),
    ("UpdateDelegationRequest", IAM),
    ("AcceptDelegationRequest", IAM),
    ("RejectDelegationRequest", IAM),
    ("SendDelegationToken", IAM),
    ("ListDelegationRequests", IAM),
    ("GetHumanReadableSummary", IAM),
    ("RevokeDelegation", IAM),
    ("GetDelegatedAccessToken", STS),
    ("GetCallerIdentity", STS),
]
MODELS = {version: ServiceModel(dict(description(name)), name) for version, name in ((IAM, "iam"), (STS, "sts"))}
FORM = b"application/x-www-form-urlencoded; charset=utf-8"

# Characters with a meaning in forms, in XML or in neither, one from every range of the patterns.
SAMPLE = (
    "\t\n\r !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"
    "\x85\xa0\xa1\xad\xe9\xff\u0100\ud7ff\ue000\ufffd\U00010000\U0010ffff"
)


def texts(shape: Scalar) -> st.SearchStrategy[str]:
    if shape.enum:
        return st.sampled_from(shape.enum)
    if shape.pattern_text == r"\d{12}":
        return st.text("0123456789", min_size=12, max_size=12)
    if shape.pattern_text.startswith("^http"):
        return st.sampled_from(["https://p.example/cb?x=1&y=2#top", "http://p.example"])
    alphabet = [char for char in SAMPLE if shape.pattern is None or shape.pattern.fullmatch(char)]
    least = shape.minimum or (0 if shape.pattern is None or shape.pattern.fullmatch("") else 1)
    return st.text(alphabet, min_size=least, max_size=min(shape.maximum or least + 20, least + 20))


def values(shape: Shape, *, sent: bool) -> st.SearchStrategy[object]:
    """Values of a shape; in a form (`sent`) an empty structure leaves no trace, so none is drawn."""
    match shape:
        case Structure():
            given = {name: values(member, sent=sent) for name, member in shape.members.items()}
            required = {name: given.pop(name) for name in shape.required}
            drawn = st.fixed_dictionaries(required, optional=given)
            return drawn.filter(bool) if sent and shape.members else drawn
        case ListOf():
            return st.lists(values(shape.member, sent=sent), max_size=3)
        case Scalar(kind="string"):
            return texts(shape)
        case Scalar(kind="boolean"):
            return st.booleans()
        case Scalar(kind="timestamp"):
            return st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the strategy wants naive bounds
        case Scalar():
            return st.integers(shape.minimum, shape.maximum if shape.maximum is not None else 10**17)
    raise AssertionError(shape)


def botocore_model(of: Operation) -> OperationModel:
    return MODELS[of.version].operation_model(of.name)


def whole_seconds(value: object) -> object:
    match value:
        case dict():
            return {name: whole_seconds(item) for name, item in value.items()}
        case list():
            return [whole_seconds(item) for item in value]
        case datetime():
            return value.replace(microsecond=0)
    return value


def parsed(of: Operation, body: bytes) -> dict[str, object]:
    answer = {"body": body, "headers": {}, "status_code": 200}
    result: dict[str, object] = create_parser("query").parse(answer, botocore_model(of).output_shape)
    return result


operations = pytest.mark.parametrize(
    "of", [operation(*action) for action in ACTIONS], ids=[action for action, _ in ACTIONS]
)


@operations
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_botocore_writes_we_read(of: Operation, data: st.DataObject) -> None:
    params = data.draw(values(of.input, sent=bool(of.input.required)))
    request = create_serializer("query", include_validation=False).serialize_to_request(params, botocore_model(of))
    body = AWSRequest("POST", "https://daypass.example/", data=request["body"]).body
    form = parse_form(body, request["headers"]["Content-Type"].encode())
    assert (form["Action"], form["Version"]) == (of.name, of.version)
    assert read_input(of, form) == params


@operations
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_we_write_botocore_reads(of: Operation, data: st.DataObject) -> None:
    result = data.draw(values(of.output or Structure({}), sent=False))
    assert isinstance(result, Mapping)
    found = parsed(of, render_result(of, result, "r-1"))
    metadata = found.pop("ResponseMetadata")
    assert isinstance(metadata, dict)
    assert metadata["RequestId"] == "r-1"
    assert found == whole_seconds(result)
