"""Coarse correlated equilibria from self-play: the joint play of CFR, kept as a mixture of profiles.

The uniform (or weighted) mixture of the profiles of all rounds has a normal-form CCE gap of the largest average
external regret, for any number of players and general sums. The gap is read from sums kept along the way; profiles
are kept to be played, thinned evenly when there are too many, and then the gap of what is kept is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from games.errors import InputError
from games.simplices import Float
from games.tree import TreeGame
from games.tree_strategies import BehaviorMixture
from solvers.best_response import arrays, to_behavior, to_plan
from solvers.cfr import Cfr, Rule
from solvers.self_play import Gap, State

MOST_PROFILES = 1024
"""Profiles kept at most; when so many are kept, every second one is dropped."""
_MOST_BYTES = 2**29


class JointCfr(Cfr):
    """CFR with simultaneous updates that remembers what was played; an `Engine` of `solvers.self_play`."""

    def __init__(self, game: TreeGame, rule: Rule) -> None:
        super().__init__(game, rule, alternating=False)
        self.gradients, self.values = np.zeros(self.form.length), np.zeros(self.form.players)
        self.kept: list[tuple[int, Float]] = []  # round and behaviour strategies
        self.stride = 1
        self.most = max(16, min(MOST_PROFILES, _MOST_BYTES // (8 * max(game.slots, 1))))

    def advance(self, iterations: int) -> None:
        """Do this many more rounds."""
        from solvers.cfr_kernels import witness

        for _ in range(iterations):
            t = self.iterations + 1
            witness(
                float(t) ** self.rule.gamma,
                *arrays(self.form),
                self.plan,
                self._g,
                self.gradients,
                self.values,
            )
            if t % self.stride == 0:
                self._keep(t)
            super().advance(1)

    def _keep(self, t: int) -> None:
        self.kept.append((t, to_behavior(self.form, self.strategy)))
        if len(self.kept) == self.most:
            self.stride *= 2
            self.kept = [row for row in self.kept if row[0] % self.stride == 0]

    def answer(self) -> BehaviorMixture:
        """The profiles kept, weighted as their rounds."""
        weights = np.array([float(t) ** self.rule.gamma for t, _ in self.kept])
        return BehaviorMixture(weights, np.stack([behavior for _, behavior in self.kept]))

    def measure(self, answer: BehaviorMixture) -> Gap:
        """Gains from the best fixed deviation: of all rounds, or of the profiles kept where that is more."""
        gain = self._gain(self.total, self.gradients, self.values)
        if self.stride > 1:
            gain = np.maximum(gain, self._gain_of(answer))
        return Gap(np.maximum(gain, 0.0))

    def _gain(self, total: float, gradients: Float, values: Float) -> Float:
        from solvers.cfr_kernels import coarse_gains

        form, gain = self.form, np.empty(self.form.players)
        choice = np.empty(len(form.first), dtype=np.int32)
        shape = (form.players, form.starts, form.ranks, form.first, form.size, form.before)
        coarse_gains(total, *shape, gradients, values, self._g, choice, gain)
        return gain

    def _gain_of(self, mixture: BehaviorMixture) -> Float:
        from solvers.cfr_kernels import witness

        gradients, values = np.zeros(self.form.length), np.zeros(self.form.players)
        for weight, behavior in zip(mixture.weights, mixture.behaviors):
            x = to_plan(self.form, behavior)
            witness(float(weight), *arrays(self.form), x, self._g, gradients, values)
        return self._gain(1.0, gradients, values)

    def state(self) -> State:
        """What `restore` needs."""
        return {
            **super().state(),
            "gradients": self.gradients.copy(),
            "values": self.values.copy(),
            "stride": np.int64(self.stride),
            "rounds": np.array([t for t, _ in self.kept], dtype=np.int64),
            "profiles": np.array([b for _, b in self.kept], dtype=np.float64).reshape(-1, self.game.slots),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`; `InputError` if it is of another game or method."""
        if "profiles" not in state:
            raise InputError("the checkpoint is not of a run for a coarse correlated equilibrium")
        super().restore(state)
        self.gradients = np.array(state["gradients"], dtype=np.float64)
        self.values = np.array(state["values"], dtype=np.float64)
        self.stride = int(state["stride"])
        rounds = np.asarray(state["rounds"]).tolist()
        self.kept = [(int(t), np.array(b)) for t, b in zip(rounds, np.asarray(state["profiles"]))]
