"""How many pure strategies a tree gives each player, counted before any of them is written down."""

from __future__ import annotations

import numpy as np

from games.errors import InputError
from games.limits import check_fits
from games.tree import TreeGame

_MANY = 10**200


def count_plans(game: TreeGame, form: str = "reduced") -> list[int]:
    """Number of pure strategies of each player, at most 10**200. O(slots).

    With imperfect recall there is no such formula for reduced strategies, and 1 stands for any number.

    Examples
    --------
    >>> from games.efg import parse_efg
    >>> from games.tree_build import from_efg
    >>> ends = " ".join(f't "" {k} "" {{ {k} }}' for k in (1, 2, 3))
    >>> text = f'EFG 2 R "" {{ "A" }} p "" 1 1 "" {{ "stop" "go" }} 0 t "" 9 "" {{ 9 }} p "" 1 2 "" {{ "a" "b" "c" }} 0'
    >>> game = from_efg(parse_efg(f"{text} {ends}"))
    >>> count_plans(game), count_plans(game, "full")
    ([4], [6])
    """
    sizes = np.diff(game.offsets).tolist()
    owner = game.owner.tolist()
    totals = [1] * len(game.players)
    if form == "full":
        for i, size in zip(owner, sizes):
            totals[i] = min(totals[i] * size, _MANY)
        return totals
    if not game.perfect_recall:
        return totals
    after: dict[int, int] = {}  # by slot: ways to choose at everything entered with that move
    offsets, entry = game.offsets.tolist(), game.entry.tolist()
    for h in range(len(sizes) - 1, -1, -1):  # an information set comes after the one it is entered from
        ways = sum(after.get(slot, 1) for slot in range(offsets[h], offsets[h + 1]))
        if entry[h] < 0:
            totals[owner[h]] = min(totals[owner[h]] * ways, _MANY)
        else:
            after[entry[h]] = min(after.get(entry[h], 1) * ways, _MANY)
    return totals


def check_plans(game: TreeGame, form: str = "reduced") -> None:
    """Raise `InputError` when the strategic form would not fit in memory, naming the numbers of strategies."""
    counts = count_plans(game, form)
    try:
        check_fits(counts, f"the {form} strategic form")
    except InputError as error:
        sizes = " x ".join(f"{n:,}" if n < 10**9 else f"{float(n):.2g}" for n in counts)
        raise InputError(f"{error} (strategies: {sizes})") from None
