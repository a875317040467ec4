"""A large swarm in place of its mean-field limit: the same simulator with thousands of agents, from one seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.sims.swarm import simulate_swarm
from games.sims.swarm_aggregation import Aggregation
from games.sims.swarm_limits import LowerPolicy, SwarmFlow, chosen
from games.sims.swarm_vicsek import Vicsek
from games.streams import ACT, Streams, check_seeds

Array = npt.NDArray[Any]
SMALLEST = 2000


class SwarmSurrogate:
    """One episode of a large swarm, close to the limit up to chance of order 1 / sqrt(agents).

    Parameters
    ----------
    parameters : Aggregation or Vicsek
        The constants, but for the number of agents; a clock is left out, as policies are given the time.
    agents : int
        How many, at least 2000.
    seed : int
        Of the episode. It must not be one on which a policy computed with the surrogate is judged.
    """

    def __init__(self, parameters: Aggregation | Vicsek, agents: int = 2000, seed: int = 0) -> None:
        if agents < SMALLEST:
            raise InputError(
                f"a surrogate of the limit needs at least {SMALLEST:,} agents, not {agents:,}; for fewer, play the swarm"
            )
        self.env = simulate_swarm(replace(parameters, agents=agents, clock=False))
        self.seeds = check_seeds([seed])

    def flow(self, policy: LowerPolicy) -> SwarmFlow:
        """One episode under a lower-level policy (see `games.sims.swarm_limits`), features in place of densities."""
        world, step = self.env.reset(self.seeds)
        (group,) = self.env.spec.groups
        size = group.actions.shape[0]
        streams = Streams.from_seeds(self.seeds, ACT, agents=group.size)
        seen: list[Array] = [step.state[0]]
        rewards: list[float] = []
        while not step.last[0]:
            observed = step.groups[0].observation[0].astype(float)
            actions, probs = chosen(policy, observed, len(rewards), size)
            taken = streams.choose(probs[None])[0]
            played = actions[np.arange(group.size), taken].astype(np.float32)
            world, step = self.env.step(world, (played[None],))
            seen.append(step.state[0])
            rewards.append(float(step.groups[0].reward[0, 0]))
        return SwarmFlow(np.stack(seen), np.array(rewards))
