"""How fast returns of N agents come close to the mean-field limit: experiment E1 for scripted rules.

What falls like 1 / sqrt(N) is the mean absolute deviation E|R^N - J| of an episode's return. The bias |E R^N - J| falls
faster, like 1 / N, and must not be tested for the former rate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from games.env_uris import make_env
from games.play import play_episodes
from games.policy import Independent
from games.streams import draw_seeds
from games.swarm_policies import POLICIES


@dataclass(frozen=True)
class Convergence:
    """Returns of swarms of growing size against the limit.

    Parameters
    ----------
    limit : float
        J, the return of the limit.
    agents : tuple of int
        N, the sizes.
    means, errors : tuple of float
        Mean return and its standard error, for each size.
    deviations : tuple of float
        Mean absolute deviation from the limit, for each size.
    """

    limit: float
    agents: tuple[int, ...]
    means: tuple[float, ...]
    errors: tuple[float, ...]
    deviations: tuple[float, ...]

    @property
    def slope(self) -> float:
        """Slope of log deviation against log N; -1/2 is expected."""
        return float(np.polyfit(np.log(self.agents), np.log(self.deviations), 1)[0])

    def unbiased(self, smallest: int = 50) -> bool:
        """Whether from `smallest` agents on every mean is within 1 % of the limit or 3 standard errors (E1)."""
        return all(
            abs(mean - self.limit) <= max(0.01 * abs(self.limit), 3 * error)
            for n, mean, error in zip(self.agents, self.means, self.errors)
            if n >= smallest
        )


def measure_convergence(
    swarm: str,
    policy: str,
    limit: float,
    *,
    agents: Sequence[int] = (10, 20, 50, 100, 200, 500, 1000),
    episodes: int = 300,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> Convergence:
    """Play a scripted rule with growing swarms.

    Parameters
    ----------
    swarm : str
        URI without a number of agents: ``swarm:aggregation``, ``swarm:kuramoto?kappa=0.5``.
    policy : str
        A name in `games.swarm_policies.POLICIES`.
    limit : float
        J, by `games.meanfield.swarm_limit` or a large swarm.
    agents : sequence of int
        Sizes.
    episodes : int
        Per size.
    seed : int
        Of the episodes.
    progress : callable, optional
        Told how far it is.
    """
    means, errors, deviations = [], [], []
    rng = np.random.default_rng(seed)
    for k, n in enumerate(agents):
        env = make_env(swarm, agents=n)
        team = Independent(env.spec, POLICIES[policy](env.spec))
        returns = play_episodes(env, team, draw_seeds(rng, episodes)).returns[:, 0]
        means.append(float(returns.mean()))
        errors.append(float(returns.std(ddof=1) / np.sqrt(episodes)))
        deviations.append(float(np.abs(returns - limit).mean()))
        if progress is not None:
            progress((k + 1) / len(agents), f"{n:,} agents")
    return Convergence(limit, tuple(agents), tuple(means), tuple(errors), tuple(deviations))
