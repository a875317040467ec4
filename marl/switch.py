"""Learning a switch: one agent with two actions, which sees the global state and pays for one of them.

Two methods behind one interface: double Q-learning (van Hasselt et al. 2016), and soft actor-critic for discrete actions
(Christodoulou 2019). Both replay single transitions. Action 1 may be unavailable, in choosing and in what is
bootstrapped, which is how a budget of calls holds on every trajectory.

Letters: R transitions, s numbers seen.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass as record
from math import log
from typing import Any, Literal

import numpy as np
import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from games.errors import InputError
from marl.checkpoint import Tree, load_module, load_optimiser, module_tree, optimiser_tree, whole_number
from marl.double_q import Transitions, double_q_gradient
from marl.learner import torch_generator
from marl.losses import huber, weighted_mean
from marl.networks import Network
from marl.replay import Kept, Pieces, Replay

_NEVER = -torch.inf


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Switch:
    """Hyperparameters of the learner of a switch."""

    method: Literal["dqn", "sac"] = Field(
        "dqn", description="double Q-learning or discrete soft actor-critic"
    )
    gamma: float = Field(0.99, ge=0, le=1, description="discount factor")
    learning_rate: float = Field(3e-4, gt=0, description="of Adam")
    hidden: tuple[int, ...] = Field((64, 64), min_length=1, description="widths of hidden layers")
    batch_size: int = Field(128, ge=1, description="transitions in a gradient step")
    capacity: int = Field(50_000, ge=1, description="joint steps that the replay keeps")
    learn_every: int = Field(50, ge=1, description="joint environment steps for each gradient step")
    target_rate: float = Field(
        0.005, gt=0, le=1, description="share by which targets follow at each gradient step"
    )
    max_grad_norm: float = Field(10.0, gt=0, description="gradients are clipped to this norm")
    huber: float = Field(1.0, gt=0, description="where the value loss turns from square to linear")
    entropy: float = Field(0.3, ge=0, le=1, description="wanted entropy of sac, as a share of ln 2")

    def init(self, inputs: int, segment: int, rng: np.random.Generator, device: str) -> Switching:
        """Fresh networks and an empty replay of segments of so many steps."""
        generator = torch_generator(rng)

        def network(gain: float = 1.0) -> Network:
            return Network(inputs, 2, 1, hidden=self.hidden, gain=gain, generator=generator)

        networks = nn.ModuleDict({"judge": network()})
        if self.method == "sac":
            networks["twin"], networks["policy"] = network(), network(0.01)
            networks["temperature"] = Temperature()
        networks.to(device)
        targets = deepcopy(networks).requires_grad_(False)
        adam = torch.optim.Adam(networks.parameters(), lr=self.learning_rate, fused=True)
        layout = {
            "seen": Kept((inputs,)),
            "seen_next": Kept((inputs,)),
            "switched": Kept((), torch.bool),
            "open": Kept((), torch.bool),
            "open_next": Kept((), torch.bool),
            "reward": Kept(()),
            "discount": Kept(()),
        }
        replay = Replay(max(self.capacity // segment, 1), segment, layout, device)
        return Switching(networks, targets, adam, replay)

    def learn(self, state: Switching, drawn: Pieces, price: float, scale: float) -> dict[str, Tensor]:
        """One gradient step on transitions [1, R]; rewards are divided by `scale`, and the price is paid after that."""
        switched = drawn["switched"][0]
        given = Transitions(
            drawn["seen"][0],
            drawn["seen_next"][0],
            switched,
            drawn["open"][0],
            drawn["open_next"][0],
            drawn["reward"][0] / scale - price * switched,
            self.gamma * drawn["discount"][0],
        )
        if self.method == "dqn":
            told = double_q_gradient(state.networks["judge"], state.targets["judge"], given, self.huber)
        else:
            loss, told = self._sac(state, given)
            for parameter in state.parameters:  # as Adam's zero_grad, in a fifth of its time
                parameter.grad = None
            loss.backward()
        told["grad_norm"] = nn.utils.clip_grad_norm_(state.parameters, self.max_grad_norm)
        state.adam.step()
        state.gradient_steps += 1
        with torch.no_grad():
            torch._foreach_lerp_(state.target_parameters, state.parameters, self.target_rate)
        return {name: value.detach() for name, value in told.items()}

    def _sac(self, state: Switching, given: Transitions) -> tuple[Tensor, dict[str, Tensor]]:
        networks, targets = state.networks, state.targets
        alpha = networks["temperature"].log.exp().detach()
        with torch.no_grad():
            chance, surprise = soft(only_open(_of(networks["policy"], given.seen_next), given.open_next))
            pair = torch.minimum(
                _of(targets["judge"], given.seen_next), _of(targets["twin"], given.seen_next)
            )
            target = given.reward + given.discount * (chance * (pair + alpha * surprise)).sum(-1)
        told = [_of(networks[name], given.seen) for name in ("judge", "twin")]
        taken = [torch.where(given.switched, value[:, 1], value[:, 0]) for value in told]
        missed = torch.stack([huber(value - target, self.huber).mean() for value in taken]).sum()
        chance, surprise = soft(_of(networks["policy"], given.seen))
        worth = torch.minimum(*told).detach()
        free = given.open.float()  # where a call is not available there is nothing to choose
        actor = -weighted_mean((chance * (worth + alpha * surprise)).sum(-1), free)
        spread = (chance * surprise).sum(-1).detach()
        cooling = networks["temperature"].log.exp() * weighted_mean(spread - self.entropy * log(2.0), free)
        entropy = weighted_mean(spread, free)
        facts = {"loss": missed, "value": taken[0].mean(), "entropy": entropy, "temperature": alpha}
        return missed + actor + cooling, facts

    def save(self, state: Switching, whole: bool = True) -> Tree:
        """The networks, and if `whole` everything else that going on needs."""
        tree: Tree = {"networks": module_tree(state.networks)}
        if whole:
            tree["targets"] = module_tree(state.targets)
            tree["adam"] = optimiser_tree(state.adam)
            tree["gradient_steps"] = state.gradient_steps
            tree["replay"] = state.replay.save()
        return tree

    def load(self, state: Switching, tree: Any) -> None:
        """Take over what `save` told; `InputError` if it does not fit."""
        if not isinstance(tree, dict):
            raise InputError("the checkpoint does not fit: it has no switch")
        load_module(state.networks, tree.get("networks"), "the switch")
        if len(tree) > 1:  # not the policy alone
            load_module(state.targets, tree.get("targets"), "the switch's targets")
            load_optimiser(state.adam, tree.get("adam"))
            state.gradient_steps = whole_number(tree, "gradient_steps")
            state.replay.load(tree.get("replay"))


@record
class Switching:
    """The state of a learner of a switch.

    Parameters
    ----------
    networks, targets : ModuleDict
        Values of both actions (and for soft actor-critic their twins and a policy), and the same a while ago.
    adam : Adam
        Their optimiser.
    replay : Replay
        Experience.
    gradient_steps : int
        Taken so far.
    """

    networks: Any
    targets: Any
    adam: torch.optim.Adam
    replay: Replay
    gradient_steps: int = 0

    def __post_init__(self) -> None:
        self.parameters = list(self.networks.parameters())
        self.target_parameters = list(self.targets.parameters())

    @property
    def chooser(self) -> Network:
        """The network whose larger output is chosen: the policy's logits, or values."""
        chosen: Network = self.networks["policy" if "policy" in self.networks else "judge"]
        return chosen


class Temperature(nn.Module):
    """The weight of the entropy, learned as its logarithm."""

    def __init__(self) -> None:
        super().__init__()
        self.log = nn.Parameter(torch.tensor(log(0.1)))


def only_open(scores: Tensor, is_open: Tensor) -> Tensor:
    """Scores float[R, 2] with action 1 excluded where it is not available, bool[R]."""
    shut = torch.stack([torch.zeros_like(is_open), ~is_open], dim=-1)
    return scores.masked_fill(shut, _NEVER)


def soft(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities float[R, 2], and minus their logarithms, 0 where a probability is 0."""
    chance = torch.softmax(logits, dim=-1)
    surprise = -torch.log_softmax(logits, dim=-1)
    return chance, torch.where(torch.isfinite(surprise), surprise, 0.0)


def _of(network: Network, seen: Tensor) -> Tensor:
    """Outputs float[R, 2] for what was seen float[R, s]."""
    return network(seen.unsqueeze(1))[0].squeeze(1)
