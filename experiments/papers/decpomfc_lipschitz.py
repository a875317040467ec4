"""The claim on Dec-POMFC that kernel rules are Lipschitz and histograms are not: E10 of this project's specification.

How fast the law of an action changes with what is seen, in W1, where actions are one number (Kuramoto).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.papers import decpomfc_arms as arms
from experiments.papers.bayes_net_play import rng_of
from experiments.papers.claims import Claim, Criterion, Found, Order, Progress
from games.env_uris import make_env
from games.swarm_rules import RuleFamily, Rules

Array = npt.NDArray[Any]
LINE = 2_001
"""Points of the line on which distances of laws are integrated."""


def lipschitz(claim: Claim, order: Order, progress: Progress) -> Found:
    """E10: how fast laws of actions change with what is seen, in W1, on Kuramoto with actions of one number."""
    effort = claim.budget(order.quick)
    spec = make_env(arms.swarm("kuramoto", 2)).spec
    rng = rng_of(order.seed, 10)
    mixture, histogram, between = (
        RuleFamily.of(spec, name, arms.POINTS, arms.BANDWIDTH)
        for name in ("mixture", "histogram", "interpolation")
    )
    seen, other = pairs(mixture, effort["pairs"], rng)
    xi = rng.normal(0.0, 2.0, (effort["pairs"], mixture.size))
    told = {family.family: float(ratios(family, xi, seen, other).max()) for family in (mixture, between)}
    progress(0.5, "kernels compared")
    gaps = [10.0**-k for k in range(1, 7)]
    across = {gap: across_border(histogram, xi[: effort["borders"]], gap) for gap in gaps}
    progress(1.0, "histograms compared")
    measured = {
        "largest ratios": told,
        "bound of mixtures": mixture.lipschitz,
        "gaps": gaps,
        "ratios of histograms": list(across.values()),
    }
    return Found(measured, judge_lipschitz(told["mixture"], mixture.lipschitz, across))


def judge_lipschitz(largest: float, bound: float, across: Mapping[float, float]) -> tuple[Criterion, ...]:
    """Mixtures keep their bound; histograms have none."""
    ratios = [across[gap] for gap in sorted(across, reverse=True)]
    growth = min(b / a for a, b in pairwise(ratios))
    return (
        Criterion(f"mixture: largest ratio of W1 to distance at most {bound:.4g}", largest, largest <= bound),
        Criterion(
            "histogram, across a border of cells: the ratio grows at least ninefold from gap to tenth of the gap",
            growth,
            growth >= 9.0,
        ),
        Criterion(
            f"histogram: the ratio at the smallest gap is above the mixtures' bound of {bound:.4g}",
            ratios[-1],
            ratios[-1] > bound,
        ),
    )


def pairs(family: RuleFamily, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Observations float64[K, d] anywhere, and others in any direction, a ten-thousandth to twice a half side away."""
    low, high = np.array(family.sight.low), np.array(family.sight.high)
    seen = rng.uniform(low, high, (count, len(low)))
    way = rng.standard_normal(seen.shape)
    way *= 10.0 ** rng.uniform(-4.0, np.log10(2.0), (count, 1)) / np.linalg.norm(way, axis=1, keepdims=True)
    return seen, np.clip(seen + way * (high - low) / 2, low, high)


def across_border(family: RuleFamily, xi: Array, gap: float) -> float:
    """The largest ratio for two observations on both sides of a border between cells, `gap` apart."""
    middle = family.centres[0].copy()
    middle[0] += float(family.spacing[0]) / 2
    step = np.zeros_like(middle)
    step[0] = gap / 2
    seen, other = (np.broadcast_to(middle + side * step, (len(xi), len(middle))) for side in (-1, 1))
    return float(ratios(family, xi, seen, other).max())


def ratios(family: RuleFamily, xi: Array, seen: Array, other: Array) -> Array:
    """W1 of the laws of a clipped action of one number at two observations over their distance, float64[K]."""
    out = np.empty(len(xi))
    for first in range(0, len(xi), 250):
        block = slice(first, first + 250)
        rules = family.rules(xi[block])
        laws = [law_of(family, rules, at[block]) for at in (seen, other)]
        out[block] = wasserstein(laws[0], laws[1], family.low[0], family.high[0])
    return out / np.linalg.norm(other - seen, axis=1)


def law_of(family: RuleFamily, rules: Rules, seen: Array) -> tuple[Array, Array, Array]:
    """Weights, means and standard deviations float64[K, m] of the normal laws that an action is a mixture of."""
    weights = family.weights(seen)
    means, spreads = rules.means[..., 0], rules.spreads[..., 0]
    if family.family == "interpolation":
        inner = [(weights * part).sum(axis=1, keepdims=True) for part in (means, spreads)]
        return np.ones_like(inner[0]), inner[0], inner[1]
    return weights, means, spreads


def wasserstein(
    one: tuple[Array, Array, Array], other: tuple[Array, Array, Array], low: float, high: float
) -> Array:
    """W1 float64[K] of two mixtures of normal laws, clipped: the integral of |F - G| from `low` to `high`.

    Beyond the bounds clipped laws have the same distribution functions, and between them those of the mixtures. The integral is
    a sum over `LINE` points, which is exact to about the distance between them where a law is narrower.
    """
    from scipy.special import ndtr

    line = np.linspace(low, high, LINE)
    below = []
    for weights, means, spreads in (one, other):
        total = np.zeros((len(weights), LINE))
        for m in range(weights.shape[1]):
            total += weights[:, m, None] * ndtr((line - means[:, m, None]) / spreads[:, m, None])
        below.append(total)
    found: Array = np.trapezoid(np.abs(below[0] - below[1]), line, axis=1)
    return found
