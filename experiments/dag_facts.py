"""What a learned graph on agents looks like, how it depends on the state, and how much correlation a team makes of it.

Graphs are looked at in S states (`experiments.dag_states` collects them). In each, the team draws a graph with noise, as
in training, or without. How likely an edge is then, how that changes from state to state, and the mutual information
between agents' actions given the state are averaged over states.

Letters: S states, n agents, M samples, J joint actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.dag_correlation import SAMPLES, Correlation, blocks, correlation_of, graphs_of
from experiments.dag_states import joined, states_of, visited_steps
from experiments.intervals import bootstrap_interval
from games.env import Env, Step
from games.errors import InputError
from marl.dag_measures import binary_entropy, open_ratio

if TYPE_CHECKING:
    from experiments.training.runs import Run

__all__ = ["DagFacts", "facts", "run_facts", "visited_steps"]

Array = npt.NDArray[Any]

DRAWS = 64
WIDE = 16
"""Intervals of every single edge are found for up to so many agents."""


@dataclass(frozen=True)
class DagFacts:
    """The graphs of a team in S states, and the correlation of its play. ``[j, i]`` is about j as a parent of i.

    Parameters
    ----------
    agents : tuple of str
        Names.
    states : int
        How many were looked at, S.
    listed : bool
        Whether these are all there are; otherwise they are those that play visited.
    execution : str
        How the team draws its graph when it plays: "learned" (without noise), "noisy" or "empty".
    greedy : bool
        Whether it plays its likeliest actions. Given state and graph nothing is random then, and nothing correlated.
    draws : int
        Graphs drawn with noise in each state.
    probability : float64[n, n]
        How likely an edge is when the graph is drawn with noise, mean over states.
    spread : float64[n, n]
        Standard deviation of that probability over states, what comes from the finite number of draws taken out.
    frequency : float64[n, n]
        In which share of states an edge is there without noise.
    distinct : int
        How many different graphs there are without noise.
    noisy_ratio : float64[S]
        Expected open ratio of each state with noise; see `marl.dag_measures.open_ratio`.
    ratio : float64[S]
        The open ratio of each state's graph without noise.
    uncertainty : float64[S]
        Mean entropy of a possible edge with noise, in nats: 0 if the state decides all edges.
    information : float64[n, n]
        Mutual information between two agents' actions given the state, mean over states, in nats.
    correlation : float64[K]
        Total correlation of all agents' actions in each state, in nats; NaN where it cannot be estimated. K is S, but
        fewer of many agents, see `experiments.dag_correlation.WORK`; the same states are behind `information`.
    method : str
        Of the last two: "exact" from all joint actions, "sampled" with conditional distributions of drawn actions, or
        "counted" from drawn actions alone; "none", and NaN, if agents remember.
    samples : int
        Joint actions drawn per state; 0 if exact.
    bias : float
        By how many nats mutual information is overestimated at most on average, to first order.
    intervals : dict of str to float64[..., 2]
        95 % bootstrap intervals of means over states by name of field, "variation" for that property; "probability" and
        "information" edge by edge for up to 16 agents. They take states as drawn independently, and are about other
        states of the same play: there are none if all states are listed, or there is only one.
    places : tuple of (float, float)
        Where agents stand, if the environment says so.
    neighbours : tuple of (int, int)
        Who is whose neighbour, likewise.
    steps : int or None
        Joint environment steps for which the team was trained, if that is known.
    """

    agents: tuple[str, ...]
    states: int
    listed: bool
    execution: str
    greedy: bool
    draws: int
    probability: Array
    spread: Array
    frequency: Array
    distinct: int
    noisy_ratio: Array
    ratio: Array
    uncertainty: Array
    information: Array
    correlation: Array
    method: str
    samples: int
    bias: float
    intervals: dict[str, Array] = field(default_factory=dict)
    places: tuple[tuple[float, float], ...] = ()
    neighbours: tuple[tuple[int, int], ...] = ()
    steps: int | None = None

    @property
    def variation(self) -> float:
        """How far the open ratio without noise is from its mean, on average over states."""
        return float(np.abs(self.ratio - self.ratio.mean()).mean())

    @property
    def played_probability(self) -> Array:
        """How likely edges are in the graphs that are played, float64[n, n]: with noise or without."""
        return self.probability if self.execution == "noisy" else self.frequency

    @property
    def mean_information(self) -> float:
        """Mutual information of two agents' actions, mean over pairs, in nats."""
        pairs = np.triu_indices(len(self.agents), 1)
        return float(self.information[pairs].mean()) if len(pairs[0]) else 0.0

    def to_document(self) -> dict[str, Any]:
        """What `--json` says: means over states, tables of edges, intervals."""
        means = {name: float(getattr(self, name).mean()) for name in _OF_STATES}
        tables = {name: getattr(self, name).tolist() for name in _OF_EDGES}
        return {
            "agents": list(self.agents),
            "states": self.states,
            "listed": self.listed,
            "execution": self.execution,
            "greedy": self.greedy,
            "trained_steps": self.steps,
            "draws": self.draws,
            "open_ratio": means["ratio"],
            "open_ratio_variation": self.variation,
            "noisy_open_ratio": means["noisy_ratio"],
            "edge_entropy": means["uncertainty"],
            "distinct_graphs": self.distinct,
            "edge_probability": tables["probability"],
            "edge_spread": tables["spread"],
            "edge_frequency": tables["frequency"],
            "measured_states": len(self.correlation),
            "mutual_information": tables["information"],
            "mean_mutual_information": self.mean_information,
            "total_correlation": means["correlation"],
            "method": self.method,
            "samples": self.samples,
            "bias": self.bias,
            "intervals": {_TOLD[name]: ends.tolist() for name, ends in self.intervals.items()},
        }


_OF_STATES = ("ratio", "noisy_ratio", "uncertainty", "correlation")
_OF_EDGES = ("probability", "spread", "frequency", "information")
_TOLD = {
    "ratio": "open_ratio",
    "variation": "open_ratio_variation",
    "noisy_ratio": "noisy_open_ratio",
    "uncertainty": "edge_entropy",
    "correlation": "total_correlation",
    "mean_information": "mean_mutual_information",
    "probability": "edge_probability",
    "information": "mutual_information",
}


def facts(
    team: Any,
    steps: Step | Sequence[Step],
    rng: np.random.Generator,
    draws: int = DRAWS,
    *,
    samples: int = SAMPLES,
    listed: bool = False,
    env: Env | None = None,
) -> DagFacts:
    """Measure a team's graphs and correlation.

    Parameters
    ----------
    team : NetworkedTeam or BayesNet
        Who plays: `marl.bayes_net_team.NetworkedTeam`, or a table of networks.
    steps : Step or sequence of Step
        The states, a sub-environment each.
    rng : numpy.random.Generator
        Draws graphs, joint actions and the resamples of intervals.
    draws : int
        Graphs drawn with noise in each state.
    samples : int
        Joint actions drawn in each state where there are too many to list.
    listed : bool
        Whether these are all states.
    env : Env, optional
        The environment, which may say where agents stand.

    Raises
    ------
    InputError
        If the team has no graphs, as independent agents.
    """
    if not (hasattr(team, "graphs") or hasattr(team, "network")):
        raise InputError("the team plays independently: it has no graph to look at")
    if draws < 2 or samples < 2:
        raise InputError(f"at least 2 draws and 2 samples are needed, not {draws} and {samples}")
    step = joined(steps)
    names = tuple(team.names) if hasattr(team, "names") else tuple(team.spec.agents)
    edges = _Edges(team, step, rng, draws, len(names))
    played = correlation_of(team, step, rng, samples)
    intervals = {} if listed or step.batch < 2 else _intervals(edges, played, rng)
    return DagFacts(
        agents=names,
        states=step.batch,
        listed=listed,
        execution=getattr(team, "execution", "learned"),
        greedy=bool(getattr(team, "greedy", False)),
        draws=draws,
        probability=edges.probability,
        spread=edges.spread,
        frequency=edges.frequency,
        distinct=edges.distinct,
        noisy_ratio=edges.noisy_ratio,
        ratio=edges.ratio,
        uncertainty=edges.uncertainty,
        information=played.information.mean(axis=0),
        correlation=played.total,
        method=played.method,
        samples=samples if played.method in ("sampled", "counted") else 0,
        bias=played.bias,
        intervals=intervals,
        **_surroundings(env, len(names)),
    )


def run_facts(
    run: Run,
    file: Path,
    *,
    seed: int = 0,
    env: Env | None = None,
    execution: str | None = None,
    device: str = "cpu",
    progress: Any = None,
) -> DagFacts:
    """Measure the team in a checkpoint, which draws its actions rather than play the likeliest.

    Parameters
    ----------
    run : Run
        A run of `staghunt train bayes-net`.
    file : Path
        One of its checkpoints.
    seed : int
        Of the states that are visited, and all else that is drawn.
    env : Env, optional
        The run's environment, if it has been made already.
    execution : str, optional
        How the team draws its graphs when it plays: "learned", "noisy" or "empty"; by default as in the run.
    device : str
        Where networks live.
    progress : callable, optional
        Told of the episodes that are played.

    Raises
    ------
    InputError
        If the checkpoint is damaged, or the team in it plays independently.
    """
    from experiments.training.runs import team_of

    _, env, state, team = team_of(run, file, device=device, greedy=False, env=env)
    if not hasattr(team, "with_execution"):
        raise InputError(f"the agents of {file} play independently: there is no graph to look at")
    if execution is not None:
        team = team.with_execution(execution)
    rng = np.random.default_rng(seed)
    step, listed = states_of(env, team, rng, max_steps=run.spec.training.max_steps, progress=progress)
    found = facts(team, step, rng, listed=listed, env=env)
    return replace(found, steps=getattr(state, "steps", None))


# --- edges --------------------------------------------------------------------------------------------------------


class _Edges:
    """Means over states of what there is to know of edges; blocks of states at a time."""

    def __init__(self, team: Any, step: Step, rng: np.random.Generator, draws: int, agents: int) -> None:
        self._pairs = ~np.eye(agents, dtype=bool)
        self.rows: list[Array] = []  # probabilities of all edges, where they are kept
        probability = frequency = first = moved = square = noise = np.zeros((agents, agents))
        ratio, noisy, uncertainty, seen = [], [], [], []
        for rows in blocks(step.batch, agents * agents):
            here = step.where(rows)
            graphs = graphs_of(team, here)
            if hasattr(team, "edge_probabilities"):
                likely = np.asarray(team.edge_probabilities(here, rng, draws), dtype=np.float64)
            else:
                likely = graphs.astype(np.float64)
            if getattr(team, "random", False):  # there is no form without noise
                graphs = rng.random(likely.shape) < likely
            first = likely[0] if rows.start == 0 else first
            away = likely - first  # so that what never changes has a spread of exactly 0
            moved, square = moved + away.sum(axis=0), square + (away**2).sum(axis=0)
            noise = noise + (likely * (1.0 - likely)).sum(axis=0) / (draws - 1)
            frequency = frequency + graphs.sum(axis=0)
            probability = probability + likely.sum(axis=0)
            ratio.append(open_ratio(graphs))
            noisy.append(open_ratio(likely))
            uncertainty.append(
                binary_entropy(likely[:, self._pairs]).mean(axis=1) if agents > 1 else 0 * ratio[-1]
            )
            seen.append(np.packbits(graphs.reshape(len(graphs), -1), axis=1))
            if agents <= WIDE:
                self.rows.append(likely)
        count = step.batch
        self.probability, self.frequency = probability / count, frequency / count
        variance = square / count - (moved / count) ** 2
        self.spread = np.sqrt(np.maximum(variance - noise / count, 0.0))
        self.ratio, self.noisy_ratio = np.concatenate(ratio), np.concatenate(noisy)
        self.uncertainty = np.concatenate(uncertainty)
        self.distinct = len(np.unique(np.concatenate(seen), axis=0))


# --- the rest -----------------------------------------------------------------------------------------------------


def _intervals(edges: _Edges, played: Correlation, rng: np.random.Generator) -> dict[str, Array]:
    """Intervals of means over states."""
    agents = played.information.shape[1]
    pairs = np.triu_indices(agents, 1)
    of_graphs = {
        "ratio": edges.ratio,
        "variation": np.abs(edges.ratio - edges.ratio.mean()),
        "noisy_ratio": edges.noisy_ratio,
        "uncertainty": edges.uncertainty,
    }
    of_play = {
        "correlation": played.total,
        "mean_information": played.information[:, *pairs].sum(axis=1) / max(len(pairs[0]), 1),
    }
    out: dict[str, Array] = {}
    for columns in (of_graphs, of_play):
        known = {name: column for name, column in columns.items() if np.isfinite(column).all()}
        if known and (found := bootstrap_interval(np.stack(list(known.values()), axis=1), rng)) is not None:
            out |= dict(zip(known, found))
    if edges.rows:
        for name, table in (("probability", np.concatenate(edges.rows)), ("information", played.information)):
            ends = (
                bootstrap_interval(table.reshape(len(table), -1), rng) if np.isfinite(table).all() else None
            )
            if ends is not None:
                out[name] = ends.reshape(agents, agents, 2)
    return out


def _surroundings(env: Env | None, agents: int) -> dict[str, Any]:
    """Where agents stand and who is whose neighbour, if the environment is a graph on them."""
    graph = getattr(getattr(env, "rules", None), "graph", None)
    places, neighbours = getattr(graph, "places", ()), getattr(graph, "edges", ())
    if len(places) != agents:
        return {}
    return {"places": tuple(places), "neighbours": tuple(neighbours)}
