"""Exact values of policies in Markov games: linear systems and backward induction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from games.simplices import Float

if TYPE_CHECKING:
    from games.markov import MarkovGame


class Evaluation(NamedTuple):
    """What a joint policy is worth, exactly.

    The leading axis is the stage: T = horizon, entry t with t steps gone; T = 1 in discounted games, where time does
    not matter.
    """

    states: Float  # float64[T, P, S]: V, expected return from each state on
    actions: (
        Float  # float64[T, P, S, A1, ..., An]: Q, the same after a joint action, then following the policy
    )


def evaluate(game: MarkovGame, policy: Float) -> Evaluation:
    """State and action values of a checked policy float64[T, S, J]."""
    players, size = len(game.players), game.size
    states = np.empty((game.stages, players, size))
    actions = np.empty((game.stages, players, size, game.profiles))
    if game.discount is not None:
        gain = _gain(game, policy[0])
        states[0] = np.linalg.solve(np.eye(size) - game.discount * _chain(game, policy[0]), gain.T).T
        actions[0] = game.flat_reward + game.discount * _expected(game, states[0])
    else:
        after = np.zeros((players, size))
        for t in range(game.stages - 1, -1, -1):
            actions[t] = game.flat_reward + _expected(game, after)
            states[t] = after = np.einsum("psj,sj->ps", actions[t], policy[t])
    return Evaluation(states, actions.reshape(game.stages, players, size, *game.shape))


def visits(game: MarkovGame, policy: Float) -> Float:
    """State distributions float64[T, S] under a checked policy float64[T, S, J]."""
    if game.discount is not None:
        system = np.eye(game.size) - game.discount * _chain(game, policy[0])
        once = np.linalg.solve(system.T, (1.0 - game.discount) * game.initial)
        return np.asarray(once[None], dtype=np.float64)
    reached = np.empty((game.stages, game.size))
    reached[0] = game.initial
    for t in range(game.stages - 1):
        reached[t + 1] = reached[t] @ _chain(game, policy[t])
    return reached


def _chain(game: MarkovGame, policy: Float) -> Float:
    """The Markov chain of states float64[S, S] under a stage's policy float64[S, J]."""
    return (policy[:, None, :] @ game.flat_transition)[:, 0]


def _gain(game: MarkovGame, policy: Float) -> Float:
    """Expected reward of a step, float64[P, S]."""
    return np.einsum("psj,sj->ps", game.flat_reward, policy)


def _expected(game: MarkovGame, after: Float) -> Float:
    """Expected value float64[P, S, J] of the next state, worth `after` float64[P, S]."""
    rows = game.flat_transition.reshape(-1, game.size) @ after.T
    return rows.T.reshape(len(after), game.size, game.profiles)
