"""What workers and the planner of a one-step economy could gain by deviating, exactly, from the economy itself.

Utility is linear in coin, so each worker has a best answer to a schedule whatever the others do, and the planner's problem has
no game in it once it is said how workers answer: best, or as they do. Regrets come from `solvers.taxation_certificate`, which
shares no code with the solver that looks for the best schedule.

Letters: E episodes, n workers, K tax brackets, S schedules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from experiments.economy_episodes import ONE_STEP, economy_kind, played_out
from experiments.read_off import NotExact, Progress
from games.against import Against, Deviating
from games.economy_policies import Announced
from games.policy import JointPolicy
from games.sims.economy_one_step_facts import one_step_facts
from games.sims.economy_one_step_model import LEVELS, OneStepEconomy
from games.sims.economy_schedules import all_schedules, random_schedules
from games.streams import draw_seeds
from solvers.taxation import best_flat, free_market, saez_fixed_point
from solvers.taxation_certificate import MOST_SCHEDULES, certify_taxes, worker_regrets
from solvers.taxation_optimum import idle_brackets, optimum

Array = npt.NDArray[Any]
EPISODES = 200
"""Played to see what is done; one would do where nothing is drawn."""
TRIED = 2_000
"""Schedules drawn to be answered where not all can be."""
ENUMERATED = 5_000_000
"""So many schedules at most are enumerated for the best one."""
_AT_ONCE = 512


@dataclass(frozen=True)
class PlannerGain:
    """What another schedule of the planner's grid would gain.

    Parameters
    ----------
    rates : float64[K]
        Its mean schedule.
    welfare, ideal : float
        Mean welfare with these workers; if they answered best.
    best_rates : float64[K]
        The best schedule that was found if workers answer best.
    best_welfare : float
        Its welfare.
    bound : {"exact", "lower"}
        Whether it is the best of the grid.
    answered_rates : float64[K]
        The best schedule that was tried if workers answer as they do.
    answered_welfare : float
        Its welfare, on other episodes than those it was chosen by where actions are drawn.
    answered_bound : {"exact", "lower"}
        Whether all of the grid were tried, and nothing is drawn.
    tried : int
        S, how many schedules were.
    """

    rates: Array
    welfare: float
    ideal: float
    best_rates: Array
    best_welfare: float
    bound: Literal["exact", "lower"]
    answered_rates: Array
    answered_welfare: float
    answered_bound: Literal["exact", "lower"]
    tried: int

    @property
    def regret(self) -> float:
        """Workers answering best to any schedule."""
        return max(0.0, self.best_welfare - self.ideal)

    @property
    def answered_regret(self) -> float:
        """Workers answering as they do."""
        return max(0.0, self.answered_welfare - self.welfare)


@dataclass(frozen=True)
class TaxGains:
    """What everybody could gain.

    Parameters
    ----------
    agents : tuple of str
        The workers.
    regret : float64[E, n]
        What each would have gained by its best answer to the schedule of an episode; all rows are alike where nothing is
        drawn.
    working : float64[E, n]
        What its best answer gains over not working.
    planner : PlannerGain or None
        None where rates are not the planner's to set, or it is paid for something else.
    """

    agents: tuple[str, ...]
    regret: Array
    working: Array
    planner: PlannerGain | None

    @property
    def drawn(self) -> bool:
        """Whether episodes differ, so that means are of a sample."""
        return bool((self.regret != self.regret[0]).any())

    @property
    def relative(self) -> float:
        """All workers' regret over what working best gains them over not working; 0 where nothing is to be gained."""
        total = float(self.working.sum())
        return float(self.regret.sum()) / total if total > 0 else 0.0


def tax_gains(env: Any, team: JointPolicy, seed: int, progress: Progress | None = None) -> TaxGains:
    """Regrets of all workers and of the planner of a one-step economy.

    Parameters
    ----------
    env : Simulation
        The environment.
    team : JointPolicy
        Who plays.
    seed : int
        Of what policies draw.
    progress : callable, optional
        ``progress(fraction, text)``.

    Raises
    ------
    NotExact
        If it is another environment, utility is not linear in coin, or schedules depend on earlier episodes.
    """
    if economy_kind(env) != ONE_STEP:
        raise NotExact("no exact answers of its economy are known")
    given = env.rules.parameters
    if given.utility != "linear":
        raise NotExact(f"with utility={given.utility} the best answer of a worker depends on the others'")
    economy: OneStepEconomy = env.rules.economy
    rng = np.random.default_rng([seed, *b"tax gains"])
    facts = played_out(env, team, draw_seeds(rng, EPISODES), one_step_facts)[1]
    labour = np.searchsorted(economy.hours, facts["hours"] - 1e-9)
    lost, gained = worker_regrets(economy, facts["rates"], labour)
    planner = None
    if given.tax == "planner" and not (given.welfare == "eq*prod" and given.mixing):
        planner = _planner(env, team, facts, labour, rng, progress or (lambda fraction, text: None))
    return TaxGains(env.spec.groups[0].agents, lost, gained, planner)


def _planner(
    env: Any, team: JointPolicy, facts: dict[str, Array], labour: Array, rng: Any, progress: Progress
) -> PlannerGain:
    economy: OneStepEconomy = env.rules.economy
    rates, places = np.unique(np.round(facts["rates"], 9), axis=0, return_inverse=True)
    first = np.unique(places, return_index=True)[1]
    progress(0.0, "looking for the best schedule")
    found = _best(economy, rates[0], labour[first[0]])
    known = found.best_rates[None]
    ideals = np.array(
        [certify_taxes(economy, r, labour[k], against=known).ideal for r, k in zip(rates, first)]
    )
    progress(0.5, "asking workers for their answers")
    tried, whole = _to_answer(economy, found.best_rates, rates, rng)
    answered = _answered(env, team, tried, rng)
    best = tried[int(np.argmax(answered))]
    again = _answered(env, team, np.repeat(best[None], EPISODES, axis=0), rng)
    still = len(rates) == 1 and not np.ptp(again) and bool((labour == labour[0]).all())
    return PlannerGain(
        facts["rates"].mean(axis=0),
        float(facts["welfare"].mean()),
        float(ideals[places.ravel()].mean()),
        found.best_rates,
        max(found.best_welfare, float(ideals.max())),
        found.bound,
        best,
        float(again.mean()),
        "exact" if whole and still else "lower",
        len(tried),
    )


def _best(economy: OneStepEconomy, rates: Array, labour: Array) -> Any:
    """A schedule's certificate against the best one that can be found: of all, of those that begin with 0, or of a few."""
    count = economy.brackets.count
    if LEVELS**count <= MOST_SCHEDULES:
        return certify_taxes(economy, rates, labour)
    rivals = [free_market(economy).rates, best_flat(economy).rates, saez_fixed_point(economy).rates]
    free = set(range(1, count)) - set(idle_brackets(economy))
    if LEVELS ** len(free) <= ENUMERATED:
        rivals.append(optimum(economy, fixed={0: 0.0}).rates)
    return certify_taxes(economy, rates, labour, against=np.stack(rivals))


def _to_answer(economy: OneStepEconomy, best: Array, own: Array, rng: Any) -> tuple[Array, bool]:
    """Schedules of the planner's grid, and whether they are all."""
    if LEVELS**economy.brackets.count <= MOST_SCHEDULES:
        return all_schedules(economy), True
    drawn = random_schedules(economy, TRIED, int(rng.integers(2**31)))
    return np.concatenate([best[None], own, drawn]), False


def _answered(env: Any, team: JointPolicy, schedules: Array, rng: Any) -> Array:
    """Welfare float64[S] when the planner sets these schedules and workers do what they do."""
    parts = []
    for start in range(0, len(schedules), _AT_ONCE):
        part = schedules[start : start + _AT_ONCE]
        setting = Deviating(Against(env, team, "planner"), Announced(part))
        facts = played_out(env, setting, draw_seeds(rng, len(part)), one_step_facts)[1]
        parts.append(facts["welfare"])
    return np.concatenate(parts)
