"""What came of played episodes, as a JSON document and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.env_output import env_document, env_line
from experiments.intervals import student_interval
from games.env import EnvSpec
from games.play import Array, Episodes

ROWS = 24
"""Agents beyond these are told together."""
LEVEL = 0.95


@dataclass(frozen=True)
class Played:
    """Episodes, and how they came about.

    Parameters
    ----------
    spec : EnvSpec
        The environment.
    policies : dict of str to str
        Policy of every agent, by name.
    seed : int
        From which the episodes' seeds were drawn.
    limit : int or None
        Steps after which episodes were cut off by us.
    episodes : Episodes
        The results.
    seconds : float
        Wall time.
    """

    spec: EnvSpec
    policies: dict[str, str]
    seed: int
    limit: int | None
    episodes: Episodes
    seconds: float


def standard_errors(returns: Array) -> Array | None:
    """Standard error of the mean return of every agent, float64[agents]; None for a single episode."""
    if len(returns) < 2:
        return None
    return np.asarray(returns.std(axis=0, ddof=1) / np.sqrt(len(returns)))


def interval(returns: Array) -> Array | None:
    """95 % confidence intervals of the mean returns (Student's t), float64[agents, 2]; None for a single episode."""
    if len(returns) < 2:
        return None
    mean, half = student_interval(returns)
    return np.stack([mean - half, mean + half], axis=1)


def play_document(played: Played) -> dict[str, Any]:
    """What `play --json` prints; all but `stats` is a function of the command line."""
    episodes = played.episodes
    count, lengths = len(episodes.seeds), episodes.lengths
    return {
        "env": env_document(played.spec),
        "policies": played.policies,
        "episodes": count,
        "seed": played.seed,
        "max_steps": played.limit,
        "returns": {
            "agents": played.spec.agents,
            "mean": episodes.returns.mean(axis=0),
            "standard_error": standard_errors(episodes.returns),
            "interval": interval(episodes.returns),
        },
        "length": {"mean": lengths.mean(), "least": lengths.min(), "most": lengths.max()},
        "ended": int(episodes.ended.sum()),
        "cut_off": int(count - episodes.ended.sum()),
        "first_episode": {
            "seed": int(episodes.seeds[0]),
            "returns": episodes.returns[0],
            "length": int(lengths[0]),
            "ended": bool(episodes.ended[0]),
        },
        "stats": {
            "seconds": played.seconds,
            "steps": int(lengths.sum()),
            "steps_per_second": float(lengths.sum() / max(played.seconds, 1e-9)),
        },
    }


def show_played(played: Played) -> None:
    """Print mean returns with their intervals, lengths, and how the episodes stopped."""
    from experiments.tables import console

    out = console()
    out.print(env_line(played.spec))
    out.print(_returns_table(played))
    for line in _summary(played):
        out.print(line)


def _returns_table(played: Played) -> Any:
    from rich.markup import escape

    from experiments.tables import one_line, simple_table

    returns = played.episodes.returns
    errors, bounds = standard_errors(returns), interval(returns)
    table = simple_table("Agent", "Policy", "Mean return", "Standard error", "95% interval", right=(2, 3, 4))
    names = _rows(played)
    for i, (agent, policy) in enumerate(names):
        error = "-" if errors is None else number(errors[i])
        told = "-" if bounds is None else " to ".join(number(b) for b in bounds[i])
        table.add_row(
            escape(one_line(agent)), escape(one_line(policy)), number(returns[:, i].mean()), error, told
        )
    rest = returns.shape[1] - len(names)
    if rest and not played.spec.common_reward:
        table.add_row(f"[dim]and {rest:,} more[/]", "", number(returns[:, len(names) :].mean()), "", "")
    return table


def _rows(played: Played) -> list[tuple[str, str]]:
    """Who is told about, and by what policy they played: a team with a common reward in one row."""
    agents, policies = played.spec.agents, played.policies
    if played.spec.common_reward and len(agents) > 1:
        return [(f"each of {len(agents):,} agents", ", ".join(dict.fromkeys(policies.values())))]
    shown = len(agents) if len(agents) <= ROWS else ROWS - 1
    return [(agent, policies[agent]) for agent in agents[:shown]]


def _summary(played: Played) -> list[str]:
    episodes = played.episodes
    count, ended, lengths = len(episodes.seeds), int(episodes.ended.sum()), episodes.lengths
    least, most = int(lengths.min()), int(lengths.max())
    if least == most:
        told = f"{most:,} step{'' if most == 1 else 's'}"
    else:
        told = f"{least:,} to {most:,} steps, {lengths.mean():,.4g} on average"
    if count == 1:
        stopped = "it ended" if ended else "it was cut off"
    else:
        stopped = f"{ended:,} ended, {count - ended:,} cut off"
    if played.limit is not None and (lengths[~episodes.ended] == played.limit).any():
        stopped += f" (--max-steps {played.limit})"
    steps = int(lengths.sum())
    return [
        f"{count:,} episode{'' if count == 1 else 's'} of {told}; {stopped}",
        f"[dim]{steps:,} steps in {played.seconds:.3g} s, {steps / max(played.seconds, 1e-9):,.3g} per second[/]",
    ]


def number(value: float) -> str:
    """Five digits: more would be noise."""
    return f"{float(value) + 0.0:.5g}"


def between(bounds: Any) -> str:
    """An interval for a table; a dash where there is none."""
    return "-" if bounds is None else " to ".join(number(end) for end in bounds)
