"""The coordination game of Chen and Zhang: everybody has a bit, and the team is paid for agreeing.

Source: Chen and Zhang (2023), Context-Aware Bayesian Network Actor-Critic Methods for Cooperative Multi-Agent
Reinforcement Learning, ICML; the rules follow the authors' code (`dchen48/BNPG`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.errors import InputError
from games.limits import available_bytes
from games.markov import MarkovGame
from games.scene import Mark, Scene
from games.sims import coordination_bits_kernels as kernels
from games.sims.simulation import constant
from games.spaces import Discrete

Array = npt.NDArray[Any]

DISCOUNT = 0.95
"""The discount with which the authors measure policies."""
LARGEST = 1_000
LISTED = 20
"""Up to so many agents, states are listed (`View.row`): 2**20 of them."""


def bit_rewards(agents: int, tolerance: int | None = None) -> Array:
    """What a state pays by its number of ones, float64[agents + 1].

    With z zeros and o ones: where |z - o| <= tolerance, 1 if o > z and else 0; otherwise 3 if z > o and 2 if o > z.

    Parameters
    ----------
    agents : int
        Number of bits, at least 2.
    tolerance : int, optional
        The authors' 1, 1, 2, 3 for 2, 3, 5, 10 agents; agents / 3 rounded, which agrees with those, for any number.

    Examples
    --------
    >>> bit_rewards(5).tolist()
    [3.0, 3.0, 0.0, 1.0, 2.0, 2.0]
    """
    if agents < 2:
        raise InputError(f"the coordination game needs at least 2 agents, not {agents}")
    wide = round(agents / 3) if tolerance is None else tolerance
    if not 0 <= wide < agents:
        raise InputError(f"tolerance must be from 0 to {agents - 1} for {agents} agents, not {wide}")
    ones = np.arange(agents + 1)
    zeros = agents - ones
    near = np.abs(zeros - ones) <= wide
    return np.where(near, ones > zeros, np.where(zeros > ones, 3.0, 2.0)).astype(np.float64)


def coordination_game(
    agents: int,
    *,
    noise: float = 0.1,
    tolerance: int | None = None,
    discount: float = DISCOUNT,
    initial: Any = None,
) -> MarkovGame:
    """The tabular coordination game: the reward is that of the current state.

    Parameters
    ----------
    agents : int
        Number of bits and agents; its tables hold 8**agents numbers.
    noise : float
        Probability that a bit comes out otherwise than chosen.
    tolerance : int, optional
        See `bit_rewards`.
    discount : float
        Weight of the next step.
    initial : float64[2**agents], optional
        Where play starts; uniform by default. The first agent's bit is the most significant one of a state.

    Returns
    -------
    MarkovGame
        2**agents states named by their bits, two actions each, the same reward for all.

    Examples
    --------
    >>> game = coordination_game(2)
    >>> game.states, game.reward[0, :, 0, 0].tolist()
    (('00', '01', '10', '11'), [3.0, 0.0, 0.0, 2.0])
    """
    table = bit_rewards(agents, tolerance)
    _check_probability("noise", noise)
    size = 2**agents
    _check_room(agents)
    following = flips(agents, noise)
    paid = by_state(table)
    return MarkovGame.common_reward(
        np.broadcast_to(following, (size, size, size)),
        np.broadcast_to(paid.reshape(size, *[1] * agents), (size, *[2] * agents)),
        np.full(size, 1.0 / size) if initial is None else initial,
        discount=discount,
        states=tuple(format(k, f"0{agents}b") for k in range(size)),
        actions=(("0", "1"),) * agents,
        title=f"Coordination game, {agents} agents",
    )


def _check_room(agents: int) -> None:
    """`InputError` if the tables of the game do not fit in memory."""
    size = 2**agents
    need, have = 8 * (3 * size**3 + 2 * agents * size**2), available_bytes()
    if need > have:
        raise InputError(
            f"the tables of the coordination game with {agents} agents take {need / 2**30:,.0f} GiB; about "
            f"{have / 2**30:.0f} GiB of memory are available"
        )


def flips(agents: int, noise: float) -> Array:
    """Probability of the next bits given the chosen ones, float64[2**n, 2**n]; the first agent's bit is the highest."""
    one = np.array([[1.0 - noise, noise], [noise, 1.0 - noise]])
    table = np.ones((1, 1))
    for _ in range(agents):
        table = np.kron(table, one)
    return table


def by_state(table: Array) -> Array:
    """What every state pays, float64[2**n], from payments by number of ones."""
    ones = np.zeros(1, dtype=np.int64)
    for _ in range(len(table) - 1):
        ones = np.add.outer(ones, np.arange(2)).ravel()
    return table[ones]


class BitsRules:
    """The coordination game as an environment.

    The state is one bit per agent. Everybody sees all bits and chooses a bit; each next bit is the chosen one,
    flipped with probability `noise`; all are paid for the next state by `bit_rewards`. First bits are 0 with
    probability 1 / agents. The game has no end: episodes are cut off after `steps` steps, since agents see no clock.

    Observation and state: the bits, float32[agents]. `View.row`: the bits as a number, the first agent's first, for up
    to 20 agents.

    Parameters
    ----------
    name : str
        What the environment is called.
    agents : int
        Number of agents, at least 2.
    noise : float
        Probability that a bit flips.
    tolerance : int, optional
        See `bit_rewards`.
    steps : int
        Length of an episode.
    """

    def __init__(
        self, name: str, agents: int = 3, noise: float = 0.1, tolerance: int | None = None, steps: int = 25
    ) -> None:
        if agents > LARGEST:
            raise InputError(
                f"{name}: everybody sees all bits, so at most {LARGEST:,} agents fit, not {agents:,}"
            )
        self.table = bit_rewards(agents, tolerance)
        _check_probability("noise", noise)
        self.noise = float(noise)
        names = tuple(f"agent_{i}" for i in range(agents))
        rows = 2**agents if agents <= LISTED else 0
        group = Group("agents", names, (agents,), Discrete(2), ("0", "1"), rows=rows)
        self.spec = EnvSpec(name, (group,), state=agents, horizon=steps, common_reward=True)

    # --- the game behind ----------------------------------------------------------------------------------

    def first_bits(self) -> Array:
        """Probability that an episode begins in each state, float64[2**n]."""
        agents = self.spec.groups[0].size
        first, one = np.ones(1), np.array([1.0, agents - 1.0]) / agents
        for _ in range(agents):
            first = np.outer(first, one).ravel()
        return first

    def next_bits(self, chosen: Any) -> Array:
        """The distribution of the next state, float64[2**n], from that of the joint action."""
        agents = self.spec.groups[0].size
        out = np.asarray(chosen, dtype=np.float64)
        for i in range(agents):
            pair = out.reshape(2**i, 2, -1)
            out = (1.0 - self.noise) * pair + self.noise * pair[:, ::-1]
        return out.ravel()

    def payments(self) -> Array:
        """What arriving in every state pays, float64[2**n]."""
        return by_state(self.table)

    def behind(self) -> MarkovGame:
        """The environment as a Markov game of `steps` steps that is paid by choices: expected payments for the next state.

        Its tables hold 8**agents numbers; `InputError` if they do not fit in memory.
        """
        agents = self.spec.groups[0].size
        size = 2**agents
        _check_room(agents)
        following = flips(agents, self.noise)
        expected = (following @ self.payments()).reshape(1, *[2] * agents)
        return MarkovGame.common_reward(
            np.broadcast_to(following, (size, size, size)),
            np.broadcast_to(expected, (size, *[2] * agents)),
            self.first_bits(),
            horizon=self.spec.horizon,
            players=self.spec.agents,
            states=tuple(format(k, f"0{agents}b") for k in range(size)),
            actions=(("0", "1"),) * agents,
            title=self.spec.name,
        )

    # --- play ---------------------------------------------------------------------------------------------

    def allocate(self, batch: int) -> dict[str, Array]:
        """The bits, and what was chosen last."""
        agents = self.spec.groups[0].size
        return {
            "bits": np.zeros((batch, agents), dtype=np.int8),
            "chosen": np.full((batch, agents), -1, dtype=np.int8),
            "mask": constant(True, (batch, agents, 2)),
            "all": constant(True, (batch, agents)),
        }

    def begin(self, state: dict[str, Array], streams: Array, where: Array) -> None:
        """First bits are 0 with probability 1 / agents; one random number per agent."""
        kernels.begin(streams, where, 1.0 / self.spec.groups[0].size, state["bits"], state["chosen"])

    def advance(
        self, state: dict[str, Array], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array | None]:
        """One random number per agent; no end."""
        reward = np.empty(actions[0].shape)
        kernels.advance(
            streams, actions[0], live, self.noise, self.table, state["bits"], state["chosen"], reward
        )
        return (reward,), None

    def look(self, state: dict[str, Array], rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """Everybody sees all bits."""
        batch, agents = rewards[0].shape
        observation = np.empty((batch, agents, agents), dtype=np.float32)
        features = np.empty((batch, agents), dtype=np.float32)
        listed = self.spec.groups[0].rows > 0
        rows = np.empty((batch, agents if listed else 0), dtype=np.int32)
        kernels.look(state["bits"], observation, features, rows)
        everybody = state["all"]
        view = View(observation, state["mask"], rewards[0], everybody, everybody, rows if listed else None)
        return (view,), features

    def return_bounds(self, steps: int) -> tuple[float, float]:
        """The smallest and the largest return of so many steps; every state can follow every other."""
        return steps * float(self.table.min()), steps * float(self.table.max())

    def scene(self, state: dict[str, Array], which: int) -> Scene:
        """A square per bit, the choice that led to it below."""
        bits, chosen = state["bits"][which].tolist(), state["chosen"][which].tolist()
        marks = []
        for i, (bit, choice) in enumerate(zip(bits, chosen)):
            marks.append(Mark("square", i + 0.5, 1.5, 0.9, color=bit, text=str(bit)))
            if choice >= 0:
                marks.append(Mark("label", i + 0.5, 0.5, 0.5, color=-2, text=f"chose {choice}"))
        paid = self.table[sum(bits)]
        return Scene(len(bits), 2.0, tuple(marks), text=f"{''.join(map(str, bits))}: worth {paid:g}")


def _check_probability(name: str, value: float) -> None:
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        raise InputError(f"{name} must be a probability from 0 to 1, not {value:g}")
