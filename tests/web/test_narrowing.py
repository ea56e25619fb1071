"""Approving with less, in a real browser: narrow, sign, exchange, use."""

import json
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError
from playwright.sync_api import Page, expect
from staging.browsers import Person
from staging.houses import OPERATOR, People, a_request, key_for
from staging.servers import LiveServer

from workflows import credentialing, delivery, partnering, release, submission
from workflows.notifications import body_of
from workflows.records.request import DelegationRequest
from workflows.templates import Parameter, ParameterType

Arrive = Callable[..., Person]
TEMPLATE: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Roles",
            "Effect": "Allow",
            "Action": ["iam:GetRole", "iam:ListRoles"],
            "Resource": ["*", "arn:aws:iam::@{accountId}:role/reader"],
        },
        {"Sid": "Files", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::@{bucketName}/*"},
    ],
}


def filed(site: LiveServer, cast: People) -> DelegationRequest:
    registered = partnering.register_template(
        site.ports, OPERATOR, partner_id=cast.partner.account_id, name="Look_2026_01_01", document=json.dumps(TEMPLATE)
    )
    given = {"bucketName": "logs", "accountId": cast.approver.account_id}
    asked = a_request(cast, template_arn=registered.arn, parameters=parameters(given))
    return submission.create(site.ports, cast.call("partner"), asked)


def claimed(site: LiveServer, arrive: Arrive, cast: People) -> tuple[Page, DelegationRequest]:
    """The review of a request that an approver has claimed."""
    request, person = filed(site, cast), arrive()
    person.enrol(cast.approver)
    person.page.goto(f"/d/{request.id}")
    person.page.click("text=Claim for first")
    return person.page, request


def parameters(given: dict[str, str]) -> list[Any]:
    return [Parameter(name, (value,), ParameterType.STRING) for name, value in given.items()]


def test_the_action_that_was_dropped_is_refused_and_the_one_that_was_kept_works(
    site: LiveServer, arrive: Arrive, cast: People
) -> None:
    page, _ = claimed(site, arrive, cast)
    expect(page.locator("#risks ~ table")).to_contain_text("It reads")
    page.click("text=Approve with less")

    page.fill("#addresses", "nowhere")
    page.click("text=Approve this much and release now")
    expect(page.locator(".notice.bad")).to_contain_text("which is no range")
    page.fill("#addresses", "")
    page.uncheck("text=iam:ListRoles")
    page.uncheck("text=s3:GetObject")
    page.select_option("#seconds", "900")
    page.click("text=Approve this much and release now")
    expect(page.locator("main")).to_contain_text("Asked was 1 hour, lent is 15 minutes.")
    expect(page.locator(".difference del").first).to_be_visible()
    page.click("text=Sign with passkey")
    page.wait_for_selector("text=the clock runs")
    expect(page.locator("#less ~ .difference")).to_contain_text("iam:ListRoles")

    messages = [body_of(site.ports, one) for one in delivery.mailbox(site.ports, cast.call("partner"), limit=100)]
    token = next(str(one["ExchangeToken"]) for one in messages if "ExchangeToken" in one)
    assert all("iam:ListRoles" not in str(one.get("PermissionPolicy")) for one in messages)
    minted = release.exchange(site.ports, cast.call("partner"), token)
    lent = credentialing.NewKey(minted.access_key_id, minted.secret_access_key)
    iam = site.boto("iam", lent, token=minted.session_token)
    with_role(site, cast)
    assert iam.get_role(RoleName="reader")["Role"]["RoleName"] == "reader"
    refused = refusal(iam.list_roles)
    assert refused == "AccessDenied"


def with_role(site: LiveServer, cast: People) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": cast.approver.account_id}, "Action": "sts:AssumeRole"}
    administrator = site.boto("iam", key_for(site.ports, cast.approver))
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    administrator.create_role(RoleName="reader", AssumeRolePolicyDocument=document)


def refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except ClientError as failure:
        return str(failure.response["Error"]["Code"])
    return ""


def test_a_policy_that_is_written_wider_is_refused_with_a_request_that_shows_it(
    site: LiveServer, arrive: Arrive, cast: People
) -> None:
    page, request = claimed(site, arrive, cast)
    page.goto(f"/requests/{request.id}/narrow")
    page.click("text=Write the policy yourself")
    wide = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    page.fill("#policy", json.dumps(wide))
    page.click("text=Approve this much, release later")
    expect(page.locator(".notice.bad")).to_contain_text("which was not asked for")
    expect(page.locator("#policy")).to_have_value(json.dumps(wide))
