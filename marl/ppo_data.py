"""From recorded steps to what an update of proximal policy optimisation needs, group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from games.env import EnvSpec, Step
from marl.learner import Batch, central, discounts, rewards, tensor
from marl.losses import standardised
from marl.networks import Network
from marl.returns import Moments, advantages

if TYPE_CHECKING:
    from marl.ppo import PPO


_TIMED = 11
"""Fields of a `Part` that are always there and have T, B in front."""


class Part(NamedTuple):
    """What an update needs of a group of n agents; for networks that remember nothing T, B become 1, T B.

    The critic tells v values: one for each agent, or one for all where all are paid the same. It sees m inputs: one
    for each agent, or one for all.
    """

    obs: Tensor  # float[T, B, n, d]
    seen: Tensor  # float[T, B, m, c]: what the critic sees
    mask: Tensor  # bool[T, B, n, A]
    action: Tensor  # int or float[T, B, n, ...]
    acting: Tensor  # float[T, B, n]: 1 for whoever acts
    alive: Tensor  # float[T, B, v]: 1 where a value means something
    advantage: Tensor  # float[T, B, n]
    target: Tensor  # float[T, B, v], as the critic learns it
    old_value: Tensor  # float[T, B, v], likewise
    fresh: Tensor  # bool[T, B]: where an episode begins
    notes: Tensor  # float[T, B, k]: what the team noted beside its actions; nothing, mostly
    old_log_prob: Tensor | None  # float[T, B, n]
    memory: Tensor | None  # float[B, n, H]
    critic_memory: Tensor | None  # float[B, m, H]

    @property
    def _timed(self) -> tuple[Any, ...]:
        return self[:_TIMED]

    def flat(self) -> Part:
        """All steps side by side."""
        fields: list[Any] = [*(t.flatten(0, 1).unsqueeze(0) for t in self._timed), *self[_TIMED:]]
        return Part(*fields)

    def rows(self, which: Tensor) -> Part:
        """Some of the second axis."""
        old = None if self.old_log_prob is None else self.old_log_prob[:, which]
        memories = [None if m is None else m[which] for m in (self.memory, self.critic_memory)]
        fields: list[Any] = [*(t[:, which] for t in self._timed), old, *memories]
        return Part(*fields)


class Judged(NamedTuple):
    """A critic's values of recorded steps, in units of reward."""

    value: Tensor  # float[T, B, v]: of what was seen before each step
    value_next: Tensor  # float[T, B, v]: after it
    begun: Tensor | None  # float[B, m, H]: what the critic remembered before the first step
    memory: Tensor | None  # float[B, m, H]: and after the last, where episodes go on


class Only(NamedTuple):
    """Which steps a team may learn from, where another acts at the others."""

    where: Tensor  # float[T, B]: 1 where it acted itself
    others: Judged | None = None  # what the other team's critic says, in units of reward


def prepare(
    learner: PPO,
    spec: EnvSpec,
    batch: Batch,
    g: int,
    critic: Network,
    judged: Judged,
    moments: Moments,
    only: Only | None = None,
) -> Part:
    """Advantages and targets of group g by its critic, which judged as told; `moments` takes the targets in."""
    device, steps = critic.head.bias.device, batch.steps
    remembered = None if batch.memory is None else batch.memory[g]
    before, common = steps.before.groups[g], learner.reward == "team" or spec.common_reward
    last = tensor(steps.after.last, device)
    seen = sight(learner.critic, spec, steps.before, g, device)
    width = judged.value.shape[-1]
    paid = tensor(rewards(spec, steps.after, common)[g][..., :width], device)
    discount = tensor(discounts(steps.after, learner.gamma, common)[g][..., :width], device)
    value, value_next = judged.value, judged.value_next
    if only is not None and only.others is not None:
        value, value_next = mixed(judged, only.others, only.where, last)
    advantage = advantages(paid, value, value_next, discount, last, learner.trace)
    target, old = advantage + value, judged.value
    acting = tensor(before.acting, device).float()
    alive = acting.new_ones(old.shape) if common else tensor(before.alive, device).float()
    if only is not None:
        acting, alive = acting * only.where.unsqueeze(-1), alive * only.where.unsqueeze(-1)
    if learner.normalise_values:
        old = (old - moments.mean) / moments.std
        moments.update(target[alive > 0])
        target = (target - moments.mean) / moments.std
    advantage = advantage.expand(acting.shape)
    if learner.normalise_advantages:
        advantage = standardised(advantage, acting)
    part = Part(
        obs=tensor(before.observation, device),
        seen=seen,
        mask=tensor(before.mask, device),
        action=tensor(steps.actions[g], device),
        acting=acting,
        alive=alive,
        advantage=advantage,
        target=target,
        old_value=old,
        fresh=begins(last),
        notes=acting.new_empty(*last.shape, 0) if steps.notes is None else tensor(steps.notes, device),
        old_log_prob=None,
        memory=None if remembered is None else tensor(remembered, device),
        critic_memory=judged.begun,
    )
    return part if learner.recurrent else part.flat()


def judged_by(
    learner: PPO,
    spec: EnvSpec,
    batch: Batch,
    g: int,
    critic: Network,
    memory: Tensor | None,
    moments: Moments,
) -> Judged:
    """What the critic of group g says of recorded steps."""
    device = critic.head.bias.device
    seen = sight(learner.critic, spec, batch.steps.before, g, device)
    after = sight(learner.critic, spec, batch.steps.after, g, device)
    last = tensor(batch.steps.after.last, device)
    return judge(critic, seen, after, last, memory, moments if learner.normalise_values else None)


def mixed(own: Judged, others: Judged, where: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """Values before and after every step, each by the critic of the team that acts there.

    What comes after a step is acted upon by whoever acts at the next one; after the last step, and where an episode
    stops, that is not known, and the team that acted judges.
    """
    width = own.value.shape[-1]
    told, told_next = others.value, others.value_next
    if told.shape[-1] > width:  # everybody's own value of what all are paid
        told, told_next = (value.mean(-1, keepdim=True) for value in (told, told_next))
    here = where.bool().unsqueeze(-1)
    onward = torch.cat([here[1:], here[-1:]])
    onward = torch.where(last.unsqueeze(-1), here, onward)
    return (
        torch.where(here, own.value, told.expand_as(own.value)),
        torch.where(onward, own.value_next, told_next.expand_as(own.value_next)),
    )


def sight(what: str, spec: EnvSpec, step: Step, g: int, device: torch.device) -> Tensor:
    """What the critic of group g sees, float[T, B, m, c]: its agents' observations, or one state for all."""
    if what == "observation":
        return tensor(step.groups[g].observation, device)
    return tensor(central(spec, step), device).unsqueeze(-2)


def judge(
    critic: Network, seen: Tensor, after: Tensor, last: Tensor, memory: Tensor | None, moments: Moments | None
) -> Judged:
    """Values before and after every step.

    What comes after a step is what comes before the next one, except where an episode stops and at the end.
    """
    if memory is None:
        memory = critic.start(seen.shape[1])
    with torch.no_grad():
        out, memories = critic.unroll(seen, memory, begins(last))
        stop = last.clone()
        stop[-1] = True
        bridge, _ = critic(after[stop], None if memories is None else memories[stop])
    value = values_of(out)
    value_next = torch.cat([value[1:], value[:1]])
    value_next[stop] = values_of(bridge)
    if moments is not None:
        value, value_next = (v * moments.std + moments.mean for v in (value, value_next))
    kept = None if memories is None else memories[-1] * (~last[-1])[:, None, None]
    return Judged(value, value_next, memory, kept)


def values_of(out: Tensor) -> Tensor:
    """The values float[..., v] in a critic's outputs float[..., m, o], of which m or o is 1."""
    return out.flatten(-2)


def begins(last: Tensor) -> Tensor:
    """Where an episode begins, bool[T, B], given where one stops; the first step is not judged."""
    return torch.cat([torch.zeros_like(last[:1]), last[:-1]])
