"""How fast policies are analysed and validated, over the managed policies of AWS that moto ships.

Comparisons are cold: nothing of one pair is remembered for the next. Reference, in the same run: parsing the same
documents. Run by hand: `uv run python tests/benchmarks/analysis.py [--pairs 2000] [--every 1]`.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random  # noqa: TID251  the same pairs in every run, and no secrets
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import stage
from staging.aws_policies import readable_documents

from workflows import inquiry
from workflows.policy.compare import Verdict, compare
from workflows.policy.document import ASKED, PolicyKind, parse_policy
from workflows.policy.layers import NamedPolicy
from workflows.policy.validate.validation import validate

Document = dict[str, Any]
Pair = tuple[Document, Document]
SEED: Final = 20261128
BOUNDARIES: Final = (
    "ReadOnlyAccess",
    "PowerUserAccess",
    "SecurityAudit",
    "ViewOnlyAccess",
    "AdministratorAccess",
    "IAMFullAccess",
)


def parsed(document: Document) -> list[NamedPolicy]:
    """Return a document as what is compared."""
    return [NamedPolicy("policy", parse_policy(json.dumps(document), kind=PolicyKind.IDENTITY, caps=ASKED))]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of all lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


# --- comparisons -----------------------------------------------------------------------------------------


def statements(document: Document) -> list[Document]:
    """Return the statements of a document as a list."""
    found = document["Statement"]
    return found if isinstance(found, list) else [found]


def shorter(document: Document, random: Random) -> Document:
    """Return a document without one of its statements; one of one statement as it is."""
    kept = list(statements(document))
    if len(kept) > 1:
        kept.pop(random.randrange(len(kept)))
    return {**document, "Statement": kept}


def wider(document: Document, random: Random) -> Document:
    """Return a document in which one action or resource has become a wildcard."""
    made: Document = json.loads(json.dumps(document))
    chosen = random.choice(statements(made))
    name = random.choice([one for one in ("Action", "Resource") if one in chosen] or ["Effect"])
    if name == "Action":
        given = chosen["Action"]
        action = given if isinstance(given, str) else random.choice(given)
        chosen["Action"] = [*(given if isinstance(given, list) else [given]), f"{action.partition(':')[0]}:*"]
    elif name == "Resource":
        chosen["Resource"] = "*"
    return made


def pair_sets(pairs: int, every: int) -> Iterator[tuple[str, list[Pair]]]:
    """Yield the families of pairs; of all but the random ones only each `every`-th policy is taken."""
    random = Random(SEED)  # noqa: S311  as above
    documents = list(readable_documents().values())
    some = documents[::every]
    yield "random pairs", [(random.choice(documents), random.choice(documents)) for _ in range(pairs)]
    yield "with itself", [(one, one) for one in some]
    yield "shorter, full", [(shorter(one, random), one) for one in some]
    yield "full, shorter", [(one, shorter(one, random)) for one in some]
    yield "wider, original", [(wider(one, random), one) for one in some]
    for name in BOUNDARIES:
        yield f"within {name}", [(one, readable_documents()[name]) for one in some]


def comparisons(pairs: int, every: int) -> None:
    """Measure comparisons and print a line for each family of pairs."""
    print("comparison (bounds: p50 0.3 ms, p99 25 ms, max 300 ms, all decided)")
    print(f"  {'pairs':<26}{'n':>6}{'proven':>8}{'open':>6}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'x parsing':>11}")
    gathered: list[float] = []
    for name, rows in pair_sets(pairs, every):
        took, parsing, verdicts = [], 0.0, []
        for first, second in rows:
            began = perf_counter()
            one, other = parsed(first), parsed(second)
            parsing += perf_counter() - began
            began = perf_counter()
            verdicts.append(compare(one, other).verdict)
            took.append(perf_counter() - began)
        gathered += took
        _line(name, took, verdicts, sum(took) / parsing)
    _line("all", gathered, [], 0)


def _line(name: str, took: Sequence[float], verdicts: Sequence[Verdict], ratio: float) -> None:
    proven = sum(one is Verdict.PROVEN for one in verdicts)
    unknown = sum(one is Verdict.UNKNOWN for one in verdicts)
    spread = (median(took) * 1e3, percentile(took, 0.99) * 1e3, max(took) * 1e3)
    figures = "".join(f"{value:>9.2f}" for value in spread)
    print(f"  {name:<26}{len(took):>6}{proven:>8}{unknown:>6}{figures}{ratio:>11.2f}")


# --- the permission check --------------------------------------------------------------------------------


def permission_checks(count: int) -> None:
    """Measure what the permission check adds to GetDelegationRequest."""
    print("permission check inside GetDelegationRequest (bound: p99 50 ms)")
    with TemporaryDirectory() as folder, stage.staged(Path(folder)) as staged:
        ports, call = staged.house.ports, staged.people.call("approver")
        request_id = _request_of(staged)
        for name, check in (("without the check", False), ("with the check", True)):
            took = list(_timed(partial(inquiry.show, ports, call, request_id, check=check), count))
            print(f"  {name:<26} p50 {median(took) * 1e3:>7.2f} ms   p99 {percentile(took, 0.99) * 1e3:>7.2f} ms")


def _request_of(staged: stage.Stage) -> str:
    call = staged.people.call("approver")
    found = inquiry.list_requests(staged.house.ports, call, owner_arn=None, limit=1, after=None)
    return found.requests[0].id


def _timed(act: Callable[[], object], count: int) -> Iterable[float]:
    for _ in range(count):
        began = perf_counter()
        act()
        yield perf_counter() - began


# --- validation ------------------------------------------------------------------------------------------


def validations(every: int) -> None:
    """Measure what it takes to validate each policy as people write it, warm, beside reading it."""
    texts = [json.dumps(one, indent=2) for one in list(readable_documents().values())[::every]]
    size = sum(map(len, texts)) / len(texts)
    print(f"validation of {len(texts):,} policies of {size:,.0f} characters on average (bound: p50 2 ms)")
    for name, act in (("json.loads, parse_policy", _read), ("validate", _validate)):
        took = [min(_timed(partial(act, text), 3)) for text in texts]
        print(f"  {name:<26} p50 {median(took) * 1e3:>7.2f} ms   p99 {percentile(took, 0.99) * 1e3:>7.2f} ms")


def _read(text: str) -> None:
    json.loads(text)
    parse_policy(text, kind=PolicyKind.IDENTITY, caps=ASKED)


def _validate(text: str) -> None:
    validate(text, PolicyKind.IDENTITY)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--every", type=int, default=1, help="take each n-th policy only")
    parser.add_argument("--only", choices=["comparison", "check", "validation"], help="one part alone")
    given = parser.parse_args()
    if given.only in (None, "comparison"):
        comparisons(given.pairs, given.every)
    if given.only in (None, "check"):
        permission_checks(500)
    if given.only in (None, "validation"):
        validations(given.every)


if __name__ == "__main__":
    main()
