"""Leaving a logit branch at a bifurcation: where it is, which directions are free, and a point on another arm."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.simplices import Float
from solvers.qre_interface import evaluate, linearise, new_jacobian, new_work, regret_at, subtract_coupling
from solvers.qre_locate import _gap, _halfway, land
from solvers.qre_trace import orient

Points = list[tuple[Float, Float, Float, Float]]
Arm = tuple[
    Float, Float, float, float
]  # point, tangent away from the bifurcation, determinant's sign, Nash regret

_SINGULAR = 1e-5  # smallest singular value, relative to the largest, at a bifurcation
_DIP = 0.2  # singular values above this share of the largest are not looked at
_ARMS = (0.02, 0.05, 0.1, 0.2, 0.35)  # Fisher distances at which another arm is sought


@njit(cache=True)
def bordered(system: Any, z: Float, direction: Float) -> tuple[Float, Float]:
    """The dense bordered derivative in coordinates that are orthonormal for the Fisher metric; and the coordinates' scale.

    Rows and columns of action a are multiplied by sqrt(p_a) and 1 / sqrt(p_a) so that actions of no weight decouple.
    """
    size = int(system.offsets[-1])
    work, jacobian = new_work(system), new_jacobian(system)
    p, normal = np.empty(size), np.empty(size + 1)
    evaluate(system, work, z, p)
    tangent = direction.copy()
    orient(p, z[size], tangent, normal)
    linearise(system, work, jacobian, p, z[size], normal)
    scale = np.empty(size + 1)
    for a in range(size):
        scale[a] = np.sqrt(max(p[a], 1e-12))
    scale[size] = 0.15 / (1.0 + z[size])
    dense = np.zeros((size + 1, size + 1))
    for a in range(size):
        dense[a, a] = 1.0
        dense[a, size] = -work.slope[a] * scale[a] / scale[size]
        dense[size, a] = normal[a] / scale[a]
    dense[size, size] = normal[size] / scale[size]
    subtract_coupling(jacobian, dense)
    for a in range(size):
        for b in range(size):
            dense[a, b] *= scale[a] / scale[b]
    return dense, scale


def _least(scaled: Any, z: Float, direction: Float) -> float:
    """Smallest singular value of the bordered derivative, relative to the largest."""
    values = np.linalg.svd(bordered(scaled.system, z, direction)[0], compute_uv=False)
    return float(values[-1] / values[0])


def next_bifurcation(scaled: Any, points: Points) -> tuple[int, Float, Float] | None:
    """A bifurcation between the last three points, or None.

    Looks for a dip of the smallest singular value, so that even multiplicities, which leave the determinant's
    sign alone, are found too. Returns how many points lie before it, the point itself, and the free
    directions float64[K, N + 1].
    """
    z, t = (np.concatenate([part[k] for part in points[-4:]])[-3:] for k in (0, 1))
    if len(z) < 3:
        return None
    least = [_least(scaled, z[k], t[k]) for k in range(3)]
    if not (least[1] <= least[0] and least[1] <= least[2] and least[1] < _DIP):
        return None
    total = sum(len(part[0]) for part in points)
    for first in (0, 1):
        found = _minimise(scaled, z[first : first + 2], t[first : first + 2])
        if found is not None:
            _, values, right = np.linalg.svd(bordered(scaled.system, *found)[0])
            free = right[values <= 30 * _SINGULAR * values[0]]
            scale = bordered(scaled.system, *found)[1]
            return total - 2 + first, found[0], free / scale
    return None


def _minimise(scaled: Any, z: Float, t: Float) -> tuple[Float, Float] | None:
    """Golden-section search for a vanishing singular value within a segment; None when it stays positive."""
    golden = 0.5 * (np.sqrt(5.0) - 1.0)
    low, high = 0.0, 1.0
    best: tuple[float, Float, Float] | None = None

    def value(s: float) -> float:
        nonlocal best
        point = _halfway(scaled, z, t, s)
        if point is None:
            return np.inf
        size = _least(scaled, point[0], point[1])
        if best is None or size < best[0]:
            best = (size, point[0], point[1])
        return size

    a, b = high - golden * (high - low), low + golden * (high - low)
    fa, fb = value(a), value(b)
    for _ in range(45):
        if fa < fb:
            high, b, fb = b, a, fa
            a = high - golden * (high - low)
            fa = value(a)
        else:
            low, a, fa = a, b, fb
            b = low + golden * (high - low)
            fb = value(b)
    return None if best is None or best[0] > _SINGULAR else (best[1], best[2])


def pushed_arm(scaled: Any, points: Float, tangents: Float) -> tuple[Float, Arm | None] | None:
    """The bifurcation in a segment, and the arm on which nearby, less symmetric games leave it.

    The nearby games are those in which the first player is infinitesimally less precise than the others: there the
    branches do not meet, and the one from lambda = 0 bends towards one arm. Which, is the sign of the linear response
    just before the bifurcation along the direction that goes free. Where the response has no such component (the push
    keeps the symmetry), the tangent on which the bifurcation was found stands for the free direction: at the
    bifurcation the two are mixed. The arm is None when that tells nothing either, or several directions go free at
    once; the answer is None when the segment holds no bifurcation.
    """
    found = _minimise(scaled, points, tangents)
    if found is None:
        return None
    z = found[0]
    near, near_scale = bordered(scaled.system, points[0], tangents[0])
    push = np.zeros(scaled.size + 1)
    own = scaled.first_player
    push[own] = near[own, -1] * near_scale[-1] * points[0, -1]  # minus lambda times the slope of player one
    response = np.linalg.solve(near, push)
    least = 1e-7 * np.linalg.norm(push) / np.linalg.svd(near, compute_uv=False)[-1]
    for along in (0.5 * (tangents[0] + tangents[1]), found[1]):
        dense, scale = bordered(scaled.system, z, along)
        _, values, right = np.linalg.svd(dense)
        if values[-2] <= 30 * _SINGULAR * values[0]:
            return z, None
        component = float(right[-1] @ response)
        if abs(component) > least:
            direction = np.sign(component) * right[-1] / scale
            arms = (_step_off(scaled, z, direction, distance) for distance in _ARMS)
            return z, next((arm for arm in arms if arm is not None), None)
    return z, None


def leave_bifurcation(
    scaled: Any, z: Float, directions: Float, rng: np.random.Generator | None
) -> Arm | None:
    """A point on an arm that leaves the bifurcation `z` along a random free direction.

    None when no arm is found.
    """
    if rng is None or not len(directions):
        return None
    for _ in range(8):
        direction = rng.standard_normal(len(directions)) @ directions
        for distance in _ARMS:
            for side in rng.permutation([1.0, -1.0]):
                arm = _step_off(scaled, z, side * direction, distance)
                if arm is not None:
                    return arm
    return None


def _step_off(scaled: Any, z: Float, direction: Float, distance: float) -> Arm | None:
    size = scaled.size
    p = np.exp(z[:size])
    unit, normal = direction.copy(), np.empty(size + 1)
    orient(p, z[size], unit, normal)
    point, tangent = z + distance * unit, unit.copy()
    if point[size] < 0:
        return None
    done, sign = land(scaled.system, point, tangent, 2.0 * distance)
    away = float(normal @ (point - z))
    if not done or away < 0.5 * distance or _gap(np.stack([z, point])) > 4 * distance:
        return None
    if float(normal @ tangent) < 0:
        tangent = -tangent
    return point, tangent, sign, float(regret_at(scaled.system, point, np.empty(size)))
