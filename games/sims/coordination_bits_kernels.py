"""The coordination game of bits in batches."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, uniform


@njit(**BARE)
def begin(streams: Any, where: Any, zero: Any, bits: Any, chosen: Any) -> None:
    """Draw first bits, each 0 with probability `zero`; bits and chosen are int8[B, n]."""
    for b in range(where.shape[0]):
        if where[b]:
            for i in range(bits.shape[1]):
                bits[b, i] = 0 if uniform(streams[b]) < zero else 1
                chosen[b, i] = -1


@njit(**BARE)
def advance(
    streams: Any, actions: Any, live: Any, noise: Any, table: Any, bits: Any, chosen: Any, reward: Any
) -> None:
    """Each next bit is its agent's, flipped with probability `noise`; pay table float64[n + 1] by the new ones."""
    batch, agents = actions.shape
    for b in range(batch):
        paid = 0.0
        if live[b]:
            ones = 0
            for i in range(agents):
                bit = actions[b, i]
                chosen[b, i] = bit
                if uniform(streams[b]) < noise:
                    bit = 1 - bit
                bits[b, i] = bit
                ones += bit
            paid = table[ones]
        for i in range(agents):
            reward[b, i] = paid


@njit(**BARE)
def look(bits: Any, observation: Any, features: Any, rows: Any) -> None:
    """Everybody sees all bits: observation float32[B, n, n], features float32[B, n]; rows int32[B, n] or no columns.

    The first agent's bit is the most significant one of a row.
    """
    batch, agents = bits.shape
    for b in range(batch):
        row = 0
        for i in range(agents):
            features[b, i] = bits[b, i]
            row = 2 * row + bits[b, i]
        for i in range(agents):
            for j in range(agents):
                observation[b, i, j] = features[b, j]
        for i in range(rows.shape[1]):
            rows[b, i] = row
