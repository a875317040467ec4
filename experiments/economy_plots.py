"""Pictures of economies: tax schedules against income, incomes before and after tax, equality against productivity.

The functions `draw_...` draw on axes, those named `..._figure` make a figure with one such panel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.intervals import student_interval
from experiments.plots import COLOURS, new_figure, plain_text, save_figure, tidy
from games.errors import InputError

Array = npt.NDArray[Any]

LINES = 7
"""So many lines of equal equality times productivity are drawn, about."""
TICKS = 200
"""At most so many incomes are marked, evenly spaced by rank."""
_MARKERS = "osD^vPXp"
_STYLES = ("-", "--", "-.", ":")
_SMALL = 8


# --- equality against productivity ------------------------------------------------------------------------


def systems_figure(points: Mapping[str, tuple[Any, Any]], *, dots: bool = True) -> Figure:
    """Equality against productivity of several tax systems, with lines of equal equality times productivity.

    Parameters
    ----------
    points : mapping of str to (float64[R], float64[R])
        By name, equality and productivity (all coin) of each seed.
    dots : bool
        Whether every seed is a faint dot; crosses are means and their 95 % Student intervals.

    Raises
    ------
    InputError
        If there is no system, or its numbers are none, not finite, or not as many of one kind as of the other.
    """
    figure = new_figure(6.8, 4.8)
    draw_systems(figure.add_subplot(), points, dots=dots)
    return figure


def draw_systems(axes: Axes, points: Mapping[str, tuple[Any, Any]], *, dots: bool = True) -> Axes:
    """Draw what `systems_figure` shows."""
    pairs = {name: _pair(name, *pair) for name, pair in points.items()}
    if not pairs:
        raise InputError("there is no tax system to draw")
    ends = []
    for k, (name, (equality, productivity)) in enumerate(pairs.items()):
        paint = COLOURS[k % len(COLOURS)]
        if dots and len(equality) > 1:
            axes.plot(productivity, equality, ".", color=paint, alpha=0.3, markersize=5, markeredgewidth=0)
        (x, wide), (y, high) = (map(float, student_interval(one)) for one in (productivity, equality))
        axes.errorbar(
            x,
            y,
            xerr=wide if wide else None,
            yerr=high if high else None,
            fmt=_MARKERS[k % len(_MARKERS)],
            color=paint,
            markersize=6.5,
            markeredgecolor="white",
            markeredgewidth=0.6,
            elinewidth=1.3,
            capsize=3,
            label=plain_text(name),
            zorder=4,
        )
        ends += [(x - wide, y - high), (x + wide, y + high)]
        if dots:
            ends += list(zip(productivity, equality))
    _frame(axes, np.array(ends))
    axes.set_xlabel("productivity, coin of all workers")
    axes.set_ylabel("equality, 1 - Gini coefficient")
    tidy(axes)
    axes.grid(False)
    if len(pairs) > 1:
        axes.legend(fontsize=_SMALL, framealpha=0.9)
    return axes


def _pair(name: str, equality: Any, productivity: Any) -> tuple[Array, Array]:
    first, second = (np.atleast_1d(np.asarray(each, dtype=np.float64)) for each in (equality, productivity))
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise InputError(
            f"{name}: equality and productivity must be two lists of equal length, at least 1, not of shapes "
            f"{first.shape} and {second.shape}"
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError(f"{name}: equality and productivity must be finite numbers")
    return first, second


def _frame(axes: Axes, ends: Array) -> None:
    """Limits around all points, and behind them lines on which equality times productivity is the same."""
    (left, low), (right, top) = ends.min(axis=0), ends.max(axis=0)
    wide = max(right - left, 0.05 * abs(right)) or 1.0
    high = max(top - low, 0.02)
    left, right = max(0.0, left - 0.12 * wide), right + 0.12 * wide
    low, top = max(0.0, low - 0.12 * high), min(1.02, top + 0.12 * high)
    x, y = np.linspace(left, right, 80), np.linspace(low, top, 80)
    product = np.outer(y, x)
    levels = MaxNLocator(LINES).tick_values(float(product.min()), float(product.max()))
    if np.ptp(product) > 0:
        lines = axes.contour(x, y, product, levels=levels, colors="0.75", linewidths=0.8, zorder=1)
        axes.clabel(lines, fontsize=_SMALL - 1, fmt="%g", colors="0.5")
    axes.set_xlim(left, right)
    axes.set_ylim(low, top)
    axes.set_title("lines: equal equality times productivity", fontsize=_SMALL + 1, color="0.35")


# --- schedules --------------------------------------------------------------------------------------------


def rates_figure(schedules: Mapping[str, Any], cutoffs: Any, incomes: Any = None) -> Figure:
    """Marginal rates against income.

    Parameters
    ----------
    schedules : mapping of str to float64[K] or float64[R, K]
        By name, a rate per bracket, or several such schedules, say of seeds: then each is a thin line and their mean a
        thick one.
    cutoffs : float64[K]
        Where brackets begin, coin.
    incomes : float64[M], optional
        Incomes, marked below the axis; the figure reaches beyond the largest.

    Raises
    ------
    InputError
        If a schedule does not have one finite rate per bracket.
    """
    figure = new_figure(7.2, 4.2)
    draw_rates(figure.add_subplot(), schedules, cutoffs, incomes)
    return figure


def draw_rates(axes: Axes, schedules: Mapping[str, Any], cutoffs: Any, incomes: Any = None) -> Axes:
    """Draw what `rates_figure` shows."""
    begins = np.asarray(cutoffs, dtype=np.float64)
    seen = np.zeros(0) if incomes is None else np.sort(np.asarray(incomes, dtype=np.float64).ravel())
    ends = np.append(begins, _right(begins, seen))
    for k, (name, given) in enumerate(schedules.items()):
        rates = np.asarray(given, dtype=np.float64)
        rows = rates[None] if rates.ndim == 1 else rates
        if rows.shape[1:] != begins.shape or not len(rows) or not np.isfinite(rows).all():
            raise InputError(
                f"{name}: a schedule must have {len(begins)} rates, one per bracket, not {rates.shape}"
            )
        paint, style = COLOURS[k % len(COLOURS)], _STYLES[k % len(_STYLES)]
        for row in rows if len(rows) > 1 else ():
            axes.stairs(row, ends, baseline=None, color=paint, alpha=0.3, linewidth=0.9)
        axes.stairs(
            rows.mean(axis=0),
            ends,
            baseline=None,
            color=paint,
            linestyle=style,
            linewidth=2.2 if k == 0 else 1.6,
            label=plain_text(name),
        )
    if seen.size:
        few = seen[np.unique(np.linspace(0, seen.size - 1, min(seen.size, TICKS)).round().astype(int))]
        axes.plot(few, np.full(len(few), -0.03), "|", color="0.35", markersize=6, label="incomes")
    axes.set_xlim(min(0.0, float(seen[0])) if seen.size else 0.0, ends[-1])
    axes.set_ylim(-0.06, 1.03)
    axes.set_xlabel("income before tax, coin a year")
    axes.set_ylabel("marginal rate")
    tidy(axes)
    axes.legend(fontsize=_SMALL, framealpha=0.9)
    return axes


def _right(cutoffs: Array, incomes: Array) -> float:
    """Where the open bracket is cut: beyond all incomes and its own beginning."""
    last = float(cutoffs[-1])
    largest = float(incomes[-1]) if incomes.size else 0.0
    return max(1.1 * largest, 1.25 * last, 1e-6) if last > 0 else max(1.1 * largest, 1.0)


# --- incomes ----------------------------------------------------------------------------------------------


def incomes_figure(before: Any, after: Any, names: Sequence[str]) -> Figure:
    """Income before and after tax, worker by worker.

    Parameters
    ----------
    before, after : float64[n] or float64[R, n]
        Of each worker, or of each in R seeds or episodes: then bars are means with 95 % Student intervals.
    names : sequence of str
        What the n workers are called.

    Raises
    ------
    InputError
        If there are not as many names as workers, or numbers are missing or not finite.
    """
    figure = new_figure(max(4.6, 2.4 + 0.75 * min(len(names), 12)), 4.2)
    draw_incomes(figure.add_subplot(), before, after, names)
    return figure


def draw_incomes(axes: Axes, before: Any, after: Any, names: Sequence[str]) -> Axes:
    """Draw what `incomes_figure` shows."""
    at = np.arange(len(names), dtype=np.float64)
    many = len(names) > 2 * len(COLOURS)
    for k, (label, given) in enumerate((("before tax", before), ("after tax", after))):
        rows = np.atleast_2d(np.asarray(given, dtype=np.float64))
        if rows.ndim != 2 or rows.shape[1] != len(names) or not len(rows) or not np.isfinite(rows).all():
            raise InputError(
                f"incomes {label} must be finite numbers of {len(names)} workers, as there are names, not of shape "
                f"{np.shape(given)}"
            )
        mean, half = student_interval(rows)
        if many:
            axes.plot(at, mean, "-" if k else "--", color=COLOURS[k], linewidth=1.8, label=label)
            axes.fill_between(at, mean - half, mean + half, color=COLOURS[k], alpha=0.18, linewidth=0)
            continue
        error = {"ecolor": "0.25", "elinewidth": 1.0, "capsize": 2.5}
        shown = half if len(rows) > 1 else None
        place = at + 0.4 * (k - 0.5)
        axes.bar(place, mean, 0.38, yerr=shown, color=COLOURS[k], label=label, error_kw=error)
    axes.axhline(0.0, color="0.3", linewidth=0.8)
    if not many:
        axes.set_xticks(at, [plain_text(name, 14) for name in names], fontsize=_SMALL + 1)
    axes.set_ylabel("income of an episode, coin")
    tidy(axes)
    axes.grid(False, axis="x")
    axes.set_axisbelow(True)
    axes.legend(fontsize=_SMALL, framealpha=0.9)
    return axes


def write_figure(path: Path, figure: Figure) -> None:
    """Write a figure as PNG, SVG or PDF, by the suffix, whole or not at all."""
    save_figure(path, figure)
