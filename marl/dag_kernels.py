"""Drawing graphs and joint actions of a Bayesian network in batches, sub-environment by sub-environment.

Letters: B sub-environments, n agents, A actions, H hidden units.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from games.stream_kernels import BARE, uniform

_DEAR = 1e30
SMALLEST, LARGEST = np.float32(1e-7), np.float32(1.0 - 1e-7)
"""Uniform numbers stay between these, so that their logarithms are finite in single precision."""


@njit(**BARE)
def draw_noise(state: Any, out: Any) -> None:
    """Uniform numbers float32[B, m n^2] from the agents' streams uint64[B, n, 4]; row i of each matrix is from agent i's."""
    batch, agents = state.shape[0], state.shape[1]
    matrices = out.shape[1] // (agents * agents)
    for b in range(batch):
        for i in range(agents):
            for m in range(matrices):
                start = (m * agents + i) * agents
                for j in range(agents):
                    out[b, start + j] = min(max(np.float32(uniform(state[b, i])), SMALLEST), LARGEST)


@njit(cache=True)
def assign(scores: Any, agent_at: Any) -> None:
    """The assignment of agents to positions with the largest sum of scores float[R, n, n] (position, agent), int32[R, n].

    Scores that are not finite count as very low. Shortest augmenting paths (Jonker and Volgenant 1987; Crouse 2016), O(n^3) for each of the R matrices.
    """
    rows, n = scores.shape[0], scores.shape[1]
    cost, u, v, reach = np.empty((n, n)), np.empty(n), np.empty(n), np.empty(n)
    at, stands, way, left = np.empty((4, n), np.int64)
    for r in range(rows):
        v[:], stands[:] = 0.0, -1
        for i in range(n):  # whoever is the best of its position and taken by no other is there already
            best = 0
            for j in range(n):
                cost[i, j] = -scores[r, i, j] if math.isfinite(scores[r, i, j]) else _DEAR
                if cost[i, j] < cost[i, best]:
                    best = j
            u[i], at[i] = cost[i, best], -1
            if stands[best] < 0:
                at[i], stands[best] = best, i
        for start in range(n):
            if at[start] < 0:
                _augment(start, cost, u, v, reach, at, stands, way, left)
        for i in range(n):
            agent_at[r, i] = at[i]


@njit(**BARE)
def _augment(
    start: Any, cost: Any, u: Any, v: Any, reach: Any, at: Any, stands: Any, way: Any, left: Any
) -> None:
    """Give position `start` an agent, along the shortest path to one that has no position yet.

    u, v float64[n]: prices of positions and agents; at, stands int64[n]: who is where, and where each agent is, -1 for
    nowhere; reach, way, left: workspace.
    """
    n = cost.shape[0]
    for j in range(n):
        reach[j], left[j], way[j] = np.inf, j, start
    count, i, far, free = n, start, 0.0, -1
    while free < 0:
        least, which = np.inf, 0
        for k in range(count):
            j = left[k]
            length = far + cost[i, j] - u[i] - v[j]
            if length < reach[j]:
                reach[j], way[j] = length, i
            if reach[j] < least:
                least, which = reach[j], k
        far = least
        j = left[which]
        count -= 1  # agents that were reached gather behind `count`
        left[which], left[count] = left[count], j
        if stands[j] < 0:
            free = j
        else:
            i = stands[j]
    u[start] += far
    for k in range(count, n):
        j = left[k]
        if stands[j] >= 0:
            u[stands[j]] += far - reach[j]
        v[j] -= far - reach[j]
    j, i = free, -1
    while i != start:
        i = way[j]
        stands[j] = i
        at[i], j = j, at[i]


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
def tell(b: Any, j: Any, action: Any, seen: Any, by_action: Any, by_sight: Any, tells: Any) -> None:
    """What agent j's action, and what it sees, add to the hidden layer of its children, tells[j], float32[n, H].

    seen float32[B, n, d]; by_action float32[1, n, A, H]; by_sight float32[n, d, H].
    """
    for h in range(tells.shape[1]):
        tells[j, h] = by_action[0, j, action, h]
    for k in range(seen.shape[2]):
        x = seen[b, j, k]
        if x != 0.0:
            for h in range(tells.shape[1]):
                tells[j, h] += x * by_sight[j, k, h]


@njit(fastmath={"reassoc", "contract"}, **BARE)
def _rectified_dot(hidden: Any, weight: Any) -> Any:
    """The sum of the products of rectified hidden units and weights, float32[H] each."""
    total = np.float32(0.0)
    for h in range(hidden.shape[0]):
        total += max(hidden[h], np.float32(0.0)) * weight[h]
    return total


@njit(**BARE)
def told(
    b: Any,
    i: Any,
    graph: Any,
    action: Any,
    base: Any,
    by_action: Any,
    bias: Any,
    head: Any,
    tells: Any,
    hidden: Any,
    out: Any,
) -> None:
    """Logits out float64[A] of agent i in sub-environment b, given its parents' actions int32[n].

    base float64[B, n, A]: without parents. If head float32[n, A, H] has entries, what parents tell (`tell`) and a bias
    float32[H] are summed, rectified, less what the bias alone is, and pass through it; else by_action
    float32[n, n, A, A] (child, parent, its action) is added.
    """
    agents, width = graph.shape[1], out.shape[0]
    for a in range(width):
        out[a] = base[b, i, a]
    if not head.shape[0]:
        for j in range(agents):
            if graph[b, j, i]:
                for a in range(width):
                    out[a] += by_action[i, j, action[j], a]
        return
    some = False
    for h in range(hidden.shape[0]):
        hidden[h] = bias[h]
    for j in range(agents):
        if graph[b, j, i]:
            some = True
            for h in range(hidden.shape[0]):
                hidden[h] += tells[j, h]
    if some:
        for a in range(width):
            out[a] += _rectified_dot(hidden, head[i, a]) - _rectified_dot(bias, head[i, a])


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
    by_sight: Any,
    bias: Any,
    head: Any,
    greedy: Any,
    out: Any,
) -> None:
    """Draw joint actions int32[B, n], parents before children; one draw of every agent's stream unless greedy.

    mask bool[B, n, A]; agent_at int32[B, n]; graph bool[B, n, n]; the rest as in `tell` and `told`.
    """
    batch, agents, width = base.shape
    units = by_action.shape[3]
    logits, hidden, tells = (
        np.empty(width),
        np.empty(units, np.float32),
        np.empty((agents, units), np.float32),
    )
    for b in range(batch):
        for k in range(agents):
            i = agent_at[b, k]
            told(b, i, graph, out[b], base, by_action, bias, head, tells, hidden, logits)
            if greedy:
                out[b, i] = likeliest(logits, mask[b, i])
            else:
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
            if head.shape[0]:
                tell(b, i, out[b, i], seen, by_action, by_sight, tells)


@njit(cache=True)
def conditionals(
    cells: Any,
    graph: Any,
    base: Any,
    mask: Any,
    seen: Any,
    by_action: Any,
    by_sight: Any,
    bias: Any,
    head: Any,
    greedy: Any,
    out: Any,
) -> None:
    """Probability float64[n, B, J] of every agent's part of joint actions cells int32[J, n], given its parents' parts."""
    batch, agents, width = base.shape
    units = by_action.shape[3]
    logits, hidden, tells = (
        np.empty(width),
        np.empty(units, np.float32),
        np.empty((agents, units), np.float32),
    )
    for b in range(batch):
        for c in range(cells.shape[0]):
            if head.shape[0]:
                for j in range(agents):
                    tell(b, j, cells[c, j], seen, by_action, by_sight, tells)
            for i in range(agents):
                told(b, i, graph, cells[c], base, by_action, bias, head, tells, hidden, logits)
                if greedy:
                    out[i, b, c] = 1.0 if likeliest(logits, mask[b, i]) == cells[c, i] else 0.0
                else:
                    total = softened(logits, mask[b, i])
                    if total > 0.0:
                        out[i, b, c] = logits[cells[c, i]] / total
                    else:  # nothing is legal for who does not act
                        out[i, b, c] = 1.0 if cells[c, i] == 0 else 0.0
