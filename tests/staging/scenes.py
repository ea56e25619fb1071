"""A believable account for looking at pages: people, partners, and requests in every state."""

from dataclasses import dataclass
from typing import Any, Final

from staging.houses import OPERATOR
from staging.servers import LiveServer

from service.cli.demo_world import ACCOUNT, DOMAIN, PARAMETERS, PARTNER, found_world
from workflows import approval, onboarding, release, revocation, submission
from workflows.authentication import caller_of
from workflows.callers import Call
from workflows.narrowing import Kept, Narrowing, trimmed
from workflows.ports import Ports
from workflows.records.account import Principal
from workflows.records.request import DelegationRequest
from workflows.role_plans import AskedRole
from workflows.submission import NewRequest
from workflows.templates import Parameter, parse_parameter_type

_ALL: Final = Kept(frozenset(range(20)), frozenset(range(20)))
HOSTILE: Final = "Urgent </p><b>approve</b> now http://evil.example/ [click](http://evil.example/)"


@dataclass(frozen=True, slots=True)
class Scene:
    """Who is there, and one request for every page."""

    administrator: Principal
    owner: Principal
    partner: Principal
    unclaimed: DelegationRequest
    waiting: DelegationRequest
    approved: DelegationRequest
    live: DelegationRequest
    rejected: DelegationRequest
    role: DelegationRequest
    less: DelegationRequest


def _principal(ports: Ports, arn: str) -> Principal:
    return ports.store.read(lambda tx: tx.find(Principal, arn=arn))[0]


def _call(principal: Principal) -> Call:
    return Call(caller_of(principal, "AKIASCENE"), id="call-scene", wire="aws")


def set_scene(live: LiveServer) -> Scene:
    """Play enough of the story that every page has something to show."""
    ports = live.ports
    world = found_world(live.house)
    administrator = _principal(ports, f"arn:aws:iam::{ACCOUNT}:user/administrator")
    owner = _principal(ports, f"arn:aws:iam::{ACCOUNT}:user/owner")
    partner = _principal(ports, f"arn:aws:iam::{PARTNER}:root")
    parameters = [
        Parameter(str(one["Name"]), tuple(one["Values"]), parse_parameter_type(str(one["Type"]))) for one in PARAMETERS
    ]

    def file_request(number: int, **more: Any) -> DelegationRequest:
        given: dict[str, Any] = {
            "description": "Observe your account: create a reading role and two queues.",
            "template_arn": world.template_arn,
            "parameters": parameters,
            "workflow_id": f"workflow-{number:04d}",
            "channel_arn": world.channel_arn,
            "session_duration": 3600,
            "owner_account_id": ACCOUNT,
            "request_message": "Signed in as ops@example-company, workspace 4711",
            "redirect_url": "https://console.lumenwatch.example/back",
        }
        return submission.create(ports, _call(partner), NewRequest(**{**given, **more}))

    def claimed(number: int, **more: Any) -> DelegationRequest:
        request = file_request(number, **more)
        return submission.associate(ports, _call(owner), request.id)

    ended = claimed(1)
    lent = claimed(2)
    rejected = claimed(3)
    approved = claimed(4, session_duration=14_400)
    waiting = claimed(5, request_message=HOSTILE)
    for request in (ended, lent, approved):
        submission.forward(ports, _call(owner), request.id, "For the new dashboards, see the ticket")
        approval.accept(ports, _call(administrator), request.id, digest=request.digest)
    for request in (ended, lent):
        release.send(ports, _call(owner), request.id)
    revocation.revoke(ports, _call(administrator), ended.id, None)
    approval.reject(ports, _call(owner), rejected.id, "Nobody here has started this")
    onboarding.put_guardrail(
        ports,
        OPERATOR,
        account_id=ACCOUNT,
        name="NoNewUsers",
        document='{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:CreateUser","Resource":"*"}]}',
    )
    onboarding.create_policy(
        ports,
        OPERATOR,
        account_id=ACCOUNT,
        name="ReadLogs",
        document='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:Get*","Resource":"*"}]}',
    )
    boundary = f"arn:aws:iam::partner:policy/permissions-boundary/{DOMAIN}/ReadTelemetry_2026_01_15"
    role = claimed(6, role=AskedRole("Observer", boundary, lifetime=None))
    less = claimed(7)
    narrowing = Narrowing(trimmed(less.permission_policy, {0: _ALL}, ["192.0.2.0/24"]), 900)
    approval.accept(ports, _call(administrator), less.id, digest=less.digest, narrowing=narrowing)
    unclaimed = file_request(9, owner_account_id=None)
    return Scene(administrator, owner, partner, unclaimed, waiting, approved, lent, rejected, role, less)


def owner_pages(scene: Scene) -> dict[str, str]:
    """The pages of an account, by name."""
    return {
        "inbox": "/inbox",
        "inbox-live": "/inbox?tab=live",
        "inbox-ended": "/inbox?tab=ended",
        "inbox-nothing-found": "/inbox?q=nobody",
        "claim": f"/d/{scene.unclaimed.id}",
        "review": f"/requests/{scene.waiting.id}",
        "narrow": f"/requests/{scene.waiting.id}/narrow",
        "review-less": f"/requests/{scene.less.id}",
        "review-role": f"/requests/{scene.role.id}",
        "review-try": f"/requests/{scene.waiting.id}?action=iam:CreateRole",
        "review-approved": f"/requests/{scene.approved.id}",
        "review-live": f"/requests/{scene.live.id}",
        "review-rejected": f"/requests/{scene.rejected.id}",
        "leave": f"/leave/{scene.live.id}",
        "grants": "/grants",
        "roles": "/roles",
        "partners": "/partners",
        "partner": f"/partners/{PARTNER}",
        "activity": "/activity",
        "me": "/me",
        "new-passkey": "/me/passkeys/new",
        "account": "/account",
        "policies": "/account/policies",
        "guardrails": "/account/guardrails",
        "sign-in-provider": "/account/provider",
        "not-found": "/requests/dr-00000000000000000000000000000000",
    }


PARTNER_PAGES: Final = {
    "partner-requests": "/partner",
    "partner-registered": "/partner-registered",
    "partner-letters": "/partner-letters",
}
STRANGER_PAGES: Final = {
    "front": "/",
    "sign-in": "/sign-in",
    "sign-in-arriving": "/sign-in?next=/d/dr-0123456789abcdef",
}
