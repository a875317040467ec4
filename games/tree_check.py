"""Whether flat arrays describe one game tree; see `games.tree.TreeGame`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from games.errors import InputError

if TYPE_CHECKING:
    from games.tree import TreeGame

CHANCE = -1
TERMINAL = -2


def check_tree(game: TreeGame) -> None:
    """Refuse arrays that do not describe a tree."""
    n, terminals = game.nodes, int((game.player == TERMINAL).sum())
    if n == 0 or any(len(a) != n for a in (game.infoset, game.parent, game.slot, game.chance)):
        raise InputError("a tree needs at least one node, and one entry per node in every node array")
    if game.payoff.ndim != 2 or game.payoff.shape[1] != terminals or not len(game.payoff):
        raise InputError(
            f"payoff of shape {game.payoff.shape} is not [players, terminal nodes] with {terminals} terminals"
        )
    if game.parent[0] != -1 or np.any(game.parent[1:] < 0) or np.any(game.parent >= np.arange(n)):
        raise InputError("node 0 is the root, and every other node's parent stands before it")
    players, moving = len(game.payoff), game.player >= 0
    if np.any(game.player < TERMINAL) or np.any(game.player >= players):
        raise InputError(f"a node belongs to a player that does not exist; there are {players}")
    if not np.all(np.isfinite(game.payoff)):
        i, z = np.argwhere(~np.isfinite(game.payoff))[0].tolist()
        raise InputError(f"payoff of player {i} at terminal {z} is {game.payoff[i, z]}, not a finite number")
    if np.any(moving != (game.infoset >= 0)) or np.any(game.infoset >= len(game.owner)):
        raise InputError("exactly the nodes where players move are in an information set")
    if np.any(game.owner[game.infoset[moving]] != game.player[moving]):
        raise InputError("an information set has nodes of different players")
    _check_moves(game)
    _check_order(game)
    _check_names(game)


def _check_moves(game: TreeGame) -> None:
    """Every player's node has one child per action, chance probabilities sum to one."""
    above, sizes = game.parent[1:], np.diff(game.offsets)
    if game.offsets[0] != 0 or len(game.offsets) != len(game.owner) + 1 or np.any(sizes < 1):
        raise InputError("offsets give every information set a block of at least one action")
    children = np.bincount(above, minlength=game.nodes)
    moving = game.player >= 0
    wanted = np.where(moving, sizes[game.infoset] if len(sizes) else 0, children)
    wanted[game.player == TERMINAL] = 0
    if np.any(children != wanted) or np.any(children[game.player == CHANCE] == 0):
        raise InputError("a node has not as many children as its information set has actions")
    own = moving[above]
    first = game.offsets[game.infoset[above[own]]]
    slot = game.slot[1:][own]
    if np.any(slot < first) or np.any(slot >= first + sizes[game.infoset[above[own]]]):
        raise InputError("a node's slot is not one of its parent's actions")
    before = np.cumsum(wanted) - wanted  # children of earlier nodes
    taken = np.zeros(int(wanted.sum()), dtype=bool)
    taken[before[above[own]] + (slot - first)] = True
    if int(taken.sum()) != len(slot):
        raise InputError("two children of a node follow the same action")
    if (
        game.slot[0] != -1
        or game.chance[0] != 1.0
        or np.any(game.slot[1:][~own] != -1)
        or np.any(game.chance[1:][own] != 1.0)
    ):
        raise InputError(
            "moves of chance have a probability and no slot, moves of players the other way round"
        )
    total = np.bincount(above[~own], weights=game.chance[1:][~own], minlength=game.nodes)
    off = np.abs(total - 1.0)[game.player == CHANCE]
    if np.any(game.chance < 0) or (off.size and not off.max() <= 1e-9):
        raise InputError("chance probabilities of a node are negative or do not sum to 1")


def _check_order(game: TreeGame) -> None:
    """Nodes stand in preorder, information sets in order of first appearance."""
    depth = np.zeros(game.nodes, dtype=np.int32)
    wrong = False
    for k, level in enumerate(game.levels[1:], start=1):
        depth[level] = k
        above = game.levels[k - 1]
        wrong |= bool(np.any(above[np.searchsorted(above, level) - 1] != game.parent[level]))
    if wrong or np.any(np.diff(depth) > 1):
        raise InputError(
            "nodes do not stand in preorder: each branch of a tree follows its node without a break"
        )
    met = np.maximum.accumulate(np.append(np.int32(-1), game.infoset[game.player >= 0]))
    if np.any(np.diff(met) > 1) or met[-1] + 1 != len(game.owner):
        raise InputError("information sets are not numbered in the order in which nodes first visit them")


def revisited(game: TreeGame) -> int:
    """The first information set that some play visits twice, or -1. O(N)."""
    infoset, parent = game.infoset.tolist(), game.parent.tolist()
    open_at = [False] * len(game.owner)
    path: list[int] = []
    for node, h in enumerate(infoset):
        while path and path[-1] != parent[node]:
            left = infoset[path.pop()]
            if left >= 0:
                open_at[left] = False
        if h >= 0 and open_at[h]:
            return h
        if h >= 0:
            open_at[h] = True
        path.append(node)
    return -1


def _check_names(game: TreeGame) -> None:
    sizes: Sequence[int] = np.diff(game.offsets).tolist()
    if len(game.players) != len(game.payoff):
        raise InputError(f"{len(game.players)} player names for {len(game.payoff)} players")
    if len(game.infosets) != len(sizes) or [len(block) for block in game.actions] != list(sizes):
        raise InputError("names do not fit the information sets and their actions")
