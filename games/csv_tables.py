"""Games from spreadsheets saved as .csv: a bimatrix of pairs, or one row per profile.

Columns are separated by commas, semicolons or tabs (found out by trying, or said by a first line ``sep=;``).

Bimatrix: every cell is a pair of payoffs, row player first, written ``3,5`` or ``3;5`` or ``3 5``, with or
without parentheses, in quotes where the separator requires it. The first row and the first column may hold action
names; a cell that is a pair is never taken for a name::

    ,Left,Right
    Top,"3,3","0,5"
    Bottom,"5,0","1,1"

A decimal comma is understood only in pairs with ``;``. A table of single payoffs is refused, never guessed to be a
zero-sum game.

Long form: the first row names the columns, one for each player and then one payoff column for each, named
``payoff_`` or ``payoff`` and the player's name or number; below, one row per profile, in any order. Actions come in
the order in which they first appear. Decimal commas are understood unless commas separate the columns::

    Row,Column,payoff_Row,payoff_Column
    Top,Left,3,3
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence

import numpy as np

from games.errors import InputError
from games.limits import check_fits
from games.normal import NormalFormGame
from games.text_input import exact, shown

_DELIMITERS = (";", "\t", ",")
_DELIMITER_NAMES = {";": "semicolons", "\t": "tabs", ",": "commas"}
_SAID = re.compile(r"sep=([^\r\n\"\x00])\r?\n")
_BRACKETED = re.compile(r"(^|[,;\t])[ ]*(\([^()\"\n]*\))(?=[ ]*(?:[,;\t\r]|$))", re.MULTILINE)
"""A whole cell in parentheses; its inside is kept together even where nobody quoted it."""
_PAYOFF = re.compile(r"payoffs?[\s_:-]*(.*)", re.IGNORECASE | re.DOTALL)

Line = tuple[int, list[str]]
"""Line number and cells."""


def parse_csv(text: str) -> NormalFormGame:
    """The game in a table of comma-, semicolon- or tab-separated values (layouts: the module's docstring).

    Raises
    ------
    InputError
        With the line number, if the table has neither layout or a payoff is missing or no number.

    Examples
    --------
    >>> game = parse_csv('"3,3";"0,5"\\n"5,0";"1,1"')
    >>> game.payoffs[0].tolist()
    [[3.0, 0.0], [5.0, 1.0]]
    """
    said = _SAID.match(text)
    body, skipped = (text[said.end() :], 1) if said else (text, 0)
    delimiters = [said[1]] if said else [d for d in _DELIMITERS if d in body] or [","]
    body = _BRACKETED.sub(r'\1"\2"', body)
    tables = [(delimiter, _lines(body, delimiter, skipped)) for delimiter in delimiters]
    best: tuple[int, InputError] | None = None
    for delimiter, lines in sorted(tables, key=lambda table: -len(table[1][0][1])):
        if any(_PAYOFF.fullmatch(cell) for cell in lines[0][1]):
            return _long_form(lines, decimal_comma=delimiter != ",")
    for delimiter, lines in tables:
        pairs = sum(_pair(cell) is not None for _, cells in lines for cell in cells)
        try:
            return _bimatrix(lines, _DELIMITER_NAMES.get(delimiter, repr(delimiter)), '"' in body)
        except InputError as error:
            if best is None or pairs > best[0]:
                best = pairs, error
    assert best is not None
    raise best[1]


def _lines(text: str, delimiter: str, skipped: int) -> list[Line]:
    """Non-empty lines as stripped cells, without empty cells at the right."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    lines: list[Line] = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                lines.append((reader.line_num + skipped, cells))
    except csv.Error as error:
        raise InputError(f"line {reader.line_num + skipped}: not a readable table ({error})") from None
    if not lines:
        raise InputError("the table is empty")
    return lines


# --- bimatrix ------------------------------------------------------------------------------------------------


def _bimatrix(lines: list[Line], separated: str, quoted: bool) -> NormalFormGame:
    names: list[str] = []
    if all(_pair(cell) is None for cell in lines[0][1][1:] or lines[0][1]):
        names, lines = lines[0][1], lines[1:]
    if not lines:
        raise InputError(f"line 1: found no payoffs; with columns separated by {separated} {_WANTED}")
    labelled = all(_pair(cells[0]) is None for _, cells in lines)
    width = len(lines[0][1])
    rows = []
    for number, cells in lines:
        if len(cells) != width:
            raise InputError(f"line {number}: {len(cells)} columns, but line {lines[0][0]} has {width}")
        rows.append([_payoff_pair(cell, number, k + 1) for k, cell in enumerate(cells) if k or not labelled])
    if width == 1 and not labelled and not quoted:
        raise InputError(
            f"line {lines[0][0]}: one column of pairs without quotes may be two columns of single payoffs; "
            "put each pair in quotes"
        )
    if width == labelled:
        raise InputError(f"line {lines[0][0]}: a name without payoffs; {_WANTED}")
    columns = width - labelled
    if names and len(names) > columns:
        names = names[len(names) - columns :] if len(names) == width else names
    if names and len(names) != columns:
        raise InputError(f"line 1: {len(names)} column names for {columns} columns of payoffs")
    own = [cells[0] for _, cells in lines] if labelled else [str(k + 1) for k in range(len(rows))]
    other = names or [str(k + 1) for k in range(columns)]
    return NormalFormGame(np.array(rows).transpose(2, 0, 1), actions=(tuple(own), tuple(other)))


_WANTED = 'each cell should hold a pair of payoffs, such as "3,5"'


def _payoff_pair(cell: str, line: int, column: int) -> tuple[float, float]:
    pair = _pair(cell)
    if pair is None:
        raise InputError(f"line {line}, column {column}: found {shown(cell)}; {_WANTED}")
    return pair


def _pair(cell: str) -> tuple[float, float] | None:
    """The two payoffs in a cell, or None if it holds anything else."""
    if cell[:1] + cell[-1:] in ("()", "[]", "{}"):
        cell = cell[1:-1]
    if ";" in cell:
        parts = [part.replace(",", ".") for part in cell.split(";")]
    else:
        parts = cell.split(",") if "," in cell else cell.split()
    if len(parts) != 2:
        return None
    try:
        return _number(parts[0]), _number(parts[1])
    except InputError:
        return None


def _number(text: str) -> float:
    return float(exact(text.strip().replace("\N{MINUS SIGN}", "-")))


# --- long form -----------------------------------------------------------------------------------------------


def _long_form(lines: list[Line], decimal_comma: bool) -> NormalFormGame:
    players, columns = _columns(*lines[0])
    n = len(players)
    actions: list[dict[str, int]] = [{} for _ in players]
    profiles: dict[tuple[int, ...], tuple[int, list[float]]] = {}
    for number, cells in lines[1:]:
        if len(cells) != 2 * n:
            raise InputError(f"line {number}: {len(cells)} columns, but the first line has {2 * n}")
        profile = tuple(actions[i].setdefault(cells[i], len(actions[i])) for i in range(n))
        if profile in profiles:
            raise InputError(f"line {number}: the same profile as on line {profiles[profile][0]}")
        profiles[profile] = number, [_payoff(cells[k], number, k + 1, decimal_comma) for k in columns]
    shape = [len(names) for names in actions]
    _check_complete(profiles, shape, actions)
    payoffs = np.empty((n, *shape))
    index = np.array(list(profiles)).T
    payoffs[(slice(None), *index)] = np.array([row for _, row in profiles.values()]).T
    return NormalFormGame(payoffs, players=players, actions=tuple(tuple(names) for names in actions))


def _columns(line: int, names: list[str]) -> tuple[tuple[str, ...], list[int]]:
    """Players, and the column of each one's payoffs, from the first row."""
    matches = [_PAYOFF.fullmatch(name) for name in names]
    n = next(k for k, match in enumerate(matches) if match)
    players, owners = names[:n], [match and match[1].strip() for match in matches[n:]]
    if n == 0 or None in owners or len(owners) != n:
        raise InputError(
            f"line {line}: expected one column per player and then as many payoff columns, found {n} and "
            f"{sum(owner is not None for owner in owners)} of {len(owners)}"
        )
    check_fits([1] * n)  # no more players than an array has axes
    numbers = [str(k + 1) for k in range(n)]
    for keys in (players, numbers):
        if sorted(keys) == sorted(map(str, owners)) and len(set(keys)) == n:
            return tuple(players), [n + owners.index(key) for key in keys]
    raise InputError(
        f"line {line}: payoff columns should be named after the players, such as "
        f"{shown('payoff_' + players[0])}, or numbered payoff_1 to payoff_{n}"
    )


def _payoff(cell: str, line: int, column: int, decimal_comma: bool) -> float:
    try:
        return _number(cell.replace(",", ".") if decimal_comma else cell)
    except InputError as error:
        raise InputError(f"line {line}, column {column}: {error}") from None


def _check_complete(
    profiles: dict[tuple[int, ...], tuple[int, list[float]]],
    shape: Sequence[int],
    actions: list[dict[str, int]],
) -> None:
    """Check that every combination of actions has a row; the rows are known to be different."""
    if not profiles:
        raise InputError("line 1: column names, but no profiles below them")
    wanted = math.prod(shape)
    if len(profiles) != wanted:
        missing = next(p for p in np.ndindex(*shape) if p not in profiles)
        names = ", ".join(shown(list(actions[i])[a]) for i, a in enumerate(missing))
        raise InputError(f"expected {wanted} profiles, found {len(profiles)}; the first missing is ({names})")
    check_fits(shape)
