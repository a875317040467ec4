"""A trained swarm with any number of agents, and playing it within memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.evaluation_rules import has_rules
from games.env import EnvSpec
from games.env_uris import make_env
from games.errors import InputError
from games.limits import available_bytes
from games.play import Watch, play_episodes
from games.policy import Independent, JointPolicy

if TYPE_CHECKING:
    from experiments.training.runs import Run

Array = npt.NDArray[Any]
Progress = Callable[[float, str], None]

APART = "apart"
"""How agents without rules play: everybody by its own network."""
_AT_ONCE = 1_000_000
"""Agents that are played at once."""
_AGENT_BYTES = 400


class Players:
    """The policies of a checkpoint in swarms of any size.

    Parameters
    ----------
    run : Run
        Theirs.
    file : Path
        The checkpoint.
    greedy : bool or None
        Whether agents play their likeliest actions; as the run says if None.
    device : str
        Where networks live.
    """

    def __init__(self, run: Run, file: Path, greedy: bool | None, device: str) -> None:
        from experiments.training.runs import team_of
        from marl.checkpoint import read_checkpoint

        self._env = make_env(run.spec.env)
        learner: Any
        learner, _, self._state, _ = team_of(run, file, device=device, env=self._env, greedy=greedy)
        self.learner, self._device = learner, device
        self.greedy = run.spec.training.greedy if greedy is None else greedy
        self._saved: Any = read_checkpoint(file)["learner"]
        self.rules = learner.team(self._state, self.greedy).open() if has_rules(learner) else None
        """What is executed without the mean field, if that is a sequence of rules."""

    @property
    def steps(self) -> int | None:
        """Joint environment steps of training, if known."""
        return getattr(self._state, "steps", None)

    def swarm(self, agents: int) -> Any:
        """The environment with so many agents."""
        return make_env(self._env.spec.name, agents=agents)

    def team(self, spec: EnvSpec, way: str) -> JointPolicy:
        """Everybody, executed in a way."""
        if way == "open":
            assert self.rules is not None
            return Independent(spec, self.rules)
        state = self.learner.load(spec, self._saved, self._device)
        if way != APART:
            team: JointPolicy = self.learner.team(state, self.greedy).executed(way)
            return team
        return _in_few(self.learner.policy(state, self.greedy))

    def numbers(self, way: str) -> int:
        """Numbers per agent that a way to execute draws in a step, beside those of the action."""
        return self.learner.rule_family(self._env.spec).size if way == "ind" else 0


def _in_few(team: Any) -> JointPolicy:
    """A team whose network looks at as few sub-environments at once as large swarms leave room for."""
    from marl.neural import Neural

    (_, _, policy), *others = team.seats
    if others or not isinstance(policy, Neural):
        found: JointPolicy = team
        return found
    block = max(1, min(64, 65_536 // len(team.spec.agents)))
    network = policy.network
    return Independent(
        team.spec,
        Neural(
            network,
            policy.actions,
            greedy=policy.greedy,
            device=policy.device,
            block=block,
            memory=policy.memory,
        ),
    )


def at_once(spec: EnvSpec, numbers: int, batch: int) -> int:
    """How many of `batch` episodes of a swarm memory can hold at once; `InputError` if not even one."""
    agents = len(spec.agents)
    # xi, what it is made of and the rules made of it, where every agent draws its own
    each = _AGENT_BYTES + 56 * numbers
    have = int(0.8 * available_bytes())
    if agents * each > have:
        raise InputError(
            f"{spec.name}: an episode of {agents:,} agents needs about {agents * each / 2**30:,.1f} GiB; about "
            f"{have / 2**30:.1f} GiB of memory is available"
        )
    return max(1, min(batch, _AT_ONCE * _AGENT_BYTES // (agents * each)))


def returns_of(
    env: Any,
    team: JointPolicy,
    seeds: Array,
    batch: int,
    *,
    watch: Watch | None = None,
    progress: Progress | None = None,
) -> Array:
    """Common returns float64[E] of one episode per seed, `batch` of them at once, the first apart if it is watched."""
    out, done = [], 0
    while done < len(seeds):
        count = 1 if watch is not None and not done else batch

        def tell(fraction: float, text: str, done: int = done, count: int = count) -> None:
            if progress is not None:
                progress(min(1.0, (done + fraction * count) / len(seeds)), text)

        played = play_episodes(
            env,
            team,
            seeds[done : done + count],
            batch=count,
            watch=None if done else watch,
            progress=tell,
        )
        out.append(played.returns[:, 0].copy())
        done += count
    return np.concatenate(out)
