"""Mean-field models: infinitely many like agents, each seen by the others only through their law.

`MeanFieldModel` is the general finite one, given by tables or functions of the mean field; it flows without chance under
a policy, and `to_env` makes its game with N agents. `swarm_limit` is the limit of a swarm of `games.sims.swarm`.

Letters: X states, U actions, Y observations, T steps, B mean fields at once. mu is a law of states, nu a joint law of
states and actions (Cui, Hauck, Fabian and Koeppl, ICLR 2024; Lauriere et al., "Learning in mean field games: a survey",
2022).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.env import Env
from games.errors import InputError
from games.meanfield_check import whole

if TYPE_CHECKING:
    from games.sims.swarm_limits import AggregationLimit, VicsekLimit
    from games.sims.swarm_surrogate import SwarmSurrogate

Array = npt.NDArray[Any]
OfLaw = Callable[..., Array]
OfLaws = Callable[..., Array]


class Flow(NamedTuple):
    """What becomes of a mean field within one episode; without chance."""

    states: Array  # float64[T + 1, X]: law of states before each step and at the end
    joint: Array  # float64[T, X, U]: law of states and actions in each step
    rewards: Array  # float64[T]: mean reward of each step
    value: float  # discounted sum of rewards


@dataclass(frozen=True, eq=False)
class MeanFieldModel:
    """A finite mean-field model with a finite horizon.

    Functions take laws with a leading axis, so that many mean fields are treated at once.

    Parameters
    ----------
    initial : float64[X]
        Law of first states.
    transition : float64[X, U, X], or function of mu float64[B, X] that gives float64[B, X, U, X]
        P(x' | x, u, mu).
    reward : float64[X, U], or function of (mu float64[B, X], nu float64[B, X, U]) that gives float64[B, X, U]
        What an agent in x that does u gets; a team's common reward is its mean under nu.
    horizon : int
        T, steps.
    observation : float64[X, Y], or function of mu float64[B, X] that gives float64[B, X, Y], optional
        P(y | x, mu); by default agents see their state.
    discount : float
        Weight of each step relative to the one before, in (0, 1].
    title : str
        What the model is called.
    timed : bool
        Whether the functions take one more argument, the step of each law as int64[B].
    legal : bool[X, U], optional
        Which actions there are in each state, at least one; by default all. Where others stand, tables are not used.
    state_names, action_names : tuple of str
        What states and actions are called; by default their numbers.

    Raises
    ------
    InputError
        If shapes do not fit, a law is not one, or a number is not finite, naming the part of the model.

    Examples
    --------
    Two places; who moves changes place; a crowded place is worse.

    >>> move = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    >>> crowd = lambda mu, nu: -np.repeat(mu[:, :, None], 2, axis=2)
    >>> model = MeanFieldModel([1.0, 0.0], move, crowd, horizon=3)
    >>> model.flow(np.full((2, 2), 0.5)).rewards.tolist()
    [-1.0, -0.5, -0.5]
    """

    initial: Array
    transition: Array | OfLaw
    reward: Array | OfLaws
    horizon: int
    observation: Array | OfLaw | None = None
    discount: float = 1.0
    title: str = "mean-field model"
    timed: bool = False
    legal: Array | None = None
    state_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        initial = np.array(self.initial, dtype=float)
        if initial.ndim != 1 or not initial.size:
            raise InputError(f"{self.title}: initial must be float64[X], not of shape {initial.shape}")
        self._check_law("initial", initial)
        object.__setattr__(self, "initial", _frozen(initial))
        for name in ("transition", "reward", "observation"):
            part = getattr(self, name)
            if part is not None and not callable(part):
                object.__setattr__(self, name, _frozen(np.array(part, dtype=float)))
        if self.horizon < 1 or not 0 < self.discount <= 1:
            raise InputError(
                f"{self.title}: horizon must be at least 1 and discount in (0, 1], not {self.horizon} and {self.discount}"
            )
        for name, value in whole(self).items():
            object.__setattr__(self, name, value)

    @property
    def states(self) -> int:
        """X, how many states."""
        return len(self.initial)

    @property
    def actions(self) -> int:
        """U, how many actions."""
        return int(self._sizes[0])  # type: ignore[attr-defined]

    @property
    def sights(self) -> int:
        """Y, how many observations."""
        return int(self._sizes[1])  # type: ignore[attr-defined]

    @cached_property
    def digest(self) -> str:
        """What tells this model from others in saved files; see `games.meanfield_digest.digest_of`."""
        from games.meanfield_digest import digest_of

        return digest_of(self)

    @cached_property
    def span(self) -> float:
        """The scale of returns; see `games.meanfield_digest.span_of`."""
        from games.meanfield_digest import span_of

        return span_of(self)

    def _repr_html_(self) -> str:
        from games.show import mean_field_html

        return mean_field_html(self)

    def transitions(self, mu: Array, step: Array | int = 0) -> Array:
        """P(x' | x, u, mu), float64[B, X, U, X], for laws float64[B, X]; a leading axis of 1 if the same for all.

        `step` int64[B] (or one for all) says when, for models in which that matters; likewise below.
        """
        table = self._table(self.transition, step, mu)
        states = self.states
        if table.ndim != 4 or table.shape[1::2] != (states, states) or len(table) not in (1, len(mu)):
            raise InputError(
                f"{self.title}: transition has shape {table.shape[1:]}, expected ({states}, U, {states})"
            )
        self._check_law("transition", table)
        return table

    def observations(self, mu: Array, step: Array | int = 0) -> Array:
        """P(y | x, mu), float64[B, X, Y], for laws float64[B, X]; a leading axis of 1 if the same for all."""
        if self.observation is None:
            return np.eye(self.states)[None]
        table = self._table(self.observation, step, mu)
        self._check_law("observation", table)
        return table

    def rewards(self, mu: Array, nu: Array, step: Array | int = 0) -> Array:
        """What agents get, float64[B, X, U], given the laws float64[B, X] and float64[B, X, U]."""
        table = self._table(self.reward, step, mu, nu)
        if table.ndim != 3 or table.shape[1:] != nu.shape[1:] or len(table) not in (1, len(mu)):
            raise InputError(f"{self.title}: reward has shape {table.shape[1:]}, expected {nu.shape[1:]}")
        if not np.isfinite(table).all():
            raise InputError(f"{self.title}: reward holds numbers that are not finite")
        return table

    def step(self, mu: Array, rule: Array, when: Array | int = 0) -> tuple[Array, Array, Array]:
        """One step of laws float64[B, X] under decision rules float64[B, Y, U] (or [Y, U]), at step `when`.

        Returns
        -------
        tuple of arrays
            The next laws float64[B, X], the joint laws nu float64[B, X, U], mean rewards float64[B].
        """
        nu = mu[:, :, None] * np.matmul(self.observations(mu, when), rule)
        table = np.broadcast_to(self.transitions(mu, when), (*nu.shape, self.states))
        after = np.einsum("bxu,bxuz->bz", nu, table)
        return after, nu, (nu * self.rewards(mu, nu, when)).sum(axis=(1, 2))

    def flow(self, policy: Any) -> Flow:
        """The mean field under a policy, and what it earns.

        Parameters
        ----------
        policy : float64[Y, U] or float64[T, Y, U]
            Action probabilities by observation, the same in all steps or one table for each.
        """
        table = self.check_policy(policy)
        mu, laws, joints, rewards = self.initial[None], [self.initial], [], []
        for t, rule in enumerate(table):
            mu, nu, reward = self.step(mu, rule, t)
            laws.append(mu[0])
            joints.append(nu[0])
            rewards.append(reward[0])
        weights = self.discount ** np.arange(self.horizon)
        return Flow(np.stack(laws), np.stack(joints), np.array(rewards), float(weights @ np.array(rewards)))

    def check_policy(self, policy: Any) -> Array:
        """A policy as float64[T, Y, U], not to be written to; `InputError` if it is none of this model."""
        table = np.asarray(policy, dtype=float)
        shape = (self.horizon, self.sights, self.actions)
        if table.shape not in (shape, shape[1:]):
            raise InputError(
                f"{self.title}: a policy is float64{shape[1:]} or float64{shape}, not of shape {table.shape}"
            )
        self._check_law("the policy", table)
        if self.legal is not None and self.observation is None and table[..., ~self.legal].any():
            raise InputError(f"{self.title}: the policy gives probability to an action that is not legal")
        return np.broadcast_to(table, shape)

    def _table(self, part: Any, step: Array | int, *laws: Array) -> Array:
        if not callable(part):
            table: Array = part[None]
            return table
        if self.timed:
            laws = (*laws, np.broadcast_to(np.asarray(step, dtype=np.int64), len(laws[0])))
        return np.asarray(part(*laws), dtype=float)

    def _check_law(self, name: str, table: Array) -> None:
        if (
            not np.isfinite(table).all()
            or table.min(initial=0) < -1e-12
            or np.abs(table.sum(axis=-1) - 1).max(initial=0) > 1e-9
        ):
            raise InputError(
                f"{self.title}: {name} must hold probabilities that sum to 1 along the last axis"
            )


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array


def to_env(
    model: MeanFieldModel, agents: int, *, common_reward: bool = False, name: str | None = None
) -> Env:
    """The game of a mean-field model with N agents, whose mean field is their empirical law.

    Parameters
    ----------
    model : MeanFieldModel
        The model.
    agents : int
        N.
    common_reward : bool
        Whether everybody gets the mean of all rewards (a team), or each their own (a game).
    name : str, optional
        What the environment is called; by default by the model's title and N.

    Returns
    -------
    Env
        Agents of one group see their observation as a one-hot vector (and `View.row`); the global state is the empirical
        law of states. Rewards are those of the laws before the move and the actions of the move.
    """
    from games.sims.simulation import Simulation
    from games.sims.swarm_tabular import CrowdRules

    return Simulation(CrowdRules(model, agents, common_reward, name))


def swarm_limit(env: Env, **resolution: int) -> AggregationLimit | VicsekLimit:
    """The mean-field limit of a swarm as the deterministic flow of a density on a grid.

    Parameters
    ----------
    env : Env
        A swarm, as `games.make_env` makes it; its number of agents does not matter.
    **resolution : int
        See `games.sims.swarm_limits.AggregationLimit` and `VicsekLimit`.

    Examples
    --------
    >>> from games import make_env
    >>> limit = swarm_limit(make_env("swarm:kuramoto?kappa=0.5"))
    >>> round(limit.flow(lambda seen, time: 0 * seen[:, :1]).value, 1)
    -76.0
    """
    from games.sims.swarm import parameters_of
    from games.sims.swarm_aggregation import Aggregation
    from games.sims.swarm_limits import AggregationLimit, VicsekLimit

    parameters = parameters_of(env.spec)
    if isinstance(parameters, Aggregation):
        return AggregationLimit(parameters, **resolution)
    return VicsekLimit(parameters, **resolution)


def swarm_surrogate(env: Env, agents: int = 2000, seed: int = 0) -> SwarmSurrogate:
    """A swarm of at least 2000 agents in place of the limit; see `games.sims.swarm_surrogate.SwarmSurrogate`."""
    from games.sims.swarm import parameters_of
    from games.sims.swarm_surrogate import SwarmSurrogate

    return SwarmSurrogate(parameters_of(env.spec), agents, seed)
