"""Numba kernels that contract a payoff tensor with mixed strategies; one pass over memory, any number of players."""

from __future__ import annotations

import numpy as np
from numba import njit

from games.simplices import Float, Int


@njit(cache=True)
def outer_weights(profile: Float, offsets: Int, first: int, stop: int, out: Float) -> int:
    """Write the outer product of blocks first..stop-1 into `out` in C order; returns its length."""
    out[0] = 1.0
    length = 1
    for k in range(first, stop):
        start = offsets[k]
        size = offsets[k + 1] - start
        for c in range(length - 1, -1, -1):
            w = out[c]
            for a in range(size):
                out[c * size + a] = w * profile[start + a]
        length *= size
    return length


@njit(cache=True, fastmath={"contract", "reassoc"})
def player_deviation_into(
    player: int, payoff: Float, offsets: Int, profile: Float, lead: Float, tail: Float, out: Float
) -> None:
    """Deviation payoffs of one player into its block of `out`; `payoff` is the player's flat tensor.

    The tensor is [L, A_i, R]: the R trailing profiles are weighted by a dot product, the L leading ones by an update,
    and leading profiles of probability zero are skipped.
    """
    start = offsets[player]
    size = offsets[player + 1] - start
    leading = outer_weights(profile, offsets, 0, player, lead)
    trailing = outer_weights(profile, offsets, player + 1, offsets.size - 1, tail)
    mine = out[start : start + size]
    weights = tail[:trailing]
    mine[:] = 0.0
    for c in range(leading):
        w = lead[c]
        if w == 0.0:
            continue
        base = c * size * trailing
        if trailing == 1:
            row = payoff[base : base + size]
            for a in range(size):
                mine[a] += w * row[a]
        else:
            for a in range(size):
                row = payoff[base + a * trailing : base + (a + 1) * trailing]
                total = 0.0
                for r in range(trailing):
                    total += row[r] * weights[r]
                mine[a] += w * total


@njit(cache=True)
def deviation_into(flat: Float, offsets: Int, profile: Float, lead: Float, tail: Float, out: Float) -> None:
    """Deviation payoffs of every player into `out`; `lead` and `tail` are workspaces of `workspace_size`."""
    for i in range(offsets.size - 1):
        player_deviation_into(i, flat[i], offsets, profile, lead, tail, out)


@njit(cache=True)
def workspace_size(offsets: Int) -> int:
    """Length that `lead` and `tail` must have: the largest product of the other players' action counts."""
    total = 1
    smallest = offsets[1] - offsets[0]
    for k in range(offsets.size - 1):
        size = offsets[k + 1] - offsets[k]
        total *= size
        smallest = min(smallest, size)
    return max(total // smallest, 1)


@njit(cache=True)
def deviation_payoffs(flat: Float, offsets: Int, profile: Float) -> Float:
    """Payoff of every action against the others' mixed play, float64[sum(A)]; allocates its workspaces."""
    out = np.empty(offsets[-1])
    size = workspace_size(offsets)
    deviation_into(flat, offsets, profile, np.empty(size), np.empty(size), out)
    return out
