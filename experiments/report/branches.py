"""The QRE branch of an empirical game, as a picture and where it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.plots import new_figure, plot_branch
from experiments.report.figures import Picture, picture
from experiments.report.text import number
from games.empirical import EmpiricalGame
from games.errors import InputError

BRANCH_PROFILES, BRANCH_ACTIONS = 20_000, 120
"""The largest game whose QRE branch is traced."""
BRANCH_POINTS = 4_000
PANELS = 4
SMALLEST = 1e-290
"""Payoff spans below are nothing: their reciprocals are no numbers."""
ALIKE = 1e-6
"""Probabilities that differ less are told once for all roles."""


@dataclass(frozen=True)
class QrePath:
    """The QRE branch of the empirical game: its picture, and where it ends."""

    picture: Picture
    rows: list[tuple[str, str, float]]
    """Role, agent and probability at the end."""
    reach: float
    note: str


def branch_of(game: EmpiricalGame, symmetric: bool) -> QrePath | str:
    """The principal branch of logit quantal response equilibria with its picture, or why it is not traced.

    The number of points is limited and not the time, so that the same game gives the same picture.
    """
    if game.profiles > BRANCH_PROFILES or sum(game.shape) > BRANCH_ACTIONS:
        return (
            f"The branch is not traced: the game has {game.profiles:,} profiles of {sum(game.shape):,} agents, and the "
            f"limits here are {BRANCH_PROFILES:,} and {BRANCH_ACTIONS:,} (`staghunt qre` has none)."
        )
    if max(game.shape) == 1 or not game.span > SMALLEST:
        return "There is nothing to trace: nobody has a choice that matters."
    from solvers.qre import trace_qre

    try:
        branch = trace_qre(
            game, on_bifurcation="continue" if symmetric else "split", max_points=BRANCH_POINTS
        )
    except InputError as error:
        return f"The branch could not be traced: {error}."
    profile = branch.profiles
    blocks = list(zip(game.offsets[:-1], game.offsets[1:]))
    alike = symmetric and all(
        np.abs(profile[:, a:b] - profile[:, : blocks[0][1]]).max() < ALIKE for a, b in blocks
    )
    shown = [0] if alike else list(range(min(len(game.shape), PANELS)))
    image = picture(
        lambda: _branch_figure(branch, shown, alike),
        f"Logit quantal response equilibria along lambda up to {number(float(branch.lambdas.max()))}",
        "Probability of each agent as precision grows, from uniform play to the limit"
        + ("; the same for every role." if alike else "."),
        mathematics=True,
    )
    rows = [
        ("every" if alike else game.players[role], name, float(prob))
        for role in ([0] if alike else range(len(game.shape)))
        for name, prob in zip(game.actions[role], game.blocks(branch.limit)[role])
    ]
    status = branch.status.value
    events = [f"{len(branch.turning_points)} turning points" * bool(len(branch.turning_points))]
    events.append(f"{len(branch.bifurcations)} bifurcations" * bool(len(branch.bifurcations)))
    told = (
        "Traced until the largest regret is 1e-8 of the payoff span"
        if status == "converged"
        else f"The trace ended early ({status})"
    )
    return QrePath(image, rows, float(branch.lambdas[-1]), "; ".join([told, *filter(None, events)]) + ".")


def _branch_figure(branch: Any, shown: list[int], alike: bool) -> Figure:
    columns = min(len(shown), 2)
    rows = -(-len(shown) // columns)
    figure = new_figure(8.0 if columns == 1 else 11.0, 3.9 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, role in zip(panels, shown):
        plot_branch(axes, branch, role)
        axes.set_ylabel("probability")
        if alike:
            axes.set_title("every role", fontsize=11)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    return figure
