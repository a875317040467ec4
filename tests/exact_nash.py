"""Extreme equilibria by brute force in rational arithmetic: slow, short and independent of the solvers."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations


def solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction] | None:
    """The solution of a square linear system, or None if it is singular."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right)]
    for k in range(size):
        pivot = next((i for i in range(k, size) if rows[i][k] != 0), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [value / rows[k][k] for value in rows[k]]
        for i in range(size):
            if i != k and rows[i][k] != 0:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k])]
    return [row[size] for row in rows]


def vertices(payoffs: list[list[Fraction]]) -> dict[tuple[Fraction, ...], frozenset[int]]:
    """Vertices of {z >= 0 : payoffs z <= 1} with tight constraints: z_k = 0 is k, row r is (number of columns) + r."""
    columns = len(payoffs[0])
    constraints = [[Fraction(int(j == k)) for j in range(columns)] for k in range(columns)] + payoffs
    bounds = [Fraction(0)] * columns + [Fraction(1)] * len(payoffs)
    found = {}
    for chosen in combinations(range(len(constraints)), columns):
        point = solve([constraints[c] for c in chosen], [bounds[c] for c in chosen])
        if point is None or min(point) < 0:
            continue
        values = [sum(a * z for a, z in zip(row, point)) for row in constraints]
        if any(v > 1 for v in values[columns:]):
            continue
        found[tuple(point)] = frozenset(c for c, (v, b) in enumerate(zip(values, bounds)) if v == b)
    return found


def extreme_equilibria(row: list[list[int]], column: list[list[int]]) -> set[tuple[Fraction, ...]]:
    """All extreme equilibria of an integer bimatrix game as concatenated exact strategies."""
    m, n = len(row), len(row[0])
    low = min(min(map(min, row)), min(map(min, column)))
    mine = [[Fraction(int(v) - low + 1) for v in line] for line in row]
    theirs = [[Fraction(int(column[i][j]) - low + 1) for i in range(m)] for j in range(n)]
    every = frozenset(range(m + n))
    answers = set()
    of_column = {
        y: frozenset(k + m if k < n else k - n for k in tight)
        for y, tight in vertices(mine).items()
        if any(y)
    }
    for x, tight in vertices(theirs).items():
        if not any(x):
            continue
        for y, labels in of_column.items():
            if tight | labels == every:
                answers.add((*(v / sum(x) for v in x), *(v / sum(y) for v in y)))
    return answers
