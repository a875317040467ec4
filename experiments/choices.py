"""Observed choices from CSV files, as counts for `fit_qre`.

Two layouts, told apart by the header (letter case does not matter, other columns are ignored):

* ``player,action,count``: how often each action was chosen; actions that are not listed count zero, and a pair
  listed twice is added up. Counts are non-negative numbers, not necessarily whole: published frequencies times a
  sample size are often not.
* one column per player, headed by the players' names (or 0-based numbers): each line is one play of the game with
  the action of each player; an empty cell is a choice that was not observed.

A player or an action is given by its name or by its 0-based index. Names come first: a player's labels are read
as names if all of them are names, otherwise as indices if all of them are indices; mixing the two is refused.
"""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float

Label = tuple[int, str]
"""A label with the line it stands on."""


def read_counts(path: Path, game: NormalFormGame) -> Float:
    """Counts of the choices in a CSV file, float64[sum(A)] in flat layout.

    Raises
    ------
    InputError
        If the file cannot be read, is not text, misses columns, names an unknown player or action, holds a count
        that is not a non-negative number, or holds no observation at all.
    """
    rows = read_rows(path)
    line, header = rows[0]
    names = [cell.strip().lower() for cell in header]
    if {"player", "action", "count"} <= set(names):
        counts = _from_counts(path, rows, game, [names.index(k) for k in ("player", "action", "count")])
    else:
        columns = _player_columns(header, game)
        if columns is None:
            wanted = ", ".join(game.players)
            raise InputError(
                f"{path}, line {line}: the columns are {', '.join(c.strip() for c in header) or 'missing'}; expected "
                f"player, action, count, or one column per player ({wanted})"
            )
        counts = _from_plays(path, rows, game, columns)
    if not counts.sum() > 0:
        raise InputError(f"{path}: holds no observation")
    return counts


def read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Numbered lines that are not blank, the header first; comma, semicolon or tab separated."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8 (byte {error.start})") from None
    if "\0" in text:
        raise InputError(f"{path} is a binary file, expected CSV")
    if not text.strip():
        raise InputError(f"{path} is empty; expected columns player, action, count, or one column per player")
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from None


def _from_counts(
    path: Path, rows: list[tuple[int, list[str]]], game: NormalFormGame, where: Sequence[int]
) -> Float:
    labels: list[tuple[Label, Label, float]] = []
    for line, row in rows[1:]:
        if len(row) <= max(where):
            raise InputError(f"{path}, line {line}: {len(row)} cells, expected {len(rows[0][1])}")
        player, action, count = (row[k].strip() for k in where)
        labels.append(((line, player), (line, action), count_of(path, line, count)))
    players = resolve(path, [player for player, _, _ in labels], game.players, "player")
    counts = np.zeros(int(game.offsets[-1]))
    for i, names in enumerate(game.actions):
        mine = [k for k, player in enumerate(players) if player == i]
        actions = resolve(path, [labels[k][1] for k in mine], names, f"action of {game.players[i]}")
        for k, chosen in zip(mine, actions):
            counts[int(game.offsets[i]) + chosen] += labels[k][2]
    return counts


def count_of(path: Path, line: int, text: str) -> float:
    """A cell of the count column: a finite number of at least 0."""
    try:
        count = float(text)
    except ValueError:
        raise InputError(f"{path}, line {line}: the count {text!r} is not a number") from None
    if not (math.isfinite(count) and count >= 0):
        raise InputError(f"{path}, line {line}: the count {text} is not a finite number of at least 0")
    return count


def _player_columns(header: Sequence[str], game: NormalFormGame) -> list[int] | None:
    """Which column holds each player's actions: by exact name, by name in any case, by 0-based number."""
    cells = [cell.strip() for cell in header]
    lowered = [cell.lower() for cell in cells]
    for have, wanted in (
        (cells, list(game.players)),
        (lowered, [name.lower() for name in game.players]),
        (cells, [str(i) for i in range(len(game.players))]),
    ):
        if len(set(wanted)) == len(wanted) and all(have.count(name) == 1 for name in wanted):
            return [have.index(name) for name in wanted]
    return None


def _from_plays(
    path: Path, rows: list[tuple[int, list[str]]], game: NormalFormGame, columns: Sequence[int]
) -> Float:
    counts = np.zeros(int(game.offsets[-1]))
    for i, column in enumerate(columns):
        labels = [(line, row[column].strip()) for line, row in rows[1:] if len(row) > column]
        labels = [(line, label) for line, label in labels if label]
        actions = resolve(path, labels, game.actions[i], f"action of {game.players[i]}")
        np.add.at(counts, int(game.offsets[i]) + np.asarray(actions, dtype=np.int64), 1.0)
    return counts


def resolve(path: Path, labels: Sequence[Label], names: Sequence[str], what: str) -> list[int]:
    """Indices of labels, all read as names or else all as 0-based indices.

    Raises
    ------
    InputError
        Naming the line and the label that is neither.
    """
    for table in (_by_name(names), {str(k): k for k in range(len(names))}):
        if all(label in table for _, label in labels):
            return [table[label] for _, label in labels]
    known = _by_name(names)
    folded = {name.casefold(): k for name, k in known.items()}
    if len(folded) == len(known) and all(label.casefold() in folded for _, label in labels):
        return [folded[label.casefold()] for _, label in labels]
    strange = [(line, label) for line, label in labels if label not in known]
    # when some labels are indices and one is out of range, it is that one which is wrong
    outside = [(line, label) for line, label in strange if label not in {str(k) for k in range(len(names))}]
    line, label = (outside or strange)[0]
    if len(names) <= 6:
        hint = f"known are {', '.join(names)}"
    else:
        close = difflib.get_close_matches(label, list(names), 3, 0.4) or list(names[:3])
        hint = f"the nearest of {len(names)} are {', '.join(close)}"
    raise InputError(f"{path}, line {line}: unknown {what}, {label!r}; {hint}")


def _by_name(names: Sequence[str]) -> dict[str, int]:
    """Names that stand for one thing only."""
    return {name.strip(): k for k, name in enumerate(names) if list(names).count(name) == 1}
