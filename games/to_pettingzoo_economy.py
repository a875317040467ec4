"""Gather-trade-build as PettingZoo's `ParallelEnv`, with observations taken apart: `economy_parallel`."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from games.env import Env, Group
from games.errors import InputError
from games.sims.economy_facts import EconomyFacts, economy_facts
from games.sims.economy_gtb import GatherTradeBuildRules
from games.sims.economy_look import LAYERS, OWNERS, PER_AGENT, Layout, as_counts
from games.to_pettingzoo import StaghuntParallel
from games.to_pettingzoo_match import Match, observation_space


def economy_parallel(
    env: Env | str = "economy:gather-trade-build",
    *,
    render_mode: str | None = None,
    strict: bool = False,
    seed: int = 0,
    **parameters: Any,
) -> StaghuntParallel:
    """One gather-trade-build economy as a PettingZoo `ParallelEnv`; parameters as in `games.to_pettingzoo.to_parallel`.

    Returns
    -------
    ParallelEnv
        Agents ``agent_0``, ... and ``planner``, who all act in every step (the planner's mask leaves it a choice on the first day
        of a tax year only). A worker sees ``map`` (float32[7, w, w]), ``idx_map`` (int32[2, w, w]), ``flat`` (float32) and
        ``action_mask``; the planner ``flat``, ``per_agent`` (float32[n, 6]) and ``action_mask``. Every info of the last step
        has ``economy``: what became of it.

    Raises
    ------
    InputError
        If it is another environment.

    Examples
    --------
    >>> env = economy_parallel(size="small")
    >>> seen, _ = env.reset(seed=1)
    >>> sorted(seen["agent_0"]), seen["planner"]["per_agent"].shape
    (['action_mask', 'flat', 'idx_map', 'map'], (4, 6))
    """
    return StaghuntParallel(EconomyMatch(env, render_mode, True, strict, seed, parameters))


class EconomyMatch(Match):
    """One economy, agent by agent."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        rules = getattr(self.env, "rules", None)
        if not isinstance(rules, GatherTradeBuildRules):
            raise InputError(f"{self.spec.name} is not economy:gather-trade-build")
        self._layout = rules.layout
        self._outcome: dict[str, Any] | None = None
        for group in self.spec.groups:
            space = _space(group, self._layout)
            for agent in group.agents:
                self.observation_spaces[agent] = space

    def begin(self, seed: int | None) -> None:
        """Begin the episode of a seed; see `Match.begin`."""
        super().begin(seed)
        self._outcome = None

    def observation(self, agent: str) -> dict[str, Any]:
        """What an agent sees, taken apart."""
        g, i = self.spec.places[agent]
        seen = self.now.groups[g].observation[0, i].copy()
        parts = self._layout.split_planner(seen) if g else self._layout.split_worker(seen)
        del parts["time"]  # it is in ``flat``
        if "idx_map" in parts:
            parts["idx_map"] = as_counts(parts["idx_map"])
        return {**parts, "action_mask": self._mask(g, i)}

    def info(self, agent: str) -> dict[str, Any]:
        """As `Match.info`; in the last step also what became of the economy."""
        told = super().info(agent)
        if self.now.last[0]:
            if self._outcome is None:
                self._outcome = outcome(economy_facts(self.env, self._world))
            told["economy"] = self._outcome
        return told


def outcome(facts: EconomyFacts, which: int = 0) -> dict[str, Any]:
    """What became of one economy, as plain numbers and lists of them."""
    names = (
        "equality",
        "productivity",
        "eq_times_prod",
        "inverse_income_utility",
        "trades",
        "coin",
        "labour",
        "utility",
        "houses",
        "net_sales",
        "taxes_paid",
        "effective_rates",
        "bracket_rates",
        "occupancy",
    )
    return {name: getattr(facts, name)[which].tolist() for name in names}


def _space(group: Group, layout: Layout) -> spaces.Dict:
    """What an agent of a group sees, as gymnasium says it."""
    masks = observation_space(group, with_mask=True)
    assert isinstance(masks, spaces.Dict)
    w, n = layout.window, layout.agents

    def numbers(*shape: int) -> spaces.Box:
        return spaces.Box(-np.inf, np.inf, shape, np.float32)

    if group.name == "planner":
        parts: dict[str, spaces.Space[Any]] = {
            "flat": numbers(layout.planner_flat),
            "per_agent": numbers(n, PER_AGENT),
        }
    else:
        parts = {
            "map": spaces.Box(0, 1, (len(LAYERS), w, w), np.float32),
            "idx_map": spaces.Box(0, n + 1, (len(OWNERS), w, w), np.int32),
            "flat": numbers(layout.worker_flat),
        }
    return spaces.Dict({**parts, "action_mask": masks["action_mask"]})
