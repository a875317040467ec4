"""Certificates on trees: regrets recomputed from the game and the strategy alone, in plain numpy.

Shares no code with the solvers: these sweep the sequence form with numba, here nodes are walked level by level.

* Nash: gain_i = max over i's strategies of u_i - u_i(sigma), by backward induction on i's information sets.
* CCE (normal-form): the same gain against the mixture's others, who do not react.
* QRE (agent form, McKelvey and Palfrey 1998): regret_i is the largest KL(sigma_I || softmax(lambda u(I, .))) / lambda
  over i's information sets I, where u(I, a) is i's expected payoff given that I is reached and a played;
  residual is the largest difference between a probability and its logit response.
* EFCE, EFCCE: see `solvers.efce_certificate`.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from games.errors import InputError
from games.simplices import Float, Int
from games.tree import TreeGame
from games.tree_strategies import BehaviorMixture, CorrelationPlan
from solvers.certificate import Certificate


def certify_tree(game: TreeGame, strategy: Any, concept: str, lam: float | None = None) -> Certificate:
    """Measure how far `strategy` is from being a `concept` equilibrium of `game`; see `solvers.certificate.certify`."""
    if isinstance(strategy, CorrelationPlan):
        if concept not in ("efce", "efcce"):
            raise InputError(f"a correlation plan is certified as efce or efcce, not {concept}")
        from solvers.efce_certificate import certify_plan

        return certify_plan(game, strategy, concept)
    game.require_perfect_recall("a certificate on the tree")
    if isinstance(strategy, BehaviorMixture):
        if concept != "cce":
            raise InputError(f"a mixture of behaviour profiles is certified as cce, not {concept}")
        if strategy.behaviors.shape[1] != game.slots:
            raise InputError(
                f"strategy has {strategy.behaviors.shape[1]} probabilities per profile, this game {game.slots}"
            )
        return _mixture(game, strategy)
    behavior = game.check_behavior(strategy)
    if concept == "nash":
        return _nash(game, behavior)
    if concept == "cce":
        return _mixture(game, BehaviorMixture(np.ones(1), behavior[None, :]))
    if concept == "qre":
        return _qre(game, behavior, lam)
    raise InputError(f"a behaviour strategy profile is certified as nash, cce or qre, not {concept}")


def shifted_payoffs(game: TreeGame) -> tuple[Float, Float]:
    """Payoffs above what is common to most of them, and what that is: next to it regrets would drown in rounding."""
    low, high = game.payoff.min(axis=1), game.payoff.max(axis=1)
    alike = np.sign(low) * np.sign(high) > 0
    narrow = 0.5 * high - 0.5 * low < 0.25 * np.maximum(abs(low), abs(high))  # halves cannot overflow
    lows = np.where(alike & narrow, low, 0.0)
    return game.payoff - lows[:, None], lows


# --- Nash and coarse correlated equilibria --------------------------------------------------------------------


def _nash(game: TreeGame, behavior: Float) -> Certificate:
    payoff, lows = shifted_payoffs(game)
    reach = reaches(game, np.ones(1), behavior[None, :])
    values = np.array([payoff[i] @ reach[-1] for i in range(len(payoff))])
    best = np.array([best_payoff(game, i, payoff[i] * reach[i]) for i in range(len(payoff))])
    gain = np.maximum(best - values, 0.0)
    return Certificate("nash", game.digest, gain, gain, values + lows, game.span)


def _mixture(game: TreeGame, mixture: BehaviorMixture) -> Certificate:
    payoff, lows = shifted_payoffs(game)
    reach = reaches(game, mixture.weights, mixture.behaviors)
    values = np.array([payoff[i] @ reach[-1] for i in range(len(payoff))])
    gain = np.array([best_payoff(game, i, payoff[i] * reach[i]) for i in range(len(payoff))]) - values
    return Certificate("cce", game.digest, np.maximum(gain, 0.0), gain, values + lows, game.span)


def reaches(game: TreeGame, weights: Float, behaviors: Float) -> Float:
    """float64[P + 1, Z]: average reach probability of terminals without player i's own moves; last, with everybody's.

    A terminal is reached with chance times what each player contributes by its own moves on the way, and these end
    with its last one.
    """
    players, ends = len(game.players), game.last_slots[:, game.terminals]
    reach = np.zeros((players + 1, len(game.terminals)))
    depth, sizes = own_depth(game), np.diff(game.offsets)
    by_slot = np.repeat(depth, sizes)
    levels = [np.flatnonzero(by_slot == d) for d in range(int(depth.max(initial=-1)) + 1)]
    for weight, behavior in zip(weights, behaviors):
        own = np.append(game.check_behavior(behavior), 1.0)  # entry -1: before any own move
        for level in levels[1:]:
            own[level] *= own[game.entry[game.infoset_of_slot[level]]]
        parts = [own[end] for end in ends]
        for i in range(players + 1):
            reach[i] += reduce(np.multiply, parts[:i] + parts[i + 1 :], weight)
    return reach * game.chance_reach[game.terminals]


def own_depth(game: TreeGame) -> Int:
    """int[I]: how many own moves come before each information set."""
    depth = np.zeros(len(game.owner), dtype=np.int64)
    waiting = np.flatnonzero(game.entry >= 0)
    above = game.infoset_of_slot[game.entry[waiting]] if waiting.size else waiting
    while waiting.size:
        new = depth[above] + 1
        if np.array_equal(new, depth[waiting]):
            break
        depth[waiting] = new
    return depth


def best_payoff(game: TreeGame, player: int, weighted: Float) -> float:
    """The most a player can make of terminals that pay `weighted` float64[Z] when its own moves lead there."""
    own = np.flatnonzero(game.owner == player)
    last = game.last_slots[player, game.terminals]
    worth = np.bincount(last + 1, weights=weighted, minlength=game.slots + 1)  # entry 0: before any own move
    depth = own_depth(game)[own]
    for d in range(int(depth.max(initial=-1)), -1, -1):
        level = own[depth == d]
        sizes = np.diff(game.offsets)[level]
        starts = np.cumsum(sizes) - sizes
        slots = np.repeat(game.offsets[level] - starts, sizes) + np.arange(sizes.sum())
        np.add.at(worth, game.entry[level] + 1, np.maximum.reduceat(worth[slots + 1], starts))
    return float(worth[0])


# --- quantal response equilibria -------------------------------------------------------------------------------


def _qre(game: TreeGame, behavior: Float, lam: float | None) -> Certificate:
    if lam is None or not (math.isfinite(lam) and lam >= 0):
        raise InputError(f"a QRE is certified at a finite lambda >= 0, got {lam}")
    payoff, lows = shifted_payoffs(game)
    values = _node_values(game, behavior, payoff)
    regret, residual = np.zeros(len(payoff)), 0.0
    if game.slots:
        blocks, sizes = game.offsets[:-1], np.diff(game.offsets)
        logits = lam * _conditional_payoffs(game, behavior, values)
        logits -= np.repeat(np.maximum.reduceat(logits, blocks), sizes)
        logits -= np.repeat(np.log(np.add.reduceat(np.exp(logits), blocks)), sizes)
        response = np.exp(logits)
        residual = float(np.abs(behavior - response).max())
        with np.errstate(divide="ignore", invalid="ignore"):
            surprise = np.where(behavior > 0, behavior * (np.log(behavior) - logits), 0.0)
        divergence = np.maximum(np.add.reduceat(surprise + response - behavior, blocks), 0.0)
        gap = divergence / lam if lam > 0 else np.where(divergence <= 1e-15, 0.0, math.inf)
        np.maximum.at(regret, game.owner, gap)
    return Certificate("qre", game.digest, regret, regret, values[:, 0] + lows, game.span, residual=residual)


def _node_values(game: TreeGame, behavior: Float, payoff: Float) -> Float:
    """float64[P, N]: expected payoffs from every node on."""
    step = np.append(behavior, 1.0)[game.slot] * game.chance
    values = np.zeros((len(payoff), game.nodes))
    values[:, game.terminals] = payoff
    for level in reversed(game.levels[1:]):
        above = game.parent[level]
        for row in values:
            np.add.at(row, above, step[level] * row[level])
    return values


def _conditional_payoffs(game: TreeGame, behavior: Float, values: Float) -> Float:
    """float64[slots]: the owner's payoff of each action given that its information set is reached.

    Beliefs come from the others' and chance's reach probabilities, in logarithms so that none underflows; where all
    of them vanish they are uniform.
    """
    with np.errstate(divide="ignore"):
        step = np.log(np.append(behavior, 1.0)[game.slot]) + np.log(game.chance)
    total = np.zeros((len(values), game.nodes))
    for level in game.levels[1:]:
        above = game.parent[level]
        mover = game.player[above]
        for i, row in enumerate(total):
            row[level] = row[above] + np.where(mover == i, 0.0, step[level])
    nodes = np.flatnonzero(game.player >= 0)
    h = game.infoset[nodes]
    log_reach = total[game.player[nodes], nodes]
    top = np.full(len(game.owner), -np.inf)
    np.maximum.at(top, h, log_reach)
    belief = np.zeros(game.nodes)
    belief[nodes] = np.exp(
        np.where(np.isfinite(top[h]), log_reach - np.where(np.isfinite(top[h]), top[h], 0.0), 0.0)
    )
    weight = np.bincount(h, weights=belief[nodes], minlength=len(game.owner))
    child = np.flatnonzero(game.slot >= 0)
    above = game.parent[child]
    worth = belief[above] * values[game.player[above], child]
    return np.bincount(game.slot[child], weights=worth, minlength=game.slots) / weight[game.infoset_of_slot]
