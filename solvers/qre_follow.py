"""Following a logit branch from Python: kernel calls in chunks, budgets, and what to do where branches meet."""

from __future__ import annotations

import math
import time
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import numpy as np

from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float
from games.tree import TreeGame
from solvers.qre_branch import Branch
from solvers.qre_switch import Arm, leave_bifurcation, next_bifurcation, pushed_arm
from solvers.qre_trace import LAMBDA, REGRET, RUNNING, SINGULAR, trace
from solvers.solution import Progress, Status

OnBifurcation = Literal["split", "continue", "perturb", "error"]

_SPLIT = 500  # probabilities beyond which the singular vectors that tell arms apart take minutes
_LAMBDA_END = 1e250  # scaled lambda beyond which payoff differences drown in rounding


AnyBranch = TypeVar("AnyBranch", bound=Branch)


class ScaledGame(Protocol):
    """A logit system with payoff range one: see `solvers.qre_scaled` and `solvers.tree_qre_scaled`."""

    @property
    def system(self) -> Any:
        """The NamedTuple that kernels take; lambda of the system = lambda of the game times `scale`."""

    @property
    def scale(self) -> float:
        """The game's span."""

    @property
    def first_player(self) -> Any:
        """Index of the first player's probabilities."""

    @property
    def size(self) -> int:
        """How many log-probabilities there are."""

    @property
    def boldness(self) -> float:
        """How much longer steps may be than in a game of a few players."""

    @property
    def effort(self) -> float:
        """About how many operations a point of the branch takes."""

    def origin(self) -> Float:
        """A state for `solvers.qre_trace.trace` at lambda = 0."""


class Attempt(NamedTuple):
    """One trace, and how far it came: minus the last regret, or the last lambda where that is the goal."""

    merit: float
    points: list[tuple[Float, Float, Float, Float]]
    switched: list[float]


class Follower:
    """A trace under way: what has been found, and how to go on."""

    def __init__(
        self,
        scaled: ScaledGame,
        lambda_end: float,
        max_regret: float,
        policy: OnBifurcation,
        rng: np.random.Generator | None,
    ) -> None:
        self.scaled, self.lambda_end, self.max_regret, self.policy, self.rng = (
            scaled,
            lambda_end,
            max_regret,
            policy,
            rng,
        )
        self.deadline, self.max_points = math.inf, 100_000
        self.status, self.interrupted = Status.CONVERGED, False
        self.points: list[tuple[Float, Float, Float, Float]] = []
        self.switched: list[float] = []
        self.checked = 0  # points already looked at for bifurcations
        self.flip = 1.0  # makes signs continuous where an arm was taken

    def follow(self, caution: float, progress: Progress | None) -> None:
        """Trace from lambda = 0 to the end; leaves the outcome in `status`."""
        self.points, self.switched, self.status = [], [], Status.CONVERGED
        self.checked, self.flip = 0, 1.0
        state = self.scaled.origin()
        if self.lambda_end == 0:
            self.lambda_end, code = 1e-300, self._chunk(state, 1, caution)
            return
        chunk = 1 if self.policy == "perturb" else self._chunk_size()
        while True:
            left = self.max_points - sum(len(part[0]) for part in self.points)
            code = self._chunk(state, min(chunk if self.points else min(chunk, 64), max(left, 1)), caution)
            if state[-1] > 0 and self.policy == "split" and self._split(state):
                continue
            if code in (REGRET, LAMBDA):
                return
            if self.policy == "error" and code == SINGULAR:
                lam = state[self.scaled.size] / self.scaled.scale
                raise InputError(
                    f"the principal branch bifurcates near lambda {lam:.6g}; choose to continue or to perturb"
                )
            if self.policy == "perturb" and code in (RUNNING, SINGULAR) and self._switch(state):
                continue
            if code not in (RUNNING, SINGULAR):
                self.status = Status.NUMERICAL
                return
            if self._spent(progress):
                self.status = Status.BUDGET
                return

    def attempt(self) -> Attempt:
        """What was traced so far, to come back to."""
        z, _, regret, _ = self.points[-1]
        merit = -float(regret[-1]) if self.max_regret > 0 else float(z[-1, -1])
        return Attempt(merit, self.points, self.switched)

    def restore(self, attempt: Attempt | None) -> None:
        """Go back to an earlier attempt, keeping the status."""
        if attempt is not None:
            self.points, self.switched = attempt.points, attempt.switched

    def _chunk_size(self) -> int:
        """Points per kernel call: few enough that Ctrl-C and progress come within a fraction of a second."""
        return max(1, min(512, int(2e9 / (self.scaled.effort + 1000))))

    def _chunk(self, state: Float, points: int, caution: float) -> int:
        size = self.scaled.size
        z, t = np.empty((points, size + 1)), np.empty((points, size + 1))
        regret, sign = np.empty(points), np.empty(points)
        code, count = trace(
            self.scaled.system,
            self.max_regret,
            min(self.lambda_end, _LAMBDA_END),
            self.policy == "error",
            caution,
            state,
            z,
            t,
            regret,
            sign,
        )
        if count:
            self.points.append((z[:count], t[:count], regret[:count], self.flip * sign[:count]))
        if code == LAMBDA and self.lambda_end > _LAMBDA_END:
            self.status = (
                Status.NUMERICAL if math.isfinite(self.lambda_end) or self.max_regret > 0 else self.status
            )
        return int(code)

    def _switch(self, state: Float) -> bool:
        """In the perturb policy, leave the branch at a bifurcation just passed; True when that was done."""
        found = next_bifurcation(self.scaled, self.points)
        if found is None:
            return False
        position, z, directions = found
        arm = leave_bifurcation(self.scaled, z, directions, self.rng)
        if arm is None:
            return False
        self._go_on_from(state, position, z, arm)
        return True

    def _split(self, state: Float) -> bool:
        """In the split policy, leave a bifurcation among the new points along the arm a small push selects."""
        z, t, _, sign = joined(self.points)
        if self.scaled.size > _SPLIT:
            self.checked, state[-1] = len(z) - 1, 0.0
            return False
        for k in np.flatnonzero(sign[self.checked + 1 :] != sign[self.checked : -1]) + self.checked:
            found = pushed_arm(self.scaled, z[k : k + 2], t[k : k + 2])
            if found is not None and found[1] is not None:
                self._go_on_from(state, int(k) + 1, found[0], found[1])
                return True
        self.checked, state[-1] = len(z) - 1, 0.0
        return False

    def _go_on_from(self, state: Float, position: int, z: Float, arm: Arm) -> None:
        """Keep the first `position` points and continue on an arm of the bifurcation `z`."""
        point, tangent, sign, regret = arm
        size = self.scaled.size
        self.switched.append(float(z[size]))
        state[: size + 1], state[size + 1 : 2 * size + 2], state[2 * size + 2 : 3 * size + 3] = (
            point,
            tangent,
            tangent,
        )
        state[-4:] = 0.02, 0.0, sign, 0.0
        kept = _cut(self.points, position)
        self.flip = float(kept[0][3][-1]) / sign
        self.points = [*kept, (point[None], tangent[None], np.array([regret]), np.array([self.flip * sign]))]
        self.checked = position

    def _spent(self, progress: Progress | None) -> bool:
        z, _, regret, _ = self.points[-1]
        lam = float(z[-1, -1])
        if progress is not None:
            if math.isfinite(self.lambda_end):
                share = min(lam / self.lambda_end, 1.0)
            else:
                share = min(max(math.log(max(regret[-1], 1e-300)) / math.log(self.max_regret), 0.0), 1.0)
            progress(
                share, f"lambda {lam / self.scaled.scale:.4g}, regret {regret[-1] * self.scaled.scale:.2g}"
            )
        count = sum(len(part[0]) for part in self.points)
        return count >= self.max_points or time.perf_counter() > self.deadline

    def branch(self, game: NormalFormGame | TreeGame, kind: type[AnyBranch], seconds: float) -> AnyBranch:
        """What was traced, in the game's own units."""
        z, t, regret, sign = joined(self.points)
        scale = self.scaled.scale
        return kind(
            game,
            z[:, -1] / scale,
            z[:, :-1],
            regret * scale,
            self.status,
            self.interrupted,
            {"on_bifurcation": self.policy},
            {"seconds": seconds, "iterations": len(z), "switched_at": [lam / scale for lam in self.switched]},
            self.scaled,
            t,
            sign,
        )


def joined(points: list[tuple[Float, Float, Float, Float]]) -> tuple[Float, Float, Float, Float]:
    """All points, tangents, regrets and signs."""
    if len(points) == 1:
        return points[0]
    z, t, regret, sign = (np.concatenate([part[k] for part in points]) for k in range(4))
    return z, t, regret, sign


def _cut(
    points: list[tuple[Float, Float, Float, Float]], position: int
) -> list[tuple[Float, Float, Float, Float]]:
    """The first `position` points."""
    z, t, regret, sign = joined(points)
    return [(z[:position], t[:position], regret[:position], sign[:position])]
