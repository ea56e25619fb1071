r"""The models' regular expressions, which are written for Java, as Python expressions with the same meaning.

`\w`, `\d` and `\s` are ASCII in Java, so they are here. `\u10000` is five digits in the models, meaning
the first character beyond the basic plane, although Java itself would read four. The Unicode categories
`\p{L}`, `\p{N}` and `\p{Z}` do not exist in `re` and are written out as ranges, once and only if an
operation needs them.
"""

import re
import sys
import unicodedata
from functools import cache
from itertools import groupby
from typing import Final

_BEYOND_BASIC_PLANE: Final = re.compile(r"\\u(10FFFF|10000)")
_CATEGORY: Final = re.compile(r"\\p\{([A-Z])\}")


@cache
def compile_pattern(java: str) -> re.Pattern[str]:
    """The compiled form of a model's pattern; use it with `fullmatch` only, as Java's `matches` does."""
    text = _BEYOND_BASIC_PLANE.sub(lambda found: f"\\U{int(found[1], 16):08X}", java)
    text = _CATEGORY.sub(lambda found: _ranges(found[1]), text)
    return re.compile(text, re.ASCII)


@cache
def _ranges(category: str) -> str:
    """The body of a character class that holds all characters of a major category, such as `L`, letters."""
    every = range(sys.maxunicode + 1)
    members = (code for code in every if unicodedata.category(chr(code))[0] == category)
    runs = (list(run) for _, run in groupby(enumerate(members), key=lambda item: item[1] - item[0]))
    return "".join(f"\\U{run[0][1]:08X}-\\U{run[-1][1]:08X}" for run in runs)
