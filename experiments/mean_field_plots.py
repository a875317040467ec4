"""Pictures of mean-field equilibria: where the crowd is over time, and how fast it was found."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.plots import COLOURS, new_figure, plain_text, tidy
from games.meanfield import MeanFieldModel
from games.simplices import Float

_LABELS = 20  # names of states on an axis


def mean_field_figure(model: MeanFieldModel, solution: Any) -> Figure:
    """The flow of the mean field as a heat map, and exploitability against iterations."""
    figure = new_figure(11.0, 4.6)
    left, right = figure.subplots(1, 2, width_ratios=[6, 5])
    plot_flow(left, model, model.flow(solution.strategy).states)
    plot_exploitability(right, solution.stats["trace"])
    figure.suptitle(f"Nash: {plain_text(model.title, 60)}, by {solution.method}")
    return figure


def plot_flow(axes: Axes, model: MeanFieldModel, states: Float) -> Axes:
    """Shares of agents float64[T + 1, X], time to the right and states upwards."""
    image = axes.imshow(
        states.T, origin="lower", aspect="auto", cmap="Blues", interpolation="nearest", vmin=0.0
    )
    step = -(-model.states // _LABELS)
    places = np.arange(0, model.states, step)
    axes.set_yticks(places, [plain_text(model.state_names[x], 14) for x in places], fontsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("step")
    axes.set_title("Share of agents in each state", fontsize=11)
    axes.figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
    return axes


def plot_exploitability(axes: Axes, trace: Any) -> Axes:
    """What one agent could gain, along the iterates; zeros, which have no logarithm, lie on the bottom."""
    at = np.array([point.iterations for point in trace], dtype=float)
    gap = np.array([point.nash_conv for point in trace])
    floor = float(gap[gap > 0].min()) / 10 if (gap > 0).any() else 1e-16
    shown = np.maximum(gap, floor)
    axes.plot(at, shown, color=COLOURS[0], linewidth=1.2, alpha=0.6, label="iterate")
    axes.plot(at, np.minimum.accumulate(shown), color=COLOURS[1], linewidth=1.6, label="best so far")
    if at[-1] >= 20:
        axes.set_xscale("symlog", linthresh=1.0)
    axes.set_yscale("log")
    axes.set_xlabel("iterations")
    axes.set_ylabel("exploitability")
    tidy(axes)
    axes.legend(fontsize=8, framealpha=0.9)
    return axes
