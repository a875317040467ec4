"""One-shot and repeated matrix games in which all are paid the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.errors import InputError
from games.normal import NormalFormGame
from games.scene import Scene
from games.sims.coordination_matrix_kernels import climb
from games.sims.matrix import MatrixRules
from games.sims.simulation import constant
from games.spaces import Discrete

Array = npt.NDArray[Any]

LARGEST = 100_000
_LISTED = 1 << 22
"""Payoffs of the largest game that is written out."""


class CommonPayoffRules:
    """A normal-form game with common payoff, played `steps` times by agents who see nothing.

    A single play ends the game (discount 0). Repeated play is cut off after `steps` plays, since agents see no clock:
    what they see is always the number 1, and `View.row` is 0.

    Parameters
    ----------
    game : NormalFormGame
        All players must have the same payoffs.
    name : str
        What the environment is called.
    steps : int
        Plays in an episode.

    Raises
    ------
    InputError
        If payoffs differ between players.
    """

    def __init__(self, game: NormalFormGame, name: str, steps: int = 1) -> None:
        self.once = MatrixRules(game, name)
        if not self.once.spec.common_reward:
            raise InputError(
                f"{name}: the players of {game.title!r:.60} are not all paid the same; repeated: takes any game"
            )
        self.spec = replace(self.once.spec, horizon=steps)
        self.allocate, self.begin = self.once.allocate, self.once.begin
        self.look, self.scene = self.once.look, self.once.scene

    def behind(self) -> NormalFormGame:
        """The game that is played in each step."""
        return self.once.game

    def advance(
        self, state: dict[str, Array], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """Pay out."""
        rewards, over = self.once.advance(state, streams, actions, live)
        return rewards, over if self.spec.horizon == 1 else None

    def return_bounds(self, steps: int) -> tuple[float, float]:
        """The smallest and the largest return of so many plays."""
        paid = self.once.game.payoffs[0]
        return steps * float(paid.min()), steps * float(paid.max())


class ClimbRules:
    """The climb game of the MACO benchmark, for any number of agents with three actions each.

    All receive `reward` if everybody chooses the first action, half of it if nobody does, and nothing otherwise. Source:
    Wang et al. (2022), Context-Aware Sparse Deep Coordination Graphs, ICLR (`TonghanWang/CASEC-MACO-benchmark`,
    `src/envs/climb.py`), after the two-agent climbing game of Claus and Boutilier (1998).

    What agents see, and when an episode ends or is cut off, is as in `CommonPayoffRules`.

    Parameters
    ----------
    name : str
        What the environment is called.
    agents : int
        Number of agents, at least 2.
    steps : int
        Plays in an episode.
    reward : float
        What full agreement pays.
    """

    def __init__(self, name: str, agents: int = 15, steps: int = 1, reward: float = 10.0) -> None:
        if not 2 <= agents <= LARGEST:
            raise InputError(f"{name}: from 2 to {LARGEST:,} agents can play, not {agents:,}")
        if not np.isfinite(reward):
            raise InputError(f"{name}: the reward must be finite, not {reward:g}")
        names = tuple(f"agent_{i}" for i in range(agents))
        group = Group("agents", names, (1,), Discrete(3), ("a0", "a1", "a2"), rows=1)
        self.spec = EnvSpec(name, (group,), state=1, horizon=steps, common_reward=True)
        self.reward = float(reward)

    def behind(self) -> NormalFormGame:
        """The game that is played in each step; `InputError` if it has more than four million payoffs."""
        agents = self.spec.groups[0].size
        if agents * 3.0**agents > _LISTED:
            raise InputError(
                f"{self.spec.name}: the game of {agents:,} agents has too many joint actions to be written out"
            )
        first = np.indices((3,) * agents) == 0
        paid = self.reward * (first.all(axis=0) + 0.5 * ~first.any(axis=0))
        names = self.spec.groups[0].action_names
        return NormalFormGame.common_payoff(
            paid, players=self.spec.agents, actions=(names,) * agents, title=self.spec.name
        )

    def allocate(self, batch: int) -> dict[str, Array]:
        """Constant views and the last joint action."""
        agents = self.spec.groups[0].size
        return {
            "played": np.full((batch, agents), -1, dtype=np.int32),
            "observation": constant(1, (batch, agents, 1), np.float32),
            "mask": constant(True, (batch, agents, 3)),
            "all": constant(True, (batch, agents)),
            "row": constant(0, (batch, agents), np.int32),
            "features": constant(1, (batch, 1), np.float32),
        }

    def begin(self, state: dict[str, Array], streams: Array, where: Array) -> None:
        """Nothing has been played."""
        state["played"][where] = -1

    def advance(
        self, state: dict[str, Array], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """Pay out."""
        reward = np.empty(actions[0].shape)
        climb(actions[0], live, self.reward, state["played"], reward)
        return (reward,), live if self.spec.horizon == 1 else None

    def look(self, state: dict[str, Array], rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """There is nothing to see."""
        view = View(state["observation"], state["mask"], rewards[0], state["all"], state["all"], state["row"])
        return (view,), state["features"]

    def return_bounds(self, steps: int) -> tuple[float, float]:
        """The smallest and the largest return of so many plays."""
        return steps * min(self.reward, 0.0), steps * max(self.reward, 0.0)

    def scene(self, state: dict[str, Array], which: int) -> Scene:
        """How often each action was played, in words."""
        played = state["played"][which]
        if played[0] < 0:
            return Scene(text="nothing played yet")
        counts = np.bincount(played, minlength=3).tolist()
        return Scene(
            text=", ".join(f"a{k}: {count} of {len(played)} agents" for k, count in enumerate(counts))
        )
