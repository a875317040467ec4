"""Trees as the text of Gambit's .efg files, with numbers that read back as the same floats."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from games.tree import CHANCE, TERMINAL, TreeGame
from games.tree_build import simplest

_SHORT = 12  # characters up to which a decimal is as readable as a fraction


def to_efg_text(game: TreeGame) -> str:
    """A tree as the text of an .efg file; reading it gives a game with the same digest and names.

    Payoffs stand at terminal nodes. Chance probabilities are fractions that sum to one and round to the floats of
    the game, wherever such fractions exist. A node's children are written in the order of its actions, which is the
    order in the file format.

    Examples
    --------
    >>> from games.efg import parse_efg
    >>> from games.tree_build import from_efg
    >>> head = 'EFG 2 R "deal" { "A" }'
    >>> text = head + ' c "" 1 "" { "x" 1/3 "y" 2/3 } 0 t "" 1 "" { 1 } t "" 2 "" { .5 }'
    >>> print(to_efg_text(from_efg(parse_efg(text))), end="")
    EFG 2 R "deal" { "A" }
    ""
    <BLANKLINE>
    c "" 1 "" { "1" 1/3 "2" 2/3 } 0
    t "" 1 "" { 1 }
    t "" 2 "" { 0.5 }
    """
    order = np.lexsort((game.slot, game.parent))[1:]  # children by parent, then action; the root comes first
    starts = np.searchsorted(game.parent[order], np.arange(game.nodes + 1)).tolist()
    children = order.tolist()
    kind, infoset = game.player.tolist(), game.infoset.tolist()
    ends = dict(zip(game.terminals.tolist(), _outcomes(game)))
    heads, moves = _infosets(game), _Chance(game.chance.tolist())
    lines = [f'EFG 2 R {quoted(game.title)} {listed(game.players)}\n""\n']
    pending = [0]
    while pending:
        node = pending.pop()
        below = children[starts[node] : starts[node + 1]]
        if kind[node] == TERMINAL:
            lines.append(ends[node])
        elif kind[node] == CHANCE:
            lines.append(moves.line(below))
        else:
            lines.append(heads[infoset[node]])
        pending.extend(reversed(below))
    return "\n".join(lines) + "\n"


def _infosets(game: TreeGame) -> list[str]:
    """The line of every node of an information set; numbers count from one for each player."""
    numbers = [0] * len(game.players)
    lines = []
    for i, name, actions in zip(game.owner.tolist(), game.infosets, game.actions):
        numbers[i] += 1
        lines.append(f'p "" {i + 1} {numbers[i]} {quoted(name)} {listed(actions)} 0')
    return lines


def _outcomes(game: TreeGame) -> list[str]:
    """The line of each terminal node; equal payoffs are one outcome."""
    lines: dict[tuple[float, ...], str] = {}
    column: list[str] = []
    for payoffs in zip(*(game.payoff + 0.0).tolist()):
        line = lines.get(payoffs)
        if line is None:
            paid = ", ".join(map(_number, payoffs))
            line = lines[payoffs] = f't "" {len(lines) + 1} "" {{ {paid} }}'
        column.append(line)
    return column


class _Chance:
    """The lines of chance nodes; equal distributions are one information set of chance."""

    def __init__(self, chance: list[float]) -> None:
        self.chance = chance
        self.lines: dict[tuple[float, ...], str] = {}

    def line(self, children: list[int]) -> str:
        odds = tuple(self.chance[child] for child in children)
        found = self.lines.get(odds)
        if found is None:
            moves = " ".join(f'"{k}" {p}' for k, p in enumerate(exact_odds(odds), start=1))
            found = self.lines[odds] = f'c "" {len(self.lines) + 1} "" {{ {moves} }} 0'
        return found


def exact_odds(odds: tuple[float, ...]) -> list[Fraction]:
    """Fractions that sum to one and round to these floats, as simple as can be.

    If no such fractions exist, since the floats themselves do not nearly sum to one, they are scaled.
    """
    simple = [simplest(p) for p in odds]
    if sum(simple, Fraction(0)) == 1 and all(float(q) == p for q, p in zip(simple, odds)):
        return simple
    whole = [Fraction(p) for p in odds]
    missing = 1 - sum(whole, Fraction(0))
    shifted = list(whole)
    for k in sorted(range(len(odds)), key=lambda k: -odds[k]):
        step = min(abs(missing), _room(odds[k], up=missing > 0))
        shifted[k] += step if missing > 0 else -step
        missing -= step if missing > 0 else -step
    return shifted if missing == 0 else [p / sum(whole, Fraction(0)) for p in whole]


def _room(value: float, up: bool) -> Fraction:
    """How far a number may be moved and still round to this float."""
    if value == 0:
        return Fraction(0)
    gap = abs(Fraction(math.nextafter(value, math.inf if up else 0.0)) - Fraction(value))
    return gap * Fraction(2**20 - 1, 2**21)  # just under half


def _number(value: float) -> str:
    """A float as a whole number, a decimal or a fraction that reads back as the same float."""
    if value == int(value) and abs(value) < 2**53:
        return str(int(value))
    decimal = repr(value)
    simple = simplest(value)
    return str(simple) if len(decimal) > _SHORT and float(simple) == value and _is_short(simple) else decimal


def _is_short(value: Fraction) -> bool:
    return value.denominator <= 1_000_000 and abs(value.numerator) < 10**12


def listed(names: Iterable[str]) -> str:
    """Names in braces."""
    return "{ " + " ".join(map(quoted, names)) + " }"


def quoted(name: str) -> str:
    """A name in quotes."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
