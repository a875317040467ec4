"""Paying out normal-form games in batches."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE


@njit(**BARE)
def pay(actions: Any, payoffs: Any, strides: Any, live: Any, reward: Any) -> None:
    """Rewards float64[B, P] of joint actions int32[B, P] where live bool[B], else 0.

    payoffs float64[P, cells] lies flat, strides int64[P] in cells.
    """
    batch, players = actions.shape
    for b in range(batch):
        cell = 0
        for i in range(players):
            cell += actions[b, i] * strides[i]
        for i in range(players):
            reward[b, i] = payoffs[i, cell] if live[b] else 0.0
