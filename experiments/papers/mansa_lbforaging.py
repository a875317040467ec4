"""Teams that were trained on our batched foraging, played in the package lbforaging itself; and MANSA trained there.

The package has no global state, which the switch was trained on: with a single food, in full sight, it is put together from
what the first player sees and from the number of steps so far (`InPackage`).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.papers import mansa_foraging_arms as arms
from experiments.papers.arms import part_of, trained
from experiments.papers.claims import Claim, Criterion, Found, NotMeasured, Order, Progress
from experiments.papers.mansa_runs import played_by
from experiments.papers.samples import difference
from experiments.training.rows import scores
from experiments.training.runs import LAST, read_metrics, team_of
from games.env import Env, Step
from games.env_uris import make_env
from games.play import Array
from games.streams import Streams

if TYPE_CHECKING:
    from experiments.training.runs import Run

NEAR = 0.05
"""How far mean returns may be apart in any case."""


class InPackage:
    """A switched team of ours as it plays in the package.

    Parameters
    ----------
    team : SwitchedTeam
        Trained on a task of ours with one food in everybody's sight.
    """

    def __init__(self, team: Any) -> None:
        self.team, self.spec = team, team.spec

    def start(self, batch: int) -> tuple[Array, Any]:
        """Steps so far, and the team's memory."""
        return np.zeros(batch, dtype=np.int64), self.team.start(batch)

    def sample(self, step: Step, memory: Any, streams: Streams) -> tuple[tuple[Array, ...], Any]:
        """Everybody's actions, and the memory afterwards."""
        return self.sample_noting(step, memory, streams)[:2]

    def sample_noting(
        self, step: Step, memory: Any, streams: Streams
    ) -> tuple[tuple[Array, ...], Any, Array]:
        """As `SwitchedTeam.sample_noting`."""
        steps, own = memory
        ours = step._replace(state=state_of(step, steps, self.spec.horizon))
        actions, own, notes = self.team.sample_noting(ours, own, streams)
        return actions, (steps + 1, own), notes

    def counted(self, notes: Array) -> dict[str, Array]:
        """As `SwitchedTeam.counted`."""
        counted: dict[str, Array] = self.team.counted(notes)
        return counted


def state_of(step: Step, steps: Array, horizon: int) -> Array:
    """Our global state float32[B, 3 P + 5] of foraging with one food: of all players, of the food, of the time left.

    Parameters
    ----------
    step : Step
        What players see: the food, themselves, the others, each as row, column and level.
    steps : int64[B]
        Steps so far.
    horizon : int
        Of an episode.
    """
    first = step.groups[0].observation[:, 0]
    food = first[:, :3]
    left = (horizon - steps) / horizon
    return np.column_stack([first[:, 3:], food, food[:, 2] > 0, left]).astype(np.float32)


def measured_in_package(claim: Claim, order: Order, progress: Progress) -> Found:
    """The claim `lbforaging`."""
    if find_spec("lbforaging") is None:
        raise NotMeasured("the package lbforaging is not installed; pip install 'staghunt[envs]' installs it")
    budget = claim.budget(order.quick)
    run = trained(arms.mansa(arms.SMALL, budget), order, part_of(progress, 0, 3))
    returns = returns_in_both(run, budget["package_episodes"], order.seed, part_of(progress, 1, 3))
    there = trained(arms.in_package(budget), order, part_of(progress, 2, 3))
    calls = calls_of(there)
    criteria, gaps = judge_package(returns)
    measured = {
        "episodes": budget["package_episodes"] * len(run.seeds),
        "minus_ours": gaps,
        "trained_in_package": calls,
        "runs": {
            one.path.name: {"steps": one.spec.training.steps, "seeds": list(one.seeds)}
            for one in (run, there)
        },
    }
    return Found(measured, (*criteria, *judge_calls(calls)))


# --- ours in the package --------------------------------------------------------------------------------------


def returns_in_both(
    run: Run, episodes: int, seed: int, progress: Progress
) -> dict[str, dict[str, list[float]]]:
    """Returns of all episodes of all seeds' final teams: by "E1" and "E2", in "package" and "ours"."""
    package, env = make_env(arms.PACKAGE), make_env(run.spec.env)
    out: dict[str, dict[str, list[float]]] = {e: {"package": [], "ours": []} for e in ("E1", "E2")}
    for k, number in enumerate(run.seeds):
        learner, _, state, team = team_of(run, run.folder(number) / LAST, greedy=True, env=env)
        alone = learner.beside(state, True)["independent"]
        for name, here, there in (("E1", team, InPackage(team)), ("E2", alone, alone)):
            out[name]["ours"] += _scores(env, here, episodes, seed, number)
            out[name]["package"] += _scores(package, there, episodes, seed, number)
        progress((k + 1) / len(run.seeds), f"{run.path.name}: playing in lbforaging")
    return out


def _scores(env: Env, team: Any, episodes: int, seed: int, number: int) -> list[float]:
    played = played_by(env, team, episodes, seed + number)
    return [float(score) for score in scores(env.spec, played.returns)]


def judge_package(
    returns: dict[str, dict[str, list[float]]],
) -> tuple[tuple[Criterion, ...], dict[str, Any]]:
    """Mean returns differ by little, or by no more than chance explains."""
    gaps = {name: difference(of["package"], of["ours"]) for name, of in returns.items()}
    criteria = []
    for name, gap in gaps.items():
        alike = gap["low"] is not None and gap["low"] <= 0.0 <= gap["high"]
        text = f"{name} in lbforaging minus that in ours at most {NEAR:g} either way, or no more than chance explains"
        criteria.append(Criterion(text, gap, bool(alike or abs(gap["mean"]) <= NEAR)))
    return tuple(criteria), gaps


# --- trained in the package -----------------------------------------------------------------------------------


def calls_of(run: Run) -> dict[str, Any]:
    """Calls of a run's first seed as lines about updates tell them, and as the learner counted them."""
    seed = run.seeds[0]
    rows = read_metrics(run.folder(seed), "update")
    steps = np.array([0, *(row["steps"] for row in rows)])
    shares = np.array([float(row["call_fraction"]) for row in rows])
    _, _, state, _ = team_of(run, run.folder(seed) / LAST, greedy=True)
    last = read_metrics(run.folder(seed), "evaluation")[-1]
    return {
        "steps": state.steps,
        "calls": state.calls,
        "calls_of_lines": float((shares * np.diff(steps)).sum()),
        "samples_independent": state.independent.samples,
        "samples_central": state.central.samples,
        "return": last["return"],
        "return_independent": last["return_independent"],
        "calls_evaluation": last["call_fraction"],
    }


def judge_calls(calls: dict[str, Any]) -> tuple[Criterion, ...]:
    """Calls add up, and the central team learned from no more than independent learners did."""
    apart = abs(calls["calls_of_lines"] - calls["calls"])
    share = calls["samples_central"] / max(calls["samples_independent"], 1)
    return (
        Criterion(
            "trained in lbforaging: calls told of updates minus calls counted, at most 0.5 either way",
            apart,
            apart <= 0.5 and 0 <= calls["calls"] <= calls["steps"],
        ),
        Criterion(
            "trained in lbforaging: gradient samples of the central learner per one of the independent, at most 1",
            share,
            share <= 1.0,
        ),
    )
