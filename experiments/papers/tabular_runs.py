"""What the tabular claims on Bayesian-network policies share: runs of gradient ascent, tests, conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from experiments.papers.samples import welch
from games.markov import MarkovGame
from games.simplices import Float
from games.sims.coordination_bits import coordination_game
from solvers.network_ascent import Ascent, ascend
from solvers.network_gradient import SoftmaxNetworks

Progress = Callable[[float, str], None]
GRAPHS = ("empty", "line", "complete")


class Parts:
    """Progress of several equally long parts of a claim.

    Parameters
    ----------
    progress : callable
        Told the share of the whole that is done, and a text.
    parts : int
        How many there are.
    """

    def __init__(self, progress: Progress, parts: int) -> None:
        self._progress, self._parts, self._done = progress, parts, 0

    def __call__(self, name: str) -> Progress:
        """The progress callback of the next part."""
        done = self._done
        self._done += 1

        def told(fraction: float, text: str) -> None:
            self._progress((done + fraction) / self._parts, f"{name}: {text}")

        told(0.0, "begins")
        return told


def criterion(text: str, value: float | str, passed: bool) -> dict[str, Any]:
    """A condition of a claim: in words, what was measured, whether it is met."""
    return {"text": text, "value": value, "passed": bool(passed)}


def at_most(text: str, value: float, limit: float) -> dict[str, Any]:
    """The condition that a measured value is at most `limit`."""
    return criterion(f"{text} <= {limit:g}", float(value), value <= limit)


def starts(game: MarkovGame, dag: str, runs: int, *seed: int) -> Float:
    """Logits float64[runs, L] of standard normal numbers."""
    return SoftmaxNetworks(game, dag).random(np.random.default_rng(seed), runs)


def coordinate(
    agents: int,
    dag: str,
    runs: int,
    seed: Sequence[int],
    step: float,
    iterations: int,
    progress: Progress,
    watch: Sequence[int] = (),
) -> Ascent:
    """Ascent in the coordination game; starts depend on seed, number of agents and graph alone."""
    game = coordination_game(agents)
    start = starts(game, dag, runs, *seed, agents, GRAPHS.index(dag))
    return ascend(game, dag, start, step, iterations, watch=watch, progress=progress)


def welch_test(larger: Float, smaller: Float) -> float:
    """p-value of the one-sided test of Welch (1947) that the first mean is the larger one, variances unequal.

    Parameters
    ----------
    larger, smaller : float64[m], float64[k]
        Independent samples of at least two numbers each.

    Examples
    --------
    >>> round(welch_test(np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0])), 4)
    0.1439
    """
    from scipy.special import stdtr

    gap, error, freedom = welch(larger, smaller)
    if error == 0.0:
        return 0.5 if gap == 0.0 else float(gap < 0.0)
    return float(stdtr(freedom, -gap / error))
