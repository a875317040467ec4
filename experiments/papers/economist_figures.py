"""Pictures of the claims on the AI Economist: learned schedules beside known ones, welfare against episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from experiments.learning_curves import Curve, at, grid
from experiments.papers.bayes_net_figures import write as write
from experiments.papers.economist_arms import EPISODE
from experiments.plots import COLOURS, new_figure, plain_text, tidy
from experiments.training.runs import read_metrics
from games.sims.economy_one_step_model import OneStepEconomy
from solvers.taxation import TaxOutcome, free_market

if TYPE_CHECKING:
    from experiments.training.runs import Run

SMALL = 8
"""Size of letters."""
LINES = ("optimum", "US federal", "best flat", "free market")
"""Whose welfare is drawn."""


def schedules_figure(
    economy: OneStepEconomy, learned: Sequence[Sequence[float]], known: Mapping[str, TaxOutcome]
) -> Figure:
    """Marginal rates against income, and where workers' incomes lie without taxes.

    Parameters
    ----------
    economy : OneStepEconomy
        The economy.
    learned : sequence of float[K]
        A schedule per seed.
    known : mapping of str to TaxOutcome
        Others; the free market is left out.
    """
    figure = new_figure(7.2, 4.2)
    axes = figure.add_subplot()
    incomes = np.sort(free_market(economy).income)
    ends = [*economy.brackets.cutoffs, max(1.15 * float(incomes[-1]), 1.3 * economy.brackets.cutoffs[-1])]
    for k, rates in enumerate(learned):
        label = f"learned, {len(learned)} seeds" if k == 0 else None
        axes.stairs(rates, ends, baseline=None, color=COLOURS[0], alpha=0.45, linewidth=2.2, label=label)
    shown = {name: one.rates for name, one in known.items() if name != "free market"}
    for (name, values), colour, style in zip(shown.items(), COLOURS[1:], ("-", "--", "-.", ":")):
        axes.stairs(
            values, ends, baseline=None, color=colour, linestyle=style, linewidth=1.6, label=plain_text(name)
        )
    axes.plot(
        incomes, np.full(len(incomes), -0.03), "|", color="0.35", markersize=6, label="free-market incomes"
    )
    axes.set_xlim(0.0, ends[-1])
    axes.set_ylim(-0.06, 1.03)
    axes.set_xlabel("income before taxes, coin", fontsize=SMALL + 1)
    axes.set_ylabel("marginal rate", fontsize=SMALL + 1)
    axes.legend(fontsize=SMALL, loc="upper center")
    axes.tick_params(labelsize=SMALL)
    tidy(axes)
    return figure


def curves_figure(
    curves: Mapping[str, Sequence[Curve]],
    known: Mapping[str, TaxOutcome],
    begins: int | None = None,
    label: str = "welfare of the greedy schedule, workers answering best",
) -> Figure:
    """Welfare against episodes: the mean over seeds, and all between the lowest and the highest.

    Parameters
    ----------
    curves : mapping
        By name, one per seed, over episodes.
    known : mapping of str to TaxOutcome
        Schedules whose welfare is drawn as lines.
    begins : int, optional
        The episode in which the planner begins to learn.
    label : str
        Which welfare it is.
    """
    figure = new_figure(7.2, 4.2)
    axes = figure.add_subplot()
    means = []
    for k, (name, found) in enumerate(curves.items()):
        steps = grid(found)
        values = np.stack([at(curve, steps) for curve in found])
        means.append(values.mean(axis=0))
        axes.plot(steps, means[-1], color=COLOURS[k], linewidth=1.8, label=plain_text(name))
        axes.fill_between(
            steps, values.min(axis=0), values.max(axis=0), color=COLOURS[k], alpha=0.15, linewidth=0
        )
    lines = {name: one.welfare for name, one in known.items() if name in LINES}
    last = max(int(curve.steps[-1]) for found in curves.values() for curve in found)
    for name, value in lines.items():
        axes.axhline(value, color="0.5", linestyle=":", linewidth=1.0)
        axes.annotate(
            plain_text(name), (last, value), fontsize=SMALL - 1, color="0.3", va="bottom", ha="right"
        )
    if begins:
        axes.axvline(begins, color="0.5", linestyle="--", linewidth=1.0)
        axes.set_title(
            "dashed: the planner begins to learn; before, with a first phase, rates are random",
            fontsize=SMALL + 1,
            color="0.35",
        )
    shown = [*lines.values(), *(float(value) for curve in means for value in (curve.min(), curve.max()))]
    room = 0.04 * (max(shown) - min(shown))
    axes.set_ylim(min(shown) - room, max(shown) + 2 * room)
    axes.set_xlabel("episodes", fontsize=SMALL + 1)
    axes.set_ylabel(f"{label}\nbands are the range of seeds", fontsize=SMALL)
    axes.legend(fontsize=SMALL, loc="lower right")
    axes.tick_params(labelsize=SMALL)
    tidy(axes)
    return figure


def welfare_curves(run: Run) -> list[Curve]:
    """What the planner of each seed was paid in evaluations, with its own workers, over episodes."""
    out = []
    for seed in run.seeds:
        rows = read_metrics(run.folder(seed), "evaluation")
        steps = np.array([row["steps"] // EPISODE for row in rows])
        out.append(Curve(steps, np.array([float(row["returns"][-1]) for row in rows])))
    return out
