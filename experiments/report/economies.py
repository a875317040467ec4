"""How the economies of runs do: the checkpoint with the best evaluation, of the seed with the best one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.economy_episodes import EconomyEpisodes, EconomyLog, economy_kind
from experiments.economy_figure import economy_figure
from experiments.evaluation_economy import WORDS, EconomyTold
from experiments.report.best import Progress, best_checkpoint
from experiments.report.figures import Picture, picture
from experiments.training.runs import Run, kept_by, team_of
from games.carrying import carrying
from games.errors import InputError
from games.play import play_episodes
from games.streams import draw_seeds

SCHEME = "economy:"
EPISODES, STEPS = 100, 20_000
"""Episodes that are played, and fewer of long ones: at most so many steps of all together."""


class NumberRow(NamedTuple):
    """A number about society, and its interval."""

    key: str
    name: str
    mean: float
    low: float | None
    high: float | None


class BracketRow(NamedTuple):
    """A bracket: where it begins, its mean rate, the share of incomes in it, and what they paid (None: nobody earned)."""

    begins: float
    rate: float
    occupancy: float
    effective: float | None


@dataclass(frozen=True)
class EconomySection:
    """The section about an economy.

    Parameters
    ----------
    pictures : list of Picture
        Rates, incomes, equality against productivity.
    numbers : list of NumberRow
        How society did.
    brackets : list of BracketRow
        What was taxed.
    notes : list of str
        What could not be looked at, and why.
    """

    pictures: list[Picture]
    numbers: list[NumberRow]
    brackets: list[BracketRow]
    notes: list[str]


def economies_of(run: Run, progress: Progress) -> EconomySection | None:
    """Play episodes of a run's economy; None if its environment is none.

    Parameters
    ----------
    run : Run
        A run of `staghunt train`.
    progress : callable
        ``progress(fraction, text)``.
    """
    if not run.spec.env.lower().startswith(SCHEME):
        return None
    found = best_checkpoint(run)
    if found is None:
        return EconomySection([], [], [], ["There is no checkpoint yet."])
    seed, file = found
    progress(0.0, f"playing episodes of seed {seed}")
    try:
        episodes = _played(run, file)
    except InputError as error:
        return EconomySection([], [], [], [str(error)])
    how = "likeliest" if run.spec.training.greedy else "drawn"
    return _section(seed, EconomyTold(episodes, (0, *b"economy")), how)


def _played(run: Run, file: Path) -> EconomyEpisodes:
    from experiments.training.driver import settled

    with settled(run.spec.training.threads, "cpu"):
        env: Any
        _, env, _, team = team_of(run, file)
        if economy_kind(env) is None:
            raise InputError(f"{env.spec.name} is no economy")
        log = EconomyLog(env)
        count = max(2, min(EPISODES, STEPS // (env.spec.horizon or 1)))
        seeds = draw_seeds(np.random.default_rng(0), count)
        play_episodes(carrying(env, kept_by(file)), team, seeds, watch=log)
    return log.episodes()


def _section(seed: int, told: EconomyTold, how: str) -> EconomySection:
    shown = told.episodes
    numbers = []
    for key, one in told.numbers.items():
        low, high = (None, None) if one["interval"] is None else map(float, one["interval"])
        numbers.append(NumberRow(key, WORDS[key].strip(), one["mean"], low, high))
    table = told.brackets
    columns = (table["rates"]["mean"], table["occupancy"]["mean"], table["effective_rates"]["mean"])
    brackets = [
        BracketRow(float(begins), float(rate), float(share), float(paid) if np.isfinite(paid) else None)
        for begins, rate, share, paid in zip(shown.cutoffs, *columns)
    ]
    drawn = picture(
        lambda: economy_figure(shown),
        f"Tax rates over income, incomes of workers before and after tax, and equality against productivity, of seed {seed}",
        f"Seed {seed}, best evaluation, {shown.count:,} episodes of {how} actions. Left: the mean schedule, beside known ones; marks are incomes of "
        "a year. Middle: workers by rising skill, with 95 % Student intervals of means over episodes. Right: dots are episodes, the "
        "cross their mean.",
    )
    return EconomySection([drawn], numbers, brackets, [])
