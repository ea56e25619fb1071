"""Our own rules, held by machine: sizes, names, bans and what must never be in the tree."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("service", "workflows")
MOST_MODULE_LINES: Final = 500
MOST_BODY_LINES: Final = 50
MOST_POSITIONAL: Final = 6

# Longer than a room should be, each with its reason.
LONG_MODULES: Final = {
    "service/db/migrations/versions/0001_the_first_schema.py": "generated",
}
MAY_READ_THE_CLOCK: Final = {"service/clock.py"}
MAY_DRAW_RANDOMNESS: Final = {"service/entropy.py"}
TOP_LEVEL: Final = {"pyproject.toml", "README.md", "LICENSE", "service", "workflows", "tests", "deploy"}


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    return [name for name in listed.stdout.decode().splitlines() if (ROOT / name).is_file()]


def modules() -> list[str]:
    return [name for name in tracked() if name.endswith(".py") and name.split("/")[0] in PACKAGES]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


@pytest.fixture(scope="module")
def parsed() -> dict[str, ast.Module]:
    return {name: ast.parse((ROOT / name).read_text(encoding="utf-8")) for name in modules()}


def test_every_module_says_what_it_is_for(parsed: dict[str, ast.Module]) -> None:
    assert [name for name, tree in parsed.items() if not ast.get_docstring(tree)] == []


def test_no_module_outgrows_its_room() -> None:
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in modules()}
    assert {name: size for name, size in lengths.items() if size > MOST_MODULE_LINES and name not in LONG_MODULES} == {}


def test_every_function_fits_on_a_screen(parsed: dict[str, ast.Module]) -> None:
    long = {
        f"{name}:{node.name}": body_lines(node)
        for name, tree in parsed.items()
        if "/migrations/versions/" not in name
        for node in functions(tree)
        if body_lines(node) > MOST_BODY_LINES
    }
    assert long == {}


def test_no_function_takes_more_positional_arguments_than_a_reader_can_hold(parsed: dict[str, ast.Module]) -> None:
    wide = {
        f"{name}:{node.name}": len(node.args.args)
        for name, tree in parsed.items()
        if not name.startswith(("service/cli/", "service/api/"))  # there the arguments are options and parameters
        for node in functions(tree)
        if len([one for one in node.args.args if one.arg not in ("self", "cls")]) > MOST_POSITIONAL
    }
    assert wide == {}


def used_names(tree: ast.AST) -> set[str]:
    """Dotted names that the code uses, and modules that it imports."""
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            used.add(node.func.id)
    return used


@pytest.mark.parametrize(
    ("banned", "allowed"),
    [
        (r"(datetime\.)+(now|utcnow|today)|time\.(time|time_ns|localtime|gmtime)", MAY_READ_THE_CLOCK),
        (r"(secrets|random)(\..*)?|os\.urandom|uuid\.uuid\d", MAY_DRAW_RANDOMNESS),
        (r"os\.(environ|getenv)(\..*)?", {"service/settings.py"}),
        (r"pickle(\..*)?|yaml\.load|eval|exec|os\.system", set()),
    ],
)
def test_the_machine_is_asked_only_where_it_may_be(
    parsed: dict[str, ast.Module],
    banned: str,
    allowed: set[str],
) -> None:
    pattern = re.compile(banned)
    found = {name for name, tree in parsed.items() if any(pattern.fullmatch(one) for one in used_names(tree))}
    assert found - allowed == set()


def test_nothing_is_called_after_what_says_nothing() -> None:
    empty = re.compile(r"(^|[/_])(utils?|helpers?|common|misc|base|manager)([/_.]|$)")
    assert [name for name in modules() if empty.search(name)] == []


def test_the_top_level_is_the_agreed_one() -> None:
    assert {name.split("/")[0] for name in tracked() if not name.startswith(".")} <= TOP_LEVEL


def test_the_tree_names_no_machine_no_download_host_and_no_lock_file() -> None:
    host = re.compile("|".join(("files.python" + "hosted", "pypi" + r"\.org", "registry" + r"\.npmjs", "/wo" + "rk/")))
    locks = re.compile(r"(^|/)(uv\.lock|poetry\.lock|package-lock\.json|pylock.*\.toml|yarn\.lock)$")
    names = tracked()
    assert [name for name in names if locks.search(name)] == []
    texts = {name: (ROOT / name).read_bytes().decode("utf-8", "replace") for name in names}
    assert [name for name, text in texts.items() if host.search(text)] == []


def test_nothing_in_the_tree_is_a_link() -> None:
    listed = subprocess.run(["git", "ls-files", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line for line in listed.stdout.splitlines() if line.startswith("120000")] == []


def test_every_exception_from_a_rule_names_the_rule_and_gives_a_reason() -> None:
    bare = re.compile(r"# noqa(?!: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)*  \S)|# type: ignore(?!\[)")
    found = [
        f"{name}:{number}"
        for name in modules()
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []


def test_no_work_is_left_for_later() -> None:
    later = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|NotImplemented" + r"Error|mark\.(skip|xfail)\b")
    names = [name for name in tracked() if name.endswith(".py")]
    assert [name for name in names if later.search((ROOT / name).read_text(encoding="utf-8"))] == []
