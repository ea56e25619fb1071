"""Audit entries in CloudTrail's shape, so that tools which read CloudTrail read ours.

A call made by a delegated session looks like a call of the approver plus `invokedByDelegate`, as IAM documents it.
What CloudTrail has no member for (chain position, digest, states, deciding statement) is `additionalEventData`.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from workflows.records.audit import AuditEntry

_EVENT_VERSION: Final = "1.09"
_TYPES: Final = {"user": "IAMUser", "root": "Root", "partner": "Root", "session": "IAMUser", "time": "AWSService"}
_STS: Final = frozenset({"GetDelegatedAccessToken", "GetCallerIdentity"})


def _source(act: str, wire: str) -> str:
    if act in _STS:
        return "sts.amazonaws.com"
    return "iam.amazonaws.com" if wire in ("aws", "api") else "daypass.internal"


def _identity(caller: Mapping[str, Any]) -> dict[str, Any]:
    kind = caller["kind"]
    if kind == "time":
        return {"type": "AWSService", "invokedBy": "daypass.internal"}
    root = kind == "session" and caller["arn"].endswith(":root")
    identity: dict[str, Any] = {
        "type": "Root" if root else _TYPES.get(kind, "Unknown"),
        "principalId": caller["principal_id"],
        "arn": caller["arn"],
        "accountId": caller["account_id"],
    }
    if caller["credential"]:
        identity["accessKeyId"] = caller["credential"]
    if identity["type"] == "IAMUser":
        identity["userName"] = caller["name"]
    if caller["delegate"]:
        identity["invokedByDelegate"] = {"accountId": caller["delegate"]}
    return identity


def event_of(entry: AuditEntry) -> dict[str, Any]:
    """Return one CloudTrail event, ready for JSON."""
    body: dict[str, Any] = json.loads(entry.body)
    event: dict[str, Any] = {
        "eventVersion": _EVENT_VERSION,
        "userIdentity": _identity(body["caller"]),
        "eventTime": entry.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": _source(body["act"], body["wire"]),
        "eventName": body["act"],
        "awsRegion": "us-east-1",
        "sourceIPAddress": body["source_ip"] or "daypass.internal",
        "userAgent": body["user_agent"] or body["wire"],
        "requestParameters": body["asked"] or None,
        "responseElements": body["answered"] or None,
        "additionalEventData": {
            "chain": entry.chain,
            "number": entry.number,
            "mac": entry.mac,
            "delegationRequestId": entry.request_id,
            "requestorId": entry.partner_id,
            "stateBefore": body["before"],
            "stateAfter": body["after"],
            "digest": body["digest"],
            "decidedBy": body["decided_by"],
        },
        "requestID": body["call"],
        "eventID": body["id"],
        "readOnly": body["act"].startswith(("Get", "List")) and body["act"] not in _STS,
        "resources": [{"ARN": body["resource"]}] if body["resource"] != "*" else [],
        "eventType": "AwsServiceEvent" if body["caller"]["kind"] == "time" else "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": entry.chain,
        "eventCategory": "Management",
    }
    if body["failure"]:
        event["errorCode"] = body["failure"]
        event["errorMessage"] = body["message"]
    return event
