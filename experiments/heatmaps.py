"""Heatmaps over the joint actions of two players: payoffs, or the probabilities of joint play."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots import new_figure, plain_text, titled
from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float


def payoff_heatmaps(game: NormalFormGame) -> Figure:
    """The payoffs of a one- or two-player game, one heatmap per player."""
    if len(game.shape) > 2:
        raise InputError(f"payoff heatmaps need at most two players, this game has {len(game.shape)}")
    tables = game.payoffs.reshape(len(game.shape), game.shape[0], -1)
    rows, columns = tables.shape[1:]
    side = min(max(0.5 * columns + 2.2, 3.6), 8.0), min(max(0.42 * rows + 1.5, 2.6), 8.0)
    figure = new_figure(side[0] * len(tables), side[1])
    for player, axes in enumerate(figure.subplots(1, len(tables), squeeze=False)[0]):
        plot_cells(axes, game, tables[player], "viridis", "{:.4g}")
        axes.set_title(f"Payoff of {plain_text(game.players[player], 40)}", fontsize=11)
    figure.suptitle(titled(game, "Payoffs"))
    return figure


def plot_cells(
    axes: Axes, game: NormalFormGame, table: Float, cmap: str, form: str, sparse: bool = False
) -> Axes:
    """A matrix over the two players' actions as a heatmap; small ones with their numbers (`sparse`: zeros blank)."""
    image = axes.imshow(table, cmap=cmap, aspect="auto", interpolation="nearest")
    low, high = float(table.min()), float(table.max())
    if table.shape[0] <= 14 and table.shape[1] <= 14:
        size = 9 if max(table.shape) <= 8 else 6.5
        for (a, b), value in np.ndenumerate(table):
            red, green, blue, _ = image.to_rgba(np.array([value]))[0]
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            told = form.format(value + 0.0) if value or not sparse else ""
            axes.text(b, a, told, ha="center", va="center", fontsize=size, color="white" if dark else "black")
    elif high > low:
        axes.figure.colorbar(image, ax=axes, shrink=0.85)
    _name_ticks(axes, game)
    return axes


def _name_ticks(axes: Axes, game: NormalFormGame) -> None:
    rows = game.actions[0]
    columns: Sequence[str] = game.actions[1] if len(game.shape) == 2 else ("",)
    long = max(map(len, columns)) * len(columns) > 40
    for axis, names in ((axes.yaxis, rows), (axes.xaxis, columns)):
        step = -(-len(names) // 30)
        axis.set_ticks(
            range(0, len(names), step), [plain_text(name, 16) for name in names[::step]], fontsize=8
        )
    if long:
        axes.tick_params(axis="x", rotation=60)
    axes.set_ylabel(plain_text(game.players[0], 40))
    if len(game.shape) == 2:
        axes.set_xlabel(plain_text(game.players[1], 40))
