"""Pictures of games and their solutions: payoffs, correlated equilibria, quantal response."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from experiments.intervals import wilson_interval
from experiments.notebook.canvas import axes_for, axes_or_new
from experiments.plots import COLOURS, plain_text, smoothed, tidy, titled
from experiments.solution_plots import NAMES
from games import simplices
from games.errors import InputError
from games.normal import NormalFormGame
from games.tree import TreeGame

if TYPE_CHECKING:
    from experiments.regions import Polytope
    from solvers.qre_branch import Branch
    from solvers.qre_fit import Fit
    from solvers.solution import Solution

CORNERS = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])
"""Where the four joint actions of a 2 x 2 game stand in space: a regular tetrahedron."""


def payoffs(
    game: NormalFormGame,
    solutions: Sequence[Solution] = (),
    axes: Axes | None = None,
    *,
    branch: Branch | None = None,
) -> Axes:
    """The payoff plane of two players: what is feasible, what CCE and CE reach, the Nash equilibria.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    solutions : sequence of Solution
        Drawn as stars.
    axes : Axes, optional
        Where to.
    branch : Branch, optional
        A branch of logit QRE, drawn as the path of its payoffs from uniform play on.
    """
    from experiments.solution_plots import plot_payoff_region

    if not isinstance(game, NormalFormGame):
        raise InputError(
            "the payoff plane is that of a game in normal form; game.to_normal() makes one of a tree"
        )
    if len(game.shape) != 2:
        raise InputError(f"the payoff plane is that of two players, this game has {len(game.shape)}")
    panel = axes_or_new(axes, 6.4, 5.0)
    if branch is not None:
        earned = np.array([game.values(profile) for profile in branch.profiles])
        panel.plot(*earned.T, color=COLOURS[2], linewidth=1.8, label="logit QRE", zorder=4)
    plot_payoff_region(panel, game, solutions)
    if game.title:
        panel.set_title(plain_text(game.title, 60), fontsize=11)
    return panel


def joint(solution: Solution, axes: Axes | None = None) -> Axes:
    """How likely each joint action of two players is, as a heatmap; what is never played is left blank.

    Parameters
    ----------
    solution : Solution
        Of a normal-form game with two players.
    axes : Axes, optional
        Where to.
    """
    from experiments.heatmaps import plot_cells

    game = solution.game
    if not isinstance(game, NormalFormGame) or len(game.shape) != 2:
        raise InputError("joint play is drawn for two players in normal form")
    if solution.profile is None:
        table = solution.joint.dense()  # type: ignore[union-attr]
    else:
        table = np.outer(*game.blocks(solution.profile))
    panel = axes_or_new(axes, 4.6, 3.6)
    plot_cells(panel, game, table, "Blues", "{:.3g}", sparse=True)
    panel.set_title(titled(game, NAMES.get(solution.concept, solution.concept)), fontsize=11)
    return panel


# --- the tetrahedron --------------------------------------------------------------------------------------


def correlated_polytope(game: NormalFormGame, axes: Any = None) -> Any:
    """All correlated equilibria of a 2 x 2 game, in the tetrahedron of joint distributions.

    The corners are the four joint actions. On the curved surface players act independently; the Nash equilibria are
    where it meets the polytope, always on the polytope's boundary (Nau, Gomez Canovas and Hansen 2004).

    Parameters
    ----------
    game : NormalFormGame
        Two players with two actions each.
    axes : Axes3D, optional
        Where to; three-dimensional axes.

    Returns
    -------
    Axes3D
    """
    from experiments.regions import correlated_polytope as polytope_of

    found = polytope_of(game)
    if axes is not None and not hasattr(axes, "plot_wireframe"):
        raise InputError("the polytope needs axes in space: subplots with projection='3d'")
    panel = _axes_in_space() if axes is None else axes
    for a, b in itertools.combinations(CORNERS, 2):
        panel.plot(*zip(a, b), color="0.6", linewidth=0.9)
    for (row, column), corner in zip(np.ndindex(2, 2), CORNERS):
        name = f"{plain_text(game.actions[0][row], 12)}, {plain_text(game.actions[1][column], 12)}"
        panel.text(*(1.14 * corner), name, fontsize=8, ha="center", va="center")
    p, q = np.meshgrid(np.linspace(0, 1, 13), np.linspace(0, 1, 13))
    surface = np.stack([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)], axis=-1) @ CORNERS
    panel.plot_wireframe(*np.moveaxis(surface, -1, 0), color=COLOURS[5], linewidth=0.5, alpha=0.7)
    _draw_polytope(panel, found)
    _draw_nash(panel, game)
    panel.legend(fontsize=8, loc="upper left")
    panel.set_title(titled(game, "Correlated equilibria"), fontsize=11)
    panel.set_axis_off()
    panel.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
    panel.set_box_aspect((1, 1, 1), zoom=0.85)  # with room for the names
    panel.view_init(elev=12, azim=28)
    return panel


def _axes_in_space() -> Any:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(6.0, 5.4), dpi=80, layout="constrained")
    return figure.add_subplot(projection="3d")


def _draw_polytope(panel: Any, found: Polytope) -> None:
    """Faces (if it has a volume), edges and vertices."""
    points = found.vertices @ CORNERS
    if len(points) >= 4 and np.linalg.matrix_rank(points - points[0], 1e-9) == 3:
        from mpl_toolkits.mplot3d.art3d import Poly3DCollection
        from scipy.spatial import ConvexHull

        faces = points[ConvexHull(points).simplices]
        panel.add_collection3d(Poly3DCollection(faces, facecolor=COLOURS[4], edgecolor="none", alpha=0.35))
    for a, b in found.edges:
        panel.plot(*zip(points[a], points[b]), color=COLOURS[4], linewidth=1.6)
    label = f"CE: {len(points)} {'vertex' if len(points) == 1 else 'vertices'}"
    panel.plot(*points.T, "s", color=COLOURS[4], markersize=5, label=label)


def _draw_nash(panel: Any, game: NormalFormGame) -> None:
    from solvers.nash import all_nash

    profiles = np.array([one.profile for one in all_nash(game)])
    if len(profiles):
        joints = np.stack([np.outer(*game.blocks(profile)).ravel() for profile in profiles])
        panel.plot(*(joints @ CORNERS).T, "o", color="black", markersize=6, label="Nash", zorder=9)


# --- quantal response -------------------------------------------------------------------------------------


def branch(
    traced: Branch,
    axes: Axes | Sequence[Axes] | None = None,
    *,
    fit: Fit | None = None,
    log: bool | None = None,
    whole: bool = False,
) -> list[Axes]:
    """Every action's probability along a logit branch, one panel per player, or per information set that moves most.

    Parameters
    ----------
    traced : Branch
        What `trace_qre` returned.
    axes : sequence of Axes, optional
        Where to; one per panel.
    fit : Fit, optional
        An estimate on this branch: the interval of lambda is shaded, observed shares are points at the estimate, with
        Wilson intervals at the level of the fit.
    log : bool, optional
        Logarithmic lambda; by default where that shows more.
    whole : bool
        Whether to show all lambda traced, also where play no longer moves.
    """
    from experiments.branch_output import moving_blocks
    from experiments.plots import PANELS, plot_branch

    game = traced.game
    shown = moving_blocks(traced, PANELS) if isinstance(game, TreeGame) else list(range(len(game.shape)))
    what = "information sets" if isinstance(game, TreeGame) else "players"
    panels = axes_for(axes, len(shown), what, 4.8, 3.6)
    for panel, block in zip(panels, shown):
        plot_branch(panel, traced, block, log=log, whole=whole)
        if fit is not None:
            _draw_observed(panel, fit, block)
        panel.legend(fontsize=8, framealpha=0.9)
    panels[0].set_ylabel("probability")
    return panels


def _draw_observed(panel: Axes, fit: Fit, block: int) -> None:
    """The interval of lambda, and the observed shares with their own intervals at the estimate."""
    low, high = fit.interval
    left, right = panel.get_xlim()
    panel.axvspan(low, min(high, right), color="0.5", alpha=0.15, label=f"{fit.level:.0%} interval")
    panel.axvline(fit.lam, color="0.4", linestyle=":", linewidth=1.2)
    for k, (share, below, above) in enumerate(observed_shares(fit, block)):
        panel.errorbar(
            [fit.lam],
            [share],
            yerr=[[max(share - below, 0.0)], [max(above - share, 0.0)]],
            fmt="o",
            color=COLOURS[k % len(COLOURS)],
            markeredgecolor="white",
            capsize=3,
            label="observed" if k == 0 else None,
            zorder=6,
        )
    if panel.get_xscale() == "linear":
        left, right = 0.0, min(right, 2.5 * high)
    panel.set_xlim(left, right)


def observed_shares(fit: Fit, block: int) -> list[tuple[float, float, float]]:
    """How often each action of a block was observed, with the ends of its Wilson interval at the level of the fit."""
    counts = fit.counts[int(fit.game.offsets[block]) : int(fit.game.offsets[block + 1])].tolist()
    total = sum(counts)
    return [(n / total, *wilson_interval(n, total, fit.level)) for n in counts] if total else []


def play_plane(
    branches: Branch | Sequence[Branch],
    axes: Axes | None = None,
    *,
    fits: Fit | Sequence[Fit] = (),
    labels: Sequence[str] = (),
) -> Axes:
    """Two players' first actions against each other: branches from uniform play to Nash, and what was observed.

    Parameters
    ----------
    branches : Branch or sequence of Branch
        Of games with two players. What is drawn is the probability of each player's first action.
    axes : Axes, optional
        Where to.
    fits : Fit or sequence of Fit, optional
        One per branch: the fitted equilibrium and the observed shares, joined by a line.
    labels : sequence of str, optional
        What the branches are called; by default by their games' titles.
    """
    from solvers.qre_branch import Branch as Traced
    from solvers.qre_fit import Fit as Fitted

    traced = [branches] if isinstance(branches, Traced) else list(branches)
    fitted = [fits] if isinstance(fits, Fitted) else list(fits)
    if not traced:
        raise InputError("there is no branch to draw")
    panel = axes_or_new(axes, 5.6, 5.0)
    for k, one in enumerate(traced):
        if isinstance(one.game, TreeGame) or len(one.game.shape) != 2:
            raise InputError("the plane of play is that of two players in normal form")
        name = labels[k] if k < len(labels) else one.game.title or "logit QRE"
        _draw_path(panel, one, fitted[k] if k < len(fitted) else None, COLOURS[k % len(COLOURS)], name)
    panel.plot([0.5], [0.5], "s", color="0.4", markersize=6, label="uniform play")
    panel.plot([], [], "o", color="black", label="Nash")
    if fitted:
        panel.plot([], [], "D", color="0.3", label="fitted")
        panel.plot([], [], "X", color="0.3", markersize=9, label="observed")
    panel.set_xlim(-0.02, 1.02)
    panel.set_ylim(-0.02, 1.02)
    for i, axis in enumerate(("x", "y")):
        names = dict.fromkeys(f"{one.game.actions[i][0]} of {one.game.players[i]}" for one in traced)
        panel.set(**{f"{axis}label": f"probability of {plain_text(' / '.join(names), 50)}"})
    tidy(panel)
    panel.legend(fontsize=8, framealpha=0.9)
    return panel


def _draw_path(panel: Axes, traced: Branch, fit: Fit | None, colour: str, name: str) -> None:
    """One branch in the plane of the players' first actions, with the points of its fit."""
    game = traced.game
    firsts = [0, int(game.offsets[1])]
    path = smoothed(np.column_stack([traced.lambdas, traced.profiles[:, firsts]]))[:, 1:]
    panel.plot(*path.T, color=colour, linewidth=1.8, label=plain_text(name, 50))
    panel.plot(*path[-1], "o", color="black", markersize=6, zorder=5)
    if fit is not None:
        seen = simplices.normalise(fit.counts, game.offsets)[firsts]
        best = fit.profile[firsts]
        panel.plot(*np.stack([seen, best]).T, color=colour, linewidth=0.9, linestyle=":")
        panel.plot(*best, "D", color=colour, markersize=6, markeredgecolor="white", zorder=6)
        panel.plot(*seen, "X", color=colour, markersize=10, markeredgecolor="white", zorder=6)


def likelihood(fit: Fit, axes: Axes | None = None) -> Axes:
    """The log-likelihood of observed choices against lambda, its maximum and its interval.

    Parameters
    ----------
    fit : Fit
        What `fit_qre` returned.
    axes : Axes, optional
        Where to.
    """
    from experiments.plots import plot_likelihood

    panel = plot_likelihood(axes_or_new(axes, 5.6, 3.8), fit)
    if fit.game.title:
        panel.set_title(plain_text(fit.game.title, 60), fontsize=11)
    return panel
