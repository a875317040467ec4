"""A picture of a run's economy: its schedule beside known ones, who earns what, and equality against productivity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from experiments.economy_episodes import GATHER, EconomyEpisodes
from experiments.economy_plots import draw_incomes, draw_rates, draw_systems
from experiments.plots import new_figure, plain_text, save_figure
from games.sims.economy_saez import saez
from games.sims.economy_taxes import US_FEDERAL, Brackets

Array = npt.NDArray[Any]
OWN = "these episodes, mean"


def economy_figure(episodes: EconomyEpisodes, title: str = "") -> Figure:
    """Three panels: rates over income, incomes before and after tax by worker, equality against productivity.

    Parameters
    ----------
    episodes : EconomyEpisodes
        What they came to.
    title : str
        Above.
    """
    figure = new_figure(15.4, 4.4)
    rates, incomes, systems = figure.subplots(1, 3, width_ratios=(1.25, 1.0, 1.0))
    draw_rates(rates, schedules(episodes), episodes.cutoffs, episodes.incomes)
    workers = episodes.workers
    names = [str(rank) for rank in range(1, workers["income"].shape[1] + 1)]
    draw_incomes(incomes, workers["income"], workers["after_tax"], names)
    skill = "what houses bring them" if episodes.kind == GATHER else "wage"
    incomes.set_xlabel(f"workers by rising skill ({skill})")
    numbers = episodes.numbers
    told = f"{episodes.count:,} episode{'' if episodes.count == 1 else 's'}"
    draw_systems(systems, {told: (numbers["equality"], numbers["productivity"])})
    if title:
        figure.suptitle(plain_text(title, 150), fontsize=10)
    return figure


def schedules(episodes: EconomyEpisodes) -> dict[str, Array]:
    """The mean schedule, and others to compare it with: the US federal one, and that of the Saez formula for these incomes."""
    out = {OWN: episodes.rates.mean(axis=0)}
    count = len(episodes.cutoffs)
    if count == len(US_FEDERAL):
        out["US federal"] = np.array(US_FEDERAL)
    if count >= 2 and episodes.incomes.size:
        brackets = Brackets(tuple(episodes.cutoffs.tolist()))
        found = saez(brackets, episodes.incomes, episodes.marginal)
        out[f"Saez, elasticity {found.elasticity:.2g}"] = found.rates
    return out


def write_economy_figure(path: Path, episodes: EconomyEpisodes, title: str = "") -> None:
    """Write `economy_figure` as PNG, SVG or PDF, by the suffix, whole or not at all."""
    save_figure(path, economy_figure(episodes, title))
