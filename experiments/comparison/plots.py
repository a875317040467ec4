"""Pictures of comparisons: intervals of aggregates, curves with bands, performance profiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from experiments.aggregates import Estimate
from experiments.comparison.bands import Drawn, scaled
from experiments.comparison.summary import Comparison
from experiments.plots import COLOURS, new_figure, plain_text, tidy

PANELS = 12
"""At most so many environments are drawn, and so many algorithms named."""


def colour(k: int, count: int) -> Any:
    """Eight colours that anybody tells apart; more algorithms than that get a colour scale."""
    if count <= len(COLOURS):
        return COLOURS[k]
    import matplotlib as mpl

    return mpl.colormaps["turbo"](0.05 + 0.9 * k / (count - 1))


# --- intervals ------------------------------------------------------------------------------------------------


def intervals_figure(found: Comparison) -> Figure:
    """Point estimates and intervals per algorithm.

    Aggregates over all environments, one panel per statistic, where there are several on one scale; otherwise one panel
    per environment, with each seed's score as a dot.
    """
    panels: list[tuple[str, Sequence[tuple[str, Estimate, Any]]]]
    if len(found.shared_tasks) > 1 and found.totals:
        panels = [
            (title, [(t.algorithm, pick(t), ()) for t in found.totals])
            for title, pick in _statistics(found.scales is not None)
        ]
        where = f"{len(found.shared_tasks)} environments"
    else:
        panels = [
            (
                f"IQM, {plain_text(task, 36)}",
                [(r.group.algorithm, r.iqm, r.scores) for r in found.rows if r.group.task == task],
            )
            for task in found.grouped.tasks[:PANELS]
        ]
        where = ""
    names = found.grouped.algorithms
    columns = min(len(panels), 4)
    rows = -(-len(panels) // columns)
    figure = new_figure(max(3.2 * columns + 1.6, 5.0), rows * (1.3 + 0.34 * len(names)) + 0.4)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for one, (title, shown) in zip(axes, panels):
        _plot_intervals(one, shown, names)
        one.set_title(title, fontsize=10)
    for one in axes[len(panels) :]:
        one.set_visible(False)
    for one in axes[::columns]:
        one.set_yticks(range(len(names)), [plain_text(name, 36) for name in names])
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    figure.suptitle(_title(found, where), fontsize=11)
    return figure


def _statistics(normalised: bool) -> list[tuple[str, Callable[[Any], Estimate]]]:
    shown: list[tuple[str, Callable[[Any], Estimate]]] = [
        ("IQM", lambda total: total.iqm),
        ("Median", lambda total: total.median),
        ("Mean", lambda total: total.mean),
    ]
    return shown + [("Optimality gap", lambda total: total.optimality_gap)] * normalised


def _title(found: Comparison, where: str) -> str:
    scale = "" if found.scales is None else "normalised "
    level = f"{100 * found.asked.confidence:.6g} % intervals"
    return ", ".join(filter(None, (scale + plain_text(found.asked.score, 80), where, level)))


def _plot_intervals(axes: Axes, shown: Sequence[tuple[str, Estimate, Any]], names: Sequence[str]) -> None:
    for name, estimate, scores in shown:
        k = names.index(name)
        paint = colour(k, len(names))
        if estimate.has_interval:
            axes.barh(
                k, estimate.high - estimate.low, left=estimate.low, height=0.55, color=paint, alpha=0.45
            )
        axes.plot([estimate.value] * 2, [k - 0.3, k + 0.3], color="black", linewidth=1.6)
        axes.plot(
            scores,
            np.full(len(scores), k),
            linestyle="none",
            marker="o",
            markersize=3,
            color=paint,
            alpha=0.8,
        )
    tidy(axes)
    axes.use_sticky_edges = False  # bars would cling to the frame
    axes.margins(x=0.08)


# --- curves ---------------------------------------------------------------------------------------------------


def curves_figure(found: Comparison, drawn: Sequence[Drawn]) -> Figure:
    """Sample efficiency: the interquartile mean against environment steps, one panel per environment.

    A panel with a single algorithm shows its seeds too.
    """
    figure, panels = _panels(found, drawn)
    for axes, task in panels:
        draw_curves(axes, found, drawn, task)
    _finish(figure, panels, found, f"{found.asked.metric} (IQM)")
    return figure


def draw_curves(axes: Axes, found: Comparison, drawn: Sequence[Drawn], task: str | None) -> Axes:
    """The curves of one environment, or (None) of all together, with their bands."""
    shown = [one for one in drawn if one.task == task]
    for one in shown:
        _plot_band(axes, found, one, step=False)
    if len(shown) == 1 and task is not None:
        group = found.grouped.find(shown[0].algorithm, task)
        assert group is not None
        for curve in scaled(found, group) if len(group.members) > 1 else []:
            axes.plot(curve.steps, curve.values, color="0.5", linewidth=0.7, alpha=0.6, zorder=1)
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.set_xlabel("environment steps")
    return axes


def profiles_figure(found: Comparison, drawn: Sequence[Drawn]) -> Figure:
    """Performance profiles: the share of runs with a score above each value."""
    figure, panels = _panels(found, drawn)
    for axes, task in panels:
        for one in drawn:
            if one.task == task:
                _plot_band(axes, found, one, step=True)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel(
            ("normalised " if found.scales is not None else "") + plain_text(found.asked.score, 60)
        )
    _finish(figure, panels, found, "share of runs above")
    return figure


def _panels(found: Comparison, drawn: Sequence[Drawn]) -> tuple[Figure, list[tuple[Axes, str | None]]]:
    tasks = list(dict.fromkeys(one.task for one in drawn))
    tasks = ([None] if None in tasks else []) + [task for task in tasks if task is not None][:PANELS]
    columns = min(len(tasks), 3)
    rows = -(-len(tasks) // columns)
    figure = new_figure(max(4.6 * columns, 6.4), 3.6 * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(tasks) :]:
        axes.set_visible(False)
    return figure, list(zip(grid, tasks))


def _plot_band(axes: Axes, found: Comparison, one: Drawn, step: bool) -> None:
    names = found.grouped.algorithms
    k = names.index(one.algorithm)
    paint = colour(k, len(names))
    label = plain_text(one.algorithm, 40) if k < PANELS else None
    axes.plot(
        one.x,
        one.band.value,
        color=paint,
        linewidth=1.8,
        label=label,
        drawstyle="steps-post" if step else "default",
        marker="o" if len(one.x) == 1 else None,
    )
    if not np.isnan(one.band.low).any():
        axes.fill_between(
            one.x,
            one.band.low,
            one.band.high,
            color=paint,
            alpha=0.18,
            linewidth=0,
            step="post" if step else None,
        )


def _finish(figure: Figure, panels: list[tuple[Axes, str | None]], found: Comparison, up: str) -> None:
    scale = "" if found.scales is None else "normalised "
    for axes, task in panels:
        axes.set_title(
            f"all {len(found.shared_tasks)} environments" if task is None else plain_text(task, 40),
            fontsize=10,
        )
        axes.set_ylabel(up if up.startswith("share") else scale + plain_text(up, 40))
        tidy(axes)
    told: set[str] = set()
    for (
        axes,
        _,
    ) in panels:  # one legend is enough where it names all; algorithms of other environments need another
        names = set(axes.get_legend_handles_labels()[1])
        if names - told:
            told |= names
            axes.legend(fontsize=8, framealpha=0.9, loc="lower left" if up.startswith("share") else "best")
    banded = any(row.iqm.has_interval for row in found.rows)
    if banded:
        figure.suptitle(
            f"bands are pointwise {100 * found.asked.confidence:.6g} % bootstrap intervals", fontsize=8
        )
