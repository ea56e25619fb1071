"""What a simulation makes of its inputs and of the engine's decisions, without a wire around it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from staging.clocks import StillClock
from staging.houses import ACCOUNT, OPERATOR, OTHER_ACCOUNT, People, house_in, settle_people

from workflows import onboarding, simulation
from workflows.errors import BadInput, LimitExceeded, SimulationStopped
from workflows.onboarding import PolicyChoice
from workflows.policy.context import RequestContext
from workflows.policy.decision import Outcome
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.explanation import absent_keys, fitting
from workflows.policy.index import Layers
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.policy.request import Request
from workflows.ports import Ports
from workflows.records.account import Principal
from workflows.simulation import MOST_PAIRS, PAGE_NAMES, PAGE_TIME, Asked, ResultPage
from workflows.simulation_inputs import ContextEntry, Exclusion, read_context
from workflows.simulation_results import Result

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OBJECT = "arn:aws:s3:::logs/a"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def says(effect: str, action: str = "s3:*", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


# --- what the engine's decision tells ----------------------------------------------------------------------


def layer(kind: LayerKind, text: str) -> Layer:
    document = PolicyKind.RESOURCE if kind is LayerKind.RESOURCE else PolicyKind.IDENTITY
    return Layer(kind, kind.value, (NamedPolicy(kind.value, parse_policy(text, kind=document)),))


def spoken(*layers: Layer, action: str = "s3:GetObject", **context: str) -> list[tuple[str, int]]:
    decision = decide(Layers(layers), Request(action, OBJECT, RequestContext(context)))
    return [(each.policy_name, each.index) for each in fitting(decision)]


IF_TAGGED = {"StringEquals": {"aws:PrincipalTag/team": "red"}}


def test_all_statements_that_speak_for_the_answer_fit_and_each_is_named_once() -> None:
    several = {**says("Allow"), "Resource": ["arn:aws:s3:::logs/*", OBJECT, "*"]}
    unmet = says("Allow", Condition=IF_TAGGED)
    identity = layer(LayerKind.IDENTITY, policy(says("Allow", "ec2:*"), several, unmet, says("Allow", "s3:Get*")))
    boundary = layer(LayerKind.BOUNDARY, policy(says("Allow")))
    assert sorted(spoken(identity, boundary)) == [("boundary", 0), ("identity", 1), ("identity", 3)]
    assert ("identity", 2) in spoken(identity, boundary, **{"aws:PrincipalTag/team": "red"})
    denying = layer(LayerKind.SESSION, policy(says("Allow"), says("Deny", "s3:GetObject"), says("Deny", "s3:G*")))
    assert spoken(identity, boundary, denying) == [("session", 1), ("session", 2)]
    assert spoken(layer(LayerKind.IDENTITY, policy(unmet))) == []


def test_nothing_speaks_for_what_no_policy_governs_or_for_others() -> None:
    everything = layer(LayerKind.IDENTITY, policy(says("Allow", "*")))
    assert spoken(everything, action="sts:GetCallerIdentity") == []
    other = layer(LayerKind.RESOURCE, policy(says("Allow", Principal={"AWS": OTHER_ACCOUNT})))
    assert spoken(everything, other) == [("identity", 0)]


def test_absent_keys_are_those_of_the_layers_that_are_asked_about() -> None:
    tagged = policy(says("Allow", Condition=IF_TAGGED))
    guarded = policy(says("Allow", Condition={"Bool": {"aws:SecureTransport": "true"}}))
    layers = Layers([layer(LayerKind.IDENTITY, tagged), layer(LayerKind.GUARDRAIL, guarded)])
    decision = decide(layers, Request("s3:GetObject", OBJECT))
    assert absent_keys(decision) == ("aws:PrincipalTag/team", "aws:SecureTransport")
    assert absent_keys(decision, (LayerKind.IDENTITY,)) == ("aws:PrincipalTag/team",)


def test_looking_at_all_statements_is_bounded_like_a_decision() -> None:
    cheap = says("Allow")
    dear = [says("Allow", Resource=f"arn:aws:s3:::*a{number}*") for number in range(63)]
    identity = [layer(LayerKind.IDENTITY, policy(cheap, *dear))] * 1
    several = replace(identity[0], policies=identity[0].policies * 12)
    decision = decide(Layers([several]), Request("s3:GetObject", "arn:aws:s3:::" + "b" * 2000))
    assert decision.allowed
    with pytest.raises(LimitExceeded):
        fitting(decision)


# --- condition keys ----------------------------------------------------------------------------------------


def entry(kind: str, *values: str, name: str = "aws:Key") -> ContextEntry:
    return ContextEntry(name, values, kind)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("string", ["", "anything * ${at:all}"], []),
        ("numeric", ["0", "-12.50", "+3"], ["", "1e3", "0x1", "12 ", "NaN"]),
        ("boolean", ["true", "FALSE"], ["yes", "1", ""]),
        ("ip", ["192.0.2.1", "2001:db8::1", "10.0.0.0/8"], ["192.0.2.256", "10.0.0.0/33", "localhost"]),
        ("binary", ["", "QUJD"], ["QUJ", "Q*==", "\u00e4"]),
        ("date", ["2026-03-01", "2026-03-01T12:00:00Z", "1772366400"], ["yesterday", "2026-13-01", ""]),
    ],
)
def test_a_value_has_to_be_of_its_type_also_in_a_list(kind: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert read_context([entry(kind, text)]).get("aws:key") == text
    assert read_context([entry(f"{kind}List", *good)]).get("AWS:KEY") == tuple(good)
    for text in bad:
        for given in (entry(kind, text), entry(f"{kind}List", good[0], text)):
            with pytest.raises(BadInput, match=rf"ContextKeyValues\.member\..*type {kind}"):
                read_context([entry("string", "x", name="aws:Other"), given])


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([entry("string")], "has 0 values"),
        ([entry("string", "a", "b")], "has 2 values"),
        ([entry("string", "a"), entry("string", "a")], r"member\.2\.ContextKeyName` is given twice"),
        ([entry("string", "a"), entry("string", "b", name="AWS:kEY")], "is given twice"),
        ([ContextEntry(None, ("a",), "string")], "is incomplete"),
        ([ContextEntry("aws:Key", None, "string")], "is incomplete"),
        ([ContextEntry("aws:Key", ("a",), None)], "is incomplete"),
    ],
)
def test_an_entry_is_whole_single_where_it_must_be_and_unique(entries: list[ContextEntry], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        read_context(entries)


def test_a_list_is_multi_valued_also_with_one_value_or_none() -> None:
    assert read_context([entry("stringList", "a")]).get("aws:Key") == ("a",)
    assert read_context([entry("stringList")]).get("aws:Key") == ()


# --- simulations of a house --------------------------------------------------------------------------------


class Slow(StillClock):
    """A clock on which every look takes its time."""

    step = timedelta(0)

    def now(self) -> datetime:
        self.advance(seconds=self.step.total_seconds())
        return super().now()


@pytest.fixture
def clock() -> Slow:
    return Slow(NOW)


@pytest.fixture
def ports(tmp_path: Path, clock: Slow) -> Iterator[Ports]:
    house = house_in(tmp_path, clock)
    yield house.ports
    house.close()


@pytest.fixture
def people(ports: Ports) -> People:
    return settle_people(ports)


def custom(ports: Ports, people: People, *policies: str, action: str = "s3:GetObject", **more: Any) -> Result:
    """The one result of documents about one action on one object."""
    asked = Asked([action], **{"resources": [OBJECT], "policies": policies, **more})
    return simulation.simulate_custom(ports, people.call("approver"), asked, limit=1).results[0]


ALLOWED = policy(says("Allow"))


def on_resource(principal: object, effect: str = "Allow", **more: Any) -> str:
    return policy(says(effect, Principal=principal, **more))


CALLER = f"arn:aws:iam::{ACCOUNT}:user/team/ann"
LAYERED: dict[str, Any] = {"caller_arn": CALLER}


def test_a_page_works_out_its_own_pairs_only_and_ends_early_rather_than_late(
    ports: Ports, people: People, clock: Slow
) -> None:
    asked = Asked(["s3:GetObject", "s3:PutObject"], resources=[f"{OBJECT}{n}" for n in range(3)], policies=[ALLOWED])

    def page(after: int, limit: int = 100) -> ResultPage:
        return simulation.simulate_custom(ports, people.call("approver"), asked, limit=limit, after=after)

    every = page(0)
    assert [(one.action, one.resource[-1]) for one in every.results] == [
        *(("s3:GetObject", end) for end in "012"),
        *(("s3:PutObject", end) for end in "012"),
    ]
    assert every.after is None
    assert page(4) == ResultPage(every.results[4:], None)
    assert page(1, limit=2) == ResultPage(every.results[1:3], 3)
    clock.step = PAGE_TIME / 2
    assert page(0) == ResultPage(every.results[:2], 2)
    clock.step = PAGE_TIME * 10
    assert page(2) == ResultPage(every.results[2:3], 3)


def test_a_page_with_too_much_to_name_ends_early(ports: Ports, people: People) -> None:
    many = policy(*[says("Allow")] * 1500)
    asked = Asked([f"s3:Get{n}" for n in range(4)], policies=[many] * 4)
    page = simulation.simulate_custom(ports, people.call("approver"), asked, limit=100)
    assert (len(page.results), page.after) == (2, 2)
    assert len(page.results[0].matches) == 6000 < PAGE_NAMES


def test_the_most_pairs_are_five_hundred(ports: Ports, people: People) -> None:
    actions, resources = [f"s3:Get{n}" for n in range(10)], [f"{OBJECT}{n}" for n in range(50)]
    call = people.call("approver")
    most = simulation.simulate_custom(ports, call, Asked(actions, resources, [ALLOWED]), limit=1000)
    assert len(most.results) == MOST_PAIRS
    with pytest.raises(BadInput, match="510 questions; at most 500"):
        simulation.simulate_custom(ports, call, Asked(actions, [*resources, "*"], [ALLOWED]), limit=1)


def test_what_costs_too_much_is_an_error_and_no_answer(ports: Ports, people: People) -> None:
    dear = policy(says("Deny", Resource=[f"arn:aws:s3:::*a{number}*" for number in range(1000)]))
    with pytest.raises(SimulationStopped, match="s3:GetObject"):
        custom(ports, people, ALLOWED, dear, resources=["arn:aws:s3:::" + "b" * 2000])


def test_every_level_of_an_organisation_must_allow_and_is_not_among_the_matches(ports: Ports, people: People) -> None:
    call, asked = people.call("approver"), Asked(["s3:GetObject"], policies=[ALLOWED])

    def told(*levels: list[str]) -> tuple[Outcome, bool | None, int]:
        (one,) = simulation.simulate_custom(ports, call, asked, levels=levels, limit=1).results
        return one.decision, one.allowed_by_organization, len(one.matches)

    elsewhere = policy(says("Allow", "ec2:*"))
    assert told() == (Outcome.ALLOWED, None, 1)
    assert told([ALLOWED], [elsewhere, ALLOWED]) == (Outcome.ALLOWED, True, 1)
    assert told([ALLOWED], [elsewhere]) == (Outcome.IMPLICIT_DENY, False, 0)
    assert told([ALLOWED], []) == (Outcome.IMPLICIT_DENY, False, 0)
    assert told([ALLOWED, policy(says("Deny", "s3:Get*"))]) == (Outcome.EXPLICIT_DENY, False, 0)


def test_a_boundary_limits_and_its_denial_is_among_the_matches(ports: Ports, people: People) -> None:
    def told(boundary: str) -> tuple[Outcome, bool | None, list[str]]:
        one = custom(ports, people, ALLOWED, boundaries=[boundary])
        return one.decision, one.allowed_by_boundary, [match.source.id for match in one.matches]

    assert told(ALLOWED) == (Outcome.ALLOWED, True, ["PolicyInputList.1"])
    assert told(policy(says("Allow", "ec2:*"))) == (Outcome.IMPLICIT_DENY, False, [])
    denying = policy(says("Allow"), says("Deny", "s3:GetObject"))
    assert told(denying) == (Outcome.EXPLICIT_DENY, False, ["PermissionsBoundaryPolicyInputList.1"])
    with pytest.raises(BadInput, match="at most one boundary"):
        custom(ports, people, ALLOWED, boundaries=[ALLOWED, ALLOWED])


def test_no_ceiling_limits_what_no_policy_governs(ports: Ports, people: People) -> None:
    none = policy(says("Deny", "*"))
    one = custom(ports, people, none, action="sts:GetCallerIdentity", boundaries=[none])
    assert (one.decision, one.allowed_by_boundary, one.matches) == (Outcome.ALLOWED, True, ())


def test_matches_stand_in_the_order_of_the_policies_and_their_statements(ports: Ports, people: People) -> None:
    tagged, plain = says("Allow", Condition=IF_TAGGED), says("Allow")
    tag = [entry("string", "red", name="aws:PrincipalTag/team")]
    one = custom(ports, people, policy(tagged, plain), policy(plain), policy(tagged), entries=tag)
    starts = [(match.source.id[-1], match.span.start.column) for match in one.matches]
    assert starts == sorted(starts)
    assert [place for place, _ in starts] == ["1", "1", "2", "3"]


def test_within_an_account_either_side_is_enough_and_no_details_are_told(ports: Ports, people: People) -> None:
    named = on_resource({"AWS": CALLER})
    one = custom(ports, people, resource_policy=named, **LAYERED)
    assert (one.decision, [match.source.id for match in one.matches]) == (Outcome.ALLOWED, ["ResourcePolicy"])
    assert one.details == {}
    both = custom(ports, people, ALLOWED, resource_policy=named, resource_owner=ACCOUNT, **LAYERED)
    assert sorted(match.source.id for match in both.matches) == ["PolicyInputList.1", "ResourcePolicy"]
    assert custom(ports, people, resource_policy=named, resources=[], **LAYERED).details is None
    others = on_resource({"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"})
    assert custom(ports, people, resource_policy=others, **LAYERED).decision is Outcome.IMPLICIT_DENY


def test_across_accounts_both_sides_must_allow_and_each_says_its_own(ports: Ports, people: People) -> None:
    root = f"arn:aws:iam::{OTHER_ACCOUNT}:root"
    named = on_resource({"AWS": ACCOUNT})
    allowed, denied, implied = Outcome.ALLOWED, Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY

    def told(*policies: str, **more: Any) -> tuple[Outcome, object]:
        one = custom(ports, people, *policies, **{"resource_owner": root, **LAYERED, **more})
        return one.decision, one.details

    both = {"IAM Policy": allowed, "Resource Policy": allowed}
    assert told(ALLOWED, resource_policy=named) == (allowed, both)
    assert told(ALLOWED, resource_policy=named, resource_owner=OTHER_ACCOUNT) == (allowed, both)
    assert told(resource_policy=named) == (implied, {**both, "IAM Policy": implied})
    assert told(ALLOWED) == (implied, {**both, "Resource Policy": implied})
    refused = on_resource("*", "Deny")
    assert told(ALLOWED, resource_policy=refused) == (denied, {**both, "Resource Policy": denied})
    narrow = policy(says("Allow", "ec2:*"))
    limited = {**both, "Permissions Boundary Policy": implied}
    assert told(ALLOWED, resource_policy=named, boundaries=[narrow]) == (implied, limited)


def test_the_account_in_an_arn_goes_before_the_given_owner(ports: Ports, people: People) -> None:
    topic = f"arn:aws:sns:eu-west-1:{OTHER_ACCOUNT}:news"
    named = on_resource({"AWS": CALLER}, Action="sns:*")
    asked = {"action": "sns:Publish", "resources": [topic], **LAYERED}
    one = custom(ports, people, resource_policy=named, resource_owner=ACCOUNT, **asked)
    assert (one.decision, one.details) == (
        Outcome.IMPLICIT_DENY,
        {"IAM Policy": Outcome.IMPLICIT_DENY, "Resource Policy": Outcome.ALLOWED},
    )
    # Without its policy the resource's side is not asked.
    alone = custom(ports, people, policy(says("Allow", "sns:*")), **asked)
    assert (alone.decision, alone.details) == (Outcome.ALLOWED, {})


def test_an_organisation_that_refuses_ends_a_cross_account_simulation(ports: Ports, people: People) -> None:
    asked = Asked(
        ["s3:GetObject"],
        policies=[ALLOWED],
        resource_policy=on_resource({"AWS": ACCOUNT}),
        resource_owner=OTHER_ACCOUNT,
        caller_arn=CALLER,
    )
    level = [policy(says("Deny"), says("Allow"))]
    (one,) = simulation.simulate_custom(ports, people.call("approver"), asked, levels=[level], limit=1).results
    assert (one.decision, one.details) == (Outcome.EXPLICIT_DENY, None)


def test_roles_and_keys_are_asked_about_by_identity_policies_alone_unless_their_policy_is_given(
    ports: Ports, people: People
) -> None:
    role, key = f"arn:aws:iam::{ACCOUNT}:role/deploy", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
    everything = policy(says("Allow", "*"))
    for action, resource in (("sts:AssumeRole", role), ("kms:Decrypt", key)):
        assert custom(ports, people, everything, action=action, resources=[resource]).decision is Outcome.ALLOWED
        assert custom(ports, people, action=action, resources=[resource]).decision is Outcome.IMPLICIT_DENY
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"},
        "Action": "sts:AssumeRole",
    }
    trust = {"action": "STS:AssumeRole", "resources": [role], **LAYERED}
    other = custom(ports, people, everything, resource_policy=policy(statement), **trust)
    assert other.decision is Outcome.IMPLICIT_DENY
    statement["Principal"] = {"AWS": CALLER}
    assert custom(ports, people, resource_policy=policy(statement), **trust).decision is Outcome.ALLOWED
    with pytest.raises(BadInput, match=r"`ResourcePolicy` at \$\.Statement\[0\]"):
        custom(ports, people, resource_policy=policy(statement), **LAYERED)


# --- of a principal ----------------------------------------------------------------------------------------


def principal(ports: Ports, people: People, who: Principal, action: str = "s3:GetObject", **more: Any) -> Result:
    exclusions = more.pop("exclusions", ())
    asked = Asked([action], **{"resources": [OBJECT], **more})
    call = people.call("approver")
    page = simulation.simulate_principal(ports, call, asked, source_arn=who.arn, exclusions=exclusions, limit=1)
    return page.results[0]


@pytest.fixture
def ann(ports: Ports, people: People) -> Principal:
    """Somebody with a policy of each type and a boundary; s3 is allowed inline, ec2 by the account, sqs ready-made."""
    onboarding.create_policy(
        ports, OPERATOR, account_id=ACCOUNT, name="machines", document=policy(says("Allow", "ec2:*"))
    )
    choices = [PolicyChoice("files", ALLOWED), PolicyChoice("machines"), PolicyChoice("AdministratorAccess")]
    boundary = policy(says("Deny", "s3:DeleteObject"), says("Allow", "*"))
    return onboarding.create_user(ports, OPERATOR, account_id=ACCOUNT, name="ann", policies=choices, boundary=boundary)


def sources(result: Result) -> list[tuple[str, str]]:
    return [(match.source.id, match.source.type.value) for match in result.matches]


def test_live_policies_answer_under_their_names_and_types(ports: Ports, people: People, ann: Principal) -> None:
    administrator = ("AdministratorAccess", "aws-managed")
    assert sorted(sources(principal(ports, people, ann))) == [administrator, ("files", "user")]
    assert sorted(sources(principal(ports, people, ann, "ec2:RunInstances"))) == [
        administrator,
        ("machines", "user-managed"),
    ]
    added = principal(ports, people, ann, policies=[policy(says("Deny"))])
    assert (added.decision, sources(added)) == (Outcome.EXPLICIT_DENY, [("PolicyInputList.1", "none")])
    assert sources(principal(ports, people, people.root)) == [administrator]


def test_an_attached_policy_cannot_pass_for_an_input(ports: Ports, people: People) -> None:
    choices = [PolicyChoice("PolicyInputList.1", policy(says("Allow", "ec2:*"), says("Allow")))]
    eve = onboarding.create_user(ports, OPERATOR, account_id=ACCOUNT, name="eve", policies=choices)
    found = principal(ports, people, eve, policies=[ALLOWED])
    assert sources(found) == [("PolicyInputList.1", "user"), ("PolicyInputList.1", "none")]
    assert found.matches[0].span != found.matches[1].span


@pytest.mark.parametrize(
    ("exclusion", "left"),
    [
        (Exclusion(type="inline"), {"AdministratorAccess", "machines"}),
        (Exclusion(type="aws-managed"), {"files", "machines"}),
        (Exclusion(type="user-managed"), {"files", "AdministratorAccess"}),
        (Exclusion(type="rcp"), {"files", "AdministratorAccess", "machines"}),
        (Exclusion(arn="arn:aws:iam::aws:policy/AdministratorAccess"), {"files", "machines"}),
        (Exclusion(arn="arn:aws:iam::aws:policy/Admin*"), {"files", "machines"}),
        (Exclusion(arn=f"arn:aws:iam::{ACCOUNT}:policy/machine?"), {"files", "AdministratorAccess"}),
        (Exclusion(arn=f"arn:aws:iam::{ACCOUNT}:policy/machine"), {"files", "AdministratorAccess", "machines"}),
        (Exclusion(arn="arn:aws:iam::999999999999:policy/*"), {"files", "AdministratorAccess", "machines"}),
        (Exclusion(inline=("files", "user", "ann")), {"AdministratorAccess", "machines"}),
        (Exclusion(inline=("files", "user", "bob")), {"files", "AdministratorAccess", "machines"}),
        (Exclusion(inline=("files", "role", "ann")), {"files", "AdministratorAccess", "machines"}),
        (Exclusion(inline=("machines", "user", "ann")), {"files", "AdministratorAccess", "machines"}),
    ],
)
def test_exclusions_leave_out_what_they_mean_and_nothing_else(
    ports: Ports, people: People, ann: Principal, exclusion: Exclusion, left: set[str]
) -> None:
    everywhere = PolicyChoice("files", policy(says("Allow", "*")))
    onboarding.attach_policy(ports, OPERATOR, account_id=ACCOUNT, user_name="ann", choice=everywhere)
    seen = {name for name, _ in sources(principal(ports, people, ann, "ec2:RunInstances", exclusions=[exclusion]))}
    assert seen == left


@pytest.mark.parametrize(
    "exclusion",
    [
        Exclusion(),
        Exclusion(type="inline", arn="arn:aws:iam::aws:policy/x"),
        Exclusion(arn="no arn of anything at all"),
        Exclusion(arn="arn:aws:iam::*:policy/AdministratorAccess"),
        Exclusion(arn="arn:aws:iam::aws:pol*/AdministratorAccess"),
        Exclusion(arn="arn:aws:iam::aws:policy/*Admin*"),
        Exclusion(arn="arn:aws:iam::aws:policy"),
    ],
)
def test_an_exclusion_says_exactly_one_thing_and_wildcards_stand_in_names_only(
    ports: Ports, people: People, ann: Principal, exclusion: Exclusion
) -> None:
    with pytest.raises(BadInput, match=r"PolicyExclusionList\.member\.2"):
        principal(ports, people, ann, exclusions=[Exclusion(type="inline"), exclusion])


def test_the_boundary_holds_unless_it_is_replaced_or_left_out(ports: Ports, people: People, ann: Principal) -> None:
    def told(**more: Any) -> tuple[Outcome, bool | None, list[tuple[str, str]]]:
        one = principal(ports, people, ann, "s3:DeleteObject", **more)
        return one.decision, one.allowed_by_boundary, sorted(sources(one))

    granted = [("AdministratorAccess", "aws-managed"), ("files", "user")]
    without = [Exclusion(type="permission-boundary")]
    assert told() == (Outcome.EXPLICIT_DENY, False, [("boundary", "none")])
    assert told(boundaries=[ALLOWED]) == (Outcome.ALLOWED, True, granted)
    assert told(exclusions=without) == (Outcome.ALLOWED, None, granted)
    narrow = policy(says("Allow", "ec2:*"))
    assert told(exclusions=without, boundaries=[narrow]) == (Outcome.IMPLICIT_DENY, False, [])


def test_guardrails_of_the_account_hold_unless_they_are_left_out(ports: Ports, people: People, ann: Principal) -> None:
    assert principal(ports, people, ann).allowed_by_organization is None
    document = policy(says("Deny", "s3:Get*"))
    onboarding.put_guardrail(ports, OPERATOR, account_id=ACCOUNT, name="no-reading", document=document)
    one = principal(ports, people, ann)
    assert (one.decision, one.allowed_by_organization, sources(one)) == (Outcome.EXPLICIT_DENY, False, [])
    assert principal(ports, people, ann, "s3:PutObject").allowed_by_organization is True
    free = principal(ports, people, ann, exclusions=[Exclusion(type="scp")])
    assert (free.decision, free.allowed_by_organization) == (Outcome.ALLOWED, None)


KEYS = (
    "aws:username",
    "aws:userid",
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:PrincipalType",
    "aws:CurrentTime",
    "aws:EpochTime",
)


def demanding(**wanted: str) -> str:
    return policy(*(says("Allow", f"key:{key[4:]}", Condition={"StringEquals": {key: wanted[key]}}) for key in wanted))


def known(ports: Ports, people: People, who: Principal, wanted: dict[str, str], **more: Any) -> set[str]:
    """The keys that have these values in a simulation of somebody."""
    asked = Asked([f"key:{key[4:]}" for key in wanted], policies=[demanding(**wanted)], **more)
    bare = [Exclusion(type=kind) for kind in ("inline", "aws-managed", "permission-boundary")]
    page = simulation.simulate_principal(
        ports, people.call("approver"), asked, source_arn=who.arn, exclusions=bare, limit=100
    )
    return {f"aws:{one.action[4:]}" for one in page.results if one.decision is Outcome.ALLOWED}


def test_who_the_principal_is_and_when_it_is_are_known_unless_they_are_given(
    ports: Ports, people: People, ann: Principal
) -> None:
    mine = (ann.name, ann.id, ann.arn, ACCOUNT, "User", "2026-03-01T12:00:00Z", str(int(NOW.timestamp())))
    wanted = dict(zip(KEYS, mine, strict=True))
    assert known(ports, people, ann, wanted) == set(KEYS)
    given = [entry("string", "somebody", name="AWS:UserName")]
    assert known(ports, people, ann, wanted, entries=given) == set(KEYS) - {"aws:username"}
    assert known(ports, people, ann, {"aws:username": "somebody"}, entries=given) == {"aws:username"}


def test_another_caller_acts_with_the_principals_policies_under_its_own_name(
    ports: Ports, people: People, ann: Principal
) -> None:
    bob = f"arn:aws:iam::{ACCOUNT}:user/team/bob"
    wanted = dict(zip(KEYS[:5], ("bob", ann.id, bob, ACCOUNT, "User"), strict=True))
    assert known(ports, people, ann, wanted, caller_arn=bob) == set(wanted) - {"aws:userid"}
    named = on_resource({"AWS": bob})
    bare = [Exclusion(type=kind) for kind in ("inline", "aws-managed", "permission-boundary")]
    as_bob = principal(ports, people, ann, resource_policy=named, exclusions=bare, caller_arn=bob)
    assert (as_bob.decision, sources(as_bob)) == (Outcome.ALLOWED, [("ResourcePolicy", "resource")])
    as_herself = principal(ports, people, ann, resource_policy=named, exclusions=bare)
    assert as_herself.decision is Outcome.IMPLICIT_DENY


def test_a_disabled_user_is_answered_for_by_the_policies_it_still_holds(ports: Ports, people: People) -> None:
    onboarding.set_user_active(ports, OPERATOR, account_id=ACCOUNT, user_name="owner", active=False)
    request = f"arn:aws:iam::{ACCOUNT}:delegation-request/dr-0123456789abcdef"
    one = principal(ports, people, people.owner, "iam:AssociateDelegationRequest", resources=[request])
    assert (one.decision, sources(one)) == (Outcome.ALLOWED, [("DelegationOwner", "aws-managed")])
    foreign = principal(ports, people, people.owner, "iam:SendDelegationToken", resources=[request])
    assert (foreign.decision, foreign.missing_keys) == (Outcome.IMPLICIT_DENY, ("iam:DelegationRequestOwner",))
