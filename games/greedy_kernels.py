"""Choosing the best action by its value, or now and then any."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE, uniform


@njit(**BARE)
def pick_greedy(state: Any, values: Any, mask: Any, epsilon: Any, out: Any) -> None:
    """The legal action of the largest value or, with probability epsilon, a uniformly random legal one.

    State uint64[B, n, 4], values float[B, n, A], mask bool[B, n, A], out int32[B, n]; of equal values the first counts,
    and where nothing is legal the action is 0. Every stream is drawn from exactly once, whatever is legal: where its
    number is below epsilon, the number over epsilon is uniform again.
    """
    for b in range(values.shape[0]):
        for i in range(values.shape[1]):
            u = uniform(state[b, i])
            legal, best = 0, 0
            top = -np.inf
            for a in range(values.shape[2]):
                if mask[b, i, a]:
                    if legal == 0 or values[b, i, a] > top:
                        best, top = a, values[b, i, a]
                    legal += 1
            if u < epsilon and legal > 0:
                left = np.int64(u / epsilon * legal)
                for a in range(values.shape[2]):
                    if mask[b, i, a]:
                        best = a  # the last one, should rounding take the number to 1
                        if left == 0:
                            break
                        left -= 1
            out[b, i] = best
