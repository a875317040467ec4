"""The graphs that a run of `bayes-net` has learned: how dense they became, and what its checkpoints make of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from experiments.dag_facts import DagFacts, run_facts
from experiments.dag_plots import dag_figure
from experiments.plots import new_figure, tidy
from experiments.report.best import Progress, best_seeds
from experiments.report.figures import LINES, Picture, colour, picture
from experiments.training.runs import BEST, DENSE, LAST, Row, Run, read_metrics
from games.errors import InputError

LEARNER = "bayes-net"
WHICH = {DENSE: "before annealing", BEST: "best evaluation", LAST: "last"}


class GraphRow(NamedTuple):
    """What there is to know of a checkpoint's graphs: named numbers, None where there is none."""

    seed: int
    which: str
    method: str
    fields: list[tuple[str, float | None]]


@dataclass(frozen=True)
class GraphSection:
    """The section about graphs.

    Parameters
    ----------
    curves : Picture or None
        Density of graphs and influence of parents while training.
    pictures : list of Picture
        Of the graphs in checkpoints.
    rows : list of GraphRow
        Of the same and further checkpoints.
    notes : list of str
        What could not be looked at, and why.
    """

    curves: Picture | None
    pictures: list[Picture]
    rows: list[GraphRow]
    notes: list[str]


def graphs_of(run: Run, progress: Progress) -> GraphSection | None:
    """Look at the graphs of a run; None if its learner has none.

    Parameters
    ----------
    run : Run
        A run of `staghunt train`.
    progress : callable
        ``progress(fraction, text)``.
    """
    if run.spec.name != LEARNER:
        return None
    lines = {seed: read_metrics(run.folder(seed), "update") for seed in run.begun}
    lines = {seed: rows for seed, rows in lines.items() if any("open_ratio" in row for row in rows)}
    chosen = best_seeds(run)
    looked, notes = _look(run, chosen, progress)
    if len(run.begun) > len(chosen):
        notes.append(f"Looked at are the {len(chosen)} seeds with the best evaluations.")
    pictures = [_picture(*one) for one in looked if one[0] == chosen[0]]
    return GraphSection(_curves(lines), pictures, [_row(*one) for one in looked], notes)


Looked = tuple[int, str, DagFacts]


def _look(run: Run, seeds: list[int], progress: Progress) -> tuple[list[Looked], list[str]]:
    from experiments.training.driver import settled

    found: list[Looked] = []
    notes: list[str] = []
    files = [(seed, name) for seed in seeds for name in _names(run.folder(seed))]
    execution = "learned" if getattr(run.spec.learner, "execution", "") == "empty" else None
    with settled(run.spec.training.threads, "cpu"):
        for k, (seed, name) in enumerate(files):
            progress(k / len(files), f"looking at the graphs of seed {seed}, {WHICH[name]}")
            try:
                found.append((seed, name, run_facts(run, run.folder(seed) / name, execution=execution)))
            except InputError as error:
                if str(error) not in notes:
                    notes.append(str(error))
    return found, notes


def _names(folder: Path) -> list[str]:
    """The checkpoints to look at: the best, and of annealing that before it and the last."""
    wanted = WHICH if (folder / DENSE).is_file() else (BEST,)
    return [name for name in wanted if (folder / name).is_file()]


# --- what it comes to ---------------------------------------------------------------------------------------------


def _picture(seed: int, name: str, facts: DagFacts) -> Picture:
    steps = "" if facts.steps is None else f", after {facts.steps:,} steps"
    return picture(
        lambda: dag_figure(facts),
        f"Learned graph on {len(facts.agents)} agents, seed {seed}, {WHICH[name]}: how likely edges are, how that varies "
        "over states, and mutual information between agents' actions",
        f"Seed {seed}, {WHICH[name]}{steps}. An arrow leads from a parent to the agent that knows its action; its "
        "probability is a mean over states. Deviations are those of the probability with noise, from state "
        "to state. Agents draw their actions here.",
        mathematics=True,  # names were made safe
    )


def _row(seed: int, name: str, facts: DagFacts) -> GraphRow:
    document = facts.to_document()
    names = {
        "steps": "trained_steps",
        "states": "states",
        "open ratio": "open_ratio",
        "with noise": "noisy_open_ratio",
        "variation": "open_ratio_variation",
        "graphs": "distinct_graphs",
        "edge entropy": "edge_entropy",
        "mutual information": "mean_mutual_information",
        "total correlation": "total_correlation",
    }
    told = [(short, document[key]) for short, key in names.items()]
    return GraphRow(
        seed,
        WHICH[name],
        facts.method,
        [(short, value if _is_number(value) else None) for short, value in told],
    )


def _curves(lines: dict[int, list[Row]]) -> Picture | None:
    if not lines:
        return None
    annealed = any(_column(rows, "wanted_ratio")[1].size for rows in lines.values())
    extra = " Dashed: the wanted open ratio; dotted: the weight of the distance from it." if annealed else ""
    return picture(
        lambda: density_figure(lines),
        f"Open ratio of graphs, and influence of parents, against environment steps; {min(len(lines), LINES)} seeds",
        "Left: open ratio, the share of a total order's edges that are in use, with the noise of training."
        f"{extra} Right: influence of parents' actions, in nats: how far what an agent does is, on average, from what it "
        "would do without parents; given the graph, the sum over agents is at least the total correlation of their actions.",
    )


def density_figure(lines: dict[int, list[Row]]) -> Figure:
    """Open ratio (with its aim, where there is one) and influence of parents over training.

    Parameters
    ----------
    lines : dict of int to list of dict
        By seed, the lines about updates; see `experiments.training.runs.read_metrics`.
    """
    figure = new_figure(10.6, 3.8)
    density, influence = figure.subplots(1, 2)
    shown = list(lines.items())[:LINES]
    for k, (seed, rows) in enumerate(shown):
        paint = colour(k, len(shown))
        for axes, name in ((density, "open_ratio"), (influence, "influence")):
            axes.plot(*_column(rows, name), color=paint, linewidth=1.6, label=f"seed {seed}")
    if shown:  # the schedule is the same for all seeds
        _schedule(density, shown[0][1])
    density.set_ylabel("open ratio")
    density.set_ylim(-0.03, 1.05)
    influence.set_ylabel("influence of parents (nats)")
    influence.set_ylim(bottom=0.0)
    for axes in (density, influence):
        axes.set_xlabel("environment steps")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        tidy(axes)
    density.legend(fontsize=8, framealpha=0.9)
    return figure


def _schedule(axes: Axes, rows: list[Row]) -> None:
    for name, style, label in (("wanted_ratio", "--", "wanted, τ"), ("sparsity", ":", "its weight, α")):
        steps, values = _column(rows, name)
        if steps.size:
            axes.plot(steps, values, style, color="0.35", linewidth=1.3, label=label)


def _column(rows: list[Row], name: str) -> tuple[Any, Any]:
    """Steps and values of the lines that have a number of this name."""
    kept = [(row["steps"], row[name]) for row in rows if _is_number(row.get(name))]
    steps, values = np.array(kept, dtype=np.float64).reshape(-1, 2).T
    return steps, values


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
