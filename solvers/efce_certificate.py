"""Certificates of correlation plans, recomputed from the tree and the plan alone, in plain numpy.

Shares no code with the linear programs: connected information sets are found here by climbing from node to node, and
what a deviator can get is worked out by backward induction.

Definitions. A *trigger* of player i is, for EFCE, a sequence (I, a): i has done as told so far, is told a at I, does
something else there, and hears nothing more; for EFCCE an information set I: i has done as told so far, arrives at I,
and goes its own way before hearing anything. With xi the plan, s -> t the other's last moves, and z the terminal nodes,

* what obeying contributes from the trigger on is  sum of chance(z) u_i(z) xi(s_i(z), s_j(z))  over the z that come
  after the recommended move (EFCE) or after I (EFCCE);
* what deviating can contribute is the largest  sum of chance(z) u_i(z) xi(trigger, s_j(z))  over the z after I, that a
  pure continuation of i leads to, where the trigger's own sequence is (I, a) for EFCE and the one that leads to I
  for EFCCE. An EFCE deviator does not begin with a.

Both are weighted by the probability that the trigger comes about, not conditional on it, like the gains of correlated
equilibria in `solvers.certificate`. ``gain`` is the largest difference over the player's triggers (0 if it has none;
negative when every deviation costs), ``regret`` what the player gains by the best plan of which triggers to act on,
which may be several on different paths: never negative, at most the sum of positive gains, and 0 exactly when ``gain``
is not positive. For a one-shot simultaneous game they are the gains and regrets of CE and CCE. ``residual`` is the
largest violation of the plan's own equations: xi >= 0, xi(empty, empty) = 1, and flow.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from games.errors import InputError
from games.simplices import Float, Int
from games.tree import TreeGame
from games.tree_strategies import CorrelationPlan
from solvers.certificate import Certificate
from solvers.tree_certificate import own_depth


def certify_plan(game: TreeGame, plan: CorrelationPlan, concept: str) -> Certificate:
    """Measure how far a correlation plan is from an EFCE or EFCCE; definitions are in the module's text.

    Parameters
    ----------
    game : TreeGame
        Two players, perfect recall, triangle-free (see `solvers.correlation_plans`).
    plan : CorrelationPlan
        Every relevant pair of sequences once, in any order.
    concept : {"efce", "efcce"}
        Which deviations count.

    Returns
    -------
    Certificate
        With the plan's own violation as ``residual``.

    Raises
    ------
    InputError
        If the game is not of this kind, the pairs are not its relevant pairs, or a probability is not finite.
    """
    if concept not in ("efce", "efcce"):
        raise InputError(f"a correlation plan is certified as efce or efcce, not {concept}")
    if len(game.players) != 2:
        raise InputError(f"correlation plans are for two players, this game has {len(game.players)}")
    game.require_perfect_recall("a certificate of extensive-form correlation")
    first, second = _connected(game)
    _refuse_triangles(game, first, second)
    table = _table(game, plan, first, second)
    payoff, lows = _above_common(game)
    values, gain, regret = np.zeros(2), np.zeros(2), np.zeros(2)
    for i in range(2):
        seen = _Seen(game, table, i, payoff[i])
        values[i] = seen.obedient[-1]
        gain[i], regret[i] = _gains(seen, concept == "efcce")
    residual = _violation(game, table)
    return Certificate(concept, game.digest, regret, gain, values + lows, game.span, residual=residual)


class _Table(NamedTuple):
    """A plan's probabilities by key, (first + 1) * width + second + 1, increasing."""

    key: Int
    prob: Float
    width: int

    def at(self, first: Int, second: Int) -> Float:
        return self.prob[np.searchsorted(self.key, (first + 1) * self.width + second + 1)]


def _connected(game: TreeGame) -> tuple[Int, Int]:
    """Pairs of information sets of player 1 and player 2 that some path visits both of."""
    below = np.flatnonzero(game.player >= 0)
    above, pairs = game.parent[below], [np.zeros((0, 2), dtype=np.int64)]
    while below.size:
        below, above = below[above >= 0], above[above >= 0]
        mixed = (game.player[above] >= 0) & (game.player[above] != game.player[below])
        ends = np.stack([game.infoset[below[mixed]], game.infoset[above[mixed]]], axis=1)
        swap = game.player[below[mixed]] == 1
        ends[swap] = ends[swap, ::-1]
        pairs.append(np.unique(ends, axis=0))
        above = game.parent[above]
    found = np.unique(np.concatenate(pairs), axis=0)
    return found[:, 0], found[:, 1]


def _refuse_triangles(game: TreeGame, first: Int, second: Int) -> None:
    edges = list(zip(first.tolist(), second.tolist()))
    entry = game.entry.tolist()
    left: dict[tuple[int, int], int] = {}
    right: dict[tuple[int, int], int] = {}
    for i, j in edges:
        left[i, entry[j]] = left.get((i, entry[j]), 0) + 1
        right[j, entry[i]] = right.get((j, entry[i]), 0) + 1
    for i, j in edges:
        if left[i, entry[j]] > 1 and right[j, entry[i]] > 1:
            raise InputError(
                "plans by pair of sequences do not describe correlated play in a game that is not triangle-free, as "
                f"information sets {game.infosets[i]!r} and {game.infosets[j]!r} show"
            )


def _table(game: TreeGame, plan: CorrelationPlan, first: Int, second: Int) -> _Table:
    """The plan in order, after a check that its pairs are the relevant ones."""
    width = game.slots + 1
    s, t = plan.first.astype(np.int64), plan.second.astype(np.int64)
    if s.size and (min(s.min(), t.min()) < -1 or max(s.max(), t.max()) >= game.slots):
        raise InputError(f"the plan names a sequence beyond the {game.slots} moves of this game")
    if not np.isfinite(plan.prob).all():
        raise InputError("the plan has a probability that is not a finite number")
    blocks = [np.arange(a, b) for a, b in zip(game.offsets[:-1].tolist(), game.offsets[1:].tolist())]
    by_player = [
        np.concatenate([[-1], *(blocks[h] for h in np.flatnonzero(game.owner == i).tolist())])
        for i in range(2)
    ]
    wanted = [(by_player[0] + 1) * width, by_player[1] + 1]
    wanted += [
        np.add.outer((blocks[i] + 1) * width, blocks[j] + 1).ravel()
        for i, j in zip(first.tolist(), second.tolist())
    ]
    expected = np.unique(np.concatenate(wanted).astype(np.int64))
    key = (s + 1) * width + t + 1
    order = np.argsort(key)
    if key.size != expected.size or np.any(key[order] != expected):
        raise InputError(
            f"the plan lists {key.size:,} pairs of sequences, which are not the {expected.size:,} relevant pairs of "
            "this game, each once"
        )
    return _Table(expected, plan.prob[order], width)


def _above_common(game: TreeGame) -> tuple[Float, Float]:
    """Payoffs above what is common to most of them, and what that is: next to it regrets would drown in rounding."""
    low, high = game.payoff.min(axis=1), game.payoff.max(axis=1)
    alike = np.sign(low) * np.sign(high) > 0
    common = alike & (
        0.5 * high - 0.5 * low < 0.25 * np.maximum(abs(low), abs(high))
    )  # halves cannot overflow
    lows = np.where(common, low, 0.0)
    return game.payoff - lows[:, None], lows


def _violation(game: TreeGame, table: _Table) -> float:
    """The largest violation of a plan's equations."""
    worst = max(abs(float(table.prob[0]) - 1.0), float(-table.prob.min()))
    sequences = (table.key // table.width - 1, table.key % table.width - 1)
    for own, other in (sequences, sequences[::-1]):
        moved = own >= 0
        infoset, group = game.infoset_of_slot[own[moved]], other[moved]
        kinds, where = np.unique(np.stack([infoset, group]), axis=1, return_inverse=True)
        total = np.bincount(where.ravel(), weights=table.prob[moved], minlength=kinds.shape[1])
        before = game.entry[kinds[0]].astype(np.int64)
        pair = (before, kinds[1]) if own is sequences[0] else (kinds[1], before)
        worst = max(worst, float(np.abs(total - table.at(*pair)).max(initial=0.0)))
    return worst


class _Seen:
    """What one player sees: weights of terminals, own sequences there, and what obeying is worth from each on."""

    def __init__(self, game: TreeGame, table: _Table, player: int, payoff: Float) -> None:
        self.game, self.table, self.player = game, table, player
        self.weight = payoff * game.chance_reach[game.terminals]
        self.own = game.last_slots[player, game.terminals].astype(np.int64)
        self.other = game.last_slots[1 - player, game.terminals].astype(np.int64)
        self.infosets = np.flatnonzero(game.owner == player)
        self.depth = own_depth(game)
        self.obedient = np.bincount(
            self.own + 1, weights=self.weight * self.prob(self.own), minlength=game.slots + 1
        )
        for level in self.bottom_up():
            for h in level.tolist():
                block = slice(game.offsets[h] + 1, game.offsets[h + 1] + 1)
                self.obedient[game.entry[h] + 1] += self.obedient[block].sum()
        self.obedient = np.append(
            self.obedient[1:], self.obedient[0]
        )  # by slot; last, index -1, the empty one

    def prob(self, recommended: Int) -> Float:
        """The plan's probability of these own sequences and the other's at each terminal."""
        pair = (recommended, self.other) if self.player == 0 else (self.other, recommended)
        return self.table.at(*pair)

    def bottom_up(self) -> list[Int]:
        """The player's information sets by number of own earlier moves, most first."""
        depth = self.depth[self.infosets]
        return [self.infosets[depth == d] for d in range(int(depth.max(initial=-1)), -1, -1)]


def _gains(seen: _Seen, coarse: bool) -> tuple[float, float]:
    """The largest gain of a trigger, and the gain of the best plan of which triggers to act on."""
    game, obedient = seen.game, seen.obedient
    deviant = _deviant(seen, coarse)
    gain = -np.inf
    total = np.append(  # the best plan's worth by sequence, as far as terminals that end there
        np.bincount(seen.own + 1, weights=seen.weight * seen.prob(seen.own), minlength=game.slots + 1)[1:],
        0.0,
    )
    total[-1] = (seen.weight * seen.prob(seen.own))[seen.own < 0].sum()
    for level in seen.bottom_up():
        for h in level.tolist():
            block = slice(int(game.offsets[h]), int(game.offsets[h + 1]))
            if coarse:
                gain = max(gain, float(deviant[h] - obedient[block].sum()))
                worth = max(float(total[block].sum()), float(deviant[h]))
            else:
                gain = max(gain, float((deviant[block] - obedient[block]).max()))
                worth = float(np.maximum(total[block], deviant[block]).sum())
            total[game.entry[h]] += worth  # the empty sequence is index -1
    regret = max(float(total[-1] - obedient[-1]), 0.0)
    return (gain, regret) if np.isfinite(gain) else (0.0, regret)


def _deviant(seen: _Seen, coarse: bool) -> Float:
    """What deviating can contribute at each trigger: by information set if `coarse`, else by slot; -inf without choice.

    Terminals are handed to every trigger on their path; (trigger, own sequence) pairs then fold upwards.
    """
    game = seen.game
    width = game.slots + 1
    sizes = np.diff(game.offsets).astype(np.int64)
    count = len(game.owner) if coarse else game.slots
    keys, worth = _at_triggers(seen, coarse)
    result = np.full(count, -np.inf)
    if not keys.size:
        return result
    trigger, slot = keys // width, keys % width
    start = trigger if coarse else game.infoset_of_slot[trigger]
    deepest = int(seen.depth.max())
    for d in range(deepest, -1, -1):
        infoset = game.infoset_of_slot[slot]
        here = seen.depth[infoset] == d
        top = here & (infoset == start)
        chosen = top if coarse else top & (slot != trigger)
        np.maximum.at(result, trigger[chosen], worth[chosen])
        fold = here & ~top
        rest = ~here
        groups, where = np.unique(trigger[fold] * (len(sizes) + 1) + infoset[fold], return_inverse=True)
        best = np.full(groups.size, -np.inf)
        np.maximum.at(best, where.ravel(), worth[fold])
        above = game.entry[groups % (len(sizes) + 1)].astype(np.int64)
        key = np.concatenate([trigger[rest] * width + slot[rest], groups // (len(sizes) + 1) * width + above])
        keys, where = np.unique(key, return_inverse=True)
        worth = _sums(where, np.concatenate([worth[rest], best]), keys.size)
        trigger, slot = keys // width, keys % width
        start = trigger if coarse else game.infoset_of_slot[trigger]
    return result


def _at_triggers(seen: _Seen, coarse: bool) -> tuple[Int, Float]:
    """Keys (trigger * width + last own slot) and what terminals pay there when the trigger weighs the other's moves."""
    game = seen.game
    width, sizes = game.slots + 1, np.diff(game.offsets).astype(np.int64)
    keys, worths = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    z = np.flatnonzero(seen.own >= 0)
    above = seen.own[z]
    while z.size:
        h = game.infoset_of_slot[above].astype(np.int64)
        if coarse:
            trigger, source, end = h, game.entry[h].astype(np.int64), z
        else:
            trigger = np.repeat(game.offsets[h], sizes[h]) + np.arange(sizes[h].sum())
            trigger -= np.repeat(np.cumsum(sizes[h]) - sizes[h], sizes[h])
            source, end = trigger, np.repeat(z, sizes[h])
        pair = (source, seen.other[end]) if seen.player == 0 else (seen.other[end], source)
        key, where = np.unique(trigger * width + seen.own[end], return_inverse=True)
        paid = _sums(where, seen.weight[end] * seen.table.at(*pair), key.size)
        keys.append(key)
        worths.append(paid)
        above = game.entry[h].astype(np.int64)
        z, above = z[above >= 0], above[above >= 0]
    key, where = np.unique(np.concatenate(keys), return_inverse=True)
    return key, _sums(where, np.concatenate(worths), key.size)


def _sums(where: Int, weights: Float, size: int) -> Float:
    """Weights added up by group."""
    total = np.zeros(size)
    np.add.at(total, where.ravel(), weights)
    return total
