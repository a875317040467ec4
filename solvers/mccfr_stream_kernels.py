"""Kernels that write the stream of a game (`solvers.mccfr_stream`) and its alias tables."""

from __future__ import annotations

from typing import Any

import numba as nb

from solvers.kernel_options import BARE
from solvers.mccfr_stream import SHIFT


@nb.njit(**BARE)
def _sole(v: int, player: Any, infoset: Any, sizes: Any, order: Any, starts: Any) -> int:
    """The first node from v on where there is something to choose, draw or pay."""
    while player[v] >= 0 and sizes[infoset[v]] == 1:
        v = order[starts[v]]
    return v


@nb.njit(**BARE)
def _draws(
    v: int,
    player: Any,
    infoset: Any,
    chance: Any,
    order: Any,
    starts: Any,
    sizes: Any,
    kind: int,
    work: Any,
    reach: Any,
) -> int:
    """What can follow a run of chance moves from v: nodes in ``work[1, :count]``, probabilities in ``reach[1]``."""
    top, count = 1, 0
    work[0, 0], reach[0, 0] = v, 1.0
    while top > 0:
        top -= 1
        node, probability = work[0, top], reach[0, top]
        if player[node] != kind:
            work[1, count], reach[1, count] = node, probability
            count += 1
            continue
        for c in range(starts[node + 1] - 1, starts[node] - 1, -1):
            child = order[c]
            if probability * chance[child] > 0.0:
                work[0, top] = _sole(child, player, infoset, sizes, order, starts)
                reach[0, top] = probability * chance[child]
                top += 1
    return count


@nb.njit(**BARE)
def emit(
    numbers: Any,
    player: Any,
    infoset: Any,
    chance: Any,
    order: Any,
    starts: Any,
    row: Any,
    sizes: Any,
    block: Any,
    kinds: Any,
    code: Any,
    odds: Any,
    work: Any,
    reach: Any,
) -> tuple[int, int]:
    """Write the stream, first children first; its length and the number of chance moves with probabilities."""
    used, moves, table, top = 1, 0, 0, 1
    work[2, 0], work[3, 0] = 0, 0  # nodes to write, and where to write where they are
    while top > 0:
        top -= 1
        v, patch = _sole(work[2, top], player, infoset, sizes, order, starts), work[3, top]
        count = 0
        if player[v] == kinds[0]:
            count = _draws(v, player, infoset, chance, order, starts, sizes, kinds[0], work, reach)
            if count == 1:
                v = work[1, 0]
        if player[v] == kinds[1]:
            code[patch] = ~row[v]
            continue
        code[patch] = used
        if player[v] >= 0:
            h = infoset[v]
            count = sizes[h]
            if block[h] < 0:
                block[h] = table
                table += 3 * count
            code[used], code[used + 1] = block[h], (count << SHIFT) | numbers[player[v]]
            for a in range(count):
                work[1, a] = order[starts[v] + a]
        else:
            total, high, low = 0.0, 0.0, 2.0
            for k in range(count):
                total += reach[1, k]
                high, low = max(high, reach[1, k]), min(low, reach[1, k])
            code[used], code[used + 1] = -1, count
            if high - low > 4e-16 * high * count:
                code[used] = -2 - moves
                for k in range(count):
                    odds[moves + k] = reach[1, k] / total
                moves += count
        for k in range(count - 1, -1, -1):
            work[2, top], work[3, top] = work[1, k], used + 2 + k
            top += 1
        used += 2 + count
    return used, moves


@nb.njit(**BARE)
def alias(code: Any, used: int, odds: Any, keep: Any, other: Any, lists: Any) -> None:
    """Alias tables of all chance nodes (Vose 1991): move k is drawn as ``k`` below ``keep[k]``, else ``other[k]``."""
    pos = 1
    while pos < used:
        if code[pos] >= 0:
            pos += 2 + (code[pos + 1] >> SHIFT)
            continue
        n = code[pos + 1]
        if code[pos] < -1:
            start, poor, rich = -2 - code[pos], 0, 0
            for k in range(n):
                keep[start + k], other[start + k] = odds[start + k] * n, k
                if keep[start + k] < 1.0:
                    lists[0, poor] = k
                    poor += 1
                else:
                    lists[1, rich] = k
                    rich += 1
            while poor > 0 and rich > 0:
                poor -= 1
                small, large = lists[0, poor], lists[1, rich - 1]
                other[start + small] = large
                keep[start + large] -= 1.0 - keep[start + small]
                if keep[start + large] < 1.0:
                    rich -= 1
                    lists[0, poor] = large
                    poor += 1
            while rich > 0:
                rich -= 1
                keep[start + lists[1, rich]] = 1.0
            while poor > 0:
                poor -= 1
                keep[start + lists[0, poor]] = 1.0
        pos += 2 + n
