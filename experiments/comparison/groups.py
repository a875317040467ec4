"""Which runs are the same algorithm, and which runs may stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments.comparison.records import RunRecord, read_run
from experiments.learning_curves import Curve, check_curve
from games.errors import InputError


class Member(NamedTuple):
    """One seed of one run."""

    run: RunRecord
    seed: int
    curve: Curve


class Group(NamedTuple):
    """All seeds of one algorithm on one task."""

    algorithm: str
    task: str
    members: tuple[Member, ...]

    @property
    def curves(self) -> list[Curve]:
        """One per seed."""
        return [member.curve for member in self.members]


class Grouped(NamedTuple):
    """Runs by algorithm and task."""

    algorithms: tuple[str, ...]
    tasks: tuple[str, ...]
    groups: tuple[Group, ...]
    """At most one per algorithm and task, ordered by task, then algorithm."""
    notes: tuple[str, ...]
    """Whatever a reader of the numbers should know, a sentence each."""

    def find(self, algorithm: str, task: str) -> Group | None:
        """The group, if there is one."""
        return next((g for g in self.groups if (g.algorithm, g.task) == (algorithm, task)), None)


def read_runs(folders: Sequence[Path], labels: Sequence[str] | None, metric: str) -> Grouped:
    """Read runs and sort them.

    Parameters
    ----------
    folders : sequence of Path
        Of runs.
    labels : sequence of str or None
        The algorithm of each folder. By default the learner's name; runs of one learner on one environment that differ
        in a setting are told apart by it.
    metric : str
        A number that evaluations hold.

    Raises
    ------
    InputError
        If a folder is no run or is given twice, the metric is unknown, or runs cannot be told apart or compared.
    """
    seen: dict[Path, Path] = {}
    for folder in folders:
        if folder.resolve() in seen:
            raise InputError(f"{folder} is given twice; a run is compared with others, not with itself")
        seen[folder.resolve()] = folder
    if labels is not None and len(labels) != len(folders):
        raise InputError(
            f"--labels has {len(labels)} {'name' if len(labels) == 1 else 'names'} for {len(folders)} runs; "
            "give one for each, separated by commas"
        )
    runs = [read_run(folder) for folder in folders]
    named = list(labels) if labels is not None else algorithm_names(runs)
    tasks = tuple(dict.fromkeys(run.env for run in runs))
    algorithms = tuple(dict.fromkeys(named))
    notes = [sentence for run in runs for sentence in _progress(run)]
    members: dict[tuple[str, str], list[Member]] = {}
    for name, run in zip(named, runs):
        members.setdefault((name, run.env), []).extend(_members(run, metric))
    groups = [
        Group(name, task, _no_seed_twice(name, members[name, task]))
        for task in tasks
        for name in algorithms
        if (name, task) in members
    ]
    for task in tasks:
        notes += _judged_alike([run for run in runs if run.env == task], task)
    return Grouped(algorithms, tasks, tuple(groups), tuple(notes))


def algorithm_names(runs: Sequence[RunRecord]) -> list[str]:
    """A name for each run's algorithm: the learner's, and what distinguishes runs of it on one environment.

    Runs with equal settings and different seeds are more seeds of one algorithm; with the same seeds they are told apart
    by their folders.
    """
    names = []
    for run in runs:
        family = [other for other in runs if other.learner == run.learner]
        varied = _varied(family)
        told = ", ".join(f"{_short(key, varied)}={_value(run.settings.get(key))}" for key in varied)
        names.append(f"{run.learner} {told}" if told else run.learner)
    return [
        f"{name} ({runs[k].folder.name or runs[k].folder.resolve().name})"
        if _clashes(k, names, runs)
        else name
        for k, name in enumerate(names)
    ]


def _varied(family: Sequence[RunRecord]) -> list[str]:
    """Settings in which runs of one learner on one environment differ."""
    keys = dict.fromkeys(key for run in family for key in run.settings)
    return [
        key
        for key in keys
        if any(
            one.env == other.env and one.settings.get(key) != other.settings.get(key)
            for one in family
            for other in family
        )
    ]


def _short(key: str, among: Sequence[str]) -> str:
    """The last part of a dotted name, if that tells it from the others."""
    last = key.rpartition(".")[2]
    return last if sum(other.rpartition(".")[2] == last for other in among) == 1 else key


def _value(value: Any) -> str:
    text = "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace(" ", "")


def _clashes(k: int, names: Sequence[str], runs: Sequence[RunRecord]) -> bool:
    mine = {seed.seed for seed in runs[k].seeds}
    return any(
        j != k
        and names[j] == names[k]
        and runs[j].env == runs[k].env
        and mine & {seed.seed for seed in runs[j].seeds}
        for j in range(len(runs))
    )


def _members(run: RunRecord, metric: str) -> list[Member]:
    found = []
    for record in run.seeds:
        curve = record.curve(metric)
        if not curve.steps.size and record.evaluations:
            known = sorted({name for seen in record.evaluations.values() for name in seen})
            raise InputError(
                f"{run.name}: its evaluations hold no {metric!r:.60}, only {', '.join(known) or 'nothing'}"
            )
        if not curve.steps.size:
            continue
        try:
            found.append(Member(run, record.seed, check_curve(curve)))
        except InputError as error:
            raise InputError(f"{run.name}, seed {record.seed}, {metric}: {error}") from None
    if not found:
        raise InputError(f"{run.name} has no evaluation yet, so there is nothing to compare")
    return found


def _no_seed_twice(name: str, members: Sequence[Member]) -> tuple[Member, ...]:
    first: dict[int, Member] = {}
    for member in members:
        other = first.setdefault(member.seed, member)
        if other is not member:
            raise InputError(
                f"{other.run.name} and {member.run.name} both have seed {member.seed} of {name} on {member.run.env}, which "
                "would count it twice; give them different --labels"
            )
    return tuple(sorted(members, key=lambda member: member.seed))


def _progress(run: RunRecord) -> list[str]:
    """How far a run is that has not finished."""
    late = []
    there = {record.seed: record for record in run.seeds}
    for seed in run.planned:
        record = there.get(seed)
        if record is None or not record.evaluations:
            late.append(f"seed {seed} has no evaluation yet")
        elif run.steps is not None and max(record.evaluations) < run.steps:
            late.append(f"seed {seed} is at {max(record.evaluations):,} of {run.steps:,} steps")
    if not late:
        return []
    more = f", and {len(late) - 4} more seeds" if len(late) > 4 else ""
    return [f"{run.name} has not finished: {', '.join(late[:4])}{more}."]


def _judged_alike(runs: Sequence[RunRecord], task: str) -> list[str]:
    """Notes on evaluations that were made differently.

    Raises
    ------
    InputError
        If episodes are cut off at different lengths, which gives different returns to the same policy.
    """
    notes = []
    first = runs[0]
    for run in runs[1:]:
        if run.judged["max_steps"] != first.judged["max_steps"]:
            raise InputError(
                f"on {task}, evaluation episodes are {_cut_off(first)} and {_cut_off(run)}, so their returns cannot be compared"
            )
    for key, told in (
        ("greedy", "On {task}, evaluations play the likeliest actions in {yes}, and draw them in {no}."),
        ("episodes", "On {task}, evaluations have between {low} and {high} episodes: some are noisier."),
        (
            "evaluate_every",
            "On {task}, evaluations are between {low} and {high} steps apart; in between, curves are straight lines.",
        ),
    ):
        values = {run.name: run.judged[key] for run in runs if isinstance(run.judged[key], int | float)}
        if len(set(values.values())) < 2:
            continue
        yes, no = ([name for name, value in values.items() if bool(value) is side] for side in (True, False))
        low, high = (f"{end(values.values()):,}" for end in (min, max))
        notes.append(told.format(task=task, yes=_listed(yes), no=_listed(no), low=low, high=high))
    return notes


def _cut_off(run: RunRecord) -> str:
    limit = run.judged["max_steps"]
    return (
        f"never cut off in {run.name}" if limit is None else f"cut off at {_value(limit)} steps in {run.name}"
    )


def _listed(names: Sequence[str], limit: int = 3) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
