"""Arms of a study: runs of the ordinary trainer, in the folder of a reproduction, taken up where they were stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.papers.claims import NotMeasured, Order, Progress
from experiments.papers.folder import RUNS
from experiments.training.request import Wish, prepared, taken_up, train_run
from experiments.training.runs import LAST, Run, team_of
from games.errors import InputError
from games.policy import JointPolicy

DISCARDED = ".discarded-"
"""What a run is called that is being deleted."""


@dataclass(frozen=True)
class Arm:
    """What is trained, in how many seeds.

    Parameters
    ----------
    name : str
        Of the arm in its study, and of its folder.
    env : str
        URI of the environment.
    learner : str
        Name of the learner.
    settings : mapping
        Further settings by dotted key, such as ``learner.dag`` or ``training.batch``.
    steps, seeds : int
        Joint environment steps of every seed, and how many there are.
    """

    name: str
    env: str
    learner: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 100_000
    seeds: int = 1

    def wish(self, order: Order, out: Path) -> Wish:
        """The command line of `staghunt train` that trains it."""
        options = {"learner.name": self.learner, "env": self.env, "training.steps": self.steps}
        options |= {"seeds": self.seeds, "seed": order.seed, **self.settings}
        given = {key: (value, f"arm {self.name}") for key, value in options.items()}
        return Wish(given, None, (), out, None, order.workers, "local", ())


def trained(arm: Arm, order: Order, progress: Progress) -> Run:
    """The run of an arm, trained to its end: begun, gone on with, or finished already.

    Raises
    ------
    InputError
        If a run of other settings is in its place, or the arm cannot be trained.
    NotMeasured
        If a seed diverged, or its process died.
    """
    out = order.out / RUNS / arm.name
    _clear(out, arm.name, order)
    wish = arm.wish(order, out)
    wish = taken_up(wish, out, f"arm {arm.name} has changed since; --fresh trains it anew")
    run, left = prepared(wish, order.quiet)
    if left:
        failures = train_run(run, left, wish, lambda part, told: progress(part, f"{arm.name}: {told}"))
        for _, sentence in failures.values():
            raise NotMeasured(f"arm {arm.name}: {sentence}")
    return run


def _clear(out: Path, name: str, order: Order) -> None:
    """With --fresh, delete the run of an arm once; always, what is left of such deletions."""
    try:
        if order.fresh and name not in order.renewed and out.exists():
            out.rename(out.with_name(DISCARDED + name))  # a half-deleted run never stands in its place
        for left in out.parent.glob(f"{DISCARDED}*"):
            shutil.rmtree(left)
    except OSError as error:
        raise InputError(f"cannot delete {out}: {error.strerror or error}") from None
    order.renewed.add(name)


def teams(run: Run, *, greedy: bool) -> Iterator[JointPolicy]:
    """The team at the end of every seed's training."""
    env = None
    for seed in run.seeds:
        _, env, _, team = team_of(run, run.folder(seed) / LAST, greedy=greedy, env=env)
        yield team


def part_of(progress: Progress, number: int, count: int) -> Progress:
    """Progress of one of `count` parts of equal length as progress of the whole."""

    return share_of(progress, number / count, 1 / count)


def share_of(progress: Progress, start: float, share: float) -> Progress:
    """Progress of a part that begins at `start` and is `share` of the whole."""

    def told(fraction: float, message: str) -> None:
        progress(start + share * min(max(fraction, 0.0), 1.0), message)

    return told


def trained_all(arms: Sequence[Arm], order: Order, progress: Progress) -> dict[str, Run]:
    """The runs of several arms by their names, trained one arm after the other."""
    return {arm.name: trained(arm, order, part_of(progress, k, len(arms))) for k, arm in enumerate(arms)}
