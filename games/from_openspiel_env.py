"""OpenSpiel games as environments: one OpenSpiel state per sub-environment, or a compiled tree.

Letters: B sub-environments, P players, A distinct actions, d numbers in a tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Env, EnvSpec, Group, Step, View, check_actions
from games.errors import InputError
from games.from_openspiel import check_finite, explained, load_spiel, node_limit, pyspiel_module
from games.from_openspiel_sight import TENSORS, probe, sight_of
from games.openspiel_states import Canvas, Openings, Table
from games.openspiel_tree import MAX_NODES, Progress, compile_tree
from games.scene import Scene
from games.sims.simulation import check_where, constant
from games.spaces import Discrete
from games.streams import ENV, Streams, check_seeds
from games.tree import TreeGame

Array = npt.NDArray[Any]

EXAMPLES = (
    "openspiel:leduc_poker",
    "openspiel:kuhn_poker(players=3)",
    "openspiel:connect_four",
    "openspiel:goofspiel(num_cards=4,imp_info=True,points_order=descending)",
    "openspiel:matrix_rps",
    "openspiel:leduc_poker?compiled=true",
)
"""Environments of this scheme, for lists."""

_CHOICES = {
    "observe": tuple(TENSORS),
    "state": ("full", "acting"),
    "compiled": ("true", "false"),
    "max_nodes": (),
}
_LARGE_STATE = (
    2_048  # numbers; beyond that the state is not the concatenation of everybody's tensors by itself
)
_MOST_CELLS = 1_000_000  # of one sub-environment's mask


def make(name: str, parameters: Mapping[str, Any]) -> Env:
    """An OpenSpiel game as an environment.

    Parameters
    ----------
    name : str
        The game as OpenSpiel writes it: ``leduc_poker``, ``goofspiel(num_cards=4,imp_info=True)``.
    parameters : mapping
        ``observe``: the tensor that acting players see, ``information`` (states; the default where the game has them)
        or ``observation``. ``state``: ``full`` or ``acting``, see `OpenSpielEnv`. ``compiled``: whether the game is
        compiled to a `TreeGame` first (`games.sims.tree.TreeRules`; faster, but the tree must fit). ``max_nodes``: the
        largest tree that is compiled.

    Raises
    ------
    InputError
        If OpenSpiel does not know the game, it is of a kind that cannot be played, or a parameter does not fit.
    """
    given = _read(name, parameters)
    game = load_spiel(name)
    _check_kind(name, game)
    if given.get("compiled") == "true":
        if "state" in given:
            raise InputError(f"openspiel:{name}: a compiled game has a state of its own; leave out state")
        return _compiled(name, game, given.get("observe"), node_limit(given.get("max_nodes", MAX_NODES)))
    if "max_nodes" in given:
        raise InputError(f"openspiel:{name}: max_nodes is for compiled=true only")
    with explained(name):
        return OpenSpielEnv(game, f"openspiel:{name}", given.get("observe"), given.get("state"))


def _read(name: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """The parameters as text; `InputError` naming one that does not fit."""
    given = {}
    for key, value in parameters.items():
        if key not in _CHOICES:
            near = get_close_matches(key, _CHOICES, 1, 0.6)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(_CHOICES)}"
            raise InputError(
                f"openspiel:{name} has no parameter {key[:40]!r} here; {hint} (the game's own go in brackets, as "
                "NAME(key=value))"
            )
        text = str(value).lower() if isinstance(value, bool | str) else str(value)
        if _CHOICES[key] and text not in _CHOICES[key]:
            raise InputError(f"openspiel:{name}: {key}={text[:40]} is not {' or '.join(_CHOICES[key])}")
        given[key] = text
    return given


def _check_kind(text: str, game: Any) -> None:
    """Refuse what cannot be played one state per sub-environment."""
    kinds, kind = pyspiel_module().GameType, game.get_type()
    if kind.dynamics == kinds.Dynamics.MEAN_FIELD:
        raise InputError(f"openspiel:{text} is a mean-field game: it has no players to play it")
    if kind.chance_mode == kinds.ChanceMode.SAMPLED_STOCHASTIC:
        raise InputError(
            f"openspiel:{text} samples chance by itself instead of listing its outcomes: its plays cannot be repeated "
            "from a seed"
        )
    if game.num_players() * game.num_distinct_actions() > _MOST_CELLS:
        raise InputError(
            f"openspiel:{text} has {game.num_distinct_actions():,} actions for each of {game.num_players()} players: "
            f"action masks of more than {_MOST_CELLS:,} cells are too large"
        )


def _compiled(text: str, game: Any, observe: str | None, limit: int) -> Env:
    """The game's tree as an environment, with one tensor per information set."""
    from games.sims.simulation import Simulation
    from games.sims.tree import TreeRules

    check_finite(text, game)
    kind = game.get_type()
    features: list[Array] = []
    with explained(text):
        if observe or kind.provides_information_state_tensor or kind.provides_observation_tensor:
            sight, _ = sight_of(game, observe)
            tree = compile_tree(game, limit, note=lambda state, i: features.append(sight.read(state, i)))
        else:
            tree = compile_tree(game, limit)
        name = f"openspiel:{text}?compiled=true"
        return Simulation(TreeRules(tree, name, np.array(features) if features else None))


@dataclass
class Running:
    """The world of an `OpenSpielEnv`."""

    table: Table
    canvas: Canvas
    time: Array  # int32[B]: steps since the episode began
    paid: Array  # float64[B, P]: rewards so far, in games that pay on the way
    step: Step


class OpenSpielEnv:
    """An OpenSpiel game, sequential or simultaneous, one of its states per sub-environment.

    Players who act see their tensor and have a mask; players who do not see zeros. Chance is drawn from the
    sub-environment's stream. Rewards are the growth of OpenSpiel's returns, so they sum to them. Actions are
    OpenSpiel's own numbers. A play that chance ends before anybody has moved takes one forced step (action 0 of the
    first player).

    The global state is made of tensors and an indicator per player of who acts. ``full`` has all players' tensors, or
    the acting player's alone in games of perfect information, and so tells everything; ``acting`` has only the (first)
    acting player's, which costs less. The default is ``full`` up to 2,048 numbers.

    Parameters
    ----------
    game : pyspiel.Game
        The game.
    name : str
        What the environment is called.
    observe : {None, "information", "observation"}
        Which tensor; information states by default, observations where the game has no others.
    state : {None, "full", "acting"}
        Which global state.
    """

    def __init__(self, game: Any, name: str, observe: str | None = None, state: str | None = None) -> None:
        kinds, kind = pyspiel_module().GameType, game.get_type()
        self.game, self._text = game, name.removeprefix("openspiel:")
        self._sight, shape = sight_of(game, observe)
        players, depth = game.num_players(), len(self._sight.tensor)
        open_book = kind.information == kinds.Information.PERFECT_INFORMATION
        full = state == "full" or (state is None and players * depth <= _LARGE_STATE)
        self._every = full and not open_book and players > 1
        self._stepwise = kind.reward_model == kinds.RewardModel.REWARDS
        self._openings = Openings(game)
        names = probe(game, self._sight)
        agents = tuple(f"Player {i + 1}" for i in range(players))
        group = Group("players", agents, shape, Discrete(max(1, game.num_distinct_actions())), names)
        self.spec = EnvSpec(
            name,
            (group,),
            state=depth * (players if self._every else 1) + players,
            horizon=max(1, game.max_game_length()),
            common_reward=kind.utility == kinds.Utility.IDENTICAL,
            turn_based=kind.dynamics == kinds.Dynamics.SEQUENTIAL,
        )

    def __repr__(self) -> str:
        return f"OpenSpielEnv({self.spec.name!r}, {len(self.spec.agents)} agents)"

    def reset(self, seeds: Array) -> tuple[Running, Step]:
        """Start len(seeds) games, uint64[B]; see `games.env.Env.reset`."""
        seeds = check_seeds(seeds)
        table = Table(self.game, self._sight, self._every, Streams.from_seeds(seeds, ENV))
        canvas = Canvas(table.shape)
        batch, players = table.shape[:2]
        with explained(self._text):
            self._begin(table, canvas, range(batch))
        zeros = np.zeros((batch, players))
        step = self._step(canvas, zeros, np.ones(batch, dtype=np.float32), np.zeros(batch, dtype=bool))
        return Running(table, canvas, np.zeros(batch, dtype=np.int32), zeros.copy(), step), step

    def step(self, world: Running, actions: Sequence[Array]) -> tuple[Running, Step]:
        """Everybody who acts moves; see `games.env.Env.step`."""
        before, table = world.step, world.table
        chosen = check_actions(self.spec, before, actions)[0].tolist()
        live = ~before.last
        playing = np.flatnonzero(live).tolist()
        canvas, reward = Canvas(table.shape), np.zeros(world.paid.shape)
        with explained(self._text):
            table.play(playing, chosen)
            over = table.look(playing, canvas)
            self._pay(world, playing, over, reward)
        world.time += live
        discount, last = before.discount, before.last
        if over:
            discount, last = discount.copy(), last.copy()
            discount[over], last[over] = 0.0, True
        cut = before.last & (before.discount > 0)
        if cut.any():
            canvas.keep(world.canvas, cut)
        last = last | (world.time >= self.spec.horizon)
        world.canvas, world.step = canvas, self._step(canvas, reward, discount, last)
        return world, world.step

    def restart(self, world: Running, where: Array) -> tuple[Running, Step]:
        """Begin new games in the sub-environments chosen by bool[B]; see `games.env.Env.restart`."""
        before, table = world.step, world.table
        where = check_where(self.spec, where, before.batch)
        canvas = Canvas(table.shape, world.canvas)
        canvas.clear(where)
        with explained(self._text):
            self._begin(table, canvas, np.flatnonzero(where).tolist())
        world.time[where], world.paid[where] = 0, 0.0
        reward = np.where(where[:, None], 0.0, before.rewards)
        discount = np.where(where, np.float32(1), before.discount)
        world.canvas, world.step = canvas, self._step(canvas, reward, discount, before.last & ~where)
        return world, world.step

    def scene(self, world: Running, which: int = 0) -> Scene:
        """OpenSpiel's own words for a state."""
        return Scene(text=str(world.table.states[which]))

    def words(self, world: Running, which: int, player: int) -> str:
        """What a player knows of a sub-environment: the board where nothing is hidden, else its own information state.

        Observations stand in where the game writes no information states; "" where it writes neither.
        """
        state, kind = world.table.states[which], self.game.get_type()
        if state.is_terminal():
            return "a play that is over"
        open_book = kind.information == pyspiel_module().GameType.Information.PERFECT_INFORMATION
        with explained(self._text):
            if open_book:
                told = str(state)
            elif kind.provides_information_state_string:
                told = state.information_state_string(player)
            elif kind.provides_observation_string:
                told = state.observation_string(player)
            else:
                told = ""
        return str(told).rstrip()

    def action_words(self, world: Running, which: int, player: int) -> tuple[str, ...]:
        """What a player's legal actions are called now, by number up to the last of them; the others are numbers."""
        state = world.table.states[which]
        if state.is_terminal():
            return ()
        with explained(self._text):
            names = {a: str(state.action_to_string(player, a)) for a in state.legal_actions(player)}
        return tuple(names.get(a, str(a)) for a in range(max(names, default=-1) + 1))

    def close(self, world: Running) -> None:
        """Nothing to give back."""

    def return_bounds(self, steps: int) -> tuple[float, float]:
        """Between which numbers every player's return lies, as OpenSpiel says of the game; 0 where a play is cut off."""
        return min(float(self.game.min_utility()), 0.0), max(float(self.game.max_utility()), 0.0)

    def information_sets(
        self, max_nodes: int = MAX_NODES, progress: Progress | None = None
    ) -> tuple[TreeGame, View, Array]:
        """The game as a tree, and what its players see there.

        Returns
        -------
        TreeGame
            The same game.
        View
            One sub-environment per information set, in which its owner acts.
        int64[slots]
            Which action here each slot of the tree is.

        Raises
        ------
        InputError
            If the tree is larger than `max_nodes`, or the game does not list its chance outcomes.
        """
        group, seen = self.spec.groups[0], []
        check_finite(self._text, self.game)
        with explained(self._text):
            tree = compile_tree(
                self.game,
                max_nodes,
                progress,
                note=lambda state, i: seen.append(
                    (self._sight.read(state, i), state.legal_actions(i) or [0])
                ),
            )
        acting = tree.owner[:, None] == np.arange(group.size)
        shape = (*acting.shape, group.width)
        observation, mask = np.zeros((*acting.shape, group.depth), np.float32), np.zeros(shape, bool)
        for h, (told, legal) in enumerate(seen):
            observation[h, tree.owner[h]] = told
            mask[h, tree.owner[h], legal] = True
        view = View(observation, mask, np.zeros(acting.shape), acting, np.ones(acting.shape, bool))
        return tree, view, np.concatenate([np.array(legal, dtype=np.int64) for _, legal in seen])

    def _begin(self, table: Table, canvas: Canvas, where: Sequence[int]) -> None:
        for b in where:
            table.begin(b, self.game, self._openings)
        for b in table.look(where, canvas):
            canvas.acting[b, 0] = canvas.mask[b, 0, 0] = True

    def _pay(self, world: Running, playing: list[int], over: list[int], reward: Array) -> None:
        """Growth of the returns, into float64[B, P] of zeros."""
        states = world.table.states
        if self._stepwise and playing:
            reward[playing] = [states[b].returns() for b in playing]
            reward[playing] -= world.paid[playing]
            world.paid += reward
        elif over:
            reward[over] = [states[b].returns() for b in over]

    def _step(self, canvas: Canvas, reward: Array, discount: Array, last: Array) -> Step:
        acting, tensors = canvas.acting, canvas.tensors
        batch = len(acting)
        who = acting.astype(np.float32)
        if self._every:
            observation = tensors * who[:, :, None]
            seen = tensors.reshape(batch, -1)
        else:
            observation = tensors
            seen = tensors[np.arange(batch), acting.argmax(axis=1)]
        view = View(observation, canvas.mask, reward, acting, constant(True, acting.shape))
        return Step((view,), np.concatenate([seen, who], axis=1), discount, last)
