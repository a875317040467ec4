"""Pictures of QRE branches and likelihoods, and what all pictures share. Functions draw and return axes or figures.

Figures are made without pyplot, on the Agg canvas: nothing global, nothing needs a display.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from experiments.branch_output import moving_blocks
from games.normal import NormalFormGame
from games.simplices import Float
from games.tree import TreeGame

# Okabe and Ito's palette: told apart under every common colour blindness
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
LEGEND_LIMIT = 14
PANELS = 6
"""At most so many information sets of a tree are drawn."""
DPI = 150


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(path: Path, figure: Figure) -> None:
    """Write the figure in the format of the suffix, whole or not at all."""
    import warnings

    import matplotlib as mpl

    from experiments.atomic import write_atomically

    # without dates and random ids the same answer gives the same file
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
    with mpl.rc_context({"svg.hashsalt": "staghunt"}), warnings.catch_warnings():
        # a name in a script that the font lacks is drawn as boxes, which says enough
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=DPI, metadata=metadata))


def plain_text(name: str, limit: int = 28) -> str:
    """A name from a file, cut to `limit` and safe from mathematical typesetting."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    cut = flat if len(flat) <= limit else flat[: limit - 1] + "…"
    cut = " " + cut if cut.startswith("_") else cut  # legends leave out what begins with an underscore
    return cut.replace("$", r"\$")


def titled(game: NormalFormGame | TreeGame, what: str) -> str:
    """A heading with the game's title, if it has one."""
    return f"{what}: {plain_text(game.title, 70)}" if game.title else what


def tidy(axes: Axes) -> None:
    """Two spines and a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, alpha=0.25, linewidth=0.6)


def _style(k: int, count: int) -> dict[str, Any]:
    """Eight colours told apart by anybody; more actions than that are often ordered, and get a colour scale."""
    if count <= len(COLOURS):
        return {"color": COLOURS[k]}
    import matplotlib as mpl

    return {"color": mpl.colormaps["turbo"](0.05 + 0.9 * k / (count - 1))}


# --- QRE branch -------------------------------------------------------------------------------------------


def branch_figure(
    branch: Any,
    *,
    scale: float = 1.0,
    unit: str = "1 / payoff",
    log: bool | None = None,
    whole: bool = False,
) -> Figure:
    """One panel per player, or per information set that moves most: the probability of each action along the branch.

    Parameters
    ----------
    branch : Branch
        What `trace_qre` returned.
    scale : float
        Multiplies every lambda shown.
    unit : str
        The unit of the lambda shown.
    log : bool, optional
        Logarithmic lambda axis; by default when the interesting part would be squeezed into a corner.
    whole : bool
        Show all lambda traced, also where play no longer moves.
    """
    game = branch.game
    shown = moving_blocks(branch, PANELS) if isinstance(game, TreeGame) else list(range(len(game.shape)))
    count = max(len(shown), 1)
    columns = min(count, 2 if count <= 4 else 3)
    rows = -(-count // columns)
    figure = new_figure(5.6 * columns, 3.7 * rows + 0.4)
    panels = np.atleast_1d(figure.subplots(rows, columns, sharey=True, squeeze=False)).ravel()
    for axes, block in itertools.zip_longest(panels, shown):
        if block is not None:
            plot_branch(axes, branch, block, scale=scale, unit=unit, log=log, whole=whole)
        else:
            axes.set_visible(False)
    for axes in panels[:count:columns]:
        axes.set_ylabel("probability")
    all_shown = len(shown) == len(game.offsets) - 1
    some = (
        ""
        if all_shown
        else f" (the {len(shown)} of {len(game.offsets) - 1:,} information sets that move most)"
    )
    figure.suptitle(titled(game, "Logit QRE") + some)
    return figure


def block_title(game: NormalFormGame | TreeGame, block: int, limit: int = 40) -> str:
    """Whose block of probabilities it is: a player, or a player at an information set."""
    if isinstance(game, TreeGame):
        return plain_text(f"{game.players[game.owner[block]]}: {game.infosets[block]}", limit)
    return plain_text(game.players[block], limit)


def plot_branch(
    axes: Axes,
    branch: Any,
    player: int,
    *,
    scale: float = 1.0,
    unit: str = "1 / payoff",
    log: bool | None = None,
    whole: bool = False,
) -> Axes:
    """One player's (or information set's) action probabilities along the branch, its turning points and bifurcations marked."""
    game = branch.game
    lams, blocks = _curve(branch, player)
    names = game.actions[player]
    for k, name in enumerate(names):
        axes.plot(lams * scale, blocks[:, k], linewidth=1.7, label=plain_text(name), **_style(k, len(names)))
    low, high = window(branch, whole)
    if low > 0 and (log_axis(branch, high) if log is None else log):
        axes.set_xscale("log")
        axes.set_xlim(low * scale, high * scale)
    elif high > 0:
        axes.set_xlim(0.0, high * scale)
    _mark_events(axes, branch, player, scale)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel(f"precision λ  ({unit})")
    axes.set_title(block_title(game, player), fontsize=11)
    tidy(axes)
    _legend(axes, len(names) + (branch.turning_points.size > 0) + (branch.bifurcations.size > 0))
    return axes


def _curve(branch: Any, player: int) -> tuple[Float, Float]:
    """Lambda and one player's probabilities along the branch, to draw."""
    start, stop = branch.game.offsets[player], branch.game.offsets[player + 1]
    smooth = smoothed(np.column_stack([branch.lambdas, branch.profiles[:, start:stop]]))
    return smooth[:, 0], np.clip(smooth[:, 1:], 0.0, 1.0)


def smoothed(points: Float, limit: int = 4000) -> Float:
    """Points joined by monotone cubics along the curve, so that a few look smooth; a great many are thinned out."""
    from scipy.interpolate import PchipInterpolator

    if len(points) > limit:
        return points[np.linspace(0, len(points) - 1, limit).round().astype(int)]
    if len(points) < 3:
        return points
    moved = np.abs(np.diff(points[:, 1:], axis=0)).sum(axis=1) / max(float(np.ptp(points[:, 1:])), 1e-300)
    along = np.concatenate([[0.0], np.cumsum(moved + np.abs(np.diff(np.log1p(points[:, 0]))) + 1e-12)])
    fine = np.interp(np.linspace(0, len(along) - 1, 12 * len(along)), np.arange(len(along)), along)
    with np.errstate(over="ignore", divide="ignore"):  # slopes of probabilities like 1e-300
        return PchipInterpolator(along, points)(fine)


def _mark_events(axes: Axes, branch: Any, player: int, scale: float, limit: int = 12) -> None:
    """Mark where the branch turns and forks, on every action or, if they are many, on the likeliest."""
    game = branch.game
    start, stop = game.offsets[player], game.offsets[player + 1]
    for lams, marker, label in (
        (branch.turning_points, "o", "turning point"),
        (branch.bifurcations, "D", "bifurcation"),
    ):
        for n, lam in enumerate(np.asarray(lams)[:limit]):
            values = branch.profiles[int(np.abs(branch.lambdas - lam).argmin()), start:stop]
            values = values if values.size <= 3 else values.max(keepdims=True)
            axes.plot(
                np.full(values.size, lam * scale),
                values,
                linestyle="none",
                marker=marker,
                markersize=5.5,
                markerfacecolor="white",
                markeredgecolor="black",
                zorder=5,
                label=label if n == 0 else None,
            )


def window(branch: Any, whole: bool = False) -> tuple[float, float]:
    """The lambda between which there is something to see: play has left uniform and not yet settled at its limit."""
    lams, profiles = np.asarray(branch.lambdas), branch.profiles
    last = float(lams.max())
    left = np.abs(profiles - profiles[0]).max(axis=1) > 2e-3
    moving = np.abs(profiles - profiles[-1]).max(axis=1) > 5e-3
    low = float(lams[int(left.argmax())]) if left.any() else 0.0
    if whole or not moving.any():
        return low, last
    return low, min(last, 1.5 * float(lams[moving].max()))


def log_axis(branch: Any, high: float) -> bool:
    """Whether three quarters of all movement happens in the first twentieth of the lambda range shown."""
    lams = np.asarray(branch.lambdas)
    moved = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(branch.profiles, axis=0)).max(axis=1))])
    if lams.size < 3 or moved[-1] == 0.0:
        return False
    return bool(lams[int(np.searchsorted(moved, 0.75 * moved[-1]))] < 0.05 * high)


def _legend(axes: Axes, entries: int) -> None:
    if entries > LEGEND_LIMIT:
        handles, labels = axes.get_legend_handles_labels()
        chosen = sorted(set(np.linspace(0, len(handles) - 1, LEGEND_LIMIT).round().astype(int).tolist()))
        handles, labels = [handles[k] for k in chosen], [labels[k] for k in chosen]
        axes.legend(handles, labels, fontsize=7, ncols=2, framealpha=0.9, loc="upper left")
    else:
        axes.legend(fontsize=8, ncols=1 if entries <= 6 else 2, framealpha=0.9)


# --- likelihood -------------------------------------------------------------------------------------------


def likelihood_figure(fit: Any) -> Figure:
    """The log-likelihood over lambda, its maximum and its confidence interval."""
    figure = new_figure(6.4, 4.0)
    plot_likelihood(figure.add_subplot(), fit)
    return figure


def plot_likelihood(axes: Axes, fit: Any) -> Axes:
    """Draw a fit's profile log-likelihood; only what lies within reach of the maximum is shown."""
    lams = np.asarray(fit.lambdas)
    seen = np.isfinite(fit.log_likelihoods)
    curve = smoothed(np.column_stack([lams, fit.log_likelihoods])[seen])
    axes.plot(curve[:, 0], curve[:, 1], color=COLOURS[0], linewidth=1.8, label="log-likelihood")
    low, high = fit.interval
    right = float(lams.max())
    axes.axvspan(low, min(high, right), color=COLOURS[0], alpha=0.12, label=f"{fit.level:.0%} interval")
    if math.isfinite(fit.lam):
        told = f"λ = {fit.lam:.4g}"
        axes.plot([fit.lam], [fit.log_likelihood], "o", color=COLOURS[1], label=told)
    axes.axhline(fit.log_likelihood_uniform, color="0.4", linestyle=":", label="uniform play")
    rise = max(fit.log_likelihood - fit.log_likelihood_uniform, 2.0)
    bottom = fit.log_likelihood - 1.2 * rise
    axes.set_ylim(bottom, fit.log_likelihood + 0.15 * rise)
    wide = (4.0 * high - 3.0 * min(fit.lam, high)) if math.isfinite(high) else right
    visible = float(curve[curve[:, 1] >= bottom, 0].max(initial=0.0))
    axes.set_xlim(0.0, min(max(wide, 1e-12), visible, right) or 1.0)
    axes.set_xlabel("precision λ  (1 / payoff)")
    axes.set_ylabel("log-likelihood")
    tidy(axes)
    axes.legend(fontsize=8)
    return axes
