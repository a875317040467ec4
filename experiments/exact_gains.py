"""What players could gain by deviating, exactly, where the game behind an environment is known as a table or a tree.

Learned policies are asked for their probabilities in every situation (every history, if they remember), and the gain is
computed from the game by the certificates of `solvers`. Where agents play together as a Bayesian network, a deviation may
go by all that the agent is told: the situation and its parents' actions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments import read_off
from experiments.read_off import NotExact, Progress
from games.bayes_net import BayesNet
from games.env import Env, View
from games.errors import InputError
from games.limits import available_bytes
from games.markov import MarkovGame
from games.normal import NormalFormGame
from games.policy import Independent, JointPolicy
from games.sims.simulation import Simulation
from games.tabulate import LARGEST, Situations, tabulate_network

if TYPE_CHECKING:
    from games.tree import TreeGame
    from solvers.certificate import Certificate

Array = npt.NDArray[Any]
BY_SITUATION = "to any other choice by what the agent sees"
BY_PARENTS = "to any other choice by what the agent sees and the actions of its parents in the graph, the others reacting as they do"


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
        Whether that is a two-player constant-sum game of independent players, in which exploitability has its meaning.
    deviations : str
        What a player may do instead.
    """

    certificate: Certificate
    behind: str
    duel: bool
    deviations: str = BY_SITUATION


def exact_gains(env: Env, team: JointPolicy, progress: Progress | None = None) -> Exact:
    """Every player's regret when a team plays, from the game itself.

    Parameters
    ----------
    env : Env
        What `games.simulate.simulate` makes of a game, a coordination game of a matrix or of bits, or a game of
        OpenSpiel's that can be written out as a tree.
    team : JointPolicy
        Each agent's policy must tell its probabilities (``probs``); or, except on trees, the team its network
        (`games.bayes_net.Networked`).
    progress : callable, optional
        Told that a tree is being compiled.

    Raises
    ------
    NotExact
        If the environment has no such game behind it, or the policies cannot be read off.
    """
    if isinstance(team, Independent):
        read_off.require_probs(team.seats)
    game, behind = table_behind(env)
    if game is not None:
        return _on_table(env, game, behind, team)
    if not isinstance(team, Independent):
        raise NotExact(
            "its agents do not play independently of each other, and no table of its game is known"
        )
    if (found := read_off.tree_behind(env, progress)) is not None:
        return _on_tree(env, team, *found)
    raise NotExact("no table or tree of its game is known")


def table_behind(env: Env) -> tuple[MarkovGame | NormalFormGame | None, str]:
    """The table that an environment plays, if it does, and what it is."""
    from games.sims.coordination_bits import BitsRules
    from games.sims.coordination_matrix import ClimbRules, CommonPayoffRules
    from games.sims.markov import MarkovRules
    from games.sims.matrix import MatrixRules

    rules = env.rules if isinstance(env, Simulation) else None
    if isinstance(rules, MatrixRules):
        return rules.game, "normal-form game"
    if isinstance(rules, MarkovRules):
        discounted = rules.game.discount is not None
        return rules.game, "discounted Markov game" if discounted else "Markov game"
    if not isinstance(rules, BitsRules | ClimbRules | CommonPayoffRules):
        return None, ""
    steps = env.spec.horizon or 1
    try:
        if isinstance(rules, BitsRules):
            _check_tables(env, steps)
            return rules.behind(), f"Markov game of {steps:,} steps, which deviations may count"
        game = rules.behind()
    except InputError as error:
        raise NotExact(str(error)) from None
    if steps == 1:
        return game, "normal-form game"
    return MarkovGame.repeated(game, horizon=steps), f"normal-form game played {steps:,} times"


def _check_tables(env: Env, steps: int) -> None:
    """`InputError` unless the tables of a game of bits, and a team's in every step, are of a size to work with."""
    agents = len(env.spec.agents)
    if not env.spec.groups[0].rows or max(8**agents, steps * agents * 4**agents) > LARGEST:
        raise InputError(f"the tables of {agents:,} bits in {steps:,} steps are too large")
    if 16 * 8**agents > available_bytes():
        raise InputError(f"the tables of {agents:,} bits do not fit in memory")


def _on_tree(env: Env, team: Independent, game: TreeGame, view: View, columns: Array) -> Exact:
    from solvers.certificate import certify
    from solvers.history_certificate import certify_histories

    try:
        game.require_perfect_recall("an exact gain")
    except InputError as error:
        raise NotExact(str(error)) from None
    if read_off.forgetful(team.seats):
        behavior = read_off.behavior(team.seats, game, view, columns)
        certificate = certify(game, game.check_behavior(behavior), "nash")
    else:
        if not env.spec.turn_based:
            raise NotExact("its agents remember, and move at once")
        certificate = certify_histories(game, read_off.moves(team.seats, game, view, columns))
    duel = len(game.players) == 2 and game.constant_sum() is not None
    return Exact(certificate, "game tree", duel)


def _on_table(env: Env, game: MarkovGame | NormalFormGame, behind: str, team: JointPolicy) -> Exact:
    if not isinstance(team, Independent):
        from solvers.network_certificate import certify_network

        net = _staged(_listed_network(env, team), game)
        return Exact(certify_network(game, net), behind, False, BY_PARENTS)
    from solvers.certificate import certify
    from solvers.markov_response import certify_markov

    stages = game.stages if isinstance(game, MarkovGame) else 1
    if isinstance(game, MarkovGame) and not read_off.forgetful(team.seats):
        raise NotExact("its agents remember more than the state")
    view = Situations(env).view()
    probs = read_off.probs_at_once(team.seats, view)
    blocks = [read_off.fair(probs[:, i, :count]) for i, count in enumerate(game.shape)]
    duel = len(game.shape) == 2 and _constant_sum(game)
    if isinstance(game, NormalFormGame):
        return Exact(certify(game, [block[0] for block in blocks], "nash"), behind, duel)
    sizes = [(stages, game.size, count) for count in game.shape]
    policies = [np.broadcast_to(block.reshape(-1, *size[1:]), size) for block, size in zip(blocks, sizes)]
    return Exact(certify_markov(game, policies), behind, duel)


def _listed_network(env: Env, team: JointPolicy) -> BayesNet:
    try:
        return tabulate_network(env, team)
    except (InputError, IndexError) as error:
        raise NotExact(str(error)) from None


def _staged(net: BayesNet, game: MarkovGame | NormalFormGame) -> BayesNet:
    """A network that is the same in all stages of a game whose agents see no clock."""
    times = game.stages * game.size // net.situations if isinstance(game, MarkovGame) else 1
    if times == 1:
        return net
    return BayesNet(
        np.tile(net.graphs, (times, 1, 1)), np.tile(net.factors, (1, times, 1)), net.shape, net.names
    )


def _constant_sum(game: MarkovGame | NormalFormGame) -> bool:
    if isinstance(game, NormalFormGame):
        return game.constant_sum() is not None
    total = game.reward.sum(axis=0)
    return bool(np.ptp(total) <= 1e-12 * max(1.0, float(np.abs(game.reward).max())))


def exploitability(exact: Exact) -> float:
    """NashConv over the number of players in two-player constant-sum games, else NaN."""
    return exact.certificate.nash_conv / 2 if exact.duel else math.nan
