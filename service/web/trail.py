"""The audit trail as people read it: who did what when, and what came of it."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from service.web.language import N_
from workflows.cloudtrail import event_of
from workflows.records.audit import AuditEntry

# A spreadsheet takes a cell that begins like this for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

ACTS: Final[Mapping[str, str]] = {
    "CreateDelegationRequest": N_("asked for access"),
    "AssociateDelegationRequest": N_("claimed the request"),
    "UpdateDelegationRequest": N_("forwarded the request"),
    "AcceptDelegationRequest": N_("approved the request"),
    "RejectDelegationRequest": N_("rejected the request"),
    "SendDelegationToken": N_("released the access"),
    "GetDelegatedAccessToken": N_("took credentials"),
    "GetDelegationRequest": N_("looked at the request"),
    "RevokeDelegation": N_("revoked the access"),
    "RevokePartner": N_("revoked everything of a partner"),
    "ExpireDelegationRequest": N_("the request expired"),
    "ExpireGrant": N_("the access ended on time"),
    "CreateAccount": N_("opened the account"),
    "CreateUser": N_("created a user"),
    "UpdateUser": N_("enabled or disabled a user"),
    "InviteUser": N_("invited a user"),
    "AcceptInvitation": N_("followed an invitation"),
    "SignInWithPassword": N_("gave a password"),
    "SignIn": N_("signed in with a passkey"),
    "SignInWithProvider": N_("signed in at the provider"),
    "PutIdentityProvider": N_("set the sign-in provider"),
    "DeleteIdentityProvider": N_("removed the sign-in provider"),
    "LinkIdentity": N_("joined a user to the sign-in provider"),
    "SignInWithRecoveryCode": N_("signed in with a recovery code"),
    "SignOut": N_("ended a session"),
    "StepUp": N_("confirmed with a passkey"),
    "EnrolPasskey": N_("added a passkey"),
    "RemovePasskey": N_("removed a passkey"),
    "RenewRecoveryCodes": N_("made new recovery codes"),
    "AttachUserPolicy": N_("attached a policy"),
    "DetachUserPolicy": N_("detached a policy"),
    "CreatePolicy": N_("created a policy"),
    "PutGuardrail": N_("set a guardrail"),
    "DeleteGuardrail": N_("removed a guardrail"),
    "PutAccountRules": N_("changed what the account demands"),
    "CreateAccessKey": N_("created an access key"),
    "UpdateAccessKey": N_("enabled or disabled an access key"),
    "CreateApiToken": N_("created an API token"),
    "RevokeApiToken": N_("revoked an API token"),
    "GetCallerIdentity": N_("asked who it is"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One entry, opened."""

    number: int
    at: datetime
    act: str
    name: str
    kind: str
    partner_id: str | None
    request_id: str | None
    wire: str
    source_ip: str | None
    failure: str | None
    message: str | None
    asked: Mapping[str, Any]

    @property
    def words(self) -> str:
        """The act in words for the catalogues, or its own name."""
        return ACTS.get(self.act, self.act)


def told(entry: AuditEntry) -> Told:
    """Return an entry, opened."""
    body = json.loads(entry.body)
    return Told(
        number=entry.number,
        at=entry.at,
        act=body["act"],
        name=body["caller"]["name"],
        kind=body["caller"]["kind"],
        partner_id=entry.partner_id,
        request_id=entry.request_id,
        wire=body["wire"],
        source_ip=body["source_ip"],
        failure=body["failure"],
        message=body["message"],
        asked=body["asked"],
    )


def as_json_lines(entries: Iterable[AuditEntry]) -> str:
    """Return entries as events, one JSON object a line."""
    return "".join(json.dumps(event_of(entry), separators=(",", ":")) + "\n" for entry in entries)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_csv(entries: Iterable[AuditEntry]) -> str:
    """Return entries as a table that no spreadsheet takes for formulas."""
    out = io.StringIO()
    table = csv.writer(out)
    columns = ("number", "at", "act", "name", "kind", "partner_id", "request_id", "wire", "source_ip", "failure")
    table.writerow(columns)
    for entry in entries:
        row = told(entry)
        table.writerow([_cell(getattr(row, column)) for column in columns])
    return out.getvalue()
