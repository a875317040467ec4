"""Certificates of Bayesian-network policies: what each agent gains by the best map from what it knows to actions.

Shares no code with the solvers of networks: everything is rebuilt from the game and the network's probabilities with plain
numpy. Agent i knows the situation and the actions of its parents, who do not depend on it; its children react to what it
does. That makes it the only player of a Markov decision process in which a choice is a map from its parents' actions u to an
action b, and both rewards and transitions are sums over u. Discounted: policy iteration (Howard 1960), exact up to the
rounding of its linear systems. Finite horizon: backward induction.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from games.bayes_net import BayesNet
from games.empirical import EmpiricalGame
from games.errors import InputError
from games.markov import MarkovGame
from games.normal import NormalFormGame
from games.simplices import Float, Int
from solvers.certificate import Certificate

_ROUNDS = 10_000


def certify_network(game: MarkovGame | NormalFormGame, net: BayesNet) -> Certificate:
    """How much each player could gain by another policy that knows what it knows, the others playing as they do.

    Parameters
    ----------
    game : MarkovGame or NormalFormGame
        Returns are the game's own. A normal-form game is one situation.
    net : BayesNet
        A network on the situations of the game: stage by stage, all its states.

    Returns
    -------
    Certificate
        Of concept "bayes-net", from the game's initial distribution. With the empty graph it is that of a Nash equilibrium in
        independent policies. For an `EmpiricalGame` with the slack of its samples.

    Raises
    ------
    InputError
        If the network is for another number of players, actions or situations.

    Examples
    --------
    Both go to the same place, and the second sees where the first goes:

    >>> from games import load
    >>> from games.dag import Dag
    >>> follow = BayesNet.from_tables(Dag.line(2), [[[[0.5, 0.5]]], [[[1, 0], [0, 1]]]])
    >>> certify_network(load("zoo:battle-of-the-sexes"), follow).regret.tolist()
    [0.5, 0.0]
    """
    if isinstance(game, NormalFormGame):
        return _of_one_shot(game, net)
    _check(net, game.shape, game.stages * game.size)
    values, gain = np.empty(len(net.shape)), np.empty(len(net.shape))
    steps = float(game.stages) if game.discount is None else 1.0 / (1.0 - game.discount)
    for i in range(len(net.shape)):
        low = float(game.reward[i].min())  # next to a large common part gains would drown in rounding
        reward = game.reward[i].reshape(game.size, -1) - low
        own, best = (
            _by_stages(game, net, i, reward)
            if game.discount is None
            else _stationary(game, net, i, reward, game.discount)
        )
        values[i] = game.initial @ own + low * steps
        gain[i] = max(float(game.initial @ (best - own)), 0.0)
    return Certificate("bayes-net", game.digest, gain, gain, values, game.span)


def _check(net: BayesNet, shape: tuple[int, ...], situations: int) -> None:
    if net.shape != shape:
        raise InputError(f"the network is for agents with {net.shape} actions, the game has {shape}")
    if net.situations != situations:
        raise InputError(f"the network lists {net.situations} situations, the game has {situations}")


# --- what one agent faces ---------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _seen(shape: tuple[int, ...], i: int, parents: tuple[int, ...]) -> tuple[Int, Int]:
    """In every joint action the number of the parents' joint action and agent i's own action, int64[J] each."""
    actions = np.indices(shape).reshape(len(shape), -1)
    sizes = [shape[j] for j in parents]
    known = np.ravel_multi_index(tuple(actions[list(parents)]), sizes) if sizes else np.zeros_like(actions[0])
    return known, actions[i]


def _chances(net: BayesNet, i: int) -> tuple[Float, Float]:
    """Probabilities float64[K, J] of joint actions, and that all but agent i play their part of them.

    A network may be off by rounding; here every agent's probabilities sum to one exactly.
    """
    others, own = np.ones(net.factors.shape[1:]), np.ones(net.factors.shape[1:])
    for j, tensor in enumerate(net.tensors):
        fair = np.maximum(tensor, 0.0)
        fair = (fair / fair.sum(axis=1 + j, keepdims=True)).reshape(others.shape)
        if j == i:
            own = fair
        else:
            others = others * fair
    return others * own, others


def _summed(net: BayesNet, i: int, situation: int, weighted: Float) -> Float:
    """Sums [U, Ai, ...] of weighted [J, ...] over joint actions alike in parents' actions and own."""
    known, own = _seen(net.shape, i, tuple(np.flatnonzero(net.graphs[situation, :, i]).tolist()))
    out = np.zeros((int(known.max()) + 1, net.shape[i], *weighted.shape[1:]))
    np.add.at(out, (known, own), weighted)
    return out


# --- Markov games -----------------------------------------------------------------------------------------


def _by_stages(game: MarkovGame, net: BayesNet, i: int, reward: Float) -> tuple[Float, Float]:
    """Expected returns float64[S] at the start by the agent's own policy and by the best one."""
    joint, others = _chances(net, i)
    own, best = np.zeros(game.size), np.zeros(game.size)
    moves = game.transition.reshape(game.size, -1, game.size)
    for t in reversed(range(game.stages)):
        own = (joint[t * game.size : (t + 1) * game.size] * (reward + moves @ own)).sum(axis=1)
        ahead = reward + moves @ best
        best = np.empty(game.size)
        for s in range(game.size):
            k = t * game.size + s
            best[s] = _summed(net, i, k, others[k] * ahead[s]).max(axis=1).sum()
    return own, best


def _stationary(
    game: MarkovGame, net: BayesNet, i: int, reward: Float, discount: float
) -> tuple[Float, Float]:
    """The same in a discounted game: policy iteration, begun at the agent's own policy."""
    joint, others = _chances(net, i)
    moves = game.transition.reshape(game.size, -1, game.size)
    gains = [_summed(net, i, s, others[s] * reward[s]) for s in range(game.size)]
    leads = [_summed(net, i, s, others[s][:, None] * moves[s]) for s in range(game.size)]
    own = _solved(discount, np.einsum("sj,sjz->sz", joint, moves), (joint * reward).sum(axis=1))
    worth = own
    for _ in range(_ROUNDS):
        gain, chain = np.empty(game.size), np.empty((game.size, game.size))
        for s, (g, lead) in enumerate(zip(gains, leads)):
            choice = (g + discount * lead @ worth).argmax(axis=1)
            each = np.arange(len(choice))
            gain[s], chain[s] = g[each, choice].sum(), lead[each, choice].sum(axis=0)
        better = np.maximum(_solved(discount, chain, gain), worth)
        # rounding alone can go on for ever; then the last is the best
        if (better - worth).max() <= 1e-13 * max(game.span, np.abs(worth).max()):
            return own, better
        worth = better
    return own, worth


def _solved(discount: float, chain: Float, gain: Float) -> Float:
    return np.asarray(np.linalg.solve(np.eye(len(gain)) - discount * chain, gain))


# --- games played once ------------------------------------------------------------------------------------


def _of_one_shot(game: NormalFormGame, net: BayesNet) -> Certificate:
    _check(net, game.shape, 1)
    values, gain, slack = np.empty(len(game.shape)), np.empty(len(game.shape)), 0.0
    for i in range(len(game.shape)):
        low = float(game.payoffs[i].min())
        payoff = game.payoffs[i].ravel() - low
        joint, others = (rows[0] for rows in _chances(net, i))
        values[i] = joint @ payoff + low
        best = _summed(net, i, 0, others * payoff).max(axis=1).sum()
        gain[i] = max(float(best - joint @ payoff), 0.0)
        if isinstance(game, EmpiricalGame):
            slack = max(slack, _upper(game, net, i) - float(gain[i]))
    found = Certificate("bayes-net", game.digest, gain, gain, values, game.span)
    return replace(found, slack=slack, delta=game.delta) if isinstance(game, EmpiricalGame) else found


def _upper(game: EmpiricalGame, net: BayesNet, i: int) -> float:
    """What the agent gains at most if every payoff is within its radius of the estimate.

    The gain of a map is linear in payoffs: the others' probability of what the map leads to, less that of what is played.
    """
    payoff, radius = game.payoffs[i].ravel() - game.payoffs[i].min(), game.radius[i].ravel()
    joint, others = (rows[0] for rows in _chances(net, i))
    known, own = _seen(net.shape, i, tuple(np.flatnonzero(net.graphs[0, :, i]).tolist()))
    total = 0.0
    for u in range(int(known.max()) + 1):
        here = known == u
        options = []
        for b in range(net.shape[i]):
            weight = np.where(own == b, others, 0.0)[here] - joint[here]
            with np.errstate(invalid="ignore"):  # 0 * inf: a cell that does not count needs no radius
                open_part = np.where(weight == 0, 0.0, abs(weight) * radius[here])
            options.append(float(weight @ payoff[here] + open_part.sum()))
        total += max(options)
    return total
