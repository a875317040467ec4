"""What trained swarms return: by their mean field and without it, in swarms of any size and from any first places.

DET, SHARED and IND look at the mean field in every step; OPEN follows rules that were computed in advance on a surrogate
swarm, whose seed is none of those that episodes are played from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.papers.bayes_net_play import rng_of
from experiments.papers.decpomfc_arms import swarm
from experiments.training.runs import LAST, read_timing, team_of
from games.env_uris import make_env
from games.play import play_episodes
from games.policy import Independent, JointPolicy
from games.streams import draw_seeds
from games.swarm_policies import POLICIES

if TYPE_CHECKING:
    from experiments.papers.claims import Progress
    from experiments.training.runs import Run
    from games.env import Env
    from games.open_loop import OpenLoop

Returns = npt.NDArray[np.float64]
"""float64[E], one episode after the other."""
MODES = ("DET", "SHARED", "IND", "OPEN")
Sweep = dict[str, dict[int, list[Returns]]]
"""By mode and number of agents, the returns of the swarm of every seed; the same episodes for all of a number of agents."""


def returns_of(env: Env, team: JointPolicy, episodes: int, seed: int) -> Returns:
    """Common undiscounted returns of episodes that depend on their number and the seed alone."""
    seeds = draw_seeds(rng_of(seed, episodes), episodes)
    return np.array(play_episodes(env, team, seeds, batch=_at_once(env)).returns[:, 0])


def scripted_returns(uri: str, rule: str, episodes: int, seed: int) -> Returns:
    """Returns of a scripted rule (`games.swarm_policies`)."""
    env = make_env(uri)
    return returns_of(env, Independent(env.spec, POLICIES[rule](env.spec)), episodes, seed)


def _at_once(env: Env) -> int:
    """Sub-environments that are played at once: a few hundred thousand agents."""
    return max(1, min(256, 200_000 // len(env.spec.agents)))


class Trained:
    """The swarm at the end of training, able to play wherever observations are of the same kind.

    Parameters
    ----------
    run : Run
        A run of Dec-POMFC.
    seed : int
        Which of its seeds.
    """

    def __init__(self, run: Run, seed: int) -> None:
        from marl.checkpoint import read_checkpoint

        self.learner: Any = run.spec.learner
        self._tree: Any = read_checkpoint(run.folder(seed) / LAST)["learner"]
        self.home = run.spec.env
        self._rules: dict[str, OpenLoop] = {}

    def rules(self, uri: str | None = None) -> OpenLoop:
        """Rules computed in advance for an environment, by default for the one it was trained in."""
        uri = self.home if uri is None else uri
        if uri not in self._rules:
            self._rules[uri] = self.learner.open_rules(self._state(make_env(uri)))
        return self._rules[uri]

    def team(self, env: Env, mode: str, greedy: bool = False) -> JointPolicy:
        """The swarm in one of `MODES`; OPEN follows the rules for where it was trained.

        Greedy agents take the means of their rules, but for OPEN.
        """
        if mode == "OPEN":
            return Independent(env.spec, self.rules())
        team: Any = self.learner.team(self._state(env), greedy)
        return team if mode == "DET" else team.executed(mode.lower())

    def _state(self, env: Env) -> Any:
        return self.learner.load(env.spec, self._tree)


def sweep(
    run: Run,
    task: str,
    modes: Sequence[str],
    sizes: Iterable[int],
    episodes: int,
    seeds: Sequence[int],
    seed: int,
    progress: Progress,
) -> Sweep:
    """Returns against the number of agents.

    Parameters
    ----------
    run : Run
        Trained with any number of agents.
    task : str
        Of `experiments.papers.decpomfc_arms.TASKS`.
    modes : sequence of str
        Of `MODES`.
    sizes : iterable of int
        Numbers of agents.
    episodes : int
        Of every swarm, mode and number.
    seeds : sequence of int
        Which of the run's.
    seed : int
        Of the episodes.
    progress : callable
        Told how far it is.
    """
    sizes = list(sizes)
    swarms = [Trained(run, number) for number in seeds]
    out: Sweep = {mode: {size: [] for size in sizes} for mode in modes}
    for k, size in enumerate(sizes):
        env = make_env(swarm(task, size))
        for one in swarms:
            for mode in modes:
                out[mode][size].append(returns_of(env, one.team(env, mode), episodes, seed))
        progress((k + 1) / len(sizes), f"{task}: {size:,} agents played")
    return out


def by_means(run: Run, episodes: int, seed: int) -> list[float]:
    """Mean return of every seed's swarm by its mean field, where agents take the means of their rules."""
    env = make_env(run.spec.env)
    teams = [Trained(run, number).team(env, "DET", greedy=True) for number in run.seeds]
    return [float(returns_of(env, team, episodes, seed).mean()) for team in teams]


def trained_returns(run: Run, episodes: int, seed: int, greedy: bool) -> list[float]:
    """Mean return of the team at the end of every seed's training, where and as the trainer itself plays it."""
    out, env = [], None
    for number in run.seeds:
        _, env, _, team = team_of(run, run.folder(number) / LAST, greedy=greedy, env=env)
        out.append(float(returns_of(env, team, episodes, seed).mean()))
    return out


def seconds_of(run: Run) -> list[float]:
    """Wall seconds every seed spent on playing and learning, without evaluations and checkpoints."""
    out = []
    for number in run.seeds:
        spent = before = 0.0
        for row in read_timing(run.folder(number)):
            spent += (row["play"] + row["learn"]) * max(row["seconds"] - before, 0.0)
            before = row["seconds"]
        out.append(spent)
    return out


def means(found: Mapping[int, Sequence[Returns]]) -> dict[int, list[float]]:
    """Mean return of every seed, by number of agents."""
    return {size: [float(one.mean()) for one in rows] for size, rows in found.items()}


def pooled(rows: Sequence[Returns]) -> tuple[float, float]:
    """Mean over swarms of their means, and its standard error over episodes: the swarms themselves are given.

    >>> pooled([np.array([1.0, 3.0]), np.array([2.0, 2.0])])
    (2.0, 0.5)
    """
    errors = [float(one.std(ddof=1)) / np.sqrt(len(one)) for one in rows]
    return float(np.mean([one.mean() for one in rows])), float(np.linalg.norm(errors)) / len(rows)
