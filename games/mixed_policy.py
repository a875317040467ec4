"""Mixed strategies of policies: which one plays is drawn once per episode, and it plays to the end.

A match in which component k was drawn is a match of component k: the draw takes one number from the agent's stream,
and from then on the stream is only that component's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Step, View
from games.errors import InputError
from games.policy import JointPolicy, Memory, Policy
from games.streams import Streams

Array = npt.NDArray[Any]

_UNDRAWN = -1


class Mixed:
    """One policy out of several, drawn at an agent's first move; every agent of the view draws for itself.

    Parameters
    ----------
    policies : sequence of Policy
        The components.
    weights : float64[K]
        Their probabilities; scaled to sum to one.

    Raises
    ------
    InputError
        If the weights do not fit, or are negative or all zero.

    Examples
    --------
    >>> from games import make_env
    >>> from games.policy import Independent, Tabular
    >>> from games.play import play_episodes
    >>> env = make_env("zoo:chicken")
    >>> either = Mixed([Tabular([[1.0, 0.0]]), Tabular([[0.0, 1.0]])], [0.0, 1.0])
    >>> play_episodes(env, Independent(env.spec, either), [1, 2]).returns.tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """

    def __init__(self, policies: Sequence[Policy], weights: Any) -> None:
        self.weights = _checked(weights, len(policies))
        self.policies = tuple(policies)

    def __repr__(self) -> str:
        return f"Mixed({len(self.policies)} policies)"

    def start(self, batch: int, agents: int) -> tuple[Array, list[list[Memory]]]:
        """Nothing drawn yet, and every component's memory for every agent alone."""
        drawn = np.full((batch, agents), _UNDRAWN, dtype=np.int32)
        return drawn, [[policy.start(batch, 1) for policy in self.policies] for _ in range(agents)]

    def sample(
        self, view: View, memory: tuple[Array, list[list[Memory]]], streams: Streams
    ) -> tuple[Array, tuple[Array, list[list[Memory]]]]:
        """Actions of the components drawn."""
        drawn, kept = memory[0].copy(), []
        columns = []
        for i in range(drawn.shape[1]):
            own, alone = streams.agents(slice(i, i + 1)), view.agents(slice(i, i + 1))
            _draw(self.weights, drawn[:, i], own)
            actions, after = _by_component(self.policies, drawn[:, i], alone, memory[1][i], own)
            columns.append(actions)
            kept.append(after)
        return np.concatenate(columns, axis=1), (drawn, kept)


class MixedTeam:
    """One team out of several, drawn once per episode for everybody: correlated play of policies.

    The draw comes from the first agent's stream.

    Parameters
    ----------
    teams : sequence of JointPolicy
        The components, all for the same environment.
    weights : float64[K]
        Their probabilities; scaled to sum to one.

    Raises
    ------
    InputError
        If the weights do not fit, or are negative or all zero.
    """

    def __init__(self, teams: Sequence[JointPolicy], weights: Any) -> None:
        self.weights = _checked(weights, len(teams))
        self.teams = tuple(teams)

    def __repr__(self) -> str:
        return f"MixedTeam({len(self.teams)} teams)"

    def start(self, batch: int) -> tuple[Array, list[Memory]]:
        """Nothing drawn yet, and every component's memory."""
        return np.full(batch, _UNDRAWN, dtype=np.int32), [team.start(batch) for team in self.teams]

    def sample(
        self, step: Step, memory: tuple[Array, list[Memory]], streams: Streams
    ) -> tuple[tuple[Array, ...], tuple[Array, list[Memory]]]:
        """Everybody's actions by the components drawn."""
        drawn = memory[0].copy()
        _draw(self.weights, drawn, streams.agents(slice(0, 1)))
        out: list[Array] = []
        kept = list(memory[1])
        for k, team in enumerate(self.teams):
            rows = np.flatnonzero(drawn == k)
            if not rows.size:
                continue
            whole = Streams(streams.state.copy())
            actions, kept[k] = team.sample(step, memory[1][k], whole)
            streams.state[rows] = whole.state[rows]
            out = out or [np.zeros_like(part) for part in actions]
            for mine, part in zip(out, actions):
                mine[rows] = part[rows]
        return tuple(out), (drawn, kept)


def _draw(weights: Array, drawn: Array, streams: Streams) -> None:
    """Draw where nothing has been drawn yet, in place; other streams stand still."""
    new = drawn == _UNDRAWN
    if not new.any():
        return
    kept = streams.state[~new]
    edges = np.cumsum(weights)
    picked = np.searchsorted(edges, streams.uniform()[:, 0] * edges[-1], side="right")
    streams.state[~new] = kept
    drawn[new] = np.minimum(picked, np.flatnonzero(weights)[-1])[new]


def _by_component(
    policies: Sequence[Policy], drawn: Array, view: View, memories: Sequence[Memory], streams: Streams
) -> tuple[Array, list[Memory]]:
    """Each sub-environment's action by the component drawn there; who remembers nothing is asked for these rows only."""
    out: Array | None = None
    kept = list(memories)
    for k, policy in enumerate(policies):
        chosen = np.flatnonzero(drawn == k)
        if not chosen.size:
            continue
        rows = chosen if memories[k] is None else np.arange(len(drawn))
        part = Streams(streams.state[rows])
        actions, kept[k] = policy.sample(view.where(rows), memories[k], part)
        inside = np.arange(len(chosen)) if memories[k] is None else chosen
        streams.state[chosen] = part.state[inside]
        if out is None:
            out = np.zeros((len(drawn), *actions.shape[1:]), dtype=actions.dtype)
        out[chosen] = actions[inside]
    assert out is not None  # somebody was drawn everywhere
    return out, kept


def _checked(weights: Any, count: int) -> Array:
    array = np.array(weights, dtype=np.float64)
    if array.shape != (count,) or not count:
        raise InputError(f"a mixture of {count} policies takes as many weights, not a shape of {array.shape}")
    if not np.isfinite(array).all() or array.min() < 0 or array.sum() <= 0:
        raise InputError("weights of a mixture of policies are non-negative and not all zero")
    return array / array.sum()
