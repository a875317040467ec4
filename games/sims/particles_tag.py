"""Simple tag (Lowe et al. 2017): slow adversaries hunt faster prey among obstacles.

The rules, the observations and the rewards are those of `simple_tag_v3` of mpe2, read, not copied. One thing is as the
library means it rather than as it does it: with ``terminate_on_success`` a hunt that succeeds in its last step has
ended (discount 0), while the library counts it as cut off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.scene import Scene
from games.sims import particles_tag_kernels as kernels
from games.sims.particles_bodies import Bodies, Matter, allocate, picture, pushes, views
from games.sims.particles_kernels import tell
from games.sims.particles_setup import Tag, setup_uri

Array = npt.NDArray[Any]


class TagRules:
    """Simple tag; see `games.sims.simulation.Rules`.

    Everybody starts at rest at a place drawn uniformly from [-1, 1]^2, obstacles in [-0.9, 0.9]^2. Adversaries all get
    10 for each adversary that touches a prey; the prey loses 10 for it, and more the further out it is.

    Parameters
    ----------
    setup : Tag
        Numbers of agents and obstacles, horizon, kind of actions.

    Notes
    -----
    Observation: own velocity and place, places of the obstacles and of all others from one's own (adversaries first),
    and the velocities of the (other) prey, so that adversaries see two numbers more. State: velocity and place of every
    agent, places of the obstacles, share of the time that is left.
    """

    def __init__(self, setup: Tag) -> None:
        self.setup = setup
        hunters, prey, obstacles = setup.num_adversaries, setup.num_good, setup.num_obstacles
        everybody = hunters + prey
        seen = 4 + 2 * obstacles + 2 * (everybody - 1) + 2 * prey
        acts = pushes(setup.continuous)
        self.spec = EnvSpec(
            setup_uri(setup),
            (
                Group("adversaries", tuple(f"adversary_{i}" for i in range(hunters)), (seen,), *acts),
                Group("prey", tuple(f"agent_{i}" for i in range(prey)), (seen - 2,), *acts),
            ),
            state=4 * everybody + 2 * obstacles + 1,
            horizon=setup.max_cycles,
        )
        radius = np.repeat((0.075, 0.05), (hunters, prey))
        top = np.repeat((1.0, 1.3), (hunters, prey))
        self.matter = Matter(radius, top, (3.0, 4.0), post_radius=0.2, solid=True, reach=0.9)

    def allocate(self, batch: int) -> Bodies:
        """Agents and obstacles."""
        return allocate(self.spec, batch, len(self.matter.radius), self.setup.num_obstacles)

    def begin(self, state: Bodies, streams: Array, where: Array) -> None:
        """Draw everybody's place and those of the obstacles."""
        self.matter.begin(state, streams, where)

    def advance(
        self, state: Bodies, streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """Move; there is no chance in it."""
        self.matter.move(state, actions, live)
        gains, losses = (np.empty(everybody.shape) for everybody in state.everybody)
        caught = np.empty(len(live), dtype=bool)
        kernels.pay(state.place, self.matter.radius, live, gains, losses, caught)
        return (gains, losses), caught if self.setup.terminate_on_success else None

    def look(self, state: Bodies, rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """Everybody sees everything from where it is, but of velocities only those of the prey."""
        seen, first, hunters = [], 0, self.setup.num_adversaries
        for group in self.spec.groups:
            observation = np.empty((len(state.time), group.size, group.depth), dtype=np.float32)
            kernels.look(state.place, state.velocity, state.posts, first, hunters, observation)
            seen.append(observation)
            first += group.size
        features = np.empty((len(state.time), self.spec.state), dtype=np.float32)
        tell(state.place, state.velocity, state.posts, state.time, self.setup.max_cycles, features)
        return views(state, tuple(seen), rewards), features

    def scene(self, state: Bodies, which: int) -> Scene:
        """Adversaries in one colour, prey in another, obstacles in grey."""
        s = self.setup
        told = f"step {int(state.time[which])} of {s.max_cycles}"
        colors = (1,) * s.num_adversaries + (2,) * s.num_good
        return picture(state, which, self.matter, colors, (-1,) * s.num_obstacles, told)
