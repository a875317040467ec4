"""Judging runs from Python: what `staghunt evaluate` tells, as an object that shows itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.evaluation_output import Evaluation
    from experiments.training.runs import Run


def evaluate(
    run: Run | str | Path,
    *,
    checkpoint: str = "best",
    train_seed: int | None = None,
    exploitability: bool = False,
    responder: str | None = None,
    steps: int | None = None,
    gain_episodes: int = 2_000,
    agents: tuple[str, ...] = (),
    quiet: bool = False,
    **more: Any,
) -> Evaluation:
    """Play episodes with the policies of a run.

    Parameters
    ----------
    run : Run, str or Path
        What `train` returned, or the folder of a run, of one of its seeds, or a checkpoint.
    checkpoint : str
        ``best``, ``last`` or a file.
    train_seed : int, optional
        One of the run's seeds; all by default.
    exploitability : bool
        Whether to tell what an agent could gain by deviating.
    responder, steps, gain_episodes, agents
        How responses are trained where gains are not exact; as on the command line.
    quiet : bool
        Show no progress.
    **more
        Fields of `experiments.evaluation_request.Request`: ``episodes``, ``seed``, ``greedy``, ``execution``,
        ``dag``, ``max_steps``, ``threshold``, ``figure``.

    Returns
    -------
    Evaluation
        ``.summaries()`` has mean score, returns and intervals of every seed; ``.document()`` everything, as `--json`.

    Raises
    ------
    InputError
        If something asked for is not there.
    """
    from experiments.evaluation_judge import Asked
    from experiments.evaluation_request import Request, judged_run
    from experiments.trained import checkpoints, folder_of
    from experiments.training.driver import settled
    from games.errors import InputError

    if not exploitability and (responder is not None or steps is not None or agents):
        raise InputError("responder, steps and agents are for exploitability=True")
    for name in ("episodes", "batch", "workers", "max_steps"):
        if more.get(name) is not None and more[name] < 1:
            raise InputError(f"{name} is a number of at least 1, got {more[name]}")
    found, files = checkpoints(folder_of(run), checkpoint, train_seed)
    asked = Asked(responder, steps, gain_episodes, tuple(agents)) if exploitability else None
    request = Request(asked=asked, quiet=quiet, **more)
    with settled(found.spec.training.threads, request.device):
        return judged_run(found, files, checkpoint, request)[0]
