"""How fast policy documents are analysed, warm, on one thread: a section for each kind of analysis.

Reference, in the same run: reading the same documents with the standard library's JSON reader and the engine's parser.
Run by hand: `uv run python tests/benchmarks/analysis.py [SECTION...]`.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter_ns
from typing import Final

from workflows.errors import MalformedPolicy
from workflows.policy.document import ASKED, LONGEST_DOCUMENT, PolicyKind, parse_policy
from workflows.policy.validate.validation import validate

_PASSES: Final = 3


def published() -> Sequence[str]:
    """Return the policies that AWS publishes, as people would write them, without the one that is too long to send."""
    spec = find_spec("moto")
    assert spec is not None
    assert spec.origin is not None
    source = (Path(spec.origin).parent / "iam" / "aws_managed_policies.py").read_text(encoding="utf-8")
    texts = (json.dumps(one["Document"], indent=2) for one in json.loads(source.split('"""')[1]).values())
    return [text for text in texts if len(text) <= LONGEST_DOCUMENT]


def times(work: Callable[[str], object], texts: Sequence[str]) -> list[float]:
    """Return the milliseconds that each text takes, the best of some passes after a first one that warms up."""
    best = [float("inf")] * len(texts)
    for number in range(_PASSES + 1):
        for at, text in enumerate(texts):
            began = perf_counter_ns()
            work(text)
            if number:
                best[at] = min(best[at], (perf_counter_ns() - began) / 1e6)
    return best


def show(what: str, spent: Sequence[float], target: str = "") -> None:
    """Print one line of the table."""
    tail = quantiles(spent, n=20)[-1]
    print(f"  {what:<50} median {median(spent):7.3f} ms   95% {tail:8.3f} ms  {target}")


def _read(text: str) -> None:
    json.loads(text)
    try:
        parse_policy(text, kind=PolicyKind.IDENTITY, caps=ASKED)
    except MalformedPolicy:
        # A few of them are such as nobody but AWS could store.
        return


def validation() -> None:
    """Validate every published policy."""
    texts = published()
    print(
        f"validation: {len(texts):,} published policies, {sum(map(len, texts)) / len(texts):,.0f} characters on average"
    )
    show("json.loads and parse_policy", times(_read, texts))
    show("validate", times(lambda text: validate(text, PolicyKind.IDENTITY), texts), "target: median 2 ms")


SECTIONS: Final[Mapping[str, Callable[[], None]]] = {"validation": validation}


def main() -> None:
    """Run the sections that are named, or all."""
    for name in sys.argv[1:] or SECTIONS:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
