"""Checking a whole batch of discrete actions at once."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE


@njit(**BARE)
def legal_actions(actions: Any, mask: Any, acting: Any, live: Any, counts: Any, clean: Any) -> Any:
    """Copy legal actions, zero where nobody acts; flat position of the first illegal one, or -1.

    Parameters
    ----------
    actions : int64[B, n, K]
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
