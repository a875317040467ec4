"""Pictures of trained swarms: return against the number of agents, and what their rules say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from experiments.plots import COLOURS, new_figure, plain_text, save_figure, tidy
from experiments.swarm_sizes_output import Row, SizesTold, rows_of, rows_over_seeds
from games.open_loop import OpenLoop
from games.sims.swarm import parameters_of
from games.sims.swarm_aggregation import Aggregation

Array = npt.NDArray[Any]
_MARKERS = "osD^v"
_FINE = 61
"""Observations along each coordinate at which rules are drawn."""


# --- return against agents ------------------------------------------------------------------------------------


def sizes_figure(told: SizesTold) -> Figure:
    """Mean return with its interval, and mean absolute deviation, against the number of agents.

    Parameters
    ----------
    told : SizesTold
        Of one training seed, or several: these are thin lines then, and their means thick ones.
    """
    figure = new_figure(10.4, 4.2)
    returns, deviations = figure.subplots(1, 2, width_ratios=(1.35, 1.0))
    draw_sizes(returns, told)
    draw_deviations(deviations, told)
    figure.suptitle(plain_text(f"{told.learner} on {told.spec.name}", 110), fontsize=10)
    return figure


def draw_sizes(axes: Axes, told: SizesTold) -> Axes:
    """Draw mean returns, their intervals and the mean-field line."""
    whole = rows_over_seeds(told) or rows_of(told, told.seeds[0])
    for k, way in enumerate(told.ways):
        paint = COLOURS[k % len(COLOURS)]
        if len(told.seeds) > 1:
            for judged in told.seeds:
                thin = [row for row in rows_of(told, judged) if row.way == way]
                axes.plot(*_points(thin, "mean"), color=paint, linewidth=0.7, alpha=0.45)
        rows = [row for row in whole if row.way == way]
        _curve(axes, rows, way, paint, _MARKERS[k % len(_MARKERS)])
    _limit(axes, told)
    axes.set_ylabel("mean return")
    return _over_agents(axes)


def draw_deviations(axes: Axes, told: SizesTold) -> Axes:
    """Draw mean absolute deviations from the mean-field line, and the rate at which they should fall."""
    whole = rows_over_seeds(told) or rows_of(told, told.seeds[0])
    for k, way in enumerate(told.ways):
        rows = [row for row in whole if row.way == way]
        if any(row.deviation is None for row in rows):
            continue
        marker, paint = _MARKERS[k % len(_MARKERS)], COLOURS[k % len(COLOURS)]
        axes.plot(*_points(rows, "deviation"), marker + "-", color=paint, label=way, markersize=4)
    _slope(axes, told, whole)
    axes.set_ylabel("mean |return - limit|")
    if all(row.deviation is None or row.deviation > 0 for row in whole):
        axes.set_yscale("log")
    return _over_agents(axes)


def _over_agents(axes: Axes) -> Axes:
    axes.set_xscale("log")
    axes.set_xlabel("agents")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}" if n >= 1 else ""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    tidy(axes)
    axes.legend(fontsize=8, framealpha=0.9)
    return axes


def _points(rows: list[Row], field: str) -> tuple[list[int], list[float]]:
    return [row.agents for row in rows], [getattr(row, field) for row in rows]


def _curve(axes: Axes, rows: list[Row], way: str, paint: str, marker: str) -> None:
    agents, means = _points(rows, "mean")
    axes.plot(agents, means, marker + "-", color=paint, linewidth=1.7, markersize=4.5, label=way)
    known = [row for row in rows if row.interval is not None]
    if known:
        low, high = np.array([row.interval for row in known], dtype=float).T
        axes.fill_between([row.agents for row in known], low, high, color=paint, alpha=0.18, linewidth=0)


def _limit(axes: Axes, told: SizesTold) -> None:
    """The mean-field lines, one per training seed, with twice the standard error where they come from a swarm."""
    for k, judged in enumerate(told.seeds):
        line = judged.line
        axes.axhline(
            line.value,
            color="0.2",
            linestyle="--",
            linewidth=1.1,
            label="mean-field line" if k == 0 else None,
        )
        if line.limit is None:
            axes.axhspan(
                line.value - 2 * line.error, line.value + 2 * line.error, color="0.2", alpha=0.1, linewidth=0
            )


def _slope(axes: Axes, told: SizesTold, rows: list[Row]) -> None:
    """The rate 1 / sqrt(N) through the first way's point in the middle."""
    mine = [(row.agents, row.deviation) for row in rows if row.way == told.ways[0] and row.deviation]
    if len(mine) < 2:
        return
    agents, deviation = mine[len(mine) // 2]
    ends = np.array([mine[0][0], mine[-1][0]], dtype=float)
    axes.plot(
        ends,
        deviation * np.sqrt(agents / ends),
        color="0.4",
        linestyle=":",
        label="1 / sqrt(agents)",
    )


def write_sizes_figure(path: Path, told: SizesTold) -> None:
    """Draw and write, whole or not at all."""
    save_figure(path, sizes_figure(told))


# --- rules ------------------------------------------------------------------------------------------------------


def moments(horizon: int) -> list[int]:
    """The steps at which rules are shown: the first, after a quarter and a half, and the last."""
    return sorted({0, horizon // 4, horizon // 2, horizon - 1})


def rules_figure(policy: OpenLoop, spec: Any) -> Figure:
    """The mean action over observations at four moments of an episode.

    Parameters
    ----------
    policy : OpenLoop
        The rules.
    spec : EnvSpec
        The swarm. In Aggregation arrows show where an agent that sees itself at a place goes, and colours how far; in
        the others colours show by which share of the largest turn it turns, left if above 0.
    """
    count = len(moments(policy.horizon))
    figure = new_figure(2.75 * count + 0.7, 3.1)
    draw_rules(list(np.atleast_1d(figure.subplots(1, count, sharex=True, sharey=True))), policy, spec)
    return figure


def draw_rules(panels: list[Axes], policy: OpenLoop, spec: Any) -> list[Axes]:
    """Draw what `rules_figure` shows, a panel for each of `moments`, with one scale of colours beside them."""
    times = moments(policy.horizon)
    sight = policy.family.sight
    axes_at = [np.linspace(low, high, _FINE) for low, high in zip(sight.low, sight.high)]
    seen = np.stack(np.meshgrid(*axes_at, indexing="ij"), axis=-1)
    weights = policy.family.weights(seen)
    plane = isinstance(parameters_of(spec), Aggregation)
    shown: Any = None
    for axes, time in zip(panels, times):
        means = weights @ policy.rules.means[time]
        value = np.minimum(np.linalg.norm(means, axis=-1), 1.0) if plane else means[..., 0]
        shown = axes.imshow(
            value.T,
            origin="lower",
            extent=(sight.low[0], sight.high[0], sight.low[1], sight.high[1]),
            aspect="auto",
            cmap="viridis" if plane else "PuOr",
            vmin=0.0 if plane else -1.0,
            vmax=1.0,
        )
        if plane:
            _arrows(axes, axes_at, means)
        axes.plot(*policy.family.centres.T, ".", color="black", markersize=2.5, alpha=0.6)
        axes.set_title(f"step {time + 1} of {policy.horizon}", fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(4, prune="upper"))
    names = _seen_names(spec)
    for axes in panels:
        axes.set_xlabel(names[0], fontsize=9)
    panels[0].set_ylabel(names[1], fontsize=9)
    told = "length of the mean action" if plane else "mean turn"
    figure: Any = panels[0].figure
    figure.colorbar(shown, ax=panels, shrink=0.9, pad=0.01).set_label(told, fontsize=9)
    return panels


def _arrows(axes: Axes, at: list[Array], means: Array) -> None:
    few = slice(3, None, 6)
    x, y = np.meshgrid(at[0][few], at[1][few], indexing="ij")
    along, across = np.moveaxis(means[few, few], -1, 0)
    axes.quiver(x, y, along, across, color="white", scale=14, width=0.008, pivot="mid")


def _seen_names(spec: Any) -> tuple[str, str]:
    parameters = parameters_of(spec)
    if isinstance(parameters, Aggregation):
        return "own place seen, x", "own place seen, y"
    if parameters.observe == "polar":
        return "local order |z|", "its direction arg z"
    return "local order ahead", "local order to the left"


def write_rules_figure(path: Path, policy: OpenLoop, spec: Any) -> None:
    """Draw and write, whole or not at all."""
    save_figure(path, rules_figure(policy, spec))
