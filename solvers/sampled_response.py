"""Best responses on a tree by sampling: regret minimisation of one player against others who do not change.

External sampling (Lanctot et al. 2009): a traversal tries all actions of the player and draws those of chance and of
the others, who are like chance here. The player's regrets at an information set sum the differences between its
actions' counterfactual values, sampled without bias; against fixed others its own play settles, and the action of
largest regret is a best one in the limit. A traversal costs what the player's own part of the tree costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from games.errors import InputError
from games.simplices import Float
from games.tree import TreeGame
from solvers.mccfr_stream import active_players, stream_of

ROUNDS = 50
"""Mixtures of others' profiles are drawn from in so many rounds, so that early regrets do not hang on one of them."""


def sampled_response(
    game: TreeGame,
    player: int,
    profiles: Sequence[Float],
    probs: Float,
    traversals: int,
    rng: np.random.Generator,
) -> Float:
    """An approximate best response to a mixture of behaviour strategy profiles.

    Parameters
    ----------
    game : TreeGame
        Any number of players; perfect recall.
    player : int
        Who responds; its own part of the profiles is not looked at.
    profiles : sequence of float64[slots]
        What the others play, drawn once before the game.
    probs : float64[K]
        Probabilities of the profiles.
    traversals : int
        How many traversals of the tree, at least 1.
    rng : numpy.random.Generator
        Source of everything random.

    Returns
    -------
    float64[slots]
        A profile in which the player's own information sets hold a pure response; where the traversals never came,
        the first action. The others' are zero.

    Raises
    ------
    InputError
        If there is no such player, no traversal, or the game lacks perfect recall.
    """
    if not 0 <= player < len(game.players):
        raise InputError(f"there is no player {player}; players are 0 to {len(game.players) - 1}")
    if traversals < 1:
        raise InputError(f"a sampled best response needs at least one traversal, not {traversals}")
    found = np.zeros(game.slots)
    own = np.flatnonzero(game.owner == player)
    found[game.offsets[own]] = 1.0
    active = active_players(game)
    if player not in active:
        return found
    from solvers.mccfr_kernels import match_all
    from solvers.sampled_response_kernels import respond

    stream = stream_of(game)
    count = np.repeat(stream.sizes, stream.sizes)
    table = np.zeros(stream.length)
    match_all(stream.starts, stream.sizes, table)
    fixed = game.owner[game.infoset_of_slot[stream.slot]] != player
    state = rng.integers(0, 2**64, size=1, dtype=np.uint64)
    path, values = np.empty((stream.depth, 3), dtype=np.int32), np.empty(stream.width)
    number = int(np.searchsorted(active, player))
    rounds = min(ROUNDS, traversals) if len(profiles) > 1 else 1
    weights = np.asarray(probs, dtype=np.float64) / np.sum(probs)
    for done in range(rounds):
        left = traversals * (done + 1) // rounds - traversals * done // rounds
        for k, n in enumerate(rng.multinomial(left, weights).tolist()):
            if n:
                table[(stream.place + count)[fixed]] = profiles[k][stream.slot[fixed]]
                respond(
                    stream.code, stream.keep, stream.other, stream.payoff, table, path, values, state, number, n
                )  # fmt: skip
    regret = np.zeros(game.slots)
    regret[stream.slot] = table[stream.place]
    for h in own.tolist():
        block = slice(int(game.offsets[h]), int(game.offsets[h + 1]))
        found[block] = 0.0
        found[block.start + int(np.argmax(regret[block]))] = 1.0
    return found
