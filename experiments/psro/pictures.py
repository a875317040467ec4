"""The course of a PSRO run as a picture."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots import COLOURS, new_figure, plain_text, tidy
from experiments.psro.result import Result
from games.simplices import Float


def psro_figure(result: Result, distance: str) -> Figure:
    """How far from equilibrium the meta-strategy was, against iterations and against seconds."""
    figure = new_figure(10.0, 4.2)
    left, right = figure.subplots(1, 2, sharey=True)
    gaps = np.array([step.gap for step in result.history])
    for axes, along, label in (
        (left, [step.number for step in result.history], "iterations"),
        (right, [step.seconds for step in result.history], "seconds"),
    ):
        plot_gaps(axes, np.asarray(along, dtype=np.float64), gaps)
        axes.set_xlabel(label)
    left.set_ylabel(distance)
    name = "JPSRO" if result.meta.correlated else "PSRO"
    about = f": {plain_text(result.arena.title, 70)}" if result.arena.title else ""
    figure.suptitle(f"{name}, {result.meta.name}, {result.oracle.name} responses{about}")
    return figure


def plot_gaps(axes: Axes, along: Float, gaps: Float) -> Axes:
    """Gaps on a logarithmic axis; exact zeros, which have no logarithm, lie on the bottom."""
    positive = gaps > 0
    floor = max(float(gaps[positive].min()) / 10, 1e-12) if positive.any() else 1e-12
    axes.plot(along, np.maximum(gaps, floor), color=COLOURS[0], linewidth=1.6)
    axes.plot(along[-1:], np.maximum(gaps[-1:], floor), "o", color=COLOURS[1], markersize=5)
    axes.set_xlim(0.0, 1.05 * max(float(along.max()), 1e-9))
    axes.set_yscale("log")
    tidy(axes)
    return axes
