"""How fast the policy engine decides and compiles, warm, on one thread.

References, in the same run: the engine itself at one statement a layer; Cedar (`cedarpy`) on policies that mean the
same, with its policies and entities parsed beforehand; the single endpoint beside the batch.
Run by hand: `uv run --group benchmarks python tests/benchmarks/policy.py [--no-http]`.
"""

import argparse
import gc
import json
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles
from time import perf_counter, perf_counter_ns
from typing import Any

import cedarpy
import httpx
from policy_world import ACCOUNT, SERVICES, VERBS, five_layers, requests, statement
from stage import served, staged
from staging.houses import OPERATOR

from workflows import credentialing, onboarding, release
from workflows.policy.context import RequestContext
from workflows.policy.document import ASKED, PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.policy.request import Request
from workflows.records.account import PrincipalKind

_PASSES = 9


def best_rate(work: Callable[[], object], items: int) -> float:
    """Return how many items a second the quickest of some passes gets through."""
    best = 0.0
    for _ in range(_PASSES):
        began = perf_counter()
        work()
        best = max(best, items / (perf_counter() - began))
    return best


def rate_of(layers: Layers, asked: Sequence[Request]) -> float:
    """Return warm decisions a second."""

    def one_pass() -> None:
        for request in asked:
            decide(layers, request)

    one_pass()
    return best_rate(one_pass, len(asked))


def show(what: str, figure: str, target: str = "") -> None:
    """Print one line of the table."""
    print(f"  {what:<58} {figure:>20}  {target}")


# --- decisions -------------------------------------------------------------------------------------------


def decisions() -> None:
    """Measure the rate at 1, 100 and 1,000 statements, the tail, and the first decision on an action."""
    print("decisions: five layers, conditions, 2,000 different requests in turn")
    rates = {}
    for statements in (1, 100, 1000):
        layers, asked = five_layers(statements), requests(statements)
        rates[statements] = rate_of(layers, asked)
        allowed = sum(decide(layers, request).allowed for request in asked)
        show(f"{statements} statements ({allowed / len(asked):.0%} allowed)", f"{rates[statements]:,.0f} /s")
    show("at 100 statements", f"{rates[100]:,.0f} /s", "target 150,000")
    show("at 1,000 beside 1", f"{rates[1000] / rates[1]:.2f} x", "target 0.6")
    layers, asked = five_layers(100), requests(100)
    for request in asked:
        decide(layers, request)
    spent = []
    for request in asked * 5:
        began = perf_counter_ns()
        decide(layers, request)
        spent.append((perf_counter_ns() - began) / 1000)
    show("p50, p99 at 100 statements", f"{_p(spent, 50):.1f}, {_p(spent, 99):.1f} us", "target p99 25")
    first = []
    for number in range(400):
        service, verb = SERVICES[number % 20], VERBS[number % 8]
        unseen = Request(f"{service}:{verb}New{number}", asked[number].resource, asked[number].context)
        began = perf_counter_ns()
        decide(layers, unseen)
        first.append((perf_counter_ns() - began) / 1000)
    show("first decision on an action, p50, p99", f"{_p(first, 50):.0f}, {_p(first, 99):.0f} us", "target 150")


def _p(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1]


# --- beside Cedar ----------------------------------------------------------------------------------------


def beside_cedar() -> None:
    """Measure both engines on 100 statements that mean the same, and compare every answer."""
    print("beside cedarpy: 100 statements, one layer, what both languages can say")
    made = [_comparable(number) for number in range(100)]
    text = json.dumps({"Version": "2012-10-17", "Statement": [iam for iam, _ in made]})
    policy = NamedPolicy("p", parse_policy(text, kind=PolicyKind.IDENTITY, caps=ASKED))
    layers = Layers([Layer(LayerKind.IDENTITY, "identity", (policy,))])
    policies = cedarpy.PolicySet.from_str("\n".join(cedar for _, cedar in made))
    entities = cedarpy.Entities.from_json_str("[]")
    asked, questions = [], []
    for number in range(500):
        service = SERVICES[number % 20]
        action, resource = f"{service}:{VERBS[number % 8]}Thing", f"arn:aws:{service}:::thing{number % 100}/{number}"
        team = "red" if number % 5 else "green"
        context = {"aws:PrincipalTag/team": team, "aws:SourceIp": f"10.0.0.{number % 250}"}
        asked.append(Request(action, resource, RequestContext(context)))
        questions.append(
            {
                "principal": {"type": "User", "id": "app"},
                "action": {"type": "Action", "id": action},
                "resource": {"type": "Resource", "id": resource},
                "context": {
                    "arn": resource,
                    "team": team,
                    "ip": {"__extn": {"fn": "ip", "arg": context["aws:SourceIp"]}},
                },
            }
        )
    ours = [decide(layers, request).allowed for request in asked]
    theirs = [cedarpy.is_authorized(question, policies, entities).allowed for question in questions]
    assert ours == theirs, "the two sets of policies do not mean the same"
    rate = rate_of(layers, asked)

    def cedar() -> None:
        for question in questions:
            cedarpy.is_authorized(question, policies, entities)

    reference = best_rate(cedar, len(questions))
    show(f"reference: cedarpy ({sum(theirs)} of {len(theirs)} allowed)", f"{reference:,.0f} /s")
    show("ours, the same answers", f"{rate:,.0f} /s")
    show("ours beside cedarpy", f"{rate / reference:.0f} x", "target 15")


def _comparable(number: int) -> tuple[dict[str, Any], str]:
    service, denies = SERVICES[number % 20], number % 10 == 0
    actions = [f"{service}:{verb}Thing" for verb in VERBS[:6]]
    resource = f"arn:aws:{service}:::thing{number}/*"
    condition: dict[str, Any] = {"StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}}
    when = 'context.team == "red" || context.team == "blue"'
    if denies:
        condition, when = {"StringEquals": {"aws:PrincipalTag/team": "green"}}, 'context.team == "green"'
    iam = {
        "Effect": "Deny" if denies else "Allow",
        "Action": actions,
        "Resource": resource,
        "Condition": {**condition, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    }
    names = ", ".join(f'Action::"{action}"' for action in actions)
    cedar = (
        f"{'forbid' if denies else 'permit'} (principal, action in [{names}], resource) when "
        f'{{ context.arn like "{resource}" && ({when}) && context.ip.isInRange(ip("10.0.0.0/8")) }};'
    )
    return iam, cedar


# --- compiling, and the worst that a document can hold ---------------------------------------------------


def compiling() -> None:
    """Measure the time and the memory that 1,000 different statements take."""
    print("compiling 1,000 different statements, from text")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    text = _different(0)
    known = tracemalloc.get_traced_memory()[0]
    kept = parse_policy(text, kind=PolicyKind.IDENTITY, caps=ASKED)
    gc.collect()
    memory = tracemalloc.get_traced_memory()[0] - known
    tracemalloc.stop()
    texts = iter([_different(number) for number in range(1, _PASSES + 1)])
    rate = best_rate(lambda: parse_policy(next(texts), kind=PolicyKind.IDENTITY, caps=ASKED), 1)
    show("time", f"{1000 / rate:.0f} ms", "target 100")
    show(
        f"memory, caches cold (text of {(known - before) / 1000:.0f} B aside)",
        f"{memory / 1000:,.0f} B each",
        "target 4,096",
    )
    assert len(kept.statements) == 1000


def _different(salt: int) -> str:
    """Return a document in which no two statements share a condition value or a resource."""
    made = []
    for number in range(1000):
        one = statement(number)
        one["Condition"] = {**one["Condition"], "StringNotLike": {"aws:userid": f"*:{salt}-{number}"}}
        one["Resource"] = [each.replace(ACCOUNT, f"{salt:04}{number:08}") for each in one["Resource"]]
        made.append(one)
    return json.dumps({"Version": "2012-10-17", "Statement": made})


def worst_case() -> None:
    """Measure 64 statements of 4 KB of stars, then double each of the two inputs."""
    print("64 statements of 4 KB of stars (a refusal each time)")
    base = _starred(4096, 7000)
    for what, taken in (
        ("doubling the patterns", _starred(8192, 7000)),
        ("doubling the resource", _starred(4096, 14_000)),
    ):
        show(what, f"{base * 1000:.1f} -> {taken * 1000:.1f} ms, {taken / base:.2f} x", "target 2")


def _starred(pattern: int, resource: int) -> float:
    """Return the seconds that a decision takes with patterns and a resource of these lengths."""
    starts = "arn:aws:s3:::"
    shapes = ("a*", "*a?", "*aa", "?*a")
    made = [
        {
            "Effect": "Allow",
            "Action": "s3:*",
            "Resource": starts + (shapes[number % 4] * pattern)[:pattern] + f"*b{number}*c",
        }
        for number in range(64)
    ]
    policy = parse_policy(json.dumps({"Statement": made}), kind=PolicyKind.IDENTITY, caps=ASKED)
    layers = Layers([Layer(LayerKind.IDENTITY, "identity", (NamedPolicy("p", policy),))])
    request = Request("s3:GetObject", starts + "a" * resource + "c")
    decide(layers, request)
    return 1 / best_rate(lambda: decide(layers, request), 1)


# --- over HTTP -------------------------------------------------------------------------------------------


def over_http(count: int) -> None:
    """Measure the items a second of batches of 100 beside the single endpoint."""
    print("/access/v1/evaluations with 100 items beside /access/v1/evaluation, one client")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with staged(folder) as stage:
            ports = stage.house.ports
            session = release.exchange(ports, stage.people.call("partner"), stage.token)
            kind = PrincipalKind.RESOURCE_SERVER
            server = onboarding.create_housed_principal(ports, OPERATOR, kind=kind, name="store")
            token = credentialing.create_api_token(ports, OPERATOR, server.arn, scopes=("decide",)).token
        subject = {"type": "session", "id": session.access_key_id}
        items = [
            {"action": {"name": "s3:GetObject"}, "resource": {"type": "object", "id": f"arn:aws:s3:::logs/{number}"}}
            for number in range(100)
        ]
        shared = {"subject": subject, "context": {"aws:SourceIp": "192.0.2.7"}}
        with served(folder) as origin:
            headers = {"authorization": f"Bearer {token}"}
            with httpx.Client(base_url=f"{origin}/access/v1", trust_env=False, headers=headers, timeout=60) as client:
                singles = [{**shared, **items[number % 100]} for number in range(count)]
                single = best_rate(lambda: [_posted(client, "/evaluation", body) for body in singles], count)
                batch = {**shared, "evaluations": items}
                rounds = count // 20
                many = best_rate(lambda: [_posted(client, "/evaluations", batch) for _ in range(rounds)], rounds * 100)
    show("reference: single endpoint", f"{single:,.0f} items/s")
    show("batches of 100", f"{many:,.0f} items/s")
    show("batch beside single", f"{many / single:.1f} x", "target 8")


def _posted(client: httpx.Client, path: str, body: object) -> int:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.status_code


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-http", action="store_true", help="leave out the part that starts a server")
    parser.add_argument("--count", type=int, default=400, help="requests to the single endpoint in a pass")
    options = parser.parse_args()
    decisions()
    beside_cedar()
    compiling()
    worst_case()
    if not options.no_http:
        over_http(options.count)


if __name__ == "__main__":
    main()
