"""Tabular learning of a team and of the switch between its two ways of play; front end in `solvers.switching_learning`.

Letters: B seeds, E episodes, n agents, S states, J joint actions, A the most actions of an agent, R situations (stage * S + state
over a finite horizon, the state otherwise), X numbers of calls left. `tables` are (independent[B, n, R, A], central[B, R, J],
switch[B, R, X, 2]); `world` is (reward[B, S, J], following[B, S, J, S], first[B, S], plans[B, 2, R, J]), the last three as
cumulative probabilities. Streams are those of the agents, of Global and of the game, in this order. `schedule` is (toss[B, E],
whether Global learns[E], epsilons[E, 2] of Global and agents, rates[E] of Global). `learning` is (tables, world, streams, counts
and strides of actions, rates of (agents, cost, gamma), flags of (shared, limited, frozen, staged), samples[B, 3]).
"""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE, below, uniform


@njit(**BARE)
def drawn(cumulative: Any, stream: Any) -> Any:
    """An index by its cumulative probabilities; the last one of positive probability takes what rounding leaves."""
    u, last = uniform(stream), cumulative.shape[0] - 1
    for k in range(last):
        if u < cumulative[k]:
            return k
    while last > 0 and cumulative[last] <= cumulative[last - 1]:
        last -= 1
    return last


@njit(**BARE)
def best_of(values: Any, count: Any) -> Any:
    """The first of the largest of `count` values."""
    best = 0
    for a in range(1, count):
        if values[a] > values[best]:
            best = a
    return best


@njit(**BARE)
def called(q: Any, toss: Any, epsilon: Any, allowed: Any, stream: Any) -> Any:
    """g: by a coin that shows 1 with probability `toss`, or by Global if that is negative; 0 where no call is left."""
    u, v = uniform(stream), uniform(stream)
    if not allowed:
        return 0
    if toss >= 0.0:
        return 1 if u < toss else 0
    if u < epsilon:
        return 1 if v < 0.5 else 0
    return 1 if q[1] > q[0] else 0


@njit(**BARE)
def chosen(
    tables: Any, b: Any, row: Any, g: Any, epsilon: Any, counts: Any, strides: Any, streams: Any
) -> Any:
    """The joint action of the chosen set of learners; every agent explores by its own coin."""
    central, j = tables[1][b, row], 0
    greedy = best_of(central, central.shape[0]) if g == 1 else 0
    for i in range(counts.shape[0]):
        if uniform(streams[i]) < epsilon:
            a = below(streams[i], counts[i])
        elif g == 1:
            a = greedy // strides[i] % counts[i]
        else:
            a = best_of(tables[0][b, i, row], counts[i])
        j += a * strides[i]
    return j


@njit(**BARE)
def learn_independent(
    q: Any, row: Any, j: Any, reward: Any, after: Any, gamma: Any, rate: Any, counts: Any, strides: Any
) -> Any:
    """Everybody's own Q-learning, q float64[n, R, A]; `after` is the next situation, negative at the end."""
    for i in range(counts.shape[0]):
        target = reward
        if after >= 0:
            target += gamma * q[i, after, best_of(q[i, after], counts[i])]
        a = j // strides[i] % counts[i]
        q[i, row, a] += rate * (target - q[i, row, a])


@njit(**BARE)
def learn_central(q: Any, row: Any, j: Any, reward: Any, after: Any, gamma: Any, rate: Any) -> Any:
    """Q-learning of joint actions, q float64[R, J]."""
    target = reward
    if after >= 0:
        target += gamma * q[after, best_of(q[after], q.shape[1])]
    q[row, j] += rate * (target - q[row, j])


@njit(**BARE)
def learn_switch(
    q: Any, row: Any, x: Any, g: Any, reward: Any, after: Any, left: Any, limited: Any, gamma: Any, rate: Any
) -> Any:
    """Global's Q-learning, q float64[R, X, 2]; the maximum of the target is over what is allowed with `left` calls."""
    target = reward
    if after >= 0:
        best = q[after, left, 0]
        if (not limited or left > 0) and q[after, left, 1] > best:
            best = q[after, left, 1]
        target += gamma * best
    q[row, x, g] += rate * (target - q[row, x, g])


@njit(**BARE)
def one_step(
    b: Any,
    row: Any,
    x: Any,
    now: Any,
    tables: Any,
    world: Any,
    streams: Any,
    counts: Any,
    strides: Any,
    flags: Any,
) -> Any:
    """g and the joint action; `now` is (toss, epsilon of Global, epsilon of agents)."""
    limited, frozen = flags[1], flags[2]
    n = counts.shape[0]
    g = called(tables[2][b, row, x], now[0], now[1], not limited or x > 0, streams[b, n])
    if frozen:
        return g, drawn(world[3][b, g, row], streams[b, n])
    return g, chosen(tables, b, row, g, now[2], counts, strides, streams[b])


@njit(**BARE)
def one_episode(b: Any, now: Any, teaches: Any, global_rate: Any, steps: Any, learning: Any) -> Any:
    """Play an episode and learn from every step; return of the team and number of calls; `teaches`: whether Global learns."""
    tables, world, streams, counts, strides, rates, flags, samples = learning
    rate, cost, gamma = rates
    shared, limited, frozen, staged = flags
    n, size = counts.shape[0], world[0].shape[1]
    state, x = drawn(world[2][b], streams[b, n + 1]), tables[2].shape[2] - 1
    total, calls, weight, row = 0.0, 0, 1.0, state
    for t in range(steps):
        g, j = one_step(b, row, x, now, tables, world, streams, counts, strides, flags)
        reward = world[0][b, state, j]
        state = drawn(world[1][b, state, j], streams[b, n + 1])
        left = x - g if limited else x
        after = (t + 1) * size + state if staged else state
        if staged and t + 1 == steps:
            after = -1
        if not frozen:
            if shared or g == 0:
                learn_independent(tables[0][b], row, j, reward, after, gamma, rate, counts, strides)
                samples[b, 0] += 1
            if g == 1:
                learn_central(tables[1][b], row, j, reward, after, gamma, rate)
                samples[b, 1] += 1
        if teaches:
            learn_switch(tables[2][b], row, x, g, reward - cost * g, after, left, limited, gamma, global_rate)
            samples[b, 2] += 1
        total += weight * reward
        weight *= gamma
        calls += g
        x, row = left, after
    return total, calls


@njit(**BARE)
def run_episodes(
    first: Any, last: Any, steps: Any, schedule: Any, learning: Any, returns: Any, calls: Any
) -> None:
    """Episodes first to last - 1 of every seed; `schedule` and `learning` are as the module says."""
    toss, teaches, epsilons, global_rates = schedule
    for b in range(toss.shape[0]):
        for e in range(first, last):
            now = (toss[b, e], epsilons[e, 0], epsilons[e, 1])
            total, made = one_episode(b, now, teaches[e], global_rates[e], steps, learning)
            returns[b, e] = total
            calls[b, e] = made
