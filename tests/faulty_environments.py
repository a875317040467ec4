"""Small PettingZoo and gymnasium environments, sound unless a fault is asked for: each fault breaks one rule of the API."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, Tuple
from pettingzoo import AECEnv, ParallelEnv


class Duel(ParallelEnv):
    """Three agents with Dict observations and masks; `c` dies at step 2, the others end or are cut off at step 4."""

    metadata: ClassVar[dict[str, Any]] = {"name": "duel", "render_modes": ["rgb_array"]}

    def __init__(self, fault: str = "", stop: str = "terminated", render_mode: str | None = None) -> None:
        self.fault, self.stop, self.render_mode = fault, stop, render_mode
        self.possible_agents = ["a", "b", "c"]
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> Any:
        return Dict({"observation": Box(-10, 10, (2, 2)), "action_mask": Box(0, 1, (3,), np.int8)})

    def action_space(self, agent: str) -> Any:
        return Discrete(3, start=5)

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        assert seed is not None, "never without a seed"
        self.rng = np.random.default_rng(seed)
        self.agents, self.time = list(self.possible_agents), 0
        if self.fault == "stranger":
            self.agents.append("d")
        if self.fault == "reset":
            return self._see()
        if self.fault == "reset raises":
            raise RuntimeError("no board")
        return self._see(), {a: {} for a in self.agents}

    def step(self, actions: Any) -> Any:
        assert list(actions) == self.agents and all(type(k) is int and 5 <= k < 8 for k in actions.values())
        self.time += 1
        if self.fault == "raises" and self.time == 3:
            raise TypeError("a board\nis missing")
        seen = self._see()
        rewards: dict[str, Any] = {a: float(actions[a]) for a in self.agents}
        ended = dict.fromkeys(self.agents, False)
        cut = dict.fromkeys(self.agents, False)
        if self.time == 2:
            ended["c"] = True
        if self.time == 4:
            if self.stop != "truncated":
                ended["a"] = True
            if self.stop in ("truncated", "mixed"):
                cut["b"] = True
            if self.stop == "truncated":
                cut["a"] = True
            if self.stop == "terminated":
                ended["b"] = True
        infos: dict[str, Any] = {a: {} for a in self.agents}
        self.agents = [a for a in self.agents if not (ended[a] or cut[a])]
        return self._spoil(seen, rewards, ended, cut, infos)

    def _spoil(self, seen: Any, rewards: Any, ended: Any, cut: Any, infos: Any) -> Any:
        fault = self.fault
        if fault == "no observation":
            del seen["b"]
        elif fault == "no reward":
            del rewards["a"]
        elif fault == "no termination":
            del ended["a"]
        elif fault == "no truncation":
            del cut["b"]
        elif fault == "four values":
            return seen, rewards, ended, infos
        elif fault == "lists":
            return list(seen.values()), rewards, ended, cut, infos
        elif fault == "nan":
            rewards["b"] = float("nan")
        elif fault == "word":
            rewards["b"] = "much"
        elif fault == "comes back" and self.time == 3:
            self.agents = ["a", "b", "c"]
        return seen, rewards, ended, cut, infos

    def _see(self) -> Any:
        wide, late = self.fault == "wide", self.time == 1
        seen = {}
        for a in self.agents:
            value = self.rng.normal(size=(2, 3) if wide and late else (2, 2)).astype(np.float32)
            mask = np.array([1, self.time % 2, 1], dtype=np.int8)
            if self.fault == "endless" and late:
                value[0, 0] = np.inf
            if self.fault == "stuck" and late:
                mask[:] = 0
            seen[a] = {"observation": value, "action_mask": mask[:2] if self.fault == "short mask" else mask}
            if self.fault == "no mask" and late:
                del seen[a]["action_mask"]
            if self.fault == "none" and late:
                seen[a]["observation"] = None
        return seen

    def render(self) -> Any:
        return np.full((4, 5, 3), self.time, dtype=np.uint8)


class Rounds(AECEnv):
    """Three agents in turn; `y` dies after the second round, the others after the fourth. Rewards fall at any time."""

    metadata: ClassVar[dict[str, Any]] = {"name": "rounds", "is_parallelizable": True}

    def __init__(self, fault: str = "", stop: str = "terminated", hoard: bool = False) -> None:
        self.fault, self.stop, self.hoard = fault, stop, hoard
        self.possible_agents = ["x", "y", "z"]
        self.render_mode = None

    def observation_space(self, agent: str) -> Any:
        return Box(-1000, 1000, (3,), np.float64)

    def action_space(self, agent: str) -> Any:
        return Discrete(4)

    def reset(self, seed: int | None = None, options: Any = None) -> None:
        assert seed is not None, "never without a seed"
        self.rng = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, self.fault == "dead at once")
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, Any] = {a: {} for a in self.agents}
        self.agent_selection, self.time, self.sum = "x", 0, 0.0

    def observe(self, agent: str) -> Any:
        if self.fault == "observe" and self.time == 2:
            raise KeyError(agent)
        return np.array([self.time, self.sum, self.possible_agents.index(agent)], dtype=np.float64)

    def step(self, action: Any) -> None:
        me = self.agent_selection
        if self.terminations[me] or self.truncations[me]:
            if self.fault != "undead":
                self._was_dead_step(action)
            return
        assert type(action) is int, "actions are whole numbers"
        self.time += 1
        self.sum += action * float(self.rng.random())
        if not self.hoard:  # hoarded rewards stay in `rewards`, though they are counted only once
            self._clear_rewards()
        self._cumulative_rewards[me] = 0.0
        if self.time % 2:
            paid = {a: self.sum * (k + 1) for k, a in enumerate(self.agents)}
            self.rewards.update(paid)
            for a in self.agents:
                self._cumulative_rewards[a] += paid[a]
        order = self.agents
        self.agent_selection = order[(order.index(me) + 1) % len(order)]
        if self.fault == "wrong turn" and self.time == 2:
            self.agent_selection = "w"
        if self.time == 6:
            self.terminations["y"] = True
        if self.time == 10:
            flags = self.truncations if self.stop == "truncated" else self.terminations
            flags.update(dict.fromkeys(self.agents, True))
        self._deads_step_first()


class Pair(gymnasium.Env):
    """Two agents by Tuple spaces; ends after three steps."""

    def __init__(self, fault: str = "") -> None:
        self.fault, self.time = fault, 0
        self.observation_space = Tuple((Discrete(4), Box(0, 9, (2,), np.uint8)))
        self.action_space = Tuple((Discrete(2), Box(-1, 1, (1,))))

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.time = 0
        return (self._see(), {}) if self.fault != "reset" else self._see()

    def _see(self) -> Any:
        seen = (int(self.np_random.integers(4)), self.np_random.integers(9, size=2).astype(np.uint8))
        if self.fault == "one less" and self.time == 1:
            return seen[:1]
        return (7, seen[1]) if self.fault == "outside" and self.time == 1 else seen

    def step(self, actions: Any) -> Any:
        self.time += 1
        if self.fault == "raises":
            raise ZeroDivisionError
        reward: Any = [1.0, float(actions[1][0])]
        if self.fault == "rewards":
            reward = [1.0]
        elif self.fault == "shared":
            reward = 2.5
        return self._see(), reward, self.time == 3, False, {}


def needs(*packages: str) -> None:
    for package in packages:
        pytest.importorskip(package, reason=f"{package} comes with the extra envs")
