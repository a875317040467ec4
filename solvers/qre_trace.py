"""Predictor-corrector continuation of the logit branch, compiled.

Pseudo-arclength steps after Allgower and Georg (1990), with three changes that make them few and cheap: lengths are
measured in the Fisher metric (sum p dx^2 plus a term in d log(1 + lambda)), so that hopeless actions do not shorten
steps; the predictor is of second order; and the bordered Jacobian is factored once per accepted point, on the live
actions only, and serves the tangent, the polish of that point and the corrector of the next step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.simplices import Float
from solvers.kernel_options import BARE
from solvers.qre_interface import (
    evaluate,
    linearise,
    nash_regret,
    new_jacobian,
    new_work,
    rounding,
    solve_bordered,
)

RUNNING, REGRET, LAMBDA, STALLED, SINGULAR = 0, 1, 2, 3, 4
KAPPA = 0.15  # weight of d log(1 + lambda) in the metric
H_START, H_MIN, H_MAX = 0.05, 1e-9, 0.5  # step lengths in the metric
CORRECTION = 0.15  # predictor error that the step length aims at
MAX_CORRECTION = 0.5  # predictor error beyond which a step is refused
BEND = 0.08  # one minus the cosine between successive tangents that the step length aims at
TURN = 0.85  # smallest cosine between tangents, and between them and the chord
ACCEPT = 1e-3  # corrector tolerance; accepted points are polished further with their own Jacobian
CLOSE = 2e-3  # a change of the determinant's sign is approached to this length before it is believed
EARLY = 20.0  # before this lambda a small regret ends nothing: uniform play may be an equilibrium by symmetry
LARGE = 40  # live actions from which a factorisation costs more than several iterations


@njit(**BARE)
def length(p: Float, q: Float, lam: float, step: Float) -> float:
    """Fisher length of a step between distributions near p and q."""
    total = 0.0
    for a in range(p.size):
        total += max(p[a], q[a]) * step[a] * step[a]
    scaled = KAPPA * step[p.size] / (1.0 + abs(lam))
    return np.sqrt(total + scaled * scaled)


@njit(**BARE)
def cosine(p: Float, q: Float, lam: float, first: Float, second: Float) -> float:
    """Cosine between two directions in the metric of the heavier of p and q."""
    dot, one, two = 0.0, 0.0, 0.0
    for a in range(p.size):
        w = max(p[a], q[a])
        dot += w * first[a] * second[a]
        one += w * first[a] * first[a]
        two += w * second[a] * second[a]
    w = (KAPPA / (1.0 + abs(lam))) ** 2
    f, s = first[p.size], second[p.size]
    return (dot + w * f * s) / np.sqrt(max((one + w * f * f) * (two + w * s * s), 1e-300))


@njit(**BARE)
def orient(p: Float, lam: float, tangent: Float, normal: Float) -> None:
    """Scale `tangent` to unit Fisher length and write the matching border row to `normal`."""
    size = p.size
    scale = 1.0 / max(length(p, p, lam, tangent), 1e-300)
    for a in range(size + 1):
        tangent[a] *= scale
    for a in range(size):
        normal[a] = p[a] * tangent[a]
    weight = KAPPA / (1.0 + abs(lam))
    normal[size] = weight * weight * tangent[size]


@njit(**BARE)
def correct(
    system: Any,
    work: Any,
    jacobian: Any,
    spare: Any,
    fresh: bool,
    p: Float,
    normal: Float,
    limit: float,
    tolerance: float,
    growth: float,
    z: Float,
    q: Float,
    step: Float,
) -> tuple[bool, float]:
    """Newton's method from z back to the branch within a hyperplane; returns (converged, length of the first step).

    Starts with `jacobian`, unless lambda is `growth` > 1.25 times what it was there; takes the derivative anew into
    `spare` once when convergence is slow, or every time if `fresh`.
    """
    size = p.size
    first, previous = 0.0, 0.0
    patience = 0.3 if jacobian.live[0] < LARGE else 0.6
    renewed = False
    for tries in range(25):
        evaluate(system, work, z, q)
        if tries == 0 and growth > 1.25 and not fresh:
            renewed = True
            if linearise(system, work, spare, q, z[size], normal) == 0.0:
                return False, first
        if fresh and linearise(system, work, spare, q, z[size], normal) == 0.0:
            return False, first
        use_spare = fresh or renewed
        solve_bordered(spare if use_spare else jacobian, work.residual, 0.0, work.small, step)
        moved = length(p, q, z[size], step)
        slow = tries > 0 and moved > tolerance and moved > patience * previous
        if slow and not use_spare:
            renewed = True
            if linearise(system, work, spare, q, z[size], normal) == 0.0:
                return False, first
            solve_bordered(spare, work.residual, 0.0, work.small, step)
            moved = length(p, q, z[size], step)
        if tries == 0:
            first = moved
        if not moved <= limit or (tries > 1 and moved > 0.9 * previous and moved > tolerance):
            return False, first
        previous = moved
        for a in range(size + 1):
            z[a] += step[a]
        if z[size] < 0.0:
            return False, first
        if moved <= tolerance:
            return True, first
    return False, first


@njit(**BARE)
def settle(
    system: Any,
    work: Any,
    jacobian: Any,
    normal: Float,
    tolerance: float,
    z: Float,
    q: Float,
    turned: Float,
) -> tuple[float, float]:
    """Factor the derivative at z, polish z with it and write the tangent; returns (regret, determinant's sign)."""
    size = q.size
    evaluate(system, work, z, q)
    sign = linearise(system, work, jacobian, q, z[size], normal)
    if sign == 0.0:
        return 0.0, sign
    for _ in range(3):
        solve_bordered(jacobian, work.residual, 0.0, work.small, turned)
        moved = length(q, q, z[size], turned)
        for a in range(size + 1):
            z[a] += turned[a]
        evaluate(system, work, z, q)
        if moved <= 1e-4 * tolerance:
            break
    for a in range(size):
        work.residual[a] = 0.0
        jacobian.slope[a] = work.slope[a]
    solve_bordered(jacobian, work.residual, 1.0, work.small, turned)
    return nash_regret(system, work, q), sign


@njit(**BARE)
def predict(z: Float, tangent: Float, before: Float, h: float, h_before: float, new: Float) -> None:
    """A point h further on, to second order from the last two tangents (first order where h_before is 0)."""
    for a in range(z.size):
        bend = (tangent[a] - before[a]) / h_before if h_before > 0.0 else 0.0
        new[a] = z[a] + h * tangent[a] + 0.5 * h * h * bend
    new[z.size - 1] = max(new[z.size - 1], 0.0)


@njit(**BARE)
def turning(
    p: Float, q: Float, z: Float, new: Float, tangent: Float, turned: Float, step: Float
) -> tuple[float, float]:
    """Cosines between the two tangents, and the smaller of those with the chord; (-1, -1) if the point is not finite."""
    reach = 0.0
    for a in range(z.size):
        step[a] = new[a] - z[a]
        reach += abs(new[a])
    if not reach < 1e300:
        return -1.0, -1.0
    lam = new[z.size - 1]
    chord = min(cosine(p, q, lam, step, tangent), cosine(p, q, lam, step, turned))
    return cosine(p, q, lam, tangent, turned), chord


@njit(cache=True, error_model="numpy")
def begin(
    system: Any, work: Any, jacobian: Any, state: Float, p: Float, normal: Float
) -> tuple[float, float]:
    """Evaluate and linearise at the state's point; at lambda 0 (sign 0) set the tangent. Returns (regret, sign)."""
    size = p.size
    z, tangent = state[: size + 1], state[size + 1 : 2 * size + 2]
    scalars = state[3 * size + 3 :]
    evaluate(system, work, z, p)
    if scalars[2] == 0.0:  # the Jacobian is the identity there
        tangent[:size] = work.slope
        tangent[size] = 1.0
        scalars[1] = 0.0
    orient(p, z[size], tangent, normal)
    return nash_regret(system, work, p), linearise(system, work, jacobian, p, z[size], normal)


@njit(cache=True, error_model="numpy")
def trace(
    system: Any,
    max_regret: float,
    lambda_max: float,
    watch: bool,
    caution: float,
    state: Float,
    out_z: Float,
    out_t: Float,
    out_regret: Float,
    out_sign: Float,
) -> tuple[int, int]:
    """Follow the branch from `state` for at most len(out_z) accepted points; returns (code, points).

    `state` is [z, tangent, previous tangent, h, previous h, determinant sign, changes of the sign], updated in place; a sign of
    zero asks for a start at lambda 0, and the start is then the first point written. With `watch`, a change of
    the sign is approached instead of crossed, and the code is SINGULAR. A `caution` above one shortens all steps.
    """
    size = int(system.offsets[-1])
    z, tangent, before = state[: size + 1], state[size + 1 : 2 * size + 2], state[2 * size + 2 : 3 * size + 3]
    scalars = state[3 * size + 3 :]
    work = new_work(system)
    here, there = new_jacobian(system), new_jacobian(system)
    p, q = np.empty(size), np.empty(size)
    new, step, turned, normal = np.empty(size + 1), np.empty(size + 1), np.empty(size + 1), np.empty(size + 1)
    points, code, starting = 0, RUNNING, scalars[2] == 0.0
    regret, sign = begin(system, work, here, state, p, normal)
    h, h_before, refused = scalars[0], scalars[1], False
    if starting:
        h = H_START / caution
        out_z[0], out_t[0], out_regret[0], out_sign[0] = z, tangent, regret, sign
        points = 1
    while points < out_z.shape[0] and code == RUNNING:
        predict(z, tangent, before, h, h_before, new)
        # payoffs stiffen the system in proportion to lambda, and so does rounding where they do not
        tolerance = ACCEPT / (1.0 + 0.1 * z[size]) + rounding(system, work, z[size])
        growth = (1.0 + new[size]) / (1.0 + z[size])
        limit = MAX_CORRECTION / caution
        converged, first = correct(
            system, work, here, there, False, p, normal, limit, tolerance, growth, new, q, step
        )
        if not converged:
            h *= 0.5
            refused = True
            code = STALLED if h < H_MIN else RUNNING
            continue
        regret, turn_sign = settle(system, work, there, normal, tolerance, new, q, turned)
        aligned, straight = turning(p, q, z, new, tangent, turned, step)
        smooth = aligned > TURN and straight > TURN and turn_sign != 0.0
        if not smooth or turn_sign != sign:
            # too much turning is a step too long, and so is a change of sign, unless it stays down to a short
            # step: then a bifurcation lies between, and the branch goes straight on
            if h > (CLOSE if smooth else H_MIN):
                h *= 0.5
                refused = True
                continue
            if watch or not smooth:
                code = SINGULAR if smooth else STALLED
                continue
        scalars[3] += turn_sign != sign
        before[:], tangent[:], z[:], p[:] = tangent, turned, new, q
        here, there = there, here
        sign, h_before = turn_sign, h
        orient(p, z[size], tangent, normal)
        factor = np.sqrt(min(CORRECTION / max(first, 1e-12), BEND / max(1.0 - aligned, 1e-12)) / caution)
        h = min(h * min(max(factor, 0.4), 1.0 if refused else 2.0), H_MAX / caution)
        refused = False
        out_z[points], out_t[points], out_regret[points], out_sign[points] = z, tangent, regret, sign
        points += 1
        if regret <= max_regret and z[size] >= EARLY:
            code = REGRET
        elif z[size] >= lambda_max:
            code = LAMBDA
    scalars[0], scalars[1], scalars[2] = h, h_before, sign
    return code, points
