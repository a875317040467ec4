"""Teams read off as tables, where the situations of an environment can be listed and all agents share them.

That is so in normal-form games, Markov games, and the coordination games of matrices and bits. `tabulate_network` makes
a `BayesNet` of a team; behaviour strategies of trees are read off by `games.tree_policies.tabulate`.

Letters: K situations, n agents, A1..An their action counts, J = A1 * ... * An joint actions in C order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from games.bayes_net import BayesNet, parts
from games.dag import Dag
from games.env import Env, Step, View
from games.errors import InputError
from games.policy import Independent, JointPolicy

if TYPE_CHECKING:
    from games.sims.coordination_bits import BitsRules
    from games.sims.markov import MarkovRules

Array = npt.NDArray[Any]

LARGEST = 1 << 26
"""Most probabilities of a network that is read off whole."""
_AT_ONCE = 1 << 22
"""About so many of them are asked for together."""
_TOLERANCE = 1e-6


class Situations:
    """The situations of an environment in which all agents stand together.

    Parameters
    ----------
    env : Env
        A normal-form game, a Markov game, or a coordination game of a matrix or of bits.

    Attributes
    ----------
    shape : tuple of int
        Number of actions of each agent.
    count : int
        Number of situations, K: one, stages * states, or 2**n. Their numbers are those of `View.row`.

    Raises
    ------
    InputError
        If its situations cannot be listed so.
    """

    def __init__(self, env: Env) -> None:
        from games.sims.coordination_bits import BitsRules
        from games.sims.coordination_matrix import ClimbRules, CommonPayoffRules
        from games.sims.markov import MarkovRules
        from games.sims.matrix import MatrixRules

        rules, self.agents = getattr(env, "rules", None), env.spec.agents
        self.rules: Any = rules
        self._set: Callable[[Any, Array], None] = _nothing
        if isinstance(rules, MarkovRules):
            self.shape, self._set = rules.game.shape, _set_markov(rules)
        elif isinstance(rules, MatrixRules):
            self.shape = rules.game.shape
        elif isinstance(rules, CommonPayoffRules):
            self.shape = rules.once.game.shape
        elif isinstance(rules, ClimbRules):
            self.shape = (3,) * len(self.agents)
        elif isinstance(rules, BitsRules) and rules.spec.groups[0].rows:
            self.shape, self._set = (2,) * len(self.agents), _set_bits(rules)
        else:
            raise InputError(
                f"{env.spec.name}: its situations cannot be listed for all agents together; that is so in normal-form "
                "games, Markov games, and coordination games of matrices and of up to 20 bits"
            )
        self.count: int = rules.spec.groups[0].rows

    def step(self, numbers: Array) -> Step:
        """What is seen in some situations int64[B], one sub-environment each, at the start of an episode."""
        state = self.rules.allocate(len(numbers))
        self._set(state, numbers)
        views, features = self.rules.look(state, (np.zeros((len(numbers), len(self.agents))),))
        ones = np.ones(len(numbers), dtype=np.float32)
        return Step(views, features, ones, np.zeros(len(numbers), dtype=bool))

    def view(self) -> View:
        """What is seen in all of them."""
        return self.step(np.arange(self.count)).groups[0]

    @property
    def profiles(self) -> int:
        """Number of joint actions, J."""
        return math.prod(self.shape)

    def blocks(self) -> list[Array]:
        """Their numbers, in parts small enough to ask a network for all joint actions there."""
        each = max(1, _AT_ONCE // (len(self.shape) * self.profiles))
        return np.split(np.arange(self.count), range(each, self.count, each))


def tabulate_network(env: Env, team: JointPolicy) -> BayesNet:
    """What a team does in every listed situation, exactly, as a Bayesian network.

    Parameters
    ----------
    env : Env
        Where it plays; see `Situations`.
    team : JointPolicy
        `games.policy.Independent`, whose policies tell their probabilities (``probs``), or one that tells its network
        (`games.bayes_net.Networked`). Nobody may remember anything.

    Returns
    -------
    BayesNet
        With a row per situation (`View.row`); independent agents have no parents.

    Raises
    ------
    InputError
        If the situations cannot be listed, the team remembers or does not tell what it does, or the network has more
        than `LARGEST` probabilities.

    Examples
    --------
    >>> from games import make_env, random_policy
    >>> env = make_env("coordination:bits?agents=2")
    >>> tabulate_network(env, random_policy(env.spec))
    BayesNet(2 agents, 4 situations, 0 edges on average)
    """
    listed = Situations(env)
    numbers = len(listed.shape) * listed.count * listed.profiles
    if numbers > LARGEST:
        raise InputError(
            f"{env.spec.name}: the network of a team of {len(listed.shape)} agents has {numbers:,} probabilities in its "
            f"{listed.count:,} situations; at most {LARGEST:,} are read off"
        )
    nets = [network_at(listed, team, block) for block in listed.blocks()]
    graphs = np.concatenate([net.graphs for net in nets])
    return BayesNet(
        graphs, np.concatenate([net.factors for net in nets], axis=1), listed.shape, listed.agents
    )


def network_at(listed: Situations, team: JointPolicy, numbers: Array) -> BayesNet:
    """What a team does in some situations int64[B], as a network of as many; see `tabulate_network`."""
    if not forgetful(team):
        raise InputError("its agents remember what happened, so their play is not a function of situations")
    step = listed.step(numbers)
    if isinstance(team, Independent):
        return _independent(listed, team, step)
    network = getattr(team, "network", None)
    if network is None:
        raise InputError(f"{team!r} does not tell its network")
    net = network(step)
    if len(net.shape) != len(listed.shape) or net.situations != len(numbers):
        raise InputError(
            f"{team!r} tells a network of {len(net.shape)} agents in {net.situations} situations, expected "
            f"{len(listed.shape)} agents in {len(numbers)}"
        )
    return _fitted(net, listed)


def forgetful(team: JointPolicy) -> bool:
    """Whether a team remembers nothing."""
    memory = team.start(1)
    return memory is None or (isinstance(memory, list) and all(kept is None for kept in memory))


def _independent(listed: Situations, team: Independent, step: Step) -> BayesNet:
    own, _ = parts(listed.shape, Dag.empty(len(listed.shape)))
    factors = []
    for _, columns, policy in team.seats:
        probs = getattr(policy, "probs", None)
        if probs is None:
            raise InputError(f"{policy!r} does not tell its action probabilities")
        given = probs(step.groups[0].agents(columns), None)[0]
        for k, i in enumerate(range(columns.start, columns.stop)):
            factors.append(given[:, k][:, own[i]])
    graph = np.zeros((len(listed.shape),) * 2, dtype=bool)
    return BayesNet(graph, np.stack(factors), listed.shape, listed.agents)


def _fitted(net: BayesNet, listed: Situations) -> BayesNet:
    """A network over as many actions for everybody as one over those that each agent has."""
    if net.shape == listed.shape:
        return net
    if any(a < b for a, b in zip(net.shape, listed.shape)):
        raise InputError(f"a network over {net.shape} actions does not fit a game with {listed.shape}")
    legal = tuple(slice(count) for count in listed.shape)
    factors = []
    for i, tensor in enumerate(net.tensors):
        kept = tensor[(slice(None), *legal)]
        total = kept.sum(axis=1 + i, keepdims=True)
        if np.abs(total - 1.0).max(initial=0.0) > _TOLERANCE:
            raise InputError(f"the network plays actions that {listed.agents[i]} does not have")
        factors.append((kept / total).reshape(net.situations, -1))
    return BayesNet(net.graphs, np.stack(factors), listed.shape, listed.agents)


def _nothing(state: Any, numbers: Array) -> None:
    """There is one situation."""


def _set_markov(rules: MarkovRules) -> Callable[[Any, Array], None]:
    def put(state: Any, numbers: Array) -> None:
        state["time"][:], state["state"][:] = np.divmod(numbers, rules.game.size)

    return put


def _set_bits(rules: BitsRules) -> Callable[[Any, Array], None]:
    agents = rules.spec.groups[0].size

    def put(state: Any, numbers: Array) -> None:
        state["bits"][:] = numbers[:, None] >> np.arange(agents - 1, -1, -1) & 1

    return put
