"""What lbforaging and rware say only inside: time limits, legal actions, what a reset leaves behind.

lbforaging says ``terminated`` both when all food is gone and when its steps are over; rware when its steps are over
or, if asked for, when nothing was delivered for too long. Only the first and the last of these end the game, the others
cut the episode off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box


@dataclass(frozen=True)
class Habits:
    """What a library's environments say only inside.

    Parameters
    ----------
    horizon : callable, optional
        Steps that an episode can take, or None.
    ended : callable, optional
        Whether the game itself is over, where ``terminated`` also stands for a time limit.
    legal : callable, optional
        Masks of all agents.
    forget : callable, optional
        Makes the object forget what would still play a part after a reset.
    mend : callable, optional
        Makes of the class one that can be built with all its arguments.
    """

    horizon: Callable[[Any], int | None] = lambda inner: None
    ended: Callable[[Any], bool] | None = None
    legal: Callable[[Any], list[list[bool]]] | None = None
    forget: Callable[[Any], None] | None = None
    mend: Callable[[Any], Any] = lambda kind: kind


def _food_gone(inner: Any) -> bool:
    return not inner.field.any()


def _valid_actions(inner: Any) -> list[list[bool]]:
    """lbforaging lists the valid actions of each player, in the order of their numbers 0 to 5."""
    masks = []
    for player in inner.players:
        mask = [False] * 6
        for action in inner._valid_actions[player]:
            mask[action._value_] = True
        masks.append(mask)
    return masks


def _lift_players(inner: Any) -> None:
    """lbforaging places its players one by one where nobody stands, and still counts those of the last episode."""
    for player in inner.players:
        player.position = None


def _with_grid_space(kind: Any) -> Any:
    """lbforaging with ``grid_observation`` states a shape for its observations that newer gymnasium refuses."""

    def _get_observation_space(self: Any) -> Any:
        if not self._grid_observation:
            return kind._get_observation_space(self)
        side = 1 + 2 * self.sight
        levels = sorted(self.max_player_level)
        food = sum(levels[:3]) if self.max_food_level is None else max(self.max_food_level)
        tops = np.array([max(levels) if self._observe_agent_levels else 1, food, 1], dtype=np.float32)
        high = np.broadcast_to(tops[:, None, None], (3, side, side))
        return Box(np.zeros((3, side, side), dtype=np.float32), high, dtype=np.float32)

    return type(
        kind.__name__,
        (kind,),
        {"_get_observation_space": _get_observation_space, "__module__": kind.__module__},
    )


def _nothing_delivered(inner: Any) -> bool:
    return bool(inner.max_inactivity_steps) and inner._cur_inactive_steps >= inner.max_inactivity_steps


HABITS = {
    "lbforaging": Habits(
        lambda inner: inner._max_episode_steps, _food_gone, _valid_actions, _lift_players, _with_grid_space
    ),
    "rware": Habits(lambda inner: inner.max_steps or None, _nothing_delivered),
}
"""By the package in which an environment's class is defined."""
