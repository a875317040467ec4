"""The two-step game of the QMIX paper (Rashid et al. 2018, section 5): why adding values up is not always enough.

At the first step only the first agent's action matters: 0 leads to a game that always pays 7, 1 to one that pays
[[0, 1], [1, 8]]. Values that add up rate the second game at 6.5 when all joint actions are tried alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from games.env import EnvSpec, Group, View
from games.scene import Scene
from games.sims.simulation import Simulation, constant
from games.spaces import Discrete

PAID = np.array([[0.0, 1.0], [1.0, 8.0]])


class TwoStepRules:
    """What everybody sees is which of the three games is played, one-hot."""

    def __init__(self) -> None:
        group = Group("agents", ("A", "B"), (3,), Discrete(2))
        self.spec = EnvSpec("two-step", (group,), state=3, horizon=2, common_reward=True)

    def allocate(self, batch: int) -> dict[str, Any]:
        return {"at": np.zeros(batch, dtype=np.int64)}

    def begin(self, state: dict[str, Any], streams: Any, where: Any) -> None:
        state["at"][where] = 0

    def advance(self, state: dict[str, Any], streams: Any, actions: Any, live: Any) -> Any:
        at, (a, b) = state["at"], actions[0].T
        over = live & (at > 0)
        paid = np.where(over, np.where(at == 1, 7.0, PAID[a, b]), 0.0)
        state["at"] = np.where(live & ~over, 1 + a, at)
        return (np.repeat(paid[:, None], 2, axis=1),), over

    def look(self, state: dict[str, Any], rewards: Any) -> Any:
        seen = np.eye(3, dtype=np.float32)[state["at"]]
        shape = len(seen), 2
        yes = constant(True, shape)
        sight = np.repeat(seen[:, None], 2, axis=1)
        return (View(sight, constant(True, (*shape, 2)), rewards[0], yes, yes),), seen

    def scene(self, state: dict[str, Any], which: int) -> Scene:
        return Scene(text=f"game {state['at'][which]}")


def two_step() -> Simulation:
    return Simulation(TwoStepRules())
