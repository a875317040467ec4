"""Points of a logit branch between two traced ones: at a given lambda, at a turning point, at a bifurcation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from games.simplices import Float
from solvers.qre_interface import evaluate, linearise, new_jacobian, new_work, solve_bordered
from solvers.qre_trace import correct, length, orient, settle

_ROUNDS = 60

Measure = Callable[[Float, Float, float], float]


@njit(cache=True)
def land(system: Any, z: Float, direction: Float, limit: float) -> tuple[bool, float]:
    """Move z to the branch within the hyperplane orthogonal to `direction`, which becomes the tangent there.

    Returns whether it converged, and the determinant's sign; the derivative is taken anew in every iteration.
    """
    size = int(system.offsets[-1])
    work, jacobian, spare = new_work(system), new_jacobian(system), new_jacobian(system)
    p, q, step, normal = np.empty(size), np.empty(size), np.empty(size + 1), np.empty(size + 1)
    evaluate(system, work, z, p)
    orient(p, z[size], direction, normal)
    tolerance = 1e-7 / (1.0 + 0.1 * z[size])
    done, _ = correct(system, work, jacobian, spare, True, p, normal, limit, tolerance, 1.0, z, q, step)
    if not done:
        return False, 0.0
    _, sign = settle(system, work, jacobian, normal, tolerance, z, q, direction)
    if sign != 0.0:
        orient(q, z[size], direction, normal)
    return sign != 0.0, sign


@njit(cache=True)
def solve_at(system: Any, z: Float, limit: float) -> tuple[bool, float]:
    """Newton's method at fixed lambda z[-1]; returns whether it converged and the total Fisher length moved."""
    size = int(system.offsets[-1])
    work, jacobian = new_work(system), new_jacobian(system)
    p, step, normal = np.empty(size), np.empty(size + 1), np.zeros(size + 1)
    normal[size] = 1.0
    lam, total, best = z[size], 0.0, np.inf
    tolerance = 1e-13
    for tries in range(40):
        evaluate(system, work, z, p)
        error = 0.0
        for a in range(size):
            error += p[a] * abs(work.residual[a])  # a sum, so that nan stays nan
        if error <= tolerance:  # done, also where the derivative is singular
            return True, total
        if linearise(system, work, jacobian, p, lam, normal) == 0.0:
            return False, total
        solve_bordered(jacobian, work.residual, 0.0, work.small, step)
        moved = length(p, p, lam, step)
        total += moved
        if not total <= limit:
            return False, total
        if moved >= best and tries > 3:  # rounding decides from here on
            return best <= 1e-8, total
        best = min(best, moved)
        for a in range(size):
            z[a] += step[a]
    return best <= 1e-8, total


@np.errstate(over="ignore", invalid="ignore")  # log-probabilities may run off to -inf; callers check
def _hermite(points: Float, tangents: Float, s: float) -> tuple[Float, Float]:
    """Cubic between two points with unit tangents, at the fraction s; returns position and direction."""
    gap = _gap(points)
    a, b = points
    da, db = gap * tangents[0], gap * tangents[1]
    z = (
        (1 + 2 * s) * (1 - s) ** 2 * a
        + s * (1 - s) ** 2 * da
        + s * s * (3 - 2 * s) * b
        + s * s * (s - 1) * db
    )
    return z, (1 - s) * tangents[0] + s * tangents[1]


def _gap(points: Float) -> float:
    p, q = np.exp(points[0, :-1]), np.exp(points[1, :-1])
    return float(length(p, q, 0.5 * (points[0, -1] + points[1, -1]), points[1] - points[0]))


def _halfway(scaled: Any, points: Float, tangents: Float, s: float) -> tuple[Float, Float, float] | None:
    """A point of the branch near the fraction s of a segment, with tangent and sign; None if none is found."""
    z, direction = _hermite(points, tangents, s)
    gap = _gap(points)
    z[-1] = max(z[-1], 0.0)
    done, sign = land(scaled.system, z, direction, max(gap, 1e-6))
    if not done or (float(np.dot(direction, tangents[0])) < 0 and float(np.dot(direction, tangents[1])) < 0):
        return None
    if max(_gap(np.stack([points[0], z])), _gap(np.stack([z, points[1]]))) > 1.5 * gap:
        return None  # it landed on another branch
    return z, direction, sign


def turning(z: Float, tangent: Float, sign: float) -> float:
    """Zero where the branch turns back."""
    return float(tangent[-1])


def orientation(z: Float, tangent: Float, sign: float) -> float:
    """Changes sign where another branch crosses."""
    return sign


def locate(scaled: Any, points: Float, tangents: Float, measure: Measure) -> Float:
    """The point (x, lambda) in a segment at which `measure(z, tangent, sign)` changes sign, by guarded regula falsi."""
    points, tangents = points.copy(), tangents.copy()
    signs = [_halfway(scaled, points, tangents, s) for s in (1e-3, 1 - 1e-3)]
    ends = [measure(z, t, 1.0 if near is None else near[2]) for z, t, near in zip(points, tangents, signs)]
    if ends[0] * ends[1] > 0:
        return 0.5 * (points[0] + points[1])
    last, stepwise = -1, measure is orientation
    for _ in range(_ROUNDS):
        share = 0.5 if stepwise else min(max(ends[0] / (ends[0] - ends[1]), 0.01), 0.99)
        middle = _halfway(scaled, points, tangents, share) or _halfway(scaled, points, tangents, 0.37)
        if middle is None:
            break
        z, direction, sign = middle
        here = measure(z, direction, sign)
        if here == 0.0:
            return z
        side = 0 if (here > 0) == (ends[0] > 0) else 1
        points[side], tangents[side], ends[side] = z, direction, here
        if side == last:  # the Illinois rule keeps regula falsi from sticking to one end
            ends[1 - side] *= 0.5
        last = side
        if _gap(points) < 1e-9:
            break
    if stepwise:
        return 0.5 * (points[0] + points[1])
    return _hermite(points, tangents, ends[0] / (ends[0] - ends[1]))[0]


def at_lambda(scaled: Any, points: Float, tangents: Float, target: float) -> Float:
    """Log-probabilities at which a segment of the branch first passes the (scaled) lambda `target`."""
    for _ in range(_ROUNDS):
        share = _share(points, tangents, target)
        z, _ = _hermite(points, tangents, share)
        z[-1] = target
        gap = _gap(points)
        done, _ = solve_at(scaled.system, z, max(0.25 * gap, 1e-4))
        if done:
            return z[:-1]
        middle = _halfway(scaled, points, tangents, share) or _halfway(scaled, points, tangents, 0.5)
        if middle is None:
            break
        side = 0 if (middle[0][-1] > target) == (points[0, -1] > target) else 1
        points, tangents = points.copy(), tangents.copy()
        points[side], tangents[side] = middle[0], middle[1]
        if gap < 1e-9:
            break
    z, _ = _hermite(points, tangents, _share(points, tangents, target))
    z[-1] = target
    solve_at(scaled.system, z, math.inf)
    sums = np.exp(z[:-1]).sum()
    return z[:-1] if np.isfinite(sums) else points[0, :-1]


@np.errstate(over="ignore", invalid="ignore")  # log-probabilities may run off to -inf; callers check
def _share(points: Float, tangents: Float, target: float) -> float:
    """Fraction of the segment at which the interpolated lambda first meets `target`."""
    gap = _gap(points)
    a, b, da, db = points[0, -1], points[1, -1], gap * tangents[0, -1], gap * tangents[1, -1]
    low, high = 0.0, 1.0

    def value(s: float) -> float:
        return (
            (1 + 2 * s) * (1 - s) ** 2 * a
            + s * (1 - s) ** 2 * da
            + s * s * (3 - 2 * s) * b
            + s * s * (s - 1) * db
            - target
        )

    start = value(0.0)
    for _ in range(50):
        middle = 0.5 * (low + high)
        if (value(middle) > 0) == (start > 0):
            low = middle
        else:
            high = middle
    return min(max(0.5 * (low + high), 1e-6), 1 - 1e-6)
