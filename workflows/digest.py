"""The digest of a request: one hash over everything an approver is shown and the engine enforces.

Fields are length-prefixed, so that no two different requests can give the same bytes.
"""

import hashlib
import json
from typing import Final

from workflows.records.request import DelegationRequest

_DOMAIN: Final = b"daypass-approval-v1"


def digest_of(request: DelegationRequest) -> str:
    """Return the digest (64 lower-case hex digits) of a request's frozen part; its own `digest` field is left out."""
    fields = (
        request.id,
        request.requestor_id,
        request.requestor_name,
        request.requestor_domain,
        request.workflow_id,
        request.target_account_id or "",
        request.description,
        json.dumps(request.request_message),
        request.template_arn,
        json.dumps(request.parameters),
        request.permission_policy,
        json.dumps(request.boundaries),
        str(request.session_duration),
        json.dumps(request.redirect_url),
        str(request.only_send_by_owner),
        request.channel_arn,
        request.created_at.isoformat(),
        # A request without a role keeps the digest that it had before there were any.
        *((request.role_plan,) if request.role_plan is not None else ()),
        # One that was narrowed also stands on what was asked, whose JSON is never that of a role.
        *((request.narrowed_from,) if request.narrowed_from is not None else ()),
    )
    hasher = hashlib.sha256(_DOMAIN)
    for field in fields:
        encoded = field.encode()
        hasher.update(len(encoded).to_bytes(8, "big") + encoded)
    return hasher.hexdigest()
