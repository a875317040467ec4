"""Simple spread (Lowe et al. 2017): N particles shall cover N posts without touching each other.

The rules, the observations and the rewards are those of `simple_spread_v3` of mpe2, read, not copied. One thing is as
the library means it rather than as it does it: with ``terminate_on_success`` a game that is won in its last step has
ended (discount 0), while the library counts it as cut off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.scene import Scene
from games.sims import particles_spread_kernels as kernels
from games.sims.particles_bodies import Bodies, Matter, allocate, picture, pushes, views
from games.sims.particles_kernels import tell
from games.sims.particles_setup import Spread, setup_uri

Array = npt.NDArray[Any]


class SpreadRules:
    """Simple spread; see `games.sims.simulation.Rules`.

    Everybody and every post starts at a place drawn uniformly from [-1, 1]^2, everybody at rest.

    Parameters
    ----------
    setup : Spread
        Number of agents, rewards, horizon, kind of actions.

    Notes
    -----
    Observation float32[6 N]: own velocity and place, places of the posts and of the other agents from one's own, and
    two zeros for each other agent, where those who can speak would be heard. State float32[6 N + 1]: velocity and place
    of every agent, places of the posts, share of the time that is left.
    """

    def __init__(self, setup: Spread) -> None:
        self.setup, n = setup, setup.N
        group = Group("agents", tuple(f"agent_{i}" for i in range(n)), (6 * n,), *pushes(setup.continuous))
        self.spec = EnvSpec(
            setup_uri(setup),
            (group,),
            state=6 * n + 1,
            horizon=setup.max_cycles,
            common_reward=setup.local_ratio == 0 or n == 1,
        )
        self.matter = Matter(np.full(n, kernels.RADIUS), np.full(n, np.inf), (5.0,), post_radius=0.05)

    def allocate(self, batch: int) -> Bodies:
        """Particles and posts."""
        return allocate(self.spec, batch, self.setup.N, self.setup.N)

    def begin(self, state: Bodies, streams: Array, where: Array) -> None:
        """Draw everybody's place and those of the posts."""
        self.matter.begin(state, streams, where)

    def advance(
        self, state: Bodies, streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """Move; there is no chance in it."""
        self.matter.move(state, actions, live)
        reward = np.empty(state.place.shape[:2])
        covered = np.empty(len(live), dtype=np.int64)
        kernels.pay(state.place, state.posts, live, self.setup.local_ratio, reward, covered)
        return (reward,), covered == self.setup.N if self.setup.terminate_on_success else None

    def look(self, state: Bodies, rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """Everybody sees everything from where it is."""
        batch, n = rewards[0].shape
        seen = np.empty((batch, n, 6 * n), dtype=np.float32)
        features = np.empty((batch, self.spec.state), dtype=np.float32)
        kernels.look(state.place, state.velocity, state.posts, seen)
        tell(state.place, state.velocity, state.posts, state.time, self.setup.max_cycles, features)
        return views(state, (seen,), rewards), features

    def scene(self, state: Bodies, which: int) -> Scene:
        """Agents in blue with posts in grey, black once covered."""
        away = state.posts[which, :, None] - state.place[which]
        covered = np.hypot(away[..., 0], away[..., 1]).min(axis=1) < kernels.COVERED
        told = (
            f"step {int(state.time[which])} of {self.setup.max_cycles}, "
            f"{int(covered.sum())} of {self.setup.N} posts covered"
        )
        shades = tuple(-2 if is_covered else -1 for is_covered in covered)
        return picture(state, which, self.matter, (0,) * self.setup.N, shades, told)
