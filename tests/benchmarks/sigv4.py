"""How fast a signature is verified. Reference, in the same run: botocore signing the same request.

Run by hand: `uv run python tests/benchmarks/sigv4.py [--count 5000]`.
"""

import argparse
from datetime import datetime
from functools import lru_cache
from time import perf_counter

import stage  # noqa: F401  puts the project on the path
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from workflows.credentials.sigv4 import Claim, HttpRequest, SigningRules, read_claim, signing_key, verify

SECRET = "c2VjcmV0IG9mIHRoZSBiZW5jaG1hcms="
BODY = b"Action=GetDelegationRequest&Version=2010-05-08&DelegationRequestId=dr-0123456789abcdef"


def sign() -> AWSRequest:
    """Return the request, signed by botocore."""
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", "http://127.0.0.1:8470/", data=BODY, headers=headers)
    SigV4Auth(Credentials("AKIABENCHMARK0000001", SECRET), "iam", "us-east-1").add_auth(request)
    return request


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000)
    count = parser.parse_args().count
    began = perf_counter()
    for _ in range(count):
        request = sign()
    reference = count / (perf_counter() - began)
    headers = [(name.lower().encode(), str(value).encode()) for name, value in request.headers.items()]
    received = HttpRequest("POST", b"/", b"", [*headers, (b"host", b"127.0.0.1:8470")], BODY)
    rules = SigningRules(hosts=frozenset({"127.0.0.1:8470"}), services=frozenset({"iam", "sts"}))
    cached = lru_cache(maxsize=1024)(signing_key)

    def key_for(secret: str, claim: Claim) -> bytes:
        return cached(secret, claim.date, claim.region, claim.service)

    now: datetime = read_claim(received).signed_at
    print(f"  {'reference: botocore signs':<36} {reference:>10,.0f} /s")
    for name, chosen in (("verify", None), ("verify, signing key cached", key_for)):
        began = perf_counter()
        for _ in range(count):
            verify(received, read_claim(received), secret=SECRET, now=now, rules=rules, key_for=chosen)
        rate = count / (perf_counter() - began)
        print(f"  {name:<36} {rate:>10,.0f} /s  {rate / reference:>6.2f} x reference")


if __name__ == "__main__":
    main()
