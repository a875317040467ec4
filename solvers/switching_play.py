"""What a switch between independent and central play comes to, exactly: returns, calls, visits and their distribution.

Letters and equations as in `solvers.switching_team`. A switch is a table of probabilities of a call, float64[T, S, X]; it may be
random, such as the control that calls with the same probability everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from games.errors import InputError
from games.simplices import Float
from solvers.switching_team import SwitchedTeam, check_budget, check_price

_TAIL = 1e-12
_MOST = 100_000


@dataclass(frozen=True, eq=False)
class SwitchPlay:
    """What a switch comes to.

    Sums over steps are discounted in discounted games, calls too, and plain over a finite horizon. Tables have an axis of calls
    left, X, only where calls are limited.

    Parameters
    ----------
    team : SwitchedTeam
        Who plays.
    switch : float64[T, S] or float64[T, S, X]
        Probability of a call.
    cost : float
        Price of a call.
    budget : int or None
        Most calls in an episode.
    values : float64[T, S] or float64[T, S, X]
        Expected return from here on, without the price (3).
    ahead : float64[T, S] or float64[T, S, X]
        Expected number of calls from here on.
    visits : float64[T, S] or float64[T, S, X]
        How often each situation is met, from the game's initial distribution; a distribution at each stage, as in
        `MarkovGame.visits`.
    """

    team: SwitchedTeam
    switch: Float
    cost: float
    budget: int | None
    values: Float
    ahead: Float
    visits: Float

    @property
    def charged(self) -> Float:
        """Expected return from here on, calls paid (4)."""
        return self.values - self.cost * self.ahead

    @property
    def returned(self) -> float:
        """Expected return of an episode, without the price."""
        return self._at_start(self.values)

    @property
    def objective(self) -> float:
        """Expected return of an episode, calls paid."""
        return self._at_start(self.charged)

    @property
    def calls(self) -> float:
        """Expected number of calls in an episode."""
        return self._at_start(self.ahead)

    @property
    def fraction(self) -> float:
        """Expected share of steps in which the central policy acts."""
        return float((self.visits * self.switch).sum() / self.team.stages)

    @property
    def by_state(self) -> Float:
        """Probability float64[T, S] that a call is made at a stage in a state; its mean over stages sums to `fraction`."""
        made = self.visits * self.switch
        return made if self.budget is None else made.sum(axis=2)

    @property
    def used(self) -> tuple[int, ...]:
        """States in which calls are made with positive probability."""
        return tuple(np.flatnonzero(self.by_state.max(axis=0) > 0.0).tolist())

    def _at_start(self, table: Float) -> float:
        first = table[0] if self.budget is None else table[0, :, -1]
        return float(self.team.game.initial @ first)


def evaluate_switch(
    team: SwitchedTeam, switch: Any, cost: float = 0.0, *, budget: int | None = None
) -> SwitchPlay:
    """Returns, calls and visits of a switch, exactly.

    Finite horizon: one sweep backwards and one forwards. Discounted: linear systems of S equations, one per number of calls left.

    Parameters
    ----------
    team : SwitchedTeam
        The two policies.
    switch : bool or float64, one of [S], [T, S]; with a budget [S, X], [T, S, X]; or a single number
        Probability of a call. A single number is the switch that calls with the same probability everywhere, as long as a
        call is left.
    cost : float
        Price of a call.
    budget : int, optional
        Most calls in an episode; X = budget + 1, and the last axis is the number of calls left.

    Raises
    ------
    InputError
        If the switch has another shape, is no table of probabilities, or calls where no call is left.

    Examples
    --------
    >>> from games import MarkovGame, load
    >>> game = MarkovGame.repeated(load("zoo:climbing"), horizon=4)
    >>> team = SwitchedTeam(game, [0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0])
    >>> play = evaluate_switch(team, 0.5, cost=1.0)
    >>> play.returned, play.calls, play.objective
    (32.0, 2.0, 30.0)
    """
    price, most = check_price(cost), check_budget(budget)
    table = as_switch(team, switch, most)
    limited = most is not None
    if team.game.discount is None:
        values, ahead = _backward(team, table, limited)
        visits = _forward(team, table, limited)
    else:
        values, ahead = _solved(team, table[0], limited)
        visits = _discounted_visits(team, table[0], limited)
    tables = (table, values, ahead, visits)
    table, values, ahead, visits = tables if limited else tuple(one[..., 0] for one in tables)
    return SwitchPlay(team, table, price, most, values, ahead, visits)


def as_switch(team: SwitchedTeam, switch: Any, budget: int | None) -> Float:
    """A switch as float64[T, S, X], checked (see `evaluate_switch`)."""
    table = np.array(switch, dtype=np.float64)
    last = () if budget is None else (budget + 1,)
    wanted = (team.stages, team.size, *last)
    if table.shape not in ((), wanted, wanted[1:]):
        raise InputError(
            f"a switch of shape {table.shape} is neither {wanted[1:]} nor {wanted} (stages, states"
            f"{', calls left' if last else ''}) nor a single probability"
        )
    if not ((table >= 0.0) & (table <= 1.0)).all():
        raise InputError("a switch must consist of probabilities of a call, from 0 to 1")
    full = np.array(np.broadcast_to(table, wanted))
    if last:
        if table.ndim == 0:
            full[..., 0] = 0.0
        if full[..., 0].any():
            raise InputError("the switch calls where no call is left")
        return full
    return full[..., None]


def call_distribution(
    team: SwitchedTeam, switch: Any, *, budget: int | None = None, most: int | None = None
) -> Float:
    """Probability of each number of calls in an episode, float64[N + 1].

    Over a finite horizon N is the horizon or the budget. In discounted games the discount is read as the probability that there is
    another step, as usual: an episode ends after each step with probability 1 - discount. Then N is the budget, or, without
    one, `most`: by default so large that no more than 1e-12 is missing.

    Parameters
    ----------
    team, switch, budget
        As in `evaluate_switch`.
    most : int, optional
        The largest number of calls that is told; beyond 0 to `most` probabilities are not told, and missing from the sum.

    Examples
    --------
    >>> from games import MarkovGame, load
    >>> game = MarkovGame.repeated(load("zoo:climbing"), horizon=2)
    >>> team = SwitchedTeam(game, [0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0])
    >>> call_distribution(team, 0.5)
    array([0.25, 0.5 , 0.25])
    """
    limit = check_budget(budget)
    table = as_switch(team, switch, limit)
    if most is not None and most < 0:
        raise InputError(f"the largest number of calls to tell must be at least 0, not {most}")
    if team.game.discount is None:
        found = _counted(team, table, limit)
    else:
        found = _counted_discounted(team, table[0], limit, most)
    return found if most is None else found[: most + 1]


def _counted(team: SwitchedTeam, table: Float, budget: int | None) -> Float:
    """Numbers of calls over a finite horizon: the distribution of states and calls made, step by step."""
    width = team.stages if budget is None else budget
    reached = np.zeros((team.size, width + 1))  # by calls made
    reached[:, 0] = team.game.initial
    for t in range(team.stages):
        g = table[t] if budget is None else table[t, :, ::-1]
        called = team.chains[1, t].T @ (g * reached)
        reached = team.chains[0, t].T @ ((1.0 - g) * reached)
        reached[:, 1:] += called[:, :-1]  # nobody calls after `width` calls
    return np.asarray(reached.sum(axis=0))


def _counted_discounted(team: SwitchedTeam, table: Float, budget: int | None, most: int | None) -> Float:
    """The same for an episode that ends with probability 1 - discount after every step.

    d_n(s) is the probability that the last step is taken in s after n calls.
    """
    gamma, found = team.gamma, []
    arrives, count = (1.0 - gamma) * team.game.initial, 0
    last = _MOST if budget is None and most is None else (budget if budget is not None else most) or 0
    here, system, called = table[:, -1], None, np.zeros(team.size)
    while count <= last:
        if budget is not None:
            here = table[:, budget - count]
        if system is None or budget is not None:
            system = lu_factor(np.eye(team.size) - gamma * team.chains[0, 0].T * (1.0 - here))
        d = lu_solve(system, arrives)
        found.append(float(d @ (1.0 - here) + called.sum()))
        called = d * here
        arrives = gamma * (team.chains[1, 0].T @ called)
        count += 1
        if budget is None and most is None and called.sum() / (1.0 - gamma) <= _TAIL:
            break
    return np.array(found)


def _after_call(after: Float, limited: bool) -> Float:
    """What holds after a call: the same table, or that of one call less (nothing where none is left)."""
    if not limited:
        return after
    out = np.zeros_like(after)
    out[:, 1:] = after[:, :-1]
    return out


def _backward(team: SwitchedTeam, table: Float, limited: bool) -> tuple[Float, Float]:
    values, ahead = np.empty(table.shape), np.empty(table.shape)
    value = calls = np.zeros(table.shape[1:])
    for t in range(team.stages - 1, -1, -1):
        g, (kept, called), (gain, paid) = table[t], team.chains[:, t], team.gains[:, t, :, None]
        value = (1.0 - g) * (gain + kept @ value) + g * (paid + called @ _after_call(value, limited))
        calls = (1.0 - g) * (kept @ calls) + g * (1.0 + called @ _after_call(calls, limited))
        values[t], ahead[t] = value, calls
    return values, ahead


def _forward(team: SwitchedTeam, table: Float, limited: bool) -> Float:
    visits = np.zeros(table.shape)
    visits[0, :, -1] = team.game.initial
    for t in range(team.stages - 1):
        g = table[t]
        kept = team.chains[0, t].T @ ((1.0 - g) * visits[t])
        called = team.chains[1, t].T @ (g * visits[t])
        if limited:
            called[:, :-1], called[:, -1] = called[:, 1:].copy(), 0.0
        visits[t + 1] = kept + called
    return visits


def _solved(team: SwitchedTeam, table: Float, limited: bool) -> tuple[Float, Float]:
    values, ahead = np.empty((1, *table.shape)), np.empty((1, *table.shape))
    for x in range(table.shape[1]):
        g = table[:, x, None]
        right = np.hstack([(1.0 - g) * team.gains[0, 0, :, None] + g * team.gains[1, 0, :, None], g])
        if limited and x > 0:
            less = np.stack([values[0, :, x - 1], ahead[0, :, x - 1]], axis=1)
            right = right + g * team.gamma * (team.chains[1, 0] @ less)
        found = np.linalg.solve(_system(team, g, limited), right)
        values[0, :, x], ahead[0, :, x] = found.T
    return values, ahead


def _discounted_visits(team: SwitchedTeam, table: Float, limited: bool) -> Float:
    visits = np.empty((1, *table.shape))
    arrives = (1.0 - team.gamma) * team.game.initial
    for x in range(table.shape[1] - 1, -1, -1):
        g = table[:, x, None]
        visits[0, :, x] = np.linalg.solve(_system(team, g, limited).T, arrives)
        arrives = team.gamma * (team.chains[1, 0].T @ (g[:, 0] * visits[0, :, x]))
    return visits


def _system(team: SwitchedTeam, g: Float, limited: bool) -> Float:
    """I - gamma P float64[S, S], P the chain among situations with the same number of calls left."""
    chain = (1.0 - g) * team.chains[0, 0]
    if not limited:
        chain = chain + g * team.chains[1, 0]
    return np.asarray(np.eye(team.size) - team.gamma * chain)
