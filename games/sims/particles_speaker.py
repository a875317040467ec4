"""Simple speaker-listener (Lowe et al. 2017): one agent knows the goal and speaks, the other hears it and moves.

The rules, the observations and the rewards are those of `simple_speaker_listener_v4` of mpe2, read, not copied. The
speaker has no place here, for nothing depends on it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.scene import Scene
from games.sims import particles_speaker_kernels as kernels
from games.sims.particles_bodies import Bodies, Matter, allocate, picture, pushes, views
from games.sims.particles_kernels import tell
from games.sims.particles_setup import SpeakerListener, setup_uri
from games.spaces import Actions, Box, Discrete

Array = npt.NDArray[Any]

_WORDS = tuple(f"say_{k}" for k in range(kernels.POSTS))


class Talk(NamedTuple):
    """A batch of listeners among posts, and what is said."""

    bodies: Bodies
    goal: Array  # int64[B]
    word: Array  # float64[B, 3]: what was said last, zeros at first


class SpeakerRules:
    """Simple speaker-listener; see `games.sims.simulation.Rules`.

    The listener and three posts start at places drawn uniformly from [-1, 1]^2, and one of the posts is drawn as the
    goal. Both agents get minus the squared distance of the listener from the goal.

    Parameters
    ----------
    setup : SpeakerListener
        Horizon, kind of actions.

    Notes
    -----
    The speaker observes the colour of the goal, float32[3]; the listener its own velocity, the places of the posts from
    its own, and what was said in the step just made, float32[11]. State float32[17]: velocity and place of the listener,
    places of the posts, the goal and the last word as one number of three each, share of the time that is left.
    """

    def __init__(self, setup: SpeakerListener) -> None:
        self.setup, posts = setup, kernels.POSTS
        words: tuple[Actions, tuple[str, ...]] = (Discrete(posts), _WORDS)
        if setup.continuous:
            words = Box((0.0,) * posts, (1.0,) * posts), ()
        self.spec = EnvSpec(
            setup_uri(setup),
            (
                Group("speaker", ("speaker_0",), (3,), *words),
                Group("listener", ("listener_0",), (2 + 3 * posts,), *pushes(setup.continuous)),
            ),
            state=5 + 4 * posts,
            horizon=setup.max_cycles,
            common_reward=True,
        )
        self.matter = Matter(np.array([0.075]), np.array([np.inf]), (5.0,), post_radius=0.04)

    def allocate(self, batch: int) -> Talk:
        """The listener, the posts, goals and words."""
        bodies = allocate(self.spec, batch, 1, kernels.POSTS)
        return Talk(bodies, np.zeros(batch, dtype=np.int64), np.zeros((batch, kernels.POSTS)))

    def begin(self, state: Talk, streams: Array, where: Array) -> None:
        """Draw the goal, then places; nothing is said."""
        kernels.begin(streams, where, state.goal, state.word)
        self.matter.begin(state.bodies, streams, where)

    def advance(
        self, state: Talk, streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """Speak and move; there is no chance in it."""
        said, moved = actions
        self.matter.move(state.bodies, (moved,), live)
        if self.setup.continuous:
            kernels.say_numbers(said, live, state.word)
        else:
            kernels.say_choices(said, live, state.word)
        rewards = np.empty((len(live), 1)), np.empty((len(live), 1))
        kernels.pay(state.bodies.place, state.bodies.posts, state.goal, live, *rewards)
        return rewards, None

    def look(self, state: Talk, rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """The speaker sees the goal, the listener everything else."""
        bodies, batch = state.bodies, len(state.goal)
        goal, heard = (np.empty((batch, 1, group.depth), dtype=np.float32) for group in self.spec.groups)
        features = np.empty((batch, self.spec.state), dtype=np.float32)
        kernels.look(bodies.place, bodies.velocity, bodies.posts, state.goal, state.word, goal, heard)
        tell(bodies.place, bodies.velocity, bodies.posts, bodies.time, self.setup.max_cycles, features)
        kernels.tell_talk(state.goal, state.word, features)
        return views(bodies, (goal, heard), rewards), features

    def scene(self, state: Talk, which: int) -> Scene:
        """The listener in the colour of its goal among the posts, and what it was told."""
        goal = int(state.goal[which])
        word = state.word[which].tolist()
        told = "nothing"
        if any(word):
            told = (
                f"[{', '.join(f'{w:.2f}' for w in word)}]" if self.setup.continuous else _WORDS[word.index(1)]
            )
        text = f"step {int(state.bodies.time[which])} of {self.setup.max_cycles}, goal {goal}, told: {told}"
        return picture(state.bodies, which, self.matter, (goal,), tuple(range(kernels.POSTS)), text)
