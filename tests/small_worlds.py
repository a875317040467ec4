"""Tiny environments whose optimum can be told by looking: a cue to remember, targets to hit, two kinds of agents, traps."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.env import EnvSpec, Group, View
from games.scene import Scene
from games.sims.simulation import Simulation, constant
from games.spaces import Box, Discrete, MultiDiscrete
from games.streams import Streams


class SmallRules:
    """What the small worlds share: a clock and two drawn numbers in [0, 1) per agent."""

    spec: EnvSpec

    def allocate(self, batch: int) -> dict[str, Any]:
        agents = len(self.spec.agents)
        return {"drawn": np.zeros((batch, agents, 2)), "time": np.zeros(batch, dtype=np.int64)}

    def begin(self, state: dict[str, Any], streams: Any, where: Any) -> None:
        chosen = streams[where]
        agents = len(self.spec.agents)
        numbers = Streams(chosen[:, None]).uniform(2 * agents)[:, 0]
        streams[where] = chosen
        state["drawn"][where] = numbers.reshape(-1, agents, 2)
        state["time"][where] = 0

    def scene(self, state: dict[str, Any], which: int) -> Scene:
        return Scene(text=str(state["drawn"][which].tolist()))


class CueRules(SmallRules):
    """Two agents each see one of two cues at the first step, nothing at the second, and should name theirs at the third.

    The common reward is the share of the right names; without a memory it is 1/2 in expectation, with one 1.
    """

    def __init__(self) -> None:
        group = Group("guessers", ("A", "B"), (3,), Discrete(2))
        self.spec = EnvSpec("cue", (group,), state=0, horizon=3, common_reward=True)

    def advance(self, state: dict[str, Any], streams: Any, actions: Any, live: Any) -> Any:
        right = actions[0] == (state["drawn"][..., 0] < 0.5)
        state["time"] = state["time"] + live
        over = live & (state["time"] == 3)
        reward = np.where(over, right.mean(axis=1), 0.0)
        return (np.repeat(reward[:, None], 2, axis=1),), over

    def look(self, state: dict[str, Any], rewards: Any) -> Any:
        shape = len(state["time"]), 2
        sight = np.zeros((*shape, 3), dtype=np.float32)
        first = (state["time"] == 0)[:, None]
        cue = state["drawn"][..., 0] < 0.5
        sight[..., 0], sight[..., 1] = first & cue, first & ~cue
        sight[..., 2] = (state["time"] / 3)[:, None]
        yes = constant(True, shape)
        view = View(sight, constant(True, (*shape, 2)), rewards[0], yes, yes)
        return (view,), np.zeros((shape[0], 0), dtype=np.float32)


class TargetRules(SmallRules):
    """One step: every agent sees a target in its box and should say it; the reward is minus the squared error in units of
    half the box."""

    def __init__(self, low: float = -1.0, high: float = 1.0, agents: int = 2) -> None:
        self.low, self.high = low, high
        names = tuple(f"archer {i}" for i in range(agents))
        group = Group("archers", names, (1,), Box((low,), (high,)))
        self.spec = EnvSpec("target", (group,), state=0, horizon=1)

    def advance(self, state: dict[str, Any], streams: Any, actions: Any, live: Any) -> Any:
        target = self.low + (self.high - self.low) * state["drawn"][..., 0]
        error = (actions[0][..., 0] - target) / (0.5 * (self.high - self.low))
        state["time"] = state["time"] + live
        return (-np.square(error) * live[:, None],), live

    def look(self, state: dict[str, Any], rewards: Any) -> Any:
        shape = state["drawn"].shape[:2]
        sight = (2 * state["drawn"][..., :1] - 1).astype(np.float32)
        yes = constant(True, shape)
        view = View(sight, np.zeros((*shape, 0), dtype=bool), rewards[0], yes, yes)
        return (view,), np.zeros((shape[0], 0), dtype=np.float32)


class MixedRules(SmallRules):
    """Two kinds of agents: two pressers with a dial of two parts, and a steerer with a box; the fifth step is the last.

    A presser should set both parts of its dial to the cues that it sees, and the steerer should name its number; each is
    paid for its own. One cue's button is sometimes locked (masked), never the right one.
    """

    def __init__(self) -> None:
        pressers = Group("pressers", ("A", "B"), (4,), MultiDiscrete((2, 3)))
        steerer = Group("steerer", ("C",), (2,), Box((0.0,), (2.0,)))
        self.spec = EnvSpec("mixed", (pressers, steerer), state=7, horizon=5)

    def _cues(self, state: dict[str, Any]) -> Any:
        turned = (state["drawn"] + 0.37 * state["time"][:, None, None]) % 1.0
        return (turned[..., 0] * 2).astype(np.int64), (turned[..., 1] * 3).astype(np.int64), turned

    def advance(self, state: dict[str, Any], streams: Any, actions: Any, live: Any) -> Any:
        two, three, turned = self._cues(state)
        hits = (actions[0][..., 0] == two[:, :2]).astype(float) + (actions[0][..., 1] == three[:, :2])
        error = actions[1][..., 0] - 2 * turned[:, 2:, 0]
        state["time"] = state["time"] + live
        return (0.5 * hits * live[:, None], -np.square(error) * live[:, None]), None

    def look(self, state: dict[str, Any], rewards: Any) -> Any:
        two, three, turned = self._cues(state)
        batch = len(two)
        sight = np.zeros((batch, 2, 4), dtype=np.float32)
        sight[..., 0] = two[:, :2]
        np.put_along_axis(sight[..., 1:], three[:, :2, None], 1, axis=-1)
        mask = np.ones((batch, 2, 5), dtype=bool)
        locked = (three[:, :2] + 1) % 3
        np.put_along_axis(mask[..., 2:], locked[..., None], (two[:, :2] == 0)[..., None], axis=-1)
        number = np.stack([turned[:, 2:, 0], np.ones((batch, 1))], axis=-1).astype(np.float32)
        one, other = constant(True, (batch, 2)), constant(True, (batch, 1))
        views = (
            View(sight, mask, rewards[0], one, one),
            View(number, np.zeros((batch, 1, 0), dtype=bool), rewards[1], other, other),
        )
        seen = np.concatenate([turned.reshape(batch, -1), state["time"][:, None] / 5], axis=1)
        return views, seen.astype(np.float32)


class BlastRules(SmallRules):
    """The reward of the n-th step of an episode is `size` if n is `when`, else 0: huge numbers for learners to choke on."""

    def __init__(self, size: float = 1e300, when: int = 3) -> None:
        self.size, self.when = size, when
        group = Group("sitters", ("A",), (1,), Discrete(2))
        self.spec = EnvSpec("blast", (group,), state=0, horizon=4)

    def advance(self, state: dict[str, Any], streams: Any, actions: Any, live: Any) -> Any:
        state["time"] = state["time"] + live
        return (np.where(live & (state["time"] == self.when), self.size, 0.0)[:, None],), None

    def look(self, state: dict[str, Any], rewards: Any) -> Any:
        shape = len(state["time"]), 1
        yes = constant(True, shape)
        sight = state["time"][:, None, None].astype(np.float32)
        view = View(sight, constant(True, (*shape, 2)), rewards[0], yes, yes)
        return (view,), np.zeros((shape[0], 0), dtype=np.float32)


def cue() -> Simulation:
    return Simulation(CueRules())


def target(low: float = -1.0, high: float = 1.0, agents: int = 2) -> Simulation:
    return Simulation(TargetRules(low, high, agents))


def mixed() -> Simulation:
    return Simulation(MixedRules())


def blast(size: float = 1e300, when: int = 3) -> Simulation:
    return Simulation(BlastRules(size, when))
