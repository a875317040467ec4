"""Extensive-form games: a tree as flat arrays, frozen and checked.

Nodes stand in preorder, parents before children, so one forward loop carries reach probabilities down and one
backward loop carries values up. A behaviour strategy profile is one flat float64 vector with a block of action
probabilities per information set (`games.simplices`), in order of first appearance in the tree.

Letters: N nodes, Z terminal nodes, I information sets, P players.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from games import simplices
from games.errors import InputError
from games.simplices import Float, Int
from games.tree_check import CHANCE, TERMINAL, check_tree, revisited

if TYPE_CHECKING:
    from games.normal import NormalFormGame


@dataclass(frozen=True, eq=False, repr=False)
class TreeGame:
    """An n-player game in extensive form.

    Parameters
    ----------
    player : int32[N]
        Who moves at each node: a 0-based player, `CHANCE` or `TERMINAL`.
    infoset : int32[N]
        Which information set a player's node is in; -1 at chance and terminal nodes.
    parent : int32[N]
        The node before; -1 at the root. Always smaller than the node itself.
    slot : int32[N]
        Position in a flat behaviour strategy of the move that leads to each node; -1 at the root and after chance.
    chance : float64[N]
        Probability of the chance move that leads to each node, 1 where no chance move does.
    payoff : float64[P, Z]
        Payoffs of whole plays, terminal nodes in node order.
    owner : int32[I]
        Whose information set it is.
    offsets : int32[I + 1]
        Where each information set's block starts in a flat behaviour strategy.
    players : sequence of str
        Player names.
    infosets : sequence of str
        Names of the information sets.
    actions : sequence of sequences of str
        Action names at each information set.
    title : str
        What the game is called.

    Raises
    ------
    InputError
        If the arrays do not describe one tree.

    Examples
    --------
    >>> from games.efg import parse_efg
    >>> from games.tree_build import from_efg
    >>> text = 'EFG 2 R "out" { "A" } p "" 1 1 "" { "stop" "go" } 0 t "" 1 "" { 2 } t "" 2 "" { 1/2 }'
    >>> game = from_efg(parse_efg(text))
    >>> game, game.values([0.5, 0.5]).tolist()
    (TreeGame('out', 1 player, 3 nodes, 1 information set), [1.25])
    """

    player: Int
    infoset: Int
    parent: Int
    slot: Int
    chance: Float
    payoff: Float
    owner: Int
    offsets: Int
    players: tuple[str, ...] = ()
    infosets: tuple[str, ...] = ()
    actions: tuple[tuple[str, ...], ...] = ()
    title: str = ""

    def __post_init__(self) -> None:
        for name in ("player", "infoset", "parent", "slot", "owner", "offsets"):
            self._freeze(name, np.array(getattr(self, name), dtype=np.int32))
        for name in ("chance", "payoff"):
            self._freeze(name, np.array(getattr(self, name), dtype=np.float64, order="C"))
        object.__setattr__(self, "players", tuple(self.players) or _numbered(len(self.payoff)))
        object.__setattr__(self, "infosets", tuple(self.infosets) or _numbered(len(self.owner), ""))
        names = self.actions or (_numbered(int(n), "") for n in np.diff(self.offsets))
        object.__setattr__(self, "actions", tuple(tuple(block) for block in names))
        check_tree(self)

    def _freeze(self, name: str, array: Any) -> None:
        array.setflags(write=False)
        object.__setattr__(self, name, array)

    # --- facts --------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.player)

    @property
    def slots(self) -> int:
        """Length of a flat behaviour strategy profile: the number of actions over all information sets."""
        return int(self.offsets[-1])

    @cached_property
    def terminals(self) -> Int:
        """int32[Z]: the terminal nodes."""
        return np.flatnonzero(self.player == TERMINAL).astype(np.int32)

    @cached_property
    def spans(self) -> Float:
        """float64[P]: largest minus smallest payoff of each player."""
        return self.payoff.max(axis=1) - self.payoff.min(axis=1)

    @cached_property
    def span(self) -> float:
        """The largest of the players' payoff ranges; tolerances are relative to it."""
        return float(self.spans.max())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the tree, its information sets, chances and payoffs. Names do not count."""
        hasher = hashlib.sha256(f"tree {self.nodes} {self.payoff.shape} {len(self.owner)}".encode())
        for array in (self.player, self.infoset, self.parent, self.slot, self.owner, self.offsets):
            hasher.update(np.ascontiguousarray(array, dtype="<i4").data)
        for values in (self.chance, self.payoff):
            hasher.update((values + 0.0).astype("<f8", copy=False).data)
        return hasher.hexdigest()

    @cached_property
    def levels(self) -> tuple[Int, ...]:
        """The nodes by depth, each level in node order."""
        order = np.argsort(self.parent, kind="stable")[
            1:
        ]  # children, grouped by parent; the root comes first
        starts = np.searchsorted(self.parent[order], np.arange(self.nodes + 1))
        levels, level = [], np.zeros(1, dtype=np.int64)
        while level.size:
            levels.append(level.astype(np.int32))
            counts = starts[level + 1] - starts[level]
            inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            level = np.sort(order[np.repeat(starts[level], counts) + inside])
        return tuple(levels)

    @cached_property
    def chance_reach(self) -> Float:
        """float64[N]: product of the chance probabilities on the way to each node."""
        reach = np.ones(self.nodes)
        for level in self.levels[1:]:
            reach[level] = reach[self.parent[level]] * self.chance[level]
        return reach

    @cached_property
    def last_slots(self) -> Int:
        """int32[P, N]: each player's last own move before (not at) every node, as a slot; -1 where there is none.

        With perfect recall it stands for the player's whole history of own choices.
        """
        last = np.full((len(self.players), self.nodes), -1, dtype=np.int32)
        for level in self.levels[1:]:
            above = self.parent[level]
            last[:, level] = last[:, above]
            moved = self.slot[level] >= 0
            last[self.player[above[moved]], level[moved]] = self.slot[level[moved]]
        return last

    @cached_property
    def infoset_of_slot(self) -> Int:
        """int32[slots]: the information set of each position of a behaviour strategy."""
        return np.repeat(np.arange(len(self.owner), dtype=np.int32), np.diff(self.offsets))

    @cached_property
    def entry(self) -> Int:
        """int32[I]: the owner's last own move before each information set, -1 if none; needs perfect recall."""
        entry = np.full(len(self.owner), -1, dtype=np.int32)
        own = np.flatnonzero(self.player >= 0)
        entry[self.infoset[own]] = self.last_slots[self.player[own], own]
        return entry

    @cached_property
    def recall_problem(self) -> str | None:
        """Why the game lacks perfect recall, in a clause, or None if it has it."""
        own = np.flatnonzero(self.player >= 0)
        bad = own[self.last_slots[self.player[own], own] != self.entry[self.infoset[own]]]
        if not bad.size:
            return None
        h = revisited(self)
        if h >= 0:
            who = self.players[self.owner[h]]
            return f"{who} is absent-minded: one play visits information set {self.infosets[h]!r} twice"
        h = int(self.infoset[bad[0]])
        return f"{self.players[self.owner[h]]} forgets an own earlier move at information set {self.infosets[h]!r}"

    @property
    def perfect_recall(self) -> bool:
        """Whether nobody ever forgets what they knew or did."""
        return self.recall_problem is None

    def require_perfect_recall(self, what: str) -> None:
        """Raise `InputError` if the game has imperfect recall, saying whose, where and what would work."""
        if self.recall_problem is not None:
            raise InputError(
                f"{what} needs perfect recall, but {self.recall_problem}; "
                "the strategic form (form=reduced) can be solved instead"
            )

    @cached_property
    def has_chance(self) -> bool:
        """Whether chance moves anywhere."""
        return bool((self.player == CHANCE).any())

    def constant_sum(self, tolerance: float = 1e-12) -> float | None:
        """The constant that payoffs sum to at every terminal node, or None; `tolerance` relative to magnitudes."""
        sums = self.payoff.sum(axis=0)
        scale = max(float(np.abs(self.payoff).max()), np.finfo(float).tiny)
        middle = 0.5 * (float(sums.max()) + float(sums.min()))
        return middle if float(np.ptp(sums)) <= tolerance * scale * len(self.players) else None

    # --- strategies ---------------------------------------------------------------------------------------

    def uniform(self) -> Float:
        """The behaviour strategy profile float64[slots] that plays every action with the same probability."""
        return simplices.uniform(self.offsets) if len(self.owner) else np.empty(0)

    def check_behavior(self, behavior: Any) -> Float:
        """`behavior` as a valid flat float64[slots] profile, blocks renormalised; `InputError` naming the fault."""
        array = np.array(behavior, dtype=np.float64).ravel()
        if array.size != self.slots:
            raise InputError(f"behaviour strategy has {array.size} probabilities, expected {self.slots}")
        if not self.slots:
            return array
        wrong = ~np.isfinite(array) | (array < -1e-9)
        array = np.where(wrong, array, np.maximum(array, 0.0))
        sums = simplices.block_sums(np.where(wrong, np.inf, array), self.offsets)
        worst = int(np.argmax(np.abs(sums - 1.0)))
        if not abs(sums[worst] - 1.0) <= simplices.SUM_TOLERANCE:
            block = array[self.offsets[worst] : self.offsets[worst + 1]].tolist()
            who = self.players[self.owner[worst]]
            raise InputError(
                f"{who} at information set {self.infosets[worst]!r} has probabilities {block}, not a distribution"
            )
        return array / np.repeat(sums, np.diff(self.offsets))

    def reach(self, behavior: Any) -> Float:
        """float64[Z]: probability of each terminal node under a behaviour strategy profile."""
        flat = np.append(np.asarray(behavior, dtype=np.float64), 1.0)  # slot -1 is the sure move
        step, reach = flat[self.slot] * self.chance, np.ones(self.nodes)
        for level in self.levels[1:]:
            reach[level] = reach[self.parent[level]] * step[level]
        return reach[self.terminals]

    def values(self, behavior: Any) -> Float:
        """Expected payoff of each player, float64[P], under a behaviour strategy profile. O(N)."""
        return self.payoff @ self.reach(self.check_behavior(behavior))

    def blocks(self, behavior: Any) -> list[Float]:
        """The action probabilities at each information set, as views."""
        return simplices.blocks(np.asarray(behavior, dtype=np.float64), self.offsets)

    def to_normal(self, form: str = "reduced") -> NormalFormGame:
        """The strategic form; see `games.efg_strategic.to_strategic`."""
        from games.efg_strategic import to_strategic
        from games.plan_counts import check_plans
        from games.tree_build import to_efg

        check_plans(self, form)
        return to_strategic(to_efg(self), form)

    # --- showing itself -----------------------------------------------------------------------------------

    def __repr__(self) -> str:
        counted = (
            (len(self.players), "player"),
            (self.nodes, "node"),
            (len(self.owner), "information set"),
        )
        told = ", ".join(f"{n:,} {what}{'' if n == 1 else 's'}" for n, what in counted)
        return f"TreeGame({self.title!r}, {told})"

    def _repr_html_(self) -> str:
        from games.show import tree_html

        return tree_html(self)

    def rows(self, behavior: Any) -> Iterator[tuple[int, str, tuple[str, ...], Float]]:
        """For each information set: its owner, name, action names and probabilities."""
        yield from zip(self.owner.tolist(), self.infosets, self.actions, self.blocks(behavior))


def _numbered(count: int, word: str = "Player ") -> tuple[str, ...]:
    return tuple(f"{word}{k + 1}" for k in range(count))
