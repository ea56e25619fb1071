"""The policy simulator through an unmodified boto3: every member of its answers, its pages, limits and refusals."""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from botocore.exceptions import ClientError
from staging.clocks import StillClock
from staging.houses import ACCOUNT, OPERATOR, OTHER_ACCOUNT
from staging.wires import Cast, error_of, form_of, key_of, minted, nothing_written, send, signed

from service.aws import gateway
from workflows import onboarding
from workflows.onboarding import PolicyChoice
from workflows.records.account import Principal
from workflows.records.audit import AuditEntry

OBJECT = "arn:aws:s3:::logs/a"
CALLER = f"arn:aws:iam::{ACCOUNT}:user/ann"
READS = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
NO_DELETING = {"Sid": "Keep", "Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}
TAGGED = {**READS, "Action": "s3:Put*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "${aws:username}"}}}
SPREAD = json.dumps({"Version": "2012-10-17", "Statement": [READS, NO_DELETING, TAGGED]}, indent=2)
SIMULATIONS = ("SimulateCustomPolicy", "SimulatePrincipalPolicy")


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def custom(cast: Cast, *policies: str, name: str = "approver", **more: Any) -> list[dict[str, Any]]:
    given = {"PolicyInputList": list(policies), "ActionNames": ["s3:GetObject"], **more}
    results: list[dict[str, Any]] = cast.iam(name).simulate_custom_policy(**given)["EvaluationResults"]
    return results


def live(cast: Cast, who: Principal, *actions: str, name: str = "approver", **more: Any) -> list[dict[str, Any]]:
    given = {"PolicySourceArn": who.arn, "ActionNames": list(actions), **more}
    results: list[dict[str, Any]] = cast.iam(name).simulate_principal_policy(**given)["EvaluationResults"]
    return results


def cut(text: str, match: Mapping[str, Any]) -> Any:
    """The JSON that stands in a text between the two positions of a matched statement."""
    lines = text.split("\n")
    start, end = match["StartPosition"], match["EndPosition"]
    first, last = start["Line"] - 1, end["Line"] - 1
    lines[last] = lines[last][: end["Column"] - 1]
    lines[first] = lines[first][start["Column"] - 1 :]
    return json.loads("\n".join(lines[first : last + 1]))


def refused(call: Callable[[], object], kind: str, code: str, status: int) -> str:
    """The message of a refusal, once its class, code and status are as they must be."""
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    assert (type(caught.value).__name__, answer["Error"]["Code"]) == (kind, code)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    return str(answer["Error"]["Message"])


def wrong(call: Callable[[], object]) -> str:
    return refused(call, "InvalidInputException", "InvalidInput", 400)


# --- answers -----------------------------------------------------------------------------------------------


def test_an_allowed_denied_and_unmentioned_action_are_answered_in_full(cast: Cast) -> None:
    actions = ["s3:GetObject", "s3:DeleteObject", "s3:PutObject", "ec2:RunInstances"]
    approver = cast.iam("approver")
    with nothing_written(cast.live, audited=False):
        answer = approver.simulate_custom_policy(PolicyInputList=[SPREAD], ActionNames=actions)
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    allowed, denied, tagged, other = answer.pop("EvaluationResults")
    assert answer == {"IsTruncated": False}
    source = {"SourcePolicyId": "PolicyInputList.1", "SourcePolicyType": "none"}
    assert allowed == {
        "EvalActionName": "s3:GetObject",
        "EvalResourceName": "*",
        "EvalDecision": "allowed",
        "MatchedStatements": [
            {**source, "StartPosition": {"Line": 4, "Column": 5}, "EndPosition": {"Line": 8, "Column": 6}}
        ],
        "MissingContextValues": [],
    }
    (keep,) = denied.pop("MatchedStatements")
    assert cut(SPREAD, keep) == NO_DELETING
    assert denied == {
        "EvalActionName": "s3:DeleteObject",
        "EvalResourceName": "*",
        "EvalDecision": "explicitDeny",
        "MissingContextValues": [],
    }
    assert (tagged["EvalDecision"], tagged["MatchedStatements"]) == ("implicitDeny", [])
    assert tagged["MissingContextValues"] == ["aws:PrincipalTag/team", "aws:username"]
    assert (other["EvalDecision"], other["MatchedStatements"]) == ("implicitDeny", [])
    assert other["MissingContextValues"] == []


def test_every_action_is_crossed_with_every_resource_and_each_has_its_own_result(cast: Cast) -> None:
    one = {**READS, "Resource": OBJECT}
    deny = {**NO_DELETING, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/secret"}
    resources = [OBJECT, "arn:aws:s3:::logs/secret", "arn:aws:s3:::other/*", "*"]
    results = custom(
        cast, policy(one), policy(deny), ActionNames=["s3:GetObject", "s3:GetBucketAcl"], ResourceArns=resources
    )
    assert [(each["EvalActionName"], each["EvalResourceName"], each["EvalDecision"]) for each in results] == [
        ("s3:GetObject", OBJECT, "allowed"),
        ("s3:GetObject", "arn:aws:s3:::logs/secret", "explicitDeny"),
        ("s3:GetObject", "arn:aws:s3:::other/*", "implicitDeny"),
        ("s3:GetObject", "*", "implicitDeny"),
        ("s3:GetBucketAcl", OBJECT, "allowed"),
        ("s3:GetBucketAcl", "arn:aws:s3:::logs/secret", "implicitDeny"),
        ("s3:GetBucketAcl", "arn:aws:s3:::other/*", "implicitDeny"),
        ("s3:GetBucketAcl", "*", "implicitDeny"),
    ]
    for each in results:
        if each["EvalResourceName"] == "*":
            assert not {"ResourceSpecificResults", "EvalDecisionDetails"} & each.keys()
        else:
            assert each["EvalDecisionDetails"] == {}
            assert each["ResourceSpecificResults"] == [
                {
                    "EvalResourceName": each["EvalResourceName"],
                    "EvalResourceDecision": each["EvalDecision"],
                    "MatchedStatements": each["MatchedStatements"],
                    "MissingContextValues": [],
                }
            ]
    assert [match["SourcePolicyId"] for match in results[1]["MatchedStatements"]] == ["PolicyInputList.2"]


def test_matched_statements_are_found_at_their_positions_in_their_documents(cast: Cast) -> None:
    documents = {
        "PolicyInputList.1": json.dumps({"Statement": READS}),
        "PolicyInputList.2": SPREAD,
        "PolicyInputList.3": SPREAD.replace("\n", "\r\n").replace("s3:Get*", "*"),
    }
    (result,) = custom(cast, *documents.values())
    matches = result["MatchedStatements"]
    assert [match["SourcePolicyId"] for match in matches] == list(documents)
    assert [cut(documents[match["SourcePolicyId"]], match) for match in matches] == [
        READS,
        READS,
        {**READS, "Action": "*"},
    ]


def test_boundary_and_organisation_say_whether_they_allow_where_they_are_given(cast: Cast) -> None:
    other = policy({**READS, "Action": "ec2:*"})
    reads = policy(READS)

    def told(**more: Any) -> tuple[str, object, object]:
        (each,) = custom(cast, reads, ResourceArns=[OBJECT], **more)
        (specific,) = each["ResourceSpecificResults"]
        boundary = each.get("PermissionsBoundaryDecisionDetail")
        assert specific.get("PermissionsBoundaryDecisionDetail") == boundary
        return each["EvalDecision"], boundary, each.get("OrganizationsDecisionDetail")

    def level(*documents: str) -> dict[str, Any]:
        return {"ServiceControlPolicyInputList": list(documents)}

    assert told() == ("allowed", None, None)
    held, free = {"AllowedByPermissionsBoundary": False}, {"AllowedByPermissionsBoundary": True}
    assert told(PermissionsBoundaryPolicyInputList=[other]) == ("implicitDeny", held, None)
    assert told(PermissionsBoundaryPolicyInputList=[reads]) == ("allowed", free, None)
    no, yes = {"AllowedByOrganizations": False}, {"AllowedByOrganizations": True}
    assert told(OrderedOrganizationPolicyInputList=[level(reads), level(other, reads)]) == ("allowed", None, yes)
    assert told(OrderedOrganizationPolicyInputList=[level(reads), level(other)]) == ("implicitDeny", None, no)
    assert told(OrderedOrganizationPolicyInputList=[level(reads), level()]) == ("implicitDeny", None, no)


def test_condition_keys_are_taken_by_their_types(cast: Cast) -> None:
    condition = {
        "StringEquals": {"aws:PrincipalTag/team": "red"},
        "NumericLessThan": {"s3:max-keys": "10"},
        "Bool": {"aws:SecureTransport": "true"},
        "IpAddress": {"aws:SourceIp": "192.0.2.0/24"},
        "BinaryEquals": {"key:Blob": "QUJD"},
        "DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]},
    }
    given = {
        "aws:PrincipalTag/team": ("string", ["red"]),
        "s3:max-keys": ("numeric", ["9.5"]),
        "aws:SecureTransport": ("boolean", ["true"]),
        "aws:SourceIp": ("ip", ["192.0.2.7"]),
        "key:Blob": ("binary", ["QUJD"]),
        "aws:CurrentTime": ("date", ["2025-12-31"]),
        "aws:TagKeys": ("stringList", ["a", "b"]),
    }
    document = policy({**READS, "Condition": condition})

    def told(**changed: tuple[str, list[str]]) -> tuple[str, list[str]]:
        entries = [
            {"ContextKeyName": name, "ContextKeyType": kind, "ContextKeyValues": values}
            for name, (kind, values) in {**given, **changed}.items()
            if values
        ]
        (each,) = custom(cast, document, ContextEntries=entries)
        return each["EvalDecision"], each["MissingContextValues"]

    assert told() == ("allowed", [])
    assert told(**{"s3:max-keys": ("numeric", ["11"])}) == ("implicitDeny", [])
    assert told(**{"aws:TagKeys": ("stringList", ["a", "c"])}) == ("implicitDeny", [])
    assert told(**{"key:Blob": ("binary", [])}) == ("implicitDeny", ["key:Blob"])


def test_a_resource_policy_speaks_to_the_caller_and_across_accounts_both_sides_speak(cast: Cast) -> None:
    to_caller = policy({**READS, "Principal": {"AWS": CALLER}})
    on_object: dict[str, Any] = {"ResourcePolicy": to_caller, "CallerArn": CALLER, "ResourceArns": [OBJECT]}
    (home,) = custom(cast, **on_object)
    (match,) = home["MatchedStatements"]
    assert (home["EvalDecision"], match["SourcePolicyId"], match["SourcePolicyType"]) == (
        "allowed",
        "ResourcePolicy",
        "resource",
    )
    assert cut(to_caller, match)["Principal"] == {"AWS": CALLER}
    abroad: dict[str, Any] = {**on_object, "ResourceOwner": f"arn:aws:iam::{OTHER_ACCOUNT}:root"}
    (one_side,) = custom(cast, **abroad)
    details = {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}
    assert (one_side["EvalDecision"], one_side["EvalDecisionDetails"]) == ("implicitDeny", details)
    assert one_side["ResourceSpecificResults"][0]["EvalDecisionDetails"] == details
    (both,) = custom(cast, policy(READS), **abroad)
    assert (both["EvalDecision"], both["EvalDecisionDetails"]["IAM Policy"]) == ("allowed", "allowed")
    assert len(both["MatchedStatements"]) == 2
    statement = {"Effect": "Allow", "Principal": {"AWS": CALLER}, "Action": "sts:AssumeRole"}
    role: dict[str, Any] = {"ActionNames": ["sts:AssumeRole"], "ResourceArns": [f"arn:aws:iam::{ACCOUNT}:role/deploy"]}
    (trusted,) = custom(cast, **{**on_object, **role, "ResourcePolicy": policy(statement)})
    assert trusted["EvalDecision"] == "allowed"


# --- of principals -----------------------------------------------------------------------------------------


def settled(cast: Cast) -> Principal:
    """A user with an inline policy, a boundary and a guardrail above."""
    ports = cast.live.ports
    boundary = policy({**READS, "Action": "s3:*"})
    choices = [PolicyChoice("files", SPREAD), PolicyChoice("DelegationAuditor")]
    document = policy({**NO_DELETING, "Action": "s3:GetBucketAcl"})
    onboarding.put_guardrail(ports, OPERATOR, account_id=ACCOUNT, name="no-acl", document=document)
    return onboarding.create_user(ports, OPERATOR, account_id=ACCOUNT, name="ann", policies=choices, boundary=boundary)


def test_a_principals_live_policies_answer_with_its_boundary_and_its_accounts_guardrails(cast: Cast) -> None:
    ann = settled(cast)
    actions = ("s3:GetObject", "s3:GetBucketAcl", "iam:ListDelegationRequests", "s3:DeleteObject", "s3:PutObject")
    cast.key("approver")
    with nothing_written(cast.live, audited=False):
        reads, acl, lists, deletes, puts = live(cast, ann, *actions)
    held, free = {"AllowedByPermissionsBoundary": False}, {"AllowedByPermissionsBoundary": True}
    no, yes = {"AllowedByOrganizations": False}, {"AllowedByOrganizations": True}
    assert [
        (one["EvalDecision"], one["PermissionsBoundaryDecisionDetail"], one["OrganizationsDecisionDetail"])
        for one in (reads, acl, lists, deletes, puts)
    ] == [
        ("allowed", free, yes),
        ("explicitDeny", free, no),
        ("implicitDeny", held, yes),
        ("explicitDeny", free, yes),
        ("implicitDeny", free, yes),
    ]
    (match,) = reads["MatchedStatements"]
    assert (match["SourcePolicyId"], match["SourcePolicyType"]) == ("files", "user")
    assert cut(SPREAD, match) == READS
    assert acl["MatchedStatements"] == []
    # The user's name is known, its tags are not.
    assert puts["MissingContextValues"] == ["aws:PrincipalTag/team"]
    tag = {"ContextKeyName": "aws:PrincipalTag/team", "ContextKeyType": "string", "ContextKeyValues": ["ann"]}
    (tagged,) = live(cast, ann, "s3:PutObject", ContextEntries=[tag])
    assert tagged["EvalDecision"] == "allowed"


def test_what_is_attached_can_be_left_out_replaced_and_added_to(cast: Cast) -> None:
    ann = settled(cast)

    def told(action: str, *exclusions: dict[str, Any], **more: Any) -> str:
        (one,) = live(cast, ann, action, PolicyExclusionList=list(exclusions), **more)
        return str(one["EvalDecision"])

    auditors = "iam:ListDelegationRequests"
    boundary, guardrails = {"PolicyType": "permission-boundary"}, {"PolicyType": "scp"}
    assert told(auditors) == "implicitDeny"
    assert told(auditors, boundary) == "allowed"
    assert told(auditors, boundary, {"PolicyArn": "arn:aws:iam::aws:policy/Delegation*"}) == "implicitDeny"
    assert told(auditors, PermissionsBoundaryPolicyInputList=[policy({**READS, "Action": "*"})]) == "allowed"
    assert told("s3:GetBucketAcl", guardrails) == "allowed"
    inline = {"PolicyName": "files", "AttachmentType": "user", "AttachmentName": "ann"}
    assert told("s3:GetBucketAcl", guardrails, {"InlinePolicyIdentifier": inline}) == "implicitDeny"
    assert told("s3:GetObject", {"PolicyType": "inline"}) == "implicitDeny"
    assert told("s3:GetObject", {"PolicyType": "inline"}, PolicyInputList=[policy(READS)]) == "allowed"
    assert told("s3:GetObject", *[{"PolicyType": "rcp"}] * 256) == "allowed"
    refused(lambda: told("s3:GetObject", *[{"PolicyType": "rcp"}] * 257), "ClientError", "ValidationError", 400)
    assert "PolicyExclusionList.member.1" in wrong(
        lambda: told("s3:GetObject", {"PolicyArn": "arn:aws:iam::*:policy/*"})
    )


def test_context_keys_are_told_once_as_written_and_sorted(cast: Cast) -> None:
    shouted = policy(
        {**READS, "Condition": {"Bool": {"AWS:PRINCIPALTAG/TEAM": "true", "aws:MultiFactorAuthPresent": "true"}}}
    )
    approver = cast.iam("approver")
    names = approver.get_context_keys_for_custom_policy(PolicyInputList=[SPREAD, shouted])["ContextKeyNames"]
    assert names == ["aws:MultiFactorAuthPresent", "aws:PrincipalTag/team", "aws:username"]
    assert approver.get_context_keys_for_custom_policy(PolicyInputList=[policy(READS)])["ContextKeyNames"] == []
    ann = settled(cast)
    of_ann = approver.get_context_keys_for_principal_policy
    assert of_ann(PolicySourceArn=ann.arn)["ContextKeyNames"] == ["aws:PrincipalTag/team", "aws:username"]
    assert of_ann(PolicySourceArn=ann.arn, PolicyInputList=[shouted])["ContextKeyNames"] == names


# --- pages -------------------------------------------------------------------------------------------------


def question(**more: Any) -> dict[str, Any]:
    resources = [f"{OBJECT}{number}" for number in range(3)]
    actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    return {"PolicyInputList": [SPREAD], "ActionNames": actions, "ResourceArns": resources, **more}


@pytest.mark.parametrize("size", [1, 2, 4, 9, 1000])
def test_pages_of_any_size_make_up_the_whole_answer(cast: Cast, size: int) -> None:
    approver = cast.iam("approver")
    whole = approver.simulate_custom_policy(**question())["EvaluationResults"]
    paginator = approver.get_paginator("simulate_custom_policy")
    pages = list(paginator.paginate(**question(), PaginationConfig={"PageSize": size}))
    sizes = [len(page["EvaluationResults"]) for page in pages]
    assert sizes == [size] * (9 // size) + ([9 % size] if 9 % size else [])
    assert [page["IsTruncated"] for page in pages] == [True] * (len(pages) - 1) + [False]
    assert ["Marker" in page for page in pages] == [page["IsTruncated"] for page in pages]
    assert [one for page in pages for one in page["EvaluationResults"]] == whole


def test_a_principals_simulation_is_paged_likewise_and_a_page_has_a_hundred_results_by_itself(cast: Cast) -> None:
    approver = cast.iam("approver")
    given = {
        "PolicySourceArn": cast.people.owner.arn,
        "ActionNames": ["s3:GetObject", "s3:PutObject"],
        "ResourceArns": [f"{OBJECT}{number}" for number in range(75)],
    }
    pages = list(approver.get_paginator("simulate_principal_policy").paginate(**given))
    assert [len(page["EvaluationResults"]) for page in pages] == [100, 50]
    names = [(one["EvalActionName"], one["EvalResourceName"]) for page in pages for one in page["EvaluationResults"]]
    assert len(set(names)) == 150


def test_a_marker_is_good_for_its_very_question_and_caller_and_for_a_day(cast: Cast, still: StillClock) -> None:
    approver, root = cast.iam("approver"), cast.iam("root")
    marker = approver.simulate_custom_policy(**question(MaxItems=4))["Marker"]
    again = approver.simulate_custom_policy(**question(MaxItems=2, Marker=marker))["EvaluationResults"]
    assert again == approver.simulate_custom_policy(**question())["EvaluationResults"][4:6]
    source = {**question(), "PolicySourceArn": cast.people.owner.arn}
    for call in (
        lambda: root.simulate_custom_policy(**question(Marker=marker)),
        lambda: approver.simulate_custom_policy(**question(Marker=marker, ActionNames=["s3:GetObject"] * 3)),
        lambda: approver.simulate_custom_policy(**question(Marker=marker, PolicyInputList=[SPREAD + " "])),
        lambda: approver.simulate_custom_policy(**question(Marker=marker, CallerArn=CALLER)),
        lambda: approver.simulate_principal_policy(**source, Marker=marker),
        lambda: approver.simulate_custom_policy(**question(Marker="A" + marker[1:])),
        lambda: approver.simulate_custom_policy(**question(Marker="no marker")),
    ):
        assert "Marker" in wrong(call)
    still.advance(hours=24)
    form = {"Marker": marker, "PolicyInputList.member.1": SPREAD, "ActionNames.member.1": "s3:GetObject"}
    late = send(signed(cast.live.origin, cast.key("approver"), form_of(SIMULATIONS[0], **form), at=still.now()))
    assert error_of(late)[:2] == (400, "InvalidInput")


# --- who may ask -------------------------------------------------------------------------------------------


def asked(cast: Cast, who: str) -> dict[str, dict[str, Any]]:
    """Every operation with its least input."""
    reads = [policy(READS)]
    return {
        "simulate_custom_policy": {"PolicyInputList": reads, "ActionNames": ["s3:GetObject"]},
        "get_context_keys_for_custom_policy": {"PolicyInputList": reads},
        "simulate_principal_policy": {"PolicySourceArn": who, "ActionNames": ["s3:GetObject"]},
        "get_context_keys_for_principal_policy": {"PolicySourceArn": who},
    }


def test_only_who_has_the_permission_may_ask_and_an_auditor_has(cast: Cast) -> None:
    ports = cast.live.ports
    auditor = onboarding.create_user(
        ports, OPERATOR, account_id=ACCOUNT, name="auditor", policies=[PolicyChoice("DelegationAuditor")]
    )
    narrow = policy({"Effect": "Allow", "Action": "iam:*", "Resource": cast.people.owner.arn})
    limited = onboarding.create_user(
        ports, OPERATOR, account_id=ACCOUNT, name="limited", policies=[PolicyChoice("one", narrow)]
    )
    session = minted(ports, cast.people, "wf-00001")
    clients = {
        "auditor": cast.live.boto("iam", cast.key_of(auditor)),
        "limited": cast.live.boto("iam", cast.key_of(limited)),
        "session": cast.live.boto("iam", key_of(session), session.session_token),
        **{name: cast.iam(name) for name in ("root", "bystander", "owner", "partner")},
    }
    every = list(asked(cast, ""))
    allowed = {"auditor": every, "root": every, "limited": every[2:]}
    for name, client in clients.items():
        for operation, given in asked(cast, cast.people.owner.arn).items():
            act = partial(getattr(client, operation), **given)
            if operation in allowed.get(name, ()):
                assert act()
            else:
                assert f"iam:{operation.title().replace('_', '')}" in refused(act, "ClientError", "AccessDenied", 403)


def test_a_foreign_principal_is_as_unknown_as_none_and_the_refusal_is_audited(cast: Cast) -> None:
    strangers = cast.people.stranger.arn
    messages = set()
    nobody = f"arn:aws:iam::{ACCOUNT}:user/nobody"
    foreign = (strangers, f"arn:aws:iam::{OTHER_ACCOUNT}:user/nobody", cast.people.partner.arn)
    for arn in (nobody, f"arn:aws:iam::{ACCOUNT}:role/deploy", *foreign):
        for operation, given in list(asked(cast, arn).items())[2:]:
            act = partial(getattr(cast.iam("approver"), operation), **given)
            message = refused(act, "NoSuchEntityException", "NoSuchEntity", 404)
            messages.add(message.replace(arn, "ARN"))
    assert len(messages) == 1
    entries = cast.live.ports.store.read(lambda tx: tx.find(AuditEntry, chain=ACCOUNT))
    assert sum(strangers in repr(entry) for entry in entries) == 2
    for arn in ("arn:aws:s3:::a-bucket", "arn:aws:sts::111122223333:assumed-role/a/b", "somebody of this account"):
        given = asked(cast, arn)["simulate_principal_policy"]
        assert "PolicySourceArn" in wrong(partial(cast.iam("approver").simulate_principal_policy, **given))


# --- what is wrong -----------------------------------------------------------------------------------------

BROKEN = '{"Version":"2012-10-17","Statement":[{"Effect":"Permit","Action":"*","Resource":"*"}]}'


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"PolicyInputList": [SPREAD, BROKEN]}, "`PolicyInputList.2` at $.Statement[0].Effect"),
        ({"PolicyInputList": ["not json"]}, "`PolicyInputList.1` at $ is not JSON"),
        ({"PolicyInputList": [policy({**READS, "Principal": "*"})]}, "`PolicyInputList.1` at $.Statement[0].Principal"),
        ({"PermissionsBoundaryPolicyInputList": [BROKEN]}, "`PermissionsBoundaryPolicyInputList.1` at $.Statement[0]"),
        (
            {"OrderedOrganizationPolicyInputList": [{"ServiceControlPolicyInputList": [SPREAD, BROKEN]}]},
            "`OrderedOrganizationPolicyInputList.1.ServiceControlPolicyInputList.2` at $.Statement[0].Effect",
        ),
        ({"ResourcePolicy": SPREAD, "CallerArn": CALLER}, "`ResourcePolicy` at $.Statement[0].Principal"),
        ({"ResourcePolicy": policy({**READS, "Principal": "*"})}, "`CallerArn` is required"),
        ({"CallerArn": f"arn:aws:iam::{ACCOUNT}:role/deploy"}, "`CallerArn`"),
        ({"CallerArn": f"arn:aws:iam::{ACCOUNT}:root"}, "`CallerArn`"),
        ({"CallerArn": "ann"}, "`CallerArn`"),
        ({"ResourceOwner": CALLER}, "`ResourceOwner`"),
        ({"ResourceOwner": "1234"}, "`ResourceOwner`"),
        ({"ActionNames": ["s3:Get*"]}, "`ActionNames.member.1`"),
        ({"ActionNames": ["s3:GetObject", "GetObject"]}, "`ActionNames.member.2`"),
        ({"ActionNames": []}, "`ActionNames` is empty"),
        ({"ResourceArns": [OBJECT, "logs"]}, "`ResourceArns.member.2`"),
        ({"ResourceArns": [f"{OBJECT}{n}" for n in range(100)], "ActionNames": ["s3:GetObject"] * 6}, "600 questions"),
        ({"PermissionsBoundaryPolicyInputList": [SPREAD, SPREAD]}, "at most one boundary"),
        ({"ResourceHandlingOption": "EC2-Sideways"}, "`ResourceHandlingOption`"),
        ({"ResourceHandlingOption": "EC2-VPC-EBS"}, "instance, image, security-group, network-interface, volume"),
        (
            {"ContextEntries": [{"ContextKeyName": "aws:SourceIp", "ContextKeyType": "ip", "ContextKeyValues": ["x"]}]},
            "`ContextEntries.member.1.ContextKeyValues.member.1` is not of the type ip",
        ),
        ({"ContextEntries": [{"ContextKeyName": "aws:SourceIp"}]}, "`ContextEntries.member.1` is incomplete"),
    ],
)
def test_an_input_that_cannot_be_used_is_named_with_its_place(cast: Cast, given: dict[str, Any], told: str) -> None:
    cast.key("approver")
    with nothing_written(cast.live):
        assert told in wrong(lambda: custom(cast, **{"PolicyInputList": [SPREAD], **given}))


def test_a_scenario_with_all_its_resources_is_simulated(cast: Cast) -> None:
    kinds = ("instance/i-1", "image/ami-1", "security-group/sg-1", "network-interface/eni-1")
    arns = [f"arn:aws:ec2:eu-west-1:{ACCOUNT}:{kind}" for kind in kinds]
    run = policy({"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": arns[:3]})
    more: dict[str, Any] = {
        "ResourceArns": arns,
        "ResourceHandlingOption": "EC2-VPC-InstanceStore",
        "ActionNames": ["ec2:RunInstances"],
    }
    assert [one["EvalDecision"] for one in custom(cast, run, **more)] == ["allowed"] * 3 + ["implicitDeny"]
    more["ResourceArns"] = [arns[0].replace(":ec2:", ":rds:"), *arns[1:]]
    assert "an EC2 ARN of instance" in wrong(lambda: custom(cast, run, **more))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ActionNames.member.1", "s3"),
        ("ActionNames.member.1", "s3:" + "x" * 126),
        ("ResourceArns.member.1", "a" * 2049),
        ("ResourceArns.member.101", OBJECT),
        ("PolicyInputList.member.1", ""),
        ("PolicyInputList.member.1", "x" * 131_073),
        ("PolicyInputList.member.1", SPREAD.replace("Keep", "\u20ac")),
        ("ContextEntries.member.1.ContextKeyType", "text"),
        ("ContextEntries.member.1.ContextKeyName", "a:b"),
        ("MaxItems", "0"),
        ("MaxItems", "1001"),
        ("Marker", "m" * 321),
        ("PolicySourceArn", "not a member of this one"),
    ],
)
def test_the_limits_of_the_model_are_enforced(cast: Cast, member: str, value: str) -> None:
    form = {"PolicyInputList.member.1": SPREAD, "ActionNames.member.1": "s3:GetObject", member: value}
    status, code, message = error_of(cast.post("approver", form_of("SimulateCustomPolicy", **form)))
    assert (status, code) == (400, "ValidationError"), message


def test_what_costs_too_much_to_find_out_is_a_failed_evaluation(cast: Cast) -> None:
    dear = policy({**READS, "Resource": [f"arn:aws:s3:::*a{number}*" for number in range(1500)]})
    resource = "arn:aws:s3:::" + "b" * 2000
    message = refused(
        lambda: custom(cast, dear, ResourceArns=[resource]), "PolicyEvaluationException", "PolicyEvaluation", 500
    )
    assert "s3:GetObject" in message


# --- sizes -------------------------------------------------------------------------------------------------


def of_size(size: int, action: str) -> bytes:
    """The body of a simulation of exactly this many bytes, filled up with the white space behind its documents."""
    body = f"Action={action}&Version=2010-05-08&ActionNames.member.1=s3%3AGetObject"
    for place in range(1, 10):
        body += f"&PolicyInputList.member.{place}={quote(policy(READS))}"
        body += "+" * min(size - len(body) - 2000 * (place < 9), 130_000)
    return body.encode()


def sent(cast: Cast, body: bytes) -> httpx.Response:
    return send(signed(cast.live.origin, cast.key("approver"), body))


def test_a_simulation_may_be_a_mebibyte_and_no_other_call_may(cast: Cast) -> None:
    least, most = 256 * 1024, 1024 * 1024
    large = of_size(most, "SimulateCustomPolicy")
    assert len(large) == most
    assert sent(cast, large).status_code == 200
    principal = large.replace(b"Action=SimulateCustomPolicy&", b"Action=SimulatePrincipalPolicy&")
    named = principal[: most - 200] + b"&PolicySourceArn=" + cast.people.owner.arn.encode()
    assert sent(cast, named).status_code == 200
    over = (413, "RequestEntityTooLarge")
    for body in (
        large + b"+",
        large.replace(b"Action=SimulateCustomPolicy", b"Action=GetContextKeysForCustomPolicy", 1)[: least + 1],
        large.replace(b"Action=SimulateCustomPolicy", b"Action=SimulateCustomPolicyX", 1)[: least + 1],
        b"Version=2010-05-08&" + large[: least + 1],
    ):
        assert error_of(sent(cast, body))[:2] == over
    # The larger body is read for its name alone; it still has to be signed, and to call what it is named.
    unsigned = httpx.post(
        cast.live.origin, content=large, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert error_of(unsigned)[:2] == (403, "MissingAuthenticationToken")
    twice = large[: most - 40] + b"&Action=RejectDelegationRequest"
    assert error_of(sent(cast, twice))[:2] == (404, "MalformedQueryString")


def test_nothing_else_waits_for_simulations_and_too_many_of_them_are_throttled(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    approver, at_once, go_on = cast.iam("approver", max_pool_connections=80), [0, 0], threading.Event()

    def held(*_: object) -> dict[str, object]:
        at_once[0] += 1
        at_once[1] = max(at_once)
        go_on.wait(30)
        at_once[0] -= 1
        return {"ContextKeyNames": []}

    monkeypatch.setitem(gateway.HANDLERS, "GetContextKeysForCustomPolicy", held)
    ask = partial(approver.get_context_keys_for_custom_policy, PolicyInputList=[SPREAD])
    with ThreadPoolExecutor(60) as pool:
        try:
            asking = [pool.submit(ask) for _ in range(60)]
            throttled = list(islice((one for one in as_completed(asking, 30) if one.exception()), 28))
            # There are more of them than the process has threads for everything else.
            assert approver.list_delegation_requests()["DelegationRequests"] == []
        finally:
            go_on.set()
    assert all("(Throttling)" in str(one.exception()) for one in throttled)
    assert sum(one.exception() is None for one in asking) == 32
    assert at_once == [0, 2]


def test_a_form_with_too_many_names_or_nested_too_deeply_is_refused(cast: Cast) -> None:
    names = {f"ContextEntries.member.1.ContextKeyValues.member.{place}": "x" for place in range(1, 1000)}
    form = form_of("SimulateCustomPolicy", **{"PolicyInputList.member.1": SPREAD, **names})
    assert error_of(cast.post("approver", form))[:2] == (404, "MalformedQueryString")
    deep = '{"Statement":' + "[" * 40_000 + "]" * 40_000 + "}"
    assert "nested" in wrong(lambda: custom(cast, deep))
