"""Certificates on trees of play that hangs on whole histories, not on information sets alone.

A policy that remembers may do different things at two histories that an information set of the game joins: it counts
the steps in between, say. Its move at every node is what is certified; whoever deviates does so by the game's
information sets, so the gain is exact for a game of perfect recall.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from games.errors import InputError
from games.simplices import Float
from games.tree import TreeGame
from solvers.certificate import Certificate
from solvers.tree_certificate import best_payoff, shifted_payoffs

_FAR = 1e-6


def certify_histories(game: TreeGame, moves: Any) -> Certificate:
    """How much each player could gain against play that is given node by node.

    Parameters
    ----------
    game : TreeGame
        The game, of perfect recall.
    moves : float64[N]
        Probability with which each node's parent moves there, if its parent is a player's node; else ignored.

    Returns
    -------
    Certificate
        Of concept "nash".

    Raises
    ------
    InputError
        If the moves at a player's node are no distribution, or the game lacks perfect recall.
    """
    game.require_perfect_recall("a certificate on the tree")
    moved = _checked(game, np.asarray(moves, dtype=np.float64))
    payoff, lows = shifted_payoffs(game)
    players = len(payoff)
    reach = np.ones((players + 1, game.nodes))  # without player i's own moves; last, with everybody's
    for level in game.levels[1:]:
        above = game.parent[level]
        mover, step = game.player[above], moved[level]
        for i in range(players + 1):
            reach[i, level] = reach[i, above] * np.where(mover == i, 1.0, step)
    ends = reach[:, game.terminals]
    values = np.array([payoff[i] @ ends[-1] for i in range(players)])
    best = np.array([best_payoff(game, i, payoff[i] * ends[i]) for i in range(players)])
    gain = np.maximum(best - values, 0.0)
    return Certificate("nash", game.digest, gain, gain, values + lows, game.span)


def _checked(game: TreeGame, moves: Float) -> Float:
    """Probabilities of the steps into all nodes, chance's among them."""
    if moves.shape != (game.nodes,):
        raise InputError(
            f"moves are given for every node, float64[{game.nodes}], not for a shape of {moves.shape}"
        )
    chosen = game.slot >= 0
    step = np.where(chosen, moves, game.chance)
    total = np.bincount(game.parent[1:], weights=np.where(chosen, step, 0.0)[1:], minlength=game.nodes)
    own = game.player >= 0
    if not (np.isfinite(step[1:]).all() and (step[1:] >= 0).all() and (abs(total[own] - 1) < _FAR).all()):
        raise InputError("the moves at a node are not probabilities that sum to one")
    return np.where(chosen, step / np.where(chosen, total[game.parent], 1.0), step)
