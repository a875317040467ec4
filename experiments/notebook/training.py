"""Training from Python: the same run folders as those of `staghunt train`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.training.request import Wish
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

    Running a cell a second time, or after an interruption, goes on with the run in its folder, bit for bit; with more seeds, only
    those are trained that are not there yet.

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
        Further settings by dotted key, such as ``{"learner.dag": "complete"}``, as the command line's ``--set`` takes them.
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
    from experiments.guard import BAD_INPUT
    from experiments.progress import Reporter
    from experiments.run_folders import locked
    from experiments.training.request import Wish, asked_for, check_spec, prepared, train_run
    from experiments.training.runs import is_run
    from games.errors import InputError

    if workers is not None and workers < 1:
        raise InputError(f"workers is a number of at least 1, got {workers}")
    path = Path(out)
    given = {"learner.name": learner, "env": env, "training.steps": steps, "seeds": seeds, "seed": seed}
    options = {key: (value, key) for key, value in given.items()}
    assignments = tuple(f"{key}={_text(value)}" for key, value in (settings or {}).items())
    command = _command(learner, env, {**given, "config": config}, assignments, path)
    wish = Wish(options, config, assignments, path, None, workers, "local", (), command)
    if fresh and is_run(path):
        check_spec(asked_for(wish))  # what cannot be trained costs nothing that has been trained
        with locked(path):
            shutil.rmtree(path)
    wish = _taken_up(wish, path)
    run, left = prepared(wish, quiet)
    if left:
        with Reporter(quiet, f"training {run.title}") as progress:
            failures = train_run(run, left, wish, progress)
        for status, sentence in failures.values():
            raise InputError(sentence) if status == BAD_INPUT else RuntimeError(sentence)
    return run


def _taken_up(wish: Wish, path: Path) -> Wish:
    """The wish to go on with the run in the folder if it is this one, perhaps with fewer seeds."""
    from experiments.training.request import asked_for, taken_up
    from experiments.training.runs import is_run, read_run

    if is_run(path):
        had, wanted = read_run(path).spec, asked_for(wish)
        if had.seeds < wanted.seeds and replace(had, seeds=wanted.seeds) == wanted:
            more = {"seeds": (wanted.seeds, "seeds")}
            return replace(wish, options=more, config=None, assignments=(), out=None, resume=path)
    return taken_up(wish, path, "give another folder, or fresh=True to begin anew")


def _command(
    learner: str, env: str, given: Mapping[str, Any], assignments: tuple[str, ...], out: Path
) -> tuple[str, ...]:
    """The command line that trains the same, for the run's record."""
    words = ["staghunt", "train", learner, env, "--out", str(out)]
    for key in ("training.steps", "seeds", "seed", "config"):
        if given[key] is not None:
            words += [f"--{key.removeprefix('training.')}", str(given[key])]
    for text in assignments:
        words += ["--set", text]
    return tuple(words)


def _text(value: Any) -> str:
    """A setting as ``--set`` reads it; numbers and arrays of NumPy are numbers and lists, and paths are texts."""
    return json.dumps(value, default=lambda odd: odd.tolist() if hasattr(odd, "tolist") else str(odd))
