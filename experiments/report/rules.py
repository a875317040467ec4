"""What runs of `decpomfc` learned: the rules computed in advance of the seed with the best evaluation, over an episode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.open_rules import open_rules
from experiments.report.best import Progress, best_checkpoint
from experiments.report.figures import Picture, picture
from experiments.swarm_plots import rules_figure
from experiments.training.runs import Run
from games.errors import InputError
from games.open_loop import OpenLoop

LEARNER = "decpomfc"


@dataclass(frozen=True)
class RulesSection:
    """The section about rules.

    Parameters
    ----------
    pictures : list of Picture
        The mean action by what is seen, at four moments.
    notes : list of str
        What could not be looked at, and why.
    """

    pictures: list[Picture]
    notes: list[str]


def rules_of(run: Run, progress: Progress) -> RulesSection | None:
    """Look at the rules of a run; None if its learner has none.

    Parameters
    ----------
    run : Run
        A run of `staghunt train`.
    progress : callable
        ``progress(fraction, text)``.
    """
    if run.spec.name != LEARNER:
        return None
    found = best_checkpoint(run)
    if found is None:
        return RulesSection([], ["There is no checkpoint yet."])
    seed, file = found
    progress(0.0, f"computing the rules of seed {seed}")
    try:
        policy, spec = _computed(run, file)
    except InputError as error:
        return RulesSection([], [str(error)])
    return RulesSection([_picture(seed, policy, spec, run.spec.learner)], [])


def _computed(run: Run, file: Path) -> tuple[OpenLoop, Any]:
    from experiments.training.driver import settled

    with settled(run.spec.training.threads, "cpu"):
        return open_rules(run, file)


def _picture(seed: int, policy: OpenLoop, spec: Any, learner: Any) -> Picture:
    family = policy.family
    kernels = "" if family.family == "histogram" else f", bandwidth {family.bandwidth:g} grid spacings"
    return picture(
        lambda: rules_figure(policy, spec),
        f"Mean action by what an agent sees, at four steps of an episode, of the rules of seed {seed}",
        f"Seed {seed}, best evaluation. Rules ({family.family}{kernels}; dots are grid points) computed in advance on a "
        f"swarm of {learner.surrogate:,} agents: with them everybody acts by the step and what it sees alone.",
    )
