"""What came of one-step economies: who worked, paid and has how much, and how the society is doing."""

from __future__ import annotations

import numpy as np

from games.errors import InputError
from games.sims.economy_one_step import COIN, INCOME, PAID, UTILITY, OneStepRules
from games.sims.economy_one_step_model import Array
from games.sims.simulation import Running, Simulation


def one_step_facts(env: Simulation, world: Running) -> dict[str, Array]:
    """What came of the episodes of a world, per sub-environment.

    Returns
    -------
    dict
        ``rates`` [B, K]; ``hours``, ``income``, ``paid``, ``effective`` (paid over income), ``coin``, ``utility`` [B, n];
        ``equality``, ``productivity`` (all coin), ``eq*prod`` (equality times coin per head), ``inverse-income`` (mean utility
        weighted by the inverse of income) and ``welfare`` (what the planner is paid for) [B]. All 0 before the end, but for
        equality, which is 1.

    Raises
    ------
    InputError
        If the environment is no one-step economy.
    """
    rules, state = env.rules, world.state
    if not isinstance(rules, OneStepRules):
        raise InputError(f"{env.spec.name} is no one-step economy")
    income, paid, coin, utility = (state.results[k].copy() for k in (INCOME, PAID, COIN, UTILITY))
    weights = 1.0 / np.maximum(income, 1.0)
    return {
        "rates": state.rates.copy(),
        "hours": rules.economy.hours[state.labour],
        "income": income,
        "paid": paid,
        "effective": paid / np.maximum(1e-6, income),
        "coin": coin,
        "utility": utility,
        "equality": state.social[:, 1].copy(),
        "productivity": coin.sum(axis=1),
        "eq*prod": state.social[:, 1] * coin.mean(axis=1),
        "inverse-income": (weights * utility).sum(axis=1) / weights.sum(axis=1),
        "welfare": state.social[:, 0].copy(),
    }
