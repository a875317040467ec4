"""From recorded steps to what a replay keeps, and from what it gives back to what Q-learning needs.

Who does not act at a step counts as acting with one legal action, number 0, that does nothing: so Q-learning goes from
every step to the next, also where agents take turns. Who is out has no value.

Letters: T steps, S segments, n agents of a group, d numbers in an observation, A actions, N agents in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from games.env import EnvSpec, View
from marl.learner import Batch, central, central_inputs
from marl.networks import Network
from marl.replay import Kept, Pieces

Array = npt.NDArray[Any]


class Part(NamedTuple):
    """A group's share of a sample: what was seen, done and paid, and what was seen next."""

    obs: Tensor  # float[T, S, n, d]
    obs_next: Tensor  # float[T, S, n, d]: before anything restarts
    mask_next: Tensor  # bool[T, S, n, A]
    action: Tensor  # int64[T, S, n]
    alive: Tensor  # float[T, S, n]
    alive_next: Tensor  # float[T, S, n]
    reward: Tensor  # float[T, S, n]: everybody's own
    memory: Tensor | None  # float[S, n, H]: before the first step


class Sample(NamedTuple):
    """Steps to learn from: segments, or single transitions as segments of one step."""

    parts: tuple[Part, ...]
    discount: Tensor  # float[T, S]: 0 where the game ended
    fresh: Tensor  # bool[T, S]: where an episode begins
    bridge: tuple[
        Tensor, Tensor
    ]  # int64[K] twice: the steps whose next one is not in the segment, but counts
    state: Tensor | None  # float[T, S, s]
    state_next: Tensor | None  # float[T, S, s]


def layout(spec: EnvSpec, *, state: bool, memories: Sequence[int]) -> dict[str, Kept]:
    """What a replay keeps for Q-learning.

    Parameters
    ----------
    spec : EnvSpec
        Where it learns.
    state : bool
        Whether to keep what centralised training sees.
    memories : sequence of int
        Numbers that an agent of each group remembers, H; 0 for none.
    """
    kept = {"discount": Kept(()), "last": Kept((), torch.bool)}
    for g, (group, memory) in enumerate(zip(spec.groups, memories)):
        n = group.size
        kept[f"obs:{g}"] = kept[f"obs_next:{g}"] = Kept((n, group.depth))
        kept[f"mask_next:{g}"] = Kept((n, group.width), torch.bool)
        kept[f"action:{g}"] = Kept((n,), torch.int32)
        kept[f"alive:{g}"] = kept[f"alive_next:{g}"] = Kept((n,), torch.bool)
        kept[f"reward:{g}"] = Kept((n,))
        if memory:
            kept[f"memory:{g}"] = Kept((n, memory), timed=False)
    if state:
        kept["state"] = kept["state_next"] = Kept((central_inputs(spec),))
    return kept


def pieces(spec: EnvSpec, batch: Batch, *, state: bool) -> dict[str, Array]:
    """A rollout in the form of `layout`, B segments."""
    before, actions, after, _ = batch.steps
    told: dict[str, Array] = {"discount": after.discount, "last": after.last}
    for g, (view, action, seen) in enumerate(zip(before.groups, actions, after.groups)):
        told[f"obs:{g}"], told[f"obs_next:{g}"] = view.observation, seen.observation
        told[f"mask_next:{g}"] = _open(seen)
        told[f"action:{g}"] = action if view.acting.all() else np.where(view.acting, action, 0)
        told[f"alive:{g}"], told[f"alive_next:{g}"] = view.alive, seen.alive
        told[f"reward:{g}"] = seen.reward
        if batch.memory[g] is not None:
            told[f"memory:{g}"] = batch.memory[g]
    if state:
        told["state"], told["state_next"] = central(spec, before), central(spec, after)
    return told


def sample_of(spec: EnvSpec, drawn: Pieces) -> Sample:
    """What a replay gave back, in the form that learning needs."""
    parts = tuple(
        Part(
            obs=drawn[f"obs:{g}"],
            obs_next=drawn[f"obs_next:{g}"],
            mask_next=drawn[f"mask_next:{g}"],
            action=drawn[f"action:{g}"].long(),
            alive=drawn[f"alive:{g}"].float(),
            alive_next=drawn[f"alive_next:{g}"].float(),
            reward=drawn[f"reward:{g}"],
            memory=drawn.get(f"memory:{g}"),
        )
        for g in range(len(spec.groups))
    )
    last, discount = drawn["last"], drawn["discount"]
    stop = last.clone()
    stop[-1] = True
    times, which = torch.nonzero(stop & (discount > 0), as_tuple=True)
    fresh = torch.cat([torch.zeros_like(last[:1]), last[:-1]])
    return Sample(parts, discount, fresh, (times, which), drawn.get("state"), drawn.get("state_next"))


def team_reward(spec: EnvSpec, parts: Sequence[Part]) -> Tensor:
    """What the team is paid, float[T, S]: the common reward once, or the sum of all."""
    if spec.common_reward:
        return parts[0].reward[..., 0]
    return torch.cat([part.reward for part in parts], dim=-1).sum(-1)


def values_along(
    network: Network, part: Part, sample: Sample, *, now: bool, after: bool
) -> tuple[Tensor | None, Tensor | None]:
    """A network's values of all actions, float[T, S, n, A]: of what was seen `now`, and next, without gradients.

    What is seen next is what is seen at the following step, except where an episode is cut off and at the end of a
    segment; where a game ended nothing meaningful is told. Only what is wanted is worked out.
    """
    memory = part.memory
    if not now and memory is None:
        with torch.no_grad():
            return None, network.unroll(part.obs_next, None)[0]
    value, memories = network.unroll(part.obs, memory, sample.fresh)
    if not after:
        return value, None
    with torch.no_grad():
        bridge = sample.bridge
        value_next = torch.cat([value[1:], value[:1]])
        if len(bridge[0]):
            value_next[bridge], _ = network(
                part.obs_next[bridge], None if memories is None else memories[bridge]
            )
    return value, value_next


def _open(view: View) -> Array:
    """What can be chosen, bool[..., A]: who does not act has the action 0 alone."""
    if view.acting.all():
        return view.mask
    idle = np.zeros(view.mask.shape[-1], dtype=bool)
    idle[0] = True
    return np.where(view.acting[..., None], view.mask, idle)
