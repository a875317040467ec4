"""How far a switch is from the best one, measured without the solver.

The switch is a policy of a single player, Global, who keeps or calls. Its Markov decision process is written down as a one-player
`MarkovGame`, from the team game's own tables and the two policies alone, and judged as a network of one agent by `certify_network`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from games.bayes_net import BayesNet
from games.dag import Dag
from games.errors import InputError
from games.limits import available_bytes
from games.markov import MarkovGame
from games.simplices import Float
from solvers.certificate import Certificate
from solvers.network_certificate import certify_network


def switching_game(
    game: MarkovGame, independent: Any, central: Any, cost: float, *, budget: int | None = None
) -> MarkovGame:
    """The Markov decision process of Global: action 1 calls the central policy for `cost`, action 0 does not.

    Parameters
    ----------
    game : MarkovGame
        Of common reward.
    independent, central : array
        Joint policies in any form that `MarkovGame.check_policy` accepts.
    cost : float
        Price of a call.
    budget : int, optional
        Most calls in an episode. Where none is left both actions are the same.

    Returns
    -------
    MarkovGame
        One player. Its state is (stage * S + s) * X + x, with x calls left of X = budget + 1; the stage is left out unless a
        policy depends on it, x without a budget (X = 1).

    Examples
    --------
    >>> from games import load
    >>> team = MarkovGame.repeated(load("zoo:climbing"), horizon=2)
    >>> switching_game(team, [0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0], cost=1).flat_reward[0].tolist()
    [[5.0, 10.0]]
    """
    if not game.has_common_reward:
        raise InputError("switching needs a team: the players of this game do not all get the same reward")
    plans = [game.check_policy(policy) for policy in (independent, central)]
    clock = game.stages if any(not (plan == plan[:1]).all() for plan in plans) else 1
    width = 1 if budget is None else budget + 1
    situations = clock * game.size * width
    if 24 * situations**2 * 2 > available_bytes():
        raise InputError(
            f"the decision process of this switch has {situations:,} situations, too many for memory"
        )
    reward = np.empty((clock, game.size, width, 2))
    transition = np.zeros((clock, game.size, width, 2, clock, game.size, width))
    for stage in range(clock):
        following = min(stage + 1, clock - 1)
        for x in range(width):
            for g in (0, 1):
                calls = g == 1 and (budget is None or x > 0)
                plan = plans[int(calls)][stage]
                reward[stage, :, x, g] = (plan * game.flat_reward[0]).sum(axis=1) - cost * calls
                left = x - 1 if calls and budget is not None else x
                transition[stage, :, x, g, following, :, left] = np.einsum(
                    "sj,sjz->sz", plan, game.flat_transition
                )
    start = np.zeros((clock, game.size, width))
    start[0, :, -1] = game.initial
    return MarkovGame(
        transition.reshape(situations, 2, situations),
        reward.reshape(1, situations, 2),
        start.ravel(),
        game.discount,
        game.horizon,
        players=("Global",),
        actions=(("keep", "call"),),
        title=f"Switching in {game.title}" if game.title else "Switching",
    )


def certify_switch(
    game: MarkovGame,
    independent: Any,
    central: Any,
    switch: Any,
    cost: float,
    *,
    budget: int | None = None,
) -> Certificate:
    """By how much another switch between the same policies would do better.

    Parameters
    ----------
    game, independent, central, cost, budget
        As in `switching_game`.
    switch : bool or float64[T, S]; with a budget [T, S, X]
        Probability of a call; T = `game.stages`, X = budget + 1.

    Returns
    -------
    Certificate
        Of `switching_game`: `values[0]` is the objective (4) and `regret[0]` what the best switch gains.

    Raises
    ------
    InputError
        If the switch has another shape or is no table of probabilities.

    Examples
    --------
    >>> from games import load
    >>> team = MarkovGame.repeated(load("zoo:climbing"), horizon=2)
    >>> certify_switch(team, [0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0], [[True], [False]], cost=1)
    Certificate(nash, max_regret=5, span=10)
    """
    table = np.asarray(switch, dtype=np.float64)
    wanted = (game.stages, game.size, *(() if budget is None else (budget + 1,)))
    if table.shape != wanted:
        raise InputError(f"a switch of shape {table.shape} is not {wanted}, by stage, state and calls left")
    if not ((table >= 0.0) & (table <= 1.0)).all() or (budget is not None and table[..., 0].any()):
        raise InputError("a switch must consist of probabilities of a call, 0 where no call is left")
    single = switching_game(game, independent, central, cost, budget=budget)
    net = BayesNet.from_tables(Dag.empty(1), [_as_policy(table, single)])
    return replace(certify_network(single, net), concept="nash")


def _as_policy(table: Float, single: MarkovGame) -> Float:
    """The switch as a policy float64[T * situations, 1, 2]; the clock is in the stage, and may be in situations, too."""
    rows = table.reshape(len(table), -1)
    called = np.tile(rows, single.size // rows.shape[1]) if single.size == rows.size else rows
    return np.stack([1.0 - called, called], axis=2).reshape(-1, 1, 2)
