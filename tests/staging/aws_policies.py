"""The managed policies of AWS that moto ships, as a corpus: real documents, read without importing its services."""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

# It holds a variable in the account field of an ARN, which our parser refuses as AWS's guide does.
REFUSED: Final = frozenset({"AmazonTimestreamInfluxDBServiceRolePolicy"})


@cache
def managed_documents() -> dict[str, dict[str, Any]]:
    """Return every managed policy's document by its name, in the order of names."""
    found = find_spec("moto")
    assert found is not None
    assert found.submodule_search_locations
    source = Path(found.submodule_search_locations[0]) / "iam" / "aws_managed_policies.py"
    text = source.read_text(encoding="utf-8").split('"""')[1]
    policies: dict[str, dict[str, Any]] = json.loads(text)
    return {name: policies[name]["Document"] for name in sorted(policies)}


@cache
def readable_documents() -> dict[str, dict[str, Any]]:
    """Return those of them that the policy parser takes."""
    return {name: document for name, document in managed_documents().items() if name not in REFUSED}
