"""Pictures of games in extensive form: how fast self-play came close to equilibrium, and what is played where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from experiments.notebook.canvas import axes_for, axes_or_new
from experiments.plots import COLOURS, plain_text
from games.errors import InputError
from games.simplices import Float
from games.tree import TreeGame

if TYPE_CHECKING:
    from solvers.solution import Solution

ALONG = ("iterations", "seconds")


def convergence(
    solutions: Solution | Sequence[Solution] | Mapping[str, Solution],
    axes: Axes | Sequence[Axes] | None = None,
    *,
    along: Sequence[str] = ALONG,
) -> list[Axes]:
    """How far self-play was from equilibrium, against iterations and against time, all axes logarithmic.

    Parameters
    ----------
    solutions : Solution, sequence or mapping
        Results of self-play on one game; without names they are called by their methods.
    axes : sequence of Axes, optional
        Where to; one per entry of `along`.
    along : sequence of {"iterations", "seconds"}
        What to draw against.
    """
    from experiments.tree_plots import distance_name, plot_convergence
    from solvers.solution import Solution as Solved

    if isinstance(solutions, Solved):
        solutions = [solutions]
    if not isinstance(solutions, Mapping):
        given = list(solutions)
        solutions = {one.method: one for one in given}
        if len(solutions) < len(given):
            raise InputError("several solutions have the same method; give a mapping with a name for each")
    if not solutions:
        raise InputError("there is no solution to draw")
    if not along or not set(along) <= set(ALONG):
        raise InputError(
            f"a course is drawn along {' and '.join(ALONG)}, not {', '.join(along) or 'nothing'}"
        )
    for name, one in solutions.items():
        if not one.stats.get("trace"):
            raise InputError(f"{name} has no course to draw: it is not the result of self-play")
    panels = axes_for(axes, len(along), "quantities", 4.8, 3.6)
    for panel, what in zip(panels, along):
        ends: list[Float] = []
        for k, (name, one) in enumerate(solutions.items()):
            values = np.array([getattr(point, what) for point in one.stats["trace"]], dtype=np.float64)
            plot_convergence(panel, one.game, one, values, COLOURS[k % len(COLOURS)], name)  # type: ignore[arg-type]
            ends.append(values[values > 0])
        together = np.concatenate(ends)
        panel.set_xscale("log")
        panel.set_xlim(0.8 * together.min(), 1.3 * together.max())
        panel.set_xlabel(what)
        panel.legend(fontsize=8, framealpha=0.9)
    first = next(iter(solutions.values()))
    panels[0].set_ylabel(distance_name(first.game, first.concept))  # type: ignore[arg-type]
    return panels


def behavior(solution: Solution, sets: Sequence[str] | Mapping[str, str], axes: Axes | None = None) -> Axes:
    """What is played at some information sets of a tree, one bar each, cut into the probabilities of its actions.

    Parameters
    ----------
    solution : Solution
        On a tree; of correlated play, every player's average is drawn.
    sets : sequence of str, or mapping of str to str
        Names of information sets, from top to bottom; a mapping gives each the name to show.
    axes : Axes, optional
        Where to.
    """
    from experiments.tree_plots import plot_behavior
    from solvers.average_play import average_behavior

    game = solution.game
    if not isinstance(game, TreeGame):
        raise InputError("behaviour is drawn for games in extensive form")
    numbers = {name: h for h, name in enumerate(game.infosets)}
    for name in sets:
        if name not in numbers:
            raise InputError(f"there is no information set {name!r}; game.infosets has the names")
    played = average_behavior(game, solution.strategy)
    if played is None:
        raise InputError("the average of this strategy is not known")
    labels = [plain_text(sets[name] if isinstance(sets, Mapping) else name, 40) for name in sets]
    panel = axes_or_new(axes, 6.0, 0.9 + 0.36 * max(len(labels), 2))
    return plot_behavior(panel, game, played, [numbers[name] for name in sets], labels)
