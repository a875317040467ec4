"""How far a tax schedule and the workers under it are from equilibrium, recomputed from the economy alone.

This file shares no code with the solver: taxes are sums over brackets, best responses are looked for among all levels of labour.

Workers: the regret of worker i is what it would gain by its best level of labour under the schedule, lump sum included: of
what it pays a share 1 / n comes back, and what others do does not matter. Planner: the regret is what another schedule of the grid
would gain, if workers answer best to either schedule; and, where it is known how these workers answer to schedules, if they go on
to do so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.sims.economy_metrics import equality_times_productivity, inverse_income_weighted
from games.sims.economy_one_step_model import OneStepEconomy, rate_grid

Array = npt.NDArray[Any]
MOST_SCHEDULES = 20_000
_CELLS = 2_000_000
_TIE = 1e-13


@dataclass(frozen=True, eq=False)
class TaxCertificate:
    """The measured distance of a schedule and of workers under it from an equilibrium.

    Parameters
    ----------
    game : str
        Digest of the economy.
    rates : float64[K]
        The planner's schedule.
    regret : float64[n]
        What each worker can gain at most under it, coin.
    relative : float
        All workers' regret over what working best gains them over not working; 0 where nothing is to be gained.
    welfare, ideal : float
        Of the schedule with these workers; with workers who answer best.
    best_rates : float64[K]
        The best other schedule that was looked at, workers answering best.
    best_welfare : float
        Its welfare.
    planner_regret : float
        By how much that is above `ideal`; never negative.
    answered_regret : float or None
        What the best of the tabulated schedules would gain with these workers' own answers to it; never negative.
    bound : {"exact", "lower"}
        Whether all schedules of the grid were looked at for `planner_regret`.
    """

    game: str
    rates: Array
    regret: Array
    relative: float
    welfare: float
    ideal: float
    best_rates: Array
    best_welfare: float
    planner_regret: float
    answered_regret: float | None
    bound: Literal["exact", "lower"]

    @property
    def max_regret(self) -> float:
        """The largest regret of a worker."""
        return float(self.regret.max())

    def holds(self, tolerance: float = 1e-8) -> bool:
        """Whether nobody, planner included, can gain more than `tolerance` times the welfare of the schedule.

        A planner's regret of which only a lower bound is known never holds.
        """
        scale = max(1.0, abs(self.ideal))
        return self.bound == "exact" and max(self.max_regret, self.planner_regret) <= tolerance * scale

    def __repr__(self) -> str:
        return (
            f"TaxCertificate(welfare={self.welfare:.6g}, planner_regret={self.planner_regret:.3g} ({self.bound}), "
            f"max_regret={self.max_regret:.3g}, relative={self.relative:.3g})"
        )

    def _repr_html_(self) -> str:
        from solvers.show import tax_certificate_html

        return tax_certificate_html(self)


def certify_taxes(
    economy: OneStepEconomy,
    rates: Any,
    labour: Any,
    *,
    answers: tuple[Any, Any] | None = None,
    against: Any = None,
    grid: Any = None,
) -> TaxCertificate:
    """Measure how far a schedule and workers' choices are from equilibrium.

    Parameters
    ----------
    economy : OneStepEconomy
        The economy.
    rates : float64[K]
        The planner's schedule.
    labour : int[n]
        Levels of labour chosen under it.
    answers : (float64[S, K], int[S, n]), optional
        Schedules, and the levels of labour that these workers choose under each.
    against : float64[S, K], optional
        Schedules to compare with, instead of all of the grid; needed where these are over 20,000.
    grid : float64[R], optional
        Rates; those a planner can choose by default.

    Raises
    ------
    InputError
        If an array does not fit the economy, or there are too many schedules.
    """
    schedule = economy.brackets.rates(rates)
    own = _levels(economy, [labour], 1)
    lost, gained = worker_regrets(economy, schedule[None], own)
    judged = float(_welfare(economy, schedule[None], own)[0])
    rivals = _rivals(economy, grid) if against is None else _schedules(economy, against)
    ideal = float(_best_welfare(economy, schedule[None])[0])
    found = _best_welfare(economy, rivals)
    best, answered = int(np.argmax(found)), None
    if answers is not None:
        tried = _schedules(economy, answers[0])
        values = _welfare(economy, tried, _levels(economy, answers[1], len(tried)))
        answered = max(0.0, float(values.max()) - judged)
    return TaxCertificate(
        economy.digest,
        schedule,
        lost[0],
        float(lost.sum() / gained.sum()) if gained.sum() > 0 else 0.0,
        judged,
        ideal,
        rivals[best],
        float(found[best]),
        max(0.0, float(found[best]) - ideal),
        answered,
        "exact" if against is None else "lower",
    )


def worker_regrets(economy: OneStepEconomy, schedules: Any, labour: Any) -> tuple[Array, Array]:
    """What workers lose by not answering best, and what answering best gains over not working, float64[S, n] each.

    Parameters
    ----------
    economy : OneStepEconomy
        The economy.
    schedules : float64[S, K]
        Schedules.
    labour : int[S, n] or float64[S, n, L]
        Levels of labour chosen under them, or the probabilities of choosing each.
    """
    rates, given = _schedules(economy, schedules), np.asarray(labour)
    mixed = given.ndim == 3
    if not mixed:
        given = _levels(economy, given, len(rates))
    elif given.shape != (len(rates), economy.size, economy.levels) or not (
        (given >= 0).all() and np.allclose(given.sum(axis=-1), 1.0, atol=1e-6)
    ):
        raise InputError(
            f"probabilities of labour are [{len(rates)}, {economy.size}, {economy.levels}] and sum to 1, "
            f"not of shape {given.shape}"
        )
    lost, gained = np.empty((2, len(rates), economy.size))
    for part, values in _private(economy, rates):
        if mixed:
            got = (values * given[part]).sum(axis=-1)
        else:
            got = np.take_along_axis(values, given[part][..., None], axis=-1)[..., 0]
        best = values.max(axis=-1)
        lost[part], gained[part] = np.maximum(best - got, 0.0), best - values[..., 0]
    return lost, gained


# --- the economy, written out -----------------------------------------------------------------------------


def _filled(economy: OneStepEconomy) -> tuple[Array, Array]:
    """Incomes float64[n, L], and how much of each lies in each bracket, float64[n, L, K]."""
    income = economy.wages[:, None] * economy.hours
    cutoffs = economy.brackets.array
    ends = np.append(cutoffs[1:], np.inf)
    return income, np.clip(income[..., None] - cutoffs, 0.0, ends - cutoffs)


def _private(economy: OneStepEconomy, rates: Array) -> Any:
    """Parts of the schedules, and what each level of labour is worth to each worker under them, float64[s, n, L]."""
    income, filled = _filled(economy)
    keep, alone = 1.0 - economy.own_share, income - economy.costs
    size = max(1, _CELLS // income.size)
    for start in range(0, len(rates), size):
        part = slice(start, start + size)
        due = np.tensordot(rates[part], filled, axes=([1], [2]))
        yield part, alone - keep * due


def _best_welfare(economy: OneStepEconomy, rates: Array) -> Array:
    """Welfare float64[S] with workers who answer best, by the least labour where several levels are equally good."""
    tie = _TIE * max(1.0, float(economy.wages.max() * economy.hours[-1]))
    found = np.empty(len(rates))
    for part, values in _private(economy, rates):
        chosen = (values >= values.max(axis=-1, keepdims=True) - tie).argmax(axis=-1)
        found[part] = _welfare(economy, rates[part], chosen)
    return found


def _welfare(economy: OneStepEconomy, rates: Array, levels: Array) -> Array:
    """Welfare float64[S] at levels of labour int[S, n]."""
    income, filled = _filled(economy)
    each = np.arange(economy.size)
    earned, spread = income[each, levels], filled[each, levels]
    paid = np.einsum("snk,sk->sn", spread, rates)
    coin = earned - paid + paid.mean(axis=1, keepdims=True)
    if economy.welfare == "eq*prod":
        return np.array([equality_times_productivity(row) for row in coin])
    utility = coin - economy.costs[levels]
    return np.array([inverse_income_weighted(u, z) for u, z in zip(utility, earned)])


def _rivals(economy: OneStepEconomy, grid: Any) -> Array:
    rates = np.asarray(rate_grid() if grid is None else grid, dtype=np.float64)
    count = economy.brackets.count
    if len(rates) ** count > MOST_SCHEDULES:
        raise InputError(
            f"there are {len(rates) ** count:,} schedules, more than the {MOST_SCHEDULES:,} that are looked at one by one; "
            "name those to compare with"
        )
    return np.stack(np.meshgrid(*[rates] * count, indexing="ij"), axis=-1).reshape(-1, count)


def _schedules(economy: OneStepEconomy, given: Any) -> Array:
    rates, count = np.asarray(given, dtype=np.float64), economy.brackets.count
    if (
        rates.ndim != 2
        or rates.shape[1] != count
        or not len(rates)
        or not ((rates >= 0) & (rates <= 1)).all()
    ):
        raise InputError(
            f"schedules are rates from 0 to 1, [S, {count}], one per bracket, not of shape {rates.shape}"
        )
    return rates


def _levels(economy: OneStepEconomy, given: Any, count: int) -> Array:
    levels = np.asarray(given)
    if levels.shape != (count, economy.size) or levels.dtype.kind not in "iu":
        raise InputError(
            f"levels of labour are integers [{count}, {economy.size}] (schedules, workers), "
            f"not {levels.dtype} of shape {levels.shape}"
        )
    if levels.min() < 0 or levels.max() >= economy.levels:
        raise InputError(f"levels of labour go from 0 to {economy.levels - 1}")
    return levels.astype(np.int64)
