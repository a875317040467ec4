"""Choosing who transmits, in batches."""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE


@njit(**BARE)
def sequential(waiting: Any, near: Any, starts: Any, out: Any) -> None:
    """In order of agents, transmit if a message waits and no earlier neighbour transmits; all int32[B, n]."""
    batch, agents = waiting.shape
    for b in range(batch):
        for i in range(agents):
            free = waiting[b, i] > 0
            for k in range(starts[i], starts[i + 1]):
                if near[k] < i and out[b, near[k]] == 1:
                    free = False
            out[b, i] = 1 if free else 0


@njit(**BARE)
def largest_sets(near: Any, best: Any) -> None:
    """A largest independent subset of every set of agents: near int64[n] and best int64[2**n] are sets as bits.

    A set's answer either leaves its first agent out, or keeps it and leaves out the neighbours; of equally large ones,
    it keeps it.
    """
    best[0] = 0
    for whole in range(1, best.shape[0]):
        first = 0
        while not (whole >> first) & 1:
            first += 1
        without = best[whole & ~(1 << first)]
        keeping = best[whole & ~(1 << first) & ~near[first]] | (1 << first)
        best[whole] = keeping if _count(keeping) >= _count(without) else without


@njit(**BARE)
def _count(members: Any) -> Any:
    count = 0
    while members:
        members &= members - 1
        count += 1
    return count


@njit(**BARE)
def from_sets(waiting: Any, best: Any, out: Any) -> None:
    """Those in a largest independent set of the agents with messages transmit; all int32[B, n]."""
    batch, agents = waiting.shape
    for b in range(batch):
        whole = 0
        for i in range(agents):
            whole |= (1 if waiting[b, i] > 0 else 0) << i
        for i in range(agents):
            out[b, i] = (best[whole] >> i) & 1
