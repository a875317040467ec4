"""Pictures of a report, as SVG inside an address: the same bytes for the same numbers, and nothing in them can act."""

from __future__ import annotations

import base64
import io
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from experiments.plots import COLOURS, new_figure, tidy
from experiments.report.text import number, short
from games.simplices import Float

NUMBERED = 12
"""Heatmaps of up to so many agents a side carry their numbers."""
BARS = 24
"""Agents in a chart of mixtures."""
LINES = 12
"""Curves in one picture."""


@dataclass(frozen=True)
class Picture:
    """An image of the page.

    Parameters
    ----------
    source : str
        A ``data:`` address.
    alt, caption : str
        In words.
    """

    source: str
    alt: str
    caption: str = ""


def picture(draw: Callable[[], Figure], alt: str, caption: str = "", *, mathematics: bool = False) -> Picture:
    """Draw and encode.

    Parameters
    ----------
    draw : callable
        Makes the figure.
    alt, caption : str
        For those who cannot see it, and below it.
    mathematics : bool
        Whether text between dollar signs is typeset; names of agents must not be, unless they were made safe.
    """
    settings: Any = {"svg.hashsalt": "staghunt", "svg.fonttype": "path", "text.parse_math": mathematics}
    buffer = io.BytesIO()
    with rc_context(settings), warnings.catch_warnings():
        # a name in a script that the font lacks is drawn as boxes, and a crowded picture is drawn as it comes
        warnings.simplefilter("ignore", UserWarning)
        draw().savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return Picture(
        "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii"), alt, caption
    )


def names_at(axis: Any, names: Sequence[str]) -> None:
    """Ticks with names, at most forty of them."""
    step = -(-len(names) // 40)
    size = 9 if len(names) <= 20 else 7
    axis.set_ticks(range(0, len(names), step), [short(name) for name in names[::step]], fontsize=size)


def colour(k: int, count: int) -> Any:
    """Eight colours that anybody tells apart; more than that get a colour scale."""
    if count <= len(COLOURS):
        return COLOURS[k]
    import matplotlib as mpl

    return mpl.colormaps["turbo"](0.05 + 0.9 * k / (count - 1))


# --- payoffs ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heat:
    """A matrix to be drawn: means and radii float64[rows, columns], NaN where there is none."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    row_role: str
    column_role: str
    mean: Float
    radius: Float


def heatmaps(heats: Sequence[Heat]) -> Figure:
    """Panels on one colour scale."""
    rows, columns = heats[0].mean.shape
    across = min(len(heats), 3 if columns <= 6 else 2)
    down = -(-len(heats) // across)
    width, height = min(max(0.75 * columns + 2.0, 3.6), 11.0), min(max(0.5 * rows + 1.6, 2.6), 11.0)
    figure = new_figure(width * across, height * down)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    known = np.concatenate([heat.mean.ravel() for heat in heats])
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    image: Any = None
    for axes, heat in zip(panels, heats):
        image = plot_heat(axes, heat, low, high)
    for axes in panels[len(heats) :]:
        axes.set_visible(False)
    figure.colorbar(image, ax=panels[: len(heats)].tolist(), shrink=0.85, label="payoff")
    return figure


def plot_heat(axes: Axes, heat: Heat, low: float, high: float) -> Any:
    """One matrix on a colour scale from `low` to `high`, with numbers and radii where there is room."""
    axes.set_facecolor("0.85")
    top = high if high > low else low + 1.0
    image = axes.imshow(heat.mean, cmap="viridis", vmin=low, vmax=top, aspect="auto", interpolation="nearest")
    if max(heat.mean.shape) <= NUMBERED:
        size = 9 if max(heat.mean.shape) <= 8 else 7
        for (a, b), value in np.ndenumerate(heat.mean):
            if math.isnan(value):
                axes.text(b, a, "–", ha="center", va="center", fontsize=size, color="black")
                continue
            red, green, blue, _ = image.to_rgba(np.array([value]))[0]
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            radius = float(heat.radius[a, b])
            told = number(value) + (f"\n±{number(radius, 2)}" if 0 < radius < math.inf else "")
            axes.text(b, a, told, ha="center", va="center", fontsize=size, color="white" if dark else "black")
    names_at(axes.yaxis, heat.rows)
    names_at(axes.xaxis, heat.columns)
    if sum(len(short(name)) for name in heat.columns) > 8 * len(heat.columns) or len(heat.columns) > 8:
        axes.tick_params(axis="x", rotation=60)
    axes.set_ylabel(short(heat.row_role, 40))
    axes.set_xlabel(short(heat.column_role, 40))
    axes.set_title(short(heat.title, 60), fontsize=10)
    return image


# --- mixtures -----------------------------------------------------------------------------------------------------


def mixtures(
    roles: Sequence[str], populations: Sequence[Sequence[str]], found: Sequence[tuple[str, Sequence[Float]]]
) -> Figure:
    """Grouped bars: how likely each agent is to be played, by role (a panel each) and equilibrium (a colour each).

    Parameters
    ----------
    roles : sequence of str
        Titles of the panels.
    populations : sequence of sequences of str
        Agents of each.
    found : sequence of (str, blocks)
        Name of an equilibrium, and its probabilities by role.
    """
    shown = [_likeliest([blocks[role] for _, blocks in found]) for role in range(len(roles))]
    width = min(max(2.0 + 0.55 * max(map(len, shown)), 5.0), 13.0)
    figure = new_figure(width, 2.6 * len(roles) + 0.6)
    panels = figure.subplots(len(roles), 1, squeeze=False).ravel()
    each = 0.84 / max(len(found), 1)
    for role, (axes, kept) in enumerate(zip(panels, shown)):
        for k, (_, blocks) in enumerate(found):
            places = np.arange(len(kept)) - 0.42 + each * (k + 0.5)
            axes.bar(places, np.asarray(blocks[role])[kept], each, color=colour(k, len(found)))
        names_at(axes.xaxis, [populations[role][a] for a in kept])
        if len(kept) > 6:
            axes.tick_params(axis="x", rotation=45)
        axes.set_ylim(0.0, 1.02)
        axes.set_ylabel("probability")
        some = (
            ""
            if len(kept) == len(populations[role])
            else f" (the {len(kept)} likeliest of {len(populations[role])})"
        )
        axes.set_title(short(roles[role], 60) + some, fontsize=10)
        tidy(axes)
    from matplotlib.patches import Patch

    patches = [Patch(color=colour(k, len(found))) for k in range(len(found))]
    labels = [short(name, 40) for name, _ in found]
    figure.legend(patches, labels, fontsize=8, loc="outside lower center", ncols=min(len(found), 4))
    return figure


def _likeliest(blocks: Sequence[Float]) -> list[int]:
    most = np.max([np.asarray(block) for block in blocks], axis=0)
    return sorted(np.argsort(-most, kind="stable")[:BARS].tolist())


# --- learning curves ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """Returns against steps, with standard errors (NaN where there are none)."""

    name: str
    steps: Float
    values: Float
    errors: Float
    faint: bool = False


def curves(lines: Sequence[Line], title: str = "") -> Figure:
    """Learning curves, each with a band of one standard error on both sides."""
    figure = new_figure(8.0, 4.2)
    axes = figure.add_subplot()
    bold = [line for line in lines if not line.faint][:LINES]
    order = {line.name: k for k, line in enumerate(bold)}
    for line in lines:
        if line.name not in order:
            continue
        paint = colour(order[line.name], len(bold))
        if line.faint:
            axes.plot(line.steps, line.values, color=paint, linewidth=0.8, alpha=0.45)
            continue
        marker = "o" if len(line.steps) <= 40 else ""
        label = short(line.name, 40)
        axes.plot(
            line.steps, line.values, color=paint, linewidth=1.7, marker=marker, markersize=3.5, label=label
        )
        error = np.nan_to_num(line.errors)
        axes.fill_between(
            line.steps, line.values - error, line.values + error, color=paint, alpha=0.15, linewidth=0
        )
    axes.set_xlabel("environment steps")
    axes.set_ylabel("return")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_title(short(title, 80), fontsize=10)
    tidy(axes)
    axes.legend(fontsize=8, framealpha=0.9)
    return figure
