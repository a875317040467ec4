"""Exact worth of joint policies in the coordination game, also where its full table would be too large.

The next state depends on the joint action alone, so values need tables of 4**n numbers and not of 8**n.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from games.sims.coordination_bits import DISCOUNT, bit_rewards

Float = npt.NDArray[np.float64]
NOISE = 0.1


def transitions(agents: int, noise: float = NOISE) -> Float:
    """Probability of every next state after every joint action, float64[2**n, 2**n]; the first agent's bit is the highest."""
    one = np.array([[1.0 - noise, noise], [noise, 1.0 - noise]])
    table = np.ones((1, 1))
    for _ in range(agents):
        table = np.kron(table, one)
    return table


def paid(agents: int) -> Float:
    """Reward of every state, float64[2**n]."""
    return bit_rewards(agents)[np.array([state.bit_count() for state in range(2**agents)])]


def worth(joint: Float, agents: int) -> float:
    """Expected discounted return of a joint policy from a uniformly random state.

    Parameters
    ----------
    joint : float64[2**n, 2**n]
        Probability of every joint action in every state.
    agents : int
        n.
    """
    chain = joint.reshape(2**agents, -1) @ transitions(agents)
    values = np.linalg.solve(np.eye(len(chain)) - DISCOUNT * chain, paid(agents))
    return float(values.mean())


@cache
def optimum(agents: int) -> float:
    """The largest worth there is, by policy iteration.

    >>> round(optimum(3), 4)
    43.104
    """
    table, reward = transitions(agents), paid(agents)
    action, before = 0, -np.inf
    while (
        True
    ):  # the best joint action is the same in all states, as the next state does not depend on this one
        chain = np.broadcast_to(table[action], table.shape)
        values = np.linalg.solve(np.eye(len(chain)) - DISCOUNT * chain, reward)
        if values.mean() <= before:
            return before
        before, action = float(values.mean()), int((table @ values).argmax())


def anarchy(joint: Float, agents: int) -> float:
    """The price of anarchy of a joint policy: its worth over the optimum, 1 at best."""
    return worth(joint, agents) / optimum(agents)
