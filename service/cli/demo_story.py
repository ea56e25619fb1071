"""The whole story, played by itself over a real socket with an unmodified AWS client, in plain words.

Time is the one thing that is staged: the service's clock is moved forward to show what the end of a session looks
like. Everything else is what any client of the service would do.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import botocore.session
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError

from service.cli.demo_world import ACCOUNT, PARAMETERS, World
from workflows.credentialing import NewKey

_SECONDS: Final = 300
_QUEUE: Final = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:lumenwatch-in"
_FOREIGN_QUEUE: Final = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:payroll"


class StoryBroken(Exception):
    """The story did not go as it must; the message says where."""


class Story:
    """Plays the story against a running service."""

    def __init__(
        self,
        origin: str,
        world: World,
        advance: Callable[[int], None],
        tell: Callable[[str], None],
    ) -> None:
        self._origin, self._world, self._advance, self._tell = origin, world, advance, tell
        self._http = httpx.Client(base_url=origin, timeout=10)
        self._step = 0

    def play(self) -> None:
        """Play it to the end; raises `StoryBroken` at the first thing that is not as it must be."""
        try:
            first = self._lend("wf-demo-0001")
            self._use(first)
            self._say(f"{_SECONDS // 60} minutes pass (the demonstration moves the service's clock)")
            self._advance(_SECONDS)
            expired = self._refusals(first)
            second = self._lend("wf-demo-0002", quiet=True)
            self._use(second)
            self._revoke(second["request_id"])
            revoked = self._refusals(second)
            self._look_back()
        finally:
            self._http.close()
        self._tell("")
        self._tell(f"after expiry:     {expired}")
        self._tell(f"after revocation: {revoked}")

    def _say(self, text: str) -> None:
        self._step += 1
        self._tell(f"{self._step:>2}. {text}")

    def _client(self, service: str, key: NewKey | Mapping[str, Any]) -> Any:  # noqa: ANN401  botocore makes clients
        if isinstance(key, NewKey):
            access_key_id, secret, token = key.access_key_id, key.secret_access_key, None
        else:
            access_key_id, secret, token = key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"]
        return botocore.session.Session().create_client(
            service,
            region_name="us-east-1",
            endpoint_url=self._origin,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def _lend(self, workflow_id: str, *, quiet: bool = False) -> dict[str, Any]:
        """Ask, claim, forward, approve, release, exchange; return the credentials and the request's id."""
        request_id = self._ask(workflow_id)
        self._decide(request_id, quiet=quiet)
        token = self._receive(request_id)
        credentials = self._exchange(token)
        return {"request_id": request_id, "token": token, "credentials": credentials}

    def _ask(self, workflow_id: str) -> str:
        created = self._client("iam", self._world.partner_key).create_delegation_request(
            OwnerAccountId=ACCOUNT,
            Description="Lumenwatch reads your metrics through a role and receives events through two queues.",
            RequestMessage="Workspace example-company, transaction 0001",
            Permissions={"PolicyTemplateArn": self._world.template_arn, "Parameters": list(PARAMETERS)},
            RequestorWorkflowId=workflow_id,
            NotificationChannel=self._world.channel_arn,
            SessionDuration=_SECONDS,
        )
        self._say("the partner asks for access and gets a link for the customer's browser:")
        self._tell(f"      {created['ConsoleDeepLink']}")
        return str(created["DelegationRequestId"])

    def _decide(self, request_id: str, *, quiet: bool) -> None:
        owner = self._client("iam", self._world.owner_key)
        administrator = self._client("iam", self._world.administrator_key)
        owner.associate_delegation_request(DelegationRequestId=request_id)
        shown = owner.get_delegation_request(DelegationRequestId=request_id, DelegationPermissionCheck=True)
        self._say(f"the owner claims it; could the owner lend all this? {shown['PermissionCheckResult']}")
        if not quiet:
            self._expect_refusal(
                lambda: owner.accept_delegation_request(DelegationRequestId=request_id),
                "AccessDenied",
            )
            self._say("the owner may not approve, so forwards it to an administrator")
        owner.update_delegation_request(DelegationRequestId=request_id, Notes="please check")
        if not quiet:
            arn = f"arn:aws:iam::{ACCOUNT}:delegation-request/{request_id}"
            self._say("the administrator reads what it would allow:")
            for line in administrator.get_human_readable_summary(EntityArn=arn)["SummaryContent"].splitlines():
                self._tell(f"      {line}")
        digest = self._api("GET", f"/v1/requests/{request_id}")["digest"]
        self._api("POST", f"/v1/requests/{request_id}/accept", {"digest": digest})
        administrator.send_delegation_token(DelegationRequestId=request_id)
        self._say(f"the administrator approves exactly that (digest {digest[:12]}…) and releases it")

    def _api(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self._world.administrator_token}"}
        answer = self._http.request(method, path, headers=headers, json=body)
        if not answer.is_success:
            raise StoryBroken(f"{method} {path} answered {answer.status_code}: {answer.text}")
        result: dict[str, Any] = answer.json()
        return result

    def _receive(self, request_id: str) -> str:
        headers = {"authorization": f"Bearer {self._world.partner_token}"}
        waiting = self._http.get("/v1/notifications", headers=headers).raise_for_status().json()
        token = None
        for item in waiting:
            message = item["message"]
            if message["RequestId"] == request_id and message["Type"] == "ExchangeToken":
                token = str(message["ExchangeToken"])
            self._http.delete(f"/v1/notifications/{item['id']}", headers=headers).raise_for_status()
        if token is None:
            raise StoryBroken("the partner's mailbox holds no exchange token")
        self._say(f"the partner fetches {len(waiting)} notifications, the exchange token among them")
        return token

    def _exchange(self, token: str) -> dict[str, Any]:
        answer = self._client("sts", self._world.partner_key).get_delegated_access_token(TradeInToken=token)
        credentials: dict[str, Any] = answer["Credentials"]
        until = f"{credentials['Expiration']:%H:%M:%S} UTC"
        self._say(f"the partner trades it for credentials of {answer['AssumedPrincipal']}, valid until {until}")
        return credentials

    def _decision(self, credentials: Mapping[str, Any], action: str, resource: str) -> dict[str, Any]:
        body = {
            "subject": {"type": "session", "id": credentials["SessionToken"]},
            "action": {"name": action},
            "resource": {"type": "sqs:queue", "id": resource},
        }
        headers = {"authorization": f"Bearer {self._world.resource_server_token}"}
        answer: dict[str, Any] = self._http.post("/access/v1/evaluation", headers=headers, json=body).json()
        return answer

    def _use(self, lent: Mapping[str, Any]) -> None:
        credentials = lent["credentials"]
        identity = self._client("sts", credentials).get_caller_identity()
        self._say(f"with them the partner is {identity['Arn']}")
        allowed = self._decision(credentials, "sqs:CreateQueue", _QUEUE)
        refused = self._decision(credentials, "sqs:DeleteQueue", _FOREIGN_QUEUE)
        if not allowed["decision"] or refused["decision"]:
            raise StoryBroken("the session may do something else than what was approved")
        self._say("a resource server asks: may it create the queue? yes. May it delete another queue? no:")
        self._tell(f"      {refused['context']['reason']}")

    def _revoke(self, request_id: str) -> None:
        grant = self._api("POST", f"/v1/requests/{request_id}/revoke", {"notes": "no longer needed"})
        self._say(f"the administrator revokes it: the grant is {grant['state']}")

    def _expect_refusal(self, call: Callable[[], object], code: str) -> str:
        try:
            call()
        except ClientError as refusal:
            if refusal.response["Error"]["Code"] == code:
                return f"{refusal.operation_name} -> {code}: {refusal.response['Error']['Message']}"
            raise StoryBroken(f"expected {code}, got {refusal}") from refusal
        raise StoryBroken(f"expected {code}, but the call worked")

    def _refusals(self, lent: Mapping[str, Any]) -> str:
        """Show that everything lent is refused now; return the refusal of a call with the session's credentials."""
        partner = self._client("sts", self._world.partner_key)
        session = self._client("sts", lent["credentials"])
        refused = self._expect_refusal(session.get_caller_identity, "ExpiredToken")
        again = self._expect_refusal(
            lambda: partner.get_delegated_access_token(TradeInToken=lent["token"]),
            "ExpiredTradeInTokenException",
        )
        if self._decision(lent["credentials"], "sqs:CreateQueue", _QUEUE)["decision"]:
            raise StoryBroken("a resource server was told yes for a session that has ended")
        self._say("the session, its token and its rights have ended:")
        self._tell(f"      {again}")
        return f"refused: {refused}"

    def _look_back(self) -> None:
        entries = self._http.get(
            "/v1/audit",
            headers={"authorization": f"Bearer {self._world.administrator_token}"},
        ).json()
        self._say(f"the account's audit trail holds {len(entries)} entries; the latest:")
        for entry in reversed(entries[:4]):
            self._tell(f"      {entry['entry']['act']} by {entry['entry']['caller']['arn']}")
