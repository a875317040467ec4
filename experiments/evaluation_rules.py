"""Swarms that follow rules, judged in every way to execute them: computed in advance, or from the mean field as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.evaluation import score_of
from experiments.evaluation_ways import gap_of, way_over_seeds, ways_table
from experiments.play_output import between, number
from games.errors import InputError
from games.play import Episodes

if TYPE_CHECKING:
    from experiments.evaluation_output import Evaluation

WAYS = ("open", "det", "shared", "ind")
"""Who chooses the rule of a step: nobody, it is known in advance; the upper level's mean, given the mean field; one draw of
it for everybody; or every agent's own draw."""
DECENTRALISED = (
    "open alone is decentralised: everybody follows rules that were computed before, by the time and what it sees; det, "
    "shared and ind need the mean field in every step, and shared one draw that all have in common"
)


@dataclass(frozen=True)
class Followed:
    """A swarm executed in one way.

    Parameters
    ----------
    way : str
        One of `WAYS`.
    episodes : Episodes
        What it played, the same seeds in all ways.
    """

    way: str
    episodes: Episodes


@dataclass(frozen=True)
class RulesJudged:
    """A training seed's swarm.

    Parameters
    ----------
    own : str
        The way in which it was judged otherwise.
    executions : tuple of Followed
        In the ways that were asked for, in the order of `WAYS`.
    surrogate : int
        Agents of the swarm on which rules were computed in advance.
    """

    own: str
    executions: tuple[Followed, ...]
    surrogate: int


def has_rules(learner: Any) -> bool:
    """Whether a learner's agents follow rules that somebody chooses for all of them."""
    from marl.decpomfc import DecPOMFC

    return isinstance(learner, DecPOMFC)


def read_ways(learner: Any, name: str, execution: str | None) -> tuple[str, ...]:
    """The ways in ``det`` or ``open,det`` in the order of `WAYS`; none if nothing was said.

    Raises
    ------
    InputError
        If there is no such way, or the learner's agents follow no rules.
    """
    if execution is None:
        return ()
    if not has_rules(learner):
        raise InputError(
            f"--execution is for swarms that follow rules and for teams with a switch, and this is a run of {name}"
        )
    asked = {part.strip() for part in execution.split(",")}
    for way in asked:
        if way not in WAYS:
            raise InputError(
                f"--execution of a run of {name} is {', '.join(WAYS)}, or several of them with commas, not {way!r:.40}"
            )
    return tuple(way for way in WAYS if way in asked)


def check_rules(learner: Any, name: str, dag: str | None, seeds: int, rules: bool) -> None:
    """`InputError` where options do not fit a run whose swarm follows rules, or fit no other.

    Parameters
    ----------
    learner, name
        The run's learner, and what it is called.
    dag : str or None
        As `--dag` says.
    seeds : int
        How many training seeds are judged.
    rules : bool
        Whether `--rules` is given.
    """
    if not has_rules(learner):
        if rules:
            raise InputError(f"--rules is for swarms that follow rules, and this is a run of {name}")
        return
    if dag is not None:
        raise InputError(f"--dag is for teams with a graph, and a run of {name} has none")
    if rules and seeds > 1:
        raise InputError(f"--rules writes those of one training seed of {seeds}; add --train-seed")


# --- documents ------------------------------------------------------------------------------------------------


def rules_document(told: Evaluation, judged: RulesJudged | None) -> dict[str, Any] | None:
    """One training seed's; None without rules."""
    if judged is None:
        return None
    return {
        "execution": judged.own,
        "surrogate": judged.surrogate,
        "executions": [_followed_document(told, judged.executions, one) for one in judged.executions],
    }


def _followed_document(told: Evaluation, all_ways: Sequence[Followed], one: Followed) -> dict[str, Any]:
    score, bounds = score_of(told.spec, one.episodes, told.rng("episodes"))
    return {
        "execution": one.way,
        "return": {"mean": score, "interval": bounds},
        "below_open": _below(told, all_ways[0], one),
    }


def _below(told: Evaluation, first: Followed, one: Followed) -> dict[str, Any] | None:
    """By how much a way returns less than rules in advance on the same episodes."""
    if first.way != "open" or one is first:
        return None
    return gap_of(told, "rules", first.episodes, one.episodes)


def rules_aggregate(told: Evaluation) -> dict[str, Any] | None:
    """Means over training seeds, way by way; None without rules."""
    teams = [judged.rules for judged in told.seeds if judged.rules is not None]
    if not teams or len(teams) < len(told.seeds):
        return None
    out: list[dict[str, Any]] = []
    for ways in zip(*(team.executions for team in teams), strict=True):
        first = [team.executions[0] for team in teams] if out and out[0]["execution"] == "open" else None
        returned, below = way_over_seeds(told, "rules", ways, first)
        out.append({"execution": ways[0].way, "return": returned, "below_open": below})
    return {"executions": out}


# --- for people -----------------------------------------------------------------------------------------------


def show_rules(out: Any, told: Evaluation) -> None:
    """Print a row per way to execute swarms that follow rules; nothing for others."""
    teams = [(judged.seed, judged.rules) for judged in told.seeds if judged.rules is not None]
    if not teams:
        return
    heads = ("Execution", "Mean return", "Interval", "Below open", "Interval")
    rows = {
        seed: [_row(_followed_document(told, team.executions, one)) for one in team.executions]
        for seed, team in teams
    }
    whole = rules_aggregate(told)
    out.print()
    out.print(ways_table(heads, rows, [] if whole is None else [_row(one) for one in whole["executions"]]))
    out.print(f"[dim]{DECENTRALISED}. Rules in advance: from {teams[0][1].surrogate:,} agents[/]")


def _row(found: dict[str, Any]) -> list[str]:
    below = found["below_open"]
    return [
        found["execution"],
        number(found["return"]["mean"]),
        between(found["return"]["interval"]),
        "" if below is None else number(below["mean"]),
        "" if below is None else between(below["interval"]),
    ]
