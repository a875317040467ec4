"""Exact policy-gradient ascent of softmax Bayesian-network policies in Markov games.

Every agent climbs the gradient (5) of its own value; with a common reward the iterates converge to a Nash equilibrium in
Bayesian-network policies if the step is small enough (Chen and Zhang 2023, ICML), with any graph. Nothing promises the team's
optimum. Letters as in `solvers.network_gradient`; B runs, I iterations.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from games.bayes_net import BayesNet
from games.errors import InputError
from games.markov import MarkovGame
from games.simplices import Float, Int
from solvers import network_kernels as kernels
from solvers.network_gap import TOLERANCE, network_gap
from solvers.network_gradient import SoftmaxNetworks

_CHUNK_SECONDS = 0.1


@dataclass(frozen=True, eq=False)
class Ascent:
    """What B runs of gradient ascent went through.

    Parameters
    ----------
    networks : SoftmaxNetworks
        The class of policies.
    logits : float64[B, L]
        Where the runs ended.
    values : float64[B, I + 1, n]
        Every player's value after 0, 1, ..., I updates.
    watched : int64[W]
        Numbers of updates at which the Nash gap was measured.
    gaps : float64[B, W]
        The Nash gaps (6) there.
    steepest : float64[B]
        The largest Euclidean norm of a gradient that was followed.
    """

    networks: SoftmaxNetworks
    logits: Float
    values: Float
    watched: Int
    gaps: Float
    steepest: Float

    def policies(self) -> list[BayesNet]:
        """The network with which each run ended."""
        return [self.networks.policy(row) for row in self.logits]

    def gap_at(self, updates: int) -> Float:
        """The Nash gaps float64[B] after a watched number of updates."""
        where = np.flatnonzero(self.watched == updates)
        if not where.size:
            raise InputError(f"no Nash gap was measured after {updates} updates, only after {self.watched}")
        return self.gaps[:, int(where[0])]


def ascend(
    game: MarkovGame,
    dag: Any,
    logits: Any,
    step: float,
    iterations: int,
    *,
    watch: Iterable[int] = (),
    tolerance: float = TOLERANCE,
    progress: Callable[[float, str], None] | None = None,
) -> Ascent:
    """Follow the exact gradient of every player's own value from each of B starts.

    Parameters
    ----------
    game : MarkovGame
        Discounted or of finite horizon.
    dag : Dag, str, array or networkx.DiGraph
        Who knows whom, in any form that `Dag.of` reads.
    logits : float64[B, L] or float64[L]
        Where the runs start: see `SoftmaxNetworks`; `SoftmaxNetworks.random` draws them.
    step : float
        Length of a step in units of the gradient.
    iterations : int
        Number of updates, I.
    watch : iterable of int
        Numbers of updates, 0 to I, after which the Nash gap is measured.
    tolerance : float
        Of the Nash gaps: see `network_gap`.
    progress : callable, optional
        Called now and then with the share done and a text.

    Returns
    -------
    Ascent

    Raises
    ------
    InputError
        If logits do not fit game and graph, a number is out of range, or steps so large that logits overflow.

    Examples
    --------
    One run finds the optimum of the climbing game, the other an equilibrium that earns less:

    >>> from games import load
    >>> game = MarkovGame.repeated(load("zoo:climbing"), horizon=1)
    >>> start = SoftmaxNetworks(game, "complete").random(np.random.default_rng(0), 2)
    >>> found = ascend(game, "complete", start, 0.05, 3000, watch=[3000])
    >>> found.values[:, -1, 0].round(2).tolist(), bool((found.gaps < 0.5).all())
    ([10.99, 6.99], True)
    """
    networks = SoftmaxNetworks(game, dag)
    start = networks.check(logits)
    if start.ndim > 2:
        raise InputError(f"logits of shape {start.shape} are neither one start nor a row per start")
    at = start.reshape(-1, networks.size)
    if not (math.isfinite(step) and step >= 0):
        raise InputError(f"the step must be a finite number and not negative, not {step:g}")
    if not isinstance(iterations, int | np.integer) or iterations < 0:
        raise InputError(
            f"the number of iterations must be a whole number and not negative, not {iterations}"
        )
    watched = sorted(set(watch))
    if watched and not (watched[0] >= 0 and watched[-1] <= iterations):
        raise InputError(f"Nash gaps can be measured after 0 to {iterations} updates, not after {watched}")
    values = np.empty((networks.tables_of_reward, len(at), iterations + 1))
    gaps, steepest = np.empty((len(at), len(watched))), np.zeros(len(at))
    climber = _Climber(networks, at, step, values, steepest, progress)
    for w, stop in enumerate(watched):
        climber.climb_to(stop)
        gaps[:, w] = [network_gap(game, networks.policy(row), tolerance=tolerance).gap for row in at]
    climber.climb_to(iterations)
    climber.look()
    return Ascent(
        networks, at, networks.player_values(values), np.array(watched, dtype=np.int64), gaps, steepest
    )


class _Climber:
    """The loop around the kernel: chunks short enough to be interrupted."""

    def __init__(
        self,
        networks: SoftmaxNetworks,
        logits: Float,
        step: float,
        values: Float,
        steepest: Float,
        progress: Callable[[float, str], None] | None,
    ) -> None:
        self.networks, self.logits, self.step = networks, logits, float(step)
        self.values, self.steepest, self.progress = values, steepest, progress
        self.work, self.gradient = networks.workspace(), np.empty(networks.size)
        self.done, self.chunk = 0, 1

    def climb_to(self, stop: int) -> None:
        """Updates until `stop` of them are done."""
        while self.done < stop:
            began = time.perf_counter()
            upto = min(stop, self.done + self.chunk)
            self._run(self.step, self.done, upto)
            if not np.isfinite(self.logits).all():
                raise InputError(
                    f"with steps of {self.step:g} the logits leave the range of numbers; take smaller ones"
                )
            took = max(time.perf_counter() - began, 1e-9)
            self.chunk = max(1, min(8 * self.chunk, int((upto - self.done) * _CHUNK_SECONDS / took)))
            self.done = upto
            if self.progress is not None:
                total = self.values.shape[2] - 1
                self.progress(self.done / total, f"{self.done:,} of {total:,} gradient steps")

    def look(self) -> None:
        """The values where the runs stand now."""
        last = self.values.shape[2] - 1
        self._run(0.0, last, last + 1)

    def _run(self, step: float, first: int, stop: int) -> None:
        kernels.climb(
            self.logits,
            step,
            self.networks.layout,
            self.networks.numbers,
            self.work,
            first,
            stop,
            self.values,
            self.steepest,
            self.gradient,
        )
