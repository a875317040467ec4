"""Exact expected returns of teams, where the game behind an environment is known as a table or a tree.

What an agent does is read off once (`experiments.read_off`); after that every team of such agents costs little.

Letters: P agents of the environment, K teams, N nodes, Z terminal nodes, S situations or states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from experiments import read_off
from experiments.read_off import NotExact, Progress, Seats
from games.env import Env, View
from games.errors import InputError
from games.play import step_limit
from games.policy import Independent, JointPolicy, Policy
from games.sims.simulation import Simulation

if TYPE_CHECKING:
    from games.tree import TreeGame

Array = npt.NDArray[Any]
Part = Any
"""What one agent does in its seat, as the game's `_Behind` keeps it."""

_MOST_SEEN = 1 << 26
"""Repeated games in which the listed situations show more numbers than this are not read off."""


def exact_values(
    env: Env, team: JointPolicy, progress: Progress | None = None, *, max_steps: int | None = None
) -> Array:
    """Expected undiscounted returns of a team, float64[P], from the game itself.

    Parameters
    ----------
    env : Env
        What `games.simulate.simulate` makes of a game, a repeated game whose situations are listed, or a game of
        OpenSpiel's that can be written out as a tree of at most `experiments.read_off.MAX_NODES` nodes.
    team : JointPolicy
        `Independent`, and each agent's policy must tell its probabilities (``probs``). On trees played in turns
        policies may remember; elsewhere they must act on the situation alone.
    progress : callable, optional
        Told that a tree is being compiled.
    max_steps : int, optional
        Episodes are cut off after so many steps, as in `games.play.play_episodes`.

    Raises
    ------
    NotExact
        Saying in half a sentence why the values cannot be computed here.
    """
    if not isinstance(team, Independent):
        raise NotExact("its agents do not play independently of each other")
    behind = _behind(env, max_steps, progress)
    parts = [part for seat in team.seats for part in _read(behind, [seat])]
    return behind.worth(parts)


def exact_many(
    env: Env,
    cast: Sequence[Sequence[Policy | None]],
    profiles: Any,
    progress: Progress | None = None,
    *,
    max_steps: int | None = None,
) -> Array:
    """Expected returns of many teams of the same agents; each agent is read off once per seat.

    Parameters
    ----------
    env, progress, max_steps
        As in `exact_values`.
    cast : sequence of sequences of Policy
        ``cast[k][i]``: how agent k plays seat i; None where it never does.
    profiles : int[K, P]
        Which agent plays each seat of each team.

    Returns
    -------
    float64[K, P]
        Rows as `exact_values` gives them, bit for bit; NaN in the rows of teams with an agent that cannot be read off.

    Raises
    ------
    NotExact
        If no team could be evaluated in this environment, whoever plays.
    InputError
        If somebody is seated who does not play that seat.
    """
    chosen = np.asarray(profiles)
    players = len(env.spec.agents)
    if chosen.ndim != 2 or chosen.shape[1] != players or chosen.dtype.kind not in "iu":
        raise InputError(f"profiles are int[teams, {players}], not {chosen.dtype} {chosen.shape}")
    if chosen.size and not 0 <= chosen.min() <= chosen.max() < len(cast):
        raise InputError(f"profiles name agents from 0 to {len(cast) - 1}, not {chosen.max()}")
    behind = _behind(env, max_steps, progress)
    parts = {
        (k, i): _part(behind, env, cast[k][i], k, i)
        for i in range(players)
        for k in np.unique(chosen[:, i]).tolist()
    }
    out = np.full(chosen.shape, np.nan)
    for row, profile in zip(out, chosen.tolist()):
        team = [parts[k, i] for i, k in enumerate(profile)]
        if not any(part is None for part in team):
            try:
                row[:] = behind.worth(team)
            except NotExact:
                continue
    return out


def _part(behind: _Behind, env: Env, policy: Policy | None, agent: int, seat: int) -> Part | None:
    """What an agent does in a seat, None if it cannot be read off."""
    if policy is None:
        raise InputError(f"{env.spec.name}: agent {agent} does not play {env.spec.agents[seat]}")
    try:
        return _read(behind, [(0, slice(seat, seat + 1), policy)])[0]
    except NotExact:
        return None


def _read(behind: _Behind, seats: Seats) -> list[Part]:
    read_off.require_probs(seats)
    try:
        return behind.read(seats)
    except (InputError, IndexError) as error:  # a table that does not fit, say
        raise NotExact(str(error)) from None


# --- games behind environments ----------------------------------------------------------------------------------


class _Behind(Protocol):
    """A game in which policies can be read off and put together."""

    def read(self, seats: Seats) -> list[Part]:
        """What those in a seat do there, one part for each agent."""

    def worth(self, team: Sequence[Part]) -> Array:
        """Expected returns float64[P] of one part for each agent."""


def _behind(env: Env, max_steps: int | None, progress: Progress | None) -> _Behind:
    from games.sims.markov import MarkovRules
    from games.sims.matrix import MatrixRules
    from games.sims.repeated import RepeatedRules

    limit = step_limit(env, max_steps)
    rules = env.rules if isinstance(env, Simulation) else None
    if isinstance(rules, MatrixRules):
        return _Matrix(rules, env)
    if isinstance(rules, MarkovRules):
        return _Markov(rules, limit or 1)
    if isinstance(rules, RepeatedRules):
        return _Repeated(rules, limit or 1)
    if (found := read_off.tree_behind(env, progress)) is not None:
        if limit is not None and env.spec.horizon is not None and limit < env.spec.horizon:
            raise NotExact(f"its plays are cut off after {limit} steps")
        return _Tree(env, *found)
    raise NotExact("no table or tree of its game is known")


class _Tree:
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


class _Matrix:
    """A normal-form game: a part is a mixed action."""

    def __init__(self, rules: Any, env: Env) -> None:
        self._game, self._view = rules.game, read_off.first_view(env)

    def read(self, seats: Seats) -> list[Part]:
        """Mixed actions of the seats' players."""
        probs = read_off.probs_at_once(seats, self._view)[0]
        return [_own(row, self._game.shape[i]) for row, i in zip(probs, _players(seats))]

    def worth(self, team: Sequence[Part]) -> Array:
        """Expected payoffs."""
        return np.asarray(self._game.values(np.concatenate(team)))


class _Markov:
    """A Markov game: a part is a policy float64[T, S, A]."""

    def __init__(self, rules: Any, steps: int) -> None:
        self._game, self._steps, self._view = rules.game, steps, read_off.markov_view(rules)

    def read(self, seats: Seats) -> list[Part]:
        """Policies of the seats' players."""
        if not read_off.forgetful(seats):
            raise NotExact("its agents remember more than the state")
        game, probs = self._game, read_off.probs_at_once(seats, self._view)
        return [
            _own(probs[:, k], game.shape[i]).reshape(game.stages, game.size, -1)
            for k, i in enumerate(_players(seats))
        ]

    def worth(self, team: Sequence[Part]) -> Array:
        """Rewards of all steps, undiscounted as in play, by carrying the distribution over states along."""
        game = self._game
        joint = np.ones((game.stages, game.size, 1))
        for policy in team:
            joint = (joint[..., None] * policy[..., None, :]).reshape(game.stages, game.size, -1)
        paid = np.einsum("psj,tsj->tps", game.flat_reward, joint)
        chain = np.einsum("tsj,sjn->tsn", joint, game.flat_transition)
        total, reached = np.zeros(len(game.players)), game.initial
        for step in range(self._steps):
            stage = step if game.horizon is not None else 0
            total = total + np.einsum("ps,s->p", paid[stage], reached)
            reached = np.einsum("s,sn->n", reached, chain[stage])
        return total


class _Repeated:
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
