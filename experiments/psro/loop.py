"""Policy-space response oracles: populations that grow by responses to their own meta-strategies.

One iteration: the meta-solver says how the populations are played; the oracle is asked, for every player (and for CE
every recommendation), for a good response to the others; what is new joins the populations, and the payoffs of the new
profiles, only these, join the meta-game. It ends when nobody gains more than the tolerance. With exact oracles that is
an equilibrium of the whole game; otherwise gains are what the oracle found, and prove nothing.

References: McMahan, Gordon and Blum (2003) for the double oracle, Lanctot et al. (2017) for PSRO, Marris et al. (2021)
for JPSRO.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from experiments.psro.arenas import Arena, Best, arena_of
from experiments.psro.meta import Meta, Sigma, Target, targets
from experiments.psro.oracles import Found, Oracle, Task, make_oracle
from experiments.psro.populations import Populations
from experiments.psro.result import BUDGET, INTERRUPTED, KNOWN, REACHED, Iteration, Result
from games.errors import InputError

Progress = Callable[[float, str], None]
_MARGIN = 1.0 - 1e-9  # the certificate adds the same gains in another order


def psro(
    game: Any,
    *,
    oracle: str | Oracle = "exact",
    meta: str | Meta = "nash",
    rng: np.random.Generator,
    iterations: int | None = None,
    tolerance: float = 1e-6,
    seconds: float | None = None,
    episodes: int = 1000,
    max_steps: int | None = None,
    start: Sequence[Sequence[Any]] | None = None,
    progress: Progress | None = None,
    watch: Callable[[Iteration], None] | None = None,
) -> Result:
    """Let populations grow until nobody gains by the oracle's responses.

    Parameters
    ----------
    game : TreeGame, NormalFormGame, Env or Arena
        On trees (perfect recall) and in normal form everything is exact but, maybe, the oracle; in an environment
        strategies are policies and payoffs are means of `episodes` episodes with common seeds.
    oracle : {"exact", "mccfr", "rl"} or Oracle
        Who finds responses (`experiments.psro.oracles`).
    meta : {"nash", "ce", "cce", "alpharank", "uniform", "qre"} or Meta
        How populations are played; with "ce", "cce" and "alpharank" this is JPSRO.
    rng : numpy.random.Generator
        Source of everything random; exact oracles draw nothing.
    iterations, seconds : optional
        Budgets.
    tolerance : float
        Largest gain accepted, relative to the payoff span; in an environment, in units of return.
    episodes, max_steps : int
        In an environment: played for each profile, and where to cut them off if it has no horizon.
    start : sequences of strategies, optional
        Members to begin with, as in ``result.populations.members``: a run goes on where another ended.
    progress : callable, optional
        Told (fraction or nan, text); may raise KeyboardInterrupt, which ends the run with the best so far.
    watch : callable, optional
        Told of every iteration.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        If the oracle does not work here, a budget or the tolerance makes no sense, or a meta-game would not fit.

    Examples
    --------
    >>> from games import load
    >>> found = psro(load("openspiel:kuhn_poker"), rng=np.random.default_rng(0))
    >>> found.stopped, found.certificate.holds(1e-6), round(float(found.certificate.values[0]), 6)
    ('tolerance', True, -0.055556)
    """
    _check(iterations, tolerance, seconds, rng)
    meta = Meta(meta) if isinstance(meta, str) else meta
    finder = make_oracle(oracle) if isinstance(oracle, str) else oracle
    arena = game if hasattr(game, "payoffs") and hasattr(game, "adopt") else arena_of(
        game, episodes=episodes, max_steps=max_steps
    )  # fmt: skip
    finder.check(arena)
    meta.check(len(arena.players))
    first = arena.first(rng)
    populations = Populations.of(arena, start if start is not None else [[one] for one in first])
    run = _Run(arena, meta, finder, populations, rng, tolerance, iterations, seconds, progress, watch)
    return run.result(run.go())


def _check(iterations: int | None, tolerance: float, seconds: float | None, rng: Any) -> None:
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise InputError(f"the tolerance is a finite number of at least 0, got {tolerance:g}")
    if iterations is not None and iterations < 1:
        raise InputError(f"PSRO needs at least one iteration, not {iterations}")
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds is a positive number, got {seconds:g}")
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"rng is a numpy.random.Generator, got {type(rng).__name__}")


class _Over(Exception):
    """Time is up in the middle of an iteration."""


class _Run:
    """A run in the middle of its work."""

    def __init__(
        self,
        arena: Arena,
        meta: Meta,
        oracle: Oracle,
        populations: Populations,
        rng: np.random.Generator,
        tolerance: float,
        iterations: int | None,
        seconds: float | None,
        progress: Progress | None,
        watch: Callable[[Iteration], None] | None,
    ) -> None:
        self.arena, self.meta, self.oracle, self.populations = arena, meta, oracle, populations
        self.rng, self.progress, self.watch = rng, progress, watch
        self.accepted = _MARGIN * tolerance * (arena.span or 1.0)
        self.limit, self.seconds, self.began = iterations, seconds, time.perf_counter()
        self.history: list[Iteration] = []
        self.best: tuple[float, Sigma, Iteration] | None = None
        self.idle = 0

    def go(self) -> str:
        """Iterate; why it ended. Interrupts before the first iteration is judged are the caller's."""
        try:
            while True:
                told = self._iterate()
                if told is not None:
                    return told
        except _Over:
            return BUDGET
        except KeyboardInterrupt:
            if self.best is None:
                raise
            return INTERRUPTED

    def _iterate(self) -> str | None:
        populations = self.populations
        game = populations.game()
        sigma = self.meta.solve(game, populations.counts)
        asked = targets(game, sigma, self.meta.concept)
        gains, found = np.zeros(len(self.arena.players)), np.zeros(len(self.arena.players))
        responses: list[list[Any]] = [[] for _ in self.arena.players]
        values = np.zeros(len(self.arena.players))
        for k, target in enumerate(asked):
            best = self.arena.best(populations.members, target)
            answer = self._ask(target, best, k / len(asked))
            i = target.player
            values[i] += target.chance * target.own
            found[i] += target.chance * max(answer.gain, 0.0)
            gains[i] += target.chance * max(best.value - target.own if best else answer.gain, 0.0)
            if answer.strategy is not None and answer.gain > 0:
                responses[i].append(answer.strategy)
        sizes = populations.sizes
        done = bool(gains.max(initial=0.0) <= self.accepted)
        self._note(Iteration(
            len(self.history) + 1, self._spent(), sizes, values, gains, found,
            0 if done else populations.extend(responses),
        ), sigma)  # fmt: skip
        verdict = self._verdict(done)
        if verdict is None:
            self._telling(0.0)(math.nan, f"iteration {len(self.history) + 1}")
        return verdict

    def _ask(self, target: Target, best: Best | None, share: float) -> Found:
        task = Task(self.arena, self.populations.members, target, best, self.rng, self._telling(share))
        return self.oracle.respond(task)

    def _note(self, step: Iteration, sigma: Sigma) -> None:
        self.history.append(step)
        worst = float(step.gains.max(initial=0.0))
        if self.best is None or worst < self.best[0] or not self.arena.exact:
            self.best = worst, sigma, step
        self.idle = 0 if step.added else self.idle + 1
        if self.watch is not None:
            self.watch(step)

    def _verdict(self, done: bool) -> str | None:
        if done:
            return REACHED
        if self.idle >= self.oracle.patience and not self.meta.counts:
            return KNOWN
        if self.limit is not None and len(self.history) >= self.limit:
            return BUDGET
        return BUDGET if self.seconds is not None and self._spent() >= self.seconds else None

    def _spent(self) -> float:
        return time.perf_counter() - self.began

    def _telling(self, share: float) -> Progress:
        """Reports of the present iteration; time that is up ends it, once there is an answer."""

        def told(fraction: float, message: str) -> None:
            spent = self._spent()
            if self.best is not None and self.seconds is not None and spent >= self.seconds:
                raise _Over
            if self.progress is None:
                return
            parts = [spent / self.seconds] if self.seconds else []
            parts += [(len(self.history) + share) / self.limit] if self.limit else []
            last = self.history[-1] if self.history else None
            gap = f", gap {last.gap:.3g}" if last else ""
            self.progress(max(parts, default=math.nan), f"{message}{gap}")

        return told

    def result(self, stopped: str) -> Result:
        """What is to be told of the run."""
        assert self.best is not None
        _, sigma, step = self.best
        whole = self._padded(sigma, step.sizes)
        history = tuple(self.history)
        return Result(self.arena, self.meta, self.oracle, self.populations, whole, step, history, stopped)

    def _padded(self, sigma: Sigma, sizes: tuple[int, ...]) -> Sigma:
        """A meta-strategy of smaller populations, for the present ones."""
        from games.joint import Joint

        now = self.populations.sizes
        if sigma.joint is not None:
            return Sigma(joint=Joint(sigma.joint.cells, sigma.joint.probs, now))
        assert sigma.profile is not None
        parts = np.split(sigma.profile, np.cumsum(sizes)[:-1])
        return Sigma(np.concatenate([np.pad(part, (0, n - len(part))) for part, n in zip(parts, now)]))
