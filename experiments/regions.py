"""Which payoff pairs a two-player game allows: feasible, in some CCE, in some CE; as convex polygons.

The CE and CCE polygons are images of polytopes in joint-play space under the payoff map. They are found by support
functions: maximise in a direction, then outward from every edge found, until no edge gives way by more than a line's
width. That takes two linear programs per vertex; every vertex drawn is exact.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from games.normal import NormalFormGame
from games.simplices import Float

ENTRY_LIMIT = 400_000
"""Equilibria whose constraint matrix has more entries than this are not drawn."""
ACCURACY = 5e-4
"""Corners that stick out less than this fraction of the payoff range are left out."""


def feasible_region(game: NormalFormGame) -> Float:
    """Convex hull of the payoff pairs, float64[V, 2], counter-clockwise (Andrew's monotone chain, O(n log n))."""
    points = np.unique(game.flat.T, axis=0)
    if len(points) <= 2:
        return points
    halves = []
    for ordered in (points, points[::-1]):
        chain: list[Float] = []
        for point in ordered:
            while len(chain) >= 2 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        halves.append(chain[:-1])
    return np.array(halves[0] + halves[1])


def _turn(a: Float, b: Float, c: Float) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def equilibrium_region(game: NormalFormGame, concept: str) -> Float | None:
    """Payoff pairs of the game's CE or CCE, float64[V, 2] counter-clockwise; one or two rows when degenerate.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    concept : {"ce", "cce"}
        Which equilibria.

    Returns
    -------
    float64[V, 2] or None
        None when the game is too large for a picture.
    """
    rows = sum(n * n if concept == "ce" else n for n in game.shape)
    if rows * game.profiles > ENTRY_LIMIT:
        return None
    low = game.flat.min(axis=1)
    width = np.where(game.spans > 0, game.spans, 1.0)
    payoffs = (game.flat - low[:, None]) / width[:, None]
    return low + width * extreme_points(_support(game, concept == "ce", payoffs))


def _support(game: NormalFormGame, swap: bool, payoffs: Float) -> Callable[[Float], Float]:
    """The payoff pair (scaled) of the equilibrium that is best in a direction."""
    from solvers.incentives import incentives
    from solvers.linear import LinearProgram, compress

    system = incentives(game, swap)
    live = np.flatnonzero(system.live)
    matrix = np.vstack([system.matrix(live, np.arange(game.profiles)), np.ones(game.profiles)])
    columns = compress(matrix)
    low = np.append(np.full(live.size, -np.inf), 1.0)
    high = np.append(np.zeros(live.size), 1.0)
    zeros, ones = np.zeros(game.profiles), np.ones(game.profiles)

    def best(direction: Float) -> Float:
        program = LinearProgram(low, high)
        program.add_columns(direction @ payoffs, zeros, ones, columns)
        x = np.maximum(program.solve().x, 0.0)
        return payoffs @ (x / x.sum())

    return best


def extreme_points(support: Callable[[Float], Float]) -> Float:
    """Vertices of a convex polygon of about unit size from its support map, counter-clockwise.

    Parameters
    ----------
    support : callable
        Direction float64[2] -> a point of the polygon that is furthest in it.
    """
    right, left = support(np.array([1.0, 0.0])), support(np.array([-1.0, 0.0]))
    if np.abs(right - left).max() < ACCURACY:
        right, left = support(np.array([0.0, 1.0])), support(np.array([0.0, -1.0]))
        if np.abs(right - left).max() < ACCURACY:
            return right[None, :]
    upper = _between(support, right, left)
    lower = _between(support, left, right)
    return np.array([right, *upper, left, *lower])


def _between(support: Callable[[Float], Float], start: Float, stop: Float) -> list[Float]:
    """Vertices strictly between two, going counter-clockwise."""
    along = stop - start
    length = float(np.hypot(*along))
    if length < ACCURACY:
        return []
    outward = np.array([along[1], -along[0]]) / length
    corner = support(outward)
    if float(outward @ (corner - start)) < ACCURACY:
        return []
    first = _between(support, start, corner)
    return [*first, corner, *_between(support, corner, stop)]
