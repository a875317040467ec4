"""Deep Q-learning for teams: alone (IQL), with summed values (VDN), or with monotonically mixed ones (QMIX).

Every agent acts by the values that its own network tells of its own observations. What is learned is an argument,
`mixer`: everybody's own value (independent Q-learning, Tan 1993), or the team's, which is the sum of everybody's
(Sunehag et al. 2018) or a monotonic function of them that depends on the global state (Rashid et al. 2018). Either
way the target is what double Q-learning says (van Hasselt et al. 2016), and experience is replayed.

With a mixer the team is paid the sum of all rewards. Nothing keeps one from training opponents that way; in a zero-sum
game that sum is 0 and there is nothing to learn.

Letters: T steps, S segments, n agents of a group, A actions, N agents in all.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from games.env import EnvSpec
from games.errors import InputError
from games.policy import Independent
from games.spaces import Box, Discrete
from marl.actors import Actor, playing
from marl.checkpoint import (
    Tree,
    load_module,
    load_moments,
    load_optimiser,
    module_tree,
    optimiser_tree,
    whole_number,
)
from marl.epsilon_greedy import EpsilonGreedy
from marl.learner import Batch, Metrics, Plain, central_inputs, tensor, torch_generator
from marl.losses import huber, weighted_mean
from marl.mixers import Mixing, make_mixer
from marl.networks import Network, Sharing
from marl.q_data import Sample, layout, pieces, sample_of, team_reward, values_along
from marl.q_state import Learning
from marl.replay import Kept, Replay
from marl.returns import Moments

_NEVER = -torch.inf
Array = npt.NDArray[Any]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class QLearning(Plain):
    """Hyperparameters of IQL, VDN and QMIX; the defaults are those of QMIX for small cooperative tasks.

    One gradient step follows every `learn_every` joint environment steps, however many sub-environments there are; a
    rollout longer than that is followed by several.
    """

    mixer: Mixing = Field(
        "monotonic", description="how values become the team's: none (IQL), sum (VDN) or monotonic (QMIX)"
    )
    reward: Literal["own", "team"] = Field(
        "own", description="whether agents without a mixer are paid their own reward or the sum"
    )
    rollout: int = Field(50, ge=1, description="steps of every sub-environment between updates")
    learn_every: int = Field(50, ge=1, description="joint environment steps for each gradient step")
    sample: Literal["segments", "transitions"] = Field(
        "segments", description="what a gradient step learns from: rollouts of one sub-environment, or steps"
    )
    batch_size: int = Field(32, ge=1, description="segments or steps in a gradient step")
    capacity: int = Field(250_000, ge=1, description="joint steps that the replay keeps")
    warmup: int = Field(2_000, ge=0, description="joint steps before the first gradient step")
    gamma: float = Field(0.99, ge=0, le=1, description="discount factor")
    double: bool = Field(
        True, description="whether the learning network chooses what the target network judges"
    )
    target_every: int | None = Field(
        200, ge=1, description="gradient steps between copies to the target network"
    )
    target_rate: float | None = Field(
        None,
        gt=0,
        le=1,
        description="share by which the target network follows at each gradient step, in place of target_every",
    )
    epsilon_start: float = Field(
        1.0, ge=0, le=1, description="probability of a random action at the beginning"
    )
    epsilon_end: float = Field(
        0.05, ge=0, le=1, description="probability of a random action after epsilon_steps"
    )
    epsilon_steps: int = Field(
        50_000, ge=1, description="joint steps over which it moves, on a straight line"
    )
    normalise_rewards: Literal["none", "scale", "standardise"] = Field(
        "scale",
        description="divide rewards by their running standard deviation; standardise also subtracts their mean, which "
        "changes what is best where the length of an episode depends on play",
    )
    learning_rate: float = Field(5e-4, gt=0, description="of Adam")
    adam_epsilon: float = Field(1e-8, gt=0, description="epsilon of Adam")
    huber: float | None = Field(
        None, gt=0, description="where the loss turns from square to linear, if anywhere"
    )
    max_grad_norm: float = Field(10.0, gt=0, description="gradients are clipped to this norm")
    hidden: tuple[int, ...] = Field((64, 64), min_length=1, description="widths of hidden layers")
    recurrent: bool = Field(False, description="whether agents remember (gated recurrent units)")
    sharing: Sharing = Field(
        "numbered", description="one network with agents' numbers, one without, or one each"
    )
    mixer_width: int = Field(32, ge=1, description="width of the monotonic mixing network (qmix)")
    mixer_hidden: int = Field(64, ge=1, description="width of the layers that make the mixing weights (qmix)")

    def check(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> None:
        """`InputError` unless all actions are discrete, and where hyperparameters contradict each other."""
        for group in spec.groups:
            if not isinstance(group.actions, Discrete):
                raise InputError(
                    f"{self.title} chooses among numbered actions, but those of group {group.name!r} of {spec.name} "
                    f"are {'continuous' if isinstance(group.actions, Box) else 'several at once'}; ippo and mappo can learn there"
                )
        if min(self.hidden) < 1:
            raise InputError(f"hidden layers need at least one unit, not {list(self.hidden)}")
        if (self.target_every is None) == (self.target_rate is None):
            raise InputError("set one of target_every and target_rate, and the other to none")
        if self.recurrent and self.sample == "transitions":
            raise InputError("agents that remember learn from segments, not from single transitions")
        if self.capacity < self.rollout:
            raise InputError(
                f"a capacity of {self.capacity} does not hold one rollout of {self.rollout} steps"
            )

    def pays_team(self, spec: EnvSpec) -> bool:
        """Whether everybody is paid the same."""
        return self.mixer != "none" or self.reward == "team" or spec.common_reward

    @property
    def title(self) -> str:
        """What the method is called."""
        return {"none": "IQL", "sum": "VDN", "monotonic": "QMIX"}[self.mixer]

    def init(self, spec: EnvSpec, rng: np.random.Generator, device: str = "cpu") -> Learning:
        """Fresh networks, targets that equal them, and an empty replay."""
        self.check(spec)
        generator = torch_generator(rng)
        actors = nn.ModuleList(
            Actor(
                Network(
                    group.depth,
                    group.width,
                    group.size,
                    hidden=self.hidden,
                    recurrent=self.recurrent,
                    sharing=self.sharing,
                    generator=generator,
                ),
                group.actions,
            )
            for group in spec.groups
        )
        networks = nn.ModuleDict({"actors": actors})
        sizes = len(spec.agents), central_inputs(spec), self.mixer_width, self.mixer_hidden
        mixer = make_mixer(self.mixer, *sizes, generator)
        if mixer is not None:
            networks["mixer"] = mixer
        networks.to(device)
        adam = torch.optim.Adam(
            networks.parameters(), lr=self.learning_rate, eps=self.adam_epsilon, fused=True
        )
        return Learning(
            spec,
            networks,
            deepcopy(networks).requires_grad_(False),
            adam,
            Replay(self.capacity // self.rollout, self.rollout, self.kept(spec, actors), device),
            [Moments(1.0) for _ in ((spec,) if self.pays_team(spec) else spec.groups)],
            device,
        )

    def kept(self, spec: EnvSpec, actors: Any) -> dict[str, Any]:
        """What a replay must keep for this learner, see `marl.q_data.layout`."""
        memories = [actor.network.memory for actor in actors]
        return layout(spec, state=self.mixer == "monotonic", memories=memories)

    def policy(self, state: Learning, greedy: bool = True) -> Independent:
        """See `Learner.policy`; what Q-learning has learned to do is greedy in any case."""
        actors: Any = deepcopy(state.networks["actors"]).requires_grad_(False)
        named = {g.name: playing(a, greedy=True) for g, a in zip(state.spec.groups, actors)}
        return Independent(state.spec, named)

    def explore(self, state: Learning) -> Independent:
        """The team as it gathers experience: epsilon-greedy, with the epsilon of the steps so far."""
        actors: Any = state.networks["actors"]
        epsilon = self.epsilon(state.steps)
        named = {
            g.name: EpsilonGreedy(playing(a, greedy=True, block=None), epsilon)
            for g, a in zip(state.spec.groups, actors)
        }
        return Independent(state.spec, named)

    def epsilon(self, steps: int) -> float:
        """Probability of a random action after so many joint environment steps."""
        share = min(1.0, steps / self.epsilon_steps)
        return self.epsilon_start + share * (self.epsilon_end - self.epsilon_start)

    def update(
        self, state: Learning, batch: Batch, rng: np.random.Generator, where: Array | None = None
    ) -> tuple[Learning, Metrics]:
        """Keep new experience, then take the gradient steps that are due.

        Only steps chosen by `where`, bool[T, B], are learned from, if it is given; a replay that is `masked` remembers
        which, and a gradient step for which none is drawn is left out.
        """
        metrics = {"epsilon": self.epsilon(state.steps)}
        before = state.steps
        self.remember(state, batch, where)
        due = state.steps // self.learn_every - max(before, self.warmup) // self.learn_every
        told = []
        for _ in range(due):
            drawn = state.replay.draw(self.batch_size, self.sample, rng)
            weight = drawn["counted"].float() if "counted" in drawn else None
            if weight is None or bool(weight.any()):
                told.append(self.learn(state, sample_of(state.spec, drawn), weight))
                state.samples += int(drawn["discount"].numel() if weight is None else weight.sum())
        if told:
            metrics |= {key: float(torch.stack([facts[key] for facts in told]).mean()) for key in told[0]}
        return state, metrics

    def masked(self, state: Learning) -> Learning:
        """A fresh state whose replay remembers which steps may be learned from."""
        kept = {**state.replay.layout, "counted": Kept((), torch.bool)}
        state.replay = Replay(state.replay.capacity, state.replay.steps, kept, state.device)
        return state

    def remember(self, state: Learning, batch: Batch, where: Array | None = None) -> None:
        """Take new experience into the replay and into the moments of rewards; see `update`."""
        before, after = batch.steps.before, batch.steps.after
        told = pieces(state.spec, batch, state=self.mixer == "monotonic")
        if "counted" in state.replay.layout:
            told["counted"] = np.ones(after.last.shape, dtype=bool) if where is None else where
        state.replay.add(told)
        if not self.pays_team(state.spec):
            for moments, view, seen in zip(state.moments, before.groups, after.groups):
                moments.update(tensor(seen.reward[view.alive], "cpu"))
        else:
            paid = after.groups[0].reward[..., 0] if state.spec.common_reward else after.rewards.sum(-1)
            state.moments[0].update(tensor(paid, "cpu"))
        state.steps += after.last.size

    def learn(self, state: Learning, sample: Sample, weight: Tensor | None = None) -> dict[str, Tensor]:
        """One gradient step.

        Parameters
        ----------
        state : Learning
            Is changed.
        sample : Sample
            What to learn from, from this learner's replay or another of the same layout.
        weight : float[T, S], optional
            Of every step in the loss; all the same by default.

        Returns
        -------
        dict of str to Tensor
            Loss, mean temporal-difference error, mean value and target, norm of the gradient.
        """
        value, target, counts = self.values_and_targets(state, sample)
        if weight is not None:
            counts = counts * weight.unsqueeze(-1)
        error = value - target
        each = 0.5 * error.square() if self.huber is None else huber(error, self.huber)
        loss = weighted_mean(each, counts)
        state.adam.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(state.parameters, self.max_grad_norm)
        state.adam.step()
        state.gradient_steps += 1
        self._follow(state)
        with torch.no_grad():
            return {
                "loss": loss.detach(),
                "error": weighted_mean(error.abs(), counts),
                "value": weighted_mean(value, counts),
                "target": weighted_mean(target, counts),
                "grad_norm": norm,
            }

    def values_and_targets(self, state: Learning, sample: Sample) -> tuple[Tensor, Tensor, Tensor]:
        """Values of what was done, their targets (without gradients), and which of them count.

        Returns
        -------
        value, target, counts : float[T, S, v]
            With v = N where everybody learns alone, 1 for a team.
        """
        chosen, best = zip(*(self._chosen_and_best(state, sample, g) for g in range(len(sample.parts))))
        value, ahead = torch.cat(chosen, dim=-1), torch.cat(best, dim=-1)
        alive = torch.cat([part.alive for part in sample.parts], dim=-1)
        alive_next = torch.cat([part.alive_next for part in sample.parts], dim=-1)
        onward = (self.gamma * sample.discount).unsqueeze(-1)
        if self.mixer == "none":
            # in a team those who are out go on sharing the reward
            shared = self.pays_team(state.spec)
            counts = torch.ones_like(alive) if shared else alive
            goes_on = onward if shared else onward * alive_next
            return value, self._paid(state, sample) + goes_on * ahead, counts
        mixer, judge = state.networks["mixer"], state.targets["mixer"]
        team = mixer(value * alive, sample.state)
        with torch.no_grad():
            ahead = judge(ahead * alive_next, sample.state_next)
        return (
            team.unsqueeze(-1),
            self._paid(state, sample) + onward * ahead.unsqueeze(-1),
            torch.ones_like(onward),
        )

    def save(self, state: Learning, whole: bool = True) -> Tree:
        """See `Learner.save`."""
        tree: Tree = {"actors": module_tree(state.networks["actors"]), "steps": state.steps}
        if whole:
            tree["networks"] = module_tree(state.networks)
            tree["targets"] = module_tree(state.targets)
            tree["adam"] = optimiser_tree(state.adam)
            tree["moments"] = {str(g): dict(vars(moments)) for g, moments in enumerate(state.moments)}
            tree["gradient_steps"] = state.gradient_steps
            tree["samples"] = state.samples
            tree["replay"] = state.replay.save()
        return tree

    def load(self, spec: EnvSpec, tree: Tree, device: str = "cpu") -> Learning:
        """See `Learner.load`."""
        return self.restore(self.init(spec, np.random.default_rng(0), device), tree)

    def restore(self, state: Learning, tree: Tree) -> Learning:
        """A fresh state as `save` wrote it down; `InputError` if that was another."""
        load_module(state.networks["actors"], tree.get("actors"), "the policy")
        state.steps = whole_number(tree, "steps")
        if "adam" in tree:
            load_module(state.networks, tree.get("networks"), "the learner")
            load_module(state.targets, tree.get("targets"), "the target networks")
            load_optimiser(state.adam, tree["adam"])
            state.moments = load_moments(tree.get("moments"), len(state.moments))
            state.gradient_steps = whole_number(tree, "gradient_steps")
            state.samples = whole_number(tree, "samples")
            state.replay.load(tree.get("replay"))
        return state

    def _chosen_and_best(self, state: Learning, sample: Sample, g: int) -> tuple[Tensor, Tensor]:
        """Values float[T, S, n] of what group g did, and, by the target network, of the best it can do next."""
        part = sample.parts[g]
        actor, judge = (nets["actors"][g].network for nets in (state.networks, state.targets))
        value, value_next = values_along(actor, part, sample, now=True, after=self.double)
        _, judged = values_along(judge, part, sample, now=False, after=True)
        assert value is not None and judged is not None
        chosen = value.gather(-1, part.action.unsqueeze(-1)).squeeze(-1)
        compared = judged if value_next is None else value_next
        best = torch.where(part.mask_next, compared, _NEVER).argmax(-1, keepdim=True)
        return chosen, judged.gather(-1, best).squeeze(-1)

    def _paid(self, state: Learning, sample: Sample) -> Tensor:
        """Rewards as they are learned, float[T, S, N], or float[T, S, 1] for a team."""
        if self.pays_team(state.spec):
            return self._normalised(team_reward(state.spec, sample.parts), state.moments[0]).unsqueeze(-1)
        paid = [self._normalised(p.reward, moments) for p, moments in zip(sample.parts, state.moments)]
        return torch.cat(paid, dim=-1)

    def _normalised(self, reward: Tensor, moments: Moments) -> Tensor:
        if self.normalise_rewards == "none":
            return reward
        return (reward - moments.mean if self.normalise_rewards == "standardise" else reward) / moments.std

    @torch.no_grad()
    def _follow(self, state: Learning) -> None:
        """Let the target networks follow: now and then altogether, or always a little."""
        if self.target_rate is not None:
            torch._foreach_lerp_(state.target_parameters, state.parameters, self.target_rate)
        elif self.target_every is not None and state.gradient_steps % self.target_every == 0:
            torch._foreach_copy_(state.target_parameters, state.parameters)
