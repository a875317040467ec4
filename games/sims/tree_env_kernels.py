"""Moving many plays through one game tree, and writing down what their players see.

Letters: B plays, P players, N nodes, E edges, I information sets, Z terminal nodes, A most actions, d numbers in an
observation. The children of node v are ``child[first[v]:first[v + 1]]``, in the order of its actions; for a chance
node only those with positive probability, with their running sums of probabilities in `cumulative`.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, uniform

_CHANCE, _TERMINAL = -1, -2


@njit(**BARE)
def accumulate(first: Any, probability: Any, cumulative: Any) -> None:
    """Running sums float64[E] of the probabilities of each node's edges."""
    for v in range(len(first) - 1):
        total = 0.0
        for e in range(first[v], first[v + 1]):
            total += probability[e]
            cumulative[e] = total


@njit(**BARE)
def settle(v: Any, player: Any, first: Any, child: Any, cumulative: Any, stream: Any) -> Any:
    """The next node below v at which a player moves or the play ends; one draw per chance node on the way."""
    while player[v] == _CHANCE:
        low, high = first[v], first[v + 1] - 1
        u = uniform(stream) * cumulative[high]
        while low < high:
            middle = (low + high) // 2
            if u < cumulative[middle]:
                high = middle
            else:
                low = middle + 1
        v = child[low]
    return v


@njit(**BARE)
def begin(
    node: Any, unmoved: Any, where: Any, streams: Any, player: Any, first: Any, child: Any, cumulative: Any
) -> None:
    """Start at the root where bool[B]; `unmoved` bool[B] is set where chance ends the play before anybody moves."""
    for b in range(len(node)):
        if where[b]:
            v = settle(0, player, first, child, cumulative, streams[b])
            node[b] = v
            unmoved[b] = player[v] == _TERMINAL


@njit(**BARE)
def advance(
    node: Any,
    unmoved: Any,
    actions: Any,
    live: Any,
    streams: Any,
    player: Any,
    label: Any,
    first: Any,
    child: Any,
    cumulative: Any,
    payoff: Any,
    reward: Any,
    ended: Any,
) -> None:
    """Play checked actions int32[B, P]; rewards float64[B, P] are paid where the play has `ended` bool[B].

    label int32[N] is the number of a terminal node among the terminal nodes; payoff float64[Z, P].
    """
    for b in range(len(node)):
        ended[b] = False
        for i in range(reward.shape[1]):
            reward[b, i] = 0.0
        if not live[b]:
            continue
        v = node[b]
        if player[v] >= 0:
            v = child[first[v] + actions[b, player[v]]]
            v = settle(v, player, first, child, cumulative, streams[b])
            node[b] = v
        if player[v] == _TERMINAL:
            ended[b] = True
            unmoved[b] = False
            for i in range(reward.shape[1]):
                reward[b, i] = payoff[label[v], i]


@njit(**BARE)
def look(
    node: Any,
    unmoved: Any,
    player: Any,
    label: Any,
    width: Any,
    acting: Any,
    mask: Any,
    row: Any,
    state: Any,
    skip: Any,
) -> None:
    """Who acts where and with what choice, into arrays of zeros; node numbers in binary digits of `state` after `skip`.

    label int32[N] is a player's node's information set, width int32[I] how many actions each has. A play that chance
    ended before anybody moved waits for one forced move of the first player, in row I.
    """
    for b in range(len(node)):
        v = node[b]
        for k in range(state.shape[1] - skip):
            state[b, skip + k] = (v >> k) & 1
        if unmoved[b]:
            acting[b, 0] = True
            mask[b, 0, 0] = True
            row[b, 0] = len(width)
        elif player[v] >= 0:
            i, h = player[v], label[v]
            acting[b, i] = True
            row[b, i] = h
            for a in range(width[h]):
                mask[b, i, a] = True


@njit(**BARE)
def mark_index(acting: Any, row: Any, index: Any, observation: Any, state: Any) -> None:
    """One-hot observations into zeros float32[B, P, d] and the first d numbers of the state; index int32[I]."""
    for b in range(acting.shape[0]):
        for i in range(acting.shape[1]):
            if acting[b, i] and row[b, i] < len(index):
                observation[b, i, index[row[b, i]]] = 1.0
                state[b, index[row[b, i]]] = 1.0


@njit(**BARE)
def copy_features(acting: Any, row: Any, features: Any, observation: Any, state: Any) -> None:
    """Observations from a table float32[I, d] into zeros float32[B, P, d] and the first d numbers of the state."""
    for b in range(acting.shape[0]):
        for i in range(acting.shape[1]):
            if acting[b, i] and row[b, i] < len(features):
                for k in range(features.shape[1]):
                    observation[b, i, k] = features[row[b, i], k]
                    state[b, k] = features[row[b, i], k]
