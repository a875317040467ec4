"""Pictures of the claims on Dec-POMFC: learning curves, returns against the number of agents, distances from the limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.learning_curves import Curve, at, grid
from experiments.papers import decpomfc_arms as arms
from experiments.papers.bayes_net_figures import values_figure, write
from experiments.papers.claims import Order
from experiments.papers.decpomfc_learning import LINES, Numbers
from experiments.papers.decpomfc_runs import MODES, Sweep, pooled
from experiments.papers.samples import sample
from experiments.plots import COLOURS, new_figure, plain_text, tidy
from experiments.training.runs import read_metrics, read_timing

if TYPE_CHECKING:
    from experiments.training.runs import Run

SMALL = 8
"""Size of letters in panels."""
BY_FIELD = "return_det"
"""What evaluations call the return of a swarm that looks at its mean field."""
AXES = ("joint environment steps", "steps of single agents", "seconds of playing and learning")


# --- learning -------------------------------------------------------------------------------------------------


def learning_figures(
    order: Order, name: str, task: str, runs: Mapping[str, Run], rows: Mapping[str, Numbers]
) -> tuple[str, ...]:
    """Learning curves of the families, and what every seed ended with."""
    figure = new_figure(6.8, 4.2)
    axes = figure.add_subplot()
    for k, (label, run) in enumerate(runs.items()):
        curves = [_curve(run, seed) for seed in run.seeds]
        _draw(axes, curves, label, COLOURS[k % len(COLOURS)])
    _finish(axes, task, AXES[0])
    ends = {family: sample(row["DET"]) for family, row in rows.items()}
    values = values_figure(ends, "final return by the mean field", LINES[task][1])
    return write(order, f"{name}-curves", figure), write(order, f"{name}-returns", values)


def marl_figure(runs: Mapping[str, Run], title: str) -> Figure:
    """Returns over environment steps, over steps of agents, and over time."""
    figure = new_figure(11.0, 4.0)
    panels = figure.subplots(1, len(AXES), sharey=True)
    for k, (label, run) in enumerate(runs.items()):
        curves = [_curve(run, seed) for seed in run.seeds]
        agents = _agents_of(run)
        scaled = [
            curves,
            [Curve(curve.steps * agents, curve.values) for curve in curves],
            [Curve(_milliseconds(run, seed, one.steps), one.values) for seed, one in zip(run.seeds, curves)],
        ]
        for axes, found, unit in zip(panels, scaled, (1.0, 1.0, 1000.0)):
            _draw(axes, found, label, COLOURS[k], unit)
    for axes, label in zip(panels, AXES):
        _finish(axes, "aggregation", label)
    panels[1].set_xscale("log")
    panels[1].set_xlim(left=1_000.0)
    panels[0].ticklabel_format(axis="x", style="sci", scilimits=(0, 3))
    panels[0].set_title(plain_text(title), fontsize=SMALL + 1)
    return figure


def _curve(run: Run, seed: int) -> Curve:
    """Evaluations of a seed: by the mean field where that is told, else as the trainer plays."""
    rows = read_metrics(run.folder(seed), "evaluation")
    key = BY_FIELD if BY_FIELD in rows[-1] else "return"
    return Curve(np.array([row["steps"] for row in rows]), np.array([float(row[key]) for row in rows]))


def _agents_of(run: Run) -> int:
    from games.env_uris import make_env

    return len(make_env(run.spec.env).spec.agents)


def _milliseconds(run: Run, seed: int, steps: Any) -> Any:
    """Time of playing and learning at steps of evaluations, int64, strictly increasing."""
    ends, spent, total, before = [0], [0.0], 0.0, 0.0
    for row in read_timing(run.folder(seed)):
        total += (row["play"] + row["learn"]) * max(row["seconds"] - before, 0.0)
        before = row["seconds"]
        ends.append(row["steps"])
        spent.append(total)
    found = np.rint(1000 * np.interp(steps, ends, spent)).astype(np.int64)
    return np.maximum.accumulate(found) + np.arange(len(found))


def _draw(axes: Axes, curves: Sequence[Curve], label: str, colour: str, unit: float = 1.0) -> None:
    """The mean over seeds, and all that lies between the lowest and the highest."""
    steps = grid(curves)
    values = np.stack([at(curve, steps) for curve in curves])
    x = np.maximum(steps, 1) / unit
    axes.plot(x, values.mean(axis=0), color=colour, linewidth=1.8, label=plain_text(label))
    axes.fill_between(x, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0)


def _finish(axes: Axes, task: str, label: str) -> None:
    for line, style in zip(LINES[task], (":", "--")):
        axes.axhline(line, color="0.4", linestyle=style, linewidth=1.0)
    axes.set_xlabel(label, fontsize=SMALL)
    axes.set_ylabel("return; bands are the range of seeds", fontsize=SMALL)
    axes.set_title("dotted: doing nothing, dashed: the scripted rule", fontsize=SMALL, color="0.35")
    axes.legend(fontsize=SMALL)
    axes.tick_params(labelsize=SMALL)
    tidy(axes)


# --- sizes ----------------------------------------------------------------------------------------------------


def deviations_figure(
    series: Mapping[str, Mapping[int, float]],
    label: str = "mean absolute deviation of the return from the limit",
) -> Figure:
    """Distances from the limit against the number of agents, beside 1 / sqrt(N)."""
    figure = new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    for k, (name, found) in enumerate(series.items()):
        sizes, values = np.array(list(found)), np.array(list(found.values()))
        axes.plot(sizes, values, "o-", color=COLOURS[k], label=plain_text(name))
        axes.plot(sizes, values[0] * np.sqrt(sizes[0] / sizes), color=COLOURS[k], linestyle=":")
    _log_sizes(axes, label, sizes.tolist())
    axes.set_title("dotted: 1 / √N through the first point", fontsize=SMALL + 1, color="0.35")
    return figure


def gradient_figure(measured: Mapping[str, Any]) -> Figure:
    """Relative errors of gradients against the number of agents."""
    errors = dict(zip(measured["agents"], measured["relative errors"]))
    return deviations_figure({"aggregation, policy gradient": errors}, "relative error")


def sizes_figure(sweeps: Mapping[str, Sweep]) -> Figure:
    """Returns against the number of agents by mode of execution, with two standard errors; a panel per task."""
    figure = new_figure(10.0, 4.4)
    for axes, (task, found) in zip(figure.subplots(1, len(sweeps), squeeze=False)[0], sweeps.items()):
        for k, mode in enumerate(mode for mode in MODES if mode in found):
            sizes = sorted(found[mode])
            told = [pooled(found[mode][n]) for n in sizes]
            middle, errors = (np.array(column) for column in zip(*told))
            axes.errorbar(
                sizes,
                middle,
                2 * errors,
                marker="o",
                markersize=4,
                capsize=2,
                color=COLOURS[k],
                label=mode,
                linestyle="--" if mode == "OPEN" else "-",
            )
        axes.set_xscale("log")
        axes.set_xticks(sizes, map(str, sizes))
        axes.minorticks_off()
        axes.set_title(plain_text(task), fontsize=SMALL + 2)
        axes.set_xlabel("agents", fontsize=SMALL)
        axes.set_ylabel("return, mean over seeds and two standard errors over episodes", fontsize=SMALL)
        axes.legend(fontsize=SMALL)
        tidy(axes)
    return figure


def laws_figure(measured: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Figure:
    """What rules in advance return beyond DET, by task and first places, with two standard errors."""
    figure = new_figure(7.0, 3.6)
    axes = figure.add_subplot()
    rows = [(task, law, told) for task, laws in measured.items() for law, told in laws.items()]
    colours = {task: COLOURS[k] for k, task in enumerate(measured)}
    for k, (task, _, told) in enumerate(rows):
        error = 2 * told["standard error"]
        axes.errorbar(told["OPEN - DET"], k, xerr=error, fmt="D", color=colours[task], capsize=2)
    axes.axvline(0.0, color="0.4", linestyle=":", linewidth=1.0)
    axes.set_yticks(range(len(rows)), [f"{task}, {law}" for task, law, _ in rows], fontsize=SMALL)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(
        f"return of OPEN minus that of DET, {arms.AGENTS} agents, two standard errors", fontsize=SMALL
    )
    tidy(axes)
    return figure


def _log_sizes(axes: Axes, label: str, sizes: Sequence[int]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, map(str, sizes))
    axes.tick_params(axis="x", which="minor", bottom=False)
    axes.set_xlabel("agents", fontsize=SMALL + 1)
    axes.set_ylabel(label, fontsize=SMALL + 1)
    axes.legend(fontsize=SMALL)
    tidy(axes)
