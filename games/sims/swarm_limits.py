"""Swarms of infinitely many agents: the deterministic flow of a density on a grid.

Under one lower-level policy for everybody the empirical law of N agents tends to a density that moves without chance
(Cui, Hauck, Fabian and Koeppl, ICLR 2024). Mass goes to the grid by three weights per coordinate that keep total, mean
and second moment, so the grid itself spreads nothing; noise is a matrix of the Gaussian's values at grid points.

A policy here is a function of observations float64[K, 2] and of the time t: actions float64[K, k], or a pair of actions
float64[K, Q, k] and probabilities float64[K, Q] for a random choice among Q.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.sims.swarm_aggregation import Aggregation
from games.sims.swarm_vicsek import Vicsek

Array = npt.NDArray[Any]
LowerPolicy = Callable[[Array, int], Any]


class SwarmFlow(NamedTuple):
    """What becomes of a mean field within one episode."""

    fields: Array  # [T + 1, ...]: mass of each grid point (of a surrogate: features), before each step and at the end
    rewards: Array  # float64[T]

    @property
    def value(self) -> float:
        """The undiscounted return J."""
        return float(self.rewards.sum())


def chosen(policy: LowerPolicy, seen: Array, time: int, size: int) -> tuple[Array, Array]:
    """A lower-level policy's choices, clipped to [-1, 1]: actions float64[K, Q, size], probabilities float64[K, Q]."""
    given = policy(seen, time)
    if isinstance(given, tuple):
        actions, probs = (np.asarray(part, dtype=float) for part in given)
    else:
        actions = np.asarray(given, dtype=float)[:, None]
        probs = np.ones(actions.shape[:2])
    count = len(seen)
    if actions.ndim != 3 or actions.shape[::2] != (count, size) or probs.shape != actions.shape[:2]:
        raise InputError(
            f"a lower-level policy gave actions of shape {actions.shape} and probabilities of shape {probs.shape} for "
            f"{count} observations; expected ({count}, Q, {size}) and ({count}, Q)"
        )
    if not (np.isfinite(actions).all() and probs.min() >= 0 and np.allclose(probs.sum(axis=1), 1)):
        raise InputError(
            "a lower-level policy gave actions that are not finite, or probabilities that do not sum to 1"
        )
    return np.clip(actions, -1, 1), probs


def deposit(position: Array) -> tuple[Array, Array]:
    """The nearest grid point to each position (in steps of the grid), and weights of it and its two neighbours.

    The weights float64[..., 3] keep mass, mean and second moment; one may be as low as -1/8.
    """
    centre = np.rint(position)
    gap = position - centre
    weights = np.stack([gap * (gap - 1) / 2, 1 - gap * gap, gap * (gap + 1) / 2], axis=-1)
    return centre.astype(np.int64), weights


def noise_matrix(points: Array, sigma: float) -> Array:
    """Where noise takes each grid point, float64[n, n] with rows that sum to 1; beyond the ends all stays at the ends."""
    n, step = len(points), points[1] - points[0]
    if sigma == 0:
        return np.eye(n)
    reach = math.ceil(9 * sigma / step)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / sigma) ** 2)
    matrix = np.zeros((n, n))
    target = np.clip(np.arange(n)[:, None] + np.arange(-reach, reach + 1), 0, n - 1)
    np.add.at(matrix, (np.arange(n)[:, None], target), kernel / kernel.sum())
    return matrix


def _noise_nodes(sigma: float, step: float, nodes: int) -> tuple[Array, Array]:
    """Equally spaced nodes and weights for Gaussian noise.

    Their distance is no multiple of the grid's step but of a third of it, so that the sum over grid points and nodes
    meets a kink of the policy (as of |u| at 0) from all sides, and its error there averages out.
    """
    if sigma == 0 or nodes == 1:
        return np.zeros(1), np.ones(1)
    spacing = 7 * sigma / (nodes - 1)
    thirds = round(3 * spacing / step)
    if thirds % 3 == 0:
        thirds += 1 if 3 * spacing / step >= thirds else -1
    if 0.5 * sigma <= thirds * step / 3 <= 1.4 * sigma:
        spacing = thirds * step / 3
    x = (np.arange(nodes) - (nodes - 1) / 2) * spacing
    weights = np.exp(-0.5 * (x / sigma) ** 2)
    return x, weights / weights.sum()


def _absolute_deviation(side: Array, points: Array) -> float:
    """E|x - E x| of the masses of grid points, as of the smooth density behind them.

    The sum over grid points misses h^2 B2(f) p(m) at the kink m, a share f of a step h above a point (Euler-Maclaurin,
    B2(f) = f^2 - f + 1/6), which would make narrow swarms look narrower.
    """
    step, mean = points[1] - points[0], side @ points
    k = min(int((mean - points[0]) / step), len(points) - 2)
    f = (mean - points[k]) / step
    density = ((1 - f) * side[k] + f * side[k + 1]) / step
    return float(side @ np.abs(points - mean) + step**2 * (f * f - f + 1 / 6) * density)


class AggregationLimit:
    """Aggregation with infinitely many agents.

    Parameters
    ----------
    parameters : Aggregation
        The constants; `agents` does not matter.
    points : int
        Grid points per coordinate, the walls included. The distance between them must not exceed `sigma_x`.
    nodes : int
        Nodes per coordinate for the noise of observations.
    """

    def __init__(self, parameters: Aggregation, points: int = 121, nodes: int = 7) -> None:
        p, self.parameters = parameters, parameters
        if points < 3 or nodes < 1:
            raise InputError(f"a density needs at least 3 points and 1 node, not {points} and {nodes}")
        self.points = np.linspace(-p.box, p.box, points)
        self.step = float(self.points[1] - self.points[0])
        if 0 < p.sigma_x < self.step * (1 - 1e-9):
            wanted = math.ceil(2 * p.box / p.sigma_x) + 1
            raise InputError(
                f"a grid step of {self.step:.3g} is coarser than sigma_x = {p.sigma_x:g}; take points >= {wanted}"
            )
        self.noise = noise_matrix(self.points, p.sigma_x)
        x, weights = _noise_nodes(p.sigma_y, self.step, nodes)
        self._shifts = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
        self._weights = np.outer(weights, weights).reshape(-1)

    def initial(self) -> Array:
        """The mass of each grid point at the start, float64[points, points]."""
        p = self.parameters
        edges = np.concatenate([[-np.inf], (self.points[1:] + self.points[:-1]) / 2, [np.inf]])
        if p.init == "uniform":
            below = (
                np.clip((edges - p.shift + p.half) / (2 * p.half), 0, 1) if p.half > 0 else edges > p.shift
            )
        else:
            scale = math.sqrt(2 * p.variance) or 1e-300
            below = np.array([0.5 * (1 + math.erf((e - p.shift) / scale)) for e in edges])
        side = np.diff(np.asarray(below, dtype=float))
        return np.outer(side, side)

    def flow(self, policy: LowerPolicy, density: Array | None = None) -> SwarmFlow:
        """One episode under a lower-level policy, from `density` (by default from the initial law)."""
        p = self.parameters
        mass = self.initial() if density is None else _mass(density, (len(self.points),) * 2)
        masses, rewards = [mass], []
        for time in range(p.horizon):
            mass, effort = self._move(mass, policy, time)
            rewards.append(-p.c_d * self._spread(masses[-1]) - p.c_a * effort)
            masses.append(mass)
        return SwarmFlow(np.stack(masses), np.array(rewards))

    def _spread(self, mass: Array) -> float:
        return sum(_absolute_deviation(side, self.points) for side in (mass.sum(axis=1), mass.sum(axis=0)))

    def _move(self, mass: Array, policy: LowerPolicy, time: int) -> tuple[Array, float]:
        """The density after a step, and the mean L1 length of actions."""
        p, n = self.parameters, len(self.points)
        there = np.argwhere(np.abs(mass) > 1e-15)
        share, place = mass[there[:, 0], there[:, 1]], self.points[there]
        moved, effort = np.zeros(n * n), 0.0
        for shift, weight in zip(self._shifts, self._weights):
            seen = np.clip(place + shift, -p.box, p.box)
            actions, probs = chosen(policy, seen, time, 2)
            length = np.maximum(1, np.linalg.norm(actions, axis=-1, keepdims=True))
            actions = actions / length
            part = share[:, None] * probs * weight
            effort += float((part * np.abs(actions).sum(axis=-1)).sum())
            index = (place[:, None] + p.v * actions + p.box) / self.step
            self._deposit(moved, index.reshape(-1, 2), part.reshape(-1))
        return self.noise.T @ moved.reshape(n, n) @ self.noise, effort

    def _deposit(self, moved: Array, index: Array, part: Array) -> None:
        n = len(self.points)
        centre, weights = deposit(index)
        for a in range(3):
            x = np.clip(centre[:, 0] + a - 1, 0, n - 1)
            for b in range(3):
                y = np.clip(centre[:, 1] + b - 1, 0, n - 1)
                amount = part * weights[:, 0, a] * weights[:, 1, b]
                moved += np.bincount(x * n + y, weights=amount, minlength=n * n)


class VicsekLimit:
    """Kuramoto or Vicsek with infinitely many agents: a density over positions and headings.

    First positions are uniform and independent of headings, and then the density stays the same everywhere: one cell of
    positions (`cells` = 1) is exact. More are for initial densities of one's own.

    Parameters
    ----------
    parameters : Vicsek
        The constants; `agents` does not matter.
    headings : int
        Grid points on the circle of headings. The angle between them must not exceed `sigma_phi`, unless that is 0.
    cells : int
        Grid points per coordinate of the torus. Movement is exact for every wave the grid can hold, so densities with
        jumps ring a little, as any truncated Fourier series, and may dip below 0.
    """

    def __init__(self, parameters: Vicsek, headings: int = 720, cells: int = 1) -> None:
        p, self.parameters = parameters, parameters
        if headings < 3 or cells < 1:
            raise InputError(f"a density needs at least 3 headings and 1 cell, not {headings} and {cells}")
        if p.sigma_y > 0:
            raise InputError(
                "the limit of swarms with noisy local orders is not implemented; take sigma_y = 0"
            )
        self.step = 2 * math.pi / headings
        if 0 < p.sigma_phi < self.step * (1 - 1e-9):
            wanted = math.ceil(2 * math.pi / p.sigma_phi)
            raise InputError(
                f"a heading step of {self.step:.3g} is coarser than sigma_phi = {p.sigma_phi:g}; take headings >= {wanted}"
            )
        self.headings, self.cells = np.arange(headings) * self.step, cells
        frequency = np.fft.fftfreq(headings, 1 / headings)
        self._noise = np.exp(-0.5 * (frequency * p.sigma_phi) ** 2)
        self._disc = np.fft.fft2(_disc_share(cells, p.radius))
        waves = np.fft.fftfreq(cells, 1 / cells)
        along = waves[:, None, None] * np.cos(self.headings) + waves[None, :, None] * np.sin(self.headings)
        self._drift = np.exp(-2j * math.pi * p.v * along)

    def initial(self) -> Array:
        """The mass of each grid point at the start, float64[cells, cells, headings]."""
        weight = np.exp(self.parameters.kappa * (np.cos(self.headings) - 1))
        share = np.full((self.cells, self.cells, 1), 1 / self.cells**2)
        return share * weight / weight.sum()

    def local_order(self, mass: Array) -> Array:
        """What is seen: z (not divided by the mass of the disc) at each grid point, complex[cells, cells, headings]."""
        mean = mass @ np.exp(1j * self.headings)
        around: Array = np.fft.ifft2(np.fft.fft2(mean) * self._disc)[..., None] * np.exp(-1j * self.headings)
        return around

    def flow(self, policy: LowerPolicy, density: Array | None = None) -> SwarmFlow:
        """One episode under a lower-level policy, from `density` (by default from the initial law)."""
        p, shape = self.parameters, (self.cells, self.cells, len(self.headings))
        mass = self.initial() if density is None else _mass(density, shape)
        masses, rewards = [mass], []
        for time in range(p.horizon):
            order = abs((mass @ np.exp(1j * self.headings)).sum())
            mass, effort = self._move(mass, policy, time)
            cost = order if p.reward == "misalign" else 1 - order
            rewards.append(-p.c_d * cost - p.c_a * effort)
            masses.append(mass)
        return SwarmFlow(np.stack(masses), np.array(rewards))

    def _move(self, mass: Array, policy: LowerPolicy, time: int) -> tuple[Array, float]:
        """The density after a step, and the mean size of actions."""
        p, count = self.parameters, len(self.headings)
        z = self.local_order(mass).reshape(-1)
        if p.observe == "polar":
            seen = np.stack([np.abs(z), np.angle(z)], axis=-1)
        else:
            seen = np.stack([z.real, z.imag], axis=-1) / (math.pi * p.radius**2)
        actions, probs = chosen(policy, seen, time, 1)
        part = mass.reshape(-1, 1) * probs
        effort = float((part * np.abs(actions[..., 0])).sum())
        if p.v and self.cells > 1:  # along the old headings
            place = part.reshape(self.cells, self.cells, count, -1)
            place = np.fft.ifft2(np.fft.fft2(place, axes=(0, 1)) * self._drift[..., None], axes=(0, 1)).real
            part = place.reshape(part.shape)
        index = np.tile(np.arange(count), self.cells**2)[:, None] + p.omega * actions[..., 0] / self.step
        centre, weights = deposit(index)
        base = np.repeat(np.arange(self.cells**2), count)[:, None] * count
        turned = np.zeros(mass.size)
        for a in range(3):
            target = base + (centre + a - 1) % count
            turned += np.bincount(
                target.reshape(-1), weights=(part * weights[..., a]).reshape(-1), minlength=mass.size
            )
        spectrum = np.fft.fft(turned.reshape(mass.shape), axis=-1) * self._noise
        return np.fft.ifft(spectrum, axis=-1).real, effort


def _mass(density: Any, shape: tuple[int, ...]) -> Array:
    mass = np.asarray(density, dtype=float)
    if mass.shape != shape or not np.isfinite(mass).all() or mass.min() < 0 or abs(mass.sum() - 1) > 1e-9:
        raise InputError(
            f"a density must be float64{shape}, not negative, with sum 1; got shape {mass.shape}"
        )
    return mass


def _disc_share(cells: int, radius: float) -> Array:
    """Share of the disc around cell (0, 0) of the torus that each cell covers, times its area over a cell's.

    Measured on at least 512 points per side. Summed against masses it gives the mass within the radius.
    """
    fine = -(-512 // cells)
    place = (np.arange(cells * fine) + 0.5) / (cells * fine) - 0.5 / cells
    gap = np.minimum(np.abs(place), 1 - np.abs(place))
    inside = gap[:, None] ** 2 + gap**2 <= radius**2
    share = inside.reshape(cells, fine, cells, fine).mean(axis=(1, 3))
    if radius <= 0.5:  # the area is known exactly
        share *= math.pi * radius**2 * cells**2 / max(share.sum(), 1e-300)
    return share
