"""The strategic form of a game tree: pure strategies and their expected payoffs.

Each terminal node adds probability times payoff to the block of joint profiles that play towards it. Payoffs are
added exactly, as integers over a common denominator, wherever these stay below 2**62.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from games.efg import EfgTree
from games.efg_strategies import Sequences, Table, combinations, count, labels, most_rows, reduced
from games.errors import InputError
from games.limits import available_bytes, check_fits
from games.normal import NormalFormGame
from games.simplices import Float, Int

FORMS = ("reduced", "full")
_EXACT = 2**62
"""Expected payoffs are added as integers over a common denominator while all of these are below this."""
_WORK_FOR_KERNEL = 5_000_000
"""Additions beyond which loading numba pays."""


def to_strategic(tree: EfgTree, form: str = "reduced") -> NormalFormGame:
    """The strategic form of a tree.

    Parameters
    ----------
    tree : EfgTree
        The game.
    form : {"reduced", "full"}
        Which pure strategies to list. They are ordered by their actions, the information set that appears first
        in the tree varying slowest, and named by action numbers with `*` where nothing is chosen: `1*2`.

    Returns
    -------
    NormalFormGame
        Expected payoffs, correctly rounded from exact arithmetic when a common denominator below 2**62 exists
        (so that ties stay ties), else summed in float64. Costs O(prod A) per chance outcome.

    Raises
    ------
    InputError
        If the tensor would not fit in memory, with the number of strategies of each player.
    """
    if form not in FORMS:
        raise InputError(f"unknown strategic form {form!r}; expected one of {', '.join(FORMS)}")
    sequences = Sequences.of(tree)
    owned = [
        [k for k, block in enumerate(tree.infosets) if block.player == i] for i in range(len(tree.players))
    ]
    what = f"the {form} strategic form"
    counts = [count(tree, sequences, own, form) for own in owned]
    _check(counts, owned, what)
    tables = []
    for player, own in enumerate(owned):
        if form == "full":
            tables.append(combinations([len(tree.infosets[h].actions) for h in own]))
            continue
        others = math.prod(counts[:player] + counts[player + 1 :])
        limit = min(available_bytes() // (10 * len(counts) * others), most_rows(len(own)))
        limit = max(limit, counts[player])  # an exact count has passed the check
        tables.append(reduced(tree, sequences, own, limit))
        counts[player] = len(tables[-1])
    _check(counts, owned, what)
    actions = tuple(tuple(labels(table, tree, own)) for table, own in zip(tables, owned))
    payoffs = _expected_payoffs(tree, sequences, tables, owned)
    return NormalFormGame(payoffs, players=tree.players, actions=actions, title=tree.title)


def _check(counts: list[int], owned: list[list[int]], what: str) -> None:
    """Refuse a form that would not fit, naming the number of strategies of each player."""
    sizes = " x ".join(f"{n:,}" if n < 10**9 else f"{float(n):.2g}" for n in counts)
    try:
        check_fits(counts, what)
    except InputError as error:
        raise InputError(f"{error} (strategies: {sizes})") from None
    for player, own in enumerate(owned):
        if counts[player] > most_rows(len(own)):
            raise InputError(
                f"{what} has too many strategies to list in memory: {sizes}, "
                f"player {player + 1} choosing at {len(own):,} information sets"
            )


# --- expected payoffs ----------------------------------------------------------------------------------------


def _expected_payoffs(
    tree: EfgTree, sequences: Sequences, tables: list[Table], owned: list[list[int]]
) -> Float:
    """float64[P, A1, ..., AP]: each terminal adds to the block of strategies that play towards it."""
    shape = tuple(map(len, tables))
    parts, scale = _exact_parts(tree, sequences)
    tensor = np.zeros((len(shape), *shape), dtype=np.int64 if scale else np.float64)
    flat = tensor.reshape(len(shape), -1)
    followers = [_Followers(sequences, table, own) for table, own in zip(tables, owned)]
    blocks = {key: [followers[i].rows(s) for i, s in enumerate(key)] for key in parts}
    work = sum(math.prod(map(len, rows)) for rows in blocks.values()) * len(shape)
    add = _add_to_block
    if work > _WORK_FOR_KERNEL:
        from games.block_kernels import add_to_block as add
    for key, values in parts.items():
        lead, tail = _offsets(blocks[key], shape)
        for i, value in enumerate(values):
            if value:
                add(flat[i], lead, tail, value)
    if not scale:
        return tensor.astype(np.float64, copy=False)
    payoffs: Float = tensor.view(np.float64)
    for i, denominator in enumerate(scale):
        np.divide(tensor[i], denominator, out=payoffs[i])
    return payoffs


def _add_to_block(flat: NDArray, lead: Int, tail: Int, value: Any) -> None:
    flat[np.add.outer(lead, tail)] += value


def _offsets(rows: list[Int], shape: tuple[int, ...]) -> tuple[Int, Int]:
    """Flat positions of a block of the tensor, as sums of one entry of each of two arrays of similar length."""
    strides = [math.prod(shape[k + 1 :]) for k in range(len(shape))]
    sizes = [len(r) for r in rows]
    cut = min(range(len(rows) + 1), key=lambda k: math.prod(sizes[:k]) + math.prod(sizes[k:]))
    halves = []
    for axes in (range(cut), range(cut, len(rows))):
        offsets = np.zeros(1, dtype=np.int64)
        for k in axes:
            offsets = np.add.outer(offsets, rows[k] * strides[k]).ravel()
        halves.append(offsets)
    return halves[0], halves[1]


class _Followers:
    """Which rows of a strategy table follow a sequence."""

    def __init__(self, sequences: Sequences, table: Table, own: list[int]) -> None:
        self.sequences, self.table = sequences, table
        self.column = {h: k for k, h in enumerate(own)}
        self.cache: dict[int, Int] = {0: np.arange(len(table))}

    def rows(self, sequence: int) -> Int:
        """int64[...]: the strategies that make every choice of the sequence."""
        todo = []
        s = sequence
        while s not in self.cache:
            todo.append(s)
            s = self.sequences.parent[s]
        for s in reversed(todo):
            before = self.cache[self.sequences.parent[s]]
            column = self.table[:, self.column[self.sequences.infoset[s]]]
            self.cache[s] = before[column[before] == self.sequences.action[s]]
        return self.cache[sequence]


def _exact_parts(tree: EfgTree, sequences: Sequences) -> tuple[dict[tuple[int, ...], list[Any]], list[int]]:
    """What each combination of sequences adds to expected payoffs, times a common denominator per player.

    Returns integers and the denominators, or floats and no denominators where integers would grow too large.
    """
    exact = _parts(tree, sequences, Fraction)
    if exact is not None:
        scale = [math.lcm(*(row[i].denominator for row in exact.values())) for i in range(len(tree.players))]
        whole = {key: [int(row[i] * scale[i]) for i in range(len(scale))] for key, row in exact.items()}
        largest = [sum(abs(row[i]) for row in whole.values()) for i in range(len(scale))]
        if max(itertools.chain(scale, largest)) < _EXACT:
            return whole, scale
    rounded = _parts(tree, sequences, float)
    assert rounded is not None
    return rounded, []


def _parts(tree: EfgTree, sequences: Sequences, number: type) -> dict[tuple[int, ...], list[Any]] | None:
    """Probability times payoff, summed over terminals with the same sequences, in this kind of number.

    None if exact numbers become too long to be worth it.
    """
    players = range(len(tree.players))
    outcomes = [[number(u) for u in row] for row in tree.outcome_payoffs]
    moves = [[number(p) for p in block.chance] for block in tree.infosets]
    infoset, action, outcome = tree.infoset.tolist(), tree.action.tolist(), tree.outcome.tolist()
    chance: list[Any] = []
    total: list[list[Any]] = []
    parts: dict[tuple[int, ...], list[Any]] = {}
    for node, above in enumerate(tree.parent.tolist()):
        row = moves[infoset[above]] if above >= 0 else []
        weight = chance[above] if above >= 0 else number(1)
        chance.append(weight * row[action[node]] if row else weight)
        paid = total[above] if above >= 0 else outcomes[0]
        extra = outcomes[outcome[node]]
        total.append([paid[i] + extra[i] for i in players] if outcome[node] else paid)
        if number is Fraction and chance[-1].denominator > _EXACT:
            return None
        if node in sequences.terminal and chance[-1]:
            part = parts.setdefault(sequences.terminal[node], [number(0)] * len(players))
            for i in players:
                part[i] += chance[-1] * total[-1][i]
    return parts
