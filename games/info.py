"""Facts about a normal-form game that need no solver: symmetry, sums, dominance between pure actions.

Comparisons of payoffs are exact: the question is about the numbers as they stand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from games.normal import NormalFormGame
from games.simplices import Float

_SAMPLE = 64  # columns looked at first: most pairs of actions are told apart by a few


def is_common_payoff(game: NormalFormGame) -> bool:
    """Whether all players always get the same payoff."""
    return bool(np.all(game.flat == game.flat[0]))


def is_symmetric(game: NormalFormGame, tolerance: float = 1e-12) -> bool:
    """Whether every relabelling of the players leaves the game as it is (actions matched by position).

    Adjacent swaps generate all relabellings, so only those are tried; `tolerance` is relative to the span.
    """
    if len(set(game.shape)) > 1:
        return False
    slack = tolerance * game.span
    for i in range(len(game.shape) - 1):
        order = list(range(len(game.shape)))
        order[i], order[i + 1] = i + 1, i
        for k, image in enumerate(order):
            swapped = np.swapaxes(game.payoffs[k], i, i + 1)
            if float(np.abs(swapped - game.payoffs[image]).max()) > slack:
                return False
    return True


def dominators(table: Float, strict: bool) -> dict[int, int]:
    """Which rows of `table` are dominated by another row, and by which.

    Parameters
    ----------
    table : float64[A, R]
        Payoff of each action against each of the R opponents' profiles.
    strict : bool
        Strict dominance everywhere, or weak: nowhere worse and somewhere better.

    Returns
    -------
    dict
        Dominated action -> the first action that dominates it. O(A^2 R) at worst, O(A^2) on most games.
    """
    sample = np.ascontiguousarray(table[:, :: max(1, table.shape[1] // _SAMPLE)])
    found: dict[int, int] = {}
    for a in range(table.shape[0]):
        worse = sample > sample[a] if strict else sample >= sample[a]
        for b in np.flatnonzero(worse.all(axis=1)).tolist():
            if b == a:
                continue
            if strict and bool((table[b] > table[a]).all()):
                found[a] = b
                break
            if not strict and bool((table[b] >= table[a]).all()) and bool((table[b] > table[a]).any()):
                found[a] = b
                break
    return found


def action_table(payoff: Float, player: int) -> Float:
    """One player's payoffs as float64[A_player, product of the others' action counts]."""
    return np.moveaxis(payoff, player, 0).reshape(payoff.shape[player], -1)


def dominance(game: NormalFormGame, strict: bool) -> list[dict[int, int]]:
    """For each player the actions dominated by another pure action, and by which (see `dominators`)."""
    return [dominators(action_table(game.payoffs[i], i), strict) for i in range(len(game.shape))]


def iterated_elimination(game: NormalFormGame) -> tuple[list[list[int]], int]:
    """What survives repeated removal of actions strictly dominated by pure actions; the order does not matter.

    Returns
    -------
    survivors : list of lists of int
        Action indices left to each player.
    rounds : int
        How many rounds of simultaneous removal it took.
    """
    left = [list(range(n)) for n in game.shape]
    payoffs, rounds = game.payoffs, 0
    while True:
        doomed = [dominators(action_table(payoffs[i], i), True) for i in range(len(left))]
        if not any(doomed):
            return left, rounds
        rounds += 1
        keep = [[k for k in range(len(names)) if k not in gone] for names, gone in zip(left, doomed)]
        left = [[names[k] for k in kept] for names, kept in zip(left, keep)]
        payoffs = payoffs[np.ix_(range(len(left)), *keep)]


def facts(game: NormalFormGame) -> dict[str, Any]:
    """Everything above in one record, with action indices 0-based; "weakly" leaves out what is strictly dominated."""
    survivors, rounds = iterated_elimination(game)
    strictly = dominance(game, True)
    weakly = [
        {a: b for a, b in weak.items() if a not in strict}
        for weak, strict in zip(dominance(game, False), strictly)
    ]
    return {
        "players": len(game.shape),
        "shape": list(game.shape),
        "profiles": game.profiles,
        "constant_sum": game.constant_sum(),
        "common_payoff": is_common_payoff(game),
        "symmetric": is_symmetric(game),
        "payoff_ranges": [[float(p.min()), float(p.max())] for p in game.flat],
        "span": game.span,
        "strictly_dominated": strictly,
        "weakly_dominated": weakly,
        "iterated_survivors": survivors,
        "iterated_rounds": rounds,
    }
