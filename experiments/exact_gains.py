"""What players could gain by deviating, exactly, where the game behind an environment is known as a table or a tree.

Learned policies are asked for their probabilities in every situation (every history, if they remember), and the gain is
computed from the game by the certificates of `solvers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from games.env import Env, View
from games.errors import InputError
from games.policy import Independent, JointPolicy
from games.sims.simulation import Simulation

if TYPE_CHECKING:
    from games.tree import TreeGame
    from solvers.certificate import Certificate

Array = npt.NDArray[Any]
Progress = Callable[[float, str], None]
MAX_NODES = 1_000_000
"""Trees with more nodes than this are not compiled for the sake of exactness."""
_AT_ONCE = 4_096


class NotExact(Exception):
    """Why gains cannot be computed exactly here, in half a sentence."""


@dataclass(frozen=True)
class Exact:
    """Exact gains.

    Parameters
    ----------
    certificate : Certificate
        Regrets, values, span.
    behind : str
        What the environment plays: a game tree, a normal-form game, a Markov game.
    duel : bool
        Whether that is a two-player constant-sum game, in which exploitability has its meaning.
    """

    certificate: Certificate
    behind: str
    duel: bool


def exact_gains(env: Env, team: JointPolicy, progress: Progress | None = None) -> Exact:
    """Every player's regret when a team plays, from the game itself.

    Parameters
    ----------
    env : Env
        What `games.simulate.simulate` makes of a game, or one of OpenSpiel's that can be written out as a tree.
    team : JointPolicy
        Each agent's policy must tell its probabilities (``probs``).
    progress : callable, optional
        Told that a tree is being compiled.

    Raises
    ------
    NotExact
        If the environment has no such game behind it, or the policies cannot be read off.
    """
    from games.sims.markov import MarkovRules
    from games.sims.matrix import MatrixRules
    from games.sims.tree import TreeRules

    if not isinstance(team, Independent):
        raise NotExact("its agents do not play independently of each other")
    for _, _, policy in team.seats:
        if not hasattr(policy, "probs"):
            raise NotExact(f"{policy!r} does not tell its action probabilities")
    rules = env.rules if isinstance(env, Simulation) else None
    if isinstance(rules, TreeRules):
        return _on_tree(env, team, *_tree_of(rules))
    if isinstance(rules, MatrixRules):
        return _on_matrix(rules, env, team)
    if isinstance(rules, MarkovRules):
        return _on_markov(rules, team)
    if hasattr(env, "information_sets"):
        try:
            found = env.information_sets(MAX_NODES, progress)
        except InputError as error:
            raise NotExact(str(error)) from None
        return _on_tree(env, team, *found)
    raise NotExact("no table or tree of its game is known")


# --- trees ------------------------------------------------------------------------------------------------------


def _tree_of(rules: Any) -> tuple[TreeGame, View, Array]:
    """As `games.from_openspiel_env.OpenSpielEnv.information_sets`: the k-th action is the k-th of its block."""
    game = rules.game
    columns = np.arange(game.slots) - game.offsets[game.infoset_of_slot]
    return game, rules.situations(np.arange(len(game.owner))), columns


def _on_tree(env: Env, team: Independent, game: TreeGame, view: View, columns: Array) -> Exact:
    from solvers.certificate import certify
    from solvers.history_certificate import certify_histories

    try:
        game.require_perfect_recall("an exact gain")
    except InputError as error:
        raise NotExact(str(error)) from None
    memory = team.start(1)
    if all(kept is None for kept in memory):
        blocks = np.split(np.arange(len(game.owner)), range(_AT_ONCE, len(game.owner), _AT_ONCE))
        probs = np.concatenate([_owners_probs(team, game, view, rows)[0] for rows in blocks])
        behavior = probs[game.infoset_of_slot, columns]
        certificate = certify(game, game.check_behavior(behavior), "nash")
    else:
        if not env.spec.turn_based:
            raise NotExact("its agents remember, and move at once")
        certificate = certify_histories(game, _moves(team, game, view, columns))
    duel = len(game.players) == 2 and game.constant_sum() is not None
    return Exact(certificate, "game tree", duel)


def _owners_probs(
    team: Independent, game: TreeGame, view: View, rows: Array, memory: Any = None
) -> tuple[Array, list[Any]]:
    """What the owners of information sets int[K] do there, float64[K, A], and everybody's memories afterwards."""
    out, after = np.zeros((len(rows), view.mask.shape[-1])), []
    owner, here = game.owner[rows], view.where(rows)
    memories = team.start(len(rows)) if memory is None else memory
    for (_, seats, policy), own in zip(team.seats, memories):
        given, own = policy.probs(here.agents(seats), own)  # type: ignore[attr-defined]
        mine = np.flatnonzero((owner >= seats.start) & (owner < seats.stop))
        out[mine] = given[mine, owner[mine] - seats.start]
        after.append(own)
    return out, after


def _moves(team: Independent, game: TreeGame, view: View, columns: Array) -> Array:
    """The probability of every node's move at its parent, float64[N], when policies remember the way there."""
    memory = team.start(1)
    if not all(kept is None or isinstance(kept, np.ndarray) for kept in memory):
        raise NotExact("what its policies remember is not an array")
    moves, place = np.ones(game.nodes), np.zeros(game.nodes, dtype=np.int64)  # of each node in its level
    probs = _in_level(team, game, view, game.levels[0], memory)
    for level in game.levels[1:]:
        above = game.parent[level]
        chosen = np.flatnonzero(game.slot[level] >= 0)
        moves[level[chosen]] = probs[place[above[chosen]], columns[game.slot[level[chosen]]]]
        memory = [None if kept is None else kept[place[above]] for kept in memory]
        place[level] = np.arange(len(level))
        probs = _in_level(team, game, view, level, memory)
    return moves


def _in_level(team: Independent, game: TreeGame, view: View, level: Array, memory: list[Any]) -> Array:
    """What is done at nodes int[K], float64[K, A]; memories move on in place where a player moves."""
    probs = np.zeros((len(level), view.mask.shape[-1]))
    acting = np.flatnonzero(game.player[level] >= 0)
    for start in range(0, len(acting), _AT_ONCE):
        some = acting[start : start + _AT_ONCE]
        before = [None if kept is None else kept[some] for kept in memory]
        probs[some], after = _owners_probs(team, game, view, game.infoset[level[some]], before)
        for kept, now in zip(memory, after):
            if kept is not None:
                kept[some] = now
    return probs


# --- tables -----------------------------------------------------------------------------------------------------


def _on_matrix(rules: Any, env: Env, team: Independent) -> Exact:
    from solvers.certificate import certify

    game = rules.game
    world, step = env.reset(np.zeros(1, dtype=np.uint64))
    env.close(world)
    probs = _everybodys_probs(team, step.groups[0])[0]
    blocks = [probs[i, :count] for i, count in enumerate(game.shape)]
    certificate = certify(game, [_fair(block) for block in blocks], "nash")
    return Exact(certificate, "normal-form game", len(game.shape) == 2 and game.constant_sum() is not None)


def _on_markov(rules: Any, team: Independent) -> Exact:
    from solvers.markov_response import certify_markov

    if any(kept is not None for kept in team.start(1)):
        raise NotExact("its agents remember more than the state")
    game = rules.game
    batch = game.size * game.stages
    state = rules.allocate(batch)
    state["state"][:] = np.tile(np.arange(game.size), game.stages)
    state["time"][:] = np.repeat(np.arange(game.stages), game.size)
    (view,), _ = rules.look(state, (np.zeros((batch, len(game.shape))),))
    probs = _everybodys_probs(team, view)
    policies = [
        _fair(probs[:, i, :count]).reshape(game.stages, game.size, count)
        for i, count in enumerate(game.shape)
    ]
    total = game.reward.sum(axis=0)
    constant = bool(np.ptp(total) <= 1e-12 * max(1.0, float(np.abs(game.reward).max())))
    kind = "discounted Markov game" if game.discount is not None else "Markov game"
    return Exact(certify_markov(game, policies), kind, len(game.shape) == 2 and constant)


def _everybodys_probs(team: Independent, view: View) -> Array:
    """What every agent does in every sub-environment of a view at the start of an episode, float64[B, n, A]."""
    parts = []
    for (_, seats, policy), own in zip(team.seats, team.start(len(view.mask))):
        parts.append(policy.probs(view.agents(seats), own)[0])  # type: ignore[attr-defined]
    return np.concatenate(parts, axis=1)


def _fair(block: Array) -> Array:
    """Distributions without their rounding; `NotExact` if they are none."""
    total = block.sum(axis=-1, keepdims=True)
    if not (np.isfinite(block).all() and np.allclose(total, 1.0, atol=1e-6, rtol=0)):
        raise NotExact(f"its policies give probabilities that sum to {float(total.min()):g}")
    return np.asarray(block / total)


def exploitability(exact: Exact) -> float:
    """NashConv over the number of players in two-player constant-sum games, else NaN."""
    return exact.certificate.nash_conv / 2 if exact.duel else math.nan
