"""Pictures of solutions on trees: how fast self-play closed in on equilibrium, and what is played where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots import COLOURS, new_figure, plain_text, tidy, titled
from experiments.solution_plots import NAMES
from experiments.tree_output import is_zero_sum_pair
from games.simplices import Float
from games.tree import TreeGame
from solvers.average_play import average_behavior

SETS = 24
"""At most so many information sets of a player are drawn."""


def tree_figure(game: TreeGame, solutions: Sequence[Any]) -> Figure:
    """The course of self-play if there was one, otherwise the first solution's behaviour strategies."""
    if not solutions:
        figure = new_figure(6.0, 2.0)
        figure.suptitle(titled(game, "No equilibrium found"))
        return figure
    first = solutions[0]
    if first.stats.get("trace"):
        return convergence_figure(game, first)
    return behavior_figure(game, average_behavior(game, first.strategy), NAMES.get(first.concept, ""))


# --- convergence ------------------------------------------------------------------------------------------


def convergence_figure(game: TreeGame, solution: Any) -> Figure:
    """Exploitability (or NashConv) against iterations and against seconds, both axes logarithmic."""
    figure = new_figure(10.0, 4.2)
    left, right = figure.subplots(1, 2, sharey=True)
    trace = solution.stats["trace"]
    for axes, values, label in (
        (left, [p.iterations for p in trace], "iterations"),
        (right, [p.seconds for p in trace], "seconds"),
    ):
        plot_convergence(axes, game, solution, np.asarray(values, dtype=np.float64))
        axes.set_xlabel(label)
    left.set_ylabel(distance_name(game, solution.concept))
    concept = NAMES.get(solution.concept, solution.concept)
    figure.suptitle(titled(game, f"{concept} by {solution.method}"))
    return figure


def distance_name(game: TreeGame, concept: str) -> str:
    """What the sum of regrets is called here."""
    if concept == "nash":
        return "exploitability" if is_zero_sum_pair(game) else "NashConv"
    return "sum of regrets"


def plot_convergence(
    axes: Axes,
    game: TreeGame,
    solution: Any,
    along: Float,
    colour: str = COLOURS[0],
    label: str | None = None,
) -> Axes:
    """The distance from equilibrium at every measurement; exact zeros, which have no logarithm, lie on the bottom."""
    trace = solution.stats["trace"]
    half = 0.5 if distance_name(game, solution.concept) == "exploitability" else 1.0
    distance = half * np.array([p.nash_conv for p in trace])
    positive = distance > 0
    floor = float(distance[positive].min()) / 10 if positive.any() else 1e-16
    axes.plot(along, np.maximum(distance, floor), color=colour, linewidth=1.6, label=label)
    last_colour = COLOURS[1] if label is None else colour
    axes.plot(along[-1:], np.maximum(distance[-1:], floor), "o", color=last_colour, markersize=5)
    if (along > 0).any():
        first, last = float(along[along > 0].min()), float(along.max())
        if last >= 20 * first:
            axes.set_xscale("log")
            axes.set_xlim(0.8 * first, 1.3 * last)
        else:  # too short a range for the ticks of a logarithmic axis
            axes.set_xlim(0.0, 1.05 * last)
    axes.set_yscale("log")
    tidy(axes)
    return axes


# --- behaviour --------------------------------------------------------------------------------------------


def behavior_figure(game: TreeGame, behavior: Float | None, what: str) -> Figure:
    """One panel per player, one bar per information set, cut into the probabilities of its actions."""
    players = range(len(game.players))
    own = [np.flatnonzero(game.owner == i) for i in players]
    tall = max((min(len(sets), SETS) for sets in own), default=1)
    figure = new_figure(5.2 * len(own), 1.6 + 0.36 * max(tall, 2))
    panels = figure.subplots(1, len(own), squeeze=False)[0]
    for player, axes in zip(players, panels):
        if behavior is None:
            axes.set_visible(False)
            continue
        plot_behavior(axes, game, behavior, own[player][:SETS].tolist())
        some = f" (first {SETS} of {len(own[player]):,})" if len(own[player]) > SETS else ""
        axes.set_title(plain_text(game.players[player], 40) + some, fontsize=11)
    figure.suptitle(titled(game, what))
    return figure


def plot_behavior(
    axes: Axes, game: TreeGame, behavior: Float, sets: Sequence[int], labels: Sequence[str] | None = None
) -> Axes:
    """Stacked bars of action probabilities, each labelled with its action where there is room.

    Information sets are called by `labels` if they are given, otherwise by their names.
    """
    blocks = game.blocks(behavior) if game.slots else []
    for row, h in enumerate(sets):
        left = 0.0
        for k, p in enumerate(blocks[h].tolist()):
            axes.barh(row, p, left=left, color=COLOURS[k % len(COLOURS)], edgecolor="white", linewidth=0.6)
            name = plain_text(game.actions[h][k], 14)
            if p > 0.012 * (len(name) + 2):
                axes.text(left + p / 2, row, name, ha="center", va="center", fontsize=7, color="white")
            left += p
    names = [plain_text(game.infosets[h], 26) for h in sets] if labels is None else list(labels)
    axes.set_yticks(range(len(sets)), names, fontsize=8)
    axes.set_ylim(max(len(sets), 1) - 0.4, -0.6)
    axes.set_xlim(0.0, 1.0)
    axes.set_xlabel("probability")
    axes.spines[["top", "right"]].set_visible(False)
    return axes
