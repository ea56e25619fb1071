"""The life cycle under random fire: whatever anybody does, in any order and at any time, three promises hold.

What was shown is what is granted; never more, never longer; nothing half-done, nothing forgotten. The acts are the
real use-cases over a real database file. What each act must come to is foretold by a model in plain dictionaries,
which knows nothing of the code.
"""

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from staging.clocks import StillClock
from staging.houses import (
    ACCOUNT,
    OPERATOR,
    OTHER_ACCOUNT,
    OTHER_PARTNER,
    PARTNER,
    READ_BUCKET,
    a_request,
    earlier_template,
    house_in,
    settle_people,
)

from service.jobs.sweep import Sweeper
from workflows import (
    approval,
    audit,
    delivery,
    dismissal,
    inquiry,
    notifications,
    onboarding,
    partnering,
    release,
    revocation,
    sessions,
    submission,
)
from workflows.authentication import candidate_for
from workflows.callers import Call, Caller
from workflows.digest import digest_of
from workflows.errors import DomainError, NoSuchEntity
from workflows.grants import seen_at
from workflows.lifecycle import state_at
from workflows.onboarding import PolicyChoice
from workflows.policy.context import RequestContext
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.layers import LayerKind
from workflows.ports import Ports
from workflows.records.audit import AuditEntry, AuditHead
from workflows.records.errand import Errand
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest
from workflows.release import Minted
from workflows.templates import Parameter, ParameterType

NAMES: Final = ("partner", "other_partner", "owner", "approver", "bystander", "stranger", "root", "session")
HOME: Final = {
    "partner": PARTNER,
    "other_partner": OTHER_PARTNER,
    "owner": ACCOUNT,
    "approver": ACCOUNT,
    "bystander": ACCOUNT,
    "root": ACCOUNT,
    "stranger": OTHER_ACCOUNT,
}
PARTNERS: Final = ("partner", "other_partner")
NOBODYS_ACCOUNT: Final = "999999999999"
OWNERS_RIGHTS: Final = ("Get", "Associate", "Update", "Reject", "Send", "Revoke")
DAY, MICRO = timedelta(days=1), timedelta(microseconds=1)
UNASSIGNED_FOR, OTHERWISE_FOR, KEPT_FOR = DAY, 7 * DAY, 90 * DAY
MAILBOX_FOR: Final = 30 * DAY
REPEAT: Final = timedelta(seconds=60)
FOLLOWING: Final = {"UNASSIGNED": "associate", "ACCEPTED": "send", "FINALIZED": "exchange"}
# The acts on a request, each with whom it usually is that does it.
USUAL: Final = {
    "associate": "owner",
    "forward": "owner",
    "accept": "approver",
    "reject": "owner",
    "send": "approver",
    "exchange": "partner",
    "revoke": "owner",
    "look": "bystander",
}
OPEN: Final = ("UNASSIGNED", "ASSIGNED", "PENDING_APPROVAL", "ACCEPTED")
ROOT_LONGEST: Final = 14_400
MOST_REQUESTS, CAP = 4, 3
PUBLIC_ONLY: Final = "PublicOnly"
NO_PUBLIC: Final = "no-public"

# What is probed with every session after every act.
PROBES: Final = (
    ("s3:GetObject", "arn:aws:s3:::logs/a"),
    ("s3:GetObject", "arn:aws:s3:::logs/public/b"),
    ("s3:GetObject", "arn:aws:s3:::books/a"),
    ("s3:PutObject", "arn:aws:s3:::logs/a"),
    ("sts:GetSessionToken", "*"),
    ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/heir"),
    ("iam:AcceptDelegationRequest", f"arn:aws:iam::{ACCOUNT}:delegation-request/dr-any"),
)


def statement(effect: str, actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": effect, "Action": actions, "Resource": resource}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


TEMPLATES: Final = {
    "Read": ("s3:GetObject",),
    "Write": ("s3:GetObject", "s3:PutObject", "sts:GetSessionToken", "iam:CreateUser", "iam:AcceptDelegationRequest"),
}
WRITE_TEMPLATE: Final = policy(
    statement("Allow", ["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::@{bucketName}/*"),
    statement("Allow", ["iam:AcceptDelegationRequest", "iam:CreateUser", "sts:GetSessionToken"], "*"),
)


@cache
def settled() -> tuple[Path, Any, str]:
    """A database in which everybody is settled, made once; every run of the machine begins with a copy of it."""
    folder = Path(tempfile.mkdtemp(prefix="lifecycle-"))
    atexit.register(shutil.rmtree, folder)
    house = house_in(folder, StillClock(), exchange_cap=CAP)
    people = settle_people(house.ports)
    write = earlier_template(house.ports, "Write_2026_01_01", json.loads(WRITE_TEMPLATE))
    house.close()
    return folder, people, write


class LifeCycle(RuleBasedStateMachine):
    """All acts by all callers, a clock that jumps, restarts, and changes of everybody's rights."""

    def __init__(self) -> None:
        super().__init__()
        origin, self.people, write_arn = settled()
        self.folder = Path(tempfile.mkdtemp(prefix="lifecycle-"))
        shutil.copytree(origin, self.folder, dirs_exist_ok=True)
        self.clock = StillClock()
        self.house = house_in(self.folder, self.clock, exchange_cap=CAP)
        self.requests: list[dict[str, Any]] = []
        self.minted: list[tuple[Minted, dict[str, Any]]] = []
        self.templates = {"Read": self.people.template_arn, "Write": write_arn}
        self.registered_again = False
        self.last: tuple[str, str, int] | None = None
        self.approver: dict[str, Any] = {"active": True, "policies": {"AdministratorAccess"}}
        self.partner_active = True
        self.guarded = False
        self.heads = self.heads_now()
        self.expected: list[tuple[Any, ...]] = []

    def teardown(self) -> None:
        self.house.close()
        shutil.rmtree(self.folder)

    # --- the model: who may do what -------------------------------------------------------------------------

    @property
    def ports(self) -> Ports:
        return self.house.ports

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def state(self, request: dict[str, Any]) -> str:
        return "EXPIRED" if self.now >= request["expires_at"] else str(request["state"])

    def active(self, name: str) -> bool:
        return bool({"approver": self.approver["active"], "partner": self.partner_active}.get(name, True))

    def administers(self, name: str) -> bool:
        return name in ("root", "stranger") or (
            name == "approver" and "AdministratorAccess" in self.approver["policies"]
        )

    def sees(self, name: str, request: dict[str, Any]) -> bool:
        account = request["owner_account"] or request["target"]
        if account is not None:
            return bool(account == HOME[name])
        return name != "other_partner"

    def may(self, name: str, right: str, request: dict[str, Any]) -> bool:
        if not self.active(name):
            return False
        if self.administers(name) or right == "Associate":
            return True
        if request["owner"] is None:
            return right == "Get"
        owns = request["owner"] == name and right in OWNERS_RIGHTS
        return owns or (request["approver"] == name and right in ("Get", "Send"))

    def foretold(self, name: str, right: str, request: dict[str, Any]) -> str | None:
        """Why the caller is refused before the state of the request matters, or None."""
        if name == "session":
            return "AccessDenied"
        if request["gone"] or not self.sees(name, request):
            return "NoSuchEntity"
        if name in PARTNERS and right != "Get":
            return "AccessDenied"
        return None if self.may(name, right, request) else "AccessDenied"

    def repeats(self, name: str, state: str, request: dict[str, Any]) -> bool:
        just_now = self.now - request["entered_at"] <= REPEAT
        return self.state(request) == state and request["moved_by"] == name and just_now

    # --- the model: what an act changes ---------------------------------------------------------------------

    def tell(self, request: dict[str, Any], kind: str, until: datetime | None = None) -> None:
        request["sent"] += 1
        until = min(until or self.now + MAILBOX_FOR, self.now + MAILBOX_FOR)
        request["messages"].append((request["sent"], kind, request["state"], until))

    def move(self, request: dict[str, Any], state: str, by: str | None, **more: Any) -> None:
        request |= {"state": state, "moved_by": by, "entered_at": self.now, **more}
        if state != "EXPIRED":
            request["expires_at"] = self.now + OTHERWISE_FOR
        self.tell(request, "StateChange")

    def grant_ends(self, request: dict[str, Any], reason: str, by: str | None) -> None:
        grant = request["grant"]
        ended_at = grant["deadline"] if reason == "expired" else self.now
        grant |= {"state": "REVOKED", "reason": reason, "ended_by": by, "ended_at": ended_at}
        if not request["gone"]:
            request["sent"] += 1
            request["messages"].append((request["sent"], "GrantEnded", request["state"], ended_at + MAILBOX_FOR))

    def written(self, chain: str, act: str, before: str | None, after: str | None, failure: str | None = None) -> None:
        self.expected.append((chain, act, before, after, failure))

    # --- acting ---------------------------------------------------------------------------------------------

    def call(self, name: str) -> Call | None:
        """The call of a person, or of a session that still authenticates."""
        if name != "session":
            call: Call = self.people.call(name)
            return call
        for minted, _ in self.minted:
            caller = self.caller_of(minted)
            if caller is not None:
                return Call(caller=caller, id="call-session", wire="aws")
        return None

    def caller_of(self, minted: Minted) -> Caller | None:
        found = self.ports.store.read(
            lambda tx: candidate_for(tx, self.ports, minted.access_key_id, minted.session_token),
        )
        assert found.secret == minted.secret_access_key
        return found.caller

    def act(self, name: str, wire_name: str, outcome: str, work: Callable[[Call], Any]) -> Any:
        """Do it and hold that it comes to what was foretold; a refusal is written to the caller's own chain."""
        call = self.call(name)
        if call is None:
            return None
        try:
            result, came_to = work(call), "ok"
        except DomainError as failure:
            result, came_to = None, type(failure).__name__
        assert came_to == outcome, f"{name} {wire_name}: {came_to}, foretold {outcome}"
        if came_to != "ok" and wire_name:
            self.written(call.caller.account_id, wire_name, None, None, came_to)
        return result

    def pick(self, index: int) -> dict[str, Any]:
        return self.requests[index % len(self.requests)]

    @initialize(
        begun=st.lists(
            st.tuples(
                st.sampled_from((0, 1, 1, 2, 3, 4, 5, 5, 5)),
                st.sampled_from((300, 3600, 43_200)),
                st.sampled_from(("logs", "books")),
                st.sampled_from(("Read", "Write")),
                st.booleans(),
            ),
            min_size=1,
            max_size=3,
        ),
    )
    def begin(self, begun: list[tuple[int, int, str, str, bool]]) -> None:
        """Some requests are under way already, so that every run comes to the later states."""
        for steps, duration, bucket, template, by_owner in begun:
            self.file(
                "partner",
                account=ACCOUNT,
                duration=duration,
                by_owner=by_owner,
                bucket=bucket,
                template=template,
                again=False,
            )
            for _ in range(steps):
                self.go_on(len(self.requests) - 1)

    @precondition(lambda self: self.requests)
    @rule(index=st.integers(0, MOST_REQUESTS - 1), decider=st.sampled_from(("approver", "root", "nobody")))
    def goes_on(self, index: int, decider: str) -> None:
        self.go_on(index, decider)

    def go_on(self, index: int, decider: str = "approver") -> None:
        """The usual next step, by whose turn it is; where nobody decides, the request is forwarded."""
        request = self.pick(index)
        state = self.state(request)
        if state in ("ASSIGNED", "PENDING_APPROVAL"):
            self.does("forward" if decider == "nobody" else "accept", None if decider == "nobody" else decider, index)
        elif state in FOLLOWING:
            self.does(FOLLOWING[state], "owner" if state == "ACCEPTED" else None, index)

    def does(self, act: str, name: str | None, index: int, shown: str = "right") -> None:
        """Somebody, or whoever usually does it, does this to one request."""
        who = name or USUAL[act]
        self.last = (act, who, index)
        if act == "accept":
            self.do_accept(who, index, shown)
        else:
            getattr(self, f"do_{act}")(who, index)

    @precondition(lambda self: self.last)
    @rule(after=st.sampled_from((timedelta(), REPEAT, REPEAT + MICRO)))
    def the_same_again(self, after: timedelta) -> None:
        """A client repeats its call, within the minute in which that is no error or just behind it."""
        assert self.last is not None
        act, who, index = self.last
        entered = self.pick(index)["entered_at"]
        self.clock.set(max(self.now, entered + after))
        self.does(act, who, index)

    @precondition(lambda self: self.requests)
    @rule(
        act=st.sampled_from((None,) * 8 + tuple(USUAL)),
        name=st.sampled_from((None,) * 4 + NAMES),
        index=st.integers(0, MOST_REQUESTS - 1),
        shown=st.sampled_from(("right", "right", "none", "wrong", "another's")),
    )
    def somebody_acts(self, act: str | None, name: str | None, index: int, shown: str) -> None:
        """Anybody does anything, or what would be next, to any request."""
        self.does(act or FOLLOWING.get(self.state(self.pick(index)), "accept"), name, index, shown)

    @precondition(lambda self: len(self.requests) < MOST_REQUESTS)
    @rule(
        name=st.sampled_from(("partner",) * 6 + NAMES),
        account=st.sampled_from((ACCOUNT, ACCOUNT, ACCOUNT, None, None, OTHER_ACCOUNT, NOBODYS_ACCOUNT)),
        duration=st.sampled_from((300, 3600, ROOT_LONGEST, ROOT_LONGEST + 1, 43_200)),
        by_owner=st.booleans(),
        bucket=st.sampled_from(("logs", "books")),
        template=st.sampled_from(("Read", "Write")),
        again=st.booleans(),
    )
    def create(self, name: str, **wanted: Any) -> None:
        self.file(name, **wanted)

    def file(
        self, name: str, *, account: str | None, duration: int, by_owner: bool, bucket: str, template: str, again: bool
    ) -> None:
        known = [one["workflow"] for one in self.requests if not one["gone"]]
        repeated = again and name == "partner" and bool(known)
        workflow = known[0] if repeated else f"wf-{len(self.requests):05}"
        outcome = {"partner": "ok", "other_partner": "BadInput"}.get(name, "AccessDenied")
        if not self.active(name):
            outcome = "AccessDenied"
        elif repeated:
            outcome = "AlreadyExists"
        new = a_request(
            self.people,
            workflow,
            owner_account_id=account,
            session_duration=duration,
            only_send_by_owner=by_owner,
            template_arn=self.templates[template],
            parameters=[Parameter("bucketName", (bucket,), ParameterType.STRING)],
        )
        made = self.act(name, "CreateDelegationRequest", outcome, lambda call: submission.create(self.ports, call, new))
        if made is None:
            return
        self.written(PARTNER, "CreateDelegationRequest", None, "UNASSIGNED")
        self.requests.append(
            {
                "id": made.id,
                "workflow": workflow,
                "target": account,
                "duration": duration,
                "by_owner": by_owner,
                "bucket": bucket,
                "template": template,
                "frozen": frozen_part(made),
                "state": "UNASSIGNED",
                "entered_at": self.now,
                "expires_at": self.now + UNASSIGNED_FOR,
                "moved_by": None,
                "owner": None,
                "owner_account": None,
                "approver": None,
                "grant": None,
                "sent": 0,
                "messages": [],
                "gone": False,
            },
        )

    def do_associate(self, name: str, index: int) -> None:
        request = self.pick(index)
        state = self.state(request)
        outcome = self.foretold(name, "Associate", request)
        again = outcome is None and request["owner"] == name and state == "ASSIGNED"
        if outcome is None:
            outcome = "ok" if again or state == "UNASSIGNED" else "WrongState"
        wire_name = "AssociateDelegationRequest"
        done = self.act(name, wire_name, outcome, lambda call: submission.associate(self.ports, call, request["id"]))
        if done is None:
            return
        self.written(HOME[name], wire_name, state, "ASSIGNED")
        if not again:
            self.move(request, "ASSIGNED", name, owner=name, owner_account=HOME[name])

    def do_forward(self, name: str, index: int) -> None:
        request = self.pick(index)
        state = self.state(request)
        outcome = self.foretold(name, "Update", request)
        if outcome is None:
            outcome = "ok" if state in ("ASSIGNED", "PENDING_APPROVAL") else "WrongState"
        wire_name = "UpdateDelegationRequest"
        done = self.act(
            name, wire_name, outcome, lambda call: submission.forward(self.ports, call, request["id"], "please")
        )
        if done is None:
            return
        self.written(HOME[name], wire_name, state, "PENDING_APPROVAL")
        if state == "ASSIGNED":
            self.move(request, "PENDING_APPROVAL", name)

    def do_accept(self, name: str, index: int, shown: str) -> None:
        request = self.pick(index)
        state = self.state(request)
        digest: str | None = {"right": request["frozen"]["digest"], "wrong": "0" * 64}.get(shown)
        if shown == "another's":
            digest = self.pick(index + 1)["frozen"]["digest"]
        outcome = self.foretold(name, "Accept", request)
        again = False
        if outcome is None and name == "root" and request["duration"] > ROOT_LONGEST:
            outcome = "RootDurationExceeded"
        if outcome is None and digest not in (None, request["frozen"]["digest"]):
            outcome = "DigestMismatch"
        if outcome is None and not self.partner_active:
            outcome = "AccessDenied"
        if outcome is None:
            again = self.repeats(name, "ACCEPTED", request)
            outcome = "ok" if again or state in ("ASSIGNED", "PENDING_APPROVAL") else "WrongState"
        wire_name = "AcceptDelegationRequest"
        done = self.act(
            name, wire_name, outcome, lambda call: approval.accept(self.ports, call, request["id"], digest=digest)
        )
        if done is None:
            return
        self.written(HOME[name], wire_name, state, "ACCEPTED")
        if not again:
            self.move(request, "ACCEPTED", name, approver=name)

    def do_reject(self, name: str, index: int) -> None:
        request = self.pick(index)
        state = self.state(request)
        outcome = self.foretold(name, "Reject", request)
        again = False
        if outcome is None:
            again = self.repeats(name, "REJECTED", request)
            outcome = "ok" if again or state in OPEN[1:] else "WrongState"
        wire_name = "RejectDelegationRequest"
        done = self.act(name, wire_name, outcome, lambda call: approval.reject(self.ports, call, request["id"], "no"))
        if done is None:
            return
        self.written(HOME[name], wire_name, state, "REJECTED")
        if not again:
            self.move(request, "REJECTED", name)

    def do_send(self, name: str, index: int) -> None:
        request = self.pick(index)
        state = self.state(request)
        outcome = self.foretold(name, "Send", request)
        again = False
        if outcome is None and ((request["by_owner"] and request["owner"] != name) or not self.partner_active):
            outcome = "AccessDenied"
        if outcome is None:
            again = self.repeats(name, "FINALIZED", request)
            outcome = "ok" if again or state == "ACCEPTED" else "WrongState"
        wire_name = "SendDelegationToken"
        done = self.act(name, wire_name, outcome, lambda call: release.send(self.ports, call, request["id"]))
        if done is None:
            return
        self.written(HOME[name], wire_name, state, "FINALIZED")
        if again:
            return
        deadline = (self.now + timedelta(seconds=request["duration"])).replace(microsecond=0)
        self.move(request, "FINALIZED", name)
        self.tell(request, "ExchangeToken", deadline)
        request["grant"] = {"state": "LIVE", "deadline": deadline, "exchanges": 0, "reason": None, "ended_at": None}
        request["grant"] |= {"ended_by": None, "token": self.token_of(request)}

    def token_of(self, request: dict[str, Any]) -> str:
        sent = self.ports.store.read(
            lambda tx: tx.find(Errand, request_id=request["id"], message_type="ExchangeToken"),
        )
        assert len(sent) == 1
        return str(notifications.body_of(self.ports, sent[0])["ExchangeToken"])

    def do_exchange(self, name: str, index: int) -> None:
        request = self.pick(index)
        grant = request["grant"]
        outcome = "ok"
        if name == "session" or not self.active(name) or not (name in PARTNERS or self.administers(name)):
            outcome = "AccessDenied"
        elif grant is None:
            outcome = "InvalidExchangeToken"
        elif name != "partner":
            outcome = "AccessDenied"
        elif not self.lives(request):
            outcome = "ExpiredExchangeToken"
        elif grant["exchanges"] >= CAP:
            outcome = "LimitExceeded"
        token = grant["token"] if grant else "dpx1_" + "x" * 52
        wire_name = "GetDelegatedAccessToken"
        minted = self.act(name, wire_name, outcome, lambda call: release.exchange(self.ports, call, token))
        if minted is None:
            return
        self.written(request["owner_account"], wire_name, None, None)
        grant["exchanges"] += 1
        self.minted.append((minted, request))

    def lives(self, request: dict[str, Any]) -> bool:
        """Whether what was lent may be used now, by everything the model knows."""
        grant = request["grant"]
        alive = self.active(request["approver"]) and self.partner_active
        return bool(grant["state"] == "LIVE" and self.now < grant["deadline"] and alive)

    def do_revoke(self, name: str, index: int) -> None:
        request = self.pick(index)
        grant = request["grant"]
        outcome = self.foretold(name, "Revoke", request)
        again = False
        if outcome is None and grant is None:
            outcome = "WrongState"
        if outcome is None:
            mine = grant["reason"] == "revoked" and grant["ended_by"] == name
            again = mine and self.now - grant["ended_at"] <= REPEAT
            running = grant["state"] == "LIVE" and self.now < grant["deadline"]
            outcome = "ok" if again or running else "WrongState"
        wire_name = "RevokeDelegation"
        done = self.act(
            name, wire_name, outcome, lambda call: revocation.revoke(self.ports, call, request["id"], "stop")
        )
        if done is None:
            return
        self.written(request["owner_account"], wire_name, grant["state"], "REVOKED")
        if not again:
            self.grant_ends(request, "revoked", name)

    def do_look(self, name: str, index: int) -> None:
        request = self.pick(index)
        outcome = self.foretold(name, "Get", request) or "ok"
        shown = self.act(
            name,
            "GetDelegationRequest",
            outcome,
            lambda call: inquiry.show(self.ports, call, request["id"], check=False),
        )
        if shown is not None:
            assert state_at(shown.request, self.now) == self.state(request)

    # --- time, restarts, and changes of rights --------------------------------------------------------------

    @precondition(lambda self: self.requests)
    @rule(
        what=st.sampled_from(("grant",) * 4 + ("span",) * 3 + ("request", "repeat", "message")),
        index=st.integers(0, MOST_REQUESTS - 1),
        off=st.sampled_from((0, -1, 1)),
        # The longest waits end everything, so they are rare.
        span=st.sampled_from(
            [timedelta(seconds=one) for one in (0, 1, 30, 59, 60, 61, 299, 1800)] * 2
            + [timedelta(hours=4), DAY, 7 * DAY, 100 * DAY],
        ),
    )
    def time_passes(self, what: str, index: int, off: int, span: timedelta) -> None:
        """Wait a while, or to the very instant at which something ends, or a microsecond beside it."""
        lent = [one for one in self.requests if one["grant"] and one["grant"]["state"] == "LIVE"]
        request = lent[index % len(lent)] if lent and what == "grant" else self.pick(index)
        instants = {"request": request["expires_at"], "repeat": request["entered_at"] + REPEAT}
        if request["grant"]:
            instants["grant"] = request["grant"]["deadline"]
        if request["messages"]:
            instants["message"] = request["messages"][-1][3]
        if what == "span":
            self.clock.set(self.now + span)
        elif what in instants and instants[what] - self.now < 8 * DAY:
            self.clock.set(max(self.now, instants[what] + timedelta(microseconds=off)))

    @rule(what=st.sampled_from(("sweep", "sweep", "restart", "empty_the_mailbox")))
    def housekeeping(self, what: str) -> None:
        getattr(self, what)()

    def sweep(self) -> None:
        Sweeper(self.ports).run()
        for request in self.requests:
            if not request["gone"] and request["state"] != "EXPIRED" and self.now >= request["expires_at"]:
                chain = request["owner_account"] or PARTNER
                self.written(chain, "ExpireDelegationRequest", request["state"], "EXPIRED")
                self.expires(request)
            grant = request["grant"]
            if grant and grant["state"] == "LIVE" and self.now >= grant["deadline"]:
                self.written(request["owner_account"], "ExpireGrant", "LIVE", "REVOKED")
                self.grant_ends(request, "expired", None)
        for request in self.requests:
            request["messages"] = [one for one in request["messages"] if self.now < one[3]]
            if request["state"] == "EXPIRED" and self.now - KEPT_FOR >= request["expires_at"]:
                request["gone"] = True

    def expires(self, request: dict[str, Any]) -> None:
        if request["state"] in OPEN:
            self.move(request, "EXPIRED", None)
        else:
            request |= {"state": "EXPIRED", "moved_by": None, "entered_at": self.now}

    def restart(self) -> None:
        self.house.close()
        self.house = house_in(self.folder, self.clock, exchange_cap=CAP)

    @rule(
        what=st.sampled_from(
            ("AdministratorAccess",) * 2 + (PUBLIC_ONLY,) * 2 + ("approver", "guardrail", "template", "partner"),
        ),
    )
    def change_rights(self, what: str) -> None:
        """Whoever's rights were changed gets them back by the same rule."""
        if what == "approver":
            self.disable_or_enable_the_approver()
        elif what == "guardrail":
            self.put_or_remove_a_guardrail()
        elif what == "template":
            self.register_the_template_again()
        elif what == "partner":
            self.stop_or_resume_the_partner()
        else:
            self.change_policies_of_the_approver(what)

    def change_policies_of_the_approver(self, name: str) -> None:
        having: set[str] = self.approver["policies"]
        who: dict[str, Any] = {"account_id": ACCOUNT, "user_name": "approver"}
        if name in having:
            having.discard(name)
            onboarding.detach_policy(self.ports, OPERATOR, policy_name=name, **who)
            self.written(ACCOUNT, "DetachUserPolicy", None, None)
            return
        having.add(name)
        document = policy(statement("Allow", ["s3:*"], "arn:aws:s3:::logs/public/*"))
        choice = PolicyChoice(name, document if name == PUBLIC_ONLY else None)
        onboarding.attach_policy(self.ports, OPERATOR, choice=choice, **who)
        self.written(ACCOUNT, "AttachUserPolicy", None, None)

    def disable_or_enable_the_approver(self) -> None:
        active = self.approver["active"] = not self.approver["active"]
        onboarding.set_user_active(self.ports, OPERATOR, account_id=ACCOUNT, user_name="approver", active=active)
        self.written(ACCOUNT, "UpdateUser", None, None)

    def put_or_remove_a_guardrail(self) -> None:
        self.guarded = not self.guarded
        if self.guarded:
            document = policy(statement("Deny", ["s3:*"], "arn:aws:s3:::logs/public/*"))
            onboarding.put_guardrail(self.ports, OPERATOR, account_id=ACCOUNT, name=NO_PUBLIC, document=document)
        else:
            onboarding.remove_guardrail(self.ports, OPERATOR, account_id=ACCOUNT, name=NO_PUBLIC)
        self.written(ACCOUNT, "PutGuardrail" if self.guarded else "DeleteGuardrail", None, None)

    def register_the_template_again(self) -> None:
        """A new version has a new name; neither it nor the refused one changes what is under way."""
        new = not self.registered_again
        name = "Read_2026_01_02" if new else "Read_2026_01_01"

        def work(_call: Call) -> Any:
            return partnering.register_template(
                self.ports,
                OPERATOR,
                partner_id=PARTNER,
                name=name,
                document=json.dumps(READ_BUCKET),
            )

        made = self.act("partner", "", "ok" if new else "AlreadyExists", work)
        if made is not None:
            self.registered_again = True
            self.written(PARTNER, "RegisterTemplate", None, None)
        else:
            self.written("000000000000", "RegisterTemplate", None, None, "AlreadyExists")

    def stop_or_resume_the_partner(self) -> None:
        if not self.partner_active:
            dismissal.resume_partner(self.ports, OPERATOR, PARTNER)
            self.partner_active = True
            self.written(PARTNER, "ResumePartner", None, None)
            return
        dismissal.stop_partner(self.ports, OPERATOR, PARTNER)
        self.partner_active = False
        self.written(PARTNER, "StopPartner", None, None)
        for request in self.requests:
            grant = request["grant"]
            if not request["gone"] and request["state"] in OPEN:
                self.written(
                    request["owner_account"] or PARTNER, "ExpireDelegationRequest", request["state"], "EXPIRED"
                )
                request["expires_at"] = min(request["expires_at"], self.now)
                self.expires(request)
            if grant and grant["state"] == "LIVE":
                late = self.now >= grant["deadline"]
                act = "ExpireGrant" if late else "RevokeDelegation"
                self.written(request["owner_account"], act, "LIVE", "REVOKED")
                self.grant_ends(request, "expired" if late else "revoked", None if late else "operator")

    def empty_the_mailbox(self) -> None:
        if not self.partner_active:
            return
        call = self.people.call("partner")
        waiting = delivery.mailbox(self.ports, call, limit=1000)
        expected = [one for request in self.requests for one in request["messages"] if self.now < one[3]]
        assert len(waiting) == len(expected)
        for errand in waiting:
            delivery.acknowledge(self.ports, call, errand.id)
            self.written(PARTNER, "AcknowledgeNotification", None, None)
        for request in self.requests:
            request["messages"] = [one for one in request["messages"] if self.now >= one[3]]

    # --- the three promises ---------------------------------------------------------------------------------

    @invariant()
    def what_was_shown_is_what_is_granted(self) -> None:
        stored = {one.id: one for one in self.ports.store.read(lambda tx: tx.find(DelegationRequest))}
        assert set(stored) == {one["id"] for one in self.requests if not one["gone"]}
        for request in self.requests:
            if (found := stored.get(request["id"])) is not None:
                assert frozen_part(found) == request["frozen"]
                assert digest_of(found) == request["frozen"]["digest"]

    @invariant()
    def a_session_can_do_no_more_than_was_lent_and_for_no_longer(self) -> None:
        for minted, request in self.minted:
            lives = self.lives(request)
            assert minted.expires_at == request["grant"]["deadline"]
            assert (self.caller_of(minted) is not None) == lives
            for subject in (minted.access_key_id, minted.session_token):
                allowed = self.allowed(subject, request["frozen"]["permission_policy"])
                assert allowed == (self.expected_probes(request) if lives else set())

    def allowed(self, subject: str, rendered: str) -> set[tuple[str, str]]:
        """Which probes a resource server would be told yes for; the session layer is the frozen policy itself."""
        try:
            standing = self.ports.store.read(lambda tx: sessions.standing_of_session(tx, self.ports, subject))
        except NoSuchEntity:
            return set()
        enforced = [layer for layer in standing.layers if layer.kind is LayerKind.SESSION]
        assert [one.policy for layer in enforced for one in layer.policies] == [
            parse_policy(rendered, kind=PolicyKind.SESSION),
        ]
        answers = {
            (action, resource): sessions.judge(
                standing, action=action, resource=resource, context=RequestContext(), now=self.now
            )
            for action, resource in PROBES
        }
        return {probe for probe, answer in answers.items() if answer is not None and answer.allowed}

    def expected_probes(self, request: dict[str, Any]) -> set[tuple[str, str]]:
        found = set()
        for action, resource in PROBES:
            in_bucket = resource.startswith(f"arn:aws:s3:::{request['bucket']}/")
            lent = action.startswith("s3:") and in_bucket and action in TEMPLATES[request["template"]]
            public = resource.startswith("arn:aws:s3:::logs/public/")
            narrow = request["approver"] == "approver" and PUBLIC_ONLY in self.approver["policies"] and public
            guarded = self.guarded and public and request["owner_account"] == ACCOUNT
            if lent and (self.administers(request["approver"]) or narrow) and not guarded:
                found.add((action, resource))
        return found

    @invariant()
    def every_change_is_written_down_once(self) -> None:
        """Exactly the entries that were foretold were appended, and the chains verify."""
        heads = self.heads_now()
        entries = []
        for chain, number in heads.items():
            numbers = range(self.heads.get(chain, 0) + 1, number + 1)
            entries += self.ports.store.read(lambda tx, c=chain, n=numbers: tx.find(AuditEntry, chain=c, number=n))  # type: ignore[misc]
        bodies = [(one.chain, json.loads(one.body)) for one in entries]
        found = [(chain, b["act"], b["before"], b["after"], b["failure"]) for chain, b in bodies]
        # A refused move says what it found only where that is harmless; what counts is that nothing moved.
        found = [(*one[:2], None, None, one[4]) if one[4] else one for one in found]
        assert sorted(found, key=repr) == sorted(self.expected, key=repr)
        assert self.ports.store.read(lambda tx: audit.verify(tx, self.ports.keyring)).faults == ()
        self.heads, self.expected = heads, []

    @invariant()
    def states_grants_and_messages_are_the_foretold_ones(self) -> None:
        stored, grants, errands = self.ports.store.read(
            lambda tx: (tx.find(DelegationRequest), tx.find(Grant), tx.find(Errand)),
        )
        by_id = {one.id: one for one in stored}
        for request in self.requests:
            mine = [one for one in grants if one.request_id == request["id"]]
            self.check_grant(request, mine)
            found = by_id.get(request["id"])
            if found is not None:
                assert state_at(found, self.now) == self.state(request)
                assert (found.state, found.expires_at) == (request["state"], request["expires_at"])
                waiting = [one for one in errands if one.request_id == request["id"]]
                told = [(one.sequence, one.message_type, self.state_told(one), one.expires_at) for one in waiting]
                assert sorted(told) == sorted(request["messages"])
        ids = {one["id"] for one in self.requests}
        assert all(one.request_id in ids for one in grants)

    def state_told(self, errand: Errand) -> str:
        return str(notifications.body_of(self.ports, errand)["State"])

    def check_grant(self, request: dict[str, Any], found: list[Grant]) -> None:
        if request["grant"] is None:
            assert found == []
            return
        (grant,) = found
        expected = request["grant"]
        assert (grant.state, grant.deadline) == (expected["state"], expected["deadline"])
        assert (grant.exchanges, grant.end_reason) == (expected["exchanges"], expected["reason"])
        assert grant.ended_at == expected["ended_at"]
        late = self.now >= grant.deadline
        assert (seen_at(grant, self.now).state == "REVOKED") == (late or expected["state"] == "REVOKED")

    def heads_now(self) -> dict[str, int]:
        return {str(one.chain): one.number for one in self.ports.store.read(lambda tx: tx.find(AuditHead))}


def frozen_part(request: DelegationRequest) -> dict[str, Any]:
    """Every field above `state`: what the approver is shown."""
    names = [field.name for field in fields(request)]
    return {name: getattr(request, name) for name in names[: names.index("state")]}


def run(examples: int, steps: int) -> None:
    chosen = settings(
        settings.get_profile("daypass"),
        max_examples=examples,
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(LifeCycle, settings=chosen)


def test_whatever_anybody_does_what_was_shown_is_granted_no_more_no_longer_and_all_of_it_is_written_down() -> None:
    run(examples=60, steps=45)


@pytest.mark.long
def test_the_same_holds_over_many_more_and_much_longer_stories() -> None:
    run(examples=400, steps=120)
