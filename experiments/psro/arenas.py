"""Where populations grow: what strategies are, what they earn against each other, what is best against a mixture.

An `Arena` is a game as the loop sees it. On trees (`TreeArena`) and matrices (`MatrixArena`) everything is exact; in
other environments (`experiments.psro.played.PlayedArena`) strategies are policies and payoffs are means of episodes.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from experiments.psro.meta import Sigma, Target
from games import simplices
from games.errors import InputError
from games.joint import Mixture
from games.normal import NormalFormGame
from games.simplices import Float
from games.tree import TreeGame
from games.tree_strategies import BehaviorMixture

if TYPE_CHECKING:
    from games.env import Env
    from games.policy import JointPolicy, Policy

Populations = Sequence[Sequence[Any]]


class Best(NamedTuple):
    """An exact best response."""

    value: float
    strategy: Any
    gradient: Any
    """Whatever `Arena.worth` needs to tell what another strategy earns there."""


class Arena(Protocol):
    """A game as the loop sees it."""

    game: Any
    title: str
    players: tuple[str, ...]
    exact: bool
    """Whether payoffs are expectations and best responses are known."""
    span: float
    """Largest payoff range of a player; gains are accepted relative to it."""

    def first(self, rng: np.random.Generator) -> list[Any]:
        """One strategy per player to begin with."""

    def key(self, player: int, strategy: Any) -> Hashable:
        """Equal for strategies that are the same."""

    def payoffs(self, blocks: Populations) -> Float:
        """float64[P, n_1, ..., n_P]: what all profiles earn."""

    def best(self, populations: Populations, target: Target) -> Best | None:
        """A best response, where it can be computed."""

    def worth(self, player: int, strategy: Any, best: Best) -> float:
        """What a strategy earns where `best` is best."""

    def answer(self, populations: Populations, sigma: Sigma) -> Any:
        """The play that a meta-strategy amounts to in the game, as `solvers.certify` takes it."""

    def seats(self, populations: Populations, target: Target) -> tuple[Env, JointPolicy, str]:
        """An environment, the team that a learner is to beat, and the name of its agent."""

    def adopt(self, player: int, policy: Policy) -> Any:
        """A learned policy of an agent as a strategy."""


def arena_of(game: Any, *, episodes: int = 1000, max_steps: int | None = None) -> Arena:
    """The arena of a game, or of an environment in which `episodes` are played for each profile.

    Raises
    ------
    InputError
        If a tree lacks perfect recall.
    """
    if isinstance(game, TreeGame):
        return TreeArena(game)
    if isinstance(game, NormalFormGame):
        return MatrixArena(game)
    from experiments.psro.played import PlayedArena

    return PlayedArena(game, episodes, max_steps)


class TreeArena:
    """A game tree; strategies are realization plans float64[S_i] (`solvers.restricted_tree`)."""

    exact = True

    def __init__(self, game: TreeGame) -> None:
        from solvers.restricted_tree import RestrictedTree

        self.game, self.tree = game, RestrictedTree(game)
        self.title, self.players, self.span = game.title, game.players, game.span
        self._env: Env | None = None

    def first(self, rng: np.random.Generator) -> list[Any]:
        """Everybody plays uniformly at random."""
        return [self.tree.plan(i, self.game.uniform()) for i in range(len(self.players))]

    def key(self, player: int, strategy: Any) -> Hashable:
        """Plans are compared bit by bit."""
        return (strategy + 0.0).tobytes()

    def payoffs(self, blocks: Populations) -> Float:
        """See `solvers.restricted_tree.RestrictedTree.payoffs`."""
        return self.tree.payoffs(blocks)

    def best(self, populations: Populations, target: Target) -> Best:
        """A pure best response by sweeps of the sequence form; ties are broken by the populations' averages."""
        average = [np.mean(own, axis=0) for own in populations]
        if target.weights is not None:
            plans = self.tree.mixed(populations, target.weights)
            found = self.tree.best_to_plans(target.player, plans, average)
        else:
            assert target.cells is not None and target.probs is not None
            found = self.tree.best_to_cells(target.player, populations, target.cells, target.probs, average)
        return Best(found.value, found.plan, found)

    def worth(self, player: int, strategy: Any, best: Best) -> float:
        """Linear in the plan."""
        return self.tree.worth(player, strategy, best.gradient)

    def answer(self, populations: Populations, sigma: Sigma) -> Float | BehaviorMixture:
        """A behaviour strategy profile, or a mixture of such."""
        if sigma.joint is None:
            return self._mixed(populations, simplices.blocks(*self._flat(populations, sigma)))
        profiles = [self._profile(populations, cell) for cell in sigma.joint.cells]
        return BehaviorMixture(sigma.joint.probs, np.stack(profiles))

    @staticmethod
    def _flat(populations: Populations, sigma: Sigma) -> tuple[Float, Any]:
        return sigma.marginals(), simplices.offsets_of([len(own) for own in populations])

    def _mixed(self, populations: Populations, weights: list[Float]) -> Float:
        return self.tree.behavior(self.tree.mixed(populations, weights))

    def _profile(self, populations: Populations, cell: Any) -> Float:
        return self.tree.behavior([own[k] for own, k in zip(populations, cell)])

    def others(self, populations: Populations, target: Target) -> tuple[list[Float], Float]:
        """Behaviour strategy profiles and their probabilities, as few as say what the others do."""
        if target.weights is not None:
            return [self._mixed(populations, target.weights)], np.ones(1)
        assert target.cells is not None and target.probs is not None
        if len(self.players) <= 2:
            weights = [
                np.bincount(target.cells[:, j], target.probs, len(own)).astype(np.float64)
                for j, own in enumerate(populations)
            ]
            return [self._mixed(populations, weights)], np.ones(1)
        cells = np.delete(target.cells, target.player, axis=1)
        kept, group = np.unique(cells, axis=0, return_inverse=True)
        whole = np.insert(kept, target.player, 0, axis=1)
        probs = np.bincount(group.ravel(), target.probs).astype(np.float64)
        return [self._profile(populations, cell) for cell in whole], probs

    def seats(self, populations: Populations, target: Target) -> tuple[Env, JointPolicy, str]:
        """The game played node by node, the others by behaviour strategies."""
        from games.mixed_policy import MixedTeam
        from games.tree_policies import tabular_team

        profiles, probs = self.others(populations, target)
        teams = [tabular_team(self.game, profile) for profile in profiles]
        team = teams[0] if len(teams) == 1 else MixedTeam(teams, probs)
        return self._simulated(), team, self.players[target.player]

    def adopt(self, player: int, policy: Policy) -> Float:
        """The plan of a memoryless policy, asked for every information set."""
        from games.policy import Independent, Random
        from games.tree_policies import tabulate

        env = self._simulated()
        named: dict[str, Any] = {name: Random(env.spec.groups[0].actions) for name in self.players}
        named[self.players[player]] = policy
        return self.tree.plan(player, tabulate(env, Independent(env.spec, named)))

    def _simulated(self) -> Env:
        from games.simulate import simulate

        if self._env is None:
            self._env = simulate(self.game)
        return self._env


class MatrixArena:
    """A normal-form game; strategies are mixed strategies float64[A_i]."""

    exact = True

    def __init__(self, game: NormalFormGame) -> None:
        self.game = game
        self.title, self.players, self.span = game.title, game.players, game.span

    def first(self, rng: np.random.Generator) -> list[Any]:
        """Everybody plays uniformly at random."""
        return [np.full(n, 1.0 / n) for n in self.game.shape]

    def key(self, player: int, strategy: Any) -> Hashable:
        """Mixed strategies are compared bit by bit."""
        return (strategy + 0.0).tobytes()

    def payoffs(self, blocks: Populations) -> Float:
        """The payoff tensor contracted with everybody's strategies."""
        tables = []
        for table in self.game.payoffs:
            for block in blocks:  # the first axis is used up, the new one comes last
                members = np.stack(block) if len(block) else np.empty((0, table.shape[0]))
                table = np.tensordot(table, members, axes=([0], [1]))
            tables.append(table)
        return np.stack(tables)

    def best(self, populations: Populations, target: Target) -> Best:
        """The first of the best actions."""
        if target.weights is not None:
            mixed = [w @ np.stack(own) for w, own in zip(target.weights, populations)]
            flat = self.game.deviation_payoffs(np.concatenate(mixed))
            payoffs = self.game.blocks(flat)[target.player]
        else:
            assert target.cells is not None and target.probs is not None
            payoffs = self._against(populations, target)
        chosen = np.zeros(len(payoffs))
        chosen[np.argmax(payoffs)] = 1.0
        return Best(float(payoffs.max()), chosen, payoffs)

    def _against(self, populations: Populations, target: Target) -> Float:
        assert target.cells is not None and target.probs is not None
        rows = [np.concatenate([own[k] for own, k in zip(populations, cell)]) for cell in target.cells]
        dense = Mixture(target.probs, np.stack(rows), self.game.shape).dense()
        i = target.player
        others = dense.sum(axis=i).ravel()
        return np.moveaxis(self.game.payoffs[i], i, 0).reshape(self.game.shape[i], -1) @ others

    def worth(self, player: int, strategy: Any, best: Best) -> float:
        """Linear in the mixed strategy."""
        return float(strategy @ best.gradient)

    def answer(self, populations: Populations, sigma: Sigma) -> Float | Mixture:
        """A mixed profile in flat layout, or a mixture of such."""
        if sigma.joint is None:
            blocks = simplices.blocks(
                sigma.marginals(), simplices.offsets_of([len(own) for own in populations])
            )
            return np.concatenate([w @ np.stack(own) for w, own in zip(blocks, populations)])
        rows = [np.concatenate([own[k] for own, k in zip(populations, c)]) for c in sigma.joint.cells]
        return Mixture(sigma.joint.probs, np.stack(rows), self.game.shape)

    def seats(self, populations: Populations, target: Target) -> tuple[Env, JointPolicy, str]:
        """The game played once per episode."""
        from games.correlated_policy import Correlated
        from games.simulate import simulate

        env = simulate(self.game)
        if target.weights is not None:
            mixed = [w @ np.stack(own) for w, own in zip(target.weights, populations)]
            rows, probs = np.concatenate(mixed)[None, :], np.ones(1)
        else:
            assert target.cells is not None and target.probs is not None
            rows = np.stack(
                [np.concatenate([own[k] for own, k in zip(populations, c)]) for c in target.cells]
            )
            probs = target.probs
        team = Correlated(env.spec, Mixture(probs, rows, self.game.shape))
        return env, team, self.players[target.player]

    def adopt(self, player: int, policy: Policy) -> Float:
        """The mixed strategy of a memoryless policy."""
        from games.simulate import simulate

        env = simulate(self.game)
        _, step = env.reset(np.zeros(1, dtype=np.uint64))
        told = getattr(policy, "probs", None)
        if told is None or policy.start(1, 1) is not None:
            raise InputError(f"{policy!r} does not tell its action probabilities, or remembers")
        probs, _ = told(step.groups[0].agents(slice(player, player + 1)), None)
        mixed = np.asarray(probs, dtype=np.float64)[0, 0, : self.game.shape[player]]
        return mixed / mixed.sum()
