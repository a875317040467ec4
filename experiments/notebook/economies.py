"""What planner and workers of a one-step economy have learned, judged exactly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError

if TYPE_CHECKING:
    from experiments.training.runs import Run
    from games.policy import Policy
    from games.sims.economy_one_step_model import OneStepEconomy
    from solvers.taxation import TaxOutcome
    from solvers.taxation_certificate import TaxCertificate

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Learned:
    """A planner and workers as they play greedily.

    Parameters
    ----------
    economy : OneStepEconomy
        Theirs.
    rates : float64[K]
        The planner's schedule.
    labour : int[n]
        The levels of labour that the workers choose under it.
    env : Simulation
        The environment.
    workers : Policy
        The workers' network.
    """

    economy: OneStepEconomy
    rates: Array
    labour: Array
    env: Any
    workers: Policy

    def __repr__(self) -> str:
        return f"Learned(rates={self.rates.round(2).tolist()})"

    @property
    def outcome(self) -> TaxOutcome:
        """What the schedule leads to with these workers; `solvers.taxation.outcome(economy, rates)` has best responses."""
        from solvers.taxation import outcome

        return outcome(self.economy, self.rates, self.labour)

    def certificate(self, against: Any = None) -> TaxCertificate:
        """How far both are from equilibrium.

        Parameters
        ----------
        against : float64[S, K], optional
            Schedules to compare the planner's with; all of the grid by default, where these are not over 20,000. With the
            optimum of `solvers.taxation_optimum` alone the planner's regret is that of the whole grid.
        """
        from solvers.taxation_certificate import certify_taxes

        return certify_taxes(self.economy, self.rates, self.labour, against=against)

    def regret_on_random(self, schedules: int = 200, seed: int = 0) -> float:
        """What workers lose by not answering best to random schedules, as a share of what working best gains."""
        from experiments.papers.economist_play import answers, regret_on
        from games.sims.economy_schedules import random_schedules

        asked = random_schedules(self.economy, schedules, seed)
        return regret_on(self.economy, asked, answers(self.env, self.workers, asked))["relative"]


def learned(run: Run | str | Path, *, checkpoint: str = "last", train_seed: int | None = None) -> Learned:
    """The schedule and the labour that a run of ``economy:one-step`` ended with.

    Parameters
    ----------
    run : Run, str or Path
        What `train` returned, or the folder of a run, of one of its seeds, or a checkpoint.
    checkpoint : str
        ``last``, ``best`` or a file.
    train_seed : int, optional
        One of the run's seeds; the first by default.

    Raises
    ------
    InputError
        If the run is of another environment.
    """
    from experiments.papers.economist_play import economy_of, played
    from experiments.trained import first_checkpoint
    from experiments.training.runs import team_of

    found, file = first_checkpoint(run, checkpoint, train_seed)
    if not found.spec.env.startswith("economy:one-step"):
        raise InputError(
            f"{found.path} was trained on {found.spec.env}; what is learned is told of economy:one-step"
        )
    _, env, _, team = team_of(found, file, greedy=True)
    whole: Any = team
    workers, planner = (policy for _, _, policy in whole.seats)
    simulation: Any = env
    economy = economy_of(simulation)
    facts = played(simulation, workers, planner, 1, 0)
    labour = np.searchsorted(economy.hours, facts["hours"][0])
    return Learned(economy, facts["rates"][0], labour, simulation, workers)
