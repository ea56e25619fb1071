"""An open house for tests: real SQLite in a temporary folder, a clock of the test's choice, and people in it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from service.house import House, open_house
from service.notify.guard import check_url
from service.settings import Settings
from workflows import credentialing, onboarding, partnering
from workflows.arns import template_arn
from workflows.authentication import caller_of
from workflows.callers import Call, operator
from workflows.credentialing import NewKey
from workflows.ids import parse_account_id
from workflows.onboarding import PolicyChoice
from workflows.ports import Clock, Ports
from workflows.records.account import Principal
from workflows.records.partner import PolicyTemplate
from workflows.submission import NewRequest
from workflows.templates import Parameter, ParameterType, parse_template

ACCOUNT: Final = "111122223333"
OTHER_ACCOUNT: Final = "555566667777"
PARTNER: Final = "444455556666"
OTHER_PARTNER: Final = "888899990000"

READ_BUCKET: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::@{bucketName}/*"},
    ],
}


def settings_in(folder: Path, **more: Any) -> Settings:
    """Settings for a database and key file in this folder."""
    given = {"database_url": f"sqlite:///{folder / 'daypass.db'}", "master_key_file": folder / "daypass.key"}
    return Settings(**{**given, **more})


def house_in(folder: Path, clock: Clock | None = None, **more: Any) -> House:
    """Open (or open again) the house in this folder."""
    return open_house(settings_in(folder, **more), clock=clock)


def with_terms(house: House, **terms: Any) -> Ports:
    """The ports of a house under other terms."""
    return replace(house.ports, terms=replace(house.ports.terms, **terms))


OPERATOR: Final = Call(caller=operator("tests"), id="call-operator", wire="cli")


def call_by(principal: Principal, **more: Any) -> Call:
    """A call that this principal makes with its own credential."""
    return Call(caller=caller_of(principal, "AKIATESTS"), id="call-test", wire="aws", **more)


@dataclass(frozen=True, slots=True)
class People:
    """Who is there: an account with a root, an owner and an approver, a stranger's account, and two partners."""

    root: Principal
    owner: Principal
    approver: Principal
    bystander: Principal
    stranger: Principal
    partner: Principal
    other_partner: Principal
    template_arn: str
    channel_arn: str

    def call(self, name: str, **more: Any) -> Call:
        """A call by the person of this name."""
        return call_by(getattr(self, name), **more)


def _user(ports: Ports, account: str, name: str, policies: Sequence[str]) -> Principal:
    choices = [PolicyChoice(policy) for policy in policies]
    return onboarding.create_user(ports, OPERATOR, account_id=account, name=name, policies=choices)


def _principal(ports: Ports, arn: str) -> Principal:
    return ports.store.read(lambda tx: tx.find(Principal, arn=arn))[0]


def earlier_template(ports: Ports, name: str, document: dict[str, Any], domain: str = "lumenwatch.example") -> str:
    """Store a template of the partner as a release before reviews did, whatever it allows; return its ARN."""
    parse_template(json.dumps(document))
    arn = template_arn("aws", domain, name)
    record = PolicyTemplate(arn, parse_account_id(PARTNER), name, json.dumps(document), (), ports.clock.now())
    ports.store.write(lambda tx: tx.add(record))
    return arn


def settle_people(ports: Ports, *, url: str | None = None, template: dict[str, Any] | None = None) -> People:
    """Register everybody through the use-cases."""
    for account, alias in ((ACCOUNT, "first"), (OTHER_ACCOUNT, "second")):
        onboarding.create_account(ports, OPERATOR, account_id=account, alias=alias)
    for partner, name in ((PARTNER, "Lumenwatch"), (OTHER_PARTNER, "Quarry")):
        partnering.create_partner(ports, OPERATOR, partner_id=partner, name=name, domain=f"{name.lower()}.example")
    arn = (
        earlier_template(ports, "Read_2026_01_01", template)
        if template
        else partnering.register_template(
            ports, OPERATOR, partner_id=PARTNER, name="Read_2026_01_01", document=json.dumps(READ_BUCKET)
        ).arn
    )
    channel = partnering.register_channel(ports, OPERATOR, partner_id=PARTNER, name="main", url=url)
    return People(
        root=_principal(ports, f"arn:aws:iam::{ACCOUNT}:root"),
        owner=_user(ports, ACCOUNT, "owner", ["DelegationOwner"]),
        approver=_user(ports, ACCOUNT, "approver", ["AdministratorAccess"]),
        bystander=_user(ports, ACCOUNT, "bystander", []),
        stranger=_user(ports, OTHER_ACCOUNT, "stranger", ["AdministratorAccess"]),
        partner=_principal(ports, f"arn:aws:iam::{PARTNER}:root"),
        other_partner=_principal(ports, f"arn:aws:iam::{OTHER_PARTNER}:root"),
        template_arn=arn,
        channel_arn=channel.channel.arn,
    )


def key_for(ports: Ports, principal: Principal) -> NewKey:
    """A fresh access key of this principal."""
    return credentialing.create_access_key(ports, OPERATOR, principal.arn)


def token_for(ports: Ports, principal: Principal) -> str:
    """A fresh API token of this principal."""
    return credentialing.create_api_token(ports, OPERATOR, principal.arn).token


def a_request(people: People, workflow_id: str = "wf-00001", **more: Any) -> NewRequest:
    """What the partner asks for, unless told otherwise."""
    given: dict[str, Any] = {
        "description": "Reads your logs",
        "template_arn": people.template_arn,
        "parameters": [Parameter("bucketName", ("logs",), ParameterType.STRING)],
        "workflow_id": workflow_id,
        "channel_arn": people.channel_arn,
        "session_duration": 3600,
        "owner_account_id": ACCOUNT,
    }
    return NewRequest(**{**given, **more})


def allow_loopback(ports: Ports) -> Ports:
    """The same ports, but receivers on this machine are accepted."""
    return replace(ports, check_receiver=partial(check_url, allow_loopback=True))
