"""Numba kernels for mixed play with few actions in play: payoffs of deviations, and the product added to a joint.

Each player's tensor is laid out with the player's own axis last (`strides[i, k]` is the step of opponent k in player
i's tensor): one opponents' profile is then one contiguous row of payoffs.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from games.contraction import player_deviation_into
from games.simplices import Float, Int
from solvers.kernel_options import BARE

FEW = 64.0
"""Opponents' profiles up to which skipping those not in play is never slower than the dense contraction."""


@njit(**BARE)
def find_support(profile: Float, offsets: Int, support: Int, counts: Int) -> None:
    """List each player's actions of positive probability in `support`, from the player's offset on."""
    for i in range(offsets.size - 1):
        n = 0
        for a in range(offsets[i], offsets[i + 1]):
            if profile[a] > 0.0:
                support[offsets[i] + n] = a
                n += 1
        counts[i] = n


@njit(**BARE, fastmath={"contract", "reassoc"})
def _add_rows(
    tensors: Float,
    which: int,
    base: int,
    step: int,
    weight: float,
    profile: Float,
    support: Int,
    first: int,
    count: int,
    out: Float,
    start: int,
    size: int,
) -> None:
    """Add the rows of one opponent's `count` actions in play, out of `tensors[which]`, to `size` entries of `out`, four rows at a time.

    Unsigned indices spare the check for negative ones, without which the compiler can use vector instructions; slices
    would be counted references, which cost more than a short row.
    """
    to, length = np.uintp(start), np.uintp(size)
    j = 0
    while j + 4 <= count:
        s0, s1, s2, s3 = (
            support[first + j],
            support[first + j + 1],
            support[first + j + 2],
            support[first + j + 3],
        )
        b0, b1 = np.uintp(base + (s0 - first) * step), np.uintp(base + (s1 - first) * step)
        b2, b3 = np.uintp(base + (s2 - first) * step), np.uintp(base + (s3 - first) * step)
        w0, w1 = weight * profile[s0], weight * profile[s1]
        w2, w3 = weight * profile[s2], weight * profile[s3]
        for a in range(length):
            out[to + a] += (
                w0 * tensors[which, b0 + a]
                + w1 * tensors[which, b1 + a]
                + w2 * tensors[which, b2 + a]
                + w3 * tensors[which, b3 + a]
            )
        j += 4
    while j < count:
        s = support[first + j]
        b, w = np.uintp(base + (s - first) * step), weight * profile[s]
        for a in range(length):
            out[to + a] += w * tensors[which, b + a]
        j += 1


@njit(**BARE)
def sparse_deviation_into(
    player: int,
    tensors: Float,
    which: int,
    strides: Int,
    offsets: Int,
    profile: Float,
    support: Int,
    counts: Int,
    out: Float,
    place: Int,
    weight: Float,
    base: Int,
) -> None:
    """Deviation payoffs of one player into its block of `out`, over opponents' actions in play.

    There are two players or more, and `tensors[which]` has the own axis last; `place`, `weight` and `base` are workspaces of P + 1 entries: an odometer over the
    opponents but the last.
    """
    players = offsets.size - 1
    start = offsets[player]
    size = offsets[player + 1] - start
    for a in range(start, start + size):
        out[a] = 0.0
    inner = players - 1 if player < players - 1 else players - 2
    weight[0], base[0] = 1.0, 0
    for k in range(inner):
        place[k] = 0
    level = 0
    while level >= 0:
        for k in range(level, inner):
            if k == player:
                weight[k + 1], base[k + 1] = weight[k], base[k]
            else:
                s = support[offsets[k] + place[k]]
                weight[k + 1] = weight[k] * profile[s]
                base[k + 1] = base[k] + (s - offsets[k]) * strides[player, k]
        _add_rows(
            tensors, which, base[inner], strides[player, inner], weight[inner], profile, support, offsets[inner],
            counts[inner], out, start, size,
        )  # fmt: skip
        level = inner - 1
        while level >= 0:
            if level != player:
                place[level] += 1
                if place[level] < counts[level]:
                    break
                place[level] = 0
            level -= 1


@njit(**BARE)
def add_joint(
    offsets: Int,
    profile: Float,
    support: Int,
    counts: Int,
    mass: float,
    joints: Float,
    active: int,
    place: Int,
    weight: Float,
    base: Int,
) -> None:
    """Add `mass` times the product distribution to the dense joint `joints[active]`, over actions in play only."""
    inner = offsets.size - 2
    first, count = offsets[inner], counts[inner]
    size = offsets[inner + 1] - first
    weight[0], base[0] = mass, 0
    for k in range(inner):
        place[k] = 0
    level = 0
    while level >= 0:
        for k in range(level, inner):
            s = support[offsets[k] + place[k]]
            weight[k + 1] = weight[k] * profile[s]
            base[k + 1] = base[k] * (offsets[k + 1] - offsets[k]) + s - offsets[k]
        w, row = weight[inner], base[inner] * size
        if count == size:
            to, start = np.uintp(row), np.uintp(first)
            for a in range(np.uintp(size)):
                joints[active, to + a] += w * profile[start + a]
        else:
            for j in range(first, first + count):
                s = support[j]
                joints[active, row + s - first] += w * profile[s]
        level = inner - 1
        while level >= 0:
            place[level] += 1
            if place[level] < counts[level]:
                break
            place[level] = 0
            level -= 1


@njit(cache=True)
def payoffs_against(
    flat: Float,
    own_last: Float,
    strides: Int,
    offsets: Int,
    profile: Float,
    support: Int,
    counts: Int,
    out: Float,
    lead: Float,
    tail: Float,
    place: Int,
    weight: Float,
    base: Int,
) -> None:
    """Deviation payoffs of all players: over the actions in play where few are, else by dense contraction.

    `own_last` is float64[P - 1, prod(A)] (the last player's tensor in `flat` already has the own axis last), or has
    no columns when memory did not allow it.
    """
    players = offsets.size - 1
    for i in range(players):
        played, possible = 1.0, 1.0
        for k in range(players):
            if k != i:
                played *= counts[k]
                possible *= offsets[k + 1] - offsets[k]
        few = 2.0 * played < possible or possible <= FEW
        if i == players - 1 and players > 1 and (few or played < possible):
            sparse_deviation_into(
                i, flat, i, strides, offsets, profile, support, counts, out, place, weight, base
            )
        elif few and i < players - 1 and own_last.shape[1] > 0:
            sparse_deviation_into(
                i, own_last, i, strides, offsets, profile, support, counts, out, place, weight, base
            )
        else:
            player_deviation_into(i, flat[i], offsets, profile, lead, tail, out)
