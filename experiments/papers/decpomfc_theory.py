"""Claims on Dec-POMFC that need no training: policy gradients of finite swarms, and returns of known rules.

E8 and section 3.5 of this project's specification; criteria were fixed before anything was run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.papers import decpomfc_arms as arms
from experiments.papers.bayes_net_play import rng_of
from experiments.papers.claims import Claim, Criterion, Found, Order, Progress
from experiments.papers.decpomfc_runs import scripted_returns
from experiments.papers.samples import sample
from games.env import Env, Step
from games.env_uris import make_env
from games.play import advance, begin
from games.streams import Streams, draw_seeds
from games.swarm_rules import RuleFamily, Rules

Array = npt.NDArray[Any]
HORIZON, GRID, DEVIATION = 20, 2, float(np.exp(-0.5))
"""Of the gradient's episodes; grid points along each coordinate; the upper level's standard deviation."""
SLOPE, COSINE = (-0.8, -0.4), 0.99
"""Window of the slope of the gradient's relative error over N, and its least cosine from `SURE` agents on."""
RANGE, SURE = (5, 160), 40
BLOCK = 200_000
"""Agents that are simulated at once."""
CALIBRATION, DIGITS = 20, 0.05
"""Episodes that we take the specification's returns to be means of, and how far they are rounded."""
REFERENCES: tuple[tuple[str, str, float], ...] = (
    ("swarm:aggregation?agents=200", "zero", -198.9),
    ("swarm:aggregation?agents=200", "random", -209.9),
    ("swarm:aggregation?agents=200", "centre", -31.6),
    ("swarm:aggregation?agents=200&init=normal", "zero", -108.6),
    ("swarm:aggregation?agents=200&init=normal", "centre", -18.5),
    ("swarm:kuramoto?agents=200", "random", -98.7),
    ("swarm:kuramoto?agents=200", "bang", -20.0),
    ("swarm:kuramoto?agents=200&kappa=0.5", "zero", -75.8),
    ("swarm:kuramoto?agents=200&kappa=0.5", "turn", -5.5),
    ("swarm:kuramoto?agents=200&kappa=0.5", "lean", -11.6),
    ("swarm:vicsek?agents=200", "turn", -10.2),
    ("swarm:vicsek?agents=200", "bang", -17.3),
)
"""Environment, rule, and the return that the specification measured."""


# --- E8 -------------------------------------------------------------------------------------------------------


class Drawn:
    """A swarm that follows given vectors xi, one per episode and step.

    Parameters
    ----------
    family : RuleFamily
        From xi to rules.
    xi : float64[B, T, D]
        Vectors.
    """

    def __init__(self, family: RuleFamily, xi: Array) -> None:
        self.family, self.rules = family, family.rules(xi)

    def start(self, batch: int) -> Array:
        """The step everywhere: zeros int32[B]."""
        return np.zeros(batch, dtype=np.int32)

    def sample(self, step: Step, memory: Array, streams: Streams) -> tuple[tuple[Array, ...], Array]:
        """See `games.policy.JointPolicy`."""
        now = Rules(*(part[:, memory[0]][:, None] for part in self.rules))
        return (self.family.act(now, step.groups[0].observation, streams),), memory + 1


def located(family: RuleFamily, places: Array) -> Array:
    """xi float64[..., D] with these locations float64[..., D / 2] and all spreads in the middle."""
    return np.stack([places, np.zeros_like(places)], axis=-1).reshape(*places.shape[:-1], family.size)


def rewards_of(env: Env, family: RuleFamily, xi: Array, seeds: Array) -> Array:
    """Common rewards float64[E, T] of episodes in which xi float64[E, T, D] is followed."""
    size = max(1, BLOCK // len(env.spec.agents))
    parts = []
    for first in range(0, len(xi), size):
        block = slice(first, first + size)
        team = Drawn(family, xi[block])
        play = begin(env, team, seeds[block])
        steps = [advance(env, team, play).after.groups[0].reward[:, 0].copy() for _ in range(xi.shape[1])]
        env.close(play.world)
        parts.append(np.stack(steps, axis=1))
    return np.concatenate(parts).astype(np.float64)


def policy_gradient(rewards: Array, noise: Array, deviation: float) -> Array:
    """The gradient of the mean return with respect to the mean of xi, the same in all steps, by REINFORCE.

    Parameters
    ----------
    rewards : float64[E, T]
        Of each step, undiscounted; what is still to come is compared with its mean over the other episodes.
    noise : float64[E, T, D]
        xi minus its mean, over its standard deviation.
    deviation : float
        The latter.

    Returns
    -------
    float64[D]
        Unbiased.
    """
    ahead = rewards[:, ::-1].cumsum(axis=1)[:, ::-1]
    episodes = len(rewards)
    centred = (ahead - ahead.mean(axis=0)) * episodes / (episodes - 1)
    found: Array = np.einsum("et,etd->d", centred, noise) / (episodes * deviation)
    return found


def gradient(claim: Claim, order: Order, progress: Progress) -> Found:
    """E8: gradients of swarms of growing size beside that of a large one, xi drawn once for all of them."""
    effort = claim.budget(order.quick)
    sizes = [*effort["sizes"], effort["reference"]]
    found: dict[int, list[Array]] = {size: [] for size in sizes}
    for r in range(effort["repeats"]):
        rng = rng_of(order.seed, 8, r)
        noise = rng.standard_normal((effort["episodes"], HORIZON, GRID**2 * 2))
        for k, size in enumerate(sizes):
            # chance of its own for every size: with common seeds a swarm would be part of the large one
            seeds = draw_seeds(rng_of(order.seed, 8, r, size), effort["episodes"])
            env = make_env(arms.swarm("aggregation", size, horizon=HORIZON))
            family = RuleFamily.of(env.spec, "interpolation", GRID, arms.BANDWIDTH)
            rewards = rewards_of(env, family, located(family, DEVIATION * noise), seeds)
            found[size].append(policy_gradient(rewards, noise, DEVIATION))
            done = (r * len(sizes) + k + 1) / (effort["repeats"] * len(sizes))
            progress(done, f"gradient of {size:,} agents")
    reference = np.array(found.pop(sizes[-1]))
    criteria, measured = judge_gradient({n: np.array(rows) for n, rows in found.items()}, reference)
    from experiments.papers.decpomfc_figures import gradient_figure, write

    return Found(measured, criteria, (write(order, claim.key, gradient_figure(measured)),))


def judge_gradient(
    found: Mapping[int, Array], reference: Array
) -> tuple[tuple[Criterion, ...], dict[str, Any]]:
    """Relative errors and cosines of gradients float64[R, D] by number of agents, means over R repetitions."""
    norm = np.linalg.norm(reference, axis=1)
    errors, cosines = {}, {}
    for n, rows in found.items():
        errors[n] = float((np.linalg.norm(rows - reference, axis=1) / norm).mean())
        cosines[n] = float(((rows * reference).sum(axis=1) / (np.linalg.norm(rows, axis=1) * norm)).mean())
    fitted = [n for n in sorted(errors) if RANGE[0] <= n <= RANGE[1]]
    slope = float(np.polyfit(np.log(fitted), np.log([errors[n] for n in fitted]), 1)[0])
    least = min(value for n, value in cosines.items() if n >= SURE)
    criteria = (
        Criterion(
            f"slope of log relative error over log N, N = {RANGE[0]} to {RANGE[1]}, from {SLOPE[0]:g} to {SLOPE[1]:g}",
            slope,
            SLOPE[0] <= slope <= SLOPE[1],
        ),
        Criterion(f"cosine at N >= {SURE} at least {COSINE:g}", least, least >= COSINE),
    )
    return criteria, {
        "agents": list(errors),
        "relative errors": list(errors.values()),
        "cosines": list(cosines.values()),
        "reference": reference.tolist(),
    }


# --- known rules ----------------------------------------------------------------------------------------------


def references(claim: Claim, order: Order, progress: Progress) -> Found:
    """Returns of doing nothing, of chance and of scripted rules, beside those of the specification."""
    effort = claim.budget(order.quick)
    rows = []
    for k, (uri, rule, wanted) in enumerate(REFERENCES):
        found = scripted_returns(uri, rule, effort["episodes"], order.seed)
        spread = float(found.std(ddof=1))
        rows.append(
            {
                "swarm": uri,
                "rule": rule,
                "specification": wanted,
                "mean": float(found.mean()),
                "standard error": float(
                    np.hypot(spread / np.sqrt(len(found)), spread / np.sqrt(CALIBRATION))
                ),
            }
        )
        progress((k + 1) / len(REFERENCES), f"{uri}, {rule}")
    lines = {
        f"{task}, {rule}, N={n}": sample(
            [float(scripted_returns(arms.swarm(task, n), rule, effort["episodes"], order.seed).mean())]
        )["mean"]
        for task, rules in {
            "aggregation": ("zero", "random", "centre"),
            "kuramoto": ("zero", "random", "turn"),
        }.items()
        for rule in rules
        for n in (50, 100)
    }
    return Found({"references": rows, "lines where swarms were trained": lines}, judge_references(rows))


def judge_references(rows: Sequence[Mapping[str, Any]]) -> tuple[Criterion, ...]:
    """Every return within 3 standard errors of the difference, and what rounding adds."""
    off = {
        f"{row['swarm']}, {row['rule']}": row["mean"] - row["specification"]
        for row in rows
        if abs(row["mean"] - row["specification"]) > 3 * row["standard error"] + DIGITS
    }
    text = f"returns of {len(rows)} known rules within 3 standard errors of the specification's, rounded"
    return (Criterion(text, off or "all", not off),)
