"""Best responses that are learned: one agent trains against all others, who are frozen.

What a learned response gains is a lower bound on what the best one would: nobody shows that it is the best. It is chosen
on other seeds than those on which the gain is measured, so the choice does not flatter it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from games.against import Against, Deviating
from games.env import Env
from games.play import play_episodes
from games.policy import Independent, JointPolicy, Policy
from games.streams import draw_seeds
from marl.checkpoint import Tree
from marl.learner import Diverged, Learner
from marl.neural import apart
from marl.train import Evaluated, Plan, Updated, train

Array = npt.NDArray[Any]
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Search:
    """How a response is looked for.

    Parameters
    ----------
    steps : int
        Environment steps of training.
    batch : int
        Sub-environments trained in at once.
    looks : int
        How often the response is judged on the way, so that the best of them is kept.
    episodes : int
        Of each look.
    max_steps : int or None
        Cut judged episodes off here, where the environment has no horizon.
    seed : int
        Of everything random.
    device : str
        Where networks live.
    """

    steps: int = 100_000
    batch: int = 64
    looks: int = 10
    episodes: int = 400
    max_steps: int | None = None
    seed: int = 0
    device: str = "cpu"


class Response(NamedTuple):
    """A learned response."""

    agent: str
    policy: Policy  # plays by what the agent sees in `games.against.Against`
    steps: int  # after which it was the best
    greedy: bool  # whether it plays its likeliest actions or draws
    score: float  # its mean return where it was chosen, which is flattered by the choice
    own: float  # that of the agent's own policy there
    trained: int  # environment steps in all
    stopped: str  # why training stopped early, or nothing

    @property
    def better(self) -> bool:
        """Whether it beat the agent's own policy where it was chosen."""
        return self.score > self.own


class Gain(NamedTuple):
    """Returns of an agent in the same episodes, by its own policy and by a response."""

    own: Array  # float64[E]
    response: Array  # float64[E]

    @property
    def differences(self) -> Array:
        """What the response gains, float64[E]."""
        return self.response - self.own


def learn_response(
    learner: Learner,
    env: Env,
    team: JointPolicy,
    agent: str,
    search: Search,
    progress: Progress | None = None,
) -> Response:
    """Train one agent from scratch against a team that does not change.

    Parameters
    ----------
    learner : Learner
        Of the response; it knows nothing of how the team was trained.
    env : Env
        Where they play.
    team : JointPolicy
        Everybody's policies.
    agent : str
        Who is free.
    search : Search
        How long, how often.
    progress : callable, optional
        Told how far it is.

    Returns
    -------
    Response
        The best of what was met on the way, by mean return on seeds drawn for that.

    Raises
    ------
    InputError
        If the learner does not fit the environment, or there is no such agent.
    """
    against = Against(env, team, agent)
    train_seed, select_seed = np.random.SeedSequence(search.seed).spawn(2)
    plan = Plan(
        steps=search.steps,
        batch=search.batch,
        evaluate_every=max(1, ceil(search.steps / search.looks)),
        save_every=search.steps + search.batch * learner.rollout,  # nobody needs checkpoints
        episodes=search.episodes,
        max_steps=search.max_steps,
        greedy=True,
        seed=int(train_seed.generate_state(1)[0]),
    )
    best: tuple[float, int, Tree] | None = None
    latest: tuple[int, Tree] | None = None
    done, why = 0, ""
    try:
        for event in train(learner, against, plan, device=search.device):
            done = event.steps
            if isinstance(event, Updated) and progress is not None:
                told = "" if best is None else f", best {best[0]:.4g}"
                progress(done / search.steps, f"response of {agent}: step {done:,}{told}")
            if isinstance(event, Evaluated):
                latest = done, kept(event.tree["learner"])
                mean = float(event.episodes.returns.mean())
                if best is None or mean > best[0]:
                    best = mean, *latest
    except Diverged as error:
        why = str(error)
    assert best is not None and latest is not None  # the first event is an evaluation
    seeds = draw_seeds(np.random.default_rng(select_seed), 2 * search.episodes)
    return _chosen(learner, against, search, [best[1:], latest], seeds, done, why)


def _chosen(
    learner: Learner,
    against: Against,
    search: Search,
    finalists: list[tuple[int, Tree]],
    seeds: Array,
    done: int,
    why: str,
) -> Response:
    """The finalist with the best mean return, playing its likeliest actions or drawing."""
    env, limit = against.env, search.max_steps if against.spec.horizon is None else None
    place = env.spec.agents.index(against.agent)

    def mean(team: JointPolicy) -> float:
        return float(play_episodes(env, team, seeds, max_steps=limit).returns[:, place].mean())

    own, found = mean(against.team), None
    for steps, tree in {steps: (steps, tree) for steps, tree in finalists}.values():
        state = learner.load(against.spec, tree, search.device)
        for greedy in (True, False):
            policy = _only(learner.policy(state, greedy))
            score = mean(Deviating(against, policy))
            if found is None or score > found.score:
                found = Response(against.agent, policy, steps, greedy, score, own, done, why)
    assert found is not None
    return found


def measure_gain(
    env: Env,
    team: JointPolicy,
    agent: str,
    response: Policy,
    seeds: Array,
    *,
    batch: int = 256,
    max_steps: int | None = None,
    own: Array | None = None,
) -> Gain:
    """What an agent gets in the same episodes by its own policy and by another, all others playing as they do.

    Parameters
    ----------
    env : Env
        Where they play.
    team : JointPolicy
        Everybody's policies.
    agent : str
        Who may deviate.
    response : Policy
        How: a policy for what the agent sees in `games.against.Against`.
    seeds : uint64[E]
        One per episode; chance and the others' draws are the same for both, until the play differs.
    batch, max_steps : int
        See `games.play.play_episodes`.
    own : float64[E, agents], optional
        The team's returns on these seeds, if they are known.
    """
    limit = max_steps if env.spec.horizon is None else None
    if own is None:
        own = play_episodes(env, team, seeds, batch=batch, max_steps=limit).returns
    deviating = Deviating(Against(env, team, agent), response)
    theirs = play_episodes(env, deviating, seeds, batch=batch, max_steps=limit).returns
    place = env.spec.agents.index(agent)
    return Gain(own[:, place], theirs[:, place])


def kept(tree: Any) -> Any:
    """A tree whose tensors are arrays of its own, to be kept while training goes on."""
    if isinstance(tree, dict):
        return {key: kept(value) for key, value in tree.items()}
    if isinstance(tree, torch.Tensor):
        return tree.detach().cpu().numpy().copy()
    return tree.copy() if isinstance(tree, np.ndarray) else tree


def _only(team: JointPolicy) -> Policy:
    """The policy of a team of one."""
    ((_, _, policy),) = (team if isinstance(team, Independent) else apart(team)).seats
    return policy
