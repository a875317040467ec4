"""Who plays: a policy acts for agents of one group, a joint policy for everybody.

A policy is a function of what its agents see and of its own memory; it holds no state of its own, so one policy can
play in any number of matches at once. All chance comes from the streams it is given, one per sub-environment and
agent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Step, View
from games.errors import InputError
from games.spaces import Actions, Box, MultiDiscrete
from games.streams import Streams

Array = npt.NDArray[Any]
Memory = Any
"""What a policy remembers within an episode: None, an array with B as its first axis, a tuple, list or mapping of such,
or an object with ``restarted(where, fresh)`` that returns it with the sub-environments chosen by bool[B] as in `fresh`."""


class Policy(Protocol):
    """Acts for the n agents of a `View`, each by what it alone sees and remembers.

    A policy whose choice is a distribution over discrete actions also offers
    ``probs(view, memory) -> (float64[B, n, A], memory)``, by which it can be tabulated.
    """

    def start(self, batch: int, agents: int) -> Memory:
        """Memory at the beginning of an episode."""

    def sample(self, view: View, memory: Memory, streams: Streams) -> tuple[Array, Memory]:
        """Actions of all agents in all sub-environments (of those who do not act, any), and the memory afterwards."""


class JointPolicy(Protocol):
    """Acts for every agent of an environment; correlated play is one that looks at them together."""

    def start(self, batch: int) -> Memory:
        """Memory at the beginning of an episode."""

    def sample(self, step: Step, memory: Memory, streams: Streams) -> tuple[tuple[Array, ...], Memory]:
        """Actions, one array per group, and the memory afterwards."""


class Memoryless:
    """A policy that remembers nothing."""

    def start(self, batch: int, agents: int = 0) -> None:
        """Nothing to remember."""
        return


class Random(Memoryless):
    """Every legal action with the same probability; numbers uniform in their box, standard normal where it is unbounded.

    Parameters
    ----------
    actions : Discrete, MultiDiscrete or Box
        What the agents can do.
    """

    def __init__(self, actions: Actions) -> None:
        self.actions = actions

    def __repr__(self) -> str:
        return "Random()"

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """One draw per stream and part of the action."""
        if isinstance(self.actions, Box):
            return self._numbers(streams, self.actions), None
        if isinstance(self.actions, MultiDiscrete):
            edges = self.actions.starts
            parts = [streams.legal(view.mask[..., a:b]) for a, b in pairwise(edges)]
            return np.stack(parts, axis=-1), None
        return streams.legal(view.mask), None

    def probs(self, view: View, memory: None = None) -> tuple[Array, None]:
        """Uniform over the legal actions, float64[B, n, A]."""
        legal = view.mask.astype(np.float64)
        return legal / np.maximum(legal.sum(axis=-1, keepdims=True), 1.0), None

    @staticmethod
    def _numbers(streams: Streams, box: Box) -> Array:
        low, high = (
            bound.astype(np.float64) for bound in box.bounds
        )  # their difference may overflow float32
        bounded = np.isfinite(low) & np.isfinite(high)
        span = np.subtract(high, low, out=np.zeros_like(low), where=bounded)
        inside = low + streams.uniform(len(low)) * span
        if bounded.all():
            return inside.astype(np.float32)
        free = np.clip(streams.normal(len(low)), low, high)
        return np.where(bounded, inside, free).astype(np.float32)


class Idle(Memoryless):
    """The first legal action, which in most games is to do nothing; of numbers those closest to 0.

    Parameters
    ----------
    actions : Discrete, MultiDiscrete or Box
        What the agents can do.
    """

    def __init__(self, actions: Actions) -> None:
        self.actions = actions

    def __repr__(self) -> str:
        return "Idle()"

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """Nothing is drawn."""
        if isinstance(self.actions, Box):
            low, high = self.actions.bounds
            still = np.clip(np.zeros_like(low), low, high)
            return np.broadcast_to(still, (*view.acting.shape, len(low))).copy(), None
        if isinstance(self.actions, MultiDiscrete):
            parts = [view.mask[..., a:b].argmax(axis=-1) for a, b in pairwise(self.actions.starts)]
            return np.stack(parts, axis=-1).astype(np.int32), None
        return view.mask.argmax(axis=-1).astype(np.int32), None


class Tabular(Memoryless):
    """Plays by a table with a row per situation (`View.row`).

    Parameters
    ----------
    table : float64[rows, A] or float64[n, rows, A]
        Action probabilities, the same for all agents or one table for each. Illegal actions count as probability 0.
    """

    def __init__(self, table: Any) -> None:
        try:
            self.table = np.array(table, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"a table of action probabilities is not an array of numbers: {error}"
            ) from error
        if (
            self.table.ndim not in (2, 3)
            or not np.isfinite(self.table).all()
            or self.table.min(initial=0) < 0
        ):
            raise InputError(
                f"a table of action probabilities is float64[rows, A] or [n, rows, A] and not negative, not shape "
                f"{self.table.shape}"
            )
        self.table.setflags(write=False)

    def __repr__(self) -> str:
        return f"Tabular{self.table.shape}"

    def probs(self, view: View, memory: None = None) -> tuple[Array, None]:
        """The rows in which the agents stand, float64[B, n, A], over legal actions."""
        row = self._row(view)
        if self.table.ndim == 2:
            rows = self.table[row]
        else:
            rows = self.table[np.arange(row.shape[1])[None, :], row]
        rows = np.where(view.mask, rows, 0.0)
        total = rows.sum(axis=-1, keepdims=True)
        return np.divide(rows, total, out=np.zeros_like(rows), where=total > 0), None

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """One draw per stream."""
        from games.policy_kernels import pick_rows

        row = self._row(view)
        out = np.empty(row.shape, dtype=np.int32)
        table = self.table if self.table.ndim == 3 else self.table[None]
        bad = pick_rows(streams.state, row, view.mask, view.acting, table, out)
        if bad >= 0:
            b, i = divmod(int(bad), row.shape[1])
            raise InputError(
                f"the tabular policy gives no legal action in situation {row[b, i]} (agent {i} of its view)"
            )
        return out, None

    def _row(self, view: View) -> Array:
        """The agents' situations; `InputError` if the table does not fit the view."""
        if view.row is None:
            raise InputError("a tabular policy needs an environment that lists its situations (View.row)")
        agents, width = view.mask.shape[1:]
        if self.table.shape[-1] != width or (self.table.ndim == 3 and len(self.table) != agents):
            raise InputError(
                f"a table of shape {self.table.shape} does not fit {agents} agents with {width} actions"
            )
        return view.row


class Independent:
    """A team in which everybody plays alone: each agent by its own policy.

    Parameters
    ----------
    spec : EnvSpec
        The environment.
    policies : Policy, or mapping of str to Policy
        One for all, or by name of agent or group; an agent's own name wins.

    Raises
    ------
    InputError
        If an agent has no policy or a name is not known.
    """

    def __init__(self, spec: EnvSpec, policies: Policy | Mapping[str, Policy]) -> None:
        self.spec = spec
        named = policies if isinstance(policies, Mapping) else {g.name: policies for g in spec.groups}
        known = {*spec.agents, *(group.name for group in spec.groups)}
        for name in named:
            if name not in known:
                raise InputError(
                    f"{spec.name} has no agent or group {name!r}; it has {', '.join(sorted(known))}"
                )
        self.seats: list[tuple[int, slice, Policy]] = []
        for g, group in enumerate(spec.groups):
            for i, agent in enumerate(group.agents):
                policy = named.get(agent, named.get(group.name))
                if policy is None:
                    raise InputError(f"{spec.name}: {agent} has no policy")
                self._seat(g, i, policy)

    def _seat(self, g: int, i: int, policy: Policy) -> None:
        """Give a seat to a policy; neighbours with the same policy are played together."""
        if self.seats:
            h, columns, other = self.seats[-1]
            if h == g and other is policy and columns.stop == i:
                self.seats[-1] = (g, slice(columns.start, i + 1), policy)
                return
        self.seats.append((g, slice(i, i + 1), policy))

    def start(self, batch: int) -> list[Memory]:
        """The memories of all policies."""
        return [policy.start(batch, seats.stop - seats.start) for _, seats, policy in self.seats]

    def sample(
        self, step: Step, memory: list[Memory], streams: Streams
    ) -> tuple[tuple[Array, ...], list[Memory]]:
        """Every policy's actions, put together."""
        first = np.cumsum([0] + [group.size for group in self.spec.groups])
        parts: list[list[Array]] = [[] for _ in self.spec.groups]
        after = []
        for (g, seats, policy), own in zip(self.seats, memory):
            streams_here = streams.agents(slice(first[g] + seats.start, first[g] + seats.stop))
            whole = seats.stop - seats.start == self.spec.groups[g].size
            view = step.groups[g] if whole else step.groups[g].agents(seats)
            actions, own = policy.sample(view, own, streams_here)
            parts[g].append(actions)
            after.append(own)
        return tuple(p[0] if len(p) == 1 else np.concatenate(p, axis=1) for p in parts), after


def random_policy(spec: EnvSpec) -> Independent:
    """Everybody plays uniformly at random."""
    return Independent(spec, {group.name: Random(group.actions) for group in spec.groups})


def keep_where(memory: Memory, fresh: Memory, where: Array) -> Memory:
    """Memory in which the sub-environments chosen by bool[B] start afresh, array by array."""
    if memory is None:
        return None
    if isinstance(memory, list | tuple):
        parts: Sequence[Any] = [keep_where(old, new, where) for old, new in zip(memory, fresh)]
        return type(memory)(*parts) if hasattr(memory, "_fields") else type(memory)(parts)
    if isinstance(memory, Mapping):
        return {key: keep_where(old, fresh[key], where) for key, old in memory.items()}
    if isinstance(memory, np.ndarray):
        out = memory.copy()
        out[where] = fresh[where]
        return out
    return memory.restarted(where, fresh)
