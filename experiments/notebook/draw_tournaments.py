"""Pictures of tournaments and of growing populations: payoffs with intervals, rankings, how sure an equilibrium is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from experiments.notebook.canvas import axes_for, axes_or_new
from experiments.plots import COLOURS, plain_text, tidy
from games.empirical import PayoffTable
from games.errors import InputError

if TYPE_CHECKING:
    from experiments.psro.result import Result
    from experiments.tournament.results import Results
    from games.policy import Tabular
    from solvers.certificate import Certificate


def payoff_table(
    found: Results | PayoffTable, axes: Axes | Sequence[Axes] | None = None, *, delta: float = 0.05
) -> Axes | list[Axes]:
    """Mean payoffs as a heat map with their guaranteed radii; with roles, one for each.

    Parameters
    ----------
    found : Results or PayoffTable
        What `tournament` returned, or its table.
    axes : Axes or sequence of Axes, optional
        Where to; as many as there are matrices.
    delta : float
        All radii hold together with probability 1 - delta.
    """
    from experiments.report.figures import plot_heat
    from experiments.report.payoffs import heats_of

    table = found if isinstance(found, PayoffTable) else found.table
    heats = heats_of(table, delta)
    if not heats:
        raise InputError("the table is too large to be drawn; `without` leaves agents out")
    rows, columns = heats[0].mean.shape
    panels = axes_for(axes, len(heats), "matrices", 1.9 + 0.85 * columns, 1.3 + 0.5 * rows, columns=2)
    known = np.concatenate([heat.mean.ravel() for heat in heats])
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    for panel, heat in zip(panels, heats):
        plot_heat(panel, heat, low, high)
    return panels[0] if len(panels) == 1 else panels


def ranking(
    found: Results,
    axes: Axes | None = None,
    *,
    measure: str = "mean score",
    level: float = 0.95,
    seed: int = 0,
) -> Axes:
    """Agents from best to worst by a measure, with bootstrap intervals.

    Parameters
    ----------
    found : Results
        What `tournament` returned.
    axes : Axes, optional
        Where to.
    measure : str
        One of `experiments.tournament.rankings.MEASURES`, such as ``Elo`` or ``alpha-rank``.
    level : float
        Of the intervals.
    seed : int
        Of the bootstrap.
    """
    from experiments.tournament.rankings import MEASURES, rank
    from experiments.tournament.standing import ABOUT, samples_of

    if measure not in MEASURES:
        raise InputError(f"unknown measure {measure!r}; there are {', '.join(MEASURES)}")
    samples = samples_of(found, found.table)
    answer = rank(samples, np.random.default_rng(seed), names=(measure,), level=level)
    if not answer.rankings:
        raise InputError(f"{measure} cannot be told: {answer.absent.get(measure, 'no reason known')}")
    one = answer.rankings[0]
    order = [int(k) for k in one.order if np.isfinite(one.values[k])]
    panel = axes_or_new(axes, 6.0, 0.9 + 0.36 * max(len(order), 2))
    places = np.arange(len(order))
    values = one.values[order]
    if one.low is not None and one.high is not None:
        panel.hlines(places, one.low[order], one.high[order], color=COLOURS[0], linewidth=2.4, alpha=0.55)
    panel.plot(values, places, "o", color=COLOURS[0], markersize=5)
    panel.set_yticks(places, [plain_text(one.agents[k]) for k in order])
    panel.set_ylim(len(order) - 0.5, -0.5)
    panel.set_xlabel(ABOUT[measure])
    panel.set_title(f"{measure}, {level:.0%} intervals" if one.low is not None else measure, fontsize=10)
    tidy(panel)
    return panel


def certainty(
    samples: Sequence[float],
    certificates: Sequence[Certificate],
    truth: Sequence[float] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """How far an equilibrium of an empirical game may be from one of the true game, against samples of every cell.

    Parameters
    ----------
    samples : sequence of float
        Of every cell, one number for each certificate.
    certificates : sequence of Certificate
        Of equilibria of empirical games.
    truth : sequence of float, optional
        Regrets in the true game, where that is known.
    axes : Axes, optional
        Where to.
    """
    if not len(samples) == len(certificates) == len(samples if truth is None else truth):
        raise InputError("there must be as many certificates and true regrets as numbers of samples")
    if not len(samples):
        raise InputError("there is no certificate to draw")
    panel = axes_or_new(axes, 6.0, 3.6)
    along = np.asarray(samples, dtype=np.float64)
    epsilon = np.array([one.epsilon for one in certificates])
    panel.plot(along, epsilon, "o-", color=COLOURS[0], label="promised: regret + slack")
    panel.plot(
        along, epsilon[0] * np.sqrt(along[0] / along), ":", color="0.5", label="one over the root of samples"
    )
    if truth is not None:
        panel.plot(
            along,
            np.asarray(truth, dtype=np.float64),
            "s-",
            color=COLOURS[1],
            label="regret in the true game",
        )
    panel.set_xscale("log")
    panel.set_yscale("symlog", linthresh=max(float(epsilon[epsilon > 0].min(initial=1.0)) / 30, 1e-9))
    panel.set_ylim(bottom=0)
    panel.set_xlabel("samples of every cell")
    panel.set_ylabel("largest gain by deviating")
    panel.legend(fontsize=8, framealpha=0.9)
    tidy(panel)
    return panel


def growth(result: Result, axes: Axes | None = None) -> Axes:
    """How far PSRO was from equilibrium while its populations grew.

    Parameters
    ----------
    result : Result
        Of `experiments.psro.loop.psro`.
    axes : Axes, optional
        Where to.
    """
    from experiments.psro.pictures import plot_gaps
    from experiments.psro.telling import distance_name

    panel = axes_or_new(axes, 6.0, 3.6)
    numbers = np.array([step.number for step in result.history], dtype=np.float64)
    plot_gaps(panel, numbers, np.array([step.gap for step in result.history]))
    panel.set_xlabel("iterations")
    panel.set_ylabel(distance_name(result))
    sizes = " and ".join(map(str, result.populations.sizes))
    panel.set_title(f"{plain_text(result.arena.title, 50)}: {sizes} strategies in the end", fontsize=10)
    return panel


def tables(
    policies: Mapping[str, Tabular], situations: Sequence[str], action: str = "", axes: Axes | None = None
) -> Axes:
    """How probable each table makes its first action in every situation, as a heat map.

    Parameters
    ----------
    policies : mapping of str to Tabular
        By name, from top to bottom.
    situations : sequence of str
        Names of the rows of their tables.
    action : str
        Name of the first action.
    axes : Axes, optional
        Where to.
    """
    if not policies:
        raise InputError("there is no table to draw")
    shown = {name: np.asarray(one.table)[..., 0] for name, one in policies.items()}
    for name, row in shown.items():
        if row.shape != (len(situations),):
            raise InputError(
                f"the table of {name!r} has shape {row.shape}, and there are {len(situations)} situations"
            )
    panel = axes_or_new(axes, 1.6 + 0.95 * len(situations), 1.2 + 0.42 * len(shown))
    matrix = np.array(list(shown.values()))
    panel.imshow(matrix, cmap="viridis", vmin=0.0, vmax=1.0, aspect="auto")
    for (a, b), value in np.ndenumerate(matrix):
        dark: Any = "white" if value < 0.6 else "black"
        panel.text(b, a, f"{value:.2f}", ha="center", va="center", color=dark, fontsize=9)
    panel.set_yticks(range(len(shown)), [plain_text(name) for name in shown])
    panel.set_xticks(range(len(situations)), [plain_text(name) for name in situations])
    panel.set_title(f"probability of {plain_text(action) or 'the first action'}", fontsize=10)
    return panel
