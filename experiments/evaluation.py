"""Judging trained teams: returns with their uncertainty, lengths, success, and what deviating gains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.exact_gains import Exact
from experiments.intervals import bootstrap_interval, expanded_interval, wilson_interval
from experiments.learned_gains import LearnedGains
from games.env import EnvSpec
from games.play import Episodes

if TYPE_CHECKING:
    from experiments.economy_episodes import EconomyEpisodes
    from experiments.economy_gains import TaxGains
    from experiments.evaluation_graphs import Drawn
    from experiments.evaluation_rules import RulesJudged
    from experiments.evaluation_switch import SwitchJudged

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Gains:
    """What deviating gains: exactly, or at least, or both.

    Parameters
    ----------
    exact : Exact or None
        From the game itself.
    learned : LearnedGains or None
        By trained responses.
    why : str
        Why it is not exact, if it is not.
    tax : TaxGains or None
        Of a one-step economy, exactly: workers' and the planner's are in different units.
    """

    exact: Exact | None
    learned: LearnedGains | None
    why: str = ""
    tax: TaxGains | None = None


@dataclass(frozen=True)
class Judged:
    """The policies of one training seed, judged.

    Parameters
    ----------
    seed : int
        Of the training.
    file : Path
        The checkpoint.
    steps : int or None
        Joint environment steps it had been trained for, if it says so.
    episodes : Episodes
        What they played.
    gains : Gains or None
        If asked for.
    graphs : tuple of Drawn
        Of a team with a graph on its agents, one per way to draw it (`experiments.evaluation_graphs`).
    switch : SwitchJudged or None
        Of a switched team, in all ways to execute it (`experiments.evaluation_switch`).
    rules : RulesJudged or None
        Of a swarm that follows rules, in all ways to execute it (`experiments.evaluation_rules`).
    economy : EconomyEpisodes or None
        Of an economy, what its episodes came to (`experiments.evaluation_economy`).
    """

    seed: int
    file: Path
    steps: int | None
    episodes: Episodes
    gains: Gains | None = None
    graphs: tuple[Drawn, ...] = ()
    switch: SwitchJudged | None = None
    rules: RulesJudged | None = None
    economy: EconomyEpisodes | None = None


@dataclass(frozen=True)
class Summary:
    """Means of one seed's episodes and their intervals.

    Parameters
    ----------
    score : float
        Mean score of an episode.
    returns : float64[agents]
        Mean return of every agent.
    intervals : float64[1 + agents, 2] or None
        Of the score and of the returns; None for a single episode.
    length : float
        Mean steps of an episode.
    ended : int
        Episodes that were not cut off.
    successes : int
        Episodes that ended, or reached the threshold.
    success_interval : tuple of float
        Of their share.
    """

    score: float
    returns: Array
    intervals: Array | None
    length: float
    ended: int
    successes: int
    success_interval: tuple[float, float]


def scores(spec: EnvSpec, returns: Array) -> Array:
    """The score of every episode, float64[E]: the common return, or the sum of all agents'."""
    return returns[:, 0] if spec.common_reward else returns.sum(axis=1)


def summarise(
    spec: EnvSpec, episodes: Episodes, threshold: float | None, rng: np.random.Generator
) -> Summary:
    """Means and intervals of episodes.

    Parameters
    ----------
    spec : EnvSpec
        Where they were played.
    episodes : Episodes
        The results.
    threshold : float, optional
        An episode whose score is at least this is a success; by default one that ended.
    rng : numpy.random.Generator
        Draws the bootstrap's resamples.
    """
    count, score = len(episodes.seeds), scores(spec, episodes.returns)
    good = episodes.ended if threshold is None else score >= threshold
    successes = int(good.sum())
    return Summary(
        float(score.mean()),
        episodes.returns.mean(axis=0),
        bootstrap_interval(np.column_stack([score, episodes.returns]), rng),
        float(episodes.lengths.mean()),
        int(episodes.ended.sum()),
        successes,
        wilson_interval(successes, count),
    )


def score_of(spec: EnvSpec, episodes: Episodes, rng: np.random.Generator) -> tuple[float, Array | None]:
    """Mean score of episodes and its interval float64[2], the one that `summarise` finds by the same resamples."""
    score = scores(spec, episodes.returns)
    bounds = bootstrap_interval(np.column_stack([score, episodes.returns]), rng)
    return float(score.mean()), None if bounds is None else bounds[0]


def over_seeds(numbers: Any, rng: np.random.Generator) -> tuple[float, Array | None]:
    """Mean of one number per training seed, and its interval."""
    array = np.asarray(numbers, dtype=np.float64)
    return float(array.mean()), expanded_interval(array, rng)
