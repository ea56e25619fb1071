"""How long the review of a partner's bundle takes, over the bundles of the corpus, with the catalogue read already.

The bound is 100 ms for the worst. Run by hand: `uv run python tests/benchmarks/review_bundles.py [--rounds 5]`.
"""

import argparse
import sys
from pathlib import Path
from statistics import median, quantiles
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1]))

from staging.bundles import bundle_in, cases

from workflows.policy.review import Bundle, corrected, review

MOST_MS = 100.0


def timed(bundle: Bundle, rounds: int) -> float:
    """Return the best time of some rounds, in milliseconds of this process: others may be busy beside it."""
    times = []
    for _ in range(rounds):
        began = process_time()
        review(bundle)
        times.append(process_time() - began)
    return min(times) * 1000


def correcting(bundle: Bundle) -> float:
    """Return the time that the corrections of all findings take, in milliseconds."""
    findings = review(bundle)
    began = process_time()
    for finding in findings:
        corrected(bundle, finding, findings)
    return (process_time() - began) * 1000


def main() -> int:
    """Print the figures; return 1 when the worst is over the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    bundles = {name: bundle_in(case) for name, case in cases().items()}
    for bundle in bundles.values():
        review(bundle)
    reviews = {name: timed(bundle, given.rounds) for name, bundle in bundles.items()}
    slowest = max(reviews, key=lambda name: reviews[name])
    spread = quantiles(reviews.values(), n=20)
    print(f"review of {len(reviews)} bundles: median {median(reviews.values()):.1f} ms, 95 % under {spread[-1]:.1f} ms")
    print(f"worst {reviews[slowest]:.1f} ms ({slowest}); bound {MOST_MS:.0f} ms")
    corrections = [correcting(bundle) for bundle in bundles.values()]
    print(f"corrections of all findings: median {median(corrections):.1f} ms, worst {max(corrections):.0f} ms")
    return int(reviews[slowest] > MOST_MS)


if __name__ == "__main__":
    sys.exit(main())
