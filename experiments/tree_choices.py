"""Observed moves from CSV files, as counts for `fit_agent_qre`.

One layout, with the header ``player,infoset,action,count`` (letter case does not matter, other columns are ignored):
how often each action was chosen at each information set. Lines that are missing count zero, and a line that comes
twice is added up. A player, an information set and an action are each given by name or by 0-based index: the index of
an information set counts those of its player, that of an action counts those of its information set, in the order of
the game. Labels of a kind are read as names if all of them are names, otherwise as indices.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.choices import Label, count_of, read_rows, resolve
from games.errors import InputError
from games.simplices import Float
from games.tree import TreeGame

COLUMNS = ("player", "infoset", "action", "count")


def read_moves(path: Path, game: TreeGame) -> Float:
    """Counts of the moves in a CSV file, float64[slots], in the layout of a behaviour strategy profile.

    Raises
    ------
    InputError
        If the file cannot be read, is not text, misses columns, names an unknown player, information set or action,
        holds a count that is not a non-negative number, or holds no observation at all.
    """
    rows = read_rows(path)
    line, header = rows[0]
    names = [cell.strip().lower() for cell in header]
    if not set(COLUMNS) <= set(names):
        told = ", ".join(cell.strip() for cell in header) or "missing"
        raise InputError(
            f"{path}, line {line}: the columns are {told}; for a game in extensive form they are {', '.join(COLUMNS)}"
        )
    labels: list[tuple[Label, Label, Label, float]] = []
    for line, row in rows[1:]:
        if len(row) < len(header):
            raise InputError(f"{path}, line {line}: {len(row)} cells, expected {len(header)}")
        player, infoset, action, count = (row[names.index(name)].strip() for name in COLUMNS)
        labels.append(((line, player), (line, infoset), (line, action), count_of(path, line, count)))
    counts = _counted(path, labels, game)
    if not counts.sum() > 0:
        raise InputError(f"{path}: holds no observation")
    return counts


def _counted(path: Path, labels: list[tuple[Label, Label, Label, float]], game: TreeGame) -> Float:
    """The counts at their places, looked up player by player and information set by information set."""
    counts = np.zeros(game.slots)
    players = resolve(path, [label[0] for label in labels], game.players, "player")
    for i, player in enumerate(game.players):
        mine = [label for label, owner in zip(labels, players) if owner == i]
        own = np.flatnonzero(game.owner == i).tolist()
        names = [game.infosets[h] for h in own]
        where = resolve(path, [label[1] for label in mine], names, f"information set of {player}")
        for k in sorted(set(where)):
            h = own[k]
            here = [label for label, at in zip(mine, where) if at == k]
            what = f"action at {game.infosets[h]}"
            chosen = resolve(path, [label[2] for label in here], game.actions[h], what)
            np.add.at(counts, int(game.offsets[h]) + np.asarray(chosen), [label[3] for label in here])
    return counts
