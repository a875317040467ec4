"""A game in extensive form played node by node.

Letters: B plays, P players, N nodes, I information sets, A most actions at any of them, d numbers in an observation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Group, View
from games.errors import InputError
from games.scene import Scene
from games.sims import tree_env_kernels as kernels
from games.sims.simulation import constant
from games.spaces import Discrete
from games.tree import CHANCE, TERMINAL, TreeGame

Array = npt.NDArray[Any]

MOST_ONE_HOT = 1_024
"""Players with more information sets than this see their index in binary digits unless told otherwise."""


class TreeRules:
    """A play of a tree game per episode, one player's move per step; see `games.simulate.simulate`.

    Chance moves between the players' steps are drawn from the sub-environment's stream; branches of probability 0 are
    never taken. Payoffs come with the last move. `View.row` is the information set as `TreeGame` numbers them, all
    players' together; a table of behaviour is float64[I, A] (`games.tree_policies.behavior_table`). Players who do
    not act have row 0, an empty mask and see zeros. Action k is the k-th of its information set.

    Where chance can end a play before anybody has moved, the first player then makes one forced move, in a row I of
    its own, so that every episode has a step and every play its probability.

    The global state holds what the acting player sees (d numbers) and the number of the node in binary digits.

    Parameters
    ----------
    game : TreeGame
        The game.
    name : str
        What the environment is called.
    observe : {None, "one-hot", "binary"} or float32[I, d]
        What the acting player sees: which of its own information sets this is, as one of d indicators or as binary
        digits of its number (counted from 1), or a row of features per information set. By default one-hot up to
        1,024 information sets of one player and binary beyond.

    Raises
    ------
    InputError
        If nobody ever moves in the game or `observe` is not one of these.
    """

    def __init__(self, game: TreeGame, name: str, observe: Any = None) -> None:
        if not len(game.owner):
            raise InputError(f"{name}: nobody ever moves in this game, so there is nothing to play")
        self.game = game
        self._width = np.diff(game.offsets).astype(np.int32)
        self._label = game.infoset.copy()
        self._label[game.terminals] = np.arange(len(game.terminals))
        self._payoff = np.ascontiguousarray(game.payoff.T)
        self._first, self._child, self._cumulative = _edges(game)
        self.can_end_unmoved = ends_unmoved(game)
        self._index, self._features, depth = _observed(game, name, observe)
        self._digits = max(1, (game.nodes - 1).bit_length())
        group = Group(
            "players",
            game.players,
            (depth,),
            Discrete(int(self._width.max())),
            _common_names(game),
            rows=len(game.owner) + self.can_end_unmoved,
        )
        common = bool((game.payoff == game.payoff[:1]).all())
        self.spec = EnvSpec(name, (group,), depth + self._digits, _longest(game), common, turn_based=True)

    def allocate(self, batch: int) -> dict[str, Array]:
        """Where every play stands."""
        return {
            "node": np.zeros(batch, dtype=np.int32),
            "unmoved": np.zeros(batch, dtype=bool),
            "alive": constant(True, (batch, len(self.game.players))),
        }

    def begin(self, state: dict[str, Array], streams: Array, where: Array) -> None:
        """Back to the root, and on to the first player's move."""
        kernels.begin(
            state["node"],
            state["unmoved"],
            where,
            streams,
            self.game.player,
            self._first,
            self._child,
            self._cumulative,
        )

    def advance(
        self, state: dict[str, Array], streams: Array, actions: tuple[Array, ...], live: Array
    ) -> tuple[tuple[Array, ...], Array]:
        """One move each, and what chance does after it."""
        reward, ended = np.empty(actions[0].shape), np.empty(len(live), dtype=bool)
        kernels.advance(
            state["node"],
            state["unmoved"],
            actions[0],
            live,
            streams,
            self.game.player,
            self._label,
            self._first,
            self._child,
            self._cumulative,
            self._payoff,
            reward,
            ended,
        )
        return (reward,), ended

    def look(self, state: dict[str, Array], rewards: tuple[Array, ...]) -> tuple[tuple[View, ...], Array]:
        """The acting player's information set."""
        group, batch = self.spec.groups[0], len(state["node"])
        acting = np.zeros((batch, group.size), dtype=bool)
        mask = np.zeros((batch, group.size, group.width), dtype=bool)
        row = np.zeros((batch, group.size), dtype=np.int32)
        features = np.zeros((batch, self.spec.state), dtype=np.float32)
        kernels.look(
            state["node"],
            state["unmoved"],
            self.game.player,
            self._label,
            self._width,
            acting,
            mask,
            row,
            features,
            group.depth,
        )
        observation = self.observations(acting, row, features)
        return (View(observation, mask, rewards[0], acting, state["alive"], row),), features

    def observations(self, acting: Array, row: Array, state: Array) -> Array:
        """float32[B, P, d]: what those who act see in their rows; also written to the first d numbers of `state`."""
        observation = np.zeros((*row.shape, self.spec.groups[0].depth), dtype=np.float32)
        if self._features is None:
            kernels.mark_index(acting, row, self._index, observation, state)
        else:
            kernels.copy_features(acting, row, self._features, observation, state)
        return observation

    def situations(self, rows: Array) -> View:
        """A view with one sub-environment per information set in `rows`, int[K], its owner acting; rewards are 0."""
        game, group = self.game, self.spec.groups[0]
        acting = game.owner[rows][:, None] == np.arange(group.size)
        row = np.where(acting, rows[:, None], 0).astype(np.int32)
        choices = np.arange(group.width) < self._width[rows][:, None]
        state = np.zeros((len(rows), group.depth), dtype=np.float32)
        return View(
            self.observations(acting, row, state),
            acting[:, :, None] & choices[:, None, :],
            np.zeros(row.shape),
            acting,
            np.ones(row.shape, dtype=bool),
            row,
        )

    @property
    def tables(self) -> tuple[Array, Array, Array, Array, Array]:
        """Labels, first edges, children, running sums and payoffs, as `games.sims.tree_env_kernels` takes them."""
        return self._label, self._first, self._child, self._cumulative, self._payoff

    def situation(self, row: int | None) -> str:
        """An information set in words: whose, its name, its actions."""
        if row is None or not 0 <= row < len(self.game.owner):
            return "chance has ended the play; the only move is to go on"
        told = ", ".join(f"{k} {name}" for k, name in enumerate(self.game.actions[row]))
        who = self.game.players[self.game.owner[row]]
        return f"{who} at information set {self.game.infosets[row]!r}, actions: {told}"

    def scene(self, state: dict[str, Array], which: int) -> Scene:
        """Where the play stands, in words."""
        node = int(state["node"][which])
        if self.game.player[node] >= 0:
            return Scene(text=f"{self.game.title}: {self.situation(int(self.game.infoset[node]))}")
        paid = self._payoff[self._label[node]]
        told = ", ".join(f"{player}: {value:g}" for player, value in zip(self.game.players, paid))
        return Scene(text=f"{self.game.title}: over. {told}")


def ends_unmoved(game: TreeGame) -> bool:
    """Whether chance, by itself, ends some plays before anybody has moved."""
    alone = np.zeros(game.nodes, dtype=bool)  # reached by chance moves only
    alone[0] = True
    for level in game.levels[1:]:
        above = game.parent[level]
        alone[level] = alone[above] & (game.player[above] == CHANCE) & (game.chance[level] > 0)
    return bool((alone & (game.player == TERMINAL)).any())


def _edges(game: TreeGame) -> tuple[Array, Array, Array]:
    """Children of every node in the order of its actions: where they start, which they are, chances accumulated."""
    below = np.arange(1, game.nodes)
    below = below[(game.chance[1:] > 0) | (game.slot[1:] >= 0)]
    below = below[np.lexsort((game.slot[below], game.parent[below]))]  # chance's keep the order of the nodes
    first = np.searchsorted(game.parent[below], np.arange(game.nodes + 1)).astype(np.int32)
    cumulative = np.empty(len(below))
    kernels.accumulate(first, game.chance[below], cumulative)
    return first, below.astype(np.int32), cumulative


def _longest(game: TreeGame) -> int:
    """The most moves of players in one play."""
    moves = np.zeros(game.nodes, dtype=np.int32)
    for level in game.levels[1:]:
        moves[level] = moves[game.parent[level]] + (game.slot[level] >= 0)
    return int(moves.max())


def _observed(game: TreeGame, name: str, observe: Any) -> tuple[Array, Array | None, int]:
    """Each information set's number among its owner's, a table of features unless one-hot, and d."""
    index, most = np.zeros(len(game.owner), dtype=np.int32), 0
    for i in range(len(game.players)):
        own = np.flatnonzero(game.owner == i)
        index[own] = np.arange(len(own))
        most = max(most, len(own))
    if observe is None:
        observe = "one-hot" if most <= MOST_ONE_HOT else "binary"
    if isinstance(observe, str):
        if observe == "one-hot":
            return index, None, most
        if observe == "binary":
            digits = (index[:, None] + 1 >> np.arange(most.bit_length())) & 1
            return index, digits.astype(np.float32), most.bit_length()
        raise InputError(f"{name}: observe={observe[:40]} is not one-hot, binary or a table of features")
    try:
        features = np.array(observe, dtype=np.float32)
    except (TypeError, ValueError):
        features = np.empty(0, dtype=np.float32)
    if features.ndim != 2 or len(features) != len(index) or not features.shape[1]:
        raise InputError(
            f"{name}: features of information sets are numbers of shape ({len(index)}, d), not {np.shape(features)}"
        )
    if not np.isfinite(features).all():
        bad = int(np.argwhere(~np.isfinite(features))[0, 0])
        raise InputError(
            f"{name}: a feature of information set {game.infosets[bad]!r} is not a finite number"
        )
    return index, np.ascontiguousarray(features), features.shape[1]


def _common_names(game: TreeGame) -> tuple[str, ...]:
    """Names of the actions, if the k-th is called the same at every information set."""
    longest = max(game.actions, key=len)
    return longest if all(block == longest[: len(block)] for block in set(game.actions)) else ()
