"""Judging a run as the command line and notebooks ask for it: all its checkpoints, on the same episodes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.evaluation_judge import Asked, Judge
from experiments.evaluation_output import Evaluation
from experiments.evaluation_rules import check_rules
from experiments.evaluation_switch import check_ways
from experiments.film import Film
from experiments.session import Session

if TYPE_CHECKING:
    from experiments.training.runs import Run

EPISODES, BATCH = 1_000, 256


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked about a run.

    Parameters
    ----------
    episodes, batch : int
        How many are played for each training seed, and at once.
    max_steps : int or None
        Where episodes are cut off; as in the run's own evaluations if None and there is no horizon.
    workers : int
        Processes that share the episodes.
    greedy : bool or None
        Whether the likeliest actions are played; as the run says if None.
    dag, execution : str or None
        How graphs are drawn, and how switched teams and swarms are executed; in all ways if None.
    threshold : float or None
        An episode that returns at least this is a success; one that ended if None.
    asked : Asked or None
        About deviating.
    figure, film : bool
        Whether the team shall be drawn, and the first episode be filmed.
    device : str
        Where networks live.
    allow_import : tuple of str
        Further packages that the environment may import.
    seed : int
        Of everything random.
    quiet : bool
        Show no progress.
    """

    episodes: int = EPISODES
    batch: int = BATCH
    max_steps: int | None = None
    workers: int = 1
    greedy: bool | None = None
    dag: str | None = None
    execution: str | None = None
    threshold: float | None = None
    asked: Asked | None = None
    figure: bool = False
    film: bool = False
    device: str = "cpu"
    allow_import: tuple[str, ...] = ()
    seed: int = 0
    quiet: bool = False


def judged_run(
    run: Run, files: Mapping[int, Path], which: str, request: Request
) -> tuple[Evaluation, Film | None]:
    """Judge the checkpoints of a run.

    Parameters
    ----------
    run : Run
        The run.
    files : mapping of int to Path
        Checkpoints by training seed, as `experiments.trained.checkpoints` finds them.
    which : str
        Which they are, in a word.
    request : Request
        What is asked.

    Returns
    -------
    Evaluation
        What came of it.
    Film or None
        The first episode of the first seed, if asked for.

    Raises
    ------
    InputError
        If something asked for is not there.
    """
    start, asked = time.perf_counter(), request
    check_rules(run.spec.learner, run.spec.name, asked.dag, len(files), False)
    check_ways(run.spec.learner, run.spec.name, asked.execution, asked.dag, asked.figure)
    session = Session(run.spec.env, (), asked.allow_import, asked.workers, asked.film)
    limit = asked.max_steps
    if limit is None and session.spec.horizon is None:
        limit = run.spec.training.max_steps
    film = Film(session.seen, limit) if asked.film else None
    judge = Judge(
        run=run,
        session=session,
        greedy=asked.greedy,
        dag=asked.dag,
        execution=asked.execution,
        device=asked.device,
        seed=asked.seed,
        episodes=asked.episodes,
        batch=asked.batch,
        limit=limit,
        asked=asked.asked,
        figure=asked.figure,
        quiet=asked.quiet,
    )
    first = next(iter(files))
    seeds = tuple(judge(seed, file, film if seed == first else None) for seed, file in files.items())
    greedy = run.spec.training.greedy if asked.greedy is None else asked.greedy
    seconds = time.perf_counter() - start
    told = Evaluation(
        run.path,
        run.spec.name,
        session.spec,
        seeds,
        which,
        greedy,
        asked.threshold,
        asked.seed,
        limit,
        seconds,
    )
    return told, film
