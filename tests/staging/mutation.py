"""A pytest plugin for mutation runs, see `[tool.mutmut]`: nothing that was computed before may hide a mutant.

Mutants run in forks of a process that has already imported the engine and filled its caches. So every run imports the
code anew, and every test starts with empty caches; while it is being recorded which test reaches which function, the
tables that are made on import are made again for each test.
"""

import functools
import gc
import importlib
import os
import sys

import pytest

# Not the service: its tables can be declared only once in a process.
_OURS = ("workflows", "reference.")


def pytest_sessionstart() -> None:
    """Forget what an earlier run of the same process imported."""
    for name in [name for name in sys.modules if name.startswith(_OURS) and name != __name__]:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Empty the caches of the engine before each test."""
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        importlib.reload(importlib.import_module("workflows.policy.operators"))
    for remembered in _caches():
        remembered.cache_clear()


@functools.cache
def _caches() -> "list[functools._lru_cache_wrapper[object]]":
    found = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
    return [each for each in found if each.__wrapped__.__module__.startswith("workflows.policy")]
