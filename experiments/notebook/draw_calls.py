"""Pictures of switches: where they call for central learning, what a call is worth, and what that is worth in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from experiments.evaluation_output import Evaluation
from experiments.evaluation_switch import Executed
from experiments.notebook.canvas import axes_or_new
from experiments.switch_facts import SwitchFacts
from games.errors import InputError

if TYPE_CHECKING:
    from solvers.switching import Switching


def calls_map(told: Evaluation | SwitchFacts, axes: Axes | None = None, *, seed: int | None = None) -> Axes:
    """Share of calls by two features of the state, with the number of steps.

    Parameters
    ----------
    told : Evaluation or SwitchFacts
        What `evaluate` returned of a run of `mansa`, or where a switch calls.
    axes : Axes, optional
        Where to.
    seed : int, optional
        Which training seed of an evaluation; the first by default.
    """
    from experiments.switch_plots import draw_map

    facts = _switch(told, seed)
    if facts.map is None:
        raise InputError(f"of {facts.env} fewer than two features are known that change, so there is no map")
    return draw_map(axes_or_new(axes), facts.map)


def calls_around(
    told: Evaluation | SwitchFacts, axes: Axes | None = None, *, seed: int | None = None
) -> Axes:
    """Share of calls by where agents stand, seen from the food that is nearest to each; the star is the food.

    Parameters
    ----------
    told, axes, seed
        As in `calls_map`.
    """
    from experiments.switch_plots import draw_map

    facts = _switch(told, seed)
    if facts.around is None:
        raise InputError(f"{facts.env} is not foraging: nobody stands around food")
    return draw_map(axes_or_new(axes, 5.6, 4.6), facts.around)


def calls_by(
    told: Evaluation | SwitchFacts,
    feature: str | int = 0,
    axes: Axes | None = None,
    *,
    seed: int | None = None,
) -> Axes:
    """Share of calls in every bin of a feature, with intervals.

    Parameters
    ----------
    told, axes, seed
        As in `calls_map`.
    feature : str or int
        Its name, or its place among those that tell most, from 0.
    """
    from experiments.switch_plots import draw_feature

    facts = _switch(told, seed)
    names = [one.feature.name for one in facts.features]
    if isinstance(feature, str):
        place = names.index(feature) if feature in names else -1
    else:
        place = feature
    if not 0 <= place < len(names):
        raise InputError(f"there is no feature {feature!r:.60} that changes; there are {', '.join(names)}")
    return draw_feature(axes_or_new(axes), facts.features[place])


def calls_worth(found: Switching, axes: Axes | None = None) -> Axes:
    """What a call is worth in each state beyond its price, where an optimal switch comes by; bars above 0 are calls.

    Parameters
    ----------
    found : Switching
        What `solvers.switching.optimal_switch` returned, without a budget.
    axes : Axes, optional
        Where to.
    """
    from experiments.plots import COLOURS, tidy

    if found.budget is not None:
        raise InputError("with a budget a call is worth as much as there are calls left: draw one without")
    axes = axes_or_new(axes)
    visits = found.play.visits.sum(axis=0)
    worth = (found.advantage * found.play.visits).sum(axis=0) / np.where(visits > 0, visits, np.nan)
    called = np.isin(np.arange(len(worth)), found.used)
    axes.bar(np.flatnonzero(called), worth[called], 0.72, color=COLOURS[0], label="called")
    axes.bar(np.flatnonzero(~called), worth[~called], 0.72, color="0.75", label="not called")
    axes.axhline(0.0, color="0.3", linewidth=0.8)
    axes.set_xticks(range(len(worth)), found.team.game.states, fontsize=8)
    axes.set_xlabel("state")
    axes.set_ylabel(f"worth of a call beyond its price {found.cost:g}")
    axes.legend(fontsize=8, framealpha=0.9)
    tidy(axes)
    return axes


def executions(told: Evaluation, axes: Axes | None = None) -> Axes:
    """Returns of switched teams by who decides on calls, on the same episodes: means over seeds, and each seed a dot.

    Parameters
    ----------
    told : Evaluation
        What `evaluate` returned of a run of `mansa`.
    axes : Axes, optional
        Where to.
    """
    from experiments.evaluation import score_of
    from experiments.plots import COLOURS, tidy

    teams = [judged.switch for judged in told.seeds if judged.switch is not None]
    if not teams:
        raise InputError(f"the team of {told.run} has no switch to look at")
    axes = axes_or_new(axes)
    ways: list[tuple[Executed, ...]] = list(zip(*(team.executions for team in teams), strict=True))
    labels = []
    for k, found in enumerate(ways):
        scores = [score_of(told.spec, one.episodes, told.rng("episodes"))[0] for one in found]
        axes.bar(k, float(np.mean(scores)), 0.62, color=COLOURS[k], alpha=0.5, linewidth=0)
        axes.plot([k] * len(scores), scores, "o", color=COLOURS[k], markersize=4)
        share = float(np.mean([one.call_fraction for one in found]))
        labels.append(f"{found[0].way}\n{100 * share:.3g} % calls")
    axes.set_xticks(range(len(ways)), labels, fontsize=9)
    axes.set_ylabel("return of an episode")
    tidy(axes)
    return axes


# --- inside -------------------------------------------------------------------------------------------------------


def _switch(told: Evaluation | SwitchFacts, seed: int | None) -> SwitchFacts:
    """Where a switch calls."""
    if isinstance(told, SwitchFacts):
        return told
    for judged in told.seeds:
        if seed in (None, judged.seed) and judged.switch is not None and judged.switch.facts is not None:
            return judged.switch.facts
    which = "" if seed is None else f" of seed {seed}"
    raise InputError(f"{told.run}{which} has no switch that was looked at")
