"""The kernel of sampled best responses: external sampling for one player, the others' strategies fixed."""

from __future__ import annotations

from typing import Any

import numba as nb

from solvers.kernel_options import BARE
from solvers.mccfr_kernels import traverse


@nb.njit(**BARE)
def respond(
    stream: Any,
    keep: Any,
    other: Any,
    payoff: Any,
    table: Any,
    nodes: Any,
    values: Any,
    state: Any,
    player: int,
    count: int,
) -> None:
    """`count` traversals for `player` (its number among those who decide); nobody's strategy is averaged.

    Only the player's blocks of `table` change: the others' probabilities stay what they are, like chance's.
    """
    counter = state[0]
    for _ in range(count):
        counter = traverse(stream, keep, other, payoff, table, nodes, values, counter, player, -1, 1.0, False)
    state[0] = counter
