"""What players gain at least by deviating: a fresh learner trains against the frozen others, one per agent.

The gain of a learned response is a lower bound on the agent's regret. It is measured on paired episodes: the same seeds
with and without the response, on seeds that neither training nor the choice of the response has seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.intervals import bootstrap_interval
from games.env import Env, EnvSpec
from games.errors import InputError
from games.play import play_episodes
from games.policy import JointPolicy
from games.streams import draw_seeds

if TYPE_CHECKING:
    from marl.best_response import Response
    from marl.learner import Learner

Array = npt.NDArray[Any]
Progress = Callable[[float, str], None]
RESPONDER, STEPS, BATCH = "ippo", 100_000, 64
LOOKS = 10
_JUDGED = 50, 2_000
"""Fewest and most episodes of a look."""
_SHORT = 100
"""Episodes of at most so many steps are learned without discounting, since gains are of undiscounted returns."""


@dataclass(frozen=True)
class LearnedGain:
    """What one agent's response gains.

    Parameters
    ----------
    agent : str
        Who deviates.
    value, response_value : float
        Mean returns of its own policy and of the response, in the same episodes.
    interval : float64[2] or None
        Of the difference.
    response : Response
        How it came about.
    """

    agent: str
    value: float
    response_value: float
    interval: Array | None
    response: Response

    @property
    def gain(self) -> float:
        """The mean difference, which may be negative: then nothing better than its own policy was found."""
        return self.response_value - self.value

    @property
    def at_least(self) -> float:
        """The lower end of the interval, or 0, which is always a lower bound of a regret."""
        return at_least(self.interval)


@dataclass(frozen=True)
class LearnedGains:
    """Lower bounds on the agents' regrets.

    Parameters
    ----------
    agents : tuple of LearnedGain
        For each agent that was asked about.
    total : float or None
        The sum of the gains of those whose response was better where it was chosen: a lower bound of NashConv. None
        unless all agents were asked about.
    interval : float64[2] or None
        Of that sum.
    responder : str
        The learner's name.
    steps, episodes, seed : int
        Of each training, of the measurement, of everything random.
    """

    agents: tuple[LearnedGain, ...]
    total: float | None
    interval: Array | None
    responder: str
    steps: int
    episodes: int
    seed: int


def at_least(interval: Array | None) -> float:
    """What a regret is at least, given the interval of a gain: its lower end, or 0."""
    return 0.0 if interval is None else max(0.0, float(interval[0]))


def make_responder(name: str, spec: EnvSpec, steps: int, recurrent: bool = False) -> Learner:
    """A learner for a single agent, by its name in `marl.learners.LEARNERS`.

    Raises
    ------
    InputError
        If there is no such learner, or it learns for a team.
    """
    from marl.learners import LEARNERS
    from marl.ppo import PPO
    from marl.qlearning import QLearning

    alone = [
        known
        for known, preset in LEARNERS.items()
        if preset.kind in (PPO, QLearning) and preset.fixed.get("mixer", "none") == "none"
    ]
    if name not in alone:
        told = f"there is no learner {name!r}"
        if name in LEARNERS:
            does = "mixes the values" if "mixer" in LEARNERS[name].fixed else "correlates the actions"
            told = f"{name} {'switches between two policies' if LEARNERS[name].parts else does} of a team"
        raise InputError(f"{told}; a response is learned by {', '.join(alone)}")
    preset = LEARNERS[name]
    horizon = spec.horizon
    gamma = 1.0 if horizon is not None and horizon <= _SHORT else 0.99
    settings: dict[str, Any] = {"gamma": gamma, "recurrent": recurrent}
    if preset.kind is PPO:
        # many gradient steps and much entropy, both from Kuhn and Leduc poker: with few or little of it a response
        # settles early for moves that are good only as long as it does not know how to go on after others
        settings |= {"rollout": 16, "minibatches": 4, "learning_rate": 3e-3, "entropy": 0.1}
        settings |= {"anneal": True, "anneal_steps": steps}
    else:
        settings |= {
            "rollout": 16,
            "warmup": min(2_000, steps // 10),
            "epsilon_steps": max(1, steps // 4),
        }
    return preset.make(**settings)


def check_agents(spec: EnvSpec, agents: Sequence[str]) -> None:
    """`InputError` unless an environment has all these agents."""
    for agent in agents:
        if agent not in spec.places:
            raise InputError(f"{spec.name} has no agent {agent!r}; it has {', '.join(spec.agents[:12])}")


def learned_gains(
    env: Env,
    team: JointPolicy,
    *,
    responder: str = RESPONDER,
    steps: int = STEPS,
    episodes: int,
    seed: int,
    agents: Sequence[str] | None = None,
    recurrent: bool = False,
    max_steps: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> LearnedGains:
    """Train a response for every agent and measure what it gains.

    Parameters
    ----------
    env : Env
        Where they play.
    team : JointPolicy
        Everybody's policies; nothing of them changes.
    responder : str
        Name of the learner: ippo, mappo or iql.
    steps : int
        Environment steps of each training.
    episodes : int
        On which the gains are measured, the same for all.
    seed : int
        Of everything random; training, choice and measurement draw from streams of their own.
    agents : sequence of str, optional
        Whose responses; all by default.
    recurrent : bool
        Whether responses remember.
    max_steps : int, optional
        Cut episodes off here, where the environment has no horizon.
    device : str
        Where responses are trained.
    progress : callable, optional
        Told how far it is.

    Raises
    ------
    InputError
        If the responder does not fit, or an agent is not known.
    """
    from marl.best_response import Search, learn_response, measure_gain

    names = tuple(dict.fromkeys(agents)) if agents else env.spec.agents
    check_agents(env.spec, names)
    learner = make_responder(responder, env.spec, steps, recurrent)
    measured, drawn, *children = np.random.SeedSequence(seed).spawn(2 + len(env.spec.agents))
    seeds, rng = draw_seeds(np.random.default_rng(measured), episodes), np.random.default_rng(drawn)
    limit = max_steps if env.spec.horizon is None else None
    own = play_episodes(env, team, seeds, max_steps=limit).returns
    found, sums = [], np.zeros(episodes)
    for done, agent in enumerate(names):
        child = children[env.spec.agents.index(agent)]
        search = Search(
            steps,
            BATCH,
            LOOKS,
            _looked_at(env.spec, steps, max_steps),
            max_steps,
            seed=int(child.generate_state(1)[0]),
            device=device,
        )
        response = learn_response(learner, env, team, agent, search, _part(progress, done, len(names)))
        gain = measure_gain(env, team, agent, response.policy, seeds, max_steps=max_steps, own=own)
        if response.better:
            sums += gain.differences
        bounds = bootstrap_interval(gain.differences[:, None], rng)
        found.append(
            LearnedGain(
                agent,
                float(gain.own.mean()),
                float(gain.response.mean()),
                None if bounds is None else bounds[0],
                response,
            )
        )
    whole = set(names) == set(env.spec.agents)
    bounds = bootstrap_interval(sums[:, None], rng) if whole else None
    return LearnedGains(
        tuple(found),
        float(sums.mean()) if whole else None,
        None if bounds is None else bounds[0],
        responder,
        steps,
        episodes,
        seed,
    )


def _looked_at(spec: EnvSpec, steps: int, max_steps: int | None) -> int:
    """Episodes by which a response is judged on the way: so many that looking costs no more than learning."""
    longest = min(n for n in (spec.horizon, max_steps, steps) if n is not None)
    return int(np.clip(steps // LOOKS // longest, *_JUDGED))


def _part(progress: Progress | None, done: int, total: int) -> Progress | None:
    """Progress of one of several responses."""
    if progress is None:
        return None

    def told(fraction: float, message: str) -> None:
        share = 0.0 if math.isnan(fraction) else min(fraction, 1.0)
        progress((done + share) / total, message)

    return told
