"""Trained swarms of other sizes: mean return against the number of agents, beside the mean-field limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.evaluation_rules import WAYS, has_rules
from experiments.swarm_players import APART, Players, Progress, at_once, returns_of
from games.env import EnvSpec
from games.env_uris import make_env
from games.errors import InputError
from games.play import Watch
from games.sims.swarm import parameters_of
from games.sims.swarm_aggregation import Aggregation
from games.streams import draw_seeds

if TYPE_CHECKING:
    from experiments.training.runs import Run

Array = npt.NDArray[Any]
BUDGET, FEWEST = 200_000_000, 10
"""Of large swarms only so many episodes are played that they take about this many agents' steps, but so many at least."""
SURROGATE, SURROGATES = 20_000, 20
"""Agents, and episodes, of the swarm that stands for the limit."""


@dataclass(frozen=True)
class Sized:
    """Episodes of a swarm of one size, executed in one way.

    Parameters
    ----------
    agents : int
        N.
    way : str
        One of `experiments.evaluation_rules.WAYS`, or `APART`.
    returns : float64[E]
        Undiscounted common return of every episode.
    """

    agents: int
    way: str
    returns: Array

    def deviation(self, limit: float) -> float:
        """E|R^N - J|, which falls like 1 / sqrt(N) where nothing but agents is random."""
        return float(np.abs(self.returns - limit).mean())


@dataclass(frozen=True)
class MeanFieldLine:
    """What the policy without the mean field returns with infinitely many agents, as far as it is known.

    Parameters
    ----------
    agents, episodes : int
        Of the large swarm that stands for the limit.
    mean, error : float
        Its mean return and the standard error.
    limit : float or None
        By the flow of a density, without chance.
    why : str
        Why there is none.
    """

    agents: int
    episodes: int
    mean: float
    error: float
    limit: float | None
    why: str = ""

    @property
    def value(self) -> float:
        """J: exact up to the density's grid where that is known, else the large swarm's."""
        return self.mean if self.limit is None else self.limit


@dataclass(frozen=True)
class SizesJudged:
    """A training seed's policies in swarms of all sizes.

    Parameters
    ----------
    seed : int
        Of the training.
    file : Path
        The checkpoint.
    steps : int or None
        Joint environment steps it had been trained for.
    line : MeanFieldLine
        The limit.
    sizes : tuple of Sized
        By number of agents and way.
    """

    seed: int
    file: Path
    steps: int | None
    line: MeanFieldLine
    sizes: tuple[Sized, ...]


# --- what was asked for --------------------------------------------------------------------------------------


def read_sizes(text: str) -> tuple[int, ...]:
    """Numbers of agents from ``2,10,100``, in rising order.

    >>> read_sizes("100,2,2")
    (2, 100)
    """
    parts = [part.strip().replace("_", "") for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part[:9]) > 0 for part in parts):
        raise InputError(f"--agents is a list of whole numbers above 0, as in 2,10,100, not {text!r:.60}")
    return tuple(sorted({int(part) for part in parts}))


def check_sizes(run: Run, sizes: Sequence[int]) -> None:
    """`InputError` unless the policies of a run play in swarms of these sizes."""
    try:
        if not run.spec.env.startswith("swarm:"):
            raise InputError
        parameters_of(make_env(run.spec.env).spec)
    except InputError:
        raise InputError(
            f"--agents is for runs in swarms, whose number of agents is free, and {run.path} was trained on {run.spec.env}"
        ) from None
    from experiments.other_swarm import check_carries

    check_carries(run.spec.learner, run.spec.name)
    for n in sizes:
        make_env(run.spec.env, agents=n)  # complains of too many


def sized_ways(learner: Any, ways: tuple[str, ...]) -> tuple[str, ...]:
    """In which ways a learner's swarms are executed: as asked, else its own and by the mean field."""
    if not has_rules(learner):
        return (APART,)
    return ways or tuple(way for way in WAYS if way in (learner.execution, "det"))


def episodes_of(spec: EnvSpec, way: str, most: int) -> int:
    """How many episodes are played: fewer where they take long."""
    assert spec.horizon is not None
    work = float(len(spec.agents)) * spec.horizon
    work *= 1 if isinstance(parameters_of(spec), Aggregation) else 4  # who looks for neighbours
    work *= 20 if way == "ind" else 1
    return min(most, max(FEWEST, int(BUDGET / work)))


# --- playing ---------------------------------------------------------------------------------------------------


def mean_field_line(
    players: Players,
    way: str,
    seed: int,
    batch: int,
    progress: Progress,
    surrogate: tuple[int, int] | None = None,
) -> MeanFieldLine:
    """What a way to play without the mean field returns with as good as infinitely many agents.

    Its episodes have seeds of their own, those of neither a judged episode nor the one from which rules were computed.
    """
    agents, episodes = surrogate or (SURROGATE, SURROGATES)
    env = players.swarm(agents)
    seeds = draw_seeds(np.random.default_rng([seed, *b"mean field"]), episodes)
    returns = returns_of(
        env, players.team(env.spec, way), seeds, at_once(env.spec, 0, batch), progress=progress
    )
    limit, why = None, "agents play by networks"
    if players.rules is not None:
        from games.open_loop_limit import open_limit

        progress(1.0, "the flow of the mean field")
        try:
            limit, why = open_limit(players.rules, env).value, ""
        except InputError as reason:
            why = str(reason)
    spread = float(returns.std(ddof=1) / np.sqrt(len(returns)))
    return MeanFieldLine(agents, episodes, float(returns.mean()), spread, limit, why)


def judge_sizes(
    players: Players,
    sizes: Sequence[int],
    ways: Sequence[str],
    *,
    seed: int,
    episodes: int,
    batch: int,
    watch: Callable[[Any], Watch] | None = None,
    progress: Progress,
    surrogate: tuple[int, int] | None = None,
) -> tuple[MeanFieldLine, tuple[Sized, ...]]:
    """Play in swarms of all sizes, in all ways, on the same seeds.

    Parameters
    ----------
    players : Players
        The policies.
    sizes, ways : sequences
        Numbers of agents, and ways to execute.
    seed, episodes, batch : int
        From which the episodes' seeds are drawn, how many at most, how many at once at most.
    watch : callable, optional
        Of an environment: who watches the first episode of all.
    progress : callable
        Told how far it is.
    surrogate : tuple of two int, optional
        Agents and episodes of the swarm that stands for the limit, in place of 20,000 and 20.
    """
    large = surrogate or (SURROGATE, SURROGATES)
    plan = [(players.swarm(n), way) for n in sizes for way in ways]
    counts = [episodes_of(env.spec, way, episodes) for env, way in plan]
    work = [len(env.spec.agents) * count for (env, _), count in zip(plan, counts)]
    done, whole = large[0] * large[1], large[0] * large[1] + sum(work)
    own = "open" if players.rules is not None else APART
    line = mean_field_line(
        players,
        own,
        seed,
        batch,
        lambda share, text: progress(share * large[0] * large[1] / whole, f"the limit, {text}"),
        large,
    )
    found: list[Sized] = []
    for (env, way), count, mine in zip(plan, counts, work):
        n, start = len(env.spec.agents), done

        def tell(share: float, text: str, start: int = start, mine: int = mine, n: int = n) -> None:
            progress((start + share * mine) / whole, f"{n:,} agents, {text}")

        seeds = draw_seeds(np.random.default_rng(seed), count)
        team = players.team(env.spec, way)
        returns = returns_of(
            env,
            team,
            seeds,
            at_once(env.spec, players.numbers(way), batch),
            watch=watch(env) if watch is not None and not found else None,
            progress=tell,
        )
        found.append(Sized(n, way, returns))
        done += mine
    return line, tuple(found)
