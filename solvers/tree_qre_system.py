"""The agent logit system of a tree (McKelvey and Palfrey 1998), evaluated node by node.

Unknowns are x = log sigma, one block per information set, and lambda. The equations are
G(x, lambda) = x - log softmax(lambda u(x)) = 0, where u(I, a) is the owner's expected payoff given that I is reached and a
played while everybody, later agents of the owner included, follows sigma:

    u(I, a) = sum over nodes h of I of belief(h) V(h a),   belief(h) proportional to the probability of reaching h.

With perfect recall the owner's own moves are the same on the way to all nodes of I and cancel. Beliefs are softmaxes of log
reaches, so no probability has to be representable. Where chance never leads to I, they are uniform.
Derivatives are in `solvers.tree_qre_jacobian`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from games.simplices import Float, Int
from solvers import qre_interface
from solvers.kernel_options import BARE
from solvers.qre_interface import implements
from solvers.qre_system import ROUNDING, normalise_log, respond

NOISE = 1e-2  # beyond this much rounding noise the corrector does not follow


class TreeSystem(NamedTuple):
    """One tree, scaled so that its largest payoff range is one. N nodes, Z terminals, S slots, I sets, P players."""

    offsets: Int  # [I + 1]
    parent: Int  # [N]
    slot: Int  # [N] the move that leads to a node, -1 after chance
    mover: Int  # [N] player, -1 at chance and terminals
    infoset: Int  # [N]
    chance: Float  # [N]
    log_chance: Float  # [N]
    payoff: Float  # [N * P], zero but at terminals
    owner: Int  # [I]
    entry: Int  # [I] the owner's last move before, -1 if none
    impossible: Int  # [I] 1 where chance never leads
    several: Int  # [I] 1 where there is more than one node
    terminals: Int  # [Z]
    last: Int  # [Z * P] each player's last move towards a terminal, -1 if none
    near_start: Int  # [I + 1] rows of `near`
    near: Int  # the information sets before or after each in some play
    base: (
        Int  # [I] position of each set's unknowns in the order of elimination; empty where that is not sparse
    )
    later_start: Int  # [F + 2] rows of `later`
    later: Int  # later unknowns that share an equation with each, once earlier ones are eliminated


class TreeWork(NamedTuple):
    """What `evaluate` leaves behind, and workspaces."""

    u: Float  # [S]
    response: Float  # [S]
    residual: Float  # [S]
    slope: Float  # [S]
    small: Float  # [S + 1]
    step: Float  # [N] probability of the move to each node
    reach: Float  # [N * P] log probability that the others and chance lead to each node
    belief: Float  # [N]
    value: Float  # [N * P]
    weight: Float  # [I]
    top: Float  # [I]
    worth: Float  # [S + P]
    spread: Float  # [1] the largest logarithm that beliefs depend on


@implements(qre_interface.new_work, TreeSystem)
@njit(cache=True, error_model="numpy")
def new_work(system: TreeSystem) -> TreeWork:
    """Allocate the workspaces for a system."""
    slots, nodes, sets = system.offsets[-1], system.parent.size, system.owner.size
    players = system.payoff.size // nodes
    u, response, residual, slope = np.empty(slots), np.empty(slots), np.empty(slots), np.empty(slots)
    step, reach = np.empty(nodes), np.empty(nodes * players)
    belief, value = np.zeros(nodes), np.empty(nodes * players)
    weight, top, small, worth = np.empty(sets), np.empty(sets), np.empty(slots + 1), np.empty(slots + players)
    return TreeWork(
        u, response, residual, slope, small, step, reach, belief, value, weight, top, worth, np.zeros(1)
    )


@njit(**BARE)
def sweep_down(system: TreeSystem, work: TreeWork, x: Float, p: Float) -> None:
    """Move probabilities, log reaches and beliefs."""
    parent, slot, infoset, mover = system.parent, system.slot, system.infoset, system.mover
    players = work.value.size // parent.size
    step, reach, belief, weight, top = work.step, work.reach, work.belief, work.weight, work.top
    for h in range(weight.size):
        weight[h], top[h] = 0.0, -np.inf
    step[0] = 1.0
    for i in range(players):
        reach[i] = 0.0
    if infoset[0] >= 0:
        top[infoset[0]] = 0.0
    for n in range(1, parent.size):
        s, above = slot[n], parent[n]
        step[n], log = (p[s], x[s]) if s >= 0 else (system.chance[n], system.log_chance[n])
        for i in range(players):
            reach[n * players + i] = reach[above * players + i] + (log if mover[above] != i else 0.0)
        h = infoset[n]
        if h >= 0:
            top[h] = max(top[h], reach[n * players + mover[n]])
    spread = 0.0
    for h in range(weight.size):
        if system.several[h] == 1 and system.impossible[h] == 0:
            spread = max(spread, -top[h])
    work.spread[0] = spread
    for n in range(parent.size):
        h = infoset[n]
        if h >= 0:
            belief[n] = np.exp(reach[n * players + mover[n]] - top[h]) if system.impossible[h] == 0 else 1.0
            weight[h] += belief[n]
    for n in range(parent.size):
        h = infoset[n]
        if h >= 0:
            belief[n] /= weight[h]


@njit(**BARE)
def sweep_up(system: TreeSystem, work: TreeWork) -> None:
    """Values of all nodes for all players, and each action's conditional payoff u."""
    parent, slot, mover = system.parent, system.slot, system.mover
    step, value, belief, u = work.step, work.value, work.belief, work.u
    players = value.size // parent.size
    for k in range(value.size):
        value[k] = system.payoff[k]
    for a in range(u.size):
        u[a] = 0.0
    for n in range(parent.size - 1, 0, -1):
        above = parent[n]
        for i in range(players):
            value[above * players + i] += step[n] * value[n * players + i]
        if slot[n] >= 0:
            u[slot[n]] += belief[above] * value[n * players + mover[above]]


@implements(qre_interface.evaluate, TreeSystem)
@njit(**BARE)
def evaluate(system: TreeSystem, work: TreeWork, z: Float, p: Float) -> None:
    """Everything at z = (x, lambda) but the regret; normalises x, writes probabilities to `p`. O(N P)."""
    normalise_log(z, system.offsets, p)
    sweep_down(system, work, z, p)
    sweep_up(system, work)
    respond(work.u, z[p.size], system.offsets, z, p, work.response, work.residual, work.slope)


@implements(qre_interface.nash_regret, TreeSystem)
@njit(**BARE)
def nash_regret(system: TreeSystem, work: TreeWork, p: Float) -> float:
    """The largest gain from the best response in the whole tree, or at one information set. O(N + Z P)."""
    worth, offsets, entry = work.worth, system.offsets, system.entry
    players = system.payoff.size // system.parent.size
    slots = p.size
    for k in range(worth.size):
        worth[k] = 0.0
    for k in range(system.terminals.size):
        n = system.terminals[k]
        for i in range(players):
            s = system.last[k * players + i]
            chance = np.exp(work.reach[n * players + i])
            worth[s if s >= 0 else slots + i] += chance * system.payoff[n * players + i]
    for h in range(entry.size - 1, -1, -1):  # sets are numbered by first visit: parents before children
        best = worth[offsets[h]]
        for a in range(offsets[h] + 1, offsets[h + 1]):
            best = max(best, worth[a])
        worth[entry[h] if entry[h] >= 0 else slots + system.owner[h]] += best
    regret = 0.0
    for i in range(players):
        regret = max(regret, worth[slots + i] - work.value[i])
    for h in range(entry.size):
        best, mean = -np.inf, 0.0
        for a in range(offsets[h], offsets[h + 1]):
            best = max(best, work.u[a])
            mean += p[a] * work.u[a]
        regret = max(regret, best - mean)
    return regret


@implements(qre_interface.rounding, TreeSystem)
@njit(**BARE)
def rounding(system: TreeSystem, work: TreeWork, lam: float) -> float:
    """How far rounding alone moves the corrector: payoffs, and beliefs from differences of large logarithms."""
    return min(lam * (ROUNDING + 0.1 * ROUNDING * work.spread[0]), NOISE)
