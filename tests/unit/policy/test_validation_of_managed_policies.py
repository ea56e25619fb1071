"""No error is raised on the policies that AWS itself publishes, but for those of which we know why."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from staging.aws_policies import managed_documents

from workflows.policy.document import PolicyKind
from workflows.policy.validate.rules import FindingType
from workflows.policy.validate.validation import validate

_EVERY: Final = 8
# The code, what the finding spans, and why it is right nevertheless or cannot be helped.
KNOWN: Final = (
    (
        "INVALID_SERVICE(_IN_ACTION)?",
        "builderid|codestar|deepcomposer|deeplens|deepracer|elastic-inference|evidently|iot1click|iotevents|zocalo",
        "the service has ended and left the catalogue",
    ),
    (
        "INVALID_ACTION",
        (
            "(budgets|cloudhsm|organizations|payments|qapps|securityagent):.*|cloud9:ValidateEnvironmentName"
            "|memorydb:ReplicateMultiRegionClusterData|route53-recovery-control-config:DescribeRoutingControlByName"
        ),
        "the action is not documented, or no longer",
    ),
    (
        "INVALID_ARN_RESOURCE",
        (
            "arn:[^:]+:(appflow|autoscaling|bedrock-agentcore|cloudwatch|pricingplanmanager|securityagent|waf|waf-regional):.*"
            "|arn:aws:cloudformation:.*:transform/.*"
        ),
        "the catalogue lacks this type of resource, or spells it otherwise",
    ),
    (
        "INVALID_ARN_RESOURCE",
        (
            "arn:.*:(elasticloadbalancing|quicksight|redshift-serverless|sagemaker|secretsmanager|states):.*"
            "|arn:aws:cloudformation:.*:stack/[^/]*|arn:aws:ec2:.*:vpc-endpoint:.*"
            "|arn:aws:config:.*::config-rule/.*|arn:aws:organizations:.*:|arn:.*:kms:.*:::.*"
        ),
        "the entry is misspelt and fits no ARN that the service gives",
    ),
    ("MISSING_ARN_ACCOUNT", r"arn:aws:kms:\*::\*", "the entry lacks the account and fits no key"),
    ("MISSING_QUALIFIER", "events:detail-type", "the catalogue says that it has several values"),
    ("INVALID_GLOBAL_CONDITION_KEY", "aws:PrincipalOrgMasterAccountId", "the key is not documented"),
    ("INVALID_SERVICE_CONDITION_KEY", "lakeformation:GlueARN", "the key is not documented"),
    (
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
        "aws-marketplace:ProductId",
        "the catalogue lists the key for fewer actions",
    ),
    ("JSON_SYNTAX_ERROR", "", "the one document is longer than any that can be sent"),
)


def errors_in(document: object) -> Iterator[tuple[str, str]]:
    text = json.dumps(document, separators=(",", ":"))
    for found in validate(text, PolicyKind.IDENTITY).findings:
        if found.type is FindingType.ERROR:
            span = found.locations[0].span
            yield found.code, text[span.start.offset : span.end.offset].strip('"')


def is_known(code: str, spanned: str) -> bool:
    return any(re.fullmatch(codes, code) and re.fullmatch(texts, spanned) for codes, texts, _ in KNOWN)


def strange(documents: Mapping[str, object]) -> list[tuple[str, str, str]]:
    found = ((name, *error) for name, document in documents.items() for error in errors_in(document))
    return [each for each in found if not is_known(*each[1:])]


def test_no_error_is_raised_without_a_reason_on_one_in_eight_published_policies() -> None:
    documents = managed_documents()
    assert len(documents) > 1500
    assert strange(dict(list(documents.items())[::_EVERY])) == []


@pytest.mark.long
def test_no_error_is_raised_without_a_reason_on_any_published_policy_and_no_reason_is_out_of_date() -> None:
    documents = managed_documents()
    assert strange(documents) == []
    found = {error for document in documents.values() for error in errors_in(document)}
    used = {row for row in KNOWN for code, at in found if re.fullmatch(row[0], code) and re.fullmatch(row[1], at)}
    assert set(KNOWN) == used
