"""The rules computed in advance of a trained swarm: read from its checkpoint, written to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from games.env import EnvSpec
from games.open_loop import OpenLoop, save_rules

if TYPE_CHECKING:
    from experiments.training.runs import Run


def open_rules(
    run: Run, file: Path, *, device: str = "cpu", greedy: bool | None = None
) -> tuple[OpenLoop, EnvSpec]:
    """The open-loop policy of a checkpoint, and where it was trained.

    Parameters
    ----------
    run : Run
        Of a learner whose swarms follow rules (`experiments.evaluation_rules.has_rules`).
    file : Path
        One of its checkpoints.
    device : str
        Where networks live.
    greedy : bool, optional
        Whether agents take the mean of their rule; as the run says if None.
    """
    from dataclasses import replace

    from experiments.training.runs import Run, team_of

    # otherwise executed, a team is made without computing rules that are computed here
    learner: Any = replace(run.spec.learner, execution="det")
    spare = Run(run.path, replace(run.spec, learner=learner), run.provenance)
    _, env, state, _ = team_of(spare, file, device=device, greedy=greedy)
    own = run.spec.training.greedy if greedy is None else greedy
    policy: OpenLoop = learner.team(state, own).open()
    return policy, env.spec


def write_rules(path: Path, policy: OpenLoop, run: Run, seed: int) -> None:
    """Write an open-loop policy with the run and the training seed that it comes from."""
    surrogate = getattr(run.spec.learner, "surrogate", None)
    save_rules(path, policy, learner=run.spec.name, train_seed=seed, surrogate=surrogate)
