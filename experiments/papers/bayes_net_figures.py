"""Pictures of the Bayesian-network actor-critic's claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from experiments.aggregates import Float
from experiments.learning_curves import Curve, at, grid
from experiments.papers.claims import Order
from experiments.plots import COLOURS, new_figure, plain_text, save_figure, tidy
from experiments.training.runs import read_metrics

if TYPE_CHECKING:
    from experiments.training.runs import Run

SCHEDULE = {"open_ratio": "open ratio ρ", "wanted_ratio": "wanted ratio τ", "sparsity": "weight α"}
"""What the annealing's picture shows, by the names of the metrics."""


def write(order: Order, name: str, figure: Figure) -> str:
    """Write a picture into the folder of a reproduction; its path there."""
    path = order.figure(name)
    save_figure(path, figure)
    return path.relative_to(order.out).as_posix()


def values_figure(
    rows: Mapping[str, Mapping[str, Any]], label: str, reference: float | None = None
) -> Figure:
    """A line per arm: every seed as a dot, the mean and its interval.

    Parameters
    ----------
    rows : mapping of str to mapping
        By arm, as `experiments.papers.samples.sample` tells it.
    label : str
        What the numbers are.
    reference : float, optional
        A value to compare with.
    """
    figure = new_figure(7.0, 1.2 + 0.42 * len(rows))
    axes = figure.add_subplot()
    for k, told in enumerate(rows.values()):
        colour = COLOURS[k % 3] if len(rows) % 3 == 0 else COLOURS[k % len(COLOURS)]
        values = np.asarray(told["values"])
        axes.plot(values, np.full(len(values), float(k)), "o", color=colour, alpha=0.35, markersize=4)
        axes.plot([told["mean"]], [k], "D", color=colour, markersize=6)
        if told["low"] is not None:
            axes.plot([told["low"], told["high"]], [k, k], color=colour, linewidth=2.2)
    if reference is not None:
        axes.axvline(reference, color="0.4", linestyle=":", linewidth=1.2)
    axes.set_yticks(range(len(rows)), [plain_text(name) for name in rows], fontsize=9)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"{label}; dots are seeds, lines 95 % intervals of the mean", fontsize=9)
    tidy(axes)
    return figure


def curves_figure(runs: Mapping[str, Run], label: str) -> Figure:
    """Evaluations of every run against steps: mean over seeds, and all that lies between the lowest and the highest."""
    figure = new_figure(6.8, 4.2)
    axes = figure.add_subplot()
    for k, (name, run) in enumerate(runs.items()):
        steps, values = _table(run, "evaluation", "return")
        colour = COLOURS[k % len(COLOURS)]
        axes.plot(steps, values.mean(axis=0), color=colour, linewidth=1.8, label=plain_text(name))
        axes.fill_between(
            steps, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0
        )
    axes.set_xlabel("joint environment steps")
    axes.set_ylabel(f"{label}; bands are the range of seeds", fontsize=9)
    axes.legend(fontsize=9)
    tidy(axes)
    return figure


def annealing_figure(run: Run) -> Figure:
    """The density of the graph, what was wanted of it, and with which weight, against steps: means over seeds."""
    figure = new_figure(6.8, 3.8)
    axes = figure.add_subplot()
    for k, (name, told) in enumerate(SCHEDULE.items()):
        steps, values = _table(run, "update", name)
        axes.plot(steps, values.mean(axis=0), color=COLOURS[k], linewidth=1.8, label=told)
        axes.fill_between(
            steps, values.min(axis=0), values.max(axis=0), color=COLOURS[k], alpha=0.15, linewidth=0
        )
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("joint environment steps")
    axes.legend(fontsize=9)
    tidy(axes)
    return figure


def _table(run: Run, kind: Any, name: str) -> tuple[Float, Float]:
    """Steps float64[K], and a number of every seed at these, float64[seeds, K]."""
    curves = []
    for seed in run.seeds:
        rows = [row for row in read_metrics(run.folder(seed), kind) if isinstance(row.get(name), int | float)]
        curves.append(Curve(np.array([r["steps"] for r in rows]), np.array([float(r[name]) for r in rows])))
    steps = grid(curves)
    return steps.astype(np.float64), np.stack([at(curve, steps) for curve in curves])
