"""Movement, observation and mean-field features of swarms, as loops over flat arrays.

Letters: B sub-environments, N agents, d coordinates of an agent. Agents of a sub-environment lie along the last axis.
Sub-environment b draws from ``streams[b]`` only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE, normal, uniform

TURN = 2.0 * math.pi

# Terms of the Taylor series of sin and cos; on [-pi/2, pi/2] what is left out is below 3e-16.
_SIN = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(10))
_COS = tuple((-1.0) ** k / math.factorial(2 * k) for k in range(11))


@njit(**BARE)
def clip(value: Any, low: Any, high: Any) -> Any:
    """The nearest number between the bounds."""
    return min(max(value, low), high)


@njit(**BARE)
def wrap_unit(value: Any) -> Any:
    """A coordinate of the unit torus in [0, 1)."""
    value -= math.floor(value)
    return value if value < 1.0 else 0.0


@njit(**BARE)
def wrap_turn(angle: Any) -> Any:
    """An angle in [0, 2 pi)."""
    angle -= TURN * math.floor(angle * (1.0 / TURN))
    return angle if 0.0 <= angle < TURN else 0.0


@njit(**BARE)
def von_mises(s: Any, kappa: Any) -> Any:
    """An angle in [0, 2 pi) around 0 with concentration kappa (Best and Fisher 1979); uniform for kappa 0."""
    if kappa < 1e-8:
        return TURN * uniform(s)
    if kappa > 1e6:  # by then normal to all digits that matter, and the wrapped Cauchy below loses its own
        return wrap_turn(normal(s) / math.sqrt(kappa))
    if kappa < 1e-5:
        r = 1.0 / kappa + kappa
    else:
        tau = 1.0 + math.sqrt(1.0 + 4.0 * kappa * kappa)
        rho = (tau - math.sqrt(2.0 * tau)) / (2.0 * kappa)
        r = (1.0 + rho * rho) / (2.0 * rho)
    while True:
        z = math.cos(math.pi * uniform(s))
        f = (1.0 + r * z) / (r + z)
        c = kappa * (r - f)
        u = 1.0 - uniform(s)
        if c * (2.0 - c) > u or math.log(c / u) + 1.0 >= c:
            angle = math.acos(clip(f, -1.0, 1.0))
            return angle if uniform(s) < 0.5 else wrap_turn(-angle)


@njit(**BARE)
def point_along(headings: Any, vectors: Any) -> None:
    """Unit vectors float64[2, N] along headings float64[N] in [0, 2 pi), to about 1e-15.

    A loop without calls or branches, which runs on vector units and gives the same on any machine: series for half the
    angle from pi, then sin 2x = 2 sin x cos x.
    """
    along, across = vectors[0], vectors[1]
    for i in range(headings.shape[0]):
        half = 0.5 * (headings[i] - math.pi)
        square = half * half
        s, c = _SIN[9], _COS[10]
        s = s * square + _SIN[8]
        s = s * square + _SIN[7]
        s = s * square + _SIN[6]
        s = s * square + _SIN[5]
        s = s * square + _SIN[4]
        s = s * square + _SIN[3]
        s = s * square + _SIN[2]
        s = s * square + _SIN[1]
        s = (s * square + _SIN[0]) * half
        c = c * square + _COS[9]
        c = c * square + _COS[8]
        c = c * square + _COS[7]
        c = c * square + _COS[6]
        c = c * square + _COS[5]
        c = c * square + _COS[4]
        c = c * square + _COS[3]
        c = c * square + _COS[2]
        c = c * square + _COS[1]
        c = c * square + _COS[0]
        along[i] = 2.0 * s * s - 1.0
        across[i] = -2.0 * s * c


@njit(**BARE)
def observe_place(s: Any, place: Any, box: Any, sigma: Any) -> Any:
    """One noisy coordinate, clipped to the box."""
    if sigma > 0.0:
        place += sigma * normal(s)
    return clip(place, -box, box)


@njit(**BARE)
def begin_aggregation(
    places: Any,
    seen: Any,
    streams: Any,
    where: Any,
    normal_init: Any,
    width: Any,
    shift: Any,
    box: Any,
    sigma_y: Any,
) -> None:
    """Places float64[B, 2, N] at the start, and what is seen of them, float32[B, N, 2].

    ``width`` is the half side of the square of the uniform law, or the standard deviation of the normal law.
    """
    for b in range(places.shape[0]):
        if not where[b]:
            continue
        s = streams[b]
        for i in range(places.shape[2]):
            for d in range(2):
                draw = normal(s) if normal_init else 2.0 * uniform(s) - 1.0
                places[b, d, i] = clip(shift + width * draw, -box, box)
                seen[b, i, d] = observe_place(s, places[b, d, i], box, sigma_y)


@njit(**BARE)
def pay_aggregation(places: Any, actions: Any, live: Any, c_d: Any, c_a: Any, reward: Any) -> None:
    """Common rewards float64[B, N] of the places before the move and the actions float32[B, N, 2], 0 unless live."""
    n = places.shape[2]
    for b in range(places.shape[0]):
        total = 0.0
        if live[b]:
            x, y = places[b, 0], places[b, 1]
            mean_x, mean_y = 0.0, 0.0
            for i in range(n):
                mean_x += x[i]
                mean_y += y[i]
            mean_x /= n
            mean_y /= n
            spread, effort = 0.0, 0.0
            for i in range(n):
                spread += abs(x[i] - mean_x) + abs(y[i] - mean_y)
                u, v = np.float64(actions[b, i, 0]), np.float64(actions[b, i, 1])
                effort += (abs(u) + abs(v)) / max(1.0, math.sqrt(u * u + v * v))
            total = -(c_d * spread + c_a * effort) / n
        for i in range(n):
            reward[b, i] = total


@njit(**BARE)
def move_aggregation(
    places: Any,
    seen: Any,
    streams: Any,
    actions: Any,
    live: Any,
    v: Any,
    box: Any,
    sigma_x: Any,
    sigma_y: Any,
) -> None:
    """Move by v times the action (shortened to length 1), add noise, clip; then look at where everybody is."""
    for b in range(places.shape[0]):
        if not live[b]:
            continue
        s = streams[b]
        for i in range(places.shape[2]):
            ux, uy = np.float64(actions[b, i, 0]), np.float64(actions[b, i, 1])
            step = v / max(1.0, math.sqrt(ux * ux + uy * uy))
            for d in range(2):
                place = places[b, d, i] + step * np.float64(actions[b, i, d])
                if sigma_x > 0.0:
                    place += sigma_x * normal(s)
                place = clip(place, -box, box)
                places[b, d, i] = place
                seen[b, i, d] = observe_place(s, place, box, sigma_y)


@njit(**BARE)
def begin_vicsek(places: Any, vectors: Any, streams: Any, where: Any, kappa: Any) -> None:
    """Uniform positions and von Mises headings: ``places`` float64[B, 3, N] (x, y, heading), their unit ``vectors``."""
    for b in range(places.shape[0]):
        if not where[b]:
            continue
        s = streams[b]
        for i in range(places.shape[2]):
            places[b, 0, i] = uniform(s)
            places[b, 1, i] = uniform(s)
            places[b, 2, i] = von_mises(s, kappa)
        point_along(places[b, 2], vectors[b])


@njit(**BARE)
def pay_vicsek(vectors: Any, actions: Any, live: Any, c_d: Any, c_a: Any, misalign: Any, reward: Any) -> None:
    """Common rewards float64[B, N] of the headings before the turn and the actions float32[B, N, 1], 0 unless live."""
    n = vectors.shape[2]
    for b in range(vectors.shape[0]):
        total = 0.0
        if live[b]:
            c, s, effort = 0.0, 0.0, 0.0
            for i in range(n):
                c += vectors[b, 0, i]
                s += vectors[b, 1, i]
                effort += abs(np.float64(actions[b, i, 0]))
            order = math.sqrt(c * c + s * s) / n
            total = -c_d * (order if misalign else 1.0 - order) - c_a * effort / n
        for i in range(n):
            reward[b, i] = total


@njit(**BARE)
def move_vicsek(
    places: Any, vectors: Any, streams: Any, actions: Any, live: Any, v: Any, omega: Any, sigma_phi: Any
) -> None:
    """Go on along the old heading, then turn by omega times the action, with noise."""
    for b in range(places.shape[0]):
        if not live[b]:
            continue
        x, y, headings, along, across = places[b, 0], places[b, 1], places[b, 2], vectors[b, 0], vectors[b, 1]
        if v != 0.0:
            for i in range(places.shape[2]):
                x[i] = wrap_unit(x[i] + v * along[i])
                y[i] = wrap_unit(y[i] + v * across[i])
        if sigma_phi > 0.0:
            s = streams[b]
            for i in range(places.shape[2]):
                headings[i] += sigma_phi * normal(s)
        for i in range(places.shape[2]):
            headings[i] = wrap_turn(headings[i] + omega * np.float64(actions[b, i, 0]))
        point_along(headings, vectors[b])


@njit(**BARE)
def see_order(
    vectors: Any, sums: Any, streams: Any, where: Any, radius: Any, sigma_y: Any, polar: Any, seen: Any
) -> None:
    """Local order z_i = conj(own vector) times sum / N, in the agent's own frame, into ``seen`` float32[B, N, 2].

    Cartesian: (Re z, Im z) / (pi D^2), to which noise of standard deviation ``sigma_y`` is added. Polar: (|z|, arg z)
    of the same number.
    """
    n = vectors.shape[2]
    mass = math.pi * radius * radius
    for b in range(vectors.shape[0]):
        if not where[b]:
            continue
        for i in range(n):
            c, s = vectors[b, 0, i], vectors[b, 1, i]
            along = (c * sums[b, 0, i] + s * sums[b, 1, i]) / (n * mass)
            across = (c * sums[b, 1, i] - s * sums[b, 0, i]) / (n * mass)
            if sigma_y > 0.0:
                along += sigma_y * normal(streams[b])
                across += sigma_y * normal(streams[b])
            if polar:
                seen[b, i, 0] = mass * math.sqrt(along * along + across * across)
                seen[b, i, 1] = math.atan2(across, along)
            else:
                seen[b, i, 0] = along
                seen[b, i, 1] = across
