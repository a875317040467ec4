"""Certificates of quantal response equilibria of the reduced normal form, measured on the tree in plain numpy.

A logit QRE of the reduced normal form at precision lambda is the Nash equilibrium of the game with payoffs
u_i + H(x_i)/lambda, H the entropy of i's mixed strategy. The best mixed strategies mix independently at i's
information sets, and then H is the dilated entropy of the realization plan,

    H(x_i) = sum over i's information sets I of x_i(I) H(p_I),    x_i(I) the own reach probability.

So the regularised best response is a soft-max by backward induction: the worth of I is the log-sum-exp over its moves
of lambda times what chance and the others make of them plus the worths of i's next information sets. With r_I that
response, the gain is exactly sum_I x_i(I) KL(p_I || r_I)/lambda, and the residual is the largest difference between
a probability and its response. Shares no code with the solvers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from games.errors import InputError
from games.simplices import Float
from games.tree import TreeGame
from solvers import tree_certificate as tree
from solvers.certificate import Certificate


def certify_dilated(game: TreeGame, strategy: Any, lam: float | None) -> Certificate:
    """Measure how far a behaviour strategy profile is from a QRE of the reduced normal form at precision `lam`.

    Parameters
    ----------
    game : TreeGame
        Any number of players, perfect recall.
    strategy : float64[slots]
        A behaviour strategy profile.
    lam : float
        Precision, in units of one over payoff.

    Returns
    -------
    Certificate
        Concept "qre".

    Raises
    ------
    InputError
        For imperfect recall, a strategy that is not one of this game, or a precision that is negative or not finite.
    """
    if lam is None or not (math.isfinite(lam) and lam >= 0):
        raise InputError(f"a QRE is certified at a finite lambda >= 0, got {lam}")
    game.require_perfect_recall("a certificate on the tree")
    behavior = game.check_behavior(strategy)
    payoff, lows = tree.shifted_payoffs(game)
    reach = tree.reaches(game, np.ones(1), behavior[None, :])
    values = np.array([row @ reach[-1] for row in payoff])
    regret, residual = np.zeros(len(payoff)), 0.0
    for i, row in enumerate(payoff):
        gain, off = _response(game, i, row * reach[i], behavior, lam)
        regret[i] = gain / lam if lam > 0 else (0.0 if gain <= 1e-15 else math.inf)
        residual = max(residual, off)
    return Certificate("qre", game.digest, regret, regret, values + lows, game.span, residual=residual)


def _response(
    game: TreeGame, player: int, weighted: Float, behavior: Float, lam: float
) -> tuple[float, float]:
    """Own-reach-weighted KL divergence from the soft response to `weighted` terminals, and the largest difference."""
    own = np.flatnonzero(game.owner == player)
    last = game.last_slots[player, game.terminals]
    worth = lam * np.bincount(last + 1, weights=weighted, minlength=game.slots + 1)  # entry 0: no own move
    depth, layers = tree.own_depth(game)[own], []
    residual = 0.0
    for d in range(int(depth.max(initial=-1)), -1, -1):
        level = own[depth == d]
        sizes = np.diff(game.offsets)[level]
        starts = np.cumsum(sizes) - sizes
        slots = np.repeat(game.offsets[level] - starts, sizes) + np.arange(sizes.sum())
        top = np.maximum.reduceat(worth[slots + 1], starts)
        total = top + np.log(np.add.reduceat(np.exp(worth[slots + 1] - np.repeat(top, sizes)), starts))
        np.add.at(worth, game.entry[level] + 1, total)
        logits, p = worth[slots + 1] - np.repeat(total, sizes), behavior[slots]
        response = np.exp(logits)
        residual = max(residual, float(np.abs(p - response).max()))
        with np.errstate(divide="ignore", invalid="ignore"):
            surprise = np.where(p > 0, p * (np.log(p) - logits), 0.0) + response - p
        layers.append((level, slots, np.maximum(np.add.reduceat(surprise, starts), 0.0)))
    gain, plan = 0.0, np.ones(game.slots + 1)  # by last own slot; entry 0: no own move
    for level, slots, divergence in reversed(layers):
        above = plan[game.entry[level] + 1]
        gain += float(above @ divergence)
        plan[slots + 1] = np.repeat(above, np.diff(game.offsets)[level]) * behavior[slots]
    return gain, residual
