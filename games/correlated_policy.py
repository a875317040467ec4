"""Playing correlated strategies: a device draws once for everybody, and each player follows its advice."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from games import simplices
from games.env import EnvSpec, Step
from games.errors import InputError
from games.joint import Joint, Mixture
from games.policy import Memoryless
from games.spaces import Discrete
from games.streams import Streams

Array = npt.NDArray[Any]


class Correlated(Memoryless):
    """A team that follows a correlation device, drawn anew in every step.

    The device's draw comes from the first agent's stream; within a drawn product profile (`Mixture`) every agent
    draws its action from its own.

    Parameters
    ----------
    spec : EnvSpec
        An environment in which all players act at once, such as a normal-form game played once or repeatedly.
    joint : Joint or Mixture
        The device, for as many players with as many actions.

    Raises
    ------
    InputError
        If the device is for other players or actions.

    Examples
    --------
    >>> from games import make_env, play_episodes
    >>> env = make_env("zoo:chicken")
    >>> peace = Correlated(env.spec, Joint([[0, 1], [1, 0]], [0.5, 0.5], (2, 2)))
    >>> play_episodes(env, peace, [1, 2, 3]).returns.sum(axis=1).tolist()
    [9.0, 9.0, 9.0]
    """

    def __init__(self, spec: EnvSpec, joint: Joint | Mixture) -> None:
        players = len(spec.agents)
        widest = max(group.width for group in spec.groups)
        fits = all(isinstance(group.actions, Discrete) for group in spec.groups)
        if spec.turn_based or not fits or len(joint.shape) != players or max(joint.shape) > widest:
            raise InputError(
                f"{spec.name}: a device for {len(joint.shape)} players with {joint.shape} actions does not fit "
                f"{players} simultaneous players with up to {widest} discrete actions"
            )
        self.spec, self.joint = spec, joint
        self._edges = np.cumsum([0] + [group.size for group in spec.groups])

    def sample(self, step: Step, memory: None, streams: Streams) -> tuple[tuple[Array, ...], None]:
        """Everybody's advice, int32[B, n] per group."""
        drawn = self._pick(streams.agents(slice(0, 1)))
        if isinstance(self.joint, Joint):
            actions = self.joint.cells[drawn]
        else:
            actions = self._independently(self.joint, drawn, streams)
        actions = np.ascontiguousarray(actions, dtype=np.int32)
        return tuple(actions[:, a:b] for a, b in pairwise(self._edges)), None

    def _pick(self, signal: Streams) -> Array:
        """Which cell or profile the device draws, int64[B]."""
        weights = self.joint.probs if isinstance(self.joint, Joint) else self.joint.weights
        edges = np.cumsum(weights)
        return np.minimum(
            np.searchsorted(edges, signal.uniform()[:, 0] * edges[-1], side="right"),
            np.flatnonzero(weights)[-1],
        )

    @staticmethod
    def _independently(mixture: Mixture, drawn: Array, streams: Streams) -> Array:
        """Each player's own draw from its part of the drawn profile."""
        offsets = simplices.offsets_of(mixture.shape)
        columns = []
        for i, count in enumerate(mixture.shape):
            probs = mixture.profiles[drawn, offsets[i] : offsets[i] + count]
            columns.append(streams.agents(slice(i, i + 1)).choose(probs[:, None, :]))
        return np.concatenate(columns, axis=1)
