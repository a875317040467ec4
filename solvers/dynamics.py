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
from typing import Any

import numpy as np

from games import simplices
from games.contraction import workspace_size
from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float
from solvers import dynamics_kernels as kernels
from solvers.dynamics_loop import Layout, Play
from solvers.normal_only import check_normal_form
from solvers.solution import Progress, Solution

RULES = {
    "regret-matching": kernels.REGRET_MATCHING,
    "regret-matching+": kernels.REGRET_MATCHING_PLUS,
    "predictive-regret-matching+": kernels.PREDICTIVE_PLUS,
    "hedge": kernels.HEDGE,
    "optimistic-hedge": kernels.OPTIMISTIC_HEDGE,
}
AVERAGES = {"uniform": kernels.UNIFORM, "linear": kernels.LINEAR, "window": kernels.WINDOW}


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
    check_normal_form(game, "no_regret", "cce")
    _check(tolerance, iterations, seconds, learning_rate)
    averaging = _averaging(rule, averaging, tuple(RULES))
    profile = _start(game, start, rng)
    with np.errstate(divide="ignore"):
        prior = np.log(profile)
    rates = _rates(game, rule, learning_rate)
    play = Play(game, profile, AVERAGES[averaging], tolerance)
    size = int(game.offsets[-1])
    scores, regrets = np.zeros(size), np.zeros((2, size))
    layout = Layout(game)
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
    check_normal_form(game, "no_swap_regret", "ce")
    _check(tolerance, iterations, seconds, None)
    averaging = _averaging(rule, averaging, tuple(RULES)[:3])
    from solvers.swap_kernels import play_internal, swap_gap

    profile = _start(game, start, rng)
    play = Play(game, profile, AVERAGES[averaging], tolerance)
    squares = np.concatenate([[0], np.cumsum(np.square(game.shape, dtype=np.int64))])
    flows, regrets = np.zeros(int(squares[-1])), np.zeros((2, int(squares[-1])))
    predictive = rule.startswith("predictive")
    expected = np.zeros(int(squares[-1]) if predictive else 0)
    layout = Layout(game)
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
