"""The AWS command line, pointed at the service by its environment alone, plays the whole story."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from staging.houses import ACCOUNT
from staging.wires import Cast, exchange_token_of

from workflows.credentialing import NewKey
from workflows.ids import AccessKeyId

AWS = Path(sys.executable).with_name("aws")


class Shell:
    """Runs `aws` as somebody, in an environment that holds nothing else."""

    def __init__(self, cast: Cast, folder: Path) -> None:
        self._cast, self._folder = cast, folder

    def run(self, key: NewKey, *words: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": str(self._folder),
            "PATH": "/usr/bin:/bin",
            "AWS_ENDPOINT_URL": self._cast.live.origin,
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
            "NO_PROXY": "127.0.0.1",
        }
        if token is not None:
            environment["AWS_SESSION_TOKEN"] = token
        command = [str(AWS), *words, "--output", "json"]
        return subprocess.run(command, env=environment, cwd=self._folder, capture_output=True, text=True, check=False)

    def call(self, name: str, *words: str) -> Any:
        """What a call of this person prints, once it has succeeded."""
        done = self.run(self._cast.key(name), *words)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout) if done.stdout.strip() else {}


@pytest.fixture
def shell(cast: Cast, tmp_path: Path) -> Shell:
    """The command line of everybody."""
    return Shell(cast, tmp_path)


def filed(shell: Shell, cast: Cast, workflow_id: str) -> str:
    parameter = {"Name": "bucketName", "Values": ["logs"], "Type": "string"}
    permissions: Mapping[str, object] = {"PolicyTemplateArn": cast.people.template_arn, "Parameters": [parameter]}
    answer = shell.call(
        "partner",
        *("iam", "create-delegation-request", "--owner-account-id", ACCOUNT, "--description", "Reads your logs"),
        *("--permissions", json.dumps(permissions), "--requestor-workflow-id", workflow_id),
        *("--notification-channel", cast.people.channel_arn, "--session-duration", "3600"),
    )
    return str(answer["DelegationRequestId"])


def test_the_command_line_asks_decides_releases_and_trades(shell: Shell, cast: Cast) -> None:
    request_id = filed(shell, cast, "wf-cli-1")
    about = ("--delegation-request-id", request_id)
    assert shell.call("owner", "iam", "associate-delegation-request", *about) == {}
    assert shell.call("owner", "iam", "update-delegation-request", *about, "--notes", "please check") == {}
    got = shell.call("approver", "iam", "get-delegation-request", *about, "--delegation-permission-check")
    assert (got["DelegationRequest"]["State"], got["PermissionCheckResult"]) == ("PENDING_APPROVAL", "ALLOWED")
    assert got["DelegationRequest"]["Notes"] == "please check"
    arn = f"arn:aws:iam::{ACCOUNT}:delegation-request/{request_id}"
    told = shell.call("approver", "iam", "get-human-readable-summary", "--entity-arn", arn, "--locale", "en")
    assert (told["SummaryState"], told["Locale"]) == ("AVAILABLE", "en")
    assert shell.call("approver", "iam", "accept-delegation-request", *about) == {}
    assert shell.call("owner", "iam", "send-delegation-token", *about) == {}
    listed = shell.call("owner", "iam", "list-delegation-requests", "--max-items", "5")
    assert [one["State"] for one in listed["DelegationRequests"]] == ["FINALIZED"]
    token = exchange_token_of(cast.live.ports, request_id)
    traded = shell.call("partner", "sts", "get-delegated-access-token", "--trade-in-token", token)
    assert traded["AssumedPrincipal"] == cast.people.approver.arn
    lent = traded["Credentials"]
    key = NewKey(AccessKeyId(lent["AccessKeyId"]), lent["SecretAccessKey"])
    identity = shell.run(key, "sts", "get-caller-identity", token=lent["SessionToken"])
    assert json.loads(identity.stdout)["Arn"] == cast.people.approver.arn


def test_the_command_line_rejects_and_shows_refusals_by_their_code(shell: Shell, cast: Cast) -> None:
    request_id = filed(shell, cast, "wf-cli-2")
    cast.iam("owner").associate_delegation_request(DelegationRequestId=request_id)
    about = ("--delegation-request-id", request_id)
    refused = shell.run(cast.key("owner"), "iam", "accept-delegation-request", *about)
    assert refused.returncode != 0
    assert "(AccessDenied)" in refused.stderr
    assert shell.call("owner", "iam", "reject-delegation-request", *about, "--notes", "not now") == {}
    shown = cast.iam("owner").get_delegation_request(DelegationRequestId=request_id)["DelegationRequest"]
    assert (shown["State"], shown["RejectionReason"]) == ("REJECTED", "not now")


def test_the_command_line_simulates_a_policy(shell: Shell) -> None:
    # The policy, the question and the answer of AWS's own example, but for the column of the opening brace.
    document = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*",'
        '"Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
    )
    asked = (
        "iam",
        "simulate-custom-policy",
        "--policy-input-list",
        document,
        "--action-names",
        "dynamodb:CreateBackup",
    )
    when = "ContextKeyName=aws:CurrentTime,ContextKeyValues={}T11:00:00Z,ContextKeyType=date"
    (allowed,) = shell.call("approver", *asked, "--context-entries", when.format("2019-04-25"))["EvaluationResults"]
    assert allowed["EvalDecision"] == "allowed"
    assert allowed["MatchedStatements"] == [
        {
            "SourcePolicyId": "PolicyInputList.1",
            "SourcePolicyType": "none",
            "StartPosition": {"Line": 1, "Column": 37},
            "EndPosition": {"Line": 1, "Column": 167},
        }
    ]
    (denied,) = shell.call("approver", *asked, "--context-entries", when.format("2014-04-25"))["EvaluationResults"]
    assert (denied["EvalDecision"], denied["MatchedStatements"]) == ("implicitDeny", [])
