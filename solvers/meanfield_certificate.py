"""Certificates of mean-field games: exploitability recomputed from the model and the policy alone, in plain numpy.

Shares no code with the solvers: these lay tables out and sweep them with numba, here the model is asked step by step.
The gain is V(best; mu) - V(pi; mu) for the flow mu of pi, as two returns from the initial law.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from games.meanfield import MeanFieldModel
from games.meanfield_check import check_sight
from games.simplices import Float
from solvers.certificate import Certificate


def certify_mean_field(model: MeanFieldModel, policy: Any) -> Certificate:
    """How far a policy is from a mean-field Nash equilibrium.

    Parameters
    ----------
    model : MeanFieldModel
        Agents see their state.
    policy : float64[X, U] or float64[T, X, U]
        What all agents play.

    Returns
    -------
    Certificate
        Of concept "nash" for one player, the typical agent: its regret is the exploitability, its value the return of the
        policy in its own flow; the span is `MeanFieldModel.span`.

    Raises
    ------
    InputError
        If agents do not see their state, or it is no policy of this model.
    """
    check_sight(model)
    rules = model.check_policy(policy)
    laws = _laws(model, rules)
    legal = np.ones(rules.shape[1:], dtype=bool) if model.legal is None else model.legal
    own = best = np.zeros(model.states)
    for t in range(model.horizon - 1, -1, -1):
        mu = laws[t][None]
        reward = model.rewards(mu, mu[:, :, None] * rules[t], t)[0]
        move = model.transitions(mu, t)[0]
        stay, change = (reward + model.discount * (move @ later) for later in (own, best))
        own = (rules[t] * np.where(legal, stay, 0.0)).sum(axis=1)
        best = np.where(legal, change, -np.inf).max(axis=1)
    gain = np.array([model.initial @ (best - own)])
    value = np.array([model.initial @ own])
    return Certificate("nash", model.digest, np.maximum(gain, 0.0), gain, value, model.span)


def _laws(model: MeanFieldModel, rules: Float) -> list[Float]:
    """The law of states before each step."""
    laws = [model.initial]
    for t, rule in enumerate(rules):
        move = model.transitions(laws[-1][None], t)[0]
        laws.append(np.tensordot(laws[-1][:, None] * rule, move, axes=2))
    return laws
