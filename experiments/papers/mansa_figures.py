"""Pictures of the neural claims on MANSA: learning curves, calls over training, and returns against calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.learning_curves import Curve, at, grid
from experiments.papers.bayes_net_figures import write
from experiments.papers.claims import Order
from experiments.papers.mansa_runs import Numbers, curve, share_of_calls
from experiments.papers.samples import sample
from experiments.plots import COLOURS, new_figure, plain_text, tidy
from experiments.training.runs import read_metrics

if TYPE_CHECKING:
    from experiments.training.runs import Run

BINS = 20
"""Parts of a training run over which calls are averaged."""
SMALL = 8
"""Size of letters in panels."""
SEPARATE = ", separate data"
"""What labels of arms end with whose independent learners have their own data alone."""
ENDS = {"IQL": 0.0, "QMIX": 1.0, "IPPO": 0.0, "MAPPO": 1.0}
"""Share of central steps of the arms without a switch."""
Runs = Mapping[str, Any]
Rows = Mapping[str, Numbers]


def study_figures(order: Order, name: str, runs: Runs, rows: Rows) -> tuple[str, ...]:
    """The pictures of a study of one task: paths in the folder of the reproduction."""
    return (
        write(order, f"{name}-curves", curves_figure(runs)),
        write(order, f"{name}-calls", calls_figure(runs)),
        write(order, f"{name}-tradeoff", tradeoff_figure(rows)),
    )


def tasks_figures(
    order: Order, name: str, runs: Mapping[str, Runs], rows: Mapping[str, Rows]
) -> tuple[str, ...]:
    """The pictures of several tasks with the same arms."""
    return (
        write(order, f"{name}-curves", panels_figure(runs, _draw_task_curves)),
        write(order, f"{name}-tradeoff", panels_figure(rows, _draw_task_tradeoff)),
    )


def base_of(label: str) -> str:
    """The arm whose colour this one has: with separate data as without."""
    return label.removesuffix(SEPARATE)


def colour_of(label: str, labels: Sequence[str]) -> str:
    """The colour of an arm: the same in all pictures of a study."""
    known = list(dict.fromkeys(map(base_of, labels)))
    return COLOURS[known.index(base_of(label)) % len(COLOURS)]


def style_of(label: str) -> str:
    """Random controls are dotted; arms with separate data are dashed."""
    separate = base_of(label) != label
    return ("-." if separate else ":") if label.startswith("random") else "--" if separate else "-"


def mark_of(label: str) -> str:
    """A square without a switch, a dot or a diamond with a learned one, a cross with random calls."""
    separate = base_of(label) != label
    if label in ENDS:
        return "s"
    return ("+" if separate else "x") if label.startswith("random") else "D" if separate else "o"


# --- learning curves ------------------------------------------------------------------------------------------


def curves_figure(runs: Runs) -> Figure:
    """E1 and E2 over training; arms whose independent learners have their own data alone in a panel of their own."""
    separate = [label for label in runs if base_of(label) != label]
    shared = [label for label in runs if label not in separate]
    panels = [("return E1, with the switch", "return", shared)]
    panels += [("return E2, independent policies alone", "return_independent", shared)]
    if separate:
        plain = [label for label in ENDS if label in runs]
        panels.append(("return E1, separate data", "return", [*plain, *separate]))
    figure = new_figure(4.6 * len(panels), 4.4)
    every = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (title, name, labels) in zip(every, panels):
        _draw_curves(axes, {label: runs[label] for label in labels}, name, list(runs))
        axes.set_title(title, fontsize=SMALL + 2)
        axes.legend(fontsize=SMALL - 1)
    every[0].set_ylabel("mean return of greedy play; bands are 95 % intervals", fontsize=SMALL)
    return figure


def _draw_curves(axes: Axes, runs: Runs, name: str, labels: Sequence[str]) -> None:
    """A line per arm; an arm without a switch has one kind of policies only, which are shown in any case."""
    for label, run in runs.items():
        found = [curve(run, seed, "return" if label in ENDS else name) for seed in run.seeds]
        curves = [one for one in found if one is not None]
        if curves:
            steps, low, mean, high = _band(curves)
            colour = colour_of(label, labels)
            axes.plot(steps, mean, style_of(label), color=colour, linewidth=1.6, label=plain_text(label))
            axes.fill_between(steps, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.set_xlabel("joint environment steps", fontsize=SMALL)
    axes.tick_params(labelsize=SMALL)
    tidy(axes)


def _band(curves: Sequence[Curve]) -> tuple[Any, Any, Any, Any]:
    """Steps, and at each the mean over seeds with its interval; the mean alone for a single seed."""
    steps = grid(curves)
    told = [sample(column) for column in np.stack([at(one, steps) for one in curves]).T]
    mean = np.array([one["mean"] for one in told])
    low, high = (
        np.array([one["mean"] if one[end] is None else one[end] for one in told]) for end in ("low", "high")
    )
    return steps, low, mean, high


# --- calls ----------------------------------------------------------------------------------------------------


def calls_figure(runs: Runs) -> Figure:
    """The share of calls over training, averaged over twentieths of it."""
    figure = new_figure(6.8, 4.2)
    axes = figure.add_subplot()
    for label, run in runs.items():
        shares = calls_over_training(run)
        if shares is None:
            continue
        ends = np.linspace(0.0, 1.0, BINS + 1) * run.spec.training.steps
        told = [sample(column) for column in shares.T]
        middle, colour = (ends[1:] + ends[:-1]) / 2, colour_of(label, list(runs))
        axes.plot(
            middle, shares.mean(axis=0), style_of(label), color=colour, linewidth=1.6, label=plain_text(label)
        )
        if told[0]["low"] is not None:
            low, high = ([one[end] for one in told] for end in ("low", "high"))
            axes.fill_between(middle, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("joint environment steps")
    axes.set_ylabel("share of steps with a central call; bands are 95 % intervals", fontsize=SMALL)
    axes.legend(fontsize=SMALL)
    tidy(axes)
    return figure


def calls_over_training(run: Run) -> Any:
    """Share of calls float64[seeds, BINS] in equal parts of training; None where nobody is called.

    Parts that are shorter than the steps between two lines about updates have the share of that line.
    """
    out = []
    for seed in run.seeds:
        rows = [
            row for row in read_metrics(run.folder(seed), "update") if row.get("call_fraction") is not None
        ]
        if not rows:
            return None
        ends = np.linspace(0.0, 1.0, BINS + 1) * rows[-1]["steps"]
        out.append([share_of_calls(rows, first, last) for first, last in pairwise(ends.tolist())])
    return np.array(out)


# --- returns against calls ------------------------------------------------------------------------------------


def tradeoff_figure(rows: Rows) -> Figure:
    """E1 against the share of calls, in training and in play."""
    figure = new_figure(10.0, 4.6)
    learned, played = figure.subplots(1, 2, sharey=True)
    _draw_tradeoff(learned, rows, "calls_training")
    _draw_tradeoff(played, rows, "calls_evaluation")
    for axes, what in ((learned, "training"), (played, "play of the final team")):
        axes.set_xlabel(f"share of steps with a central call in {what}", fontsize=SMALL + 1)
    learned.set_ylabel("return E1 at the end of training, 95 % intervals", fontsize=SMALL + 1)
    played.legend(fontsize=SMALL - 1, loc="best")
    played.set_title("hollow: the same policies, called by chance as often", fontsize=SMALL + 1, color="0.35")
    return figure


def _draw_tradeoff(axes: Axes, rows: Rows, name: str) -> None:
    """A mark per arm, see `mark_of`."""
    for label, numbers in rows.items():
        colour = colour_of(label, list(rows))
        y = sample(numbers["return"])
        x = ENDS[label] if label in ENDS else float(np.mean(numbers[name]))
        mark = mark_of(label)
        if y["low"] is not None:
            axes.plot([x, x], [y["low"], y["high"]], color=colour, linewidth=1.4, alpha=0.7)
        axes.plot([x], [y["mean"]], mark, color=colour, markersize=7, label=plain_text(label))
        if name == "calls_evaluation" and "return_by_chance" in numbers:
            other = float(np.mean(numbers["return_by_chance"]))
            axes.plot([x, x], [y["mean"], other], color=colour, linewidth=0.8, linestyle=":")
            axes.plot([x], [other], mark, markerfacecolor="none", color=colour, markersize=7)
    axes.set_xlim(-0.04, 1.04)
    axes.tick_params(labelsize=SMALL)
    tidy(axes)


# --- several tasks --------------------------------------------------------------------------------------------


def panels_figure(tasks: Mapping[str, Any], draw: Any) -> Figure:
    """A panel per task, and one legend."""
    columns = min(4, len(tasks) + 1)
    lines = ceil((len(tasks) + 1) / columns)
    figure = new_figure(3.4 * columns, 3.0 * lines)
    every = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, (task, found) in zip(every, tasks.items()):
        draw(axes, found)
        axes.set_title(task, fontsize=SMALL + 1)
    for axes in every[len(tasks) :]:
        axes.set_axis_off()
    handles, labels = every[0].get_legend_handles_labels()
    every[len(tasks)].legend(handles, labels, loc="center", fontsize=SMALL, frameon=False)
    return figure


def _draw_task_curves(axes: Axes, runs: Runs) -> None:
    _draw_curves(axes, runs, "return", list(runs))
    axes.set_ylabel("return E1, 95 % intervals", fontsize=SMALL)


def _draw_task_tradeoff(axes: Axes, rows: Rows) -> None:
    _draw_tradeoff(axes, rows, "calls_evaluation")
    axes.set_xlabel("share of calls in play", fontsize=SMALL)
    axes.set_ylabel("return E1", fontsize=SMALL)
