"""The Nash gap of a Bayesian-network policy in a Markov game, by value iteration.

The class of policies of agent i is all maps from the situation and its parents' actions to distributions over its own. Parents
do not depend on what the agent does, children react to it. Equations (6) and (7) of Chen and Zhang (2023), ICML:

    NEgap(pi) = max_i [ max_{pi_i'} V_{pi_i', pi_-i}(mu) - V_pi(mu) ]
    W(s) = sum_u max_b sum_{a: a_Pa(i) = u, a_i = b} w_i(a | s) ( r(s, a) + gamma sum_s' P(s' | s, a) W(s') )

with w_i(a | s) = prod_{j != i} pi_j(a_j | s, a_Pa(j)). Letters as in `solvers.network_gradient`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from games.bayes_net import BayesNet, strides
from games.errors import InputError
from games.markov import MarkovGame
from games.simplices import Float
from solvers import network_kernels as kernels
from solvers import network_response_kernels as responses
from solvers.network_gradient import as_read_only

TOLERANCE = 1e-10
_CHUNK = 100_000_000
_SWEEPS = 1_000


@dataclass(frozen=True, eq=False)
class NetworkGap:
    """What every player gains by its best response.

    Parameters
    ----------
    values : float64[n]
        Expected returns under the policy.
    best : float64[n]
        Expected returns of the best responses, to within `error`.
    error : float
        How far `best` can be from the truth, up to rounding: discount / (1 - discount) times half the range of the last
        changes of values (MacQueen 1966), at most that factor times the largest; 0 over a finite horizon.
    """

    values: Float
    best: Float
    error: float

    @property
    def gains(self) -> Float:
        """float64[n]: best - values."""
        return self.best - self.values

    @property
    def gap(self) -> float:
        """The largest gain, (6)."""
        return float(self.gains.max())

    def _repr_html_(self) -> str:
        from solvers.show_many import gap_html

        return gap_html(self)


def network_gap(
    game: MarkovGame, net: BayesNet, *, tolerance: float = TOLERANCE, blind: bool = False
) -> NetworkGap:
    """The Nash gap (6) of a network by the value iteration (7), over a finite horizon by backward induction.

    Parameters
    ----------
    game : MarkovGame
        Discounted or of finite horizon.
    net : BayesNet
        A network on K = T * S situations, stage by stage; graphs may differ between situations.
    tolerance : float
        Iteration stops when `NetworkGap.error` is at most this share of the game's span of returns, or what rounding
        allows.
    blind : bool
        Whether deviations are maps from situations alone, without the parents' actions: a smaller class, which
        underestimates the gap and may make it negative.

    Raises
    ------
    InputError
        If the network is for another number of players, actions or situations.

    Examples
    --------
    >>> from games import load
    >>> from games.dag import Dag
    >>> game = MarkovGame.repeated(load("zoo:prisoners-dilemma"), horizon=1)
    >>> copy = BayesNet.from_tables(Dag.line(2), [[[[1, 0]]], [[[1, 0], [0, 1]]]])
    >>> network_gap(game, copy).gains.tolist() == [0.0, 2.0]
    True
    """
    check_network(game, net)
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise InputError(f"the tolerance of a Nash gap must be positive, not {tolerance:g}")
    graphs = np.zeros_like(net.graphs) if blind else net.graphs
    factors = _fair(net)
    joint = factors.prod(axis=0)
    factors, graphs = as_read_only(factors), as_read_only(graphs)
    transition = as_read_only(game.flat_transition)
    steps = float(game.stages) if game.discount is None else 1.0 / (1.0 - game.discount)
    values, best, error = np.empty(len(game.players)), np.empty(len(game.players)), 0.0
    for i in range(len(game.players)):
        low = float(game.flat_reward[i].min())
        reward = game.flat_reward[i] - low  # next to a large common part gains would drown in rounding
        worth = _own_worth(game, joint, reward, transition)
        values[i] = float(game.initial @ worth[: game.size]) + low * steps
        if game.discount is None:
            counts = np.array(net.shape, dtype=np.int64)
            work = np.empty(game.profiles)
            responses.best_by_stages(
                factors, graphs, i, strides(net.shape), counts, reward, transition, worth, work
            )
        else:
            error = max(
                error, _discounted(game, factors, graphs, i, reward, transition, worth, tolerance * game.span)
            )
        best[i] = float(game.initial @ worth[: game.size]) + low * steps
        if not blind:  # it may go on as it does, whatever the error
            best[i] = max(best[i], values[i])
    return NetworkGap(values, best, error)


def check_network(game: MarkovGame, net: BayesNet) -> None:
    """`InputError` if a network does not fit a game."""
    if net.shape != game.shape:
        raise InputError(f"the network is for agents with {net.shape} actions, the game has {game.shape}")
    wanted = game.stages * game.size
    if net.situations != wanted:
        length = (
            f"{game.size} states" if game.horizon is None else f"{game.stages} stages x {game.size} states"
        )
        raise InputError(f"the network lists {net.situations} situations, the game has {wanted}: {length}")


def _fair(net: BayesNet) -> Float:
    """The network's factors float64[n, K, J], every agent's probabilities summing to one exactly."""
    out = np.empty(net.factors.shape)
    for i, tensor in enumerate(net.tensors):
        positive = np.maximum(tensor, 0.0)
        out[i] = (positive / positive.sum(axis=1 + i, keepdims=True)).reshape(out.shape[1:])
    return out


def _own_worth(game: MarkovGame, joint: Float, reward: Float, transition: Float) -> Float:
    """What following the policy is worth in every situation, float64[K]."""
    choices, worth = np.empty((1, *joint.shape)), np.empty((1, len(joint)))
    weights, table = np.empty(len(joint)), reward[None]
    initial = as_read_only(game.initial)
    if game.discount is None:
        kernels.evaluate_stages(joint, table, transition, initial, choices, worth, weights)
    else:
        system, pivots = np.empty((game.size, game.size)), np.empty(game.size, dtype=np.int64)
        kernels.evaluate_discounted(
            joint, table, transition, initial, game.discount, system, pivots, choices, worth, weights
        )
    return worth[0]


def _discounted(
    game: MarkovGame,
    factors: Float,
    graphs: Float,
    i: int,
    reward: Float,
    transition: Float,
    worth: Float,
    target: float,
) -> float:
    """Overwrite float64[S] what the policy is worth with what the best response is worth; returns how sure that is."""
    assert game.discount is not None
    counts = np.array(game.shape, dtype=np.int64)
    cells = np.where(graphs[:, :, i], counts, 1).prod(axis=1) * counts[i]
    gains = np.empty((game.size, int(cells.max())))
    moves = np.empty((*gains.shape, game.size))
    responses.forced_process(
        factors, graphs, i, strides(game.shape), counts, reward, transition, gains, moves
    )
    fresh = np.empty((min(max(1, _CHUNK // moves.size), _SWEEPS), game.size))
    # the change shrinks by the discount with every sweep, so this many suffice but for rounding
    size = float(abs(worth).max()) + game.span + np.finfo(float).tiny
    log = math.log(game.discount) if game.discount > 0 else -math.inf
    share = max(target, np.finfo(float).tiny) * (1.0 - game.discount) / size
    left = math.ceil(math.log(min(share, 1.0)) / log) + 2
    error, ends = math.inf, False
    while left > 0 and not ends:
        part = fresh[: min(left, len(fresh))]
        error, ends = responses.iterate_values(
            gains, moves, cells, int(counts[i]), game.discount, target, worth, part
        )
        left -= len(part)
    return float(error)
