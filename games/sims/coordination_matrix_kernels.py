"""Paying out the climb game in batches."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE


@njit(**BARE)
def climb(actions: Any, live: Any, full: Any, played: Any, reward: Any) -> None:
    """Rewards float64[B, n] of joint actions int32[B, n] where live bool[B], else 0; played is set to the actions."""
    batch, agents = actions.shape
    for b in range(batch):
        paid = 0.0
        if live[b]:
            first = 0
            for i in range(agents):
                played[b, i] = actions[b, i]
                first += actions[b, i] == 0
            if first == agents:
                paid = full
            elif first == 0:
                paid = 0.5 * full
        for i in range(agents):
            reward[b, i] = paid
