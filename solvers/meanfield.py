"""Nash equilibria of finite mean-field games: best responses, exploitability, fictitious play, mirror descent.

A mean-field Nash equilibrium is a policy that is best for one agent when the crowd plays it. Exploitability is what one
agent could gain (the mean-field NashConv): the value of a best response to the flow of a policy, less that of the policy
itself in its own flow. Agents see their state; policies are float64[T, X, U].

References
----------
Perrin, Perolat, Lauriere, Geist, Elie and Pietquin, "Fictitious play for mean field games: continuous time analysis and
applications", NeurIPS 2020. Perolat et al., "Scaling up mean field games with online mirror descent", 2021 (AAMAS
2022). Lauriere et al., "Learning in mean field games: a survey", 2022.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from games.errors import InputError
from games.meanfield import Flow, MeanFieldModel
from games.simplices import Float
from solvers import meanfield_kernels as kernels
from solvers.meanfield_methods import boltzmann, fictitious_play, fixed_point, mirror_descent
from solvers.meanfield_tables import Tables
from solvers.solution import Solution

__all__ = [
    "METHODS",
    "Response",
    "best_response",
    "boltzmann",
    "fictitious_play",
    "fixed_point",
    "mean_field_exploitability",
    "mean_field_nash",
    "mirror_descent",
    "value_in",
]

METHODS = ("mirror-descent", "fictitious-play", "fixed-point", "boltzmann")
"""What `mean_field_nash` knows, the usual one first."""


class Response(NamedTuple):
    """What is best for one agent in a flow."""

    policy: Float  # float64[T, X, U]: the first of the best actions
    value: float  # its expected return from the initial law
    actions: Float  # float64[T, X, U]: the best return after each action; 0 where it is not legal


def best_response(model: MeanFieldModel, flow: Flow) -> Response:
    """The best that one agent can do while the crowd flows, by backward induction.

    Parameters
    ----------
    model : MeanFieldModel
        Agents see their state.
    flow : Flow
        What the crowd does, as `MeanFieldModel.flow` gives it.

    Raises
    ------
    InputError
        If agents do not see their state, or the flow is another model's.

    Examples
    --------
    >>> from games.mean_field_games import load_mean_field
    >>> game = load_mean_field("mfg:left-right")
    >>> best_response(game, game.flow([[1, 0]] * 3)).policy[0, 0].tolist()
    [0.0, 1.0]
    """
    tables = Tables(model)
    values, worth = tables.best(tables.given(flow))
    policy = np.empty(tables.shape)
    kernels.greedy(values, worth, tables.legal, policy)
    return Response(policy, float(model.initial @ worth[0]), values.copy())


def value_in(model: MeanFieldModel, policy: Any, flow: Flow) -> float:
    """The expected return of one agent with a policy of its own, float64[X, U] or float64[T, X, U], while the crowd flows."""
    tables = Tables(model)
    own = tables.checked(policy)
    _, worth = tables.valued(tables.given(flow), own)
    return float(model.initial @ worth[0])


def mean_field_exploitability(model: MeanFieldModel, policy: Any) -> float:
    """What one agent gains at most by another policy when everybody else plays this one (the mean-field NashConv).

    Parameters
    ----------
    model : MeanFieldModel
        Agents see their state.
    policy : float64[X, U] or float64[T, X, U]
        What all play.

    Examples
    --------
    At an equilibrium nothing; where all go left, they earn -1, and who goes right alone 0.

    >>> from games.mean_field_games import load_mean_field
    >>> game = load_mean_field("mfg:left-right")
    >>> round(mean_field_exploitability(game, [[2 / 3, 1 / 3]] * 3), 12), mean_field_exploitability(game, [[1, 0]] * 3)
    (0.0, 1.0)
    """
    tables = Tables(model)
    own = tables.checked(policy)
    crowd = tables.crowd(own)
    return float(kernels.shortfall(own, crowd.mu, *tables.best(crowd), tables.discount))


def mean_field_nash(model: MeanFieldModel, method: str = "auto", **options: Any) -> Solution:
    """A Nash equilibrium of a mean-field game by the method named, one of `METHODS`; options as that function takes them.

    Examples
    --------
    >>> from games.mean_field_games import load_mean_field
    >>> solution = mean_field_nash(load_mean_field("mfg:crowd"), tolerance=1e-6)
    >>> solution.certificate.holds(1e-6)
    True
    """
    chosen = METHODS[0] if method == "auto" else method
    solvers = (mirror_descent, fictitious_play, fixed_point, boltzmann)
    if chosen not in METHODS:
        raise InputError(f"unknown method {method!r} for a mean-field game; known are {', '.join(METHODS)}")
    return solvers[METHODS.index(chosen)](model, **options)
