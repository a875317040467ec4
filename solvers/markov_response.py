"""Best responses in Markov games against policies that do not change: each player faces a Markov decision process.

Finite horizon: backward induction. Discounted: policy iteration (Howard 1960), exact up to the rounding of its linear
systems. Letters as in `games.markov`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from games.errors import InputError
from games.markov import MarkovGame
from games.simplices import Float
from solvers.certificate import Certificate

_ROUNDS = 10_000


def certify_markov(game: MarkovGame, policies: Sequence[Any]) -> Certificate:
    """How much each player could gain by another policy, the others playing as they do.

    Parameters
    ----------
    game : MarkovGame
        Discounted or of finite horizon; returns are the game's own.
    policies : sequence of float64[T, S, Ai]
        Every player's distributions over actions by stage and state, T = `game.stages`.

    Returns
    -------
    Certificate
        Of concept "nash", from the game's initial distribution; the span is `game.span`.

    Raises
    ------
    InputError
        If a policy has another shape or is no distribution.

    Examples
    --------
    >>> from games import load
    >>> game = MarkovGame.repeated(load("zoo:matching-pennies"), horizon=3)
    >>> certify_markov(game, [np.full((3, 1, 2), 0.5)] * 2).nash_conv
    0.0
    """
    blocks = [_checked(game, i, policy) for i, policy in enumerate(policies)]
    if len(blocks) != len(game.players):
        raise InputError(f"{len(blocks)} policies for {len(game.players)} players")
    values, gain = np.empty(len(blocks)), np.empty(len(blocks))
    for i, own in enumerate(blocks):
        process = [_process(game, blocks, i, t) for t in range(game.stages)]
        values[i] = game.initial @ _worth(game, process, own)
        best = (
            _best_by_stages(process) if game.discount is None else _best_discounted(game, *process[0], own[0])
        )
        gain[i] = max(float(game.initial @ best) - values[i], 0.0)
    return Certificate("nash", game.digest, gain, gain, values, game.span)


def _checked(game: MarkovGame, i: int, policy: Any) -> Float:
    array = np.asarray(policy, dtype=np.float64)
    wanted = (game.stages, game.size, game.shape[i])
    if array.shape != wanted:
        raise InputError(f"{game.players[i]}'s policy has shape {array.shape}, expected {wanted}")
    total = array.sum(axis=-1, keepdims=True)
    if not (np.isfinite(array).all() and (array >= 0).all() and (abs(total - 1) < 1e-6).all()):
        raise InputError(f"{game.players[i]}'s policy is no distribution over actions in some state")
    return array / total


def _process(game: MarkovGame, blocks: list[Float], i: int, t: int) -> tuple[Float, Float]:
    """Player i's rewards float64[S, Ai] and transitions float64[S, Ai, S] while the others play stage t."""
    others = np.ones((game.size, 1))
    for k, block in enumerate(blocks):
        if k != i:
            others = (others[:, :, None] * block[t][:, None, :]).reshape(game.size, -1)
    own = game.shape[i]
    reward = np.moveaxis(game.reward[i], 1 + i, 1).reshape(game.size, own, -1)
    transition = np.moveaxis(game.transition, 1 + i, 1).reshape(game.size, own, -1, game.size)
    return np.einsum("saj,sj->sa", reward, others), np.einsum("sajz,sj->saz", transition, others)


def _worth(game: MarkovGame, process: list[tuple[Float, Float]], own: Float) -> Float:
    """Player i's expected returns float64[S] by its own policy."""
    if game.discount is not None:
        return _solved(game.discount, *process[0], own[0])
    after = np.zeros(game.size)
    for (reward, transition), now in zip(reversed(process), own[::-1]):
        after = ((reward + transition @ after) * now).sum(axis=1)
    return after


def _best_by_stages(process: list[tuple[Float, Float]]) -> Float:
    after = np.zeros(len(process[0][0]))
    for reward, transition in reversed(process):
        after = (reward + transition @ after).max(axis=1)
    return after


def _best_discounted(game: MarkovGame, reward: Float, transition: Float, own: Float) -> Float:
    """The best expected returns float64[S]: policy iteration, begun at the player's own policy."""
    assert game.discount is not None
    worth = _solved(game.discount, reward, transition, own)
    for _ in range(_ROUNDS):
        choices = reward + game.discount * transition @ worth
        greedy = np.eye(reward.shape[1])[choices.argmax(axis=1)]
        better = np.maximum(_solved(game.discount, reward, transition, greedy), worth)
        # rounding alone can go on for ever; then the last is the best
        if (better - worth).max() <= 1e-13 * max(game.span, np.abs(worth).max()):
            return better
        worth = better
    return worth


def _solved(discount: float, reward: Float, transition: Float, policy: Float) -> Float:
    """Expected returns float64[S] of a stationary policy float64[S, A]."""
    chain = np.einsum("sa,saz->sz", policy, transition)
    gain = (policy * reward).sum(axis=1)
    return np.asarray(np.linalg.solve(np.eye(len(gain)) - discount * chain, gain))
