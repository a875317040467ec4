"""Markov games (stochastic games) as tables: states, joint actions, rewards, frozen and checked.

Letters: S states, P players, A1..An their action counts (n = P), J = A1 * ... * An joint actions in C order, T stages.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from games import simplices
from games.errors import InputError
from games.markov_check import (
    as_numbers,
    checked_choices,
    checked_length,
    checked_rewards,
    checked_rows,
    names_of,
    nested_names,
)
from games.markov_values import Evaluation, evaluate, visits
from games.simplices import Float, Int

if TYPE_CHECKING:
    from games.normal import NormalFormGame


@dataclass(frozen=True, eq=False, repr=False)
class MarkovGame:
    """An n-player stochastic game with finitely many states (Shapley 1953), discounted or of finite horizon.

    In each step everybody sees the state s and chooses at once, player i receives ``reward[i, s, a1, ..., an]``, and
    the next state is drawn from ``transition[s, a1, ..., an]``.

    Parameters
    ----------
    transition : float64[S, A1, ..., An, S]
        Probability of the next state; [S, J, S] is understood too.
    reward : float64[P, S, A1, ..., An]
        Expected reward of each player.
    initial : float64[S]
        Probability that play starts in each state.
    discount : float, optional
        Weight of the next step relative to this one, 0 <= discount < 1. Either this or `horizon`.
    horizon : int, optional
        Number of steps, undiscounted.
    players : sequence of str, optional
        Player names; "Player 1", ... by default.
    states : sequence of str, optional
        State names; "0", "1", ... by default.
    actions : sequence of sequences of str, optional
        Action names of each player; "1", "2", ... by default.
    title : str
        What the game is called.

    Raises
    ------
    InputError
        If shapes do not fit, a number is not finite, probabilities do not sum to one (naming state and action), or not
        exactly one of `discount` and `horizon` is given.

    Examples
    --------
    A single player who pays 1 to stay in a state worth 2 a step:

    >>> game = MarkovGame([[[1, 0], [0, 1]], [[1, 0], [0, 1]]], [[[0, 0], [2, 1]]], [0, 1], discount=0.5)
    >>> game, game.values([0, 1, 0, 1]).tolist()
    (MarkovGame('', 1 player, 2 states, 2 joint actions, discount 0.5), [2.0])
    """

    transition: Float
    reward: Float
    initial: Float
    discount: float | None = None
    horizon: int | None = None
    players: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    actions: tuple[tuple[str, ...], ...] = ()
    title: str = ""

    def __post_init__(self) -> None:
        reward = checked_rewards(self.reward)
        states, shape = reward.shape[1], reward.shape[2:]
        transition, initial = checked_rows(self.transition, self.initial, states, shape)
        discount, horizon = checked_length(self.discount, self.horizon)
        for name, array in (("reward", reward), ("transition", transition), ("initial", initial)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "discount", discount)
        object.__setattr__(self, "horizon", horizon)
        numbered = tuple(f"Player {k + 1}" for k in range(len(shape)))
        object.__setattr__(self, "players", names_of(self.players, numbered, "player"))
        object.__setattr__(self, "states", names_of(self.states, tuple(map(str, range(states))), "state"))
        object.__setattr__(self, "actions", nested_names(self.actions, shape))

    # --- named constructors -------------------------------------------------------------------------------

    @classmethod
    def common_reward(cls, transition: Any, reward: Any, initial: Any, **rest: Any) -> MarkovGame:
        """Every player gets `reward[s, a1, ..., an]`: a cooperative Markov game."""
        tensor = np.asarray(reward, dtype=np.float64)
        if tensor.ndim < 2:
            raise InputError(
                f"a common reward of shape {tensor.shape} is not [states, actions of player 1, ...]"
            )
        return cls(transition, np.broadcast_to(tensor, (tensor.ndim - 1, *tensor.shape)), initial, **rest)

    @classmethod
    def repeated(
        cls, game: NormalFormGame, *, discount: float | None = None, horizon: int | None = None
    ) -> MarkovGame:
        """A normal-form game played again and again by players who remember nothing: a single state."""
        return cls(
            np.ones((1, *game.shape, 1)),
            game.payoffs[:, None],
            np.ones(1),
            discount,
            horizon,
            players=game.players,
            actions=game.actions,
            title=game.title,
        )

    # --- facts --------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return self.reward.shape[2:]

    @property
    def size(self) -> int:
        """Number of states, S."""
        return len(self.initial)

    @property
    def profiles(self) -> int:
        """Number of joint actions, J."""
        return math.prod(self.shape)

    @property
    def stages(self) -> int:
        """Stages that differ in what is still to come, T: the horizon, or 1 in discounted games."""
        return self.horizon or 1

    @cached_property
    def flat_transition(self) -> Float:
        """The transitions as a read-only float64[S, J, S] view."""
        return self.transition.reshape(self.size, self.profiles, self.size)

    @cached_property
    def flat_reward(self) -> Float:
        """The rewards as a read-only float64[P, S, J] view."""
        return self.reward.reshape(len(self.players), self.size, self.profiles)

    @cached_property
    def offsets(self) -> Int:
        """int32[S * P + 1]: where the block of each state and player starts in a flat policy, state by state."""
        return simplices.offsets_of(self.shape * self.size)

    @cached_property
    def spans(self) -> Float:
        """float64[P]: how far apart two returns of a player can be.

        The largest minus the smallest reward, times the horizon or 1 / (1 - discount).
        """
        steps = self.horizon if self.discount is None else 1.0 / (1.0 - self.discount)
        with np.errstate(over="ignore"):  # infinite if rewards are that far apart
            return (self.flat_reward.max(axis=(1, 2)) - self.flat_reward.min(axis=(1, 2))) * steps

    @cached_property
    def span(self) -> float:
        """The largest of the players' ranges of returns; tolerances are relative to it."""
        return float(self.spans.max())

    @cached_property
    def has_common_reward(self) -> bool:
        """Whether all players always get the same."""
        return bool((self.reward == self.reward[:1]).all())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of shape, length, transitions, rewards and start. Names do not count."""
        hasher = hashlib.sha256(f"markov {self.reward.shape} {self.discount} {self.horizon}".encode())
        for array in (self.transition, self.reward, self.initial):
            canonical = (array + 0.0).astype("<f8", copy=False)  # + 0.0 makes -0.0 and 0.0 the same game
            hasher.update(canonical.data)
        return hasher.hexdigest()

    # --- policies and their values ------------------------------------------------------------------------

    def uniform(self) -> Float:
        """The flat policy float64[S * (A1 + ... + An)] by which everybody plays uniformly at random everywhere."""
        return simplices.uniform(self.offsets)

    def joint(self, profile: Any) -> Float:
        """The joint policy of players who act independently.

        Parameters
        ----------
        profile : float64[..., S * (A1 + ... + An)]
            A distribution per state and player, laid out by `offsets`; further axes, such as stages, come first.

        Returns
        -------
        float64[..., S, A1, ..., An]
            Probability of every joint action.
        """
        flat = as_numbers(profile, "a policy")
        if flat.ndim < 1 or flat.shape[-1] != int(self.offsets[-1]):
            raise InputError(
                f"a policy of shape {flat.shape} has not {int(self.offsets[-1])} probabilities, one per state, player and "
                "action"
            )
        rows = flat.reshape(*flat.shape[:-1], self.size, sum(self.shape))
        product = np.ones((*rows.shape[:-1], 1))
        for i, block in enumerate(np.split(rows, np.cumsum(self.shape)[:-1], axis=-1)):
            fair = checked_choices(block, f"{self.players[i]}'s policy", self.states)
            product = (product[..., :, None] * fair[..., None, :]).reshape(*rows.shape[:-1], -1)
        return product.reshape(*flat.shape[:-1], self.size, *self.shape)

    def check_policy(self, policy: Any) -> Float:
        """A policy as float64[T, S, J] with rows that sum to one; `InputError` naming the fault.

        Parameters
        ----------
        policy : array
            float64[S * (A1 + ... + An)]: independent players, flat by `offsets`; float64[S, A1, ..., An]: a joint
            distribution per state; float64[T, S, A1, ..., An]: one per stage and state.
        """
        array = as_numbers(policy, "a policy")
        if array.ndim == 1:
            array = self.joint(array)
        wanted = (self.size, *self.shape)
        if array.shape not in (wanted, (self.stages, *wanted)):
            raise InputError(
                f"a policy of shape {array.shape} is neither {wanted} (states, actions of each player)"
                f"{f', nor {(self.stages, *wanted)} with a stage first' if self.horizon else ''}, "
                f"nor flat with {int(self.offsets[-1])} probabilities"
            )
        rows = checked_choices(array.reshape(-1, self.size, self.profiles), "the policy", self.states)
        return np.broadcast_to(rows, (self.stages, self.size, self.profiles))

    def evaluate(self, policy: Any) -> Evaluation:
        """State and action values of a policy (see `check_policy`), exactly.

        Discounted: one linear system of S equations. Finite horizon: backward induction. O(S^2 J) a stage.
        """
        return evaluate(self, self.check_policy(policy))

    def values(self, policy: Any) -> Float:
        """Expected return of each player from the initial distribution, float64[P], under a policy."""
        return self.evaluate(policy).states[0] @ self.initial

    def visits(self, policy: Any) -> Float:
        """How often each state is visited under a policy, float64[T, S], each row a distribution.

        Discounted, T = 1: d(s) = (1 - discount) sum_t discount^t Pr(s_t = s). Finite horizon: Pr(s_t = s).
        """
        return visits(self, self.check_policy(policy))

    def blocks(self, profile: Any) -> list[Float]:
        """The distributions of a flat policy, state by state and player by player, as views."""
        return simplices.blocks(np.asarray(profile, dtype=np.float64), self.offsets)

    # --- showing itself -----------------------------------------------------------------------------------

    def __repr__(self) -> str:
        length = f"discount {self.discount:g}" if self.horizon is None else f"{self.horizon} steps"
        counted: Sequence[tuple[int, str]] = (
            (len(self.players), "player"),
            (self.size, "state"),
            (self.profiles, "joint action"),
        )
        told = ", ".join(f"{n:,} {what}{'' if n == 1 else 's'}" for n, what in counted)
        return f"MarkovGame({self.title!r}, {told}, {length})"

    def _repr_html_(self) -> str:
        from games.show import markov_html

        return markov_html(self)
