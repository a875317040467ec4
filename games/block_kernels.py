"""Numba kernel that adds a value to a block of a tensor given by offsets; only large trees need it."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.simplices import Int


@njit(cache=True)
def add_to_block(flat: Any, lead: Int, tail: Int, value: Any) -> None:
    """Add `value` to `flat[l + t]` for every l in `lead` and t in `tail`, all of them different places."""
    for k in range(lead.size):
        base = lead[k]
        for t in range(tail.size):
            flat[base + tail[t]] += value
