"""The optimal switch between independent and central play of fixed policies, with and without a budget of calls.

Source: Mguni et al. (2023), MANSA: Learning Fast and Slow in Multi-Agent Systems, ICML; operators, equations and letters as in
`solvers.switching_team`. Finite horizon: backward induction. Discounted: policy iteration, exact up to the rounding of linear
systems, or value iteration to a stated bound. With a budget the problems of x calls left are solved one after the other; each is
one of optimal stopping.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from games.errors import InputError
from games.simplices import Float
from solvers.switching_play import SwitchPlay, evaluate_switch
from solvers.switching_team import SwitchedTeam, check_budget, check_price

_ROUNDS = 10_000
_SWEEPS = 10_000_000
_TIE = 1e-12  # of the largest value: smaller advantages are rounding, and ties are not paid for


@dataclass(frozen=True, eq=False)
class Switching:
    """An optimal switch.

    Tables have an axis of calls left, X = budget + 1, only where calls are limited.

    Parameters
    ----------
    team : SwitchedTeam
        Whose policies are switched.
    cost : float
        Price of a call.
    budget : int or None
        Most calls in an episode.
    values : float64[T, S] or float64[T, S, X]
        v*, the fixed point of T (7): the best expected return from here on, calls paid.
    advantage : float64[T, S] or float64[T, S, X]
        M v* - K v*: what a call is worth here beyond its price; minus infinity where none is left.
    switch : bool[T, S] or bool[T, S, X]
        Where the central policy is called (8). Ties do not call.
    error : float
        By how much an entry of `values` may be off v*: 0 for backward induction, up to rounding.
    play : SwitchPlay
        What the switch comes to from the game's initial distribution.
    """

    team: SwitchedTeam
    cost: float
    budget: int | None
    values: Float
    advantage: Float
    switch: Any
    error: float
    play: SwitchPlay

    @property
    def used(self) -> tuple[int, ...]:
        """States in which calls are made with positive probability."""
        return self.play.used

    @property
    def calls(self) -> float:
        """Expected number of calls in an episode (discounted in discounted games)."""
        return self.play.calls

    def __repr__(self) -> str:
        limit = "" if self.budget is None else f", budget {self.budget}"
        return (
            f"Switching(cost {self.cost:g}{limit}, objective {self.play.objective:.6g}, {self.calls:.4g} calls "
            f"in states {list(self.used)})"
        )


def optimal_switch(
    team: SwitchedTeam,
    cost: float,
    *,
    budget: int | None = None,
    method: Literal["exact", "value-iteration"] = "exact",
    tolerance: float = 1e-10,
) -> Switching:
    """The switch of the largest expected return, calls paid (8); with a budget, of V(s, x) of MANSA-B.

    Parameters
    ----------
    team : SwitchedTeam
        The two policies.
    cost : float
        Price of a call, at least 0. With a budget this is c_0, which settles ties in favour of keeping calls.
    budget : int, optional
        Most calls in an episode, B; the switch then depends on the number of calls left, too.
    method : {"exact", "value-iteration"}
        Backward induction or policy iteration; or value iteration, in discounted games alone.
    tolerance : float
        Of value iteration: it stops when its values are provably no further than this from v*.

    Returns
    -------
    Switching

    Raises
    ------
    InputError
        If a number is out of range, or value iteration is asked of a finite horizon or of more than it can do.

    Examples
    --------
    In the climbing game independent learners find 5 and the team's best is 11:

    >>> from games import MarkovGame, load
    >>> game = MarkovGame.repeated(load("zoo:climbing"), horizon=10)
    >>> team = SwitchedTeam(game, [0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0])
    >>> optimal_switch(team, 5.9), optimal_switch(team, 6.1).calls
    (Switching(cost 5.9, objective 51, 10 calls in states [0]), 0.0)
    >>> optimal_switch(team, 0.02, budget=3).play.returned
    68.0
    """
    price, most = check_price(cost), check_budget(budget)
    if method not in ("exact", "value-iteration"):
        raise InputError(f"method must be 'exact' or 'value-iteration', not {method!r:.40}")
    centred, base = _centred(team)
    problem = _Problem(centred, price, 1 if most is None else most + 1, most is not None)
    if method == "value-iteration":
        found = _iterated(problem, tolerance)
    elif team.game.discount is None:
        found = _backward(problem)
    else:
        found = _by_policies(problem)
    values, advantage, error = found
    switch = advantage > _tie(values)
    values = values + base[:, None, None]
    if most is None:
        values, advantage, switch = values[..., 0], advantage[..., 0], switch[..., 0]
    play = evaluate_switch(team, switch, price, budget=most)
    for table in (values, advantage, switch):
        table.setflags(write=False)
    return Switching(team, price, most, values, advantage, switch, error, play)


class _Problem(NamedTuple):
    """What is solved: situations are states and X numbers of calls left."""

    team: SwitchedTeam
    cost: float
    width: int
    limited: bool

    def choices(self, after: Float, stage: int) -> tuple[Float, Float]:
        """K and M of the values float64[S, X] of the next step."""
        if self.limited:
            return self.team.keep(after, stage), self.team.call(after, self.cost, stage)
        now = after[:, 0]
        return self.team.keep(now, stage)[:, None], self.team.call(now, self.cost, stage)[:, None]


_Found = tuple[
    Float, Float, float
]  # values and advantages float64[T, S, X], and a bound on the error of values


def _centred(team: SwitchedTeam) -> tuple[SwitchedTeam, Float]:
    """The team with rewards around 0, and what that takes from values, float64[T].

    Next to a large reward that is paid whatever is done, the worth of a call would drown in rounding.
    """
    middle = 0.5 * (float(team.gains.max()) + float(team.gains.min()))
    moved = copy(team)
    object.__setattr__(moved, "gains", team.gains - middle)
    left = (
        np.arange(team.stages, 0, -1) if team.game.discount is None else np.array([1.0 / (1.0 - team.gamma)])
    )
    return moved, np.asarray(middle * left, dtype=np.float64)


def _tie(values: Float) -> float:
    return _TIE * float(np.abs(values).max())


def _backward(problem: _Problem) -> _Found:
    team = problem.team
    values = np.empty((team.stages, team.size, problem.width))
    advantage = np.empty(values.shape)
    after = np.zeros(values.shape[1:])
    for t in range(team.stages - 1, -1, -1):
        kept, called = problem.choices(after, t)
        values[t] = after = np.maximum(kept, called)
        advantage[t] = called - kept
    return values, advantage, 0.0


def _iterated(problem: _Problem, tolerance: float) -> _Found:
    """Value iteration: ||v_k+1 - v*|| <= gamma / (1 - gamma) ||v_k+1 - v_k||."""
    team = problem.team
    if team.game.discount is None:
        raise InputError("value iteration is for discounted games; a finite horizon is solved exactly")
    if not 0.0 < tolerance < np.inf:
        raise InputError(f"the tolerance of value iteration must be positive, not {tolerance}")
    factor = team.gamma / (1.0 - team.gamma)
    floor = 1e-15 * factor * float(np.abs(team.gains).max() + problem.cost) / (1.0 - team.gamma)
    if tolerance < floor:
        raise InputError(
            f"value iteration cannot come closer than {floor:.1e} here; the tolerance is {tolerance:g}"
        )
    values = np.zeros((team.size, problem.width))
    for _ in range(_SWEEPS):
        better = np.maximum(*problem.choices(values, 0))
        error, values = factor * float(np.abs(better - values).max()), better
        if error <= tolerance:
            break
    kept, called = problem.choices(values, 0)
    return values[None], (called - kept)[None], error


def _by_policies(problem: _Problem) -> _Found:
    """Policy iteration (Howard 1960), for each number of calls left in turn."""
    team, values = problem.team, np.empty((problem.team.size, problem.width))
    for x in range(problem.width):
        if not problem.limited:
            values[:, 0] = _improved(team, problem.cost, None)
        elif x == 0:
            values[:, 0] = _worth(team, np.zeros(team.size), np.zeros(team.size), team.chains[0, 0])
        else:
            paid = team.call(values[:, : x + 1], problem.cost)[:, x]  # uses the values of x - 1 alone
            values[:, x] = _improved(team, problem.cost, paid)
    kept, called = problem.choices(values, 0)
    residual = float(np.abs(np.maximum(kept, called) - values).max())
    return values[None], (called - kept)[None], residual / (1.0 - team.gamma)


def _improved(team: SwitchedTeam, cost: float, paid: Float | None) -> Float:
    """The best values float64[S], either of the whole problem or of one in which a call ends it with `paid`."""
    switch = np.zeros(team.size, dtype=bool)
    values = np.zeros(team.size)
    for _ in range(_ROUNDS):
        g = switch[:, None]
        if paid is None:
            chain = np.where(g, team.chains[1, 0], team.chains[0, 0])
            values = _worth(team, switch, team.gains[1, 0] - cost, chain)
        else:
            values = _worth(team, switch, paid, np.where(g, 0.0, team.chains[0, 0]))
        advantage = (team.call(values, cost) if paid is None else paid) - team.keep(values)
        tie = _TIE * float(np.abs(values).max())
        better = np.where(switch, advantage >= -tie, advantage > tie)
        if (better == switch).all():
            break
        switch = better
    return values


def _worth(team: SwitchedTeam, switch: Float, called: Float, chain: Float) -> Float:
    """Values float64[S] of a deterministic switch: a step pays `called` where it calls."""
    gain = np.where(switch, called, team.gains[0, 0])
    return np.asarray(np.linalg.solve(np.eye(team.size) - team.gamma * chain, gain))
