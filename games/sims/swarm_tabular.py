"""The N-agent game of a finite mean-field model."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.errors import InputError
from games.meanfield import MeanFieldModel
from games.scene import Mark, Scene
from games.sims.simulation import constant
from games.sims.swarm_tabular_kernels import begin_crowd, count_crowd, move_crowd, pay_crowd, see_crowd
from games.spaces import Discrete

Array = npt.NDArray[Any]


class CrowdRules:
    """A step of the N-agent game; see `games.meanfield.to_env`.

    Parameters
    ----------
    model : MeanFieldModel
        The model.
    agents : int
        N.
    common_reward : bool
        Whether everybody gets the mean of all rewards.
    name : str, optional
        What the environment is called.
    """

    def __init__(
        self, model: MeanFieldModel, agents: int, common_reward: bool, name: str | None = None
    ) -> None:
        if agents < 1:
            raise InputError(f"{model.title}: at least one agent is needed, not {agents}")
        self.model, self.agents, self.sights = model, agents, model.sights
        self.actions = model.actions
        width = len(str(agents - 1))
        names = tuple(f"agent {i:0{width}}" for i in range(agents))
        numbered = model.action_names == tuple(map(str, range(self.actions)))
        group = Group(
            "agents",
            names,
            (self.sights,),
            Discrete(self.actions),
            rows=self.sights,
            action_names=() if numbered else model.action_names,
        )
        self.spec = EnvSpec(
            name or f"{model.title} ({agents} agents)",
            (group,),
            state=model.states,
            horizon=model.horizon,
            common_reward=common_reward,
        )
        self._eye = np.eye(self.sights, dtype=np.float32)

    def allocate(self, batch: int) -> dict[str, Array]:
        """States, observations, clocks, and what is constant."""
        shape = (batch, self.agents)
        return {
            "at": np.zeros(shape, dtype=np.int32),
            "row": np.zeros(shape, dtype=np.int32),
            "step": np.zeros(batch, dtype=np.int64),
            "mask": constant(True, (*shape, self.actions)),
            "all": constant(True, shape),
        }

    def begin(self, state: dict[str, Array], streams: Array, where: Array) -> None:
        """Draw states and first observations."""
        state["step"][where] = 0
        begin_crowd(state["at"], self.model.initial, streams, where)
        self._see(state, streams, where)

    def advance(
        self, state: dict[str, Array], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], None]:
        """Pay for states and actions, then everybody moves on by the empirical law."""
        nu = np.zeros((len(live), self.model.states, self.actions))
        count_crowd(state["at"], actions[0], nu)
        mu, reward = nu.sum(axis=2), np.empty(actions[0].shape)
        step = self._step(state)
        table = self.model.rewards(mu, nu, step)
        pay_crowd(state["at"], actions[0], table, live, self.spec.common_reward, reward)
        move_crowd(state["at"], actions[0], self.model.transitions(mu, step), streams, live)
        state["step"] += live
        self._see(state, streams, live)
        return (reward,), None

    def _see(self, state: dict[str, Array], streams: Array, where: Array) -> None:
        state["row"] = state["row"].copy()
        table = self.model.observations(self._law(state), self._step(state))
        see_crowd(state["at"], table, streams, where, state["row"])

    def _step(self, state: dict[str, Array]) -> Array:
        """The step of each sub-environment; after the end, the last."""
        return np.minimum(state["step"], self.model.horizon - 1)

    def _law(self, state: dict[str, Array]) -> Array:
        joint = np.zeros((len(state["at"]), self.model.states, 1))
        count_crowd(state["at"], np.zeros_like(state["at"]), joint)
        return joint[:, :, 0]

    def look(self, state: dict[str, Array], rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """Observations; the empirical law of states for central training."""
        row, legal = state["row"], self.model.legal
        mask = state["mask"] if legal is None else legal[state["at"]]
        view = View(self._eye[row], mask, rewards[0], state["all"], state["all"], row)
        return (view,), self._law(state).astype(np.float32)

    def scene(self, state: dict[str, Array], which: int) -> Scene:
        """The share of agents in each state, as columns."""
        law = self._law(state)[which]
        columns = tuple(
            Mark("line", x + 0.5, 0.0, 0.8, 0, f"{share:.2f}", dy=float(share)) for x, share in enumerate(law)
        )
        return Scene(float(len(law)), 1.0, columns, text=f"{self.agents} agents")
