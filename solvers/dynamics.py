"""No-regret play: simultaneous self-play in expectation whose average JOINT play converges to a CCE or a CE.

Regret of the average is known exactly while playing (the CCE gap of a mixture of product profiles is the largest
cumulative regret divided by the mass), so play stops on its certificate and not on a number of rounds. Neither CE gap
nor NashConv of the averaged marginals needs to vanish under external regret.

References: Hart and Mas-Colell (2000), regret matching, external and conditional; Tammelin (2014), regret matching+;
Farina, Kroer and Sandholm (2021), predictive regret matching+; Freund and Schapire (1999), Hedge; Rakhlin and
Sridharan (2013) and Syrgkanis et al. (2015), optimistic Hedge.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from games import simplices
from games.contraction import workspace_size
from games.errors import InputError
from games.joint import Joint, Mixture
from games.limits import available_bytes
from games.normal import NormalFormGame
from games.simplices import Float, Int
from solvers import dynamics_kernels as kernels
from solvers.solution import Progress, Solution, Status

RULES = {
    "regret-matching": kernels.REGRET_MATCHING,
    "regret-matching+": kernels.REGRET_MATCHING_PLUS,
    "predictive-regret-matching+": kernels.PREDICTIVE_PLUS,
    "hedge": kernels.HEDGE,
    "optimistic-hedge": kernels.OPTIMISTIC_HEDGE,
}
AVERAGES = {"uniform": kernels.UNIFORM, "linear": kernels.LINEAR, "window": kernels.WINDOW}
DEFAULT_ITERATIONS = 1_000_000
_CHUNK_SECONDS = 0.1
_KEPT_PROFILES, _KEPT_ROUNDS = (
    1_000_000,
    256,
)  # games larger than this keep that many rounds as they were played
_FIRST_CHUNK = 10_000_000  # payoffs read in the first chunk of rounds, at most (or one round)
_NEVER = np.iinfo(np.int64).max


def no_regret(
    game: NormalFormGame,
    rule: str = "predictive-regret-matching+",
    *,
    tolerance: float = 1e-3,
    iterations: int | None = None,
    seconds: float | None = None,
    start: Any = None,
    rng: np.random.Generator | None = None,
    learning_rate: float | None = None,
    averaging: str | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Approximate a coarse correlated equilibrium by no-regret play of all players at once.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players.
    rule : str
        "regret-matching", "regret-matching+", "predictive-regret-matching+", "hedge" or "optimistic-hedge".
    tolerance : float
        Stop when no player gains more than this times the payoff span by a fixed deviation; 0 plays the whole budget.
    iterations, seconds : int, float, optional
        Budgets; 10^6 rounds when neither is given.
    start : float64[sum(A)] | list of blocks, optional
        The first round's mixed profile (for Hedge: the prior); uniform by default.
    rng : numpy.random.Generator, optional
        Draw the start uniformly from the simplices instead.
    learning_rate : float, optional
        For the Hedge rules, in units of one over payoff. By default sqrt(2 log A_i / t) / span in round t for "hedge"
        and the constant 1 / (2 max(P - 1, 1) span) for "optimistic-hedge".
    averaging : {"window", "uniform", "linear"}, optional
        "window" averages at least the last half of the rounds, dropping earlier ones each time the number of rounds
        doubles; "uniform" averages all, "linear" weights round t by t. By default "window" for the rules with a plus,
        whose regret over any stretch of rounds is small, and "uniform" for the others, which ensure only the total.
    progress : callable, optional
        Called a few times a second.

    Returns
    -------
    Solution
        Concept "cce"; the strategy is the average joint play: a `Joint`, or for few rounds of a game with more than a
        million profiles the `Mixture` of the rounds. Status BUDGET when the tolerance was not met.

    Raises
    ------
    InputError
        For an unknown rule or average, or a negative tolerance, budget or learning rate.

    Notes
    -----
    A round costs O(P prod(A)) at most, and sum_i A_i prod_{j != i} n_j when player j has n_j actions in play. Memory
    is one or two joint tensors besides the payoffs, and (when it fits) a copy of the payoffs laid out for sparse play.

    Examples
    --------
    >>> import numpy as np
    >>> from games.normal import NormalFormGame
    >>> game = NormalFormGame.bimatrix(np.eye(3), np.roll(np.eye(3), 1, axis=1))
    >>> no_regret(game, tolerance=1e-4).certificate.holds(1e-4)
    True
    """
    _check(tolerance, iterations, seconds, learning_rate)
    averaging = _averaging(rule, averaging, tuple(RULES))
    profile = _start(game, start, rng)
    with np.errstate(divide="ignore"):
        prior = np.log(profile)
    rates = _rates(game, rule, learning_rate)
    play = _Play(game, profile, AVERAGES[averaging], tolerance)
    size = int(game.offsets[-1])
    scores, regrets = np.zeros(size), np.zeros((2, size))
    layout = _Layout(game)
    work = int(workspace_size(game.offsets))
    lead, tail = np.empty(work), np.empty(work)

    def run(steps: int) -> None:
        kernels.play_external(
            steps, RULES[rule], AVERAGES[averaging], play.target, rates, game.flat, *layout(), game.offsets, profile,
            prior, scores, regrets, play.masses, play.joints, play.state, lead, tail,
        )  # fmt: skip

    return play.solve(
        run,
        lambda mass, sums: float((sums / mass).max()),
        regrets,
        concept="cce",
        method=rule,
        parameters={"tolerance": tolerance, "averaging": averaging},
        iterations=iterations,
        seconds=seconds,
        progress=progress,
    )


def no_swap_regret(
    game: NormalFormGame,
    rule: str = "predictive-regret-matching+",
    *,
    tolerance: float = 1e-3,
    iterations: int | None = None,
    seconds: float | None = None,
    start: Any = None,
    rng: np.random.Generator | None = None,
    averaging: str | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Approximate a correlated equilibrium: every player plays by conditional regret matching.

    Each round a player's strategy balances the flows of positive conditional regret (Hart and Mas-Colell 2000, section
    3, in expectation), so that the regret of every swap function vanishes on average.

    Parameters
    ----------
    game, iterations, seconds, start, rng, averaging, progress
        As for `no_regret`.
    rule : {"predictive-regret-matching+", "regret-matching+", "regret-matching"}
        Whether conditional regrets are clipped at zero in every round, and the last round's gains expected again.
    tolerance : float
        Stop when no player gains more than this times the payoff span by any swap function; 0 plays the whole budget.

    Returns
    -------
    Solution
        Concept "ce"; the strategy is the average joint play, a `Joint` or `Mixture` as for `no_regret`. Status BUDGET when the tolerance was not met.

    Raises
    ------
    InputError
        For an unknown rule or average, or a negative tolerance or budget.

    Notes
    -----
    Besides the payoffs of a round it costs O(n_i A_i + n_i^3) for player i with n_i actions in play, and O(A_i^2) memory.
    """
    _check(tolerance, iterations, seconds, None)
    averaging = _averaging(rule, averaging, tuple(RULES)[:3])
    from solvers.swap_kernels import play_internal, swap_gap

    profile = _start(game, start, rng)
    play = _Play(game, profile, AVERAGES[averaging], tolerance)
    squares = np.concatenate([[0], np.cumsum(np.square(game.shape, dtype=np.int64))])
    flows, regrets = np.zeros(int(squares[-1])), np.zeros((2, int(squares[-1])))
    predictive = rule.startswith("predictive")
    expected = np.zeros(int(squares[-1]) if predictive else 0)
    layout = _Layout(game)
    work = int(workspace_size(game.offsets))
    lead, tail = np.empty(work), np.empty(work)

    def run(steps: int) -> None:
        play_internal(
            steps, rule.endswith("+"), predictive, AVERAGES[averaging], play.target, game.flat, *layout(),
            game.offsets, squares, profile, flows, expected, regrets, play.masses, play.joints, play.state, lead, tail,
        )  # fmt: skip

    return play.solve(
        run,
        lambda mass, sums: swap_gap(sums, sums, False, game.offsets, squares) / mass,
        regrets,
        concept="ce",
        method=f"conditional {rule}",
        parameters={"tolerance": tolerance, "averaging": averaging},
        iterations=iterations,
        seconds=seconds,
        progress=progress,
    )


class _Play:
    """The loop around the kernels: chunks, budgets, and which average to return."""

    def __init__(self, game: NormalFormGame, profile: Float, averaging: int, tolerance: float) -> None:
        self.game, self.profile, self.averaging = game, profile, averaging
        self.kept: list[Float] = []  # the first rounds of a large game
        # rounding in the sums must not turn a stop into a certificate just above the tolerance
        self.target = tolerance * game.span * (1.0 - 1e-9) if tolerance > 0 else -1.0
        self.joints = np.zeros((2 if averaging == kernels.WINDOW else 1, game.profiles))
        self.masses = np.zeros(2)
        boundary = kernels.FIRST_BOUNDARY if averaging == kernels.WINDOW else _NEVER
        self.state = np.array([0, 0, boundary, 1, kernels.RUNNING], dtype=np.int64)

    def solve(
        self,
        run: Callable[[int], None],
        gap: Callable[[float, Float], float],
        regrets: Float,
        *,
        concept: Any,
        method: str,
        parameters: dict[str, Any],
        iterations: int | None,
        seconds: float | None,
        progress: Progress | None,
    ) -> Solution:
        began = time.perf_counter()
        if iterations is None:
            iterations = DEFAULT_ITERATIONS if seconds is None else _NEVER
        steps = max(1, _FIRST_CHUNK // self.game.payoffs.size)
        last = began
        while True:
            done = int(self.state[kernels.CLOCK])
            if done >= iterations or self.state[kernels.VERDICT] != kernels.RUNNING:
                break
            if self.game.profiles > _KEPT_PROFILES and done == len(self.kept) < _KEPT_ROUNDS:
                self.kept.append(self.profile.copy())
                steps = 1
            run(min(steps, iterations - done))
            now = time.perf_counter()
            if seconds is not None and now - began >= seconds:
                break
            steps = int(min(max(steps * _CHUNK_SECONDS / max(now - last, 1e-9), 0.5 * steps, 1), 8 * steps))
            last = now
            if progress is not None:
                self._report(progress, gap, regrets, iterations, seconds, now - began)
        which = self._best(gap, regrets)
        strategy = self._average(which)
        mass = float(self.masses[which].sum())
        converged = self.state[kernels.VERDICT] != kernels.RUNNING
        stats = {
            "seconds": time.perf_counter() - began,
            "iterations": int(self.state[kernels.CLOCK]),
            "gap": gap(mass, regrets[which].sum(axis=0)),
        }
        return Solution(
            self.game,
            concept,
            strategy,
            Status.CONVERGED if converged else Status.BUDGET,
            method,
            parameters,
            stats,
        )

    def _average(self, which: list[int]) -> Joint | Mixture:
        """The average over these segments; of few rounds of a large game, the rounds themselves."""
        if len(self.kept) == int(self.state[kernels.CLOCK]):
            boundary = int(self.state[kernels.BOUNDARY])
            first = 0
            if boundary != _NEVER and boundary > kernels.FIRST_BOUNDARY * len(which):
                first = boundary // (2 * len(which))
            rounds = np.arange(first, len(self.kept)) + 1.0
            weights = rounds if self.averaging == kernels.LINEAR else np.ones(rounds.size)
            return Mixture(weights / weights.sum(), np.array(self.kept[first:]), self.game.shape)
        joint = self.joints[which[0]]
        for k in which[1:]:
            joint += self.joints[k]
        return Joint.from_indices(*_cells(joint), self.game.shape)

    def _best(self, gap: Callable[[float, Float], float], regrets: Float) -> list[int]:
        """The segments of the average to return: the one the kernel stopped on, or the one of least gap."""
        active = int(self.state[kernels.ACTIVE])
        whole = [active] if self.masses[1 - active] == 0 else [active, 1 - active]
        if self.state[kernels.VERDICT] == kernels.WHOLE_WINDOW or len(whole) == 1:
            return whole
        if self.state[kernels.VERDICT] == kernels.RECENT_WINDOW:
            return [active]
        return min((whole, [active]), key=lambda w: gap(float(self.masses[w].sum()), regrets[w].sum(axis=0)))

    def _report(
        self,
        progress: Progress,
        gap: Callable[[float, Float], float],
        regrets: Float,
        iterations: int,
        seconds: float | None,
        elapsed: float,
    ) -> None:
        which = self._best(gap, regrets)
        now = gap(float(self.masses[which].sum()), regrets[which].sum(axis=0))
        fraction = 0.0 if iterations == _NEVER else int(self.state[kernels.CLOCK]) / iterations
        if seconds is not None:
            fraction = max(fraction, elapsed / seconds)
        progress(min(fraction, 1.0), f"round {int(self.state[kernels.CLOCK])}: gap {now:.3g}")


def _cells(joint: Float) -> tuple[Int, Float]:
    index = np.flatnonzero(joint)
    return index, joint[index]


def _averaging(rule: str, averaging: str | None, rules: tuple[str, ...]) -> str:
    averaging = averaging or ("window" if rule.endswith("+") else "uniform")
    for name, value, known in (("rule", rule, rules), ("averaging", averaging, tuple(AVERAGES))):
        if value not in known:
            raise InputError(f"unknown {name} {value!r} of no-regret play; known are {', '.join(known)}")
    return averaging


def _check(
    tolerance: float,
    iterations: int | None,
    seconds: float | None,
    learning_rate: float | None,
) -> None:
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise InputError(f"tolerance is {tolerance}; expected a number that is at least 0")
    if iterations is not None and iterations < 1:
        raise InputError(f"iterations is {iterations}; expected at least 1")
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds is {seconds}; expected a positive number")
    if learning_rate is not None and not (math.isfinite(learning_rate) and learning_rate > 0):
        raise InputError(f"learning rate is {learning_rate}; expected a positive number")


def _start(game: NormalFormGame, start: Any, rng: np.random.Generator | None) -> Float:
    if start is not None:
        if isinstance(start, list | tuple) and len(start) and not np.isscalar(start[0]):
            sizes = tuple(len(block) for block in start)
            if sizes != game.shape:
                raise InputError(f"start has blocks of sizes {list(sizes)}, expected {list(game.shape)}")
            start = simplices.join(start)
        return simplices.check_distribution(start, game.offsets, "start")
    if rng is not None:
        return simplices.normalise(rng.exponential(size=int(game.offsets[-1])), game.offsets)
    return simplices.uniform(game.offsets)


def _rates(game: NormalFormGame, rule: str, learning_rate: float | None) -> Float:
    """One rate per player; negative ones mean rate / sqrt(t)."""
    players = len(game.shape)
    if learning_rate is not None:
        return np.full(players, learning_rate)
    spans = np.where(game.spans > 0, game.spans, 1.0)
    if rule == "optimistic-hedge":
        return 0.5 / (max(players - 1, 1) * spans)
    return -np.sqrt(2.0 * np.log(np.maximum(game.shape, 2))) / spans


class _Layout:
    """Every player's tensor but the last's with the own axis moved last, and the opponents' steps in it.

    Large games get it after the first chunk of rounds, when play has become sparse (or has ended), and not at all when
    it would take too much of the memory left: the kernels then contract densely.
    """

    def __init__(self, game: NormalFormGame) -> None:
        self.game = game
        self.strides = _strides(game.shape)
        self.moved: Float | None = None
        self.wait = game.payoffs.size > _FIRST_CHUNK or game.payoffs.nbytes > 0.4 * available_bytes()

    def __call__(self) -> tuple[Float, Int]:
        game = self.game
        if self.moved is None and not self.wait:
            self.moved = np.empty((len(game.shape) - 1, game.profiles))
            for i in range(len(game.shape) - 1):
                view = np.moveaxis(game.payoffs[i], i, -1)
                self.moved[i].reshape(view.shape)[...] = view
            self.moved.setflags(write=False)
        self.wait = game.payoffs.nbytes > 0.4 * available_bytes()
        if self.moved is not None:
            return self.moved, self.strides
        empty = np.empty((len(game.shape), 0))
        empty.setflags(write=False)
        return empty, self.strides


def _strides(shape: tuple[int, ...]) -> Int:
    """int64[P, P]: step of opponent k's action in player i's tensor with axis i moved last."""
    players = len(shape)
    strides = np.zeros((players, players), dtype=np.int64)
    for i in range(players):
        step = shape[i]
        for k in reversed(range(players)):
            if k != i:
                strides[i, k] = step
                step *= shape[k]
    return strides
