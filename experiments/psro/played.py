"""PSRO where only play tells: strategies are policies, payoffs are means of episodes with common seeds."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import product
from typing import Any

import numpy as np

from experiments.psro.arenas import Best, Populations
from experiments.psro.meta import Sigma, Target
from games.env import Env
from games.errors import InputError
from games.mixed_policy import Mixed, MixedTeam
from games.play import play_episodes
from games.policy import Independent, JointPolicy, Policy, Random
from games.simplices import Float
from games.streams import draw_seeds


class PlayedArena:
    """An environment; every agent is a player of the meta-game.

    Parameters
    ----------
    env : Env
        Where they play.
    episodes : int
        Played for each profile of policies, on the same seeds for all.
    max_steps : int, optional
        Cut episodes off here; needed where the environment has no horizon.

    Raises
    ------
    InputError
        If it is no environment, or there is less than one episode.
    """

    exact = False
    span = 1.0  # nobody knows the range of returns: gains are accepted in units of return

    def __init__(self, env: Env, episodes: int = 1000, max_steps: int | None = None) -> None:
        if not hasattr(env, "spec"):
            raise InputError(f"PSRO takes a game or an environment, not {type(env).__name__}")
        if episodes < 1:
            raise InputError(f"at least one episode is played for each profile, not {episodes}")
        self.game = self.env = env
        self.title, self.players = env.spec.name, env.spec.agents
        self.episodes = episodes
        self.max_steps = max_steps if env.spec.horizon is None else None
        self.seeds = np.arange(episodes, dtype=np.uint64)

    def first(self, rng: np.random.Generator) -> list[Any]:
        """Everybody acts uniformly at random; the seeds of all payoffs are drawn here.

        Raises
        ------
        InputError
            If nothing ends an episode.
        """
        if self.env.spec.horizon is None and self.max_steps is None:
            raise InputError(f"{self.title} has no horizon, so max_steps must say when to cut episodes off")
        self.seeds = draw_seeds(rng, self.episodes)
        return [Random(group.actions) for group in self.env.spec.groups for _ in group.agents]

    def key(self, player: int, strategy: Any) -> Hashable:
        """A policy is the same only as itself."""
        return id(strategy)

    def payoffs(self, blocks: Populations) -> Float:
        """Mean returns; profiles meet the same seeds."""
        table = np.empty((len(self.players), *map(len, blocks)))
        for cell in product(*(range(len(own)) for own in blocks)):
            team = self._team([own[k] for own, k in zip(blocks, cell)])
            played = play_episodes(self.env, team, self.seeds, max_steps=self.max_steps)
            table.reshape(len(table), -1)[:, np.ravel_multi_index(cell, table.shape[1:])] = (
                played.returns.mean(axis=0)
            )
        return table

    def best(self, populations: Populations, target: Target) -> Best | None:
        """Nobody knows."""
        return None

    def worth(self, player: int, strategy: Any, best: Best) -> float:
        """Nobody knows."""
        raise InputError(f"{self.title} has no exact payoffs")

    def answer(self, populations: Populations, sigma: Sigma) -> JointPolicy:
        """The team that draws its members once per episode."""
        return self.mixed(populations, sigma)

    def mixed(self, populations: Populations, sigma: Sigma) -> JointPolicy:
        """A meta-strategy as a team: everybody draws alone from an own population, or one draw is for all."""
        if sigma.joint is not None:
            return self._drawn(populations, sigma.joint.cells, sigma.joint.probs)
        assert sigma.profile is not None
        parts = np.split(sigma.profile, np.cumsum([len(own) for own in populations])[:-1])
        return self._alone(populations, parts)

    def _alone(self, populations: Populations, weights: Any) -> JointPolicy:
        return self._team([_mixture(own, w) for own, w in zip(populations, weights)])

    def _drawn(self, populations: Populations, cells: Any, probs: Any) -> JointPolicy:
        teams = [self._team([own[k] for own, k in zip(populations, cell)]) for cell in cells]
        return MixedTeam(teams, probs)

    def _team(self, members: list[Any]) -> JointPolicy:
        return Independent(self.env.spec, dict(zip(self.players, members)))

    def seats(self, populations: Populations, target: Target) -> tuple[Env, JointPolicy, str]:
        """The environment, with the mixture of the others."""
        agent = self.players[target.player]
        if target.weights is not None:
            return self.env, self._alone(populations, target.weights), agent
        return self.env, self._drawn(populations, target.cells, target.probs), agent

    def adopt(self, player: int, policy: Policy) -> Any:
        """A policy is a strategy."""
        return policy


def _mixture(policies: Any, weights: Any) -> Any:
    """The members that have any weight, drawn once per episode."""
    kept = np.flatnonzero(np.asarray(weights) > 0)
    if len(kept) == 1:
        return policies[int(kept[0])]
    return Mixed([policies[int(k)] for k in kept], np.asarray(weights)[kept])
