"""What players of an OpenSpiel game see: its tensors, read by the fastest way that gives the right numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.from_openspiel import no_stderr, pyspiel_module
from games.openspiel_states import CHANCE, END, draw

Array = npt.NDArray[Any]

TENSORS = {"information": "information_state_tensor", "observation": "observation_tensor"}
"""What `observe` may be, and OpenSpiel's name for it."""

_PROBES, _PROBE_MOVES, _NAMED = 3, 200, 64


class Sight:
    """Reads a state's tensor into a buffer, by OpenSpiel's observer where it has one.

    Parameters
    ----------
    size : int
        Numbers in a tensor, d.
    observation : object, optional
        With ``set_from(state, player)`` and the buffer interface.
    method : str
        The state's own method for the same numbers, as a list.
    """

    def __init__(self, size: int, observation: Any, method: str) -> None:
        self.method = method
        self.tensor: Array = np.zeros(size, dtype=np.float32)
        self.set_from: Callable[[Any, int], None] = self._by_list
        if observation is not None:
            self.tensor, self.set_from = np.frombuffer(observation, dtype=np.float32), observation.set_from
        self.bytes = self.tensor.data.cast("B")

    def use_lists(self) -> None:
        """Do without the observer from now on."""
        self.tensor = np.zeros(len(self.tensor), dtype=np.float32)
        self.set_from, self.bytes = self._by_list, self.tensor.data.cast("B")

    def _by_list(self, state: Any, player: int) -> None:
        self.tensor[:] = getattr(state, self.method)(player)

    def read(self, state: Any, player: int) -> Array:
        """A new copy of a tensor, float32[d]."""
        self.set_from(state, player)
        return self.tensor.copy()

    def listed(self, state: Any, player: int) -> Array:
        """The tensor as the state itself gives it, float32[d]."""
        return np.array(getattr(state, self.method)(player), dtype=np.float32).ravel()


def sight_of(game: Any, observe: str | None) -> tuple[Sight, tuple[int, ...]]:
    """How a player's tensor is read, and its shape."""
    kind = game.get_type()
    provided = {
        "information": kind.provides_information_state_tensor,
        "observation": kind.provides_observation_tensor,
    }
    chosen = observe or next((which for which, has in provided.items() if has), None)
    if chosen is None:
        raise InputError(
            "the game shows players no tensor of numbers, neither of information states nor of observations; "
            "compiled=true needs none, but a tree that is small enough"
        )
    if not provided[chosen]:
        other = next((f"; observe={which} works" for which, has in provided.items() if has), "")
        raise InputError(f"the game has no {TENSORS[chosen].replace('_', ' ')}{other}")
    method = TENSORS[chosen]
    with no_stderr():
        shape = tuple(getattr(game, f"{method}_shape")())
        size = int(np.prod(shape, dtype=np.int64))
    if not size:
        raise InputError(f"the game's {method.replace('_', ' ')} is empty")
    return Sight(size, _observer(game, chosen, size), method), shape


def _observer(game: Any, chosen: str, size: int) -> Any:
    """OpenSpiel's observer for a tensor, which fills a buffer instead of a list; None where there is none."""
    pyspiel = pyspiel_module()
    try:
        with no_stderr():
            if chosen == "information":
                maker = game.make_observer(pyspiel.IIGObservationType(perfect_recall=True), {})
            else:
                maker = game.make_observer({})
            if maker is None:
                return None
            observation = pyspiel._Observation(game, maker)
            if not observation.has_tensor() or len(np.frombuffer(observation, np.float32)) != size:
                return None
    except (pyspiel.SpielError, RuntimeError, ValueError, TypeError, AttributeError):
        return None
    return observation


def probe(game: Any, sight: Sight) -> tuple[str, ...]:
    """Play a few games with fixed moves: compare the observer with the states' own tensors, collect names of actions.

    Returns
    -------
    tuple of str
        The names of all actions, if every one has been met and is always called the same; otherwise none.
    """
    rng = np.random.Generator(np.random.PCG64(1975))  # the same plays for the same game
    names: dict[int, str] = {}
    steady = game.num_distinct_actions() <= _NAMED
    for _ in range(_PROBES):
        state = game.new_initial_state()
        for _ in range(_PROBE_MOVES):
            mover = state.current_player()
            if mover in (END, CHANCE):
                if mover == END:
                    break
                state.apply_action(draw(state.chance_outcomes(), float(rng.random())))
                continue
            movers = [mover] if mover >= 0 else list(range(game.num_players()))
            chosen = []
            for player in movers:
                if not np.array_equal(sight.read(state, player), sight.listed(state, player)):
                    sight.use_lists()
                legal = state.legal_actions(player) or [0]
                if steady:
                    found = {action: state.action_to_string(player, action) for action in legal}
                    steady = all(names.setdefault(action, name) == name for action, name in found.items())
                chosen.append(legal[int(rng.integers(len(legal)))])
            state.apply_action(chosen[0]) if mover >= 0 else state.apply_actions(chosen)
    every = tuple(names[action] for action in sorted(names))
    return every if steady and len(set(every)) == len(every) == game.num_distinct_actions() else ()
