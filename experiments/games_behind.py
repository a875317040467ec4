"""Games behind environments, as tables or trees in which policies are read off and put together.

Letters: P agents of the environment, A actions, J joint actions, N nodes, Z terminal nodes, S situations or states, T
stages.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from experiments import read_off
from experiments.read_off import NotExact, Progress, Seats
from games.correlated_policy import Correlated
from games.env import Env, View
from games.policy import JointPolicy
from games.sims.simulation import Simulation
from games.tabulate import Situations, network_at

if TYPE_CHECKING:
    from games.tree import TreeGame

Array = npt.NDArray[Any]
Part = Any
"""What one agent does in its seat, or a whole team, as the game's `Behind` keeps it."""

_MOST_SEEN = 1 << 26
"""Repeated games in which the listed situations show more numbers than this are not read off."""
_MOST_JOINT = 1 << 24
"""Joint actions in all situations together, of the largest environment in which teams are put together."""
_APART = "its agents do not play independently of each other"


class Behind(Protocol):
    """A game in which policies can be read off and put together."""

    def read(self, seats: Seats) -> list[Part]:
        """What those in a seat do there, one part for each agent."""

    def worth(self, team: Sequence[Part]) -> Array:
        """Expected returns float64[P] of one part for each agent."""

    def together(self, team: JointPolicy) -> Part:
        """What a team does whose agents play together."""

    def worth_together(self, whole: Part) -> Array:
        """Expected returns float64[P] of such a team."""


def game_behind(env: Env, limit: int | None, progress: Progress | None = None) -> Behind:
    """The game that an environment plays.

    Parameters
    ----------
    env : Env
        The environment.
    limit : int, optional
        After how many steps an episode is over at the latest (`games.play.step_limit`).
    progress : callable, optional
        Told that a tree is being compiled.

    Raises
    ------
    NotExact
        If none is known, or it is too large.
    """
    from games.sims.coordination_bits import BitsRules
    from games.sims.coordination_matrix import ClimbRules, CommonPayoffRules
    from games.sims.markov import MarkovRules
    from games.sims.matrix import MatrixRules
    from games.sims.repeated import RepeatedRules

    rules = env.rules if isinstance(env, Simulation) else None
    if isinstance(rules, MatrixRules):
        return _Matrix(env, rules.game)
    if isinstance(rules, CommonPayoffRules):
        return _Matrix(env, rules.once.game, limit or 1)
    if isinstance(rules, ClimbRules):
        return _Climb(env, rules, limit or 1)
    if isinstance(rules, MarkovRules):
        return _Markov(env, rules.game, limit or 1)
    if isinstance(rules, BitsRules):
        return _Bits(env, rules, limit or 1)
    if isinstance(rules, RepeatedRules):
        return _Repeated(rules, limit or 1)
    if (found := read_off.tree_behind(env, progress)) is not None:
        if limit is not None and env.spec.horizon is not None and limit < env.spec.horizon:
            raise NotExact(f"its plays are cut off after {limit} steps")
        return _Tree(env, *found)
    raise NotExact("no table or tree of its game is known")


class _Apart:
    """A game in which agents play by themselves."""

    def together(self, team: JointPolicy) -> Part:
        """Not here."""
        raise NotExact(_APART)

    def worth_together(self, whole: Part) -> Array:
        """Not here."""
        raise NotExact(_APART)


class _Tree(_Apart):
    """A tree: a part is the player's contribution to the probability of every terminal node.

    It is kept as values and the places float64[Z] takes them from: with perfect recall one value per own move, else
    one per terminal node.
    """

    def __init__(self, env: Env, game: TreeGame, view: View, columns: Array) -> None:
        self._game, self._view, self._columns = game, view, columns
        self._turn_based = env.spec.turn_based
        self._chance = game.chance_reach[game.terminals]
        self._mover = np.append(game.owner[game.infoset_of_slot], -1)[
            game.slot
        ]  # who made the move to each node

    def read(self, seats: Seats) -> list[Part]:
        """Realization weights (von Stengel 1996) of the seats' players."""
        game, forgetful = self._game, read_off.forgetful(seats)
        if forgetful:
            behavior = read_off.behavior(seats, game, self._view, self._columns)
            chances = np.append(self._scaled(behavior), 1.0)[game.slot]
        elif not self._turn_based:
            raise NotExact("its agents remember, and move at once")
        else:
            chances = read_off.moves(seats, game, self._view, self._columns)
        return [self._weights(i, chances, forgetful) for i in _players(seats)]

    def _scaled(self, behavior: Array) -> Array:
        """Distributions without their rounding; one that is all zeros does no harm if nobody gets there."""
        sizes = np.diff(self._game.offsets)
        sums = np.repeat(np.add.reduceat(behavior, self._game.offsets[:-1]), sizes)
        sound = np.isfinite(behavior).all() and behavior.min() >= -1e-9
        if not sound or not (np.isclose(sums, 1.0, atol=1e-6, rtol=0) | (sums == 0)).all():
            raise NotExact("its policies give probabilities that are no distributions")
        scaled: Array = np.maximum(behavior, 0.0) / np.where(sums > 0, sums, 1.0)
        return scaled

    def _weights(self, player: int, chances: Array, forgetful: bool) -> tuple[Array, Array | None]:
        game = self._game
        own = self._mover == player
        reach = np.ones(game.nodes)
        for level in game.levels[1:]:
            reach[level] = reach[game.parent[level]] * np.where(own[level], chances[level], 1.0)
        if not (forgetful and game.perfect_recall):
            return reach[game.terminals], None
        plan = np.ones(game.slots + 1)  # the last entry is for no own move at all
        plan[game.slot[own]] = reach[own]
        return plan, game.last_slots[player, game.terminals]

    def worth(self, team: Sequence[Part]) -> Array:
        """Payoffs weighted by the product of everybody's contributions."""
        reach = self._chance
        for values, places in team:
            reach = reach * (values if places is None else values[places])
        if not abs(float(reach.sum()) - 1.0) <= 1e-6:
            raise NotExact(f"its plays have probabilities that sum to {float(reach.sum()):g}")
        return np.asarray((self._game.payoff * reach).sum(axis=1))


class _Listed(ABC):
    """Situations that all agents share: a part is float64[S, A], a team's joint distributions float64[S, J]."""

    def __init__(self, env: Env, steps: int) -> None:
        self._listed, self._steps = Situations(env), steps
        self._view: View | None = None

    def read(self, seats: Seats) -> list[Part]:
        """Distributions of the seats' players in every situation."""
        if self._steps > 1 and not read_off.forgetful(seats):
            raise NotExact("its agents remember more than the state")
        if self._view is None:
            self._view = self._listed.view()
        probs, shape = read_off.probs_at_once(seats, self._view), self._listed.shape
        return [_own(probs[:, k], shape[i]) for k, i in enumerate(_players(seats))]

    def worth(self, team: Sequence[Part]) -> Array:
        """As `worth_together` of the product."""
        joint = np.ones((self._listed.count, 1))
        for own in team:
            joint = (joint[:, :, None] * own[:, None, :]).reshape(len(joint), -1)
        return self.worth_together(joint)

    def together(self, team: JointPolicy) -> Part:
        """Joint distributions in every situation."""
        listed = self._listed
        self._check_size(len(listed.shape))
        if isinstance(team, Correlated):
            if team.joint.shape != listed.shape:
                raise NotExact(f"its device is for {team.joint.shape} actions and not for {listed.shape}")
            return np.broadcast_to(team.joint.dense().ravel(), (listed.count, listed.profiles))
        nets = (network_at(listed, team, block) for block in listed.blocks())
        return np.concatenate([net.joint().reshape(net.situations, -1) for net in nets])

    @abstractmethod
    def worth_together(self, whole: Part) -> Array:
        """Expected returns."""

    def _check_size(self, least: int) -> None:
        """`NotExact` if there are too many joint actions in all situations, of which there are taken to be `least`."""
        listed = self._listed
        if max(listed.count, least) * listed.profiles > _MOST_JOINT:
            raise NotExact(
                f"it has {listed.profiles:,} joint actions in {listed.count:,} situations, too many to be listed"
            )


class _Matrix(_Listed):
    """A normal-form game, played once or several times by agents who see nothing."""

    def __init__(self, env: Env, game: Any, steps: int = 1) -> None:
        super().__init__(env, steps)
        self._game = game

    def worth(self, team: Sequence[Part]) -> Array:
        """Expected payoffs."""
        return np.asarray(self._steps * self._game.values(np.concatenate([own[0] for own in team])))

    def worth_together(self, whole: Part) -> Array:
        """Expected payoffs."""
        return np.asarray(self._steps * (self._game.flat @ whole[0]))


class _Climb(_Listed):
    """The climb game, whose payoffs need not be listed: all agents choose the first action, or none does."""

    def __init__(self, env: Env, rules: Any, steps: int) -> None:
        super().__init__(env, steps)
        self._reward = rules.reward

    def worth(self, team: Sequence[Part]) -> Array:
        """Expected payoffs."""
        first = np.array([own[0, 0] for own in team])
        return self._paid(float(first.prod()), float((1.0 - first).prod()))

    def worth_together(self, whole: Part) -> Array:
        """Expected payoffs."""
        joint = whole[0].reshape(self._listed.shape)
        return self._paid(float(joint.flat[0]), float(joint[(slice(1, None),) * joint.ndim].sum()))

    def _paid(self, everybody: float, nobody: float) -> Array:
        """By the probabilities that everybody and that nobody chooses the first action."""
        return np.full(len(self._listed.shape), self._steps * self._reward * (everybody + 0.5 * nobody))


class _Markov(_Listed):
    """A Markov game; its situations are stages and states."""

    def __init__(self, env: Env, game: Any, steps: int) -> None:
        super().__init__(env, steps)
        self._game = game

    def worth_together(self, whole: Part) -> Array:
        """Rewards of all steps, undiscounted as in play, by carrying the distribution over states along."""
        game = self._game
        joint = whole.reshape(game.stages, game.size, -1)
        paid = np.einsum("psj,tsj->tps", game.flat_reward, joint)
        chain = np.einsum("tsj,sjn->tsn", joint, game.flat_transition)
        total, reached = np.zeros(len(game.players)), game.initial
        for step in range(self._steps):
            stage = step if game.horizon is not None else 0
            total = total + np.einsum("ps,s->p", paid[stage], reached)
            reached = np.einsum("s,sn->n", reached, chain[stage])
        return total


class _Bits(_Listed):
    """The coordination game of bits: the next bits are the chosen ones, flipped by chance, and they are what is paid for."""

    def __init__(self, env: Env, rules: Any, steps: int) -> None:
        if not rules.spec.groups[0].rows:
            raise NotExact("it has too many states to list them")
        super().__init__(env, steps)
        self._check_size(len(self._listed.shape))
        self._rules = rules

    def worth_together(self, whole: Part) -> Array:
        """Payments of all steps, by carrying the distribution over states along."""
        rules, paid = self._rules, self._rules.payments()
        total, reached = 0.0, rules.first_bits()
        for _ in range(self._steps):
            reached = rules.next_bits(reached @ whole)
            total += float(reached @ paid)
        return np.full(len(self._listed.shape), total)


class _Repeated(_Apart):
    """A repeated game: a part is what is played, after noise, in every listed situation, float64[S, A]."""

    def __init__(self, rules: Any, steps: int) -> None:
        from games.repeated_values import MOST_STEPS, steps_needed

        group = rules.spec.groups[0]
        if not group.rows or group.rows * group.size * group.depth > _MOST_SEEN:
            raise NotExact("its players remember too much to list their situations")
        if steps_needed(rules, steps) > MOST_STEPS:
            raise NotExact("its matches are too long to follow every situation through all rounds")
        self._rules, self._steps, self._view = rules, steps, rules.situations()

    def read(self, seats: Seats) -> list[Part]:
        """Tables of the seats' players."""
        from games.repeated_values import trembling

        if not read_off.forgetful(seats):
            raise NotExact("its agents remember more than the rounds they see")
        probs, shape = read_off.probs_at_once(seats, self._view), self._rules.game.shape
        noise = self._rules.spec.noise
        return [trembling(_own(probs[:, k], shape[i]), noise) for k, i in enumerate(_players(seats))]

    def worth(self, team: Sequence[Part]) -> Array:
        """Expected sums of payoffs."""
        from games.repeated_values import repeated_values

        return repeated_values(self._rules, team, self._steps)


def _players(seats: Seats) -> list[int]:
    return [i for _, columns, _ in seats for i in range(columns.start, columns.stop)]


def _own(probs: Array, count: int) -> Array:
    """Distributions over a player's own actions, from columns for the largest number of actions."""
    return read_off.fair(probs[..., :count])
