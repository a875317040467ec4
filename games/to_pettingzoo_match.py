"""One sub-environment, agent by agent: what PettingZoo's two APIs have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from gymnasium import spaces

from games.env import Env, Group, Step
from games.env_uris import make_env
from games.errors import InputError
from games.scene_text import scene_text
from games.spaces import Box, Discrete, MultiDiscrete
from games.streams import draw_seeds

RENDER_MODES = (None, "ansi", "rgb_array")


class Match:
    """A batch of one sub-environment; parameters as in `games.to_pettingzoo.to_parallel`."""

    def __init__(
        self,
        env: Env | str,
        render_mode: str | None,
        dict_observations: bool,
        strict: bool,
        seed: int,
        parameters: Mapping[str, Any],
    ) -> None:
        if not isinstance(env, str) and parameters:
            raise InputError(
                f"{env.spec.name} is made already; parameters ({', '.join(parameters)}) go with a URI"
            )
        self.env = make_env(env, **parameters) if isinstance(env, str) else env
        self.spec = self.env.spec
        if render_mode not in RENDER_MODES:
            raise InputError(
                f"{self.spec.name}: render_mode is None, 'ansi' or 'rgb_array', not {render_mode!r}"
            )
        self.render_mode, self.dict_observations, self.strict = render_mode, dict_observations, strict
        self.action_spaces: dict[str, spaces.Space[Any]] = {}
        self.observation_spaces: dict[str, spaces.Space[Any]] = {}
        for group in self.spec.groups:
            for agent in group.agents:
                self.action_spaces[agent] = action_space(group)
                self.observation_spaces[agent] = observation_space(group, dict_observations)
        self.state_space = spaces.Box(-np.inf, np.inf, (self.spec.state,), np.float32)
        self._rng = np.random.default_rng(check_seed(seed))
        self._world: Any = None
        self._step: Step | None = None
        self._replaced: frozenset[str] = frozenset()

    @property
    def now(self) -> Step:
        """What is seen now."""
        if self._step is None:
            raise InputError(f"{self.spec.name}: reset comes before anything else")
        return self._step

    def known(self, agent: str) -> str:
        """The agent, if there is one of this name."""
        if agent not in self.spec.places:
            raise InputError(f"{self.spec.name} has no agent {agent!r}; it has {', '.join(self.spec.agents)}")
        return agent

    def begin(self, seed: int | None) -> None:
        """Begin the episode of a seed, or the next one of the generator that the last seed started."""
        if seed is not None:
            chosen = np.array([check_seed(seed)], dtype=np.uint64)
            self._rng = np.random.default_rng(int(chosen[0]))
        else:
            chosen = draw_seeds(self._rng, 1)
        self.close()
        self._world, self._step = self.env.reset(chosen)
        self._replaced = frozenset()

    def advance(self, actions: Mapping[str, Any]) -> None:
        """Play the actions of those who act."""
        if self.now.last[0]:
            raise InputError(f"{self.spec.name}: the episode is over; reset begins another")
        for agent in actions:
            self.known(agent)
        replaced: list[str] = []
        parts = []
        for group, view in zip(self.spec.groups, self.now.groups):
            kind = np.float64 if isinstance(group.actions, Box) else np.int64
            part = np.zeros((1, group.size, *group.actions.shape), dtype=kind)
            for i, agent in enumerate(group.agents):
                if view.acting[0, i]:
                    if actions.get(agent) is None:
                        raise InputError(f"{self.spec.name}: {agent} acts now, but has no action")
                    part[0, i] = self._fitting(group, agent, actions[agent])
                    if not self.strict and self._made_legal(group, part[0], i, view.mask[0, i]):
                        replaced.append(agent)
            parts.append(part)
        self._world, self._step = self.env.step(self._world, tuple(parts))
        self._replaced = frozenset(replaced)

    def _fitting(self, group: Group, agent: str, given: Any) -> Any:
        """An action as numbers of the right kind and shape."""
        space = group.actions
        try:
            array = np.asarray(given)
            if array.shape != space.shape or array.dtype.kind not in (
                "iuf" if isinstance(space, Box) else "iu"
            ):
                raise ValueError
        except ValueError:
            raise InputError(
                f"{self.spec.name}: {agent} chose {given!r:.60}, which is not in {self.action_spaces[agent]}"
            ) from None
        return array

    @staticmethod
    def _made_legal(group: Group, part: Any, i: int, mask: Any) -> bool:
        """Put the first legal action, or part of one, in place of an illegal one; tells whether."""
        if isinstance(group.actions, Box):
            return False
        changed = False
        chosen = part[i : i + 1].reshape(-1)  # a view: one number per part
        edges = group.actions.starts if isinstance(group.actions, MultiDiscrete) else (0, group.actions.count)
        for k, (a, b) in enumerate(pairwise(edges)):
            if not (0 <= chosen[k] < b - a and mask[a + chosen[k]]):
                chosen[k], changed = mask[a:b].argmax(), True
        return changed

    def acting(self, agents: Sequence[str]) -> str:
        """Who acts now; the first of the agents if nobody does."""
        for group, view in zip(self.spec.groups, self.now.groups):
            for i in np.flatnonzero(view.acting[0]):
                return group.agents[i]
        return agents[0]

    def observation(self, agent: str) -> Any:
        """What an agent sees, in its observation space."""
        g, i = self.spec.places[agent]
        seen = self.now.groups[g].observation[0, i].reshape(self.spec.groups[g].observation or (1,)).copy()
        if not self.dict_observations:
            return seen
        mask = self._mask(g, i)
        return {"observation": seen} if mask is None else {"observation": seen, "action_mask": mask}

    def _mask(self, g: int, i: int) -> Any:
        """Legal actions as int8; all of them for an agent whose action is ignored, None for numbers."""
        space, view = self.spec.groups[g].actions, self.now.groups[g]
        if isinstance(space, Box):
            return None
        mask = view.mask[0, i].astype(np.int8)
        if not view.acting[0, i]:
            mask[:] = 1
        if isinstance(space, MultiDiscrete):
            return tuple(mask[a:b] for a, b in pairwise(space.starts))
        return mask

    def info(self, agent: str) -> dict[str, Any]:
        """Whether an agent acts, its mask, and whether its last action was illegal and replaced."""
        g, i = self.spec.places[agent]
        told: dict[str, Any] = {"acting": bool(self.now.groups[g].acting[0, i])}
        if (mask := self._mask(g, i)) is not None:
            told["action_mask"] = mask
            told["action_replaced"] = agent in self._replaced
        return told

    def reward(self, agent: str) -> float:
        """What an agent got for the last step."""
        g, i = self.spec.places[agent]
        return float(self.now.groups[g].reward[0, i])

    def alive(self, agent: str) -> bool:
        """Whether an agent is in the game."""
        g, i = self.spec.places[agent]
        return bool(self.now.groups[g].alive[0, i])

    def terminated(self, agent: str) -> bool:
        """Whether the game is over for an agent: it has ended, or the agent is out."""
        return bool(self.now.discount[0] == 0) or not self.alive(agent)

    def truncated(self, agent: str) -> bool:
        """Whether the episode was cut off for an agent."""
        return bool(self.now.last[0]) and not self.terminated(agent)

    def state(self) -> Any:
        """The global state, float32[s]."""
        return self.now.state[0].copy()

    def render(self) -> Any:
        """Text or a picture, by the render mode; None without one."""
        if self.render_mode is None:
            return None
        self.now  # noqa: B018  (there is nothing to draw before reset)
        scene = self.env.scene(self._world, 0)
        if self.render_mode == "ansi":
            return scene_text(scene)
        if scene.image is None:
            raise InputError(
                f"{self.spec.name} has no picture of its own for render_mode='rgb_array'; use 'ansi', "
                "or draw an episode with: staghunt play --render"
            )
        return np.asarray(scene.image, dtype=np.uint8)

    def close(self) -> None:
        """Give the world back."""
        if self._world is not None:
            self.env.close(self._world)
        self._world = self._step = None


def check_seed(seed: Any) -> int:
    """A seed from 0 to 2**64 - 1, or `InputError`."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
        raise InputError(f"a seed is a whole number from 0 to 2**64 - 1, not {seed!r:.40}")
    return int(seed)


def action_space(group: Group) -> spaces.Space[Any]:
    """What an agent of a group can do, as gymnasium says it."""
    space = group.actions
    if isinstance(space, Discrete):
        return spaces.Discrete(space.count)
    if isinstance(space, MultiDiscrete):
        return spaces.MultiDiscrete(list(space.counts))
    return spaces.Box(*space.bounds, dtype=np.float32)


def observation_space(group: Group, with_mask: bool) -> spaces.Space[Any]:
    """What an agent of a group sees, as gymnasium says it."""
    seen: spaces.Space[Any] = spaces.Box(-np.inf, np.inf, group.observation or (1,), np.float32)
    if not with_mask:
        return seen
    if isinstance(group.actions, Discrete):
        return spaces.Dict(
            {"observation": seen, "action_mask": spaces.Box(0, 1, (group.actions.count,), np.int8)}
        )
    if isinstance(group.actions, MultiDiscrete):
        masks = spaces.Tuple([spaces.Box(0, 1, (count,), np.int8) for count in group.actions.counts])
        return spaces.Dict({"observation": seen, "action_mask": masks})
    return spaces.Dict({"observation": seen})
