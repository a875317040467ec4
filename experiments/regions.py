"""Which payoff pairs a two-player game allows: feasible, in some CCE, in some CE; as convex polygons.

The CE and CCE polygons are images of polytopes in joint-play space under the payoff map. They are found by support
functions: maximise in a direction, then outward from every edge found, until no edge gives way by more than a line's
width. That takes two linear programs per vertex; every vertex drawn is exact.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float

ENTRY_LIMIT = 400_000
"""Equilibria whose constraint matrix has more entries than this are not drawn."""
ACCURACY = 5e-4
"""Corners that stick out less than this fraction of the payoff range are left out."""
TIGHT = 1e-9
"""An inequality between numbers of about unit size that holds this nearly with equality is tight."""


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


# --- correlated equilibria of 2 x 2 games, all of them --------------------------------------------------------


class Polytope(NamedTuple):
    """A convex polytope of joint distributions over four profiles."""

    vertices: Float  # float64[V, 4]: distributions over the profiles in C order
    edges: tuple[tuple[int, int], ...]  # pairs of vertices


def correlated_polytope(game: NormalFormGame) -> Polytope:
    """The correlated equilibria of a 2 x 2 game: vertices and edges of their polytope.

    Every vertex is where three of the eight inequalities (four probabilities, four incentives) are tight; all choices
    of three are tried. Two vertices are joined if what is tight at both leaves one dimension free.

    Raises
    ------
    InputError
        If the game has another shape.
    """
    from solvers.incentives import incentives

    if not isinstance(game, NormalFormGame):
        raise InputError(
            "the polytope is drawn for games in normal form; game.to_normal() makes one of a tree"
        )
    if game.shape != (2, 2):
        sizes = " x ".join(map(str, game.shape))
        raise InputError(f"the polytope is drawn for two players with two actions each, this game is {sizes}")
    system = incentives(game, True)
    rows = system.matrix(np.arange(system.rows), np.arange(4))
    rows = rows[np.abs(rows).max(axis=1) > 0]
    rows = np.vstack([-np.eye(4), rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-300)])
    found: list[Float] = []
    for chosen in itertools.combinations(range(len(rows)), 3):
        square = np.vstack([rows[list(chosen)], np.ones(4)])
        if abs(np.linalg.det(square)) < TIGHT:
            continue
        x = np.linalg.solve(square, [0.0, 0.0, 0.0, 1.0])
        if (rows @ x <= TIGHT).all() and not any(np.abs(x - y).max() < TIGHT for y in found):
            found.append(np.maximum(x, 0.0) / np.maximum(x, 0.0).sum())
    vertices = np.array(sorted(found, key=lambda x: tuple(-x)))
    tight = np.abs(vertices @ rows.T) < TIGHT
    edges = [
        (a, b)
        for a, b in itertools.combinations(range(len(vertices)), 2)
        if np.linalg.matrix_rank(np.vstack([rows[tight[a] & tight[b]], np.ones(4)]), TIGHT) == 3
    ]
    return Polytope(vertices, tuple(edges))
