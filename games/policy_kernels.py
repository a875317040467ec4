"""Playing by a table, in batches."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, uniform


@njit(**BARE)
def pick_rows(state: Any, row: Any, mask: Any, acting: Any, table: Any, out: Any) -> Any:
    """Draw actions int32[B, n] from the rows int32[B, n] of a table float64[n or 1, rows, A], over legal actions only.

    Every stream uint64[B, n, 4] is drawn from exactly once. Where nothing legal has a positive probability the action
    is 0. Flat position of the first agent that acts and has no such action, or whose row is not in the table; or -1.
    """
    batch, agents, width = mask.shape
    several, bad = table.shape[0] > 1, -1
    for b in range(batch):
        for i in range(agents):
            u = uniform(state[b, i])
            k = i if several else 0
            r = row[b, i]
            chosen = 0
            total = 0.0
            if 0 <= r < table.shape[1]:
                for a in range(width):
                    if mask[b, i, a]:
                        total += table[k, r, a]
                u *= total
                for a in range(width):
                    p = table[k, r, a]
                    if p > 0.0 and mask[b, i, a]:
                        chosen = a
                        if u < p:
                            break
                        u -= p
            if total <= 0.0 and acting[b, i] and bad < 0:
                bad = b * agents + i
            out[b, i] = chosen
    return bad
