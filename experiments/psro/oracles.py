"""Oracles: who finds a good response to the others' play, exactly, by sampling, or by learning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple, Protocol

import numpy as np

from experiments.psro.arenas import Arena, Best, TreeArena
from experiments.psro.meta import Target
from games.errors import InputError

ORACLES = ("exact", "mccfr", "rl")
Progress = Callable[[float, str], None]


class Task(NamedTuple):
    """What an oracle is asked."""

    arena: Arena
    populations: Sequence[Sequence[Any]]
    target: Target
    best: Best | None
    """The exact best response, where it is known."""
    rng: np.random.Generator
    progress: Progress | None


class Found(NamedTuple):
    """What it found."""

    strategy: Any
    """None if nothing better than what the player does now."""
    gain: float
    """What the strategy earns more than the player does now: exactly, or as far as the oracle can tell."""


class Oracle(Protocol):
    """Finds responses."""

    name: str
    exact: bool
    """Whether responses are best."""
    patience: int
    """After how many iterations without a new strategy there is no hope of another."""

    def check(self, arena: Arena) -> None:
        """Raise `InputError` if it cannot work in an arena."""

    def respond(self, task: Task) -> Found:
        """A response."""


def make_oracle(name: str, **settings: Any) -> Oracle:
    """An oracle by name, with the settings of its class.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    kinds: dict[str, Any] = {"exact": Exact, "mccfr": Sampled, "rl": Learned}
    if name not in kinds:
        near = get_close_matches(name, ORACLES, 1, 0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(ORACLES)}"
        raise InputError(f"there is no oracle {name!r}; {hint}")
    oracle: Oracle = kinds[name](**settings)
    return oracle


@dataclass(frozen=True)
class Exact:
    """A pure best response, from the game itself."""

    name = "exact"
    exact = True
    patience = 1

    def check(self, arena: Arena) -> None:
        """Only trees and matrices have exact best responses."""
        if not arena.exact:
            raise InputError(
                f"{arena.title} has no game tree or payoff matrix behind it, so best responses are not known "
                "exactly; use the oracle 'rl'"
            )

    def respond(self, task: Task) -> Found:
        """What is known already."""
        assert task.best is not None
        return Found(task.best.strategy, task.best.value - task.target.own)


@dataclass(frozen=True)
class Sampled:
    """A response by Monte Carlo regret minimisation against the others' fixed mixture, on trees.

    Parameters
    ----------
    traversals : int
        How often the tree is traversed for each response (`solvers.sampled_response`).
    """

    traversals: int = 20_000
    name = "mccfr"
    exact = False
    patience = 5

    def check(self, arena: Arena) -> None:
        """Only trees are sampled."""
        if not isinstance(arena, TreeArena):
            raise InputError(
                f"the oracle 'mccfr' samples plays of a game tree, which {arena.title or 'this game'} is not; use "
                f"{'the oracle exact' if arena.exact else 'the oracle rl'}"
            )
        if self.traversals < 1:
            raise InputError(f"the oracle 'mccfr' needs at least one traversal, not {self.traversals}")

    def respond(self, task: Task) -> Found:
        """A pure response, and exactly what it gains."""
        from solvers.sampled_response import sampled_response

        arena, target = task.arena, task.target
        assert isinstance(arena, TreeArena) and task.best is not None
        profiles, probs = arena.others(task.populations, target)
        behavior = sampled_response(arena.game, target.player, profiles, probs, self.traversals, task.rng)
        mine = np.repeat(arena.game.owner == target.player, np.diff(arena.game.offsets))
        plan = arena.tree.plan(target.player, np.where(mine, behavior, arena.game.uniform()))
        return Found(plan, arena.worth(target.player, plan, task.best) - target.own)


@dataclass(frozen=True)
class Learned:
    """A response that a reinforcement learner finds against the others, who are frozen.

    Parameters
    ----------
    steps : int
        Environment steps of training.
    learner : str
        Its name: ippo, mappo or iql.
    episodes : int
        On which gains are measured, apart from those by which the response is chosen.
    batch : int
        Sub-environments trained in at once.
    max_steps : int, optional
        Cut episodes off here, where the environment has no horizon.
    device : str
        Where networks live.
    """

    steps: int = 20_000
    learner: str = "ippo"
    episodes: int = 1000
    batch: int = 64
    max_steps: int | None = None
    device: str = "cpu"
    name = "rl"
    exact = False
    patience = 1

    def check(self, arena: Arena) -> None:
        """There must be something to train for, and to measure by."""
        for count, what in ((self.steps, "step of training"), (self.episodes, "episode to measure by")):
            if count < 1:
                raise InputError(f"the oracle 'rl' needs at least one {what}, not {count}")

    def respond(self, task: Task) -> Found:
        """Train, choose, measure on fresh seeds (on trees and matrices: exactly)."""
        from experiments.learned_gains import LOOKS, make_responder
        from games.against import Against
        from games.streams import draw_seeds
        from marl.best_response import Search, learn_response, measure_gain

        arena, target = task.arena, task.target
        env, team, agent = arena.seats(task.populations, target)
        learner = make_responder(self.learner, Against(env, team, agent).spec, self.steps)
        seed = int(task.rng.integers(2**31))
        search = Search(
            self.steps, self.batch, LOOKS, max(50, self.episodes // 4), self.max_steps, seed, self.device
        )
        response = learn_response(learner, env, team, agent, search, task.progress)
        if task.best is not None:
            strategy = arena.adopt(target.player, response.policy)
            gain = arena.worth(target.player, strategy, task.best) - target.own
            return Found(strategy if gain > 0 else None, max(gain, 0.0))
        if not response.better:
            return Found(None, 0.0)
        seeds = draw_seeds(task.rng, self.episodes)
        measured = measure_gain(env, team, agent, response.policy, seeds, max_steps=self.max_steps)
        gain = float(measured.differences.mean())
        return Found(arena.adopt(target.player, response.policy) if gain > 0 else None, max(gain, 0.0))
