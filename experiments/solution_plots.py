"""Pictures of solutions: joint play as a heatmap, strategies as bars, payoffs in the equilibrium payoff polygons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.heatmaps import plot_cells
from experiments.plots import COLOURS, new_figure, plain_text, tidy
from games.normal import NormalFormGame
from games.simplices import Float

NAMES = {
    "cce": "CCE",
    "ce": "CE",
    "nash": "Nash",
    "qre": "QRE",
    "alpharank": "alpha-rank",
    "efce": "EFCE",
    "efcce": "EFCCE",
}
STARS = (COLOURS[1], COLOURS[2], COLOURS[0], COLOURS[3])
_NASH_PROFILES = 100  # games up to this size get all their Nash equilibria in the picture


def solution_figure(game: NormalFormGame, solutions: Sequence[Any]) -> Figure:
    """The strategies of the first solution, and for two players where its payoffs lie."""
    two = len(game.shape) == 2
    if two and solutions and solutions[0].joint is not None:
        figure = new_figure(11.0, 4.6)
        left, right = figure.subplots(1, 2)
        plot_cells(left, game, solutions[0].joint.dense(), "Blues", "{:.3g}", sparse=True)
        left.set_title("Probability of each joint action", fontsize=11)
    else:
        blocks = len(game.shape) if solutions else 0
        figure = new_figure(3.4 * max(blocks, 1) + (5.2 if two else 0.0), 4.6)
        panels = figure.subplots(
            1, blocks + two, squeeze=False, width_ratios=[3] * blocks + [4.6] * two
        ).ravel()
        if solutions:
            profile = solutions[0].profile
            plot_strategies(
                panels[:blocks], game, solutions[0].joint.marginals() if profile is None else profile
            )
        right = panels[-1]
    if two:
        plot_payoff_region(right, game, solutions)
    concept = NAMES.get(solutions[0].concept, "") if solutions else "No equilibrium found"
    title = f"{concept}: {plain_text(game.title, 70)}" if game.title else concept
    figure.suptitle(f"{title} (first of {len(solutions)})" if len(solutions) > 1 else title)
    return figure


def plot_strategies(panels: Iterable[Axes], game: NormalFormGame, profile: Float) -> None:
    """Horizontal bars of every action's probability, one panel per player."""
    for i, (axes, block) in enumerate(zip(panels, game.blocks(profile))):
        places = np.arange(block.size)
        axes.barh(places, block, color=COLOURS[i % len(COLOURS)])
        step = -(-block.size // 40)
        labels = [plain_text(name, 18) for name in game.actions[i][::step]]
        axes.set_yticks(places[::step], labels, fontsize=8)
        axes.invert_yaxis()
        axes.set_xlim(0.0, 1.0)
        axes.set_xlabel("probability")
        axes.set_title(plain_text(game.players[i], 40), fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)


# --- the payoff plane -------------------------------------------------------------------------------------


def payoff_region_figure(game: NormalFormGame, solutions: Sequence[Any] = ()) -> Figure:
    """The payoff plane of a two-player game alone in a figure."""
    figure = new_figure(6.4, 5.2)
    plot_payoff_region(figure.add_subplot(), game, solutions)
    if game.title:
        figure.suptitle(plain_text(game.title, 70))
    return figure


def plot_payoff_region(axes: Axes, game: NormalFormGame, solutions: Sequence[Any] = ()) -> Axes:
    """Feasible payoffs, those of CCE and of CE, and the Nash equilibria among them.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    game : NormalFormGame
        Two players.
    solutions : sequence of Solution
        Drawn as stars, one colour per concept; Nash equilibria are there anyway.
    """
    from experiments.regions import equilibrium_region, feasible_region

    _draw_region(axes, feasible_region(game), "0.55", 0.12, "feasible")
    for concept, colour in (("cce", COLOURS[5]), ("ce", COLOURS[4])):
        region = equilibrium_region(game, concept)
        if region is not None:
            _draw_region(axes, region, colour, 0.45, NAMES[concept])
    nash, label = _nash_payoffs(game)
    if len(nash):
        axes.plot(*nash.T, "o", color="black", markersize=6, label=label, zorder=6)
    for k, concept in enumerate(dict.fromkeys(s.concept for s in solutions if s.concept != "nash")):
        values = np.array([s.values for s in solutions if s.concept == concept])
        style: dict[str, Any] = {
            "markersize": 15,
            "markeredgecolor": "white",
            "markeredgewidth": 1.0,
            "zorder": 5,
        }
        label = f"this {NAMES.get(concept, '')}"
        axes.plot(*values.T, "*", color=STARS[k % len(STARS)], label=label, **style)
    axes.margins(0.06)
    axes.set_xlabel(f"payoff of {plain_text(game.players[0], 40)}")
    axes.set_ylabel(f"payoff of {plain_text(game.players[1], 40)}")
    axes.set_title("Payoffs", fontsize=11)
    tidy(axes)
    axes.legend(fontsize=8, framealpha=0.9)
    return axes


def _draw_region(axes: Axes, polygon: Float, colour: str, alpha: float, label: str) -> None:
    """A polygon, or the segment or the point that it has shrunk to."""
    if len(polygon) >= 3:
        axes.fill(*polygon.T, facecolor=colour, edgecolor="none", alpha=alpha, label=label)
        axes.plot(*np.vstack([polygon, polygon[:1]]).T, color=colour, linewidth=1.2)
    elif len(polygon) == 2:
        axes.plot(*polygon.T, color=colour, linewidth=4, alpha=min(1.0, 2 * alpha), label=label)
    else:
        axes.plot(*polygon.T, "s", color=colour, markersize=11, alpha=min(1.0, 2 * alpha), label=label)


def _nash_payoffs(game: NormalFormGame) -> tuple[Float, str]:
    """Payoff pairs of the Nash equilibria, all of them in a small game, and what to call them."""
    from solvers.nash import all_nash, nash

    if game.profiles <= _NASH_PROFILES:
        found = all_nash(game, seconds=3.0)
        if found:
            complete = all(s.status != "budget" for s in found)
            return np.array([s.values for s in found]), "Nash" if complete else "Nash (some)"
    one = nash(game, seconds=3.0)
    return np.array([s.values for s in (one,) if s.certificate.holds(1e-6)]), "a Nash equilibrium"
