"""Seeded random families without structure beyond how the players' payoffs hang together.

Every family draws from ``numpy.random.default_rng(seed)`` in the order that its docstring states, so a game is
given by its URI. Shapes are checked for memory before anything is drawn.
"""

from __future__ import annotations

import math

import numpy as np

from games.catalogue.entry import Shape, Source, check_range, register
from games.catalogue.grids import check_shape
from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float

GAMUT = Source(
    "Nudelman, Wortman, Shoham and Leyton-Brown",
    2004,
    "Run the GAMUT: A Comprehensive Approach to Evaluating Game-Theoretic Algorithms",
    "AAMAS 2004",
    "pp. 880-887",
)


def generator(seed: int) -> np.random.Generator:
    """The generator of a family's seed, which must not be negative."""
    check_range("seed", seed, 0)
    return np.random.default_rng(seed)


def describe(family: str, shape: Shape, seed: int, **more: object) -> str:
    """A title that says how to draw the game again."""
    extra = "".join(f", {name} {value}" for name, value in more.items())
    return f"Random {family}, {'x'.join(map(str, shape))}{extra}, seed {seed}"


@register("random", GAMUT, random=True)
def uniform(shape: Shape = (3, 3), seed: int = 0) -> NormalFormGame:
    """Independent payoffs uniform on [0, 1).

    Player after player the tensor is ``rng.uniform(0, 1, shape)`` with ``rng = default_rng(seed)``.

    Examples
    --------
    >>> game = uniform(shape=(2, 3), seed=7)
    >>> rng = np.random.default_rng(7)
    >>> bool(np.all(game.payoffs == np.stack([rng.uniform(0, 1, (2, 3)) for _ in range(2)])))
    True
    """
    check_shape(shape, "random")
    rng = generator(seed)
    return NormalFormGame(rng.random((len(shape), *shape)), title=describe("game", shape, seed))


@register("random-zero-sum", GAMUT, random=True)
def zero_sum(shape: Shape = (3, 3), seed: int = 0) -> NormalFormGame:
    """Payoffs uniform on [-1, 1), except that the last player gets minus the sum of the others'.

    The first players' tensors are drawn in order as ``rng.uniform(-1, 1, shape)``.
    """
    check_shape(shape, "random-zero-sum")
    if len(shape) < 2:
        raise InputError("a zero-sum game needs at least two players")
    rng = generator(seed)
    payoffs = np.empty((len(shape), *shape))
    payoffs[:-1] = rng.uniform(-1, 1, (len(shape) - 1, *shape))
    np.negative(payoffs[:-1].sum(axis=0), out=payoffs[-1])
    return NormalFormGame(payoffs, title=describe("zero-sum game", shape, seed))


@register("random-common-payoff", GAMUT, random=True)
def common_payoff(shape: Shape = (3, 3), seed: int = 0) -> NormalFormGame:
    """Everybody gets the same payoff, ``rng.uniform(0, 1, shape)``."""
    check_shape(shape, "random-common-payoff")
    payoff = generator(seed).random(shape)
    return NormalFormGame.common_payoff(payoff, title=describe("common-payoff game", shape, seed))


@register(
    "random-potential",
    Source("Monderer and Shapley", 1996, "Potential Games", "Games and Economic Behavior", "14(1), 124-143"),
    random=True,
)
def potential(shape: Shape = (3, 3), seed: int = 0, dummy: float = 1) -> NormalFormGame:
    """Exact potential game: u_i(a) = potential(a) + dummy * d_i(a_-i), both uniform on [0, 1).

    Drawn in order: the potential ``rng.random(shape)``, then for each player d_i ``rng.random`` of the shape with
    length 1 on the player's own axis.
    """
    check_shape(shape, "random-potential")
    rng = generator(seed)
    common = rng.random(shape)
    payoffs = np.empty((len(shape), *shape))
    for i in range(len(shape)):
        others = (*shape[:i], 1, *shape[i + 1 :])
        np.add(common, dummy * rng.random(others), out=payoffs[i])
    return NormalFormGame(payoffs, title=describe("potential game", shape, seed))


@register(
    "random-covariant",
    Source(
        "Rinott and Scarsini",
        2000,
        "On the Number of Pure Strategy Nash Equilibria in Random Games",
        "Games and Economic Behavior",
        "33(2), 274-293",
    ),
    random=True,
)
def covariant(shape: Shape = (3, 3), rho: float = 0.0, seed: int = 0) -> NormalFormGame:
    """Standard normal payoffs, correlated rho between any two players at a profile, independent across profiles.

    rho ranges from -1/(players - 1) (for two players a zero-sum game) to 1 (common payoff). With e =
    ``rng.standard_normal((players, *shape))`` and m its mean over players, u_i = sqrt(1 - rho) (e_i - m) +
    sqrt(1 + (players - 1) rho) m, the symmetric square root of the correlation matrix applied to e.
    """
    check_shape(shape, "random-covariant")
    players = len(shape)
    lowest = -1.0 / (players - 1) if players > 1 else -1.0
    if not lowest - 1e-12 <= rho <= 1:
        raise InputError(f"parameter rho={rho:g} must be between {lowest:g} (-1/(players - 1)) and 1")
    payoffs = generator(seed).standard_normal((players, *shape))
    mean = payoffs.mean(axis=0)
    if players > 1:
        payoffs -= mean
        payoffs *= math.sqrt(1 - rho)
        payoffs += math.sqrt(max(1 + (players - 1) * rho, 0.0)) * mean
    return NormalFormGame(payoffs, title=describe("covariant game", shape, seed, rho=f"{rho:g}"))


@register("random-symmetric", GAMUT, random=True)
def symmetric(players: int = 2, actions: int = 3, seed: int = 0) -> NormalFormGame:
    """Symmetric game: a payoff is uniform on [0, 1), given by the own action and how often others play each action.

    With ``t = rng.random((actions,) * players)``, u_i(a) = t[a_i, the others' actions in increasing order].
    """
    check_range("players", players, 1)
    check_range("actions", actions, 1)
    check_shape((actions,) * min(players, 63), "random-symmetric")
    table = generator(seed).random((actions,) * players)
    first = symmetrised(table)
    payoffs = np.stack([np.moveaxis(first, 0, i) for i in range(players)])
    return NormalFormGame(payoffs, title=describe("symmetric game", (actions,) * players, seed))


def symmetrised(table: Float) -> Float:
    """The first player's payoffs table[a_0, sorted(a_1, ..., a_n)]: indifferent to who of the others does what."""
    others = table.shape[1:]
    if len(others) < 2:
        return table
    profiles = np.sort(np.indices(others, dtype=np.int32).reshape(len(others), -1), axis=0)
    index = np.ravel_multi_index(tuple(profiles), others)
    return table.reshape(table.shape[0], -1)[:, index].reshape(table.shape)
