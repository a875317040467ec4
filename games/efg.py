"""Gambit's extensive-form files (.efg): the game tree as a plain record.

Nodes stand in preorder, parents before children; nothing recurses, so a tree may be as deep as memory allows.
Reference: Gambit documentation, "Game representation formats".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from games.simplices import Float, Int
from games.text_input import Tokens, header, named, shown

CHANCE = -1
TERMINAL = -2
CHANCE_TOLERANCE = Fraction(1, 100_000)
"""Chance probabilities whose sum is further than this from 1 are refused; nearer ones are scaled to sum to 1."""

Row = tuple[Fraction, ...]


@dataclass(frozen=True)
class EfgInfoset:
    """An information set, or the chance moves that share a distribution.

    `player` is 0-based or `CHANCE`; `number` and `name` are the file's; `chance` is empty for players.
    """

    player: int
    number: int
    name: str
    actions: tuple[str, ...]
    chance: Row = ()


@dataclass(frozen=True, eq=False)
class EfgTree:
    """A game tree as an .efg file gives it.

    Parameters
    ----------
    title, comment : str
        The file's title and comment.
    players : tuple of str
        Player names.
    player : int32[N]
        Who moves at each node: a 0-based player, `CHANCE` or `TERMINAL`.
    infoset : int32[N]
        Index into `infosets`, -1 at terminal nodes.
    parent, action : int32[N]
        The node before and the 0-based action that leads here; -1 at the root.
    outcome : int32[N]
        Row of `outcome_payoffs` paid when the node is reached; row 0 is zero.
    names : tuple of str
        Node names.
    infosets : tuple of EfgInfoset
        In order of first appearance, which is also the order of a player's choices in a pure strategy.
    outcome_names : tuple of str
        Names of the outcomes.
    outcome_payoffs : tuple of tuples of Fraction
        Payoffs of each outcome to each player, exactly as written.
    """

    title: str
    comment: str
    players: tuple[str, ...]
    player: Int
    infoset: Int
    parent: Int
    action: Int
    outcome: Int
    names: tuple[str, ...]
    infosets: tuple[EfgInfoset, ...]
    outcome_names: tuple[str, ...]
    outcome_payoffs: tuple[Row, ...]

    @cached_property
    def chance(self) -> Float:
        """float64[N]: probability of the chance move into each node, 1 where it is no chance move."""
        rows = [tuple(map(float, block.chance)) for block in self.infosets]
        moves = zip(self.parent.tolist(), self.action.tolist())
        owner = self.infoset.tolist()
        return np.array([1.0 if p < 0 or not rows[owner[p]] else rows[owner[p]][a] for p, a in moves])

    @cached_property
    def payoff(self) -> Float:
        """float64[N, P]: payoffs attached to each node; those along a path add up."""
        table = np.array([[float(u) for u in row] for row in self.outcome_payoffs])
        return table[self.outcome]


def parse_efg(text: str) -> EfgTree:
    """The tree that the text of an .efg file describes.

    Node, information set and outcome names may be missing; an information set's actions and an outcome's payoffs
    are needed once, anywhere in the file.

    Raises
    ------
    InputError
        With the line number, if the text is not one complete tree of that format.

    Examples
    --------
    >>> tree = parse_efg('EFG 2 R "" { "A" } p "" 1 1 "" { "stop" "go" } 0 t "" 1 "" { 2 } t "" 2 "" { 1/2 }')
    >>> tree.player.tolist(), tree.payoff.ravel().tolist()
    ([0, -2, -2], [0.0, 2.0, 0.5])
    """
    tokens = Tokens(text)
    title, players = header(tokens, "EFG", "2")
    comment = tokens.optional("string") or ""
    reader = _Reader(tokens, len(players))
    reader.read_nodes()
    tokens.finish("the last node of the tree")
    reader.check_outcomes()
    columns = np.array(reader.nodes, dtype=np.int32).T.copy()
    columns.setflags(write=False)
    player, infoset, parent, action, outcome = columns
    return EfgTree(
        title,
        comment,
        named(players, "Player "),
        player,
        infoset,
        parent,
        action,
        outcome,
        tuple(reader.names),
        tuple(reader.infosets),
        tuple(outcome.name for outcome in reader.outcomes),
        tuple(outcome.payoffs or () for outcome in reader.outcomes),
    )


@dataclass
class _Outcome:
    number: int
    start: int
    name: str = ""
    payoffs: Row | None = None


@dataclass
class _Reader:
    """State of the parser: what has been read, and what each number in the file stands for."""

    tokens: Tokens
    players: int
    nodes: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    infosets: list[EfgInfoset] = field(default_factory=list)
    outcomes: list[_Outcome] = field(default_factory=list)
    infoset_rows: dict[tuple[int, int], int] = field(default_factory=dict)
    outcome_rows: dict[int, int] = field(default_factory=lambda: {0: 0})

    def __post_init__(self) -> None:
        self.outcomes.append(_Outcome(0, 0, payoffs=(Fraction(0),) * self.players))

    def read_nodes(self) -> None:
        """Read nodes in preorder until every branch has ended."""
        parent, action = -1, -1
        unfinished: list[list[int]] = []  # [node, actions already followed, actions]
        while True:
            node = len(self.nodes)
            branches = self.read_node(parent, action, len(unfinished))
            if branches:
                unfinished.append([node, 0, branches])
            while unfinished and unfinished[-1][1] == unfinished[-1][2]:
                unfinished.pop()
            if not unfinished:
                return
            parent, action = unfinished[-1][0], unfinished[-1][1]
            unfinished[-1][1] += 1

    def read_node(self, parent: int, action: int, depth: int) -> int:
        """Read one node and return its number of actions."""
        tokens = self.tokens
        kind, start = tokens.value, tokens.start
        if tokens.kind != "word" or kind not in ("c", "p", "t"):
            where = f" for action {action + 1} of the node {depth} levels down" if depth else ""
            raise tokens.error(f"expected a node ('c', 'p' or 't'){where}, found {tokens.found()}")
        tokens.advance()
        name = tokens.optional("string")
        if name is None:
            bare = tokens.kind == "word" and not tokens.value.isdigit()
            name = tokens.take("word", "a node name") if bare else ""
        if kind == "t":
            player, infoset, branches = TERMINAL, -1, 0
        else:
            player = CHANCE if kind == "c" else self.read_player()
            infoset = self.read_infoset(player)
            branches = len(self.infosets[infoset].actions)
        self.nodes.append((player, infoset, parent, action, self.read_outcome(start)))
        self.names.append(name)
        return branches

    def read_player(self) -> int:
        """Read the number of the player who moves."""
        at = self.tokens.start
        number = self.tokens.integer("a player number")
        if not 1 <= number <= self.players:
            raise self.tokens.error(f"player {number} does not exist; there are {self.players}", at)
        return number - 1

    def read_infoset(self, player: int) -> int:
        """Read an information set, defined here or before, and return its row."""
        tokens, at = self.tokens, self.tokens.start
        number = tokens.integer("an information set number")
        name = tokens.optional("string") or ""
        row = self.infoset_rows.get((player, number))
        if tokens.kind != "{":
            if row is None:
                raise tokens.error(f"information set {number} has no actions here or before", at)
            return row
        actions, chance = self.read_chance() if player == CHANCE else (tokens.labels("the actions"), ())
        if not actions:
            raise tokens.error(f"information set {number} has no actions", at)
        if row is None:
            row = self.infoset_rows[player, number] = len(self.infosets)
            self.infosets.append(EfgInfoset(player, number, name, named(actions), chance))
            return row
        known = self.infosets[row]
        if len(known.actions) != len(actions):
            raise tokens.error(
                f"information set {number} has {len(actions)} actions here and {len(known.actions)} before",
                at,
            )
        if known.chance != chance:
            raise tokens.error(f"chance move {number} has other probabilities here than before", at)
        return row

    def read_chance(self) -> tuple[tuple[str, ...], Row]:
        """Read `{ "name" probability ... }` and check that it is a distribution."""
        tokens, at = self.tokens, self.tokens.start
        tokens.take("{", "'{'")
        names: list[str] = []
        chance: list[Fraction] = []
        while tokens.kind in ("string", "word"):
            names.append(tokens.value)
            tokens.advance()
            chance.append(tokens.number(f"probability of chance action {shown(names[-1])}"))
            if chance[-1] < 0:
                raise tokens.error(f"chance action {shown(names[-1])} has a negative probability", at)
        tokens.take("}", "'}' or another chance action")
        total = sum(chance, Fraction(0))
        if names and abs(total - 1) > CHANCE_TOLERANCE:
            raise tokens.error(f"chance probabilities sum to {float(total):.9g}, expected 1", at)
        return tuple(names), tuple(p / total for p in chance) if total else ()

    def read_outcome(self, node: int) -> int:
        """Read an outcome, defined here, before or later, and return its row."""
        tokens = self.tokens
        number = tokens.integer("an outcome number")
        row = self.outcome_rows.get(number)
        if row is None:
            row = self.outcome_rows[number] = len(self.outcomes)
            self.outcomes.append(_Outcome(number, node))
        outcome = self.outcomes[row]
        outcome.name = tokens.optional("string") or outcome.name
        if tokens.kind == "{":
            at = tokens.start
            payoffs = tokens.numbers(self.players, f"payoffs of outcome {number}, one per player")
            if outcome.payoffs is not None and outcome.payoffs != payoffs:
                other = "always zero" if number == 0 else f"others from line {tokens.line(outcome.start)}"
                raise tokens.error(f"outcome {number} has these payoffs here and {other}", at)
            outcome.payoffs, outcome.start = payoffs, at
        return row

    def check_outcomes(self) -> None:
        """Check that every outcome that is used has payoffs somewhere."""
        missing: Sequence[_Outcome] = [outcome for outcome in self.outcomes if outcome.payoffs is None]
        if missing:
            first = missing[0]
            raise self.tokens.error(
                f"outcome {first.number} has no payoffs anywhere in the file", first.start
            )
