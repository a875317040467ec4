"""Switched teams, judged in every way to execute them: switched, switched by chance, and each of their two teams alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.evaluation import over_seeds, score_of
from experiments.evaluation_rules import read_ways
from experiments.evaluation_ways import gap_of, way_over_seeds, ways_table
from experiments.intervals import LEVEL, resampled_means
from experiments.play_output import between, number
from games.errors import InputError
from games.play import Episodes
from games.policy import JointPolicy

if TYPE_CHECKING:
    from experiments.evaluation_output import Evaluation
    from experiments.switch_exact import ExactSwitch
    from experiments.switch_facts import SwitchFacts
    from marl.switched_team import SwitchedTeam

Array = npt.NDArray[Any]

WAYS = ("switched", "random", "independent", "central")
"""Who decides on calls: the switch (E1), chance at the share that was measured of it, nobody (E2), or always a call."""


@dataclass(frozen=True)
class Executed:
    """A switched team executed in one way.

    Parameters
    ----------
    way : str
        One of `WAYS`.
    episodes : Episodes
        What it played, the same seeds in all ways.
    chance : float or None
        Of a call, where chance decides.
    """

    way: str
    episodes: Episodes
    chance: float | None = None

    @property
    def calls(self) -> Array:
        """In how many steps of every episode the central policies acted, int64[E]."""
        if "call" in self.episodes.counts:
            return self.episodes.counts["call"]
        return self.episodes.lengths.astype(np.int64) * (self.way == "central")

    @property
    def call_fraction(self) -> float:
        """The share of all steps in which they did."""
        return float(self.calls.sum() / max(int(self.episodes.lengths.sum()), 1))


@dataclass(frozen=True)
class SwitchJudged:
    """A training seed's switched team.

    Parameters
    ----------
    own : str
        The way in which it was judged otherwise.
    executions : tuple of Executed
        In the ways that were asked for, in the order of `WAYS`.
    budget : int or None
        Calls of an episode at most, in all ways.
    facts : SwitchFacts or None
        Where the switch calls, if it was asked.
    exact : ExactSwitch or None
        It beside the best switch for its two teams, where that can be computed.
    coin : float or None
        Probability of a call where chance decides in place of a switch, as in the controls.
    """

    own: str
    executions: tuple[Executed, ...]
    budget: int | None
    facts: SwitchFacts | None
    exact: ExactSwitch | None = None
    coin: float | None = None


def switched_team(learner: Any, state: Any, greedy: bool) -> SwitchedTeam | None:
    """The switched team of a learner, however it is judged in its run; None if the learner has no switch."""
    if not has_switch(learner):
        return None
    found: Any = replace(learner, execution="switched").policy(state, greedy)
    team: SwitchedTeam = found
    return team


def has_switch(learner: Any) -> bool:
    """Whether a learner's team is a switched one."""
    from marl.mansa import Mansa

    return isinstance(learner, Mansa)


def check_ways(learner: Any, name: str, execution: str | None, dag: str | None, figure: bool) -> None:
    """Refuse what does not fit a run's learner.

    Parameters
    ----------
    learner : Learner
        The run's.
    name : str
        What the learner is called.
    execution, dag : str or None
        As `--execution` and `--dag` say.
    figure : bool
        Whether there shall be one.

    Raises
    ------
    InputError
        If there is no such way to execute a team, or the team has no switch, or one but no graph, or a figure would show
        a switch that nobody asks.
    """
    if not has_switch(learner):
        read_ways(learner, name, execution)
        return
    if execution is not None and execution not in WAYS:
        raise InputError(f"--execution is {', '.join(WAYS)}, not {execution!r:.40}")
    if dag is not None:
        raise InputError(
            f"--dag is for teams with a graph, and a run of {name} has a switch; --execution says how it is executed"
        )
    if figure and learner.control != "learned":
        raise InputError(
            f"--figure shows where the switch calls, and this run has none: its control is {learner.control}"
        )
    if figure and execution in ("independent", "central"):
        raise InputError(
            f"--figure shows where the switch calls, and with --execution {execution} nobody asks it"
        )


def in_execution(team: SwitchedTeam, way: str, chance: float | None = None) -> JointPolicy:
    """The team executed in a way; its budget holds in all of them."""
    from marl.switched_team import Decider

    if way == "switched":
        return team
    if way == "independent":
        return team.independent
    if way == "central":
        return team.central if team.limit is None else team.deciding(decider=Decider(chance=1.0))
    assert chance is not None
    return team.deciding(decider=Decider(chance=chance))


# --- documents ------------------------------------------------------------------------------------------------


def switch_document(told: Evaluation, judged: SwitchJudged | None) -> dict[str, Any] | None:
    """One training seed's; None without a switch."""
    if judged is None:
        return None
    return {
        "execution": judged.own,
        "budget": judged.budget,
        "executions": [_executed_document(told, judged, one) for one in judged.executions],
        "where": None if judged.facts is None else judged.facts.to_document(),
        "exact": None if judged.exact is None else judged.exact.to_document(),
    }


def _executed_document(told: Evaluation, judged: SwitchJudged, one: Executed) -> dict[str, Any]:
    score, bounds = score_of(told.spec, one.episodes, told.rng("episodes"))
    out: dict[str, Any] = {
        "execution": one.way,
        "return": {"mean": score, "interval": bounds},
        "length": {"mean": float(one.episodes.lengths.mean())},
        "call_fraction": one.call_fraction,
        "call_interval": call_interval(one, told.rng("calls")),
        "most_calls": int(one.calls.max()),
        "switched_gains": _gains(told, judged.executions, one),
    }
    if one.chance is not None:
        out["chance"] = one.chance
    return out


def call_interval(one: Executed, rng: np.random.Generator) -> Array | None:
    """The share's 95 % bootstrap interval float64[2], of resampled episodes; None for a single one."""
    rows = np.column_stack([one.calls, one.episodes.lengths]).astype(np.float64)
    if len(rows) < 2 or not rows[:, 1].any():
        return None
    calls, steps = resampled_means(rows, rng).T
    tail = (1.0 - LEVEL) / 2
    return np.quantile(calls / steps, [tail, 1.0 - tail])


def _gains(told: Evaluation, executions: Sequence[Executed], one: Executed) -> dict[str, Any] | None:
    """By how much the switch returns more than another way on the same episodes."""
    first = next((other for other in executions if other.way == "switched"), None)
    if first is None or first is one:
        return None
    return gap_of(told, "switch", first.episodes, one.episodes)


def switch_aggregate(told: Evaluation) -> dict[str, Any] | None:
    """Means over training seeds, way by way; None without a switch."""
    teams = [judged.switch for judged in told.seeds if judged.switch is not None]
    if not teams or len(teams) < len(told.seeds):
        return None
    out: list[dict[str, Any]] = []
    for ways in zip(*(team.executions for team in teams), strict=True):
        first = [team.executions[0] for team in teams] if out and out[0]["execution"] == "switched" else None
        returned, gains = way_over_seeds(told, "switch", ways, first)
        share, ends = over_seeds([one.call_fraction for one in ways], told.rng("calls"))
        out.append(
            {
                "execution": ways[0].way,
                "return": returned,
                "call_fraction": share,
                "call_interval": ends,
                "switched_gains": gains,
            }
        )
    return {"executions": out}


# --- for people -----------------------------------------------------------------------------------------------


def show_switch(out: Any, told: Evaluation) -> None:
    """Print a row per way to execute switched teams; nothing for others."""
    teams = [(judged.seed, judged.switch) for judged in told.seeds if judged.switch is not None]
    if not teams:
        return
    several = len(teams) > 1
    heads = ("Execution", "Mean return", "Interval", "Calls", "Interval", "Switched gains", "Interval")
    rows = {
        seed: [_row(_executed_document(told, team, one)) for one in team.executions] for seed, team in teams
    }
    whole = switch_aggregate(told)
    out.print()
    out.print(ways_table(heads, rows, [] if whole is None else [_row(one) for one in whole["executions"]]))
    out.print(f"[dim]{_note(teams[0][1])}[/]")
    for seed, team in teams:
        if team.facts is not None:
            out.print(f"[dim]{f'Seed {seed}: ' if several else ''}{_where(team.facts)}[/]")
        if team.exact is not None:
            out.print(f"{f'Seed {seed}: ' if several else ''}{_exact(team.exact)}")


def _row(found: dict[str, Any]) -> list[str]:
    gains = found["switched_gains"]
    return [
        found["execution"],
        number(found["return"]["mean"]),
        between(found["return"]["interval"]),
        f"{100 * found['call_fraction']:.3g} %",
        _percents(found["call_interval"]),
        "" if gains is None else number(gains["mean"]),
        "" if gains is None else between(gains["interval"]),
    ]


def _percents(bounds: Any) -> str:
    return "-" if bounds is None else " to ".join(f"{100 * end:.3g}" for end in bounds)


_UNTIL = "a call in every step until the budget is used up, and the independent policies from then on"


def _note(team: SwitchJudged) -> str:
    """What the rows mean, of the ways that were told."""
    told = {
        "switched": "switched (E1): somebody sees the state and broadcasts one bit to all in every step",
        "random": "random: the bit is a coin with the measured share of calls, which still has to be broadcast",
        "independent": "independent (E2): nobody decides and nobody is called, which alone is fully decentralised",
        "central": "central: always a call, so always the centrally trained policies",
    }
    if team.coin is not None:
        told["switched"] = (
            f"switched: not by a switch, but by a coin that says call with probability {team.coin:g}"
        )
    parts = [told[one.way] for one in team.executions]
    if team.budget is not None:
        parts = [
            part.replace("always a call, so always the centrally trained policies", _UNTIL) for part in parts
        ]
        parts.append(
            f"at most {team.budget:,} call{'' if team.budget == 1 else 's'} in an episode in every way"
        )
    ends = (
        "Calls: share of steps. Switched gains: by how much the switch returns more, on the same episodes. "
    )
    return f"{ends if len(team.executions) > 1 else 'Calls: share of steps. '}{'; '.join(parts)}"


def _exact(found: ExactSwitch) -> str:
    """How far the switch is from the best one, in a sentence."""
    return (
        f"exactly, from the game's table: the switch is {number(float(found.certificate.regret[0]))} an episode below the best "
        f"one for these two teams at {found.cost:.3g} a call, which returns {number(found.best_returned)} with "
        f"{found.best_calls:.3g} calls (the switch: {number(found.returned)} with {found.calls:.3g})"
    )


def _where(facts: SwitchFacts) -> str:
    """By what calls can be told apart, in a sentence."""
    if facts.entropy == 0.0:
        return f"the switch {'always' if facts.calls else 'never'} calls"
    best = [one for one in facts.features if one.information > 0][:3]
    told = ", ".join(f"{one.feature.name} {one.information:.2g}" for one in best)
    return f"calls depend most on: {told or 'nothing that is known'} (nats, of {facts.entropy:.2g})"
