"""Random games of hidden moves: every move, of players and of chance, is seen by some and not by others."""

from __future__ import annotations

import numpy as np

from games.tree import CHANCE, TERMINAL, TreeGame


def hidden_moves(
    rng: np.random.Generator,
    players: int = 2,
    rounds: int = 3,
    *,
    chance: str = "none",
    zero_sum: bool = False,
    top: int = 9,
) -> TreeGame:
    """Players move in random order; whether another player sees a move is drawn per round and player.

    `chance` is "none", "public" (a first move of chance that all see) or "private" (each player sees a card of their
    own, both drawn at once). Payoffs are integers up to `top`.
    """
    nodes: list[tuple[int, int, int, int, int, float]] = []
    known: dict[object, int] = {}
    owner: list[int] = []
    sizes: list[int] = []
    payoffs: list[list[float]] = []
    movers = [i % players for i in range(rounds)]
    actions = rng.integers(2, 4, rounds).tolist()
    seen = rng.random((rounds, players)) < 0.4

    def grow(parent: int, move: tuple[int, int], odds: float, views: tuple[tuple, ...], k: int) -> None:
        node = len(nodes)
        if k == rounds or (k and rng.random() < 0.1):
            nodes.append((TERMINAL, -1, parent, *move, odds))
            payoffs.append(rng.integers(-top, top + 1, players).astype(float).tolist())
            return
        i = movers[k]
        h = known.setdefault((k, i, views[i]), len(owner))
        if h == len(owner):
            owner.append(i)
            sizes.append(actions[k])
        nodes.append((i, h, parent, *move, odds))
        for a in range(actions[k]):
            told = tuple((*v, a if j == i or seen[k, j] else -1) for j, v in enumerate(views))
            grow(node, (h, a), 1.0, told, k + 1)

    if chance == "none":
        grow(-1, (-1, -1), 1.0, ((),) * players, 0)
    else:
        nodes.append((CHANCE, -1, -1, -1, -1, 1.0))
        private = chance == "private"
        cards = [(a, b) for a in range(2) for b in range(2)] if private else [(a, a) for a in range(3)]
        for odds, card in zip(rng.dirichlet(np.ones(len(cards))), cards):
            views = tuple((card[j % 2],) for j in range(players))
            grow(0, (-1, -1), float(odds), views, 0)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    player, infoset, parent, at, action, odds = (np.array(column) for column in zip(*nodes))
    slot = np.where(at >= 0, offsets[np.maximum(at, 0)] + action, -1)
    paid = np.array(payoffs).T.copy()
    if zero_sum:
        paid[1] = -paid[0]
    return TreeGame(player, infoset, parent, slot, odds, paid, np.array(owner), offsets)
