"""A chain of small team games, of which a few need coordination: there central learning can be worth its price.

States are visited once, in order. In ordinary states an agent's reward depends on its own action alone, so that independent
learners lose nothing; in coordination states two agents play the climbing game of Claus and Boutilier (1998), scaled so that its
optimum pays 1, with rows and columns in an order of their own, and independent learners tend to lose 4/11 to 6/11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from games.errors import InputError
from games.markov import MarkovGame

CLIMBING = np.array([[11.0, -30.0, 0.0], [-30.0, 7.0, 6.0], [0.0, 0.0, 5.0]]) / 11.0
"""What a coordination state pays, before its actions are reordered."""


class SwitchingChain(NamedTuple):
    """A chain and its coordination states."""

    game: MarkovGame  # common reward, horizon = number of states
    coordination: tuple[int, ...]  # states, from 0, that play the climbing game


def switching_chain(
    rng: np.random.Generator, length: int = 10, coordination: Sequence[int] = (3, 7)
) -> SwitchingChain:
    """A chain of `length` states for two agents with three actions each; the best return is `length`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the good action of each agent in ordinary states, which pays 0.5, and the orders of rows and columns in
        coordination states.
    length : int
        Number of states, and of steps.
    coordination : sequence of int
        Which states, counted from 0, need coordination.

    Returns
    -------
    SwitchingChain
        Play begins in state 0, and step t happens in state t.

    Raises
    ------
    InputError
        If the chain has no state, or a coordination state is none of its states.

    Examples
    --------
    >>> chain = switching_chain(np.random.default_rng(0))
    >>> chain.game, float(chain.game.flat_reward[0].max(axis=1).sum())
    (MarkovGame('Switching chain', 2 players, 10 states, 9 joint actions, 10 steps), 10.0)
    """
    if length < 1:
        raise InputError(f"a chain needs at least one state, not {length}")
    chosen = tuple(sorted(set(coordination)))
    if chosen and not 0 <= chosen[0] <= chosen[-1] < length:
        raise InputError(f"coordination states {chosen} are not all among the states 0 to {length - 1}")
    reward = np.zeros((length, 3, 3))
    for state in range(length):
        if state in chosen:
            reward[state] = CLIMBING[rng.permutation(3)][:, rng.permutation(3)]
        else:
            good = rng.integers(3, size=2)
            reward[state, good[0], :] += 0.5
            reward[state, :, good[1]] += 0.5
    following = np.minimum(np.arange(length) + 1, length - 1)  # the last step is taken before state `length`
    transition = np.broadcast_to(np.eye(length)[following][:, None, None], (length, 3, 3, length))
    game = MarkovGame.common_reward(
        transition, reward, np.eye(length)[0], horizon=length, title="Switching chain"
    )
    return SwitchingChain(game, chosen)
