"""The JSON API: the same life cycle with API tokens, over exactly what was reviewed, with every failure a problem."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from staging.clocks import StillClock
from staging.houses import ACCOUNT, OPERATOR, OTHER_ACCOUNT, PARTNER, allow_loopback, call_by, settle_people
from staging.servers import serving
from staging.wires import Cast, arrived, contents, exchange_token_of, key_of, minted, nothing_written, send, signed

from workflows import credentialing, delivery, onboarding
from workflows.credentialing import NewToken
from workflows.records.account import PrincipalKind
from workflows.records.request import State

PROBLEM = "application/problem+json"


@pytest.fixture
def operator(cast: Cast) -> Iterator[httpx.Client]:
    """A client with the token of an operator."""
    ports = cast.live.ports
    made = onboarding.create_housed_principal(ports, OPERATOR, kind=PrincipalKind.OPERATOR, name="ops")
    with cast.live.http(credentialing.create_api_token(ports, OPERATOR, made.arn).token) as client:
        yield client


def asked(cast: Cast, workflow_id: str = "wf-00001", **more: Any) -> dict[str, Any]:
    return {
        "description": "Reads your logs",
        "policy_template_arn": cast.people.template_arn,
        "workflow_id": workflow_id,
        "notification_channel": cast.people.channel_arn,
        "session_duration": 3600,
        "parameters": [{"name": "bucketName", "values": ["logs"]}],
        "owner_account_id": ACCOUNT,
        **more,
    }


def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """A problem, once its form is right."""
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].startswith("urn:daypass:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
    return problem


def slug_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, problem_of(answer)["type"].removeprefix("urn:daypass:problem:")


def new_token(cast: Cast, name: str, **more: Any) -> NewToken:
    return credentialing.create_api_token(cast.live.ports, OPERATOR, cast.principal(name).arn, **more)


# --- the story -------------------------------------------------------------------------------------------


def test_the_whole_story_with_tokens(cast: Cast, still: StillClock) -> None:
    with cast.api("partner") as partner, cast.api("owner") as owner, cast.api("approver") as approver:
        filed = ok(partner.post("/v1/requests", json=asked(cast)))
        at = f"/v1/requests/{filed['id']}"
        assert filed["deep_link"] == f"{cast.live.origin}/d/{filed['id']}"
        assert "permission_policy" not in filed
        assert ok(owner.post(f"{at}/associate"))["owner_id"] == cast.people.owner.arn
        assert ok(owner.post(f"{at}/forward", json={"notes": "bitte prüfen"}))["state"] == "PENDING_APPROVAL"
        shown = ok(approver.get(at, params={"check": True}))
        assert (shown["permission_check"], shown["requestor_name"]) == ("ALLOWED", "Lumenwatch")
        assert shown["permission_policy"]["Statement"][0]["Resource"] == "arn:aws:s3:::logs/*"
        assert ok(approver.get(f"{at}/summary", params={"locale": "en"}))["state"] == "AVAILABLE"
        assert ok(approver.post(f"{at}/accept", json={"digest": shown["digest"]}))["state"] == "ACCEPTED"
        assert ok(owner.post(f"{at}/send"))["state"] == "FINALIZED"
        messages = [one["message"] for one in ok(partner.get("/v1/notifications"))]
        assert sorted(message["Sequence"] for message in messages) == [1, 2, 3, 4, 5]
        (token,) = (message["ExchangeToken"] for message in messages if message["Type"] == "ExchangeToken")
        answer = partner.post("/v1/exchange", json={"exchange_token": token})
        lent = ok(answer)
        assert answer.headers["cache-control"] == "no-store"
        assert lent["expires_at"] == (still.now().replace(microsecond=0) + timedelta(hours=1)).isoformat().replace(
            "+00:00", "Z"
        )
        assert lent["assumed_principal"] == cast.people.approver.arn
        (grant,) = ok(approver.get("/v1/grants"))["items"]
        assert (grant["state"], grant["exchanges"], grant["request_id"]) == ("LIVE", 1, filed["id"])
        ended = ok(owner.post(f"{at}/revoke", json={"notes": "enough"}))
        assert (ended["state"], ended["end_reason"], ended["ended_by"]) == (
            "REVOKED",
            "revoked",
            cast.people.owner.arn,
        )
        acts = [one["entry"]["act"] for one in ok(approver.get("/v1/audit")) if one["request_id"] == filed["id"]]
        assert acts == [
            "RevokeDelegation",
            "GetDelegatedAccessToken",
            "SendDelegationToken",
            "AcceptDelegationRequest",
            "UpdateDelegationRequest",
            "AssociateDelegationRequest",
        ]
        assert ok(partner.get(at))["state"] == "FINALIZED"


def test_an_approval_is_of_the_digest_that_was_reviewed_and_of_no_other(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001")
    other = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00002")
    with cast.api("approver") as approver:
        at = f"/v1/requests/{request.id}/accept"
        ok(approver.get("/v1/me"))
        with nothing_written(cast.live):
            for digest in (other.digest, request.digest.upper(), "0" * 64):
                assert slug_of(approver.post(at, json={"digest": digest})) == (409, "digest-mismatch")
            for body in ({}, {"digest": None}, {"digest": request.digest[:-1]}, {"digest": ""}):
                assert slug_of(approver.post(at, json=body))[0] == 400
            assert approver.post(at).status_code == 400
        assert ok(approver.post(at, json={"digest": request.digest}))["state"] == "ACCEPTED"


def test_a_partner_sees_where_its_request_stands_and_nothing_of_the_owners_words(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.PENDING_APPROVAL, "wf-00001")
    with cast.api("partner") as partner:
        answer = partner.get(f"/v1/requests/{request.id}")
        assert ok(answer)["state"] == "PENDING_APPROVAL"
        assert "please check" not in answer.text
        assert cast.people.owner.arn not in answer.text
        (listed,) = ok(partner.get("/v1/requests"))["items"]
        assert listed == ok(answer)


def test_lists_page_with_a_marker_that_is_good_for_that_list_alone(cast: Cast, still: StillClock) -> None:
    filed = []
    for number in range(3):
        still.advance(seconds=1)
        filed.append(arrived(cast.live.ports, cast.people, State.FINALIZED, f"wf-{number:05}").id)
    with cast.api("approver") as approver, cast.api("partner") as partner:
        first = ok(approver.get("/v1/requests", params={"limit": 2}))
        second = ok(approver.get("/v1/requests", params={"limit": 2, "marker": first["next_marker"]}))
        assert [one["id"] for one in first["items"] + second["items"]] == filed[::-1]
        assert second["next_marker"] is None
        for client, path in ((approver, "/v1/grants"), (partner, "/v1/requests")):
            answer = client.get(path, params={"marker": first["next_marker"]})
            assert slug_of(answer) == (400, "invalid-input")
            assert answer.json()["field"] == "marker"


# --- who is calling --------------------------------------------------------------------------------------


def test_everybody_is_told_who_they_are(cast: Cast, operator: httpx.Client) -> None:
    for name, kind in (("owner", "user"), ("root", "root"), ("partner", "partner")):
        principal = cast.principal(name)
        with cast.api(name) as client:
            assert ok(client.get("/v1/me")) == {
                "kind": kind,
                "account_id": principal.account_id,
                "principal_id": principal.id,
                "arn": principal.arn,
            }
    assert ok(operator.get("/v1/me"))["kind"] == "operator"


def test_a_token_does_what_its_scopes_say_and_no_more(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001")
    reading, writing = new_token(cast, "owner", scopes=("read",)), new_token(cast, "owner", scopes=("write",))
    at = f"/v1/requests/{request.id}"
    with cast.live.http(reading.token) as reader, cast.live.http(writing.token) as writer:
        assert reader.get(at).status_code == 200
        ok(writer.post(f"{at}/associate"))
        with nothing_written(cast.live):
            assert slug_of(reader.post(f"{at}/reject", json={})) == (403, "access-denied")
            assert slug_of(reader.delete(f"/v1/tokens/{reading.record.id}")) == (403, "access-denied")
            assert slug_of(writer.get(at)) == (403, "access-denied")
        assert ok(writer.post(f"{at}/reject", json={}))["state"] == "REJECTED"


def test_a_token_ends_at_its_very_deadline_and_at_its_revocation(cast: Cast, still: StillClock) -> None:
    short, gone = new_token(cast, "owner", days=1), new_token(cast, "owner")
    credentialing.revoke_api_token(cast.live.ports, OPERATOR, gone.record.id)
    with cast.live.http(short.token) as client, cast.live.http(gone.token) as revoked:
        assert slug_of(revoked.get("/v1/me")) == (401, "unknown-credential")
        still.advance(days=1, microseconds=-1)
        ok(client.get("/v1/me"))
        still.advance(microseconds=1)
        assert slug_of(client.get("/v1/me")) == (401, "unknown-credential")


def test_a_token_ends_itself(cast: Cast) -> None:
    mine = new_token(cast, "bystander")
    with cast.live.http(mine.token) as client:
        ok(client.delete(f"/v1/tokens/{mine.record.id}"))
        assert slug_of(client.get("/v1/me")) == (401, "unknown-credential")


def test_a_token_is_taken_from_the_authorization_header_and_from_nowhere_else(cast: Cast) -> None:
    token = cast.token("owner")
    tries: list[dict[str, Any]] = [
        {},
        {"params": {"access_token": token}},
        {"params": {"token": token, "api_token": token, "authorization": f"Bearer {token}"}},
        {"cookies": {"token": token, "session": token}},
        {"headers": {"x-api-key": token}},
        {"headers": {"authorization": token}},
        {"headers": {"authorization": f"Basic {token}"}},
        {"headers": {"authorization": f"Bearer {token}x"}},
        {"headers": {"authorization": f"Bearer {token[:-1]}"}},
        {"headers": {"authorization": f"Bearer {token} {token}"}},
        {"headers": [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]},
    ]
    with nothing_written(cast.live, audited=False):
        for more in tries:
            with httpx.Client(base_url=cast.live.origin, trust_env=False, cookies=more.pop("cookies", None)) as client:
                assert slug_of(client.get("/v1/me", **more))[0] == 401
    with cast.live.http() as client:
        ok(client.get("/v1/me", headers={"authorization": f"bearer {token}"}))


def test_a_token_cannot_make_tokens_but_a_signature_can(cast: Cast) -> None:
    body = json.dumps({"scopes": ["read"], "days": 1}).encode()
    with cast.api("approver") as client:
        ok(client.get("/v1/me"))
        with nothing_written(cast.live):
            assert slug_of(client.post("/v1/tokens", content=body)) == (403, "access-denied")
    answer = by_signature(cast, "approver", "POST", "/v1/tokens", body)
    made = ok(answer)
    assert answer.headers["cache-control"] == "no-store"
    with cast.live.http(made["api_token"]) as client:
        assert ok(client.get("/v1/me"))["arn"] == cast.people.approver.arn


def by_signature(cast: Cast, name: str, method: str, path: str, body: bytes = b"", **more: Any) -> httpx.Response:
    headers = {"content-type": "application/json", **more.pop("headers", {})}
    given = {"service": "execute-api", **more}
    return send(signed(cast.live.origin, cast.key(name), body, method=method, path=path, headers=headers, **given))


def test_a_signature_is_accepted_for_this_service_or_for_any_http_api(cast: Cast) -> None:
    for service in ("daypass", "execute-api"):
        assert ok(by_signature(cast, "owner", "GET", "/v1/me", service=service))["arn"] == cast.people.owner.arn
    for service in ("iam", "sts", "s3"):
        answer = by_signature(cast, "owner", "GET", "/v1/me", service=service)
        assert slug_of(answer) == (401, "incomplete-signature")


def test_a_signature_covers_the_address_and_the_body(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001")
    good = f"/v1/requests/{request.id}/reject"
    sent = signed(
        cast.live.origin,
        cast.key("owner"),
        b'{"notes": "no"}',
        service="daypass",
        path=good,
        headers={"content-type": "application/json"},
    )
    with nothing_written(cast.live, audited=False):
        for url, body in (
            (good.replace("reject", "revoke"), sent.content),
            (good, b"{}"),
            (good + "?a=b", sent.content),
        ):
            altered = httpx.Request("POST", cast.live.origin + url, headers=sent.headers, content=body)
            altered.headers["content-length"] = str(len(body))
            assert slug_of(send(altered)) == (401, "signature-mismatch")
    assert ok(send(sent))["rejection_reason"] == "no"


def test_a_delegated_session_can_do_nothing_with_requests_grants_or_people(cast: Cast) -> None:
    session = minted(cast.live.ports, cast.people, "wf-00001")
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00002")
    for method, path, body in (
        ("GET", f"/v1/requests/{request.id}", b""),
        ("POST", f"/v1/requests/{request.id}/reject", b"{}"),
        ("GET", "/v1/requests", b""),
        ("GET", "/v1/grants", b""),
        ("GET", "/v1/audit", b""),
        ("GET", f"/v1/accounts/{ACCOUNT}/users", b""),
        ("POST", f"/v1/accounts/{ACCOUNT}/users/owner/access-keys", b""),
        ("POST", "/v1/tokens", b"{}"),
    ):
        sent = signed(
            cast.live.origin,
            key_of(session),
            body,
            token=session.session_token,
            service="daypass",
            method=method,
            path=path,
            headers={"content-type": "application/json"},
        )
        with nothing_written(cast.live):
            assert slug_of(send(sent)) == (403, "access-denied")


# --- every failure is a problem --------------------------------------------------------------------------


def test_what_is_wrong_with_a_request_is_a_problem_that_names_the_field(cast: Cast) -> None:
    cases: list[tuple[dict[str, Any], str, str | None]] = [
        ({"description": "soft\u00adhyphen"}, "invalid-input", "Description"),
        ({"workflow_id": "wf"}, "invalid-input", "RequestorWorkflowId"),
        ({"session_duration": 299}, "invalid-input", "SessionDuration"),
        ({"session_duration": 43_201}, "invalid-input", "SessionDuration"),
        ({"owner_account_id": "1"}, "invalid-input", "OwnerAccountId"),
        ({"owner_account_id": PARTNER}, "invalid-input", "OwnerAccountId"),
        ({"redirect_url": "https://evil.example/"}, "invalid-input", "RedirectUrl"),
        ({"notification_channel": "arn:aws:sns:local:1:x"}, "invalid-input", "NotificationChannel"),
        ({"policy_template_arn": "arn:aws:iam::partner:x"}, "invalid-input", "PolicyTemplateArn"),
        ({"parameters": []}, "template-mismatch", None),
        ({"parameters": [{"name": "bucketName", "values": ["*"]}]}, "template-mismatch", None),
    ]
    with cast.api("partner") as partner:
        ok(partner.get("/v1/me"))
        with nothing_written(cast.live):
            for more, slug, field in cases:
                answer = partner.post("/v1/requests", json=asked(cast, **more))
                assert slug_of(answer) == (400, slug)
                assert field in (None, answer.json()["field"])


def test_a_body_of_the_wrong_shape_is_a_problem_that_names_every_wrong_place(cast: Cast) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"session_duration": "3600"}, "session_duration"),
        ({"description": None}, "description"),
        ({"onlysendbyowner": True}, "onlysendbyowner"),
        ({"parameters": [{"name": "bucketName", "values": "logs"}]}, "values"),
        ({"parameters": [{"name": "bucketName", "values": ["x"], "kind": "string"}]}, "kind"),
    ]
    with cast.api("partner") as partner:
        ok(partner.get("/v1/me"))
        with nothing_written(cast.live, audited=False):
            for more, place in cases:
                answer = partner.post("/v1/requests", json=asked(cast, **more))
                assert slug_of(answer) == (400, "invalid-input")
                assert place in answer.text
            missing = asked(cast)
            del missing["workflow_id"]
            said = problem_of(partner.post("/v1/requests", json=missing))
            assert said["errors"] == [{"field": "workflow_id", "problem": "is required"}]
            said = problem_of(partner.post("/v1/requests"))
            assert said["errors"] == [{"field": "body", "problem": "is empty; this call needs a JSON object"}]
            for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'"text"', b'{"description": "\xed\xa0\x80"}'):
                assert problem_of(partner.post("/v1/requests", content=body))["status"] == 400


def test_each_class_of_failure_has_its_status_and_its_type(cast: Cast) -> None:
    ports, people = cast.live.ports, cast.people
    fresh = arrived(ports, people, State.ASSIGNED, "wf-00001", session_duration=14_401)
    final = arrived(ports, people, State.FINALIZED, "wf-00002")
    gone = arrived(ports, people, State.FINALIZED, "wf-00003")
    token, dead = exchange_token_of(ports, final.id), exchange_token_of(ports, gone.id)
    fill = f"/v1/accounts/{ACCOUNT}/users/bystander/access-keys"
    cases: list[tuple[str, str, str, Any, int, str]] = [
        ("approver", "POST", f"/v1/requests/{fresh.id}/send", None, 409, "wrong-state"),
        ("root", "POST", f"/v1/requests/{fresh.id}/accept", {"digest": fresh.digest}, 403, "root-duration"),
        ("approver", "POST", f"/v1/requests/{fresh.id}/accept", {"digest": "0" * 64}, 409, "digest-mismatch"),
        ("owner", "GET", f"/v1/requests/{'x' * 20}", None, 404, "no-such-entity"),
        ("owner", "GET", "/v1/requests/x", None, 404, "no-such-entity"),
        ("bystander", "GET", f"/v1/requests/{fresh.id}", None, 403, "access-denied"),
        ("partner", "POST", "/v1/requests", asked(cast, "wf-00001"), 409, "already-exists"),
        ("approver", "POST", fill, None, 409, "limit-exceeded"),
        ("partner", "POST", "/v1/exchange", {"exchange_token": "x"}, 400, "invalid-exchange-token"),
        ("partner", "POST", "/v1/exchange", {"exchange_token": dead}, 400, "expired-exchange-token"),
        ("other_partner", "POST", "/v1/exchange", {"exchange_token": token}, 403, "access-denied"),
        ("owner", "GET", "/v1/nothing/here", None, 404, "http"),
        ("owner", "PUT", "/v1/requests", None, 405, "http"),
        ("owner", "POST", "/v1/requests", {"x": "y" * 300_000}, 413, "http"),
    ]
    with cast.api("approver") as approver, cast.api("owner") as owner:
        ok(approver.post(fill))
        ok(approver.post(fill))
        ok(owner.post(f"/v1/requests/{gone.id}/revoke", json={}))
    for name in ("partner", "other_partner", "root", "bystander"):
        cast.token(name)
    before = contents(cast.live, without=("audit_entries", "audit_heads", "api_tokens"))
    for name, method, path, body, status, slug in cases:
        with cast.api(name) as client:
            assert (path, slug_of(client.request(method, path, json=body))) == (path, (status, slug))
    assert contents(cast.live, without=("audit_entries", "audit_heads", "api_tokens")) == before


def test_whoever_guesses_tokens_is_told_to_wait_and_is_counted_over_both_wires_together(cast: Cast) -> None:
    with cast.api("partner") as client:
        answers = [client.post("/v1/exchange", json={"exchange_token": f"guess {number}"}) for number in range(100)]
    assert {slug_of(answer) for answer in answers} == {(400, "invalid-exchange-token"), (429, "throttled")}
    assert slug_of(answers[-1]) == (429, "throttled")
    sts = cast.sts("partner")
    with pytest.raises(sts.exceptions.ClientError, match="Throttling"):
        sts.get_delegated_access_token(TradeInToken="guess")


def test_a_workflow_id_that_is_taken_leads_to_the_request_that_has_it(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.UNASSIGNED, "wf-00001")
    with cast.api("partner") as partner:
        assert request.id in problem_of(partner.post("/v1/requests", json=asked(cast)))["detail"]


# --- mailboxes, dead letters, grants, audit --------------------------------------------------------------


def test_a_message_waits_until_it_is_acknowledged_and_only_its_partner_can_do_that(cast: Cast) -> None:
    arrived(cast.live.ports, cast.people, State.REJECTED, "wf-00001")
    with cast.api("partner") as partner, cast.api("other_partner") as other, cast.api("owner") as owner:
        first, second = ok(partner.get("/v1/notifications"))
        assert {one["message"]["State"] for one in (first, second)} == {"ASSIGNED", "REJECTED"}
        assert ok(partner.get("/v1/notifications", params={"limit": 1})) == [first]
        assert ok(other.get("/v1/notifications")) == []
        assert slug_of(other.delete(f"/v1/notifications/{first['id']}")) == (404, "no-such-entity")
        assert slug_of(owner.get("/v1/notifications")) == (403, "access-denied")
        ok(partner.delete(f"/v1/notifications/{first['id']}"))
        assert ok(partner.get("/v1/notifications")) == [second]
        assert slug_of(partner.delete(f"/v1/notifications/{first['id']}")) == (404, "no-such-entity")


def test_a_token_message_is_gone_when_the_token_is_worth_nothing(cast: Cast, still: StillClock) -> None:
    arrived(cast.live.ports, cast.people, State.FINALIZED, "wf-00001")
    with cast.api("partner") as partner:
        still.advance(minutes=59)
        assert "ExchangeToken" in partner.get("/v1/notifications").text
        still.advance(minutes=1)
        assert "ExchangeToken" not in partner.get("/v1/notifications").text
        assert len(ok(partner.get("/v1/notifications"))) == 3


def test_a_dead_letter_is_listed_without_its_content_and_replayed_under_its_own_id(
    tmp_path: Path, still: StillClock
) -> None:
    more: dict[str, Any] = {"insecure_allow_loopback_receivers": True}
    with serving(tmp_path, still, scheduler=False, **more) as live:
        cast = Cast(live, settle_people(allow_loopback(live.ports), url="http://127.0.0.1:9/hook"))
        arrived(live.ports, cast.people, State.ASSIGNED, "wf-00001")
        (errand,) = delivery.lease(live.ports, 10)
        delivery.failed(live.ports, errand, "connect", hopeless=True)
        with cast.api("partner") as partner, cast.api("other_partner") as other:
            (letter,) = ok(partner.get("/v1/dead-letters"))
            assert (letter["id"], letter["attempts"], letter["last_failure"]) == (errand.id, 1, "connect")
            assert "message" not in letter
            assert ok(other.get("/v1/dead-letters")) == []
            assert ok(partner.post(f"/v1/dead-letters/{errand.id}/replay"))["id"] == errand.id
            assert ok(partner.get("/v1/dead-letters")) == []
            assert slug_of(partner.post(f"/v1/dead-letters/{errand.id}/replay")) == (404, "no-such-entity")
        assert [one.id for one in delivery.lease(live.ports, 10)] == [errand.id]


def test_both_sides_of_a_grant_see_it_and_only_the_owners_side_can_end_it(cast: Cast) -> None:
    arrived(cast.live.ports, cast.people, State.FINALIZED, "wf-00001")
    with cast.api("approver") as approver, cast.api("partner") as partner, cast.api("owner") as owner:
        (grant,) = ok(approver.get("/v1/grants"))["items"]
        at = f"/v1/grants/{grant['id']}"
        assert ok(partner.get("/v1/grants"))["items"] == [grant]
        for client in (approver, partner, owner):
            assert ok(client.get(at)) == grant
        with cast.api("bystander") as bystander:
            assert slug_of(bystander.get("/v1/grants")) == (403, "access-denied")
            assert slug_of(bystander.get(at)) == (403, "access-denied")
            assert slug_of(bystander.post(f"{at}/revoke")) == (403, "access-denied")
        assert not partner.post(f"{at}/revoke").is_success
        assert ok(owner.get(at))["state"] == "LIVE"
        assert ok(owner.post(f"{at}/revoke"))["state"] == "REVOKED"
        assert ok(partner.get(at))["end_reason"] == "revoked"
        assert slug_of(approver.post(f"{at}/revoke")) == (409, "wrong-state")


def test_a_grant_past_its_deadline_is_shown_as_ended_swept_or_not(cast: Cast, still: StillClock) -> None:
    arrived(cast.live.ports, cast.people, State.FINALIZED, "wf-00001")
    with cast.api("approver") as approver:
        still.advance(hours=1)
        (grant,) = ok(approver.get("/v1/grants"))["items"]
        assert (grant["state"], grant["end_reason"]) == ("REVOKED", "expired")


def test_the_audit_trail_is_read_backwards_by_those_who_may(cast: Cast) -> None:
    arrived(cast.live.ports, cast.people, State.REJECTED, "wf-00001")
    with cast.api("approver") as approver, cast.api("bystander") as bystander:
        whole = ok(approver.get("/v1/audit"))
        numbers = [one["number"] for one in whole]
        assert numbers == sorted(numbers, reverse=True)
        assert ok(approver.get("/v1/audit", params={"limit": 2, "before": numbers[1]})) == whole[2:4]
        assert {one["account_id"] for one in whole} == {ACCOUNT}
        assert slug_of(bystander.get("/v1/audit")) == (403, "access-denied")
        assert slug_of(approver.get("/v1/audit", params={"account_id": OTHER_ACCOUNT})) == (404, "no-such-entity")


# --- onboarding ------------------------------------------------------------------------------------------

READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


def test_an_operator_settles_everybody_and_what_was_settled_works(cast: Cast, operator: httpx.Client) -> None:
    account, partner = "121212121212", "343434343434"
    ok(operator.post("/v1/accounts", json={"id": account, "alias": "third"}))
    assert account in [one["id"] for one in ok(operator.get("/v1/accounts"))]
    people = f"/v1/accounts/{account}/users"
    inline = {"name": "ann", "policies": ["AdministratorAccess"], "inline_policies": {"own": READ}, "access_key": True}
    ann = ok(operator.post(people, json=inline))
    assert ann["access_key_id"].startswith("AKIA")
    assert set(ann["policies"]) == {"AdministratorAccess", "own"}
    made = ok(operator.post(f"/v1/accounts/{account}/policies", json={"name": "Reads", "document": READ}))
    ok(operator.post(f"{people}/ann/policies", json={"policy": made["arn"]}))
    ok(operator.post(f"{people}/ann/policies", json={"policy": "more", "document": json.dumps(READ)}))
    ok(operator.delete(f"{people}/ann/policies/own"))
    found = {one["name"]: set(one.get("policies", ())) for one in ok(operator.get(people))}
    assert found == {"root": set(), "ann": {"AdministratorAccess", "Reads", "more"}}
    guard = f"/v1/accounts/{account}/guardrails"
    ok(operator.put(f"{guard}/limit", json={"document": READ}))
    assert [one["name"] for one in ok(operator.get(guard))] == ["limit"]
    ok(operator.delete(f"{guard}/limit"))
    firm = ok(operator.post("/v1/partners", json={"id": partner, "name": "Pikestaff", "domain": "pikestaff.example"}))
    assert firm["secret_access_key"]
    at = f"/v1/partners/{partner}"
    reason = {"accept": "Pikestaff reads buckets that others share with its customers."}
    template = ok(operator.post(f"{at}/templates", json={"name": "Read_2026_01_01", "document": READ, **reason}))
    ok(operator.post(f"{at}/boundaries", json={"name": "Edge_2026_01_01", "document": READ, **reason}))
    channel = ok(operator.post(f"{at}/channels", json={"name": "main"}))
    registered = ok(operator.get(f"{at}/registrations"))
    assert {kind: len(found) for kind, found in registered.items()} == {"templates": 1, "boundaries": 1, "channels": 1}
    token = ok(operator.post("/v1/tokens", json={"principal": firm["arn"]}))
    with cast.live.http(token["api_token"]) as client:
        given = {"policy_template_arn": template["arn"], "notification_channel": channel["arn"], "parameters": []}
        filed = ok(client.post("/v1/requests", json=asked(cast, **given, owner_account_id=account)))
    assert filed["state"] == "UNASSIGNED"
    assert [one["id"] for one in ok(operator.get("/v1/requests"))["items"]] == [filed["id"]]


@pytest.mark.parametrize("name", ["approver", "root", "partner"])
def test_nobody_but_the_operator_settles_accounts_and_partners(cast: Cast, name: str) -> None:
    with cast.api(name) as client:
        ok(client.get("/v1/me"))
        with nothing_written(cast.live):
            for path, body in (
                ("/v1/accounts", {"id": "121212121212", "alias": "third"}),
                ("/v1/partners", {"id": "343434343434", "name": "Pikestaff", "domain": "pikestaff.example"}),
                (f"/v1/partners/{PARTNER}/templates", {"name": "Mine", "document": READ}),
                (f"/v1/partners/{PARTNER}/boundaries", {"name": "Mine", "document": READ}),
                ("/v1/resource-servers", {"name": "mine"}),
            ):
                assert slug_of(client.post(path, json=body)) == (403, "access-denied")
            for path in ("/v1/accounts", "/v1/partners"):
                assert slug_of(client.get(path)) == (403, "access-denied")


def test_a_policy_with_a_key_given_twice_is_refused_however_it_is_sent(cast: Cast, operator: httpx.Client) -> None:
    twice = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
    at = f"/v1/accounts/{ACCOUNT}"
    bodies = {
        f"{at}/policies": '{"name":"Twice","document":%s}',
        f"{at}/users": '{"name":"twice","inline_policies":{"own":%s}}',
        f"{at}/users/owner/policies": '{"policy":"own","document":%s}',
        f"/v1/partners/{PARTNER}/templates": '{"name":"Twice","document":%s}',
        f"/v1/partners/{PARTNER}/boundaries": '{"name":"Twice","document":%s}',
    }
    ok(operator.get("/v1/me"))
    with nothing_written(cast.live):
        for path, body in bodies.items():
            for document in (twice, json.dumps(twice)):
                answer = operator.post(path, content=body % document, headers={"content-type": "application/json"})
                status, slug = slug_of(answer)
                assert (path, status) == (path, 400)
                assert slug in ("malformed-policy", "template-mismatch", "invalid-input")
                assert "Effect" in answer.json()["detail"]


def test_a_refused_policy_names_the_place_in_the_document(cast: Cast, operator: httpx.Client) -> None:
    wrong = {"Version": "2012-10-17", "Statement": [{"Effect": "Permit", "Action": "s3:*", "Resource": "*"}]}
    answer = operator.post(f"/v1/accounts/{ACCOUNT}/policies", json={"name": "Wrong", "document": wrong})
    assert slug_of(answer) == (400, "malformed-policy")
    assert answer.json()["field"] == "$.Statement[0].Effect"


# --- what describes the interface ------------------------------------------------------------------------


def test_the_schema_is_openapi_and_nothing_it_names_lies_elsewhere(cast: Cast) -> None:
    with cast.live.http() as client:
        for path in ("/schema", "/schema/openapi.json"):
            answer = client.get(path, follow_redirects=True)
            schema = ok(answer)
            assert schema["openapi"].startswith("3.1.")
            assert "/v1/requests/{request_id}/accept" in schema["paths"]
            assert "/access/v1/evaluation" in schema["paths"]
            assert set(re.findall(r"https?://[^\s\"']+", answer.text)) <= {cast.live.origin, cast.live.origin + "/"}


def test_the_front_page_loads_nothing_from_elsewhere(cast: Cast) -> None:
    with cast.live.http() as client:
        page = client.get("/")
        assert page.status_code == 200
        wanted = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
        for address in wanted:
            assert address.startswith(("/", "#", cast.live.origin)), address
            assert client.get(address).status_code < 400
        assert "default-src 'none'" in page.headers["content-security-policy"]


def test_calls_by_token_and_by_signature_are_written_down_as_what_they_were(cast: Cast) -> None:
    first = arrived(cast.live.ports, cast.people, State.UNASSIGNED, "wf-00001")
    with cast.api("owner") as owner, cast.api("approver") as approver:
        ok(owner.post(f"/v1/requests/{first.id}/associate"))
        ok(by_signature(cast, "owner", "POST", f"/v1/requests/{first.id}/reject", b"{}"))
        entries = [one["entry"] for one in ok(approver.get("/v1/audit")) if one["request_id"] == first.id]
    credentials = [entry["caller"]["credential"] for entry in entries]
    assert credentials[0] == cast.key("owner").access_key_id
    assert credentials[1].startswith("tok-")
    assert {entry["wire"] for entry in entries} == {"api"}
    assert call_by(cast.people.owner).caller.arn == cast.people.owner.arn


def test_a_mailbox_is_in_the_order_in_which_it_was_written(cast: Cast) -> None:
    arrived(cast.live.ports, cast.people, State.FINALIZED, "wf-00001")
    with cast.api("partner") as partner:
        numbers = [one["message"]["Sequence"] for one in ok(partner.get("/v1/notifications"))]
    assert numbers == [1, 2, 3, 4]


def test_a_body_that_says_one_thing_twice_is_refused_with_the_place(cast: Cast) -> None:
    body = json.dumps(asked(cast))[:-1] + ', "parameters": [{"name": "bucketName", "values": ["x"], "values": ["y"]}]}'
    with cast.api("partner") as partner:
        for sent, place in ((body, "parameters"), ('{"notes": "a", "notes": "b"}', "notes")):
            answer = partner.post("/v1/requests", content=sent, headers={"content-type": "application/json"})
            assert slug_of(answer) == (400, "invalid-input")
            assert place in problem_of(answer)["errors"][0]["field"]


# --- reviewing, and approving less -----------------------------------------------------------------------


def test_a_review_tells_what_a_decision_needs(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001")
    with cast.api("owner") as owner:
        seen = ok(owner.get(f"/v1/requests/{request.id}/review"))
    assert (seen["state"], seen["digest"], seen["dead"], seen["gone"]) == ("ASSIGNED", request.digest, [], [])
    assert seen["new"] == [{"statement": 0, "action": "s3:GetObject", "level": "read"}]
    (risk,) = seen["risks"]
    assert (risk["risk"], risk["statement"], risk["actions"]) == ("data read", 0, ["s3:GetObject"])
    check = seen["permission_check"]
    assert (check["result"], check["witness"]["layer"]) == ("DENIED", "identity")
    assert check["witness"]["missing"]["Action"] == ["s3:GetObject"]


def test_the_permission_check_comes_with_its_witness(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001")
    with cast.api("owner") as owner:
        shown = ok(owner.get(f"/v1/requests/{request.id}", params={"check": True}))
    detail = shown["permission_check_detail"]
    assert (shown["permission_check"], detail["witness"]["action"]) == ("DENIED", "s3:GetObject")
    assert detail["because"] == "because no identity-based policy allows the s3:GetObject action"


def test_less_can_be_looked_at_and_then_approved(cast: Cast) -> None:
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001")
    at = f"/v1/requests/{request.id}"
    policy = {**json.loads(request.permission_policy)}
    policy["Statement"] = [{**policy["Statement"][0], "Resource": "arn:aws:s3:::logs/2026/*"}]
    less = {"permission_policy": policy, "session_duration": 600}
    with cast.api("approver") as approver, cast.api("partner") as partner:
        ok(approver.get("/v1/me"))
        with nothing_written(cast.live):
            shown = ok(approver.post(f"{at}/narrowing", json=less))
        assert any(line.startswith("+") and "2026" in line for line in shown["difference"])
        accepted = ok(approver.post(f"{at}/accept", json={"digest": request.digest, "narrowing": less}))
        assert (accepted["digest"], accepted["permission_policy"]) == (shown["digest"], policy)
        assert accepted["narrowed_from"]["digest"] == request.digest
        assert accepted["session_duration"] == 600
        seen = ok(partner.get(at))
        assert (seen["narrowed"], seen["permission_policy"], seen["session_duration"]) == (True, policy, 600)


@pytest.mark.parametrize(
    ("less", "told"),
    [
        ({"permission_policy": {"Statement": []}}, "narrowing.permission_policy.Statement"),
        ({"permission_policy": {}, "more": 1}, "more"),
        ({"session_duration": 7200}, "narrowing.session_duration"),
        ({}, "changes nothing"),
        (
            {
                "permission_policy": {
                    "Version": "2012-10-17",
                    "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                }
            },
            "which was not asked for",
        ),
    ],
)
def test_what_is_not_less_is_refused_with_the_reason(cast: Cast, less: dict[str, Any], told: str) -> None:
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001")
    with cast.api("approver") as approver:
        ok(approver.get("/v1/me"))
        for path, body in (("narrowing", less), ("accept", {"digest": request.digest, "narrowing": less})):
            answer = approver.post(f"/v1/requests/{request.id}/{path}", json=body)
            assert answer.status_code == 400
            assert told in answer.text
