"""Playing Bayesian networks of actions that are listed as tables, in batches."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, uniform


@njit(**BARE)
def sample_listed(
    state: Any, situation: Any, order: Any, factors: Any, strides: Any, counts: Any, out: Any
) -> None:
    """Draw joint actions int32[B, n], parents before children.

    state uint64[B, n, 4]; situation int64[B]; order int64[K, n]; factors float64[n, K, J]; strides, counts int64[n]. Every
    agent draws once from its own stream. An action of probability 0 is never drawn.
    """
    batch, agents = out.shape
    for b in range(batch):
        r = situation[b]
        flat = 0
        for k in range(agents):
            i = order[r, k]
            total = 0.0
            for a in range(counts[i]):
                total += factors[i, r, flat + a * strides[i]]
            u = uniform(state[b, i]) * total
            chosen = 0
            for a in range(counts[i]):
                p = factors[i, r, flat + a * strides[i]]
                if p > 0.0:
                    chosen = a
                    if u < p:
                        break
                    u -= p
            flat += chosen * strides[i]
            out[b, i] = chosen
