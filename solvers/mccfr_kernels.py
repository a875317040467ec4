"""Kernels of Monte Carlo CFR: random numbers, external sampling, outcome sampling.

A game is a stream of int32 (`solvers.mccfr_stream`), what was learned a table of float64 with one block per
information set of n actions: n cumulative regrets, the n probabilities that regret matching makes of them (kept up
to date), n cumulative strategy weights.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from solvers.kernel_options import BARE
from solvers.mccfr_stream import SHIFT

_OWNER = (1 << SHIFT) - 1
_GAMMA, _MIX1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_S11, _S27, _S30, _S31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)
_TINY = 1e-290  # a sum of regrets below this counts as zero: its inverse would overflow
_HUGE = 1e140  # importance weights stop here, so that sums of their products stay finite


@nb.njit(**BARE)
def uniform(counter: Any) -> Any:
    """SplitMix64 (Steele, Lea and Flood 2014): the number of a counter, in [0, 1), a multiple of 2^-53.

    The only state is a counter that grows by `_GAMMA`: it stays in a register, and draws do not wait for each other.
    """
    z = (counter ^ (counter >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    z = z ^ (z >> _S31)
    return np.float64(np.int64(z >> _S11)) * 1.1102230246251565e-16


@nb.njit(**BARE)
def draw_chance(start: Any, n: Any, u: Any, keep: Any, other: Any) -> Any:
    """A chance move: uniform if `start` is -1, otherwise by the alias table at -2 - start (Walker 1977)."""
    x = u * n
    k = int(x)
    if start != -1:
        at = -2 - start + k
        if x - k >= keep[at]:
            k = int(other[at])
    return k


@nb.njit(**BARE)
def draw(table: Any, at: Any, n: Any, u: Any) -> Any:
    """The action of the distribution ``table[at : at + n]`` at quantile u, without a branch that u decides.

    The last loop only runs when rounding made the sum less than u: an action of probability 0 is never taken.
    """
    total, k = 0.0, 0
    for j in range(at, at + n - 1):
        total += table[j]
        k += int(u >= total)
    while k > 0 and table[at + k] <= 0.0:
        k -= 1
    return k


@nb.njit(**BARE)
def match(table: Any, at: Any, n: Any) -> None:
    """Regret matching (Hart and Mas-Colell 2000) in one block."""
    total = 0.0
    for a in range(at, at + n):
        total += max(table[a], 0.0)
    if total > _TINY:
        scale = 1.0 / total
        for a in range(at, at + n):
            table[n + a] = max(table[a], 0.0) * scale
    else:
        for a in range(at, at + n):
            table[n + a] = 1.0 / n


@nb.njit(**BARE)
def match_all(starts: Any, sizes: Any, table: Any) -> None:
    """Regret matching in all blocks."""
    for h in range(len(starts)):
        match(table, starts[h], sizes[h])


@nb.njit(**BARE)
def _learn(table: Any, at: Any, n: Any, values: Any, low: Any, weight: Any, plus: Any) -> Any:
    """Add the regrets of the values from `low` on to a block; returns the node's value under its present strategy."""
    mean = 0.0
    for a in range(n):
        mean += table[at + n + a] * values[low + a]
    for a in range(n):
        regret = table[at + a] + weight * (values[low + a] - mean)
        table[at + a] = max(regret, 0.0) if plus else regret
    match(table, at, n)
    return mean


@nb.njit(**BARE)
def traverse(
    stream: Any,
    keep: Any,
    other: Any,
    payoff: Any,
    table: Any,
    nodes: Any,
    values: Any,
    counter: Any,
    player: Any,
    follower: Any,
    weight: Any,
    plus: Any,
) -> Any:
    """One traversal for `player`; the strategy of `follower` is averaged. Returns the counter."""
    depth, free, pos = -1, 0, int(stream[0])
    while True:
        while pos >= 0:  # down to the end of a play
            block, word = int(stream[pos]), int(stream[pos + 1])
            owner, n, k = word & _OWNER, word >> SHIFT, 0
            if block >= 0 and owner == player:
                depth += 1
                nodes[depth, 0], nodes[depth, 1], nodes[depth, 2] = pos, 0, free
                free += n
            else:
                counter += _GAMMA
                if block < 0:
                    k = draw_chance(block, word, uniform(counter), keep, other)
                else:
                    k = draw(table, block + n, n, uniform(counter))
                    if owner == follower:
                        for a in range(block + n, block + 2 * n):
                            table[n + a] += weight * table[a]
            pos = int(stream[pos + 2 + k])
        value = payoff[~pos, player]
        while depth >= 0:  # up to the player's next untried action
            at, tried, low = int(nodes[depth, 0]), int(nodes[depth, 1]), int(nodes[depth, 2])
            n = int(stream[at + 1]) >> SHIFT
            values[low + tried] = value
            for k in range(tried + 1, n):
                pos = int(stream[at + 2 + k])
                if pos >= 0:
                    nodes[depth, 1] = k
                    break
                values[low + k] = payoff[~pos, player]
            if pos >= 0:
                break
            value = _learn(table, int(stream[at]), n, values, low, weight, plus)
            free = low
            depth -= 1
        if depth < 0:
            return counter


@nb.njit(**BARE)
def external(
    stream: Any,
    keep: Any,
    other: Any,
    payoff: Any,
    table: Any,
    nodes: Any,
    values: Any,
    state: Any,
    first: int,
    last: int,
    linear: bool,
    plus: bool,
) -> None:
    """Iterations `first` to `last` - 1 of external sampling (Lanctot et al. 2009), one traversal per player each.

    All actions of the traverser are tried, one is drawn of chance and of the others. The next player's strategy is
    added to its average wherever it is met. `nodes` int32[depth, 3] and `values` float64[width] are stacks of the
    traverser's nodes (position, action being tried, where its values start) and of their actions' values.
    """
    players, counter = payoff.shape[1], state[0]
    for t in range(first, last):
        weight = float(t + 1) if linear else 1.0
        for i in range(players):
            follower = i + 1 if i + 1 < players else 0
            counter = traverse(
                stream, keep, other, payoff, table, nodes, values, counter, i, follower, weight, plus
            )
    state[0] = counter


@nb.njit(**BARE)
def _credit(
    table: Any, path: Any, weights: Any, depth: Any, value: Any, epsilon: Any, scale: Any, plus: Any
) -> None:
    """Add what one sampled play tells about regrets at its `depth` nodes of the updating player."""
    for d in range(depth - 1, -1, -1):
        block, n, k = int(path[d, 0]), int(path[d, 1]), path[d, 2]
        chosen, weight = table[block + n + k], scale * weights[d]
        taken = min(max(value / (epsilon / n + (1.0 - epsilon) * chosen), -_HUGE), _HUGE)
        value = taken * chosen
        for a in range(n):
            regret = table[block + a] + weight * ((taken if a == k else 0.0) - value)
            table[block + a] = max(regret, 0.0) if plus else regret
        match(table, block, n)


@nb.njit(**BARE)
def outcome(
    stream: Any,
    keep: Any,
    other: Any,
    payoff: Any,
    table: Any,
    path: Any,
    weights: Any,
    state: Any,
    first: int,
    last: int,
    epsilon: float,
    linear: bool,
    plus: bool,
) -> None:
    """Iterations `first` to `last` - 1 of outcome sampling (Lanctot et al. 2009), one play per player each.

    The updating player explores with probability `epsilon`; chance and the others play as they do. The weight `own`,
    one over the probability of the player's own draws, undoes that, also where the next player's strategy is averaged:
    a player is averaged in plays in which the other explores, and so also where the other would not go.
    `path` int32[depth, 3] and `weights` float64[depth] take the player's nodes (block, actions, action drawn) and the
    weight there.
    """
    players, counter = payoff.shape[1], state[0]
    for t in range(first, last):
        scale = float(t + 1) if linear else 1.0
        for i in range(players):
            follower = i + 1 if i + 1 < players else 0
            pos, depth, own = int(stream[0]), 0, 1.0
            while pos >= 0:
                block, word = int(stream[pos]), int(stream[pos + 1])
                counter += _GAMMA
                u, n, owner = uniform(counter), word >> SHIFT, word & _OWNER
                if block < 0:
                    k = draw_chance(block, word, u, keep, other)
                elif owner != i:
                    k = draw(table, block + n, n, u)
                    if owner == follower:
                        for a in range(block + n, block + 2 * n):
                            table[n + a] += scale * own * table[a]
                else:
                    total, k, floor = 0.0, 0, epsilon / n
                    for a in range(block + n, block + 2 * n - 1):
                        total += floor + (1.0 - epsilon) * table[a]
                        k += int(u >= total)
                    path[depth, 0], path[depth, 1], path[depth, 2] = block, n, k
                    weights[depth] = own
                    depth += 1
                    own = min(own / (floor + (1.0 - epsilon) * table[block + n + k]), _HUGE)
                pos = int(stream[pos + 2 + k])
            _credit(table, path, weights, depth, payoff[~pos, i], epsilon, scale, plus)
    state[0] = counter
