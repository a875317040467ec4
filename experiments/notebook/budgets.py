"""How much a notebook computes: all of it, or so little that it only shows that every cell runs."""

from __future__ import annotations

import os
from typing import TypeVar

SMOKE = "STAGHUNT_SMOKE"
"""With this environment variable set to anything but nothing or 0, notebooks run at their smoke budgets."""
Value = TypeVar("Value")


def is_smoke() -> bool:
    """Whether notebooks run at their smoke budgets.

    What a notebook promises of learning is promised of its full budget only.
    """
    return os.environ.get(SMOKE, "0") not in ("", "0")


def budget(full: Value, *, smoke: Value) -> Value:
    """The first, or with `STAGHUNT_SMOKE=1` the second.

    >>> budget(200_000, smoke=2_000)
    200000
    """
    return smoke if is_smoke() else full
