"""Playing: the only loop that calls `Env.step`.

`advance` takes one step and restarts what has stopped; `rollout` records a fixed number of steps for learning;
`play_episodes` plays one whole episode per seed for judging. Every match is a function of its seed alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from games.env import Env, Step, View, World
from games.errors import InputError
from games.policy import JointPolicy, Memory, keep_where
from games.streams import ACT, Streams, check_seeds

Array = npt.NDArray[Any]
Progress = Callable[[float, str], None]
Watch = Callable[[World, Step, "tuple[Array, ...] | None"], None]


@dataclass
class Play:
    """A batch of games in progress."""

    world: World
    step: Step
    memory: Memory
    streams: Streams


class Transition(NamedTuple):
    """One step: what was seen, what was done, what came of it (before anything restarts)."""

    before: Step
    actions: tuple[Array, ...]
    after: Step
    notes: Array | None = None  # float32[B, k]: what the policy noted beside its actions, see `Noting`


class Noting(Protocol):
    """A joint policy that notes something beside its actions, such as the random numbers behind them, to learn from."""

    def sample_noting(
        self, step: Step, memory: Memory, streams: Streams
    ) -> tuple[tuple[Array, ...], Memory, Array]:
        """As `JointPolicy.sample`, and float32[B, k]."""


class Counting(Noting, Protocol):
    """A joint policy of whose notes something can be counted, step by step."""

    def counted(self, notes: Array) -> dict[str, Array]:
        """What happened in a step of which float32[B, k] was noted: bool[B] by name."""


def begin(
    env: Env, policy: JointPolicy, seeds: Any, acts: Any = None, *, carried: Array | None = None
) -> Play:
    """Start one game per seed, uint64[B]; the agents' own chance comes from `acts`, uint64[B], where given.

    `carried` float64[B, C] is what the sub-environments take over, where episodes leave something behind.
    """
    seeds = check_seeds(seeds)
    acts = seeds if acts is None else check_acts(acts, len(seeds))
    if carried is None:
        world, step = env.reset(seeds)
    else:
        keeping: Any = env
        world, step = keeping.reset(seeds, carried=carried)
    streams = Streams.from_seeds(acts, ACT, agents=len(env.spec.agents))
    return Play(world, step, policy.start(len(seeds)), streams)


def advance(env: Env, policy: JointPolicy, play: Play) -> Transition:
    """Everybody acts once; `play` moves on. Stopped games stand still until `restart_stopped`."""
    before, notes = play.step, None
    if hasattr(policy, "sample_noting"):
        actions, play.memory, notes = policy.sample_noting(before, play.memory, play.streams)
    else:
        actions, play.memory = policy.sample(before, play.memory, play.streams)
    play.world, play.step = env.step(play.world, actions)
    return Transition(before, actions, play.step, notes)


def restart_stopped(env: Env, policy: JointPolicy, play: Play) -> None:
    """Begin a new episode wherever one has stopped, with fresh memories."""
    stopped = play.step.last
    if stopped.any():
        play.world, play.step = env.restart(play.world, stopped)
        play.memory = keep_where(play.memory, policy.start(len(stopped)), stopped)


def rollout(env: Env, policy: JointPolicy, play: Play, steps: int) -> Transition:
    """Record `steps` steps, restarting as needed; every array gains a leading axis T.

    ``after[t]`` is what came of ``actions[t]``, before a restart: it equals ``before[t + 1]`` except where
    ``after.last[t]``, so a value function looks at it there for what a cut-off episode would still have been worth.
    """
    if steps < 1:
        raise InputError(f"a rollout needs at least one step, not {steps}")
    seen = []
    for _ in range(steps):
        seen.append(advance(env, policy, play))
        restart_stopped(env, policy, play)
    return Transition(
        _stack([t.before for t in seen]),
        tuple(np.stack(parts) for parts in zip(*(t.actions for t in seen))),
        _stack([t.after for t in seen]),
        None if seen[0].notes is None else np.stack([t.notes for t in seen if t.notes is not None]),
    )


class Episodes(NamedTuple):
    """One whole episode per seed."""

    seeds: Array  # uint64[E]
    returns: Array  # float64[E, agents]: undiscounted sums of rewards
    lengths: Array  # int32[E]: steps
    ended: Array  # bool[E]: True if the game ended, False if it was cut off
    counts: Mapping[str, Array] = MappingProxyType({})  # int64[E] by name: in how many steps, see `Counting`

    @staticmethod
    def joined(parts: Sequence[Episodes]) -> Episodes:
        """Several one after the other."""
        columns = [np.concatenate(column) for column in zip(*(part[:4] for part in parts))]
        counts = {name: np.concatenate([part.counts[name] for part in parts]) for name in parts[0].counts}
        return Episodes(columns[0], columns[1], columns[2], columns[3], counts)

    def share(self, name: str) -> float:
        """In which share of all steps something counted happened."""
        return float(self.counts[name].sum() / max(int(self.lengths.sum()), 1))


def play_episodes(
    env: Env,
    policy: JointPolicy,
    seeds: Any,
    acts: Any = None,
    *,
    batch: int = 256,
    max_steps: int | None = None,
    watch: Watch | None = None,
    progress: Progress | None = None,
) -> Episodes:
    """Play one whole episode per seed.

    Parameters
    ----------
    env : Env
        The environment.
    policy : JointPolicy
        Who plays.
    seeds : uint64[E]
        One per episode; its result depends on nothing else.
    acts : uint64[E], optional
        Seeds of the agents' own chance, where they shall not follow from `seeds`: the same deals, say, for other
        players.
    batch : int
        How many are played at once.
    max_steps : int, optional
        Cut episodes off after so many steps; needed where the environment itself has no horizon.
    watch : callable, optional
        Told of every world: ``watch(world, step, actions)``, with actions None at the start.
    progress : callable, optional
        Told how far it is: ``progress(fraction, "episode 300 of 1,000")``.

    Returns
    -------
    Episodes
        Returns of all agents, lengths, how they stopped.
    """
    seeds = check_seeds(seeds)
    acts = seeds if acts is None else check_acts(acts, len(seeds))
    if batch < 1:
        raise InputError(f"at least one episode must be played at once, not {batch}")
    limit = step_limit(env, max_steps)
    parts = []
    for start in range(0, len(seeds), batch):
        block = slice(start, start + batch)
        told = None if progress is None else _Told(progress, start, len(seeds[block]), len(seeds), limit)
        parts.append(_play_block(env, policy, seeds[block], acts[block], limit, watch, told))
    return Episodes.joined(parts)


def step_limit(env: Env, max_steps: int | None) -> int | None:
    """After how many steps an episode is over at the latest, if that is known."""
    if max_steps is not None and max_steps < 1:
        raise InputError(f"an episode needs at least one step, not {max_steps}")
    return min((n for n in (max_steps, env.spec.horizon) if n is not None), default=None)


def check_acts(acts: Any, count: int) -> Array:
    """The seeds of the agents' own chance, uint64[count]."""
    array = check_seeds(acts)
    if len(array) != count:
        raise InputError(
            f"{len(array)} seeds of the agents' own chance for {count} episodes; expected as many"
        )
    return array


@dataclass(frozen=True)
class _Told:
    progress: Progress
    done: int
    now: int
    total: int
    limit: int | None

    def __call__(self, steps: int, stopped: int) -> None:
        share = max(stopped / self.now, steps / self.limit if self.limit else 0.0)
        fraction = (self.done + self.now * share) / self.total
        self.progress(fraction, f"{self.done + stopped:,} of {self.total:,} episodes, step {steps:,}")


def _play_block(
    env: Env,
    policy: JointPolicy,
    seeds: Array,
    acts: Array,
    limit: int | None,
    watch: Watch | None,
    told: _Told | None,
) -> Episodes:
    play = begin(env, policy, seeds, acts)
    counts: dict[str, Array] = {}
    try:
        returns, lengths = np.zeros(play.step.rewards.shape), np.zeros(len(seeds), dtype=np.int32)
        steps = 0
        if watch is not None:
            watch(play.world, play.step, None)
        while not play.step.last.all() and (limit is None or steps < limit):
            going = ~play.step.last
            lengths += going
            transition = advance(env, policy, play)
            for name, happened in _counted(policy, transition.notes).items():
                counts.setdefault(name, np.zeros(len(seeds), dtype=np.int64))[:] += happened & going
            returns += transition.after.rewards
            steps += 1
            if watch is not None:
                watch(play.world, play.step, transition.actions)
            if told is not None:
                told(steps, int(play.step.last.sum()))
        return Episodes(seeds, returns, lengths, play.step.discount == 0, counts)
    finally:
        env.close(play.world)


def _counted(policy: Any, notes: Array | None) -> dict[str, Array]:
    return policy.counted(notes) if notes is not None and hasattr(policy, "counted") else {}


def _stack(steps: list[Step]) -> Step:
    views = []
    for g in range(len(steps[0].groups)):
        columns: list[Any] = [
            None if c[0] is None else np.stack(c) for c in zip(*(s.groups[g] for s in steps))
        ]
        views.append(View(*columns))
    rest = zip(*((step.state, step.discount, step.last) for step in steps))
    return Step(tuple(views), *(np.stack(column) for column in rest))
