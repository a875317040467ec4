"""Pictures of tax systems on axes: schedules, equality against productivity, incomes before and after tax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from experiments.notebook.canvas import axes_for, axes_or_new
from games.errors import InputError


def rates(
    schedules: Mapping[str, Any], cutoffs: Any, incomes: Any = None, *, axes: Axes | None = None
) -> Axes:
    """Marginal rates against income.

    Parameters
    ----------
    schedules : mapping of str to float64[K], float64[R, K] or TaxOutcome
        By name, a rate per bracket; or schedules of several seeds, or what a schedule led to.
    cutoffs : float64[K] or Brackets
        Where brackets begin, coin. Fewer than there are rates: the brackets above are left out.
    incomes : float64[M], optional
        Incomes, marked below the axis.
    axes : Axes, optional
        Where.
    """
    import numpy as np

    from experiments.economy_plots import draw_rates

    begins = np.asarray(getattr(cutoffs, "cutoffs", cutoffs), dtype=np.float64)
    shown = {
        name: np.asarray(getattr(one, "rates", one), dtype=np.float64)[..., : len(begins)]
        for name, one in schedules.items()
    }
    return draw_rates(axes_or_new(axes, 6.8, 3.8), shown, begins, incomes)


def systems(points: Mapping[str, Any], *, axes: Axes | None = None) -> Axes:
    """Equality against productivity of tax systems, with lines of equal equality times productivity.

    Parameters
    ----------
    points : mapping of str to TaxOutcome or a pair
        By name, what a schedule led to, or equality and productivity (all coin) of each seed.
    axes : Axes, optional
        Where.
    """
    from experiments.economy_plots import draw_systems

    pairs = {name: _pair(one) for name, one in points.items()}
    return draw_systems(axes_or_new(axes, 6.4, 4.2), pairs)


def incomes(outcomes: Mapping[str, Any], *, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Incomes before and after tax by rising skill, a panel for each tax system, all on one scale.

    Parameters
    ----------
    outcomes : mapping of str to TaxOutcome
        By name, what a schedule led to.
    axes : sequence of Axes, optional
        As many as there are systems.
    """
    from experiments.economy_plots import draw_incomes
    from experiments.plots import plain_text

    if not outcomes:
        raise InputError("there is no tax system to draw")
    panels = axes_for(axes, len(outcomes), "tax systems", 3.6, 3.0)
    for panel, (name, one) in zip(panels, outcomes.items()):
        count = len(one.income)
        draw_incomes(panel, one.income, one.coin, [str(rank + 1) for rank in range(count)])
        panel.set_title(plain_text(name, 40), fontsize=9)
        panel.set_xlabel("workers by rising skill")
    highest = max(panel.get_ylim()[1] for panel in panels)
    for panel in panels:
        panel.set_ylim(top=highest)
        if panel is not panels[0]:
            panel.set_ylabel("")
            panel.legend_ = None
    return panels


def _pair(one: Any) -> tuple[Any, Any]:
    from games.sims.economy_metrics import equality

    if hasattr(one, "coin"):
        return equality(one.coin), one.coin.sum()
    equal, productive = one
    return equal, productive
