"""Each player's own part in correlated play on a tree, as a behaviour strategy."""

from __future__ import annotations

from typing import Any

import numpy as np

from games import simplices
from games.simplices import Float
from games.tree import TreeGame
from games.tree_strategies import CorrelationPlan


def average_behavior(game: TreeGame, strategy: Any) -> Float | None:
    """The behaviour strategies float64[slots] that reach every own sequence as often as correlated play does.

    Parameters
    ----------
    game : TreeGame
        The game.
    strategy : float64[slots] | BehaviorMixture | CorrelationPlan
        A behaviour strategy profile is its own average.

    Returns
    -------
    float64[slots] or None
        Uniform where play never leads; None for correlated play in a game of imperfect recall, where averages of
        mixtures need not be behaviour strategies.
    """
    if isinstance(strategy, np.ndarray):
        return strategy
    if not game.perfect_recall:
        return None
    if not game.slots:
        return np.empty(0)
    if isinstance(strategy, CorrelationPlan):
        weights = np.zeros(game.slots)
        for own, other in ((strategy.first, strategy.second), (strategy.second, strategy.first)):
            alone = (own >= 0) & (other < 0)
            weights[own[alone]] = strategy.prob[alone]
        return simplices.normalise(np.maximum(weights, 0.0), game.offsets)
    from solvers.best_response import from_plan, to_plan
    from solvers.sequences import sequences_of

    form = sequences_of(game)
    total = np.zeros(form.length)
    for weight, behavior in zip(strategy.weights, strategy.behaviors):
        total += weight * to_plan(form, behavior)
    return from_plan(game, form, total)
