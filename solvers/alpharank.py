"""alpha-rank: pure profiles ranked by the stationary law of a chain in which mutants invade monomorphic populations.

From a profile, a unilateral deviation of payoff advantage D takes over at rate rho = (1 - e^(-alpha D)) /
(1 - e^(-m alpha D)), 1/m at D = 0 (Omidshafiei et al. 2019). In the limit of infinite alpha, improvements happen at rate
1 - e, losses at rate e and ties at rate 1/2, with e -> 0 unless asked otherwise: the law then lives on sink strongly
connected components of the response graph, weighted by how easily each is left for the others.

alpha-rank is not an equilibrium concept: it depends on alpha (see `sweep`) and on cloned strategies.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from games.errors import InputError
from games.joint import Joint
from games.limits import available_bytes
from games.normal import NormalFormGame
from games.simplices import Float, Int
from solvers import alpharank_kernels as kernels
from solvers.alpharank_rates import dense_log_rates, dense_rates, fill_rates, single_log_rates
from solvers.normal_only import check_normal_form
from solvers.solution import Progress, Solution, Status
from solvers.stationary_kernels import eliminate, eliminate_log

_DIRECT_STATES = 200  # chains up to this size are solved by elimination,
_ELIMINATED_STATES, _LOGARITHMIC_STATES = 1600, 400  # and up to these when sweeps fail or rates underflow
_CLASSES = 300
_THRESHOLDS = (
    1e-3,
    3e-2,
    0.3,
    1e-6,
)  # moves this weak beside the strongest from a state may separate components
_VANISHING = 1e-20  # stands for e -> 0: leading orders up to its 15th power are told apart
_NEGLIGIBLE = 1e-13  # mass below this is of order e
_SWEEPS, _ROUNDS = 500, 40
# relative changes at which sweeps stop: so near rounding that modes as slow as the thresholds have settled too
_SETTLED, _ABSORBED, _BALANCED = 1e-14, 1e-13, 1e-11
_AGREEMENT = 1e-10


def alpharank(
    game: NormalFormGame,
    alpha: float = math.inf,
    population: int = 50,
    *,
    epsilon: float = 0.0,
    progress: Progress | None = None,
) -> Solution:
    """Rank the pure profiles of a game of any number of players (one population per player).

    Parameters
    ----------
    game : NormalFormGame
        Any number of players.
    alpha : float
        Ranking intensity, in units of one over payoff; infinite by default.
    population : int
        Size of each population, at least 2; of no effect at infinite alpha.
    epsilon : float
        At infinite alpha, the rate of losses; 0 is the limit of vanishing losses.
    progress : callable, optional
        Called between the stages.

    Returns
    -------
    Solution
        Concept "alpharank"; the strategy is the stationary law, a `Joint` over profiles. `stats["sinks"]` counts the
        sink components of the graph of moves that happen at more than a thousandth of the largest rate.

    Raises
    ------
    InputError
        If a parameter is out of range or the table of rates would not fit in memory.

    Notes
    -----
    Small chains are solved by elimination without subtractions (in logarithms when rates underflow). Larger ones by
    Gauss-Seidel sweeps of O(S sum(A)) over S profiles, on which the masses of metastable components are imposed from
    the chain watched on them only. Memory is 8 S sum(A) bytes.

    Examples
    --------
    >>> from games.normal import NormalFormGame
    >>> dilemma = NormalFormGame.symmetric([[3, 0], [5, 1]])
    >>> alpharank(dilemma).joint.dense().round(6).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    check_normal_form(game, "alpharank")
    began = time.perf_counter()
    _check(alpha, population, epsilon)
    chain = _Chain(game, alpha, population, epsilon)
    law, status = chain.solve(progress)
    if math.isinf(alpha) and epsilon == 0.0:
        law[law < _NEGLIGIBLE] = 0.0
    index = np.flatnonzero(law)
    joint = Joint.from_indices(index, law[index], game.shape)
    parameters: dict[str, Any] = {
        "alpha": float(alpha),
        "population": int(population),
        "epsilon": float(epsilon),
    }
    stats = {"seconds": time.perf_counter() - began, "iterations": chain.sweeps, "sinks": chain.sinks}
    return Solution(game, "alpharank", joint, status, "alpha-rank", parameters, stats)


def sweep(
    game: NormalFormGame, alphas: Iterable[float], population: int = 50, *, progress: Progress | None = None
) -> list[Solution]:
    """alpha-rank at each of `alphas`, to see where the ranking settles."""
    check_normal_form(game, "sweep")
    return [alpharank(game, float(alpha), population, progress=progress) for alpha in alphas]


def alpharank_single(payoffs: Any, alpha: float, population: int = 50, *, epsilon: float = 0.0) -> Float:
    """Rank the strategies of a symmetric two-player game played within a single population.

    Parameters
    ----------
    payoffs : float64[A, A]
        Payoff of the row strategy against the column strategy.
    alpha, population, epsilon : float, int, float
        As for `alpharank`.

    Returns
    -------
    float64[A]
        The stationary law of the chain over monomorphic populations.

    Raises
    ------
    InputError
        If the matrix is not square and finite, or a parameter is out of range.
    """
    _check(alpha, population, epsilon)
    matrix = np.array(payoffs, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise InputError(f"single-population alpha-rank needs a square matrix, got shape {matrix.shape}")
    if not np.all(np.isfinite(matrix)):
        raise InputError("single-population alpha-rank needs finite payoffs")
    loss = epsilon if epsilon > 0 else _VANISHING
    rates = single_log_rates(matrix, alpha, population, loss, epsilon > 0)
    law = np.empty(len(matrix))
    if not eliminate_log(rates, law):
        raise InputError("single-population alpha-rank: payoffs are too large for this alpha")
    if math.isinf(alpha) and epsilon == 0.0:
        law[law < _NEGLIGIBLE] = 0.0
    return law / law.sum()


class _Chain:
    """The chain over pure profiles and its solution."""

    def __init__(self, game: NormalFormGame, alpha: float, population: int, epsilon: float) -> None:
        states, columns = game.profiles, sum(game.shape)
        need, have = 8 * states * columns, int(0.6 * available_bytes())
        if need > have:
            raise InputError(
                f"alpha-rank needs a table of {need / 2**30:.1f} GiB for {states:,} profiles; "
                f"about {have / 2**30:.1f} GiB of memory is available"
            )
        self.flat, self.shape = game.flat, np.array(game.shape, dtype=np.int64)
        self.alpha, self.population = float(alpha), float(population)
        self.inflow = np.empty((states, columns))
        self.outflow, self.scales = np.empty(states), np.empty(states)
        self.loss = epsilon if epsilon > 0 else _VANISHING
        self.gain = 1.0 - epsilon if epsilon > 0 else 1.0
        self.sweeps, self.sinks = 0, 0
        if states > 1:
            fill_rates(
                self.flat, self.shape, self.alpha, self.population, self.gain, self.loss,
                self.inflow, self.outflow, self.scales,
            )  # fmt: skip

    def _underflows(self) -> bool:
        """Whether some move is too unlikely beside the others of its state: a way between components could be lost."""
        likely = int(np.count_nonzero(self.inflow > 1e-290))
        return likely < self.outflow.size * int(np.sum(self.shape - 1))

    def solve(self, progress: Progress | None) -> tuple[Float, Status]:
        """The stationary law float64[S], and whether it can be trusted."""
        states = self.outflow.size
        if states == 1:
            self.sinks = 1
            return np.ones(1), Status.CONVERGED
        self.sinks = self._classes(
            _THRESHOLDS[0] * np.exp(np.minimum(self.scales.max() - self.scales, 700.0))
        )[1]
        law = np.full(states, 1.0 / states)
        if states <= _DIRECT_STATES:
            return self._eliminate()
        for threshold in _THRESHOLDS:
            label, classes = self._classes(np.full(states, threshold))
            if classes > 1 and self._underflows():
                break
            if classes > _CLASSES or 8 * states * classes > 0.3 * available_bytes():
                continue
            if progress is not None:
                progress(math.nan, f"balancing {classes} metastable components of {states} profiles")
            law[:] = 1.0 / states
            if self._balance(label, classes, law, progress) and self._recovers(label, classes, law, progress):
                return self._unscale(law), Status.CONVERGED
        if states <= _ELIMINATED_STATES:
            return self._eliminate()
        return self._last_resort(law)

    def _recovers(self, label: Int, classes: int, law: Float, progress: Progress | None) -> bool:
        """Whether the same law comes back after its masses are disturbed: a mode too slow to be seen would not decay."""
        disturbed = law * np.random.default_rng(0).uniform(0.2, 1.0, law.size)
        disturbed /= disturbed.sum()
        if not self._balance(label, classes, disturbed, progress) or disturbed[label >= 0].min() < 1e-290:
            return False
        return float(np.abs(self._unscale(disturbed) - self._unscale(law)).max()) <= _AGREEMENT

    def _unscale(self, law: Float) -> Float:
        """Undo the scaling of each state's rates by the largest of them."""
        with np.errstate(divide="ignore"):
            logs = np.log(law) - self.scales
        law = np.exp(logs - logs.max())
        return law / law.sum()

    def _last_resort(self, law: Float) -> tuple[Float, Status]:
        """Sweeps alone; their answer is right within metastable components, not necessarily between them."""
        law[:] = 1.0 / law.size
        order = np.argsort(-self.outflow, kind="stable")
        self._settle(order, law, 5 * _SWEEPS)
        return self._unscale(law), Status.NUMERICAL

    def _eliminate(self) -> tuple[Float, Status]:
        law = np.empty(self.outflow.size)
        rates = dense_rates(self.shape, self.inflow)
        if not self._underflows() and rates[rates > 0].min() > 1e-150 and eliminate(rates, law):
            return self._unscale(law), Status.CONVERGED
        if self.outflow.size > _LOGARITHMIC_STATES:
            return self._last_resort(law)
        logs = dense_log_rates(self.flat, self.shape, self.alpha, self.population, self.gain, self.loss)
        return law, Status.CONVERGED if eliminate_log(logs, law) else Status.NUMERICAL

    def _classes(self, threshold: Float) -> tuple[Int, int]:
        """The components that moves at rates above `threshold` float64[S] do not leave: label, -1 for none; number."""
        component = np.empty(self.outflow.size, dtype=np.int64)
        found = kernels.strong_components(self.shape, self.inflow, threshold, component)
        closed = kernels.sinks(self.shape, self.inflow, threshold, component, found)
        return np.where(closed > 0, np.cumsum(closed) - 1, -1)[component], int(closed.sum())

    def _balance(self, label: Int, classes: int, law: Float, progress: Progress | None) -> bool:
        """Sweeps over all states, between which each class gets its mass from the chain watched on classes only."""
        order = np.argsort(-self.outflow, kind="stable")
        if classes == 1:
            return self._settle(order, law, _SWEEPS)
        hits = np.zeros((law.size, classes))
        inside = np.flatnonzero(label >= 0)
        hits[inside, label[inside]] = 1.0
        transient = order[label[order] < 0]
        made = kernels.absorb(
            transient[::-1].copy(), self.shape, self.inflow, self.outflow, _ABSORBED, _SWEEPS, hits
        )
        self.sweeps += made if made > 0 else _SWEEPS
        if made < 0:
            return False
        masses = np.empty(classes)
        for round_ in range(_ROUNDS):
            if progress is not None:
                progress(math.nan, f"balancing {classes} metastable components, round {round_ + 1}")
            rates = kernels.class_rates(label, classes, law, self.shape, self.inflow, hits)
            if not eliminate_log(rates, masses):
                return False
            change = kernels.rescale(label, masses, law)
            if self._settle(order, law, 10) and change <= _BALANCED:
                return True
        return False

    def _settle(self, order: Int, law: Float, sweeps: int) -> bool:
        made = kernels.settle(order, self.shape, self.inflow, self.outflow, _SETTLED, sweeps, law)
        self.sweeps += made if made > 0 else sweeps
        return made > 0


def _check(alpha: float, population: int, epsilon: float) -> None:
    if not alpha >= 0:
        raise InputError(f"alpha is {alpha}; expected a number that is at least 0, or infinity")
    if population != int(population) or population < 2:
        raise InputError(f"population is {population}; expected a whole number that is at least 2")
    if not 0 <= epsilon < 0.5:
        raise InputError(f"epsilon is {epsilon}; expected at least 0 and less than 1/2")
    if epsilon > 0 and not math.isinf(alpha):
        raise InputError(
            f"epsilon is {epsilon} but alpha is {alpha}; a rate of losses belongs to infinite alpha"
        )
