"""Behaviour strategies as players of a tree's environment, and back.

`tabular_team` seats a flat behaviour strategy profile, `tabulate` reads one off any memoryless policy: the bridge
between what is solved on a `TreeGame` and what is learned in its environment.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Env, EnvSpec, Group, View
from games.errors import InputError
from games.policy import Independent, JointPolicy, Policy, Tabular
from games.simplices import Float
from games.spaces import Discrete
from games.tree import TreeGame

Array = npt.NDArray[Any]

_AT_ONCE = 4_096  # information sets asked about together


def behavior_table(game: TreeGame, behavior: Any) -> Float:
    """A behaviour strategy profile as a table for `games.policy.Tabular`, float64[I + 1, A].

    Row h holds information set h, padded with zeros; the last row is for plays that chance ends before anybody moves
    (`games.sims.tree.TreeRules`) and goes on.
    """
    flat = game.check_behavior(behavior)
    table = np.zeros((len(game.owner) + 1, int(np.diff(game.offsets).max(initial=1))))
    block = game.infoset_of_slot
    table[block, np.arange(game.slots) - game.offsets[block]] = flat
    table[-1, 0] = 1.0
    return table


def tabular_team(game: TreeGame, behavior: Any) -> JointPolicy:
    """A behaviour strategy profile as the players of ``simulate(game)``.

    Parameters
    ----------
    game : TreeGame
        The game.
    behavior : float64[slots]
        A flat profile, a block of probabilities per information set.

    Returns
    -------
    JointPolicy
        Every player draws by its own block; nobody remembers anything.

    Raises
    ------
    InputError
        If `behavior` is not a behaviour strategy profile of the game.

    Examples
    --------
    >>> from games import load, simulate
    >>> from games.play import play_episodes
    >>> game = load("openspiel:kuhn_poker")
    >>> team = tabular_team(game, game.uniform())
    >>> play_episodes(simulate(game), team, [1, 2, 3]).returns.sum(axis=1).tolist()
    [0.0, 0.0, 0.0]
    """
    table = behavior_table(game, behavior)
    seats = Group("players", game.players, (1,), Discrete(table.shape[1]), rows=len(table))
    return Independent(EnvSpec(game.title, (seats,), state=0, turn_based=True), Tabular(table))


def tabulate(env: Env, policy: Policy | Independent) -> Float:
    """The behaviour strategy profile of a policy, exactly: it is asked for every information set.

    Parameters
    ----------
    env : Env
        What `games.simulate.simulate` makes of a `TreeGame`.
    policy : Policy or Independent
        One policy for all players, or a seat for each. It must offer ``probs`` and remember nothing.

    Returns
    -------
    float64[slots]
        A flat behaviour strategy profile of the game.

    Raises
    ------
    InputError
        If the environment is not a tree's, or a policy has a memory, no ``probs``, or gives no distribution.
    """
    from games.sims.tree import TreeRules

    rules = getattr(env, "rules", None)
    if not isinstance(rules, TreeRules):
        raise InputError(f"{env.spec.name} is not a game tree, so there are no information sets to tabulate")
    game, count = rules.game, len(env.spec.agents)
    seats = policy.seats if isinstance(policy, Independent) else [(0, slice(0, count), policy)]
    if seats[-1][1].stop != count:
        raise InputError(f"{env.spec.name} has {count} players, the policy seats {seats[-1][1].stop}")
    table = np.zeros((len(game.owner), env.spec.groups[0].width))
    for start in range(0, len(table), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(table)))
        view = rules.situations(rows)
        for _, columns, one in seats:
            probs = _asked(env.spec, one, view.agents(columns))
            mine = (game.owner[rows] >= columns.start) & (game.owner[rows] < columns.stop)
            table[rows[mine]] = probs[mine, game.owner[rows[mine]] - columns.start]
    block = game.infoset_of_slot
    return game.check_behavior(table[block, np.arange(game.slots) - game.offsets[block]])


def _asked(spec: EnvSpec, policy: Policy, view: View) -> Array:
    """float64[K, n, A]: what a memoryless policy does in every sub-environment of a view."""
    probs = getattr(policy, "probs", None)
    if probs is None:
        raise InputError(f"{spec.name}: {policy!r} does not tell its action probabilities (probs)")
    memory = policy.start(len(view.mask), view.mask.shape[1])
    if memory is not None:
        raise InputError(
            f"{spec.name}: {policy!r} remembers what happened, so its choices are not a function of information sets"
        )
    given, _ = probs(view, None)
    if np.shape(given) != view.mask.shape:
        raise InputError(
            f"{spec.name}: {policy!r} gives probabilities of shape {np.shape(given)}, expected {view.mask.shape}"
        )
    return np.asarray(given, dtype=np.float64)
