"""The context-aware Bayesian-network actor-critic: a team whose actions are correlated through a graph that it learns.

In every step a directed acyclic graph on the agents is drawn from what they all see; agents choose in its order, each by
its own observation and the actions of its parents,

    pi(a | s) = prod_i pi_i(a_i | o_i, a_Pa(i)),    G ~ rho(. | o_1, ..., o_n),

and everything is trained by proximal policy optimisation with a central critic (`marl.ppo`); the loss reaches the
graph's networks through the masks on parents' actions. With the empty graph it is MAPPO, bit for bit. A schedule can make
the graph sparser until nothing is left of it and agents act alone.

Source: Chen and Zhang (2023), Context-Aware Bayesian Network Actor-Critic Methods for Cooperative Multi-Agent
Reinforcement Learning, ICML. Letters: R recorded steps, n agents of all groups, A actions of the agent that has most.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass as record
from difflib import get_close_matches
from math import ceil
from typing import Any, Literal

import numpy as np
import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor
from torch.nn import functional

from games.dag import NAMED, Dag
from games.env import EnvSpec
from games.errors import InputError
from games.policy import JointPolicy
from games.spaces import Discrete
from marl.actors import NEVER, log_prob_and_entropy
from marl.bayes_net_networks import Context, Parents, Tells
from marl.bayes_net_team import Execution, NetworkedTeam
from marl.checkpoint import Tree
from marl.dag_law import Drawn, GraphLaw
from marl.dag_schedule import schedule
from marl.learner import Batch, Metrics, Plain, torch_generator
from marl.losses import weighted_mean
from marl.ppo import PPO, Learning, Said, restored
from marl.ppo_data import Part

_PPO: Any = PPO


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class BayesNetActorCritic(Plain):
    """Hyperparameters: those of proximal policy optimisation, and how the graph is learned.

    Where agents have different numbers of actions, parents' actions are filled up with zeros.
    """

    ppo: PPO = Field(_PPO(), description="proximal policy optimisation")
    dag: str = Field(
        "learned",
        min_length=1,
        description="learned, empty, line, complete, random, or edges parent>child such as 0>1,1>2",
    )
    edge_probability: float = Field(0.5, ge=0, le=1, description="of every edge of a random graph")
    order: Literal["learned", "fixed"] = Field(
        "learned", description="whether the agents' order is learned too, or is that of their numbers"
    )
    parents: Tells = Field(
        "actions", description="what agents are told of their parents; observations come with the actions"
    )
    dag_mode: Literal["replay_noise", "resample"] = Field(
        "replay_noise",
        description="whether updates condition on the graph that was played, by its noise, or on a fresh one",
    )
    execution: Execution = Field(
        "learned",
        description="how the graph is drawn when playing: noise-free, noisy as in training, or empty",
    )
    parents_learning_rate: float | None = Field(
        None, gt=0, description="of Adam, for what parents' actions add; the policy's if none"
    )
    dag_hidden: int = Field(64, ge=1, description="width of the hidden layer of the graph's networks")
    noise: float = Field(1.0, ge=0, description="factor of the order's Gumbel noise")
    temperature: float = Field(1.0, gt=0, description="of the relaxations that carry gradients")
    sweeps: int = Field(20, ge=1, description="of Sinkhorn's iteration in the order's relaxation")
    sparsity: float = Field(
        0.0,
        ge=0,
        le=1,
        description="first weight of the distance from the wanted density; 0 for no such loss",
    )
    sparsity_last: float = Field(
        1.0,
        ge=0,
        description="how fast that weight grows in the end: from sparsity to this in a few updates, up to 1",
    )
    sparsity_steps: int | None = Field(
        None, ge=1, description="joint environment steps over which the graph is annealed to the empty one"
    )
    sparsity_decays: int = Field(40, ge=1, description="in how many parts the wanted density falls to 0")

    @property
    def rollout(self) -> int:
        """See `Learner.rollout`."""
        return self.ppo.rollout

    def check(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> None:
        """Refuse continuous actions, turns, single agents, graphs that are none, and schedules longer than the run."""
        self.ppo.check(spec)
        for group in spec.groups:
            if not isinstance(group.actions, Discrete):
                raise InputError(
                    f"{spec.name}: group {group.name!r} has actions {group.actions}, but a Bayesian network is over discrete ones; "
                    "mappo takes any"
                )
        if len(spec.agents) < 2:
            raise InputError(
                f"{spec.name} has a single agent, whose action can depend on nobody's; use mappo"
            )
        self._given(spec)
        if spec.turn_based and not self._empty:
            raise InputError(
                f"{spec.name}: agents move in turns, so nobody's action can depend on another's of the same step; use mappo"
            )
        self._check_schedule(steps, batch)

    def _check_schedule(self, steps: int | None, batch: int | None) -> None:
        if self.sparsity == 0:
            if self.sparsity_steps is not None:
                raise InputError(
                    "sparsity_steps has no effect while sparsity is 0; set sparsity, to 0.1 for instance"
                )
            return
        if self.dag.strip().lower() != "learned":
            raise InputError(
                f"sparsity is for a learned graph, and this one is {self.dag!r:.40}: leave it at 0"
            )
        if self.sparsity_last < self.sparsity:
            raise InputError(
                f"sparsity_last ({self.sparsity_last:g}) is the larger weight, towards which sparsity ({self.sparsity:g}) grows"
            )
        if self.sparsity_steps is None:
            raise InputError(
                "annealing needs its length in joint environment steps, mostly those of the run: set sparsity_steps, as in "
                "--set learner.sparsity_steps=200000"
            )
        if steps is not None and self.sparsity_steps > steps:
            raise InputError(
                f"annealing takes {self.sparsity_steps:,} steps (sparsity_steps), but the run has only {steps:,}; the "
                "graph would not be empty in the end"
            )
        updates = 0 if batch is None else self.sparsity_steps // (self.rollout * batch)
        if batch is not None and schedule(updates - 1, updates, self.sparsity_decays, 1.0, 1.0)[0] > 0:
            raise InputError(
                f"annealing in {self.sparsity_decays} parts (sparsity_decays) needs about "
                f"{ceil(5 * self.sparsity_decays / 3):,} updates, and sparsity_steps makes {updates:,}: train longer, in "
                "smaller batches, or with fewer parts"
            )

    def init(self, spec: EnvSpec, rng: np.random.Generator, device: str = "cpu") -> Learning:
        """Fresh networks: MAPPO's, the same as if it were alone, then those of parents and of the graph."""
        self.check(spec)
        state = self.ppo.init(spec, rng, device)
        if self._empty:
            return state
        generator = torch_generator(rng)
        agents = len(spec.agents)
        depth = max(group.depth for group in spec.groups)
        width = max(group.width for group in spec.groups)
        state.networks["parents"] = Parents(agents, depth, width, self.parents, self.dag_hidden, generator)
        if self._learned:
            inputs = sum(group.size * group.depth for group in spec.groups)
            ordered = self.order == "learned"
            state.networks["dag"] = Context(inputs, agents, self.dag_hidden, ordered, generator)
        state.networks.to(device)
        state.rates["parents"] = self.parents_learning_rate
        for name in list(state.networks)[2:]:
            state.adam.add_param_group({"params": list(state.networks[name].parameters())})
        return state

    @property
    def _learned(self) -> bool:
        return self.dag.strip().lower() == "learned"

    @property
    def _empty(self) -> bool:
        return self.dag.strip().lower() == "empty"

    def _given(self, spec: EnvSpec) -> Dag | None:
        """The graph that is always the same, if it is one; `InputError` if it is no graph on these agents."""
        if self.dag.strip().lower() in ("learned", "random"):
            return None
        try:
            return Dag.of(self.dag, spec.agents)
        except InputError as error:
            if ">" in self.dag:
                raise InputError(f"{spec.name}: dag {self.dag!r:.60}: {error}") from None
            known = ("learned", "random", *NAMED)
            near = get_close_matches(self.dag.strip().lower(), known, 1, 0.5)
            hint = (
                f"did you mean {near[0]}?" if near else f"it is {', '.join(known)}, or edges such as 0>1,1>2"
            )
            raise InputError(f"{spec.name}: there is no dag {self.dag!r:.60}; {hint}") from None

    def _law(self, spec: EnvSpec, context: Context | None) -> GraphLaw:
        given = self._given(spec)
        return GraphLaw(
            len(spec.agents),
            context,
            None if given is None else given.parents,
            self.edge_probability,
            self.noise,
            self.temperature,
            self.sweeps,
        )

    def policy(self, state: Learning, greedy: bool = True) -> JointPolicy:
        """See `Learner.policy`; how the graph is drawn is said by `execution`."""
        if self._empty:
            return self.ppo.policy(state, greedy)
        acting = {name: net for name, net in state.networks.items() if name != "critics"}
        networks: Any = {name: net.requires_grad_(False) for name, net in deepcopy(acting).items()}
        return self._team(state, networks, greedy, self.execution, 64)

    def explore(self, state: Learning) -> JointPolicy:
        """See `Learner.explore`."""
        if self._empty:
            return self.ppo.explore(state)
        return self._team(state, state.networks, False, "noisy", None)

    def _team(
        self, state: Learning, networks: Any, greedy: bool, execution: Execution, block: int | None
    ) -> NetworkedTeam:
        return NetworkedTeam(
            state.spec,
            networks["actors"],
            networks["parents"],
            self._law(state.spec, networks["dag"] if self._learned else None),
            greedy=greedy,
            execution=execution,
            device=state.device,
            block=block,
        )

    def update(self, state: Learning, batch: Batch, rng: np.random.Generator) -> tuple[Learning, Metrics]:
        """See `marl.ppo.PPO.update`; every agent has its own ratio, given its parents' recorded actions."""
        if self._empty:
            return self.ppo.update(state, batch, rng)
        law = self._law(state.spec, state.networks["dag"] if self._learned else None)
        aim = self._aim(state, batch)
        as_played = Judgement(law, aim)
        if self.dag_mode == "replay_noise":
            return self.ppo.learn(state, batch, rng, as_played)
        return self.ppo.learn(state, batch, rng, Judgement(law, aim, rng), played=as_played)

    def _aim(self, state: Learning, batch: Batch) -> tuple[float, float] | None:
        """The wanted density and its weight in this update."""
        if self.sparsity == 0:
            return None
        assert self.sparsity_steps is not None
        once = batch.steps.after.last.size
        return schedule(
            state.steps // once,
            max(self.sparsity_steps // once, 1),
            self.sparsity_decays,
            self.sparsity,
            self.sparsity_last,
        )

    def save(self, state: Learning, whole: bool = True) -> Tree:
        """See `Learner.save`."""
        return self.ppo.save(state, whole)

    def load(self, spec: EnvSpec, tree: Tree, device: str = "cpu") -> Learning:
        """See `Learner.load`."""
        return restored(self.init(spec, np.random.default_rng(0), device), tree)


@record(frozen=True)
class Judgement:
    """Judges recorded steps by the Bayesian network as it is (`marl.ppo.Judge`).

    Parameters
    ----------
    law : GraphLaw
        How graphs are drawn.
    aim : tuple of float, optional
        The wanted density of graphs, and the weight of the distance from it.
    rng : Generator, optional
        Draws fresh noise for every pass; without it that of the recorded steps is used again.
    """

    law: GraphLaw
    aim: tuple[float, float] | None = None
    rng: np.random.Generator | None = None

    def __call__(self, state: Learning, parts: list[Part]) -> Said:
        """For the parts of all groups."""
        seen = torch.cat([part.obs.flatten(0, 1).flatten(1) for part in parts], dim=-1)
        acting = torch.cat([part.acting.flatten(0, 1) for part in parts], dim=-1)
        notes = parts[0].notes.flatten(0, 1)
        if self.rng is not None:
            notes = torch.from_numpy(self.law.from_generator(len(notes), self.rng)).to(notes)
        drawn = self.law.drawn(seen, notes, acting)
        added = state.networks["parents"](drawn.graph, *_of_parents(parts))
        log_probs, entropies, moved, first = [], [], [], 0
        for actor, part in zip(state.networks["actors"], parts):
            base, _ = actor.unroll(part.obs, part.memory, part.fresh)
            agents, width = base.shape[-2:]
            told = base + added[:, first : first + agents, :width].reshape(base.shape)
            log_prob, entropy = log_prob_and_entropy(actor.actions, told, part.mask, part.action)
            log_probs.append(log_prob)
            entropies.append(entropy)
            with torch.no_grad():
                moved.append(_divergence(told, base, part.mask).flatten(0, 1))
            first += agents
        influence = weighted_mean(torch.cat(moved, dim=-1), acting)
        loss, facts = self._about(drawn)
        return Said(log_probs, entropies, loss, {**facts, "influence": influence})

    def _about(self, drawn: Drawn) -> tuple[Tensor | None, dict[str, Tensor]]:
        """The loss that wants a density, and facts about the graphs."""
        agents = drawn.graph.shape[-1]
        density = 2.0 * drawn.graph.sum(dim=(-1, -2)).mean() / (agents * (agents - 1))
        with torch.no_grad():
            apart = ~torch.eye(agents, dtype=torch.bool, device=drawn.graph.device)
            present = torch.sigmoid(drawn.edge_scores)[:, apart]
            facts = {
                "open_ratio": density.detach(),
                "edge_probability": present.mean(),
                "edge_variation": present.std(dim=0, correction=0).mean(),
            }
        if self.aim is None:
            return None, facts
        wanted, weight = self.aim
        facts |= {"wanted_ratio": density.new_tensor(wanted), "sparsity": density.new_tensor(weight)}
        return weight * (density - wanted).abs(), facts


def _of_parents(parts: list[Part]) -> tuple[Tensor, Tensor]:
    """What agents did, one-hot float[R, n, A], and saw, float[R, n, d]."""
    width = max(part.mask.shape[-1] for part in parts)
    depth = max(part.obs.shape[-1] for part in parts)
    actions, seen = [], []
    for part in parts:
        actions.append(functional.one_hot(part.action.long().flatten(0, 1), width).to(part.obs))
        obs = part.obs.flatten(0, 1)
        seen.append(functional.pad(obs, (0, depth - obs.shape[-1])))
    return torch.cat(actions, dim=1), torch.cat(seen, dim=1)


def _divergence(p: Tensor, q: Tensor, mask: Tensor) -> Tensor:
    """Kullback-Leibler divergence, in nats, of choices with logits p[..., A] from those with logits q."""
    first, second = (torch.log_softmax(torch.where(mask, x, NEVER), dim=-1) for x in (p, q))
    return (first.exp() * (first - second)).sum(-1).clamp_min(0.0)
