"""For each code of policy validation a document that has the finding, where it stands, and a near one that has not.

A document is given as what differs from an ordinary one of its kind: members of its only statement (None: left out), or
several statements, or a whole document, or a text.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workflows.policy.document import PolicyKind

Given = Mapping[str, Any] | Sequence[Mapping[str, Any]] | str

ROLE: Final = "arn:aws:iam::111122223333:role/app"
OIDC: Final = "arn:aws:iam::111122223333:oidc-provider/idp.example.com"
SAML: Final = "arn:aws:iam::111122223333:saml-provider/idp"
_GITHUB_NAME: Final = "token.actions.githubusercontent.com"
GITHUB: Final = f"arn:aws:iam::111122223333:oidc-provider/{_GITHUB_NAME}"
_PLAIN: Final = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"}
_ORDINARY: Final[Mapping[PolicyKind, Mapping[str, Any]]] = {
    PolicyKind.IDENTITY: _PLAIN,
    PolicyKind.RESOURCE: {**_PLAIN, "Principal": {"AWS": ROLE}},
    PolicyKind.TRUST: {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ROLE}},
    PolicyKind.GUARDRAIL: {**_PLAIN, "Effect": "Deny"},
    PolicyKind.RESOURCE_GUARDRAIL: {**_PLAIN, "Effect": "Deny", "Principal": "*"},
}


@dataclass(frozen=True)
class Case:
    """`at` are the texts that the finding's places span, as far as they matter to the case."""

    code: str
    found: Given
    near: Given
    at: tuple[str, ...] | None = None
    kind: PolicyKind = PolicyKind.IDENTITY
    resource_type: str | None = None

    def texts(self) -> tuple[str, str]:
        """Return the two documents as texts."""
        return text_of(self.found, self.kind), text_of(self.near, self.kind)


@dataclass(frozen=True)
class Quiet:
    """A document that does not have a finding, though little is missing."""

    code: str
    given: Given
    kind: PolicyKind = PolicyKind.IDENTITY
    resource_type: str | None = None

    def text(self) -> str:
        """Return the document as a text."""
        return text_of(self.given, self.kind)


def text_of(given: Given, kind: PolicyKind) -> str:
    """Return the document that is given by what differs."""
    if isinstance(given, str):
        return given
    if isinstance(given, Mapping) and "document" in given:
        return json.dumps({"Version": "2012-10-17", "Statement": dict(_ORDINARY[kind])} | given["document"], indent=2)
    several = [given] if isinstance(given, Mapping) else given
    statements = [_filled(each, kind) for each in several]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def _filled(given: Mapping[str, Any], kind: PolicyKind) -> dict[str, Any]:
    members = {**_ORDINARY[kind], **given}
    return {name: value for name, value in members.items() if value is not None}


def when(operator: str, key: str, *values: Any, **more: Any) -> dict[str, Any]:
    """Return a statement with one comparison; a single value is no list."""
    return {"Condition": {operator: {key: values[0] if len(values) == 1 else list(values)}}, **more}


def _document(**members: Any) -> dict[str, Any]:
    return {"document": members}


_R, _T = PolicyKind.RESOURCE, PolicyKind.TRUST
_SCP, _RCP = PolicyKind.GUARDRAIL, PolicyKind.RESOURCE_GUARDRAIL
_BUCKET: Final = "AWS::S3::Bucket"

_GRAMMAR: Final = (
    Case("JSON_SYNTAX_ERROR", '{"Version": "2012-10-17",}', '{"Version": "2012-10-17"}', ("}",)),
    Case("JSON_SYNTAX_ERROR", '{"Id": "a", "Id": "b"}', '{"Id": "a", "id": "b"}', ('"Id"',)),
    Case("JSON_SYNTAX_ERROR", '{"Id": "\u2028"}', '{"Id": "\u00ff"}', ("\u2028",)),
    Case("JSON_SYNTAX_ERROR", "[" * 33 + "]" * 33, "[" * 32 + "]" * 32, ("[",)),
    Case("INVALID_POLICY_ELEMENT", {"Effects": "Allow"}, {"Sid": "a"}, ('"Effects"',)),
    Case("INVALID_POLICY_ELEMENT", _document(version="x"), _document(), ('"version"',)),
    Case("INVALID_POLICY_ELEMENT", _document(Id="x"), _document(), ('"Id"',)),
    Case("DATA_TYPE_MISMATCH", {"Effect": 1}, {"Effect": "None"}, ("1",)),
    Case("DATA_TYPE_MISMATCH", {"Action": ["s3:GetObject", 7]}, {"Action": ["s3:GetObject"]}, ("7",)),
    Case(
        "DATA_TYPE_MISMATCH",
        when("Bool", "aws:SecureTransport", None),
        {"Condition": {"Bool": {"aws:SecureTransport": True}}},
    ),
    Case("DATA_TYPE_MISMATCH", "[]", "{}", ("[]",)),
    Case("INVALID_VERSION", _document(Version="2012-10-18"), _document(Version="2008-10-17"), ('"2012-10-18"',)),
    Case("MISSING_VERSION", '{"Statement": []}', _document()),
    Case("MISSING_STATEMENT", '{"Version": "2012-10-17"}', _document()),
    Case("MISSING_STATEMENT", _document(Statement=[]), _document(), ("[]",)),
    Case("MISSING_EFFECT", {"Effect": None}, {"Effect": "allow"}),
    Case("INVALID_EFFECT", {"Effect": "allow"}, {"Effect": "Allow"}, ('"allow"',)),
    Case("MISSING_ACTION", {"Action": None}, {"Action": None, "NotAction": "s3:GetObject"}),
    Case("MISSING_RESOURCE", {"Resource": None}, {"Resource": None, "NotResource": "arn:aws:s3:::a"}),
    Case("MISSING_RESOURCE", {"Resource": None, "Principal": "*"}, {"Resource": "*", "Principal": "*"}, kind=_R),
    Case("MISSING_PRINCIPAL", {"Principal": None}, {"Principal": "*"}, kind=_R),
    Case(
        "UNSUPPORTED_ELEMENT_COMBINATION",
        {"NotAction": "s3:PutObject"},
        {"Action": None, "NotAction": "s3:PutObject"},
        ('"Action"', '"NotAction"'),
    ),
    Case("UNIQUE_SIDS_REQUIRED", [{"Sid": "a"}, {"Sid": "a"}], [{"Sid": "a"}, {"Sid": "A"}], ('"a"',)),
    Case("UNIQUE_SIDS_RECOMMENDED", [{"Sid": "a"}, {"Sid": "a"}], [{"Sid": "a"}, {"Sid": "b"}], ('"a"',), kind=_R),
    Case("UNSUPPORTED_SID", {"Sid": "a b"}, {"Sid": "aB0"}, ('"a b"',)),
    Case("EMPTY_SID_VALUE", {"Sid": ""}, {"Sid": "a"}, ('""',)),
    Case("EMPTY_ARRAY_ACTION", {"Action": []}, {"Action": ["s3:GetObject"]}, ("[]",)),
    Case("EMPTY_ARRAY_RESOURCE", {"Resource": []}, {"Resource": ["*"]}, ("[]",)),
    Case("EMPTY_ARRAY_PRINCIPAL", {"Principal": {"AWS": []}}, {"Principal": {"AWS": [ROLE]}}, ("[]",), kind=_R),
    Case("EMPTY_OBJECT_PRINCIPAL", {"Principal": {}}, {"Principal": {"AWS": []}}, ("{}",), kind=_R),
    Case("EMPTY_OBJECT_CONDITION", {"Condition": {}}, when("Bool", "aws:SecureTransport", "true"), ("{}",)),
    Case("EMPTY_OBJECT_CONDITION", {"Condition": {"Bool": {}}}, when("Bool", "aws:SecureTransport", "true"), ("{}",)),
    Case("EMPTY_ARRAY_CONDITION", when("StringEquals", "aws:username", []), when("StringEquals", "aws:username", [""])),
    Case(
        "EMPTY_ARRAY_CONDITION_FORALLVALUES",
        when("ForAllValues:StringEquals", "aws:TagKeys", []),
        when("StringEquals", "aws:TagKeys", []),
        ("[]",),
    ),
    Case(
        "EMPTY_ARRAY_CONDITION_FORANYVALUE",
        when("ForAnyValue:StringEquals", "aws:TagKeys", []),
        when("ForAllValues:StringEquals", "aws:TagKeys", []),
    ),
    Case(
        "EMPTY_ARRAY_CONDITION_IFEXISTS",
        when("StringEqualsIfExists", "aws:username", []),
        when("StringEquals", "aws:username", []),
    ),
)

_ACTIONS: Final = (
    Case("INVALID_SERVICE_IN_ACTION", {"Action": "s3s:GetObject"}, {"Action": "S3:GetObject"}, ("s3s",)),
    Case("INVALID_ACTION", {"Action": "s3:GetObjekt"}, {"Action": "s3:getobject"}, ('"s3:GetObjekt"',)),
    Case("INVALID_ACTION", {"Action": ["s3:Got*"]}, {"Action": ["s3:Get*"]}, ('"s3:Got*"',)),
    Case("INVALID_ACTION", {"Action": "GetObject"}, {"Action": "*"}),
    Case("WILDCARD_IN_SERVICE_NAME", {"Action": "s*:GetObject"}, {"Action": "s3:Get*"}, ("s*",)),
    Case(
        "UNSUPPORTED_ACTION_IN_POLICY",
        {"Action": "ec2:RunInstances"},
        {"Action": "s3:*"},
        ('"ec2:RunInstances"',),
        kind=_R,
        resource_type=_BUCKET,
    ),
    Case("UNSUPPORTED_ACTION_IN_POLICY", {"Action": "s3:GetObject"}, {"Action": "sts:TagSession"}, kind=_T),
    Case(
        "UNSUPPORTED_RESOURCE_ARN_IN_POLICY",
        {"Resource": "arn:aws:sns:eu-west-1:111122223333:topic"},
        {"Resource": ["arn:aws:s3:::a", "arn:aws:s3:::a/*"]},
        kind=_R,
        resource_type=_BUCKET,
    ),
)

_ARNS: Final = (
    Case("INVALID_ARN_PREFIX", {"Resource": "aws:s3:::a"}, {"Resource": "arn:aws:s3:::a"}, ('"aws:s3:::a"',)),
    Case("MISSING_ARN_FIELD", {"Resource": "arn:aws:s3:a"}, {"Resource": "arn:aws:s3:::a"}),
    Case("INVALID_PARTITION", {"Resource": "arn:aw:s3:::a"}, {"Resource": "arn:aws*:s3:::a"}),
    Case("INVALID_ARN_SERVICE_CASE", {"Resource": "arn:aws:S3:::a"}, {"Resource": "arn:aws:s3:::A"}),
    Case("INVALID_SERVICE", {"Resource": "arn:aws:s33:::a"}, {"Resource": "arn:aws:s3*:::a"}),
    Case(
        "INVALID_SERVICE",
        when("StringEquals", "s33:prefix", "a"),
        when("StringEquals", "idp.example.com:prefix", "a"),
        ("s33",),
    ),
    Case(
        "INVALID_ARN_REGION",
        {"Resource": "arn:aws:sqs:eu-west-9:111122223333:a"},
        {"Resource": "arn:aws:sqs:eu-west-*:111122223333:a"},
    ),
    Case(
        "MISSING_ARN_REGION",
        {"Resource": "arn:aws:sqs::111122223333:a"},
        {"Resource": "arn:aws:sqs:*:111122223333:a"},
    ),
    Case("ARN_REGION_NOT_ALLOWED", {"Resource": "arn:aws:iam:eu-west-1:111122223333:role/a"}, {"Resource": ROLE}),
    Case(
        "INVALID_ARN_ACCOUNT",
        {"Resource": "arn:aws:sqs:eu-west-1:11112222333:a"},
        {"Resource": "arn:aws:sqs:eu-west-1:1111*:a"},
    ),
    Case("MISSING_ARN_ACCOUNT", {"Resource": "arn:aws:sqs:eu-west-1::a"}, {"Resource": "arn:aws:ssm:*::document/a"}),
    Case(
        "ARN_ACCOUNT_NOT_ALLOWED",
        {"Resource": "arn:aws:s3::111122223333:bucket"},
        {"Resource": "arn:aws:s3::111122223333:accesspoint/a"},
    ),
    Case(
        "INVALID_ARN_RESOURCE",
        {"Resource": "arn:aws:iam::111122223333:rolle/a"},
        {"Resource": "arn:aws:iam::111122223333:ro*/a"},
    ),
)

_SNS: Final = {"Service": "sns.amazonaws.com"}
_PRINCIPALS: Final = (
    Case("UNSUPPORTED_PRINCIPAL", {"Principal": "*"}, {}, ('"Principal"',)),
    Case("INVALID_PRINCIPAL_FORMAT", {"Principal": ROLE}, {"Principal": {"AWS": ROLE}}, (f'"{ROLE}"',), kind=_R),
    Case("INVALID_PRINCIPAL_KEY", {"Principal": {"aws": ROLE}}, {"Principal": {"AWS": ROLE}}, ('"aws"',), kind=_R),
    Case(
        "UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
        {"Principal": {"AWS": "arn:aws:iam::111122223333:role/*"}},
        {"Principal": {"AWS": "*"}},
        kind=_R,
    ),
    Case("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", {"Principal": {"Service": "*"}}, {"Principal": _SNS}, ('"*"',), kind=_R),
    Case(
        "FEDERATED_PRINCIPAL_NOT_SUPPORTED",
        {"Principal": {"Federated": SAML}},
        {"Principal": {"AWS": ROLE}},
        ('"Federated"',),
        kind=_R,
    ),
    Case(
        "ALLOW_WITH_NOT_PRINCIPAL",
        {"Principal": None, "NotPrincipal": {"AWS": ROLE}},
        {"Effect": "Deny", "Principal": None, "NotPrincipal": {"AWS": ROLE}},
        ('"NotPrincipal"',),
        kind=_R,
    ),
    Case(
        "INVALID_ROLE_REFERENCE",
        {"Principal": {"AWS": "AROAEXAMPLEEXAMPLE"}},
        {"Principal": {"AWS": "AIDAEXAMPLEEXAMPLE"}},
        kind=_R,
    ),
    Case(
        "INVALID_USER_REFERENCE",
        {"Principal": {"AWS": "AIDAEXAMPLEEXAMPLE"}},
        {"Principal": {"AWS": "AROAEXAMPLEEXAMPLE"}},
        kind=_R,
    ),
    Case(
        "INVALID_SERVICE_PRINCIPAL_FORMAT",
        {"Principal": {"Service": "SNS.amazonaws.com"}},
        {"Principal": _SNS},
        kind=_R,
    ),
    Case(
        "INVALID_SERVICE_PRINCIPAL_FORMAT",
        when("StringEquals", "kms:ViaService", "s3.amazonaws.com", Action="kms:Decrypt", Resource="*"),
        when("StringEquals", "kms:ViaService", "s3.eu-west-1.amazonaws.com", Action="kms:Decrypt", Resource="*"),
    ),
    Case(
        "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL",
        {"Principal": _SNS},
        when("StringEquals", "aws:SourceAccount", "111122223333", Principal=_SNS),
        kind=_R,
    ),
    Case(
        "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
        when("StringEquals", "aws:SourceOrgID", "o-abcdefghij", Principal=_SNS),
        when("StringEquals", "aws:SourceAccount", "111122223333", Principal=_SNS),
        kind=_R,
    ),
    Case(
        "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
        when("StringEquals", "aws:PrincipalOrgID", "o-abcdefghij", Principal=_SNS),
        when("StringEquals", "aws:PrincipalOrgID", "o-abcdefghij", Principal="*"),
        ('"aws:PrincipalOrgID"',),
        kind=_R,
    ),
)

_SESSION: Final = "arn:aws:sts::111122223333:assumed-role/app/night"
_ANYWHERE: Final = {"Service": "rolesanywhere.amazonaws.com"}
_WEB: Final = {"Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": OIDC}}
_REPOSITORIES: Final = {"Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": GITHUB}}
_SUBJECT: Final = "repo:octo/app:ref:refs/heads/main"
_TRUST: Final = (
    Case(
        "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL",
        {"Principal": None, "NotPrincipal": {"AWS": ROLE}},
        {},
        ('"NotPrincipal"',),
        kind=_T,
    ),
    Case("ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", {"Resource": "*"}, {}, ('"Resource"',), kind=_T),
    Case(
        "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        ('"*"',),
        kind=_T,
    ),
    Case(
        "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY",
        {**_WEB, "Principal": {"Federated": "arn:aws:iam::111122223333:provider/idp"}},
        {**_WEB, "Principal": {"Federated": "accounts.google.com"}},
        kind=_T,
    ),
    Case(
        "MISMATCHED_ACTION_FOR_PRINCIPAL",
        {"Principal": {"Federated": SAML}},
        {"Action": "sts:AssumeRoleWithSAML", "Principal": {"Federated": SAML}},
        (f'"{SAML}"',),
        kind=_T,
    ),
    Case("MISMATCHED_ACTION_FOR_PRINCIPAL", {"Action": "sts:AssumeRoleWithSAML"}, {"Action": "sts:*"}, kind=_T),
    Case(
        "MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY",
        {"Principal": _ANYWHERE, "Action": ["sts:AssumeRole", "sts:TagSession"]},
        {"Principal": _ANYWHERE, "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]},
        kind=_T,
    ),
    Case(
        "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL",
        _WEB,
        when("StringEquals", "idp.example.com:sub", "somebody", **_WEB),
        kind=_T,
    ),
    Case(
        "MISSING_GITHUB_REPO_CONDITION_KEY",
        when("StringEquals", f"{_GITHUB_NAME}:aud", "sts.amazonaws.com", **_REPOSITORIES),
        when("StringEquals", f"{_GITHUB_NAME}:sub", _SUBJECT, **_REPOSITORIES),
        kind=_T,
    ),
    Case(
        "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
        when("StringLike", f"{_GITHUB_NAME}:sub", "repo:octo/app:*", **_REPOSITORIES),
        when("StringLike", f"{_GITHUB_NAME}:sub", _SUBJECT, **_REPOSITORIES),
        kind=_T,
    ),
    Case(
        "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY",
        {"Principal": {"AWS": [ROLE, _SESSION]}},
        {"Principal": {"AWS": [ROLE, _SESSION.replace("/app/", "/other/")]}},
        (f'"{_SESSION}"',),
        kind=_T,
    ),
    Case(
        "FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE",
        when("ForAnyValue:StringEquals", "idp.example.com:aud", "me", **_WEB),
        when("StringEquals", "idp.example.com:aud", "me", **_WEB),
        kind=_T,
    ),
    Case(
        "CONFIRM_AUDIENCE_CLAIM_TYPE",
        when("StringEquals", "idp.example.com:aud", "me", **_WEB),
        when("StringEquals", "accounts.google.com:aud", "me", **_WEB),
        kind=_T,
    ),
)

_TAGS: Final = {"Effect": "Deny", "Action": "sts:GetCallerIdentity", "Resource": "*"}
_KEYS: Final = (
    Case(
        "INVALID_CONDITION_OPERATOR",
        when("StringLik", "aws:username", "a"),
        when("StringLike", "aws:username", "anybody"),
        ('"StringLik"',),
    ),
    Case("NULL_WITH_IF_EXISTS", when("NullIfExists", "aws:username", "true"), when("Null", "aws:username", "true")),
    Case("NULL_WITH_QUALIFIER", when("ForAnyValue:Null", "aws:TagKeys", "true"), when("Null", "aws:TagKeys", "true")),
    Case(
        "INVALID_CONDITION_KEY_FORMAT", when("StringEquals", "username", "a"), when("StringEquals", "aws:username", "a")
    ),
    Case(
        "MISSING_TAG_KEY_IN_CONDITION",
        when("StringEquals", "aws:PrincipalTag/", "a"),
        when("StringEquals", "aws:PrincipalTag/a", "a"),
        ('"aws:PrincipalTag/"',),
    ),
    Case(
        "DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
        {"Condition": {"StringEquals": {"aws:username": "a", "aws:UserName": "b"}}},
        {"Condition": {"StringEquals": {"aws:username": "a"}, "StringLike": {"aws:UserName": "abcdefg*"}}},
        ('"aws:UserName"',),
    ),
    Case(
        "INVALID_CONDITION_DATA_TYPE",
        when("StringEquals", "aws:username", "a", 1),
        when("StringEquals", "aws:username", "a", "1"),
    ),
    Case(
        "INVALID_CONDITION_MULTIPLE_BOOLEAN",
        when("Bool", "aws:SecureTransport", "true", "false"),
        when("Bool", "aws:SecureTransport", "true"),
    ),
    Case(
        "INVALID_GLOBAL_CONDITION_KEY",
        when("StringEquals", "aws:UserNames", "a"),
        when("StringEquals", "AWS:USERNAME", "a"),
    ),
    Case(
        "UNSUPPORTED_GLOBAL_CONDITION_KEY",
        when("ArnLike", "aws:ARN", ROLE),
        when("ArnLike", "aws:PrincipalArn", ROLE),
        kind=_R,
    ),
    Case(
        "DEPRECATED_GLOBAL_CONDITION_KEY", when("ArnLike", "aws:ARN", ROLE), when("ArnLike", "aws:PrincipalArn", ROLE)
    ),
    Case(
        "INVALID_SERVICE_CONDITION_KEY", when("StringEquals", "s3:prefixx", "a"), when("StringEquals", "s3:prefix", "a")
    ),
    Case(
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
        when("StringEquals", "s3:prefix", "a"),
        when("StringEquals", "s3:prefix", "a", Action="s3:ListBucket", Resource="arn:aws:s3:::logs"),
        ('"s3:prefix"',),
    ),
    Case(
        "MISSING_ACTION_FOR_CONDITION_KEY",
        when("StringEquals", "ec2:CreateAction", "RunInstances", Action="ec2:RunInstances", Resource="*"),
        when("StringEquals", "ec2:CreateAction", "RunInstances", Action="ec2:Create*", Resource="*"),
    ),
    Case(
        "MISSING_QUALIFIER",
        when("StringEquals", "aws:TagKeys", "a"),
        when("ForAllValues:StringEquals", "aws:TagKeys", "a"),
        ('"aws:TagKeys"',),
    ),
    Case(
        "FORALLVALUES_WITH_SINGLE_VALUED_KEY",
        when("ForAllValues:StringEquals", "aws:username", "a"),
        when("ForAllValues:StringEquals", "aws:username", "a", Effect="Deny"),
    ),
    Case(
        "STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS",
        when("StringLike", "aws:SourceArn", "arn:aws:sns:*:111122223333:*"),
        when("ArnLike", "aws:SourceArn", "arn:aws:sns:*:111122223333:*"),
    ),
    Case("TYPE_MISMATCH", when("NumericEquals", "aws:username", "1"), when("StringEquals", "aws:username", "1")),
    Case("UNTRUSTWORTHY_CONDITION_KEY", when("StringEquals", "aws:Referer", "a"), when("Null", "aws:Referer", "true")),
    Case(
        "MISSING_PAIRED_CONDITION_KEYS",
        when("IpAddress", "aws:VpcSourceIp", "10.0.0.0/8"),
        {
            "Condition": {
                "IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"},
                "StringEquals": {"aws:SourceVpc": "vpc-0123456789abcdef0"},
            }
        },
    ),
    Case(
        "USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES",
        when("StringEquals", "s3:prefix", "a", Action=["s3:ListBucket", "sqs:ListQueues"], Resource="*"),
        when("StringEquals", "s3:prefix", "a", Action=["s3:ListBucket", "s3:GetObject"], Resource="*"),
    ),
    Case(
        "IRRELEVANT_CONDITION_KEY_IN_POLICY",
        when("StringEquals", "s3:ResourceAccount", "111122223333"),
        when("StringEquals", "s3:DataAccessPointAccount", "111122223333"),
        kind=_R,
        resource_type=_BUCKET,
    ),
    Case(
        "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        when("StringEquals", "aws:ResourceTag/a", "b", Effect="Deny", Action=["health:*", "ec2:*"], Resource="*"),
        when("StringEquals", "aws:ResourceTag/a", "b", Effect="Deny", Action="ec2:*", Resource="*"),
        ('"aws:ResourceTag/a"',),
    ),
    Case(
        "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        when("StringEquals", "aws:ResourceTag/a", "b", Effect="Deny", Action=None, NotAction="ec2:*"),
        when("StringNotEquals", "aws:ResourceTag/a", "b", Effect="Deny", Action=None, NotAction="ec2:*"),
    ),
    Case(
        "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        when("StringEquals", "aws:ResourceTag/a", "b", Action=["health:*", "ec2:*"], Resource="*"),
        when("StringEquals", "aws:PrincipalTag/a", "b", Action=["health:*", "ec2:*"], Resource="*"),
    ),
    Case(
        "ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        when("StringEquals", "aws:ResourceTag/a", "b", Action=None, NotAction="ec2:*"),
        when("StringEqualsIfExists", "aws:ResourceTag/a", "b", Action=None, NotAction="ec2:*"),
    ),
)

_KMS: Final = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_VALUES: Final = (
    Case(
        "TYPE_MISMATCH_BOOLEAN", when("Bool", "aws:SecureTransport", "yes"), when("Bool", "aws:SecureTransport", "TRUE")
    ),
    Case(
        "TYPE_MISMATCH_BOOLEAN",
        when("Null", "aws:username", "1"),
        {"Condition": {"Null": {"aws:username": True}}},
        ('"1"',),
    ),
    Case(
        "TYPE_MISMATCH_DATE",
        when("DateLessThan", "aws:CurrentTime", "tomorrow"),
        when("DateLessThan", "aws:CurrentTime", "2030-01-31"),
    ),
    Case(
        "TYPE_MISMATCH_NUMBER",
        when("NumericLessThan", "aws:MultiFactorAuthAge", "1h"),
        when("NumericLessThan", "aws:MultiFactorAuthAge", 3600),
    ),
    Case("TYPE_MISMATCH_STRING", when("BinaryEquals", "kms:a", "%"), when("BinaryEquals", "kms:a", "QQ=="), ('"%"',)),
    Case(
        "INVALID_DATE_VALUE",
        when("DateLessThan", "aws:CurrentTime", "1900000000"),
        when("DateLessThan", "aws:EpochTime", "1900000000"),
        ('"1900000000"',),
    ),
    Case(
        "WILDCARD_WITHOUT_LIKE_OPERATOR",
        when("StringEquals", "aws:username", "a*"),
        when("StringEquals", "aws:username", "a${*}"),
        ('"a*"',),
    ),
    Case(
        "INVALID_REGION",
        when("StringEquals", "aws:RequestedRegion", "eu-west-1", "eu-west-9"),
        when("StringEquals", "aws:RequestedRegion", "eu-west-1", "eu-west-2"),
        ('"eu-west-9"',),
    ),
    Case(
        "INVALID_VPC_FORMAT",
        when("StringEquals", "aws:SourceVpc", "vpc-012345678"),
        when("StringEquals", "aws:SourceVpc", "vpc-01234567"),
    ),
    Case(
        "INVALID_VPCE_FORMAT",
        when("StringEquals", "aws:SourceVpce", "vpc-01234567"),
        when("StringEquals", "aws:SourceVpce", "vpce-01234567"),
    ),
    Case(
        "INVALID_KMS_KEY_VALUE",
        when("StringEquals", _KMS, "arn:aws:kms:eu-west-1:111122223333:alias/a", Action="s3:PutObject"),
        when("StringEquals", _KMS, "arn:aws:kms:eu-west-1:111122223333:key/a", Action="s3:PutObject"),
    ),
    Case(
        "WILDCARD_USAGE_TOO_PERMISSIVE",
        when("StringLike", "aws:PrincipalOrgID", "o-*"),
        when("StringLike", "aws:PrincipalOrgID", "o-*", Effect="Deny"),
        ('"o-*"',),
    ),
    Case(
        "WILDCARD_USAGE_TOO_PERMISSIVE",
        when("StringLike", f"{_GITHUB_NAME}:sub", "repo:*", **_REPOSITORIES),
        when("StringLike", f"{_GITHUB_NAME}:sub", "repo:octo/*", **_REPOSITORIES),
        kind=_T,
    ),
    Case(
        "WILDCARD_USAGE_TOO_PERMISSIVE",
        when("StringLike", "aws:userid", "AROAEXAMPLE*"),
        when("StringLike", "aws:userid", "AROAEXAMPLE:*"),
    ),
    Case(
        "VARIABLE_USAGE_TOO_PERMISSIVE",
        when("StringEquals", "aws:SourceAccount", "${aws:PrincipalTag/account}"),
        when("StringEquals", "aws:SourceAccount", "${aws:PrincipalAccount}"),
    ),
    Case(
        "TYPE_MISMATCH_IP_RANGE",
        when("IpAddress", "aws:SourceIp", "203.0.113.0/33"),
        when("IpAddress", "aws:SourceIp", "203.0.113.0/32"),
    ),
    Case(
        "IMPROVE_IP_RANGE",
        when("IpAddress", "aws:SourceIp", "203.0.113.7/24"),
        when("IpAddress", "aws:SourceIp", "203.0.113.7/32"),
    ),
    Case(
        "PRIVATE_IP_ADDRESS",
        when("IpAddress", "aws:SourceIp", "10.0.0.0/8"),
        when("IpAddress", "aws:VpcSourceIp", "10.0.0.0/8"),
    ),
    Case(
        "PRIVATE_NOT_IP_ADDRESS",
        when("NotIpAddress", "aws:SourceIp", "fc00::/7"),
        when("NotIpAddress", "aws:SourceIp", "2001:db8::/32"),
    ),
    Case(
        "PRIVATE_IP_ADDRESS_SUBSET",
        when("IpAddress", "aws:SourceIp", "192.168.1.0/24", "203.0.113.0/24"),
        when("IpAddress", "aws:SourceIp", "192.167.1.0/24", "203.0.113.0/24"),
        ('"192.168.1.0/24"',),
    ),
    Case(
        "PRIVATE_NOT_IP_ADDRESS_SUBSET",
        when("NotIpAddress", "aws:SourceIp", "172.31.0.1", "203.0.113.0/24"),
        when("NotIpAddress", "aws:SourceIp", "172.32.0.1", "203.0.113.0/24"),
        ('"172.31.0.1"',),
    ),
)


def _home(variable: str) -> dict[str, Any]:
    return {"Resource": f"arn:aws:s3:::home/{variable}/*"}


_VARIABLES: Final = (
    Case("EMPTY_VARIABLE", _home("${}"), _home("${aws:username}"), ("${}",)),
    Case("MISSING_BRACE_IN_VARIABLE", _home("${aws:username"), _home("$aws:username}"), ("${aws:username/*",)),
    Case(
        "MISSING_QUOTE_IN_VARIABLE", _home("${aws:username, a}"), _home("${aws:username, 'a'}"), ("${aws:username, a}",)
    ),
    Case("UNSUPPORTED_SPACE_IN_VARIABLE", _home("${aws:user name}"), _home("${aws:username, 'a b'}")),
    Case("UNSUPPORTED_SYMBOL_IN_VARIABLE", _home("a${aws:user#name}"), _home("${$}"), ("${aws:user#name}",)),
    Case("VARIABLE_UNSUPPORTED_IN_ELEMENT", {"Action": "s3:${aws:username}"}, {"Action": "s3:*"}),
    Case(
        "VARIABLE_UNSUPPORTED_IN_ELEMENT",
        when("StringEquals", "aws:PrincipalTag/${aws:username}", "a"),
        when("StringEquals", "aws:PrincipalTag/username", "a"),
    ),
    Case(
        "VARIABLE_UNSUPPORTED_IN_VERSION",
        _document(Version="2008-10-17", Statement={**_PLAIN, **_home("${aws:username}")}),
        _document(Statement={**_PLAIN, **_home("${aws:username}")}),
    ),
    Case(
        "INVALID_VARIABLE_FOR_OPERATOR",
        when("Bool", "aws:SecureTransport", "${aws:SecureTransport}"),
        when("StringEquals", "aws:username", "${aws:userid}"),
    ),
)

_PASS, _LINK = "iam:PassRole", "iam:CreateServiceLinkedRole"
_TO: Final = when("StringEquals", "iam:PassedToService", "ec2.amazonaws.com")
_FOR: Final = when("StringEquals", "iam:AWSServiceName", "ecs.amazonaws.com")


def _handing(prefix: str, action: str, tamed: Mapping[str, Any]) -> tuple[Case, ...]:
    """The six shapes in which an action on roles is open; each is tamed by a condition or by naming a role."""
    star, not_star = {"Resource": "*"}, {"Resource": None, "NotResource": "arn:aws:iam::111122223333:role/admin"}
    beside = {"Action": None, "NotAction": "s3:*"}
    shapes: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
        "STAR_IN_RESOURCE": ({"Action": action, **star}, {"Action": action, "Resource": ROLE}),
        "STAR_IN_ACTION_AND_RESOURCE": ({"Action": "iam:*", **star}, {"Action": "iam:Get*", **star}),
        "STAR_IN_RESOURCE_AND_NOT_ACTION": ({**beside, **star}, {**beside, **star, "NotAction": "iam:*"}),
        "NOT_RESOURCE": ({"Action": action, **not_star}, {"Action": action, **not_star, **tamed}),
        "STAR_IN_ACTION_AND_NOT_RESOURCE": ({"Action": "iam:*", **not_star}, {"Action": "iam:List*", **not_star}),
        "NOT_ACTION_AND_NOT_RESOURCE": ({**beside, **not_star}, {**beside, **not_star, "Effect": "Deny"}),
    }
    return tuple(Case(f"{prefix}_WITH_{shape}", found, near) for shape, (found, near) in shapes.items())


_PASSING: Final = (
    *_handing("PASS_ROLE", _PASS, _TO),
    *_handing("CREATE_SLR", _LINK, _FOR),
    Case(
        "PASS_ROLE_WITH_STAR_IN_RESOURCE",
        {"Action": _PASS, "Resource": "arn:aws:iam::*:role/*"},
        {"Action": _PASS, "Resource": "arn:aws:iam::*:role/a*"},
        ('"iam:PassRole"', '"arn:aws:iam::*:role/*"'),
    ),
)

_LONG: Final = " " * 5200
_PEOPLE: Final = when("StringNotEquals", "aws:PrincipalOrgID", "o-abcdefghij")
_SOURCES: Final = when("StringNotEquals", "aws:SourceOrgID", "o-abcdefghij")


def _too(condition: Mapping[str, Any], operator: str, key: str, value: str) -> dict[str, Any]:
    return {"Condition": {**condition["Condition"], operator: {key: value}}}


_GUARDRAILS: Final = (
    Case("POLICY_SIZE_EXCEEDS_SCP_QUOTA", text_of({}, _SCP) + _LONG, text_of({}, _SCP), kind=_SCP),
    Case("POLICY_SIZE_EXCEEDS_RCP_QUOTA", text_of({}, _RCP) + _LONG, text_of({}, _RCP), kind=_RCP),
    Case("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", {"Sid": "a" * 6144}, text_of({}, _SCP) + " " * 6144),
    Case("POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", {"Sid": "a" * 2048}, {"Sid": "a" * 1024}, kind=_T),
    Case(
        "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA",
        {"Sid": "a" * 20_480},
        {"Sid": "a" * 10_240},
        kind=_R,
        resource_type=_BUCKET,
    ),
    Case("SCP_SYNTAX_ERROR_PRINCIPAL", {"Principal": "*"}, {}, ('"Principal"',), kind=_SCP),
    Case("RCP_SYNTAX_ERROR_PRINCIPAL", {"Principal": {"AWS": ROLE}}, {}, kind=_RCP),
    Case("RCP_SYNTAX_ERROR_ALLOW", {"Effect": "Allow"}, {}, ('"Allow"',), kind=_RCP),
    Case("RCP_SYNTAX_ERROR_NOTACTION", {"Action": None, "NotAction": "s3:*"}, {}, ('"NotAction"',), kind=_RCP),
    Case("RCP_SYNTAX_ERROR_ACTION", {"Action": "*"}, {"Action": "s3:*"}, ('"*"',), kind=_RCP),
    Case(
        "RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY",
        _PEOPLE,
        _too(_PEOPLE, "BoolIfExists", "aws:PrincipalIsAWSService", "false"),
        kind=_RCP,
    ),
    Case(
        "RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY",
        _SOURCES,
        _too(_SOURCES, "BoolIfExists", "aws:PrincipalIsAWSService", "true"),
        kind=_RCP,
    ),
    Case(
        "RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK",
        _SOURCES,
        _too(_SOURCES, "Null", "aws:SourceAccount", "false"),
        kind=_RCP,
    ),
)

_NEEDLESS: Final = (
    Case(
        "EQUIVALENT_TO_NULL_FALSE",
        when("StringLike", "aws:username", "*"),
        when("StringEquals", "aws:username", "*"),
        ('"*"',),
    ),
    Case(
        "EQUIVALENT_TO_NULL_TRUE", when("StringNotLike", "aws:username", "*"), when("StringLike", "aws:username", "*")
    ),
    Case(
        "REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION",
        when("StringLikeIfExists", "aws:username", "*"),
        when("StringLike", "aws:username", "*"),
    ),
    Case(
        "REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION",
        when("ForAnyValue:StringNotLike", "aws:TagKeys", "*"),
        when("ForAllValues:StringNotLike", "aws:TagKeys", "*"),
    ),
    Case(
        "REDUNDANT_ACTION",
        {"Action": ["s3:GetObject", "s3:get*", "s3:PutObject"]},
        {"Action": ["s3:GetObject", "s3:List*", "s3:PutObject"]},
        ('"s3:GetObject"',),
    ),
    Case("REDUNDANT_ACTION", {"Action": ["s3:Get*", "S3:get*"]}, {"Action": ["s3:Get*", "s3:*Object"]}, ('"S3:get*"',)),
    Case(
        "REDUNDANT_RESOURCE",
        {"Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::a/b"]},
        {"Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::a"]},
        ('"arn:aws:s3:::a/b"',),
    ),
    Case(
        "REDUNDANT_CONDITION_VALUE_NUM",
        when("NumericLessThan", "aws:MultiFactorAuthAge", 60, 3600),
        when("NumericEquals", "aws:MultiFactorAuthAge", 60, 3600),
    ),
    Case(
        "REDUNDANT_STATEMENT",
        [{"Action": "s3:Get*", "Resource": "*"}, {"Sid": "a"}],
        [{"Action": "s3:Get*", "Resource": "*", **when("Bool", "aws:SecureTransport", "true")}, {"Sid": "a"}],
    ),
    Case("REDUNDANT_STATEMENT", [{}, {}], [{}, {"Effect": "Deny"}]),
    Case(
        "REDUNDANT_STATEMENT",
        [{"Action": None, "NotAction": "iam:*"}, {}],
        [{"Action": None, "NotAction": "s3:*"}, {}],
    ),
)

_MORE: Final = (
    Case(
        "RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY",
        _too(_PEOPLE, "BoolIfExists", "aws:PrincipalIsAWSService", "true"),
        _too(_PEOPLE, "Bool", "aws:PrincipalIsAWSService", "false"),
        kind=_RCP,
    ),
    Case(
        "RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK",
        _too(_SOURCES, "StringEquals", "aws:SourceAccount", "false"),
        _too(_SOURCES, "Null", "aws:SourceArn", "false"),
        kind=_RCP,
    ),
    Case("WILDCARD_WITHOUT_LIKE_OPERATOR", when("StringEquals", "aws:username", "a?"), {}, ('"a?"',)),
    Case("INVALID_CONDITION_KEY_FORMAT", when("StringEquals", "aws:", "a"), {}, ('"aws:"',)),
    Case("INVALID_CONDITION_KEY_FORMAT", when("StringEquals", "a b:c", "a"), {}, ('"a b:c"',)),
    Case("INVALID_ACTION", {"Action": None, "NotAction": "s3:GetObjekt"}, {}, ('"s3:GetObjekt"',)),
    Case("INVALID_ARN_PREFIX", {"Resource": None, "NotResource": "a"}, {}, ('"a"',)),
    Case("INVALID_SERVICE_CONDITION_KEY", when("StringEquals", "identitycenter:x", "a"), {}),
    Case("PRIVATE_IP_ADDRESS", when("IpAddress", "aws:SourceIp", "::1"), {}),
    Case(
        "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        when("ForAnyValue:StringNotEquals", "aws:TagKeys", "b", Effect="Deny", Action="health:*"),
        {},
    ),
    Case("REDUNDANT_STATEMENT", [{"Action": "s*:*", "Resource": "*"}, {}], [{"Action": "?qs:*", "Resource": "*"}, {}]),
    Case("REDUNDANT_STATEMENT", [{"Action": "*", "Resource": "*"}, {"Action": None, "NotAction": "s3:*"}], [{}]),
    Case("REDUNDANT_STATEMENT", [{}, {}], [{}], kind=_T),
    Case("REDUNDANT_RESOURCE", {"Resource": ["arn:aws:s3:::a*", "arn:aws:s3:::a*b*"]}, {}, ('"arn:aws:s3:::a*b*"',)),
    Case("REDUNDANT_ACTION", {"Action": ["s3:GetObject*", "s3:Get*", "s3:Get*"]}, {}, ('"s3:GetObject*"', '"s3:Get*"')),
    Case("MISSING_QUALIFIER", when("StringNotEquals", "aws:CalledVia", "a.amazonaws.com"), {}),
    Case("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", {"Principal": {"Federated": "*.com"}}, {}, ('"*.com"',), kind=_T),
    Case(
        "INVALID_ROLE_REFERENCE",
        {"Effect": "Deny", "Principal": None, "NotPrincipal": {"AWS": "AROAEXAMPLEEXAMPLE"}},
        {},
        kind=_R,
    ),
    Case("DATA_TYPE_MISMATCH", _document(Id=1), {}, ("1",), kind=_R),
    Case("DATA_TYPE_MISMATCH", _document(Version=1), {}, ("1",)),
    Case("DATA_TYPE_MISMATCH", _document(Statement=1), {}, ("1",)),
    Case("DATA_TYPE_MISMATCH", _document(Statement=[1, {}]), {}, ("1",)),
    Case("DATA_TYPE_MISMATCH", {"Sid": 1}, {}, ("1",)),
    Case("DATA_TYPE_MISMATCH", {"Resource": 1}, {}, ("1",)),
    Case("DATA_TYPE_MISMATCH", {"Principal": {"AWS": 1}}, {}, ("1",), kind=_R),
    Case("DATA_TYPE_MISMATCH", {"Condition": 1}, {}, ("1",)),
    Case("DATA_TYPE_MISMATCH", {"Condition": {"Bool": 1}}, {}, ("1",)),
    Case("DATA_TYPE_MISMATCH", when("StringEquals", "aws:username", "a", {}), {}, ("{}",)),
    Case("VARIABLE_UNSUPPORTED_IN_ELEMENT", {"Effect": "${a:b}"}, {}, ('"${a:b}"',)),
    Case("VARIABLE_UNSUPPORTED_IN_ELEMENT", _document(Version="${a:b}"), {}, ('"${a:b}"',)),
    Case("VARIABLE_UNSUPPORTED_IN_ELEMENT", {"Principal": {"AWS": "${a:b}"}}, {}, ('"${a:b}"',), kind=_R),
    Case("INVALID_CONDITION_OPERATOR", {"Condition": {"ForSome:StringEquals": {}}}, {}, ('"ForSome:StringEquals"',)),
    Case("PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", {"Action": "*", "Resource": "arn:aws:*::111122223333:*"}, {}),
    Case("UNSUPPORTED_SPACE_IN_VARIABLE", when("StringEquals", "aws:username", "${a: b}"), {}, ("${a: b}",)),
)

_MORE_GUARDRAILS: Final = tuple(
    Case("RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK", _too(_SOURCES, operator, key, value), {}, kind=_RCP)
    for operator, key, value in (
        ("Null", "aws:username", "false"),
        ("Null", "aws:SourceAccount", "true"),
        ("Bool", "aws:SourceAccount", "false"),
    )
)

CASES: Final = (
    *_MORE,
    *_MORE_GUARDRAILS,
    Case(
        "RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY",
        _too(_PEOPLE, "Bool", "aws:SecureTransport", "false"),
        {},
        kind=_RCP,
    ),
    Case(
        "RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY",
        _too(_PEOPLE, "Null", "aws:PrincipalIsAWSService", "false"),
        {},
        kind=_RCP,
    ),
    *_GRAMMAR,
    *_ACTIONS,
    *_ARNS,
    *_PRINCIPALS,
    *_TRUST,
    *_KEYS,
    *_VALUES,
    *_VARIABLES,
    *_PASSING,
    *_GUARDRAILS,
    *_NEEDLESS,
)

# Codes that documents near to others still do not have.
QUIET: Final = (
    Quiet("WILDCARD_WITHOUT_LIKE_OPERATOR", when("ArnEquals", "aws:SourceArn", "arn:aws:sns:*:111122223333:a")),
    Quiet("WILDCARD_WITHOUT_LIKE_OPERATOR", when("StringLike", "aws:username", "a*")),
    Quiet("INVALID_SERVICE", when("StringEquals", "localhost/id:sub", "a")),
    Quiet("INVALID_SERVICE", {"Resource": "arn:aws:apigateway:eu-west-1::/restapis"}),
    Quiet("RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY", _PEOPLE),
    Quiet("RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY", {**_PEOPLE, "Effect": "Allow"}, _RCP),
    Quiet("RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK", _SOURCES),
    Quiet("RCP_SYNTAX_ERROR_ACTION", {"Action": "*"}, _SCP),
    Quiet("SCP_SYNTAX_ERROR_PRINCIPAL", {"Principal": "*"}, _RCP),
    Quiet("UNSUPPORTED_PRINCIPAL", {"Principal": "*"}, _SCP),
    Quiet("INVALID_ROLE_REFERENCE", {"Principal": {"AWS": "AROA"}}, _R),
    Quiet("INVALID_USER_REFERENCE", {"Principal": {"AWS": ROLE}}, _R),
    Quiet("INVALID_EFFECT", {"Effect": "${aws:username}"}),
    Quiet("INVALID_VERSION", _document(Version="${aws:username}")),
    Quiet("UNSUPPORTED_SID", {"Sid": "${aws:username}"}),
    Quiet("UNSUPPORTED_SID", {"Sid": "a b"}, _R),
    Quiet("INVALID_ACTION", {"Action": "s3:${aws:username}"}),
    Quiet("DATA_TYPE_MISMATCH", _document(Id="x"), _R),
    Quiet("DATA_TYPE_MISMATCH", when("NumericEquals", "aws:MultiFactorAuthAge", 1)),
    Quiet("UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", when("StringEquals", "aws:username", "a"), _R),
    Quiet(
        "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
        when("StringNotEquals", "aws:PrincipalOrgID", "o-abcdefghij", Principal=_SNS),
        _R,
    ),
    Quiet(
        "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
        when("StringEquals", "aws:PrincipalOrgID", "o-abcdefghij", Principal={**_SNS, "AWS": ROLE}),
        _R,
    ),
    Quiet("RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", {"Principal": _SNS}, _T),
    Quiet("RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", {"Principal": _SNS, "Effect": "Deny"}, _R),
    Quiet("RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", {"Principal": _SNS}, _R),
    Quiet("REDUNDANT_STATEMENT", [{"Principal": "*"}, {"Principal": {"AWS": ROLE}}], _R),
    Quiet("REDUNDANT_STATEMENT", [{"Action": "ec2:*", "Resource": "*"}, {}]),
    Quiet("REDUNDANT_STATEMENT", [{"Resource": "arn:aws:s3:::other/*"}, {}]),
    Quiet("REDUNDANT_STATEMENT", [{"Resource": None, "NotResource": "arn:aws:s3:::logs/*"}, {}]),
    Quiet("REDUNDANT_STATEMENT", [{"Action": "s3:*"}, {"Resource": None}]),
    Quiet("REDUNDANT_STATEMENT", [{}]),
    Quiet("REDUNDANT_ACTION", {"Action": "s3:*"}),
    Quiet("REDUNDANT_RESOURCE", {"Resource": ["arn:aws:s3:::a?", "arn:aws:s3:::a*b"]}),
    Quiet("REDUNDANT_CONDITION_VALUE_NUM", when("NumericLessThan", "aws:MultiFactorAuthAge", [60])),
    Quiet("EQUIVALENT_TO_NULL_FALSE", when("StringLike", "aws:username", "", "a*")),
    Quiet("EQUIVALENT_TO_NULL_FALSE", when("ArnLike", "aws:SourceArn", "*")),
    Quiet("MISMATCHED_ACTION_FOR_PRINCIPAL", {"Effect": "Deny", "Principal": {"Federated": SAML}}, _T),
    Quiet("MISMATCHED_ACTION_FOR_PRINCIPAL", {"Action": "sts:TagSession"}, _T),
    Quiet("MISMATCHED_ACTION_FOR_PRINCIPAL", {"Action": None, "NotAction": "sts:TagSession"}, _T),
    Quiet("MISMATCHED_ACTION_FOR_PRINCIPAL", {**_WEB, "Principal": {"Federated": "x"}}, _T),
    Quiet("MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", {**_WEB, "Effect": "Deny"}, _T),
    Quiet("MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", {"Principal": {"Federated": SAML}}, _T),
    Quiet("MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", _REPOSITORIES, _T),
    Quiet(
        "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
        when("StringNotLike", f"{_GITHUB_NAME}:sub", "a*", **_REPOSITORIES),
        _T,
    ),
    Quiet("MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY", {"Principal": _SNS}, _T),
    Quiet(
        "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY",
        {"Principal": {"AWS": [ROLE, "arn:aws:sts::111122223333:assumed-role/"]}},
        _T,
    ),
    Quiet("FORALLVALUES_WITH_SINGLE_VALUED_KEY", when("StringEquals", "aws:username", "a")),
    Quiet("FORALLVALUES_WITH_SINGLE_VALUED_KEY", when("ForAllValues:StringEquals", "aws:TagKeys", "a")),
    Quiet(
        "FORALLVALUES_WITH_SINGLE_VALUED_KEY",
        when("ForAllValues:StringEquals", "accounts.google.com:aud", "a", **_WEB),
        _T,
    ),
    Quiet("CONFIRM_AUDIENCE_CLAIM_TYPE", when("StringEquals", "saml:aud", "a"), _T),
    Quiet("CONFIRM_AUDIENCE_CLAIM_TYPE", when("StringEquals", "idp.example.com:aud", "a")),
    Quiet("MISSING_QUALIFIER", when("Null", "aws:TagKeys", "true")),
    Quiet("TYPE_MISMATCH", when("NumericLessThan", "aws:EpochTime", 7)),
    Quiet("TYPE_MISMATCH", when("StringEquals", "aws:SourceArn", "arn:aws:sns:eu-west-1:111122223333:a")),
    Quiet("STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS", when("StringLike", "aws:SourceArn", "arn:aws:sns:a:b:c")),
    Quiet("STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS", when("StringLike", "aws:username", "a*")),
    Quiet("UNTRUSTWORTHY_CONDITION_KEY", when("StringEquals", "aws:Referer", "a", Effect="Deny")),
    Quiet("INVALID_DATE_VALUE", when("DateLessThan", "aws:CurrentTime", "2030-01-31T00:00:00Z")),
    Quiet("TYPE_MISMATCH_DATE", when("DateLessThan", "aws:CurrentTime", "${aws:CurrentTime}")),
    Quiet("INVALID_REGION", when("StringLike", "aws:RequestedRegion", "eu-?est-*")),
    Quiet("INVALID_REGION", when("StringEquals", "aws:RequestedRegion", "${aws:PrincipalTag/region}")),
    Quiet("INVALID_CONDITION_MULTIPLE_BOOLEAN", when("Null", "aws:username", "true", "false")),
    Quiet("INVALID_CONDITION_KEY_FORMAT", when("StringEquals", "aws:PrincipalTag/a b", "a")),
    Quiet("INVALID_GLOBAL_CONDITION_KEY", when("StringEquals", "aws:PrincipalTag/a", "a")),
    Quiet("WILDCARD_USAGE_TOO_PERMISSIVE", when("StringLike", "aws:PrincipalOrgID", "*")),
    Quiet("WILDCARD_USAGE_TOO_PERMISSIVE", when("StringEquals", "aws:PrincipalOrgID", "o-*")),
    Quiet("WILDCARD_USAGE_TOO_PERMISSIVE", when("StringNotLike", "aws:PrincipalOrgID", "o-*")),
    Quiet("WILDCARD_USAGE_TOO_PERMISSIVE", when("StringLike", "aws:PrincipalTag/a", "o-*")),
    Quiet("VARIABLE_USAGE_TOO_PERMISSIVE", when("StringEquals", "aws:PrincipalTag/a", "${aws:PrincipalTag/b}")),
    Quiet("IMPROVE_IP_RANGE", when("IpAddress", "aws:SourceIp", "203.0.113.7")),
    Quiet("PRIVATE_IP_ADDRESS", when("IpAddress", "aws:SourceIp", "0.0.0.0/0", "fd00::/6")),
    Quiet("PRIVATE_IP_ADDRESS", when("IpAddress", "aws:SourceIp", "10.0.0.0/8", "203.0.113.0/24")),
    Quiet("VARIABLE_UNSUPPORTED_IN_ELEMENT", {"Sid": "a"}),
    Quiet("INVALID_VARIABLE_FOR_OPERATOR", when("Bool", "aws:SecureTransport", "true")),
    Quiet("INVALID_ARN_REGION", {"Resource": "arn:aws:sqs:eu-west-1:111122223333:a"}),
    Quiet("INVALID_ARN_ACCOUNT", {"Resource": "arn:aws:iam::aws:policy/a"}),
    Quiet("INVALID_ARN_ACCOUNT", {"Resource": "arn:aws:s3:::a"}),
    Quiet("INVALID_ARN_RESOURCE", {"Resource": "arn:aws:apigateway:eu-west-1::/v2/apis"}),
    Quiet("INVALID_ARN_RESOURCE", {"Resource": "arn:aws:profile:eu-west-1:111122223333:/templates"}),
    Quiet("ARN_REGION_NOT_ALLOWED", {"Resource": "arn:aws:iam:*:111122223333:role/a"}),
    Quiet("UNSUPPORTED_RESOURCE_ARN_IN_POLICY", {"Resource": "arn:aws:*:::a"}, _R, _BUCKET),
    Quiet("UNSUPPORTED_RESOURCE_ARN_IN_POLICY", {"Resource": "arn:aws:sns:eu-west-1:111122223333:a"}, _R),
    Quiet("MISSING_ACTION_FOR_CONDITION_KEY", {**_TO, "Action": "iam:PassRole", "Resource": ROLE}),
    Quiet("UNSUPPORTED_ACTION_FOR_CONDITION_KEY", when("StringEqualsIfExists", "s3:prefix", "a")),
    Quiet(
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
        when("StringEquals", "secretsmanager:ResourceTag/a", "b", Action="secretsmanager:GetSecretValue", Resource="*"),
    ),
    Quiet(
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
        when("StringEquals", "s3:prefix", "a", Action=["s3:GetObject", "s3:ListBucket"], Resource="*"),
    ),
    Quiet(
        "USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES",
        when("StringEquals", "s3:prefix", "a", Action="sqs:ListQueues"),
    ),
    Quiet(
        "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        when("StringEquals", "aws:ResourceTag/a", "b", Effect="Deny", Action="no-service:*"),
    ),
    Quiet(
        "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        when("StringEquals", "aws:ResourceTag/a", "b", Effect="Deny", Action=None, NotAction="*"),
    ),
    Quiet("PASS_ROLE_WITH_STAR_IN_RESOURCE", {**_TO, "Action": _PASS, "Resource": "*"}),
    Quiet("PASS_ROLE_WITH_STAR_IN_RESOURCE", {"Action": _PASS, "Resource": "*", "Effect": "Deny"}),
    Quiet("PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", {"Action": None, "NotAction": [], "Resource": "*"}),
    Quiet("CREATE_SLR_WITH_STAR_IN_RESOURCE", {**_FOR, "Action": _LINK, "Resource": "*"}),
    Quiet("ALLOW_WITH_NOT_PRINCIPAL", {"Principal": None, "NotPrincipal": {"AWS": ROLE}}, _T),
    Quiet("FEDERATED_PRINCIPAL_NOT_SUPPORTED", {**_WEB}, _T),
    Quiet("INVALID_PRINCIPAL_FORMAT", {"Principal": {"AWS": ["111122223333", "AROAEXAMPLEEXAMPLE"]}}, _R),
    Quiet("UNSUPPORTED_ELEMENT_COMBINATION", {"Principal": "*", "NotPrincipal": "*"}),
    Quiet("MISSING_PRINCIPAL", {}),
    Quiet("UNSUPPORTED_GLOBAL_CONDITION_KEY", when("ArnLike", "aws:ARN", ROLE)),
    Quiet("IRRELEVANT_CONDITION_KEY_IN_POLICY", when("StringEquals", "s3:ResourceAccount", "111122223333"), _R),
    Quiet("POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", {"Sid": "a" * 20_480}, _R),
    Quiet(
        "INVALID_SERVICE_PRINCIPAL_FORMAT", when("StringLike", "iam:PassedToService", "*.amazonaws.com", Action=_PASS)
    ),
    Quiet("PASS_ROLE_WITH_STAR_IN_RESOURCE", {"Action": ["iam:GetRole", "iam:*"], "Resource": "*"}),
    Quiet("PASS_ROLE_WITH_STAR_IN_RESOURCE", {"Action": _PASS, "Resource": "arn:aws:s3:::*"}),
    Quiet("PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", {"Action": "iam:Get*", "Resource": "*"}),
    Quiet("INVALID_CONDITION_OPERATOR", {"Condition": {"ForAllValues:StringLikeIfExists": {}}}),
    Quiet("NULL_WITH_QUALIFIER", {"Condition": {"ForSome:Null": {}}}),
    Quiet("NULL_WITH_QUALIFIER", {"Condition": {"ForAllValues:Nil": {}}}),
    Quiet("CONFIRM_AUDIENCE_CLAIM_TYPE", when("StringEquals", "idp.example.com:aud", "a", Effect="Deny", **_WEB), _T),
    Quiet("UNSUPPORTED_ACTION_FOR_CONDITION_KEY", when("StringEquals", "s3:prefix", "a", Action="sqs:ListQueues")),
    Quiet("UNSUPPORTED_ACTION_FOR_CONDITION_KEY", when("StringEquals", "s3:prefixx", "a")),
    Quiet(
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
        when("ArnLike", "ec2:SourceInstanceARN", "arn:aws:ec2:*:*:instance/*", Action="ec2:CreateImage"),
    ),
    Quiet("UNTRUSTWORTHY_CONDITION_KEY", when("StringEquals", "aws:username", "a")),
    Quiet("INVALID_ARN_REGION", {"Resource": "arn:aws:iam::111122223333:role/a"}),
    Quiet("INVALID_ARN_RESOURCE", {"Resource": "arn:aws:s?s:::a"}),
    Quiet("INVALID_ARN_ACCOUNT", {"Resource": "arn:aws:sqs:eu-west-1:11112222333?:a"}),
    Quiet("INVALID_PRINCIPAL_FORMAT", {"Principal": "*"}, _R),
    Quiet("INVALID_PRINCIPAL_FORMAT", {"Principal": {"CanonicalUser": "abc"}}, _R),
    Quiet("INVALID_PRINCIPAL_FORMAT", {"Principal": {"AWS": "arn:aws:iam::111122223333:role/*"}}, _R),
    Quiet("INVALID_SERVICE_PRINCIPAL_FORMAT", {"Principal": {"Service": "${a:b}"}}, _R),
    Quiet("INVALID_ROLE_REFERENCE", {"Principal": {"CanonicalUser": "AROAEXAMPLEEXAMPLE"}}, _R),
    Quiet("EMPTY_ARRAY_CONDITION", when("StringLik", "aws:username", [])),
    Quiet("MISSING_QUOTE_IN_VARIABLE", _home("${aws:username,'a'}")),
    Quiet(
        "INVALID_VARIABLE_FOR_OPERATOR",
        _document(Statement={**_PLAIN, **when("Bool", "a:b", "${a:b}")}, Version="2008-10-17"),
    ),
    Quiet("UNSUPPORTED_SPACE_IN_VARIABLE", _home("${aws:username}")),
    Quiet("UNSUPPORTED_SYMBOL_IN_VARIABLE", _home("${aws:PrincipalTag/a-b_c.d}")),
    Quiet("REDUNDANT_STATEMENT", [{"Action": "s3:*", "Condition": {"StringLik": {"aws:username": "a"}}}, {}]),
    Quiet("REDUNDANT_STATEMENT", [{"Action": []}, {}]),
    Quiet("REDUNDANT_STATEMENT", [{"Effect": None}, {"Effect": None}]),
    Quiet("REDUNDANT_STATEMENT", [{"Resource": []}, {}]),
    Quiet(
        "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        when("StringEquals", "aws:ResourceTag/a", "b", Effect="no"),
    ),
    Quiet("INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY", {**_WEB, "Principal": {"Federated": "*"}}, _T),
    Quiet("MISMATCHED_ACTION_FOR_PRINCIPAL", {"Action": []}, _T),
    Quiet("MISSING_GITHUB_REPO_CONDITION_KEY", {**_REPOSITORIES}, _R),
    Quiet(
        "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY",
        {"Principal": {"AWS": ["arn:aws:iam::111122223333:role/", "arn:aws:sts::111122223333:assumed-role//a"]}},
        _T,
    ),
    Quiet("MISSING_ACTION", {}),
    Quiet("MISSING_RESOURCE", {}, _T),
    Quiet("UNIQUE_SIDS_REQUIRED", [{"Sid": ""}, {"Sid": ""}]),
    Quiet("INVALID_DATE_VALUE", when("NumericEquals", "aws:MultiFactorAuthAge", "1")),
    Quiet("INVALID_VPC_FORMAT", when("ArnEquals", "aws:SourceVpc", "a")),
    Quiet("WILDCARD_USAGE_TOO_PERMISSIVE", when("Null", "aws:PrincipalOrgID", "o-*")),
    Quiet("WILDCARD_USAGE_TOO_PERMISSIVE", when("StringLike", "aws:username", "somebody-*")),
    Quiet("PRIVATE_IP_ADDRESS", when("IpAddress", "aws:SourceIp", "a00::1")),
    Quiet("PRIVATE_IP_ADDRESS", when("IpAddress", "aws:SourceIp", "10.0.0.0/7")),
)
