"""What the runs of a study on MANSA came to, a number for every training seed.

Numbers have these names:

======================  ================================================================================================
return                  of the final team (E1: with its switch, if it has one), played anew, greedily
return_independent      of its independent policies alone (E2), in the same episodes
return_by_chance        of the same team with calls by chance, as often as its learned switch made them
return_exploring        of the final team as it gathers experience: with some random actions, and calls where it has a switch
area, area_independent  under the curve of the evaluations during training, over its width
calls_training          share of the steps of training in which the central team was called
calls_last_tenth        the same of the last tenth of training
calls_evaluation        share of the steps of the final team's episodes
most_calls              in any of these episodes
calls_beyond            calls in training beyond the budget of all episodes begun, as far as lines about updates tell
samples, samples_...    gradient samples (environment steps, used again counted again) of a learner alone, or of each part
======================  ================================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.learning_curves import Curve, area, check_curve
from experiments.papers.bayes_net_play import rng_of
from experiments.papers.samples import sample
from experiments.training.rows import scores
from experiments.training.runs import LAST, Row, read_metrics, team_of
from games.play import Episodes, play_episodes
from games.streams import draw_seeds

if TYPE_CHECKING:
    from experiments.papers.claims import Progress
    from experiments.training.runs import Run
    from games.env import Env

Numbers = dict[str, list[float]]
"""By name, a number of every seed."""
PARTS = ("independent", "central", "switch")
LAST_SHARE = 0.9
"""From here on training is called its last tenth."""


def told(numbers: Numbers) -> dict[str, Any]:
    """Means with their intervals."""
    return {name: sample(values) for name, values in numbers.items()}


# --- what files tell ------------------------------------------------------------------------------------------


def curve(run: Run, seed: int, name: str = "return") -> Curve | None:
    """A number of the evaluations of a seed over its training; None if they have none."""
    rows = [row for row in read_metrics(run.folder(seed), "evaluation") if row.get(name) is not None]
    if not rows:
        return None
    steps = np.array([row["steps"] for row in rows], dtype=np.int64)
    return check_curve(Curve(steps, np.array([float(row[name]) for row in rows])))


def learning_numbers(run: Run) -> Numbers:
    """What lines about updates and evaluations tell: areas under curves and shares of calls."""
    out: Numbers = {}
    for seed in run.seeds:
        for name, key in (("area", "return"), ("area_independent", "return_independent")):
            found = curve(run, seed, key)
            if found is not None:
                ends = int(found.steps[0]), int(found.steps[-1])
                out.setdefault(name, []).append(area(found, *ends))
        rows = read_metrics(run.folder(seed), "update")
        for name, value in samples(run, rows).items():
            out.setdefault(name, []).append(value)
        if not rows or rows[-1].get("call_fraction") is None:
            continue
        steps = rows[-1]["steps"]
        out.setdefault("calls_training", []).append(share_of_calls(rows, 0, steps))
        out.setdefault("calls_last_tenth", []).append(share_of_calls(rows, LAST_SHARE * steps, steps))
        budget = getattr(run.spec.learner, "budget", None)
        if budget is not None and run.spec.learner.budget_scope == "episode":
            out.setdefault("calls_beyond", []).append(calls_beyond(run, rows, budget))
    return out


def samples(run: Run, rows: Sequence[Row]) -> dict[str, float]:
    """Environment steps that gradient steps were about, those that were used again counted again."""
    learner, before = run.spec.learner, 0
    out: dict[str, float] = {}
    if hasattr(learner, "epochs"):  # all steps of every rollout, in every pass
        return {"samples": float(learner.epochs * rows[-1]["steps"]) if rows else 0.0}
    if not hasattr(learner, "switch"):
        per_step = learner.batch_size * (learner.rollout if learner.sample == "segments" else 1)
        done = rows[-1]["steps"] if rows else 0
        due = done // learner.learn_every - learner.warmup // learner.learn_every
        return {"samples": float(per_step * max(due, 0))}
    parts = [part for part in PARTS if all(f"{part}_samples_per_step" in row for row in rows)]
    for row in rows:
        for part in parts:
            name = f"samples_{part}"
            new = float(row[f"{part}_samples_per_step"]) * (row["steps"] - before)
            out[name] = out.get(name, 0.0) + new
        before = row["steps"]
    return out


def share_of_calls(rows: Sequence[Row], first: float, last: float) -> float:
    """The share of calls from step `first` to `last`; a line tells the mean of all steps since the line before.

    >>> share_of_calls([{"steps": 10, "call_fraction": 1.0}, {"steps": 40, "call_fraction": 0.5}], 0, 40)
    0.625
    """
    ends = np.array([row["steps"] for row in rows], dtype=np.float64)
    begins = np.concatenate([[0.0], ends[:-1]])
    width = np.clip(np.minimum(ends, last) - np.maximum(begins, first), 0.0, None)
    return float((width * [float(row["call_fraction"]) for row in rows]).sum() / width.sum())


def calls_beyond(run: Run, rows: Sequence[Row], budget: int) -> float:
    """Calls in training minus those that all episodes begun by then may have made, at its largest; no more than 0 where
    the budget held.

    So many episodes have begun as have ended and as are being played; those that a checkpoint cut short are counted, too.
    """
    how = run.spec.training
    assert how.save_every is not None
    calls, ended, before, worst = 0.0, 0, 0, -np.inf
    for row in rows:
        calls += float(row["call_fraction"]) * (row["steps"] - before)
        ended, before = ended + int(row["episodes"]), row["steps"]
        begun = ended + how.batch * (1 + row["steps"] // how.save_every)
        worst = max(worst, calls - budget * begun)
    return float(worst)


# --- what final teams do --------------------------------------------------------------------------------------


def final_numbers(run: Run, episodes: int, seed: int, progress: Progress) -> Numbers:
    """What the final team of every seed does in so many episodes, the same ones for all teams."""
    out: Numbers = {}
    env = None
    for k, number in enumerate(run.seeds):
        learner, env, state, found = team_of(run, run.folder(number) / LAST, greedy=True, env=env)
        team: Any = found
        played = played_by(env, team, episodes, seed)
        exploring = played_by(env, learner.explore(state), episodes, seed)
        for name, episodes_ in (("return", played), ("return_exploring", exploring)):
            out.setdefault(name, []).append(mean_score(env, episodes_))
        if hasattr(team, "deciding"):
            calls = played.share("call")
            beside = {"return_independent": learner.beside(state, True)["independent"]}
            if team.decider.network is not None:
                beside["return_by_chance"] = by_chance(team, calls)
            more = {
                name: mean_score(env, played_by(env, one, episodes, seed)) for name, one in beside.items()
            }
            more |= {"calls_evaluation": calls, "most_calls": float(played.counts["call"].max())}
            for name, value in more.items():
                out.setdefault(name, []).append(value)
        progress((k + 1) / len(run.seeds), f"{run.path.name}: playing")
    return out


def returns_by_chance(run: Run, share: float, episodes: int, seed: int) -> list[float]:
    """Return of the final team of every seed, with calls by chance so often."""
    out, env = [], None
    for number in run.seeds:
        _, env, _, team = team_of(run, run.folder(number) / LAST, greedy=True, env=env)
        out.append(mean_score(env, played_by(env, by_chance(team, share), episodes, seed)))
    return out


def by_chance(team: Any, share: float) -> Any:
    """A switched team whose calls are made by chance."""
    from marl.switched_team import Decider

    return team.deciding(decider=Decider(chance=share))


def played_by(env: Env, team: Any, episodes: int, seed: int) -> Episodes:
    """Episodes of a team; which ones they are depends on their number and the seed alone."""
    return play_episodes(env, team, draw_seeds(rng_of(seed, episodes), episodes))


def mean_score(env: Env, episodes: Episodes) -> float:
    """Mean over episodes of the common return, or of the sum of all."""
    return float(scores(env.spec, episodes.returns).mean())
