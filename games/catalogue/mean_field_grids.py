"""Tables of moves on rings and grids, for mean-field games."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Cell = tuple[int, int]

MOVES = ((0, -1), (-1, 0), (0, 0), (1, 0), (0, 1))
"""Up, left, nowhere, right, down, as (x, y): OpenSpiel's order."""
STAY = 2

FOUR_ROOMS = (
    "#############",
    "#     #     #",
    "#     #     #",
    "#           #",
    "#     #     #",
    "#     #     #",
    "### ##### ###",
    "#     #     #",
    "#     #     #",
    "#           #",
    "#     #     #",
    "#     #     #",
    "#############",
)
"""Walls and free cells of the four rooms; rows are y, columns x."""


def free_cells(rows: tuple[str, ...]) -> list[Cell]:
    """The cells (x, y) without a wall, column after column."""
    return [(x, y) for x in range(len(rows[0])) for y in range(len(rows)) if rows[y][x] != "#"]


def on_a_ring(size: int, chances: Array) -> Array:
    """Transitions float64[X, 3, X]: a step left, none or right, then noise float64[3] of the same three."""
    table = np.zeros((size, 3, size))
    for x in range(size):
        for u in range(3):
            for move, chance in zip((-1, 0, 1), chances):
                table[x, u, (x + u - 1 + move) % size] += chance
    return table


def grid_moves(cells: list[Cell], size: int, noise: float) -> tuple[Array, Array]:
    """Transitions float64[X, 5, X] on cells of a torus, and which moves are legal, bool[X, 5].

    After the move, noise does with probability `noise` one of the moves that are legal there, all alike. A move that is not
    legal counts as staying.
    """
    number = {cell: x for x, cell in enumerate(cells)}
    after = np.full((len(cells), len(MOVES)), -1)
    for cell, x in number.items():
        for u, (dx, dy) in enumerate(MOVES):
            after[x, u] = number.get(((cell[0] + dx) % size, (cell[1] + dy) % size), -1)
    legal = after >= 0
    drift = np.zeros((len(cells), len(cells)))
    for x, row in enumerate(after):
        drift[x, x] += 1 - noise
        np.add.at(drift[x], row[legal[x]], noise / legal[x].sum())
    table = drift[np.where(legal, after, np.arange(len(cells))[:, None])]
    return table, legal
