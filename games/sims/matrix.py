"""A normal-form game played once per episode."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.normal import NormalFormGame
from games.scene import Scene
from games.sims.matrix_kernels import pay
from games.sims.simulation import constant
from games.spaces import Discrete

Array = npt.NDArray[Any]


class MatrixRules:
    """One simultaneous move, then the game has ended; see `games.simulate.simulate`.

    Parameters
    ----------
    game : NormalFormGame
        The payoffs.
    name : str
        What the environment is called.
    """

    def __init__(self, game: NormalFormGame, name: str) -> None:
        counts = np.array(game.shape, dtype=np.int64)
        names = game.actions[0] if len(set(game.actions)) == 1 else ()
        group = Group("players", tuple(game.players), (1,), Discrete(int(counts.max())), tuple(names), rows=1)
        common = bool((game.payoffs == game.payoffs[:1]).all())
        self.spec = EnvSpec(name, (group,), state=1, horizon=1, common_reward=common)
        self.game = game
        self._payoffs = np.ascontiguousarray(game.payoffs.reshape(len(counts), -1))
        self._strides = np.append(np.cumprod(counts[:0:-1])[::-1], 1).astype(np.int64)
        self._mask = np.arange(counts.max())[None, :] < counts[:, None]

    def allocate(self, batch: int) -> dict[str, Array]:
        """Constant views and the last joint action."""
        players = len(self._payoffs)
        mask = np.broadcast_to(self._mask, (batch, *self._mask.shape)).copy()
        mask.setflags(write=False)
        return {
            "played": np.full((batch, players), -1, dtype=np.int32),
            "observation": constant(1, (batch, players, 1), np.float32),
            "mask": mask,
            "all": constant(True, (batch, players)),
            "row": constant(0, (batch, players), np.int32),
            "features": constant(1, (batch, 1), np.float32),
        }

    def begin(self, state: dict[str, Array], streams: Array, where: Array) -> None:
        """Nothing has been played."""
        state["played"][where] = -1

    def advance(
        self, state: dict[str, Array], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array]:
        """Pay out; the game has ended."""
        reward = np.empty(actions[0].shape)
        pay(actions[0], self._payoffs, self._strides, live, reward)
        state["played"] = np.where(live[:, None], actions[0], state["played"])
        return (reward,), live

    def look(self, state: dict[str, Array], rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """There is nothing to see."""
        view = View(state["observation"], state["mask"], rewards[0], state["all"], state["all"], state["row"])
        return (view,), state["features"]

    def scene(self, state: dict[str, Array], which: int) -> Scene:
        """What was played and paid, in words."""
        played = state["played"][which]
        if played[0] < 0:
            return Scene(text=f"{self.game.title}: nothing played yet")
        told = ", ".join(
            f"{player}: {names[a]} ({payoff:g})"
            for player, names, a, payoff in zip(
                self.game.players, self.game.actions, played, self.game.payoffs[(slice(None), *played)]
            )
        )
        return Scene(text=told)
