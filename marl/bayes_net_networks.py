"""The networks of a Bayesian-network actor beside its agents' own: who is whose parent, and what parents' actions add.

An agent's logits are those of its own network, which sees its own observation, and what its parents add to them; without
parents nothing is added, exactly, so that the empty graph is independent play.

Letters: R rows (recorded steps), n agents of all groups, d numbers in the longest observation, A actions of the agent
that has most, D numbers in all observations together.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from marl.dag_sampling import order_scores
from marl.networks import Network, orthogonal

Array = npt.NDArray[Any]
Tells = Literal["actions", "observations"]
"""What agents are told of their parents: what they do, or also what they see."""


class Context(nn.Module):
    """From all observations together to the noise-free scores of orders and the log-odds of edges.

    Edges have one output each: of the two logits in the authors' code only the difference matters.

    Parameters
    ----------
    inputs, agents : int
        D and n.
    hidden : int
        Width of the hidden layer of each network.
    ordered : bool
        Whether the order is learned; else agents stand by number.
    generator : torch.Generator
        Draws the weights.
    """

    def __init__(
        self, inputs: int, agents: int, hidden: int, ordered: bool, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.agents = agents

        def network(outputs: int) -> Network:
            return Network(inputs, outputs, 1, hidden=(hidden,), generator=generator)

        self.edge = network(agents * agents)
        self.order = network(agents * agents) if ordered else None

    def forward(self, x: Tensor) -> tuple[Tensor | None, Tensor]:
        """float[R, D] to scores float[R, n, n] of the order, if it is learned, and of the edges."""
        square = (len(x), self.agents, self.agents)
        edge = self.edge(x.unsqueeze(1))[0].reshape(square)
        if self.order is None:
            return None, edge
        return order_scores(self.order(x.unsqueeze(1))[0].reshape(square)), edge


class Parents(nn.Module):
    """What parents add to the logits of their children, float[R, n, A].

    With "actions" that is one number per child, parent, action of the parent and action of the child, added up over
    parents: a head beside the agent's own that sees masked one-hot actions. With "observations" a rectified layer, the
    same for all children, sees the masked actions and observations of all, less what it is without parents, and every
    child has a head on it. Who has no parents is told nothing, exactly.

    Parameters
    ----------
    agents, depth, width : int
        n, d and A.
    tells : {"actions", "observations"}
        What is told.
    hidden : int
        Width of the layer.
    generator : torch.Generator
        Draws the weights.
    """

    def __init__(
        self, agents: int, depth: int, width: int, tells: Tells, hidden: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.tells, self.width = tells, width
        outputs, children, gain = (width, agents, 0.01) if tells == "actions" else (hidden, 1, sqrt(2.0))
        each = width if tells == "actions" else width + depth
        drawn = [orthogonal(outputs, agents * each, gain, generator).T for _ in range(children)]
        stacked = torch.stack(drawn).reshape(children, agents, each, outputs)
        self.by_action = nn.Parameter(stacked[:, :, :width].contiguous())
        if tells == "observations":
            self.by_sight = nn.Parameter(stacked[0, :, width:].contiguous())
            self.bias = nn.Parameter(torch.full((hidden,), 0.1))
            heads = [orthogonal(width, hidden, 0.01, generator).T for _ in range(agents)]
            self.head = nn.Parameter(torch.stack(heads).contiguous())

    def forward(self, graph: Tensor, action: Tensor, observation: Tensor) -> Tensor:
        """What is added for graphs float[R, n, n], one-hot actions float[R, n, A] and observations float[R, n, d].

        The diagonal of a graph is 0, but may carry a gradient: nobody is told its own action, nor what that would be worth.
        """
        rows, agents = graph.shape[:2]
        graph = graph * (1.0 - torch.eye(agents, dtype=graph.dtype, device=graph.device))
        if self.tells == "actions":
            shown = graph.transpose(1, 2).unsqueeze(-1) * action.unsqueeze(1)  # [R, child, parent, A]
            weight = self.by_action.reshape(agents, -1, self.width)
            return torch.bmm(shown.reshape(rows, agents, -1).transpose(0, 1), weight).transpose(0, 1)
        # what every parent tells, whoever the child: [R, parent, H]
        tells = torch.einsum("rja,jah->rjh", action, self.by_action[0])
        tells = tells + torch.einsum("rjd,jdh->rjh", observation, self.by_sight)
        hidden = torch.relu(graph.transpose(1, 2) @ tells + self.bias) - torch.relu(self.bias)
        return torch.bmm(hidden.transpose(0, 1), self.head).transpose(0, 1)

    def tables(self) -> tuple[Array, Array, Array, Array]:
        """Weights float32 as `marl.dag_kernels` wants them: by action, by observation, biases, heads [n, A, H]."""
        with torch.no_grad():
            by_action = self.by_action.cpu().contiguous().numpy()
            if self.tells == "actions":
                nothing = np.zeros((0, 0, 0), dtype=np.float32)
                return by_action, nothing, np.zeros(0, dtype=np.float32), nothing
            parts = self.by_sight, self.bias, self.head.transpose(1, 2)
            by_sight, bias, head = (part.cpu().contiguous().numpy() for part in parts)
        return by_action, by_sight, bias, head
