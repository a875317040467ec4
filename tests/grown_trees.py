"""Random trees with perfect recall, and the same game under other names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from games.tree import CHANCE, TERMINAL, TreeGame


def random_tree(
    rng: np.random.Generator,
    players: int = 2,
    depth: int = 4,
    *,
    chance: float = 0.2,
    zero_sum: bool = False,
    most_actions: int = 3,
) -> TreeGame:
    """Grow a tree; nodes of a player with the same own history and number of actions may share an information set."""
    nodes: list[tuple[int, int, int, int, float]] = []  # player, infoset, parent, slot, chance
    known: dict[tuple[int, int, int, int], int] = {}
    owner: list[int] = []
    sizes: list[int] = []
    payoffs: list[list[float]] = []

    def grow(parent: int, slot: int, odds: float, last: tuple[int, ...], left: int) -> None:
        node = len(nodes)
        if left == 0 or (left < depth and rng.random() < 0.15):
            nodes.append((TERMINAL, -1, parent, slot, odds))
            payoffs.append(rng.integers(-9, 10, players).astype(float).tolist())
            return
        actions = int(rng.integers(1, most_actions + 1))
        if rng.random() < chance:
            nodes.append((CHANCE, -1, parent, slot, odds))
            for p in rng.dirichlet(np.ones(actions)):
                grow(node, -1, float(p), last, left - 1)
            return
        i = int(rng.integers(players))
        key = (i, last[i], actions, int(rng.integers(2)))
        if key not in known:
            known[key] = len(owner)
            owner.append(i)
            sizes.append(actions)
        h = known[key]
        nodes.append((i, h, parent, slot, odds))
        for a in range(actions):
            # slots are numbered once all sizes are known; until then (infoset, action) stands for one
            grow(node, h * 100 + a, 1.0, (*last[:i], h * 100 + a, *last[i + 1 :]), left - 1)

    grow(-1, -1, 1.0, (-1,) * players, depth)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    columns = [list(column) for column in zip(*nodes)]
    slots = [-1 if s < 0 else int(offsets[s // 100]) + s % 100 for s in columns[3]]
    paid = np.array(payoffs).T.copy()
    if zero_sum:
        paid[1] = -paid[0]
    return TreeGame(
        *(np.array(column) for column in (*columns[:3], slots, columns[4])),
        payoff=paid,
        owner=np.array(owner, dtype=np.int32),
        offsets=offsets,
        title="random tree",
    )


def random_behavior(rng: np.random.Generator, game: TreeGame) -> Any:
    """A random behaviour strategy profile with some zeros."""
    blocks = [rng.dirichlet(np.ones(n)) * (rng.random(n) < 0.8) for n in np.diff(game.offsets)]
    blocks = [b / b.sum() if b.sum() > 0 else np.full(len(b), 1 / len(b)) for b in blocks]
    return np.concatenate(blocks) if blocks else np.empty(0)


def permute_players(game: TreeGame, order: Sequence[int]) -> TreeGame:
    """The same game with player i called `order[i]`."""
    new = np.array([*order, TERMINAL, CHANCE])  # so that index -1 is chance and -2 terminal
    payoff = np.empty_like(game.payoff)
    payoff[list(order)] = game.payoff
    return TreeGame(
        new[game.player],
        game.infoset,
        game.parent,
        game.slot,
        game.chance,
        payoff,
        np.asarray(order)[game.owner] if len(game.owner) else game.owner,
        game.offsets,
    )


def relabel(game: TreeGame, rng: np.random.Generator) -> tuple[TreeGame, Any]:
    """The same game with actions in another order at every information set; where each old slot went."""
    where = np.empty(game.slots + 1, dtype=np.int32)
    where[-1] = -1
    for low, high in zip(game.offsets[:-1], game.offsets[1:]):
        where[low:high] = low + rng.permutation(high - low)
    renamed = TreeGame(
        game.player,
        game.infoset,
        game.parent,
        where[game.slot],
        game.chance,
        game.payoff,
        game.owner,
        game.offsets,
    )
    return renamed, where[:-1]
