"""Any of our environments as one of PettingZoo's: `to_parallel` and `to_aec`.

Spaces and dictionaries are theirs, the play is ours: ``reset(seed=s)`` begins the very sub-environment that
``Env.reset`` begins with seed s. What our view calls stopped is terminated there where the game has ended, or the agent
is out, and truncated where the episode was only cut off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import parallel_to_aec
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from games.env import Env
from games.to_pettingzoo_match import Match


def to_parallel(
    env: Env | str,
    *,
    render_mode: str | None = None,
    dict_observations: bool = False,
    strict: bool = False,
    seed: int = 0,
    **parameters: Any,
) -> StaghuntParallel:
    """One sub-environment as a PettingZoo `ParallelEnv`.

    Parameters
    ----------
    env : Env or str
        The environment, or its URI for `make_env`.
    render_mode : {None, "ansi", "rgb_array"}
        What `render` returns: text, or the environment's own picture if it has one (uint8[h, w, 3]).
    dict_observations : bool
        Whether an observation is ``{"observation": ..., "action_mask": ...}``; otherwise the mask (int8[A], for
        several choices at once a tuple of them) is in ``infos[agent]["action_mask"]`` only. Numbers have no mask.
    strict : bool
        Refuse illegal actions. By default the first legal action is played instead, and
        ``infos[agent]["action_replaced"]`` is True, since PettingZoo lets agents choose anything in their space.
    seed : int
        Seed of the episodes before the first ``reset(seed=...)``; ``reset()`` draws the next one.
    **parameters
        Of the URI, see `make_env`.

    Returns
    -------
    ParallelEnv
        Agents are named as in `EnvSpec.agents` and leave when they are out. Where only some act, the others' actions
        are ignored and may be left out; ``infos[agent]["acting"]`` tells.

    Examples
    --------
    >>> env = to_parallel("zoo:chicken")
    >>> observations, infos = env.reset(seed=1)
    >>> env.step({agent: 0 for agent in env.agents})[1]
    {'Player 1': 6.0, 'Player 2': 6.0}
    """
    return StaghuntParallel(Match(env, render_mode, dict_observations, strict, seed, parameters))


def to_aec(
    env: Env | str,
    *,
    render_mode: str | None = None,
    dict_observations: bool = False,
    strict: bool = False,
    seed: int = 0,
    **parameters: Any,
) -> AECEnv[str, Any, Any]:
    """One sub-environment as a PettingZoo AEC environment; parameters as in `to_parallel`.

    Where agents act in turn they are selected as they act; where they act at once, one after another by PettingZoo's
    own conversion of the parallel environment.
    """
    match = Match(env, render_mode, dict_observations, strict, seed, parameters)
    if match.spec.turn_based:
        return OrderEnforcingWrapper(StaghuntTurns(match))
    return parallel_to_aec(StaghuntParallel(match))


class _Face:
    """What both APIs ask for in the same way."""

    def __init__(self, match: Match) -> None:
        self.match = match
        self.metadata = {
            "name": match.spec.name,
            "render_modes": ["ansi", "rgb_array"],
            "is_parallelizable": not match.spec.turn_based,
        }
        self.render_mode = match.render_mode
        self.possible_agents: list[str] = list(match.spec.agents)
        self.state_space = match.state_space

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """What an agent sees: a box, or a dictionary with its mask; always the same object."""
        return self.match.observation_spaces[self.match.known(agent)]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """What an agent can do; always the same object."""
        return self.match.action_spaces[self.match.known(agent)]

    def state(self) -> np.ndarray:
        """The global state, float32[s]."""
        return self.match.state()

    def render(self) -> str | np.ndarray | None:
        """The present picture; see `to_parallel`."""
        return self.match.render()

    def close(self) -> None:
        """Give back what the environment holds; `reset` begins anew."""
        self.match.close()


class StaghuntParallel(_Face, ParallelEnv[str, Any, Any]):
    """A `ParallelEnv` around one sub-environment; see `to_parallel`."""

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        self.agents: list[str] = []

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begin an episode. `options` are ignored, since ours have none."""
        self.match.begin(seed)
        self.agents = [agent for agent in self.possible_agents if self.match.alive(agent)]
        return (
            {agent: self.match.observation(agent) for agent in self.agents},
            {agent: self.match.info(agent) for agent in self.agents},
        )

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Everybody acts at once.

        Raises
        ------
        InputError
            If someone who acts has no action or not one of its space, or the episode is over.
        """
        match, present = self.match, self.agents
        match.advance(actions)
        terminated = {agent: match.terminated(agent) for agent in present}
        truncated = {agent: match.truncated(agent) for agent in present}
        self.agents = [agent for agent in present if not (terminated[agent] or truncated[agent])]
        return (
            {agent: match.observation(agent) for agent in present},
            {agent: match.reward(agent) for agent in present},
            terminated,
            truncated,
            {agent: match.info(agent) for agent in present},
        )


class StaghuntTurns(_Face, AECEnv[str, Any, Any]):
    """An `AECEnv` around one sub-environment in which agents act in turn; see `to_aec`."""

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode. `options` are ignored, since ours have none."""
        self.match.begin(seed)
        self.agents: list[str] = [agent for agent in self.possible_agents if self.match.alive(agent)]
        self.rewards: dict[str, float] = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards: dict[str, float] = dict.fromkeys(self.agents, 0.0)
        self.terminations: dict[str, bool] = dict.fromkeys(self.agents, False)
        self.truncations: dict[str, bool] = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: self.match.info(agent) for agent in self.agents}
        self.agent_selection = self.match.acting(self.agents)
        self._skip_agent_selection: str | None = None

    def observe(self, agent: str) -> Any:
        """What an agent sees now, whether or not it acts."""
        return self.match.observation(self.match.known(agent))

    def step(self, action: Any) -> None:
        """The selected agent acts; for one that has stopped, `action` must be None.

        Raises
        ------
        InputError
            If the action is not one of its space.
        """
        match, mover = self.match, self.agent_selection
        if self.terminations[mover] or self.truncations[mover]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[mover] = 0.0
        match.advance({mover: action})
        for agent in self.agents:
            self.rewards[agent] = match.reward(agent)
            self.terminations[agent] = match.terminated(agent)
            self.truncations[agent] = match.truncated(agent)
            self.infos[agent] = match.info(agent)
        self._accumulate_rewards()
        self.agent_selection = match.acting(self.agents)
        self._deads_step_first()
