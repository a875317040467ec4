"""Random game trees, written as .efg text and read back, and their expected payoffs in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import strategies as st

from games.efg import CHANCE, EfgTree, parse_efg

CHANCES = {1: ("1",), 2: ("1/3", "2/3"), 3: ("1/2", "1/3", "1/6")}
OUTCOMES = 6


@st.composite
def trees(draw: st.DrawFn, players: int | None = None, recall: bool | None = None, depth: int = 4) -> EfgTree:
    """A tree of 1 to 4 players with chance and payoffs on the way; with perfect recall, without, or either."""
    count = draw(st.integers(1, 4)) if players is None else players
    remember = draw(st.booleans()) if recall is None else recall
    lines: list[str] = []
    known: dict[tuple, int] = {}

    def grow(left: int, histories: tuple[tuple, ...]) -> None:
        outcome = draw(st.integers(0, OUTCOMES))
        if left == 0 or draw(st.integers(0, 5)) == 0:
            lines.append(f't "" {outcome}')
            return
        mover = draw(st.integers(-1, count - 1))
        size = draw(st.integers(1, 3))
        if mover < 0:
            moves = " ".join(f'"{k}" {p}' for k, p in enumerate(CHANCES[size]))
            lines.append(f'c "" {size} "" {{ {moves} }} {outcome}')
        else:
            key = (mover, size, draw(st.integers(0, 1)), histories[mover] if remember else ())
            h = known.setdefault(key, len(known) + 1)
            moves = " ".join(f'"{k}"' for k in range(size))
            lines.append(f'p "" {mover + 1} {h} "" {{ {moves} }} {outcome}')
        for k in range(size):
            after = histories
            if mover >= 0:
                after = (*histories[:mover], (*histories[mover], (h, k)), *histories[mover + 1 :])
            grow(left - 1, after)

    grow(draw(st.integers(0, depth)), ((),) * count)
    names = " ".join(f'"P{k}"' for k in range(count))
    # a first chance move defines every outcome's payoffs
    paid = []
    for k in range(1, OUTCOMES + 1):
        payoffs = " ".join(draw(st.sampled_from(["0", "1", "-2", "1/3", ".7", "10"])) for _ in range(count))
        paid.append(f't "" {k} "" {{ {payoffs} }}')
    odds = " ".join(f'"" 1/{OUTCOMES + 1}' for _ in range(OUTCOMES + 1))
    return parse_efg(f'EFG 2 R "random" {{ {names} }} c "" 9 "" {{ {odds} }} 0 ' + "\n".join([*paid, *lines]))


def own_blocks(tree: EfgTree) -> list[int]:
    """The information sets of players, in order: the blocks of a behaviour strategy."""
    return [h for h, block in enumerate(tree.infosets) if block.player != CHANCE]


def exact_values(tree: EfgTree, behavior: dict[int, list[Fraction]]) -> list[Fraction]:
    """Expected payoffs when the player at each information set plays these probabilities, node by node."""
    reach: list[Fraction] = []
    totals = [Fraction(0)] * len(tree.players)
    for node, (above, action) in enumerate(zip(tree.parent.tolist(), tree.action.tolist())):
        weight = Fraction(1)
        if above >= 0:
            h = int(tree.infoset[above])
            weight = reach[above] * (tree.infosets[h].chance or behavior[h])[action]
        reach.append(weight)
        for i, u in enumerate(tree.outcome_payoffs[tree.outcome[node]]):
            totals[i] += weight * u
    return totals


def recall_fault(tree: EfgTree) -> str | None:
    """ "absent-minded", "forgets" or None, by writing out what every player has done on the way to every node."""
    histories: dict[int, set[tuple]] = {}
    fault = None
    for node in range(len(tree.player)):
        mover = int(tree.player[node])
        if mover < 0:
            continue
        path = [node]
        while tree.parent[path[-1]] >= 0:
            path.append(int(tree.parent[path[-1]]))
        own = tuple(
            (int(tree.infoset[above]), int(tree.action[below]))
            for below, above in pairwise(path)
            if tree.player[above] == mover
        )
        h = int(tree.infoset[node])
        if any(h == before for before, _ in own):
            return "absent-minded"
        histories.setdefault(h, set()).add(own)
        if len(histories[h]) > 1:
            fault = "forgets"
    return fault
