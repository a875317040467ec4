"""How the economies of evaluated episodes did, with intervals over episodes: as a JSON document and as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.economy_episodes import ONE_STEP, EconomyEpisodes
from experiments.evaluation import over_seeds
from experiments.intervals import LEVEL, bootstrap_interval, resampled_means
from experiments.play_output import between, number

if TYPE_CHECKING:
    from experiments.evaluation_output import Evaluation

Array = npt.NDArray[Any]

WORDS = {
    "equality": "equality (1 - Gini)",
    "gini": "Gini coefficient",
    "productivity": "productivity (all coin)",
    "eq_times_prod": "equality x coin per head",
    "inverse_income_utility": "inverse-income utility",
    "welfare": "the planner's welfare",
    "effective_rate": "effective tax rate",
    "effective_rate_poorest": "  of the poorest worker",
    "effective_rate_richest": "  of the richest worker",
    "trades": "units traded",
    "houses": "houses built",
    "labour": "labour per worker",
    "hours": "hours per worker",
    "gaming": "tax gaming index",
}
"""What numbers are called in tables."""
HEADS = {
    "payment": "A house pays",
    "wage": "Wage",
    "houses": "Houses",
    "net_wood": "Wood sold net",
    "net_stone": "Stone sold net",
    "labour": "Labour",
    "hours": "Hours",
    "coin": "Coin",
    "income": "Before tax",
    "after_tax": "After tax",
    "utility": "Utility",
    "gaming": "Gaming",
}
"""What columns about workers are called."""
ROWS = 12
"""Of more workers, evenly spaced ones are shown."""


@dataclass(frozen=True)
class EconomyTold:
    """Means over episodes and their 95 % bootstrap intervals.

    Parameters
    ----------
    episodes : EconomyEpisodes
        What they came to.
    seed : sequence of int
        Of the resamples.
    """

    episodes: EconomyEpisodes
    seed: tuple[int, ...]

    @cached_property
    def numbers(self) -> dict[str, dict[str, Any]]:
        """By name, the mean and its interval (None for one episode)."""
        found = self._columns(np.column_stack(list(self.episodes.numbers.values())))
        bounds = found["interval"]
        return {
            name: {"mean": float(found["mean"][k]), "interval": None if bounds is None else bounds[k]}
            for k, name in enumerate(self.episodes.numbers)
        }

    @cached_property
    def brackets(self) -> dict[str, Any]:
        """Where brackets begin, their rates, the share of incomes in them, and what these pay; see `_ratio`."""
        shown = self.episodes
        return {
            "cutoffs": shown.cutoffs,
            "rates": self._columns(shown.rates),
            "occupancy": self._columns(shown.occupancy),
            "effective_rates": self._ratio(shown.collected, shown.earned),
        }

    @cached_property
    def workers(self) -> dict[str, Any]:
        """By name, means of workers by rising skill, float64[n], and their intervals."""
        return {name: self._columns(values) for name, values in self.episodes.workers.items()}

    def _columns(self, values: Array) -> dict[str, Any]:
        return {
            "mean": values.mean(axis=0),
            "interval": bootstrap_interval(values, np.random.default_rng(self.seed)),
        }

    def _ratio(self, above: Array, below: Array) -> dict[str, Any]:
        """Sums over all episodes divided, and percentiles of the same of resampled episodes; NaN where all is 0."""
        share = _divided(above.sum(axis=0), below.sum(axis=0))
        if len(above) < 2:
            return {"mean": share, "interval": None}
        means = resampled_means(np.column_stack([above, below]), np.random.default_rng(self.seed))
        drawn = _divided(*np.split(means, 2, axis=1))
        bounds = np.full((len(share), 2), np.nan)
        for k in np.flatnonzero(np.isfinite(share)):
            bounds[k] = np.nanquantile(drawn[:, k], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return {"mean": share, "interval": bounds}


def _divided(above: Array, below: Array) -> Array:
    out: Array = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
    return out


def told_economy(told: Evaluation, episodes: EconomyEpisodes) -> EconomyTold:
    """With the resamples of an evaluation."""
    return EconomyTold(episodes, (told.seed, *b"economy"))


# --- documents ------------------------------------------------------------------------------------------------


def economy_document(told: Evaluation, episodes: EconomyEpisodes | None) -> dict[str, Any] | None:
    """One training seed's; None where nobody has an economy."""
    return None if episodes is None else document_of(told_economy(told, episodes))


def document_of(found: EconomyTold) -> dict[str, Any]:
    """Means and intervals as plain data."""
    return {
        "kind": found.episodes.kind,
        "episodes": found.episodes.count,
        "numbers": found.numbers,
        "brackets": found.brackets,
        "workers": found.workers,
    }


def economy_aggregate(told: Evaluation) -> dict[str, Any] | None:
    """Means over training seeds; None without economies."""
    seeds = [judged.economy for judged in told.seeds if judged.economy is not None]
    if not seeds or len(seeds) < len(told.seeds):
        return None
    out = {}
    for name in seeds[0].numbers:
        means = [float(one.numbers[name].mean()) for one in seeds]
        mean, bounds = over_seeds(means, told.rng("economy"))
        out[name] = {"mean": mean, "interval": bounds}
    rates = np.mean([one.rates.mean(axis=0) for one in seeds], axis=0)
    return {"numbers": out, "rates": rates}


# --- for people -----------------------------------------------------------------------------------------------


def show_economy(out: Any, told: Evaluation) -> None:
    """Print how economies did: of one training seed also brackets and workers, of several their means."""
    seeds = [judged.economy for judged in told.seeds if judged.economy is not None]
    if not seeds:
        return
    out.print()
    if len(seeds) > 1:
        out.print(_of_seeds(told, seeds))
        return
    found = told_economy(told, seeds[0])
    out.print(_numbers_table(found.numbers))
    out.print(_brackets_table(found))
    out.print(_workers_table(found))
    workers = seeds[0].workers["income"].shape[1]
    if workers > ROWS:
        out.print(f"[dim]{ROWS} of {workers:,} workers, evenly spaced by skill[/]")
    out.print(f"[dim]{_remark(seeds[0])}[/]")


def _remark(episodes: EconomyEpisodes) -> str:
    if episodes.kind == ONE_STEP:
        return "incomes in coin; after tax includes what everybody gets back"
    return (
        "incomes of all tax years, in coin; after tax includes what everybody gets back; gaming: share of taxes saved by spreading "
        "income over years as they did"
    )


def _of_seeds(told: Evaluation, seeds: list[EconomyEpisodes]) -> Any:
    from experiments.tables import simple_table

    whole = economy_aggregate(told)
    heads = [f"Seed {judged.seed}" for judged in told.seeds]
    table = simple_table("Economy", *heads, "Mean", "Interval", right=range(1, len(seeds) + 3))
    for name in seeds[0].numbers:
        means = [number(float(one.numbers[name].mean())) for one in seeds]
        last = [] if whole is None else _cells(whole["numbers"][name])
        table.add_row(WORDS[name], *means, *last)
    return table


def _numbers_table(numbers: Mapping[str, Any]) -> Any:
    from experiments.tables import simple_table

    table = simple_table("Economy", "Mean", "Interval", right=(1, 2))
    for name, one in numbers.items():
        table.add_row(WORDS[name], *_cells(one))
    return table


def _cells(one: Mapping[str, Any]) -> list[str]:
    return [number(one["mean"]), between(one["interval"])]


def _brackets_table(found: EconomyTold) -> Any:
    from experiments.tables import simple_table

    shown = found.brackets
    table = simple_table(
        "Income from", "Rate", "Interval", "Of incomes", "Effective rate", "Interval", right=range(6)
    )
    for k, cutoff in enumerate(shown["cutoffs"]):
        rate, bounds = _at(shown["rates"], k)
        effective, ends = _at(shown["effective_rates"], k)
        share = f"{100 * shown['occupancy']['mean'][k]:.3g} %"
        if not np.isfinite(effective):
            table.add_row(number(cutoff), number(rate), between(bounds), share, "-", "-")
            continue
        table.add_row(number(cutoff), number(rate), between(bounds), share, number(effective), between(ends))
    return table


def _at(column: Mapping[str, Any], k: int) -> tuple[float, Any]:
    bounds = column["interval"]
    return float(column["mean"][k]), None if bounds is None else bounds[k]


def _workers_table(found: EconomyTold) -> Any:
    from experiments.pictures import evenly
    from experiments.tables import simple_table

    columns = found.workers
    count = len(next(iter(columns.values()))["mean"])
    table = simple_table(
        "Worker by skill", *(HEADS[name] for name in columns), right=range(1, 1 + len(columns))
    )
    for k in evenly(count, ROWS):
        table.add_row(f"{k + 1}", *(number(float(column["mean"][k])) for column in columns.values()))
    return table
