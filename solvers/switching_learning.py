"""Tabular MANSA: independent Q-learners, a learner of joint actions, and Global, which learns when to call the second.

Source: Mguni et al. (2023), MANSA: Learning Fast and Slow in Multi-Agent Systems, ICML. Equations as in `solvers.switching_team`.
Every step one bit for the whole team decides who acts, and:

    independent   Q_i(s, a_i) <- r + gamma max_b Q_i(s', b)          on steps without a call, or on all if data are shared
    central       Q(s, a)     <- r + gamma max_b Q(s', b)            on steps with a call alone: that is what a call costs
    Global        Q_g(s, x, g) <- r - c g + gamma max_g' Q_g(s', x', g')   on all steps after the warm-up; g' among what is allowed

Only Global pays c. With a budget, g = 1 is unavailable at x = 0 both when choosing and in the maximum of the target. Where
the policies of both kinds are given instead (`learn_switch`), Global's values converge to the fixed point of (7).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from games.errors import InputError
from games.markov import MarkovGame
from games.simplices import Float, Int
from games.streams import ACT, Streams, check_seeds
from solvers import switching_kernels as kernels
from solvers.switching_team import SwitchedTeam, check_budget, check_price

Progress = Callable[[float, str], None]
_CHUNKS = 20


@dataclass(frozen=True)
class SwitchTraining:
    """How a team and its switch learn.

    Parameters
    ----------
    episodes : int
        Number of episodes.
    rate, global_rate : float
        Learning rates of the agents and of Global.
    final_global_rate : float, optional
        Global's rate falls to this in a straight line after its warm-up; it is constant by default.
    cost : float
        Price of a call; with a budget this is c_0.
    budget : int, optional
        Most calls in an episode.
    shared : bool
        Whether independent learners also learn from steps in which the central policy acted.
    switch : {"learned", "random", "independent", "central"}
        Who decides: Global; a coin; nobody, calling never or always (with a budget: as long as calls are left).
    probability : float or sequence of float
        Of a call where a coin decides, one for all seeds or one each.
    warm_up : float
        Share of the episodes, at the beginning, in which a fair coin calls and Global does not learn.
    epsilon : float
        Agents explore with probability 1 at first, falling in a straight line to this.
    global_epsilon : float
        The same of Global, from the end of its warm-up on.
    falls : float
        Over which share of the episodes (of those after the warm-up, for Global) exploration falls.
    steps : int, optional
        Length of an episode of a discounted game: a cut-off, not an end.
    """

    episodes: int = 6000
    rate: float = 0.1
    global_rate: float = 0.2
    final_global_rate: float | None = None
    cost: float = 0.1
    budget: int | None = None
    shared: bool = False
    switch: Literal["learned", "random", "independent", "central"] = "learned"
    probability: float | Sequence[float] = 0.5
    warm_up: float = 0.0
    epsilon: float = 0.05
    global_epsilon: float = 0.1
    falls: float = 0.5
    steps: int | None = None

    def __post_init__(self) -> None:
        check_price(self.cost)
        check_budget(self.budget)
        if self.episodes < 1:
            raise InputError(f"learning takes at least one episode, not {self.episodes}")
        if self.switch not in ("learned", "random", "independent", "central"):
            raise InputError(
                f"switch must be 'learned', 'random', 'independent' or 'central', not {self.switch!r:.40}"
            )
        for name in ("rate", "global_rate", "final_global_rate"):
            if getattr(self, name) is not None and not 0.0 < getattr(self, name) <= 1.0:
                raise InputError(f"{name} must be above 0 and at most 1, not {getattr(self, name)}")
        for name in ("probability", "warm_up", "epsilon", "global_epsilon", "falls"):
            given = np.asarray(getattr(self, name), dtype=np.float64)
            if not ((given >= 0.0) & (given <= 1.0)).all():
                raise InputError(f"{name} must be from 0 to 1, not {getattr(self, name)}")


@dataclass(frozen=True, eq=False)
class LearnedSwitches:
    """What B seeds learned, R situations: stage * S + state over a finite horizon, the state otherwise.

    Parameters
    ----------
    games : tuple of MarkovGame
        The game of each seed.
    training : SwitchTraining
        How.
    independent : float64[B, n, R, A]
        Action values of every agent (empty where policies were given).
    central : float64[B, R, J]
        Values of joint actions.
    switch : float64[B, R, X, 2]
        Global's values, by calls left (X = 1 without a budget).
    returns : float64[B, E]
        Return of each episode, the price of calls not deducted.
    calls : int32[B, E]
        Calls in each episode.
    samples : int64[B, 3]
        Updates of the independent learners, of the central learner and of Global.
    """

    games: tuple[MarkovGame, ...]
    training: SwitchTraining
    independent: Float
    central: Float
    switch: Float
    returns: Float
    calls: Int
    samples: Int

    @property
    def call_fraction(self) -> Float:
        """Share of all training steps in which the central policy acted, float64[B]."""
        return np.asarray(self.calls.mean(axis=1) / _steps(self.games[0], self.training))

    def independent_policy(self, seed: int) -> Float:
        """The greedy joint policy of the independent learners, float64[T, S, A1, ..., An]."""
        game = self.games[seed]
        best = np.stack([q[:, :a].argmax(axis=1) for q, a in zip(self.independent[seed], game.shape)])
        return _pure(game, np.ravel_multi_index(tuple(best), game.shape))

    def central_policy(self, seed: int) -> Float:
        """The greedy joint policy of the central learner, float64[T, S, A1, ..., An]."""
        return _pure(self.games[seed], self.central[seed].argmax(axis=1))

    def team(self, seed: int) -> SwitchedTeam:
        """Both greedy policies, for `evaluate_switch` and `optimal_switch`."""
        return SwitchedTeam(self.games[seed], self.independent_policy(seed), self.central_policy(seed))

    def greedy_switch(self, seed: int) -> Any:
        """Global's greedy switch, bool[T, S], or bool[T, S, X] with a budget; ties do not call."""
        game, q = self.games[seed], self.switch[seed]
        calls = (q[..., 1] > q[..., 0]).reshape(game.stages, game.size, -1)
        if self.training.budget is None:
            return calls[..., 0]
        calls[..., 0] = False
        return calls


def learn_together(
    games: MarkovGame | Sequence[MarkovGame],
    training: SwitchTraining,
    seeds: Any,
    progress: Progress | None = None,
) -> LearnedSwitches:
    """Independent learners, central learner and switch learn at once, for many seeds.

    Parameters
    ----------
    games : MarkovGame or sequence of MarkovGame
        Of common reward: one for all seeds, or one each, of the same sizes and length.
    training : SwitchTraining
        How.
    seeds : sequence of int
        One run each; all of its chance is drawn from its seed.
    progress : callable, optional
        Called now and then with the share done and a text.

    Raises
    ------
    InputError
        If games, seeds and training do not fit together.

    Examples
    --------
    >>> from games.sims.switching_chain import switching_chain
    >>> game = switching_chain(np.random.default_rng(0)).game
    >>> learned = learn_together(game, SwitchTraining(episodes=3000, switch="central"), [1, 2])
    >>> [float(game.values(learned.central_policy(k))[0]) for k in range(2)]
    [10.0, 10.0]
    """
    return _learned(games, None, training, seeds, progress)


def learn_switch(
    teams: SwitchedTeam | Sequence[SwitchedTeam],
    training: SwitchTraining,
    seeds: Any,
    progress: Progress | None = None,
) -> LearnedSwitches:
    """Global alone learns, between two given policies; parameters as in `learn_together`.

    Parameters
    ----------
    teams : SwitchedTeam or sequence of SwitchedTeam
        One for all seeds, or one each.
    """
    listed = [teams] if isinstance(teams, SwitchedTeam) else list(teams)
    plans = [
        np.stack([team.game.check_policy(policy) for policy in (team.independent, team.central)])
        for team in listed
    ]
    return _learned([team.game for team in listed], plans, training, seeds, progress)


def _learned(
    games: MarkovGame | Sequence[MarkovGame],
    plans: list[Float] | None,
    training: SwitchTraining,
    given: Any,
    progress: Progress | None,
) -> LearnedSwitches:
    seeds = check_seeds(given)
    listed = _matched([games] if isinstance(games, MarkovGame) else list(games), len(seeds))
    game, batch = listed[0], len(seeds)
    if plans is not None and len(plans) == 1:
        plans = plans * batch
    agents, rows = len(game.shape), game.stages * game.size
    width = 1 if training.budget is None else training.budget + 1
    most = max(game.shape) if plans is None else 0
    tables = (
        np.zeros((batch, agents, rows, most)),
        np.zeros((batch, rows, game.profiles if plans is None else 0)),
        np.zeros((batch, rows, width, 2)),
    )
    world = (
        np.stack([one.flat_reward[0] for one in listed]),
        np.stack([one.flat_transition for one in listed]).cumsum(axis=-1),
        np.stack([one.initial for one in listed]).cumsum(axis=-1),
        np.zeros((1, 1, 1, 1))
        if plans is None
        else np.stack([plan.reshape(2, rows, -1) for plan in plans]).cumsum(axis=-1),
    )
    returns = np.zeros((batch, training.episodes))
    calls = np.zeros((batch, training.episodes), dtype=np.int32)
    samples = np.zeros((batch, 3), dtype=np.int64)
    gamma = 1.0 if game.discount is None else game.discount
    counts = np.array(game.shape, dtype=np.int64)
    learning = (
        tables,
        world,
        Streams.from_seeds(seeds, ACT, agents + 2).state,
        counts,
        (counts[::-1].cumprod()[::-1] // counts).astype(np.int64),
        (float(training.rate), float(training.cost), float(gamma)),
        (bool(training.shared), training.budget is not None, plans is not None, game.discount is None),
        samples,
    )
    schedule = _schedule(training, batch)
    marks = np.linspace(0, training.episodes, _CHUNKS + 1).astype(int).tolist()
    for first, last in pairwise(marks):
        kernels.run_episodes(first, last, _steps(game, training), schedule, learning, returns, calls)
        if progress is not None:
            progress(last / training.episodes, f"{last:,} of {training.episodes:,} episodes")
    return LearnedSwitches(tuple(listed), training, *tables, returns, calls, samples)


def _schedule(training: SwitchTraining, batch: int) -> tuple[Float, Any, Float, Float]:
    """Probabilities of a call [B, E] (negative: Global decides), when Global learns [E], exploration [E, 2], its rate [E]."""
    episodes = np.arange(training.episodes)
    warm = round(training.warm_up * training.episodes)
    toss = np.empty((batch, training.episodes))
    if training.switch == "learned":
        toss[:] = np.where(episodes < warm, 0.5, -1.0)
    elif training.switch == "random":
        given = np.asarray(training.probability, dtype=np.float64)
        if given.shape not in ((), (batch,)):
            raise InputError(f"{given.size} probabilities of a call for {batch} seeds")
        toss[:] = given.reshape(-1, 1)
    else:
        toss[:] = float(training.switch == "central")
    teaches = (episodes >= warm) & (training.switch == "learned")
    epsilons = np.stack(
        [
            _falling(episodes - warm, training.falls * (training.episodes - warm), training.global_epsilon),
            _falling(episodes, training.falls * training.episodes, training.epsilon),
        ],
        axis=1,
    )
    last = training.global_rate if training.final_global_rate is None else training.final_global_rate
    left = 1.0 - np.clip((episodes - warm) / max(training.episodes - warm, 1), 0.0, 1.0)
    return toss, teaches, epsilons, last + (training.global_rate - last) * left


def _falling(since: Int, over: float, last: float) -> Float:
    """From 1 to `last` in a straight line."""
    done = np.clip(since / over, 0.0, 1.0) if over > 0 else np.ones(len(since))
    return np.asarray(1.0 + (last - 1.0) * done)


def _steps(game: MarkovGame, training: SwitchTraining) -> int:
    if game.horizon is not None:
        if training.steps not in (None, game.horizon):
            raise InputError(f"this game has {game.horizon} steps, not {training.steps}")
        return game.horizon
    if training.steps is None or training.steps < 1:
        raise InputError(f"a discounted game needs a number of steps of at least 1, not {training.steps}")
    return training.steps


def _matched(games: list[MarkovGame], batch: int) -> list[MarkovGame]:
    """One game per seed; `InputError` unless all are team games of one shape and length."""
    if len(games) not in (1, batch):
        raise InputError(f"{len(games)} games for {batch} seeds")
    first = games[0]
    for k, game in enumerate(games):
        if not game.has_common_reward:
            raise InputError(f"game {k} is no team game: its players do not all get the same reward")
        same = (game.shape, game.size, game.discount, game.horizon)
        if same != (first.shape, first.size, first.discount, first.horizon):
            raise InputError(f"game {k} differs from the first in its actions, states, discount or horizon")
    return games * batch if len(games) == 1 else games


def _pure(game: MarkovGame, choices: Int) -> Float:
    """A policy float64[T, S, A1, ..., An] from joint actions int64[R]."""
    return np.eye(game.profiles)[choices].reshape(game.stages, game.size, *game.shape)
