"""A team that is switched: in every step one bit for all says whether its central or its independent policies act.

Whoever decides sees the global state, so a switched team is not decentralised; its independent policies alone are
(`SwitchedTeam.apart`).

Letters: B sub-environments, s numbers that the switch sees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from games.env import EnvSpec, Step
from games.policy import Independent, JointPolicy, Memory, keep_where
from games.streams import Streams
from marl.learner import central, tensor
from marl.neural import apart, in_blocks

Array = npt.NDArray[Any]

ENDLESS = np.int64(1) << 62
"""Calls left where there is no budget."""


@dataclass(frozen=True)
class Decider:
    """Decides when to call the central policies.

    Parameters
    ----------
    network : callable or None
        From what is seen float[B, 1, s] to a score of each of the two actions; None decides by chance alone.
    chance : float
        Without a network, or instead of it where it explores: the probability of a call.
    explore : float
        How often the network is not asked.
    soft : bool
        Whether scores are logits to draw from, and not values of which the larger is taken.
    device : str
        Where the network lives.
    block : int or None
        Sub-environments for which it is evaluated at a time, see `marl.neural.Neural`.
    """

    network: Any = None
    chance: float = 0.5
    explore: float = 0.0
    soft: bool = False
    device: str = "cpu"
    block: int | None = 64

    def __call__(self, seen: Array, streams: Streams) -> Array:
        """Whether to call, bool[B]; one draw per sub-environment, from the first agent's stream, if there is chance in it."""
        if self.network is None:
            return (
                _drawn(streams) < self.chance
                if 0.0 < self.chance < 1.0
                else np.full(len(seen), self.chance > 0.5)
            )
        scores = self._scores(seen)
        if self.soft:
            odds = np.exp(np.clip(scores[:, 0] - scores[:, 1], -700.0, 700.0))
            called = _drawn(streams) * (1.0 + odds) < 1.0
            return np.asarray(called)
        called = scores[:, 1] > scores[:, 0]
        if self.explore <= 0.0:
            return np.asarray(called)
        drawn = _drawn(streams)
        return np.where(drawn < self.explore, drawn < self.explore * self.chance, called)

    def probability(self, seen: Array) -> Array:
        """How likely a call is, float64[B]."""
        if self.network is None:
            return np.full(len(seen), self.chance)
        scores = self._scores(seen)
        if self.soft:
            return np.asarray(1.0 / (1.0 + np.exp(np.clip(scores[:, 0] - scores[:, 1], -700.0, 700.0))))
        called = (scores[:, 1] > scores[:, 0]).astype(np.float64)
        return np.asarray(self.explore * self.chance + (1.0 - self.explore) * called)

    def _scores(self, seen: Array) -> Array:
        given = tensor(seen, self.device).unsqueeze(1)
        with torch.no_grad():
            told, _ = in_blocks(lambda rows: self.network(rows), given, self.block)
        scores: Array = told[:, 0].cpu().double().numpy()
        return scores


@dataclass(frozen=True)
class Held:
    """What a switched team remembers.

    Parameters
    ----------
    left : int64[B]
        Calls that are left; where the budget is one of the whole run, all rows hold the same number.
    shared : bool
        Whether it is.
    independent, central : Memory
        Of the two teams.
    """

    left: Array
    shared: bool
    independent: Memory
    central: Memory

    def restarted(self, where: Array, fresh: Held) -> Held:
        """With the sub-environments chosen by bool[B] as in `fresh`; a shared budget is not filled up again."""
        left = self.left if self.shared else np.where(where, fresh.left, self.left)
        return Held(
            left,
            self.shared,
            keep_where(self.independent, fresh.independent, where),
            keep_where(self.central, fresh.central, where),
        )


class SwitchedTeam:
    """See the module.

    Parameters
    ----------
    spec : EnvSpec
        Where it plays.
    independent, central : JointPolicy
        Who acts without a call, and with one.
    decider : Decider
        Who decides.
    budget : int or None
        Calls per episode, or, if `shared`, of all sub-environments together; never more are made.
    full : int or None
        The whole budget, in shares of which the switch sees what is left; that of the beginning by default.
    shared : bool
        Whether the budget is one for all.
    spends : bool
        Whether calls use the budget up. If not, play shows what is done with as many calls left.
    """

    sees_state = True

    def __init__(
        self,
        spec: EnvSpec,
        independent: JointPolicy,
        central: JointPolicy,
        decider: Decider,
        *,
        budget: int | None = None,
        full: int | None = None,
        shared: bool = False,
        spends: bool = True,
    ) -> None:
        self.spec, self.independent, self.central, self.decider = spec, independent, central, decider
        self.budget, self.full, self.shared = budget, budget if full is None else full, shared
        self.spends = spends

    def __repr__(self) -> str:
        return f"SwitchedTeam({self.spec.name!r}, {self.decider!r}, budget={self.budget})"

    def apart(self) -> Independent:
        """The independent policies alone, which see neither the state nor each other."""
        return apart(self.independent)

    def deciding(self, **changes: Any) -> SwitchedTeam:
        """The same team with another decider, or one with other parameters."""
        decider = changes.pop("decider", None) or replace(self.decider, **changes)
        return SwitchedTeam(
            self.spec,
            self.independent,
            self.central,
            decider,
            budget=self.budget,
            full=self.full,
            shared=self.shared,
            spends=self.spends,
        )

    @property
    def limit(self) -> int | None:
        """Most calls in an episode; None if there may be any number."""
        return self.budget if self.spends or self.budget == 0 else None

    def start(self, batch: int) -> Held:
        """The whole budget, and the memories of both teams."""
        left = np.full(batch, ENDLESS if self.budget is None else self.budget, dtype=np.int64)
        return Held(left, self.shared, self.independent.start(batch), self.central.start(batch))

    def sample(self, step: Step, memory: Held, streams: Streams) -> tuple[tuple[Array, ...], Held]:
        """Everybody's actions, and the memory afterwards."""
        actions, memory, _ = self.sample_noting(step, memory, streams)
        return actions, memory

    def sample_noting(
        self, step: Step, memory: Held, streams: Streams
    ) -> tuple[tuple[Array, ...], Held, Array]:
        """As `sample`, and float32[B, 3]: whether central policies were called, and the shares of the budget left before
        and afterwards (1 without a budget)."""
        called = self._called(step, memory.left, streams)
        left = memory.left - self.spends * (called.sum() if self.shared else called)
        whole = _Gathered(len(called))
        parts = [
            whole.asked(team, step, kept, streams, np.flatnonzero(called == central_))
            for team, kept, central_ in (
                (self.independent, memory.independent, False),
                (self.central, memory.central, True),
            )
        ]
        notes = np.stack([called, self.share(memory.left), self.share(left)], axis=1).astype(np.float32)
        return whole.actions(), Held(left, self.shared, parts[0], parts[1]), notes

    def counted(self, notes: Array) -> dict[str, Array]:
        """Calls of the central policies, by the notes of `sample_noting`."""
        return {"call": notes[..., 0] > 0.5}

    def call_probability(self, step: Step, left: Array) -> Array:
        """How likely central policies are to act, float64[B], with so many calls left, int64[B]."""
        told = self.decider.probability(self._seen(step, left))
        return np.where((left > 0) & ~step.last, told, 0.0)

    def share(self, left: Array) -> Array:
        """Calls left as a share of the whole budget, float64[B]; 1 without one, 0 of a budget of 0."""
        if self.full is None:
            return np.ones(len(left))
        return np.minimum(left / max(self.full, 1), 1.0)

    def _called(self, step: Step, left: Array, streams: Streams) -> Array:
        """Where central policies act, bool[B]: where the decider says so, the episode goes on, and a call is left."""
        called = self.decider(self._seen(step, left), streams.agents(slice(0, 1))) & ~step.last
        if not self.shared:
            return called & (left > 0)
        return called & (np.cumsum(called) <= left)

    def _seen(self, step: Step, left: Array) -> Array:
        seen = central(self.spec, step)
        if self.full is None:
            return seen
        return np.concatenate([seen, self.share(left)[:, None].astype(np.float32)], axis=1)


class _Gathered:
    """Actions of two teams put together, sub-environment by sub-environment."""

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self._whole: list[Array] = []

    def asked(self, team: JointPolicy, step: Step, memory: Memory, streams: Streams, rows: Array) -> Memory:
        """Ask a team for some sub-environments, all of them if it remembers; its memory afterwards."""
        forgetful = memory is None or (isinstance(memory, list) and all(kept is None for kept in memory))
        if forgetful and not rows.size:
            return memory
        asked = rows if forgetful else np.arange(self._batch)
        own = Streams(streams.state[asked])
        everywhere = len(asked) == self._batch
        actions, memory = team.sample(step if everywhere else step.where(asked), memory, own)
        inside = np.arange(len(rows)) if forgetful else rows
        streams.state[rows] = own.state[inside]
        if not self._whole:
            self._whole = [np.zeros((self._batch, *part.shape[1:]), dtype=part.dtype) for part in actions]
        for mine, part in zip(self._whole, actions):
            mine[rows] = part[inside]
        return memory

    def actions(self) -> tuple[Array, ...]:
        """All of them."""
        return tuple(self._whole)


def _drawn(streams: Streams) -> Array:
    """A uniform number per sub-environment, float64[B]."""
    return streams.uniform()[:, 0]
