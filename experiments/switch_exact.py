"""A learned switch held against the best one for the same two teams, where the game behind the environment is a table.

What is certified is the switch alone: the two teams between which it chooses are as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.exact_gains import table_behind
from experiments.output import certificate_document
from experiments.read_off import NotExact
from games.env import Env
from games.errors import InputError
from games.markov import MarkovGame
from games.tabulate import Situations, forgetful, tabulate_network
from marl.switched_team import ENDLESS, SwitchedTeam
from solvers import switching_team
from solvers.certificate import Certificate
from solvers.switching import optimal_switch
from solvers.switching_certificate import certify_switch
from solvers.switching_play import evaluate_switch

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class ExactSwitch:
    """A switch and the best one, both exactly; returns and prices in units of the team's reward, not discounted.

    Parameters
    ----------
    cost : float
        Price of a call.
    returned, calls : float
        Expected return of an episode, calls unpaid, and expected number of calls.
    best_returned, best_calls : float
        Of the best switch between the same teams at that price.
    certificate : Certificate
        ``regret[0]``: by how much the best switch is better, calls paid.
    """

    cost: float
    returned: float
    calls: float
    best_returned: float
    best_calls: float
    certificate: Certificate

    def to_document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "cost": self.cost,
            "return": self.returned,
            "calls": self.calls,
            "best": {"return": self.best_returned, "calls": self.best_calls},
            "regret": float(self.certificate.regret[0]),
            "certificate": certificate_document(self.certificate),
        }


def exact_switch(env: Env, team: SwitchedTeam, cost: float) -> ExactSwitch:
    """Compute what a switch comes to, and what the best one would.

    Parameters
    ----------
    env : Env
        Where the team plays.
    team : SwitchedTeam
        Two teams and who decides between them.
    cost : float
        Price of a call in units of the team's reward.

    Raises
    ------
    NotExact
        If the game behind the environment is no table of a team, is too large, or somebody remembers.
    """
    game = _game(env)
    if not (forgetful(team.independent) and forgetful(team.central)):
        raise NotExact("its agents remember what happened")
    try:
        alone, together = (_policy(env, one, game) for one in (team.independent, team.central))
        switch = _table(env, team, game)
        certificate = certify_switch(game, alone, together, switch, cost, budget=team.limit)
        pair = switching_team.SwitchedTeam(game, alone, together)
        own = evaluate_switch(pair, switch, cost, budget=team.limit)
        best = optimal_switch(pair, cost, budget=team.limit).play
    except InputError as error:
        raise NotExact(str(error)) from None
    return ExactSwitch(cost, own.returned, own.calls, best.returned, best.calls, certificate)


def _game(env: Env) -> MarkovGame:
    """The game as one of states."""
    behind, _ = table_behind(env)
    if behind is None:
        raise NotExact("no table of its game is known")
    game = behind if isinstance(behind, MarkovGame) else MarkovGame.repeated(behind, horizon=1)
    if not game.has_common_reward:
        raise NotExact("its agents are paid differently")
    return game


def _policy(env: Env, team: Any, game: MarkovGame) -> Array:
    """What a team does, float64[T or 1, S, A1, ..., An]."""
    joint = tabulate_network(env, team).joint()
    staged = joint.reshape(-1, game.size, *game.shape)
    return staged if len(staged) == game.stages else staged[0]


def _table(env: Env, team: SwitchedTeam, game: MarkovGame) -> Array:
    """How likely a call is, float64[T, S], with a budget also by calls left, [T, S, X]."""
    listed = Situations(env)
    step = listed.step(np.arange(listed.count))
    now = ENDLESS if team.budget is None else team.budget
    lefts = [now] if team.limit is None else list(range(team.limit + 1))
    columns = [team.call_probability(step, np.full(listed.count, left)) for left in lefts]
    staged = np.stack(columns, axis=1).reshape(-1, game.size, len(lefts))
    table = np.broadcast_to(staged, (game.stages, *staged.shape[1:]))
    return table[..., 0] if team.limit is None else table
