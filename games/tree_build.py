"""Trees from and to the record of an .efg file."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from games import efg
from games.efg import EfgInfoset, EfgTree
from games.errors import InputError
from games.simplices import Float, Int, offsets_of
from games.tree import CHANCE, TERMINAL, TreeGame


def from_efg(tree: EfgTree) -> TreeGame:
    """The game of an .efg file: outcomes along each play added up, information sets and players in the file's order.

    An information set without a name is called by its player's number and its own in the file, as in ``2:1``.

    Raises
    ------
    InputError
        If a payoff is too large for a float.
    """
    own = [k for k, block in enumerate(tree.infosets) if block.player != efg.CHANCE]
    renumber = np.full(len(tree.infosets) + 1, -1, dtype=np.int32)
    renumber[own] = np.arange(len(own))
    blocks = [tree.infosets[k] for k in own]
    offsets = offsets_of([len(block.actions) for block in blocks])
    infoset = renumber[tree.infoset]
    above = tree.parent
    moved = (above >= 0) & (infoset[above] >= 0)
    slot = np.where(moved, offsets[np.where(moved, infoset[above], 0)] + tree.action, -1)
    return TreeGame(
        player=tree.player,
        infoset=infoset,
        parent=above,
        slot=slot,
        chance=tree.chance,
        payoff=_totals(tree),
        owner=np.array([block.player for block in blocks], dtype=np.int32),
        offsets=offsets,
        players=tree.players,
        infosets=tuple(block.name or f"{block.player + 1}:{block.number}" for block in blocks),
        actions=tuple(block.actions for block in blocks),
        title=tree.title,
    )


def _totals(tree: EfgTree) -> Float:
    """float64[P, Z]: the exact sums of outcomes along each play, rounded once."""
    total: list[tuple[Fraction, ...]] = []
    outcome = tree.outcome.tolist()
    for node, above in enumerate(tree.parent.tolist()):
        paid = total[above] if above >= 0 else tree.outcome_payoffs[0]
        extra = tree.outcome_payoffs[outcome[node]]
        total.append(tuple(a + b for a, b in zip(paid, extra)) if outcome[node] else paid)
    terminals = np.flatnonzero(tree.player == efg.TERMINAL).tolist()
    try:
        return np.array([[float(u) for u in total[z]] for z in terminals]).T.copy()
    except OverflowError:
        raise InputError("payoffs along a play add up to a number too large for a float") from None


def to_efg(game: TreeGame) -> EfgTree:
    """The record from which a strategic form is made or an .efg file written.

    Payoffs and chances become the simplest fractions within rounding of their floats (0.1 becomes 1/10), so that
    expected payoffs can be added exactly and ties stay ties.
    """
    action, chance_of = _chance_moves(game)
    blocks = [
        EfgInfoset(int(i), k + 1, name, names)
        for k, (i, name, names) in enumerate(zip(game.owner, game.infosets, game.actions))
    ]
    infoset = game.infoset.copy()
    rows: dict[tuple[Fraction, ...], int] = {}
    for node in np.flatnonzero(game.player == CHANCE).tolist():
        odds = chance_of[node]
        if odds not in rows:
            rows[odds] = len(blocks)
            names = tuple(str(k + 1) for k in range(len(odds)))
            blocks.append(EfgInfoset(efg.CHANCE, len(rows), "", names, odds))
        infoset[node] = rows[odds]
    return _in_order_of_appearance(game, infoset, action, blocks)


def _in_order_of_appearance(game: TreeGame, infoset: Int, action: Int, blocks: list[EfgInfoset]) -> EfgTree:
    used, first = np.unique(infoset[infoset >= 0], return_index=True)
    order = used[np.argsort(first)].tolist()
    order += [k for k in range(len(blocks)) if k not in set(order)]
    rank = np.full(len(blocks) + 1, -1, dtype=np.int32)
    rank[order] = np.arange(len(order))
    columns, inverse = np.unique(game.payoff, axis=1, return_inverse=True)
    outcome = np.zeros(game.nodes, dtype=np.int32)
    outcome[game.terminals] = inverse.ravel() + 1
    paid = [tuple(simplest(u) for u in column) for column in columns.T.tolist()]
    return EfgTree(
        title=game.title,
        comment="",
        players=game.players,
        player=game.player,
        infoset=rank[infoset],
        parent=game.parent,
        action=action,
        outcome=outcome,
        names=("",) * game.nodes,
        infosets=tuple(blocks[k] for k in order),
        outcome_names=("",) * (len(paid) + 1),
        outcome_payoffs=((Fraction(0),) * len(game.players), *paid),
    )


def _chance_moves(game: TreeGame) -> tuple[Int, dict[int, tuple[Fraction, ...]]]:
    """The 0-based move into each node, and the exact odds at each chance node."""
    action = np.where(game.slot >= 0, game.slot - game.offsets[game.infoset[game.parent]], -1).astype(
        np.int32
    )
    odds: dict[int, list[Fraction]] = {}
    for node in np.flatnonzero(game.player[game.parent] == CHANCE).tolist():
        if node == 0:
            continue
        row = odds.setdefault(int(game.parent[node]), [])
        action[node] = len(row)
        row.append(simplest(float(game.chance[node])))
    return action, {node: tuple(p / sum(row) for p in row) for node, row in odds.items()}


def simplest(value: float) -> Fraction:
    """The simplest fraction that is this float to within a few units of its last place."""
    simple = Fraction(value).limit_denominator(1_000_000)
    return simple if abs(float(simple) - value) <= 4e-16 * max(abs(value), 1e-300) else Fraction(value)


assert (CHANCE, TERMINAL) == (efg.CHANCE, efg.TERMINAL)
