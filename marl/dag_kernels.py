"""Drawing graphs and joint actions of a Bayesian network in batches, sub-environment by sub-environment.

Letters: B sub-environments, n agents, A actions, H hidden units.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE, uniform

_TINY = 1e-12
"""Uniform numbers are moved this far from 0 and 1, so that their logarithms are finite."""


@njit(**BARE)
def draw_noise(state: Any, ordered: Any, edged: Any, out: Any) -> None:
    """Draw the noise float32[B, k] of graphs from the agents' streams uint64[B, n, 4], row i from agent i's.

    First n^2 standard Gumbel numbers for the order, if `ordered`; then n^2 standard logistic numbers (differences of two
    Gumbel numbers) for the edges, if `edged`.
    """
    batch, agents = state.shape[0], state.shape[1]
    for b in range(batch):
        for i in range(agents):
            if ordered:
                for j in range(agents):
                    u = min(max(uniform(state[b, i]), _TINY), 1.0 - _TINY)
                    out[b, i * agents + j] = -math.log(-math.log(u))
            if edged:
                start = (agents * agents if ordered else 0) + i * agents
                for j in range(agents):
                    u = min(max(uniform(state[b, i]), _TINY), 1.0 - _TINY)
                    out[b, start + j] = math.log(u / (1.0 - u))


@njit(cache=True)
def assign(scores: Any, agent_at: Any) -> None:
    """The assignment of agents to positions with the largest sum of scores float[R, n, n] (position, agent), int32[R, n].

    Shortest augmenting paths (Jonker and Volgenant 1987), O(n^3) for each of the R matrices.
    """
    rows, n = scores.shape[0], scores.shape[1]
    u, v, reach = np.empty(n + 1), np.empty(n + 1), np.empty(n + 1)
    match, way, done = np.empty(n + 1, np.int64), np.empty(n + 1, np.int64), np.empty(n + 1, np.bool_)
    for r in range(rows):
        u[:], v[:], match[:] = 0.0, 0.0, 0
        for i in range(1, n + 1):
            match[0] = i
            here = 0
            reach[:], done[:] = np.inf, False
            while match[here] != 0:
                done[here] = True
                row, least, nearest = match[here], np.inf, 0
                for j in range(1, n + 1):
                    if not done[j]:
                        cost = -float(scores[r, row - 1, j - 1]) - u[row] - v[j]
                        if cost < reach[j]:
                            reach[j], way[j] = cost, here
                        if reach[j] < least:
                            least, nearest = reach[j], j
                for j in range(n + 1):
                    if done[j]:
                        u[match[j]] += least
                        v[j] -= least
                    else:
                        reach[j] -= least
                here = nearest
            while here != 0:
                before = way[here]
                match[here] = match[before]
                here = before
        for j in range(1, n + 1):
            agent_at[r, match[j] - 1] = j - 1


@njit(**BARE)
def link(agent_at: Any, edge: Any, acting: Any, graph: Any) -> None:
    """Graphs bool[B, n, n] from orders int32[B, n] and edge indicators bool[B, n, n]: earlier agents that act are parents."""
    batch, agents = agent_at.shape
    for b in range(batch):
        for k in range(agents):
            i = agent_at[b, k]
            for m in range(agents):
                j = agent_at[b, m]
                graph[b, j, i] = m < k and edge[b, j, i] and acting[b, j]


@njit(**BARE)
def told(
    b: Any,
    i: Any,
    graph: Any,
    action: Any,
    base: Any,
    seen: Any,
    by_action: Any,
    head: Any,
    hidden: Any,
    out: Any,
) -> None:
    """Logits out[A] of agent i in sub-environment b, given its parents' actions.

    base float64[B, n, A]: without parents. by_action float64[P, n, A, H]: what an action of each possible parent adds, for
    every child (P = n) or all alike (P = 1); seen float64[B or 0, n, H]: what parents' observations add. If head
    float64[n, H, A] has entries the sums are rectified and pass through it, else H = A and they are logits themselves.
    """
    agents, units = graph.shape[1], by_action.shape[3]
    child = i if by_action.shape[0] > 1 else 0
    for a in range(out.shape[0]):
        out[a] = base[b, i, a]
    for h in range(units):
        hidden[h] = 0.0
    some = False
    for j in range(agents):
        if graph[b, j, i]:
            some = True
            for h in range(units):
                hidden[h] += by_action[child, j, action[j], h]
            if seen.shape[0]:
                for h in range(units):
                    hidden[h] += seen[b, j, h]
    if not some:
        return
    if head.shape[0]:
        for h in range(units):
            if hidden[h] > 0.0:
                for a in range(out.shape[0]):
                    out[a] += hidden[h] * head[i, h, a]
    else:
        for a in range(out.shape[0]):
            out[a] += hidden[a]


@njit(**BARE)
def softened(logits: Any, mask: Any) -> Any:
    """Turn logits float64[A] into weights of a soft-max over legal actions, in place; their sum."""
    top = -np.inf
    for a in range(logits.shape[0]):
        if mask[a] and logits[a] > top:
            top = logits[a]
    total = 0.0
    for a in range(logits.shape[0]):
        if mask[a]:
            logits[a] = math.exp(logits[a] - top) if top > -np.inf else 1.0
            total += logits[a]
        else:
            logits[a] = 0.0
    return total


@njit(**BARE)
def likeliest(logits: Any, mask: Any) -> Any:
    """The legal action with the largest logit, the first of equals; 0 where nothing is legal."""
    best, top = -1, -np.inf
    for a in range(logits.shape[0]):
        if mask[a] and (best < 0 or logits[a] > top):
            best, top = a, logits[a]
    return max(best, 0)


@njit(cache=True)
def sample_joint(
    state: Any,
    agent_at: Any,
    graph: Any,
    base: Any,
    mask: Any,
    seen: Any,
    by_action: Any,
    head: Any,
    greedy: Any,
    out: Any,
) -> None:
    """Draw joint actions int32[B, n], parents before children; one draw of every agent's stream unless greedy.

    mask bool[B, n, A]; agent_at int32[B, n]; graph bool[B, n, n]; the rest as in `told`.
    """
    batch, agents, width = base.shape
    logits, hidden = np.empty(width), np.empty(by_action.shape[3])
    for b in range(batch):
        for k in range(agents):
            i = agent_at[b, k]
            told(b, i, graph, out[b], base, seen, by_action, head, hidden, logits)
            if greedy:
                out[b, i] = likeliest(logits, mask[b, i])
                continue
            u = uniform(state[b, i]) * softened(logits, mask[b, i])
            chosen = 0
            for a in range(width):
                p = logits[a]
                if p > 0.0:
                    chosen = a
                    if u < p:
                        break
                    u -= p
            out[b, i] = chosen


@njit(cache=True)
def conditionals(
    cells: Any,
    graph: Any,
    base: Any,
    mask: Any,
    seen: Any,
    by_action: Any,
    head: Any,
    greedy: Any,
    out: Any,
) -> None:
    """Probability float64[n, B, J] of every agent's part of joint actions cells int32[J, n], given its parents' parts."""
    batch, agents, width = base.shape
    logits, hidden = np.empty(width), np.empty(by_action.shape[3])
    for b in range(batch):
        for i in range(agents):
            for c in range(cells.shape[0]):
                told(b, i, graph, cells[c], base, seen, by_action, head, hidden, logits)
                if greedy:
                    out[i, b, c] = 1.0 if likeliest(logits, mask[b, i]) == cells[c, i] else 0.0
                else:
                    total = softened(logits, mask[b, i])
                    if total > 0.0:
                        out[i, b, c] = logits[cells[c, i]] / total
                    else:  # nothing is legal for who does not act
                        out[i, b, c] = 1.0 if cells[c, i] == 0 else 0.0
