"""What players could gain by deviating, exactly, where the game behind an environment is known as a table or a tree.

Learned policies are asked for their probabilities in every situation (every history, if they remember), and the gain is
computed from the game by the certificates of `solvers`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments import read_off
from experiments.read_off import NotExact, Progress
from games.env import Env, View
from games.errors import InputError
from games.policy import Independent, JointPolicy
from games.sims.simulation import Simulation

if TYPE_CHECKING:
    from games.tree import TreeGame
    from solvers.certificate import Certificate

Array = npt.NDArray[Any]


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

    if not isinstance(team, Independent):
        raise NotExact("its agents do not play independently of each other")
    read_off.require_probs(team.seats)
    rules = env.rules if isinstance(env, Simulation) else None
    if isinstance(rules, MatrixRules):
        return _on_matrix(rules, env, team)
    if isinstance(rules, MarkovRules):
        return _on_markov(rules, team)
    if (found := read_off.tree_behind(env, progress)) is not None:
        return _on_tree(env, team, *found)
    raise NotExact("no table or tree of its game is known")


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


def _on_matrix(rules: Any, env: Env, team: Independent) -> Exact:
    from solvers.certificate import certify

    game = rules.game
    probs = read_off.probs_at_once(team.seats, read_off.first_view(env))[0]
    blocks = [probs[i, :count] for i, count in enumerate(game.shape)]
    certificate = certify(game, [read_off.fair(block) for block in blocks], "nash")
    return Exact(certificate, "normal-form game", len(game.shape) == 2 and game.constant_sum() is not None)


def _on_markov(rules: Any, team: Independent) -> Exact:
    from solvers.markov_response import certify_markov

    if not read_off.forgetful(team.seats):
        raise NotExact("its agents remember more than the state")
    game = rules.game
    probs = read_off.probs_at_once(team.seats, read_off.markov_view(rules))
    policies = [
        read_off.fair(probs[:, i, :count]).reshape(game.stages, game.size, count)
        for i, count in enumerate(game.shape)
    ]
    total = game.reward.sum(axis=0)
    constant = bool(np.ptp(total) <= 1e-12 * max(1.0, float(np.abs(game.reward).max())))
    kind = "discounted Markov game" if game.discount is not None else "Markov game"
    return Exact(certify_markov(game, policies), kind, len(game.shape) == 2 and constant)


def exploitability(exact: Exact) -> float:
    """NashConv over the number of players in two-player constant-sum games, else NaN."""
    return exact.certificate.nash_conv / 2 if exact.duel else math.nan
