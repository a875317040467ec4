"""Teams with a learned graph, judged in every way to draw it: without noise, as in training, and not at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.evaluation import over_seeds, score_of
from experiments.play_output import number
from games.errors import InputError
from games.play import Episodes
from games.policy import JointPolicy

if TYPE_CHECKING:
    from experiments.dag_facts import DagFacts
    from experiments.evaluation_output import Evaluation
    from experiments.training.runs import Run

WAYS = ("learned", "noisy", "empty")
"""How a graph is drawn: the likeliest one, with the noise of training, or none: everybody plays apart."""


@dataclass(frozen=True)
class Drawn:
    """A team whose graph is drawn in one way.

    Parameters
    ----------
    way : str
        One of `WAYS`.
    episodes : Episodes
        What it played.
    facts : DagFacts
        Its graphs, and how correlated its actions are when they are drawn.
    """

    way: str
    episodes: Episodes
    facts: DagFacts

    @property
    def share(self) -> float:
        """The mean share of a total order's edges that are in use (rho)."""
        ratio = self.facts.noisy_ratio if self.way == "noisy" else self.facts.ratio
        return float(ratio.mean())

    @property
    def correlation(self) -> float:
        """Mean total correlation of the agents' actions given the state, in nats; NaN if it is not known."""
        return float(self.facts.correlation.mean())


def has_graph(team: JointPolicy) -> bool:
    """Whether a team draws a graph on its agents."""
    return hasattr(team, "with_execution")


def in_way(team: JointPolicy, way: str | None, name: str) -> JointPolicy:
    """The team with its graph drawn as `--dag` says; as it is if that is not given.

    Raises
    ------
    InputError
        If there is no such way, or the team has no graph, or one that is not drawn so.
    """
    if way is None:
        return team
    if way not in WAYS:
        raise InputError(f"--dag is {', '.join(WAYS)}, not {way!r:.40}")
    if not has_graph(team):
        if way == "empty":  # as it is
            return team
        raise InputError(f"--dag is for teams with a graph, and the agents of {name} play independently")
    found: Any = team
    found = found.with_execution(way)
    if found.execution != way:
        why = "given, so no noise changes it" if way == "noisy" else "drawn at random and not learned"
        raise InputError(f"--dag {way}: the graph of {name} is {why}; choose {found.execution} or empty")
    drawn: JointPolicy = found
    return drawn


def ways_of(team: JointPolicy, way: str | None) -> list[str]:
    """In which ways a team's graph is to be drawn: as asked, or in all that there are; none without a graph."""
    if not has_graph(team):
        return []
    found: Any = team
    return [one for one in WAYS if found.with_execution(one).execution == one and way in (None, one)]


def measured(
    run: Run,
    file: Path,
    env: Any,
    way: str,
    episodes: Episodes,
    *,
    seed: int,
    device: str,
    progress: Callable[[float, str], None] | None = None,
) -> Drawn:
    """What there is to know of a checkpoint's team whose graph is drawn in one way."""
    from experiments.dag_facts import run_facts

    found = run_facts(run, file, seed=seed, env=env, execution=way, device=device, progress=progress)
    return Drawn(way, episodes, found)


# --- documents ------------------------------------------------------------------------------------------------


def graphs_document(told: Evaluation, graphs: Sequence[Drawn]) -> list[dict[str, Any]] | None:
    """One training seed's, way by way; None without a graph."""
    return [_drawn_document(told, drawn) for drawn in graphs] or None


def _drawn_document(told: Evaluation, drawn: Drawn) -> dict[str, Any]:
    score, bounds = _score(told, drawn)
    facts = drawn.facts
    return {
        "dag": drawn.way,
        "return": {"mean": score, "interval": bounds},
        "open_ratio": drawn.share,
        "total_correlation": _known(drawn.correlation),
        "mean_mutual_information": _known(facts.mean_information),
        "method": facts.method,
        "states": facts.states,
        "all_states": facts.listed,
    }


def aggregate_document(told: Evaluation) -> list[dict[str, Any]] | None:
    """Means over training seeds, way by way."""
    out = []
    for way in WAYS:
        mine = [drawn for judged in told.seeds for drawn in judged.graphs if drawn.way == way]
        if len(mine) == len(told.seeds):
            score, bounds = over_seeds([_score(told, drawn)[0] for drawn in mine], told.rng("graphs"))
            out.append(
                {
                    "dag": way,
                    "return": {"mean": score, "interval": bounds},
                    "open_ratio": float(np.mean([drawn.share for drawn in mine])),
                    "total_correlation": _known(float(np.mean([drawn.correlation for drawn in mine]))),
                    "mean_mutual_information": _known(
                        float(np.mean([drawn.facts.mean_information for drawn in mine]))
                    ),
                }
            )
    return out or None


def _score(told: Evaluation, drawn: Drawn) -> tuple[float, Any]:
    """Mean score of an episode and its interval, by the resamples of the evaluation's own."""
    return score_of(told.spec, drawn.episodes, told.rng("episodes"))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


# --- for people -----------------------------------------------------------------------------------------------


def show_graphs(out: Any, told: Evaluation) -> None:
    """Print a row per way to draw the graph; nothing for teams without one."""
    from experiments.tables import simple_table

    if not any(judged.graphs for judged in told.seeds):
        return
    several = len(told.seeds) > 1
    heads = ("Graph", "Mean return", "Interval", "Edges in use", "Correlation", "Between two")
    table = simple_table(*(("Seed", *heads) if several else heads), right=range(2 if several else 1, 7))
    for judged in told.seeds:
        for k, drawn in enumerate(_drawn_document(told, one) for one in judged.graphs):
            table.add_row(*([str(judged.seed) if k == 0 else ""] if several else []), *_row(drawn))
    if several:
        table.add_section()
        for k, drawn in enumerate(aggregate_document(told) or []):
            table.add_row("all" if k == 0 else "", *_row(drawn))
    out.print()
    out.print(table)
    first = next(judged.graphs[0].facts for judged in told.seeds if judged.graphs)
    where = f"all {first.states:,} states" if first.listed else f"{first.states:,} states of play"
    where = "the only state" if first.states == 1 else f"mean over {where}"
    out.print(
        "[dim]Graph: learned is drawn without noise, noisy as in training, empty is everybody apart. Edges in use: share of a "
        f"total order's. Correlation: total correlation of drawn actions given the state, and mutual information of two "
        f"agents', in nats, {where}{_how(told)}[/]"
    )


def _row(found: dict[str, Any]) -> list[str]:
    bounds = found["return"]["interval"]
    return [
        found["dag"],
        number(found["return"]["mean"]),
        "-" if bounds is None else " to ".join(number(end) for end in bounds),
        f"{found['open_ratio']:.3f}",
        _nats(found["total_correlation"]),
        _nats(found["mean_mutual_information"]),
    ]


def _nats(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _how(told: Evaluation) -> str:
    ways = {drawn.way: drawn.facts for judged in told.seeds for drawn in judged.graphs}
    if any(facts.method == "none" for facts in ways.values()):
        return "; not measured of agents that remember"
    rough = [way for way, facts in ways.items() if facts.method != "exact"]
    return f"; from samples for {', '.join(rough)}" if rough else ""
