"""Best responses, NashConv and exploitability of behaviour strategies on a tree.

Conventions as in OpenSpiel: NashConv is the sum of the players' gains from best responses, exploitability (two-player
constant-sum games only) is NashConv divided by the number of players.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from games import simplices
from games.errors import InputError
from games.simplices import Float
from games.tree import TreeGame
from solvers.sequences import Sequences, sequences_of


class Gains(NamedTuple):
    """What players earn, and what each could gain by a best response."""

    values: Float
    """float64[P]: expected payoffs."""
    regrets: Float
    """float64[P]: best-response payoff minus expected payoff, never negative."""


def to_strategy(form: Sequences, behavior: Float) -> Float:
    """A flat behaviour strategy by sequence: float64[S], 1 at empty sequences."""
    return np.append(behavior, 1.0)[form.slot]


def to_behavior(form: Sequences, strategy: Float) -> Float:
    """The flat behaviour strategy float64[slots] that gives each sequence's last move this probability."""
    moves = form.slot >= 0
    behavior = np.empty(int(moves.sum()))
    behavior[form.slot[moves]] = strategy[moves]
    return behavior


def to_plan(form: Sequences, behavior: Float) -> Float:
    """The realization plan float64[S] of a flat behaviour strategy."""
    from solvers.sequence_kernels import plan

    x = np.ones(form.length)
    plan(to_strategy(form, behavior), form.first, form.size, form.before, x, 0, len(form.first))
    return x


def from_plan(game: TreeGame, form: Sequences, x: Float) -> Float:
    """The behaviour strategy float64[slots] of any non-negative multiple of a plan; uniform where it never leads."""
    weights = to_behavior(form, np.maximum(x, 0.0))
    return simplices.normalise(weights, game.offsets) if game.slots else weights


def gains(game: TreeGame, behavior: Any) -> Gains:
    """Expected payoffs and best-response gains of all players, in one sweep each. O(N) once, then O(S + E).

    Parameters
    ----------
    game : TreeGame
        Any number of players; perfect recall.
    behavior : float64[slots]
        A behaviour strategy profile.

    Raises
    ------
    InputError
        If the game lacks perfect recall or the strategy is not one of this game.

    Examples
    --------
    >>> from games import load
    >>> kuhn = load("openspiel:kuhn_poker")
    >>> round(float(gains(kuhn, kuhn.uniform()).regrets.sum()), 6)
    0.916667
    """
    from solvers.sequence_kernels import regrets

    form = sequences_of(game)
    x = to_plan(form, game.check_behavior(behavior))
    g, values, regret = np.empty(form.length), np.empty(form.players), np.empty(form.players)
    choice = np.empty(len(form.first), dtype=np.int32)
    regrets(*arrays(form), x, g, choice, values, regret)
    return Gains(values + form.common, np.maximum(regret, 0.0))


def arrays(form: Sequences) -> tuple[Any, ...]:
    """The arrays of a sequence form in the order in which kernels take them."""
    return (
        form.players,
        form.starts,
        form.ranks,
        form.first,
        form.size,
        form.before,
        form.rows,
        form.others,
        form.weight,
    )


def best_response(game: TreeGame, behavior: Any, player: int) -> Float:
    """A pure best response of `player` to the others, within the whole profile.

    Returns
    -------
    float64[slots]
        `behavior` with the player's own information sets replaced: the first of equally good actions. Where the
        others' play (or chance) never leads, every action is as good, and the first is taken.

    Raises
    ------
    InputError
        As `gains`, or if there is no such player.
    """
    from solvers.sequence_kernels import best_up, gradient

    if not 0 <= player < len(game.players):
        raise InputError(f"there is no player {player}; players are 0 to {len(game.players) - 1}")
    form = sequences_of(game)
    flat = game.check_behavior(behavior)
    x, g = to_plan(form, flat), np.empty(form.length)
    choice = np.empty(len(form.first), dtype=np.int32)
    start, stop = form.ranks[player], form.ranks[player + 1]
    gradient(player, form.players, form.starts, form.rows, form.others, form.weight, x, g)
    best_up(form.first, form.size, form.before, g, choice, start, stop)
    own = np.repeat(game.owner == player, np.diff(game.offsets))
    flat[own] = 0.0
    flat[form.slot[choice[start:stop]]] = 1.0
    return flat


def nash_conv(game: TreeGame, behavior: Any) -> float:
    """The sum over players of what a best response gains: 0 exactly at Nash equilibria."""
    return float(gains(game, behavior).regrets.sum())


def exploitability(game: TreeGame, behavior: Any) -> float:
    """NashConv divided by two, for two-player constant-sum games only.

    Raises
    ------
    InputError
        For other games, where the word has no agreed meaning; `nash_conv` works for all.
    """
    if len(game.players) != 2 or game.constant_sum() is None:
        raise InputError("exploitability is for two-player constant-sum games; use nash_conv")
    return nash_conv(game, behavior) / 2
