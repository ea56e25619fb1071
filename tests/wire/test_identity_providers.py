"""Signing in at an OpenID provider that lies: what it says is believed only if every part of it holds.

The provider is a real one on a real socket; what it publishes and signs is bent one part at a time.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey
from staging.clocks import StillClock
from staging.houses import ACCOUNT, OPERATOR, OTHER_ACCOUNT, People, house_in, settle_people
from staging.identity_providers import CLIENT_ID, CLIENT_SECRET, Liar, lying_provider, sign

from service.house import House
from service.openid import OpenIdConnect
from workflows import account_rules, federated_sign_in, identity_providers, onboarding, signing_in
from workflows.errors import (
    AlreadyExists,
    BadInput,
    DomainError,
    NoSuchEntity,
    NotSignedIn,
    ProviderFailed,
    SignInRefused,
    StepUpRefused,
)
from workflows.records.account import Principal
from workflows.records.sign_in import LinkedIdentity, SignInAttempt, Stage
from workflows.signing_in import Arrival

BROWSER = "what this browser keeps"
ARRIVAL = Arrival("call-arrival")


@pytest.fixture
def house(tmp_path: Path, clock: StillClock) -> Iterator[House]:
    """An open house that may speak to providers on this machine."""
    opened = house_in(tmp_path, clock, insecure_allow_loopback_receivers=True)
    yield opened
    opened.close()


@pytest.fixture
def liar(clock: StillClock) -> Iterator[Liar]:
    """A provider that tells the truth until it is bent."""
    with lying_provider(clock.now()) as provider:
        yield provider


@pytest.fixture
def people(house: House, liar: Liar) -> People:
    """Everybody; the first account signs in at the provider, where the owner is `subject-1`."""
    settled = settle_people(house.ports)
    set_provider(house, liar)
    identity_providers.link(house.ports, OPERATOR, account_id=ACCOUNT, user_name="owner", subject="subject-1")
    return settled


def set_provider(house: House, liar: Liar, **more: Any) -> None:
    """Let the first account sign in at this provider."""
    given: dict[str, Any] = {"account_id": ACCOUNT, "issuer": liar.issuer, "client_id": CLIENT_ID}
    given |= {"client_secret": CLIENT_SECRET, "passwords": False}
    identity_providers.put(house.ports, OPERATOR, **{**given, **more})


def depart(house: House, account: str = "first", browser: str = BROWSER) -> dict[str, str]:
    """Leave for the provider; returns what was asked of it."""
    found = federated_sign_in.depart(house.ports, account=account, browser=browser, following="/inbox")
    return {name: values[0] for name, values in parse_qs(urlsplit(found.address).query).items()}


def come_back(house: House, asked: dict[str, str], browser: str = BROWSER, **more: str) -> federated_sign_in.Return:
    """Come back from the provider with a code. The provider of these tests takes the nonce for the code."""
    answer = {"state": asked["state"], "code": asked["nonce"], **more}
    return federated_sign_in.come_back(house.ports, ARRIVAL, browser=browser, answer=answer)


def test_a_subject_who_is_linked_comes_in_and_is_asked_for_the_next_step(
    house: House, liar: Liar, people: People
) -> None:
    asked = depart(house)
    found = come_back(house, asked)
    assert (found.opened.session.principal_id, found.following) == (people.owner.id, "/inbox")
    assert found.opened.session.stage is Stage.ENROLLING
    assert asked["code_challenge_method"] == "S256"
    assert liar.forms[0]["client_secret"] == [CLIENT_SECRET]
    assert asked["redirect_uri"] == f"{house.settings.origin}/sign-in/provider/back"


WRONG_CLAIMS: Final[list[tuple[dict[str, Any], str]]] = [
    ({"iss": "https://elsewhere.example"}, "not acceptable"),
    ({"iss": None}, "not acceptable"),
    ({"aud": "somebody-else"}, "not acceptable"),
    ({"aud": ["somebody-else"]}, "not acceptable"),
    ({"aud": [CLIENT_ID, "somebody-else"]}, "made for somebody else"),
    ({"aud": [CLIENT_ID, "somebody-else"], "azp": "somebody-else"}, "made for somebody else"),
    ({"azp": "somebody-else"}, "made for somebody else"),
    ({"nonce": "of another sign-in"}, "not made for this sign-in"),
    ({"nonce": None}, "not acceptable"),
    ({"sub": None}, "not acceptable"),
    ({"sub": ""}, "not acceptable"),
    ({"sub": "x" * 256}, "names nobody"),
    ({"sub": 7}, "not acceptable"),
    ({"sub": "line\nbreak"}, "names nobody"),
    ({"exp": None}, "not acceptable"),
    ({"iat": None}, "not acceptable"),
    ({"exp": "soon"}, "not acceptable"),
]


def test_a_token_with_a_wrong_claim_signs_nobody_in(house: House, liar: Liar, people: People) -> None:
    _ = people
    for claims, reason in WRONG_CLAIMS:
        liar.claims = claims
        with pytest.raises(ProviderFailed, match=reason):
            come_back(house, depart(house))
    liar.claims = {"aud": [CLIENT_ID, "somebody-else"], "azp": CLIENT_ID}
    come_back(house, depart(house))


def test_a_token_counts_within_a_minute_of_the_clock_and_not_beyond(house: House, liar: Liar, people: People) -> None:
    _ = people
    for claim, seconds in (("exp", -61), ("iat", 61), ("nbf", 61)):
        edge = int(liar.now.timestamp()) + seconds
        liar.claims = {claim: edge}
        with pytest.raises(ProviderFailed, match="not acceptable"):
            come_back(house, depart(house))
        liar.claims = {claim: edge + (2 if claim == "exp" else -1)}
        assert come_back(house, depart(house)).opened.session.stage is Stage.ENROLLING


def test_a_token_is_believed_only_under_a_published_key_and_an_asymmetric_algorithm(
    house: House, liar: Liar, people: People
) -> None:
    _ = people
    now = int(liar.now.timestamp())

    def attempt(key: Any, header: dict[str, Any], **bent: Any) -> None:
        asked = depart(house)
        claims = {"iss": liar.issuer, "sub": "subject-1", "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        liar.token = sign(claims | {"nonce": asked["nonce"]}, key, header)
        for name, value in bent.items():
            setattr(liar, name, value)
        with pytest.raises(ProviderFailed, match="identity token"):
            come_back(house, asked)
        liar.published = None

    public = liar.key.as_dict(private=False)
    attempt(ECKey.generate_key("P-256"), {"alg": "ES256", "kid": "one"})
    attempt(b"", {"alg": "none"})
    attempt(liar.key, {"alg": "ES256", "kid": "two"})
    attempt(liar.key, {"alg": "ES256", "kid": "one", "crit": ["mystery"], "mystery": "yes"})
    attempt(liar.key.as_pem(private=False), {"alg": "HS256", "kid": "one"})
    shared = OctKey.import_key(CLIENT_SECRET)
    attempt(
        CLIENT_SECRET.encode(), {"alg": "HS256", "kid": "one"}, published=[shared.as_dict() | {"kid": "one"}, public]
    )
    # An algorithm that is sound but that this provider does not announce.
    other = RSAKey.generate_key(2048, {"kid": "rsa"})
    attempt(other, {"alg": "PS256", "kid": "rsa"}, published=[other.as_dict(private=False)])


def test_what_is_no_token_signs_nobody_in(house: House, liar: Liar, people: People) -> None:
    _ = people
    for token in ("", "a.b", "a.b.c.d.e", "a.b.c", "x" * 20_000 + ".b.c", "..", "\x00.\x00.\x00"):
        liar.token = token
        with pytest.raises(ProviderFailed):
            come_back(house, depart(house))


WRONG_DESCRIPTIONS: Final[list[dict[str, Any]]] = [
    {"issuer": "https://elsewhere.example"},
    {"issuer": None},
    {"token_endpoint": "http://169.254.169.254/latest"},
    {"token_endpoint": None},
    {"jwks_uri": "file:///etc/passwd"},
    {"authorization_endpoint": "javascript:alert(1)"},
    {"id_token_signing_alg_values_supported": ["none", "HS256"]},
    {"id_token_signing_alg_values_supported": "ES256"},
]


def test_a_provider_whose_description_is_wrong_is_not_used(house: House, liar: Liar, people: People) -> None:
    _ = people
    for description in WRONG_DESCRIPTIONS:
        liar.description = description
        with pytest.raises(ProviderFailed):
            depart(house)
        with pytest.raises(BadInput, match="issuer"):
            set_provider(house, liar)


@given(body=st.binary(max_size=64) | st.just(b"[" * 100_000) | st.just(b'"' + b"x" * 300_000 + b'"'))
def test_whatever_a_provider_sends_instead_of_a_description_is_a_refusal(
    clock: StillClock, liar: Liar, body: bytes
) -> None:
    liar.body = body
    party = OpenIdConnect(clock, "http://localhost/back", allow_loopback=True)
    with pytest.raises(BadInput, match="issuer"):
        party.check(liar.issuer)


def test_an_answer_counts_once_in_its_own_browser_and_in_time(
    house: House, clock: StillClock, liar: Liar, people: People
) -> None:
    _ = liar, people
    asked = depart(house)
    with pytest.raises(SignInRefused):
        come_back(house, asked, browser="another browser")
    with pytest.raises(SignInRefused):
        come_back(house, asked, browser="")
    come_back(house, asked)
    with pytest.raises(SignInRefused):
        come_back(house, asked)
    late = depart(house)
    clock.set(clock.now() + federated_sign_in.ATTEMPT_LIFETIME)
    with pytest.raises(SignInRefused):
        come_back(house, late)
    with pytest.raises(SignInRefused):
        come_back(house, {"state": "dpo1_made-up", "nonce": "x"})


def test_an_answer_says_who_it_is_from_where_the_provider_promised_to(house: House, liar: Liar, people: People) -> None:
    _ = people
    with pytest.raises(ProviderFailed, match="another provider"):
        come_back(house, depart(house), iss="https://elsewhere.example")
    liar.description = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(ProviderFailed, match="does not say who"):
        come_back(house, depart(house))
    come_back(house, depart(house), iss=liar.issuer)


def test_a_provider_s_refusal_is_told_as_one_bounded_line(house: House, people: People) -> None:
    _ = people
    told = {"error": "access_denied", "error_description": "<b>no</b>\n\x1b[31m" + "x" * 500}
    with pytest.raises(ProviderFailed) as refusal:
        come_back(house, depart(house), **told)
    assert "<b>no</b>" in refusal.value.problem
    assert refusal.value.problem.isprintable()
    assert len(refusal.value.problem) < 260


def test_a_subject_is_nobody_until_linked_and_nobody_in_another_account(
    house: House, liar: Liar, people: People
) -> None:
    liar.claims = {"sub": "subject-2", "email": "owner@first.example"}
    with pytest.raises(SignInRefused):
        come_back(house, depart(house))
    liar.claims = {}
    set_provider(house, liar, account_id=OTHER_ACCOUNT)
    with pytest.raises(SignInRefused):
        come_back(house, depart(house, account="second"))
    onboarding.set_user_active(house.ports, OPERATOR, account_id=ACCOUNT, user_name="owner", active=False)
    with pytest.raises(SignInRefused):
        come_back(house, depart(house))
    _ = people


def invited(house: House, principal: Principal) -> str:
    """A fresh invitation's token."""
    return signing_in.invite(house.ports, OPERATOR, principal.arn).token


def test_an_invitation_links_whoever_the_provider_says_came(house: House, liar: Liar, people: People) -> None:
    token = invited(house, people.approver)
    with pytest.raises(SignInRefused):
        signing_in.accept_invitation(house.ports, ARRIVAL, token, "copper lantern seventeen")
    found = federated_sign_in.depart_invited(house.ports, token, browser=BROWSER)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(found.address).query).items()}
    liar.claims = {"sub": "subject-9"}
    opened = come_back(house, asked).opened
    assert (opened.session.principal_id, opened.session.stage) == (people.approver.id, Stage.ENROLLING)
    assert come_back(house, depart(house)).opened.session.principal_id == people.approver.id
    with pytest.raises(SignInRefused):
        federated_sign_in.depart_invited(house.ports, token, browser=BROWSER)


def test_a_subject_is_one_person_of_an_account_alone(house: House, liar: Liar, people: People) -> None:
    found = federated_sign_in.depart_invited(house.ports, invited(house, people.approver), browser=BROWSER)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(found.address).query).items()}
    with pytest.raises(AlreadyExists):
        come_back(house, asked)
    with pytest.raises(AlreadyExists):
        identity_providers.link(house.ports, OPERATOR, account_id=ACCOUNT, user_name="approver", subject="subject-1")
    assert come_back(house, depart(house)).opened.session.principal_id == people.owner.id
    _ = liar


def test_passwords_count_no_more_beside_a_provider_unless_the_account_says_so_or_for_root(
    house: House, liar: Liar, people: People
) -> None:
    password = "copper lantern seventeen"
    set_provider(house, liar, passwords=True)
    for person in (people.approver, people.root):
        signing_in.accept_invitation(house.ports, ARRIVAL, invited(house, person), password)
    signing_in.begin(house.ports, ARRIVAL, account="first", name="approver", password=password)
    set_provider(house, liar, passwords=False)
    with pytest.raises(SignInRefused):
        signing_in.begin(house.ports, ARRIVAL, account="first", name="approver", password=password)
    signing_in.begin(house.ports, ARRIVAL, account="first", name="root", password=password)


def test_taking_the_provider_away_or_another_one_ends_the_sessions_that_came_from_it(
    house: House, liar: Liar, people: People
) -> None:
    _ = people
    ports = house.ports

    def ended(secret: str) -> bool:
        try:
            ports.store.read(lambda tx: signing_in.session_of(tx, ports, secret))
        except NotSignedIn:
            return True
        return False

    opened = come_back(house, depart(house)).opened
    set_provider(house, liar, client_id="renamed")
    assert not ended(opened.secret)
    with lying_provider(liar.now) as other:
        set_provider(house, other)
    assert ended(opened.secret)
    set_provider(house, liar)
    opened = come_back(house, depart(house)).opened
    pending = depart(house)
    identity_providers.remove(ports, OPERATOR, ACCOUNT)
    assert ended(opened.secret)
    with pytest.raises(SignInRefused):
        come_back(house, pending)
    with pytest.raises(NoSuchEntity):
        identity_providers.remove(ports, OPERATOR, ACCOUNT)


def test_neither_the_secret_nor_state_nonce_or_verifier_is_stored_readably(
    house: House, liar: Liar, people: People
) -> None:
    _ = people
    asked = depart(house)
    stored = house.settings.database_file.read_bytes()
    for path in house.settings.database_file.parent.glob("*.db*"):
        stored += path.read_bytes()
    come_back(house, asked)
    verifier = liar.forms[0]["code_verifier"][0]
    assert len(verifier) >= 43  # RFC 7636, section 4.1
    for secret in (CLIENT_SECRET, asked["state"], asked["nonce"], verifier):
        assert secret.encode() not in stored


def test_only_an_administrator_of_the_account_names_its_provider(house: House, liar: Liar, people: People) -> None:
    given = {"account_id": ACCOUNT, "issuer": liar.issuer, "client_id": CLIENT_ID, "client_secret": None}
    before = len(liar.forms)
    for name in ("owner", "stranger", "partner"):
        with pytest.raises(DomainError):
            identity_providers.put(house.ports, people.call(name), passwords=True, **given)  # type: ignore[arg-type]
    identity_providers.put(house.ports, people.call("approver"), passwords=True, **given)  # type: ignore[arg-type]
    assert len(liar.forms) == before


def test_where_a_passkey_is_demanded_no_program_opens_itself_a_sign_in(
    house: House, liar: Liar, people: People
) -> None:
    account_rules.set_step_up(house.ports, OPERATOR, account_id=ACCOUNT, demanded=True)
    call = people.call("approver")
    given = {"account_id": ACCOUNT, "issuer": liar.issuer, "client_id": "mine", "client_secret": None}
    with pytest.raises(StepUpRefused):
        identity_providers.put(house.ports, call, passwords=True, **given)  # type: ignore[arg-type]
    with pytest.raises(StepUpRefused):
        identity_providers.link(house.ports, call, account_id=ACCOUNT, user_name="approver", subject="mine")
    kept = identity_providers.provider_of(house.ports, OPERATOR, ACCOUNT)
    assert kept is not None
    assert kept.client_id == CLIENT_ID


def test_a_provider_on_this_machine_needs_the_setting_that_says_so(tmp_path: Path, clock: StillClock) -> None:
    opened = house_in(tmp_path / "strict", clock)
    try:
        settle_people(opened.ports)
        with lying_provider(clock.now()) as provider, pytest.raises(BadInput, match="this machine"):
            set_provider(opened, provider)
    finally:
        opened.close()


def test_attempts_that_nobody_came_back_from_are_swept(house: House, clock: StillClock, people: People) -> None:
    _ = people
    depart(house)
    clock.set(clock.now() + federated_sign_in.ATTEMPT_LIFETIME)
    now = clock.now()
    house.ports.store.write(lambda tx: tx.purge(now, expired_before=now - timedelta(days=90), limit=100))
    assert house.ports.store.read(lambda tx: tx.find(SignInAttempt)) == []
    assert len(house.ports.store.read(lambda tx: tx.find(LinkedIdentity))) == 1
