"""Proximal policy optimisation for teams (Schulman et al. 2017): independent (IPPO) or with a central critic (MAPPO).

Every agent acts by its own observation. What the critic sees is an argument: each agent's observation (IPPO, de Witt et
al. 2020), or the global state (MAPPO, Yu et al. 2022), which only training has. Agents that do not act at a step, or
are out, have no share in the policy's loss.

Letters: T steps, B sub-environments, n agents of a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass as record
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from games.env import EnvSpec
from games.errors import InputError
from games.policy import Independent
from marl.actors import Actor, log_prob_and_entropy, playing, width
from marl.checkpoint import (
    Tree,
    load_module,
    load_moments,
    load_optimiser,
    module_tree,
    optimiser_tree,
    whole_number,
)
from marl.learner import Batch, Metrics, Plain, central_inputs, torch_generator
from marl.losses import clipped_surrogate, value_loss, weighted_mean
from marl.networks import Network, Sharing
from marl.ppo_data import Judged, Only, Part, judged_by, prepare, values_of
from marl.returns import Moments


class Said(NamedTuple):
    """What the policies as they are say about recorded steps."""

    log_probs: list[Tensor]  # float[T, B, n] for each group: of what was done
    entropies: list[Tensor]  # float[T, B, n] for each group
    loss: Tensor | None = None  # a further loss
    facts: dict[str, Tensor] | None = None  # further metrics


class Judge(Protocol):
    """Judges recorded steps by a state's policies, with gradients."""

    def __call__(self, state: Learning, parts: list[Part]) -> Said:
        """For the parts of all groups."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class PPO(Plain):
    """Hyperparameters of IPPO and MAPPO; the defaults are those of MAPPO for small cooperative tasks.

    The critic's "observation" is each agent's own, its "state" the global state, or where an environment has none all
    observations together. With reward "team" everybody is paid the sum of all rewards.
    """

    critic: Literal["observation", "state"] = Field("state", description="what the critic sees")
    reward: Literal["own", "team"] = Field(
        "own", description="whether agents are paid their own reward or the sum"
    )
    rollout: int = Field(64, ge=1, description="steps of every sub-environment between updates")
    epochs: int = Field(4, ge=1, description="passes over the data of an update")
    minibatches: int = Field(1, ge=1, description="parts of a pass, each with a gradient step")
    gamma: float = Field(0.99, ge=0, le=1, description="discount factor")
    trace: float = Field(0.95, ge=0, le=1, description="lambda of generalised advantage estimation")
    clip: float = Field(0.2, gt=0, description="how far the probability ratio may move from 1")
    learning_rate: float = Field(5e-4, gt=0, description="of Adam, for the policy")
    critic_learning_rate: float | None = Field(
        None, gt=0, description="of Adam, for the critic; the same if none"
    )
    anneal: bool = Field(False, description="let the learning rates fall to 0 over anneal_steps")
    anneal_steps: int = Field(1_000_000, ge=1, description="joint environment steps of annealing")
    adam_epsilon: float = Field(1e-5, gt=0, description="epsilon of Adam")
    entropy: float = Field(0.01, ge=0, description="weight of the entropy bonus")
    clip_value: float | None = Field(None, gt=0, description="how far a value may move from the old one")
    huber: float = Field(10.0, gt=0, description="where the value loss turns from square to linear")
    max_grad_norm: float = Field(10.0, gt=0, description="gradients are clipped to this norm")
    normalise_values: bool = Field(True, description="whether the critic learns standardised returns")
    normalise_advantages: bool = Field(True, description="whether advantages are standardised over an update")
    hidden: tuple[int, ...] = Field((64, 64), min_length=1, description="widths of hidden layers")
    norm: bool = Field(
        False, description="whether networks normalise what they see and every layer (layer normalisation)"
    )
    recurrent: bool = Field(False, description="whether agents remember (gated recurrent units)")
    recurrent_critic: bool | None = Field(
        None,
        description="whether critics of agents that remember do too; if none, those that see observations",
    )
    sharing: Sharing = Field(
        "numbered",
        description="one network with agents' numbers, one without, one but for heads, or one each",
    )

    def check(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> None:
        """Every environment will do; `InputError` only for widths of layers that are not positive."""
        if min(self.hidden) < 1:
            raise InputError(f"hidden layers need at least one unit, not {list(self.hidden)}")
        if self.recurrent_critic and not self.recurrent:
            raise InputError("recurrent_critic is for agents that remember: set recurrent too")

    def init(self, spec: EnvSpec, rng: np.random.Generator, device: str = "cpu") -> Learning:
        """Fresh networks."""
        self.check(spec)
        generator = torch_generator(rng)
        actors, critics = nn.ModuleList(), nn.ModuleList()
        for group in spec.groups:
            shape: dict[str, Any] = {"hidden": self.hidden, "norm": self.norm, "generator": generator}
            actor = Network(
                group.depth,
                width(group.actions),
                group.size,
                gain=0.01,
                recurrent=self.recurrent,
                sharing=self.sharing,
                **shape,
            )
            actors.append(Actor(actor, group.actions))
            shape["recurrent"] = self.recurrent and self._critic_remembers
            if self.critic == "observation":
                critics.append(Network(group.depth, 1, group.size, sharing=self.sharing, **shape))
            else:
                # one value for a team, else one for each agent
                values = 1 if self.reward == "team" or spec.common_reward else group.size
                critics.append(Network(central_inputs(spec), values, 1, **shape))
        networks = nn.ModuleDict({"actors": actors, "critics": critics}).to(device)
        adam = torch.optim.Adam(
            [{"params": list(net.parameters())} for net in (networks["actors"], networks["critics"])],
            lr=self.learning_rate,
            eps=self.adam_epsilon,
            fused=True,
        )
        return Learning(spec, networks, adam, [Moments(0.99) for _ in spec.groups], device)

    @property
    def _critic_remembers(self) -> bool:
        return self.critic == "observation" if self.recurrent_critic is None else self.recurrent_critic

    def policy(self, state: Learning, greedy: bool = True) -> Independent:
        """See `Learner.policy`."""
        actors: Any = deepcopy(state.networks["actors"]).requires_grad_(False)
        return _team(state.spec, actors, greedy=greedy)

    def explore(self, state: Learning) -> Independent:
        """See `Learner.explore`."""
        actors: Any = state.networks["actors"]
        return _team(state.spec, actors, greedy=False, block=None)

    def update(self, state: Learning, batch: Batch, rng: np.random.Generator) -> tuple[Learning, Metrics]:
        """One update: values and advantages once, then `epochs` passes of gradient steps."""
        return self.learn(state, batch, rng, own_judgement)

    def learn(
        self,
        state: Learning,
        batch: Batch,
        rng: np.random.Generator,
        judge: Judge,
        played: Judge | None = None,
        only: Sequence[Only] | None = None,
    ) -> tuple[Learning, Metrics]:
        """An update of policies that are judged in a way of their own.

        Parameters
        ----------
        state, batch, rng
            See `update`.
        judge : Judge
            By the policies as they are.
        played : Judge, optional
            By those that played, if `judge` would say something else before anything has changed.
        only : sequence of Only, optional
            For every group, which steps are learned from; all by default.
        """
        groups = range(len(state.spec.groups))
        parts = [self._part(state, batch, g, None if only is None else only[g]) for g in groups]
        whole = parts[0].obs.shape[1]
        if only is not None and not self.recurrent:
            own = only[0].where.flatten().nonzero().squeeze(1)
            parts = [part.rows(own) for part in parts]
        if self.minibatches > 1 or played is not None:
            with torch.no_grad():
                said = (played or judge)(state, parts)
            parts = [p._replace(old_log_prob=old) for p, old in zip(parts, said.log_probs)]
        self._set_rates(state)
        told: list[dict[str, Tensor]] = []
        for _ in range(self.epochs):
            for rows in self._minibatches(parts[0].obs.shape[1], whole, rng):
                if (
                    only is not None
                    and rows is not None
                    and not any(bool(p.alive[:, rows].any()) for p in parts)
                ):
                    continue  # nothing of its own: a step of Adam by momentum alone
                log_probs, facts = self._gradient_step(state, parts, rows, judge)
                told.append(facts)
                if parts[0].old_log_prob is None:  # in the first pass the policy is still the one that played
                    parts = [p._replace(old_log_prob=old) for p, old in zip(parts, log_probs)]
        steps, size = batch.steps.after.last.shape
        state.steps += steps * size
        return state, {key: float(torch.stack([facts[key] for facts in told]).mean()) for key in told[0]}

    def save(self, state: Learning, whole: bool = True) -> Tree:
        """See `Learner.save`."""
        kept = [name for name in state.networks if whole or name != "critics"]
        tree: Tree = {name: module_tree(state.networks[name]) for name in kept}
        tree["steps"] = state.steps
        if whole:
            tree["adam"] = optimiser_tree(state.adam)
            tree["moments"] = {str(g): dict(vars(moments)) for g, moments in enumerate(state.moments)}
        return tree

    def load(self, spec: EnvSpec, tree: Tree, device: str = "cpu") -> Learning:
        """See `Learner.load`."""
        return restored(self.init(spec, np.random.default_rng(0), device), tree)

    def pass_by(self, state: Learning, batch: Batch) -> None:
        """Take notice of steps from which nothing is learned."""
        for g in range(len(state.spec.groups)):
            state.memories[g] = self.judged(state, batch, g).memory
        state.steps += batch.steps.after.last.size

    def judged(self, state: Learning, batch: Batch, g: int) -> Judged:
        """What the critic of group g says of recorded steps, in units of reward."""
        critic: Any = state.networks["critics"][g]
        memory = None if batch.begun else state.memories[g]
        return judged_by(self, state.spec, batch, g, critic, memory, state.moments[g])

    def _part(self, state: Learning, batch: Batch, g: int, only: Only | None = None) -> Part:
        """The data of a group."""
        judged, critic = self.judged(state, batch, g), state.networks["critics"][g]
        state.memories[g] = judged.memory
        moments: Moments = state.moments[g]
        return prepare(self, state.spec, batch, g, critic, judged, moments, only)

    def _set_rates(self, state: Learning) -> None:
        left = max(0.0, 1.0 - state.steps / self.anneal_steps) if self.anneal else 1.0
        own = {"critics": self.critic_learning_rate, **state.rates}
        for group, name in zip(state.adam.param_groups, state.networks, strict=True):
            group["lr"] = (own.get(name) or self.learning_rate) * left

    def _minibatches(self, size: int, whole: int, rng: np.random.Generator) -> list[Tensor | None]:
        """Rows of each part of a pass; None is all of them. Of `size` rows of a `whole` there are as many parts fewer."""
        parts = min(-(-self.minibatches * size // whole), size)
        if parts == 1:
            return [None]
        return list(torch.from_numpy(rng.permutation(size)).tensor_split(parts))

    def _gradient_step(
        self, state: Learning, parts: list[Part], rows: Tensor | None, judge: Judge
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """One step of Adam on the sum of all groups' losses; log-probabilities and facts of before it."""
        loss = torch.zeros((), device=state.device)
        told: dict[str, Tensor] = {}
        parts = parts if rows is None else [part.rows(rows) for part in parts]
        said = judge(state, parts)
        for g, part in enumerate(parts):
            facts = self._losses(state, part, g, said.log_probs[g], said.entropies[g])
            loss = loss + facts["policy_loss"] - self.entropy * facts["entropy"] + facts["value_loss"]
            for key, value in facts.items():
                told[key] = told.get(key, 0.0) + value.detach() / len(parts)
        loss = loss if said.loss is None else loss + said.loss
        told |= said.facts or {}
        state.adam.zero_grad(set_to_none=True)
        loss.backward()
        for name, network in state.networks.items():
            norm = nn.utils.clip_grad_norm_(network.parameters(), self.max_grad_norm)
            told[f"{name}_grad_norm"] = norm
        state.adam.step()
        return [log_prob.detach() for log_prob in said.log_probs], told

    def _losses(
        self, state: Learning, part: Part, g: int, log_prob: Tensor, entropy: Tensor
    ) -> dict[str, Tensor]:
        old = log_prob.detach() if part.old_log_prob is None else part.old_log_prob
        # where others acted a ratio may overflow, and infinity times a weight of 0 is no number
        log_ratio = torch.where(part.acting > 0, log_prob - old, 0.0)
        gained, ratio = clipped_surrogate(log_ratio, part.advantage, self.clip)
        critic: Any = state.networks["critics"][g]
        out, _ = critic.unroll(part.seen, part.critic_memory, part.fresh)
        value = values_of(out)
        missed = value_loss(value, part.target, part.old_value, self.clip_value, self.huber)
        with torch.no_grad():
            clipped = weighted_mean(((ratio - 1).abs() > self.clip).float(), part.acting)
            kl = weighted_mean(ratio - 1 - log_ratio, part.acting)
            left = weighted_mean((part.target - value).square(), part.alive)
            middle = weighted_mean(part.target, part.alive)
            spread = weighted_mean((part.target - middle).square(), part.alive)
            explained = 1 - left / spread.clamp_min(1e-8)
        return {
            "policy_loss": weighted_mean(gained, part.acting),
            "value_loss": weighted_mean(missed, part.alive),
            "entropy": weighted_mean(entropy, part.acting),
            "clip_fraction": clipped,
            "kl": kl,
            "explained_variance": explained,
        }


@record
class Learning:
    """A PPO learner's state.

    Parameters
    ----------
    spec : EnvSpec
        Where it learns.
    networks : ModuleDict
        Actors and critics, one of each per group, and what else a learner builds on these.
    adam : Adam
        Their optimiser, with a group of parameters for each entry, in this order.
    moments : list of Moments
        Of the returns of each group.
    device : str
        Where the networks live.
    steps : int
        Joint environment steps learned from.
    """

    spec: EnvSpec
    networks: Any
    adam: torch.optim.Adam
    moments: list[Moments]
    device: str
    steps: int = 0

    def __post_init__(self) -> None:
        self.memories: list[Tensor | None] = [None for _ in self.spec.groups]  # of the critics
        self.rates: dict[str, float | None] = {}  # learning rates of networks that have one of their own


def own_judgement(state: Learning, parts: list[Part]) -> Said:
    """What agents say who act by their own observations alone."""
    said = []
    for actor, part in zip(state.networks["actors"], parts):
        out, _ = actor.unroll(part.obs, part.memory, part.fresh)
        said.append(log_prob_and_entropy(actor.actions, out, part.mask, part.action))
    return Said([log_prob for log_prob, _ in said], [entropy for _, entropy in said])


def restored(state: Learning, tree: Tree) -> Learning:
    """A fresh state as `PPO.save` wrote it down; `InputError` if that was another."""
    whole = "adam" in tree
    for name, network in state.networks.items():
        if whole or name != "critics":
            load_module(network, tree.get(name), _KNOWN_AS.get(name, f"the network {name!r}"))
    state.steps = whole_number(tree, "steps")
    if whole:
        load_optimiser(state.adam, tree["adam"])
        state.moments = load_moments(tree.get("moments"), len(state.spec.groups))
    return state


_KNOWN_AS = {"actors": "the policy", "critics": "the critic"}


def _team(spec: EnvSpec, actors: Any, greedy: bool, block: int | None = 64) -> Independent:
    seats = {g.name: playing(a, greedy=greedy, block=block) for g, a in zip(spec.groups, actors)}
    return Independent(spec, seats)
