"""Kernels for games restricted to finitely many strategies: contractions of the sequence form with realization plans.

Letters as in `solvers.sequences`; nothing here allocates.
"""

from __future__ import annotations

from typing import Any

import numba as nb

from solvers.kernel_options import BARE


@nb.njit(**BARE)
def contract(
    owner: int, free: int, players: int, starts: Any, rows: Any, others: Any, weight: Any, x: Any, h: Any
) -> None:
    """Add to h[t] what sequence t of player `free` earns player `owner` when all others play their part of `x`.

    With ``free == owner`` it is the owner's gradient. `h` float64[S] is added to, at sequences of `free` only.
    """
    for s in range(starts[owner], starts[owner + 1]):
        own = 1.0 if owner == free else x[s]
        if own == 0.0:
            continue
        for e in range(rows[s], rows[s + 1]):
            reach, at, column = own * weight[e], s, 0
            for j in range(players):
                if j == owner:
                    continue
                t = others[e, column]
                column += 1
                if j == free:
                    at = t
                else:
                    reach *= x[t]
            h[at] += reach


@nb.njit(**BARE)
def follow(first: Any, size: Any, before: Any, choice: Any, x: Any, start: int, stop: int) -> None:
    """The plan of the pure strategy that takes `choice` at ranks `start` to `stop - 1`; empty sequences must hold 1."""
    for k in range(start, stop):
        for s in range(first[k], first[k] + size[k]):
            x[s] = 0.0
        x[choice[k]] = x[before[k]]
