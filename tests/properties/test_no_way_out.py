"""Whatever a delegated session does, no principal ever gains an allow that the boundary denies.

Random sequences of IAM calls through the public use-cases, judged by what is stored and by the engine. The same
search, started from directed seeds, finds the hole as soon as any single rule of `workflows.guards` is gone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from staging.clocks import StillClock
from staging.escapes import (
    ADMINISTRATOR,
    DEPLOY,
    LIMIT,
    OWN_TRUST,
    PATH,
    STRANGER_TRUST,
    Move,
    World,
    play,
    reset,
    settled,
    violations,
)
from staging.houses import ACCOUNT, house_in
from staging.roles import BOUNDARY, EVERYTHING, OTHER_BOUNDARY, PARTNER_ROOT, PARTNER_TRUST, READ_LOGS, trusting

from workflows import guards, sessions
from workflows.authority import compiled
from workflows.policy.document import PolicyKind
from workflows.policy.layers import FULL_ACCESS, Layer, LayerKind

NAMES: Final = ("Mine", "Other", "Earlier", "Deploy", "Bounded", "Plain", "Quiet")
OWN: Final = f"arn:aws:iam::{ACCOUNT}:policy{PATH}Mine"
# --- one way in for each rule ----------------------------------------------------------------------------

_MAKE: Final = {"name": "Mine", "trust": PARTNER_TRUST, "path": PATH, "boundary_arn": BOUNDARY}
_ALL: Final = Move("session", "put_policy", {"role_name": "Mine", "policy_name": "all", "document": EVERYTHING})


def _stepping(name: str, path: str = "/") -> Move:
    arn = f"arn:aws:iam::{ACCOUNT}:role{path}{name}"
    return Move("partner", "assume", {"role_arn": arn, "external_id": "ext-1"})


SEEDS: Final[dict[str, tuple[Move, ...]]] = {
    "a role without a boundary": (
        Move("session", "create_role", {**_MAKE, "boundary_arn": None}),
        _ALL,
        _stepping("Mine", PATH),
    ),
    "a boundary that nobody saw": (Move("session", "create_role", {**_MAKE, "boundary_arn": OTHER_BOUNDARY}),),
    "a policy on the owner's role": (
        Move("session", "put_policy", {"role_name": "Plain", "policy_name": "all", "document": EVERYTHING}),
        _stepping("Plain"),
    ),
    "trust of a role of another request": (
        Move("session", "trust", {"name": "Earlier", "trust": trusting(PARTNER_ROOT, external_id="ext-2")}),
    ),
    "a role outside the path": (Move("session", "create_role", {**_MAKE, "path": "/"}),),
    "a role without its boundary": (
        Move("session", "create_role", _MAKE),
        _ALL,
        Move("session", "drop_boundary", {"name": "Mine"}),
        _stepping("Mine", PATH),
    ),
    "a boundary on the owner's role": (Move("session", "put_boundary", {"name": "Bounded", "boundary_arn": BOUNDARY}),),
    "trust for a stranger": (Move("session", "create_role", {**_MAKE, "trust": STRANGER_TRUST}),),
    "a tag that means something": (Move("session", "create_role", {**_MAKE, "tags": (("clearance", "high"),)}),),
    "a version of the boundary": (
        Move("session", "new_version", {"arn": LIMIT, "document": EVERYTHING, "default": True}),
        _stepping("Bounded"),
    ),
    "a role that was not named": (Move("session", "assume", {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/Quiet"}),),
    "a chain that forgets": (Move("session", "assume", {"role_arn": DEPLOY}),),
    "somebody's access key": (Move("session", "delete_key", {"name": "owner"}),),
    "passing a mighty role": (),
}


def _nothing(*_given: Any) -> None:
    """What stands in for a rule that is gone."""


def _everything_lent(*_given: Any) -> Any:
    return FULL_ACCESS.policy


def _no_lineage(*_given: Any) -> tuple[str, ...]:
    return ()


def _free_passing(*_given: Any) -> Layer:
    return Layer(LayerKind.GUARDRAIL, "passing roles", (FULL_ACCESS,))


def _without_boundary_removal() -> Any:
    text = sessions.never_lent().text.replace('"iam:Delete*PermissionsBoundary", ', "")
    policy = compiled(text, PolicyKind.GUARDRAIL)
    return lambda: policy


@dataclass(frozen=True)
class Rule:
    """A rule of the service, the seed that walks through where it stood, and how it is taken away."""

    name: str
    seed: str
    gone: Sequence[tuple[Any, str, Callable[[], Any]]]


def _rule(name: str, seed: str, instead: Callable[..., Any] = _nothing) -> Rule:
    return Rule(name, seed, [(guards, name, lambda: instead)])


RULES: Final = (
    _rule("boundary_was_shown", "a role without a boundary"),
    _rule("boundary_was_shown", "a boundary that nobody saw"),
    _rule("role_is_in_reach", "a policy on the owner's role"),
    _rule("trust_is_of_this_request", "trust of a role of another request"),
    _rule("path_is_the_partners", "a role outside the path"),
    _rule("boundary_is_upgraded", "a boundary on the owner's role"),
    _rule("trusts_no_stranger", "trust for a stranger"),
    _rule("tags_were_listed", "a tag that means something"),
    _rule("policy_is_the_partners", "a version of the boundary"),
    _rule("role_was_named", "a role that was not named"),
    _rule("lineage_after", "a chain that forgets", _no_lineage),
    _rule("passing_layer", "passing a mighty role", _free_passing),
    Rule("never_lent", "somebody's access key", [(sessions, "never_lent", lambda: _everything_lent)]),
    # Held in two places: taking the boundary away is never lent, and refused for the role besides.
    Rule(
        "boundary_stays",
        "a role without its boundary",
        [(guards, "boundary_stays", lambda: _nothing), (sessions, "never_lent", _without_boundary_removal)],
    ),
)


# --- the search ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One house for all sequences; every one of them finds it as it was."""
    house = house_in(tmp_path_factory.mktemp("escapes"), StillClock())
    try:
        yield settled(house)
    finally:
        house.close()


def search(world: World, moves: Sequence[Move]) -> list[str]:
    """Everything that went wrong after these moves."""
    try:
        play(world, moves)
        return violations(world)
    finally:
        reset(world)


_NAME = st.sampled_from(NAMES)
_TEXT = st.sampled_from((EVERYTHING, READ_LOGS))
_TRUST = st.sampled_from((PARTNER_TRUST, OWN_TRUST, STRANGER_TRUST, trusting(PARTNER_ROOT, external_id=None)))
_BOUNDARY = st.sampled_from((BOUNDARY, BOUNDARY, BOUNDARY, OTHER_BOUNDARY, LIMIT, ADMINISTRATOR, None))
_PATHS = st.sampled_from((PATH, PATH, PATH, "/", "/quarry.example/"))
_TAGS = st.sampled_from(((), (("team", "a"),), (("clearance", "high"),), (("daypass:request", "x"),)))
_POLICY = st.sampled_from((ADMINISTRATOR, LIMIT, OWN, BOUNDARY))
_ROLE_ARN = st.sampled_from([f"arn:aws:iam::{ACCOUNT}:role{path}{name}" for name in NAMES for path in ("/", PATH)])
_GIVEN: Final[dict[str, st.SearchStrategy[Any]]] = {
    "create_role": st.fixed_dictionaries(
        {"name": _NAME, "trust": _TRUST, "path": _PATHS, "boundary_arn": _BOUNDARY, "tags": _TAGS}
    ),
    "put_policy": st.fixed_dictionaries({"role_name": _NAME, "policy_name": st.just("all"), "document": _TEXT}),
    "drop_policy": st.fixed_dictionaries({"role_name": _NAME, "policy_name": st.just("all")}),
    "attach": st.fixed_dictionaries({"role_name": _NAME, "policy_arn": _POLICY}),
    "detach": st.fixed_dictionaries({"role_name": _NAME, "policy_arn": _POLICY}),
    "trust": st.fixed_dictionaries({"name": _NAME, "trust": _TRUST}),
    "put_boundary": st.fixed_dictionaries({"name": _NAME, "boundary_arn": _BOUNDARY.filter(bool)}),
    "drop_boundary": st.fixed_dictionaries({"name": _NAME}),
    "tag": st.fixed_dictionaries({"name": _NAME, "tags": _TAGS}),
    "untag": st.fixed_dictionaries({"name": _NAME, "keys": st.sampled_from((("team",), ("daypass:request",)))}),
    "delete_role": st.fixed_dictionaries({"name": _NAME}),
    "create_policy": st.fixed_dictionaries({"name": st.just("Mine"), "document": _TEXT, "path": _PATHS}),
    "new_version": st.fixed_dictionaries({"arn": _POLICY, "document": _TEXT, "default": st.booleans()}),
    "set_default": st.fixed_dictionaries({"arn": _POLICY, "name": st.sampled_from(("v1", "v2"))}),
    "delete_policy": st.fixed_dictionaries({"arn": _POLICY}),
    "create_key": st.fixed_dictionaries({"name": st.sampled_from(("owner", "approver"))}),
    "delete_key": st.fixed_dictionaries({"name": st.just("owner")}),
    "assume": st.fixed_dictionaries({"role_arn": _ROLE_ARN, "external_id": st.sampled_from(("ext-1", None))}),
}
_ACTORS = st.sampled_from(("session", "session", "partner", "gained"))


@st.composite
def moves(draw: st.DrawFn) -> Move:
    """Any call by anybody who acts on lent authority."""
    act = draw(st.sampled_from(sorted(_GIVEN)))
    return Move(draw(_ACTORS), act, draw(_GIVEN[act]))


_SEQUENCES = st.lists(moves(), min_size=1, max_size=10)


@settings(max_examples=300)
@given(tried=_SEQUENCES)
@example(tried=[move for seed in SEEDS.values() for move in seed])
def test_no_sequence_of_calls_gains_an_allow_that_the_boundary_denies(world: World, tried: list[Move]) -> None:
    assert search(world, tried) == []


@pytest.mark.long
@settings(max_examples=20_000)
@given(tried=_SEQUENCES)
def test_no_sequence_of_twenty_thousand_gains_an_allow_that_the_boundary_denies(
    world: World, tried: list[Move]
) -> None:
    assert search(world, tried) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_no_known_way_leads_out(world: World, seed: str) -> None:
    assert search(world, SEEDS[seed]) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}: {rule.seed}")
def test_the_search_finds_the_hole_that_any_single_missing_rule_leaves(
    world: World, rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, name, instead in rule.gone:
        monkeypatch.setattr(place, name, instead())
    assert search(world, SEEDS[rule.seed]) != []


def test_every_rule_is_taken_away_once() -> None:
    public = {name for name in vars(guards) if getattr(getattr(guards, name), "__module__", "") == guards.__name__}
    no_rules = {"Refused", "approved_by", "shown_boundaries", "listed_services", "listed_tags"}
    rules = {name for name in public if not name.startswith("_")} - no_rules
    assert rules == {rule.name for rule in RULES} - {"never_lent"}
