"""Scripted play of the coordination games: references that learners are held against.

`POLICIES` are for single agents, `JOINT_POLICIES` for whole teams that look at each other's queues or act in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Step, View
from games.errors import InputError
from games.policy import JointPolicy, Memoryless, Policy, Tabular
from games.sims.coordination_aloha import AlohaSpec
from games.sims.coordination_gather_kernels import GOALS, ROW
from games.sims.coordination_graphs import Graph
from games.spaces import Box, Discrete
from games.streams import Streams

Array = npt.NDArray[Any]

_TOLD = 12  # names of actions in a complaint
EXACT = 20
"""Largest independent sets are found among 2**agents sets, for up to so many agents."""


class Constant(Memoryless):
    """Always the same discrete action; where it is not legal, the next one that is.

    Parameters
    ----------
    action, count : int
        The action and how many there are.
    """

    def __init__(self, action: int, count: int) -> None:
        self.action, self.count = action, count

    def __repr__(self) -> str:
        return f"Constant({self.action})"

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Array, None]:
        """Nothing is drawn."""
        return self._legal(view.mask).astype(np.int32), None

    def probs(self, view: View, memory: None = None) -> tuple[Array, None]:
        """All mass on the action, float64[B, n, A]."""
        rows = np.zeros((*view.acting.shape, self.count))
        np.put_along_axis(rows, self._legal(view.mask)[..., None], 1.0, axis=-1)
        return rows, None

    def _legal(self, mask: Array) -> Array:
        """The first legal action from ours on, beginning again after the last."""
        return (np.roll(mask, -self.action, axis=-1).argmax(axis=-1) + self.action) % self.count


class AlohaTeam(Memoryless):
    """A team on Aloha in which it is settled centrally who transmits.

    Parameters
    ----------
    name : str
        What it is called.
    choose : callable
        Queues int32[B, n] to actions int32[B, n].
    """

    def __init__(self, name: str, choose: Callable[[Array], Array]) -> None:
        self.name, self.choose = name, choose

    def __repr__(self) -> str:
        return f"AlohaTeam({self.name!r})"

    def sample(self, step: Step, memory: None, streams: Streams) -> tuple[tuple[Array, ...], None]:
        """Actions by everybody's queue; nothing is drawn."""
        waiting = step.groups[0].row
        assert waiting is not None
        return (self.choose(waiting),), None


class GatherTeam(Memoryless):
    """A team on Gather in which all go to the best goal, which some of them know."""

    def __repr__(self) -> str:
        return "GatherTeam()"

    def sample(self, step: Step, memory: None, streams: Streams) -> tuple[tuple[Array, ...], None]:
        """First to the column, then to the row; nothing is drawn."""
        seen = step.groups[0].observation
        return (_towards(seen[..., 0], seen[..., 1], seen[..., 3].max(axis=1)[:, None]),), None


# --- Aloha ------------------------------------------------------------------------------------------------


def idle(spec: EnvSpec) -> Policy:
    """Never transmit."""
    _aloha(spec, "idle")
    return Constant(0, 2)


def sequential(spec: EnvSpec) -> JointPolicy:
    """In the order of agents: transmit if a message waits and no earlier neighbour transmits."""
    from games.coordination_policy_kernels import sequential as kernel

    near, starts = _aloha(spec, "sequential").lists()

    def choose(waiting: Array) -> Array:
        out = np.empty(waiting.shape, dtype=np.int32)
        kernel(waiting, near, starts, out)
        return out

    return AlohaTeam("sequential", choose)


def oracle(spec: EnvSpec) -> JointPolicy:
    """A largest independent set of the agents with messages transmits."""
    from games.coordination_policy_kernels import from_sets

    best = _sets(spec, "oracle")

    def choose(waiting: Array) -> Array:
        out = np.empty(waiting.shape, dtype=np.int32)
        from_sets(waiting, best, out)
        return out

    return AlohaTeam("oracle", choose)


def independent_set(spec: EnvSpec) -> JointPolicy:
    """The agents of one largest independent set of the graph transmit whenever they have a message, the others never."""
    members = int(_sets(spec, "independent-set")[-1])
    chosen = np.array([members >> i & 1 for i in range(len(spec.agents))], dtype=np.int32)
    return AlohaTeam("independent-set", lambda waiting: (waiting > 0) * chosen)


def _aloha(spec: EnvSpec, name: str) -> Graph:
    if not isinstance(spec, AlohaSpec):
        raise InputError(f"policy {name} is for coordination:aloha, not {spec.name}")
    return Graph(len(spec.agents), spec.edges, ())


def _sets(spec: EnvSpec, name: str) -> Array:
    """A largest independent subset of every set of agents, int64[2**agents], as bits."""
    from games.coordination_policy_kernels import largest_sets

    graph = _aloha(spec, name)
    if graph.size > EXACT:
        raise InputError(
            f"policy {name} finds largest independent sets of up to {EXACT} agents; {spec.name} has {graph.size}"
        )
    near = np.zeros(graph.size, dtype=np.int64)
    for i, j in graph.edges:
        near[i] |= 1 << j
        near[j] |= 1 << i
    best = np.empty(1 << graph.size, dtype=np.int64)
    largest_sets(near, best)
    return best


# --- bits and matrix games --------------------------------------------------------------------------------


def constant(spec: EnvSpec, action: int | str = 0) -> Policy:
    """Always the same action, by number or name; in ``coordination:bits`` zeros are best."""
    space, names = spec.groups[0].actions, spec.groups[0].action_names
    if any(isinstance(group.actions, Box) for group in spec.groups):
        raise InputError(
            f"policy constant chooses one of a list of actions, and the actions of {spec.name} are numbers"
        )
    if len(spec.groups) > 1 or not isinstance(space, Discrete):
        raise InputError(
            f"policy constant is for agents who all choose among the same actions, not {spec.name}"
        )
    number = _numbered(action, names) if isinstance(action, str) else action
    if isinstance(number, bool) or not (isinstance(number, int) and 0 <= number < space.count):
        called = f" ({', '.join(names[:_TOLD])}{', ...' if len(names) > _TOLD else ''})" if names else ""
        raise InputError(f"{spec.name}: actions are 0 to {space.count - 1}{called}, not {action!r}")
    return Constant(number, space.count)


def _numbered(name: str, names: tuple[str, ...]) -> int | None:
    """Number of the action of this name, in whatever case if that is enough; None if there is no such."""
    if name in names:
        return names.index(name)
    fits = [k for k, known in enumerate(names) if known.lower() == name.lower()]
    return fits[0] if len(fits) == 1 else None


# --- Gather -----------------------------------------------------------------------------------------------


def meet_middle(spec: EnvSpec) -> Policy:
    """Everybody goes to the middle goal: never better than safe, and never a failure."""
    return _gather(spec, "meet-middle", lambda known: 2)


def follow_known(spec: EnvSpec) -> Policy:
    """Who knows the best goal goes there, the others to the middle one."""
    return _gather(spec, "follow-known", lambda known: 2 * (known - 1) if known else 2)


def meet_best(spec: EnvSpec) -> JointPolicy:
    """Everybody goes to the best goal, told by those who know it."""
    _cells(spec, "meet-best")
    return GatherTeam()


def _gather(spec: EnvSpec, name: str, goal: Callable[[int], int]) -> Policy:
    width, height = _cells(spec, name)
    known, column = (
        np.tile(np.arange(GOALS + 1), width * height),
        np.repeat(np.arange(width * height), GOALS + 1),
    )
    target = np.array([goal(k) for k in range(GOALS + 1)])[known]
    return Tabular(np.eye(5)[_towards(column // width, column % width, target)])


def _cells(spec: EnvSpec, name: str) -> tuple[int, int]:
    """Width and height of a Gather environment's grid."""
    from games.sims.coordination_gather import GatherSpec

    if not isinstance(spec, GatherSpec):
        raise InputError(f"policy {name} is for coordination:gather, not {spec.name}")
    return spec.width, spec.height


def _towards(y: Array, x: Array, column: Array) -> Array:
    """Moves that lead to the goal of a column: sideways first, then up or down, then stay."""
    moves = [x < column, x > column, y < ROW, y > ROW]
    return np.select(moves, [1, 3, 0, 2], 4).astype(np.int32)


POLICIES: dict[str, Callable[..., Policy]] = {
    "idle": idle,
    "constant": constant,
    "meet-middle": meet_middle,
    "follow-known": follow_known,
}
"""By name, for agents one by one: functions of the environment's spec that raise `InputError` where they do not fit."""

JOINT_POLICIES: dict[str, Callable[..., JointPolicy]] = {
    "independent-set": independent_set,
    "sequential": sequential,
    "oracle": oracle,
    "meet-best": meet_best,
}
"""By name, for whole teams."""
