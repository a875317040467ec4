"""Checking a whole batch of actions at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE


@njit(**BARE)
def _legal_choices(actions: Any, mask: Any, acting: Any, live: Any, count: Any, clean: Any) -> Any:
    """`legal_actions` of one part, the common case; as unsigned numbers, negative choices are too large ones."""
    batch, agents, _ = actions.shape
    for b in range(batch):
        for i in range(agents):
            chosen = np.uint64(actions[b, i, 0])
            if not (live[b] and acting[b, i]):
                chosen = np.uint64(0)
            elif chosen >= count or not mask[b, i, chosen]:
                return b * agents + i
            clean[b, i, 0] = chosen
    return -1


@njit(**BARE)
def legal_actions(actions: Any, mask: Any, acting: Any, live: Any, counts: Any, clean: Any) -> Any:
    """Copy legal actions, zero where nobody acts; flat position of the first illegal one, or -1.

    Parameters
    ----------
    actions : int32 or int64[B, n, K]
        What the agents chose, in K parts.
    mask : bool[B, n, A]
        Legal choices of all parts, one part after another.
    acting : bool[B, n]
        Who acts.
    live : bool[B]
        Which sub-environments have not stopped.
    counts : int64[K]
        Choices of each part.
    clean : int32[B, n, K]
        Filled.
    """
    batch, agents, parts = actions.shape
    if parts == 1:
        return _legal_choices(actions, mask, acting, live, np.uint64(counts[0]), clean)
    for b in range(batch):
        for i in range(agents):
            start = 0
            for k in range(parts):
                chosen = 0
                if live[b] and acting[b, i]:
                    chosen = actions[b, i, k]
                    if chosen < 0 or chosen >= counts[k] or not mask[b, i, start + chosen]:
                        return (b * agents + i) * parts + k
                clean[b, i, k] = chosen
                start += counts[k]
    return -1


@njit(**BARE)
def inside_box(actions: Any, acting: Any, live: Any, low: Any, high: Any, clean: Any) -> Any:
    """Copy numbers, clipped to their box, zero where nobody acts; flat position of the first that is not finite, or -1.

    Parameters
    ----------
    actions : float32 or float64[B, n, K]
        What the agents chose, in K parts.
    acting : bool[B, n]
        Who acts.
    live : bool[B]
        Which sub-environments have not stopped.
    low, high : float32[K]
        Bounds of each part, which may be infinite.
    clean : float32[B, n, K]
        Filled.
    """
    batch, agents, parts = actions.shape
    wrong = 0
    for b in range(batch):
        for i in range(agents):
            plays = live[b] and acting[b, i]
            for k in range(parts):
                value = np.float32(actions[b, i, k]) if plays else np.float32(0.0)
                value = low[k] if value < low[k] else value  # nothing is below or above what is not a number
                value = high[k] if value > high[k] else value
                clean[b, i, k] = value
                wrong += not abs(value) < np.inf
    if not wrong:
        return -1
    for b in range(batch):
        for i in range(agents):
            for k in range(parts):
                if not abs(clean[b, i, k]) < np.inf:
                    return (b * agents + i) * parts + k
    return -1
