"""Monte Carlo counterfactual regret minimisation: external and outcome sampling (Lanctot et al. 2009).

An iteration costs what the part of the tree it samples costs, not what the tree costs, so that strategies improve
long before exact CFR has finished its first sweeps of a large game; in return the last digits come slowly: NashConv
falls like one over the root of the iterations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from games import simplices
from games.errors import InputError
from games.simplices import Float
from games.tree import TreeGame
from solvers.best_response import gains
from solvers.mccfr_stream import active_players, stream_of
from solvers.self_play import Gap, State, play
from solvers.solution import Progress, Solution

METHODS = ("mccfr-es", "mccfr-os")


def mccfr(
    game: TreeGame,
    method: str = "mccfr-es",
    *,
    rng: np.random.Generator,
    tolerance: float = 1e-2,
    seconds: float | None = None,
    iterations: int | None = None,
    epsilon: float = 0.6,
    linear: bool = False,
    plus: bool = False,
    progress: Progress | None = None,
    resume: Mapping[str, Any] | None = None,
    save: Callable[[State], None] | None = None,
) -> Solution:
    """Monte Carlo CFR in self-play, towards a Nash equilibrium of a two-player constant-sum game.

    Parameters
    ----------
    game : TreeGame
        Perfect recall; at most two players have anything to decide, and their payoffs have a constant sum.
    method : {"mccfr-es", "mccfr-os"}
        External sampling tries all actions of one player and draws those of chance and the others; outcome sampling
        draws a single play.
    rng : numpy.random.Generator
        Source of the seed. The same generator state gives the same run, bit for bit.
    tolerance : float
        Largest regret accepted, relative to the payoff span.
    seconds, iterations, progress, resume, save
        Budgets, reports and checkpoints, as in `solvers.self_play.play`. An iteration is one traversal (or play)
        per player.
    epsilon : float
        Probability with which the updating player explores in outcome sampling, above 0 and at most 1.
    linear : bool
        Weight iteration t by t, in regrets and in averages (Brown and Sandholm 2019).
    plus : bool
        Raise negative regrets to zero (Tammelin 2014). Sampled regrets are then no longer unbiased, and play often
        improves more slowly.

    Returns
    -------
    Solution
        The average behaviour strategies; ``stats["trace"]`` has the distance from equilibrium against iterations
        and seconds.

    Raises
    ------
    InputError
        If the game is of another kind, lacks perfect recall, or an option is out of range.

    Notes
    -----
    External sampling is that of OpenSpiel's ExternalSamplingMCCFRSolver with simple averaging, and outcome sampling
    draws plays and regrets as its OutcomeSamplingMCCFRSolver does. The average of outcome sampling differs: OpenSpiel
    updates it in plays in which only the averaged player explores, so that it misses what that player would do where
    the opponent no longer goes, and NashConv can stall at a positive value. Here a player's strategy is averaged in
    the plays of the player before, as in external sampling, with one over the probability of that player's own
    draws as weight. Measuring a strategy costs a sweep of the whole tree, which happens at iteration counts that
    grow geometrically.

    References
    ----------
    Lanctot, Waugh, Zinkevich and Bowling (2009), "Monte Carlo sampling for regret minimization in extensive games".

    Examples
    --------
    >>> from games import load
    >>> solution = mccfr(load("openspiel:kuhn_poker"), rng=np.random.default_rng(1), tolerance=0.01)
    >>> solution.status.value, solution.certificate.holds(0.01)
    ('converged', True)
    """
    engine = Mccfr(game, method, rng, epsilon=epsilon, linear=linear, plus=plus)
    if not averages_converge(game):
        raise InputError(
            "averages of Monte Carlo CFR lead to a Nash equilibrium only where at most two players decide anything "
            f"and their payoffs have a constant sum, unlike in {game.title or 'this game'}; "
            'for a coarse correlated equilibrium use cfr(game, concept="cce")'
        )
    asked: dict[str, Any] = {"linear": linear, "plus": plus}
    if method == "mccfr-os":
        asked["epsilon"] = epsilon
    return play(
        game,
        engine,
        engine.measure,
        concept="nash",
        method=method,
        tolerance=tolerance,
        seconds=seconds,
        iterations=iterations,
        parameters=asked,
        progress=progress,
        resume=resume,
        save=save,
    )


def averages_converge(game: TreeGame) -> bool:
    """Whether average strategies of self-play approach a Nash equilibrium: one player decides, or two at odds."""
    active = active_players(game)
    if len(active) < 2:
        return True
    payoff = game.payoff[active]
    sums = payoff.sum(axis=0)
    return len(active) == 2 and bool(np.ptp(sums) <= 2e-12 * np.abs(payoff).max())


class Mccfr:
    """Monte Carlo CFR in the middle of its work, for any number of players; an `Engine` of `solvers.self_play`.

    Parameters are those of `mccfr`. Each player's strategy is averaged in the traversals of the player before, among
    those who decide anything.
    """

    def __init__(
        self,
        game: TreeGame,
        method: str,
        rng: np.random.Generator,
        *,
        epsilon: float = 0.6,
        linear: bool = False,
        plus: bool = False,
    ) -> None:
        if method not in METHODS:
            raise InputError(f"unknown method {method!r}; known are {', '.join(METHODS)}")
        if not (math.isfinite(epsilon) and 0 < epsilon <= 1):
            raise InputError(f"epsilon is a probability above 0, got {epsilon}")
        if not isinstance(rng, np.random.Generator):
            raise InputError(f"rng is a numpy.random.Generator, got {type(rng).__name__}")
        self.game, self.method, self.epsilon, self.linear, self.plus = game, method, epsilon, linear, plus
        self.stream = stream_of(game)
        self.iterations = 0
        self.counter = rng.integers(0, 2**64, size=1, dtype=np.uint64)
        self.table = np.zeros(self.stream.length)
        self._count = np.repeat(self.stream.sizes, self.stream.sizes)
        self._match()
        self._path = np.empty((self.stream.depth, 3), dtype=np.int32)
        self._values, self._weights = np.empty(self.stream.width), np.empty(self.stream.depth)

    def _match(self) -> None:
        from solvers.mccfr_kernels import match_all

        match_all(self.stream.starts, self.stream.sizes, self.table)

    def advance(self, iterations: int) -> None:
        """Do this many more iterations."""
        from solvers import mccfr_kernels as kernels

        s, span = self.stream, (self.iterations, self.iterations + iterations)
        if self.method == "mccfr-es":
            kernels.external(
                s.code, s.keep, s.other, s.payoff, self.table, self._path, self._values, self.counter,
                *span, self.linear, self.plus,
            )  # fmt: skip
        else:
            kernels.outcome(
                s.code, s.keep, s.other, s.payoff, self.table, self._path, self._weights, self.counter,
                *span, self.epsilon, self.linear, self.plus,
            )  # fmt: skip
        self.iterations += iterations

    @property
    def regret(self) -> Float:
        """float64[slots]: cumulative sampled regrets, in units of the players' payoff spans."""
        return self._column(0)

    @property
    def average(self) -> Float:
        """float64[slots]: cumulative strategy weights."""
        return self._column(2)

    def _column(self, which: int) -> Float:
        flat = np.zeros(self.game.slots)
        flat[self.stream.slot] = self.table[self.stream.place + which * self._count]
        return flat

    def answer(self) -> Float:
        """The average behaviour strategies float64[slots]; uniform where play never came."""
        return (
            simplices.normalise(self.average, self.game.offsets) if self.game.slots else self.game.uniform()
        )

    def measure(self, behavior: Float) -> Gap:
        """Regrets of a behaviour strategy profile."""
        return Gap(gains(self.game, behavior).regrets)

    def state(self) -> State:
        """What `restore` needs."""
        return {
            "iterations": np.int64(self.iterations),
            "method": np.array(self.method),
            "game": np.array(self.game.digest),
            "counter": self.counter.copy(),
            "regret": self.regret,
            "average": self.average,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`; `InputError` if it is of another game or method."""
        missing = [name for name in self.state() if name not in state]
        if missing:
            raise InputError(f"the checkpoint is not of Monte Carlo CFR: it has no {missing[0]!r}")
        if str(state["method"]) != self.method:
            raise InputError(f"the checkpoint is of {state['method']}, not of {self.method}")
        if str(state["game"]) != self.game.digest:
            raise InputError("the checkpoint is of another game")
        for which, name in ((0, "regret"), (2, "average")):
            flat = np.asarray(state[name], dtype=np.float64)
            if flat.shape != (self.game.slots,):
                raise InputError(
                    f"the checkpoint has {flat.size} numbers for {name!r}, not {self.game.slots}"
                )
            self.table[self.stream.place + which * self._count] = flat[self.stream.slot]
        self._match()
        self.counter = np.array(state["counter"], dtype=np.uint64).reshape(1)
        self.iterations = int(state["iterations"])
