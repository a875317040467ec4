"""Names and numbers as a reader sees them. Names come from files of anybody's making, so nothing in them may act."""

from __future__ import annotations

import math
from typing import Any

DIGITS = 4
CUT = 18
"""Characters of a name in a picture."""


def visible(text: str) -> str:
    r"""The text with every character that cannot be seen written out: controls, line breaks, marks that turn text round.

    >>> visible("a\u202eb\n")
    'a\\u202eb\\n'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def short(name: str, limit: int = CUT) -> str:
    """A name for a picture, cut.

    A leading underscore gets a space in front, because matplotlib leaves such labels out of legends.
    """
    seen = visible(name)
    seen = seen if len(seen) <= limit else seen[: limit - 1] + "…"
    return " " + seen if seen.startswith("_") else seen


def number(value: Any, digits: int = DIGITS) -> str:
    """A number in so many significant digits; a dash for none, and whole numbers in full.

    >>> [number(v) for v in (0.123456, 12345.0, math.inf, None, -0.0)]
    ['0.1235', '12345', '∞', '–', '0']
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if float(value).is_integer() and abs(value) < 1e9:
        return f"{value + 0.0:.0f}"
    return f"{value:.{digits}g}"


def exact(value: Any) -> str:
    """A number as its shortest text that reads back the same, for attributes that programs read; empty for none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(value) if isinstance(value, int) else repr(float(value))


def probability(value: float) -> str:
    """A probability in four decimals.

    >>> probability(0.25), probability(0.0), probability(1e-9)
    ('0.2500', '0', '< 0.0001')
    """
    if value in (0.0, 1.0):
        return f"{value:.0f}"
    return "< 0.0001" if 0 < value < 5e-5 else f"{value:.4f}"


def percent(share: float) -> str:
    """A share in percent.

    >>> percent(0.95), percent(0.123456)
    ('95%', '12.3%')
    """
    return f"{number(round(100 * share, 1), 3)}%"
