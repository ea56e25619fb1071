"""Every text of the pages that has to be translated: `uv run python tests/staging/messages.py de`.

Run as a command it prints what a language's catalogue lacks, ready to be pasted into it.
"""

import sys
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

WEB: Final = Path(__file__).parents[2] / "service" / "web"
_METHODS: Final = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_KEYWORDS: Final = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def extracted() -> dict[str, str | tuple[str, ...]]:
    """Every message by its key, with both forms where it has a plural."""
    found: dict[str, str | tuple[str, ...]] = {}
    options = {"**.html": {"trimmed": "true"}}
    for _, _, message, _, _ in extract_from_dir(WEB, _METHODS, options, keywords=_KEYWORDS):
        key = message if isinstance(message, str) else message[0]
        found[key] = message if isinstance(message, str) else tuple(message)
    return found


def catalogue(language: str) -> Catalog:
    """The catalogue of a language."""
    with (WEB / "locales" / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def _main() -> None:
    there = catalogue(sys.argv[1]) if (WEB / "locales" / f"{sys.argv[1]}.po").exists() else Catalog(sys.argv[1])
    missing = Catalog(sys.argv[1])
    for key, message in extracted().items():
        if there.get(key) is None:
            missing.add(message)
    write_po(sys.stdout.buffer, missing, width=0, omit_header=True)


if __name__ == "__main__":
    _main()
