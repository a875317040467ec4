"""What economies of gather-trade-build come to when trained workers and planners play them: numbers of episodes, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.economy_episodes import played_out
from experiments.training.runs import LAST, kept_by
from games.carrying import carrying
from games.env_uris import make_env
from games.policy import Independent, Random
from games.sims.economy_facts import EconomyFacts, economy_facts
from games.streams import draw_seeds

if TYPE_CHECKING:
    from experiments.training.runs import Run
    from games.env import Env
    from games.policy import JointPolicy

Array = npt.NDArray[Any]
Row = dict[str, Any]
"""Means over episodes, as `row_of` has them."""


def trained_facts(
    run: Run, seed: int, episodes: int, chance: int, uri: str | None = None
) -> tuple[EconomyFacts, Array]:
    """How episodes go with the policies at the end of a seed's training, their actions drawn.

    Parameters
    ----------
    run : Run
        Of the economist.
    seed : int
        One of its seeds.
    episodes, chance : int
        How many, and the seed that they follow from.
    uri : str, optional
        Another economy of the same shapes; the run's own by default, with what its sub-environments kept.
    """
    from marl.checkpoint import read_checkpoint

    file = run.folder(seed) / LAST
    env = make_env(uri or run.spec.env)
    learner: Any = run.spec.learner
    state = learner.load(env.spec, read_checkpoint(file)["learner"], "cpu")
    return played(
        carrying(env, None if uri else kept_by(file)), learner.policy(state, greedy=False), episodes, chance
    )


def random_facts(uri: str, episodes: int, chance: int) -> tuple[EconomyFacts, Array]:
    """The same of workers who choose evenly among all that is allowed."""
    env = make_env(uri)
    team = Independent(env.spec, {group.name: Random(group.actions) for group in env.spec.groups})
    return played(env, team, episodes, chance)


def played(env: Env, team: JointPolicy, episodes: int, chance: int) -> tuple[EconomyFacts, Array]:
    """Episodes that are played at once, and the workers' returns float64[E, n]."""
    seeds = draw_seeds(np.random.default_rng([chance, episodes]), episodes)
    results, facts = played_out(env, team, seeds, economy_facts)
    return facts, results.returns[:, : env.spec.groups[0].size]


def row_of(facts: EconomyFacts, returns: Array) -> Row:
    """Means over episodes; workers from the least to the most skilled."""
    order = np.argsort(facts.payment, axis=1, kind="stable")

    def ranked(values: Array) -> list[float]:
        found: list[float] = np.take_along_axis(values, order, axis=1).mean(axis=0).tolist()
        return found

    sold = facts.net_sales
    return {
        "equality": float(facts.equality.mean()),
        "productivity": float(facts.productivity.mean()),
        "eq*prod": float(facts.eq_times_prod.mean()),
        "inverse-income utility": float(facts.inverse_income_utility.mean()),
        "mean return of workers": float(returns.mean()),
        "houses": float(facts.houses.sum(axis=1).mean()),
        "trades": float(facts.trades.mean()),
        "labour": float(facts.labour.sum(axis=1).mean()),
        "rank correlation of skill and houses": rank_correlation(facts.payment, facts.houses),
        "effective rate": float(facts.effective_rate.mean()),
        "effective rates of poorest and richest": facts.extremes.mean(axis=0).tolist(),
        "tax gaming": float(facts.gaming.mean()),
        "rates": facts.bracket_rates.mean(axis=0).tolist(),
        "occupancy": facts.occupancy.mean(axis=0).tolist(),
        "by skill": {
            "payment": ranked(facts.payment),
            "houses": ranked(facts.houses),
            "net sales of stone": ranked(sold[:, :, 0]),
            "net sales of wood": ranked(sold[:, :, 1]),
            "income": ranked(facts.incomes.sum(axis=1)),
            "income after taxes": ranked(facts.after_tax.sum(axis=1)),
            "coin": ranked(facts.coin),
            "labour": ranked(facts.labour),
        },
    }


def rank_correlation(one: Array, other: Array) -> float:
    """Spearman's correlation of numbers float64[E, n] within an episode, mean over episodes in which both vary."""
    ranks = [np.apply_along_axis(_ranks, 1, values) for values in (one, other)]
    centred = [values - values.mean(axis=1, keepdims=True) for values in ranks]
    size = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    varied = size > 0
    if not varied.any():
        return 0.0
    return float(((centred[0] * centred[1]).sum(axis=1)[varied] / size[varied]).mean())


def _ranks(values: Array) -> Array:
    """Ranks of numbers, the mean of them where several are equal."""
    below = (values[:, None] > values).sum(axis=1)
    equal = (values[:, None] == values).sum(axis=1)
    ranks: Array = below + 0.5 * (equal - 1)
    return ranks
