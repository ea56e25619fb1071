"""Access Analyzer's looks at policy documents through an unmodified boto3: findings, pages, checks, refusals."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from staging.clocks import StillClock
from staging.houses import settle_people
from staging.servers import serving
from staging.wires import Cast, key_of, minted, nothing_written, send, signed

from workflows.policy.document import LONGEST_DOCUMENT

READS = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"}
TRUST = "AWS::IAM::AssumeRolePolicyDocument"


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """One live server for all: nothing here changes what another test sees."""
    still = StillClock(datetime.now(UTC))  # noqa: TID251  real clients sign with the machine's clock
    with serving(tmp_path_factory.mktemp("analysis"), still, scheduler=False) as live:
        yield Cast(live, settle_people(live.ports))


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=2, ensure_ascii=False)


def analyzer(cast: Cast, name: str = "approver") -> Any:
    return cast.live.boto("accessanalyzer", cast.key(name))


def findings(cast: Cast, document: str, kind: str = "IDENTITY_POLICY", **more: Any) -> list[dict[str, Any]]:
    answer = analyzer(cast).validate_policy(policyDocument=document, policyType=kind, **more)
    found: list[dict[str, Any]] = answer["findings"]
    return found


def refused(call: Callable[[], object], code: str, status: int) -> Mapping[str, Any]:
    with pytest.raises(ClientError) as caught:
        call()
    answer: Mapping[str, Any] = caught.value.response
    assert (type(caught.value).__name__, answer["Error"]["Code"]) in ((code, code), ("ClientError", code))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    return answer


# --- ValidatePolicy ----------------------------------------------------------------------------------------


def test_a_finding_has_every_member_of_the_model(cast: Cast) -> None:
    cast.key("approver")
    with nothing_written(cast.live, audited=False):
        (found,) = findings(cast, policy({**READS, "Sid": ""}))
    assert found.pop("findingDetails") == "The Sid is empty. Give the statement a name, or leave Sid out."
    anchor = "access-analyzer-reference-policy-checks-suggestion-empty-sid-value"
    assert found.pop("learnMoreLink").endswith(f"access-analyzer-reference-policy-checks.html#{anchor}")
    span = {"start": {"line": 8, "column": 13, "offset": 163}, "end": {"line": 8, "column": 15, "offset": 165}}
    path = [{"value": "Statement"}, {"index": 0}, {"value": "Sid"}]
    assert found == {
        "findingType": "SUGGESTION",
        "issueCode": "EMPTY_SID_VALUE",
        "locations": [{"path": path, "span": span}],
    }


def test_names_and_parts_of_texts_are_told_as_paths(cast: Cast) -> None:
    odd = {**READS, "Action": "s4:GetObject", "Condition": {"StringLik": {"aws:username": "a"}}}
    service, operator = findings(cast, policy(odd))
    assert service["locations"][0]["path"][-1] == {"substring": {"start": 0, "length": 2}}
    assert operator["locations"][0]["path"][-1] == {"key": "StringLik"}


def test_each_type_of_policy_is_judged_as_such_and_a_trust_policy_by_its_resource_type(cast: Cast) -> None:
    principal = policy({**READS, "Principal": "*"})
    assert [one["issueCode"] for one in findings(cast, principal)] == ["UNSUPPORTED_PRINCIPAL"]
    guardrail = findings(cast, principal, "SERVICE_CONTROL_POLICY")
    assert [one["issueCode"] for one in guardrail] == ["SCP_SYNTAX_ERROR_PRINCIPAL"]
    allowing = findings(cast, principal, "RESOURCE_CONTROL_POLICY")
    assert [one["issueCode"] for one in allowing] == ["RCP_SYNTAX_ERROR_ALLOW"]
    assert findings(cast, principal, "RESOURCE_POLICY") == []
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}})
    assert findings(cast, trust, "RESOURCE_POLICY", validatePolicyResourceType=TRUST) == []
    bare = findings(cast, trust, "RESOURCE_POLICY")
    assert [one["issueCode"] for one in bare] == ["MISSING_RESOURCE"]


def test_details_are_german_where_that_is_asked_for_and_english_in_any_other_language(cast: Cast) -> None:
    told = {where: findings(cast, policy({**READS, "Sid": ""}), locale=where)[0] for where in ("DE", "EN", "FR")}
    assert told["DE"]["findingDetails"].startswith("Die Sid ist leer.")
    assert told["FR"] == told["EN"]


def test_findings_come_in_pages_whose_token_belongs_to_one_document_and_caller(cast: Cast) -> None:
    document = policy(*({**READS, "Sid": "a b", "Effect": str(one)} for one in range(4)))
    whole = findings(cast, document)
    asked = {"policyDocument": document, "policyType": "IDENTITY_POLICY"}
    pages = list(analyzer(cast).get_paginator("validate_policy").paginate(**asked, PaginationConfig={"PageSize": 3}))
    assert [one for page in pages for one in page["findings"]] == whole
    assert [len(page["findings"]) for page in pages] == [3, 3, 3, 2]
    token = pages[0]["nextToken"]
    for other in ({**asked, "policyDocument": document + " "}, {**asked, "policyType": "SERVICE_CONTROL_POLICY"}):
        ask = partial(analyzer(cast).validate_policy, **other, nextToken=token)
        refused(ask, "ValidationException", 400)
    stranger = analyzer(cast, "owner")
    refused(lambda: stranger.validate_policy(**asked, nextToken=token), "ValidationException", 400)


def test_a_document_that_is_no_json_is_answered_and_one_that_is_too_long_is_refused(cast: Cast) -> None:
    (found,) = findings(cast, '{"Version": 1')
    assert found["issueCode"] == "JSON_SYNTAX_ERROR"
    long = policy({**READS, "Resource": "arn:aws:s3:::" + "é" * 60_000})
    assert {one["issueCode"] for one in findings(cast, long)} == {"POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA"}
    answer = refused(lambda: findings(cast, "x" * (LONGEST_DOCUMENT + 1)), "ValidationException", 400)
    assert (answer["reason"], answer["fieldList"][0]["name"]) == ("fieldValidationFailed", "policyDocument")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"policyType": "NO_POLICY"}, "policyType"),
        ({"maxResults": 0}, "maxResults"),
        ({"locale": "XX"}, "locale"),
        ({"nextToken": "x"}, "nextToken"),
        ({"validatePolicyResourceType": TRUST}, "validatePolicyResourceType"),
    ],
)
def test_a_member_that_breaks_a_constraint_is_named(cast: Cast, wrong: dict[str, Any], field: str) -> None:
    answer = refused(
        lambda: findings(cast, "{}", **{"kind": wrong.pop("policyType", "IDENTITY_POLICY"), **wrong}),
        "ValidationException",
        400,
    )
    assert [one["name"] for one in answer["fieldList"]] == [field]


# --- the checks --------------------------------------------------------------------------------------------


def test_new_access_fails_with_a_reason_for_each_statement_that_brings_it(cast: Cast) -> None:
    wider = policy(READS, {**READS, "Sid": "More", "Action": "s3:PutObject"})
    ask = analyzer(cast).check_no_new_access
    old = ask(newPolicyDocument=policy(READS), existingPolicyDocument=wider, policyType="IDENTITY_POLICY")
    assert (old["result"], old["reasons"]) == ("PASS", [])
    new = ask(newPolicyDocument=wider, existingPolicyDocument=policy(READS), policyType="IDENTITY_POLICY")
    (reason,) = new["reasons"]
    assert (new["result"], reason["statementIndex"], reason["statementId"]) == ("FAIL", 1, "More")
    assert "s3:PutObject" in reason["description"]


def test_access_that_is_not_granted_is_asked_by_actions_and_resources(cast: Cast) -> None:
    def ask(**access: list[str]) -> str:
        given = {"policyDocument": policy(READS), "access": [access], "policyType": "IDENTITY_POLICY"}
        return str(analyzer(cast).check_access_not_granted(**given)["result"])

    assert ask(actions=["s3:PutObject"]) == "PASS"
    assert ask(actions=["s3:GetObject"]) == "FAIL"
    assert ask(resources=["arn:aws:s3:::logs/a"]) == "FAIL"
    assert ask(actions=["s3:GetObject"], resources=["arn:aws:s3:::other/*"]) == "PASS"
    refused(ask, "InvalidParameterException", 400)


def test_public_access_is_found_in_resource_and_trust_policies(cast: Cast) -> None:
    def ask(principal: object, kind: str = "AWS::S3::Bucket", **more: Any) -> str:
        document = policy({**READS, "Principal": principal, **more})
        return str(analyzer(cast).check_no_public_access(policyDocument=document, resourceType=kind)["result"])

    assert ask("*") == "FAIL"
    assert ask({"AWS": "111122223333"}) == "PASS"
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}})
    answer = analyzer(cast).check_no_public_access(policyDocument=trust, resourceType=TRUST)
    assert (answer["result"], len(answer["reasons"])) == ("FAIL", 1)


def test_a_policy_that_cannot_be_read_is_an_invalid_parameter_that_names_the_place(cast: Cast) -> None:
    given = {"newPolicyDocument": policy(READS), "existingPolicyDocument": "{}", "policyType": "IDENTITY_POLICY"}
    answer = refused(lambda: analyzer(cast).check_no_new_access(**given), "InvalidParameterException", 400)
    assert "`existingPolicyDocument` at $.Statement is missing" in answer["Error"]["Message"]


def test_a_question_that_cannot_be_decided_says_which_bound_was_met(cast: Cast) -> None:
    many = {"AWS": [f"arn:aws:iam::{one:012}:user/a" for one in range(300)]}
    document = policy({**READS, "Principal": many})
    given = {"newPolicyDocument": document, "existingPolicyDocument": document, "policyType": "RESOURCE_POLICY"}
    answer = refused(lambda: analyzer(cast).check_no_new_access(**given), "UnprocessableEntityException", 422)
    assert "principals" in answer["Error"]["Message"]


# --- who may ask, and what is no question ------------------------------------------------------------------


def test_only_whom_a_policy_allows_may_ask(cast: Cast) -> None:
    session = minted(cast.live.ports, cast.people, "analysis-1")
    client = cast.live.boto("accessanalyzer", key_of(session), token=session.session_token)
    asked = {"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}
    answer = refused(lambda: client.validate_policy(**asked), "AccessDeniedException", 403)
    assert "access-analyzer:ValidatePolicy" in answer["Error"]["Message"]
    for call in (
        lambda: client.check_no_new_access(
            newPolicyDocument="", existingPolicyDocument="", policyType="IDENTITY_POLICY"
        ),
        lambda: client.check_access_not_granted(policyDocument="", access=[], policyType="IDENTITY_POLICY"),
        lambda: client.check_no_public_access(policyDocument="", resourceType=TRUST),
    ):
        refused(call, "AccessDeniedException", 403)


def test_a_signature_for_another_service_or_by_nobody_is_refused_in_json(cast: Cast) -> None:
    given: dict[str, Any] = {
        "method": "POST",
        "path": "/policy/validation",
        "headers": {"content-type": "application/json"},
    }
    response = send(signed(cast.live.origin, cast.key("approver"), b"{}", service="iam", **given))
    assert response.status_code == 400
    assert response.headers["x-amzn-errortype"] == "IncompleteSignatureException"
    assert "access-analyzer" in response.json()["message"]
    unknown = key_of(minted(cast.live.ports, cast.people, "analysis-2"))
    assert send(signed(cast.live.origin, unknown, b"{}", service="access-analyzer", **given)).status_code == 403


@pytest.mark.parametrize(
    ("body", "method", "path", "status", "code"),
    [
        (b"[]", "POST", "/policy/validation", 400, "SerializationException"),
        (b"{", "POST", "/policy/validation", 400, "SerializationException"),
        (b"{}", "PUT", "/policy/validation", 405, "UnknownOperationException"),
        (b"{}", "POST", "/policy/validation", 400, "ValidationException"),
        (
            b'{"policyDocument": 5, "policyType": "IDENTITY_POLICY"}',
            "POST",
            "/policy/validation",
            400,
            "ValidationException",
        ),
        (
            b'{"policyDocument": "", "policyType": "IDENTITY_POLICY", "x": 1}',
            "POST",
            "/policy/validation",
            400,
            "ValidationException",
        ),
        (b"{}", "POST", "/policy/validation?maxResult=1", 400, "ValidationException"),
        (b"{}", "POST", "/policy/validation?maxResults=1&maxResults=2", 400, "ValidationException"),
    ],
)
def test_what_is_no_call_of_an_operation_is_refused_in_json(
    cast: Cast, body: bytes, method: str, path: str, status: int, code: str
) -> None:
    headers = {"content-type": "application/json"}
    more: dict[str, Any] = {"service": "access-analyzer", "method": method, "path": path, "headers": headers}
    response = send(signed(cast.live.origin, cast.key("approver"), body, **more))
    assert (response.status_code, response.headers["x-amzn-errortype"]) == (status, code)
    assert response.headers["content-type"] == "application/json"
    assert response.json()["message"]


def test_the_forms_of_the_other_services_do_not_reach_these_operations(cast: Cast) -> None:
    form = {"Action": "ValidatePolicy", "Version": "2019-11-01", "PolicyDocument": "{}"}
    response = cast.post("approver", form)
    assert response.status_code == 400
    assert "InvalidAction" in response.text
