"""The correlation that a team makes of its graphs: mutual information between agents' actions given the state.

Letters: S states, n agents, M samples, J joint actions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from games.dag import depths
from games.env import Step
from games.policy import JointPolicy
from games.streams import ACT, Streams, draw_seeds
from marl.dag_measures import (
    counted_correlation,
    information_bias,
    one_hot,
    sampled_correlation,
    sampled_information,
)

Array = npt.NDArray[Any]

SAMPLES = 1_024
EXACT = 4_096
"""With up to so many joint actions, everything is computed exactly."""
COUNTED = 0.05
"""Total correlation is not counted where that is too high on average by more nats than this."""
WORK = 100_000_000
"""At most about so many pairs of agents are looked at, in all samples together."""
_AT_ONCE = 2_000_000
"""Numbers that one table of a block of states may hold."""


@dataclass(frozen=True)
class Correlation:
    """Of a team's actions in S states, or in as many of them as there is time for, in nats.

    Parameters
    ----------
    information : float64[S, n, n]
        Mutual information of every two agents' actions.
    total : float64[S]
        Total correlation of all agents' actions; NaN where it could not be estimated to 0.05 nats.
    method : str
        "exact" from all joint actions, "sampled" with the conditional distributions of drawn actions, or "counted" from
        drawn actions alone; "none" if agents remember.
    bias : float
        By how much mutual information is overestimated at most on average, to first order.
    """

    information: Array
    total: Array
    method: str
    bias: float


def correlation_of(team: Any, step: Step, rng: np.random.Generator, samples: int = SAMPLES) -> Correlation:
    """Measure in every state: exactly with up to `EXACT` joint actions, else by `samples` drawn joint actions.

    Of many agents samples are drawn in some states only, evenly spaced. A team that draws its graphs with noise does not tell its joint distribution, and is judged by counting. Of agents who
    remember, what they do is not a function of the state: nothing is measured, all numbers are NaN.
    """
    counts = _action_counts(team)
    joint, agents = math.prod(counts), len(counts)
    if team.start(1) is not None:
        unknown = np.full((step.batch, agents, agents), np.nan)
        return Correlation(unknown, unknown[:, 0, 0], "none", math.nan)
    if joint <= EXACT and getattr(team, "execution", "learned") != "noisy":
        parts = []
        for rows in blocks(step.batch, len(counts) * joint):
            net = team.network(step.where(rows))
            parts.append((net.mutual_information(), net.total_correlation()))
        information, correlation = (np.concatenate(column) for column in zip(*parts))
        return Correlation(information, correlation, "exact", 0.0)
    affordable = max(1, WORK // (samples * agents * agents))
    if affordable < step.batch:
        step = step.where(np.linspace(0, step.batch - 1, affordable).round().astype(np.int64))
    return _sampled(team, step, rng, samples, counts)


def _sampled(
    team: Any, step: Step, rng: np.random.Generator, samples: int, counts: tuple[int, ...]
) -> Correlation:
    width, agents, joint = max(counts), len(counts), math.prod(counts)
    known = hasattr(team, "conditionals") and getattr(team, "execution", "learned") != "noisy"
    parts = []
    for rows in blocks(step.batch, samples * agents * width):
        here = step.where(np.repeat(np.arange(rows.start, rows.stop), samples))
        actions = _drawn(team, here, rng)
        if known:
            told = np.asarray(team.conditionals(here, actions), dtype=np.float64)
            place = depths(graphs_of(team, step.where(rows)))
        else:
            told, place = one_hot(actions, width), np.zeros((rows.stop - rows.start, agents), dtype=np.int64)
        place = place * agents + np.arange(agents)
        before = place[:, :, None] < place[:, None, :]
        actions, told = actions.reshape(-1, samples, agents), told.reshape(-1, samples, agents, width)
        if known:
            total = sampled_correlation(told)
        elif (joint - 1 - sum(count - 1 for count in counts)) / (2 * samples) <= COUNTED:
            total = counted_correlation(actions, width)
        else:
            total = np.full(len(before), np.nan)
        parts.append((sampled_information(actions, told, before), total))
    information, correlation = (np.concatenate(column) for column in zip(*parts))
    method = "sampled" if known else "counted"
    return Correlation(information, correlation, method, information_bias(width, samples))


def _drawn(team: JointPolicy, step: Step, rng: np.random.Generator) -> Array:
    """A joint action per sub-environment, int[B, n]."""
    agents = sum(view.acting.shape[1] for view in step.groups)
    streams = Streams.from_seeds(draw_seeds(rng, step.batch), ACT, agents=agents)
    return np.concatenate(team.sample(step, team.start(step.batch), streams)[0], axis=1)


def _action_counts(team: Any) -> tuple[int, ...]:
    if hasattr(team, "spec"):
        return tuple(group.actions.width for group in team.spec.groups for _ in group.agents)
    return tuple(team.shape)


def graphs_of(team: Any, step: Step) -> Array:
    """The noise-free graphs of a team, or those of a table of networks, bool[B, n, n]."""
    return np.asarray(
        team.graphs(step) if callable(getattr(team, "graphs", None)) else team.network(step).graphs
    )


def blocks(states: int, each: int) -> list[slice]:
    """Consecutive states, so many at once that a table with `each` numbers per state stays small."""
    size = max(1, _AT_ONCE // max(each, 1))
    return [slice(start, min(start + size, states)) for start in range(0, states, size)]
