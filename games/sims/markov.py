"""A Markov game as an environment: one stage per step."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.errors import InputError
from games.markov import MarkovGame
from games.scene import Scene
from games.sims import markov_kernels as kernels
from games.sims.simulation import constant
from games.spaces import Discrete

Array = npt.NDArray[Any]

LIMIT = 100
"""Steps after which an episode of a discounted game is cut off by default."""


class MarkovRules:
    """Everybody sees the state and acts at once; see `games.simulate.simulate`.

    An agent's observation, and the global state, is the game's state as a one-hot vector, float32[S]. With a finite
    horizon T the share of the horizon that is over is one more number, float32[S + 1], since what is best depends on
    it; the game has then ended (discount 0) after T steps, and `View.row` is t * S + s. A discounted game has no end:
    episodes are cut off, and `View.row` is s. The game's discount is not applied to rewards; whoever learns or adds
    them up does that.

    Parameters
    ----------
    game : MarkovGame
        The game.
    name : str
        What the environment is called.
    limit : int, optional
        Cut episodes of a discounted game off after so many steps; 100 by default.

    Raises
    ------
    InputError
        If `limit` is not a positive whole number, or the game has a horizon of its own.
    """

    def __init__(self, game: MarkovGame, name: str, *, limit: int | None = None) -> None:
        name = name or "Markov game"
        counts = np.array(game.shape, dtype=np.int64)
        names = game.actions[0] if len(set(game.actions)) == 1 else ()
        self.horizon = game.horizon or 0
        self.depth = game.size + (1 if self.horizon else 0)
        group = Group(
            "players",
            game.players,
            (self.depth,),
            Discrete(int(counts.max())),
            names,
            rows=game.size * game.stages,
        )
        steps = self._steps(game, name, limit)
        self.spec = EnvSpec(
            name, (group,), state=self.depth, horizon=steps, common_reward=game.has_common_reward
        )
        self.game = game
        self._rewards = game.reward.reshape(len(counts), -1)
        self._strides = np.append(np.cumprod(counts[:0:-1])[::-1], 1).astype(np.int64)
        self._cdf = _cumulative(game.transition.reshape(-1, game.size))
        self._initial = _cumulative(game.initial[None])
        self._mask = np.arange(counts.max())[None, :] < counts[:, None]

    @staticmethod
    def _steps(game: MarkovGame, name: str, limit: int | None) -> int:
        if game.horizon is not None:
            if limit is not None:
                raise InputError(
                    f"{name}: the game ends after {game.horizon} steps by itself; limit is for discounted ones"
                )
            return game.horizon
        try:
            steps = LIMIT if limit is None else operator.index(limit)
        except TypeError:
            steps = 0
        if steps < 1:
            raise InputError(f"{name}: limit must be a positive whole number of steps, not {limit!r}")
        return steps

    def allocate(self, batch: int) -> dict[str, Array]:
        """States, clocks and the last state and joint action."""
        players = len(self.game.players)
        mask = np.broadcast_to(self._mask, (batch, *self._mask.shape)).copy()
        mask.setflags(write=False)
        return {
            "state": np.zeros(batch, dtype=np.int64),
            "time": np.zeros(batch, dtype=np.int64),
            "cell": np.full(batch, -1, dtype=np.int64),
            "mask": mask,
            "all": constant(True, (batch, players)),
        }

    def begin(self, state: dict[str, Array], streams: Array, where: Array) -> None:
        """Draw first states; one random number each."""
        kernels.begin(streams, where, self._initial, state["state"], state["time"])
        state["cell"][where] = -1

    def advance(
        self, state: dict[str, Array], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """Pay out and draw the next states; one random number each."""
        reward = np.empty(actions[0].shape)
        kernels.advance(
            streams,
            actions[0],
            live,
            self._strides,
            self._rewards,
            self._cdf,
            state["state"],
            state["time"],
            state["cell"],
            reward,
        )
        return (reward,), (live & (state["time"] >= self.horizon)) if self.horizon else None

    def look(self, state: dict[str, Array], rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """Everybody sees the state."""
        batch, players = rewards[0].shape
        observation = np.zeros((batch, players, self.depth), dtype=np.float32)
        features = np.zeros((batch, self.depth), dtype=np.float32)
        rows = np.empty((batch, players), dtype=np.int32)
        kernels.look(state["state"], state["time"], self.horizon, self.game.size, observation, features, rows)
        view = View(observation, state["mask"], rewards[0], state["all"], state["all"], rows)
        return (view,), features

    def scene(self, state: dict[str, Array], which: int) -> Scene:
        """State, time, and what was done and paid last, in words."""
        game, cell = self.game, int(state["cell"][which])
        told = f"step {int(state['time'][which])}, state {game.states[int(state['state'][which])]}"
        if cell < 0:
            return Scene(text=told)
        played = [int(a) for a in np.unravel_index(cell % game.profiles, game.shape)]
        done = ", ".join(
            f"{player}: {names[a]} ({paid:g})"
            for player, names, a, paid in zip(game.players, game.actions, played, self._rewards[:, cell])
        )
        return Scene(text=f"{told}; before, in {game.states[cell // game.profiles]}: {done}")


def _cumulative(rows: Array) -> Array:
    """Cumulative probabilities, exactly 1 from each row's last possible state on."""
    sums = np.cumsum(rows, axis=1)
    last = rows.shape[1] - 1 - np.argmax(rows[:, ::-1] > 0, axis=1)
    sums[np.arange(rows.shape[1]) >= last[:, None]] = 1.0
    return sums
