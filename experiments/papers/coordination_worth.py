"""Exact worth of joint policies in the coordination game, also where its full table would be too large.

The next state depends on the joint action alone, so values need tables of 4**n numbers and not of 8**n.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from games.sims.coordination_bits import DISCOUNT, bit_rewards, by_state, flips

Float = npt.NDArray[np.float64]
NOISE = 0.1


def worth(joint: Float, agents: int) -> float:
    """Expected discounted return of a joint policy from a uniformly random state.

    Parameters
    ----------
    joint : float64[2**n, 2**n]
        Probability of every joint action in every state.
    agents : int
        n.
    """
    chain = joint.reshape(2**agents, -1) @ flips(agents, NOISE)
    values = np.linalg.solve(np.eye(len(chain)) - DISCOUNT * chain, by_state(bit_rewards(agents)))
    return float(values.mean())


@cache
def optimum(agents: int) -> float:
    """The largest worth there is, by policy iteration.

    >>> round(optimum(3), 4)
    43.104
    """
    table, reward = flips(agents, NOISE), by_state(bit_rewards(agents))
    action, before = 0, -np.inf
    while True:  # the best joint action is the same in all states: the next one does not depend on this one
        chain = np.broadcast_to(table[action], table.shape)
        values = np.linalg.solve(np.eye(len(chain)) - DISCOUNT * chain, reward)
        if values.mean() <= before:
            return before
        before, action = float(values.mean()), int((table @ values).argmax())


def anarchy(joint: Float, agents: int) -> float:
    """The price of anarchy of a joint policy: its worth over the optimum, 1 at best."""
    return worth(joint, agents) / optimum(agents)
