"""What came of `staghunt evaluate RUN --agents N,N,...`: as a JSON document and as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.env_output import env_line
from experiments.evaluation import over_seeds
from experiments.evaluation_rules import DECENTRALISED
from experiments.intervals import bootstrap_interval
from experiments.play_output import between, number
from experiments.swarm_players import APART
from experiments.swarm_sizes import BUDGET, MeanFieldLine, Sized, SizesJudged
from games.env import EnvSpec


@dataclass(frozen=True)
class SizesTold:
    """Everything that was judged, and how.

    Parameters
    ----------
    run : Path
        The run.
    learner : str
        Its learner's name.
    spec : EnvSpec
        Where it was trained.
    sizes : tuple of int
        Numbers of agents, rising.
    ways : tuple of str
        How swarms were executed.
    seeds : tuple of SizesJudged
        One per training seed.
    which : str
        Which checkpoint of each was asked for.
    greedy : bool
        Whether agents played their likeliest actions.
    most : int
        Episodes of each size at most.
    seed : int
        Of everything random.
    seconds : float
        Wall time.
    """

    run: Path
    learner: str
    spec: EnvSpec
    sizes: tuple[int, ...]
    ways: tuple[str, ...]
    seeds: tuple[SizesJudged, ...]
    which: str
    greedy: bool
    most: int
    seed: int
    seconds: float

    def __repr__(self) -> str:
        return f"SizesTold({self.learner} with {', '.join(f'{n:,}' for n in self.sizes)} agents)"

    def _repr_html_(self) -> str:
        from experiments.tables import as_html

        return as_html(lambda: show_sizes(self))

    def rng(self, purpose: str) -> np.random.Generator:
        """The bootstrap's generator for one purpose."""
        return np.random.default_rng([self.seed, *purpose.encode()])

    @property
    def note(self) -> str:
        """Who needs what to play so."""
        if self.ways == (APART,):
            return "apart: everybody acts by the same network and what it sees, so this is decentralised"
        return DECENTRALISED


DRAWN = ("shared", "ind")
"""Ways in which the upper level draws its action, so that their limit is not that of its mean."""


class Row(NamedTuple):
    """One point of a curve: a size and a way, of one training seed or the mean of all."""

    agents: int
    way: str
    episodes: int | None
    mean: float
    interval: Any
    bias: float | None  # None of ways whose limit is another: the upper level's draws do not average out
    deviation: float | None


def rows_of(told: SizesTold, judged: SizesJudged) -> list[Row]:
    """Of one training seed."""
    limit = judged.line.value
    return [_row(told, one, limit) for one in judged.sizes]


def _row(told: SizesTold, one: Sized, limit: float) -> Row:
    mean = float(one.returns.mean())
    bounds = bootstrap_interval(one.returns[:, None], told.rng("episodes"))
    ends = None if bounds is None else bounds[0]
    apart = (None, None) if one.way in DRAWN else (mean - limit, one.deviation(limit))
    return Row(one.agents, one.way, len(one.returns), mean, ends, *apart)


def rows_over_seeds(told: SizesTold) -> list[Row]:
    """Means over training seeds, with intervals of them; nothing where there is one."""
    if len(told.seeds) < 2:
        return []
    out = []
    for column in zip(*(rows_of(told, judged) for judged in told.seeds), strict=True):
        mean, bounds = over_seeds([row.mean for row in column], told.rng("seeds"))
        apart = [
            None if None in values else float(np.mean(values))
            for values in ([getattr(row, key) for row in column] for key in Row._fields[-2:])
        ]
        out.append(Row(column[0].agents, column[0].way, None, mean, bounds, *apart))
    return out


# --- documents ------------------------------------------------------------------------------------------------


def sizes_document(told: SizesTold) -> dict[str, Any]:
    """What `evaluate --agents --json` prints; all but `stats` is a function of the command line and the run."""
    whole = rows_over_seeds(told)
    return {
        "run": str(told.run),
        "learner": told.learner,
        "trained_on": told.spec.name,
        "horizon": told.spec.horizon,
        "checkpoint": told.which,
        "greedy": told.greedy,
        "agents": told.sizes,
        "executions": told.ways,
        "episodes": told.most,
        "seed": told.seed,
        "note": told.note,
        "seeds": [
            {
                "train_seed": judged.seed,
                "file": str(judged.file),
                "steps": judged.steps,
                "mean_field": _line_document(judged.line),
                "sizes": [_row_document(row) for row in rows_of(told, judged)],
            }
            for judged in told.seeds
        ],
        "aggregate": {"train_seeds": len(told.seeds), "sizes": [_row_document(row) for row in whole]}
        if whole
        else None,
        "stats": {"seconds": told.seconds, "agent_steps": _agent_steps(told)},
    }


def _line_document(line: MeanFieldLine) -> dict[str, Any]:
    return {
        "value": line.value,
        "limit": line.limit,
        "why_no_limit": line.why or None,
        "swarm": {
            "agents": line.agents,
            "episodes": line.episodes,
            "mean": line.mean,
            "standard_error": line.error,
        },
    }


def _row_document(row: Row) -> dict[str, Any]:
    out: dict[str, Any] = {
        "agents": row.agents,
        "execution": row.way,
        "return": {"mean": row.mean, "interval": row.interval},
        "bias": row.bias,
        "mean_absolute_deviation": row.deviation,
    }
    return out if row.episodes is None else out | {"episodes": row.episodes}


def _agent_steps(told: SizesTold) -> int:
    horizon = told.spec.horizon or 0
    return sum(one.agents * len(one.returns) * horizon for judged in told.seeds for one in judged.sizes)


# --- for people -----------------------------------------------------------------------------------------------


def show_sizes(told: SizesTold) -> None:
    """Print the limit, and a row per size and way."""
    from rich.markup import escape

    from experiments.tables import console, one_line, simple_table

    out, several = console(), len(told.seeds) > 1
    out.print(env_line(told.spec))
    actions = "the likeliest actions" if told.greedy else "drawn actions"
    out.print(
        f"{escape(one_line(told.learner))}, {escape(one_line(str(told.run)))}: {actions}, checkpoint "
        f"{escape(one_line(told.which))}"
    )
    heads = ("Agents", "Execution", "Episodes", "Mean return", "Interval", "From the limit", "Deviation")
    first = int(several)
    right = [first, *range(2 + first, 7 + first)]
    table = simple_table(*(("Seed", *heads) if several else heads), right=right)
    for judged in told.seeds:
        for k, cells in enumerate(_cells(rows_of(told, judged))):
            table.add_row(*([str(judged.seed) if k == 0 else ""] if several else []), *cells)
        if several:
            table.add_section()
    for k, cells in enumerate(_cells(rows_over_seeds(told))):
        table.add_row("all" if k == 0 else "", *cells)
    for judged in told.seeds:
        out.print(f"{f'Seed {judged.seed}: ' if several else ''}{_line(judged.line, told.ways)}")
    out.print(table)
    out.print(
        "[dim]From the limit: mean return less the mean-field line. Deviation: mean absolute deviation of an episode's "
        "return from that line, which falls like 1 / sqrt(agents)"
        f"{'. Neither is told of shared and ind, whose limit is another' if {*DRAWN} & {*told.ways} else ''}[/]"
    )
    if any(len(one.returns) < told.most for judged in told.seeds for one in judged.sizes):
        out.print(
            f"[dim]fewer than {told.most:,} episodes where they would take more than about {BUDGET:,} agents' steps, "
            "counted several times where agents look for neighbours or draw rules of their own[/]"
        )
    out.print(f"[dim]{told.note}[/]")
    out.print(
        f"[dim]{told.seconds:.3g} s for {_agent_steps(told):,} agents' steps; 95 % intervals: bootstrap[/]"
    )


def _cells(rows: list[Row]) -> Iterator[list[str]]:
    before = None
    for row in rows:
        yield [
            f"{row.agents:,}" if row.agents != before else "",
            row.way,
            "" if row.episodes is None else f"{row.episodes:,}",
            number(row.mean),
            between(row.interval),
            "-" if row.bias is None else f"{row.bias:+.3g}",
            "-" if row.deviation is None else f"{row.deviation:.3g}",
        ]
        before = row.agents


def _line(line: MeanFieldLine, ways: tuple[str, ...]) -> str:
    """The limit in a sentence."""
    who = "these policies" if ways == (APART,) else "open rules"
    swarm = (
        f"{line.episodes} episodes of {line.agents:,} agents: {number(line.mean)}, standard error "
        f"{line.error:.2g}"
    )
    if line.limit is None:
        return f"Mean-field line of {who}, from {swarm}"
    return f"Mean-field line of {who}: {number(line.limit)}, by the flow of a density  [dim]{swarm}[/]"
