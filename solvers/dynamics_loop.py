"""The loop around the kernels of no-regret play: layout of payoffs, chunks, budgets, and which average to return."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from games.joint import Joint, Mixture
from games.limits import available_bytes
from games.normal import NormalFormGame
from games.simplices import Float, Int
from solvers import dynamics_kernels as kernels
from solvers.solution import Progress, Solution, Status

DEFAULT_ITERATIONS = 1_000_000
_CHUNK_SECONDS = 0.1
_KEPT_PROFILES, _KEPT_ROUNDS = (
    1_000_000,
    256,
)  # games larger than this keep that many rounds as they were played
_FIRST_CHUNK = 10_000_000  # payoffs read in the first chunk of rounds, at most (or one round)
_NEVER = np.iinfo(np.int64).max


class Play:
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


class Layout:
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
