"""How dense graphs on agents are, and how far play along them is from independent, measured by samples.

A team draws joint actions a^1, ..., a^M in the same state. What is known of each draw beside the actions, the conditional
distributions pi_i(. | s, a_Pa(i)) from which they were drawn, makes estimates less noisy (Rao and Blackwell): where agent j
comes before agent i, the mean of 1[a_j] pi_i(. | a_Pa(i)) is an unbiased estimate of their joint distribution, and exactly
a product where agent i listens to nobody.

Letters: B states, M samples, n agents, A actions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def open_ratio(graphs: Array) -> Array:
    """Share of a total order's edges in use, 2 sum(G) / (n (n - 1)), float64[...], of graphs [..., n, n]; 0 if n = 1.

    Entries may be probabilities of edges: the result is then the expected share.
    """
    agents = graphs.shape[-1]
    return np.asarray(graphs.sum(axis=(-2, -1), dtype=np.float64) / max(agents * (agents - 1) / 2, 1))


def binary_entropy(probability: Array) -> Array:
    """Entropy of a coin with these probabilities, in nats: ln 2 at one half, 0 at 0 and 1."""
    sides = np.stack([probability, 1.0 - probability])
    return np.asarray(entropy(sides, axis=0))


def entropy(probs: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """Entropy of distributions along `axis`, in nats; 0 ln 0 = 0."""
    return np.asarray(-(probs * np.log(np.where(probs > 0, probs, 1.0))).sum(axis=axis))


def one_hot(actions: Array, width: int) -> Array:
    """Actions int[..., n] as distributions float64[..., n, width]."""
    return (actions[..., None] == np.arange(width)).astype(np.float64)


def sampled_information(actions: Array, conditionals: Array, before: Array) -> Array:
    """Mutual information between every two agents' actions in each state, estimated, float64[B, n, n] in nats.

    Parameters
    ----------
    actions : int[B, M, n]
        Joint actions drawn in each state.
    conditionals : float64[B, M, n, A]
        The distributions from which each agent drew, or, where they are not known, the actions as `one_hot`.
    before : bool[B, n, n]
        ``before[b, j, i]``: agent j chose before agent i. Of every two agents one is.

    Notes
    -----
    The estimate is never negative and, at most, on average too high by about (Ai - 1) (Aj - 1) / (2 M); see
    `information_bias`. With an empty graph and known conditionals it is 0.
    """
    batch, draws, agents, width = conditionals.shape
    chosen = one_hot(actions, width).reshape(batch, draws, -1)
    pairs = chosen.transpose(0, 2, 1) @ conditionals.reshape(batch, draws, -1) / draws
    joint = pairs.reshape(batch, agents, width, agents, width).transpose(0, 1, 3, 2, 4)  # [B, j, i, Aj, Ai]
    apart = joint.sum(axis=-1, keepdims=True) * joint.sum(axis=-2, keepdims=True)
    ratio = np.where(joint > 0, joint, 1.0) / np.where(joint > 0, apart, 1.0)
    found = np.maximum((joint * np.log(ratio)).sum(axis=(-2, -1)), 0.0)
    kept = np.where(before, found, 0.0)
    return np.asarray(kept + kept.transpose(0, 2, 1))


def sampled_correlation(conditionals: Array) -> Array:
    """Total correlation of the agents' actions in each state, estimated, float64[B] in nats.

    It is the sum over agents of the entropy of what they do less that of what they do knowing their parents' actions,

        sum_i H(mean_m pi_i(. | a^m_Pa(i))) - mean_m H(pi_i(. | a^m_Pa(i))),

    never negative, 0 where nobody listens, and on average too low by at most about sum_i (Ai - 1) / (2 M): the second
    entropy is unbiased, the first one is concave.

    Parameters
    ----------
    conditionals : float64[B, M, n, A]
        The distributions from which the agents drew M joint actions in each state.
    """
    mean = conditionals.mean(axis=1)
    found = (entropy(mean) - entropy(conditionals).mean(axis=1)).sum(axis=-1)
    return np.asarray(np.maximum(found, 0.0))


def counted_correlation(actions: Array, width: int) -> Array:
    """Total correlation by counting joint actions int[B, M, n], float64[B] in nats.

    On average too high by up to (J - 1 - sum_i (Ai - 1)) / (2 M), with J joint actions that occur. All of `width` to the
    power n must be numbers of 64 bits.
    """
    batch, draws, agents = actions.shape
    apart = entropy(one_hot(actions, width).mean(axis=1)).sum(axis=-1)
    number = (actions * np.array([width**k for k in range(agents)], dtype=np.int64)).sum(axis=-1)
    codes = np.unique(
        np.stack([np.repeat(np.arange(batch), draws), number.ravel()]), axis=1, return_counts=True
    )
    share = codes[1] / draws
    joint = np.bincount(codes[0][0], weights=-share * np.log(share), minlength=batch)
    return np.asarray(np.maximum(apart - joint, 0.0))


def information_bias(width: int, draws: int) -> float:
    """By how many nats `sampled_information` is too high on average, at most and to first order: (A - 1)^2 / (2 M)."""
    return math.pow(width - 1, 2) / (2 * draws)
