"""Training from Python: the same run folders as those of `staghunt train`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.training.runs import Run


def train(
    learner: str,
    env: str,
    *,
    out: str | Path,
    steps: int | None = None,
    seeds: int = 1,
    seed: int = 0,
    config: str | None = None,
    settings: Mapping[str, Any] | None = None,
    workers: int | None = None,
    fresh: bool = False,
    quiet: bool = False,
) -> Run:
    """Train a team, or read the run if it has been trained already.

    Running a cell a second time, or after an interruption, goes on with the run in its folder, bit for bit.

    Parameters
    ----------
    learner : str
        Its name, such as ``mappo``; `staghunt train LEARNER --options` lists its settings.
    env : str
        URI of the environment.
    out : str or Path
        Folder of the run.
    steps : int, optional
        Joint environment steps of every seed.
    seeds, seed : int
        How many training seeds, and the first of them.
    config : str, optional
        A recipe or a YAML file, under everything else.
    settings : mapping, optional
        Further settings by dotted key, such as ``{"learner.dag": "complete"}``.
    workers : int, optional
        Seeds trained at a time; as many as cores.
    fresh : bool
        Whether a run in the same folder is thrown away first.
    quiet : bool
        Show no progress.

    Returns
    -------
    Run
        ``.path`` is its folder; see also `evaluate`.

    Raises
    ------
    InputError
        If a setting is wrong, or a run of other settings is in the folder.
    RuntimeError
        If learning diverged or a process died, with what `staghunt train` would say.
    """
    from experiments.progress import Reporter
    from experiments.training.request import Wish, prepared, taken_up, train_run
    from experiments.training.runs import is_run

    path = Path(out)
    given = {"learner.name": learner, "env": env, "training.steps": steps, "seeds": seeds, "seed": seed}
    options = {key: (value, key) for key, value in {**given, **(settings or {})}.items()}
    wish = Wish(options, config, (), path, None, workers, "local", ())
    if fresh and is_run(path):
        shutil.rmtree(path)
    wish = taken_up(wish, path, "give another folder, or fresh=True to begin anew")
    run, left = prepared(wish, quiet)
    if left:
        with Reporter(quiet, f"training {run.title}") as progress:
            failures = train_run(run, left, wish, progress)
        for _, sentence in failures.values():
            raise RuntimeError(sentence)
    return run
