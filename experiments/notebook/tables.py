"""Learned policies as tables, where an environment's situations are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from games.errors import InputError
from games.policy import Tabular

if TYPE_CHECKING:
    from experiments.training.runs import Run


def read_off(run: Run, agent: int = 0) -> Tabular:
    """What an agent of a run has learned in a repeated game, as a table of its action probabilities.

    A table plays as the network does, and whole matches between tables run in one compiled loop.

    Parameters
    ----------
    run : Run
        What `train` returned: one seed, in a repeated game whose situations are listed.
    agent : int
        Whose policy; the table can then play any seat of a symmetric game.

    Raises
    ------
    InputError
        If the run is in another kind of environment, or its policies cannot be read off.
    """
    from experiments import read_off as reading
    from experiments.trained import Trained
    from games.env_uris import make_env
    from games.sims.repeated import RepeatedRules
    from games.sims.simulation import Simulation

    env = make_env(run.spec.env)
    rules = env.rules if isinstance(env, Simulation) else None
    if not isinstance(rules, RepeatedRules) or not rules.spec.groups[0].rows:
        raise InputError(f"{run.spec.env} is no repeated game whose situations are listed")
    policies = Trained(env)(str(run.path))
    if policies is None:
        raise InputError(f"{run.path} is not the folder of a run")
    seats = [(0, slice(agent, agent + 1), policies[env.spec.agents[agent]])]
    try:
        reading.require_probs(seats)
        if not reading.forgetful(seats):
            raise InputError(f"the policies of {run.path} remember more than the last round")
        table = reading.fair(reading.probs_at_once(seats, rules.situations())[:, 0])
    except reading.NotExact as error:
        raise InputError(f"{run.path}: {error}") from None
    return Tabular(table)
