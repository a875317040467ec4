"""A team that can play in two ways, independently or centrally learned, and pays for the second: the operators of MANSA.

Source: Mguni et al. (2023), MANSA: Learning Fast and Slow in Multi-Agent Systems, ICML; equation numbers are those used in this
project. With g = 1 where the central policy acts, at price c a call, and fixed policies of both kinds:

    v_g(s) = E[ sum_t gamma^t (R(s_t, a_t) - c g_t) ]                                                                   (4)
    (K v)(s) = E_{a ~ independent}[ R(s, a) + gamma E v(s') ]                                                           (5)
    (M v)(s) = E_{a ~ central}[ R(s, a) + gamma E v(s') ] - c                                                           (6)
    (T v)(s) = max{ (K v)(s), (M v)(s) }                                                                                (7)
    call in s  iff  (M v*)(s) > (K v*)(s),  v* = T v*                                                                   (8)

With at most B calls in an episode (MANSA-B) situations carry the number of calls left, x = B at first and x - g after (9); where
none is left there is no call, a constraint and not a penalty: (M V)(s, 0) = -infinity and (M V)(s, x) uses V(., x - 1).

Letters: S states, T stages (1 in discounted games), X = B + 1 numbers of calls left (1 where calls are not limited).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from games.errors import InputError
from games.markov import MarkovGame
from games.simplices import Float


@dataclass(frozen=True, eq=False)
class SwitchedTeam:
    """Two fixed joint policies of a cooperative Markov game, between which a switch chooses in every step.

    Parameters
    ----------
    game : MarkovGame
        With a common reward; discounted or of finite horizon (then gamma is 1).
    independent, central : array
        Joint policies in any form that `MarkovGame.check_policy` accepts.

    Raises
    ------
    InputError
        If the reward is not common, or a policy is not one of this game.

    Examples
    --------
    >>> from games import load
    >>> game = MarkovGame.repeated(load("zoo:climbing"), discount=0.5)
    >>> team = SwitchedTeam(game, [0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0])
    >>> team.keep([0.0]), team.call([0.0], cost=2), team.best([10.0], cost=2)
    (array([5.]), array([9.]), array([14.]))
    """

    game: MarkovGame
    independent: Any
    central: Any
    gains: Float = field(init=False, repr=False)  # float64[2, T, S]: expected reward of a step, by g
    chains: Float = field(init=False, repr=False)  # float64[2, T, S, S]: where a step leads, by g

    def __post_init__(self) -> None:
        game = self.game
        if not game.has_common_reward:
            raise InputError(
                "switching needs a team: the players of this game do not all get the same reward"
            )
        parts = [_process(game, _named(game, policy, name)) for name, policy in self._policies()]
        object.__setattr__(self, "gains", np.stack([gain for gain, _ in parts]))
        if all(chain.shape[0] == 1 for _, chain in parts):  # the same at all stages: no copies
            chains = np.stack([chain for _, chain in parts])
            chains = np.broadcast_to(chains, (2, game.stages, game.size, game.size))
        else:
            each = (game.stages, game.size, game.size)
            chains = np.stack([np.broadcast_to(chain, each) for _, chain in parts])
        object.__setattr__(self, "chains", chains)

    def _policies(self) -> tuple[tuple[str, Any], ...]:
        return ("independent", self.independent), ("central", self.central)

    @property
    def gamma(self) -> float:
        """Weight of the next step: the game's discount, or 1 over a finite horizon."""
        return 1.0 if self.game.discount is None else self.game.discount

    @property
    def stages(self) -> int:
        """Stages that differ, T."""
        return self.game.stages

    @property
    def size(self) -> int:
        """Number of states, S."""
        return self.game.size

    # --- operators ----------------------------------------------------------------------------------------

    def keep(self, values: Any, stage: int = 0) -> Float:
        """K of (5): independent play in stage `stage`, then `values`.

        Parameters
        ----------
        values : float64[S] or float64[S, X]
            What the next state is worth; with a second axis, by calls left.

        Returns
        -------
        float64[S] or float64[S, X]
        """
        after = self._checked(values)
        return self._step(0, after, stage)

    def call(self, values: Any, cost: float, stage: int = 0) -> Float:
        """M of (6): the central policy acts in stage `stage` at price `cost`, then `values`, as in `keep`.

        With calls left as second axis a call uses one up, and is worth minus infinity where none is left.
        """
        after = self._checked(values)
        if after.ndim == 1:
            return self._step(1, after, stage) - cost
        out = np.full(after.shape, -np.inf)
        out[:, 1:] = self._step(1, after[:, :-1], stage) - cost
        return out

    def best(self, values: Any, cost: float, stage: int = 0) -> Float:
        """T of (7): the better of `keep` and `call`."""
        return np.maximum(self.keep(values, stage), self.call(values, cost, stage))

    def _step(self, g: int, after: Float, stage: int) -> Float:
        gain = self.gains[g, stage]
        later = self.gamma * (self.chains[g, stage] @ after)
        return np.asarray(later + (gain if after.ndim == 1 else gain[:, None]))

    def _checked(self, values: Any) -> Float:
        after = np.asarray(values, dtype=np.float64)
        if after.ndim not in (1, 2) or len(after) != self.size:
            raise InputError(
                f"values of shape {after.shape} are not one per state, of which there are {self.size}"
            )
        return after


def check_price(cost: Any) -> float:
    """The price of a call as a number that is at least 0; `InputError` otherwise."""
    if not np.isscalar(cost) or isinstance(cost, str | bytes | complex) or not 0.0 <= float(cost) < np.inf:
        raise InputError(f"the price of a central call must be a number of at least 0, not {cost!r:.40}")
    return float(cost)


def check_budget(budget: Any) -> int | None:
    """The number of calls in an episode as a whole number that is at least 0, or None; `InputError` otherwise."""
    if budget is None:
        return None
    if isinstance(budget, bool) or not isinstance(budget, int | np.integer) or budget < 0:
        raise InputError(f"the budget must be a whole number of calls of at least 0, not {budget!r:.40}")
    return int(budget)


def _named(game: MarkovGame, policy: Any, name: str) -> Float:
    try:
        return game.check_policy(policy)
    except InputError as error:
        raise InputError(f"the {name} policy: {error}") from error


def _process(game: MarkovGame, policy: Float) -> tuple[Float, Float]:
    """Expected rewards float64[T, S] and the chain float64[T or 1, S, S] under a checked policy float64[T, S, J]."""
    apart = policy[:1] if policy.strides[0] == 0 else policy
    gain = np.einsum("sj,tsj->ts", game.flat_reward[0], apart)
    chain = np.stack([(rows[:, None, :] @ game.flat_transition)[:, 0] for rows in apart])
    return np.broadcast_to(gain, (game.stages, game.size)), chain
