"""Lower-level policies: what one agent of a swarm does with what it alone sees.

An upper level chooses a vector xi; `RuleFamily` makes of it one rule for everybody, a distribution of actions at each
point of a grid over observations and a way to go from the grid to any observation: the nearest point (`histogram`), a
mixture by kernel weights (`mixture`), or parameters interpolated by them (`interpolation`). All three take the same xi.

Source: Cui, Hauck, Fabian and Koeppl (ICLR 2024) for the kernel parametrisation; the interpolation, the bandwidth and
the maps from xi to means and spreads follow this project's specification and the authors' code for a related paper.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from games import swarm_rule_kernels as kernels
from games.env import EnvSpec
from games.errors import InputError
from games.sims.swarm import parameters_of
from games.sims.swarm_aggregation import Aggregation
from games.spaces import Box
from games.streams import Streams

Array = npt.NDArray[Any]
Family = Literal["histogram", "mixture", "interpolation"]
NARROWEST = 1e-3
"""No spread is smaller, so that every rule has a density."""
WIDTHS = (1e-6, 1e6)
"""Bandwidths in grid spacings that numbers can bear."""


class Sight(NamedTuple):
    """Where an agent's observations usually lie: what a grid over them must cover."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    periodic: tuple[bool, ...]

    def __str__(self) -> str:
        bounds = [f"{low:g} to {high:g}" for low, high in zip(self.low, self.high)]
        return f"{len(self.low)} numbers, {' and '.join(bounds)}"


def sight_of(spec: EnvSpec) -> Sight:
    """Where the observations of a swarm lie; `InputError` if the environment is not a swarm.

    Positions in Aggregation; in Kuramoto and Vicsek the local order in units of a full disc, or in polar form.
    """
    p = parameters_of(spec)
    if isinstance(p, Aggregation):
        return Sight((-p.box,) * 2, (p.box,) * 2, (False, False))
    if p.observe == "polar":
        return Sight((0.0, -math.pi), (min(math.pi * p.radius**2, 1.0), math.pi), (False, True))
    return Sight((-1.0, -1.0), (1.0, 1.0), (False, False))


class Rules(NamedTuple):
    """Rules of a family: normal distributions at its M grid points, with any leading axes."""

    means: Array  # float64[..., M, k]
    spreads: Array  # float64[..., M, k]: standard deviations


@dataclass(frozen=True)
class RuleFamily:
    """How a vector becomes a rule, and a rule an action.

    Parameters
    ----------
    family : {"histogram", "mixture", "interpolation"}
        From grid points to any observation y. Histogram: the nearest point's distribution. Mixture: a point drawn by
        the weights w_b(y), proportional to exp(-|y - y_b|^2 / (2 sigma^2)), then from its distribution. Interpolation:
        the normal distribution with mean and standard deviation averaged by these weights.
    sight : Sight
        What the grid covers; its points are the centres of `points` equal cells along each coordinate.
    points : int
        P, along each coordinate.
    bandwidth : float
        sigma in grid spacings.
    low, high : tuple of float
        Bounds of actions; means lie between them.
    spread : float
        The largest standard deviation.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> family = RuleFamily("histogram", Sight((-1.0,), (1.0,), (False,)), 2, 0.5, (-1.0,), (1.0,))
    >>> rules = family.rules([10.0, 0.0, -10.0, 0.0])
    >>> rules.means.round(3).tolist(), rules.spreads.tolist()
    ([[1.0], [-1.0]], [[0.25], [0.25]])
    """

    family: Family
    sight: Sight
    points: int
    bandwidth: float
    low: tuple[float, ...]
    high: tuple[float, ...]
    spread: float = 0.5

    def __post_init__(self) -> None:
        if self.family not in get_args(Family):
            raise InputError(f"a family of rules is {', '.join(get_args(Family))}, not {self.family!r}")
        if (
            self.points < 1
            or not WIDTHS[0] <= self.bandwidth <= WIDTHS[1]
            or not NARROWEST <= self.spread < math.inf
        ):
            raise InputError(
                "a grid of rules needs at least 1 point along each coordinate, a bandwidth from 1e-6 to 1e6 and a spread of at "
                f"least {NARROWEST:g}, not {self.points}, {self.bandwidth:g} and {self.spread:g}"
            )
        if len(self.low) != len(self.high) or not all(
            -math.inf < a < b < math.inf for a, b in zip(self.low, self.high)
        ):
            raise InputError(f"rules need bounded actions, not from {self.low} to {self.high}")

    @classmethod
    def of(
        cls, spec: EnvSpec, family: Family, points: int, bandwidth: float, spread: float = 0.5
    ) -> RuleFamily:
        """The family for a swarm's observations and actions."""
        actions = spec.groups[0].actions
        if not isinstance(actions, Box):
            raise InputError(
                f"{spec.name}: rules over a grid act by numbers, and its agents choose among actions"
            )
        return cls(family, sight_of(spec), points, bandwidth, actions.low, actions.high, spread)

    @property
    def count(self) -> int:
        """M, points of the grid."""
        return self.points ** len(self.sight.low)

    @property
    def size(self) -> int:
        """D, numbers in xi: a location and a spread for each grid point and part of an action."""
        return self.count * len(self.low) * 2

    @cached_property
    def spacing(self) -> Array:
        """Distance of neighbouring grid points along each coordinate, float64[d]."""
        return (np.array(self.sight.high) - np.array(self.sight.low)) / self.points

    @cached_property
    def centres(self) -> Array:
        """The grid points float64[M, d]; the last coordinate runs fastest."""
        axes = [low + (np.arange(self.points) + 0.5) * s for low, s in zip(self.sight.low, self.spacing)]
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)

    @property
    def lipschitz(self) -> float:
        """No rule changes faster than this in W1 per unit of observation: diam(U) diam(grid) / (2 sigma^2).

        For mixtures, whatever xi (the gradient of w_b is w_b (y_b - mean of y_b) / sigma^2); infinite for histograms.
        """
        if self.family == "histogram":
            return math.inf
        width = float(np.linalg.norm(np.array(self.high) - np.array(self.low)))
        across = float(np.linalg.norm(self.centres[-1] - self.centres[0]))
        return width * across / (2 * (self.bandwidth * float(self.spacing.min())) ** 2)

    def rules(self, xi: Any) -> Rules:
        """The rules of vectors float[..., D]: means by tanh between the bounds, spreads by tanh up to the largest."""
        xi = np.asarray(xi, dtype=np.float64)
        shaped = np.tanh(xi.reshape(*xi.shape[:-1], self.count, len(self.low), 2))
        low, high = np.array(self.low), np.array(self.high)
        means = low + (high - low) * (shaped[..., 0] + 1) / 2
        return Rules(means, np.maximum(self.spread * (shaped[..., 1] + 1) / 2, NARROWEST))

    def weights(self, seen: Any) -> Array:
        """What every grid point counts for at observations float[..., d]: float64[..., M], sums of 1."""
        seen = np.asarray(seen, dtype=np.float64)
        out = np.ones((*seen.shape[:-1], 1))
        for c, periodic in enumerate(self.sight.periodic):
            at = (seen[..., c, None] - self.sight.low[c]) / self.spacing[c] - 0.5
            gap = np.abs(at - np.arange(self.points))
            if periodic:
                gap = gap % self.points
                gap = np.minimum(gap, self.points - gap)
            if self.family == "histogram":
                part = (np.arange(self.points) == gap.argmin(axis=-1)[..., None]).astype(np.float64)
            else:
                part = np.exp((gap.min(axis=-1, keepdims=True) ** 2 - gap**2) * self._steepness)
                part /= part.sum(axis=-1, keepdims=True)
            out = (out[..., :, None] * part[..., None, :]).reshape(*seen.shape[:-1], -1)
        return out

    def act(self, rules: Rules, seen: Array, streams: Streams, greedy: bool = False) -> Array:
        """Actions float32[B, N, k], not yet clipped (the environment does that).

        Parameters
        ----------
        rules : Rules
            float64[B, 1, M, k] for everybody, or [B, N, M, k] for each.
        seen : float32[B, N, >= d]
            Observations; further coordinates, such as a clock, do not matter.
        streams : Streams
            One per agent.
        greedy : bool
            Whether they take the mean of their distribution.
        """
        out = np.empty((*seen.shape[:2], len(self.low)), dtype=np.float32)
        kernels.act(
            get_args(Family).index(self.family),
            rules.means,
            rules.spreads,
            seen,
            streams.state,
            np.array(self.sight.low),
            self.spacing,
            np.array(self.sight.periodic),
            self.points,
            self._steepness,
            greedy,
            np.empty((len(self.sight.low), self.points)),
            np.empty(self.count),
            out,
        )
        return out

    @property
    def _steepness(self) -> float:
        return 0.5 / self.bandwidth**2

    def document(self) -> dict[str, Any]:
        """Everything that makes it, for a file."""
        return asdict(self) | {"sight": self.sight._asdict()}
